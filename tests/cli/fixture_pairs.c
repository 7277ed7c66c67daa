/* fixture_pairs.c - pairs of malloc and free, each timed from outside.
 *
 *     fixture_pairs count N      N pairs of 64 bytes, last in first out, nothing timed
 *     fixture_pairs fresh N      N blocks of 64 bytes, never freed
 *     fixture_pairs timed N      N mallocs of changing sizes with a reading of the time stamp
 * counter before and after each; prints p50, p99, p99.9 and max in ns as JSON
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEEP(p) __asm__ volatile("" : "+r"(p)::"memory")

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static inline uint64_t ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_ia32_rdtsc();
#else
    return now_ns();
#endif
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

enum { HELD = 5000 };

static void timed(size_t n)
{
    static void *held[HELD];
    /* Not from the heap under test: the array is there before the first call is timed. */
    uint32_t *took = calloc(n, sizeof *took);
    if (took == NULL) abort();
    memset(took, 1, n * sizeof *took);
    uint64_t rng = 88172645463325252u, least = UINT64_MAX;
    for (int i = 0; i < 1000; i++) {
        uint64_t t = ticks();
        t = ticks() - t;
        if (t < least) least = t;
    }
    uint64_t begin = now_ns(), from = ticks();
    for (size_t i = 0; i < n; i++) {
        rng ^= rng << 13;
        rng ^= rng >> 7;
        rng ^= rng << 17;
        size_t slot = (size_t)(rng % HELD);
        size_t size = 16 + (size_t)(rng >> 32) % 2000;
        /* One call in 64 is for whole pages that are kept: the heap has to grow so often that p99.9
         * is a call to the system, well above what a clock can tell. */
        bool grow = i % 64 == 0;
        if (grow)
            size = 400000 + (size_t)(rng >> 32) % 400000;
        else
            free(held[slot]);
        uint64_t t = ticks();
        void *p = malloc(size);
        KEEP(p);
        t = ticks() - t;
        if (!grow) held[slot] = p;
        took[i] = t < UINT32_MAX ? (uint32_t)t : UINT32_MAX;
    }
    double ns = (double)(now_ns() - begin) / (double)(ticks() - from);
    qsort(took, n, sizeof *took, by_value);
    double base = (double)least;
    printf("{\"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}\n",
           ((double)took[n / 2] - base) * ns, ((double)took[n - n / 100 - 1] - base) * ns,
           ((double)took[n - n / 1000 - 1] - base) * ns, ((double)took[n - 1] - base) * ns);
}

int main(int argc, char **argv)
{
    size_t n = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 0;
    if (argc > 2 && strcmp(argv[1], "count") == 0) {
        for (size_t i = 0; i < n; i++) {
            void *p = malloc(64);
            KEEP(p);
            free(p);
        }
    } else if (argc > 2 && strcmp(argv[1], "fresh") == 0) {
        for (size_t i = 0; i < n; i++) {
            void *p = malloc(64);
            KEEP(p);
        }
    } else if (argc > 2 && strcmp(argv[1], "timed") == 0) {
        timed(n);
    } else {
        return 2;
    }
    return 0;
}
