/* fastpath.h - the dozen instructions that nearly every malloc and free is.
 *
 * A thread has, for each lane (16-byte granule of the request), a stack of free objects that malloc
 * pops, and for each size class an array that free pushes to.  When a lane is empty the class's
 * array takes its place: so a freed object is never handed out before the next refill, and what was
 * handed out is counted there, not here.  The bottom slot of a stack holds NULL, which is the only
 * test malloc needs; a cut (see mcache_refill.c) plants NULL higher up.
 *
 * The thread's block is in initial-exec TLS and begins as a stack of nothing, so the first call
 * of a thread takes the slow path without a test of its own.
 */
#ifndef BOSKI_FASTPATH_H
#define BOSKI_FASTPATH_H

#include "heap.h"

struct mcache;
struct boski_push {
    void **cur[BOSKI_C_COUNT]; /* where free stores next */
    void **lim[BOSKI_C_COUNT]; /* where it must stop; equal to cur: slow path */
};
struct boski_tls {
    struct boski_push *push; /* the head of the mcache; never NULL */
    void **pop[BOSKI_LANES_FAST];
    uint8_t ended;  /* the thread's cache has been taken down for good */
    uint8_t inside; /* in a slow path: the observer must not be entered again */
};
extern BOSKI_HIDDEN __thread struct boski_tls boski_tls __attribute__((tls_model("initial-exec")));

void *boski_malloc_slow(size_t size) BOSKI_HIDDEN;   /* size <= 1024, lane empty */
void *boski_malloc_medium(size_t size) BOSKI_HIDDEN; /* size > 1024 */
void boski_free_slow(void *p) BOSKI_HIDDEN;

static inline __attribute__((always_inline)) void *boski_malloc_inline(size_t size)
{
    if (BOSK_UNLIKELY(size > BOSKI_FAST_MAX)) return boski_malloc_medium(size);
    size_t lane = (size + 15) >> 4;
    void **top = boski_tls.pop[lane];
    void *p = top[-1];
    if (BOSK_UNLIKELY(p == NULL)) return boski_malloc_slow(size);
    boski_tls.pop[lane] = top - 1;
    return p;
}

static inline __attribute__((always_inline)) void boski_free_inline(void *p)
{
    size_t idx = ((uintptr_t)p - boski_map.base) >> BOSKI_PAGE_SHIFT;
    if (BOSK_UNLIKELY(idx >= BOSKI_NPAGES)) {
        boski_free_slow(p);
        return;
    }
    size_t c = boski_map.cmap[idx];
    struct boski_push *push = boski_tls.push;
    void **cur = push->cur[c];
    if (BOSK_UNLIKELY(cur == push->lim[c])) {
        boski_free_slow(p);
        return;
    }
    *cur = p;
    push->cur[c] = cur + 1;
}

#endif /* BOSKI_FASTPATH_H */
