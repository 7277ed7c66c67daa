/* mcache.c - a thread's cache: refill, flush, counting, cuts, birth and death.
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
 * No lock: everything here belongs to the calling thread but the list of all caches.
 */
#include "mcache.h"

#include "arena.h"

#include <pthread.h>

/* ---- the state of a thread that has not allocated yet ------------------------ */

void *boski_nothing[2] BOSKI_HIDDEN; /* an empty stack: its bottom slot is NULL */
#define N1 &boski_nothing[1]
#define N8 N1, N1, N1, N1, N1, N1, N1, N1
static struct mcache no_cache = {.medium = {N8, N8, N8, N8, N8, N1, N1, N1, N1}};
_Static_assert(BOSKI_LANES - BOSKI_LANES_FAST == 44, "no_cache.medium fills every lane");
_Static_assert(offsetof(struct mcache, push) == 0, "the fast path finds push at the head");

__thread struct boski_tls boski_tls __attribute__((tls_model("initial-exec"))) = {
    .push = &no_cache.push, .pop = {N8, N8, N8, N8, N8, N8, N8, N8, N1}};

struct mcache *boski_mcaches;
static struct mcache *pool;
static struct boski_lock pool_lock;
static pthread_key_t end_key;
static bool end_key_made;

#define FREE_ONLY_BYTES 16384 /* kept of a class the thread frees and does not allocate */
#define SHARE_BELOW 16        /* objects asked for */
#define LAST_UNSHARED 18      /* class 256: above it, requests of several granules share a class */

/* ---- buffers ------------------------------------------------------------------- */

#define BUF_ORDERS 12 /* 8 << order slots */
static struct buf *buf_free[BUF_ORDERS];
static struct boski_lock buf_lock;

static struct buf *buf_take(uint32_t cap)
{
    unsigned order = 0;
    while (((uint32_t)8 << order) < cap && order < BUF_ORDERS - 1) order++;
    boski_lock(&buf_lock);
    struct buf *b = buf_free[order];
    if (b != NULL) buf_free[order] = b->next;
    boski_unlock(&buf_lock);
    if (b == NULL) {
        b = boski_meta_alloc(sizeof *b + ((size_t)8 << order) * sizeof(void *));
        if (b == NULL) return NULL;
        b->cap = (uint32_t)8 << order;
    }
    b->next = NULL;
    return b;
}
static void buf_give(struct buf *b)
{
    if (b == NULL) return;
    unsigned order = 0;
    while (((uint32_t)8 << order) < b->cap) order++;
    boski_lock(&buf_lock);
    b->next = buf_free[order];
    buf_free[order] = b;
    boski_unlock(&buf_lock);
}

/* ---- counting --------------------------------------------------------------------- */

void boski_book_live(int64_t delta)
{
    if (delta == 0) return;
    if (boski_recording) {
        boski_obs_live(delta);
        return;
    }
    struct bosk_record_counters *k = boski_ctr;
    boski_count(&k->live_bytes, (uint64_t)delta);
    uint64_t now = __atomic_load_n(&k->live_bytes, __ATOMIC_RELAXED);
    if ((int64_t)now > (int64_t)__atomic_load_n(&k->peak_bytes, __ATOMIC_RELAXED))
        __atomic_store_n(&k->peak_bytes, now, __ATOMIC_RELAXED);
}

