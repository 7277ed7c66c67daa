/* arena_test.c - arenas by themselves, and as a home of slices and strings. */
#include "heap_support.h"
#include "os/conf.h"

#include <bosk/arena.h>
#include <bosk/map.h>
#include <bosk/slice.h>
#include <bosk/str.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

typedef BOSK_SLICE(int) ints;
typedef BOSK_SLICE(void *) pointers;
typedef BOSK_MAP(uint64_t, uint64_t) numbers;

static const bosk_type byte_type = {.size = 1, .align = 1, .noscan = true, .name = "byte"};
static const bosk_type ptr_type = {.size = sizeof(void *), .align = sizeof(void *), .name = "ptr"};

static bosk_arena *arena_new(size_t limit)
{
    bosk_arena *a = bosk_arena_new(limit);
    CHECK(a != NULL);
    return a;
}
static void *take(bosk_arena *a, size_t size)
{
    void *p = launder(bosk_arena_alloc(a, size, 0));
    CHECK_MSG(p != NULL, "%zu bytes", size);
    CHECK((uintptr_t)p % 16 == 0);
    return p;
}

/* With check=1, which the hostile build has, memory stays in quarantine and is not reused. */
static void skip_checked(void)
{
    if (boski_conf.check) SKIP("freed memory is kept out of reach");
}

TEST(arena, holds_nothing_at_first)
{
    bosk_arena *a = arena_new(0);
    CHECK_EQ(bosk_arena_bytes(a), 0);
    CHECK_EQ(bosk_arena_live(a), 0);
    bosk_arena_reset(a, SIZE_MAX);
    bosk_arena_free(a);
    bosk_arena_free(NULL);
}

TEST(arena, blocks_of_every_size_are_whole_and_apart)
{
    bosk_arena *a = arena_new(0);
    enum { N = 2000 };
    static unsigned char *p[N];
    static size_t size[N];
    uint64_t rng = bosk_test_seed() | 1;
    size_t sum = 0;
    for (size_t i = 0; i < N; i++) {
        size[i] = (size_t)(bosk_test_random(&rng) % (i % 50 == 0 ? 200000 : 700));
        fill(p[i] = take(a, size[i]), size[i], i);
        sum += size[i];
        CHECK(bosk_usable_size(p[i]) >= size[i]);
    }
    CHECK(bosk_arena_live(a) >= sum && bosk_arena_live(a) <= sum + N * 16 + N / 50 * 8192);
    CHECK_MSG(bosk_arena_bytes(a) <= bosk_arena_live(a) + bosk_arena_live(a) / 4 + 256 * KIB,
              "%zu for %zu", bosk_arena_bytes(a), bosk_arena_live(a));
    for (size_t i = 0; i < N; i++) {
        CHECK_FILL(p[i], size[i], i);
        void *start = NULL;
        size_t bytes = 0;
        CHECK(bosk_find_block(p[i] + size[i] / 2, &start, &bytes));
        CHECK(start == p[i] && bytes >= size[i]);
        bool known = false;
        bosk_home home = bosk_home_of(p[i] + size[i] / 2, &known);
        CHECK(known && home.kind == BOSK_HOME_ARENA && home.owner == a);
    }
    bosk_arena_free(a);
    CHECK(!bosk_find_block(p[0], NULL, NULL));
}

TEST(arena, size_zero_is_a_block_of_its_own)
{
    bosk_arena *a = arena_new(0);
    char *p = take(a, 0), *q = take(a, 0);
    CHECK(p != q);
    CHECK_EQ(bosk_arena_live(a), 32);
    bosk_arena_free(a);
}

TEST(arena, alignment)
{
    bosk_arena *a = arena_new(0);
    for (unsigned round = 0; round < 3; round++)
        for (size_t align = 1; align <= (size_t)1 << 21; align *= 2) {
            size_t size = align < 4096 ? align : 100;
            unsigned char *p = launder(bosk_arena_zalloc(a, size, align));
            CHECK_MSG(p != NULL && (uintptr_t)p % align == 0, "%zu: %p", align, (void *)p);
            CHECK_ZERO(p, size);
            memset(p, 0xff, size);
            take(a, 24);
        }
    bosk_arena_free(a);
}

