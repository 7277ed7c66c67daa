/* large.c - objects above 32 KiB: one span each, and the short-lived cache of freed ones.
 *
 * A program that allocates and frees the same large size in a loop meets the same span again
 * without a lock on the page heap or a page fault.  The cache holds at most SLOTS spans; when one
 * of more than KEEP_PAGES misses, it hands all of them to the page heap first, so they can
 * merge and serve any size; what is older than 100 ms goes there too, and from there by age to
 * the system.
 */
#include "huge.h"
#include "mcache.h"
#include "waiting.h"

#define SLOTS 16
#define SLOT_PAGES 128 /* the thread's own slot takes objects up to 1 MiB */
/* What may stay cached when a request finds nothing that fits it. */
#define KEEP_PAGES ((size_t)4 << 20 >> BOSKI_PAGE_SHIFT)

static struct {
    struct boski_lock lock;
    unsigned n;
    size_t pages;
    struct mspan *span[SLOTS]; /* oldest first */
} cache;

void boski_large_fork(int step)
{
    if (step == 0)
        boski_lock(&cache.lock);
    else
        boski_unlock(&cache.lock);
}

/* Long enough, and at most a quarter too long. */
static bool fits(const struct mspan *s, size_t npages)
{
    return s->npages >= npages && s->npages <= npages + npages / 4;
}

/* The cached span that fits best. */
static struct mspan *cache_take(size_t npages)
{
    struct mspan *s = NULL;
    if (__atomic_load_n(&cache.n, __ATOMIC_RELAXED) == 0) return NULL;
    boski_lock(&cache.lock);
    unsigned best = SLOTS;
    for (unsigned i = cache.n; i-- > 0;) {
        size_t have = cache.span[i]->npages;
        if (!fits(cache.span[i], npages)) continue;
        if (best == SLOTS || have < cache.span[best]->npages) best = i;
        if (have == npages) break;
    }
    if (best != SLOTS) {
        s = cache.span[best];
        BOSKI_SET(cache.n, cache.n - 1);
        BOSKI_SET(cache.pages, cache.pages - s->npages);
        memmove(&cache.span[best], &cache.span[best + 1], (cache.n - best) * sizeof cache.span[0]);
    }
    boski_unlock(&cache.lock);
    return s;
}

void boski_large_trim(uint64_t now_ms, uint64_t age_ms)
{
    if (__atomic_load_n(&cache.n, __ATOMIC_RELAXED) == 0) return;
    struct mspan *old[SLOTS];
    unsigned n = 0, kept = 0;
    boski_lock(&cache.lock);
    for (unsigned i = 0; i < cache.n; i++) {
        struct mspan *s = cache.span[i];
        if (now_ms - s->stamp_ms >= age_ms) {
            old[n++] = s;
            BOSKI_SET(cache.pages, cache.pages - s->npages);
        } else {
            cache.span[kept++] = s;
        }
    }
    BOSKI_SET(cache.n, kept);
    boski_unlock(&cache.lock);
    for (unsigned i = 0; i < n; i++) boski_mheap_free(old[i]);
}

static void cache_give(struct mspan *s, uint64_t now_ms)
{
    if (BOSK_UNLIKELY(s->guard != 0)) { /* what is freed is not to be found mapped */
        boski_mheap_free(s);
        return;
    }
    struct mspan *out = NULL;
    s->stamp_ms = now_ms;
    s->needzero = 1;
    s->flags = 0;
    boski_lock(&cache.lock);
    if (cache.n == SLOTS) {
        out = cache.span[0];
        BOSKI_SET(cache.n, cache.n - 1);
        BOSKI_SET(cache.pages, cache.pages - out->npages);
        memmove(&cache.span[0], &cache.span[1], cache.n * sizeof cache.span[0]);
    }
    cache.span[cache.n] = s;
    BOSKI_SET(cache.n, cache.n + 1);
    BOSKI_SET(cache.pages, cache.pages + s->npages);
    boski_unlock(&cache.lock);
    if (out != NULL) boski_mheap_free(out);
    if (__atomic_load_n(&cache.pages, __ATOMIC_RELAXED) > KEEP_PAGES)
        __atomic_store_n(&boski_scavenge_pending, true, __ATOMIC_RELAXED);
    struct mcache *mc = boski_mcache_peek();
    if (mc != NULL) boski_mcache_watch(mc);
}

void boski_large_keep(struct mspan *s) { cache_give(s, boski_now_ms()); }

void boski_large_resized(size_t old_bytes, size_t new_bytes)
{
    /* As if the difference had been allocated or freed, so that what is live is what was allocated
     * less what was freed. */
    if (new_bytes > old_bytes)
        boski_count(&boski_ctr->large_alloc_bytes, new_bytes - old_bytes);
    else
        boski_count(&boski_ctr->large_free_bytes, old_bytes - new_bytes);
    boski_book_live((int64_t)new_bytes - (int64_t)old_bytes);
}

