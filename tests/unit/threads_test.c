/* threads_test.c - remote frees, threads that come and go, and what the heap keeps of them. */
#include "heap_support.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/time.h>

/* A block that tells its own size and tag, so that whoever gets it can check it. */
struct box {
    uint64_t tag;
    size_t size;
    unsigned char bytes[];
};
static struct box *make_box(uint64_t tag, size_t size)
{
    struct box *b = get(sizeof *b + size);
    b->tag = tag;
    b->size = size;
    fill(b->bytes, size, tag);
    return b;
}
static void unmake_box(struct box *b)
{
    if (!b) return;
    CHECK_FILL(b->bytes, b->size, b->tag);
    b->tag = b->size = 0;
    bosk_free(b);
}
static size_t some_size(uint64_t r)
{
    return (size_t)((r >> 16) % ((r >> 8) % 100 ? 1200 : 60000));
}

/* ---- producer and consumer ------------------------------------------------------------ */

enum { RING = 1024 };
static struct ring {
    struct box *slot[RING];
    size_t in, out;
} ring[8];

static void put(struct ring *r, struct box *b)
{
    size_t in = r->in;
    while (in - __atomic_load_n(&r->out, __ATOMIC_ACQUIRE) == RING) sched_yield();
    r->slot[in % RING] = b;
    __atomic_store_n(&r->in, in + 1, __ATOMIC_RELEASE);
}
static struct box *take(struct ring *r)
{
    size_t out = r->out;
    while (__atomic_load_n(&r->in, __ATOMIC_ACQUIRE) == out) sched_yield();
    struct box *b = r->slot[out % RING];
    __atomic_store_n(&r->out, out + 1, __ATOMIC_RELEASE);
    return b;
}

static uint64_t boxes;
static void *producer(void *arg)
{
    uint64_t rng = (uint64_t)(uintptr_t)arg + 1;
    for (uint64_t i = 0; i < boxes; i++) {
        uint64_t r = bosk_test_random(&rng);
        put(&ring[(uintptr_t)arg], make_box(r, some_size(r)));
    }
    return NULL;
}
static void *consumer(void *arg)
{
    for (uint64_t i = 0; i < boxes; i++) unmake_box(take(&ring[(uintptr_t)arg]));
    return NULL;
}

TEST(threads, producers_and_consumers)
{
    pthread_t thread[4];
    struct bosk_heap_stats a = stats_exact();
    boxes = bosk_test_budget(300000);
    for (size_t i = 0; i < 4; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, i % 2 ? consumer : producer, (void *)(i / 2)), 0);
    for (size_t i = 0; i < 4; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
    struct bosk_heap_stats b = stats_exact();
    CHECK_EQ(b.live, a.live);
    CHECK_EQ(b.mallocs - a.mallocs, 2 * boxes);
    CHECK_EQ(b.frees - a.frees, 2 * boxes);
    CHECK_EQ(b.allocated - a.allocated, b.freed - a.freed);
    /* The consumer gives back what the producer takes: the heap does not grow with the number. */
    CHECK_MSG(b.mapped <= 64 * MIB, "%llu MiB", (unsigned long long)b.mapped / MIB);
}

/* ---- everybody frees everybody's ---------------------------------------------------------- */

enum { SHARED = 4096 };
static struct box *shared[SHARED];
static uint64_t swaps;
static void *swapper(void *arg)
{
    uint64_t rng = (uint64_t)(uintptr_t)arg * 77 + bosk_test_seed();
    for (uint64_t i = 0; i < swaps; i++) {
        uint64_t r = bosk_test_random(&rng);
        struct box *b = (r >> 60) ? make_box(r, some_size(r)) : NULL;
        unmake_box(__atomic_exchange_n(&shared[r % SHARED], b, __ATOMIC_ACQ_REL));
        if ((r >> 40) % 64 == 0) { /* take one out, resize it, put it back elsewhere */
            b = __atomic_exchange_n(&shared[(r >> 20) % SHARED], NULL, __ATOMIC_ACQ_REL);
            if (b) {
                size_t size = some_size(r >> 8), kept = b->size < size ? b->size : size;
                b = launder(bosk_realloc(b, sizeof *b + size));
                CHECK(b != NULL);
                CHECK_FILL(b->bytes, kept, b->tag);
                b->size = size;
                fill(b->bytes, size, b->tag);
                unmake_box(__atomic_exchange_n(&shared[(r >> 30) % SHARED], b, __ATOMIC_ACQ_REL));
            }
        }
    }
    return NULL;
}

