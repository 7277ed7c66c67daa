/* hheap.c - first-class heaps: spans of their own, a hard limit, destroyed at once.
 *
 * An object is found by the bits of a span of the heap, under the heap's lock; frees go the same
 * way and never through a thread's cache, so that after destroy nothing of the heap lingers
 * anywhere.  Sampled objects live in a heap of this kind too: their pages say "special", which
 * is how a fast free comes to take the slow path.
 */
#include "mcache.h"
#include "spans.h"

#include <errno.h>

struct bosk_heap {
    struct boski_lock lock;
    size_t limit;                        /* bytes of spans, 0: none */
    size_t bytes;                        /* of spans */
    size_t live;                         /* of objects */
    uint8_t kind;                        /* enum bosk_kind of its spans */
    uint8_t home;                        /* enum bosk_home_kind */
    struct mspan *room[BOSKI_NUM_SMALL]; /* spans with a free slot */
    struct mspan *full[BOSKI_NUM_SMALL]; /* the others; [0]: large objects */
    struct bosk_heap *next, *prev;       /* all heaps */
};
struct bosk_heap boski_sampled;
/* Freed by hand, and scanned. */
static struct bosk_heap root_scan = {.kind = BOSK_KIND_SCAN, .home = BOSK_HOME_ROOT};
static struct bosk_heap *heaps;
static struct boski_lock heaps_lock;

/* A span for the heap, inside its limit.  Lock held. */
static struct mspan *span_new(struct bosk_heap *h, size_t npages, size_t align_pages)
{
    size_t bytes = npages << BOSKI_PAGE_SHIFT;
    if (h->limit != 0 && (h->bytes > h->limit || bytes > h->limit - h->bytes)) return NULL;
    struct mspan *s = boski_mheap_alloc(npages, align_pages, BOSKI_C_SPECIAL, 0);
    if (s == NULL) return NULL;
    s->owner = h;
    s->home = h->home;
    s->kind = h->kind;
    if (h == &boski_sampled) s->flags = BOSKI_SPAN_SAMPLED;
    h->bytes += bytes;
    return s;
}
static void span_release(struct bosk_heap *h, struct mspan *s)
{
    h->bytes -= boski_span_bytes(s);
    s->owner = NULL;
    boski_mheap_free(s);
}

static void *take_small(struct bosk_heap *h, unsigned c, bool *dirty)
{
    struct mspan *s = h->room[c];
    *dirty = true;
    if (s == NULL) {
        s = span_new(h, boski_class[c].pages_min, 1);
        if (s == NULL) return NULL;
        boski_span_init(s, c);
        boski_spans_push(&h->room[c], s);
    }
    uint32_t w = 0;
    while (s->bits[w] == 0) w++;
    uint32_t slot = w * 64 + (uint32_t)__builtin_ctzll(s->bits[w]);
    BOSKI_SET(s->bits[w], s->bits[w] & (s->bits[w] - 1));
    if (--s->nfree == 0) {
        boski_spans_drop(&h->room[c], s);
        boski_spans_push(&h->full[c], s);
    }
    h->live += s->elem_bytes;
    return (void *)(s->base + (uintptr_t)slot * s->elem_bytes);
}

void *boski_hheap_alloc_class(struct bosk_heap *h, unsigned c, unsigned lane)
{
    bool dirty;
    boski_lock(&h->lock);
    void *p = take_small(h, c, &dirty);
    boski_unlock(&h->lock);
    if (p == NULL) return NULL;
    boski_count(&boski_ctr->mallocs[lane], 1);
    boski_book_live((int64_t)boski_class[c].size);
    return p;
}

static void *take_large(struct bosk_heap *h, size_t size, size_t align, bool *dirty)
{
    if (size > (size_t)PTRDIFF_MAX - BOSKI_PAGE_BYTES - align) return NULL;
    size_t npages = (size + BOSKI_PAGE_BYTES - 1) >> BOSKI_PAGE_SHIFT;
    struct mspan *s = span_new(h, npages, align > BOSKI_PAGE_BYTES ? align >> BOSKI_PAGE_SHIFT : 1);
    if (s == NULL) return NULL;
    BOSKI_SET(s->bits[0], (uint64_t)0);
    *dirty = s->needzero;
    boski_spans_push(&h->full[0], s);
    h->live += s->elem_bytes;
    return (void *)s->base;
}

