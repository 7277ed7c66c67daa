/* analysis.h - what a recording says about a process: sites scaled to the exact counts, places in
 * the source, caches, and latencies.
 *
 * Samples tell where memory was asked for, the counters tell exactly how much was: the estimates of
 * all sites of one request size are scaled so that their sum is the exact count.  What no sample
 * fell on is shown as such and never spread over other places.
 */
#ifndef BOSK_CMD_ANALYSIS_H
#define BOSK_CMD_ANALYSIS_H

#include "reader.h"
#include "symbols.h"

/* Numbers of one site, or of several. */
struct amounts {
    double alloc_objects, alloc_bytes; /* ever */
    double request_bytes;              /* of these, as asked for */
    double live_objects, live_bytes;   /* at the end */
    double peak_objects, peak_bytes;
    double variance, peak_variance; /* of alloc_bytes and peak_bytes, from sampling */
    double samples, peak_samples;
};

/* A chain of functions, the allocator's own and mere wrappers left out. */
struct place {
    char *text; /* "inner < outer < outermost" */
    struct amounts sum;
};

struct latency {
    double calls;
    double slow_calls;
    bool fast_known;            /* fast calls were timed too */
    double p50, p99, p999, max; /* ns */
};

struct analysis {
    const struct process *process;
    struct amounts *site; /* one for each site of the process */
    struct amounts total; /* of all sites */

    double calls, allocated_bytes;
    double frees, freed_bytes;
    double reallocs;
    double live_bytes, live_objects, peak_bytes, peak_ns;
    double unknown_alloc_bytes, unknown_peak_bytes, unknown_live_bytes; /* no sample fell on it */

    size_t place_count;
    struct place *place; /* by bytes at the peak, descending */
    size_t label_count;
    struct amounts *label;           /* as the process's labels */
    double named_frames, all_frames; /* of places, weighted by bytes */

    double from_cache, from_spans, from_heap; /* calls, by the deepest level they needed */
    struct latency latency[BOSK_OP_COUNT];
};

/* 0 or -ENOMEM.  To be freed in any case. */
BOSK_NODISCARD int analyse(const struct process *p, struct symbols *symbols, struct analysis *out);
void analysis_free(struct analysis *a);

/* Size class of a lane, BOSK_CLASS_LARGE for whole pages; bytes of a block of a small class. */
unsigned lane_class(unsigned lane);
double class_bytes(unsigned class_);

/* Sorts places; `what` picks the number. */
enum place_order { BY_PEAK, BY_CHURN, BY_LIVE };
void places_sort(struct analysis *a, enum place_order order);

#endif /* BOSK_CMD_ANALYSIS_H */
