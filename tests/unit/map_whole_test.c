/* map_whole_test.c - maps as a whole: their memory, homes, copies, cursors and dumps. */
#include "heap_support.h"
#include "os/os.h"

#include <bosk/arena.h>
#include <bosk/map.h>
#include <limits.h>
#include <math.h>

typedef BOSK_MAP(uint64_t, uint64_t) longs;
typedef BOSK_MAP(bosk_str, int) counts;
typedef BOSK_MAP(double, int) doubles;
typedef BOSK_SLICE(uint64_t) u64_slice;
struct pair {
    int a, b;
};
typedef BOSK_MAP_POINTER_FREE(uint32_t, struct pair) pairs;

static void good(const bosk_map *m)
{
    const char *wrong = bosk_map_check(m);
    CHECK_MSG(wrong == NULL, "%s", wrong);
}

/* ---- memory ---- */

static uint64_t live_now(void)
{
    struct bosk_heap_stats s;
    (void)bosk_trim(SIZE_MAX);
    bosk_heap_stats(&s);
    return s.live;
}
TEST(map_whole, memory_comes_and_goes)
{
    const uint64_t before = live_now();
    longs m = bosk_make_map(longs, 0);
    const uint64_t n = bosk_test_budget(1000000);
    for (uint64_t i = 0; i < n; i++) bosk_set(m, i, i);
    struct bosk_map_stats full, rest;
    bosk_map_stats(m.map, &full);
    CHECK(full.entries == n && full.load > 0.3 && full.load < 0.83);
    for (uint64_t i = 0; i < n - n / 10; i++) CHECK(bosk_delete(m, i));
    bosk_map_stats(m.map, &rest);
    CHECK_MSG(n < 100000 || rest.bytes * 4 <= full.bytes, "%llu of %llu",
              (unsigned long long)rest.bytes, (unsigned long long)full.bytes);
    for (uint64_t i = n - n / 10; i < n; i++) CHECK_EQ(bosk_get(m, i), i);
    good(m.map);
    bosk_free_map(&m);
    CHECK_EQ(live_now(), before);
}
TEST(map_whole, clear_frees_little_by_little)
{
    const uint64_t before = live_now();
    longs m = bosk_make_map(longs, 0);
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 30000; i++) bosk_set(m, i, i);
        bosk_clear_map(m);
        CHECK(bosk_map_len(m) == 0 && !bosk_has(m, 7));
        struct bosk_map_stats s;
        bosk_map_stats(m.map, &s);
        CHECK(s.dead_blocks > 5);
    }
    for (uint64_t i = 0; i < 100; i++) bosk_set(m, i, i);
    struct bosk_map_stats s;
    bosk_map_stats(m.map, &s);
    CHECK_EQ(s.dead_blocks, 0);
    bosk_clear_map(m);
    bosk_map_shrink(m.map);
    bosk_free_map(&m);
    CHECK_EQ(live_now(), before);
}
TEST(map_whole, free_in_steps)
{
    const uint64_t before = live_now();
    longs m = bosk_make_map(longs, 0);
    for (uint64_t i = 0; i < 100000; i++) bosk_set(m, i, i);
    int steps = 0;
    while (!bosk_map_free_step(m.map, 4)) steps++;
    CHECK(steps > 5);
    CHECK_EQ(live_now(), before);
}
TEST(map_whole, reserve_and_shrink)
{
    longs m = bosk_make_map(longs, 100000);
    const size_t homes = m.map->limit;
    CHECK(homes * 15 * 13 / 16 >= 100000);
    for (uint64_t i = 0; i < 100000; i++) bosk_set(m, i, i);
    CHECK_EQ(m.map->limit, homes);
    bosk_map_reserve(m.map, 500000);
    CHECK(m.map->limit * 15 * 13 / 16 >= 500000 && m.map->phase == 0);
    good(m.map);
    for (uint64_t i = 1000; i < 100000; i++) bosk_delete(m, i);
    CHECK(m.map->limit * 15 * 13 / 16 >= 500000);
    bosk_map_shrink(m.map);
    CHECK(m.map->limit < 1000);
    for (uint64_t i = 0; i < 1000; i++) CHECK_EQ(bosk_get(m, i), i);
    good(m.map);
    bosk_map_reserve(m.map, -5);
    CHECK(!bosk_try_map_reserve(m.map, LLONG_MAX));
    bosk_free_map(&m);
    m = bosk_make_map(longs, -1);
    bosk_set(m, 1, 1);
    bosk_free_map(&m);
    m = bosk_make_map(longs, LLONG_MAX);
    bosk_set(m, 1, 1);
    bosk_free_map(&m);
}
TEST(map_whole, max_load)
{
    longs loose = bosk_make_map(longs, 0), tight = bosk_make_map(longs, 0);
    bosk_map_max_load(loose.map, 0.25);
    bosk_map_max_load(tight.map, 0.95);
    for (uint64_t i = 0; i < 50000; i++) {
        bosk_set(loose, i, i);
        bosk_set(tight, i, i);
        struct bosk_map *t = tight.map;
        CHECK(loose.map->count <= loose.map->limit * 15 / 4 + 64);
        CHECK(t->count <= t->limit * 15 * 96 / 100 + 64);
    }
    good(loose.map);
    good(tight.map);
    bosk_free_map(&loose);
    bosk_free_map(&tight);
}
TEST_PANICS(map_whole, max_load_too_high, "max_load of a map must be from 0.25 to 0.95")
{
    longs m = bosk_make_map(longs, 0);
    bosk_map_max_load(m.map, 0.96);
}
TEST_PANICS(map_whole, max_load_not_a_number, "max_load of a map must be from 0.25 to 0.95")
{
    longs m = bosk_make_map(longs, 0);
    bosk_map_max_load(m.map, (double)NAN);
}

