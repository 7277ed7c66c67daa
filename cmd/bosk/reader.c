/* reader.c - see reader.h. */
#include "reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LANES_USED (BOSK_RECORD_LANE_LARGE + 1)

/* A copy of `n` elements, NULL with *err set when there is no memory.  One element more is
 * allotted, so that nothing is never NULL. */
static void *copy(const void *from, size_t n, size_t each, int *err)
{
    void *to = calloc(n + 1, each);
    if (to == NULL)
        *err = -ENOMEM;
    else
        memcpy(to, from, n * each);
    return to;
}

static uint32_t at_most(uint32_t n, uint32_t max) { return n < max ? n : max; }

static void copy_text(char *to, size_t cap, const char *from)
{
    memcpy(to, from, cap);
    to[cap - 1] = '\0';
}

static void join_args(char *args, size_t cap)
{
    size_t n = cap - 1;
    while (n > 0 && args[n - 1] == '\0') n--;
    for (size_t i = 0; i < n; i++)
        if (args[i] == '\0') args[i] = ' ';
    args[n] = '\0';
}

static void check_tables(struct process *p)
{
    for (uint32_t i = 0; i < p->label_count; i++) p->label[i][BOSK_RECORD_LABEL_BYTES - 1] = '\0';
    for (uint32_t i = 0; i < p->module_count; i++) {
        struct bosk_record_module *m = &p->module[i];
        m->path[sizeof m->path - 1] = '\0';
        m->build_id_bytes = at_most(m->build_id_bytes, sizeof m->build_id);
    }
    for (uint32_t i = 0; i < p->stack_count; i++) {
        struct bosk_record_stack *s = &p->stack[i];
        if (s->first > p->frame_count || s->depth > p->frame_count - s->first) s->depth = 0;
        if (s->depth == 0) s->first = 0;
    }
    uint32_t good = 0;
    for (uint32_t i = 0; i < p->site_count; i++) {
        struct bosk_record_site s = p->site[i];
        if (s.stack >= p->stack_count || s.lane >= LANES_USED) continue;
        if (s.label > p->label_count) s.label = 0;
        if (s.peak_epoch != p->peak_epoch) { /* nothing has changed there since the peak */
            s.peak_objects = s.live_objects;
            s.peak_bytes = s.live_bytes;
            s.peak_samples = s.live_samples;
        }
        p->site[good++] = s;
    }
    p->site_count = good;
}

static void read_clock(const struct bosk_record_section *s, uint64_t begin, struct process *p)
{
    uint64_t start = s->start_ns, last = s->last_ns;
    p->start_ns = start > begin ? (double)(start - begin) : 0;
    p->seconds = last > start ? (double)(last - start) / 1e9 : 0;
    uint64_t ticks = s->last_ticks - s->start_ticks;
    p->ns_per_tick =
        last > start && s->last_ticks > s->start_ticks ? (double)(last - start) / (double)ticks : 0;
    /* Slower than a clock of nanoseconds or faster than any processor: not a clock. */
    if (!(p->ns_per_tick > 0.01 && p->ns_per_tick < 1000)) p->ns_per_tick = 1;
    p->timer_ticks = s->timer_ticks;
}

static void read_timeline(const struct bosk_record_section *s, struct process *p, int *err)
{
    const struct bosk_record_timeline *t = &s->timeline[s->timeline_now & 1];
    p->point = copy(t->point, BOSK_RECORD_POINTS, sizeof t->point[0], err);
    p->interval_ns = (double)t->interval_ns;
    if (p->point == NULL || p->interval_ns <= 0) return;
    for (p->points = BOSK_RECORD_POINTS; p->points > 0; p->points--)
        if (p->point[p->points - 1].live_bytes != 0) break;
}

