/* mcache_refill.c - the slow path of malloc: what an empty lane is filled from.
 *
 * A lane's stack is refilled, in this order, from the array of objects the thread itself has freed
 * (the two change places), and from spans.  How much to ask for is learnt: a refill doubles the
 * next one, a slow pace makes it small again; a class whose array overflows and whose lanes run dry
 * in turn gets larger arrays, so that alternating bursts stay inside the cache.
 *
 * A cut plants NULL in a stack so that a malloc before the end of the stack takes the slow path:
 * where the next sample is due, where a fast call is to be timed, or because free memory waits
 * to be given back and the clock must be looked at.  The fast path pays nothing for any of it.
 *
 * No lock: everything here belongs to the calling thread.
 */
#include "mcache_parts.h"
#include "waiting.h"

#define SHARE_BELOW 16   /* objects asked for */
#define LAST_UNSHARED 18 /* class 256: above it, requests of several granules share a class */

/* ---- cuts --------------------------------------------------------------------------- */

/* After `k` more objects the lane takes the slow path. */
static void cut(struct mcache *mc, unsigned lane, size_t k)
{
    struct lane *l = &mc->lane[lane];
    void **top = *boski_pop_of(mc, lane);
    BOSKI_ASSERT(2, l->cut == NULL);
    if (l->buf == NULL) return; /* the first object of the lane was a sample */
    if ((size_t)(top - l->start) <= k) return;
    l->cut = top - 1 - k;
    l->cut_obj = *l->cut;
    *l->cut = NULL;
}

void boski_mcache_hold(struct mcache *mc)
{
    for (unsigned i = 0; i < BOSKI_LANES; i++) {
        struct lane *l = &mc->lane[i];
        if (l->buf == NULL) continue;
        boski_lane_uncut(l);
        cut(mc, i, 0);
    }
}

/* ---- refill ---------------------------------------------------------------------------- */

/* Objects from spans into the free part of the lane's buffer below `top`; how many. */
static size_t refill_spans(struct mcache *mc, unsigned c, void **top, size_t want)
{
    struct bin *b = &mc->bin[c];
    size_t got = 0;
    bool fresh = false;
    while (got < want) {
        if (b->span == NULL) {
            if (got != 0 && got >= want / 4) break; /* enough: do not open another span */
            b->span = boski_central_take(c, &fresh);
            b->word = 0;
            if (b->span == NULL) break;
        }
        size_t n = boski_span_take(b->span, &b->word, top - got, want - got);
        got += n;
        if (got < want && (n == 0 || __atomic_load_n(&b->span->nfree, __ATOMIC_RELAXED) <= 0)) {
            boski_central_put(b->span);
            b->span = NULL;
        }
    }
    /* A thread that takes little shares spans with others: a thousand of them would else hold a
     * thousand spans a class. */
    if (b->span != NULL && (want < SHARE_BELOW || boski_conf.small)) {
        boski_central_put(b->span);
        b->span = NULL;
    }
    if (got != 0) {
        boski_pend(mc, &mc->pending.refill_spans, 1);
        boski_pend(mc, &mc->pending.refill_span_objects, got);
        if (fresh) {
            boski_pend(mc, &mc->pending.refill_fresh, 1);
            boski_pend(mc, &mc->pending.refill_fresh_objects, got);
        }
        /* Flushed, and now missed: the arrays are too small for how the program breathes. */
        if (b->flushed && b->cap < boski_class[c].cap_max) b->cap *= 4;
        b->refilled = 1;
        b->flushed = 0;
    }
    return got;
}

/* How many objects to ask spans for. */
static size_t wanted(struct lane *l, uint64_t now_ms)
{
    /* Checked frees must find every free object in its span, none in a cache. */
    if (BOSK_UNLIKELY(boski_conf.check)) return 1;
    const struct boski_class *k = &boski_class[l->class_];
    size_t want = l->want;
    if (now_ms - l->last_ms > 10) want = want > 8 ? want / 4 : 1; /* a slow pace needs no stock */
    if (want == 0) want = 1;
    size_t next = want * 2;
    l->want = (uint16_t)(next > k->share ? k->share : next);
    l->last_ms = now_ms;
    return want;
}

/* A buffer for `want` objects at least, empty.  False: no memory. */
static bool lane_buf(struct mcache *mc, unsigned lane, uint32_t cap, size_t want)
{
    struct lane *l = &mc->lane[lane];
    if (l->buf != NULL && l->buf->cap >= want) return true;
    boski_buf_give(l->buf);
    l->buf = boski_buf_take(cap > want ? cap : (uint32_t)want);
    l->start = l->mark = NULL;
    *boski_pop_of(mc, lane) = BOSKI_NOTHING;
    return l->buf != NULL;
}
/* The lane's stack is [start, top). */
static void set_pop(struct mcache *mc, unsigned lane, void **start, void **top)
{
    struct lane *l = &mc->lane[lane];
    start[-1] = NULL; /* slot[-1] is the sentinel, so this is inside the buffer */
    l->start = start;
    l->mark = *boski_pop_of(mc, lane) = top;
}

