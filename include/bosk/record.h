/* record.h - the layout of what a recorded process shares with its observer.
 *
 * Public and versioned: tools of others may read it.  The observer makes a file in memory that
 * cannot change its size, of one header and a number of sections, and names it to the program it
 * starts (BOSK_CONF=record=PATH).  Every process that attaches, by exec or by fork, claims the next
 * free section and writes into it alone, so what it wrote outlives it, however it ends.
 *
 *     header | section 0 | section 1 | ...
 *
 * All numbers are in the byte order of the machine, the layout is the same in 32- and 64-bit
 * processes. A writer may be killed between any two stores: every structure is complete once it is
 * reachable (counts are raised last).  A reader treats every field as hostile input.
 *
 * Weighted numbers: a sample of a block of s bytes, drawn with a mean distance of m bytes, stands
 * for w = 1 / (1 - exp(-s / m)) blocks.  Object counts are kept as w in units of 1/1024.
 */
#ifndef BOSK_RECORD_H
#define BOSK_RECORD_H

#include <bosk/base.h>

#define BOSK_RECORD_MAGIC UINT64_C(0x4b534f4244434552) /* "RECDBOSK" in little endian memory */
#define BOSK_RECORD_VERSION 1

#define BOSK_RECORD_LANES 112  /* request sizes told apart, see bosk_record_counters.mallocs */
#define BOSK_RECORD_CLASSES 80 /* 76 size classes, then specials */
#define BOSK_CLASS_LARGE 76    /* whole pages */

/* Lanes: 0 .. 64 by 16-byte granule of the request, then one for each class above 1024 bytes, one
 * for class 3, which only containers use, and one for whole pages, which samples alone name. */
#define BOSK_RECORD_LANE_MEDIUM 65
#define BOSK_RECORD_FIRST_MEDIUM 33
#define BOSK_RECORD_LANE_24 108
#define BOSK_RECORD_LANE_LARGE 109

/* Bytes of a block of each size class; an initialiser for 76 numbers.  Go's, and eight more above
 * 1 KiB where two of Go's are far apart and programs are known to ask for what lies between
 * (4480: a page of 4 KiB and its header). */
#define BOSK_RECORD_CLASS_BYTES                                                                   \
    {                                                                                             \
        0, 8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288,  \
            320, 352, 384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408,   \
            1536, 1664, 1792, 1920, 2048, 2304, 2432, 2688, 2944, 3072, 3200, 3456, 3712, 4096,   \
            4480, 4864, 5376, 6144, 6528, 6784, 6912, 7552, 8192, 8832, 9472, 9728, 10240, 10880, \
            12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768    \
    }

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

    uint64_t realloc_same;   /* answered by the block as it was */
    uint64_t realloc_grown;  /* extended in place by pages */
    uint64_t realloc_copied; /* moved by copying */
    uint64_t realloc_mapped; /* moved by mremap */
    uint64_t realloc_copied_bytes;
    uint64_t realloc_shrunk; /* moved to a smaller block, or tail pages returned */

    /* Tiers: how often a cache was refilled, and with how many objects, from where. */
    uint64_t refill_swaps, refill_swap_objects;  /* the thread's own freed objects */
    uint64_t refill_spans, refill_span_objects;  /* spans of mcentral */
    uint64_t refill_fresh, refill_fresh_objects; /* of these, from a span new from mheap */
    uint64_t flushes, flush_objects;             /* back to spans */
    uint64_t slow_mallocs, slow_frees;           /* calls that left the fast path */
    uint64_t span_allocs, span_frees, large_cache_hits;
    uint64_t os_grows, os_grow_bytes;       /* address space made accessible */
    uint64_t os_releases, os_release_bytes; /* given back to the system */
    uint64_t thrash_bytes;                  /* given back, then faulted in again */
    uint64_t cleared_bytes, spared_bytes;
    uint64_t spans_inuse_bytes, dirty_bytes, released_bytes; /* now */
    uint64_t mapped_bytes, metadata_bytes;
    uint64_t peak_spans_bytes; /* greatest spans_inuse_bytes */
    uint64_t failed_allocs;    /* NULL returned */
    uint64_t thread_starts, thread_ends;
};