TEST(arena, wrong_requests)
{
    bosk_arena *a = arena_new(0);
    errno = 0;
    CHECK(launder(bosk_arena_alloc(a, 8, 3)) == NULL);
    CHECK_EQ(errno, EINVAL);
    const size_t huge[] = {SIZE_MAX, (size_t)PTRDIFF_MAX + 1, (size_t)PTRDIFF_MAX,
                           (size_t)PTRDIFF_MAX - 4096};
    for (size_t i = 0; i < COUNT_OF(huge); i++) {
        errno = 0;
        CHECK(launder(bosk_arena_alloc(a, launder_size(huge[i]), 0)) == NULL);
        CHECK_EQ(errno, ENOMEM);
        errno = 0;
        CHECK(launder(bosk_arena_zalloc(
                  a, 1, launder_size((size_t)1 << (sizeof(size_t) * 8 - 1)))) == NULL);
        CHECK_EQ(errno, ENOMEM);
    }
    void *p = take(a, 100);
    CHECK(launder(bosk_realloc(p, launder_size(SIZE_MAX))) == NULL);
    CHECK(launder(bosk_realloc(p, launder_size((size_t)PTRDIFF_MAX))) == NULL);
    CHECK_EQ(bosk_grow(p, SIZE_MAX), 0);
    CHECK_EQ(bosk_grow(p, (size_t)PTRDIFF_MAX), 0);
    CHECK_EQ(bosk_usable_size(p), 112);
    bosk_arena_free(a);
}

struct pair {
    double a;
    char b;
};
TEST(arena, make_gives_a_zeroed_value)
{
    bosk_arena *a = arena_new(0);
    memset(take(a, 1000), 0xff, 1000);
    bosk_arena_reset(a, SIZE_MAX);
    struct pair *p = bosk_arena_make(a, struct pair);
    CHECK(p != NULL && p->a == 0 && p->b == 0);
    long *l = bosk_arena_make(a, long);
    CHECK(l != NULL && *l == 0 && (void *)l > (void *)p);
    bosk_arena_free(a);
}

TEST(arena, zeroing_after_reset_clears_what_was_used_and_spares_the_rest)
{
    bosk_arena *a = arena_new(0);
    skip_checked();
    /* Past the first chunks, so that there is one large chunk of fresh pages. */
    for (int i = 0; i < 40; i++) take(a, 16000);
    bosk_arena_reset(a, 0);
    size_t small = 3 * KIB, large = 40 * KIB;
    memset(take(a, small), 0xff, small);
    bosk_arena_reset(a, SIZE_MAX);
    struct bosk_heap_stats before = stats_now();
    unsigned char *p = launder(bosk_arena_zalloc(a, small, 0));
    struct bosk_heap_stats between = stats_now();
    unsigned char *q = launder(bosk_arena_zalloc(a, large, 0));
    struct bosk_heap_stats after = stats_now();
    CHECK(p != NULL && q != NULL);
    CHECK_ZERO(p, small);
    CHECK_ZERO(q, large);
    CHECK_EQ(between.cleared - before.cleared, small);
    CHECK_EQ(after.cleared + after.spared - between.cleared - between.spared, large);
    bosk_arena_free(a);
}

TEST(arena, reset_keeps_or_returns_memory)
{
    bosk_arena *a = arena_new(0);
    skip_checked();
    size_t before = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 1000; i++) memset(take(a, 500), round, 500);
        take(a, MIB);
        size_t held = bosk_arena_bytes(a);
        bosk_arena_reset(a, SIZE_MAX);
        CHECK_EQ(bosk_arena_live(a), 0);
        /* Chunks stay, blocks with pages of their own go. */
        CHECK_EQ(bosk_arena_bytes(a), held - MIB);
        CHECK(round == 0 || held == before);
        before = held;
    }
    bosk_arena_reset(a, 300 * KIB);
    CHECK(bosk_arena_bytes(a) <= 300 * KIB && bosk_arena_bytes(a) >= 40 * KIB);
    for (int i = 0; i < 1000; i++) take(a, 500);
    bosk_arena_reset(a, 0);
    CHECK_EQ(bosk_arena_bytes(a), 0);
    bosk_arena_free(a);
}

