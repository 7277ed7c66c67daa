/* caps_buckets_test.c - the model of Go's bucket map: a set under random writes, growth where the
 * profile says, two evacuations a write, growth of the same size, iteration under mutation. */
#include "golden_support.h"

#include "../../cmd/bosk/caps_buckets.h"

enum { KEYS = 4000 };

static bosk_map_profile profile(unsigned minor)
{
    bosk_map_profile p;
    CHECK_EQ(bosk_map_profile_of(minor, BOSK_AMD64, "int64", "int64", &p), 0);
    return p;
}

static void check_all(const struct bucket_map *m, const bool *there, uint64_t r)
{
    static unsigned seen[KEYS];
    struct bucket_iter it;
    uint64_t key;
    int64_t count = 0;
    memset(seen, 0, sizeof seen);
    for (buckets_iterate(m, r, &it); buckets_next(&it, &key); count++) {
        CHECK(key < KEYS && there[key] && seen[key]++ == 0);
    }
    CHECK_EQ(count, m->count);
    for (uint64_t k = 0; k < KEYS; k++) CHECK_EQ(buckets_has(m, k), there[k]);
}

TEST(caps_buckets, random_writes)
{
    uint64_t seed = bosk_test_seed();
    unsigned grows = 0;
    for (unsigned round = 0; round < 6; round++) {
        static bool there[KEYS];
        struct bucket_map m;
        bosk_map_profile p = profile(round % 2 == 0 ? 17 : 21);
        CHECK(buckets_begin(&m, &p, round < 3 ? 0 : 500, seed + round));
        memset(there, 0, sizeof there);
        uint64_t writes = bosk_test_budget(60000);
        for (uint64_t i = 0; i < writes; i++) {
            uint64_t r = bosk_test_random(&seed), key = (r >> 20) % KEYS;
            /* Waves of insertion and deletion, so that chains become sparse. */
            bool add = (r & 7) < ((i / 3000) % 2 == 0 ? 6u : 2u);
            bool changed = add ? buckets_set(&m, key) : buckets_delete(&m, key);
            CHECK_EQ(changed, there[key] != add);
            there[key] = add;
            CHECK(m.work.chains <= (m.work.grew ? 4u : 2u));
            grows += m.work.grew;
            if (i % 5000 == 0) check_all(&m, there, r);
        }
        check_all(&m, there, seed);
        CHECK(!m.failed);
        buckets_end(&m);
    }
    CHECK_MSG(grows > 20, "%u growths", grows);
}

/* Filled and emptied again and again, nearly every bucket was full once and has overflow: then the
 * map is rebuilt in its size. */
TEST(caps_buckets, growth_of_the_same_size)
{
    static bool there[KEYS];
    uint64_t seed = bosk_test_seed();
    struct bucket_map m;
    bosk_map_profile p = profile(17);
    unsigned same_sizes = 0;
    CHECK(buckets_begin(&m, &p, 400, seed));
    CHECK_EQ(m.log2, 6);
    memset(there, 0, sizeof there);
    for (unsigned round = 0; round < 100; round++) {
        while (m.count < 410) {
            uint64_t key = bosk_test_random(&seed) % KEYS;
            uint32_t before = m.overflows;
            CHECK_EQ(buckets_set(&m, key), !there[key]);
            there[key] = true;
            if (!m.work.grew) continue;
            CHECK(m.work.same_size && before >= 64 && m.overflows < before);
            same_sizes++;
        }
        check_all(&m, there, seed);
        for (uint64_t key = 0; key < KEYS; key++) {
            CHECK_EQ(buckets_delete(&m, key), there[key]);
            there[key] = false;
        }
        CHECK_EQ(m.count, 0);
    }
    CHECK_EQ(m.log2, 6);
    CHECK_MSG(same_sizes > 1, "%u", same_sizes);
    buckets_end(&m);
}

