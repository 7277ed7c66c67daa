/* report.c - what a run shows on the terminal: at most 40 lines of at most 100 columns.
 *
 * The first lines answer most questions: how much, how often, how it grew, from where.  All text
 * that comes from the recorded program is cleaned before it is printed.
 */
#define _GNU_SOURCE
#include "run_report.h"

#include "chart.h"
#include "say.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#define PEAK_PLACES 6
#define CHURN_PLACES 5
#define LABELS 3
#define CHILDREN 2
#define PLACE_COLUMNS 62
#define LEAST_SHARE 0.001 /* of a place that gets a line */

struct paint {
    FILE *f;
    const char *bold, *dim, *graph, *off;
    bool utf8;
};

/* `s` cleaned and cut to `columns`, padded to them with spaces. */
static const char *fit(const char *s, size_t columns, char *buf, size_t cap)
{
    char clean[1024];
    text_clean(s, clean, sizeof clean);
    size_t width = text_width(clean), out = 0, shown = 0;
    bool cut = width > columns;
    for (const char *c = clean; *c != '\0' && out + 8 < cap; c++) {
        bool starts = ((unsigned char)*c & 0xc0) != 0x80;
        if (starts && cut && shown == columns - 2) break;
        shown += starts;
        buf[out++] = *c;
    }
    for (; cut && shown < columns; shown++) buf[out++] = '.';
    for (; shown < columns && out + 1 < cap; shown++) buf[out++] = ' ';
    buf[out] = '\0';
    return buf;
}

/* ---- the head ---- */

static void print_head(const struct paint *o, const struct run *run)
{
    const struct ending *e = &run->end;
    char how[80];
    const char *name = e->signal != 0 ? sigabbrev_np(e->signal) : NULL;
    if (e->timed_out)
        snprintf(how, sizeof how, "was ended at its time limit");
    else if (e->signal != 0)
        snprintf(how, sizeof how, "was killed by signal %d (SIG%s)", e->signal,
                 name != NULL ? name : "?");
    else
        snprintf(how, sizeof how, "exited with %d", e->status);
    fprintf(o->f, "%sbosk: %.28s %s%s after %s\n", o->bold, run->target->name, how, o->off,
            text_duration(e->wall_ns).s);
}

static void print_totals(const struct paint *o, const struct run *run, const struct analysis *a)
{
    const struct process *p = a->process;
    fprintf(o->f, "\n  %-11s%s in %s call%s, %s freed again\n", "allocated",
            text_bytes(a->allocated_bytes).s, text_exact(a->calls).s, a->calls == 1 ? "" : "s",
            text_percent(a->frees, a->calls).s);
    fprintf(o->f, "  %-11s%s%s%s after %s;  live at the end %s", "peak", o->bold,
            text_bytes(a->peak_bytes).s, o->off, text_duration(a->peak_ns).s,
            text_bytes(a->live_bytes).s);
    if (!(p->flags & BOSK_SECTION_FORKED))
        fprintf(o->f, " in %s blocks", text_exact(a->live_objects).s);
    else if (p->inherited_bytes != 0)
        fprintf(o->f, ", %s of it from its parent", text_bytes((double)p->inherited_bytes).s);
    fprintf(o->f, "\n  %-11sat most %s;  cpu time %s\n", "resident",
            text_bytes((double)run->end.rss_bytes).s, text_duration(run->end.cpu_ns).s);
}

static void print_chart(const struct paint *o, const struct run *run, const struct process *p)
{
    struct chart c;
    double seconds = p->pid == (uint32_t)run->end.pid ? (run->end.wall_ns - p->start_ns) / 1e9 : 0;
    if (!chart_draw(p, seconds, o->utf8, &c)) return;
    const char *wall = o->utf8 ? "\xe2\x94\x82" : "|";
    fputc('\n', o->f);
    for (unsigned r = 0; r < CHART_ROWS; r++)
        fprintf(o->f, "  %10s %s%s%s%s\n", r == 0 ? text_bytes((double)c.top_bytes).s : "", wall,
                o->graph, c.row[r], o->off);
    struct text end = text_duration(c.seconds * 1e9);
    fprintf(o->f, "  %10s %s0 s%*s%s\n", "", o->dim, CHART_COLUMNS - 2, end.s, o->off);
}

/* ---- places ---- */

static void heading(const struct paint *o, const char *title, const char *a, const char *b,
                    const char *c)
{
    fprintf(o->f, "\n  %s%s%s%*s%s%10s %8s %7s%s\n", o->bold, title, o->off,
            (int)(PLACE_COLUMNS + 2 - text_width(title)), "", o->dim, a, b, c, o->off);
}

static void row(const struct paint *o, const char *text, const char *a, const char *b,
                const char *c)
{
    char buf[512];
    fprintf(o->f, "    %s%10s %8s", fit(text, PLACE_COLUMNS, buf, sizeof buf), a, b);
    if (c[0] != '\0') fprintf(o->f, " %7s", c);
    fputc('\n', o->f);
}