/* A sample takes its new size along; a block that was none may become one by what it has grown, so
 * that it is one as likely as if it had been allocated as large as it is. */
void boski_large_resample(struct mspan *s, size_t size, size_t old_bytes)
{
    size_t bytes = boski_span_bytes(s);
    if (BOSK_LIKELY(!boski_recording)) return;
    struct mcache *mc = boski_mcache();
    uint32_t mean = 0;
    if ((s->flags & BOSKI_SPAN_SAMPLED) != 0) {
        boski_obs_sample_moved((void *)s->base, (void *)s->base, size, bytes);
    } else if (bytes > old_bytes && boski_sample_due(mc, bytes - old_bytes, &mean)) {
        s->flags |= BOSKI_SPAN_SAMPLED;
        boski_tls.inside = 1;
        boski_obs_sample((void *)s->base, size, bytes, mean, boski_label_top(mc));
        boski_tls.inside = 0;
    }
}

/* Booked in the thread's cache when it has one: no shared line. */
static void book(struct mcache *mc, bool freed, size_t bytes)
{
    struct bosk_record_counters *k = mc != NULL ? &mc->pending : boski_ctr;
    uint64_t *calls = freed ? &k->large_frees : &k->large_allocs;
    uint64_t *sum = freed ? &k->large_free_bytes : &k->large_alloc_bytes;
    int64_t delta = freed ? -(int64_t)bytes : (int64_t)bytes;
    if (mc != NULL) {
        boski_pend(mc, calls, 1);
        boski_pend(mc, sum, bytes);
        boski_pend_live(mc, delta);
    } else {
        boski_count(calls, 1);
        boski_count(sum, bytes);
        boski_book_live(delta);
    }
}

static inline void slot_count(uint64_t *calls, uint64_t *bytes, const struct mspan *s)
{
    __atomic_store_n(calls, *calls + 1, __ATOMIC_RELAXED);
    __atomic_store_n(bytes, *bytes + s->elem_bytes, __ATOMIC_RELAXED);
}

/* The slot in the thread's own cache: one object, no lock, no clock. */
static inline void *slot_take(struct mcache *mc, struct mspan *s)
{
    mc->large = NULL;
    mc->large_used = true;
    BOSKI_SET(s->bits[0], (uint64_t)0);
    slot_count(&mc->slot_takes, &mc->slot_take_bytes, s);
    return (void *)s->base;
}

void *boski_large_malloc(size_t size)
{
    struct mcache_head *head = (struct mcache_head *)(void *)boski_tls.push;
    struct mspan *s = head->large;
    size_t npages = (size + BOSKI_PAGE_BYTES - 1) >> BOSKI_PAGE_SHIFT;
    if (s != NULL && fits(s, npages) && !boski_recording)
        return slot_take((struct mcache *)(void *)head, s);
    bool zeroed;
    return boski_large_alloc(size, 1, 0, &zeroed);
}

/* Each guard costs two mappings, and without any left the heap could not grow. */
#define GUARDS_MAX 16000
static uint32_t guards;

bool boski_large_unguard(struct mspan *s)
{
    if (!boski_os_commit((void *)(s->base + boski_span_bytes(s)),
                         (size_t)s->guard << BOSKI_PAGE_SHIFT))
        return false;
    s->guard = 0;
    __atomic_fetch_sub(&guards, 1, __ATOMIC_RELAXED);
    return true;
}
/* A span that ends with pages without access, where they can be had; a system page is the least. */
static struct mspan *guarded(size_t npages, size_t align_pages, unsigned flags)
{
    size_t unit = boski_os.page > BOSKI_PAGE_BYTES ? boski_os.page >> BOSKI_PAGE_SHIFT : 1;
    struct mspan *s = NULL;
    npages = (npages + unit - 1) & ~(unit - 1);
    if (align_pages < unit) align_pages = unit;
    bool may = __atomic_fetch_add(&guards, 1, __ATOMIC_RELAXED) < GUARDS_MAX;
    if (may) s = boski_mheap_alloc(npages + unit, align_pages, BOSKI_C_LARGE, flags);
    if (s != NULL && boski_os_protect_none((void *)(s->base + (npages << BOSKI_PAGE_SHIFT)),
                                           unit << BOSKI_PAGE_SHIFT)) {
        s->guard = (uint8_t)unit;
        s->elem_bytes = boski_span_bytes(s);
        return s;
    }
    __atomic_fetch_sub(&guards, 1, __ATOMIC_RELAXED);
    return s != NULL ? s : boski_mheap_alloc(npages, align_pages, BOSKI_C_LARGE, flags);
}
static struct mspan *span_alloc(size_t npages, size_t align_pages, unsigned flags)
{
    if (BOSK_UNLIKELY(boski_conf.guard)) return guarded(npages, align_pages, flags);
    return boski_mheap_alloc(npages, align_pages, BOSKI_C_LARGE, flags);
}

