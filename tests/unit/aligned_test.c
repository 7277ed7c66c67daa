/* aligned_test.c - bosk_aligned_alloc: every power of two up to 64 MiB, and what is refused. */
#include "heap_support.h"

/* 32-bit machines and sanitizers have less room. */
static const size_t align_max = sizeof(void *) == 8 ? 64 * MIB : 4 * MIB;

TEST(aligned, every_power_with_many_sizes)
{
    for (size_t align = 1; align <= align_max; align *= 2) {
        const size_t size[] = {0,     1,         15,   16,   17,    100,           align - 1,
                               align, align + 1, 1000, 4096, 33000, 3 * align / 2, 2 * align,
                               100000};
        for (size_t i = 0; i < COUNT_OF(size); i++) {
            void *p = launder(bosk_aligned_alloc(align, size[i]));
            CHECK_MSG(p != NULL, "align %zu size %zu", align, size[i]);
            CHECK_MSG((uintptr_t)p % align == 0 && (uintptr_t)p % 16 == 0, "%p for %zu", p, align);
            size_t usable = bosk_usable_size(p);
            CHECK(usable >= size[i]);
            if (usable > 4 * MIB) usable = 4 * MIB;
            fill(p, usable, i);
            CHECK_FILL(p, usable, i);
            void *start = NULL;
            size_t bytes = 0;
            CHECK(bosk_find_block(p, &start, &bytes));
            CHECK(start == p && bytes >= size[i]);
            bosk_free(p);
        }
    }
}

TEST(aligned, many_live_at_once)
{
    enum { N = 512 };
    for (size_t align = 32; align <= 16384; align *= 2) {
        void *p[N];
        size_t n = align <= 1024 ? N : 64;
        for (size_t i = 0; i < n; i++) {
            size_t size = i * 29 % (2 * align) + 1;
            p[i] = launder(bosk_aligned_alloc(align, size));
            CHECK(p[i] != NULL && (uintptr_t)p[i] % align == 0);
            fill(p[i], size, i);
        }
        for (size_t i = 0; i < n; i++) {
            CHECK_FILL(p[i], i * 29 % (2 * align) + 1, i);
            bosk_free(p[i]);
        }
    }
}

TEST(aligned, realloc_keeps_the_contents)
{
    for (size_t align = 32; align <= MIB; align *= 4) {
        void *p = launder(bosk_aligned_alloc(align, 1000));
        CHECK(p != NULL);
        fill(p, 1000, align);
        p = launder(bosk_realloc(p, 50000));
        CHECK(p != NULL);
        CHECK_FILL(p, 1000, align);
        p = launder(bosk_realloc(p, 500));
        CHECK(p != NULL);
        CHECK_FILL(p, 500, align);
        bosk_free(p);
    }
}

TEST(aligned, not_a_power_is_einval)
{
    const size_t bad[] = {0, 3, 5, 24, 48, 4095, 4097, SIZE_MAX, SIZE_MAX - 1, 3 * MIB};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        errno = 0;
        CHECK_MSG(launder(bosk_aligned_alloc(bad[i], 100)) == NULL, "%zu", bad[i]);
        CHECK_EQ(errno, EINVAL);
    }
}

TEST(aligned, absurd_is_enomem)
{
    const size_t top = (size_t)1 << (sizeof(size_t) * 8 - 1);
    const size_t pair[][2] = {{top, 1},
                              {top, SIZE_MAX},
                              /* 1 GiB is no absurd alignment on 32 bits, just a large one. */
                              {top / 2, sizeof(size_t) > 4 ? 1 : top / 2},
                              {top / 2, top / 2},
                              {4096, SIZE_MAX},
                              {4096, SIZE_MAX - 4096},
                              {MIB, SIZE_MAX - MIB},
                              {64, SIZE_MAX - 8},
                              {16, (size_t)PTRDIFF_MAX},
                              {64, (size_t)PTRDIFF_MAX - 63}};
    for (size_t i = 0; i < COUNT_OF(pair); i++) {
        errno = 0;
        CHECK_MSG(launder(bosk_aligned_alloc(pair[i][0], launder_size(pair[i][1]))) == NULL,
                  "%zu, %zu", pair[i][0], pair[i][1]);
        CHECK_EQ(errno, ENOMEM);
    }
}

TEST(aligned, nothing_is_lost)
{
    struct bosk_heap_stats a = stats_exact();
    for (unsigned round = 0; round < 200; round++)
        for (size_t align = 16; align <= 2 * MIB; align *= 2)
            bosk_free(launder(bosk_aligned_alloc(align, align / 2 + round)));
    struct bosk_heap_stats b = stats_exact();
    CHECK_EQ(b.live, a.live);
    CHECK(b.spans_inuse <= a.spans_inuse + 2 * MIB);
    CHECK_EQ(b.mallocs - a.mallocs, b.frees - a.frees);
}