static int read_section(const struct bosk_record_section *s, uint64_t begin, struct process *p)
{
    int err = 0;
    p->flags = s->flags;
    p->pid = s->pid;
    p->ppid = s->ppid;
    p->inherited_bytes = s->inherited_bytes;
    copy_text(p->version, sizeof p->version, s->version);
    copy_text(p->exe, sizeof p->exe, s->exe);
    memcpy(p->args, s->args, sizeof p->args);
    join_args(p->args, sizeof p->args);
    p->counters = s->counters;
    p->peak = s->peak;
    p->sample_mean = s->sample_mean;
    p->samples = s->samples;
    p->lost_samples = s->lost_samples;
    p->peak_epoch = s->peak_epoch;
    memcpy(p->latency, s->latency, sizeof p->latency);
    read_clock(s, begin, p);
    read_timeline(s, p, &err);

    p->label_count = at_most(s->label_count, BOSK_RECORD_LABELS);
    p->module_count = at_most(s->module_count, BOSK_RECORD_MODULES);
    p->stack_count = at_most(s->stack_count, BOSK_RECORD_STACKS);
    p->site_count = at_most(s->site_count, BOSK_RECORD_SITES);
    p->frame_count = at_most(s->frame_count, BOSK_RECORD_FRAMES);
    p->label = copy(s->label, p->label_count, sizeof s->label[0], &err);
    p->module = copy(s->module, p->module_count, sizeof s->module[0], &err);
    p->stack = copy(s->stack, p->stack_count, sizeof s->stack[0], &err);
    p->site = copy(s->site, p->site_count, sizeof s->site[0], &err);
    p->frame = copy(s->frame, p->frame_count, sizeof s->frame[0], &err);
    if (err != 0) return err;
    check_tables(p);

    /* A gauge that reads as negative was caught between two of its parts. */
    if ((int64_t)p->counters.live_bytes < 0) p->counters.live_bytes = 0;
    if ((int64_t)p->counters.peak_bytes < 0) p->counters.peak_bytes = 0;
    if (p->counters.peak_bytes < p->counters.live_bytes)
        p->counters.peak_bytes = p->counters.live_bytes;
    if (p->peak.live_bytes > p->counters.peak_bytes) p->peak.live_bytes = p->counters.peak_bytes;
    return 0;
}

/* Sections by number become processes by index; a parent always has the lower number. */
static void link_parents(struct recording *r, const uint32_t *parent)
{
    for (uint32_t i = 0; i < r->count; i++) {
        r->process[i].parent = -1;
        for (uint32_t k = 0; k < i; k++)
            if (r->process[k].section == parent[i]) r->process[i].parent = (int)k;
    }
}

int recording_read(const void *page, size_t bytes, struct recording *out)
{
    memset(out, 0, sizeof *out);
    struct bosk_record_header h;
    if (bytes < BOSK_RECORD_HEADER_BYTES) return -EINVAL;
    memcpy(&h, page, sizeof h);
    if (h.magic != BOSK_RECORD_MAGIC || h.version != BOSK_RECORD_VERSION) return -EINVAL;
    /* Of the rest only the observer's own numbers matter; they are checked against the size. */
    if (h.section_bytes < sizeof(struct bosk_record_section) ||
        h.section_bytes % sizeof(uint64_t) != 0)
        return -EINVAL;
    uint64_t room = (bytes - BOSK_RECORD_HEADER_BYTES) / h.section_bytes;
    uint32_t used = at_most(h.sections_used, h.section_count);
    if (used > room) used = (uint32_t)room;
    out->lost = h.lost;
    out->sample_bytes = h.sample_bytes;
    out->depth = h.depth;
    out->process = calloc((size_t)used + 1, sizeof *out->process);
    uint32_t *parent = calloc((size_t)used + 1, sizeof *parent);
    int err = out->process == NULL || parent == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; err == 0 && i < used; i++) {
        const struct bosk_record_section *s =
            (const void *)((const char *)page + BOSK_RECORD_HEADER_BYTES + i * h.section_bytes);
        if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != BOSK_SECTION_READY) {
            out->unfinished++;
            continue;
        }
        parent[out->count] = s->parent;
        struct process *p = &out->process[out->count++];
        p->section = i;
        err = read_section(s, h.start_ns, p);
    }
    if (err == 0) link_parents(out, parent);
    free(parent);
    return err;
}

void recording_free(struct recording *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct process *p = &r->process[i];
        free(p->point);
        free(p->label);
        free(p->module);
        free(p->stack);
        free(p->site);
        free(p->frame);
    }
    free(r->process);
    memset(r, 0, sizeof *r);
}
