/* cmd_run.c - `bosk run`: examine, start, wait, read, report.
 *
 * Whatever happens to the files or the report, the program's exit status is kept: only where the
 * program itself succeeded does a failure of bosk show as 125.
 */
#define _GNU_SOURCE
#include "cmd.h"
#include "run_report.h"
#include "say.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct options {
    const char *output;
    bool json, quiet;
    uint64_t sample;
    unsigned depth;
    double timeout_s;
};

/* ---- arguments ---- */

static bool parse_sample(const char *s, uint64_t *out)
{
    if (strcmp(s, "auto") == 0) *out = BOSK_RECORD_SAMPLE_AUTO;
    if (strcmp(s, "off") == 0) *out = BOSK_RECORD_SAMPLE_OFF;
    if (strcmp(s, "auto") == 0 || strcmp(s, "off") == 0) return true;
    char *end;
    if (s[0] < '0' || s[0] > '9') return false;
    errno = 0;
    unsigned long long n = strtoull(s, &end, 10);
    static const char units[] = "KMG";
    const char *unit = end[0] != '\0' ? strchr(units, end[0] & ~0x20) : NULL;
    if (unit != NULL) {
        n <<= 10 * (unit - units + 1);
        end++;
        if (end[0] == 'i') end++;
        if (end[0] == 'B' || end[0] == 'b') end++;
    }
    *out = n;
    return errno == 0 && end[0] == '\0' && n >= 1 && n <= UINT32_MAX;
}

static bool parse_number(const char *s, double low, double high, double *out)
{
    char *end;
    errno = 0;
    *out = strtod(s, &end);
    return errno == 0 && end != s && *end == '\0' && *out >= low && *out <= high;
}

static int wrong(const char *option, const char *value, const char *wanted)
{
    say_problem(wanted, "More: bosk help run", "--%s: '%s' is not possible", option, value);
    return EXIT_USAGE;
}

enum { OPT_SAMPLE = 256, OPT_DEPTH, OPT_TIMEOUT, OPT_JSON };

/* 0: go on with argv[optind]; else the exit status, less one. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"sample", required_argument, NULL, OPT_SAMPLE},
        {"depth", required_argument, NULL, OPT_DEPTH},
        {"timeout", required_argument, NULL, OPT_TIMEOUT},
        {"json", no_argument, NULL, OPT_JSON},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    double n;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "+:o:qh", options, NULL)) != -1;) {
        switch (c) {
        case 'o': o->output = optarg; break;
        case 'q': o->quiet = true; break;
        case OPT_JSON: o->json = true; break;
        case OPT_SAMPLE:
            if (!parse_sample(optarg, &o->sample))
                return 1 + wrong("sample", optarg,
                                 "It takes auto, off, or a size from 1 to 4G, such as 64K.");
            break;
        case OPT_DEPTH:
            if (!parse_number(optarg, 1, BOSK_RECORD_DEPTH_MAX, &n) || n != floor(n))
                return 1 + wrong("depth", optarg, "It takes a whole number from 1 to 128.");
            o->depth = (unsigned)n;
            break;
        case OPT_TIMEOUT:
            if (!parse_number(optarg, 0.001, 1e9, &o->timeout_s))
                return 1 + wrong("timeout", optarg, "It takes seconds, such as 2.5.");
            break;
        case 'h': {
            char *help[] = {argv[0], (char *)"run", NULL};
            return 1 + cmd_help(2, help);
        }
        default:
            say_problem("More: bosk help run", NULL,
                        c == ':' ? "'%s' needs a value" : "'%s' is not an option",
                        argv[optind - 1]);
            return 1 + EXIT_USAGE;
        }
    }
    if (optind < argc) return 0;
    say_problem("Usage: bosk run [OPTIONS] -- PROGRAM [ARGUMENTS]", "More: bosk help run",
                "no program to run");
    return 1 + EXIT_USAGE;
}

/* ---- before and after the run ---- */

struct preparation {
    const struct options *options;
    struct run *run;
};

static int prepare_output(void *ctx, pid_t pid)
{
    struct preparation *p = ctx;
    struct output *out = &p->run->output;
    int err = output_make(p->options->output, p->run->target->name, pid, out);
    if (err == 0) return 0;
    if (p->options->output != NULL) {
        say_problem(strerror(-err), "The program has not been started.", "cannot write to '%s'",
                    out->dir[0] != '\0' ? out->dir : p->options->output);
        return EXIT_OWN;
    }
    /* Nobody asked for files: the report alone is worth the run. */
    say_problem(strerror(-err), "Name another folder: bosk run -o DIR",
                "no files are written: cannot make '%s'", out->dir);
    out->dir[0] = '\0';
    return 0;
}

