/* square.c - a load that goes up and down: how much memory is given back only to be faulted in
 * again?
 *
 *   square [-p HALF_PERIOD_MS] [-m MIB] [-c CYCLES] [-l LABEL]
 *
 * Up: MIB of objects are allocated and written, half in Zipf sizes and half in blocks of
 * 16 KiB-1 MiB, and a few of them are replaced all the time.  Down: all but a sixteenth are freed
 * and a few small calls a millisecond go on.  After two cycles each byte has been faulted in once,
 * so what is faulted in later had been given back before.
 *
 * CSV: label, half period, cycles counted, KiB faulted in, KiB faulted in per cycle, resident KiB
 * at the end of up and of down (means), CPU ms, KiB given back and KiB faulted in again as the heap
 * itself counts them (-1: not bosk).
 */
#define _GNU_SOURCE
#include "allocprobe.h"

#include <bosk/alloc.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { WARM_CYCLES = 2, SETTLED_PART = 16, MAX_OBJECTS = 1 << 20 };

static struct object {
    void *p;
    size_t size;
} objects[MAX_OBJECTS];
static size_t nobjects;
static size_t live_bytes;

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void pause_ms(void)
{
    struct timespec t = {0, 1000000};
    nanosleep(&t, NULL);
}

static size_t draw_size(void)
{
    static uint64_t turn;
    static size_t small_bytes, large_bytes;
    size_t size;
    if (small_bytes <= large_bytes) {
        size = probe_size_at(turn++);
        small_bytes += size;
    } else {
        size = (size_t)16384 << probe_below(7);
        large_bytes += size;
    }
    return size;
}

static void fill(struct object *o, size_t size)
{
    o->p = malloc(size);
    if (!o->p) abort();
    o->size = size;
    probe_touch_all(o->p, size);
    live_bytes += size;
}

static void drop(struct object *o)
{
    free(o->p);
    live_bytes -= o->size;
    o->p = NULL;
}

static void go_up(size_t target_bytes, uint64_t until_ms)
{
    while (live_bytes < target_bytes && nobjects < MAX_OBJECTS)
        fill(&objects[nobjects++], draw_size());
    while (now_ms() < until_ms) {
        for (int i = 0; i < 20; i++) {
            struct object *o = &objects[probe_below((uint32_t)nobjects)];
            size_t size = o->size;
            drop(o);
            fill(o, size);
        }
        pause_ms();
    }
}

static void go_down(size_t target_bytes, uint64_t until_ms)
{
    while (live_bytes > target_bytes) drop(&objects[--nobjects]);
    while (now_ms() < until_ms) {
        for (unsigned i = 0; i < 20; i++) {
            void *p = malloc(probe_size_at(i));
            probe_touch(p);
            free(p);
        }
        pause_ms();
    }
}

static struct rusage usage(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0) abort();
    return u;
}

static double cpu_ms(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e3 +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e3;
}

/* What the heap counts itself; {-1, -1} when the process does not run on it. */
static void heap_counts(long *released_kb, long *thrashed_kb)
{
    void (*stats)(struct bosk_heap_stats *);
    void *symbol = dlsym(RTLD_DEFAULT, "bosk_heap_stats");
    struct bosk_heap_stats s;
    *released_kb = *thrashed_kb = -1;
    if (!symbol) return;
    memcpy(&stats, &symbol, sizeof stats);
    stats(&s);
    *released_kb = (long)(s.released_total / 1024);
    *thrashed_kb = (long)(s.thrashed / 1024);
}

int main(int argc, char **argv)
{
    unsigned half_ms = 250, mib = 64, cycles = 16;
    for (int o; (o = getopt(argc, argv, "p:m:c:l:")) != -1;) switch (o) {
        case 'p': half_ms = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'm': mib = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'c': cycles = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'l': probe_label = optarg; break;
        default: return 2;
        }
    if (half_ms == 0 || mib == 0 || cycles <= WARM_CYCLES) return 2;

    size_t high = (size_t)mib << 20;
    struct rusage from = usage();
    long released_from = 0, thrashed_from = 0, released, thrashed;
    double up_kb = 0, down_kb = 0;
    unsigned counted = 0;
    probe_draw();
    for (unsigned c = 0; c < cycles; c++) {
        if (c == WARM_CYCLES) {
            from = usage();
            heap_counts(&released_from, &thrashed_from);
        }
        uint64_t t = now_ms();
        go_up(high, t + half_ms);
        if (c >= WARM_CYCLES) up_kb += (double)probe_rss_kb();
        go_down(high / SETTLED_PART, t + 2ull * half_ms);
        if (c >= WARM_CYCLES) down_kb += (double)probe_rss_kb();
        counted += c >= WARM_CYCLES;
    }
    struct rusage to = usage();
    heap_counts(&released, &thrashed);
    double faulted_kb =
        (double)(to.ru_minflt - from.ru_minflt) * (double)(sysconf(_SC_PAGESIZE) / 1024);
    bool ours = released >= 0;
    printf("%s,%u,%u,%.0f,%.0f,%.0f,%.0f,%.1f,%ld,%ld\n", probe_label, half_ms, counted, faulted_kb,
           faulted_kb / counted, up_kb / counted, down_kb / counted, cpu_ms(&to) - cpu_ms(&from),
           ours ? released - released_from : -1, ours ? thrashed - thrashed_from : -1);
    return 0;
}
