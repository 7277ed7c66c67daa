/* slices_test.c - Go's package slices: order, search, capacity. */
#include "heap_support.h"

#include <bosk/slices.h>
#include <math.h>

typedef BOSK_SLICE(int) ints;
typedef BOSK_SLICE(double) doubles;
struct pair {
    int key, place;
    char ballast[84];
};
typedef BOSK_SLICE(struct pair) pairs;

static int by_key(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}
static int by_int(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}
/* What qsort of the C library makes of the same. */
static int by_libc(const void *a, const void *b) { return by_int(a, b); }

static void fill_ints(ints s, unsigned pattern, uint64_t *seed)
{
    for (ptrdiff_t i = 0; i < s.len; i++) {
        int n = (int)s.len, at = (int)i;
        uint64_t r = bosk_test_random(seed);
        s.ptr[i] = pattern == 0 ? (int)(r >> 33)
                 : pattern == 1 ? at
                 : pattern == 2 ? n - at
                 : pattern == 3 ? (int)(r % 4)
                 : pattern == 4 ? (at < n / 2 ? at : n - at)
                 : pattern == 5 ? 7
                                : at % 16;
    }
}

TEST(slices, sort_agrees_with_the_c_library)
{
    static const ptrdiff_t sizes[] = {0, 1, 2, 3, 15, 16, 17, 20, 21, 100, 1000, 10000};
    uint64_t seed = bosk_test_seed();
    for (size_t k = 0; k < COUNT_OF(sizes); k++) {
        for (unsigned pattern = 0; pattern < 7; pattern++) {
            ints s = bosk_make(ints, sizes[k]);
            fill_ints(s, pattern, &seed);
            ints want = bosk_slices_clone(s), a = bosk_slices_clone(s), b = bosk_slices_clone(s);
            if (want.len != 0) qsort(want.ptr, (size_t)want.len, sizeof(int), by_libc);
            bosk_slices_sort(s);
            bosk_slices_sort_func(a, by_int);
            bosk_slices_sort_stable_func(b, by_int);
            CHECK_MSG(bosk_slices_equal(s, want), "%td, pattern %u", s.len, pattern);
            CHECK_MSG(bosk_slices_equal(a, want), "%td, pattern %u", s.len, pattern);
            CHECK_MSG(bosk_slices_equal(b, want), "%td, pattern %u", s.len, pattern);
            CHECK(bosk_slices_is_sorted(s));
            bosk_free_slice(&s);
            bosk_free_slice(&a);
            bosk_free_slice(&b);
            bosk_free_slice(&want);
        }
    }
}

#define CHECK_KIND(type, random_value)                                           \
    do {                                                                         \
        typedef BOSK_SLICE(type) slice_of_kind;                                  \
        slice_of_kind s = {0};                                                   \
        for (int i = 0; i < 2000; i++) {                                         \
            uint64_t r = bosk_test_random(&seed);                                \
            bosk_push(&s, (type)(random_value));                                 \
        }                                                                        \
        CHECK(!bosk_slices_is_sorted(s));                                        \
        bosk_slices_sort(s);                                                     \
        for (ptrdiff_t i = 1; i < s.len; i++) CHECK(!(s.ptr[i] < s.ptr[i - 1])); \
        CHECK(bosk_slices_is_sorted(s));                                         \
        bool found;                                                              \
        ptrdiff_t at = bosk_slices_binary_search(s, s.ptr[777], &found);         \
        CHECK(found &&at <= 777 && s.ptr[at] == s.ptr[777]);                     \
        CHECK(at == 0 || s.ptr[at - 1] < s.ptr[at]);                             \
        bosk_free_slice(&s);                                                     \
    } while (0)

