/* mcache_free.c - the slow path of free: arrays that are full, what goes back to spans and when.
 *
 * Everything here belongs to the calling thread; caches of ended threads are emptied by whoever has
 * taken them out of the pool.
 */
#include "collected.h"
#include "mcache_parts.h"

#include "arena.h"
#include "huge.h"
#include "waiting.h"

#define SHED_AFTER (1u << 20) /* bytes freed without a refill */

/* ---- flush ----------------------------------------------------------------------------- */

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
    boski_bin_set(mc, c, base + (have - n));
}

/* Gives the stack of a lane back to its spans. */
static void flush_lane(struct mcache *mc, unsigned lane)
{
    struct lane *l = &mc->lane[lane];
    if (l->buf == NULL) return;
    boski_lane_uncut(l);
    boski_lane_count(mc, lane);
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
        boski_bin_count(mc, c);
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
    boski_gc_cache_flush(mc);
    boski_mcache_count(mc);
}

/* A quarter of what was used since the last decay stays: what is used often is more than there is,
 * and what is seldom used is cheap to fetch again. */
static void trim_lane(struct mcache *mc, unsigned lane)
{
    struct lane *l = &mc->lane[lane];
    boski_lane_uncut(l);
    boski_lane_count(mc, lane);
    size_t have = (size_t)(*boski_pop_of(mc, lane) - l->start), keep = l->taken / 4 + 2;
    l->taken = 0;
    if (have <= keep) return;
    size_t n = have - keep;
    boski_central_free(l->start, n, l->class_);
    boski_pend(mc, &mc->pending.flushes, 1);
    boski_pend(mc, &mc->pending.flush_objects, n);
    l->start += n;
    l->start[-1] = NULL;
}
static void trim_bin(struct mcache *mc, unsigned c)
{
    struct bin *b = &mc->bin[c];
    if (b->buf == NULL) return;
    boski_bin_count(mc, c);
    size_t have = (size_t)(mc->push.cur[c] - b->buf->slot), keep = b->given / 4 + 2;
    b->given = 0;
    if (have > keep) flush_bin(mc, c, have - keep);
}

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
                boski_buf_give(l->buf);
                l->buf = NULL;
                l->start = l->mark = NULL;
                *boski_pop_of(mc, i) = BOSKI_NOTHING;
            }
        } else {
            trim_lane(mc, i);
        }
        l->used = 0;
    }
    for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++) {
        struct bin *b = &mc->bin[c];
        if (!b->used) {
            flush_class(mc, c);
            b->cap = boski_first_cap(c);
        } else {
            trim_bin(mc, c);
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

void boski_mcache_tick(struct mcache *mc, uint64_t now_ms)
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
    if (mc != NULL) boski_mcache_tick(mc, now_ms);
}

/* ---- slow path of free -------------------------------------------------------------------- */

/* The thread has freed much and allocated nothing, and so has the process: a phase ends, and nobody
 * may come by here for long.  What it has in stock goes, and it keeps little from now on. */
static BOSKI_NOINLINE void shed(struct mcache *mc)
{
    mc->shed = true;
    for (unsigned i = 0; i < BOSKI_LANES; i++) flush_lane(mc, i);
    for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++) {
        struct bin *b = &mc->bin[c];
        flush_class(mc, c);
        b->flushed = b->refilled = 0;
        if (b->buf != NULL) boski_bin_limit(mc, c);
    }
    if (mc->large != NULL) {
        boski_large_keep(mc->large);
        mc->large = NULL;
    }
    boski_mcache_count(mc);
}
/* `bytes` have gone back to spans. */
static inline void fell(struct mcache *mc, size_t bytes)
{
    if (mc->fall < SHED_AFTER)
        mc->fall += (uint32_t)bytes;
    else if (mc->shed && !BOSKI_LOOK(boski_falling))
        mc->shed = false;
    else if (!mc->shed && BOSKI_LOOK(boski_falling))
        shed(mc);
}

/* The array of class `c` is full: it grows, up to the first capacity for the asking, beyond when
 * the thread also runs dry of the class; else objects go back to their spans. */
