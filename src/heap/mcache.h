/* mcache.h - the cache of one thread: lanes, arrays of freed objects, sampling state. */
#ifndef BOSKI_MCACHE_H
#define BOSKI_MCACHE_H

#include "fastpath.h"

#define BOSKI_LABELS 16
#define BOSKI_HOMES 16

/* A stack of pointers.  `zero` is the sentinel under slot 0. */
struct buf {
    struct buf *next; /* free list */
    uint32_t cap;
    uint32_t pad;
    void *zero;
    void *slot[];
};

/* What malloc pops from.  The stack lies in `buf` from `start` up to the pop pointer. */
struct lane {
    struct buf *buf;
    void **start;         /* lowest slot in use; the slot below holds NULL */
    void **mark;          /* the pop pointer when objects were last counted */
    void **cut;           /* slot that holds NULL for the time being, or NULL */
    void *cut_obj;        /* what it held */
    uint64_t sample_left; /* bytes until the next sample */
    uint32_t sample_mean; /* the mean that countdown was drawn with */
    uint64_t last_ms;     /* of the last refill from spans */
    uint32_t taken;       /* objects since the last decay */
    uint16_t want;        /* objects to ask for next time */
    uint8_t class_;
    uint8_t used; /* since the last decay */
};

/* What free pushes to, and where refills come from: one per class. */
struct bin {
    struct buf *buf;
    struct mspan *span; /* cached */
    void **mark;        /* of the push pointer when frees were last counted */
    void **end;         /* where the array counts as full */
    uint32_t word;      /* of the span's bits to look at first */
    uint32_t cap;       /* wished capacity of buffers */
    uint32_t given;     /* objects since the last decay */
    uint8_t flushed;    /* flushed since the last refill from spans */
    uint8_t refilled;   /* refilled from spans since the last flush */
    uint8_t used;
};

/* What fast paths look at without asking whether the thread has a cache. */
struct mcache_head {
    struct boski_push push; /* first: fast paths know its address */
    void **medium[BOSKI_LANES - BOSKI_LANES_FAST];
    struct mspan *large; /* the large object freed last, ready to be handed out again */
};

struct mcache {
    struct boski_push push; /* these three as in mcache_head */
    void **medium[BOSKI_LANES - BOSKI_LANES_FAST];
    struct mspan *large;
    struct lane lane[BOSKI_LANES];
    struct bin bin[BOSKI_NUM_SMALL];

    void ***pops; /* of the fast lanes: in the owner's TLS, or `parked` */
    void **parked[BOSKI_LANES_FAST];
    struct boski_tls *tls; /* of the owner, NULL while pooled */
    struct mcache *next;   /* all, never unlinked */
    struct mcache *next_free;
    uint64_t end_ms;  /* when its thread ended */
    bool idle;        /* pooled and empty */
    bool lost;        /* of a thread that is not in this fork child */
    bool large_used;  /* since the last decay */
    bool held;        /* lanes were held for the scavenging that is pending */
    bool slow_pace;   /* the last two slow mallocs were far apart */
    bool shed;        /* frees and frees while memory waits to be given back: keeps little */
    uint32_t fall;    /* bytes flushed since the last refill from spans, or bin */
    uint64_t slow_ms; /* when the last one was */
    uint64_t rng;
    uint64_t large_sample_left;
    uint32_t large_sample_mean;
    uint64_t decay_ms;                                                 /* last decay */
    uint64_t slot_takes, slot_take_bytes, slot_gives, slot_give_bytes; /* of `large` */
    int64_t live_delta;                                                /* not yet booked */
    struct bosk_record_counters pending; /* not yet added to boski_ctr */

    char *tiny;                /* the open block of the tiny allocator, or NULL */
    uint32_t tiny_used;        /* bytes of it */
    struct boski_gc_cache *gc; /* runs of collected memory, or NULL */

    const char *label[BOSKI_LABELS];
    uint32_t label_depth;
    uint32_t home_depth;
    bosk_home home[BOSKI_HOMES];
};

extern BOSKI_HIDDEN struct mcache *boski_mcaches; /* all, newest first; atomic */

/* What threads have that have not allocated yet: nothing. */
extern BOSKI_HIDDEN struct mcache_head boski_no_cache;
struct mcache *boski_mcache_make(void);
/* The calling thread's cache, made if need be; NULL when the thread is ending or there is
 * no memory. */
