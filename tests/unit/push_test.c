/* push_test.c - growth of slices that alone own their arrays: capacities, contents, where they
 * grow, what is zero, what stays when there is no memory. */
#include "heap_support.h"
#include "os/conf.h"
#include "os/os.h"

#include <bosk/arena.h>
#include <bosk/growth.h>
#include <bosk/slice.h>

typedef BOSK_SLICE(unsigned char) bytes;
typedef BOSK_SLICE(int64_t) longs;
typedef BOSK_SLICE(void *) pointers;
struct triple {
    int64_t a, b, c;
};
typedef BOSK_SLICE_POINTER_FREE(struct triple) triples;
struct odd {
    char text[7];
};
typedef BOSK_SLICE_POINTER_FREE(struct odd) odds;
struct large {
    char text[5000];
};
typedef BOSK_SLICE_POINTER_FREE(struct large) larges;
typedef struct {
    _Alignas(32) char half[32];
} half;
typedef BOSK_SLICE_POINTER_FREE(half) halves;

/* Pushes n numbered elements; each capacity is at least Go's and really there, and contents stay.
 */
#define GROWS(T, n, value)                                                                     \
    do {                                                                                       \
        T s = {0};                                                                             \
        ptrdiff_t gos = 0, steps = 0;                                                          \
        for (ptrdiff_t i = 0; i < (n); i++) {                                                  \
            const ptrdiff_t before = s.cap;                                                    \
            bosk_push(&s, value(i));                                                           \
            if (s.cap == before) continue;                                                     \
            steps++;                                                                           \
            gos = (ptrdiff_t)bosk_nextcap(bosk_growth_go(22), BOSK_ARCH_NATIVE, sizeof *s.ptr, \
                                          true, before, before + 1);                           \
            CHECK(s.cap > before);                                                             \
            if ((size_t)s.cap * sizeof *s.ptr <= 1 << 20) CHECK(s.cap >= gos);                 \
            CHECK((size_t)s.cap * sizeof *s.ptr <= bosk_usable_size(s.ptr));                   \
        }                                                                                      \
        for (ptrdiff_t i = 0; i < s.len; i++) {                                                \
            const __typeof__(*s.ptr) want = value(i);                                          \
            if (memcmp(&s.ptr[i], &want, sizeof want) != 0) CHECK_EQ((long)i, -1L);            \
        }                                                                                      \
        CHECK(s.len == (n) && steps < 700);                                                    \
        bosk_free_slice(&s);                                                                   \
    } while (0)
#define AS_BYTE(i) ((unsigned char)(i))
#define AS_LONG(i) ((int64_t)(i))
#define AS_TRIPLE(i) ((struct triple){(i), -(i), 1})
#define AS_ODD(i) ((struct odd){{(char)(i), (char)((i) >> 8)}})
#define AS_LARGE(i) ((struct large){{(char)(i)}})
#define AS_HALF(i) ((half){{(char)(i)}})

TEST(push, every_size_of_element_grows)
{
    const ptrdiff_t n = (ptrdiff_t)bosk_test_budget(200000);
    GROWS(bytes, 4 * n, AS_BYTE);
    GROWS(longs, n, AS_LONG);
    GROWS(triples, n / 2, AS_TRIPLE);
    GROWS(odds, n, AS_ODD);
    GROWS(larges, n / 200, AS_LARGE);
    GROWS(halves, n / 2, AS_HALF);
}

TEST(push, the_first_block_is_a_cache_line)
{
    longs s = {0};
    bosk_push(&s, 1);
    CHECK_EQ(s.cap, 8);
    CHECK_EQ(bosk_usable_size(s.ptr), 64);
    bosk_free_slice(&s);
    triples t = {0};
    bosk_push(&t, ((struct triple){1, 2, 3}));
    CHECK_EQ(t.cap, 8);
    bosk_free_slice(&t);
    larges l = {0};
    bosk_push(&l, ((struct large){{1}}));
    CHECK(l.cap >= 1 && (size_t)l.cap * sizeof *l.ptr <= 16384);
    bosk_free_slice(&l);
}

