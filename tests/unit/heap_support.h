/* heap_support.h - what the tests of the heap share: patterns in blocks, resident memory, and a
 * census of the heap by walking it.
 *
 * Nothing here allocates from the heap under test.
 */
#ifndef HEAP_SUPPORT_H
#define HEAP_SUPPORT_H

#include "bosk_test.h"

#include <bosk/alloc.h>
#include <bosk/type.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The compiler must neither know where `p` comes from nor how large the block is. */
static inline void *launder(void *p)
{
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}
static inline size_t launder_size(size_t n)
{
    __asm__ volatile("" : "+r"(n));
    return n;
}

static inline uint64_t pattern_word(uint64_t tag, size_t index)
{
    return (tag + 1) * 0x9e3779b97f4a7c15u ^ (uint64_t)index * 0xff51afd7ed558ccdu;
}
/* Writes a pattern that depends on `tag` and the position to every byte. */
static inline void fill(void *block, size_t n, uint64_t tag)
{
    unsigned char *p = launder(block);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t w = pattern_word(tag, i);
        memcpy(p + i, &w, 8);
    }
    uint64_t w = pattern_word(tag, i);
    if (i < n) memcpy(p + i, &w, n - i);
}
/* Offset of the first byte that is not as fill(block, n, tag) left it, `checked` when all of
 * the first `checked` bytes are. */
static inline size_t first_difference(const void *block, size_t checked, uint64_t tag)
{
    const unsigned char *p = block;
    for (size_t i = 0; i < checked; i += 8) {
        uint64_t w = pattern_word(tag, i);
        size_t n = checked - i < 8 ? checked - i : 8;
        if (memcmp(p + i, &w, n) == 0) continue;
        for (size_t k = 0; k < n; k++)
            if (p[i + k] != ((unsigned char *)&w)[k]) return i + k;
    }
    return checked;
}
#define CHECK_FILL(block, n, tag)                                                          \
    do {                                                                                   \
        const void *block_ = (block);                                                      \
        size_t n_ = (n), good_ = first_difference(block_, n_, (tag));                      \
        CHECK_MSG(good_ == n_, "block %p of %zu bytes damaged at %zu", block_, n_, good_); \
    } while (0)

/* Offset of the first byte that is not zero, or `n`. */
static inline size_t first_nonzero(const void *block, size_t n)
{
    const unsigned char *p = block;
    if (n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0)) return n;
    size_t i = 0;
    while (p[i] == 0) i++;
    return i;
}
#define CHECK_ZERO(block, n)                                                                \
    do {                                                                                    \
        const void *block_ = (block);                                                       \
        size_t n_ = (n), good_ = first_nonzero(block_, n_);                                 \
        CHECK_MSG(good_ == n_, "block %p of %zu bytes not zero at %zu", block_, n_, good_); \
    } while (0)

/* A block of `size` bytes that must exist, be aligned, and be written in full. */
static inline void *get(size_t size)
{
    void *p = launder(bosk_malloc(size));
    CHECK_MSG(p != NULL, "malloc(%zu): %s", size, strerror(errno));
    CHECK_MSG((uintptr_t)p % 16 == 0, "malloc(%zu) gave %p", size, p);
    return p;
}

/* Resident bytes of this process. */
static inline size_t resident_bytes(void)
{
    char text[128];
    unsigned long total = 0, resident = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    if (sscanf(text, "%lu %lu", &total, &resident) != 2) return 0;
    return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

static inline struct bosk_heap_stats stats_now(void)
{
    struct bosk_heap_stats s;
    memset(&s, 0xa5, sizeof s);
    bosk_heap_stats(&s);
    return s;
}
/* The same with this thread's cache flushed, so that counts of calls are exact. */
static inline struct bosk_heap_stats stats_exact(void)
{
    bosk_trim(SIZE_MAX);
    return stats_now();
}

struct census {
    size_t spans, span_bytes, blocks, block_bytes;
};
static inline bool census_visit(void *ctx, const struct bosk_span_info *span, void *block,
                                size_t block_bytes)
{
    struct census *c = ctx;
    if (block) {
        c->blocks++;
        c->block_bytes += block_bytes;
    } else {
        c->spans++;
        c->span_bytes += span->bytes;
    }
    return true;
}
static inline struct census take_census(bosk_heap *heap)
{
    struct census c = {0, 0, 0, 0};
    int err = bosk_heap_walk(heap, BOSK_WALK_BLOCKS, census_visit, &c);
    CHECK_MSG(err == 0, "walk: %s", strerror(-err));
    return c;
}

#endif /* HEAP_SUPPORT_H */