TEST(arena, memory_goes_back_to_the_heap)
{
    skip_checked();
    struct bosk_heap_stats before = stats_exact();
    bosk_arena *a = arena_new(0);
    for (int i = 0; i < 20000; i++) take(a, (size_t)i % 3000);
    take(a, 10 * MIB);
    CHECK(stats_exact().spans_inuse >= before.spans_inuse + 30 * MIB);
    bosk_arena_reset(a, 0);
    CHECK_EQ(stats_exact().spans_inuse, before.spans_inuse);
    take(a, 100);
    bosk_arena_free(a);
    struct bosk_heap_stats after = stats_exact();
    CHECK_EQ(after.spans_inuse, before.spans_inuse);
    CHECK_EQ(after.live, before.live);
    CHECK_EQ(after.allocated - after.freed, before.allocated - before.freed);
    CHECK_EQ(after.mallocs - after.frees, before.mallocs - before.frees);
}

/* ---- growth ---------------------------------------------------------------------- */

TEST(arena, the_last_block_grows_where_it_is)
{
    bosk_arena *a = arena_new(0);
    take(a, 5000); /* the chunk is larger than a page from here on */
    take(a, 20000);
    char *p = take(a, 100);
    fill(p, 100, 1);
    CHECK_EQ(bosk_grow(p, 3000), 3008);
    CHECK(launder(bosk_realloc(p, 5000)) == p);
    CHECK_FILL(p, 100, 1);
    fill(p, 5000, 2);
    char *q = take(a, 10);
    CHECK(q == p + 5008);
    CHECK_EQ(bosk_grow(p, 6000), 0);
    char *r = launder(bosk_realloc(p, 6000));
    CHECK(r > q);
    CHECK_FILL(r, 5000, 2);
    CHECK(launder(bosk_realloc(r, 10)) == r);
    bosk_arena_free(a);
}

TEST(arena, large_blocks_grow_by_pages)
{
    bosk_arena *a = arena_new(0);
    size_t n = 100 * KIB, moved = 0;
    char *p = take(a, n);
    fill(p, n, 1);
    for (int i = 0; i < 100; i++) {
        size_t more = n + n / 8;
        char *q = launder(bosk_realloc(p, more));
        CHECK(q != NULL);
        if (q != p) moved++;
        CHECK_FILL(q, n < 4096 ? n : 4096, 1);
        p = q;
        n = more;
        fill(p, 4096, 1);
        p[n - 1] = 7;
        if (n > 64 * MIB) break;
    }
    CHECK_MSG(moved < 20, "moved %zu times", moved);
    /* What it outgrew was not kept. */
    CHECK(bosk_arena_bytes(a) <= 2 * n);
    CHECK_EQ(bosk_arena_bytes(a), bosk_arena_live(a));
    bosk_arena_free(a);
}

TEST(arena, free_takes_the_last_block_back_and_abandons_others)
{
    bosk_arena *a = arena_new(0);
    char *p = take(a, 100), *q = take(a, 100);
    CHECK_EQ(bosk_arena_live(a), 224);
    bosk_free(p);
    CHECK_EQ(bosk_arena_live(a), 224);
    CHECK(bosk_find_block(p + 50, NULL, NULL));
    bosk_free(q);
    CHECK_EQ(bosk_arena_live(a), 112);
    CHECK(!bosk_find_block(q, NULL, NULL));
    CHECK(take(a, 20) == q);
    size_t before = bosk_arena_bytes(a);
    char *large = take(a, MIB);
    CHECK_EQ(bosk_arena_bytes(a), before + MIB);
    bosk_free(large);
    CHECK_EQ(bosk_arena_bytes(a), before);
    bosk_arena_free(a);
}

TEST_PANICS(arena, free_inside_a_block, "free(): invalid pointer")
{
    char *p = take(arena_new(0), 100);
    bosk_free(launder(p + 16));
}
TEST_PANICS(arena, free_behind_the_last_block, "free(): invalid pointer")
{
    char *p = take(arena_new(0), 100);
    bosk_free(launder(p + 112));
}
TEST_PANICS(arena, second_free, "free(): invalid pointer")
{
    char *p = take(arena_new(0), 100);
    bosk_free(p);
    bosk_free(launder(p));
}
TEST_PANICS(arena, usable_size_of_nothing, "free(): invalid pointer")
{
    char *p = take(arena_new(0), 100);
    CHECK_EQ(bosk_usable_size(launder(p + 4096)), 0);
}

/* ---- limits, no memory -------------------------------------------------------------- */