/* Books what was popped from `lane` since the last time. */
static void count_lane(struct mcache *mc, unsigned lane)
{
    struct lane *l = &mc->lane[lane];
    void **top = *boski_pop_of(mc, lane);
    size_t n = (size_t)(l->mark - top);
    if (l->mark == NULL || n == 0) return;
    l->mark = top;
    size_t bytes = n * boski_class[l->class_].size;
    boski_pend(mc, &mc->pending.mallocs[lane], n);
    l->sample_left = bytes < l->sample_left ? l->sample_left - bytes : 0;
    boski_pend_live(mc, (int64_t)bytes);
}
static void count_bin(struct mcache *mc, unsigned c)
{
    struct bin *b = &mc->bin[c];
    void **cur = mc->push.cur[c];
    size_t n = (size_t)(cur - b->mark);
    if (n == 0) return;
    b->mark = cur;
    boski_pend(mc, &mc->pending.frees[c], n);
    boski_pend_live(mc, -(int64_t)(n * boski_class[c].size));
}
static void publish_slot(struct mcache *mc)
{
    struct bosk_record_counters *k = &mc->pending;
    boski_pend(mc, &k->large_allocs, mc->slot_takes);
    boski_pend(mc, &k->large_cache_hits, mc->slot_takes);
    boski_pend(mc, &k->large_alloc_bytes, mc->slot_take_bytes);
    boski_pend(mc, &k->large_frees, mc->slot_gives);
    boski_pend(mc, &k->large_free_bytes, mc->slot_give_bytes);
    boski_pend_live(mc, (int64_t)(mc->slot_take_bytes - mc->slot_give_bytes));
    mc->slot_takes = mc->slot_take_bytes = mc->slot_gives = mc->slot_give_bytes = 0;
}
/* Adds what was counted in the cache to the process's counters. */
static void publish(struct mcache *mc)
{
    publish_slot(mc);
    uint64_t *from = (uint64_t *)(void *)&mc->pending, *to = (uint64_t *)(void *)boski_ctr;
    for (size_t i = 0; i < sizeof mc->pending / sizeof *from; i++) {
        if (from[i] == 0) continue;
        boski_count(&to[i], from[i]);
        __atomic_store_n(&from[i], 0, __ATOMIC_RELAXED);
    }
    int64_t live = mc->live_delta;
    __atomic_store_n(&mc->live_delta, 0, __ATOMIC_RELAXED);
    boski_book_live(live);
}
BOSKI_RACY void boski_mcache_add_pending(struct bosk_record_counters *sum)
{
    uint64_t *to = (uint64_t *)(void *)sum;
    struct mcache *mc = __atomic_load_n(&boski_mcaches, __ATOMIC_ACQUIRE);
    for (; mc != NULL; mc = mc->next) {
        uint64_t *from = (uint64_t *)(void *)&mc->pending;
        for (size_t i = 0; i < sizeof mc->pending / sizeof *from; i++)
            to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
        uint64_t takes = __atomic_load_n(&mc->slot_takes, __ATOMIC_RELAXED);
        uint64_t taken = __atomic_load_n(&mc->slot_take_bytes, __ATOMIC_RELAXED);
        uint64_t given = __atomic_load_n(&mc->slot_give_bytes, __ATOMIC_RELAXED);
        sum->large_allocs += takes;
        sum->large_alloc_bytes += taken;
        sum->large_frees += __atomic_load_n(&mc->slot_gives, __ATOMIC_RELAXED);
        sum->large_free_bytes += given;
        sum->live_bytes += taken - given;
        sum->live_bytes += (uint64_t)__atomic_load_n(&mc->live_delta, __ATOMIC_RELAXED);
    }
}
void boski_mcache_count(struct mcache *mc)
{
    /* Frees first: what was handed out and given back meanwhile must not look like a peak. */
    for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++)
        if (mc->bin[c].buf != NULL) count_bin(mc, c);
    for (unsigned i = 0; i < BOSKI_LANES; i++)
        if (mc->lane[i].buf != NULL) count_lane(mc, i);
    publish(mc);
}

/* ---- cuts --------------------------------------------------------------------------- */

static void uncut(struct lane *l)
{
    if (l->cut == NULL) return;
    *l->cut = l->cut_obj;
    l->cut = NULL;
}
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
        uncut(l);
        cut(mc, i, 0);
    }
}

/* ---- flush ----------------------------------------------------------------------------- */

/* Calls after which a recording looks at a lane or bin again: few enough bytes to know what is
 * live, few enough looks not to be felt. */
static inline uint32_t look_every(unsigned c)
{
    uint32_t n = 16384 / boski_class[c].size;
    return n < 1 ? 1 : n < 64 ? n : 64;
}