static void make_room(struct mcache *mc, unsigned c)
{
    struct bin *b = &mc->bin[c];
    size_t have = (size_t)(mc->push.cur[c] - b->buf->slot);
    uint32_t cap = b->buf->cap, first = boski_first_cap(c), grown = 0;
    if (b->refilled && have < cap) { /* the thread has begun to allocate of the class, too */
        boski_bin_limit(mc, c);
        return;
    }
    boski_pend(mc, &mc->pending.slow_frees, 1);
    if (have == cap && cap < first)
        grown = 4 * cap < first ? 4 * cap : first;
    else if (have == cap && b->refilled && cap < boski_class[c].cap_max && b->cap > cap)
        grown = b->cap;
    struct buf *larger = grown != 0 ? boski_buf_take(grown) : NULL;
    if (larger != NULL) {
        memcpy(larger->slot, b->buf->slot, have * sizeof(void *));
        boski_buf_give(b->buf);
        b->buf = larger;
        boski_bin_set(mc, c, larger->slot + have);
        if (grown > first) b->flushed = 1; /* may grow again */
        return;
    }
    size_t n = b->refilled ? (have + 1) / 2 : have;
    flush_bin(mc, c, n);
    b->flushed = !mc->shed; /* a phase that ends says nothing of how large arrays should be */
    b->refilled = 0;
    fell(mc, n * boski_class[c].size);
    if (!mc->shed) boski_mcache_watch(mc);
}

/* The array of class `c` is full, or there is none.  `p` is an object of that class. */
static void free_small(struct mcache *mc, void *p, unsigned c)
{
    struct bin *b = &mc->bin[c];
    if (b->buf != NULL) boski_bin_count(mc, c);
    if (BOSK_UNLIKELY(boski_conf.check)) {
        if (boski_conf.quarantine != 0)
            boski_waiting_small(p, c);
        else
            boski_central_free(&p, 1, c);
        boski_pend(mc, &mc->pending.frees[c], 1);
        boski_pend_live(mc, -(int64_t)boski_class[c].size);
        return;
    }
    uint64_t now_ms = boski_now_ms();
    boski_mcache_tick(mc, now_ms);
    b->used = 1;
    if (b->cap == 0) b->cap = boski_first_cap(c);
    if (b->buf == NULL) {
        b->buf = boski_buf_take(8); /* a class that is seldom used costs a cache line or two */
        if (b->buf == NULL) {       /* no memory for a cache: straight to the span */
            boski_central_free(&p, 1, c);
            boski_pend(mc, &mc->pending.frees[c], 1);
            boski_pend_live(mc, -(int64_t)boski_class[c].size);
            return;
        }
        boski_bin_set(mc, c, b->buf->slot);
    }
    if (mc->push.cur[c] == b->end) make_room(mc, c);
    void **cur = mc->push.cur[c];
    *cur = p;
    mc->push.cur[c] = cur + 1;
    boski_bin_limit(mc, c);
}

/* ---- entry from free ---------------------------------------------------------------------- */

static BOSKI_NOINLINE void free_special(void *p, struct mspan *s)
{
    if (s->home == BOSK_HOME_ARENA) {
        boski_arena_free(s, p);
        return;
    }
    if (s->home == BOSK_HOME_COLLECTED) {
        boski_gc_free(s, p);
        return;
    }
    if (s->owner != NULL) {
        boski_hheap_free(s->owner, s, p);
        return;
    }
    if ((uintptr_t)p != s->base) boski_bad_free(p, "invalid pointer");
    if ((s->flags & BOSKI_SPAN_HUGE) != 0)
        boski_huge_free(s);
    else
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
        if (BOSK_UNLIKELY(boski_conf.quarantine != 0))
            boski_waiting_small(p, c);
        else
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
            boski_obs_latency(BOSKI_OP_FREE, false, boski_os_ticks() - t, boski_look_every(c));
            boski_bin_count(mc, c);
            boski_bin_limit(mc, c);
        }
        return;
    }
    bool record = boski_recording && !boski_tls.inside;
    uint64_t t0 = record ? boski_os_ticks() : 0;
    if (record) boski_obs_check();
    free_small(mc, p, c);
    if (record) boski_obs_latency(BOSKI_OP_FREE, true, boski_os_ticks() - t0, 1);
}
