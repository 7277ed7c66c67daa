/* walk.c - visiting spans and blocks, finding the block around an address, statistics. */
#include "arena.h"
#include "mcache.h"
#include "waiting.h"

#include <errno.h>
#include <stdlib.h>

/* ---- pointers that threads have cached: free, though their bits say taken ------- */

struct cached {
    uintptr_t *p;
    size_t n, cap;
};
static void cached_count(void *ctx, void *p)
{
    (void)p;
    ((struct cached *)ctx)->n++;
}
static void cached_add(void *ctx, void *p)
{
    struct cached *c = ctx;
    if (c->n < c->cap) c->p[c->n++] = (uintptr_t)p;
}
/* Heap sort: in place, no recursion, no allocation. */
static void sift(uintptr_t *a, size_t i, size_t n)
{
    for (;;) {
        size_t k = 2 * i + 1;
        if (k >= n) return;
        if (k + 1 < n && a[k + 1] > a[k]) k++;
        if (a[i] >= a[k]) return;
        uintptr_t t = a[i];
        a[i] = a[k];
        a[k] = t;
        i = k;
    }
}
static void sort(uintptr_t *a, size_t n)
{
    for (size_t i = n / 2; i-- > 0;) sift(a, i, n);
    for (size_t end = n; end > 1;) {
        end--;
        uintptr_t t = a[0];
        a[0] = a[end];
        a[end] = t;
        sift(a, 0, end);
    }
}
/* Index of the first entry >= `p`. */
static size_t lower(const struct cached *c, uintptr_t p)
{
    size_t lo = 0, hi = c->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->p[mid] < p)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* ---- the walk ------------------------------------------------------------------- */

#define WORDS_MAX 256 /* bits of a span: at most 16,384 objects */

/* Copies the span at or after page `*at` below `end`; false when there is none. */
BOSKI_RACY static bool next_span(size_t *at, size_t end, struct mspan *out, uint64_t *bits)
{
    bool found = false;
    boski_lock(&boski_mheap.lock);
    for (; *at < end; (*at)++) {
        if (boski_map.cmap[*at] == BOSKI_C_NONE) continue;
        const struct mspan *s = boski_map.spans[*at];
        *out = *s;
        *at = s->page + s->npages;
        uint32_t words = (s->nelems + 63) / 64;
        BOSKI_ASSERT(1, words <= WORDS_MAX);
        for (uint32_t i = 0; i < words; i++)
            bits[i] = __atomic_load_n(&s->bits[i], __ATOMIC_ACQUIRE);
        found = true;
        break;
    }
    boski_unlock(&boski_mheap.lock);
    return found;
}

static bool visit(const struct mspan *s, uint64_t *bits, const struct cached *cached,
                  unsigned flags, bosk_walk_fn fn, void *ctx)
{
    for (size_t i = lower(cached, s->base);
         i < cached->n && cached->p[i] < s->base + boski_span_bytes(s); i++) {
        size_t slot = boski_slot_of(s, (void *)cached->p[i]);
        if (slot < s->nelems) bits[slot >> 6] |= (uint64_t)1 << (slot & 63);
    }
    uint32_t nfree = 0;
    for (uint32_t i = 0; i < (s->nelems + 63) / 64; i++)
        nfree += (uint32_t)__builtin_popcountll(bits[i]);
    struct bosk_span_info info = {
        .base = (void *)s->base,
        .bytes = boski_span_bytes(s),
        .elem_bytes = s->elem_bytes,
        .nelems = s->nelems,
        .nlive = s->nelems - nfree,
        .class_ = s->class_,
        .kind = s->kind,
        .home = s->home,
        .sampled = (s->flags & BOSKI_SPAN_SAMPLED) != 0,
        .heap = s->home == BOSK_HOME_HEAP || s->home == BOSK_HOME_ARENA ? s->owner : NULL,
    };
    if (!fn(ctx, &info, NULL, 0)) return false;
    if ((flags & BOSK_WALK_BLOCKS) == 0) return true;
    if (boski_is_chunk(s)) {
        void *start;
        size_t bytes;
        for (uint32_t at = 0; boski_chunk_next(s, bits, &at, &start, &bytes);)
            if (!fn(ctx, &info, start, bytes)) return false;
        return true;
    }
    for (uint32_t i = 0; i < s->nelems; i++) {
        if ((bits[i >> 6] >> (i & 63) & 1) != 0) continue;
        if (!fn(ctx, &info, (void *)(s->base + (uintptr_t)i * s->elem_bytes), s->elem_bytes))
            return false;
    }
    return true;
}

struct walk {
    const bosk_heap *heap;
    unsigned flags;
    bosk_walk_fn fn;
    void *ctx;
    const struct cached *cached;
};
/* Spans that begin in [from, to). */
static int walk_range(const struct walk *w, size_t from, size_t to)
{
    struct mspan s = {0};
    uint64_t bits[WORDS_MAX];
    for (size_t at = from; next_span(&at, to, &s, bits);) {
        if (s.page < from) continue; /* begins in the arena before */
        if (w->heap != NULL && s.owner != w->heap) continue;
        if (!visit(&s, bits, w->cached, w->flags, w->fn, w->ctx)) return -ECANCELED;
    }
    return 0;
}

