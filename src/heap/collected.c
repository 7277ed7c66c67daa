/* collected.c - allocation of collected memory; see collected.h. */
#include "collected.h"

#include <errno.h>

struct boski_collected boski_collected; /* trigger 0: the first allocation starts the collector */

static struct boski_lock locks[BOSKI_GC_LOCKS];
static struct boski_lock lists_lock;                   /* registry and layouts */
static struct boski_gc_list plain[2][BOSKI_NUM_SMALL]; /* [0]: pointer-free; class 0: large */
static struct boski_gc_list tiny_list;
static struct boski_gc_list *registry; /* every list that has had a span */
static struct boski_layout *layouts;
static size_t marks_done; /* bytes of the table that are committed; under mheap.lock's caller */

#define RUN_BYTES 8192 /* a run is at most so long, or one object */

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
    l->next = registry;
    l->queued = true;
    __atomic_store_n(&registry, l, __ATOMIC_RELEASE);
}
static struct boski_gc_list *plain_list(unsigned c, bool noscan)
{
    struct boski_gc_list *l = &plain[!noscan][c];
    if (BOSK_LIKELY(__atomic_load_n(&l->queued, __ATOMIC_ACQUIRE))) return l;
    boski_lock(&lists_lock);
    if (!l->queued) list_init(l, c, noscan ? BOSK_KIND_NOSCAN : BOSK_KIND_SCAN, NULL);
    boski_unlock(&lists_lock);
    return l;
}

static bool same_layout(const bosk_type *a, const bosk_type *b)
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

/* A copy of the layout of `t` for objects of class `c`; lists_lock held. */
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
static struct boski_gc_list *typed_list(const bosk_type *type, unsigned c)
{
    struct boski_gc_list *l;
    boski_lock(&lists_lock);
    for (l = registry; l != NULL; l = l->next)
        if (l->layout != NULL && l->class_ == c && same_layout(&l->layout->type, type)) break;
    if (l == NULL) {
        struct boski_layout *layout = layout_new(type, c != 0 ? boski_class[c].size : 0);
        l = layout != NULL ? boski_meta_alloc(sizeof *l) : NULL;
        if (l != NULL) list_init(l, c, BOSK_KIND_SCAN, layout);
    }
    boski_unlock(&lists_lock);
    return l;
}

/* ---- spans ----------------------------------------------------------------------------- */

static struct mspan *span_new(struct boski_gc_list *l, size_t npages, size_t align_pages)
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
static void span_unlink(struct boski_gc_list *l, struct mspan *s)
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

/* ---- sweeping one span -------------------------------------------------------------------- */

static void book_frees(const struct mspan *s, size_t n)
{
    size_t bytes = n * s->elem_bytes;
    if (s->class_ != 0) {
        boski_count(&boski_ctr->frees[s->class_], n);
    } else {
        boski_count(&boski_ctr->large_frees, n);
        boski_count(&boski_ctr->large_free_bytes, bytes);
    }
    boski_book_live(-(int64_t)bytes);
    __atomic_fetch_add(&boski_collected.freed_bytes, bytes, __ATOMIC_RELAXED);
}
/* Objects `dead` of word `w` are no more. */
static void bury(const struct mspan *s, uint32_t w, uint64_t dead)
{
    bool sampled = (s->flags & BOSKI_SPAN_SAMPLED) != 0;
    if (!sampled && !boski_collected.poison) return;
    for (; dead != 0; dead &= dead - 1) {
        size_t slot = (size_t)w * 64 + (size_t)__builtin_ctzll(dead);
        char *p = (char *)s->base + slot * s->elem_bytes;
        if (sampled) boski_obs_sample_free(p);
        if (boski_collected.poison) memset(p, 0xdb, s->elem_bytes);
    }
}
/* What was not marked is free; the marks are cleared.  Lock held. */
static void sweep_span(struct mspan *s)
{
    uint64_t *marks = boski_gc_marks(s);
    uint32_t words = (s->nelems + 63) / 64, rest = s->nelems % 64;
    size_t freed = 0, nfree = 0;
    for (uint32_t w = 0; w < words; w++) {
        uint64_t all = w + 1 == words && rest != 0 ? ((uint64_t)1 << rest) - 1 : ~(uint64_t)0;
        uint64_t dead = ~s->bits[w] & ~marks[w] & all;
        if (dead != 0) {
            bury(s, w, dead);
            freed += (size_t)__builtin_popcountll(dead);
            s->bits[w] |= dead;
        }
        nfree += (size_t)__builtin_popcountll(s->bits[w]);
        marks[w] = 0;
    }
    s->nfree = (int32_t)nfree;
    s->sweepgen = boski_collected.sweepgen;
    if (freed != 0) s->needzero = 1;
    if (freed != 0) book_frees(s, freed);
}
static inline void ensure_swept(struct mspan *s)
{
    if (s->sweepgen != boski_collected.sweepgen) sweep_span(s);
}