/* ---- latency ------------------------------------------------------------------------------- */

/* Values below 32 have a bucket each; above, 32 buckets for each power of two: bucket
 * 32 * (e - 4) + ((v >> (e - 5)) & 31) where e is the number of the highest bit of v. */
#define BOSK_RECORD_BUCKETS 1184 /* up to 2^41 ticks; longer ones are in the last */
enum bosk_record_op { BOSK_OP_MALLOC, BOSK_OP_FREE, BOSK_OP_REALLOC, BOSK_OP_COUNT };

struct bosk_record_latency {
    uint64_t max_ticks;
    uint64_t bucket[BOSK_RECORD_BUCKETS]; /* calls, weighted */
};

/* ---- timeline ------------------------------------------------------------------------------ */

#define BOSK_RECORD_POINTS 1024

struct bosk_record_point {
    uint64_t live_bytes; /* greatest within the interval, 0: nothing happened in it */
    uint64_t held_bytes; /* greatest sum of spans in use and free resident pages */
};
/* Two of these: when the points are used up the interval is doubled, the points are merged into the
 * other one, and that becomes the current one. */
struct bosk_record_timeline {
    uint64_t interval_ns;
    struct bosk_record_point point[BOSK_RECORD_POINTS];
};

/* ---- where memory was asked for ------------------------------------------------------------ */

#define BOSK_RECORD_MODULES 256
#define BOSK_RECORD_STACKS 8192
#define BOSK_RECORD_FRAMES 131072
#define BOSK_RECORD_SITES 6144
#define BOSK_RECORD_LABELS 128
#define BOSK_RECORD_LABEL_BYTES 64
#define BOSK_RECORD_PATH_BYTES 256
#define BOSK_RECORD_BUILD_ID_BYTES 32
#define BOSK_RECORD_DEPTH_MAX 128
#define BOSK_RECORD_NONE UINT32_MAX

/* A loaded object that a frame points into. */
struct bosk_record_module {
    uint64_t bias;  /* run time address minus address in the file */
    uint64_t start; /* run time range; unloaded objects keep theirs */
    uint64_t end;
    uint32_t build_id_bytes;
    uint32_t flags; /* BOSK_MODULE_* */
    uint8_t build_id[BOSK_RECORD_BUILD_ID_BYTES];
    char path[BOSK_RECORD_PATH_BYTES]; /* NUL terminated; the vDSO has none */
};
enum { BOSK_MODULE_MAIN = 1, BOSK_MODULE_ALLOCATOR = 2 };

/* A frame is a return address, told as (module << 48) + address - bias, or, when it is in no
 * module, as (BOSK_RECORD_NO_MODULE << 48) + address. */
#define BOSK_RECORD_FRAME_SHIFT 48
#define BOSK_RECORD_NO_MODULE 0xffffu

struct bosk_record_stack {
    uint32_t first; /* frame, innermost first */
    uint16_t depth; /* frames; 0: taken before stacks could be */
    uint16_t cut;   /* 1: there were more */
};

/* What is known of one stack, lane and label. */
struct bosk_record_site {
    uint32_t stack;
    uint16_t lane;
    uint16_t label;         /* 0: none; i: label[i - 1] */
    uint32_t samples;       /* blocks sampled */
    uint32_t live_samples;  /* of these, not yet freed */
    uint64_t alloc_objects; /* 1/1024; ever */
    uint64_t alloc_bytes;   /* blocks */
    uint64_t request_bytes; /* as asked for */
    uint64_t live_objects;  /* 1/1024 */
    uint64_t live_bytes;
    uint64_t variance;     /* of alloc_bytes, in units of (1 KiB)^2 */
    uint64_t peak_objects; /* 1/1024; at the peak numbered peak_epoch */
    uint64_t peak_bytes;
    uint32_t peak_epoch; /* not the section's: live_* are those at the peak */
    uint32_t peak_samples;
};

