/* summary.c - the recording as JSON: the exact counters, the places, and what was run.
 *
 * Keys are only ever added; "bosk_summary" is raised when one changes its meaning.  Sizes are bytes
 * and times nanoseconds unless the name says otherwise.
 */
#define _GNU_SOURCE
#include "run_report.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define MAX_PLACES 100

static json_t *integer(double x)
{
    return json_integer(x >= 9e18 ? INT64_MAX : x > 0 ? (json_int_t)(x + 0.5) : 0);
}
static json_t *counter(uint64_t n)
{
    return json_integer(n <= INT64_MAX ? (json_int_t)n : INT64_MAX);
}

/* Text of a recorded program need not be UTF-8. */
static json_t *text(const char *s)
{
    json_t *t = json_string(s);
    if (t != NULL) return t;
    char clean[1024];
    size_t n = 0;
    for (; s[n] != '\0' && n + 1 < sizeof clean; n++) clean[n] = (s[n] & 0x80) != 0 ? '?' : s[n];
    clean[n] = '\0';
    return json_string(clean);
}

static json_t *place_json(const struct place *p)
{
    const struct amounts *n = &p->sum;
    json_t *o = json_object();
    json_object_set_new(o, "place", text(p->text));
    json_object_set_new(o, "samples", integer(n->samples));
    json_object_set_new(o, "allocations", integer(n->alloc_objects));
    json_object_set_new(o, "allocated_bytes", integer(n->alloc_bytes));
    json_object_set_new(o, "requested_bytes", integer(n->request_bytes));
    json_object_set_new(o, "peak_bytes", integer(n->peak_bytes));
    json_object_set_new(o, "live_bytes", integer(n->live_bytes));
    json_object_set_new(o, "live_blocks", integer(n->live_objects));
    return o;
}

static json_t *places_json(struct analysis *a)
{
    json_t *list = json_array();
    places_sort(a, BY_PEAK);
    for (size_t i = 0; i < a->place_count && i < MAX_PLACES; i++)
        json_array_append_new(list, place_json(&a->place[i]));
    return list;
}

