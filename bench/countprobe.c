/* countprobe.c - instructions per call of the malloc the process runs with, counted exactly.
 *
 *   countprobe [-H] [-l LABEL] [-n ROUNDS] KIND:SIZE     size 0 means mixed sizes
 *
 * The processor's trap flag raises SIGTRAP after every instruction of this thread, and the handler
 * counts those between the first instruction of malloc, calloc or free and its return, both
 * included.  No counter hardware, no tracer, no emulator: the real code runs at its real
 * addresses, and the result is the same on a busy machine.  The call itself and the way through
 * the linkage table are the caller's and are not counted.
 *
 * Stepping makes the program some 10,000 times slower, and an allocator that ages its caches by the
 * clock would be seen ageing all the time.  So while stepping the clocks are this program's own and
 * advance by a third of a nanosecond an instruction.  That needs -rdynamic.
 *
 * Kinds; each first runs WARM rounds uncounted, so that caches, lists and page tables are warm.
 *   pair           malloc and free in turn
 *   lifo fifo random   1,000 allocated, then freed in that order.  The mean over the 1,000 calls
 *                  holds their share of refills and flushes, the median is the fast path.
 *   calloc calloc-batch  pair and fifo with calloc
 *   remote-free    another thread allocated, this one frees
 *   remote-malloc  allocates what another thread has just freed
 *   refill         sizes that were not in use before: every refill needs a fresh span
 */
#define _GNU_SOURCE
#include "allocprobe.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if !defined(__x86_64__)

int main(void)
{
    fputs("countprobe: counting needs the trap flag of x86-64\n", stderr);
    return 77;
}

#else

enum { WARM = 30, MAX_CALLS = 100000 };

/* ---- the counter --------------------------------------------------------------------------- */

enum call { NONE, MALLOC, CALLOC, FREE, CALLS };
static const char *const call_name[CALLS] = {"", "malloc", "calloc", "free"};
static uintptr_t entry[CALLS];
static uint32_t *counts[CALLS]; /* instructions of each call, MAX_CALLS of them */
static uint32_t calls[CALLS];

/* Of the call now being counted.  Only the stepping thread is interrupted by SIGTRAP. */
static volatile enum call inside;
static volatile uintptr_t return_pc, return_sp;
static volatile uintptr_t last_pc;
static volatile uint32_t steps;
static volatile uint64_t all_steps;

static void on_step(int sig, siginfo_t *info, void *context)
{
    const ucontext_t *u = context;
    uintptr_t pc = (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
    uintptr_t sp = (uintptr_t)u->uc_mcontext.gregs[REG_RSP];
    (void)sig;
    (void)info;
    all_steps++;
    if (inside == NONE) {
        for (enum call c = MALLOC; c < CALLS; c++) {
            if (pc != entry[c]) continue;
            inside = c;
            steps = 0;
            last_pc = pc;
            return_pc = *(uintptr_t *)sp;
            return_sp = sp + sizeof(uintptr_t);
        }
        return;
    }
    if (pc != last_pc) steps++; /* the processor also stops after each turn of a `rep` */
    last_pc = pc;
    if (pc != return_pc || sp != return_sp) return;
    if (calls[inside] < MAX_CALLS) counts[inside][calls[inside]++] = steps;
    inside = NONE;
}

static bool counting;

/* ---- the clock ----------------------------------------------------------------------------- */

/* Found by the preloaded allocator before libc's.  Time stands still but for the steps, also before
 * they are counted: else what a busy machine left due would be done in the first call counted. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
    static uint64_t stopped_ns; /* what CLOCK_MONOTONIC showed at first */
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)
        return (int)syscall(SYS_clock_gettime, clock, t);
    if (stopped_ns == 0) {
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, t);
        stopped_ns = (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
    }
    uint64_t now = stopped_ns + all_steps / 3;
    t->tv_sec = (time_t)(now / 1000000000u);
    t->tv_nsec = (long)(now % 1000000000u);
    return 0;
}

/* ---- switching ----------------------------------------------------------------------------- */

static __attribute__((noinline)) void stepping(bool on)
{
    if (!counting) return;
    /* The red zone is skipped: the push must not overwrite what the compiler keeps there. */
    if (on)
        __asm__ volatile("lea -128(%%rsp), %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n"
                         "lea 128(%%rsp), %%rsp" ::
                             : "cc", "memory");
    else
        __asm__ volatile("lea -128(%%rsp), %%rsp\n pushfq\n andq $~0x100, (%%rsp)\n popfq\n"
                         "lea 128(%%rsp), %%rsp" ::
                             : "cc", "memory");
}

/* ---- the work ------------------------------------------------------------------------------ */

/* Through pointers, so that no linkage table stands between a call and its first instruction. */
static void *(*volatile do_malloc)(size_t);
static void *(*volatile do_calloc)(size_t, size_t);
static void (*volatile do_free)(void *);

static size_t work_size;

static size_t size_of(unsigned round, int i)
{
    return work_size ? work_size : probe_size_at(round * 997u + (unsigned)i);
}

static void fill(unsigned round)
{
    for (int i = 0; i < PROBE_BATCH; i++) {
        probe_slots[i] = do_malloc(size_of(round, i));
        probe_touch(probe_slots[i]);
    }
}

static void fill_calloc(unsigned round)
{
    for (int i = 0; i < PROBE_BATCH; i++) {
        probe_slots[i] = do_calloc(1, size_of(round, i));
        probe_touch(probe_slots[i]);
    }
}

static void drain(void)
{
    for (int i = 0; i < PROBE_BATCH; i++) do_free(probe_slots[i]);
}