TEST(arena, limit)
{
    bosk_arena *a = arena_new(100 * KIB);
    size_t n = 0;
    while (n < 1000 && launder(bosk_arena_alloc(a, 1000, 0)) != NULL) n++;
    CHECK_EQ(errno, ENOMEM);
    CHECK_MSG(n >= 80 && n <= 102, "%zu blocks", n);
    CHECK(bosk_arena_bytes(a) <= 100 * KIB);
    CHECK(launder(bosk_arena_alloc(a, 70 * KIB, 0)) == NULL);
    bosk_arena_reset(a, 0);
    char *p = take(a, 70 * KIB);
    CHECK_EQ(bosk_grow(p, 200 * KIB), 0);
    CHECK(launder(bosk_realloc(p, 200 * KIB)) == NULL);
    CHECK_EQ(bosk_usable_size(p), 72 * KIB);
    bosk_arena_free(a);
}

TEST_ENV(arena, hard_limit_of_the_process, "BOSK_CONF=hardlimit=1", "BOSK_MEMLIMIT=16MiB")
{
    bosk_arena *a = arena_new(0);
    size_t n = 0;
    while (n < 1000 && launder(bosk_arena_alloc(a, 50 * KIB, 0)) != NULL) n++;
    CHECK_MSG(n >= 150 && n <= 330, "%zu blocks", n);
    bosk_arena_reset(a, 0);
    take(a, 50 * KIB);
    bosk_arena_free(a);
}

TEST(arena, failed_push_keeps_the_slice)
{
    bosk_arena *a = arena_new(200 * KIB);
    ints s = bosk_make_in(bosk_arena_home(a), ints, 0, 1);
    while (s.len < 100000 && bosk_try_push(&s, (int)s.len)) {}
    CHECK(s.len == s.cap && s.len > 10000);
    for (int i = 0; i < s.len; i++) CHECK(s.ptr[i] == i);
    int *array = s.ptr;
    CHECK(!bosk_try_push(&s, 1) && s.ptr == array && s.len == s.cap);
    bosk_arena_free(a);
}

TEST_OOM(arena, every_failed_request_leaves_it_usable)
{
    bosk_arena *a = bosk_arena_new(0);
    if (a == NULL) return;
    static char *p[600];
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(p); i++) {
        size_t size = i % 60 == 59 ? 300 * KIB : i * 40;
        p[n] = launder(bosk_arena_alloc(a, size, 0));
        if (p[n] == NULL) continue;
        fill(p[n], size < 100 ? size : 100, i);
        char *q = launder(bosk_realloc(p[n], size + 50000));
        if (q != NULL) p[n] = q;
        CHECK_FILL(p[n], size < 100 ? size : 100, i);
        n++;
    }
    CHECK(n >= COUNT_OF(p) - 1);
    bosk_arena_reset(a, MIB);
    bosk_arena_free(a);
}

/* ---- walking --------------------------------------------------------------------------- */

struct seen {
    const bosk_arena *arena;
    size_t blocks, bytes, spans, span_bytes;
};
static bool look(void *ctx, const struct bosk_span_info *span, void *block, size_t bytes)
{
    struct seen *s = ctx;
    if (span->heap != s->arena) return true;
    CHECK_EQ(span->home, BOSK_HOME_ARENA);
    CHECK_EQ(span->kind, BOSK_KIND_MANUAL);
    if (block == NULL) {
        s->spans++;
        s->span_bytes += span->bytes;
        return true;
    }
    CHECK((char *)block >= (char *)span->base &&
          (char *)block + bytes <= (char *)span->base + span->bytes);
    void *start = NULL;
    CHECK(bosk_find_block(block, &start, NULL) && start == block);
    s->blocks++;
    s->bytes += bytes;
    return true;
}
static struct seen walk(const bosk_arena *a)
{
    struct seen s = {a, 0, 0, 0, 0};
    CHECK_EQ(bosk_heap_walk(NULL, BOSK_WALK_BLOCKS, look, &s), 0);
    CHECK_EQ(s.bytes, bosk_arena_live(a));
    CHECK_EQ(s.span_bytes, bosk_arena_bytes(a));
    return s;
}

