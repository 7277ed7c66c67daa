/* mcache_count.c - what a cache counts, and the arrays of pointers that caches are made of.
 *
 * Calls are not counted one by one: the difference of two positions of a pointer is their number.
 * It is taken on slow paths, kept in the cache, and added to the process's counters now and then;
 * who reads those adds what the caches still hold.
 */
#include "collected.h"
#include "mcache_parts.h"

/* ---- buffers ------------------------------------------------------------------- */

#define BUF_ORDERS 12 /* 8 << order slots */
static struct buf *buf_free[BUF_ORDERS];
static struct boski_lock buf_lock;

struct buf *boski_buf_take(uint32_t cap)
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
void boski_buf_give(struct buf *b)
{
    if (b == NULL) return;
    unsigned order = 0;
    while (((uint32_t)8 << order) < b->cap) order++;
    boski_lock(&buf_lock);
    b->next = buf_free[order];
    buf_free[order] = b;
    boski_unlock(&buf_lock);
}

void boski_buf_fork(int step)
{
    if (step == 0)
        boski_lock(&buf_lock);
    else
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

void boski_mcache_count_slot(struct mcache *mc)
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
    boski_mcache_count_slot(mc);
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
/* How far apart two places in `b` are; 0 when they are not in it: the owner may be moving them. */
BOSKI_RACY static uint64_t apart(const struct buf *b, void *const *from, void *const *to)
{
    if (b == NULL || (const void *)from < (const void *)&b->zero || from > to ||
        to > b->slot + b->cap)
        return 0;
    return (uint64_t)(to - from);
}
BOSKI_RACY void boski_mcache_uncounted(struct mcache *mc, struct bosk_record_counters *sum)
{
    for (unsigned i = 0; i < BOSKI_LANES; i++) {
        const struct lane *l = &mc->lane[i];
        uint64_t n =
            apart(__atomic_load_n(&l->buf, __ATOMIC_RELAXED),
                  __atomic_load_n(boski_pop_of(mc, i), __ATOMIC_RELAXED), BOSKI_LOOK(l->mark));
        sum->mallocs[i] += n;
        sum->live_bytes += n * boski_class[l->class_].size;
    }
    for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++) {
        const struct bin *b = &mc->bin[c];
        uint64_t n = apart(__atomic_load_n(&b->buf, __ATOMIC_RELAXED), BOSKI_LOOK(b->mark),
                           __atomic_load_n(&mc->push.cur[c], __ATOMIC_RELAXED));
        sum->frees[c] += n;
        sum->live_bytes -= n * boski_class[c].size;
    }
    boski_gc_cache_uncounted(mc, sum);
}
void boski_mcache_count(struct mcache *mc)
{
    /* Frees first: what was handed out and given back meanwhile must not look like a peak. */
    for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++)
        if (mc->bin[c].buf != NULL) boski_bin_count(mc, c);
    for (unsigned i = 0; i < BOSKI_LANES; i++)
        if (mc->lane[i].buf != NULL) boski_lane_count(mc, i);
    boski_gc_cache_count(mc);
    publish(mc);
}
