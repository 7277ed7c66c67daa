/* allocprobe.h - what the parts of the allocator probe share: clocks, chunks of timed work,
 * latency histograms, the fixed random draws and the rows of the output.
 *
 * The probe calls malloc, calloc, realloc and free of whatever allocator the process runs with,
 * so that any allocator can be measured by preloading it, and prints CSV.
 *
 * Honest work
 *   - Creation, page faults and frees are inside the timed work; nothing is touched beforehand.
 *   - A row's value is the median over short chunks.  A chunk is mostly far shorter than a slice
 *     of the scheduler, so that an interrupted chunk does not move the median.  Rows whose chunks
 *     are long also carry the median of CPU time, which an interruption does not change.
 *   - The first chunk, when nothing is cached yet, is reported on its own (ns_first).
 *   - All draws come from one seed: each allocator sees the same calls in the same order.
 */
#ifndef BENCH_ALLOCPROBE_H
#define BENCH_ALLOCPROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* ---- options ------------------------------------------------------------------------------- */

extern const char *probe_label; /* first column of each row */
extern int probe_work_div;      /* 1, or 4 for a quarter of the work */
extern bool probe_want_thr, probe_want_lat, probe_want_mem;

/* ---- clocks -------------------------------------------------------------------------------- */

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
static inline uint64_t probe_tick(void)
{
    unsigned aux;
    return __rdtscp(&aux);
}
#else
static inline uint64_t probe_tick(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
#endif

void probe_calibrate(void); /* before any row: what a tick lasts, what reading one costs */
double probe_ns(uint64_t ticks);
uint64_t probe_cpu_ns(clockid_t clock);

/* ---- the work is not optimised away -------------------------------------------------------- */

extern void *volatile probe_sink;

static inline void probe_touch(void *p) { *(volatile char *)p = 1; }
/* Writes one byte of every page and the last one, so that all of it counts as resident. */
static inline void probe_touch_all(void *p, size_t n)
{
    volatile char *c = (volatile char *)p;
    for (size_t i = 0; i < n; i += 4096) c[i] = 1;
    c[n - 1] = 1;
}

/* ---- fixed random draws -------------------------------------------------------------------- */

uint64_t probe_random(void);
uint32_t probe_below(uint32_t n);

/* Sizes of a typical program: Zipf over 16..2048 (exponent about 1.1) with two in a thousand
 * between 4 and 64 KiB, drawn once so that drawing is not part of what is timed. */
enum { PROBE_SIZES = 1 << 16 };
extern uint32_t probe_sizes[PROBE_SIZES];
static inline uint32_t probe_size_at(uint64_t i) { return probe_sizes[i & (PROBE_SIZES - 1)]; }

enum { PROBE_BATCH = 1000, PROBE_PERMS = 16 };
extern uint16_t probe_perm[PROBE_PERMS][PROBE_BATCH]; /* shuffles of 0 .. PROBE_BATCH - 1 */
extern void *probe_slots[PROBE_BATCH];

void probe_draw(void);

/* ---- chunks of throughput ------------------------------------------------------------------ */

enum { PROBE_MAX_CHUNKS = 4096 };
/* CPU clock of a row: none for chunks of microseconds, where reading it would be part of what is
 * measured. */
enum probe_cpu { PROBE_CPU_NONE, PROBE_CPU_THREAD, PROBE_CPU_PROCESS };
struct probe_chunks {
    double wall[PROBE_MAX_CHUNKS], cpu[PROBE_MAX_CHUNKS]; /* ns per operation */
    int n;
    enum probe_cpu clock; /* of the chunks so far */
    double first_ns;      /* per operation of a warm-up that is no chunk; 0: chunk 0 is first */
    long faults;          /* minor faults of the process when the row began */
    double ops;
};
struct probe_watch {
    uint64_t ticks, cpu_ns;
};

extern struct probe_chunks probe_chunks_a, probe_chunks_b;

/* Starts a row.  Without it the row before is carried on. */
void probe_row_begin(struct probe_chunks *c, enum probe_cpu clock);
void probe_start(const struct probe_chunks *c, struct probe_watch *w);
void probe_stop(struct probe_chunks *c, const struct probe_watch *w, double ops);
/* As probe_stop, for the warm-up before the first chunk. */
void probe_stop_first(struct probe_chunks *c, const struct probe_watch *w, double ops);

/* ---- histogram of single calls: 32 steps per power of two ---------------------------------- */

enum { PROBE_HIST_SLOTS = 64 * 32 };
struct probe_hist {
    uint64_t slot[PROBE_HIST_SLOTS];
    uint64_t n, max;
};
extern struct probe_hist probe_hist_a, probe_hist_b;
/* `ticks` between two readings; the cost of reading is taken off. */
void probe_hist_add(struct probe_hist *h, uint64_t ticks);

/* ---- rows ---------------------------------------------------------------------------------- */

void probe_header(void);
/* `extra` is explained at each test. */
void probe_row_thr(const char *test, const char *param, struct probe_chunks *c, double extra);
void probe_row_lat(const char *test, const char *param, struct probe_hist *h);
void probe_row_mem(const char *test, const char *param, long rss_kb, double live_kb);
long probe_rss_kb(void); /* resident KiB of this process */
/* "mixed", "16", "4K", "1M" into buf[32]. */
void probe_name_size(char *buf, size_t size);

/* ---- the operations, each `n` times -------------------------------------------------------- */

void probe_op_pair(size_t size, long n);
uint64_t probe_op_append_realloc(size_t words, struct probe_hist *h);
extern long probe_moves; /* blocks that moved in append and realloc+64 */

/* ---- the tests ----------------------------------------------------------------------------- */

void probe_pair(void);
void probe_batch(void);
void probe_zero(void);
void probe_append(void);
void probe_large(void);
void probe_xthread(void);
void probe_threads(void);
void probe_phase(void);        /* as the program goes on with its usual calls */
void probe_phase_sparse(void); /* one malloc per 100 ms */
void probe_phase_idle(void);   /* no call at all */
void probe_churn(void);

#endif /* BENCH_ALLOCPROBE_H */
