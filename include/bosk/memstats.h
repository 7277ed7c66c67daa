/* memstats.h - the numbers of Go's runtime.MemStats, of this heap, as a struct and as text.
 *
 *     struct bosk_mem_stats m;
 *     bosk_read_mem_stats(&m);
 *     printf("%zu bytes in %zu blocks\n", (size_t)m.heap_alloc, (size_t)m.heap_objects);
 *
 * bosk_heap_stats and bosk_gc_stats tell more, in this library's own terms.
 */
#ifndef BOSK_MEMSTATS_H
#define BOSK_MEMSTATS_H

#include <bosk/base.h>

BOSK_BEGIN_DECLS

enum {
    BOSK_MEM_STATS_PAUSES = 256,
    BOSK_MEM_STATS_CLASSES = 76,    /* size classes, the first of which holds nothing */
    BOSK_MEM_STATS_TEXT_MAX = 20480 /* what either form of text fits into, with its NUL */
};

/* Bytes unless said otherwise; behind each field Go's name of it.  All blocks count, of malloc,
 * collected, in arenas and first-class heaps.  Whatever other threads do meanwhile,
 *
 *     heap_sys == heap_idle + heap_inuse,  heap_released <= heap_idle,  heap_alloc == alloc,
 *     sys == heap_sys + stack_sys + mspan_sys + mcache_sys + buck_hash_sys + gc_sys + other_sys.
 *
 * While they do not allocate or free, heap_alloc and heap_objects are the sum of the blocks that
 * bosk_heap_walk shows, and heap_objects == mallocs - frees; else counts lag by what is in flight.
 * In a fork child of a recorded process counts begin anew. */
struct bosk_mem_stats {
    uint64_t alloc;       /* Alloc: blocks in use, at block size */
    uint64_t total_alloc; /* TotalAlloc: blocks handed out since start */
    uint64_t sys;         /* Sys: the sum of the *_sys below; address space, not residence */
    uint64_t lookups;     /* Lookups: 0, as in Go today */
    uint64_t mallocs;     /* Mallocs: blocks handed out since start, a number */
    uint64_t frees;       /* Frees: blocks taken back since start, a number */

    uint64_t heap_alloc;    /* HeapAlloc: the same as alloc */
    uint64_t heap_sys;      /* HeapSys: pages made accessible for blocks */
    uint64_t heap_idle;     /* HeapIdle: those of them in no span */
    uint64_t heap_inuse;    /* HeapInuse: those of them in spans */
    uint64_t heap_released; /* HeapReleased: those of heap_idle given back to the system */
    uint64_t heap_objects;  /* HeapObjects: blocks in use, a number */

    uint64_t stack_inuse;   /* StackInuse: 0, stacks are the C library's */
    uint64_t stack_sys;     /* StackSys: 0 */
    uint64_t mspan_inuse;   /* MSpanInuse: records of spans in use */
    uint64_t mspan_sys;     /* MSpanSys: the same; free records are in other_sys */
    uint64_t mcache_inuse;  /* MCacheInuse: caches of threads that run */
    uint64_t mcache_sys;    /* MCacheSys: these, and those kept for threads to come */
    uint64_t buck_hash_sys; /* BuckHashSys: the record of this process, while recorded */
    uint64_t gc_sys;        /* GCSys: the collector's mark table */
    uint64_t other_sys;     /* OtherSys: page tables, arrays of caches, all else */

    uint64_t next_gc;        /* NextGC: collected bytes at which a cycle is due; 0 before use */
    uint64_t last_gc;        /* LastGC: end of the last cycle, ns since 1970; 0: none */
    uint64_t pause_total_ns; /* PauseTotalNs: ns for which the world was stopped */
    /* PauseNs, PauseEnd: the latest pauses and when they ended (ns since 1970), a ring; the last
     * one is at (num_gc + 255) % 256. */
    uint64_t pause_ns[BOSK_MEM_STATS_PAUSES];
    uint64_t pause_end[BOSK_MEM_STATS_PAUSES];
    uint32_t num_gc;        /* NumGC: cycles */
    uint32_t num_forced_gc; /* NumForcedGC: those the program asked for */
    double gc_cpu_fraction; /* GCCPUFraction: of the processor time there was, spent in cycles */
    bool enable_gc;         /* EnableGC: true, also while disabled, as in Go */
    bool debug_gc;          /* DebugGC: false, as in Go */

    /* BySize: blocks by size class; class c serves sizes above by_size[c - 1].size, but malloc
     * leaves out 8 and 24 bytes.  Blocks of whole pages are in mallocs and frees alone. */
    struct bosk_mem_stats_class {
        uint32_t size;    /* Size: bytes of a block */
        uint64_t mallocs; /* Mallocs */
        uint64_t frees;   /* Frees */
    } by_size[BOSK_MEM_STATS_CLASSES];
};

/* bosk_read_mem_stats fills in `out`; all zero but enable_gc and the sizes when the heap could not
 * be started for want of memory.  Stops no thread, unlike Go's, and allocates nothing.  Any thread;
 * waits for a cycle that runs; not in signal handlers.  Cost: microseconds, growing with the number
 * of threads. */
BOSK_API void bosk_read_mem_stats(struct bosk_mem_stats *out);

/* The same as text, written to `buf` as snprintf does: at most `cap` - 1 bytes and a NUL (nothing
 * when `cap` is 0; `buf` may then be NULL).  Returns the length of the whole text without the NUL:
 * it was cut when that is not less than `cap`.  Numbers may grow between two calls, so that
 * BOSK_MEM_STATS_TEXT_MAX bytes are the safe choice.  Allocates nothing, keeps errno, no locale.
 *
 * json: one object on one line with Go's field names, in Go's order, as encoding/json prints a
 * MemStats.  text: the lines "# Alloc = 1234" that end a heap profile of net/http/pprof, and a line
 * "# BySize 64 = mallocs / frees" for each size class that was used. */
BOSK_API size_t bosk_mem_stats_json(char *buf, size_t cap);
BOSK_API size_t bosk_mem_stats_text(char *buf, size_t cap);

BOSK_END_DECLS

#endif /* BOSK_MEMSTATS_H */