void boski_gc_sweep_begin(void)
{
    __atomic_store_n(&boski_collected.sweepgen, boski_collected.sweepgen + 1, __ATOMIC_RELAXED);
    for (struct boski_gc_list *l = registry; l != NULL; l = l->next) l->at = l->sweep_at = l->spans;
}

/* Sweeps up to `most` spans of the list; wholly free ones go.  False: none is left. */
static bool sweep_list(struct boski_gc_list *l, unsigned most)
{
    struct mspan *free_spans = NULL;
    boski_lock(l->lock);
    while (l->sweep_at != NULL && most-- > 0) {
        struct mspan *s = l->sweep_at;
        l->sweep_at = s->next;
        ensure_swept(s);
        if (s->nfree != (int32_t)s->nelems || s->where == BOSKI_CACHED) continue;
        span_unlink(l, s);
        s->next = free_spans;
        free_spans = s;
    }
    bool more = l->sweep_at != NULL;
    boski_unlock(l->lock);
    for (struct mspan *next; free_spans != NULL; free_spans = next) {
        next = free_spans->next;
        boski_mheap_free(free_spans);
    }
    return more;
}
bool boski_gc_sweep_some(void)
{
    struct boski_gc_list *l = __atomic_load_n(&registry, __ATOMIC_ACQUIRE);
    for (; l != NULL; l = l->next) {
        if (BOSKI_LOOK(l->sweep_at) == NULL) continue;
        if (sweep_list(l, 32)) return true;
    }
    return false;
}
void boski_gc_sweep_all(void)
{
    struct boski_gc_list *l = __atomic_load_n(&registry, __ATOMIC_ACQUIRE);
    for (; l != NULL; l = l->next)
        while (sweep_list(l, 32)) continue;
}

/* ---- runs ----------------------------------------------------------------------------------- */

/* First slot at or behind `i` whose bit is `value`, or nelems. */
static uint32_t next_bit(const struct mspan *s, uint32_t i, bool value)
{
    while (i < s->nelems) {
        uint64_t w = (value ? s->bits[i >> 6] : ~s->bits[i >> 6]) >> (i & 63);
        if (w != 0) {
            i += (uint32_t)__builtin_ctzll(w);
            break;
        }
        i = (i | 63) + 1;
    }
    return i < s->nelems ? i : s->nelems;
}
static void set_range(uint64_t *bits, uint32_t from, uint32_t to, bool value)
{
    for (uint32_t i = from; i < to;) {
        uint32_t n = 64 - (i & 63);
        if (n > to - i) n = to - i;
        uint64_t mask = (n == 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1) << (i & 63);
        if (value)
            bits[i >> 6] |= mask;
        else
            bits[i >> 6] &= ~mask;
        i += n;
    }
}