TEST(slices, every_kind_of_number)
{
    uint64_t seed = bosk_test_seed();
    CHECK_KIND(signed char, r >> 7);
    CHECK_KIND(unsigned char, r >> 7);
    CHECK_KIND(char, r >> 7);
    CHECK_KIND(short, r >> 7);
    CHECK_KIND(unsigned short, r >> 7);
    CHECK_KIND(int, r >> 7);
    CHECK_KIND(unsigned, r >> 7);
    CHECK_KIND(long, r);
    CHECK_KIND(unsigned long, r);
    CHECK_KIND(long long, r);
    CHECK_KIND(unsigned long long, r);
    CHECK_KIND(float, (int64_t)r);
    CHECK_KIND(double, (int64_t)r);
}

TEST(slices, nan_comes_first)
{
    doubles s = bosk_literal(doubles, 2, (double)NAN, -1, (double)NAN, (double)INFINITY, 0);
    bosk_slices_sort(s);
    CHECK(isnan(s.ptr[0]) && isnan(s.ptr[1]) && s.ptr[2] <= -1 && isinf(s.ptr[5]));
    CHECK(!bosk_slices_equal(s, s) && !bosk_slices_contains(s, (double)NAN));
    s = bosk_slices_compact(s);
    CHECK_EQ(s.len, 6); /* NaN differs from itself */
}

TEST(slices, stable_sort_keeps_the_order_of_equals)
{
    uint64_t seed = bosk_test_seed();
    for (ptrdiff_t n = 1; n < 3000; n = n * 3 / 2 + 1) {
        pairs s = bosk_make(pairs, n);
        for (int i = 0; i < n; i++) {
            s.ptr[i].key = (int)(bosk_test_random(&seed) % 50);
            s.ptr[i].place = i;
            s.ptr[i].ballast[83] = (char)i;
        }
        pairs t = bosk_slices_clone(s);
        bosk_slices_sort_stable_func(s, by_key);
        bosk_slices_sort_func(t, by_key);
        for (ptrdiff_t i = 0; i < n; i++) {
            CHECK(s.ptr[i].ballast[83] == (char)s.ptr[i].place && s.ptr[i].key == t.ptr[i].key);
            if (i == 0) continue;
            CHECK(s.ptr[i - 1].key < s.ptr[i].key ||
                  (s.ptr[i - 1].key == s.ptr[i].key && s.ptr[i - 1].place < s.ptr[i].place));
        }
        bool found;
        struct pair key = {.key = 25};
        ptrdiff_t at = bosk_slices_binary_search_func(s, &key, by_key, &found);
        CHECK(at == n || s.ptr[at].key >= 25);
        CHECK(at == 0 || s.ptr[at - 1].key < 25);
        CHECK(found == (at < n && s.ptr[at].key == 25));
        t = bosk_slices_compact_func(t, by_key);
        CHECK(t.len <= 50);
        for (ptrdiff_t i = 1; i < t.len; i++) CHECK(t.ptr[i - 1].key < t.ptr[i].key);
        bosk_free_slice(&s);
        bosk_free_slice(&t);
    }
}

static uint64_t compares;
/* McIlroy's adversary: answers so that a quicksort finds the worst pivots. */
static int *killer, solid, candidate;
static int adversary(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    compares++;
    if (killer[x] == INT32_MAX && killer[y] == INT32_MAX) {
        if (x == candidate)
            killer[x] = solid++;
        else
            killer[y] = solid++;
    }
    if (killer[x] == INT32_MAX)
        candidate = x;
    else if (killer[y] == INT32_MAX)
        candidate = y;
    return (killer[x] > killer[y]) - (killer[x] < killer[y]);
}
TEST(slices, no_input_is_quadratic)
{
    enum { N = 20000 };
    ints s = bosk_make(ints, N), values = bosk_make(ints, N);
    for (int i = 0; i < N; i++) s.ptr[i] = i, values.ptr[i] = INT32_MAX;
    killer = values.ptr;
    bosk_slices_sort_func(s, adversary);
    CHECK_MSG(compares < (uint64_t)N * 100, "%llu", (unsigned long long)compares);
    for (int i = 1; i < N; i++) CHECK(values.ptr[s.ptr[i - 1]] <= values.ptr[s.ptr[i]]);
}