static inline struct mcache *boski_mcache(void)
{
    struct boski_push *push = boski_tls.push;
    if (BOSK_UNLIKELY(push == &boski_no_cache.push)) return boski_mcache_make();
    return (struct mcache *)(void *)push;
}
/* The same, but NULL when it has none yet. */
static inline struct mcache *boski_mcache_peek(void)
{
    struct boski_push *push = boski_tls.push;
    return push != &boski_no_cache.push ? (struct mcache *)(void *)push : NULL;
}
/* Gives everything cached by `mc` (the caller's own) back to spans. */
void boski_mcache_flush(struct mcache *mc);
/* Books what has been popped and pushed since the last time, for the caller's own cache. */
void boski_mcache_count(struct mcache *mc);
/* The same for its large object alone. */
void boski_mcache_count_slot(struct mcache *mc);
/* Empties pooled caches whose threads ended `age_ms` ago or earlier. */
void boski_mcache_trim_pool(uint64_t now_ms, uint64_t age_ms);
/* Adds what all threads have counted and not yet published. */
void boski_mcache_add_pending(struct bosk_record_counters *sum);
/* Adds what they have popped and pushed and not counted; racy unless the others are quiet. */
void boski_mcache_add_uncounted(struct bosk_record_counters *sum);
/* The same for one cache whose owner cannot end meanwhile. */
void boski_mcache_uncounted(struct mcache *mc, struct bosk_record_counters *sum);
/* What caches there are: those in use, and all. */
void boski_mcache_census(size_t *inuse, size_t *all);
/* Sets pop stacks so that the next malloc of each lane takes the slow path. */
void boski_mcache_hold(struct mcache *mc);
/* Holds them once if memory waits to be given back: a phase may have ended. */
static inline void boski_mcache_watch(struct mcache *mc)
{
    if (BOSK_LIKELY(mc->held || !__atomic_load_n(&boski_scavenge_pending, __ATOMIC_RELAXED)))
        return;
    mc->held = true;
    boski_mcache_hold(mc);
}
void boski_mcache_fork_child(void);
void boski_mcache_fork(int step);
/* Flushes classes not used since the last call. */
void boski_mcache_decay(struct mcache *mc, uint64_t now_ms);

/* Slow path of a lane: refills, samples, looks at the clock.  NULL when out of memory. */
void *boski_lane_slow(unsigned lane, size_t size);
/* An object of any lane (BOSKI_LANE_24 is not a malloc size); NULL and ENOMEM when there is none.
 */
void *boski_lane_alloc(unsigned lane, size_t size);
/* Calls `fn` for each pointer cached by any thread; racy unless the others are quiet. */
void boski_mcache_each(void (*fn)(void *ctx, void *p), void *ctx);
/* The same while no other thread runs. */
void boski_mcache_each_stopped(void (*fn)(void *ctx, void *p), void *ctx);

/* The clock is looked at on slow paths: ages caches and dirty pages.  No lock held. */
void boski_tick(uint64_t now_ms);

/* Draws `bytes` from the countdown for objects outside lanes; true when this one is a sample. */
bool boski_sample_due(struct mcache *mc, size_t bytes, uint32_t *mean);

/* Counts in the thread's own cache: no lock, no shared line.  Others may read at any time.  A
 * recording must be exact when the process is killed, so then it is counted there at once. */
static inline void boski_pend(struct mcache *mc, uint64_t *counter, uint64_t n)
{
    if (BOSK_UNLIKELY(boski_recording)) {
        size_t at = (size_t)((char *)counter - (char *)&mc->pending);
        boski_count((uint64_t *)(void *)((char *)boski_ctr + at), n);
        return;
    }
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}
/* Live bytes changed: booked once it amounts to something. */
static inline void boski_pend_live(struct mcache *mc, int64_t delta)
{
    int64_t sum = mc->live_delta + delta;
    __atomic_store_n(&mc->live_delta, sum, __ATOMIC_RELAXED);
    if (BOSK_UNLIKELY(sum >= 65536 || sum <= -65536 || boski_recording)) {
        __atomic_store_n(&mc->live_delta, 0, __ATOMIC_RELAXED);
        boski_book_live(sum);
    }
}

/* The label on top of the thread's stack, or NULL. */
static inline const char *boski_label_top(const struct mcache *mc)
{
    if (mc == NULL || mc->label_depth == 0) return NULL;
    return mc->label[(mc->label_depth < BOSKI_LABELS ? mc->label_depth : BOSKI_LABELS) - 1];
}

/* Where the pop pointer of a lane lives. */
static inline void ***boski_pop_of(struct mcache *mc, unsigned lane)
{
    if (lane < BOSKI_LANES_FAST) return &mc->pops[lane];
    return &mc->medium[lane - BOSKI_LANES_FAST];
}

#endif /* BOSKI_MCACHE_H */