static void *fill_thread(void *arg)
{
    fill(*(unsigned *)arg);
    return NULL;
}

static void *drain_thread(void *arg)
{
    (void)arg;
    drain();
    return NULL;
}

static void on_thread(void *(*body)(void *), unsigned round)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, &round) != 0) abort();
    pthread_join(thread, NULL);
}

static void round_pair(unsigned round)
{
    stepping(true);
    for (int i = 0; i < PROBE_BATCH; i++) {
        void *p = do_malloc(size_of(round, i));
        probe_touch(p);
        do_free(p);
    }
    stepping(false);
}

static void round_pair_calloc(unsigned round)
{
    stepping(true);
    for (int i = 0; i < PROBE_BATCH; i++) {
        void *p = do_calloc(1, size_of(round, i));
        probe_touch(p);
        do_free(p);
    }
    stepping(false);
}

static void round_lifo(unsigned round)
{
    stepping(true);
    fill(round);
    for (int i = PROBE_BATCH - 1; i >= 0; i--) do_free(probe_slots[i]);
    stepping(false);
}

static void round_fifo(unsigned round)
{
    stepping(true);
    fill(round);
    drain();
    stepping(false);
}

static void round_random(unsigned round)
{
    const uint16_t *p = probe_perm[round % PROBE_PERMS];
    stepping(true);
    fill(round);
    for (int i = 0; i < PROBE_BATCH; i++) do_free(probe_slots[p[i]]);
    stepping(false);
}

static void round_calloc(unsigned round)
{
    stepping(true);
    fill_calloc(round);
    drain();
    stepping(false);
}

static void round_remote_free(unsigned round)
{
    on_thread(fill_thread, round);
    stepping(true);
    drain();
    stepping(false);
}

static void round_remote_malloc(unsigned round)
{
    stepping(true);
    fill(round);
    stepping(false);
    on_thread(drain_thread, round);
}

/* Sizes 16 apart that nothing else here uses, each once: every object comes from a refill that
 * finds no span of the class. */
static void round_refill(unsigned round)
{
    size_t size = work_size;
    work_size = size + 16 * (size_t)(round % 24);
    stepping(true);
    fill(round);
    stepping(false);
    drain();
    work_size = size;
}

static const struct kind {
    const char *name;
    void (*round)(unsigned round);
    unsigned warm;
} kinds[] = {
    {"pair", round_pair, WARM},
    {"lifo", round_lifo, WARM},
    {"fifo", round_fifo, WARM},
    {"random", round_random, WARM},
    {"calloc", round_pair_calloc, WARM},
    {"calloc-batch", round_calloc, WARM},
    {"remote-free", round_remote_free, WARM},
    {"remote-malloc", round_remote_malloc, WARM},
    {"refill", round_refill, 0},
};

/* ---- the result ---------------------------------------------------------------------------- */

static int compare_counts(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_counts(const char *test)
{
    for (enum call c = MALLOC; c < CALLS; c++) {
        uint32_t n = calls[c];
        double sum = 0;
        if (n == 0) continue;
        for (uint32_t i = 0; i < n; i++) sum += counts[c][i];
        qsort(counts[c], n, sizeof counts[c][0], compare_counts);
        printf("%s,%s,%s,%u,%u,%u,%.2f,%u,%u\n", probe_label, test, call_name[c], n, counts[c][0],
               counts[c][n / 2], sum / n, counts[c][n - 1 - n / 100], counts[c][n - 1]);
    }
}

static void *symbol(const char *name, enum call c)
{
    void *p = dlsym(RTLD_DEFAULT, name);
    if (!p) abort();
    entry[c] = (uintptr_t)p;
    counts[c] = malloc(MAX_CALLS * sizeof *counts[c]);
    memset(counts[c], 0, MAX_CALLS * sizeof *counts[c]);
    return p;
}

static const struct kind *find_kind(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strlen(kinds[i].name) == n && memcmp(kinds[i].name, name, n) == 0) return &kinds[i];
    return NULL;
}

static int usage(void)
{
    fputs("usage: countprobe [-H] [-l LABEL] [-n ROUNDS] KIND:SIZE\nkinds:", stderr);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        fprintf(stderr, " %s", kinds[i].name);
    fputs("\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    int rounds = 1;
    bool header = true;
    for (int o; (o = getopt(argc, argv, "Hl:n:")) != -1;) switch (o) {
        case 'H': header = false; break;
        case 'l': probe_label = optarg; break;
        case 'n': rounds = atoi(optarg); break;
        default: return usage();
        }
    const char *what = optind + 1 == argc ? argv[optind] : "";
    const char *colon = strchr(what, ':');
    const struct kind *kind = colon ? find_kind(what, (size_t)(colon - what)) : NULL;
    if (!kind || rounds < 1) return usage();

    probe_draw();
    work_size = strtoul(colon + 1, NULL, 10);
    void *p = symbol("malloc", MALLOC);
    memcpy((void *)&do_malloc, &p, sizeof p);
    p = symbol("calloc", CALLOC);
    memcpy((void *)&do_calloc, &p, sizeof p);
    p = symbol("free", FREE);
    memcpy((void *)&do_free, &p, sizeof p);

    struct sigaction sa = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &sa, NULL);
    unsigned round = 0;
    for (; round < kind->warm; round++) kind->round(round);
    counting = true;
    for (int r = 0; r < rounds; r++) kind->round(round++);
    counting = false;
    if (header) puts("alloc,test,call,calls,min,median,mean,p99,max");
    print_counts(what);
    return 0;
}

#endif
