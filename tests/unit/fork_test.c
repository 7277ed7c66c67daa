/* fork_test.c - the heap in fork children, with other threads in the middle of everything. */
#include "heap_support.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

/* A child that hangs must not hang the suite: it dies by SIGALRM, which CHECK_CHILD reports. */
enum { CHILD_SECONDS = 20 };

/* Everything a child may do, in a few thousand calls. */
static void exercise(uint64_t seed)
{
    static void *p[400];
    static size_t size[400];
    uint64_t rng = seed + 1;
    for (size_t i = 0; i < 3000; i++) {
        uint64_t r = bosk_test_random(&rng);
        size_t at = (size_t)(r % COUNT_OF(p));
        if (p[at]) CHECK_FILL(p[at], size[at], at);
        size_t to = (size_t)((r >> 20) % ((r >> 12) % 64 ? 1200 : 100000)) + 1;
        if (p[at] && r >> 62 == 0) {
            p[at] = launder(bosk_realloc(p[at], to));
            CHECK(p[at] != NULL);
        } else {
            bosk_free(p[at]);
            p[at] = get(to);
        }
        fill(p[at], to, at);
        size[at] = to;
    }
    for (size_t i = 0; i < COUNT_OF(p); i++) {
        if (p[i]) CHECK_FILL(p[i], size[i], i);
        bosk_free(p[i]);
        p[i] = NULL;
    }
    bosk_heap *h = bosk_heap_new(0);
    CHECK(h != NULL && launder(bosk_heap_malloc(h, 100)) != NULL);
    bosk_heap_destroy(h);
    bosk_trim(0);
    struct census c = {0};
    CHECK_EQ(bosk_heap_walk(NULL, BOSK_WALK_BLOCKS, census_visit, &c), 0);
    stats_now();
    bosk_label_push("child");
    bosk_label_pop();
    bosk_pressure_poll();
}

static pid_t fork_and_exercise(uint64_t seed)
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(CHILD_SECONDS);
        exercise(seed);
        _exit(0);
    }
    return pid;
}

TEST(fork, child_sees_and_frees_the_parents_blocks)
{
    void *p[200];
    for (size_t i = 0; i < COUNT_OF(p); i++) fill(p[i] = get(i * 321), i * 321, i);
    pid_t pid = fork();
    if (pid == 0) {
        for (size_t i = 0; i < COUNT_OF(p); i++) {
            CHECK_FILL(p[i], i * 321, i);
            bosk_free(p[i]);
        }
        exercise(1);
        CHECK_EQ(stats_exact().live, take_census(NULL).block_bytes);
        _exit(0);
    }
    CHECK_CHILD(pid);
    for (size_t i = 0; i < COUNT_OF(p); i++) {
        CHECK_FILL(p[i], i * 321, i);
        bosk_free(p[i]);
    }
}

TEST(fork, before_the_first_malloc)
{
    CHECK_CHILD(fork_and_exercise(3));
    exercise(4);
}

TEST(fork, children_of_children)
{
    pid_t pid = fork();
    if (pid == 0) {
        exercise(5);
        pid_t inner = fork_and_exercise(6);
        CHECK_CHILD(inner);
        exercise(7);
        _exit(0);
    }
    CHECK_CHILD(pid);
}

static volatile int stop;
static bosk_heap *common;

/* Keeps every lock of the heap busy: small, large, remote frees, heaps, trims, walks. */
static void *load_thread(void *arg)
{
    size_t me = (size_t)(uintptr_t)arg;
    static void *shared[256];
    uint64_t rng = me + 1;
    bool busy = false;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        uint64_t r = bosk_test_random(&rng);
        size_t size = (size_t)((r >> 20) % ((r >> 12) % 32 ? 3000 : 300000));
        void *p = (r >> 8) % 8 == 0 ? bosk_heap_malloc(common, size) : bosk_malloc(size);
        CHECK(p != NULL);
        p = __atomic_exchange_n(&shared[r % 256], p, __ATOMIC_ACQ_REL);
        bosk_free(p);
        if (r % 4096 == 0) bosk_trim(MIB);
        if (r % 4096 == 1) bosk_heap_destroy(bosk_heap_new(0));
        if (r % 16384 == 2) take_census(NULL);
        if (r % 512 == 3) bosk_pressure_poll();
        if (r % 1024 == 4) bosk_label_push(busy ? "one" : "two"), bosk_label_pop(), busy = !busy;
    }
    return NULL;
}