static uint32_t run_objects(uint32_t size)
{
    if (boski_recording || boski_collected.stress != 0) return 1;
    return size >= RUN_BYTES ? 1 : RUN_BYTES / size;
}
/* The next run of the span at or behind r->slot.  Lock held. */
static bool take_run(struct boski_gc_run *r, struct mspan *s)
{
    uint32_t from = next_bit(s, r->slot, true);
    if (from >= s->nelems) return false;
    uint32_t to = next_bit(s, from, false), most = run_objects(r->size);
    if (to - from > most) to = from + most;
    set_range(s->bits, from, to, false);
    if (boski_collected.marking) set_range(boski_gc_marks(s), from, to, true);
    s->nfree -= (int32_t)(to - from);
    r->slot = to;
    r->mark = (char *)s->base + (size_t)from * s->elem_bytes;
    r->end = (char *)s->base + (size_t)to * s->elem_bytes;
    __atomic_store_n(&r->cur, r->mark, __ATOMIC_RELAXED);
    return true;
}
static void drop_span(struct boski_gc_run *r)
{
    if (r->span != NULL) BOSKI_SET(r->span->where, BOSKI_RELEASED);
    r->span = NULL;
    r->slot = 0;
}
static size_t span_pages(const struct boski_gc_list *l)
{
    const struct boski_class *k = &boski_class[l->class_];
    return l->count < 4 ? k->pages_min : k->pages;
}
/* A run from the list, a span at a time. */
static bool refill_locked(struct boski_gc_run *r)
{
    struct boski_gc_list *l = r->list;
    if (r->span != NULL) {
        ensure_swept(r->span);
        if (take_run(r, r->span)) return true;
        drop_span(r);
    }
    for (;;) {
        struct mspan *s = l->at;
        if (s == NULL) break;
        l->at = s->next;
        if (s->where == BOSKI_CACHED) continue;
        ensure_swept(s);
        if (s->nfree == 0) continue;
        BOSKI_SET(s->where, BOSKI_CACHED);
        r->span = s;
        r->slot = 0;
        if (take_run(r, s)) return true;
        drop_span(r);
    }
    struct mspan *s = span_new(l, span_pages(l), 1);
    if (s == NULL) return false;
    BOSKI_SET(s->where, BOSKI_CACHED);
    r->span = s;
    r->slot = 0;
    return take_run(r, s);
}

static void count_run(struct mcache *mc, struct boski_gc_run *r)
{
    if (r->cur == r->mark) return;
    size_t bytes = (size_t)(r->cur - r->mark), n = bytes / r->size;
    r->mark = r->cur;
    unsigned c = r->list->class_;
    unsigned lane = r->size == 24             ? (unsigned)BOSKI_LANE_24
                  : r->size <= BOSKI_FAST_MAX ? (unsigned)(r->size + 15) >> 4
                                              : c - BOSKI_FIRST_MEDIUM + BOSKI_LANES_FAST;
    boski_pend(mc, &mc->pending.mallocs[lane], n);
    boski_pend_live(mc, (int64_t)(n * r->size));
}

/* Allocated `bytes`: a cycle may be due.  No lock held. */
static void account(size_t bytes)
{
    size_t now = __atomic_add_fetch(&boski_collected.allocated, bytes, __ATOMIC_RELAXED);
    if (now >= BOSKI_LOOK(boski_collected.trigger) || boski_collected.stress != 0)
        boski_gc_hooks.due();
}

static BOSKI_NOINLINE void *run_slow(struct mcache *mc, struct boski_gc_run *r)
{
    if (boski_recording && !boski_tls.inside) boski_obs_check();
    if (r->cur != NULL) count_run(mc, r);
    account(run_objects(r->size) * (size_t)r->size);
    boski_tick(boski_now_ms());
    if (r->cur == r->end) { /* a cycle may have ended with a flush, never with a refill */
        boski_lock(r->list->lock);
        bool ok = refill_locked(r);
        boski_unlock(r->list->lock);
        if (!ok) {
            boski_count(&boski_ctr->failed_allocs, 1);
            return NULL;
        }
        if (r->list->kind == BOSK_KIND_SCAN && r->span->needzero)
            memset(r->cur, 0, (size_t)(r->end - r->cur));
    }
    char *p = r->cur;
    r->cur = p + r->size;
    if (boski_recording) boski_sample_object(p, r->size, r->size);
    return p;
}
static inline void *run_alloc(struct mcache *mc, struct boski_gc_run *r)
{
    char *p = r->cur;
    if (BOSK_UNLIKELY(p == r->end)) return run_slow(mc, r);
    /* Stored before the object is written to: a stop in between finds it in a register. */
    __atomic_store_n(&r->cur, p + r->size, __ATOMIC_RELAXED);
    return p;
}

/* ---- caches ---------------------------------------------------------------------------------- */

