/* oom_test.c - each system allocation fails once, in turn: NULL or success, never damage. */
#include "../../src/os/conf.h"
#include "../../src/os/os.h"
#include "heap_support.h"

#include <pthread.h>
#include <sys/wait.h>

enum { N = 400 };
struct held {
    void *p;
    size_t size;
};
static struct held held[N];

/* Takes note of `p`, which may be NULL: then errno tells why. */
static void *note(size_t at, void *p, size_t size)
{
    if (p == NULL) CHECK_EQ(errno, ENOMEM);
    held[at].p = p;
    held[at].size = p ? size : 0;
    if (p) fill(p, size, at);
    return p;
}
static void drop(size_t at)
{
    if (held[at].p) CHECK_FILL(held[at].p, held[at].size, at);
    bosk_free(held[at].p);
    held[at].p = NULL;
}

/* All that is held is whole; the heap is consistent; and what failed once works now. */
static void settle(void)
{
    for (size_t i = 0; i < N; i++)
        if (held[i].p) CHECK_FILL(held[i].p, held[i].size, i);
    struct census c = {0};
    int err = bosk_heap_walk(NULL, BOSK_WALK_BLOCKS, census_visit, &c);
    CHECK(err == 0 || err == -ENOMEM);
    for (size_t i = 0; i < N; i++) drop(i);
    boski_os_fail_at(0);
    CHECK_EQ(stats_exact().live, take_census(NULL).block_bytes);
    const size_t sizes[] = {16, 1000, 30000, 100000, 10 * MIB};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        void *p = get(sizes[i]);
        memset(p, 1, sizes[i]);
        bosk_free(p);
    }
}

TEST_OOM(oom, small_blocks)
{
    errno = 0;
    for (size_t i = 0; i < N; i++) note(i, bosk_malloc(i * 40), i * 40);
    for (size_t i = 0; i < N; i += 2) drop(i);
    for (size_t i = 0; i < N; i += 2) note(i, bosk_calloc(1, i * 60), i * 60);
    settle();
}

/* Large enough to need one more mapping each, or not. */
static size_t large_size(size_t i) { return (i % 5 + 1) * 300000 + (i % 4 == 0 ? 4 * MIB : 0); }

TEST_OOM(oom, large_blocks)
{
    for (size_t i = 0; i < 12; i++) note(i, bosk_malloc(large_size(i)), large_size(i));
    for (size_t i = 0; i < 12; i += 3) drop(i);
    for (size_t i = 0; i < 12; i += 3)
        note(i, bosk_calloc(3, large_size(i + 1) / 3), large_size(i + 1) / 3 * 3);
    settle();
}

TEST_OOM(oom, growing_by_realloc)
{
    for (size_t i = 0; i < 4; i++) {
        if (!note(i, bosk_malloc(100), 100)) continue;
        for (size_t size = 200; size < 12 * MIB; size = size * 5 / 3) {
            void *p = bosk_realloc(held[i].p, size);
            CHECK_FILL(p ? p : held[i].p, held[i].size, i);
            if (p)
                note(i, p, size);
            else
                CHECK_EQ(errno, ENOMEM);
        }
        void *p = bosk_realloc(held[i].p, 50);
        if (p) note(i, p, 50);
    }
    settle();
}

TEST_OOM(oom, aligned_and_grow)
{
    for (size_t i = 0; i < 20; i++) {
        size_t align = (size_t)16 << i;
        note(i, bosk_aligned_alloc(align, 1000 * i), 1000 * i);
        if (held[i].p) {
            CHECK_EQ((uintptr_t)held[i].p % align, 0);
            size_t got = bosk_grow(held[i].p, 3000 * i);
            CHECK(got == 0 || got >= 3000 * i);
        }
    }
    settle();
}

static void use_first_class_heaps(void)
{
    for (unsigned round = 0; round < 3; round++) {
        bosk_heap *h = bosk_heap_new(0);
        if (!h) {
            CHECK_EQ(errno, ENOMEM);
            continue;
        }
        for (size_t i = 0; i < N; i++) {
            size_t size = i % 10 ? i * 30 : i * 3000;
            note(i, bosk_heap_malloc(h, size), size);
        }
        for (size_t i = 0; i < N; i += 3) drop(i);
        for (size_t i = 0; i < N; i++) {
            if (held[i].p) CHECK_FILL(held[i].p, held[i].size, i);
            held[i].p = NULL;
        }
        bosk_heap_destroy(h);
    }
    settle();
}

TEST_OOM(oom, first_class_heaps) { use_first_class_heaps(); }
/* There nothing is left to fall back to, so that even the record of a heap may not be had. */
TEST_OOM_ENV(oom, first_class_heaps_in_arenas, "BOSK_CONF=reserve=1") { use_first_class_heaps(); }

