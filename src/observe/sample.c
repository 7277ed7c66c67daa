/* sample.c - choosing samples, booking them, and booking their frees.
 *
 * With the automatic mean the first 256 samples are 16 KiB apart on average, the next 256 32 KiB,
 * and so on up to 512 KiB, so that a short program has samples enough and a long one pays next to
 * nothing. Each sample is weighed by the mean that its own countdown was drawn with, which keeps
 * sums unbiased.
 */
#include "internal.h"

#define AUTO_FIRST ((uint64_t)16 * 1024)
#define AUTO_STEPS 5 /* 16 KiB << 5 = 512 KiB */
#define AUTO_SAMPLES 256u

static uint32_t mean_now(const struct bosk_record_section *s)
{
    uint64_t mean = boski_obs.sample_bytes;
    if (mean == BOSK_RECORD_SAMPLE_AUTO) {
        uint64_t step = __atomic_load_n(&s->samples, __ATOMIC_RELAXED) / AUTO_SAMPLES;
        mean = AUTO_FIRST << (step < AUTO_STEPS ? step : AUTO_STEPS);
    }
    return mean < UINT32_MAX ? (uint32_t)mean : UINT32_MAX;
}

uint64_t boski_obs_next_sample(uint64_t *rng, uint32_t *mean)
{
    struct bosk_record_section *s = boski_obs.section;
    *mean = 1;
    if (s == NULL || boski_obs.sample_bytes == BOSK_RECORD_SAMPLE_OFF) return UINT64_MAX;
    *mean = mean_now(s);
    __atomic_store_n(&s->sample_mean, *mean, __ATOMIC_RELAXED);
    return boski_obs_draw(rng, *mean);
}

static uint64_t times(uint64_t objects, uint64_t bytes)
{
    return (uint64_t)((double)objects * (double)bytes / 1024 + 0.5);
}

static void keep_as_peak(struct bosk_record_site *site, uint32_t epoch)
{
    site->peak_objects = site->live_objects;
    site->peak_bytes = site->live_bytes;
    site->peak_samples = site->live_samples;
    __atomic_store_n(&site->peak_epoch, epoch, __ATOMIC_RELEASE);
}

static struct boski_lock *stripe(uint32_t site)
{
    return &boski_obs.priv->stripe[site % BOSKI_STRIPES];
}

/* Adds a sample to what is live at its site, or takes it away.
 *
 * A peak declared since the site last changed found it as it is, so that is kept first.  The block
 * that lifted live bytes to the peak may be booked here only after the peak was declared: as long
 * as live bytes have not fallen below it, what is added belongs to it. */
static void book_live(struct bosk_record_section *s, const struct boski_live *e, bool add)
{
    struct bosk_record_site *site = &s->site[e->site];
    uint64_t bytes = times(e->objects, e->block);
    boski_lock(stripe(e->site));
    uint32_t epoch = __atomic_load_n(&s->peak_epoch, __ATOMIC_ACQUIRE);
    if (site->peak_epoch != epoch) keep_as_peak(site, epoch);
    site->live_samples += add ? 1 : UINT32_MAX;
    site->live_objects += add ? e->objects : -e->objects;
    site->live_bytes += add ? bytes : -bytes;
    if (add && (int64_t)__atomic_load_n(&s->counters.live_bytes, __ATOMIC_RELAXED) >=
                   (int64_t)__atomic_load_n(&s->peak.live_bytes, __ATOMIC_RELAXED))
        keep_as_peak(site, epoch);
    boski_unlock(stripe(e->site));
}

static void enter(struct bosk_record_section *s, const struct boski_live *e)
{
    if (boski_live_put(e))
        book_live(s, e, true);
    else
        boski_add(&s->lost_samples, 1);
}

void boski_obs_sample(void *p, size_t requested, size_t block, uint32_t mean, const char *label)
{
    struct bosk_record_section *s = boski_obs.section;
    if (s == NULL) return;
    uintptr_t pc[BOSK_RECORD_DEPTH_MAX];
    bool cut;
    unsigned n = boski_obs_backtrace(pc, boski_obs.depth, &cut);
    uint32_t at = boski_obs_site(pc, n, cut, boski_obs_lane(requested, block), label);
    boski_add(&s->samples, 1);
    if (at == BOSK_RECORD_NONE) {
        boski_add(&s->lost_samples, 1);
        return;
    }
    double weight = boski_obs_weight(block, mean), kib = (double)block / 1024;
    struct boski_live entry = {(uintptr_t)p, block, (uint64_t)(weight * 1024 + 0.5), at, mean};
    struct bosk_record_site *site = &s->site[at];
    boski_lock(stripe(at));
    site->samples++;
    site->alloc_objects += entry.objects;
    site->alloc_bytes += times(entry.objects, block);
    site->request_bytes += times(entry.objects, requested);
    site->variance += (uint64_t)((weight - 1) * weight * kib * kib + 0.5);
    boski_unlock(stripe(at));
    enter(s, &entry);
}

void boski_obs_sample_free(void *p)
{
    struct bosk_record_section *s = boski_obs.section;
    struct boski_live entry;
    if (s != NULL && boski_live_take((uintptr_t)p, &entry)) book_live(s, &entry, false);
}

/* A block that has grown was as likely to become a sample as one of its present size: it stands for
 * fewer now.  One that has shrunk stands for as many as before. */
static void grow_sample(struct bosk_record_section *s, struct boski_live *e, size_t block)
{
    struct bosk_record_site *site = &s->site[e->site];
    uint64_t before = e->objects, bytes = times(before, e->block);
    if (block > e->block) e->objects = (uint64_t)(boski_obs_weight(block, e->mean) * 1024 + 0.5);
    if (e->objects > before) e->objects = before;
    boski_lock(stripe(e->site));
    site->alloc_objects -= before - e->objects;
    if (block > e->block) site->alloc_bytes += times(e->objects, block) - bytes;
    if (block > e->block) site->request_bytes += times(e->objects, block) - bytes;
    boski_unlock(stripe(e->site));
    e->block = block;
}

void boski_obs_sample_moved(void *old, void *p, size_t requested, size_t block)
{
    struct bosk_record_section *s = boski_obs.section;
    struct boski_live entry;
    if (s == NULL || !boski_live_take((uintptr_t)old, &entry)) return;
    book_live(s, &entry, false);
    grow_sample(s, &entry, block);
    uint32_t at = boski_obs_site_for_lane(entry.site, boski_obs_lane(requested, block));
    if (at != BOSK_RECORD_NONE) entry.site = at;
    entry.p = (uintptr_t)p;
    enter(s, &entry);
}