static BOSKI_NOINLINE struct boski_gc_cache *cache_new(struct mcache *mc)
{
    struct boski_gc_cache *g = boski_meta_alloc(sizeof *g);
    if (g != NULL) __atomic_store_n(&mc->gc, g, __ATOMIC_RELEASE);
    return g;
}
static struct boski_gc_run *nth_run(struct boski_gc_cache *g, size_t i)
{
    return (struct boski_gc_run *)(void *)g + i;
}
/* Objects of a run that were not handed out are free again. Owner, or nobody, runs. */
static void give_back(struct mcache *mc, struct boski_gc_run *r)
{
    if (r->list == NULL) return;
    count_run(mc, r);
    boski_lock(r->list->lock);
    if (r->cur != r->end) {
        struct mspan *s = r->span;
        ensure_swept(s);
        uint32_t from = (uint32_t)boski_slot_of(s, r->cur);
        uint32_t n = (uint32_t)((size_t)(r->end - r->cur) / r->size);
        set_range(s->bits, from, from + n, true);
        if (boski_collected.marking) set_range(boski_gc_marks(s), from, from + n, false);
        s->nfree += (int32_t)n;
        s->needzero = 1;
    }
    r->cur = r->end = r->mark = NULL;
    drop_span(r);
    boski_unlock(r->list->lock);
}
void boski_gc_cache_flush(struct mcache *mc)
{
    if (mc->gc == NULL) return;
    mc->tiny = NULL;
    for (size_t i = 0; i < BOSKI_GC_RUNS; i++) give_back(mc, nth_run(mc->gc, i));
}
void boski_gc_cache_count(struct mcache *mc)
{
    if (mc->gc == NULL) return;
    for (size_t i = 0; i < BOSKI_GC_RUNS; i++) {
        struct boski_gc_run *r = nth_run(mc->gc, i);
        if (r->cur != r->mark) count_run(mc, r);
    }
}
BOSKI_RACY void boski_gc_cache_each(struct mcache *mc, void (*fn)(void *ctx, void *p), void *ctx)
{
    struct boski_gc_cache *g = __atomic_load_n(&mc->gc, __ATOMIC_ACQUIRE);
    if (g == NULL) return;
    for (size_t i = 0; i < BOSKI_GC_RUNS; i++) {
        struct boski_gc_run *r = nth_run(g, i);
        char *at = __atomic_load_n(&r->cur, __ATOMIC_RELAXED), *end = r->end;
        if (at == NULL || end < at || (size_t)(end - at) > RUN_BYTES) continue;
        for (; at < end; at += r->size) fn(ctx, at);
    }
}
void boski_gc_keep_runs(void)
{
    struct mcache *mc = __atomic_load_n(&boski_mcaches, __ATOMIC_ACQUIRE);
    for (; mc != NULL; mc = mc->next) {
        struct boski_gc_cache *g = mc->gc;
        if (g == NULL || mc->lost) continue;
        for (size_t i = 0; i < BOSKI_GC_RUNS; i++) {
            const struct boski_gc_run *r = nth_run(g, i);
            char *cur = __atomic_load_n(&r->cur, __ATOMIC_RELAXED);
            if (r->span == NULL || cur == r->end) continue;
            uint32_t from = (uint32_t)boski_slot_of(r->span, cur);
            uint32_t n = (uint32_t)((size_t)(r->end - cur) / r->size);
            set_range(boski_gc_marks(r->span), from, from + n, true);
        }
        if (mc->tiny != NULL) {
            struct mspan *s = boski_span_of(mc->tiny);
            uint32_t slot = (uint32_t)boski_slot_of(s, mc->tiny);
            set_range(boski_gc_marks(s), slot, slot + 1, true);
        }
    }
}
void boski_gc_each_span(void (*fn)(void *ctx, struct mspan *s), void *ctx)
{
    for (struct boski_gc_list *l = registry; l != NULL; l = l->next)
        for (struct mspan *s = l->spans; s != NULL; s = s->next) fn(ctx, s);
}

/* ---- locks and fork ----------------------------------------------------------------------------
 */