/* Where the push array counts as full, and where free must stop to be timed. */
static void set_limit(struct mcache *mc, unsigned c)
{
    struct bin *b = &mc->bin[c];
    void **cur = mc->push.cur[c], **end = b->buf->slot + b->buf->cap;
    if (!b->refilled) { /* a thread that only frees need not keep what it will not use */
        ptrdiff_t most = (ptrdiff_t)(FREE_ONLY_BYTES / boski_class[c].size);
        if (most < 8) most = 8;
        if (end - b->buf->slot > most) end = b->buf->slot + most;
        if (end < cur) end = cur;
    }
    b->end = end;
    if (boski_recording && end - cur > (ptrdiff_t)look_every(c)) end = cur + look_every(c);
    mc->push.lim[c] = end;
}
static void set_push(struct mcache *mc, unsigned c, void **cur)
{
    mc->push.cur[c] = mc->bin[c].mark = cur;
    set_limit(mc, c);
}

static void flush_bin(struct mcache *mc, unsigned c, size_t n)
{
    struct bin *b = &mc->bin[c];
    void **base = b->buf->slot;
    size_t have = (size_t)(mc->push.cur[c] - base);
    boski_central_free(base, n, c);
    boski_pend(mc, &mc->pending.flushes, 1);
    boski_pend(mc, &mc->pending.flush_objects, n);
    if (have - n <= n)
        memcpy(base, base + n, (have - n) * sizeof *base);
    else
        memmove(base, base + n, (have - n) * sizeof *base);
    set_push(mc, c, base + (have - n));
}

/* Gives the stack of a lane back to its spans. */
static void flush_lane(struct mcache *mc, unsigned lane)
{
    struct lane *l = &mc->lane[lane];
    if (l->buf == NULL) return;
    uncut(l);
    count_lane(mc, lane);
    void ***pop = boski_pop_of(mc, lane);
    size_t n = (size_t)(*pop - l->start);
    if (n != 0) {
        boski_central_free(l->start, n, l->class_);
        boski_pend(mc, &mc->pending.flushes, 1);
        boski_pend(mc, &mc->pending.flush_objects, n);
    }
    l->start = l->mark = *pop = l->buf->slot;
}
static void flush_class(struct mcache *mc, unsigned c)
{
    struct bin *b = &mc->bin[c];
    if (b->buf != NULL) {
        count_bin(mc, c);
        size_t n = (size_t)(mc->push.cur[c] - b->buf->slot);
        if (n != 0) flush_bin(mc, c, n);
    }
    if (b->span != NULL) {
        boski_central_put(b->span);
        b->span = NULL;
        b->word = 0;
    }
}
void boski_mcache_flush(struct mcache *mc)
{
    for (unsigned i = 0; i < BOSKI_LANES; i++) flush_lane(mc, i);
    for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++) flush_class(mc, c);
    if (mc->large != NULL) {
        boski_large_keep(mc->large);
        mc->large = NULL;
    }
    boski_mcache_count(mc);
}

static uint32_t first_cap(unsigned c) { return boski_class[c].batch; }

void boski_mcache_decay(struct mcache *mc, uint64_t now_ms)
{
    mc->decay_ms = now_ms;
    for (unsigned i = 0; i < BOSKI_LANES; i++) {
        struct lane *l = &mc->lane[i];
        if (l->buf == NULL) continue;
        if (!l->used) {
            flush_lane(mc, i);
            l->want = 1;
            if (l->buf->cap > 64) { /* the large arrays are for those who need them */
                buf_give(l->buf);
                l->buf = NULL;
                l->start = l->mark = NULL;
                *boski_pop_of(mc, i) = N1;
            }
        }
        l->used = 0;
    }
    for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++) {
        struct bin *b = &mc->bin[c];
        if (!b->used) {
            flush_class(mc, c);
            b->cap = first_cap(c);
        }
        b->used = 0;
    }
    if (mc->large != NULL && !mc->large_used) {
        boski_large_keep(mc->large);
        mc->large = NULL;
    }
    mc->large_used = false;
    boski_mcache_count(mc);
}

