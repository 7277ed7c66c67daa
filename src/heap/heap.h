/* heap.h - the page heap: spans, side tables, and how an address finds its span.
 *
 *     mcache (per thread, no lock) -> mcentral (per class) -> mheap (one lock) -> os
 *
 * Pages are numbered from 0.  On 64-bit, pages below `region_pages` lie in one reservation, so
 * that a page number is a subtraction and a shift; the fast paths know only this case.  Pages
 * above it, all pages on 32-bit, and all pages when nothing could be reserved, belong to arenas of
 * 4 MiB found through a two-level table.  All side tables are indexed by page number:
 *
 *     cmap   1 byte   what the page holds: a size class, or a special (see BOSKI_C_*)
 *     spans  pointer  the span record
 *     bits   64 bytes one bit per object of the span, at the span's first page: 1 is free
 *
 * Locking: mcentral[c].lock before mheap.lock before meta.lock; the large cache's and a first-class
 * heap's lock before mheap.lock.  While growing, and while side tables are given back, mheap.lock
 * is held over calls to the system; a first-class heap's over what its span needs.  No lock is held
 * while the observer or a user's function is called.
 *
 * Go counterpart: runtime/mheap.go, mcentral.go, mcache.go (1.22).  Differences: objects move
 * between threads' caches and spans in batches of pointers (Go's mcache owns spans and scans their
 * bits on each malloc); spans are 32 to 136 KiB (Go: 8 to 80) to make batches worth while.
 */
#ifndef BOSKI_HEAP_H
#define BOSKI_HEAP_H

#include "../observe/observe.h"
#include "../os/conf.h"
#include "../os/os.h"
#include "mpagealloc.h"

#include <bosk/alloc.h>
#include <bosk/type.h>
#include <string.h>