TEST(arena, walks_show_each_block)
{
    bosk_arena *a = arena_new(0);
    skip_checked();
    CHECK_EQ(walk(a).blocks, 0);
    for (size_t i = 0; i < 3000; i++) take(a, i % 300 == 299 ? 100 * KIB : i % 100);
    CHECK_EQ(walk(a).blocks, 3000);
    char *last = take(a, 10);
    bosk_free(last);
    CHECK_EQ(walk(a).blocks, 3000);
    CHECK(bosk_grow(take(a, 10), 100) != 0);
    CHECK_EQ(walk(a).blocks, 3001);
    CHECK_EQ(stats_exact().live, take_census(NULL).block_bytes);
    bosk_arena_reset(a, SIZE_MAX);
    struct seen s = walk(a);
    CHECK(s.blocks == 0 && s.spans != 0);
    CHECK_EQ(stats_exact().live, take_census(NULL).block_bytes);
    bosk_arena_free(a);
}

/* ---- as a home ---------------------------------------------------------------------------- */

TEST(arena, serves_typed_allocations)
{
    bosk_arena *a = arena_new(0);
    bosk_home home = bosk_arena_home(a);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t count = 1; count < 300000; count = count * 5 / 2 + 1) {
            unsigned char *p = launder(bosk_alloc_in(home, &byte_type, count, true));
            CHECK(p != NULL);
            CHECK_ZERO(p, count);
            memset(p, 0xff, count);
            unsigned char *q = launder(bosk_alloc_in(home, &ptr_type, count, false));
            CHECK(q != NULL);
            CHECK_ZERO(q, count * sizeof(void *)); /* may hold references */
            memset(q, 0xff, count * sizeof(void *));
        }
        bosk_arena_reset(a, SIZE_MAX);
    }
    CHECK(launder(bosk_alloc_in(home, &ptr_type, launder_size(SIZE_MAX / 4), true)) == NULL);
    bosk_arena_free(a);
}

TEST(arena, slices_and_strings_live_in_one)
{
    bosk_arena *a = arena_new(0);
    uint64_t live = stats_exact().live;
    bosk_home_push(bosk_arena_home(a));
    ints s = bosk_make(ints, 0, 10);
    for (int i = 0; i < 100000; i++) s = bosk_append(s, i);
    pointers p = bosk_make(pointers, 100);
    bosk_str t = bosk_str_repeat(BOSK_STR("arena "), 1000);
    bosk_str u = bosk_str_concat(t, BOSK_STR("!"));
    bosk_home_pop();
    /* Grown without the home pushed: it stays where its array is. */
    for (int i = 0; i < 1000; i++) p = bosk_append(p, &s);
    for (int i = 0; i < 100000; i++) CHECK(bosk_at(s, i) == i);
    for (int i = 0; i < 1000; i++) CHECK(bosk_at(p, i + 100) == &s);
    CHECK(bosk_home_of(s.ptr, NULL).owner == a && bosk_home_of(p.ptr, NULL).owner == a);
    CHECK(bosk_home_of(t.ptr, NULL).owner == a && bosk_home_of(u.ptr, NULL).owner == a);
    CHECK(u.len == 6001 && bosk_str_has_suffix(u, BOSK_STR("arena !")));
    bosk_arena_free(a);
    CHECK_EQ(stats_exact().live, live);
}

TEST(arena, maps_live_in_one)
{
    bosk_arena *a = arena_new(0);
    uint64_t live = stats_exact().live, n = bosk_test_budget(200000);
    for (unsigned round = 0; round < 3; round++) {
        bosk_home_push(bosk_arena_home(a));
        numbers m = bosk_make_map(numbers, 0);
        bosk_home_pop();
        for (uint64_t i = 0; i < n; i++) {
            bosk_set(m, i * 77, i);
            /* In the middle of a growth, somewhere. */
            if (i % (n / 4 + 1) == n / 5) CHECK_EQ(walk(a).bytes, bosk_arena_live(a));
        }
        for (uint64_t i = 0; i < n; i++) CHECK(bosk_get(m, i * 77) == i);
        CHECK(bosk_arena_live(a) > n * 16);
        bosk_arena_reset(a, round == 0 ? SIZE_MAX : 0);
    }
    bosk_arena_free(a);
    CHECK_EQ(stats_exact().live, live);
}

TEST(arena, append_beyond_capacity_is_another_array)
{
    bosk_arena *a = arena_new(0);
    ints s = bosk_make_in(bosk_arena_home(a), ints, 4, 4);
    ints t = bosk_append(s, 1);
    CHECK(t.ptr != s.ptr);
    bosk_at(t, 0) = 9;
    CHECK(bosk_at(s, 0) == 0);
    bosk_arena_free(a);
}

