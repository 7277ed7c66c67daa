/* analysis.c - see analysis.h. */
#define _GNU_SOURCE
#include "analysis.h"

#include "places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LANES (BOSK_RECORD_LANE_LARGE + 1)
#define CLASSES (BOSK_CLASS_LARGE + 1)

static const uint16_t small_class_bytes[BOSK_CLASS_LARGE] = BOSK_RECORD_CLASS_BYTES;

unsigned lane_class(unsigned lane)
{
    if (lane == BOSK_RECORD_LANE_24) return 3;
    if (lane >= BOSK_RECORD_LANE_LARGE) return BOSK_CLASS_LARGE;
    if (lane >= BOSK_RECORD_LANE_MEDIUM)
        return lane - BOSK_RECORD_LANE_MEDIUM + BOSK_RECORD_FIRST_MEDIUM;
    unsigned bytes = lane != 0 ? lane * 16 : 16, c = 2;
    while (small_class_bytes[c] < bytes || c == 3) c++;
    return c;
}

double class_bytes(unsigned class_)
{
    return class_ < BOSK_CLASS_LARGE ? small_class_bytes[class_] : 0;
}

/* ---- scaling --------------------------------------------------------------------------------- */

static void exact_by_class(const uint64_t *mallocs, const uint64_t *frees, double *objects)
{
    memset(objects, 0, CLASSES * sizeof *objects);
    for (unsigned lane = 0; lane < BOSK_RECORD_LANE_LARGE; lane++)
        objects[lane_class(lane)] += (double)mallocs[lane];
    for (unsigned c = 0; c < BOSK_CLASS_LARGE; c++) objects[c] -= (double)frees[c];
}

/* What the samples of one lane or class amount to, and what they should. */
struct stratum {
    double estimate, exact; /* bytes */
    double variance;
    double objects, samples;
    double effective; /* samples of equal weight that would tell as much */
};

/* One site's part in a stratum. */
struct part {
    double bytes, variance, objects, samples, effective;
};

static void add_part(struct stratum *s, const struct part *p)
{
    s->estimate += p->bytes;
    s->variance += p->variance;
    s->objects += p->objects;
    s->samples += p->samples;
    s->effective += p->effective;
}

/* Corrects a part so that all parts together are the exact number.  Blocks of one size are all
 * equally uncertain: the correction is in proportion.  Whole pages are not, large ones are sampled
 * for certain: there it goes where the uncertainty is. */
static double corrected(const struct stratum *s, const struct part *p, bool large)
{
    double bytes = p->bytes;
    if (!(s->estimate > 0)) return bytes;
    if (!large)
        bytes *= s->exact > 0 ? s->exact / s->estimate : 0;
    else if (s->variance > 0)
        bytes += (s->exact - s->estimate) * p->variance / s->variance;
    return bytes > 0 ? bytes : 0;
}

/* What remains uncertain then is the division among sites.  Two samples are added to each side so
 * that few samples that agree do not look certain; what was sampled for certain is not uncertain at
 * all. */
static double remaining_variance(const struct stratum *s, const struct part *p, bool large)
{
    if (large) return s->variance > 0 ? p->variance * (1 - p->variance / s->variance * 0.9) : 0;
    if (!(s->effective > 0) || !(s->exact > 0)) return 0;
    double n = s->effective + 2, f = (p->bytes / s->estimate * s->effective + 1) / n;
    double unsampled = s->objects > s->samples ? 1 - s->samples / s->objects : 0;
    return s->exact * s->exact * f * (1 - f) / n * unsampled;
}

static struct part part_of(const struct bosk_record_site *s, uint64_t bytes, uint64_t objects,
                           uint32_t samples)
{
    double all = (double)s->alloc_bytes, n = (double)s->alloc_objects / 1024;
    double variance = (double)s->variance * 1048576, each = s->samples != 0 ? 1.0 / s->samples : 0;
    /* (sum of weights)^2 / (sum of their squares), for blocks of about the same size. */
    double effective = n > 0 ? all * all / (variance + all * all / n) : 0;
    return (struct part){(double)bytes, variance * each * samples, (double)objects / 1024, samples,
                         effective * each * samples};
}
static struct part alloc_part(const struct bosk_record_site *s)
{
    return part_of(s, s->alloc_bytes, s->alloc_objects, s->samples);
}
static struct part peak_part(const struct bosk_record_site *s)
{
    return part_of(s, s->peak_bytes, s->peak_objects, s->peak_samples);
}
static struct part live_part(const struct bosk_record_site *s)
{
    return part_of(s, s->live_bytes, s->live_objects, s->live_samples);
}

