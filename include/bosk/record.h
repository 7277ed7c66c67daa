/* record.h - the layout of what a recorded process shares with its observer.
 *
 * Public and versioned: tools of others may read it.  All numbers are in the byte order of the
 * machine.  The writer is the recorded process; a reader treats every field as hostile input.
 */
#ifndef BOSK_RECORD_H
#define BOSK_RECORD_H

#include <bosk/base.h>

#define BOSK_RECORD_LANES 112  /* request sizes told apart, see bosk_record_counters.mallocs */
#define BOSK_RECORD_CLASSES 72 /* Go's 68 size classes, then specials */
#define BOSK_CLASS_LARGE 68    /* whole pages */

/* Counters only grow unless a comment says otherwise.  They are written from slow paths with
 * relaxed atomic additions: what a thread's cache holds is not yet counted. */
struct bosk_record_counters {
    /* Objects handed out: lane i < 65 is for requests of (i-1)*16+1 .. i*16 bytes (lane 0: size
     * 0); lane 65 + k is for size class 33 + k. */
    uint64_t mallocs[BOSK_RECORD_LANES];
    uint64_t frees[BOSK_RECORD_CLASSES]; /* by size class */
    uint64_t large_allocs, large_frees, large_alloc_bytes, large_free_bytes;
    uint64_t live_bytes; /* now, block sizes; goes up and down */
    uint64_t peak_bytes; /* greatest live_bytes seen */
    uint64_t peak_ns;    /* when, after start */

    uint64_t realloc_same;    /* answered by the block as it was */
    uint64_t realloc_grown;   /* extended in place by pages */
    uint64_t realloc_copied;  /* moved by copying */
    uint64_t realloc_mapped;  /* moved by mremap */
    uint64_t realloc_copied_bytes;
    uint64_t realloc_shrunk;  /* moved to a smaller block, or tail pages returned */

    /* Tiers: how often a cache was refilled, and with how many objects, from where. */
    uint64_t refill_swaps, refill_swap_objects;       /* the thread's own freed objects */
    uint64_t refill_spans, refill_span_objects;       /* spans of mcentral */
    uint64_t refill_fresh, refill_fresh_objects;      /* of these, from a span new from mheap */
    uint64_t flushes, flush_objects;                  /* back to spans */
    uint64_t slow_mallocs, slow_frees;                /* calls that left the fast path */
    uint64_t span_allocs, span_frees, large_cache_hits;
    uint64_t os_grows, os_grow_bytes;                 /* address space made accessible */
    uint64_t os_releases, os_release_bytes;           /* given back to the system */
    uint64_t thrash_bytes;                            /* given back, then faulted in again */
    uint64_t cleared_bytes, spared_bytes;
    uint64_t spans_inuse_bytes, dirty_bytes, released_bytes; /* now */
    uint64_t mapped_bytes, metadata_bytes;
    uint64_t peak_spans_bytes;  /* greatest spans_inuse_bytes */
    uint64_t failed_allocs;     /* NULL returned */
    uint64_t thread_starts, thread_ends;
};

#endif /* BOSK_RECORD_H */