/* The array of objects freed by this thread and the lane's empty stack change places. */
static void swap(struct mcache *mc, unsigned lane, size_t have)
{
    struct lane *l = &mc->lane[lane];
    unsigned c = l->class_;
    struct bin *b = &mc->bin[c];
    struct buf *full = b->buf;
    b->buf = l->buf;
    if (b->buf == NULL || b->buf->cap < full->cap) {
        struct buf *n = boski_buf_take(full->cap > b->cap ? full->cap : b->cap);
        if (n != NULL) {
            boski_buf_give(b->buf);
            b->buf = n;
        }
    }
    if (b->buf != NULL)
        boski_bin_set(mc, c, b->buf->slot);
    else
        mc->push.cur[c] = mc->push.lim[c] = b->mark = NULL;
    l->buf = full;
    set_pop(mc, lane, full->slot, full->slot + have);
}

/* Fills an empty lane; false when there is no memory. */
static bool refill(struct mcache *mc, unsigned lane, uint64_t now_ms)
{
    struct lane *l = &mc->lane[lane];
    unsigned c = l->class_;
    struct bin *b = &mc->bin[c];
    size_t have = 0, want = wanted(l, now_ms);

    b->used = 1;
    mc->fall = 0;
    mc->shed = false;
    if (b->buf != NULL) {
        boski_bin_count(mc, c);
        have = (size_t)(mc->push.cur[c] - b->buf->slot);
    }
    size_t part = boski_class[c].batch;
    if (have > part && c > LAST_UNSHARED && lane < BOSKI_LANES_FAST &&
        lane_buf(mc, lane, (uint32_t)part, part)) {
        /* Several lanes live off this class: take a part. */
        void **from = mc->push.cur[c] - part;
        memcpy(l->buf->slot, from, part * sizeof *from);
        boski_bin_set(mc, c, from);
        set_pop(mc, lane, l->buf->slot, l->buf->slot + part);
        have = part;
    } else if (have != 0) {
        swap(mc, lane, have);
    } else {
        if (!lane_buf(mc, lane, (uint32_t)want, want)) return false;
        void **top = l->buf->slot + l->buf->cap;
        size_t got = refill_spans(mc, c, top, want);
        set_pop(mc, lane, top - got, top);
        return got != 0;
    }
    boski_pend(mc, &mc->pending.refill_swaps, 1);
    boski_pend(mc, &mc->pending.refill_swap_objects, have);
    if (have >= want || have >= boski_class[c].batch / 2u) return true;

    /* Too few to last: put more below them. */
    if (want > l->buf->cap) {
        struct buf *larger = boski_buf_take((uint32_t)want);
        if (larger == NULL) return true;
        memcpy(larger->slot, l->buf->slot, have * sizeof(void *));
        boski_buf_give(l->buf);
        l->buf = larger;
    }
    void **slot = l->buf->slot;
    want -= have;
    memmove(slot + want, slot, have * sizeof *slot);
    size_t got = refill_spans(mc, c, slot + want, want);
    set_pop(mc, lane, slot + (want - got), slot + want + have);
    return true;
}

/* ---- slow path of malloc ------------------------------------------------------------------ */

static void draw_sample(struct mcache *mc, struct lane *l)
{
    l->sample_left =
        boski_recording ? boski_obs_next_sample(&mc->rng, &l->sample_mean) : UINT64_MAX;
}
bool boski_sample_due(struct mcache *mc, size_t bytes, uint32_t *mean)
{
    if (mc == NULL || !boski_recording || boski_tls.inside) return false;
    if (mc->large_sample_left > bytes) {
        mc->large_sample_left -= bytes;
        return false;
    }
    *mean = mc->large_sample_mean;
    mc->large_sample_left = boski_obs_next_sample(&mc->rng, &mc->large_sample_mean);
    return true;
}
static void start_lane(struct mcache *mc, unsigned lane)
{
    struct lane *l = &mc->lane[lane];
    if (lane < BOSKI_LANES_FAST)
        l->class_ = (uint8_t)boski_class_of(lane != 0 ? lane * 16 : 1);
    else if (lane == BOSKI_LANE_24)
        l->class_ = 3;
    else
        l->class_ = (uint8_t)(lane - BOSKI_LANES_FAST + BOSKI_FIRST_MEDIUM);
    l->want = 1;
    draw_sample(mc, l);
    struct bin *b = &mc->bin[l->class_];
    if (b->cap == 0) b->cap = boski_first_cap(l->class_);
}