struct strata {
    struct stratum alloc[LANES], peak[CLASSES], live[CLASSES];
};

static void add_exact(const struct process *p, struct strata *st)
{
    const struct bosk_record_counters *n = &p->counters;
    double peak[CLASSES], live[CLASSES];
    exact_by_class(p->peak.mallocs, p->peak.frees, peak);
    exact_by_class(n->mallocs, n->frees, live);
    for (unsigned lane = 0; lane < BOSK_RECORD_LANE_LARGE; lane++)
        st->alloc[lane].exact = (double)n->mallocs[lane] * class_bytes(lane_class(lane));
    for (unsigned c = 0; c < BOSK_CLASS_LARGE; c++) {
        st->peak[c].exact = peak[c] * class_bytes(c);
        st->live[c].exact = live[c] * class_bytes(c);
    }
    st->alloc[BOSK_RECORD_LANE_LARGE].exact = (double)n->large_alloc_bytes;
    st->peak[BOSK_CLASS_LARGE].exact = (double)p->peak.large_bytes;
    st->live[BOSK_CLASS_LARGE].exact = (double)n->large_alloc_bytes - (double)n->large_free_bytes;
}

static void scale_sites(const struct process *p, struct analysis *a, struct strata *st)
{
    add_exact(p, st);
    for (uint32_t i = 0; i < p->site_count; i++) {
        const struct bosk_record_site *s = &p->site[i];
        struct part alloc = alloc_part(s), peak = peak_part(s), live = live_part(s);
        add_part(&st->alloc[s->lane], &alloc);
        add_part(&st->peak[lane_class(s->lane)], &peak);
        add_part(&st->live[lane_class(s->lane)], &live);
    }
    /* A fork child frees what its parent allocated: what is live of its own is not known exactly.
     */
    bool exact = !(p->flags & BOSK_SECTION_FORKED);
    for (uint32_t i = 0; i < p->site_count; i++) {
        const struct bosk_record_site *s = &p->site[i];
        unsigned c = lane_class(s->lane);
        bool large = c == BOSK_CLASS_LARGE;
        struct part alloc = alloc_part(s), peak = peak_part(s), live = live_part(s);
        double alloc_bytes = corrected(&st->alloc[s->lane], &alloc, large);
        double peak_bytes = exact ? corrected(&st->peak[c], &peak, large) : peak.bytes;
        double live_bytes = exact ? corrected(&st->live[c], &live, large) : live.bytes;
        double k = alloc.bytes > 0 ? alloc_bytes / alloc.bytes : 0;
        double kp = peak.bytes > 0 ? peak_bytes / peak.bytes : 0;
        double kl = live.bytes > 0 ? live_bytes / live.bytes : 0;
        a->site[i] = (struct amounts){
            .alloc_objects = k * alloc.objects,
            .alloc_bytes = alloc_bytes,
            .request_bytes = k * (double)s->request_bytes,
            .live_objects = kl * live.objects,
            .live_bytes = live_bytes,
            .peak_objects = kp * peak.objects,
            .peak_bytes = peak_bytes,
            .samples = s->samples,
            .peak_samples = s->peak_samples,
            .variance = remaining_variance(&st->alloc[s->lane], &alloc, large),
            .peak_variance = exact ? remaining_variance(&st->peak[c], &peak, large) : peak.variance,
        };
    }
}

/* The counters of classes are read one after another while objects come and go: where the sites add
 * up to more than was live at the peak, the excess is taken where it is uncertain. */
static void fit_peak(const struct process *p, struct analysis *a)
{
    double sum = 0, variance = 0;
    for (uint32_t i = 0; i < p->site_count; i++) {
        sum += a->site[i].peak_bytes;
        variance += a->site[i].peak_variance;
    }
    double excess = sum - (double)p->counters.peak_bytes;
    if (!(excess > 0) || !(variance > 0)) return;
    for (uint32_t i = 0; i < p->site_count; i++) {
        struct amounts *n = &a->site[i];
        double less = excess * n->peak_variance / variance;
        double k = n->peak_bytes > less ? 1 - less / n->peak_bytes : 0;
        n->peak_bytes *= k;
        n->peak_objects *= k;
    }
}

