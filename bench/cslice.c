/* cslice.c - many threads append to one vector: bosk_cslice beside a vector guarded by a mutex.
 *
 *     cslice [THREADS [ELEMENTS [ROUNDS]]]         default: 2 1000000 9
 *
 * Prints CSV, one row a measurement, rounds interleaved:
 *     round,what,threads,elements,wall_ns,cpu_ns          per element, all threads together
 *
 * `what`: cslice and cslice-batch64; mutex, the vector a C programmer writes (pthread_mutex_t, an
 * array doubled by realloc); the same with a spinning lock that yields; `fetch-add`, a shared
 * counter alone, which no vector with tickets can beat.  Every vector starts empty and is freed
 * inside the time.  Afterwards each is checked to hold every element once.
 */
#include <bosk/cslice.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef BOSK_CSLICE(int64_t) shared_longs;

enum { MAX_THREADS = 64, BATCH = 64 };

static struct guarded {
    pthread_mutex_t mutex;
    unsigned char apart[64];
    unsigned spin;
    unsigned char apart_too[64];
    int64_t *ptr;
    size_t len, cap;
} guarded = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static shared_longs vector;
static uint64_t counter;
static pthread_barrier_t barrier;
static int threads = 2;
static int64_t elements = 1000000;

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}
static void push_guarded(int64_t v)
{
    if (guarded.len == guarded.cap) {
        guarded.cap = guarded.cap == 0 ? 8 : 2 * guarded.cap;
        guarded.ptr = realloc(guarded.ptr, guarded.cap * sizeof v);
        if (guarded.ptr == NULL) abort();
    }
    guarded.ptr[guarded.len++] = v;
}

static void by_cslice(int64_t from, int64_t to)
{
    for (int64_t v = from; v < to; v++) bosk_cslice_append(&vector, v);
}
static void by_batch(int64_t from, int64_t to)
{
    int64_t values[BATCH];
    for (int64_t v = from; v < to;) {
        ptrdiff_t n = 0;
        while (n < BATCH && v < to) values[n++] = v++;
        bosk_cslice_append_n(&vector, values, n);
    }
}
static void by_mutex(int64_t from, int64_t to)
{
    for (int64_t v = from; v < to; v++) {
        pthread_mutex_lock(&guarded.mutex);
        push_guarded(v);
        pthread_mutex_unlock(&guarded.mutex);
    }
}
static void by_spinning(int64_t from, int64_t to)
{
    for (int64_t v = from; v < to; v++) {
        for (int i = 0; __atomic_exchange_n(&guarded.spin, 1, __ATOMIC_ACQUIRE) != 0; i++)
            if (i % 64 == 63) sched_yield();
        push_guarded(v);
        __atomic_store_n(&guarded.spin, 0, __ATOMIC_RELEASE);
    }
}
static void by_counting(int64_t from, int64_t to)
{
    for (int64_t v = from; v < to; v++) __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
}

/* Every value once; then everything is given back. */
static void free_cslice(void) { bosk_cslice_free(&vector); }
static void free_guarded(void)
{
    free(guarded.ptr);
    guarded.ptr = NULL;
    guarded.len = guarded.cap = 0;
}
static void free_nothing(void) { counter = 0; }
static ptrdiff_t copy_cslice(int64_t *to, ptrdiff_t n)
{
    typedef BOSK_SLICE(int64_t) longs;
    return bosk_cslice_copy(((longs){to, n, n}), &vector, 0);
}
static ptrdiff_t copy_guarded(int64_t *to, ptrdiff_t n)
{
    if ((size_t)n > guarded.len) n = (ptrdiff_t)guarded.len;
    memcpy(to, guarded.ptr, (size_t)n * sizeof *to);
    return n;
}

static const struct contender {
    const char *name;
    void (*append)(int64_t from, int64_t to);
    ptrdiff_t (*copy)(int64_t *to, ptrdiff_t n);
    void (*release)(void);
} contenders[] = {
    {"cslice", by_cslice, copy_cslice, free_cslice},
    {"cslice-batch64", by_batch, copy_cslice, free_cslice},
    {"mutex", by_mutex, copy_guarded, free_guarded},
    {"spinning", by_spinning, copy_guarded, free_guarded},
    {"fetch-add", by_counting, NULL, free_nothing},
};
static const struct contender *running;

/* Each thread times itself: the one that waits for them may wake up late. */
static struct span {
    double from, to, cpu;
} spans[MAX_THREADS];

static void *work(void *arg)
{
    const int64_t me = (int64_t)(intptr_t)arg;
    struct span s;
    pthread_barrier_wait(&barrier);
    s.from = now(CLOCK_MONOTONIC);
    s.cpu = now(CLOCK_THREAD_CPUTIME_ID);
    running->append(elements * me / threads, elements * (me + 1) / threads);
    s.cpu = now(CLOCK_THREAD_CPUTIME_ID) - s.cpu;
    s.to = now(CLOCK_MONOTONIC);
    spans[me] = s;
    return NULL;
}

static void check_all_there(void)
{
    if (running->copy == NULL) return;
    int64_t *got = malloc((size_t)(elements + 1) * sizeof *got);
    unsigned char *seen = calloc((size_t)elements, 1);
    if (got == NULL || seen == NULL || running->copy(got, elements + 1) != elements) {
        fprintf(stderr, "%s: lost or made up elements\n", running->name);
        exit(1);
    }
    for (int64_t i = 0; i < elements; i++)
        if (got[i] < 0 || got[i] >= elements || seen[got[i]]++) {
            fprintf(stderr, "%s: element %lld is wrong\n", running->name, (long long)i);
            exit(1);
        }
    free(got);
    free(seen);
}

static void measure(int round, const struct contender *c, bool check)
{
    pthread_t thread[MAX_THREADS];
    running = c;
    if (pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1) != 0) abort();
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, work, (void *)(intptr_t)i) != 0) abort();
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < threads; i++) pthread_join(thread[i], NULL);
    if (check) check_all_there();
    const double freeing = now(CLOCK_MONOTONIC);
    c->release();
    const double freed = now(CLOCK_MONOTONIC) - freeing;
    struct span all = spans[0];
    for (int i = 1; i < threads; i++) {
        if (spans[i].from < all.from) all.from = spans[i].from;
        if (spans[i].to > all.to) all.to = spans[i].to;
        all.cpu += spans[i].cpu;
    }
    const double wall_ns = all.to - all.from + freed, cpu_ns = all.cpu + freed;
    pthread_barrier_destroy(&barrier);
    if (!check)
        printf("%d,%s,%d,%lld,%.2f,%.2f\n", round, c->name, threads, (long long)elements,
               wall_ns / (double)elements, cpu_ns / (double)elements);
}

int main(int argc, char **argv)
{
    int rounds = 9;
    if (argc > 1) threads = atoi(argv[1]);
    if (argc > 2) elements = atoll(argv[2]);
    if (argc > 3) rounds = atoi(argv[3]);
    if (threads < 1 || threads > MAX_THREADS || elements < 1 || rounds < 1 || argc > 4) {
        fprintf(stderr, "usage: cslice [THREADS [ELEMENTS [ROUNDS]]]\n");
        return 2;
    }
    const size_t n = sizeof contenders / sizeof contenders[0];
    for (size_t i = 0; i < n; i++) measure(0, &contenders[i], true);
    printf("round,what,threads,elements,wall_ns,cpu_ns\n");
    for (int round = 1; round <= rounds; round++)
        for (size_t i = 0; i < n; i++) measure(round, &contenders[(i + (size_t)round) % n], false);
    return fflush(stdout) == 0 ? 0 : 1;
}