TEST_OOM(map_whole, failed_insert_changes_nothing)
{
    longs m = bosk_try_make_map(longs, 0);
    uint64_t done = 0;
    if (m.map == NULL) return;
    for (; done < 30000; done++)
        if (!bosk_try_set(m, done, done * 3)) break;
    CHECK_EQ(bosk_map_len(m), (ptrdiff_t)done);
    for (uint64_t i = 0; i < done; i++) CHECK_EQ(bosk_get(m, i), i * 3);
    CHECK(!bosk_has(m, done));
    good(m.map);
    if (done < 30000) CHECK(bosk_try_set(m, done, 1));
    const bool reserved = bosk_try_map_reserve(m.map, 200000);
    CHECK(bosk_map_len(m) >= (ptrdiff_t)done && (reserved || !bosk_has(m, 31000)));
    good(m.map);
    bosk_map *c = bosk_try_map_clone(m.map);
    CHECK(c == NULL || bosk_map_equal(c, m.map, NULL, NULL));
    for (uint64_t i = 0; i < done; i++) CHECK(bosk_delete(m, i));
    good(m.map);
    bosk_map_free(c);
    bosk_free_map(&m);
}

TEST(map_whole, homes)
{
    bosk_heap *heap = bosk_heap_new(0);
    bosk_home home = {BOSK_HOME_HEAP, heap};
    bosk_home_push(home);
    longs m = bosk_make_map(longs, 0);
    bosk_home_pop();
    for (uint64_t i = 0; i < 20000; i++) bosk_set(m, i, i);
    CHECK(bosk_home_of(m.map, NULL).owner == heap);
    CHECK(bosk_home_of(m.map->dir, NULL).owner == heap);
    CHECK(bosk_home_of(m.map->dir[3].tags, NULL).owner == heap);
    CHECK(bosk_heap_bytes(heap) > 20000 * 17);
    for (uint64_t i = 0; i < 10000; i++) bosk_delete(m, i);
    good(m.map);
    bosk_heap_destroy(heap);
    /* A heap with a limit: the map stays whole when it is reached. */
    heap = bosk_heap_new(MIB);
    home.owner = heap;
    bosk_home_push(home);
    m = bosk_make_map(longs, 0);
    bosk_home_pop();
    uint64_t n = 0;
    while (bosk_try_set(m, n, n)) n++;
    CHECK(n > 30000 && n < 70000);
    for (uint64_t i = 0; i < n; i++) CHECK_EQ(bosk_get(m, i), i);
    good(m.map);
    bosk_free_map(&m);
    CHECK(bosk_heap_live(heap) == 0);
    bosk_heap_destroy(heap);
    /* An arena frees all of it at once; the map never does. */
    bosk_arena *arena = bosk_arena_new(0);
    bosk_home_push(bosk_arena_home(arena));
    m = bosk_make_map(longs, 0);
    bosk_home_pop();
    for (uint64_t i = 0; i < 20000; i++) bosk_set(m, i, i);
    CHECK(bosk_home_of(m.map->dir[2].tags, NULL).kind == BOSK_HOME_ARENA);
    for (uint64_t i = 0; i < 19900; i++) CHECK(bosk_delete(m, i));
    good(m.map);
    bosk_clear_map(m);
    bosk_map_shrink(m.map);
    bosk_free_map(&m);
    bosk_arena_free(arena);
    /* Scanned memory is zero where nothing is. */
    home.kind = BOSK_HOME_ROOT;
    home.owner = NULL;
    bosk_home_push(home);
    counts c = bosk_make_map(counts, 0);
    bosk_home_pop();
    bosk_set(c, BOSK_STR("here"), 1);
    char *slots = c.map->dir[0].slots;
    bosk_delete(c, BOSK_STR("here"));
    for (size_t i = 0; i < 15 * (size_t)c.map->type.slot_bytes; i++) CHECK_EQ(slots[i], 0);
    bosk_free_map(&c);
}