static void add_amounts(struct amounts *to, const struct amounts *from)
{
    to->alloc_objects += from->alloc_objects;
    to->alloc_bytes += from->alloc_bytes;
    to->request_bytes += from->request_bytes;
    to->live_objects += from->live_objects;
    to->live_bytes += from->live_bytes;
    to->peak_objects += from->peak_objects;
    to->peak_bytes += from->peak_bytes;
    to->variance += from->variance;
    to->peak_variance += from->peak_variance;
    to->samples += from->samples;
    to->peak_samples += from->peak_samples;
}

static double above_zero(double x) { return x > 0 ? x : 0; }

static void add_totals(const struct process *p, struct analysis *a)
{
    const struct bosk_record_counters *n = &p->counters;
    for (unsigned lane = 0; lane < BOSK_RECORD_LANE_LARGE; lane++) {
        a->calls += (double)n->mallocs[lane];
        a->allocated_bytes += (double)n->mallocs[lane] * class_bytes(lane_class(lane));
    }
    for (unsigned c = 0; c < BOSK_CLASS_LARGE; c++) {
        a->frees += (double)n->frees[c];
        a->freed_bytes += (double)n->frees[c] * class_bytes(c);
    }
    a->calls += (double)n->large_allocs;
    a->frees += (double)n->large_frees;
    a->live_objects = above_zero(a->calls - a->frees);
    a->allocated_bytes += (double)n->large_alloc_bytes;
    a->freed_bytes += (double)n->large_free_bytes;
    a->reallocs = (double)n->realloc_same + (double)n->realloc_grown + (double)n->realloc_copied +
                  (double)n->realloc_mapped + (double)n->realloc_shrunk;
    a->live_bytes = (double)n->live_bytes;
    a->peak_bytes = (double)n->peak_bytes;
    a->peak_ns = (double)n->peak_ns;
    for (uint32_t i = 0; i < p->site_count; i++) add_amounts(&a->total, &a->site[i]);
    a->unknown_alloc_bytes = above_zero(a->allocated_bytes - a->total.alloc_bytes);
    a->unknown_peak_bytes = above_zero(a->peak_bytes - a->total.peak_bytes);
    a->unknown_live_bytes = above_zero(a->live_bytes - a->total.live_bytes);
}

/* ---- places ---- */

static int by_text(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return strcmp(x->text, y->text);
}

static double order_key(const struct place *p, enum place_order order)
{
    if (order == BY_PEAK) return p->sum.peak_bytes;
    if (order == BY_LIVE) return p->sum.live_bytes;
    return p->sum.alloc_bytes - p->sum.live_bytes;
}

static int by_order(const void *a, const void *b, void *order)
{
    double x = order_key(a, *(enum place_order *)order),
           y = order_key(b, *(enum place_order *)order);
    if (x != y) return x > y ? -1 : 1;
    return by_text(a, b);
}

void places_sort(struct analysis *a, enum place_order order)
{
    qsort_r(a->place, a->place_count, sizeof *a->place, by_order, &order);
}

static int find_places(const struct process *p, struct symbols *symbols, struct analysis *a)
{
    a->place = calloc((size_t)p->site_count + 1, sizeof *a->place);
    if (a->place == NULL) return -ENOMEM;
    for (uint32_t i = 0; i < p->site_count; i++) {
        char text[512];
        bool named;
        place_text(p, symbols, &p->stack[p->site[i].stack], text, sizeof text, &named);
        a->place[i].text = strdup(text);
        if (a->place[i].text == NULL) return -ENOMEM;
        a->place_count = i + 1;
        a->place[i].sum = a->site[i];
        a->all_frames += a->site[i].alloc_bytes;
        if (named) a->named_frames += a->site[i].alloc_bytes;
        if (p->site[i].label != 0) add_amounts(&a->label[p->site[i].label - 1], &a->site[i]);
    }
    qsort(a->place, a->place_count, sizeof *a->place, by_text);
    size_t out = 0;
    for (size_t i = 0; i < a->place_count; i++) {
        if (out > 0 && strcmp(a->place[out - 1].text, a->place[i].text) == 0) {
            add_amounts(&a->place[out - 1].sum, &a->place[i].sum);
            free(a->place[i].text);
        } else {
            a->place[out++] = a->place[i];
        }
    }
    a->place_count = out;
    places_sort(a, BY_PEAK);
    return 0;
}