/* Answers at random, but looks at what it is asked about. */
static const int *first, *behind;
static int no_order(const void *a, const void *b)
{
    static uint64_t seed = 1;
    CHECK((const int *)a >= first && (const int *)a < behind);
    CHECK((const int *)b >= first && (const int *)b < behind);
    return (int)(bosk_test_random(&seed) % 3) - 1;
}
TEST(slices, a_function_that_is_no_order_stays_inside)
{
    for (int n = 1; n < 400; n++) {
        ints s = bosk_make(ints, n);
        first = s.ptr;
        behind = s.ptr + n;
        long sum = 0;
        for (int i = 0; i < n; i++) s.ptr[i] = i;
        bosk_slices_sort_func(s, no_order);
        bosk_slices_sort_stable_func(s, no_order);
        bosk_range(i, v, s) sum += v + 0 * i;
        CHECK_EQ(sum, (long)n * (n - 1) / 2); /* nothing lost */
        bosk_free_slice(&s);
    }
}

TEST(slices, finding)
{
    ints s = bosk_literal(ints, 3, 1, 4, 1, 5);
    ints nil = {0};
    CHECK_EQ(bosk_slices_index(s, 4), 2);
    CHECK_EQ(bosk_slices_index(s, 9), -1);
    CHECK_EQ(bosk_slices_index(nil, 9), -1);
    CHECK(bosk_slices_contains(s, 5) && !bosk_slices_contains(s, 6));
    bosk_slices_reverse(s);
    CHECK(s.ptr[0] == 5 && s.ptr[2] == 4 && s.ptr[4] == 3);
    bosk_slices_reverse(nil);
    CHECK(bosk_slices_equal(nil, bosk_make(ints, 0)));
    CHECK(!bosk_slices_equal(s, bosk_reslice(s, 0, 4)));
    bool found;
    CHECK(bosk_slices_binary_search(nil, 1, &found) == 0 && !found);
    ints run = bosk_literal(ints, 1, 1, 2, 2, 2, 1, 3);
    ints all = run;
    run = bosk_slices_compact(run);
    CHECK(bosk_slices_equal(run, bosk_literal(ints, 1, 2, 1, 3)));
    CHECK(all.ptr[4] == 0 && all.ptr[6] == 0);
}

TEST(slices, capacity)
{
    ints s = bosk_literal(ints, 1, 2, 3), nil = {0};
    ints same = bosk_slices_grow(s, 0);
    CHECK(same.ptr == s.ptr);
    ints grown = bosk_slices_grow(s, 10);
    CHECK(grown.ptr != s.ptr && grown.len == 3 && grown.cap == 16 && grown.ptr[2] == 3);
    CHECK(bosk_slices_grow(grown, 11).ptr == grown.ptr);
    for (ptrdiff_t i = 3; i < 13; i++) CHECK_EQ(grown.ptr[i], 0);
    ints clipped = bosk_slices_clip(bosk_reslice(grown, 0, 2));
    CHECK(clipped.cap == 2 && clipped.ptr == grown.ptr);
    ints clone = bosk_slices_clone(s);
    CHECK(clone.ptr != s.ptr && clone.len == 3 && clone.cap == 4 && bosk_slices_equal(clone, s));
    CHECK(bosk_slices_clone(nil).ptr == NULL);
    ints all = bosk_slices_concat(ints, s, nil, clone, bosk_literal(ints, 9));
    CHECK(bosk_slices_equal(all, bosk_literal(ints, 1, 2, 3, 1, 2, 3, 9)));
    CHECK_EQ(all.cap, 8);
    CHECK(bosk_slices_concat(ints, nil, nil).ptr == NULL);
}

TEST_PANICS(slices, grow_by_less_than_nothing, "panic: cannot be negative")
{
    ints s = bosk_make(ints, 3);
    s = bosk_slices_grow(s, -1);
}
TEST_PANICS(slices, concat_of_too_much, "panic: len out of range")
{
    int one[1];
    ints most = bosk_slice_from(ints, one, PTRDIFF_MAX, PTRDIFF_MAX);
    most = bosk_slices_concat(ints, most, most);
}
