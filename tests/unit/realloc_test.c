/* realloc_test.c - realloc: contents, failure, growth in place, what goes back on a shrink. */
#include "../../src/observe/observe.h"
#include "heap_support.h"

static const size_t ladder[] = {
    1,       8,      16,     17,     24,     32,      100,     512,           1000,
    1024,    1025,   2048,   4096,   8192,   8193,    20000,   32768,         32769,
    40960,   65536,  100000, 131072, 262144, 1000000, 1 << 20, (1 << 20) + 1, 3 << 20,
    5 << 20, 9000000};

TEST(realloc, every_pair_of_sizes_keeps_the_contents)
{
    for (size_t i = 0; i < COUNT_OF(ladder); i++)
        for (size_t k = 0; k < COUNT_OF(ladder); k++) {
            void *p = get(ladder[i]);
            /* Programs use all of the usable size, and glibc keeps all of it. */
            size_t had = bosk_usable_size(p);
            fill(p, had, i);
            p = launder(bosk_realloc(p, ladder[k]));
            CHECK(p != NULL && (uintptr_t)p % 16 == 0);
            size_t has = bosk_usable_size(p);
            CHECK(has >= ladder[k]);
            CHECK_FILL(p, had < ladder[k] ? had : ladder[k], i);
            fill(p, has, k + 1000); /* all of it can be written */
            CHECK_FILL(p, has, k + 1000);
            bosk_free(p);
        }
}

TEST(realloc, neighbours_are_untouched)
{
    enum { N = 64 };
    void *p[N];
    size_t size[N];
    uint64_t rng = bosk_test_seed();
    for (size_t i = 0; i < N; i++) fill(p[i] = get(size[i] = 1), 1, i);
    uint64_t rounds = bosk_test_budget(40000);
    for (uint64_t r = 0; r < rounds; r++) {
        size_t i = (size_t)(bosk_test_random(&rng) % N);
        unsigned shift = (unsigned)(bosk_test_random(&rng) % (r % 64 == 0 ? 22 : 14));
        size_t to = (size_t)(bosk_test_random(&rng) % ((uint64_t)1 << shift)) + 1;
        CHECK_FILL(p[i], size[i], i);
        p[i] = launder(bosk_realloc(p[i], to));
        CHECK(p[i] != NULL);
        CHECK_FILL(p[i], size[i] < to ? size[i] : to, i);
        fill(p[i], to, i);
        size[i] = to;
    }
    for (size_t i = 0; i < N; i++) {
        CHECK_FILL(p[i], size[i], i);
        bosk_free(p[i]);
    }
}

TEST(realloc, null_allocates_and_zero_frees)
{
    struct census before = take_census(NULL);
    void *p = launder(bosk_realloc(NULL, 100));
    CHECK(p != NULL && bosk_usable_size(p) >= 100);
    CHECK_EQ(take_census(NULL).blocks, before.blocks + 1);
    errno = 4711;
    CHECK(bosk_realloc(p, 0) == NULL);
    CHECK_EQ(errno, 4711);
    CHECK_EQ(take_census(NULL).blocks, before.blocks);
    p = launder(bosk_realloc(NULL, 0)); /* as malloc(0) */
    CHECK(p != NULL);
    bosk_free(p);
    p = get(5 * MIB);
    CHECK(bosk_realloc(p, 0) == NULL);
    CHECK_EQ(take_census(NULL).blocks, before.blocks);
}

TEST(realloc, failure_leaves_the_block)
{
    const size_t sizes[] = {1, 100, 5000, 40000, 3000000};
    const size_t huge[] = {SIZE_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 8191,
                           (size_t)PTRDIFF_MAX - 1};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t k = 0; k < COUNT_OF(huge); k++) {
            void *p = get(sizes[i]);
            size_t usable = bosk_usable_size(p);
            fill(p, usable, i);
            errno = 0;
            CHECK(launder(bosk_realloc(p, launder_size(huge[k]))) == NULL);
            CHECK_EQ(errno, ENOMEM);
            CHECK_EQ(bosk_usable_size(p), usable);
            CHECK_FILL(p, usable, i);
            bosk_free(p);
        }
}