BOSK_API int bosk_heap_walk(bosk_heap *heap, unsigned flags, bosk_walk_fn fn, void *ctx)
{
    if (!boski_heap_init()) return -ENOMEM;
    struct mcache *mc = boski_mcache();
    if (mc != NULL) boski_mcache_flush(mc);
    struct cached cached = {0};
    boski_mcache_each(cached_count, &cached);
    size_t bytes = 0;
    if (cached.n != 0) {
        cached.cap = cached.n + 4096;
        bytes = (cached.cap * sizeof *cached.p + boski_os.page - 1) & ~(boski_os.page - 1);
        cached.p = boski_os_map(bytes);
        if (cached.p == NULL) return -ENOMEM;
        cached.n = 0;
        boski_mcache_each(cached_add, &cached);
        sort(cached.p, cached.n);
    }
    int err = 0;
    struct walk w = {heap, flags, fn, ctx, &cached};
    /* By address: arenas below the reservation, the reservation, arenas above it. */
    uintptr_t arena = 0;
    size_t page;
    bool region_done = boski_map.region_pages == 0;
    while (err == 0) {
        bool more = boski_arena_next(&arena, &page);
        if (!region_done && (!more || arena > boski_map.base)) {
            err = walk_range(&w, 0, BOSKI_LOOK(boski_map.npages));
            region_done = true;
        }
        if (!more || err != 0) break;
        err = walk_range(&w, page, page + BOSKI_CHUNK_PAGES);
        arena += BOSKI_CHUNK_BYTES;
    }
    if (cached.p != NULL) boski_os_unmap(cached.p, bytes);
    return err;
}

BOSK_API bool bosk_find_block(const void *p, void **start, size_t *bytes)
{
    struct mspan *s = boski_span_of(p);
    if (s == NULL) return false;
    if (boski_is_chunk(s)) return boski_chunk_find(s, p, start, bytes);
    size_t slot = boski_slot_of(s, p);
    if (slot >= s->nelems) return false;
    uint64_t word = __atomic_load_n(&s->bits[slot >> 6], __ATOMIC_ACQUIRE);
    if ((word >> (slot & 63) & 1) != 0) return false; /* free */
    void *block = (void *)(s->base + slot * s->elem_bytes);
    if (BOSK_UNLIKELY(boski_conf.quarantine != 0) && boski_waiting_has(block)) return false;
    if (start != NULL) *start = block;
    if (bytes != NULL) *bytes = s->elem_bytes;
    return true;
}

/* ---- statistics --------------------------------------------------------------------- */

BOSK_API void bosk_heap_stats(struct bosk_heap_stats *out)
{
    memset(out, 0, sizeof *out);
    if (!boski_heap_init()) return;
    struct mcache *mc = boski_mcache_peek();
    if (mc != NULL) boski_mcache_count(mc);
    struct bosk_record_counters sum, *k = &sum;
    for (size_t i = 0; i < sizeof sum / sizeof(uint64_t); i++)
        ((uint64_t *)(void *)&sum)[i] = BOSKI_LOOK(((uint64_t *)(void *)boski_ctr)[i]);
    boski_mcache_add_pending(k);
    for (unsigned i = 0; i < BOSKI_LANES; i++) {
        unsigned c = i < BOSKI_LANES_FAST ? boski_class_of(i != 0 ? i * 16 : 1)
                   : i == BOSKI_LANE_24   ? 3
                                          : i - BOSKI_LANES_FAST + BOSKI_FIRST_MEDIUM;
        uint64_t n = __atomic_load_n(&k->mallocs[i], __ATOMIC_RELAXED);
        out->mallocs += n;
        out->allocated += n * boski_class[c].size;
    }
    for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++) {
        uint64_t n = __atomic_load_n(&k->frees[c], __ATOMIC_RELAXED);
        out->frees += n;
        out->freed += n * boski_class[c].size;
    }
    out->mallocs += k->large_allocs;
    out->frees += k->large_frees;
    out->allocated += k->large_alloc_bytes;
    out->freed += k->large_free_bytes;
    out->live = k->live_bytes;
    out->peak = k->peak_bytes;
    boski_lock(&boski_mheap.lock);
    out->spans_inuse = (uint64_t)boski_mheap.spans_inuse_pages << BOSKI_PAGE_SHIFT;
    out->dirty = (uint64_t)boski_pages_dirty() << BOSKI_PAGE_SHIFT;
    out->released = (uint64_t)boski_pages_clean() << BOSKI_PAGE_SHIFT;
    boski_unlock(&boski_mheap.lock);
    out->mapped = k->mapped_bytes;
    out->metadata = k->metadata_bytes;
    out->limit = boski_conf.memlimit;
    out->released_total = k->os_release_bytes;
    out->thrashed = k->thrash_bytes;
    out->cleared = k->cleared_bytes;
    out->spared = k->spared_bytes;
}
