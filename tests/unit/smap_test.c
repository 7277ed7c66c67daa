/* smap_test.c - the shared map: each operation, and threads that would notice a lost update. */
#include "heap_support.h"

#include <bosk/smap.h>
#include <pthread.h>

typedef BOSK_SMAP(uint64_t, uint64_t) longs;
typedef BOSK_SMAP(bosk_str, int) counts;

TEST(smap, operations)
{
    counts m = bosk_make_smap(counts);
    int v = 7;
    CHECK(!bosk_smap_load(m, BOSK_STR("a"), &v) && v == 0);
    bosk_smap_store(m, BOSK_STR("a"), 1);
    CHECK(bosk_smap_load(m, BOSK_STR("a"), &v) && v == 1);
    v = 5;
    CHECK(bosk_smap_load_or_store(m, BOSK_STR("a"), &v) && v == 1);
    v = 5;
    CHECK(!bosk_smap_load_or_store(m, BOSK_STR("b"), &v) && v == 5);
    v = 6;
    CHECK(bosk_smap_swap(m, BOSK_STR("b"), &v) && v == 5);
    v = 9;
    CHECK(!bosk_smap_swap(m, BOSK_STR("c"), &v) && v == 0);
    CHECK(bosk_smap_load(m, BOSK_STR("c"), &v) && v == 9);
    CHECK(!bosk_smap_compare_and_swap(m, BOSK_STR("b"), 5, 8));
    CHECK(bosk_smap_compare_and_swap(m, BOSK_STR("b"), 6, 8));
    CHECK(!bosk_smap_compare_and_swap(m, BOSK_STR("x"), 0, 8));
    CHECK(bosk_smap_take(m, BOSK_STR("b"), &v) && v == 8 && !bosk_smap_delete(m, BOSK_STR("b")));
    const int nine = 9, ten = 10;
    const bosk_str c = BOSK_STR("c");
    CHECK(!bosk_smap_compare_and_delete_key(m.map, &c, &ten));
    CHECK(bosk_smap_compare_and_delete_key(m.map, &c, &nine));
    CHECK_EQ(bosk_smap_len(m.map), 1);
    bosk_smap_clear(m.map);
    CHECK_EQ(bosk_smap_len(m.map), 0);
    bosk_free_smap(&m);
    counts nil = {NULL};
    CHECK(!bosk_smap_load(nil, BOSK_STR("a"), &v) && !bosk_smap_delete(nil, BOSK_STR("a")));
    CHECK_EQ(bosk_smap_len(nil.map), 0);
    bosk_smap_range(nil.map, NULL, NULL);
    bosk_free_smap(&nil);
}
TEST_PANICS(smap, store_in_nil, "assignment to entry in nil map")
{
    counts nil = {NULL};
    bosk_smap_store(nil, BOSK_STR("a"), 1);
}

static uint8_t shown[5000];
static longs ranged;
static bool show(const void *key, const void *value, void *context)
{
    const uint64_t k = *(const uint64_t *)key;
    CHECK(*(const uint64_t *)value == k * 2);
    if (k < 5000) shown[k]++;
    /* No lock is held: the map may be changed. */
    bosk_smap_store(ranged, k + 100000, (k + 100000) * 2);
    if (k % 2 == 0 && k >= 5000) bosk_smap_delete(ranged, k);
    return --*(int *)context != 0;
}
TEST(smap, range)
{
    ranged = bosk_make_smap(longs);
    for (uint64_t i = 0; i < 5000; i++) bosk_smap_store(ranged, i, i * 2);
    int most = 1000000;
    bosk_smap_range(ranged.map, show, &most);
    for (int i = 0; i < 5000; i++) CHECK_EQ(shown[i], 1);
    most = 10;
    bosk_smap_range(ranged.map, show, &most);
    CHECK_EQ(most, 0);
    bosk_free_smap(&ranged);
}

static longs shared;
static uint64_t rounds;
static void *work(void *arg)
{
    const uint64_t me = (uint64_t)(uintptr_t)arg;
    uint64_t rng = bosk_test_seed() + me;
    for (uint64_t i = 0; i < rounds; i++) {
        const uint64_t k = bosk_test_random(&rng) % 64;
        uint64_t v = 0;
        /* A counter for each key: every addition must be there at the end. */
        do {
            if (!bosk_smap_load(shared, k, &v)) {
                v = 0;
                (void)bosk_smap_load_or_store(shared, k, &v);
            }
        } while (!bosk_smap_compare_and_swap(shared, k, v, v + 1));
        /* Keys of this thread alone come and go among those of others. */
        const uint64_t own = 1000 + (i % 2000) * 8 + me;
        bosk_smap_store(shared, own, i);
        CHECK(bosk_smap_load(shared, own, &v) && v == i);
        if (i % 3 != 0) CHECK(bosk_smap_delete(shared, own));
    }
    return NULL;
}
TEST(smap, no_update_is_lost)
{
    enum { THREADS = 4 };
    pthread_t t[THREADS];
    shared = bosk_make_smap(longs);
    rounds = bosk_test_budget(20000);
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&t[i], NULL, work, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
    uint64_t sum = 0;
    for (uint64_t k = 0; k < 64; k++) {
        uint64_t v = 0;
        if (bosk_smap_load(shared, k, &v)) sum += v;
    }
    CHECK_EQ(sum, THREADS * rounds);
    bosk_free_smap(&shared);
}
TEST_OOM(smap, failed_store_changes_nothing)
{
    shared = bosk_try_make_smap(longs);
    if (shared.map == NULL) return;
    uint64_t n = 0, v;
    while (n < 20000 && bosk_smap_try_store(shared, n, n)) n++;
    CHECK_EQ(bosk_smap_len(shared.map), (ptrdiff_t)n);
    for (uint64_t i = 0; i < n; i++) CHECK(bosk_smap_load(shared, i, &v) && v == i);
    bosk_free_smap(&shared);
}
