/* gc.h - the collector's own parts: stopping threads, roots, marking, checking.
 *
 *     cycle.c   when a cycle runs, its phases, statistics, gctrace
 *     stop.c    bringing every thread to a halt
 *     roots.c   where references come from
 *     mark.c    following them
 *     check.c   gccheckmark and gcverify
 *     handle.c  handles and ranges that the program registers
 *     weak.c    weak handles and cleanups
 *     leak.c    reachability of malloc's blocks
 *     memstats.c  Go's MemStats, of both heaps
 *
 * Locks: the cycle lock before everything of the heap; the loader's lock, then the locks of
 * boski_gc_lock_all, are taken before the world stops, and no lock is taken while it stands.
 */
#ifndef BOSKI_GC_H
#define BOSKI_GC_H

#include "heap/collected.h"
#include "os/os_tasks.h"

#include <bosk/gc.h>
#include <bosk/memstats.h>

/* Reads what belongs to others: dead frames, red zones. */
#define BOSKI_SCANS __attribute__((no_sanitize("address", "thread", "undefined")))

/* ---- cycle.c ------------------------------------------------------------------ */

/* Fills in what is told of cycles. */
void boski_cycle_mem_stats(struct bosk_mem_stats *m);

/* ---- stop.c ------------------------------------------------------------------- */

/* A stopped thread; lies on its stack. */
struct boski_stopped {
    struct boski_stopped *next;
    uintptr_t sp;             /* everything from here up is to be looked at */
    uintptr_t tp;             /* thread pointer */
    uintptr_t alt_lo, alt_hi; /* sp lies on this alternate stack, or 0 */
    uintptr_t below;          /* then the stack pointer it came from, 0 when that is not known */
    int tid;
};
/* Stops every other thread of the process.  False: one could not be reached, all run on. */
bool boski_stop_world(void);
void boski_start_world(void);
/* The stopped threads, without the caller. */
struct boski_stopped *boski_stopped_threads(void);
/* Describes the calling thread; its callee-saved registers must lie above. */
void boski_stop_describe(struct boski_stopped *me);
/* Waits while the world is stopped: slow paths, and who leaves a blocking region. */
void boski_stop_poll(void);
extern BOSKI_HIDDEN uint32_t boski_stop_epoch; /* odd: the world is stopping or stopped */
void boski_stop_fork_child(void);

/* ---- roots.c ------------------------------------------------------------------- */

struct boski_range {
    uintptr_t lo, hi;
};
struct boski_roots {
    struct boski_range *range;
    size_t n, cap, nstacks; /* the first `nstacks` are of threads */
    size_t stack_bytes, static_bytes;
    unsigned threads;
};
/* Calls `fn` with the loader's lock held, so that no object comes or goes; what they have as
 * static data is known to boski_roots_gather until it returns. */
bool boski_roots_with_loader(bool (*fn)(void *ctx), void *ctx);
/* All roots, world stopped.  False: no memory to note them. */
bool boski_roots_gather(struct boski_roots *r, const struct boski_stopped *self);
/* Before the stop: what may take time. */
bool boski_roots_prepare(void);
bool boski_roots_add(struct boski_roots *r, uintptr_t lo, uintptr_t hi);

/* ---- handle.c ------------------------------------------------------------------- */

bool boski_handles_gather(struct boski_roots *r);
struct boski_lock *boski_handles_lock(void);

/* ---- mark.c ---------------------------------------------------------------------- */

struct boski_found {
    struct mspan *span;
    uint32_t slot;
};
/* The object in use that the word points into; false when there is none. */
bool boski_mark_find(uintptr_t word, struct boski_found *f);

struct boski_mark_stats {
    uint64_t objects, bytes; /* marked */
};
extern BOSKI_HIDDEN struct boski_mark_stats boski_mark_stats;
/* Marks everything that is reachable from the roots. */
void boski_mark_all(const struct boski_roots *r);

/* A growing array outside the heap. */
void *boski_gc_array_grow(void *old, size_t *cap, size_t elem_bytes);

/* ---- weak.c ---------------------------------------------------------------------- */

struct boski_lock *boski_weak_lock(void);
bool boski_weak_gather(struct boski_roots *r);
/* After marking, world stopped: handles of unmarked objects become NULL, cleanups fall due. */
void boski_weak_marked(void);
void boski_weak_wake(void); /* the thread that runs them; world running */
void boski_weak_fork_child(void);

/* ---- leak.c ---------------------------------------------------------------------- */

/* Notes unreachable blocks, world stopped; false when there was no memory for it. */
bool boski_leak_mark(const struct boski_roots *r);
/* Reports them; how many, or -ECANCELED. */
long boski_leak_report(bool (*fn)(void *ctx, void *block, size_t bytes), void *ctx);
static inline bool boski_is_arena_chunk(const struct mspan *s)
{
    return (s->flags & BOSKI_SPAN_CHUNK) != 0;
}

/* ---- check.c ---------------------------------------------------------------------- */

/* Marks again with bits of its own and another order; ends the process when something reachable
 * is unmarked. */
void boski_check_marks(const struct boski_roots *r);
/* gcverify=manual: reports unmarked objects that manual memory still points to. */
void boski_check_manual(void);

#endif /* BOSKI_GC_H */