/* Standard error of an estimate in percent; "" when there is none to speak of. */
static struct text error_text(const struct paint *o, double variance, double estimate)
{
    struct text t = {""};
    if (!(estimate > 0)) return t;
    double e = 100 * sqrt(variance) / estimate;
    if (e >= 0.5)
        snprintf(t.s, sizeof t.s, "%s%.0f %%", o->utf8 ? "\xc2\xb1" : "+-", e < 999 ? e : 999);
    /* printf pads by bytes. */
    if (o->utf8 && t.s[0] != '\0') {
        struct text padded;
        snprintf(padded.s, sizeof padded.s, "%*s%s", (int)(7 - text_width(t.s)), "", t.s);
        return padded;
    }
    return t;
}

static void print_peak(const struct paint *o, struct analysis *a)
{
    double rest = 0;
    size_t more = 0;
    places_sort(a, BY_PEAK);
    heading(o, "AT THE PEAK", "bytes", "share", "error");
    for (size_t i = 0; i < a->place_count; i++) {
        const struct amounts *n = &a->place[i].sum;
        if (n->peak_bytes < 1) break;
        if (i < PEAK_PLACES && n->peak_bytes >= LEAST_SHARE * a->peak_bytes) {
            row(o, a->place[i].text, text_bytes(n->peak_bytes).s,
                text_percent(n->peak_bytes, a->peak_bytes).s,
                error_text(o, n->peak_variance, n->peak_bytes).s);
        } else {
            rest += n->peak_bytes;
            more++;
        }
    }
    char text[64];
    snprintf(text, sizeof text, "%zu more place%s", more, more == 1 ? "" : "s");
    if (rest >= LEAST_SHARE * a->peak_bytes && rest >= 1)
        row(o, text, text_bytes(rest).s, text_percent(rest, a->peak_bytes).s, "");
    if (a->unknown_peak_bytes >= LEAST_SHARE * a->peak_bytes && a->unknown_peak_bytes >= 1)
        row(o, "(in sizes of which none was sampled)", text_bytes(a->unknown_peak_bytes).s,
            text_percent(a->unknown_peak_bytes, a->peak_bytes).s, "");
}

static void print_churn(const struct paint *o, struct analysis *a)
{
    double churn = a->allocated_bytes - a->live_bytes;
    places_sort(a, BY_CHURN);
    if (a->place_count == 0 || !(churn > 0)) return;
    heading(o, "CHURN, allocated and freed again", "bytes", "share", "calls");
    for (size_t i = 0; i < a->place_count && i < CHURN_PLACES; i++) {
        const struct amounts *n = &a->place[i].sum;
        double bytes = n->alloc_bytes - n->live_bytes;
        if (bytes < LEAST_SHARE * churn || bytes < 1) break;
        row(o, a->place[i].text, text_bytes(bytes).s, text_percent(bytes, churn).s,
            text_count(n->alloc_objects - n->live_objects).s);
    }
}

static void print_labels(const struct paint *o, const struct analysis *a)
{
    bool shown[BOSK_RECORD_LABELS] = {false};
    if (a->label_count == 0) return;
    heading(o, "LABELS", "bytes", "at peak", "error");
    for (unsigned k = 0; k < LABELS && k < a->label_count; k++) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < a->label_count; i++)
            if (!shown[i] &&
                (best == SIZE_MAX || a->label[i].alloc_bytes > a->label[best].alloc_bytes))
                best = i;
        shown[best] = true;
        const struct amounts *n = &a->label[best];
        row(o, a->process->label[best], text_bytes(n->alloc_bytes).s, text_bytes(n->peak_bytes).s,
            error_text(o, n->variance, n->alloc_bytes).s);
    }
}

/* ---- the heap ---- */

static void print_heap(const struct paint *o, const struct analysis *a)
{
    const struct bosk_record_counters *n = &a->process->counters;
    const struct bosk_record_peak *peak = &a->process->peak;
    double rounding = a->total.alloc_bytes - a->total.request_bytes;
    double spans = (double)peak->spans_bytes - (double)peak->live_bytes;
    if (spans < 0) spans = 0;
    fprintf(
        o->f,
        "\n  %sWASTE%s    rounding %s (%s of all that was allocated)   spans %s (%s) at the peak\n",
        o->bold, o->off, text_bytes(rounding).s, text_percent(rounding, a->total.alloc_bytes).s,
        text_bytes(spans).s, text_percent(spans, (double)peak->live_bytes).s);
    fprintf(o->f, "  %sCACHES%s   thread %s   spans %s   page heap %s   system %s times, %s\n",
            o->bold, o->off, text_percent(a->from_cache, a->calls).s,
            text_percent(a->from_spans, a->calls).s, text_percent(a->from_heap, a->calls).s,
            text_exact((double)n->os_grows).s, text_bytes((double)n->os_grow_bytes).s);
    if (a->reallocs > 0)
        fprintf(o->f, "  %sREALLOC%s  in place %s   copied %s (%s)   remapped %s   shrunk %s\n",
                o->bold, o->off, text_count((double)n->realloc_same + (double)n->realloc_grown).s,
                text_count((double)n->realloc_copied).s,
                text_bytes((double)n->realloc_copied_bytes).s,
                text_count((double)n->realloc_mapped).s, text_count((double)n->realloc_shrunk).s);
}