static void fork_under_load(uint64_t forks)
{
    pthread_t thread[3];
    common = bosk_heap_new(0);
    CHECK(common != NULL);
    for (size_t i = 0; i < 3; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, load_thread, (void *)i), 0);
    for (uint64_t i = 0; i < forks; i++) CHECK_CHILD(fork_and_exercise(i));
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < 3; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

TEST(fork, under_load) { fork_under_load(bosk_test_budget(120)); }
/* Threads that keep one lock busy all the time, by sizes between `low` and `high`; a child that
 * could not get it would hang. */
static size_t low, high;
static void *busy_thread(void *arg)
{
    uint64_t rng = (uint64_t)(uintptr_t)arg + 1;
    void *p[16] = {NULL};
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        uint64_t r = bosk_test_random(&rng);
        bosk_free(p[r % 16]);
        p[r % 16] = get(low + (size_t)((r >> 20) % (high - low)));
    }
    for (size_t i = 0; i < 16; i++) bosk_free(p[i]);
    return NULL;
}

static void busy_child(void)
{
    for (size_t k = 0; k < 100; k++) bosk_free(get(low + (high - low) * k / 100));
}

static void fork_beside(void *(*busy)(void *), void (*child)(void), uint64_t n)
{
    pthread_t thread[3];
    for (size_t i = 0; i < 3; i++) CHECK_EQ(pthread_create(&thread[i], NULL, busy, (void *)i), 0);
    for (uint64_t i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            alarm(CHILD_SECONDS / 4);
            child();
            _exit(0);
        }
        CHECK_CHILD(pid);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < 3; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

TEST(fork, while_pages_change_hands)
{
    low = 1100 * KIB;
    high = 1600 * KIB;
    fork_beside(busy_thread, busy_child, bosk_test_budget(1000));
}
/* Of such blocks there are four in a span, and with check=1 no cache is between. */
TEST_ENV(fork, while_spans_change_hands, "BOSK_CONF=check=1")
{
    low = 15000;
    high = 16384;
    fork_beside(busy_thread, busy_child, bosk_test_budget(1000));
}

static void *heap_thread(void *arg)
{
    uint64_t rng = (uint64_t)(uintptr_t)arg + 1;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        void *p = bosk_heap_malloc(common, (size_t)(bosk_test_random(&rng) % 2000));
        CHECK(p != NULL);
        bosk_free(p);
    }
    return NULL;
}
static void heap_child(void)
{
    for (size_t k = 0; k < 100; k++) bosk_free(launder(bosk_heap_malloc(common, 20 * k)));
    bosk_heap_destroy(common);
}
TEST(fork, while_a_heap_is_busy)
{
    common = bosk_heap_new(0);
    CHECK(common != NULL);
    fork_beside(heap_thread, heap_child, bosk_test_budget(500));
}

static void *reading_thread(void *arg)
{
    (void)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) CHECK_EQ(bosk_conf_reload(), 0);
    return NULL;
}
static void reading_child(void) { CHECK_EQ(bosk_conf_reload(), 0); }
TEST_ENV(fork, while_options_are_read, "BOSK_CONF_FILE=/dev/null")
{
    fork_beside(reading_thread, reading_child, bosk_test_budget(300));
}

TEST_ENV(fork, under_load_in_arena_mode, "BOSK_CONF=reserve=1")
{
    fork_under_load(bosk_test_budget(40));
}
TEST_ENV(fork, under_load_with_a_scavenger_thread, "BOSK_CONF=scavenger=thread,scavenge_window=1")
{
    fork_under_load(bosk_test_budget(40));
}

