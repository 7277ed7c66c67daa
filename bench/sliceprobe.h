/* sliceprobe.h - the work by which growable arrays are compared, each piece as one function so
 * that every contender is compiled with its own operations inlined into the same loops.
 *
 * A contender includes sliceprobe_work.h after defining its operations; sliceprobe.c runs what it
 * offers and prints rows as allocprobe does.  sliceprobe.go does the same for Go.
 */
#ifndef BENCH_SLICEPROBE_H
#define BENCH_SLICEPROBE_H

#include <stdint.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif
#include "allocprobe.h"

/* 24 bytes without pointers. */
typedef struct sliceprobe_triple {
    int64_t a, b, c;
} sliceprobe_triple;

/* Pushes that took longer than this are kept one by one. */
#define SLICEPROBE_STALL_NS 3000
enum { SLICEPROBE_STALLS = 1 << 18 };
struct sliceprobe_stalls {
    uint64_t threshold, longest; /* ticks */
    size_t n;
    struct sliceprobe_stall {
        uint32_t index;
        uint64_t ticks;
    } stall[SLICEPROBE_STALLS];
};
static inline void sliceprobe_stalled(struct sliceprobe_stalls *s, size_t index, uint64_t ticks)
{
    if (ticks > s->longest) s->longest = ticks;
    if (s->n == SLICEPROBE_STALLS) abort();
    s->stall[s->n].index = (uint32_t)index;
    s->stall[s->n++].ticks = ticks;
}

/* What one contender can do; NULL: the row does not apply to it. */
struct sliceprobe_work {
    /* n values one by one into an empty array, which is freed: integers, structs, and integers 64
     * at a time. */
    void (*push)(size_t n);
    void (*push_triple)(size_t n);
    void (*push_bulk)(size_t n);
    /* The same by a form that leaves the outgrown arrays to somebody else, who frees them; opened
     * before and closed after the clock. */
    void (*append_open)(void);
    void (*append)(size_t n);
    void (*append_close)(void);
    /* n values into an array that has room for them; opened before and closed after the clock. */
    void (*fill_open)(size_t n);
    void (*fill)(size_t n);
    void (*fill_close)(void);
    /* `times` times: an array of 100 zero integers, of none with room for 100; freed. */
    void (*make_len)(size_t times);
    void (*make_cap)(size_t times);
    /* `times` objects of 64 bytes taken out of a pool and put back. */
    void (*pool)(size_t times);
    /* n pushes, each timed. */
    void (*stalls)(size_t n, struct sliceprobe_stalls *s);
};
extern const struct sliceprobe_work sliceprobe_work;

/* Everything behind p may be read by somebody. */
static inline void sliceprobe_keep(const void *p) { __asm__ volatile("" : : "r"(p) : "memory"); }

#ifdef __cplusplus
}
#endif
#endif /* BENCH_SLICEPROBE_H */
