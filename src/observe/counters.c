/* counters.c - live bytes and what follows from them at once: the peak and the timeline.
 *
 * `boski_ctr` points to private memory until a recording is attached.  boski_obs_live is called at
 * each refill, so it reads no clock and takes no lock unless live bytes have moved by more than a
 * little since the last time it did.
 *
 * The peak is declared anew each time live bytes exceed it by 1/1024.  Then its moment is noted,
 * the counters are copied, and its number is raised: each site copies its own numbers when it next
 * changes and finds the number raised (touch, in sample.c), so the sites at the peak cost nothing.
 */
#include "internal.h"

#include <string.h>

static struct bosk_record_counters private_counters;
struct bosk_record_counters *boski_ctr = &private_counters;

static int64_t peak_next = INT64_MAX; /* live bytes above which a new peak is declared */
static int64_t point_low;             /* live bytes at the last point of the timeline ... */
static int64_t point_step;            /* ... and how far they may move without another */
static unsigned calls;
int64_t boski_obs_last_live;

#define MIN_STEP 4096
#define CALLS_BETWEEN_POINTS 128u

static uint64_t read_counter(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void copy_counters(uint64_t *to, const uint64_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = read_counter(&from[i]);
}

static void declare_peak(struct bosk_record_section *s, int64_t live)
{
    struct bosk_record_counters *c = &s->counters;
    struct bosk_record_peak *peak = &s->peak;
    /* Whoever comes meanwhile finds it declared, or comes again. */
    if (!boski_trylock(&boski_obs.priv->peak)) return;
    if (live > __atomic_load_n(&peak_next, __ATOMIC_RELAXED)) {
        int64_t step = live / 1024 > MIN_STEP ? live / 1024 : MIN_STEP;
        __atomic_store_n(&peak_next, live + step, __ATOMIC_RELAXED);
        c->peak_ns = boski_os_now_ns() - s->start_ns;
        __atomic_store_n(&peak->live_bytes, (uint64_t)live, __ATOMIC_RELAXED);
        peak->spans_bytes = read_counter(&c->spans_inuse_bytes);
        peak->dirty_bytes = read_counter(&c->dirty_bytes);
        peak->large_bytes =
            read_counter(&c->large_alloc_bytes) - read_counter(&c->large_free_bytes);
        copy_counters(peak->mallocs, c->mallocs, BOSK_RECORD_LANES);
        copy_counters(peak->frees, c->frees, BOSK_RECORD_CLASSES);
        __atomic_fetch_add(&s->peak_epoch, 1, __ATOMIC_RELEASE);
    }
    boski_unlock(&boski_obs.priv->peak);
}

static void keep_greater(uint64_t *at, uint64_t value)
{
    if (value > *at) *at = value;
}

/* Makes room for the moment `ns` by doubling the interval and merging points into the other half.
 */
static struct bosk_record_timeline *stretch(struct bosk_record_section *s, uint64_t ns)
{
    struct bosk_record_timeline *from = &s->timeline[s->timeline_now & 1];
    if (ns / from->interval_ns < BOSK_RECORD_POINTS) return from;
    unsigned shift = 1;
    while ((ns / from->interval_ns) >> shift >= BOSK_RECORD_POINTS) shift++;
    uint32_t other = ~s->timeline_now & 1;
    struct bosk_record_timeline *to = &s->timeline[other];
    memset(to->point, 0, sizeof to->point);
    to->interval_ns = from->interval_ns << shift;
    for (unsigned i = 0; i < BOSK_RECORD_POINTS; i++) {
        struct bosk_record_point *p = &to->point[shift < 32 ? i >> shift : 0];
        keep_greater(&p->live_bytes, from->point[i].live_bytes);
        keep_greater(&p->held_bytes, from->point[i].held_bytes);
    }
    __atomic_store_n(&s->timeline_now, other, __ATOMIC_RELEASE);
    return to;
}

static void add_point(struct bosk_record_section *s, int64_t live)
{
    if (!boski_trylock(&boski_obs.priv->timeline)) return;
    int64_t step = live / 64;
    __atomic_store_n(&point_low, live, __ATOMIC_RELAXED);
    __atomic_store_n(&point_step, step > MIN_STEP ? step : MIN_STEP, __ATOMIC_RELAXED);

    uint64_t now = boski_os_now_ns();
    s->last_ns = now;
    s->last_ticks = boski_os_ticks();
    struct bosk_record_timeline *t = stretch(s, now - s->start_ns);
    struct bosk_record_point *p = &t->point[(now - s->start_ns) / t->interval_ns];
    keep_greater(&p->live_bytes, live > 0 ? (uint64_t)live : 1);
    keep_greater(&p->held_bytes, read_counter(&s->counters.spans_inuse_bytes) +
                                     read_counter(&s->counters.dirty_bytes));
    boski_unlock(&boski_obs.priv->timeline);
}

void boski_obs_start_counting(uint64_t live_bytes)
{
    struct bosk_record_section *s = boski_obs.section;
    s->timeline[0].interval_ns = s->timeline[1].interval_ns = 1u << 16;
    s->timeline_now = 0;
    peak_next = -1;
    declare_peak(s, (int64_t)live_bytes);
    add_point(s, (int64_t)live_bytes);
}

void boski_obs_live(int64_t delta)
{
    struct bosk_record_counters *c = boski_ctr;
    int64_t live;
    if (boski_os_single()) {
        live = (int64_t)(c->live_bytes += (uint64_t)delta);
        if (live > (int64_t)c->peak_bytes) c->peak_bytes = (uint64_t)live;
    } else {
        live = (int64_t)__atomic_add_fetch(&c->live_bytes, (uint64_t)delta, __ATOMIC_RELAXED);
        uint64_t peak = __atomic_load_n(&c->peak_bytes, __ATOMIC_RELAXED);
        while (live > (int64_t)peak &&
               !__atomic_compare_exchange_n(&c->peak_bytes, &peak, (uint64_t)live, true,
                                            __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
    }
    struct bosk_record_section *s = boski_obs.section;
    if (s == NULL) return;
    __atomic_store_n(&boski_obs_last_live, live, __ATOMIC_RELAXED);
    if (live > __atomic_load_n(&peak_next, __ATOMIC_RELAXED)) declare_peak(s, live);
    int64_t moved = live - __atomic_load_n(&point_low, __ATOMIC_RELAXED);
    int64_t step = __atomic_load_n(&point_step, __ATOMIC_RELAXED);
    unsigned n = __atomic_load_n(&calls, __ATOMIC_RELAXED) + 1; /* a lost count does not matter */
    __atomic_store_n(&calls, n, __ATOMIC_RELAXED);
    if (moved > step || moved < -step || n % CALLS_BETWEEN_POINTS == 0) add_point(s, live);
}
