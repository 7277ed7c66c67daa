/* allocprobe_grow.c - buffers that grow, and large blocks: append, realloc+64, large.
 *
 *   append.realloc  append 8-byte words one at a time, growing by Go's rule with realloc
 *   append.copy     the same with malloc, copy, free
 *   realloc+64      grow a buffer by 64 bytes a step with realloc
 *   large.pair      allocate, write a byte, free, 4 KiB-8 MiB
 *   large.fifo      eight (two of 8 MiB) live at a time, every page written
 *
 * `extra` of the first three is how often the block moved per chain.
 */
#include "allocprobe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

long probe_moves;

/* ---- append -------------------------------------------------------------------------------- */

/* Capacity after append by the rule of Go's growslice, before rounding to a size class. */
static size_t go_newcap(size_t cap, size_t need)
{
    if (need > 2 * cap) return need;
    if (cap < 256) return cap ? 2 * cap : 1;
    while (cap < need) cap += (cap + 3 * 256) / 4;
    return cap;
}

static uint64_t *grow_by_copy(uint64_t *v, size_t words, size_t new_words)
{
    uint64_t *w = malloc(new_words * sizeof *w);
    if (v) {
        memcpy(w, v, words * sizeof *w);
        free(v);
    }
    return w;
}

static inline uint64_t append(size_t words, bool by_copy, struct probe_hist *h)
{
    uint64_t *v = NULL;
    size_t cap = 0;
    for (size_t i = 0; i < words; i++) {
        if (i == cap) {
            size_t new_cap = go_newcap(cap, i + 1);
            uintptr_t before = (uintptr_t)v;
            uint64_t t = h ? probe_tick() : 0;
            v = by_copy ? grow_by_copy(v, cap, new_cap) : realloc(v, new_cap * sizeof *v);
            if (h) probe_hist_add(h, probe_tick() - t);
            if ((uintptr_t)v != before) probe_moves++;
            cap = new_cap;
        }
        v[i] = i;
    }
    uint64_t last = v[words - 1];
    free(v);
    return last;
}

uint64_t probe_op_append_realloc(size_t words, struct probe_hist *h)
{
    return append(words, false, h);
}

static uint64_t append_copy(size_t words) { return append(words, true, NULL); }

static void grow_by_steps(size_t upto, size_t step)
{
    char *p = NULL;
    for (size_t s = step; s <= upto; s += step) {
        uintptr_t before = (uintptr_t)p;
        p = realloc(p, s);
        if ((uintptr_t)p != before) probe_moves++;
        p[s - 1] = 1;
    }
    free(p);
}

void probe_append(void)
{
    static const struct {
        size_t words;
        int reps, group; /* chains in all; chains per chunk */
    } rows[] = {{100, 20000, 200}, {1000, 3000, 20}, {10000, 300, 1},
                {100000, 40, 1},   {1000000, 8, 1},  {8000000, 3, 1}};
    static const size_t upto[] = {4096, 65536, 1 << 20};
    struct probe_chunks *c = &probe_chunks_a;
    struct probe_watch w;
    char name[32];

    for (size_t k = 0; k < COUNT(rows); k++) {
        int group = rows[k].group, chunks = rows[k].reps / group;
        if (rows[k].words <= 100000) chunks /= probe_work_div;
        for (int by_copy = 0; by_copy < 2; by_copy++) {
            long moves = probe_moves;
            probe_row_begin(c, rows[k].words >= 100000 ? PROBE_CPU_THREAD : PROBE_CPU_NONE);
            for (int i = 0; i < chunks; i++) {
                probe_start(c, &w);
                for (int g = 0; g < group; g++) {
                    if (by_copy)
                        append_copy(rows[k].words);
                    else
                        probe_op_append_realloc(rows[k].words, NULL);
                }
                probe_stop(c, &w, (double)rows[k].words * group);
            }
            snprintf(name, sizeof name, "%zu", rows[k].words);
            probe_row_thr(by_copy ? "append.copy" : "append.realloc", name, c,
                          (double)(probe_moves - moves) / ((double)chunks * group));
        }
    }
    /* Done whether or not its row is wanted: it leaves the heap as the next rows find it. */
    for (int i = 0; i < 8; i++) probe_op_append_realloc(1000000, &probe_hist_a);
    probe_row_lat("append.realloc", "1000000", &probe_hist_a);

    for (size_t k = 0; k < COUNT(upto); k++) {
        long moves = probe_moves;
        int chunks = 60 / probe_work_div;
        probe_row_begin(c, PROBE_CPU_NONE);
        for (int i = 0; i < chunks; i++) {
            probe_start(c, &w);
            grow_by_steps(upto[k], 64);
            probe_stop(c, &w, (double)(upto[k] / 64));
        }
        probe_name_size(name, upto[k]);
        probe_row_thr("realloc+64", name, c, (double)(probe_moves - moves) / (double)chunks);
    }
}

