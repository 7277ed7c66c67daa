/* allocprobe_small.c - small objects: pair, batch, zero.
 *
 *   pair   allocate, write, free, 16-1024 B
 *   batch  1,000 objects of one size or of mixed sizes, freed last in first out, first in first
 *          out, at random
 *   zero   800 B cleared: calloc against malloc and memset
 */
#include "allocprobe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- operations ---------------------------------------------------------------------------- */

void probe_op_pair(size_t size, long n)
{
    for (long i = 0; i < n; i++) {
        void *p = malloc(size);
        probe_touch(p);
        probe_sink = p;
        free(p);
    }
}

static void pair_calloc(size_t size, long n)
{
    for (long i = 0; i < n; i++) {
        void *p = calloc(1, size);
        probe_touch(p);
        probe_sink = p;
        free(p);
    }
}

static void pair_memset(size_t size, long n)
{
    for (long i = 0; i < n; i++) {
        void *p = malloc(size);
        probe_sink = p;
        memset(probe_sink, 0, size); /* by way of the sink, or it would be made a calloc */
        free(p);
    }
}

enum order { LIFO, FIFO, RANDOM, ORDERS };
static const char *const order_name[ORDERS] = {"lifo", "fifo", "random"};

/* Size 0: mixed sizes. */
static void batch(size_t size, enum order order, unsigned round)
{
    void **slots = probe_slots;
    if (size) {
        for (int i = 0; i < PROBE_BATCH; i++) {
            slots[i] = malloc(size);
            probe_touch(slots[i]);
        }
    } else {
        for (int i = 0; i < PROBE_BATCH; i++) {
            slots[i] = malloc(probe_size_at(round * 997u + (unsigned)i));
            probe_touch(slots[i]);
        }
    }
    if (order == LIFO) {
        for (int i = PROBE_BATCH - 1; i >= 0; i--) free(slots[i]);
    } else if (order == FIFO) {
        for (int i = 0; i < PROBE_BATCH; i++) free(slots[i]);
    } else {
        const uint16_t *p = probe_perm[round % PROBE_PERMS];
        for (int i = 0; i < PROBE_BATCH; i++) free(slots[p[i]]);
    }
}

static void batch_zero(size_t size, bool use_calloc)
{
    void **slots = probe_slots;
    for (int i = 0; i < PROBE_BATCH; i++) {
        if (use_calloc) {
            slots[i] = calloc(1, size);
        } else {
            slots[i] = malloc(size);
            probe_sink = slots[i];
            memset(slots[i], 0, size);
        }
        probe_touch(slots[i]);
    }
    for (int i = 0; i < PROBE_BATCH; i++) free(slots[i]);
}

/* ---- tests --------------------------------------------------------------------------------- */

/* A warm-up of `warm` operations, then `chunks` chunks of `per` operations, as one row. */
static void time_pairs(const char *test, const char *param, void (*op)(size_t, long), size_t size,
                       long warm, long per, int chunks)
{
    struct probe_chunks *c = &probe_chunks_a;
    struct probe_watch w;
    probe_row_begin(c, PROBE_CPU_NONE);
    probe_start(c, &w);
    op(size, warm);
    probe_stop_first(c, &w, (double)warm);
    for (int i = 0; i < chunks; i++) {
        probe_start(c, &w);
        op(size, per);
        probe_stop(c, &w, (double)per);
    }
    probe_row_thr(test, param, c, 0);
}

static void pair_latency(void)
{
    for (long i = 0; i < 400000 / probe_work_div; i++) {
        uint64_t a = probe_tick();
        void *p = malloc(64);
        uint64_t b = probe_tick();
        probe_touch(p);
        uint64_t c = probe_tick();
        free(p);
        uint64_t d = probe_tick();
        probe_hist_add(&probe_hist_a, b - a);
        probe_hist_add(&probe_hist_b, d - c);
    }
    probe_row_lat("pair.malloc", "64", &probe_hist_a);
    probe_row_lat("pair.free", "64", &probe_hist_b);
}