static void print_latency(const struct paint *o, const struct analysis *a)
{
    static const char *const name[BOSK_OP_COUNT] = {"malloc", "free", "realloc"};
    bool any = false;
    for (unsigned op = 0; op < BOSK_OP_COUNT; op++) {
        const struct latency *l = &a->latency[op];
        if (!(l->max > 0)) continue;
        if (!any)
            fprintf(o->f, "  %sLATENCY%s  %s%-8s %8s %8s %8s %8s   slow path%s\n", o->bold, o->off,
                    o->dim, "", "p50", "p99", "p99.9", "max", o->off);
        any = true;
        fprintf(o->f, "           %-8s %8s %8s %8s %8s   %s of %s calls%s\n", name[op],
                text_duration(l->p50).s, text_duration(l->p99).s, text_duration(l->p999).s,
                text_duration(l->max).s, text_percent(l->slow_calls, l->calls).s,
                text_count(l->calls).s, l->fast_known ? "" : " (alone timed)");
    }
}

/* ---- the rest ---- */

static void process_name(const struct process *p, char *buf, size_t cap)
{
    char clean[128];
    const char *base = strrchr(p->exe, '/');
    text_clean(base != NULL ? base + 1 : p->exe, clean, sizeof clean);
    snprintf(buf, cap, "%.28s (pid %" PRIu32 "%s)", clean, p->pid,
             p->flags & BOSK_SECTION_FORKED ? ", forked" : "");
}

static void print_processes(const struct paint *o, const struct run *run)
{
    const struct recording *r = &run->recording;
    char name[128];
    if (r->count < 2 && r->lost == 0) return;
    process_name(&r->process[run->main], name, sizeof name);
    fprintf(o->f, "  %sPROCESSES%s  shown: %s, of %" PRIu32 " recorded", o->bold, o->off, name,
            r->count);
    if (r->lost != 0) fprintf(o->f, "; %" PRIu32 " more found no room", r->lost);
    fputc('\n', o->f);
    uint32_t best[CHILDREN];
    unsigned n = 0;
    for (; n < CHILDREN && n + 1 < r->count; n++) {
        bool found = false;
        for (uint32_t i = 0; i < r->count; i++) {
            bool used = (int)i == run->main;
            for (unsigned k = 0; k < n; k++) used |= best[k] == i;
            if (used || (found && run->analysis[i].allocated_bytes <=
                                      run->analysis[best[n]].allocated_bytes))
                continue;
            best[n] = i;
            found = true;
        }
        process_name(&r->process[best[n]], name, sizeof name);
        fprintf(o->f, "             %s: %s in %s calls, peak %s\n", name,
                text_bytes(run->analysis[best[n]].allocated_bytes).s,
                text_count(run->analysis[best[n]].calls).s,
                text_bytes(run->analysis[best[n]].peak_bytes).s);
    }
}

static void print_notes(const struct paint *o, const struct analysis *a)
{
    const struct process *p = a->process;
    if (p->lost_samples != 0)
        fprintf(o->f, "  %snote%s       %s of %s samples were lost: too many different stacks\n",
                o->bold, o->off, text_exact((double)p->lost_samples).s,
                text_exact((double)p->samples).s);
    double unnamed = a->all_frames - a->named_frames;
    if (unnamed > 0.2 * a->all_frames)
        fprintf(o->f, "  %snote%s       %s of the bytes are from functions without a name%s\n",
                o->bold, o->off, text_percent(unnamed, a->all_frames).s, ", told by their callers");
}

static void print_files(const struct paint *o, const struct run *run)
{
    char dir[1024];
    if (run->output.dir[0] == '\0') return;
    const char *last = run->output.last[0] != '\0' ? run->output.last : run->output.dir;
    text_clean(run->output.dir, dir, sizeof dir);
    fprintf(o->f, "\n  %.70s/summary.json", dir);
    text_clean(last, dir, sizeof dir);
    fprintf(o->f, "\n  go tool pprof -top %.60s/heap.pb.gz\n", dir);
}

void report_print(const struct run *run, FILE *f, bool colour, bool utf8)
{
    struct paint o = {f,
                      colour ? "\033[1m" : "",
                      colour ? "\033[2m" : "",
                      colour ? "\033[36m" : "",
                      colour ? "\033[0m" : "",
                      utf8};
    print_head(&o, run);
    if (run->main < 0) return;
    struct analysis *a = &run->analysis[run->main];
    print_totals(&o, run, a);
    print_chart(&o, run, a->process);
    print_peak(&o, a);
    print_churn(&o, a);
    print_labels(&o, a);
    print_heap(&o, a);
    print_latency(&o, a);
    print_processes(&o, run);
    print_notes(&o, a);
    print_files(&o, run);
}