/* The lane under which a malloc of `size` bytes is counted. */
static unsigned lane_of(size_t size, unsigned c)
{
    if (size <= BOSKI_FAST_MAX) return (unsigned)((size + 15) >> 4);
    return c - BOSKI_FIRST_MEDIUM + BOSKI_LANES_FAST;
}

void boski_sample_object(void *p, size_t size, size_t block)
{
    struct mcache *mc = boski_mcache();
    uint32_t mean;
    if (!boski_sample_due(mc, block, &mean)) return;
    struct mspan *s = boski_span_of(p);
    __atomic_fetch_or(&s->flags, BOSKI_SPAN_SAMPLED, __ATOMIC_RELAXED);
    boski_tls.inside = 1;
    boski_obs_sample(p, size, block, mean, boski_label_top(mc));
    boski_tls.inside = 0;
}

void *boski_hheap_alloc(struct bosk_heap *h, size_t size, size_t align, bool zero)
{
    size_t want = size;
    unsigned c = 0;
    if (align > 16 && size <= BOSKI_SMALL_MAX && align <= BOSKI_PAGE_BYTES) {
        want = size == 0 ? align : (size + align - 1) & ~(align - 1);
        while (want <= BOSKI_SMALL_MAX && (boski_class[boski_class_of(want)].size & (align - 1)))
            want += align;
    }
    if (want <= BOSKI_SMALL_MAX && align <= BOSKI_PAGE_BYTES) c = boski_class_of(want);
    bool dirty = true;
    if (boski_recording) boski_obs_check();
    boski_lock(&h->lock);
    void *p =
        c != 0 ? take_small(h, c, &dirty) : take_large(h, size == 0 ? 1 : size, align, &dirty);
    boski_unlock(&h->lock);
    if (p == NULL) {
        boski_count(&boski_ctr->failed_allocs, 1);
        return NULL;
    }
    size_t block = boski_span_of(p)->elem_bytes;
    if (c != 0) {
        boski_count(&boski_ctr->mallocs[lane_of(want, c)], 1);
    } else {
        boski_count(&boski_ctr->large_allocs, 1);
        boski_count(&boski_ctr->large_alloc_bytes, block);
    }
    boski_book_live((int64_t)block);
    if (boski_recording) boski_sample_object(p, size, block);
    if (zero && dirty) memset(p, 0, size);
    if (zero) boski_count(dirty ? &boski_ctr->cleared_bytes : &boski_ctr->spared_bytes, size);
    return p;
}

void boski_hheap_free(struct bosk_heap *h, struct mspan *s, void *p)
{
    unsigned c = s->class_;
    size_t block = s->elem_bytes, slot = boski_slot_of(s, p);
    if ((uintptr_t)p != s->base + slot * block || slot >= s->nelems)
        boski_bad_free(p, "invalid pointer");
    if (boski_recording) boski_obs_check();
    if ((s->flags & BOSKI_SPAN_SAMPLED) != 0) boski_obs_sample_free(p);
    boski_lock(&h->lock);
    uint64_t bit = (uint64_t)1 << (slot & 63);
    if ((s->bits[slot >> 6] & bit) != 0) {
        boski_unlock(&h->lock);
        boski_bad_free(p, "double free");
    }
    BOSKI_SET(s->bits[slot >> 6], s->bits[slot >> 6] | bit);
    h->live -= block;
    if (c == 0) {
        boski_spans_drop(&h->full[0], s);
        span_release(h, s);
    } else {
        if (++s->nfree == 1) {
            boski_spans_drop(&h->full[c], s);
            boski_spans_push(&h->room[c], s);
        }
        if (s->nfree == (int32_t)s->nelems) {
            boski_spans_drop(&h->room[c], s);
            span_release(h, s);
        }
    }
    boski_unlock(&h->lock);
    if (c != 0) {
        boski_count(&boski_ctr->frees[c], 1);
    } else {
        boski_count(&boski_ctr->large_frees, 1);
        boski_count(&boski_ctr->large_free_bytes, block);
    }
    boski_book_live(-(int64_t)block);
}