void boski_gc_lock_all(void)
{
    boski_lock(&lists_lock);
    for (unsigned i = 0; i < BOSKI_GC_LOCKS; i++) boski_lock(&locks[i]);
    boski_lock(&marks_lock);
    boski_lock(&boski_mheap.lock);
}
void boski_gc_unlock_all(void)
{
    boski_unlock(&boski_mheap.lock);
    boski_unlock(&marks_lock);
    for (unsigned i = BOSKI_GC_LOCKS; i-- > 0;) boski_unlock(&locks[i]);
    boski_unlock(&lists_lock);
}
void boski_gc_fork(int step)
{
    if (step == 0) {
        boski_lock(&lists_lock);
        for (unsigned i = 0; i < BOSKI_GC_LOCKS; i++) boski_lock(&locks[i]);
        boski_lock(&marks_lock);
    } else {
        boski_unlock(&marks_lock);
        for (unsigned i = BOSKI_GC_LOCKS; i-- > 0;) boski_unlock(&locks[i]);
        boski_unlock(&lists_lock);
    }
}
/* What lost threads held is found unmarked by the next cycle; their spans serve others. */
void boski_gc_fork_child(void)
{
    for (struct mcache *mc = boski_mcaches; mc != NULL; mc = mc->next) {
        if (mc->gc == NULL || !mc->lost) continue;
        for (size_t i = 0; i < BOSKI_GC_RUNS; i++) drop_span(nth_run(mc->gc, i));
        mc->gc = NULL;
    }
}

/* Whether the objects of a type have a layout: its mask is of use, and repeats in arrays. */
static inline bool is_typed(const bosk_type *t)
{
    return !t->noscan && t->ptrmask != NULL && t->ptrwords != 0 && t->size % sizeof(void *) == 0;
}

/* ---- allocation
 * ----------------------------------------------------------------------------------- */

static void *alloc_large(const bosk_type *type, size_t bytes, size_t align, bool zero)
{
    if (bytes > (size_t)PTRDIFF_MAX - BOSKI_PAGE_BYTES - align) return NULL;
    size_t npages = (bytes + BOSKI_PAGE_BYTES - 1) >> BOSKI_PAGE_SHIFT;
    size_t align_pages = align > BOSKI_PAGE_BYTES ? align >> BOSKI_PAGE_SHIFT : 1;
    struct boski_gc_list *l = !is_typed(type) ? plain_list(0, type->noscan) : typed_list(type, 0);
    if (l == NULL) return NULL;
    account(npages << BOSKI_PAGE_SHIFT);
    boski_lock(l->lock);
    struct mspan *s = span_new(l, npages == 0 ? 1 : npages, align_pages);
    if (s != NULL && boski_collected.marking) boski_gc_marks(s)[0] = 1;
    char *p = s != NULL ? (char *)s->base : NULL;
    boski_unlock(l->lock);
    if (p == NULL) {
        boski_count(&boski_ctr->failed_allocs, 1);
        return NULL;
    }
    size_t block = s->elem_bytes;
    boski_count(&boski_ctr->large_allocs, 1);
    boski_count(&boski_ctr->large_alloc_bytes, block);
    boski_book_live((int64_t)block);
    if (boski_recording) boski_sample_object(p, bytes, block);
    zero = zero || !type->noscan;
    if (zero && s->needzero) memset(p, 0, block);
    if (zero)
        boski_count(s->needzero ? &boski_ctr->cleared_bytes : &boski_ctr->spared_bytes, block);
    return p;
}

static struct boski_gc_run *typed_run(struct mcache *mc, struct boski_gc_cache *g,
                                      const bosk_type *type, unsigned c)
{
    size_t h = ((uintptr_t)type >> 4) * 31 + c;
    struct boski_gc_run *r = &g->typed[(h ^ h >> 6) % BOSKI_TYPED_RUNS];
    if (BOSK_LIKELY(r->type == type && r->size == boski_class[c].size &&
                    r->mask0 == *type->ptrmask && r->type_bytes == type->size &&
                    r->type_words == type->ptrwords) &&
        (type->ptrwords <= 64 || same_layout(&r->list->layout->type, type)))
        return r;
    struct boski_gc_list *l = typed_list(type, c);
    if (l == NULL) return NULL;
    give_back(mc, r);
    r->list = l;
    r->size = boski_class[c].size;
    r->type = type;
    r->mask0 = *type->ptrmask;
    r->type_bytes = (uint32_t)type->size;
    r->type_words = type->ptrwords;
    return r;
}

