/* storm.c - threads and forks in numbers: nothing may grow, nothing may hang.
 *
 *   storm threads [N]   N threads (1,000) at once, forty times over; each allocates, leaves half of
 *                       it to be freed by others, ends
 *   storm forks [N]     N forks (10,000) while two threads allocate and free all the time; each
 *                       child allocates, frees what the parent allocated, starts a thread, ends
 *
 * CSV: kind, number, failures, resident KiB early and late, address space KiB early and late, wall
 * ms, CPU ms.  Levels are taken after each wave (twenty times over all forks); the first ten waves
 * (four samples) are left out as warming up, early is the greatest level of the first half of the
 * others, late that of the second half.  What leaks grows from one to the other; what is merely
 * cached does not.
 * Exit status 1 when anything failed.  A child that hangs is ended by its alarm and counted.
 */
#define _GNU_SOURCE
#include "allocprobe.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WAVES = 40,
    SAMPLES = 20,
    EACH = 200,
    LOAD_THREADS = 2,
    LOAD_OBJECTS = 2000,
    CHILD_ALARM_S = 20
};

static long address_space_kb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return -1;
    if (fscanf(f, "%ld", &pages) != 1) pages = -1;
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static double wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

struct level {
    long rss_kb, space_kb;
};
static struct level early, late;

static void raise_level(struct level *l)
{
    long rss = probe_rss_kb(), space = address_space_kb();
    if (rss > l->rss_kb) l->rss_kb = rss;
    if (space > l->space_kb) l->space_kb = space;
}

/* Takes sample `i` of `n`, of which the first `warm` do not count. */
static void sample_level(unsigned long i, unsigned long n, unsigned long warm)
{
    if (i >= warm) raise_level(i - warm < (n - warm) / 2 ? &early : &late);
}

static int result(const char *kind, unsigned long n, unsigned long failures, double since_ms)
{
    printf("%s,%lu,%lu,%ld,%ld,%ld,%ld,%.0f,%.0f\n", kind, n, failures, early.rss_kb, late.rss_kb,
           early.space_kb, late.space_kb, wall_ms() - since_ms,
           (double)probe_cpu_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e6);
    return failures != 0;
}

/* ---- threads ------------------------------------------------------------------------------- */

static pthread_barrier_t all_alive;
static void **left; /* EACH / 2 objects of each thread of a wave */

static void *wave_thread(void *arg)
{
    size_t self = (size_t)(uintptr_t)arg;
    void **mine = left + self * (EACH / 2);
    for (unsigned i = 0; i < EACH; i++) {
        void *p = malloc(probe_size_at(self * 7 + i));
        probe_touch(p);
        if (i & 1)
            mine[i / 2] = p;
        else
            free(p);
    }
    pthread_barrier_wait(&all_alive);
    return NULL;
}

static unsigned long wave(pthread_t *threads, unsigned long n)
{
    pthread_attr_t attr;
    unsigned long failures = 0;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * 1024);
    pthread_barrier_init(&all_alive, NULL, (unsigned)n);
    for (unsigned long i = 0; i < n; i++) {
        if (pthread_create(&threads[i], &attr, wave_thread, (void *)(uintptr_t)i) == 0) continue;
        fprintf(stderr, "storm: thread %lu of %lu cannot be started\n", i, n);
        exit(1); /* the others wait at the barrier for ever */
    }
    for (unsigned long i = 0; i < n; i++) failures += pthread_join(threads[i], NULL) != 0;
    for (unsigned long i = 0; i < n * (EACH / 2); i++) free(left[i]);
    pthread_barrier_destroy(&all_alive);
    pthread_attr_destroy(&attr);
    return failures;
}

static int storm_threads(unsigned long n)
{
    pthread_t *threads = calloc(n, sizeof *threads);
    unsigned long failures = 0;
    double from = wall_ms();
    left = calloc(n * (EACH / 2), sizeof *left);
    if (!threads || !left) return 1;
    for (int w = 0; w < WAVES; w++) {
        failures += wave(threads, n);
        sample_level((unsigned long)w, WAVES, WAVES / 4);
    }
    free(threads);
    free(left);
    return result("threads", n * WAVES, failures, from);
}

/* ---- forks --------------------------------------------------------------------------------- */

static atomic_bool stop_load;
static void *_Atomic handed[64]; /* objects that a load thread made and anyone may free */

static void *load_thread(void *arg)
{
    void *mine[LOAD_OBJECTS] = {0};
    uint64_t turn = (uintptr_t)arg;
    while (!atomic_load_explicit(&stop_load, memory_order_relaxed)) {
        turn = turn * 6364136223846793005u + 1442695040888963407u;
        size_t i = (size_t)(turn >> 40) % LOAD_OBJECTS;
        free(mine[i]);
        mine[i] = malloc(probe_size_at(turn >> 20));
        probe_touch(mine[i]);
        if ((turn >> 60) == 0) {
            void *p = malloc(64);
            free(atomic_exchange(&handed[(turn >> 34) % 64], p));
        }
    }
    for (size_t i = 0; i < LOAD_OBJECTS; i++) free(mine[i]);
    return NULL;
}

static void *child_thread(void *arg)
{
    for (unsigned i = 0; i < 100; i++) {
        void *p = malloc(probe_size_at(i));
        probe_touch(p);
        free(p);
    }
    return arg;
}

static void child(unsigned long k, char *of_parent)
{
    void *mine[256];
    pthread_t thread;
    alarm(CHILD_ALARM_S);
    if (of_parent[0] != (char)k) _exit(3);
    free(of_parent);
    for (unsigned i = 0; i < 256; i++) {
        size_t size = probe_size_at(k + i);
        mine[i] = malloc(size);
        if (!mine[i]) _exit(4);
        memset(mine[i], (int)i, size);
    }
    for (unsigned i = 0; i < 256; i++)
        if (((unsigned char *)mine[i])[0] != (unsigned char)i) _exit(5);
    for (unsigned i = 0; i < 256; i++) free(mine[i]);
    for (unsigned i = 0; i < 64; i++) free(atomic_exchange(&handed[i], NULL));
    if (pthread_create(&thread, NULL, child_thread, NULL) != 0) _exit(6);
    if (pthread_join(thread, NULL) != 0) _exit(7);
    _exit(0);
}

static int storm_forks(unsigned long n)
{
    pthread_t load[LOAD_THREADS];
    unsigned long failures = 0;
    unsigned long every = n < SAMPLES ? 1 : n / SAMPLES, samples = n / every;
    double from = wall_ms();
    for (uintptr_t i = 0; i < LOAD_THREADS; i++)
        if (pthread_create(&load[i], NULL, load_thread, (void *)(i + 1)) != 0) return 1;
    for (unsigned long k = 0; k < n; k++) {
        int status = -1;
        char *p = malloc(100);
        p[0] = (char)k;
        pid_t pid = fork();
        if (pid == 0) child(k, p);
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
            failures++;
            fprintf(stderr, "storm: fork %lu: status %#x\n", k, (unsigned)status);
        }
        free(p);
        if ((k + 1) % every == 0) sample_level(k / every, samples, samples / 5);
    }
    atomic_store(&stop_load, true);
    for (int i = 0; i < LOAD_THREADS; i++) pthread_join(load[i], NULL);
    return result("forks", n, failures, from);
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    probe_draw();
    if (strcmp(kind, "threads") == 0) return storm_threads(n ? n : 1000);
    if (strcmp(kind, "forks") == 0) return storm_forks(n ? n : 10000);
    fputs("usage: storm threads|forks [N]\n", stderr);
    return 2;
}
