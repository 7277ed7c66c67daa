/* latency.c - how long calls took, in log-linear histograms of 32 buckets to the octave, so that
 * any quantile read from them is within 1.6 % of the true one.
 */
#include "internal.h"

_Static_assert((int)BOSKI_OP_COUNT == (int)BOSK_OP_COUNT, "one list of operations");

unsigned boski_obs_bucket(uint64_t ticks)
{
    if (ticks < 32) return (unsigned)ticks;
    unsigned e = 63u - (unsigned)__builtin_clzll(ticks);
    unsigned bucket = 32 * (e - 4) + (unsigned)((ticks >> (e - 5)) & 31);
    return bucket < BOSK_RECORD_BUCKETS ? bucket : BOSK_RECORD_BUCKETS - 1;
}

uint64_t boski_obs_timer_ticks(void)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 100; i++) {
        uint64_t t = boski_os_ticks();
        __asm__ volatile("" ::: "memory");
        t = boski_os_ticks() - t;
        if (t < least) least = t;
    }
    return least;
}

void boski_obs_latency(enum boski_op op, bool slow, uint64_t ticks, uint64_t weight)
{
    struct bosk_record_section *s = boski_obs.section;
    if (s == NULL || op >= BOSKI_OP_COUNT) return;
    if ((int64_t)ticks < 0) return; /* the counters of two processors may differ by a little */
    struct bosk_record_latency *l = &s->latency[op][slow];
    uint64_t *bucket = &l->bucket[boski_obs_bucket(ticks)];
    if (boski_os_single())
        *bucket += weight;
    else
        boski_add(bucket, weight);
    uint64_t max = __atomic_load_n(&l->max_ticks, __ATOMIC_RELAXED);
    while (ticks > max && !__atomic_compare_exchange_n(&l->max_ticks, &max, ticks, true,
                                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}
