/* mcache_parts.h - what the files of the thread cache share, and nobody else needs. */
#ifndef BOSKI_MCACHE_PARTS_H
#define BOSKI_MCACHE_PARTS_H

#include "mcache.h"

extern void *boski_nothing[2] BOSKI_HIDDEN; /* an empty stack: its bottom slot is NULL */
#define BOSKI_NOTHING &boski_nothing[1]

#define BOSKI_FREE_ONLY_BYTES 16384 /* kept of a class the thread frees and does not allocate */
#define BOSKI_SHED_BYTES 2048       /* the same when a phase seems to end */

/* An empty array of at least `cap` slots (the largest there is, if that is less), or NULL. */
struct buf *boski_buf_take(uint32_t cap);
void boski_buf_give(struct buf *b);
/* Holds the arrays' lock while the process forks. */
void boski_buf_fork(int step);

/* What is done now and then on slow paths.  Lanes may be empty or cut afterwards. */
void boski_mcache_tick(struct mcache *mc, uint64_t now_ms);

static inline uint32_t boski_first_cap(unsigned c) { return boski_class[c].batch; }

/* Books what was popped from `lane` since the last time. */
static inline void boski_lane_count(struct mcache *mc, unsigned lane)
{
    struct lane *l = &mc->lane[lane];
    void **top = *boski_pop_of(mc, lane);
    size_t n = (size_t)(l->mark - top);
    if (l->mark == NULL || n == 0) return;
    l->mark = top;
    l->taken += (uint32_t)n;
    size_t bytes = n * boski_class[l->class_].size;
    boski_pend(mc, &mc->pending.mallocs[lane], n);
    l->sample_left = bytes < l->sample_left ? l->sample_left - bytes : 0;
    boski_pend_live(mc, (int64_t)bytes);
}
static inline void boski_bin_count(struct mcache *mc, unsigned c)
{
    struct bin *b = &mc->bin[c];
    void **cur = mc->push.cur[c];
    size_t n = (size_t)(cur - b->mark);
    if (n == 0) return;
    b->mark = cur;
    b->given += (uint32_t)n;
    boski_pend(mc, &mc->pending.frees[c], n);
    boski_pend_live(mc, -(int64_t)(n * boski_class[c].size));
}

static inline void boski_lane_uncut(struct lane *l)
{
    if (l->cut == NULL) return;
    *l->cut = l->cut_obj;
    l->cut = NULL;
}

/* Calls after which a recording looks at a lane or bin again: few enough bytes to know what is
 * live, few enough looks not to be felt. */
static inline uint32_t boski_look_every(unsigned c)
{
    uint32_t n = 16384 / boski_class[c].size;
    return n < 1 ? 1 : n < 64 ? n : 64;
}

/* Where the push array counts as full, and where free must stop to be timed. */
static inline void boski_bin_limit(struct mcache *mc, unsigned c)
{
    struct bin *b = &mc->bin[c];
    void **cur = mc->push.cur[c], **end = b->buf->slot + b->buf->cap;
    if (!b->refilled) { /* a thread that only frees need not keep what it will not use */
        uint32_t bytes = mc->shed ? BOSKI_SHED_BYTES : BOSKI_FREE_ONLY_BYTES;
        ptrdiff_t most = (ptrdiff_t)(bytes / boski_class[c].size);
        ptrdiff_t least = mc->shed ? 1 : 8;
        if (most < least) most = least;
        if (end - b->buf->slot > most) end = b->buf->slot + most;
        if (end < cur) end = cur;
    }
    b->end = end;
    if (boski_recording && end - cur > (ptrdiff_t)boski_look_every(c))
        end = cur + boski_look_every(c);
    mc->push.lim[c] = end;
}
static inline void boski_bin_set(struct mcache *mc, unsigned c, void **cur)
{
    mc->push.cur[c] = mc->bin[c].mark = cur;
    boski_bin_limit(mc, c);
}

#endif /* BOSKI_MCACHE_PARTS_H */