TEST(arena, push_extends_in_place_or_abandons)
{
    bosk_arena *a = arena_new(0);
    take(a, 100 * KIB);
    for (int i = 0; i < 20; i++) take(a, 10000); /* chunks of full size */
    ints s = bosk_make_in(bosk_arena_home(a), ints, 0, 4);
    int *array = s.ptr;
    struct bosk_slice_stats before, after;
    bosk_slice_stats(&before);
    while (s.len < 200) bosk_push(&s, (int)s.len);
    bosk_slice_stats(&after);
    CHECK(s.ptr == array);
    CHECK_EQ(after.copied, before.copied);
    CHECK_EQ(after.grown_in_place - before.grown_in_place,
             after.pushes_grown - before.pushes_grown);
    take(a, 10);
    while (s.len < 2000) bosk_push(&s, (int)s.len);
    CHECK(s.ptr != array && array[199] == 199);
    for (int i = 0; i < 2000; i++) CHECK(s.ptr[i] == i);
    /* From pages to pages: what is outgrown there is not kept. */
    while (s.len < 1000000) bosk_push(&s, (int)s.len);
    for (int i = 0; i < 1000000; i++) CHECK(s.ptr[i] == i);
    CHECK(bosk_home_of(s.ptr, NULL).owner == a);
    CHECK(bosk_arena_bytes(a) < 2 * 4 * 1000000 + 2 * MIB);
    bosk_free_slice(&s);
    CHECK(s.ptr == NULL && bosk_arena_bytes(a) < 2 * MIB);
    bosk_arena_free(a);
}

TEST(arena, pushed_pointers_are_zero_behind_the_length)
{
    bosk_arena *a = arena_new(0);
    memset(take(a, 200 * KIB), 0xff, 200 * KIB);
    for (int i = 0; i < 10; i++) memset(take(a, 60000), 0xff, 60000);
    bosk_arena_reset(a, SIZE_MAX);
    pointers p = bosk_make_in(bosk_arena_home(a), pointers, 0, 1);
    for (int i = 0; i < 5000; i++) {
        bosk_push(&p, &p);
        CHECK_ZERO(p.ptr + p.len, (size_t)(p.cap - p.len) * sizeof *p.ptr);
    }
    bosk_arena_free(a);
}

/* ---- used after ------------------------------------------------------------------------------ */

TEST_PANICS(arena, alloc_after_free, "panic: bosk: arena used after it was freed")
{
    bosk_arena *a = arena_new(0);
    bosk_arena_free(a);
    (void)!launder(bosk_arena_alloc(launder(a), 8, 0));
}
TEST_PANICS(arena, second_free_of_the_arena, "panic: bosk: arena used after it was freed")
{
    bosk_arena *a = arena_new(0);
    bosk_arena_free(a);
    bosk_arena_free(launder(a));
}
TEST_PANICS(arena, make_in_a_freed_home, "panic: bosk: arena used after it was freed")
{
    bosk_arena *a = arena_new(0);
    bosk_home_push(bosk_arena_home(a));
    bosk_arena_free(a);
    ints s = bosk_make(ints, 10);
    (void)s;
}
TEST_PANICS_ENV(arena, growth_of_a_freed_slice, "panic: bosk: arena used after it was freed",
                "BOSK_CONF=check=1")
{
    bosk_arena *a = arena_new(0);
    ints s = bosk_make_in(bosk_arena_home(a), ints, 0, 10);
    s.len = 0;
    bosk_arena_free(a);
    s = bosk_reslice(s, 0, 10);
    s = bosk_append(s, 1);
    (void)s;
}

static void read_after_reset(void)
{
    bosk_arena *a = arena_new(0);
    volatile char *p = take(a, 100);
    *p = 1;
    bosk_arena_reset(a, SIZE_MAX);
    *p; /* NOLINT */
}
static void write_after_free(void)
{
    bosk_arena *a = arena_new(0);
    volatile char *p = take(a, MIB);
    *p = 1;
    bosk_arena_free(a);
    *p = 2;
}
static bool dies(void (*body)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        body();
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}
TEST_ENV(arena, use_after_reset_is_found, "BOSK_CONF=check=1")
{
    CHECK(dies(read_after_reset));
    CHECK(dies(write_after_free));
}
TEST_ENV(arena, quarantine_is_bounded, "BOSK_CONF=check=1")
{
    bosk_arena *a = arena_new(0);
    uint64_t n = bosk_test_budget(3000);
    for (uint64_t i = 0; i < n; i++) {
        fill(take(a, 50000), 50000, i);
        fill(take(a, 200 * KIB), 1000, i);
        bosk_arena_reset(a, SIZE_MAX);
    }
    CHECK(stats_now().spans_inuse < 64 * MIB);
    bosk_arena_free(a);
}

