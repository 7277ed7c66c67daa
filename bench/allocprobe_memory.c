/* allocprobe_memory.c - what stays resident: phase and churn.
 *
 *   phase         much is allocated, then a little, then the much is freed in order of
 *                 allocation.  Most pages are then wholly empty; how soon are they given back?
 *   phase-sparse  the same, then one malloc per 100 ms
 *   phase-idle    the same, then not a single call
 *   churn         a million live objects, each step replaces a random one; then nine in ten die at
 *                 random, then another size is asked for, then all are freed
 */
#include "allocprobe.h"

#include <stdlib.h>
#include <string.h>

/* ---- what a program does after a phase, for 1.2 s ------------------------------------------ */

static void nap(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void settle_busy(void)
{
    for (int k = 0; k < 4; k++) {
        nap(300);
        for (unsigned i = 0; i < 2000; i++) {
            void *p = malloc(probe_size_at(i));
            probe_touch(p);
            free(p);
        }
    }
}

static void settle_sparse(void)
{
    for (unsigned k = 0; k < 12; k++) {
        nap(100);
        void *p = malloc(probe_size_at(k));
        probe_touch(p);
        free(p);
    }
}

static void settle_idle(void) { nap(1200); }

/* ---- phase --------------------------------------------------------------------------------- */

static void phase(void (*settle)(void), const char *after)
{
    enum { CHUNK = 5000 };
    size_t n = 1000000 / (size_t)probe_work_div, keep = n / 20;
    struct probe_chunks *c = &probe_chunks_a;
    struct probe_watch w;
    void **v = malloc((n + keep) * sizeof *v);
    memset(v, 0, (n + keep) * sizeof *v);
    long base = probe_rss_kb();
    double freed_bytes = 0, kept_bytes = 0;

    for (size_t i = 0; i < n + keep; i++) {
        uint32_t size = probe_size_at(i * 7 + (i >> 16));
        v[i] = malloc(size);
        probe_touch_all(v[i], size);
        if (i < n)
            freed_bytes += size;
        else
            kept_bytes += size;
    }
    probe_row_mem("phase.filled", "1M-zipf", probe_rss_kb() - base,
                  (freed_bytes + kept_bytes) / 1024);
    probe_row_begin(c, PROBE_CPU_THREAD);
    for (size_t i = 0; i < n;) {
        probe_start(c, &w);
        for (int k = 0; k < CHUNK; k++) free(v[i++]);
        probe_stop(c, &w, CHUNK);
    }
    probe_row_thr("phase.free", "1M-zipf", c, 0);
    probe_row_mem("phase.freed", "at-once", probe_rss_kb() - base, kept_bytes / 1024);
    settle();
    probe_row_mem("phase.freed", after, probe_rss_kb() - base, kept_bytes / 1024);
    for (size_t i = n; i < n + keep; i++) free(v[i]);
    free(v);
}

void probe_phase(void) { phase(settle_busy, "after-1.2s"); }

void probe_phase_sparse(void) { phase(settle_sparse, "after-1.2s-sparse"); }

void probe_phase_idle(void) { phase(settle_idle, "after-1.2s-idle"); }

/* ---- churn --------------------------------------------------------------------------------- */

static struct {
    size_t n;
    void **object;
    uint32_t *size;
    double live_bytes;
    long base_kb;
} churn;

static void churn_set(size_t i, uint32_t size)
{
    churn.live_bytes += size;
    churn.size[i] = size;
    probe_touch_all(churn.object[i], size);
}

static void churn_mem(const char *test, const char *param)
{
    probe_row_mem(test, param, probe_rss_kb() - churn.base_kb, churn.live_bytes / 1024);
}

static void churn_fill(void)
{
    enum { CHUNK = 5000 };
    struct probe_chunks *c = &probe_chunks_a;
    struct probe_watch w;
    probe_row_begin(c, PROBE_CPU_THREAD);
    for (size_t i = 0; i < churn.n;) {
        probe_start(c, &w);
        for (int k = 0; k < CHUNK; k++, i++) {
            uint32_t size = probe_size_at(i * 7 + (i >> 16));
            churn.object[i] = malloc(size);
            churn_set(i, size);
        }
        probe_stop(c, &w, CHUNK);
    }
    probe_row_thr("churn.fill", "1M-zipf", c, 0);
    churn_mem("churn.filled", "1M-zipf");
}

static void churn_replace(void)
{
    enum { CHUNK = 5000 };
    struct probe_chunks *c = &probe_chunks_a;
    struct probe_watch w;
    probe_row_begin(c, PROBE_CPU_THREAD);
    for (size_t i = 0; i < 3 * churn.n;) {
        probe_start(c, &w);
        for (int k = 0; k < CHUNK; k++, i++) {
            size_t j = probe_below((uint32_t)churn.n);
            uint32_t size = probe_size_at(i * 13 + (i >> 15));
            free(churn.object[j]);
            churn.live_bytes -= churn.size[j];
            churn.object[j] = malloc(size);
            churn_set(j, size);
        }
        probe_stop(c, &w, CHUNK);
    }
    probe_row_thr("churn.replace", "1M-zipf", c, 0);
    churn_mem("churn.steady", "1M-zipf");
}

static void churn_latency(void)
{
    for (long i = 0; i < 400000 / probe_work_div; i++) {
        size_t j = probe_below((uint32_t)churn.n);
        uint32_t size = probe_size_at((uint64_t)i * 11);
        uint64_t a = probe_tick();
        free(churn.object[j]);
        uint64_t b = probe_tick();
        churn.object[j] = malloc(size);
        uint64_t d = probe_tick();
        probe_hist_add(&probe_hist_b, b - a);
        probe_hist_add(&probe_hist_a, d - b);
        churn.live_bytes -= churn.size[j];
        churn_set(j, size);
    }
    probe_row_lat("churn.malloc", "1M-zipf", &probe_hist_a);
    probe_row_lat("churn.free", "1M-zipf", &probe_hist_b);
}

/* Nine in ten die at random; does the emptied space come back, does it serve another size? */
static void churn_shrink(void)
{
    enum { OTHER_SIZE = 700 };
    for (size_t i = 0; i < churn.n; i++) {
        if (probe_below(10) == 0) continue;
        free(churn.object[i]);
        churn.object[i] = NULL;
        churn.live_bytes -= churn.size[i];
    }
    churn_mem("churn.tenth-left", "at-once");
    settle_busy();
    churn_mem("churn.tenth-left", "after-1.2s");
    for (size_t i = 0, refilled = 0; i < churn.n && refilled < churn.n / 5; i++) {
        if (churn.object[i]) continue;
        churn.object[i] = malloc(OTHER_SIZE);
        churn_set(i, OTHER_SIZE);
        refilled++;
    }
    churn_mem("churn.other-class", "refill-700B");
    for (size_t i = 0; i < churn.n; i++) free(churn.object[i]);
    churn.live_bytes = 0;
    churn_mem("churn.all-freed", "at-once");
    settle_busy();
    churn_mem("churn.all-freed", "after-1.2s");
}

void probe_churn(void)
{
    churn.n = 1000000 / (size_t)probe_work_div;
    churn.object = malloc(churn.n * sizeof *churn.object);
    churn.size = malloc(churn.n * sizeof *churn.size);
    churn.live_bytes = 0;
    churn.base_kb = probe_rss_kb();
    churn_fill();
    churn_replace();
    if (probe_want_lat) churn_latency();
    if (probe_want_mem) {
        churn_shrink();
    } else {
        for (size_t i = 0; i < churn.n; i++) free(churn.object[i]);
    }
    free(churn.object);
    free(churn.size);
}
