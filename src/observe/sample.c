#include "observe/internal.h"

void boski_obs_init(const char *record, uint64_t sample_bytes)
{
    (void)record;
    (void)sample_bytes;
    boski_obs_start_clock();
}
void boski_obs_check(void) {}
uint64_t boski_obs_next_sample(uint64_t *rng, uint32_t *mean)
{
    (void)rng, (void)mean;
    return UINT64_MAX;
}
void boski_obs_sample(void *p, size_t requested, size_t block, uint32_t mean, const char *label)
{
    (void)p, (void)requested, (void)block, (void)mean, (void)label;
}
void boski_obs_sample_free(void *p) { (void)p; }
void boski_obs_sample_moved(void *old, void *p, size_t requested, size_t block)
{
    (void)old, (void)p, (void)requested, (void)block;
}
void boski_obs_latency(enum boski_op op, bool slow, uint64_t ticks, uint64_t weight)
{
    (void)op, (void)slow, (void)ticks, (void)weight;
}
void boski_obs_live(int64_t delta) { (void)boski_obs_count_live(delta); }