struct bosk_heap *boski_root_heap(void) { return &root_scan; }
struct boski_lock *boski_root_lock(void) { return &root_scan.lock; }
void boski_root_each_span(void (*fn)(void *ctx, struct mspan *s), void *ctx)
{
    for (unsigned c = 0; c < BOSKI_NUM_SMALL; c++) {
        for (struct mspan *s = root_scan.full[c]; s != NULL; s = s->next) fn(ctx, s);
        for (struct mspan *s = root_scan.room[c]; s != NULL; s = s->next) fn(ctx, s);
    }
}

/* ---- public ----------------------------------------------------------------- */

BOSK_API bosk_heap *bosk_heap_new(size_t limit)
{
    if (!boski_heap_init()) {
        errno = ENOMEM;
        return NULL;
    }
    bosk_heap *h = bosk_calloc(1, sizeof *h);
    if (h == NULL) return NULL;
    h->limit = limit;
    h->home = BOSK_HOME_HEAP;
    boski_lock(&heaps_lock);
    h->next = heaps;
    if (heaps != NULL) heaps->prev = h;
    heaps = h;
    boski_unlock(&heaps_lock);
    return h;
}

static void *or_enomem(void *p)
{
    if (p == NULL) errno = ENOMEM;
    return p;
}
BOSK_API void *bosk_heap_malloc(bosk_heap *h, size_t size)
{
    return or_enomem(boski_hheap_alloc(h, size, 1, false));
}
BOSK_API void *bosk_heap_calloc(bosk_heap *h, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return or_enomem(NULL);
    return or_enomem(boski_hheap_alloc(h, bytes, 1, true));
}
BOSK_API void *bosk_heap_aligned_alloc(bosk_heap *h, size_t align, size_t size)
{
    if (align == 0 || (align & (align - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    if (align > (size_t)PTRDIFF_MAX || size > (size_t)PTRDIFF_MAX - align) return or_enomem(NULL);
    return or_enomem(boski_hheap_alloc(h, size, align, false));
}
BOSK_API size_t bosk_heap_bytes(const bosk_heap *h)
{
    return __atomic_load_n(&h->bytes, __ATOMIC_RELAXED);
}
BOSK_API size_t bosk_heap_live(const bosk_heap *h)
{
    return __atomic_load_n(&h->live, __ATOMIC_RELAXED);
}

/* Books what still lives in `s` as freed, here and now. */
static void destroy_span(struct mspan *s)
{
    size_t live = 0;
    for (uint32_t i = 0; i < s->nelems; i++) {
        if ((s->bits[i >> 6] >> (i & 63) & 1) != 0) continue;
        live++;
        if ((s->flags & BOSKI_SPAN_SAMPLED) != 0)
            boski_obs_sample_free((void *)(s->base + (uintptr_t)i * s->elem_bytes));
    }
    if (s->class_ != 0) {
        boski_count(&boski_ctr->frees[s->class_], live);
    } else {
        boski_count(&boski_ctr->large_frees, live);
        boski_count(&boski_ctr->large_free_bytes, live * s->elem_bytes);
    }
    boski_book_live(-(int64_t)(live * s->elem_bytes));
    boski_mheap_free(s);
}

BOSK_API void bosk_heap_destroy(bosk_heap *h)
{
    if (h == NULL) return;
    if (boski_recording) boski_obs_check();
    boski_lock(&heaps_lock);
    if (h->prev != NULL)
        h->prev->next = h->next;
    else
        heaps = h->next;
    if (h->next != NULL) h->next->prev = h->prev;
    boski_unlock(&heaps_lock);
    for (unsigned c = 0; c < BOSKI_NUM_SMALL; c++)
        for (struct mspan *s = h->full[c], *n; s != NULL; s = n) {
            n = s->next;
            destroy_span(s);
        }
    for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++)
        for (struct mspan *s = h->room[c], *n; s != NULL; s = n) {
            n = s->next;
            destroy_span(s);
        }
    bosk_free(h);
}

void boski_hheap_fork(int step)
{
    if (step == 0) {
        boski_lock(&heaps_lock);
        for (bosk_heap *h = heaps; h != NULL; h = h->next) boski_lock(&h->lock);
        boski_lock(&boski_sampled.lock);
        boski_lock(&root_scan.lock);
    } else {
        boski_unlock(&root_scan.lock);
        boski_unlock(&boski_sampled.lock);
        for (bosk_heap *h = heaps; h != NULL; h = h->next) boski_unlock(&h->lock);
        boski_unlock(&heaps_lock);
    }
}
