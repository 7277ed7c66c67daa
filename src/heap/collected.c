/* collected.c - allocation of collected memory; see collected.h. */
#include "collected_parts.h"

#include <errno.h>

#define RUN_BYTES 8192 /* a run is at most so long, or one object */

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
        boski_gc_ensure_swept(r->span);
        if (take_run(r, r->span)) return true;
        drop_span(r);
    }
    for (;;) {
        struct mspan *s = l->at;
        if (s == NULL) break;
        l->at = s->next;
        if (s->where == BOSKI_CACHED) continue;
        boski_gc_ensure_swept(s);
        if (s->nfree == 0) continue;
        BOSKI_SET(s->where, BOSKI_CACHED);
        r->span = s;
        r->slot = 0;
        if (take_run(r, s)) return true;
        drop_span(r);
    }
    struct mspan *s = boski_gc_span_new(l, span_pages(l), 1);
    if (s == NULL) return false;
    BOSKI_SET(s->where, BOSKI_CACHED);
    r->span = s;
    r->slot = 0;
    return take_run(r, s);
}

/* The lane that objects of `size` bytes and class `c` are counted under. */
static unsigned counting_lane(uint32_t size, unsigned c)
{
    if (size == 24) return BOSKI_LANE_24;
    if (size <= BOSKI_FAST_MAX) return (unsigned)(size + 15) >> 4;
    return c - BOSKI_FIRST_MEDIUM + BOSKI_LANES_FAST;
}
static void count_run(struct mcache *mc, struct boski_gc_run *r)
{
    if (r->cur == r->mark) return;
    size_t bytes = (size_t)(r->cur - r->mark), n = bytes / r->size;
    r->mark = r->cur;
    boski_pend(mc, &mc->pending.mallocs[counting_lane(r->size, r->list->class_)], n);
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
        boski_gc_ensure_swept(s);
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
BOSKI_RACY void boski_gc_cache_uncounted(struct mcache *mc, struct bosk_record_counters *sum)
{
    struct boski_gc_cache *g = __atomic_load_n(&mc->gc, __ATOMIC_ACQUIRE);
    if (g == NULL) return;
    for (size_t i = 0; i < BOSKI_GC_RUNS; i++) {
        struct boski_gc_run *r = nth_run(g, i);
        char *at = __atomic_load_n(&r->cur, __ATOMIC_RELAXED), *mark = r->mark;
        const struct boski_gc_list *l = __atomic_load_n(&r->list, __ATOMIC_RELAXED);
        uint32_t size = r->size;
        if (mark == NULL || at <= mark || (size_t)(at - mark) > RUN_BYTES) continue;
        if (l == NULL || l->class_ == 0 || size != boski_class[l->class_].size) continue;
        size_t n = (size_t)(at - mark) / size;
        sum->mallocs[counting_lane(size, l->class_)] += n;
        sum->live_bytes += (uint64_t)n * size;
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

/* ---- allocation ---- */

static void *alloc_large(const bosk_type *type, size_t bytes, size_t align, bool zero)
{
    if (bytes > (size_t)PTRDIFF_MAX - BOSKI_PAGE_BYTES - align) return NULL;
    size_t npages = (bytes + BOSKI_PAGE_BYTES - 1) >> BOSKI_PAGE_SHIFT;
    size_t align_pages = align > BOSKI_PAGE_BYTES ? align >> BOSKI_PAGE_SHIFT : 1;
    struct boski_gc_list *l =
        !is_typed(type) ? boski_gc_plain_list(0, type->noscan) : boski_gc_typed_list(type, 0);
    if (l == NULL) return NULL;
    account(npages << BOSKI_PAGE_SHIFT);
    boski_lock(l->lock);
    struct mspan *s = boski_gc_span_new(l, npages == 0 ? 1 : npages, align_pages);
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

static struct boski_gc_run *typed_run(struct mcache *mc, struct boski_gc_cache *g,
                                      const bosk_type *type, size_t bytes, size_t align)
{
    size_t h = ((uintptr_t)type >> 4) + bytes;
    struct boski_gc_run *r = &g->typed[(h ^ h >> 6) % BOSKI_TYPED_RUNS];
    if (BOSK_LIKELY(r->type == type && r->bytes == bytes && r->mask0 == *type->ptrmask &&
                    r->type_bytes == type->size && r->type_words == type->ptrwords) &&
        (type->ptrwords <= 64 || boski_gc_same_layout(&r->list->layout->type, type)))
        return r;
    unsigned c = class_for(bytes, align);
    struct boski_gc_list *l = boski_gc_typed_list(type, c);
    if (l == NULL) return NULL;
    give_back(mc, r);
    r->list = l;
    r->size = boski_class[c].size;
    r->type = type;
    r->mask0 = *type->ptrmask;
    r->type_bytes = (uint32_t)type->size;
    r->type_words = type->ptrwords;
    r->bytes = bytes;
    return r;
}

static void *no_cache_alloc(const bosk_type *type, size_t bytes, size_t align)
{
    /* A thread that is ending: an object of its own span, rare enough. */
    size_t whole = bytes < BOSKI_PAGE_BYTES ? BOSKI_PAGE_BYTES : bytes;
    return alloc_large(type, whole, align, true);
}

static BOSKI_NOINLINE void *alloc_slow(const bosk_type *type, size_t bytes, size_t align, bool zero)
{
    if (!boski_heap_init()) return NULL;
    unsigned c = class_for(bytes, align);
    if (c == 0) return alloc_large(type, bytes, align, zero);
    struct mcache *mc = boski_mcache();
    if (mc == NULL) return no_cache_alloc(type, bytes, align);
    if (mc->gc == NULL && cache_new(mc) == NULL) return NULL;
    return boski_gc_alloc(type, bytes, align, zero);
}
void *boski_gc_alloc(const bosk_type *type, size_t bytes, size_t align, bool zero)
{
    struct mcache *mc = boski_mcache_peek();
    struct boski_gc_cache *g = mc != NULL ? mc->gc : NULL;
    if (BOSK_UNLIKELY(g == NULL || bytes > BOSKI_SMALL_MAX || align > 16)) {
        if (g == NULL || class_for(bytes, align) == 0) return alloc_slow(type, bytes, align, zero);
    }
    struct boski_gc_run *r;
    if (is_typed(type)) {
        r = typed_run(mc, g, type, bytes, align);
        if (r == NULL) return NULL;
    } else {
        unsigned c = class_for(bytes, align);
        r = &g->run[!type->noscan][c];
        if (BOSK_UNLIKELY(r->list == NULL)) {
            r->list = boski_gc_plain_list(c, type->noscan);
            r->size = boski_class[c].size;
        }
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
        r->list = boski_gc_tiny_list();
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
    boski_gc_ensure_swept(s);
    uint64_t bit = (uint64_t)1 << (slot & 63);
    if ((s->bits[slot >> 6] & bit) != 0) {
        boski_unlock(l->lock);
        boski_bad_free(p, "double free");
    }
    boski_gc_bury(s, (uint32_t)(slot >> 6), bit);
    s->bits[slot >> 6] |= bit;
    s->nfree++;
    s->needzero = 1;
    boski_gc_book_frees(s, 1);
    if (s->class_ == 0) {
        boski_gc_span_unlink(l, s);
        release = s;
    }
    boski_unlock(l->lock);
    if (release != NULL) boski_mheap_free(release);
}