TEST(push, room_that_the_slice_did_not_know_is_used)
{
    longs s = bosk_make(longs, 3, 3); /* in a block of four */
    const void *before = s.ptr;
    bool room = bosk_usable_size(before) >= 32;
    s.ptr[2] = 7;
    bosk_push(&s, 8);
    CHECK(s.ptr == before || !room);
    CHECK(s.len == 4 && s.ptr[2] == 7 && s.ptr[3] == 8);
    longs clipped = bosk_reslice(s, 0, 2, 2); /* the rest is given up, the block is not */
    bosk_push(&clipped, 9);
    CHECK(clipped.len == 3 && clipped.ptr[2] == 9);
    bosk_free_slice(&clipped);
}

static uint64_t copied_bytes(void)
{
    struct bosk_slice_stats stats;
    bosk_slice_stats(&stats);
    return stats.copied;
}

TEST(push, large_arrays_take_the_pages_behind_them)
{
    if (sizeof(void *) == 4 || boski_conf.reserve == 1) return; /* arenas lie apart */
    const ptrdiff_t n = (ptrdiff_t)bosk_test_budget(8000000);
    longs s = {0};
    uint64_t before = copied_bytes();
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t cap = s.cap;
        bosk_push(&s, i);
        /* No step is large: half of 2 MiB, and what the half before has left. */
        if ((size_t)cap * sizeof *s.ptr >= 1 << 20)
            CHECK((size_t)(s.cap - cap) * sizeof *s.ptr <= (1 << 20) + 16384);
    }
    CHECK(copied_bytes() - before < 64 * 1024);
    for (ptrdiff_t i = 0; i < n; i += 997) CHECK_EQ(s.ptr[i], i);
    bosk_free_slice(&s);
}

TEST(push, arrays_that_grow_beside_each_other)
{
    enum { SLICES = 16 };
    const ptrdiff_t n = (ptrdiff_t)bosk_test_budget(60000);
    longs s[SLICES] = {{0}};
    void *between[64] = {0};
    for (ptrdiff_t i = 0; i < n; i++) {
        for (int k = 0; k < SLICES; k++) bosk_push(&s[k], i * SLICES + k);
        if (i % 1000 != 0) continue;
        void **place = &between[i / 1000 % 64];
        bosk_free(*place);
        *place = bosk_malloc((size_t)40000 + (size_t)i);
    }
    for (int k = 0; k < SLICES; k++) {
        for (ptrdiff_t i = 0; i < n; i += 7) CHECK_EQ(s[k].ptr[i], i * SLICES + k);
        bosk_free_slice(&s[k]);
    }
    for (int i = 0; i < 64; i++) bosk_free(between[i]);
}

TEST(push, what_may_hold_pointers_is_zero_up_to_the_capacity)
{
    const ptrdiff_t n = (ptrdiff_t)bosk_test_budget(100000);
    for (int round = 0; round < 3; round++) { /* later ones get used memory */
        pointers s = {0};
        for (ptrdiff_t i = 0; i < n; i++) {
            const ptrdiff_t before = s.cap;
            bosk_push(&s, &s);
            if (s.cap == before) continue;
            for (ptrdiff_t k = s.len; k < s.cap; k++) CHECK(s.ptr[k] == NULL);
        }
        for (ptrdiff_t i = 0; i < s.len; i++) s.ptr[i] = &s;
        memset((void *)s.ptr, 0x55, (size_t)s.cap * sizeof *s.ptr);
        bosk_free_slice(&s);
    }
}

TEST_ENV(push, zerotail_gives_zeroes, "BOSK_CONF=zerotail=1")
{
    for (int round = 0; round < 3; round++) {
        longs s = {0};
        for (int64_t i = 0; i < 20000; i++) {
            const ptrdiff_t before = s.cap;
            bosk_push(&s, -1);
            if (s.cap == before) continue;
            for (ptrdiff_t k = s.len; k < s.cap; k++) CHECK_EQ(s.ptr[k], 0);
        }
        memset(s.ptr, 0x55, (size_t)s.cap * sizeof *s.ptr);
        bosk_free_slice(&s);
    }
}