/* ---- threads, forks ---- */

static void *worker(void *arg)
{
    bosk_arena *a = arg;
    uint64_t rng = (uint64_t)(uintptr_t)&rng | 1;
    enum { N = 300 };
    unsigned char *p[N];
    size_t size[N];
    for (size_t i = 0; i < N; i++) {
        size[i] = (size_t)(bosk_test_random(&rng) % 2000) + 1;
        fill(p[i] = take(a, size[i]), size[i], i);
        if (i % 3 == 0) {
            unsigned char *q = launder(bosk_realloc(p[i], 2 * size[i]));
            CHECK(q != NULL);
            p[i] = q;
        }
        void *start = NULL;
        CHECK(bosk_find_block(p[i] + size[i] - 1, &start, NULL) && start == p[i]);
        if (i % 7 == 0) bosk_free(take(a, 16));
    }
    for (size_t i = 0; i < N; i++) CHECK_FILL(p[i], size[i], i);
    return NULL;
}

TEST(arena, threads_share_one)
{
    bosk_arena *a = arena_new(0);
    uint64_t rounds = bosk_test_budget(20);
    for (uint64_t round = 0; round < rounds; round++) {
        pthread_t thread[4];
        for (int i = 0; i < 4; i++) CHECK_EQ(pthread_create(&thread[i], NULL, worker, a), 0);
        for (int i = 0; i < 4; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
        CHECK(walk(a).blocks >= 4 * 300);
        bosk_arena_reset(a, round % 2 ? 0 : SIZE_MAX);
    }
    bosk_arena_free(a);
}

static bool stop;
static void *allocate_until_stopped(void *arg)
{
    bosk_arena *a = arg;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) bosk_free(take(a, 100));
    return NULL;
}
TEST(arena, fork_children_use_it)
{
    bosk_arena *a = arena_new(0);
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, allocate_until_stopped, a), 0);
    uint64_t n = bosk_test_budget(50);
    for (uint64_t i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            alarm(20);
            fill(take(a, 1000), 1000, i);
            bosk_arena *b = arena_new(0);
            take(b, 100);
            bosk_arena_free(b);
            _exit(0);
        }
        CHECK_CHILD(pid);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    bosk_arena_free(a);
}

/* ---- against a model ---- */

TEST(arena, random_operations)
{
    enum { N = 64 };
    unsigned char *p[N] = {NULL};
    size_t size[N] = {0};
    uint64_t rng = bosk_test_seed() | 1, n = bosk_test_budget(200000);
    bosk_arena *a = arena_new(0);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t r = bosk_test_random(&rng);
        size_t at = (size_t)(r % N);
        size_t to = (size_t)((r >> 8) % ((r >> 40) % 100 == 0 ? 300000 : 600));
        if (p[at] != NULL) CHECK_FILL(p[at], size[at] < 600 ? size[at] : 600, at);
        switch ((r >> 50) % 8) {
        case 0:
            bosk_free(p[at]);
            p[at] = NULL;
            continue;
        case 1:
        case 2:
            if (p[at] == NULL) break;
            p[at] = launder(bosk_realloc(p[at], to + 1));
            CHECK(p[at] != NULL);
            CHECK_FILL(p[at],
                       size[at] < to ? (size[at] < 600 ? size[at] : 600) : (to < 600 ? to : 600),
                       at);
            size[at] = to;
            fill(p[at], to, at);
            continue;
        case 3:
            if ((r >> 56) != 0) break;
            bosk_arena_reset(a, (size_t)(r >> 30) % (4 * MIB));
            memset(p, 0, sizeof p);
            CHECK_EQ(bosk_arena_live(a), 0);
            continue;
        default: break;
        }
        fill(p[at] = take(a, to), to, at);
        size[at] = to;
        if (i % 5000 == 0) walk(a);
    }
    bosk_arena_free(a);
}
