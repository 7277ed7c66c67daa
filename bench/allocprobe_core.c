/* allocprobe_core.c - clocks, chunks, histograms, draws and rows.  See allocprobe.h. */
#include "allocprobe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

const char *probe_label = "?";
int probe_work_div = 1;
bool probe_want_thr = true, probe_want_lat = true, probe_want_mem = true;
void *volatile probe_sink;
uint32_t probe_sizes[PROBE_SIZES];
uint16_t probe_perm[PROBE_PERMS][PROBE_BATCH];
void *probe_slots[PROBE_BATCH];
struct probe_chunks probe_chunks_a, probe_chunks_b;
struct probe_hist probe_hist_a, probe_hist_b;

static double ns_per_tick = 1.0;
static uint64_t tick_cost; /* ticks between two readings with nothing in between */

/* ---- clocks -------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

void probe_calibrate(void)
{
    enum { WINDOWS = 9 };
    double ratio[WINDOWS];

    tick_cost = UINT64_MAX;
    for (int i = 0; i < 2000; i++) {
        uint64_t a = probe_tick(), b = probe_tick();
        if (b - a < tick_cost) tick_cost = b - a;
    }
    /* Several short windows and their median: one preemption cannot bias it. */
    for (int i = 0; i < WINDOWS; i++) {
        double from = clock_ns(CLOCK_MONOTONIC), now;
        uint64_t t = probe_tick();
        do now = clock_ns(CLOCK_MONOTONIC);
        while (now - from < 3e6);
        ratio[i] = (now - from) / (double)(probe_tick() - t);
    }
    qsort(ratio, WINDOWS, sizeof ratio[0], compare_doubles);
    ns_per_tick = ratio[WINDOWS / 2];
}

double probe_ns(uint64_t ticks) { return (double)ticks * ns_per_tick; }

uint64_t probe_cpu_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- draws --------------------------------------------------------------------------------- */

uint64_t probe_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

uint32_t probe_below(uint32_t n) { return (uint32_t)(((probe_random() >> 32) * n) >> 32); }