static void swap_among(size_t threads, uint64_t n)
{
    pthread_t thread[16];
    struct bosk_heap_stats a = stats_exact();
    swaps = n;
    for (size_t i = 0; i < threads; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, swapper, (void *)(i + 1)), 0);
    for (size_t i = 0; i < threads; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
    for (size_t i = 0; i < SHARED; i++) {
        unmake_box(shared[i]);
        shared[i] = NULL;
    }
    struct bosk_heap_stats b = stats_exact();
    CHECK_EQ(b.live, a.live);
    CHECK_EQ(b.live, take_census(NULL).block_bytes);
    CHECK_EQ(b.mallocs - a.mallocs, b.frees - a.frees);
}

TEST(threads, everybody_frees_everybodys) { swap_among(8, bosk_test_budget(100000)); }
TEST_ENV(threads, everybody_frees_everybodys_checked, "BOSK_CONF=check=1")
{
    swap_among(4, bosk_test_budget(50000));
}
TEST_ENV(threads, everybody_frees_everybodys_in_arenas, "BOSK_CONF=reserve=1")
{
    swap_among(4, bosk_test_budget(50000));
}
TEST_ENV(threads, everybody_frees_everybodys_small, "BOSK_CONF=profile=small")
{
    swap_among(4, bosk_test_budget(50000));
}
TEST_ENV(threads, everybody_frees_everybodys_beside_a_scavenger,
         "BOSK_CONF=scavenger=thread,scavenge_window=0")
{
    swap_among(4, bosk_test_budget(50000));
}
TEST_ENV(threads, everybody_frees_everybodys_under_a_limit, "BOSK_MEMLIMIT=8MiB")
{
    swap_among(4, bosk_test_budget(50000));
}

/* Spans become free as a whole while others free into them and the heap is trimmed: four blocks are
 * a span, and each of four threads frees one of them at about the same time. */
enum { SPAN_MATES = 4, MATES = 1024 };
static struct box *mates[MATES];
static pthread_barrier_t in_step;
static volatile int trimming_ends;

static void *trims(void *arg)
{
    while (!__atomic_load_n(&trimming_ends, __ATOMIC_RELAXED)) {
        bosk_trim(MIB);
        sched_yield();
    }
    return arg;
}
static void *frees_one_of_each_span(void *arg)
{
    size_t me = (size_t)(uintptr_t)arg;
    for (uint64_t round = bosk_test_budget(150); round > 0; round--) {
        if (me == 0)
            for (size_t i = 0; i < MATES; i++) mates[i] = make_box(round + i, 16000);
        pthread_barrier_wait(&in_step);
        for (size_t i = me; i < MATES; i += SPAN_MATES) unmake_box(mates[i]);
        pthread_barrier_wait(&in_step);
    }
    return NULL;
}