void *boski_large_alloc(size_t size, size_t align, unsigned flags, bool *zeroed)
{
    *zeroed = false;
    if (size > (size_t)PTRDIFF_MAX - BOSKI_PAGE_BYTES - align) return NULL;
    if (BOSK_UNLIKELY(!boski_mheap.ready) && !boski_heap_init()) return NULL;
    if (BOSK_UNLIKELY(boski_conf.hugetlb != 0) && size >= boski_conf.hugetlb &&
        align <= BOSKI_PAGE_BYTES) {
        void *p = boski_huge_explicit(size);
        *zeroed = p != NULL;
        if (p != NULL) return p;
    }
    struct mcache *mc = boski_mcache();
    bool record = boski_recording && !boski_tls.inside;
    size_t npages = (size + BOSKI_PAGE_BYTES - 1) >> BOSKI_PAGE_SHIFT;
    uint64_t t0 = record ? boski_os_ticks() : 0;
    if (record) boski_obs_check();
    size_t align_pages = align > BOSKI_PAGE_BYTES ? align >> BOSKI_PAGE_SHIFT : 1;

    struct mspan *s = align_pages == 1 && flags == 0 ? cache_take(npages) : NULL;
    if (s != NULL) {
        BOSKI_SET(s->bits[0], (uint64_t)0);
        if (mc != NULL) boski_pend(mc, &mc->pending.large_cache_hits, 1);
    } else {
        uint64_t now_ms = boski_now_ms();
        if (flags != 0 && mc != NULL && mc->large != NULL) {
            /* Else the block that grew before would lie where this one is to begin, and the place
             * would move up each time. */
            boski_mheap_free(mc->large);
            mc->large = NULL;
        }
        if (flags != 0 || __atomic_load_n(&cache.pages, __ATOMIC_RELAXED) > KEEP_PAGES)
            boski_large_trim(now_ms, 0);
        boski_tick(now_ms);
        s = span_alloc(npages, align_pages, flags);
        if (s == NULL) {
            if (mc != NULL) boski_mcache_flush(mc);
            (void)boski_waiting_flush();
            boski_central_trim();
            boski_large_trim(now_ms, 0);
            s = span_alloc(npages, align_pages, flags);
        }
        if (s == NULL) {
            boski_count(&boski_ctr->failed_allocs, 1);
            return NULL;
        }
        BOSKI_SET(s->bits[0], (uint64_t)0);
    }
    *zeroed = !s->needzero;
    s->needzero = 1;
    size_t bytes = boski_span_bytes(s);
    book(mc, false, bytes);
    uint32_t mean = 0;
    if (boski_sample_due(mc, bytes, &mean)) {
        s->flags |= BOSKI_SPAN_SAMPLED;
        boski_tls.inside = 1;
        boski_obs_sample((void *)s->base, size, bytes, mean, boski_label_top(mc));
        boski_tls.inside = 0;
    }
    if (record) boski_obs_latency(BOSKI_OP_MALLOC, true, boski_os_ticks() - t0, 1);
    return (void *)s->base;
}

void boski_large_free(struct mspan *s)
{
    bool record = boski_recording && !boski_tls.inside;
    struct mcache *mc = boski_mcache_peek();
    if (!record && mc != NULL && s->npages <= SLOT_PAGES && s->guard == 0 &&
        BOSK_LIKELY(boski_conf.quarantine == 0) && (s->flags & BOSKI_SPAN_SAMPLED) == 0 &&
        __atomic_load_n(&s->bits[0], __ATOMIC_RELAXED) == 0) {
        struct mspan *out = mc->large;
        BOSKI_SET(s->bits[0], (uint64_t)1);
        s->needzero = 1;
        s->flags = 0;
        mc->large = s;
        slot_count(&mc->slot_gives, &mc->slot_give_bytes, s);
        if (out != NULL) {
            uint64_t now_ms = boski_now_ms();
            boski_mcache_count_slot(mc); /* what is live decides what is given back */
            cache_give(out, now_ms);
            boski_tick(now_ms);
        }
        return;
    }
    uint64_t t0 = record ? boski_os_ticks() : 0;
    if (record) boski_obs_check();
    /* A free span has bit 0 set: a second free finds it so. */
    uint64_t was = s->bits[0];
    if (boski_os_single())
        BOSKI_SET(s->bits[0], (uint64_t)1);
    else
        was = __atomic_exchange_n(&s->bits[0], 1, __ATOMIC_ACQ_REL);
    if (was != 0) boski_bad_free((void *)s->base, "double free");
    size_t bytes = boski_span_bytes(s);
    if ((s->flags & BOSKI_SPAN_SAMPLED) != 0) boski_obs_sample_free((void *)s->base);
    book(mc, true, bytes);
    uint64_t now_ms = boski_now_ms();
    if (BOSK_LIKELY(boski_conf.quarantine == 0) || !boski_waiting_large(s)) cache_give(s, now_ms);
    boski_tick(now_ms);
    if (record) boski_obs_latency(BOSKI_OP_FREE, true, boski_os_ticks() - t0, 1);
}