/* What is done now and then on slow paths.  Lanes may be empty or cut afterwards. */
static void tick(struct mcache *mc, uint64_t now_ms)
{
    static uint64_t last_ms;
    uint64_t last = __atomic_load_n(&last_ms, __ATOMIC_RELAXED);
    if (BOSK_LIKELY(now_ms - last < 20 && now_ms - mc->decay_ms < 100)) return;
    if (now_ms - mc->decay_ms >= 100) boski_mcache_decay(mc, now_ms);
    if (now_ms - last < 20 || !__atomic_compare_exchange_n(&last_ms, &last, now_ms, false,
                                                           __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return;
    boski_mcache_trim_pool(now_ms, 100);
    boski_scavenge_tick(now_ms);
    mc->held = false;
    boski_mcache_watch(mc);
}

void boski_tick(uint64_t now_ms)
{
    struct mcache *mc = boski_mcache_peek();
    if (mc != NULL) tick(mc, now_ms);
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
    l->want = (uint16_t)(next > k->batch ? k->batch : next);
    l->last_ms = now_ms;
    return want;
}

/* A buffer for `want` objects at least, empty.  False: no memory. */
static bool lane_buf(struct mcache *mc, unsigned lane, uint32_t cap, size_t want)
{
    struct lane *l = &mc->lane[lane];
    if (l->buf != NULL && l->buf->cap >= want) return true;
    buf_give(l->buf);
    l->buf = buf_take(cap > want ? cap : (uint32_t)want);
    l->start = l->mark = NULL;
    *boski_pop_of(mc, lane) = N1;
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
        struct buf *n = buf_take(full->cap > b->cap ? full->cap : b->cap);
        if (n != NULL) {
            buf_give(b->buf);
            b->buf = n;
        }
    }
    if (b->buf != NULL)
        set_push(mc, c, b->buf->slot);
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
    if (b->buf != NULL) {
        count_bin(mc, c);
        have = (size_t)(mc->push.cur[c] - b->buf->slot);
    }
    if (have > want && c > LAST_UNSHARED && lane < BOSKI_LANES_FAST &&
        lane_buf(mc, lane, (uint32_t)want, want)) {
        /* Several lanes live off this class: take a part. */
        void **from = mc->push.cur[c] - want;
        memcpy(l->buf->slot, from, want * sizeof *from);
        set_push(mc, c, from);
        set_pop(mc, lane, l->buf->slot, l->buf->slot + want);
        have = want;
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
        struct buf *larger = buf_take((uint32_t)want);
        if (larger == NULL) return true;
        memcpy(larger->slot, l->buf->slot, have * sizeof(void *));
        buf_give(l->buf);
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
    if (b->cap == 0) b->cap = first_cap(l->class_);
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
        size_t most = look_every(l->class_) - 1;
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
    uncut(l);
    if (record && mc->bin[l->class_].buf != NULL) count_bin(mc, l->class_);
    if (l->buf != NULL) count_lane(mc, lane);
    uint64_t now_ms = boski_now_ms();
    mc->slow_pace = now_ms - mc->slow_ms > 10;
    mc->slow_ms = now_ms;
    tick(mc, now_ms);
    uncut(l);
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
        p = timed_pop(pop, look_every(l->class_));
        arm(mc, lane);
        return p;
    }
    boski_pend(mc, &mc->pending.slow_mallocs, 1);
    if ((*pop)[-1] == NULL && !refill(mc, lane, now_ms)) {
        /* What is cached here, by age or by class, may be just what is missing. */
        boski_mcache_flush(mc);
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

/* ---- slow path of free -------------------------------------------------------------------- */

/* The array of class `c` is full: it grows, up to the first capacity for the asking, beyond when
 * the thread also runs dry of the class; else objects go back to their spans. */
static void make_room(struct mcache *mc, unsigned c)
{
    struct bin *b = &mc->bin[c];
    size_t have = (size_t)(mc->push.cur[c] - b->buf->slot);
    uint32_t cap = b->buf->cap, first = first_cap(c), grown = 0;
    if (b->refilled && have < cap) { /* the thread has begun to allocate of the class, too */
        set_limit(mc, c);
        return;
    }
    boski_pend(mc, &mc->pending.slow_frees, 1);
    if (have == cap && cap < first)
        grown = 4 * cap < first ? 4 * cap : first;
    else if (have == cap && b->refilled && cap < boski_class[c].cap_max && b->cap > cap)
        grown = b->cap;
    struct buf *larger = grown != 0 ? buf_take(grown) : NULL;
    if (larger != NULL) {
        memcpy(larger->slot, b->buf->slot, have * sizeof(void *));
        buf_give(b->buf);
        b->buf = larger;
        set_push(mc, c, larger->slot + have);
        if (grown > first) b->flushed = 1; /* may grow again */
        return;
    }
    flush_bin(mc, c, b->refilled ? (have + 1) / 2 : have);
    boski_mcache_watch(mc);
    b->flushed = 1;
    b->refilled = 0;
}

/* In the hostile build what is freed is overwritten, once it is known to be a block in use. */
static void poison(void *p, unsigned c)
{
#ifdef BOSKI_HOSTILE
    const struct mspan *s = boski_span_of(p);
    size_t slot = boski_slot_of(s, p);
    if ((uintptr_t)p == s->base + slot * s->elem_bytes && slot < s->nelems &&
        (__atomic_load_n(&s->bits[slot >> 6], __ATOMIC_RELAXED) >> (slot & 63) & 1) == 0)
        memset(p, 0xdb, boski_class[c].size);
#else
    (void)p;
    (void)c;
#endif
}

/* The array of class `c` is full, or there is none.  `p` is an object of that class. */
static void free_small(struct mcache *mc, void *p, unsigned c)
{
    struct bin *b = &mc->bin[c];
    if (b->buf != NULL) count_bin(mc, c);
    if (BOSK_UNLIKELY(boski_conf.check)) {
        poison(p, c);
        boski_central_free(&p, 1, c);
        boski_pend(mc, &mc->pending.frees[c], 1);
        boski_pend_live(mc, -(int64_t)boski_class[c].size);
        return;
    }
    uint64_t now_ms = boski_now_ms();
    tick(mc, now_ms);
    b->used = 1;
    if (b->cap == 0) b->cap = first_cap(c);
    if (b->buf == NULL) {
        b->buf = buf_take(8); /* a class that is seldom used costs a cache line or two */
        if (b->buf == NULL) { /* no memory for a cache: straight to the span */
            boski_central_free(&p, 1, c);
            boski_pend(mc, &mc->pending.frees[c], 1);
            boski_pend_live(mc, -(int64_t)boski_class[c].size);
            return;
        }
        set_push(mc, c, b->buf->slot);
    }
    if (mc->push.cur[c] == b->end) make_room(mc, c);
    void **cur = mc->push.cur[c];
    *cur = p;
    mc->push.cur[c] = cur + 1;
    set_limit(mc, c);
}

/* ---- birth and death ------------------------------------------------------------------------ */

static void **const no_pops[BOSKI_LANES_FAST] = {N8, N8, N8, N8, N8, N8, N8, N8, N1};

/* What the thread has cached stays in the record, and the next thread starts warm; when none
 * comes, a tick gives it back. */
static void thread_end(void *arg)
{
    (void)arg;
    struct mcache *mc = boski_mcache_peek();
    boski_tls.ended = 1;
    if (mc == NULL) return;
    boski_pend(mc, &mc->pending.thread_ends, 1);
    boski_mcache_count(mc);
    mc->label_depth = mc->home_depth = 0;
    mc->tiny = NULL;
    mc->end_ms = boski_now_ms();
    for (unsigned i = 0; i < BOSKI_LANES; i++) /* short lives must not add up to a large stock */
        if (mc->lane[i].want > 4) mc->lane[i].want = 4;
    boski_lock(&pool_lock);
    memcpy(mc->parked, boski_tls.pop, sizeof mc->parked);
    mc->pops = mc->parked;
    memcpy(boski_tls.pop, no_pops, sizeof boski_tls.pop);
    boski_tls.push = &no_cache.push;
    mc->tls = NULL;
    mc->idle = false;
    mc->next_free = pool;
    BOSKI_SET(pool, mc);
    boski_unlock(&pool_lock);
}

void boski_mcache_trim_pool(uint64_t now_ms, uint64_t age_ms)
{
    if (__atomic_load_n(&pool, __ATOMIC_RELAXED) == NULL) return;
    struct mcache *old = NULL, *next;
    boski_lock(&pool_lock);
    for (struct mcache **at = &pool; *at != NULL;) {
        struct mcache *mc = *at;
        if (mc->idle || now_ms - mc->end_ms < age_ms) {
            at = &mc->next_free;
            continue;
        }
        BOSKI_SET(*at, mc->next_free);
        mc->next_free = old;
        old = mc;
    }
    boski_unlock(&pool_lock);
    for (; old != NULL; old = next) {
        next = old->next_free;
        boski_mcache_flush(old);
        boski_lock(&pool_lock);
        old->idle = true;
        old->next_free = pool;
        BOSKI_SET(pool, old);
        boski_unlock(&pool_lock);
    }
}

struct mcache *boski_mcache_peek(void)
{
    struct mcache *mc = (struct mcache *)(void *)boski_tls.push;
    return mc != &no_cache ? mc : NULL;
}

static BOSKI_NOINLINE struct mcache *make_mcache(void)
{
    if (boski_tls.ended || !boski_heap_init()) return NULL;
    boski_lock(&pool_lock);
    if (!end_key_made) end_key_made = pthread_key_create(&end_key, thread_end) == 0;
    struct mcache *mc = pool;
    if (mc != NULL) BOSKI_SET(pool, mc->next_free);
    boski_unlock(&pool_lock);
    bool old = mc != NULL;
    if (!old) {
        mc = boski_meta_alloc(sizeof *mc);
        if (mc == NULL) return NULL;
        for (unsigned i = 0; i < BOSKI_LANES - BOSKI_LANES_FAST; i++) mc->medium[i] = N1;
        memcpy(mc->parked, no_pops, sizeof mc->parked);
        mc->rng = boski_os_random() | 1;
        mc->large_sample_left = UINT64_MAX;
    }
    mc->tls = &boski_tls;
    mc->decay_ms = boski_now_ms();
    if (boski_recording)
        mc->large_sample_left = boski_obs_next_sample(&mc->rng, &mc->large_sample_mean);
    memcpy(boski_tls.pop, mc->parked, sizeof boski_tls.pop);
    mc->pops = boski_tls.pop;
    boski_tls.push = &mc->push;
    if (!old) {
        boski_lock(&pool_lock);
        mc->next = boski_mcaches;
        __atomic_store_n(&boski_mcaches, mc, __ATOMIC_RELEASE);
        boski_unlock(&pool_lock);
    }
    boski_pend(mc, &mc->pending.thread_starts, 1);
    /* Last: it may allocate, through the cache that now is. */
    if (end_key_made) pthread_setspecific(end_key, mc);
    return mc;
}

struct mcache *boski_mcache(void)
{
    struct mcache *mc = (struct mcache *)(void *)boski_tls.push;
    return BOSK_LIKELY(mc != &no_cache) ? mc : make_mcache();
}

void boski_mcache_fork(int step)
{
    if (step == 0) {
        boski_lock(&pool_lock);
        boski_lock(&buf_lock);
    } else {
        boski_unlock(&buf_lock);
        boski_unlock(&pool_lock);
    }
}
void boski_mcache_fork_child(void)
{
    struct mcache *mc = boski_mcache_peek();
    /* The other threads are not here, and new ones may come to lie on their stacks. */
    for (struct mcache *other = boski_mcaches; other != NULL; other = other->next)
        if (other != mc && other->tls != NULL) {
            other->tls = NULL;
            other->lost = true;
        }
    if (mc != NULL) mc->label_depth = 0;
}

/* Calls `fn` for what lies in [from, to) of `b`, if that is a part of it at all: the owner may be
 * moving both ends.  Buffers are never unmapped, so what is read is at worst out of date. */
BOSKI_RACY static void each_slot(struct buf *b, void **from, void **to, const struct lane *l,
                                 void (*fn)(void *ctx, void *p), void *ctx)
{
    if (b == NULL || from < b->slot || to > b->slot + b->cap) return;
    for (void **at = from; at < to; at++)
        fn(ctx, l != NULL && at == l->cut ? l->cut_obj : __atomic_load_n(at, __ATOMIC_RELAXED));
}
BOSKI_RACY void boski_mcache_each(void (*fn)(void *ctx, void *p), void *ctx)
{
    /* A thread that ends waits for this lock before its thread-local block is gone. */
    boski_lock(&pool_lock);
    for (struct mcache *mc = boski_mcaches; mc != NULL; mc = mc->next) {
        if (mc->lost) continue;
        for (unsigned i = 0; i < BOSKI_LANES; i++) {
            const struct lane *l = &mc->lane[i];
            each_slot(__atomic_load_n(&l->buf, __ATOMIC_RELAXED),
                      __atomic_load_n(&l->start, __ATOMIC_RELAXED),
                      __atomic_load_n(boski_pop_of(mc, i), __ATOMIC_RELAXED), l, fn, ctx);
        }
        for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++) {
            struct buf *b = __atomic_load_n(&mc->bin[c].buf, __ATOMIC_RELAXED);
            if (b != NULL)
                each_slot(b, b->slot, __atomic_load_n(&mc->push.cur[c], __ATOMIC_RELAXED), NULL, fn,
                          ctx);
        }
    }
    boski_unlock(&pool_lock);
}

/* ---- entry from free ---------------------------------------------------------------------- */

static BOSKI_NOINLINE void free_special(void *p, struct mspan *s)
{
    if (s->home == BOSK_HOME_ARENA) {
        boski_arena_free(s, p);
        return;
    }
    if (s->owner != NULL) {
        boski_hheap_free(s->owner, s, p);
        return;
    }
    if ((uintptr_t)p != s->base) boski_bad_free(p, "invalid pointer");
    boski_large_free(s);
}

void boski_free_slow(void *p)
{
    if (p == NULL) return;
    size_t idx = boski_page_of(p);
    unsigned c = idx == BOSKI_NO_PAGE ? BOSKI_C_NONE : boski_map.cmap[idx];
    if (c == BOSKI_C_NONE) boski_bad_free(p, "invalid pointer");
    if (c >= BOSKI_NUM_SMALL) {
        struct mspan *s = boski_map.spans[idx];
        if (BOSK_LIKELY(c == BOSKI_C_LARGE && (uintptr_t)p == s->base))
            boski_large_free(s);
        else
            free_special(p, s);
        return;
    }
    struct mcache *mc = boski_mcache();
    if (mc == NULL) {
        boski_central_free(&p, 1, c);
        boski_count(&boski_ctr->frees[c], 1);
        boski_book_live(-(int64_t)boski_class[c].size);
        return;
    }
    void **cur = mc->push.cur[c];
    if (mc->bin[c].buf != NULL && cur < mc->bin[c].end) {
        /* Not full: an arena's object, or a call to be timed. */
        if (boski_recording && !boski_tls.inside) boski_obs_check();
        uint64_t t = boski_recording ? boski_os_ticks() : 0;
        *cur = p;
        mc->push.cur[c] = cur + 1;
        if (boski_recording) {
            boski_obs_latency(BOSKI_OP_FREE, false, boski_os_ticks() - t, look_every(c));
            count_bin(mc, c);
            set_limit(mc, c);
        }
        return;
    }
    bool record = boski_recording && !boski_tls.inside;
    uint64_t t0 = record ? boski_os_ticks() : 0;
    if (record) boski_obs_check();
    free_small(mc, p, c);
    if (record) boski_obs_latency(BOSKI_OP_FREE, true, boski_os_ticks() - t0, 1);
}

/* What the thread that ends the process still holds uncounted belongs into the recording. */
__attribute__((destructor)) static void unloaded(void)
{
    struct mcache *mc = boski_mcache_peek();
    if (boski_recording) boski_obs_check();
    if (boski_recording && mc != NULL) boski_mcache_count(mc);
}