TEST_ENV(threads, free_one_span_together_while_it_is_trimmed, "BOSK_CONF=check=1")
{
    pthread_t thread[SPAN_MATES], trimmer;
    CHECK_EQ(pthread_barrier_init(&in_step, NULL, SPAN_MATES), 0);
    CHECK_EQ(pthread_create(&trimmer, NULL, trims, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(thread); i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, frees_one_of_each_span, (void *)i), 0);
    for (size_t i = 0; i < COUNT_OF(thread); i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
    __atomic_store_n(&trimming_ends, 1, __ATOMIC_RELAXED);
    CHECK_EQ(pthread_join(trimmer, NULL), 0);
    CHECK_EQ(stats_exact().live, take_census(NULL).block_bytes);
}

/* ---- birth and death ------------------------------------------------------------------------ */

static void *short_life(void *arg)
{
    void *p[40];
    for (size_t i = 0; i < COUNT_OF(p); i++) fill(p[i] = get(i * 50), i * 50, i);
    for (size_t i = 0; i < COUNT_OF(p); i++) {
        CHECK_FILL(p[i], i * 50, i);
        if (p[i] != p[7]) bosk_free(p[i]);
    }
    return arg ? p[7] : (bosk_free(p[7]), NULL);
}

static pthread_barrier_t all_alive;
static void *waits_for_all(void *arg)
{
    void *p = short_life((void *)1);
    pthread_barrier_wait(&all_alive);
    bosk_free(p);
    (void)arg;
    return NULL;
}

TEST(threads, thousand_started_and_ended)
{
    pthread_t thread[10];
    struct bosk_heap_stats a = {0};
    size_t rss = 0;
    uint64_t rounds = 1 + bosk_test_budget(100);
    CHECK_EQ(pthread_barrier_init(&all_alive, NULL, COUNT_OF(thread)), 0);
    for (uint64_t round = 0; round < rounds; round++) {
        /* At first ten live at once, so that there are caches for as many as ever live. */
        for (size_t i = 0; i < COUNT_OF(thread); i++)
            CHECK_EQ(pthread_create(&thread[i], NULL, round ? short_life : waits_for_all,
                                    (void *)(uintptr_t)(round % 2)),
                     0);
        for (size_t i = 0; i < COUNT_OF(thread); i++) {
            void *left = NULL; /* outlives its thread; freed here */
            CHECK_EQ(pthread_join(thread[i], &left), 0);
            if (left) CHECK_FILL(left, 350, 7);
            bosk_free(left);
        }
        if (round == rounds / 4) {
            a = stats_exact();
            rss = resident_bytes();
        }
    }
    struct bosk_heap_stats b = stats_exact();
    CHECK_EQ(b.live, a.live);
    /* 4 KiB lost with each thread would be 3 MiB. */
    CHECK_MSG(b.metadata <= a.metadata + 256 * KIB, "%llu and %llu", (unsigned long long)a.metadata,
              (unsigned long long)b.metadata);
    CHECK(b.spans_inuse <= a.spans_inuse + 512 * KIB);
    /* An emulator's own records of threads would be counted too. */
    CHECK_MSG(SANITIZED || getenv("BOSK_TEST_EMULATOR") || resident_bytes() <= rss + MIB,
              "%zu KiB and %zu KiB", rss / KIB, resident_bytes() / KIB);
}

TEST(threads, hundreds_alive_at_once_do_not_stay_in_memory)
{
    enum { ALIVE = 300 };
    static pthread_t thread[ALIVE];
    pthread_attr_t attr;
    CHECK_EQ(pthread_attr_init(&attr), 0);
    CHECK_EQ(pthread_attr_setstacksize(&attr, 128 * KIB), 0);
    struct bosk_heap_stats a = stats_exact(), b = a;
    for (unsigned round = 0; round < 4; round++) {
        CHECK_EQ(pthread_barrier_init(&all_alive, NULL, ALIVE), 0);
        for (size_t i = 0; i < ALIVE; i++)
            CHECK_EQ(pthread_create(&thread[i], &attr, waits_for_all, NULL), 0);
        for (size_t i = 0; i < ALIVE; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
        CHECK_EQ(pthread_barrier_destroy(&all_alive), 0);
        struct bosk_heap_stats now = stats_exact();
        CHECK_EQ(now.live, a.live);
        if (round == 0) b = now;
        CHECK_MSG(now.metadata <= b.metadata + 256 * KIB, "round %u: %llu, then %llu", round,
                  (unsigned long long)b.metadata, (unsigned long long)now.metadata);
        /* A span of each class that was touched may stay. */
        CHECK(now.spans_inuse <= a.spans_inuse + 2 * MIB);
    }
}

/* Destructors of thread-specific data run before and after the heap's own: both may allocate. */
static pthread_key_t key[20];
static void destructor(void *arg)
{
    struct box *b = arg;
    uint64_t tag = b->tag;
    unmake_box(b);
    unmake_box(make_box(1, 3000));
    /* Once more, in a later round of destructors. */
    if (tag < 1000) pthread_setspecific(key[tag % 20], make_box(tag + 1000, 200));
}
static void *with_specifics(void *arg)
{
    bool first = arg == NULL;
    if (first) unmake_box(make_box(1, 10)); /* the heap's key is set before these, or after */
    for (size_t i = 0; i < COUNT_OF(key); i++) pthread_setspecific(key[i], make_box(i, i * 100));
    return NULL;
}

TEST(threads, destructors_may_allocate)
{
    for (size_t i = 0; i < COUNT_OF(key); i++) CHECK_EQ(pthread_key_create(&key[i], destructor), 0);
    struct bosk_heap_stats a = stats_exact();
    for (unsigned round = 0; round < 50; round++) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, with_specifics, round % 2 ? &thread : NULL), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
    struct bosk_heap_stats b = stats_exact();
    CHECK_EQ(b.live, a.live);
    CHECK(b.metadata <= a.metadata + 512 * KIB);
}

static void *detached(void *arg)
{
    bosk_free(short_life((void *)1));
    __atomic_fetch_add((int *)arg, 1, __ATOMIC_RELEASE);
    return NULL;
}
TEST(threads, detached_threads)
{
    int done = 0;
    pthread_attr_t attr;
    CHECK_EQ(pthread_attr_init(&attr), 0);
    CHECK_EQ(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED), 0);
    for (int i = 0; i < 200; i++) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, &attr, detached, &done), 0);
        if (i % 10 == 9)
            while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) <= i) sched_yield();
    }
}

