/* map_hash_test.c - the quality of hashes, by the spread of keys over homes and tags.
 *
 * Keys as programs have them (counters, multiples, addresses, values in the high bits, texts that
 * differ in one place) must lie in homes as if thrown at random: the variance of homes relative to
 * that of random throws is measured for many seeds, and a bound holds for each of them.  Keys may
 * be spread better than at random, never worse.
 */
#include "bosk_test.h"
#include "container/maptable.h"

#include <bosk/map.h>
#include <stdio.h>

enum { HOMES = 1 << 14, LOAD = 12 };
static uint32_t home[HOMES], tag[256];

static uint64_t pattern(unsigned which, uint64_t i, uint64_t base)
{
    switch (which) {
    case 0: return i;
    case 1: return i * 16;
    case 2: return i * 4096;
    case 3: return i << 32;
    case 4: return i << 44;
    case 5: return base + i * 8;
    case 6: return (i & 255) << 48 | (i >> 8 & 255) << 24 | i >> 16;
    default: return ~i;
    }
}

static double variance(const uint32_t *n, size_t count, double mean)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (n[i] - mean) * (n[i] - mean);
    return sum / ((double)count * mean);
}
static void judge(const char *what, unsigned which, uint64_t seed)
{
    const double homes = variance(home, HOMES, LOAD);
    const double tags = variance(tag, 256, (double)HOMES * LOAD / 256);
    CHECK_MSG(homes < 1.15, "%s %u, seed %llx: homes vary %.2f times as much as at random", what,
              which, (unsigned long long)seed, homes);
    /* One of the tags stands for two values, which alone makes 2 * mean / 256. */
    CHECK_MSG(tags < 2.8 + (double)HOMES * LOAD / 256 / 128, "%s %u, seed %llx: tags vary %.2f",
              what, which, (unsigned long long)seed, tags);
}
static void count(uint64_t h)
{
    home[h & (HOMES - 1)]++;
    tag[bosk_map_tags[h >> 56] & 255]++;
}
static void clear(void)
{
    memset(home, 0, sizeof home);
    memset(tag, 0, sizeof tag);
}

TEST(map_hash, words_spread)
{
    uint64_t rng = bosk_test_seed();
    const uint64_t seeds = bosk_test_budget(40);
    for (unsigned which = 0; which < 8; which++) {
        for (uint64_t s = 0; s < seeds; s++) {
            const uint64_t seed = bosk_test_random(&rng), base = bosk_test_random(&rng);
            clear();
            for (uint64_t i = 0; i < HOMES * LOAD; i++)
                count(boski_hash_word(pattern(which, i, base), seed));
            judge("words", which, seed);
        }
    }
}

static void text(unsigned which, uint64_t i, char *to, size_t *n)
{
    static const size_t length[] = {16, 16, 24, 36, 11, 100, 7};
    *n = length[which];
    memset(to, 'a', 128);
    char digits[24];
    const int k = snprintf(digits, sizeof digits, "%07llu", (unsigned long long)i);
    memcpy(to + (which == 1 ? 0 : *n - (size_t)k), digits, (size_t)k);
}
TEST(map_hash, texts_spread)
{
    uint64_t rng = bosk_test_seed();
    const uint64_t seeds = bosk_test_budget(12);
    char s[128];
    size_t n;
    for (unsigned which = 0; which < 7; which++) {
        for (uint64_t r = 0; r < seeds; r++) {
            const uint64_t seed = bosk_test_random(&rng), mult = bosk_test_random(&rng) | 1;
            clear();
            for (uint64_t i = 0; i < HOMES * LOAD; i++) {
                text(which, i, s, &n);
                count(boski_hash_bytes(s, n, seed, mult));
            }
            judge("texts", which, seed);
        }
    }
}
static double sqrt_of(uint64_t n)
{
    double x = (double)n;
    for (int i = 0; i < 60; i++) x = (x + (double)n / x) / 2;
    return x;
}
/* Each bit of a key changes each bit of the hash in half of the cases. */
TEST(map_hash, long_ways_avalanche)
{
    uint64_t rng = bosk_test_seed();
    for (int aes = 0; aes < 2; aes++) {
        static uint32_t flips[64];
        unsigned char s[150];
        uint64_t tries = 0, a = 0, b = 0;
        memset(flips, 0, sizeof flips);
        for (uint64_t r = 0; r < bosk_test_budget(4000) + 400; r++) {
            const uint64_t seed = bosk_test_random(&rng), mult = bosk_test_random(&rng) | 1;
            const size_t n = 65 + (size_t)(bosk_test_random(&rng) % 80);
            for (size_t i = 0; i < n; i++) s[i] = (unsigned char)bosk_test_random(&rng);
            const size_t bit = (size_t)(bosk_test_random(&rng) % (n * 8));
            if (aes && !boski_hash_long_aes(s, n, seed, mult, &a)) SKIP("no AES here");
            if (!aes) a = boski_hash_long_wide(s, n, seed, mult);
            s[bit / 8] ^= (unsigned char)(1 << bit % 8);
            if (aes) CHECK(boski_hash_long_aes(s, n, seed, mult, &b));
            if (!aes) b = boski_hash_long_wide(s, n, seed, mult);
            CHECK(a != b);
            for (unsigned i = 0; i < 64; i++) flips[i] += (a ^ b) >> i & 1;
            tries++;
        }
        for (unsigned i = 0; i < 64; i++) {
            const double share = flips[i] / (double)tries, spread = 6 / (2 * sqrt_of(tries));
            CHECK_MSG(share > 0.5 - spread && share < 0.5 + spread, "bit %u: %.3f", i, share);
        }
    }
}
TEST(map_hash, of_bytes_does_not_read_past_the_end)
{
    char s[80];
    memset(s, 'x', sizeof s);
    for (size_t n = 0; n <= 79; n++) {
        s[n] = 'x';
        const uint64_t a = bosk_hash_bytes(s, n, 5);
        s[n] = 'y';
        CHECK_EQ(bosk_hash_bytes(s, n, 5), a);
        s[n] = 'x';
        CHECK(n == 0 || bosk_hash_bytes(s, n - 1, 5) != a);
        if (n > 0) {
            s[n / 2] ^= 1;
            CHECK(bosk_hash_bytes(s, n, 5) != a);
            s[n / 2] ^= 1;
        }
    }
    CHECK(bosk_hash_u64(1, 2) != bosk_hash_u64(2, 2) && bosk_hash_u64(1, 2) != bosk_hash_u64(1, 3));
}
