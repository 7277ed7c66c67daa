/* sliceprobe.c - times one contender's growable arrays.  See sliceprobe.h.
 *
 *   sliceprobe-NAME                 every test
 *   sliceprobe-NAME -t NAME[,NAME]  only these
 *   sliceprobe-NAME -k thr,lat      only these kinds of row
 *   sliceprobe-NAME -q              a quarter of the work
 *   sliceprobe-NAME -l LABEL        text of the first column
 *   sliceprobe-NAME -n COUNT        so many pushes in `stalls`
 *
 * Rows are allocprobe's (see allocprobe.h): CPU time of the process per element, or per object for
 * make and pool.  The first run of each row, when nothing is cached, is shown on its own.  `stalls`
 * gives one row of kind `stall` for each of 100 million pushes that took longer than 3 us: its
 * index as the parameter and its time under `max`; and a row `empty` with the longest turn of the
 * same loop without a push.
 */
#include "sliceprobe.h"

#include <stdio.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    size_t n;
    int chunks;
    size_t per_chunk; /* elements, about */
} lengths[] = {{100, 15, 500000}, {10000, 15, 500000}, {1000000, 5, 2000000}, {100000000, 1, 0}};
enum { LONGEST = COUNT(lengths) - 1 };

typedef void (*work_fn)(size_t n);

/* Chunks of whole runs of `work` over n elements, of which it does `done`. */
static void throughput(const char *test, work_fn work, size_t k, size_t done)
{
    struct probe_chunks *c = &probe_chunks_a;
    struct probe_watch w;
    char name[32];
    size_t n = lengths[k].n, runs = lengths[k].per_chunk / n;
    int chunks = lengths[k].chunks;
    if (runs == 0) runs = 1;
    if (k < LONGEST && (chunks /= probe_work_div) < 5) chunks = 5; /* a median needs some */
    probe_row_begin(c, PROBE_CPU_PROCESS);
    if (k < LONGEST) {
        probe_start(c, &w);
        work(n);
        probe_stop_first(c, &w, (double)done);
    }
    for (int i = 0; i < chunks; i++) {
        probe_start(c, &w);
        for (size_t r = 0; r < runs; r++) work(n);
        probe_stop(c, &w, (double)done * (double)runs);
    }
    snprintf(name, sizeof name, "%zu", n);
    probe_row_thr(test, name, c, 0);
}

static void lengths_up_to(const char *test, work_fn work, size_t last, size_t unit)
{
    if (work == NULL) return;
    for (size_t k = 0; k <= last; k++) throughput(test, work, k, lengths[k].n / unit * unit);
}

static void push(void) { lengths_up_to("push", sliceprobe_work.push, LONGEST - 1, 1); }
static void triple(void) { lengths_up_to("triple", sliceprobe_work.push_triple, LONGEST - 1, 1); }
static void bulk(void) { lengths_up_to("bulk", sliceprobe_work.push_bulk, LONGEST, 64); }
static void append(void)
{
    if (sliceprobe_work.append == NULL) return;
    sliceprobe_work.append_open();
    lengths_up_to("append", sliceprobe_work.append, LONGEST - 1, 1);
    sliceprobe_work.append_close();
}
static void longest(void)
{
    if (sliceprobe_work.push != NULL)
        throughput("longest", sliceprobe_work.push, LONGEST, lengths[LONGEST].n);
}
static void fill(void)
{
    for (size_t k = 0; k < LONGEST && sliceprobe_work.fill != NULL; k++) {
        sliceprobe_work.fill_open(lengths[k].n);
        throughput("fill", sliceprobe_work.fill, k, lengths[k].n);
        sliceprobe_work.fill_close();
    }
}