void probe_pair(void)
{
    static const size_t sizes[] = {16, 32, 64, 128, 256, 512, 1024};
    for (size_t k = 0; k < COUNT(sizes); k++) {
        char name[32];
        probe_name_size(name, sizes[k]);
        time_pairs("pair", name, probe_op_pair, sizes[k], 20000, 10000, 200 / probe_work_div);
    }
    if (probe_want_lat) pair_latency();
}

static void batch_latency(void)
{
    void **slots = probe_slots;
    for (unsigned r = 0; r < 200u / (unsigned)probe_work_div; r++) {
        for (int i = 0; i < PROBE_BATCH; i++) {
            uint64_t a = probe_tick();
            slots[i] = malloc(probe_size_at(r * 997u + (unsigned)i));
            probe_hist_add(&probe_hist_a, probe_tick() - a);
            probe_touch(slots[i]);
        }
        for (int i = 0; i < PROBE_BATCH; i++) {
            uint64_t a = probe_tick();
            free(slots[probe_perm[r % PROBE_PERMS][i]]);
            probe_hist_add(&probe_hist_b, probe_tick() - a);
        }
    }
    probe_row_lat("batch.malloc", "mixed-random", &probe_hist_a);
    probe_row_lat("batch.free", "mixed-random", &probe_hist_b);
}

void probe_batch(void)
{
    static const size_t sizes[] = {16, 64, 256, 1024, 0};
    struct probe_chunks *c = &probe_chunks_a;
    struct probe_watch w;
    for (size_t k = 0; k < COUNT(sizes); k++) {
        for (enum order o = LIFO; o < ORDERS; o++) {
            char size_name[32], name[64];
            probe_row_begin(c, PROBE_CPU_NONE);
            probe_start(c, &w);
            for (unsigned i = 0; i < 20; i++) {
                batch(sizes[k], o, i);
                if (i == 0) probe_stop_first(c, &w, PROBE_BATCH);
            }
            for (unsigned i = 0; i < 400u / (unsigned)probe_work_div; i++) {
                probe_start(c, &w);
                batch(sizes[k], o, i);
                probe_stop(c, &w, PROBE_BATCH);
            }
            probe_name_size(size_name, sizes[k]);
            snprintf(name, sizeof name, "%s-%s", size_name, order_name[o]);
            probe_row_thr("batch", name, c, 0);
        }
    }
    if (probe_want_lat) batch_latency();
}

void probe_zero(void)
{
    enum { SIZE = 800 };
    struct probe_chunks *c = &probe_chunks_a;
    struct probe_watch w;
    int chunks = 200 / probe_work_div;
    time_pairs("zero.malloc", "800-pair", probe_op_pair, SIZE, 10000, 5000, chunks);
    time_pairs("zero.calloc", "800-pair", pair_calloc, SIZE, 10000, 5000, chunks);
    time_pairs("zero.malloc+memset", "800-pair", pair_memset, SIZE, 10000, 5000, chunks);
    for (int use_calloc = 0; use_calloc < 2; use_calloc++) {
        probe_row_begin(c, PROBE_CPU_NONE);
        for (int i = 0; i < 300 / probe_work_div; i++) {
            probe_start(c, &w);
            batch_zero(SIZE, use_calloc);
            probe_stop(c, &w, PROBE_BATCH);
        }
        probe_row_thr(use_calloc ? "zero.calloc" : "zero.malloc+memset", "800-batch", c, 0);
    }
    if (!probe_want_lat) return;
    for (long i = 0; i < 100000 / probe_work_div; i++) {
        uint64_t a = probe_tick();
        void *p = calloc(1, SIZE);
        probe_hist_add(&probe_hist_a, probe_tick() - a);
        probe_touch(p);
        free(p);
    }
    probe_row_lat("zero.calloc", "800", &probe_hist_a);
}
