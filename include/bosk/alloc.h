/* alloc.h - the heap: malloc and its relatives under bosk's own names, limits,
 * first-class heaps, walking, trimming, labels and pressure.
 *
 * The same heap stands behind malloc when libbosk-malloc is preloaded or linked;
 * a block from either family may be freed by the other.
 *
 * Unless said otherwise: any thread; not in signal handlers; errno is set only
 * where a line says so, and never by free.
 */
#ifndef BOSK_ALLOC_H
#define BOSK_ALLOC_H

#include <bosk/base.h>

BOSK_BEGIN_DECLS

/* ---- blocks ------------------------------------------------------------- */

/* bosk_malloc returns `size` bytes, 16-aligned, contents unspecified; NULL with
 * ENOMEM when there is no memory or size exceeds PTRDIFF_MAX.  Size 0 gives a
 * unique block that can be freed.  About 12 instructions for size <= 1024. */
BOSK_API void *bosk_malloc(size_t size) BOSK_ALLOC_SIZE(1) BOSK_NODISCARD;

/* bosk_free returns a block to its heap.  NULL does nothing.  A pointer that is
 * not a block of this heap ends the process with "free(): invalid pointer"; a block
 * freed twice with "free(): double free" at the latest when the cache of the freeing
 * thread is flushed (at once with BOSK_CONF=check=1).  Keeps errno. */
BOSK_API void bosk_free(void *p);

BOSK_API void *bosk_calloc(size_t count, size_t size) BOSK_ALLOC_SIZE(1, 2) BOSK_NODISCARD;

/* bosk_realloc: as C's realloc.  Grows in place when the size class or the pages
 * behind allow it, moves large blocks by remapping, copies what is left.  Size 0
 * frees `p` and returns NULL (as glibc).  On failure `p` is untouched. */
BOSK_API void *bosk_realloc(void *p, size_t size) BOSK_ALLOC_SIZE(2) BOSK_NODISCARD;

/* bosk_aligned_alloc: `align` must be a power of two (else NULL, EINVAL); any size. */
BOSK_API void *bosk_aligned_alloc(size_t align, size_t size) BOSK_ALLOC_SIZE(2) BOSK_NODISCARD;

/* bosk_free_sized: as bosk_free; `size` is the size asked for (checked with check=1). */
BOSK_API void bosk_free_sized(void *p, size_t size);

/* bosk_usable_size returns the bytes of the block at `p`, at least what was asked for;
 * 0 for NULL. */
BOSK_API size_t bosk_usable_size(const void *p);

/* bosk_grow makes the block at `p` hold at least `size` bytes without moving it.
 * Returns the new usable size, or 0 when it cannot (the block is then unchanged). */
BOSK_API size_t bosk_grow(void *p, size_t size);

/* bosk_roundupsize returns the bytes really set aside in Go 1.22 for a request of
 * `size` bytes: its size class up to 32 KiB, whole 8 KiB pages above.
 *
 *   noscan   true when the block will hold no pointers (no GC header is added)
 *   returns  bytes, >= size, or 0 when the result does not fit in ptrdiff_t
 *
 * O(1), one table read; any thread, also in a signal handler.
 * Source: Go 1.22 runtime/msize_allocheaders.go.  bosk_roundupsize(33, true) == 48. */
BOSK_API size_t bosk_roundupsize(size_t size, bool noscan);

/* ---- the whole heap ------------------------------------------------------- */

/* bosk_trim returns free memory to the system until at most `keep` bytes of free,
 * resident memory are left; flushes the caches of the calling thread.  Returns the
 * bytes released.  Cost: one madvise per free run. */
BOSK_API size_t bosk_trim(size_t keep);

/* What memory is used for.  Bytes unless said otherwise. */
struct bosk_heap_stats {
    uint64_t allocated;       /* blocks handed out, at block size, since start */
    uint64_t freed;           /* blocks taken back, at block size */
    uint64_t mallocs, frees;  /* calls; exact after a flush of every thread's cache */
    uint64_t live;            /* blocks now in use by the program */
    uint64_t peak;            /* greatest `live` seen at a refill */
    uint64_t spans_inuse;     /* bytes of spans that hold blocks */
    uint64_t dirty;           /* free pages that are still resident */
    uint64_t released;        /* free pages given back to the system */
    uint64_t mapped;          /* address space made accessible so far */
    uint64_t metadata;        /* side tables and records */
    uint64_t limit;           /* BOSK_MEMLIMIT in force, UINT64_MAX when there is none */
    uint64_t released_total;  /* bytes ever given back */
    uint64_t thrashed;        /* bytes given back and faulted in again within the window */
    uint64_t cleared, spared; /* bytes zeroed for calloc and make, and those known zero */
};
/* As with stat(2) the function has the name of the struct, which g++ calls a shadow. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
BOSK_API void bosk_heap_stats(struct bosk_heap_stats *out);
#pragma GCC diagnostic pop

/* A span as the heap walk shows it. */
struct bosk_span_info {
    void *base;
    size_t bytes;      /* length of the run of pages */
    size_t elem_bytes; /* size of one block */
    uint32_t nelems;   /* blocks it can hold */
    uint32_t nlive;    /* blocks in use (blocks in threads' caches are not) */
    uint8_t class_;    /* index into BOSK_RECORD_CLASS_BYTES, 0 for large */
    uint8_t kind;      /* enum bosk_kind */
    uint8_t home;      /* enum bosk_home_kind */
    bool sampled;      /* holds blocks chosen by the sampler */
    const void *heap;  /* the first-class heap it belongs to, or NULL */
};
/* Called once a span with block == NULL, then, if BOSK_WALK_BLOCKS is asked, once for
 * each block in use.  Return false to stop.  Must not allocate from this heap. */