TEST(push, keeps_to_the_rule_that_was_chosen)
{
    bosk_growth rule;
    CHECK_EQ(bosk_growth_parse("threshold=4,add=10%,round=none", &rule), 0);
    CHECK_EQ(bosk_growth_use(&rule), 0);
    longs s = {0};
    for (int64_t i = 0; i < 5000; i++) {
        const ptrdiff_t before = s.cap;
        bosk_push(&s, i);
        if (s.cap != before)
            CHECK_EQ(s.cap,
                     (ptrdiff_t)bosk_nextcap(&rule, BOSK_ARCH_NATIVE, 8, true, before, before + 1));
    }
    for (int64_t i = 0; i < 5000; i++) CHECK_EQ(s.ptr[i], i);
    bosk_free_slice(&s);
    CHECK_EQ(bosk_growth_use(NULL), 0);
}

TEST(push, a_slice_inside_its_block)
{
    longs s = bosk_make(longs, 100);
    for (int64_t i = 0; i < 100; i++) s.ptr[i] = i;
    longs rest = bosk_reslice(s, 60, 100);
    for (int64_t i = 100; i < 3000; i++) {
        void *start;
        size_t room;
        bosk_push(&rest, i);
        CHECK(bosk_find_block(rest.ptr, &start, &room));
        CHECK((char *)(rest.ptr + rest.cap) <= (char *)start + room);
    }
    for (int64_t i = 60; i < 3000; i++) CHECK_EQ(rest.ptr[i - 60], i);
    bosk_free_slice(&rest);
}

TEST(push, arenas_and_heaps_keep_their_arrays)
{
    bosk_arena *arena = bosk_arena_new(0);
    bosk_home_push(bosk_arena_home(arena));
    longs s = {0};
    for (int64_t i = 0; i < 50000; i++) bosk_push(&s, i);
    CHECK_EQ(bosk_home_of(s.ptr, NULL).kind, BOSK_HOME_ARENA);
    for (int64_t i = 0; i < 50000; i++) CHECK_EQ(s.ptr[i], i);
    bosk_home_pop();
    bosk_arena_free(arena);
    bosk_heap *heap = bosk_heap_new(1 << 20);
    const bosk_home home = {BOSK_HOME_HEAP, heap};
    bosk_home_push(home);
    longs h = {0};
    int64_t fitted = 0;
    while (fitted < 1000000 && bosk_try_push(&h, fitted)) fitted++;
    CHECK(fitted > 1000 && fitted < 1 << 17); /* the limit of the heap holds */
    CHECK_EQ(bosk_home_of(h.ptr, NULL).kind, BOSK_HOME_HEAP);
    for (int64_t i = 0; i < fitted; i++) CHECK_EQ(h.ptr[i], i);
    bosk_home_pop();
    bosk_heap_destroy(heap);
}

TEST(push, absurd_lengths_are_refused)
{
    static int64_t backing[1];
    longs lie = {backing, PTRDIFF_MAX - 1, PTRDIFF_MAX - 1};
    const longs before = lie;
    CHECK(!bosk_try_push(&lie, 1));
    lie.len = lie.cap = PTRDIFF_MAX;
    CHECK(!bosk_try_push(&lie, 1));
    lie = before;
    CHECK(!bosk_try_push_slice(&lie, bosk_slice_from(longs, backing, 4, 4)));
    CHECK(memcmp(&lie, &before, sizeof lie) == 0);
    longs s = bosk_literal(longs, 1, 2, 3);
    const longs kept = s;
    volatile ptrdiff_t absurd = PTRDIFF_MAX / (ptrdiff_t)sizeof(int64_t);
    longs from = {backing, absurd, absurd};
    CHECK(!bosk_try_push_slice(&s, from));
    CHECK(memcmp(&s, &kept, sizeof s) == 0 && s.ptr[2] == 3);
    bosk_free_slice(&s);
}

TEST_PANICS(push, no_length_is_left, "growslice: len out of range")
{
    static int64_t backing[1];
    longs lie = {backing, PTRDIFF_MAX, PTRDIFF_MAX};
    bosk_push(&lie, 1);
}

TEST_OOM(push, nothing_is_lost_when_there_is_no_memory)
{
    longs s = {0};
    int64_t i = 0;
    for (; i < 40000 && bosk_try_push(&s, i); i++) continue;
    CHECK_EQ((int64_t)s.len, i);
    for (int64_t k = 0; k < i; k++) CHECK_EQ(s.ptr[k], k);
    const longs before = s;
    if (!bosk_try_push_slice(&s, s)) CHECK(memcmp(&s, &before, sizeof s) == 0);
    bosk_free_slice(&s);
    bosk_free_slice(&s); /* nil by now */
}