/* Appending word by word must not copy more than a constant times what it ends with. */
static void append_words(size_t words, size_t vectors)
{
    uint64_t *v[4] = {NULL};
    uint64_t copied = boski_ctr->realloc_copied_bytes;
    for (size_t n = 0; n < words; n++)
        for (size_t k = 0; k < vectors; k++) {
            v[k] = launder(bosk_realloc(v[k], (n + 1) * sizeof *v[k]));
            CHECK(v[k] != NULL);
            v[k][n] = n * 4 + k;
        }
    for (size_t k = 0; k < vectors; k++) {
        for (size_t n = 0; n < words; n++) CHECK_EQ(v[k][n], n * 4 + k);
        bosk_free(v[k]);
    }
    copied = boski_ctr->realloc_copied_bytes - copied;
    CHECK_MSG(copied <= 10 * words * vectors * sizeof(uint64_t), "%llu bytes copied",
              (unsigned long long)copied);
}

TEST(realloc, append_one_vector) { append_words(1000000, 1); }
TEST(realloc, append_three_vectors_side_by_side) { append_words(300000, 3); }

TEST(realloc, large_blocks_grow_and_shrink_by_pages)
{
    size_t size = 300 * KIB;
    unsigned char *p = get(size);
    fill(p, size, 7);
    for (unsigned i = 0; i < 400; i++) {
        size_t to = i % 7 == 6 ? 300 * KIB : size + (i % 5) * 100000;
        p = launder(bosk_realloc(p, to));
        CHECK(p != NULL);
        CHECK_FILL(p, 300 * KIB, 7);
        if (to > size) memset(p + size, 0x77, to - size);
        size = to;
        if (i % 50 == 0) bosk_trim(0);
    }
    bosk_free(p);
}

TEST(realloc, shrinking_returns_memory)
{
    unsigned char *p = get(32 * MIB);
    memset(p, 1, 32 * MIB);
    uint64_t before = stats_exact().spans_inuse;
    p = launder(bosk_realloc(p, 100));
    CHECK(p != NULL && bosk_usable_size(p) < 64 * KIB && p[99] == 1);
    bosk_trim(0);
    CHECK(stats_now().spans_inuse + 31 * MIB <= before);
    bosk_free(p);
}

TEST(realloc, large_shrink_returns_the_tail)
{
    unsigned char *p = get(32 * MIB);
    fill(p, 32 * MIB, 5);
    uint64_t before = stats_exact().spans_inuse;
    p = launder(bosk_realloc(p, 4 * MIB));
    CHECK(p != NULL);
    CHECK_FILL(p, 4 * MIB, 5);
    CHECK(bosk_usable_size(p) <= 6 * MIB);
    CHECK(stats_now().spans_inuse + 25 * MIB <= before);
    bosk_free(p);
}

/* A small change of size does not copy: the usual way programs trim or nudge a buffer. */
TEST(realloc, within_a_class_stays)
{
    for (size_t i = 0; i < COUNT_OF(ladder); i++) {
        void *p = get(ladder[i]);
        size_t usable = bosk_usable_size(p);
        void *q = launder(bosk_realloc(p, usable));
        CHECK(q == p);
        CHECK_EQ(bosk_usable_size(q), usable);
        bosk_free(q);
    }
}

/* Nothing has no room and gets none. */
TEST(realloc, grow_of_null_is_nothing)
{
    CHECK_EQ(bosk_grow(NULL, 0), 0);
    CHECK_EQ(bosk_grow(NULL, 100), 0);
    CHECK_EQ(bosk_grow(NULL, SIZE_MAX), 0);
    void *p = get(100);
    CHECK_EQ(bosk_grow(p, 0), bosk_usable_size(p));
    CHECK_EQ(bosk_grow(p, SIZE_MAX), 0);
    bosk_free(p);
}

TEST_PANICS(realloc, foreign_pointer, "invalid pointer")
{
    static char foreign[64];
    CHECK(bosk_realloc(launder(foreign), 100) == NULL);
}

TEST_PANICS(realloc, stack_pointer, "invalid pointer")
{
    char local[64];
    CHECK(bosk_realloc(launder(local), 100) == NULL);
}

TEST_PANICS_ENV(realloc, freed_block, "free(): double free", "BOSK_CONF=check=1")
{
    void *p = get(100);
    bosk_free(p);
    CHECK(bosk_realloc(launder(p), 200) == NULL);
}

TEST_PANICS_ENV(realloc, interior_pointer, "invalid pointer", "BOSK_CONF=check=1")
{
    char *p = get(100);
    CHECK(bosk_realloc(launder(p + 16), 200) == NULL);
}