/* r to the power 0.1 by bisection: libm would be one more library in the measured process. */
static double tenth_root(double r)
{
    double lo = 1, hi = 2;
    for (int k = 0; k < 40; k++) {
        double mid = (lo + hi) / 2, power = mid;
        for (int j = 1; j < 10; j++) power *= mid;
        if (power < r)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static void draw_sizes(void)
{
    enum { RANKS = 128 };
    double cumulated[RANKS], total = 0;
    for (int i = 0; i < RANKS; i++) {
        double r = i + 1;
        total += 1.0 / (r * tenth_root(r));
        cumulated[i] = total;
    }
    for (int i = 0; i < PROBE_SIZES; i++) {
        if (probe_below(1000) < 2) {
            probe_sizes[i] = 4096 + probe_below(60 * 1024);
            continue;
        }
        double x = (double)(probe_random() >> 11) / 9007199254740992.0 * total;
        uint32_t k = 0;
        while (k < RANKS - 1 && cumulated[k] < x) k++;
        probe_sizes[i] = 16 * (k + 1) - probe_below(16);
    }
}

static void draw_perms(void)
{
    for (int k = 0; k < PROBE_PERMS; k++) {
        uint16_t *p = probe_perm[k];
        for (int i = 0; i < PROBE_BATCH; i++) p[i] = (uint16_t)i;
        for (int i = PROBE_BATCH - 1; i > 0; i--) {
            uint32_t j = probe_below((uint32_t)i + 1);
            uint16_t t = p[i];
            p[i] = p[j];
            p[j] = t;
        }
    }
}

void probe_draw(void)
{
    draw_sizes();
    draw_perms();
}

/* ---- chunks -------------------------------------------------------------------------------- */

static long minor_faults(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) == 0 ? u.ru_minflt : 0;
}

static uint64_t row_cpu_ns(const struct probe_chunks *c)
{
    if (c->clock == PROBE_CPU_NONE) return 0;
    return probe_cpu_ns(c->clock == PROBE_CPU_THREAD ? CLOCK_THREAD_CPUTIME_ID
                                                     : CLOCK_PROCESS_CPUTIME_ID);
}

void probe_row_begin(struct probe_chunks *c, enum probe_cpu clock)
{
    c->n = 0;
    c->clock = clock;
    c->first_ns = 0;
    c->ops = 0;
    c->faults = minor_faults();
}

void probe_start(const struct probe_chunks *c, struct probe_watch *w)
{
    w->cpu_ns = row_cpu_ns(c);
    w->ticks = probe_tick();
}

void probe_stop(struct probe_chunks *c, const struct probe_watch *w, double ops)
{
    uint64_t ticks = probe_tick() - w->ticks;
    uint64_t cpu = row_cpu_ns(c) - w->cpu_ns;
    c->ops += ops;
    if (c->n == PROBE_MAX_CHUNKS) return;
    c->wall[c->n] = probe_ns(ticks) / ops;
    c->cpu[c->n] = (double)cpu / ops;
    c->n++;
}

void probe_stop_first(struct probe_chunks *c, const struct probe_watch *w, double ops)
{
    c->first_ns = probe_ns(probe_tick() - w->ticks) / ops;
    c->ops += ops;
}

/* ---- histograms ---------------------------------------------------------------------------- */

static unsigned hist_slot(uint64_t t)
{
    if (t < 32) return (unsigned)t;
    unsigned e = 63u - (unsigned)__builtin_clzll(t);
    return (e - 4) * 32 + (unsigned)((t >> (e - 5)) & 31);
}

static double hist_value(unsigned slot)
{
    if (slot < 32) return slot;
    unsigned e = slot / 32 + 4;
    return (double)((32ull + (slot % 32)) << (e - 5)) + (double)(1ull << (e - 5)) / 2;
}

void probe_hist_add(struct probe_hist *h, uint64_t ticks)
{
    ticks = ticks > tick_cost ? ticks - tick_cost : 0;
    h->slot[hist_slot(ticks)]++;
    h->n++;
    if (ticks > h->max) h->max = ticks;
}

static double hist_quantile(const struct probe_hist *h, double q)
{
    uint64_t want = (uint64_t)(q * (double)h->n), seen = 0;
    for (unsigned i = 0; i < PROBE_HIST_SLOTS; i++) {
        seen += h->slot[i];
        if (seen > want) return hist_value(i) * ns_per_tick;
    }
    return probe_ns(h->max);
}

/* ---- rows ---------------------------------------------------------------------------------- */

void probe_header(void)
{
    puts("alloc,kind,test,param,n,ns_min,ns_med,ns_mean,p50,p90,p99,p99.9,p99.99,max,"
         "rss_kb,live_kb,extra,ns_first,cpu_med,faults");
}

void probe_row_thr(const char *test, const char *param, struct probe_chunks *c, double extra)
{
    double faults = (double)(minor_faults() - c->faults);
    if (c->n > 0 && probe_want_thr) {
        double sum = 0, first = c->first_ns > 0 ? c->first_ns : c->wall[0];
        for (int i = 0; i < c->n; i++) sum += c->wall[i];
        qsort(c->wall, (size_t)c->n, sizeof c->wall[0], compare_doubles);
        qsort(c->cpu, (size_t)c->n, sizeof c->cpu[0], compare_doubles);
        printf("%s,thr,%s,%s,%d,%.3f,%.3f,%.3f,,,,,,,,,%.3f,%.3f,", probe_label, test, param, c->n,
               c->wall[0], c->wall[c->n / 2], sum / c->n, extra, first);
        if (c->clock != PROBE_CPU_NONE) printf("%.3f", c->cpu[c->n / 2]);
        printf(",%.6f\n", faults / c->ops);
        fflush(stdout);
    }
    c->n = 0;
}

void probe_row_lat(const char *test, const char *param, struct probe_hist *h)
{
    if (h->n > 0 && probe_want_lat) {
        printf("%s,lat,%s,%s,%llu,,,,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,,,,,,\n", probe_label, test,
               param, (unsigned long long)h->n, hist_quantile(h, .5), hist_quantile(h, .9),
               hist_quantile(h, .99), hist_quantile(h, .999), hist_quantile(h, .9999),
               probe_ns(h->max));
        fflush(stdout);
    }
    memset(h, 0, sizeof *h);
}

void probe_row_mem(const char *test, const char *param, long rss_kb, double live_kb)
{
    if (!probe_want_mem) return;
    printf("%s,mem,%s,%s,,,,,,,,,,,%ld,%.0f,%.3f,,,\n", probe_label, test, param, rss_kb, live_kb,
           live_kb > 0 ? (double)rss_kb / live_kb : 0.0);
    fflush(stdout);
}

/* A number of a file under /proc/self after the text `key`, -1 when there is none.  System calls
 * and no stream: measuring must not allocate. */
static long proc_number(const char *path, const char *key)
{
    char buf[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = read(fd, buf, sizeof buf - 1);
    close(fd);
    if (n <= 0) return -1;
    buf[n] = '\0';
    const char *at = strstr(buf, key);
    return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* smaps_rollup counts page tables; the counters behind statm may be off by 64 pages a core. */
long probe_rss_kb(void)
{
    long kb = proc_number("/proc/self/smaps_rollup", "Rss:");
    if (kb >= 0) return kb;
    long pages = proc_number("/proc/self/statm", " ");
    return pages < 0 ? -1 : pages * (sysconf(_SC_PAGESIZE) / 1024);
}

void probe_name_size(char *buf, size_t size)
{
    if (size == 0)
        strcpy(buf, "mixed");
    else if (size >= 1 << 20)
        snprintf(buf, 32, "%zuM", size >> 20);
    else if (size >= 1 << 10 && size % 1024 == 0)
        snprintf(buf, 32, "%zuK", size >> 10);
    else
        snprintf(buf, 32, "%zu", size);
}