/* A class whose blocks have the alignment, for `bytes`; 0: none. */
static unsigned class_for(size_t bytes, size_t align)
{
    if (bytes > BOSKI_SMALL_MAX || align > BOSKI_PAGE_BYTES) return 0;
    if (align <= 8 && bytes > 16 && bytes <= 24) return 3;
    if (align <= 16) return boski_class_of(bytes == 0 ? 1 : bytes);
    size_t want = bytes == 0 ? align : (bytes + align - 1) & ~(align - 1);
    for (; want <= BOSKI_SMALL_MAX; want += align) {
        unsigned c = boski_class_of(want);
        if ((boski_class[c].size & (align - 1)) == 0) return c;
    }
    return 0;
}

static void *no_cache_alloc(const bosk_type *type, size_t bytes, size_t align)
{
    /* A thread that is ending: an object of its own span, rare enough. */
    size_t whole = bytes < BOSKI_PAGE_BYTES ? BOSKI_PAGE_BYTES : bytes;
    return alloc_large(type, whole, align, true);
}

void *boski_gc_alloc(const bosk_type *type, size_t bytes, size_t align, bool zero)
{
    if (BOSK_UNLIKELY(!boski_heap_init())) return NULL;
    unsigned c = class_for(bytes, align);
    if (c == 0) return alloc_large(type, bytes, align, zero);
    struct mcache *mc = boski_mcache();
    if (BOSK_UNLIKELY(mc == NULL)) return no_cache_alloc(type, bytes, align);
    struct boski_gc_cache *g = mc->gc;
    if (BOSK_UNLIKELY(g == NULL) && (g = cache_new(mc)) == NULL) return NULL;
    struct boski_gc_run *r;
    if (!is_typed(type)) {
        r = &g->run[!type->noscan][c];
        if (BOSK_UNLIKELY(r->list == NULL)) {
            r->list = plain_list(c, type->noscan);
            r->size = boski_class[c].size;
        }
    } else {
        r = typed_run(mc, g, type, c);
        if (r == NULL) return NULL;
    }
    void *p = run_alloc(mc, r);
    if (p != NULL && zero && type->noscan) memset(p, 0, bytes);
    return p;
}

void *boski_gc_alloc_tiny(void)
{
    struct mcache *mc = boski_mcache();
    static const bosk_type block = {.size = 16, .align = 16, .noscan = true};
    if (mc == NULL) return no_cache_alloc(&block, 16, 16);
    struct boski_gc_cache *g = mc->gc;
    if (g == NULL && (g = cache_new(mc)) == NULL) return NULL;
    struct boski_gc_run *r = &g->tiny;
    if (r->list == NULL) {
        boski_lock(&lists_lock);
        if (!tiny_list.queued) {
            tiny_list.tiny = true;
            list_init(&tiny_list, 2, BOSK_KIND_NOSCAN, NULL);
        }
        boski_unlock(&lists_lock);
        r->list = &tiny_list;
        r->size = boski_class[2].size;
    }
    void *p = run_alloc(mc, r);
    if (p != NULL) memset(p, 0, 16);
    return p;
}

void boski_gc_free(struct mspan *s, void *p)
{
    struct boski_gc_list *l = s->owner;
    size_t slot = boski_slot_of(s, p);
    if ((s->flags & BOSKI_SPAN_TINY) != 0) return; /* others may live in the block */
    if ((uintptr_t)p != s->base + slot * s->elem_bytes || slot >= s->nelems)
        boski_bad_free(p, "invalid pointer");
    struct mspan *release = NULL;
    boski_lock(l->lock);
    if (boski_collected.marking) { /* what it points to may be needed; the next cycle finds it */
        boski_unlock(l->lock);
        return;
    }
    ensure_swept(s);
    uint64_t bit = (uint64_t)1 << (slot & 63);
    if ((s->bits[slot >> 6] & bit) != 0) {
        boski_unlock(l->lock);
        boski_bad_free(p, "double free");
    }
    bury(s, (uint32_t)(slot >> 6), bit);
    s->bits[slot >> 6] |= bit;
    s->nfree++;
    s->needzero = 1;
    book_frees(s, 1);
    if (s->class_ == 0) {
        span_unlink(l, s);
        release = s;
    }
    boski_unlock(l->lock);
    if (release != NULL) boski_mheap_free(release);
}
