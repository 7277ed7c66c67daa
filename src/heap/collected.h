/* collected.h - spans of collected memory: allocation from free runs, mark bits, sweeping.
 *
 * A list holds the spans of one size class and one layout (or none: pointer-free, or every word may
 * be a reference).  A thread takes a run of neighbouring free objects from a span and hands them
 * out by moving a pointer; a run of scanned memory is cleared when it is taken.  The bits of a run
 * count as in use from then on.
 *
 * The fast path may be stopped at any instruction: what lies in [cur, end) of a run is kept by the
 * collector as it is, and an object is written to only after `cur` has been stored.
 *
 * Mark bits lie in a table of their own, 64 bytes a page as the free bits do, and only at a span's
 * first page.  They are zero but from the beginning of marking until the span is swept; a span is
 * swept before anything is taken from it or freed into it.
 *
 * Locking: each list has one of 64 locks, before mheap.lock, at most one at a time; `lists` before
 * those.  The collector takes all of them before it stops the world, so that no thread is stopped
 * while it changes a span or a list.
 */
#ifndef BOSKI_COLLECTED_H
#define BOSKI_COLLECTED_H

#include "gc_hooks.h"
#include "mcache.h"

/* Which words of an object are references; interned, so modules may be unloaded. */
struct boski_layout {
    struct bosk_type type; /* name and mask are copies */
    uint64_t slot_mask;    /* of a whole object of up to 64 words, the type repeated */
    struct boski_layout *next;
};

struct boski_gc_list {
    struct mspan *spans;    /* newest first */
    struct mspan *at;       /* the next one to take from */
    struct mspan *sweep_at; /* the next one to sweep */
    struct boski_gc_list *next;
    const struct boski_layout *layout; /* NULL: none */
    struct boski_lock *lock;
    uint32_t count; /* spans */
    uint8_t class_; /* 0: large */
    uint8_t kind;   /* enum bosk_kind */
    bool tiny;      /* blocks that hold several objects */
    bool queued;    /* in the registry */
};

/* Free objects of a thread: [cur, end). */
struct boski_gc_run {
    char *cur, *end, *mark; /* mark: `cur` when objects were last counted */
    struct mspan *span;
    struct boski_gc_list *list;
    const bosk_type *type; /* typed runs: whose */
    uint64_t mask0;        /* and its first mask word */
    uint32_t size, slot;   /* of an object; where to look on in the span */
    uint32_t type_bytes, type_words;
    size_t bytes; /* asked for */
};

enum { BOSKI_TYPED_RUNS = 64, BOSKI_GC_LOCKS = 64 };
struct boski_gc_cache {
    struct boski_gc_run run[2][BOSKI_NUM_SMALL]; /* pointer-free, untyped */
    struct boski_gc_run tiny;
    struct boski_gc_run typed[BOSKI_TYPED_RUNS];
};
enum { BOSKI_GC_RUNS = sizeof(struct boski_gc_cache) / sizeof(struct boski_gc_run) };

struct boski_collected {
    uint64_t *marks;    /* 8 words a page */
    uint32_t sweepgen;  /* raised when marking ends */
    bool marking;       /* new objects are marked */
    bool poison;        /* freed objects are overwritten */
    uint32_t stress;    /* a cycle each so many slow paths, 0: never */
    size_t allocated;   /* bytes of runs and large objects taken since the last cycle */
    size_t trigger;     /* of `allocated`, when a cycle is due */
    size_t span_bytes;  /* of all collected spans */
    size_t freed_bytes; /* by sweeping, ever; objects are counted with the heap's frees */
    size_t table_bytes; /* committed for marks */
};
extern BOSKI_HIDDEN struct boski_collected boski_collected;

/* An object of `bytes` for `type`: cleared when `zero` or when it is scanned. NULL: no memory. */
void *boski_gc_alloc(const bosk_type *type, size_t bytes, size_t align, bool zero);
/* A block of 16 bytes in which tiny.c packs several; cleared. */
void *boski_gc_alloc_tiny(void);
/* bosk_free of a collected object. While marking it does nothing. */
void boski_gc_free(struct mspan *s, void *p);

/* Gives what the cache holds back to its spans (the caller's cache, or a dead one's). */
void boski_gc_cache_flush(struct mcache *mc);
void boski_gc_cache_count(struct mcache *mc);
/* Adds what the owner of the cache has taken and not counted; racy unless it is quiet. */
void boski_gc_cache_uncounted(struct mcache *mc, struct bosk_record_counters *sum);
/* Calls `fn` for each free object of the cache. */
void boski_gc_cache_each(struct mcache *mc, void (*fn)(void *ctx, void *p), void *ctx);

static inline uint64_t *boski_gc_marks(const struct mspan *s)
{
    return boski_collected.marks + s->page * BOSKI_WORDS_PER_PAGE;
}

/* All locks under which spans and lists change. */
void boski_gc_lock_all(void);
void boski_gc_unlock_all(void);
void boski_gc_fork(int step);
void boski_gc_fork_child(void);
/* Marks what threads hold as free objects, so that sweeping leaves it.  World stopped. */
void boski_gc_keep_runs(void);
/* Calls `fn` for each collected span; all locks held. */
void boski_gc_each_span(void (*fn)(void *ctx, struct mspan *s), void *ctx);

/* After marking, locks held: every span is to be swept from now on. */
void boski_gc_sweep_begin(void);
/* Sweeps all that is left; other threads may sweep, too.  No lock held. */
void boski_gc_sweep_all(void);
bool boski_gc_sweep_some(void); /* a few spans; false when nothing is left */

#endif /* BOSKI_COLLECTED_H */
