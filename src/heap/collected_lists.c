/* collected_lists.c - collected spans: their mark bits, their lists, and what is known of layouts.
 */
#include "collected_parts.h"

struct boski_collected boski_collected; /* trigger 0: the first allocation starts the collector */
struct boski_gc_list *boski_gc_registry;
struct boski_lock boski_gc_lists_lock;

static struct boski_lock locks[BOSKI_GC_LOCKS];
static struct boski_gc_list plain[2][BOSKI_NUM_SMALL]; /* [0]: pointer-free; class 0: large */
static struct boski_gc_list tiny_list;
static struct boski_layout *layouts;
static size_t marks_done; /* bytes of the table that are committed */

/* ---- mark bits ------------------------------------------------------------------- */

static struct boski_lock marks_lock;

/* Makes the mark bits of pages below `end` usable. */
static bool marks_cover(size_t end)
{
    const size_t page_bytes = BOSKI_WORDS_PER_PAGE * sizeof(uint64_t);
    size_t need = end * page_bytes, max = boski_map.max_pages * page_bytes;
    bool ok = true;
    if (need <= __atomic_load_n(&marks_done, __ATOMIC_ACQUIRE)) return true;
    boski_lock(&marks_lock);
    max = (max + boski_os.page - 1) & ~(boski_os.page - 1);
    if (boski_collected.marks == NULL) {
        void *t = boski_os_reserve(max, boski_os.page);
        __atomic_store_n(&boski_collected.marks, (uint64_t *)t, __ATOMIC_RELEASE);
        ok = t != NULL;
    }
    if (ok && need > marks_done) {
        size_t step = (need + 262143) & ~(size_t)262143;
        if (step > max) step = max;
        step = (step + boski_os.page - 1) & ~(boski_os.page - 1);
        char *base = (char *)boski_collected.marks;
        ok = boski_os_commit(base + marks_done, step - marks_done);
        if (ok) {
            boski_count(&boski_ctr->metadata_bytes, step - marks_done);
            boski_collected.table_bytes = step;
            __atomic_store_n(&marks_done, step, __ATOMIC_RELEASE);
        }
    }
    boski_unlock(&marks_lock);
    return ok;
}

/* ---- lists and layouts ------------------------------------------------------------- */

static void list_init(struct boski_gc_list *l, unsigned c, unsigned kind,
                      const struct boski_layout *layout)
{
    static uint32_t turn;
    l->class_ = (uint8_t)c;
    l->kind = (uint8_t)kind;
    l->layout = layout;
    l->lock = &locks[turn++ % BOSKI_GC_LOCKS];
    l->next = boski_gc_registry;
    l->queued = true;
    __atomic_store_n(&boski_gc_registry, l, __ATOMIC_RELEASE);
}
struct boski_gc_list *boski_gc_plain_list(unsigned c, bool noscan)
{
    struct boski_gc_list *l = &plain[!noscan][c];
    if (BOSK_LIKELY(__atomic_load_n(&l->queued, __ATOMIC_ACQUIRE))) return l;
    boski_lock(&boski_gc_lists_lock);
    if (!l->queued) list_init(l, c, noscan ? BOSK_KIND_NOSCAN : BOSK_KIND_SCAN, NULL);
    boski_unlock(&boski_gc_lists_lock);
    return l;
}

bool boski_gc_same_layout(const bosk_type *a, const bosk_type *b)
{
    size_t words = (a->ptrwords + 63) / 64;
    return a->size == b->size && a->ptrwords == b->ptrwords &&
           memcmp(a->ptrmask, b->ptrmask, words * sizeof(uint64_t)) == 0;
}
static bool mask_bit(const bosk_type *t, size_t word)
{
    return word < t->ptrwords && (t->ptrmask[word >> 6] >> (word & 63) & 1) != 0;
}
/* The bits of an object of `bytes`, at most 64 words. */
static uint64_t slot_mask(const bosk_type *t, size_t bytes)
{
    uint64_t mask = 0;
    size_t words = bytes / sizeof(void *), each = t->size / sizeof(void *);
    if (words > 64 || each == 0) return 0;
    for (size_t w = 0; w < words; w++)
        if (mask_bit(t, w % each)) mask |= (uint64_t)1 << w;
    return mask;
}

/* A copy of the layout of `t` for objects of class `c`; boski_gc_lists_lock held. */
static struct boski_layout *layout_new(const bosk_type *t, size_t object_bytes)
{
    size_t mask_bytes = (t->ptrwords + 63) / 64 * sizeof(uint64_t);
    size_t name_bytes = t->name != NULL ? strnlen(t->name, 63) + 1 : 1;
    char *m = boski_meta_alloc(sizeof(struct boski_layout) + mask_bytes + name_bytes);
    if (m == NULL) return NULL;
    struct boski_layout *l = (struct boski_layout *)(void *)m;
    uint64_t *mask = (uint64_t *)(void *)(m + sizeof *l);
    char *name = (char *)mask + mask_bytes;
    memcpy(mask, t->ptrmask, mask_bytes);
    if (name_bytes > 1) memcpy(name, t->name, name_bytes - 1);
    l->type = *t;
    l->type.hash = NULL;
    l->type.equal = NULL;
    l->type.ptrmask = mask;
    l->type.name = name;
    l->slot_mask = slot_mask(t, object_bytes);
    l->next = layouts;
    layouts = l;
    return l;
}