#ifndef BOSKI_ASSERT_LEVEL
#define BOSKI_ASSERT_LEVEL 0
#endif
#define BOSKI_ASSERT(level, cond)                                                       \
    do {                                                                                \
        if ((level) <= BOSKI_ASSERT_LEVEL && !(cond))                                   \
            bosk_fatal("bosk: internal error at %s:%d: %s", __FILE__, __LINE__, #cond); \
    } while (0)

#define BOSKI_HIDDEN __attribute__((visibility("hidden")))
#define BOSKI_NOINLINE __attribute__((noinline))

/* A word under a lock that others look at without it, as a hint: never torn. */
#define BOSKI_SET(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELAXED)
#define BOSKI_LOOK(place) __atomic_load_n(&(place), __ATOMIC_RELAXED)
/* For functions that look at what others are changing and can bear whatever they see. */
#define BOSKI_RACY __attribute__((no_sanitize("thread")))

/* ---- classes -------------------------------------------------------------- */

#define BOSKI_NUM_SMALL 76 /* BOSK_RECORD_CLASS_BYTES; 1 .. 75 are real */
#define BOSKI_C_NONE 0     /* not part of a span in use */
#define BOSKI_C_LARGE 76   /* a span of one object */
#define BOSKI_C_SPECIAL 77 /* frees take the slow path: sampled or first-class heap */
#define BOSKI_C_COUNT 80
#define BOSKI_SMALL_MAX 32768
#define BOSKI_FAST_MAX 1024 /* requests served by the inline fast path */

/* Lanes: what malloc pops from.  0..64 by 16-byte granule, then one per class above 1024, then one
 * for class 3 (24 bytes), which containers alone use. */
#define BOSKI_LANES_FAST 65
#define BOSKI_FIRST_MEDIUM 33
#define BOSKI_LANE_24 (BOSKI_LANES_FAST + BOSKI_NUM_SMALL - BOSKI_FIRST_MEDIUM)
#define BOSKI_LANES (BOSKI_LANE_24 + 1)

struct boski_class {
    uint32_t size;      /* bytes of an object */
    uint32_t nelems;    /* objects in a span */
    uint32_t magic;     /* ceil(2^32 / size): index = offset * magic >> 32 */
    uint16_t pages;     /* of a span of a thread's caches */
    uint16_t pages_min; /* of a span of a first-class heap */
    uint16_t batch;     /* greatest refill before the cache has grown */
    uint16_t share;     /* of it, for one of the lanes that live off the class */
    uint32_t cap_max;   /* greatest size of a thread's array of free objects */
};
extern BOSKI_HIDDEN struct boski_class boski_class[BOSKI_NUM_SMALL];
/* Size class of a request of 1..32768 bytes for the malloc family (16-aligned). */
unsigned boski_class_of(size_t size);
void boski_class_init(void);

/* ---- spans ------------------------------------------------------------------- */

enum boski_where {
    BOSKI_NOWHERE, /* full: in no list */
    BOSKI_PARTIAL, /* in a list of its mcentral, or its one empty span */
    BOSKI_CACHED,  /* a thread refills from it */
    BOSKI_RELEASED /* not a central's: free, on its way there, or of another kind */
};
enum {
    BOSKI_SPAN_SAMPLED = 1,
    BOSKI_SPAN_GROWN = 2,
    BOSKI_SPAN_CHUNK = 4,    /* of an arena */
    BOSKI_SPAN_HUGE = 8,     /* mapped for huge pages, see huge.c */
    BOSKI_SPAN_HUGETLB = 16, /* mapped by explicit ones */
    BOSKI_SPAN_TINY = 32     /* collected blocks that several objects share */
};

struct mspan {
    uintptr_t base;
    uint64_t *bits; /* one a slot, 1: free; words past nelems are 0 */
    size_t elem_bytes;
    uint32_t magic;
    uint32_t nelems;
    int32_t nfree;    /* bits set, counted after the fact: may lag, may be negative */
    uint8_t class_;   /* size class, 0 for large */
    uint8_t kind;     /* enum bosk_kind */
    uint8_t home;     /* enum bosk_home_kind */
    uint8_t where;    /* enum boski_where, under the central lock */
    uint8_t needzero; /* pages may hold old data */
    uint8_t flags;    /* BOSKI_SPAN_* */
    uint8_t bucket;   /* list of the mcentral it is in */
    uint8_t inuse;    /* is a span and not a free record */
    uint8_t guard;    /* pages at its end that are without access */

    struct mspan *next, *prev;
    void *owner;           /* first-class heap, arena or collected list, by `home`, or NULL */
    const bosk_type *type; /* of the objects, for the collector */
    size_t page;           /* number of the first page */
    size_t npages;
    uint32_t sweepgen; /* for the collector: relative to mheap.sweepgen, as in Go */
    uint32_t epoch;    /* bumped whenever the record changes owner */
    uint64_t stamp_ms; /* when it went into the large cache, or into a list of its mcentral */
    int32_t purged;    /* nfree when its free pages were last given back, 0: never */
};

struct boski_map {
    uintptr_t base; /* of the reservation */
    size_t npages;  /* pages of it that are committed: bound of the fast path */
    uint8_t *cmap;
    struct mspan **spans;
    uint64_t *bits;
    size_t region_pages; /* pages reserved */
    size_t max_pages;    /* region and arenas */
    size_t arena_next;   /* first unused page number for arenas */
};
extern BOSKI_HIDDEN struct boski_map boski_map;

#define BOSKI_WORDS_PER_PAGE 8 /* of bits */

/* The lowest arena at or above `*at`: its address, which `*at` gets, and its first page; false when
 * there is none. */
bool boski_arena_next(uintptr_t *at, size_t *page);
/* Page number of an address outside the region; BOSKI_NO_PAGE when it is not ours. */
size_t boski_arena_page(uintptr_t p);

/* How many pages of the region are committed.  Who holds an object of a page has learnt of the page
 * with it, so that no order is asked for; an atomic load would keep compilers from comparing with
 * memory, an instruction on each free. */
#if defined(__SANITIZE_THREAD__)
#define BOSKI_NPAGES BOSKI_LOOK(boski_map.npages)
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BOSKI_NPAGES BOSKI_LOOK(boski_map.npages)
#endif
#endif
#ifndef BOSKI_NPAGES
#define BOSKI_NPAGES boski_map.npages
#endif

static inline size_t boski_page_of(const void *p)
{
    size_t idx = ((uintptr_t)p - boski_map.base) >> BOSKI_PAGE_SHIFT;
    if (BOSK_LIKELY(idx < BOSKI_NPAGES)) return idx;
    return boski_arena_page((uintptr_t)p);
}
/* The span that contains `p`, or NULL. */
static inline struct mspan *boski_span_of(const void *p)
{
    size_t idx = boski_page_of(p);
    if (idx == BOSKI_NO_PAGE || boski_map.cmap[idx] == BOSKI_C_NONE) return NULL;
    return boski_map.spans[idx];
}
static inline size_t boski_slot_of(const struct mspan *s, const void *p)
{
    uintptr_t off = (uintptr_t)p - s->base;
    if (s->nelems == 1) return 0;
    return (size_t)(((uint64_t)off * s->magic) >> 32);
}
/* What can be used of it: all but guard pages. */
static inline size_t boski_span_bytes(const struct mspan *s)
{
    return (s->npages - s->guard) << BOSKI_PAGE_SHIFT;
}

/* Adds to a shared counter: plainly while the process has one thread. */
static inline void boski_count(uint64_t *counter, uint64_t n)
{
    if (boski_os_single())
        *counter += n;
    else
        boski_add(counter, n);
}
/* live_bytes changed; keeps the peak. */
void boski_book_live(int64_t delta);
/* Milliseconds, a few ns to read, 1..4 ms coarse. */
static inline uint64_t boski_now_ms(void) { return boski_os_coarse_ns() / 1000000u; }

/* ---- mheap ---------------------------------------------------------------------- */

struct mheap {
    struct boski_lock lock;
    struct mspan *free_records;
    size_t spans_inuse_pages;
    uint32_t sweepgen;
    bool ready;
};
extern BOSKI_HIDDEN struct mheap boski_mheap;

enum { BOSKI_SPAN_TAIL = 1 /* place where it can grow */ };

/* A span of `npages` pages with records and page table set; `cbyte` is what cmap says.  The caller
 * fills nelems and the rest.  NULL when there is no memory. */
struct mspan *boski_mheap_alloc(size_t npages, size_t align_pages, unsigned cbyte, unsigned flags);
void boski_mheap_free(struct mspan *s);
/* Gives back the side tables of chunks that hold no span. */
void boski_mheap_trim_tables(void);
/* Extends by the pages behind it up to `npages` in all. */
bool boski_mheap_grow_span(struct mspan *s, size_t npages);
/* Gives the pages past the first `npages` back. */
void boski_mheap_shrink_span(struct mspan *s, size_t npages);
/* Initialises everything; safe to call any number of times, from the first malloc on. */
bool boski_heap_init(void);

uintptr_t boski_page_address(size_t page);

/* Small objects of a span: fills in the class and sets every slot free. */
void boski_span_init(struct mspan *s, unsigned class_);

/* Memory for records and tables; never given back.  Zeroed.  NULL when there is none. */
void *boski_meta_alloc(size_t bytes);
/* The same, in cache lines of its own: for what one thread writes all the time. */
void *boski_meta_alloc_lines(size_t bytes);
extern BOSKI_HIDDEN struct boski_lock boski_meta_lock;

/* ---- mcentral --------------------------------------------------------------------- */

#define BOSKI_BUCKETS 4
struct mcentral {
    struct boski_lock lock;
    struct mspan *partial[BOSKI_BUCKETS]; /* fullest first */
    struct mspan *empty;                  /* one wholly free span is kept */
};
extern BOSKI_HIDDEN struct mcentral boski_central[BOSKI_NUM_SMALL];

/* A span of class `c` with free slots, marked CACHED; NULL when there is no memory.
 * `*fresh` tells that it is new. */
struct mspan *boski_central_take(unsigned c, bool *fresh);
/* Gives a cached span back. */
void boski_central_put(struct mspan *s);
/* Frees `n` objects of class `c` (any spans).  Ends the process on a bad pointer. */
void boski_central_free(void **objs, size_t n, unsigned c);
/* One object without any cache, for threads that are ending. */
void *boski_central_alloc_one(unsigned c);
/* Gives back system pages inside partly used spans that hold only free objects, where the span has
 * lain untouched for `idle_ms`; looks at `most` spans at most.  Bytes given back. */
size_t boski_central_purge(uint64_t now_ms, uint64_t idle_ms, size_t most);
/* Gives the kept empty spans back to the page heap. */
void boski_central_trim(void);
/* Takes up to `want` objects out of cached span `s`, writing downwards from `top`.  `*word` is
 * where to look first. */
size_t boski_span_take(struct mspan *s, uint32_t *word, void **top, size_t want);

/* ---- large objects, realloc, alignment ------------------------------------------------ */

void *boski_large_alloc(size_t size, size_t align, unsigned flags, bool *zeroed);
void *boski_large_malloc(size_t size); /* the same, first from the thread's slot */
void boski_large_free(struct mspan *s);
/* Gives the guard pages of `s` access again; false when the system refuses. */
bool boski_large_unguard(struct mspan *s);
/* Puts a free large span into the large cache. */
void boski_large_keep(struct mspan *s);
/* Drops what the large cache holds that is older than `age_ms`. */
void boski_large_trim(uint64_t now_ms, uint64_t age_ms);
void boski_large_fork(int step);
/* A large block changed size in place: books live bytes. */
void boski_large_resized(size_t old_bytes, size_t new_bytes);
/* The same for the observer; after it. `size` is what was asked for. */
void boski_large_resample(struct mspan *s, size_t size, size_t old_bytes);
void *boski_realloc(void *p, size_t size);
/* The same for a block that is not to shrink; tells whether its bytes had to be copied. */
void *boski_grow_block(void *p, size_t size, bool *copied);
void *boski_calloc(size_t count, size_t size);
void *boski_aligned(size_t align, size_t size);
size_t boski_usable(const void *p);

/* ---- scavenger ------------------------------------------------------------------------- */

/* Called from slow paths at most every few ms; ages dirty pages.  No lock held. */
void boski_scavenge_tick(uint64_t now_ms);
/* Releases dirty pages until at most `keep` bytes of them are left, at most `most` bytes. */
size_t boski_scavenge(size_t keep, size_t most);
/* The time of the last tick. */
extern BOSKI_HIDDEN uint64_t boski_tick_ms;
/* True when 4 MiB or more have been freed since pages came into use the last time. */
extern BOSKI_HIDDEN bool boski_falling;
/* True while free memory waits to be given back. */
extern BOSKI_HIDDEN bool boski_scavenge_pending;
/* `scavenged` pages that had been given back are used again: books thrash. mheap.lock held. */
void boski_scavenge_reused(size_t scavenged);
/* Pages were freed: notes when there is something to give back.  mheap.lock held. */
void boski_scavenge_notice(void);
/* `inuse` pages are in use now, `taken` more than before: kept for the window.  mheap.lock held. */
void boski_scavenge_saw(size_t inuse, size_t taken);
/* Makes room for `npages` under the soft limit; with the hard one false when there is none. */
bool boski_limit_make_room(size_t npages);

/* ---- first-class heaps (also the home of sampled objects) ------------------------------- */

void *boski_hheap_alloc(struct bosk_heap *h, size_t size, size_t align, bool zero);
/* An object of class `c`, counted under `lane`. */
void *boski_hheap_alloc_class(struct bosk_heap *h, unsigned c, unsigned lane);
void boski_hheap_free(struct bosk_heap *h, struct mspan *s, void *p);
extern BOSKI_HIDDEN struct bosk_heap boski_sampled;
/* A collected, pointer-free object of 1 to 15 bytes, zeroed; NULL when there is no memory. */
void *boski_tiny_alloc(size_t size);
/* An object was allocated outside lanes: lets the observer sample it. */
void boski_sample_object(void *p, size_t size, size_t block);
/* The heap of the root home. */
struct bosk_heap *boski_root_heap(void);
/* Under this lock its spans change; calls `fn` for each of them while it is held. */
struct boski_lock *boski_root_lock(void);
void boski_root_each_span(void (*fn)(void *ctx, struct mspan *s), void *ctx);
void boski_hheap_fork(int step); /* 0 prepare, 1 parent, 2 child */

/* ---- what the layer above wants to be called for ------------------------------------------- */

/* Set once, by the first pool.  A tick comes with each of the scavenger's, no lock held; inside
 * malloc nothing of the user's may be called.  Forks: 0 prepare, before any lock of the heap,
 * 1 parent, 2 child. */
enum boski_tick {
    BOSKI_TICK_IN_MALLOC,
    BOSKI_TICK_OUTSIDE,
    BOSKI_TICK_FORCED,
    BOSKI_TICK_CYCLE /* a collection begins; inside malloc, too */
};
extern BOSKI_HIDDEN void (*boski_on_tick)(uint64_t now_ms, enum boski_tick how);
extern BOSKI_HIDDEN void (*boski_on_fork)(int step);
static inline void boski_tell_tick(uint64_t now_ms, enum boski_tick how)
{
    void (*fn)(uint64_t, enum boski_tick) = __atomic_load_n(&boski_on_tick, __ATOMIC_ACQUIRE);
    if (fn != NULL) fn(now_ms, how);
}
/* ---- other ------------------------------------------------------------------------------ */

BOSK_NORETURN void boski_bad_free(const void *p, const char *what);
void boski_fork_init(void);
void boski_pressure_fork(int step);
/* True while the heap must not start anything of its own: before the library is loaded. */
extern BOSKI_HIDDEN bool boski_loaded;

#endif /* BOSKI_HEAP_H */