static int write_file(const struct run *run, const char *file, const void *data, size_t n)
{
    if (run->output.dir[0] == '\0') return 0;
    int err = data != NULL ? output_write(&run->output, file, data, n) : -ENOMEM;
    if (err != 0)
        say_problem(strerror(-err), "The report is not affected.", "cannot write %s/%s",
                    run->output.dir, file);
    return err;
}

static int find_main(const struct run *run)
{
    int best = -1;
    for (uint32_t i = 0; i < run->recording.count; i++)
        if (best < 0 || run->analysis[i].allocated_bytes > run->analysis[best].allocated_bytes)
            best = (int)i;
    return best;
}

static void explain_nothing(const struct run *run)
{
    if (run->target->embedded)
        say_problem("The runtime linked into it has not been used.", NULL,
                    "nothing was recorded of '%s'", run->target->name);
    else
        say_problem("It made no allocation, or cleared LD_PRELOAD or BOSK_CONF before it did.",
                    NULL, "nothing was recorded of '%s'", run->target->name);
}

static int read_and_report(const struct options *o, const struct page *page, struct run *run)
{
    int err = recording_read(page->map, page->bytes, &run->recording);
    run->symbols = symbols_new();
    run->analysis = calloc((size_t)run->recording.count + 1, sizeof *run->analysis);
    if (run->symbols == NULL || run->analysis == NULL) err = -ENOMEM;
    for (uint32_t i = 0; err == 0 && i < run->recording.count; i++)
        err = analyse(&run->recording.process[i], run->symbols, &run->analysis[i]);
    if (err != 0) {
        say_problem(strerror(-err), NULL, "cannot read the recording");
        return err;
    }
    run->main = find_main(run);
    size_t bytes = 0;
    char *summary = summary_text(run, &bytes);
    err = write_file(run, "summary.json", summary, bytes);
    if (run->output.dir[0] != '\0') {
        size_t profile_bytes = 0;
        void *profile = pprof_bytes(run, &profile_bytes);
        int second = write_file(run, "heap.pb.gz", profile, profile_bytes);
        if (err == 0) err = second;
        free(profile);
        if (err == 0) output_link(&run->output);
    }
    if (o->json && summary != NULL) fprintf(stderr, "%s\n", summary);
    if (!o->json && !o->quiet) {
        report_print(run, stderr, say_colour(), say_utf8());
        if (run->main < 0) explain_nothing(run);
    }
    free(summary);
    return err;
}

static void release(struct run *run)
{
    for (uint32_t i = 0; run->analysis != NULL && i < run->recording.count; i++)
        analysis_free(&run->analysis[i]);
    free(run->analysis);
    symbols_free(run->symbols);
    recording_free(&run->recording);
}

int cmd_run(int argc, char **argv)
{
    struct options o = {.depth = 64, .sample = BOSK_RECORD_SAMPLE_AUTO};
    static struct target target;
    static struct run run;
    int status = parse(argc, argv, &o);
    if (status != 0) return status - 1;
    status = target_find(argv[optind], &target);
    if (status != 0) return status;

    char library[4096], looked[13000];
    if (!target.embedded && !library_find(library, sizeof library, looked, sizeof looked)) {
        say_problem(looked, "Install bosk again, or build it: ./dev build",
                    "cannot find libbosk-malloc.so; looked for it as");
        return EXIT_OWN;
    }
    if (!target.embedded && strpbrk(library, " :") != NULL) {
        say_problem(
            "The dynamic linker takes a space or a colon in LD_PRELOAD for the end of a path.",
            "Install bosk in a folder without them.", "cannot preload '%s'", library);
        return EXIT_OWN;
    }
    struct page page;
    int err = page_make(&page, o.sample, o.depth);
    if (err != 0) {
        say_problem(strerror(-err), NULL, "cannot make the recording");
        return EXIT_OWN;
    }
    run.target = &target;
    run.argv = argv + optind;
    struct preparation preparation = {&o, &run};
    struct launch launch = {
        .target = &target,
        .argv = argv + optind,
        .library = target.embedded ? NULL : library,
        .page = &page,
        .timeout_s = o.timeout_s,
        .progress = !o.quiet && !o.json && isatty(STDERR_FILENO) && !isatty(STDIN_FILENO) &&
                    !isatty(STDOUT_FILENO),
        .ready = prepare_output,
        .ctx = &preparation,
    };
    status = launch_run(&launch, &run.end);
    if (status != 0) {
        if (run.output.made) rmdir(run.output.dir);
        return status;
    }
    err = read_and_report(&o, &page, &run);
    release(&run);
    return err != 0 && run.end.status == 0 ? EXIT_OWN : run.end.status;
}