/* The list for `type`, which has a mask, and class `c`; NULL when there is no memory. */
struct boski_gc_list *boski_gc_typed_list(const bosk_type *type, unsigned c)
{
    struct boski_gc_list *l;
    boski_lock(&boski_gc_lists_lock);
    for (l = boski_gc_registry; l != NULL; l = l->next)
        if (l->layout != NULL && l->class_ == c && boski_gc_same_layout(&l->layout->type, type))
            break;
    if (l == NULL) {
        struct boski_layout *layout = layout_new(type, c != 0 ? boski_class[c].size : 0);
        l = layout != NULL ? boski_meta_alloc(sizeof *l) : NULL;
        if (l != NULL) list_init(l, c, BOSK_KIND_SCAN, layout);
    }
    boski_unlock(&boski_gc_lists_lock);
    return l;
}

struct boski_gc_list *boski_gc_tiny_list(void)
{
    boski_lock(&boski_gc_lists_lock);
    if (!tiny_list.queued) {
        tiny_list.tiny = true;
        list_init(&tiny_list, 2, BOSK_KIND_NOSCAN, NULL);
    }
    boski_unlock(&boski_gc_lists_lock);
    return &tiny_list;
}

/* ---- spans ----------------------------------------------------------------------------- */

struct mspan *boski_gc_span_new(struct boski_gc_list *l, size_t npages, size_t align_pages)
{
    struct mspan *s = boski_mheap_alloc(npages, align_pages, BOSKI_C_SPECIAL, 0);
    if (s == NULL) return NULL;
    if (!marks_cover(s->page + 1)) {
        boski_mheap_free(s);
        return NULL;
    }
    if (l->class_ != 0)
        boski_span_init(s, l->class_);
    else
        s->bits[0] = 0;
    s->type = l->layout != NULL ? &l->layout->type : NULL;
    s->owner = l;
    s->kind = l->kind;
    s->sweepgen = boski_collected.sweepgen;
    if (l->tiny) s->flags |= BOSKI_SPAN_TINY;
    memset(boski_gc_marks(s), 0, (s->nelems + 63) / 64 * sizeof(uint64_t));
    s->prev = NULL;
    s->next = l->spans;
    if (s->next != NULL) s->next->prev = s;
    l->spans = s;
    l->count++;
    __atomic_fetch_add(&boski_collected.span_bytes, boski_span_bytes(s), __ATOMIC_RELAXED);
    /* Last: from here on a word that looks like an address in it is one. */
    __atomic_store_n(&s->home, (uint8_t)BOSK_HOME_COLLECTED, __ATOMIC_RELEASE);
    return s;
}
/* Takes the span out of its list; the caller gives it to the page heap. */
void boski_gc_span_unlink(struct boski_gc_list *l, struct mspan *s)
{
    if (l->at == s) l->at = s->next;
    if (l->sweep_at == s) l->sweep_at = s->next;
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        l->spans = s->next;
    if (s->next != NULL) s->next->prev = s->prev;
    l->count--;
    s->home = BOSK_HOME_MANUAL;
    s->owner = NULL;
    __atomic_fetch_sub(&boski_collected.span_bytes, boski_span_bytes(s), __ATOMIC_RELAXED);
}

void boski_gc_each_span(void (*fn)(void *ctx, struct mspan *s), void *ctx)
{
    for (struct boski_gc_list *l = boski_gc_registry; l != NULL; l = l->next)
        for (struct mspan *s = l->spans; s != NULL; s = s->next) fn(ctx, s);
}

/* ---- locks and fork ---- */

void boski_gc_lock_all(void)
{
    boski_lock(&boski_gc_lists_lock);
    for (unsigned i = 0; i < BOSKI_GC_LOCKS; i++) boski_lock(&locks[i]);
    boski_lock(&marks_lock);
    boski_lock(&boski_mheap.lock);
}
void boski_gc_unlock_all(void)
{
    boski_unlock(&boski_mheap.lock);
    boski_unlock(&marks_lock);
    for (unsigned i = BOSKI_GC_LOCKS; i-- > 0;) boski_unlock(&locks[i]);
    boski_unlock(&boski_gc_lists_lock);
}
void boski_gc_fork(int step)
{
    if (step == 0) {
        boski_lock(&boski_gc_lists_lock);
        for (unsigned i = 0; i < BOSKI_GC_LOCKS; i++) boski_lock(&locks[i]);
        boski_lock(&marks_lock);
    } else {
        boski_unlock(&marks_lock);
        for (unsigned i = BOSKI_GC_LOCKS; i-- > 0;) boski_unlock(&locks[i]);
        boski_unlock(&boski_gc_lists_lock);
    }
}
