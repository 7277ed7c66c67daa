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

static double ratio(double exact, double estimate)
{
    if (!(estimate > 0)) return 1;
    return exact > 0 ? exact / estimate : 0;
}

static void exact_by_class(const uint64_t *mallocs, const uint64_t *frees, double *objects)
{
    memset(objects, 0, CLASSES * sizeof *objects);
    for (unsigned lane = 0; lane < BOSK_RECORD_LANE_LARGE; lane++)
        objects[lane_class(lane)] += (double)mallocs[lane];
    for (unsigned c = 0; c < BOSK_CLASS_LARGE; c++) objects[c] -= (double)frees[c];
}

static void scale_sites(const struct process *p, struct analysis *a)
{
    const struct bosk_record_counters *n = &p->counters;
    double alloc[LANES] = {0}, peak[CLASSES] = {0}, live[CLASSES] = {0};
    for (uint32_t i = 0; i < p->site_count; i++) {
        const struct bosk_record_site *s = &p->site[i];
        bool large = s->lane == BOSK_RECORD_LANE_LARGE;
        unsigned c = lane_class(s->lane);
        alloc[s->lane] += large ? (double)s->alloc_bytes : (double)s->alloc_objects / 1024;
        peak[c] += large ? (double)s->peak_bytes : (double)s->peak_objects / 1024;
        live[c] += large ? (double)s->live_bytes : (double)s->live_objects / 1024;
    }
    double exact_peak[CLASSES], exact_live[CLASSES];
    exact_by_class(p->peak.mallocs, p->peak.frees, exact_peak);
    exact_by_class(n->mallocs, n->frees, exact_live);
    exact_peak[BOSK_CLASS_LARGE] = (double)p->peak.large_bytes;
    exact_live[BOSK_CLASS_LARGE] = (double)n->large_alloc_bytes - (double)n->large_free_bytes;
    /* A fork child frees what its parent allocated: what is live of its own is not known exactly. */
    bool exact = !(p->flags & BOSK_SECTION_FORKED);
    for (uint32_t i = 0; i < p->site_count; i++) {
        const struct bosk_record_site *s = &p->site[i];
        unsigned c = lane_class(s->lane);
        bool large = s->lane == BOSK_RECORD_LANE_LARGE;
        double k = ratio(large ? (double)n->large_alloc_bytes : (double)n->mallocs[s->lane],
                         alloc[s->lane]);
        double kp = exact ? ratio(exact_peak[c], peak[c]) : 1;
        double kl = exact ? ratio(exact_live[c], live[c]) : 1;
        a->site[i] = (struct amounts){
            .alloc_objects = k * (double)s->alloc_objects / 1024,
            .alloc_bytes = k * (double)s->alloc_bytes,
            .request_bytes = k * (double)s->request_bytes,
            .live_objects = kl * (double)s->live_objects / 1024,
            .live_bytes = kl * (double)s->live_bytes,
            .peak_objects = kp * (double)s->peak_objects / 1024,
            .peak_bytes = kp * (double)s->peak_bytes,
            .variance = (double)s->variance * 1048576,
            .samples = s->samples,
            .peak_samples = s->peak_samples,
        };
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

/* ---- places ------------------------------------------------------------------------------------ */

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

/* ---- caches and latencies ---------------------------------------------------------------------- */

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
    scale_sites(p, a);
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
