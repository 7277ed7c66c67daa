/* allocprobe_threads.c - objects that change threads, and threads that come and go.
 *
 *   xthread.malloc, xthread.free   one thread allocates batches of 256, another frees them; only
 *                                  the calls are timed, not the waiting.  `extra` of
 *                                  xthread.malloc is CPU ns of the process per object, waiting
 *                                  included.
 *   threads                        a thread starts, allocates, leaves half of it to its parent,
 *                                  ends
 */
#include "allocprobe.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- xthread ------------------------------------------------------------------------------- */

enum { X_BATCH = 256, X_RING = 64 };
struct x_batch {
    void *p[X_BATCH];
};
static struct x_batch x_ring[X_RING];
static atomic_uint x_head, x_tail; /* batches filled, batches freed */
static unsigned x_batches;

static void *x_consumer(void *arg)
{
    struct probe_chunks *c = arg;
    struct probe_watch w;
    for (unsigned b = 0; b < x_batches; b++) {
        while (atomic_load_explicit(&x_head, memory_order_acquire) == b) sched_yield();
        struct x_batch *x = &x_ring[b % X_RING];
        probe_start(c, &w);
        for (int i = 0; i < X_BATCH; i++) free(x->p[i]);
        probe_stop(c, &w, X_BATCH);
        atomic_store_explicit(&x_tail, b + 1, memory_order_release);
    }
    return NULL;
}

/* Size 0: mixed sizes. */
static void x_fill(struct x_batch *x, size_t size, unsigned b)
{
    if (size) {
        for (int i = 0; i < X_BATCH; i++) {
            x->p[i] = malloc(size);
            probe_touch(x->p[i]);
        }
    } else {
        for (unsigned i = 0; i < X_BATCH; i++) {
            x->p[i] = malloc(probe_size_at(b * 31 + i));
            probe_touch(x->p[i]);
        }
    }
}

static void x_produce(struct probe_chunks *c, size_t size)
{
    struct probe_watch w;
    for (unsigned b = 0; b < x_batches; b++) {
        while (b - atomic_load_explicit(&x_tail, memory_order_acquire) >= X_RING) sched_yield();
        struct x_batch *x = &x_ring[b % X_RING];
        probe_start(c, &w);
        x_fill(x, size, b);
        probe_stop(c, &w, X_BATCH);
        atomic_store_explicit(&x_head, b + 1, memory_order_release);
    }
}

void probe_xthread(void)
{
    static const size_t sizes[] = {16, 64, 256, 0};
    for (size_t k = 0; k < COUNT(sizes); k++) {
        char name[32];
        pthread_t consumer;
        x_batches = 4000u / (unsigned)probe_work_div;
        atomic_store(&x_head, 0);
        atomic_store(&x_tail, 0);
        long rss = probe_rss_kb();
        probe_row_begin(&probe_chunks_a, PROBE_CPU_NONE);
        probe_row_begin(&probe_chunks_b, PROBE_CPU_NONE);
        uint64_t cpu = probe_cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
        if (pthread_create(&consumer, NULL, x_consumer, &probe_chunks_b) != 0) abort();
        x_produce(&probe_chunks_a, sizes[k]);
        pthread_join(consumer, NULL);
        cpu = probe_cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        probe_name_size(name, sizes[k]);
        probe_row_thr("xthread.malloc", name, &probe_chunks_a,
                      (double)cpu / ((double)x_batches * X_BATCH));
        probe_row_thr("xthread.free", name, &probe_chunks_b, 0);
        probe_row_mem("xthread", name, probe_rss_kb() - rss,
                      (double)sizes[k] * X_BATCH * X_RING / 1024);
    }
}

/* ---- threads ------------------------------------------------------------------------------- */

enum { LEFT = 64 };

static void *short_life(void *arg)
{
    void **left = arg;
    for (unsigned i = 0; i < 2 * LEFT; i++) {
        void *p = malloc(probe_size_at(i * 3));
        probe_touch(p);
        if (i & 1)
            left[i / 2] = p;
        else
            free(p);
    }
    return NULL;
}

void probe_threads(void)
{
    struct probe_chunks *c = &probe_chunks_a;
    struct probe_watch w;
    void *left[LEFT];
    probe_row_begin(c, PROBE_CPU_PROCESS);
    for (int i = 0; i < 400 / probe_work_div; i++) {
        pthread_t thread;
        probe_start(c, &w);
        if (pthread_create(&thread, NULL, short_life, left) != 0) abort();
        pthread_join(thread, NULL);
        for (int k = 0; k < LEFT; k++) free(left[k]);
        probe_stop(c, &w, 1);
    }
    probe_row_thr("threads", "start-alloc-exit", c, 0);
}