static json_t *labels_json(const struct analysis *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->label_count; i++) {
        const struct amounts *n = &a->label[i];
        json_t *o = json_object();
        json_object_set_new(o, "label", text(a->process->label[i]));
        json_object_set_new(o, "samples", integer(n->samples));
        json_object_set_new(o, "allocated_bytes", integer(n->alloc_bytes));
        json_object_set_new(o, "standard_error_bytes", integer(sqrt(n->variance)));
        json_object_set_new(o, "peak_bytes", integer(n->peak_bytes));
        json_object_set_new(o, "live_bytes", integer(n->live_bytes));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *latency_json(const struct latency *l)
{
    json_t *o = json_object();
    json_object_set_new(o, "calls", integer(l->calls));
    json_object_set_new(o, "slow_calls", integer(l->slow_calls));
    json_object_set_new(o, "fast_calls_timed", json_boolean(l->fast_known));
    json_object_set_new(o, "p50_ns", json_real(l->p50));
    json_object_set_new(o, "p99_ns", json_real(l->p99));
    json_object_set_new(o, "p999_ns", json_real(l->p999));
    json_object_set_new(o, "max_ns", json_real(l->max));
    return o;
}

static json_t *tiers_json(const struct analysis *a)
{
    const struct bosk_record_counters *n = &a->process->counters;
    const struct {
        const char *key;
        uint64_t value;
    } raw[] = {
        {"refills_from_own_frees", n->refill_swaps},
        {"objects_from_own_frees", n->refill_swap_objects},
        {"refills_from_spans", n->refill_spans},
        {"objects_from_spans", n->refill_span_objects},
        {"refills_from_fresh_spans", n->refill_fresh},
        {"objects_from_fresh_spans", n->refill_fresh_objects},
        {"flushes", n->flushes},
        {"objects_flushed", n->flush_objects},
        {"slow_mallocs", n->slow_mallocs},
        {"slow_frees", n->slow_frees},
        {"spans_allocated", n->span_allocs},
        {"spans_freed", n->span_frees},
        {"large_cache_hits", n->large_cache_hits},
        {"system_grows", n->os_grows},
        {"system_grown_bytes", n->os_grow_bytes},
        {"system_releases", n->os_releases},
        {"system_released_bytes", n->os_release_bytes},
        {"released_then_faulted_bytes", n->thrash_bytes},
    };
    json_t *o = json_object();
    json_object_set_new(o, "calls_served_by_thread_cache", integer(a->from_cache));
    json_object_set_new(o, "calls_served_by_spans", integer(a->from_spans));
    json_object_set_new(o, "calls_served_by_page_heap", integer(a->from_heap));
    for (size_t i = 0; i < sizeof raw / sizeof raw[0]; i++)
        json_object_set_new(o, raw[i].key, counter(raw[i].value));
    return o;
}

static json_t *reallocs_json(const struct bosk_record_counters *n)
{
    json_t *o = json_object();
    json_object_set_new(o, "unchanged", counter(n->realloc_same));
    json_object_set_new(o, "grown_in_place", counter(n->realloc_grown));
    json_object_set_new(o, "copied", counter(n->realloc_copied));
    json_object_set_new(o, "copied_bytes", counter(n->realloc_copied_bytes));
    json_object_set_new(o, "remapped", counter(n->realloc_mapped));
    json_object_set_new(o, "shrunk", counter(n->realloc_shrunk));
    return o;
}

static json_t *timeline_json(const struct process *p)
{
    json_t *o = json_object(), *live = json_array(), *held = json_array();
    for (uint32_t i = 0; i < p->points; i++) {
        bool known = p->point[i].live_bytes != 0;
        json_array_append_new(live, known ? counter(p->point[i].live_bytes) : json_null());
        json_array_append_new(held, known ? counter(p->point[i].held_bytes) : json_null());
    }
    json_object_set_new(o, "interval_ns", integer(p->interval_ns));
    json_object_set_new(o, "live_bytes", live);
    json_object_set_new(o, "held_bytes", held);
    return o;
}

static json_t *memory_json(const struct analysis *a)
{
    const struct process *p = a->process;
    json_t *o = json_object();
    json_object_set_new(o, "peak_bytes", integer(a->peak_bytes));
    json_object_set_new(o, "peak_after_ns", integer(a->peak_ns));
    json_object_set_new(o, "live_bytes", integer(a->live_bytes));
    json_object_set_new(o, "live_blocks", integer(a->live_objects));
    json_object_set_new(o, "inherited_bytes", counter(p->inherited_bytes));
    json_object_set_new(o, "spans_at_peak_bytes", counter(p->peak.spans_bytes));
    json_object_set_new(o, "free_resident_at_peak_bytes", counter(p->peak.dirty_bytes));
    json_object_set_new(o, "mapped_bytes", counter(p->counters.mapped_bytes));
    json_object_set_new(o, "metadata_bytes", counter(p->counters.metadata_bytes));
    return o;
}

static json_t *process_json(struct analysis *a)
{
    const struct process *p = a->process;
    json_t *o = json_object(), *latency = json_object();
    json_object_set_new(o, "pid", json_integer(p->pid));
    json_object_set_new(o, "ppid", json_integer(p->ppid));
    json_object_set_new(o, "exe", text(p->exe));
    json_object_set_new(o, "args", text(p->args));
    json_object_set_new(o, "forked", json_boolean(p->flags & BOSK_SECTION_FORKED));
    json_object_set_new(o, "started_after_ns", integer(p->start_ns));
    json_object_set_new(o, "library", text(p->version));
    json_object_set_new(o, "calls", integer(a->calls));
    json_object_set_new(o, "allocated_bytes", integer(a->allocated_bytes));
    json_object_set_new(o, "frees", integer(a->frees));
    json_object_set_new(o, "freed_bytes", integer(a->freed_bytes));
    json_object_set_new(o, "failed", counter(p->counters.failed_allocs));
    json_object_set_new(o, "threads_started", counter(p->counters.thread_starts));
    json_object_set_new(o, "memory", memory_json(a));
    json_object_set_new(o, "samples", counter(p->samples));
    json_object_set_new(o, "samples_lost", counter(p->lost_samples));
    json_object_set_new(o, "rounding_bytes",
                        integer(a->total.alloc_bytes - a->total.request_bytes));
    json_object_set_new(o, "tiers", tiers_json(a));
    json_object_set_new(o, "reallocs", reallocs_json(&p->counters));
    json_object_set_new(latency, "malloc", latency_json(&a->latency[BOSK_OP_MALLOC]));
    json_object_set_new(latency, "free", latency_json(&a->latency[BOSK_OP_FREE]));
    json_object_set_new(latency, "realloc", latency_json(&a->latency[BOSK_OP_REALLOC]));
    json_object_set_new(o, "latency", latency);
    json_object_set_new(o, "places", places_json(a));
    json_object_set_new(o, "labels", labels_json(a));
    json_object_set_new(o, "timeline", timeline_json(p));
    return o;
}

char *summary_text(const struct run *run, size_t *bytes)
{
    json_t *root = json_object(), *argv = json_array(), *end = json_object(), *list = json_array();
    for (size_t i = 0; run->argv[i] != NULL; i++) json_array_append_new(argv, text(run->argv[i]));
    json_object_set_new(end, "pid", json_integer(run->end.pid));
    json_object_set_new(end, "status", json_integer(run->end.status));
    json_object_set_new(end, "signal",
                        run->end.signal != 0 ? json_integer(run->end.signal) : json_null());
    json_object_set_new(end, "timed_out", json_boolean(run->end.timed_out));
    json_object_set_new(end, "wall_ns", integer(run->end.wall_ns));
    json_object_set_new(end, "cpu_ns", integer(run->end.cpu_ns));
    json_object_set_new(end, "max_rss_bytes", counter(run->end.rss_bytes));
    for (uint32_t i = 0; i < run->recording.count; i++)
        json_array_append_new(list, process_json(&run->analysis[i]));

    json_object_set_new(root, "bosk_summary", json_integer(1));
    json_object_set_new(root, "bosk", json_string(BOSK_VERSION));
    json_object_set_new(root, "command", argv);
    json_object_set_new(root, "ending", end);
    json_object_set_new(root, "main_process",
                        run->main >= 0 ? json_integer(run->main) : json_null());
    json_object_set_new(root, "processes_without_record", json_integer(run->recording.lost));
    json_object_set_new(root, "processes", list);
    char *out = json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    *bytes = out != NULL ? strlen(out) : 0;
    return out;
}