typedef bool (*bosk_walk_fn)(void *ctx, const struct bosk_span_info *span, void *block,
                             size_t block_bytes);
enum { BOSK_WALK_SPANS = 0, BOSK_WALK_BLOCKS = 1 };

typedef struct bosk_heap bosk_heap;

/* bosk_heap_walk visits every span of `heap` (NULL: of the whole process) in address order.
 * Returns 0, -ECANCELED when `fn` stopped it, -ENOMEM.  Exact when no other thread
 * allocates or frees meanwhile; memory safe in any case. */
BOSK_API int bosk_heap_walk(bosk_heap *heap, unsigned flags, bosk_walk_fn fn, void *ctx);

/* ---- first-class heaps ------------------------------------------------------ */

/* bosk_heap_new makes a heap that owns whole spans and can be destroyed at once.
 * `limit` is a hard limit in bytes of spans (0: none): beyond it allocation returns NULL.
 * NULL with ENOMEM when there is no memory.  Its blocks are freed with bosk_free. */
BOSK_API bosk_heap *bosk_heap_new(size_t limit) BOSK_NODISCARD;
BOSK_API void *bosk_heap_malloc(bosk_heap *heap, size_t size) BOSK_ALLOC_SIZE(2) BOSK_NODISCARD;
BOSK_API void *bosk_heap_calloc(bosk_heap *heap, size_t count, size_t size) BOSK_ALLOC_SIZE(2, 3)
    BOSK_NODISCARD;
BOSK_API void *bosk_heap_aligned_alloc(bosk_heap *heap, size_t align, size_t size)
    BOSK_ALLOC_SIZE(3) BOSK_NODISCARD;
/* Bytes of spans the heap holds, and bytes of blocks in use. */
BOSK_API size_t bosk_heap_bytes(const bosk_heap *heap);
BOSK_API size_t bosk_heap_live(const bosk_heap *heap);
/* bosk_heap_destroy frees every block of the heap and the heap itself.  No other thread
 * may use the heap or its blocks during or after the call. */
BOSK_API void bosk_heap_destroy(bosk_heap *heap);

/* ---- labels ------------------------------------------------------------------ */

/* Bytes sampled while a label is on top of the calling thread's stack are attributed to it in
 * reports.  `name` is interned: it need not outlive the call.  The stack is 16 deep; deeper
 * pushes are counted and ignored.  bosk_label_pop on an empty stack does nothing.  In a fork
 * child the stack is empty. */
BOSK_API void bosk_label_push(const char *name);
BOSK_API void bosk_label_pop(void);

/* ---- pressure and load ---------------------------------------------------------- */

enum bosk_pressure { BOSK_PRESSURE_LOW = 0, BOSK_PRESSURE_MEDIUM = 1, BOSK_PRESSURE_HIGH = 2 };
/* `fn` is called, outside every lock, when memory pressure rises to `level` or above: from the
 * distance to the memory limit, the control group's memory.events and PSI.  Evaluated by the
 * scavenger thread, or by bosk_pressure_poll.  At most 8 functions, -ENOSPC beyond; -EINVAL for
 * NULL or a level that there is not; 0 else. */
typedef void (*bosk_pressure_fn)(enum bosk_pressure level);
BOSK_API int bosk_on_pressure(enum bosk_pressure level, bosk_pressure_fn fn);
/* Evaluates pressure now and calls the functions that are due; returns the level. */
BOSK_API enum bosk_pressure bosk_pressure_poll(void);

/* bosk_load_hint tells the scavenger what is coming: IDLE returns all free memory now, NORMAL is
 * the default, BUSY suspends release until the next hint (at most 60 s). */
enum bosk_load { BOSK_LOAD_IDLE = 0, BOSK_LOAD_NORMAL = 1, BOSK_LOAD_BUSY = 2 };
BOSK_API void bosk_load_hint(enum bosk_load level);

/* Reads BOSK_CONF_FILE again and applies the options that may change while running.
 * 0, or -errno with the options unchanged. */
BOSK_API int bosk_conf_reload(void);

BOSK_END_DECLS

#endif /* BOSK_ALLOC_H */