/* ---- large --------------------------------------------------------------------------------- */

static void large_pair(size_t size)
{
    struct probe_chunks *c = &probe_chunks_a;
    struct probe_watch w;
    char name[32];
    long per = size <= 65536 ? 2000 : 200;
    probe_row_begin(c, PROBE_CPU_NONE);
    probe_start(c, &w);
    probe_op_pair(size, per);
    probe_stop_first(c, &w, (double)per);
    for (int i = 0; i < 60 / probe_work_div; i++) {
        probe_start(c, &w);
        probe_op_pair(size, per);
        probe_stop(c, &w, (double)per);
    }
    probe_name_size(name, size);
    probe_row_thr("large.pair", name, c, 0);
}

static void large_fifo(size_t size)
{
    struct probe_chunks *c = &probe_chunks_a;
    struct probe_watch w;
    char name[32];
    void *queue[8] = {0};
    int live = size > 1 << 20 ? 2 : 8;
    long per = size <= 65536 ? 400 : 40;
    probe_row_begin(c, size >= 1 << 20 ? PROBE_CPU_THREAD : PROBE_CPU_NONE);
    for (int i = 0; i < 60 / probe_work_div; i++) {
        probe_start(c, &w);
        for (long k = 0; k < per; k++) {
            free(queue[k % live]);
            char *p = malloc(size);
            queue[k % live] = p;
            for (size_t j = 0; j < size; j += 4096) p[j] = 1;
        }
        probe_stop(c, &w, (double)per);
    }
    for (int i = 0; i < 8; i++) free(queue[i]);
    probe_name_size(name, size);
    probe_row_thr("large.fifo", name, c, 0);
}

/* Sizes drawn from 2 KiB-1 MiB, 64 live, every page written. */
static void large_latency(void)
{
    void *v[64] = {0};
    for (int i = 0; i < 20000 / probe_work_div; i++) {
        unsigned j = probe_below(64);
        uint64_t a = probe_tick();
        free(v[j]);
        uint64_t b = probe_tick();
        size_t size = (size_t)4096 << probe_below(9);
        size -= probe_below((uint32_t)size / 2);
        uint64_t c = probe_tick();
        char *p = malloc(size);
        uint64_t d = probe_tick();
        v[j] = p;
        probe_hist_add(&probe_hist_b, b - a);
        probe_hist_add(&probe_hist_a, d - c);
        for (size_t k = 0; k < size; k += 4096) p[k] = 1;
    }
    probe_row_lat("large.malloc", "4K-1M", &probe_hist_a);
    probe_row_lat("large.free", "4K-1M", &probe_hist_b);
    for (int i = 0; i < 64; i++) free(v[i]);
}

void probe_large(void)
{
    static const size_t sizes[] = {4096, 16384, 65536, 262144, 1048576, 8388608};
    for (size_t k = 0; k < COUNT(sizes); k++) {
        large_pair(sizes[k]);
        large_fifo(sizes[k]);
    }
    if (probe_want_lat) large_latency();
}