/* ---- caches and latencies ---- */

static void find_levels(const struct bosk_record_counters *n, struct analysis *a)
{
    a->from_heap =
        (double)n->refill_fresh + above_zero((double)n->large_allocs - (double)n->large_cache_hits);
    a->from_spans = above_zero((double)n->refill_spans - (double)n->refill_fresh);
    a->from_cache = above_zero(a->calls - a->from_heap - a->from_spans);
}

/* Middle of a bucket, in ticks. */
static double bucket_ticks(unsigned b)
{
    if (b < 32) return b;
    double width = (double)(UINT64_C(1) << (b / 32 - 1));
    return (double)(32 + b % 32) * width + (width - 1) / 2;
}

static double quantile(const double *bucket, double total, double q)
{
    double below = 0;
    for (unsigned b = 0; b < BOSK_RECORD_BUCKETS; b++) {
        below += bucket[b];
        if (below >= q * total && below > 0) return bucket_ticks(b);
    }
    return bucket_ticks(BOSK_RECORD_BUCKETS - 1);
}

static void find_latency(const struct process *p, unsigned op, double calls, struct latency *l)
{
    const struct bosk_record_latency *fast = &p->latency[op][0], *slow = &p->latency[op][1];
    double timed = 0, bucket[BOSK_RECORD_BUCKETS];
    for (unsigned b = 0; b < BOSK_RECORD_BUCKETS; b++) {
        timed += (double)fast->bucket[b];
        l->slow_calls += (double)slow->bucket[b];
    }
    l->calls = calls;
    l->fast_known = timed > 0;
    double k = timed > 0 ? above_zero(calls - l->slow_calls) / timed : 0;
    for (unsigned b = 0; b < BOSK_RECORD_BUCKETS; b++)
        bucket[b] = (double)slow->bucket[b] + k * (double)fast->bucket[b];
    double total = l->slow_calls + k * timed;
    if (!(total > 0)) return;
    uint64_t max = slow->max_ticks > fast->max_ticks ? slow->max_ticks : fast->max_ticks;
    double least = (double)p->timer_ticks, most = above_zero((double)max - least) * p->ns_per_tick;
    double *const to[] = {&l->p50, &l->p99, &l->p999};
    static const double q[] = {0.5, 0.99, 0.999};
    for (unsigned i = 0; i < 3; i++) {
        *to[i] = above_zero(quantile(bucket, total, q[i]) - least) * p->ns_per_tick;
        if (*to[i] > most) *to[i] = most;
    }
    l->max = most;
}

int analyse(const struct process *p, struct symbols *symbols, struct analysis *a)
{
    memset(a, 0, sizeof *a);
    a->process = p;
    a->label_count = p->label_count;
    a->site = calloc((size_t)p->site_count + 1, sizeof *a->site);
    a->label = calloc((size_t)p->label_count + 1, sizeof *a->label);
    if (a->site == NULL || a->label == NULL) return -ENOMEM;
    struct strata *strata = calloc(1, sizeof *strata);
    if (strata == NULL) return -ENOMEM;
    scale_sites(p, a, strata);
    fit_peak(p, a);
    free(strata);
    add_totals(p, a);
    find_levels(&p->counters, a);
    find_latency(p, BOSK_OP_MALLOC, a->calls, &a->latency[BOSK_OP_MALLOC]);
    find_latency(p, BOSK_OP_FREE, a->frees, &a->latency[BOSK_OP_FREE]);
    find_latency(p, BOSK_OP_REALLOC, a->reallocs, &a->latency[BOSK_OP_REALLOC]);
    return find_places(p, symbols, a);
}

void analysis_free(struct analysis *a)
{
    for (size_t i = 0; i < a->place_count; i++) free(a->place[i].text);
    free(a->place);
    free(a->site);
    free(a->label);
    memset(a, 0, sizeof *a);
}