/* ---- the rest ------------------------------------------------------------------------------ */

static bool keep_even(const void *key, void *value, void *context)
{
    (void)value, (void)context;
    return *(const uint64_t *)key % 2 == 0;
}
static bool keep_numbers(const void *key, void *value, void *context)
{
    (void)value, (void)context;
    return !isnan(*(const double *)key);
}
TEST(map_whole, retain_keys_values_equal)
{
    longs m = bosk_make_map(longs, 0);
    for (uint64_t i = 0; i < 10000; i++) bosk_set(m, i, i * i);
    bosk_map_retain(m.map, keep_even, NULL);
    CHECK_EQ(bosk_map_len(m), 5000);
    u64_slice k = bosk_map_keys(u64_slice, m), v = bosk_map_values(u64_slice, m);
    CHECK(k.len == 5000 && v.len == 5000);
    for (ptrdiff_t i = 0; i < k.len; i++)
        CHECK(k.ptr[i] % 2 == 0 && v.ptr[i] == k.ptr[i] * k.ptr[i]);
    longs c = bosk_clone_map(m);
    CHECK(bosk_map_equal(m.map, c.map, NULL, NULL));
    *bosk_ref(c, 8) = 1;
    CHECK(!bosk_map_equal(m.map, c.map, NULL, NULL));
    bosk_delete(c, 8);
    bosk_set(c, 9, 9);
    CHECK(!bosk_map_equal(m.map, c.map, NULL, NULL));
    good(c.map);
    bosk_free_slice(&k);
    bosk_free_slice(&v);
    bosk_free_map(&c);
    bosk_free_map(&m);
    doubles d = bosk_make_map(doubles, 0);
    for (int i = 0; i < 1000; i++) bosk_set(d, (double)NAN, i);
    bosk_set(d, 1.5, 1);
    bosk_map_retain(d.map, keep_numbers, NULL);
    CHECK_EQ(bosk_map_len(d), 1);
    good(d.map);
    bosk_free_map(&d);
}

static int events[6];
static void on_event(const bosk_map *m, enum bosk_map_event e)
{
    CHECK(m != NULL);
    events[e]++;
}
TEST(map_whole, tells_of_its_changes)
{
    bosk_on_map_event(on_event);
    longs m = bosk_make_map(longs, 0);
    for (uint64_t i = 0; i < 50000; i++) bosk_set(m, i, i);
    for (uint64_t i = 0; i < 50000; i++) bosk_delete(m, i);
    bosk_set(m, 1, 1);
    bosk_clear_map(m);
    CHECK(bosk_on_map_event(NULL) == on_event);
    CHECK(events[1] >= 5 && events[2] >= 2 && events[3] >= 1 && events[4] >= 1 && events[5] == 1);
    struct bosk_map_stats s;
    bosk_map_stats(m.map, &s);
    CHECK(s.splits > 2000 && s.merges > 1000 && s.rebuilds >= 4 && s.moved > 20000);
    bosk_free_map(&m);
}