static void *exits_the_hard_way(void *arg)
{
    bosk_free(arg);
    pthread_exit(get(100));
}
TEST(threads, cancelled_and_exited)
{
    for (unsigned i = 0; i < 100; i++) {
        pthread_t thread;
        void *p = NULL;
        CHECK_EQ(pthread_create(&thread, NULL, exits_the_hard_way, get(50)), 0);
        CHECK_EQ(pthread_join(thread, &p), 0);
        bosk_free(p);
    }
    CHECK_EQ(stats_exact().live, take_census(NULL).block_bytes);
}

/* ---- signals ---- */

static sig_atomic_t ticks;
static void on_tick(int number)
{
    (void)number;
    __atomic_fetch_add(&ticks, 1, __ATOMIC_RELAXED);
    /* The only function of the heap that may be called here. */
    if (bosk_roundupsize(33, true) != 48) _exit(99);
}

TEST(threads, interrupted_everywhere)
{
    struct sigaction act = {.sa_handler = on_tick};
    struct itimerval fast = {{0, 200}, {0, 200}}, off = {{0, 0}, {0, 0}};
    CHECK_EQ(sigaction(SIGALRM, &act, NULL), 0); /* no SA_RESTART: calls return EINTR */
    CHECK_EQ(setitimer(ITIMER_REAL, &fast, NULL), 0);
    swap_among(4, bosk_test_budget(60000));
    CHECK_EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
    CHECK(__atomic_load_n(&ticks, __ATOMIC_RELAXED) > 10);
}

static void *blocks_all_signals(void *arg)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    return short_life(arg);
}
TEST(threads, that_block_all_signals)
{
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, blocks_all_signals, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* ---- many small threads on one class ---- */

static void *same_class(void *arg)
{
    enum { HELD = 3000 };
    static __thread void *p[HELD];
    uint64_t n = bosk_test_budget(30);
    for (uint64_t round = 0; round < n; round++) {
        for (size_t i = 0; i < HELD; i++) {
            p[i] = get(64);
            fill(p[i], 64, (uintptr_t)arg + i);
        }
        for (size_t k = 0; k < HELD; k++) {
            size_t i = k * 1009 % HELD;
            CHECK_FILL(p[i], 64, (uintptr_t)arg + i);
            bosk_free(p[i]);
        }
    }
    return NULL;
}
TEST(threads, all_in_one_class)
{
    pthread_t thread[8];
    for (size_t i = 0; i < COUNT_OF(thread); i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, same_class, (void *)(i * 10000)), 0);
    for (size_t i = 0; i < COUNT_OF(thread); i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
    CHECK_EQ(stats_exact().live, take_census(NULL).block_bytes);
}