/* Work whose argument is how often to do it. */
static void repeated(const char *test, const char *param, work_fn work, size_t times)
{
    struct probe_chunks *c = &probe_chunks_a;
    struct probe_watch w;
    if (work == NULL) return;
    probe_row_begin(c, PROBE_CPU_PROCESS);
    probe_start(c, &w);
    work(1);
    probe_stop_first(c, &w, 1);
    for (int i = 0; i < 20 / probe_work_div; i++) {
        probe_start(c, &w);
        work(times);
        probe_stop(c, &w, (double)times);
    }
    probe_row_thr(test, param, c, 0);
}
static void make(void)
{
    repeated("make", "len", sliceprobe_work.make_len, 25000);
    repeated("make", "cap", sliceprobe_work.make_cap, 25000);
}
static void pool(void) { repeated("pool", "64", sliceprobe_work.pool, 100000); }

/* ---- each push on its own ------------------------------------------------------------------ */

static struct sliceprobe_stalls found;
static size_t timed_pushes = 100000000;

static void print_stall(const char *kind, const char *param, double ns)
{
    printf("%s,%s,stalls,%s,,,,,,,,,,%.0f,,,,,,\n", probe_label, kind, param, ns);
}

/* The longest turn of the loop with nothing in it: what the machine adds. */
static uint64_t longest_empty_turn(size_t n)
{
    uint64_t longest_turn = 0, before = probe_tick();
    for (size_t i = 0; i < n; i++) {
        const uint64_t now = probe_tick();
        if (now - before > longest_turn) longest_turn = now - before;
        before = now;
    }
    return longest_turn;
}

static void stalls(void)
{
    const size_t n = timed_pushes;
    char name[32];
    if (sliceprobe_work.stalls == NULL || !probe_want_lat) return;
    memset(&found, 0, sizeof found); /* its pages are there before the clock starts */
    while (probe_ns(found.threshold) < SLICEPROBE_STALL_NS) found.threshold++;
    sliceprobe_work.stalls(n, &found);
    for (size_t i = 0; i < found.n; i++) {
        snprintf(name, sizeof name, "%lu", (unsigned long)found.stall[i].index);
        print_stall("stall", name, probe_ns(found.stall[i].ticks));
    }
    print_stall("raw", "-", probe_ns(found.longest));
    print_stall("empty", "-", probe_ns(longest_empty_turn(n)));
}

static const struct test {
    const char *name;
    void (*run)(void);
} tests[] = {{"push", push}, {"longest", longest}, {"triple", triple},
             {"bulk", bulk}, {"append", append},   {"fill", fill},
             {"make", make}, {"pool", pool},       {"stalls", stalls}};

static bool listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at += n)
        if ((at == list || at[-1] == ',') && (at[n] == ',' || at[n] == '\0')) return true;
    return false;
}

static bool all_known(const char *list)
{
    size_t commas = 0, known = 0;
    for (const char *p = list; *p != '\0'; p++) commas += *p == ',';
    for (size_t i = 0; i < COUNT(tests); i++) known += listed(list, tests[i].name);
    return known == commas + 1;
}

static int usage(void)
{
    fputs("usage: sliceprobe [-q] [-l LABEL] [-t TEST[,TEST]] [-k thr,lat] [-n COUNT]\ntests:",
          stderr);
    for (size_t i = 0; i < COUNT(tests); i++) fprintf(stderr, " %s", tests[i].name);
    fputc('\n', stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const char *only = NULL;
    for (int o; (o = getopt(argc, argv, "t:k:ql:n:")) != -1;) switch (o) {
        case 't': only = optarg; break;
        case 'k':
            probe_want_thr = listed(optarg, "thr");
            probe_want_lat = listed(optarg, "lat");
            break;
        case 'q': probe_work_div = 4; break;
        case 'l': probe_label = optarg; break;
        case 'n': timed_pushes = strtoul(optarg, NULL, 10); break;
        default: return usage();
        }
    if (optind != argc || (only != NULL && !all_known(only))) return usage();
    probe_calibrate();
    probe_header();
    for (size_t i = 0; i < COUNT(tests); i++)
        if (only == NULL || listed(only, tests[i].name)) tests[i].run();
    return ferror(stdout) || fclose(stdout) != 0 ? 1 : 0;
}
