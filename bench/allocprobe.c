/* allocprobe.c - times malloc, calloc, realloc and free of the allocator the process runs with.
 *
 *   allocprobe                 every test
 *   allocprobe -t NAME[,NAME]  only these tests
 *   allocprobe -k thr,lat,mem  only these kinds of row
 *   allocprobe -q              a quarter of the work
 *   allocprobe -l LABEL        text of the first column
 *   allocprobe -H              no header line
 *
 * Kinds of row
 *   thr  ns per operation over chunks of work: least, median, mean, the first; median of CPU time
 *        where the chunks are long; minor faults per operation
 *   lat  latency of single calls by the time stamp counter, in ns, the cost of reading the counter
 *        taken off.  The largest values include preemption by other processes.
 *   mem  resident memory (KiB) against the bytes the program asked for
 */
#include "allocprobe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct test {
    const char *name;
    void (*run)(void);
    bool by_default;
} tests[] = {
    {"pair", probe_pair, true},
    {"batch", probe_batch, true},
    {"zero", probe_zero, true},
    {"append", probe_append, true},
    {"large", probe_large, true},
    {"xthread", probe_xthread, true},
    {"threads", probe_threads, true},
    {"phase", probe_phase, true},
    {"churn", probe_churn, true},
    {"phase-sparse", probe_phase_sparse, false},
    {"phase-idle", probe_phase_idle, false},
};
enum { NTESTS = sizeof tests / sizeof tests[0] };

static int usage(void)
{
    fputs("usage: allocprobe [-qH] [-l LABEL] [-t TEST[,TEST]] [-k thr,lat,mem]\ntests:", stderr);
    for (int i = 0; i < NTESTS; i++) fprintf(stderr, " %s", tests[i].name);
    fputs("\n", stderr);
    return 2;
}

/* Is `word` one of the comma-separated words of `list`? */
static bool listed(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; p; p = strchr(p, ','), p = p ? p + 1 : NULL)
        if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == '\0')) return true;
    return false;
}

static bool known_tests(const char *list)
{
    size_t chars = strlen(list) + 1, matched = 0;
    for (int i = 0; i < NTESTS; i++)
        if (listed(list, tests[i].name)) matched += strlen(tests[i].name) + 1;
    return matched == chars;
}

int main(int argc, char **argv)
{
    const char *only = NULL;
    bool header = true;

    for (int o; (o = getopt(argc, argv, "t:k:ql:H")) != -1;) switch (o) {
        case 't': only = optarg; break;
        case 'k':
            probe_want_thr = listed(optarg, "thr");
            probe_want_lat = listed(optarg, "lat");
            probe_want_mem = listed(optarg, "mem");
            break;
        case 'q': probe_work_div = 4; break;
        case 'l': probe_label = optarg; break;
        case 'H': header = false; break;
        default: return usage();
        }
    if (optind != argc || (only && !known_tests(only))) return usage();

    probe_draw();
    probe_calibrate();
    if (header) probe_header();
    probe_row_mem("start", "-", probe_rss_kb(), 0);
    for (int i = 0; i < NTESTS; i++)
        if (only ? listed(only, tests[i].name) : tests[i].by_default) tests[i].run();
    return ferror(stdout) || fclose(stdout) != 0 ? 1 : 0;
}