static void *in_thread(void *arg)
{
    size_t base = (size_t)(uintptr_t)arg;
    for (size_t i = base; i < base + 50; i++) note(i, bosk_malloc(i * 25), i * 25);
    for (size_t i = base; i < base + 50; i += 2) drop(i);
    bosk_home_push((bosk_home){BOSK_HOME_MANUAL, NULL});
    bosk_home_pop();
    return NULL;
}
TEST_OOM(oom, threads)
{
    pthread_t thread[4];
    for (size_t i = 0; i < 4; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, in_thread, (void *)(i * 50)), 0);
    for (size_t i = 0; i < 4; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
    settle();
}

TEST_OOM(oom, trim_walk_and_labels)
{
    char name[16];
    for (size_t i = 0; i < N; i++) {
        snprintf(name, sizeof name, "label %zu", i);
        bosk_label_push(name);
        note(i, bosk_malloc(20000), 20000);
        bosk_label_pop();
        if (i % 40 == 0) bosk_trim(0);
        if (i % 64 == 1) {
            struct census c = {0};
            int err = bosk_heap_walk(NULL, BOSK_WALK_BLOCKS, census_visit, &c);
            CHECK(err == 0 || err == -ENOMEM);
        }
    }
    for (size_t i = 0; i < N; i += 2) drop(i);
    bosk_trim(0);
    settle();
}

TEST_OOM(oom, fork)
{
    note(0, bosk_malloc(100), 100);
    pid_t pid = fork();
    if (pid == 0) {
        for (size_t i = 1; i < 100; i++) note(i, bosk_malloc(i * 1000), i * 1000);
        for (size_t i = 0; i < 100; i++) drop(i);
        _exit(0);
    }
    CHECK_CHILD(pid);
    settle();
}

/* The same bodies where pages lie in arenas. */
TEST_OOM_ENV(oom, arena_mode, "BOSK_CONF=reserve=1")
{
    for (size_t i = 0; i < N; i++) note(i, bosk_malloc(i * 40), i * 40);
    for (size_t i = 0; i < 3; i++) {
        drop(i);
        note(i, bosk_malloc(large_size(i)), large_size(i));
    }
    for (size_t i = 0; i < N; i += 2) drop(i);
    bosk_trim(0);
    settle();
}

/* ---- failures while the heap starts ------------------------------------------------------- */

/* The image is started with the n-th request of all failing; with such a request in the middle
 * of the start-up the heap starts smaller, or the first malloc says ENOMEM and a later one works.
 */
static void use_after_a_failed_start(void)
{
    for (size_t i = 0; i < N; i++) note(i, bosk_malloc(i * 40), i * 40);
    for (size_t i = 0; i < N; i += 2) drop(i);
    for (size_t i = 0; i < N; i += 2) note(i, bosk_malloc(100000), 100000);
    settle();
    CHECK(boski_os_fail_count() > 0);
}
TEST_ENV(oom, start_with_failure_1, "BOSK_CONF=failos=1") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_2, "BOSK_CONF=failos=2") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_3, "BOSK_CONF=failos=3") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_4, "BOSK_CONF=failos=4") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_5, "BOSK_CONF=failos=5") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_6, "BOSK_CONF=failos=6") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_7, "BOSK_CONF=failos=7") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_8, "BOSK_CONF=failos=8") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_9, "BOSK_CONF=failos=9") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_10, "BOSK_CONF=failos=10") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_11, "BOSK_CONF=failos=11") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_12, "BOSK_CONF=failos=12") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_13, "BOSK_CONF=failos=13") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_14, "BOSK_CONF=failos=14") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_15, "BOSK_CONF=failos=15") { use_after_a_failed_start(); }
TEST_ENV(oom, start_with_failure_16, "BOSK_CONF=failos=16") { use_after_a_failed_start(); }
TEST_ENV(oom, arena_start_with_failure_1, "BOSK_CONF=reserve=1,failos=1")
{
    use_after_a_failed_start();
}
TEST_ENV(oom, arena_start_with_failure_3, "BOSK_CONF=reserve=1,failos=3")
{
    use_after_a_failed_start();
}
TEST_ENV(oom, arena_start_with_failure_5, "BOSK_CONF=reserve=1,failos=5")
{
    use_after_a_failed_start();
}
TEST_ENV(oom, arena_start_with_failure_7, "BOSK_CONF=reserve=1,failos=7")
{
    use_after_a_failed_start();
}
TEST_ENV(oom, arena_start_with_failure_9, "BOSK_CONF=reserve=1,failos=9")
{
    use_after_a_failed_start();
}