/* Taken when live_bytes begins to fall from a peak. */
struct bosk_record_peak {
    uint64_t live_bytes; /* 0: not taken yet, what the counters say is the peak */
    uint64_t spans_bytes;
    uint64_t dirty_bytes;
    uint64_t large_bytes;
    uint64_t mallocs[BOSK_RECORD_LANES];
    uint64_t frees[BOSK_RECORD_CLASSES];
};

/* ---- a process ----------------------------------------------------------------------------- */

enum bosk_record_state { BOSK_SECTION_FREE, BOSK_SECTION_CLAIMED, BOSK_SECTION_READY };
enum { BOSK_SECTION_FORKED = 1, BOSK_SECTION_STATIC = 2 };

struct bosk_record_section {
    uint32_t state; /* enum bosk_record_state; written last */
    uint32_t flags; /* BOSK_SECTION_* */
    uint32_t pid;
    uint32_t ppid;
    uint32_t parent; /* section this process was forked from, or BOSK_RECORD_NONE */
    uint32_t pointer_bytes;
    uint64_t start_ns;    /* CLOCK_MONOTONIC of the process's first slow path */
    uint64_t start_ticks; /* time stamp counter then */
    uint64_t last_ns;     /* the two clocks, read together, later */
    uint64_t last_ticks;
    uint64_t timer_ticks;     /* what reading the time stamp counter twice costs by itself */
    uint64_t inherited_bytes; /* live_bytes at fork */
    char version[16];         /* of the library */
    char exe[BOSK_RECORD_PATH_BYTES];
    char args[BOSK_RECORD_PATH_BYTES]; /* NUL between arguments; cut */

    struct bosk_record_counters counters;
    struct bosk_record_peak peak;

    uint64_t sample_mean; /* now in force */
    uint64_t samples;
    uint64_t lost_samples; /* no room for the site or the block */
    uint32_t peak_epoch;
    uint32_t timeline_now; /* which of the two */
    uint32_t module_count;
    uint32_t stack_count;
    uint32_t frame_count;
    uint32_t site_count;
    uint32_t label_count;
    uint32_t latency_on; /* 1: the histograms are kept */

    struct bosk_record_latency latency[BOSK_OP_COUNT][2]; /* fast, slow */
    struct bosk_record_timeline timeline[2];
    char label[BOSK_RECORD_LABELS][BOSK_RECORD_LABEL_BYTES];
    struct bosk_record_module module[BOSK_RECORD_MODULES];
    struct bosk_record_stack stack[BOSK_RECORD_STACKS];
    struct bosk_record_site site[BOSK_RECORD_SITES];
    uint64_t frame[BOSK_RECORD_FRAMES];
};

/* ---- the file ------------------------------------------------------------------------------ */

#define BOSK_RECORD_HEADER_BYTES 65536 /* the first section begins here */
#define BOSK_RECORD_SAMPLE_AUTO 0
#define BOSK_RECORD_SAMPLE_OFF UINT64_MAX

struct bosk_record_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t total_bytes;
    uint64_t section_bytes; /* a multiple of 64 KiB */
    uint32_t section_count;
    uint32_t sections_used; /* ever claimed; may exceed section_count */
    uint32_t lost;          /* processes that found no free section */
    uint32_t depth;         /* frames wanted */
    uint64_t sample_bytes;  /* mean, or BOSK_RECORD_SAMPLE_* */
    uint64_t start_ns;      /* CLOCK_MONOTONIC of the observer */
    uint32_t observer_pid;
    uint32_t pad;
};

#endif /* BOSK_RECORD_H */