/* A sampled object lives in a span of its own kind, so that its free is seen. */
static void *sampled_alloc(struct mcache *mc, unsigned lane, size_t size)
{
    struct lane *l = &mc->lane[lane];
    unsigned c = l->class_;
    uint32_t mean = l->sample_mean;
    draw_sample(mc, l);
    void *p = boski_hheap_alloc_class(&boski_sampled, c, lane);
    if (p == NULL) return NULL;
    boski_obs_sample(p, size, boski_class[c].size, mean, boski_label_top(mc));
    return p;
}

/* Decides when the lane comes here again. */
static void arm(struct mcache *mc, unsigned lane)
{
    struct lane *l = &mc->lane[lane];
    size_t k = SIZE_MAX;
    if (BOSK_UNLIKELY(boski_recording)) {
        uint64_t n = l->sample_left / boski_class[l->class_].size;
        size_t most = boski_look_every(l->class_) - 1;
        k = n < most ? (size_t)n : most;
    }
    /* At a slow pace every call may look at the clock; at a fast one the next tick holds all lanes.
     */
    if (BOSK_UNLIKELY(BOSKI_LOOK(boski_scavenge_pending)) && mc->slow_pace) k = 0;
    if (k != SIZE_MAX) cut(mc, lane, k);
}

static inline void *pop_one(void ***pop)
{
    void *p = (*pop)[-1];
    if (p != NULL) (*pop)--;
    return p;
}

/* A fast call, timed: stands for the `calls` between two cuts. */
static BOSKI_NOINLINE void *timed_pop(void ***pop, uint32_t calls)
{
    uint64_t t = boski_os_ticks();
    __asm__ volatile("" ::: "memory");
    void *p = pop_one(pop);
    __asm__ volatile("" ::: "memory");
    boski_obs_latency(BOSKI_OP_MALLOC, false, boski_os_ticks() - t, calls);
    return p;
}

void *boski_lane_slow(unsigned lane, size_t size)
{
    struct mcache *mc = boski_mcache();
    if (mc == NULL) {
        if (!boski_mheap.ready && !boski_heap_init()) return NULL;
        unsigned c = lane < BOSKI_LANES_FAST ? boski_class_of(lane != 0 ? lane * 16 : 1)
                   : lane == BOSKI_LANE_24   ? 3
                                             : lane - BOSKI_LANES_FAST + BOSKI_FIRST_MEDIUM;
        void *p = boski_central_alloc_one(c);
        if (p != NULL) {
            boski_count(&boski_ctr->mallocs[lane], 1);
            boski_book_live((int64_t)boski_class[c].size);
        }
        return p;
    }
    struct lane *l = &mc->lane[lane];
    bool record = boski_recording && !boski_tls.inside;
    uint64_t t0 = record ? boski_os_ticks() : 0;
    if (record) boski_obs_check();
    if (l->class_ == 0) start_lane(mc, lane);
    boski_lane_uncut(l);
    if (record && mc->bin[l->class_].buf != NULL) boski_bin_count(mc, l->class_);
    if (l->buf != NULL) boski_lane_count(mc, lane);
    uint64_t now_ms = boski_now_ms();
    mc->slow_pace = now_ms - mc->slow_ms > 10;
    mc->slow_ms = now_ms;
    boski_mcache_tick(mc, now_ms);
    boski_lane_uncut(l);
    l->used = 1;

    void ***pop = boski_pop_of(mc, lane);
    void *p;
    if (record && l->sample_left < boski_class[l->class_].size) {
        boski_tls.inside = 1;
        p = sampled_alloc(mc, lane, size);
        boski_tls.inside = 0;
        if (p != NULL) goto out;
    }
    if (record && *pop != NULL && (*pop)[-1] != NULL) {
        p = timed_pop(pop, boski_look_every(l->class_));
        arm(mc, lane);
        return p;
    }
    boski_pend(mc, &mc->pending.slow_mallocs, 1);
    if ((*pop)[-1] == NULL && !refill(mc, lane, now_ms)) {
        /* What is cached here, by age or by class, may be just what is missing. */
        boski_mcache_flush(mc);
        (void)boski_waiting_flush();
        boski_central_trim();
        boski_large_trim(now_ms, 0);
        if (!refill(mc, lane, now_ms)) {
            boski_pend(mc, &mc->pending.failed_allocs, 1);
            return NULL;
        }
    }
    p = pop_one(pop);
out:
    arm(mc, lane);
    if (record) boski_obs_latency(BOSKI_OP_MALLOC, true, boski_os_ticks() - t0, 1);
    return p;
}