TEST(caps_buckets, grows_where_the_profile_says)
{
    for (unsigned minor = BOSK_GO_FIRST; minor < 24; minor++) {
        bosk_map_profile p = profile(minor);
        struct bucket_map m;
        bosk_map_shape s;
        CHECK(buckets_begin(&m, &p, 0, minor));
        bosk_map_hint(&p, 0, &s);
        for (int64_t n = 1; n <= 30000; n++) {
            CHECK(buckets_set(&m, (uint64_t)n));
            CHECK(!m.work.same_size);
            CHECK_EQ(m.work.grew, n == s.grows_at);
            if (m.work.grew) bosk_map_grow(&p, &s);
            CHECK_EQ(m.log2, s.log2);
        }
        buckets_end(&m);
    }
}

/* Writes until the old array is empty: half as many as it has buckets at least, all at most, and
 * about what real maps needed. */
TEST(caps_buckets, evacuation_ends_as_in_real_maps)
{
    struct golden g;
    unsigned rows = 0;
    double ratio = 0;
    for (golden_open(&g, "mapbuckets.csv"); golden_next(&g);) {
        if (!golden_is(&g, 3, "evacuated_after_inserts") || golden_number(&g, 5) < 5) continue;
        bosk_map_profile p = profile(g.minor);
        struct bucket_map m;
        uint64_t old = (uint64_t)1 << golden_number(&g, 5), writes = 0;
        CHECK(buckets_begin(&m, &p, 0, g.rows));
        uint64_t key = 0;
        while (m.log2 <= (uint32_t)golden_number(&g, 5)) buckets_set(&m, key++);
        int64_t begun = m.count;
        CHECK_EQ(buckets_left(&m), old - m.work.chains);
        while (m.old != NULL) {
            buckets_set(&m, key++);
            writes++;
        }
        CHECK(writes + 1 >= old / 2 && writes <= old);
        double real = (double)(golden_number(&g, 4) - begun);
        if (old >= 256) {
            CHECK_MSG((double)writes > 0.85 * real && (double)writes < 1.15 * real,
                      "%llu writes for %llu buckets, Go needed %.0f", (unsigned long long)writes,
                      (unsigned long long)old, real);
            ratio += (double)writes / (double)old;
            rows++;
        }
        buckets_end(&m);
    }
    ratio /= rows;
    CHECK_MSG(ratio > 0.67 && ratio < 0.72, "%.3f", ratio);
}

/* Each entry that lives throughout comes once, whatever happens meanwhile; deleted ones do not. */
TEST(caps_buckets, iteration_while_it_grows)
{
    uint64_t seed = bosk_test_seed();
    for (unsigned round = 0; round < bosk_test_budget(300); round++) {
        static unsigned seen[KEYS];
        static bool dead[KEYS], late[KEYS];
        struct bucket_map m;
        struct bucket_iter it;
        bosk_map_profile p = profile(17);
        uint64_t key, first = 20 + bosk_test_random(&seed) % 400, next = first;
        CHECK(buckets_begin(&m, &p, 0, seed));
        memset(seen, 0, sizeof seen);
        memset(dead, 0, sizeof dead);
        memset(late, 0, sizeof late);
        for (uint64_t k = 0; k < first; k++) buckets_set(&m, k);
        for (buckets_iterate(&m, bosk_test_random(&seed), &it); buckets_next(&it, &key);) {
            CHECK(key < KEYS && !dead[key] && seen[key]++ == 0);
            for (unsigned i = 0; i < 6 && next + 1 < KEYS; i++) {
                uint64_t r = bosk_test_random(&seed);
                if (r % 3 != 0) {
                    late[next] = true;
                    buckets_set(&m, next++);
                } else if (!dead[(r >> 9) % next]) {
                    CHECK(buckets_delete(&m, (r >> 9) % next));
                    dead[(r >> 9) % next] = true;
                }
            }
        }
        for (uint64_t k = 0; k < first; k++)
            CHECK_MSG(dead[k] || late[k] || seen[k] == 1, "round %u: %llu", round,
                      (unsigned long long)k);
        buckets_end(&m);
    }
}