/* ---- scanning and dumping ------------------------------------------------------------------ */

static uint8_t shown[60000];
static void show(const void *key, void *value, void *context)
{
    const uint64_t k = *(const uint64_t *)key;
    CHECK(*(uint64_t *)value == k && context == NULL);
    if (k < 60000) shown[k]++;
}
TEST(map_whole, a_cursor_survives_everything)
{
    longs m = bosk_make_map(longs, 0);
    bosk_map_cursor cursor = {0};
    for (uint64_t i = 0; i < 30000; i++) bosk_set(m, i, i);
    uint64_t round = 0, rng = bosk_test_seed();
    while (bosk_map_scan(m.map, &cursor, 50, show, NULL)) {
        /* 0 to 9999 stay; the others come and go, and the table with them. */
        const bool grow = round++ / 40 % 2 == 0;
        for (int i = 0; i < 600; i++) {
            const uint64_t k = 10000 + bosk_test_random(&rng) % 50000;
            if (grow)
                bosk_set(m, k, k);
            else if (bosk_delete(m, k))
                shown[k] = 0;
        }
    }
    for (uint64_t i = 0; i < 10000; i++) CHECK_EQ(shown[i], 1);
    for (uint64_t i = 10000; i < 60000; i++) CHECK(shown[i] <= 1);
    CHECK(!bosk_map_scan(m.map, &cursor, 1, show, NULL));
    bosk_free_map(&m);
}

struct buffer {
    unsigned char *p;
    size_t n, fail_at;
};
static int write_out(const void *bytes, size_t n, void *context)
{
    struct buffer *b = context;
    if (b->n + n > b->fail_at) return -ENOSPC;
    memcpy(b->p + b->n, bytes, n);
    b->n += n;
    return 0;
}
TEST(map_whole, dump_and_load)
{
    pairs m = bosk_make_map(pairs, 0), r = bosk_make_map(pairs, 0);
    for (uint32_t i = 0; i < 3000; i++) bosk_set(m, i, {(int)i, (int)i * 2});
    struct buffer b = {malloc(100000), 0, 100000};
    CHECK_EQ(bosk_map_dump(m.map, write_out, &b), 0);
    CHECK_EQ(b.n, 48 + 3000 * 12 + 8);
    const char *why = NULL;
    CHECK_EQ(bosk_map_load(r.map, b.p, b.n, &why), 0);
    CHECK(bosk_map_equal(m.map, r.map, NULL, NULL));
    good(r.map);
    CHECK(bosk_map_load(r.map, b.p, b.n, &why) == -EINVAL && strstr(why, "not empty"));
    bosk_clear_map(r);
    for (size_t n = 0; n < b.n; n += n < 100 ? 1 : 777) {
        CHECK(bosk_map_load(r.map, b.p, n, &why) == -EBADMSG && bosk_map_len(r) == 0);
    }
    for (size_t i = 0; i < b.n; i += i < 60 ? 1 : 501) {
        b.p[i] ^= 4;
        CHECK(bosk_map_load(r.map, b.p, b.n, &why) < 0 && bosk_map_len(r) == 0);
        b.p[i] ^= 4;
    }
    b.p[b.n] = 7;
    CHECK(bosk_map_load(r.map, b.p, b.n + 1, &why) == -EBADMSG && bosk_map_len(r) == 0);
    CHECK(bosk_map_load(r.map, b.p, b.n + 12, &why) == -EBADMSG && bosk_map_len(r) == 0);
    longs other = bosk_make_map(longs, 0);
    CHECK(bosk_map_load(other.map, b.p, b.n, &why) == -EINVAL && strstr(why, "another type"));
    counts strings = bosk_make_map(counts, 0);
    CHECK_EQ(bosk_map_load(strings.map, b.p, b.n, NULL), -EINVAL);
    struct buffer small = {malloc(5000), 0, 5000};
    CHECK_EQ(bosk_map_dump(strings.map, write_out, &small), -EINVAL);
    CHECK_EQ(bosk_map_dump(m.map, write_out, &small), -ENOSPC);
    free(small.p);
    free(b.p);
    bosk_free_map(&m);
    bosk_free_map(&r);
    bosk_free_map(&other);
    bosk_free_map(&strings);
}