static void *forking_thread(void *arg)
{
    uint64_t n = bosk_test_budget(25);
    for (uint64_t i = 0; i < n; i++) {
        CHECK_CHILD(fork_and_exercise(i * 7 + (uintptr_t)arg));
        bosk_free(get((size_t)i * 50));
    }
    return NULL;
}

TEST(fork, from_several_threads)
{
    pthread_t thread[4];
    for (size_t i = 0; i < 4; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, forking_thread, (void *)(i * 1000)), 0);
    for (size_t i = 0; i < 4; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

/* The child starts threads of its own, whose stacks and thread blocks may lie where those of
 * the parent's threads lay, and walks the heap. */
static void *child_thread(void *arg)
{
    uint64_t rng = (uint64_t)(uintptr_t)arg + 1;
    void *p[100] = {NULL};
    for (unsigned i = 0; i < 3000; i++) {
        size_t at = (size_t)(bosk_test_random(&rng) % COUNT_OF(p));
        bosk_free(p[at]);
        p[at] = get((size_t)(bosk_test_random(&rng) % 2000));
    }
    for (size_t i = 0; i < COUNT_OF(p); i++) bosk_free(p[i]);
    return NULL;
}

TEST(fork, child_with_threads_of_its_own)
{
#if defined(__SANITIZE_THREAD__)
    SKIP("ThreadSanitizer gives up on threads in the child of several");
#endif
    SKIP_EMULATED("qemu 7.2 loses its own state when a fork child starts threads");
    pthread_t thread[3];
    pthread_attr_t attr;
    common = bosk_heap_new(0);
    CHECK(common != NULL);
    /* More than libc keeps of stacks that are not in use: in the child these go. */
    CHECK_EQ(pthread_attr_init(&attr), 0);
    CHECK_EQ(pthread_attr_setstacksize(&attr, 32 * MIB), 0);
    for (size_t i = 0; i < 3; i++)
        CHECK_EQ(pthread_create(&thread[i], &attr, load_thread, (void *)i), 0);
    uint64_t n = bosk_test_budget(40);
    for (uint64_t i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            pthread_t mine[4];
            alarm(CHILD_SECONDS);
            for (unsigned round = 0; round < 3; round++) {
                for (size_t k = 0; k < COUNT_OF(mine); k++)
                    CHECK_EQ(pthread_create(&mine[k], NULL, child_thread, (void *)k), 0);
                for (unsigned k = 0; k < 5; k++) {
                    struct census c = {0};
                    CHECK_EQ(bosk_heap_walk(NULL, BOSK_WALK_BLOCKS, census_visit, &c), 0);
                }
                for (size_t k = 0; k < COUNT_OF(mine); k++)
                    CHECK_EQ(pthread_join(mine[k], NULL), 0);
            }
            _exit(0);
        }
        CHECK_CHILD(pid);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < 3; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

TEST(fork, vfork_and_spawn_under_load)
{
    pthread_t thread[3];
    common = bosk_heap_new(0);
    CHECK(common != NULL);
    for (size_t i = 0; i < 3; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, load_thread, (void *)i), 0);
    for (unsigned i = 0; i < 50; i++) {
        pid_t pid;
        char *argv[] = {(char[]){"true"}, NULL};
        CHECK_EQ(posix_spawnp(&pid, "true", NULL, NULL, argv, environ), 0);
        CHECK_CHILD(pid);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < 3; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

/* A child's frees and growth do not come up in the parent. */
TEST(fork, counts_are_each_processes_own)
{
    struct bosk_heap_stats a = stats_exact();
    for (unsigned i = 0; i < 20; i++) CHECK_CHILD(fork_and_exercise(i));
    struct bosk_heap_stats b = stats_exact();
    CHECK_EQ(b.live, a.live);
    CHECK_EQ(b.mallocs, a.mallocs);
    CHECK_EQ(b.frees, a.frees);
}

TEST(fork, child_of_a_thread_that_never_allocated)
{
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t t;
        CHECK_EQ(pthread_create(&t, NULL, forking_thread, NULL), 0);
        CHECK_EQ(pthread_join(t, NULL), 0);
        _exit(0);
    }
    CHECK_CHILD(pid);
}
