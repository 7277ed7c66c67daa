/* pool_test.c - pools: what comes back, what is stolen, what is given up, and when. */
#include "container/pool_ring.h"
#include "heap_support.h"

#include <bosk/arena.h>
#include <bosk/gc.h>
#include <bosk/pool.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

struct item {
    uint32_t holders; /* threads that have it */
    uint32_t number;
    char fill[100];
};
/* But those that a test asks for: a slow machine must not count its own. */
#define NO_TICKS "BOSK_CONF=scavenge_window=3600000"

static uint32_t made, dropped;
static __thread bool in_malloc;
static bool slow_drop; /* so that a pool is being aged whenever one looks */

static void *item_new(void)
{
    struct item *x = bosk_calloc(1, sizeof *x);
    CHECK(x != NULL);
    x->number = __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
    return x;
}
static void item_drop(void *p)
{
    struct item *x = p;
    CHECK(!in_malloc);
    CHECK_EQ(x->holders, 0);
    x->holders = 99;
    if (__atomic_load_n(&slow_drop, __ATOMIC_RELAXED)) usleep(200);
    __atomic_fetch_add(&dropped, 1, __ATOMIC_RELAXED);
    bosk_free(x);
}
static bosk_pool items = BOSK_POOL(item_new, item_drop);

static struct item *borrow(void)
{
    struct item *x = bosk_pool_get(&items);
    CHECK(x != NULL);
    CHECK_EQ(__atomic_fetch_add(&x->holders, 1, __ATOMIC_RELAXED), 0);
    return x;
}
static void give(struct item *x)
{
    CHECK_EQ(__atomic_fetch_sub(&x->holders, 1, __ATOMIC_RELAXED), 1);
    bosk_pool_put(&items, x);
}
#define get_block(n) launder(bosk_malloc(n))

TEST(pool, empty_gives_null_or_a_new_one)
{
    static bosk_pool none;
    static const bosk_type type = {.size = 40, .align = 8, .noscan = true, .name = "forty"};
    static bosk_pool typed = BOSK_POOL_OF_TYPE(&type);
    CHECK(bosk_pool_get(&none) == NULL);
    CHECK_EQ(bosk_pool_len(&none), 0);
    give(borrow());
    CHECK_EQ(made, 1);
    unsigned char *p = bosk_pool_get(&typed);
    CHECK(p != NULL);
    CHECK_ZERO(p, 40);
    memset(p, 7, 40);
    bosk_pool_put(&typed, p);
    CHECK(bosk_pool_get(&typed) == p && p[39] == 7); /* as it was put, not cleared */
    bosk_free(p);
    bosk_pool_free(&typed);
    bosk_pool_free(&none);
}

TEST(pool, put_of_null_does_nothing)
{
    static bosk_pool none;
    bosk_pool_put(&none, NULL);
    CHECK_EQ(bosk_pool_len(&none), 0);
    CHECK(none.boski_state == NULL);
}

TEST_ENV(pool, the_last_put_comes_first, NO_TICKS)
{
    struct item *x[100];
    for (size_t i = 0; i < COUNT_OF(x); i++) x[i] = borrow();
    CHECK_EQ(made, 100);
    for (size_t i = 0; i < COUNT_OF(x); i++) give(x[i]);
    CHECK_EQ(bosk_pool_len(&items), 100);
    /* The first put is in the place for one, and goes first; then the others from the end. */
    CHECK(borrow() == x[0]);
    for (size_t i = COUNT_OF(x); i-- > 1;) CHECK(borrow() == x[i]);
    CHECK_EQ(bosk_pool_len(&items), 0);
    CHECK_EQ(made, 100);
}

TEST_ENV(pool, two_ticks_empty_it, NO_TICKS)
{
    struct item *x[50];
    for (size_t i = 0; i < COUNT_OF(x); i++) x[i] = borrow();
    for (size_t i = 0; i < COUNT_OF(x); i++) give(x[i]);
    bosk_trim(SIZE_MAX);
    CHECK_EQ(dropped, 0);
    CHECK_EQ(bosk_pool_len(&items), 50);
    bosk_trim(SIZE_MAX);
    CHECK_EQ(dropped, 50);
    CHECK_EQ(bosk_pool_len(&items), 0);
}

TEST_ENV(pool, victims_are_found_and_live_again, NO_TICKS)
{
    struct item *x[20];
    for (size_t i = 0; i < COUNT_OF(x); i++) x[i] = borrow();
    for (size_t i = 0; i < COUNT_OF(x); i++) give(x[i]);
    for (unsigned round = 0; round < 10; round++) {
        bosk_trim(SIZE_MAX);
        for (size_t i = 0; i < COUNT_OF(x); i++) x[i] = borrow();
        CHECK_EQ(made, 20);
        for (size_t i = 0; i < COUNT_OF(x); i++) give(x[i]);
    }
    CHECK_EQ(dropped, 0);
}

TEST_ENV(pool, what_is_used_stays_and_what_is_not_goes, NO_TICKS)
{
    struct item *x[20];
    for (size_t i = 0; i < COUNT_OF(x); i++) x[i] = borrow();
    for (size_t i = 0; i < COUNT_OF(x); i++) give(x[i]);
    for (unsigned round = 0; round < 4; round++) {
        bosk_trim(SIZE_MAX);
        give(borrow());
    }
    CHECK_EQ(bosk_pool_len(&items), 1);
    CHECK_EQ(dropped, 19);
    CHECK_EQ(made, 20);
}

TEST_ENV(pool, more_than_it_can_hold_is_dropped, NO_TICKS)
{
    enum { N = 70000 };
    static struct item *x[N];
    for (size_t i = 0; i < N; i++) x[i] = borrow();
    for (size_t i = 0; i < N; i++) give(x[i]);
    CHECK_EQ(bosk_pool_len(&items), 65521);
    CHECK_EQ(dropped, N - 65521);
    for (size_t i = 0; i < 65521; i++) x[i] = borrow();
    CHECK_EQ(made, N);
    for (size_t i = 0; i < 65521; i++) give(x[i]);
    bosk_pool_free(&items);
    CHECK_EQ(dropped, N);
}

TEST_ENV(pool, free_drops_all_and_leaves_it_as_new, NO_TICKS)
{
    uint64_t live = stats_exact().live;
    for (unsigned round = 0; round < 3; round++) {
        struct item *x[200];
        for (size_t i = 0; i < COUNT_OF(x); i++) x[i] = borrow();
        for (size_t i = 0; i < COUNT_OF(x); i++) give(x[i]);
        bosk_trim(SIZE_MAX);
        for (size_t i = 0; i < 50; i++) give(item_new() != NULL ? borrow() : NULL);
        bosk_pool_free(&items);
        CHECK_EQ(bosk_pool_len(&items), 0);
        CHECK(items.boski_state == NULL);
        bosk_pool_free(&items);
    }
    CHECK(made > 600 && made - 150 == dropped); /* 50 a round were made beside the pool */
    CHECK(stats_exact().live <= live + 150 * 112);
}

/* ---- ticks ------------------------------------------------------------------------------ */

/* Slow paths of the allocator, at different times. */
static void allocate_for(unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        usleep(1000);
        in_malloc = true;
        void *p[64];
        for (size_t k = 0; k < COUNT_OF(p); k++) p[k] = get_block(100000 + 9000 * k);
        for (size_t k = 0; k < COUNT_OF(p); k++) bosk_free(p[k]);
        in_malloc = false;
    }
}

TEST_ENV(pool, allocation_alone_empties_a_pool_of_blocks, "BOSK_CONF=scavenge_window=5")
{
    static bosk_pool blocks;
    for (size_t i = 0; i < 100; i++) bosk_pool_put(&blocks, get_block(100));
    CHECK_EQ(bosk_pool_len(&blocks), 100);
    for (unsigned i = 0; i < 100 && bosk_pool_len(&blocks) != 0; i++) allocate_for(20);
    CHECK_EQ(bosk_pool_len(&blocks), 0);
    bosk_pool_free(&blocks);
}

TEST_ENV(pool, the_users_function_is_not_called_from_malloc, "BOSK_CONF=scavenge_window=5")
{
    struct item *x[30];
    for (size_t i = 0; i < COUNT_OF(x); i++) x[i] = borrow();
    for (size_t i = 0; i < COUNT_OF(x); i++) give(x[i]);
    allocate_for(200);
    CHECK_EQ(dropped, 0); /* item_drop looks at in_malloc, too */
    CHECK_EQ(bosk_pool_len(&items), 30);
    for (unsigned i = 0; i < 100 && dropped == 0; i++) {
        allocate_for(50);
        give(borrow());
    }
    CHECK_EQ(dropped, 29);
    CHECK_EQ(bosk_pool_len(&items), 1);
}

TEST_ENV(pool, the_scavengers_thread_empties_it, "BOSK_CONF=scavenger=thread,scavenge_window=5")
{
    for (size_t i = 0; i < 10; i++) bosk_pool_put(&items, item_new());
    for (unsigned i = 0; i < 400 && bosk_pool_len(&items) != 0; i++) usleep(10000);
    CHECK_EQ(bosk_pool_len(&items), 0);
    CHECK_EQ(__atomic_load_n(&dropped, __ATOMIC_RELAXED), 10);
}

static bosk_pool nested = BOSK_POOL(NULL, NULL);
static void drop_into_another(void *p)
{
    bosk_pool_put(&nested, p);
    bosk_pool_put(&items, item_new()); /* a pool that may be in the middle of its turn */
}
TEST_ENV(pool, drop_may_use_pools, NO_TICKS)
{
    static bosk_pool outer = BOSK_POOL(NULL, drop_into_another);
    for (size_t i = 0; i < 20; i++) bosk_pool_put(&outer, get_block(50));
    bosk_trim(SIZE_MAX);
    bosk_trim(SIZE_MAX);
    CHECK_EQ(bosk_pool_len(&outer), 0);
    CHECK_EQ(bosk_pool_len(&nested), 20);
    bosk_pool_free(&outer);
    bosk_pool_free(&nested);
}

TEST(pool, what_is_not_the_pools_to_free_is_left_alone)
{
    static bosk_pool any;
    static char object[100];
    bosk_arena *a = bosk_arena_new(0);
    CHECK(a != NULL);
    char *p = bosk_arena_alloc(a, 100, 0), *q = bosk_arena_alloc(a, 100, 0);
    CHECK(p != NULL && q != NULL);
    memset(p, 5, 100);
    bosk_pool_put(&any, object);
    bosk_pool_put(&any, p);
    bosk_pool_free(&any);
    CHECK(p[99] == 5 && bosk_find_block(p, NULL, NULL));
    bosk_arena_free(a);
}

/* ---- threads --------------------------------------------------------------------------------- */

static void *put_some(void *arg)
{
    struct item *x[40];
    (void)arg;
    for (size_t i = 0; i < COUNT_OF(x); i++) x[i] = borrow();
    for (size_t i = 0; i < COUNT_OF(x); i++) give(x[i]);
    return NULL;
}
static void in_thread(void *(*body)(void *))
{
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

TEST_ENV(pool, others_take_what_an_ended_thread_left, NO_TICKS)
{
    give(borrow()); /* this thread has its place first */
    in_thread(put_some);
    CHECK_EQ(made, 41); /* what lies in a thread's own place is not stolen */
    CHECK_EQ(bosk_pool_len(&items), 41);
    for (int i = 0; i < 40; i++) borrow();
    CHECK_EQ(made, 41);
    CHECK_EQ(bosk_pool_len(&items), 1);
    bosk_trim(SIZE_MAX);
    borrow(); /* as a victim it is anybody's */
    CHECK_EQ(made, 41);
}

TEST_ENV(pool, threads_that_come_and_go_reuse_places, NO_TICKS)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < 200; i++) {
        in_thread(put_some);
        if (i == 20) bytes = stats_exact().live;
    }
    CHECK(stats_exact().live <= bytes + 8 * KIB);
    CHECK(made <= 400);
}

static uint32_t running;
static void *steal_and_put(void *arg)
{
    uint64_t rng = (uint64_t)(uintptr_t)arg * 77 + 1, n = bosk_test_budget(30000);
    struct item *mine[32] = {NULL};
    for (uint64_t i = 0; i < n; i++) {
        size_t at = (size_t)(bosk_test_random(&rng) % COUNT_OF(mine));
        if (mine[at] != NULL) {
            give(mine[at]);
            mine[at] = NULL;
        } else {
            mine[at] = borrow();
        }
    }
    for (size_t i = 0; i < COUNT_OF(mine); i++)
        if (mine[i] != NULL) give(mine[i]);
    __atomic_fetch_sub(&running, 1, __ATOMIC_RELAXED);
    return NULL;
}
static void run_threads(unsigned n, bool ticks)
{
    pthread_t thread[8];
    __atomic_store_n(&running, n, __ATOMIC_RELAXED);
    for (uintptr_t i = 0; i < n; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, steal_and_put, (void *)i), 0);
    while (ticks && __atomic_load_n(&running, __ATOMIC_RELAXED) != 0) bosk_trim(SIZE_MAX);
    for (unsigned i = 0; i < n; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

TEST(pool, each_item_is_held_by_one)
{
    run_threads(4, false);
    CHECK_EQ(made - dropped, bosk_pool_len(&items));
    CHECK(made <= 4 * 32 + dropped);
    bosk_pool_free(&items);
    CHECK_EQ(made, dropped);
}

TEST(pool, also_while_ticks_come)
{
    run_threads(4, true);
    CHECK_EQ(made - dropped, bosk_pool_len(&items));
    bosk_pool_free(&items);
    CHECK_EQ(made, dropped);
}

/* ---- the ring alone ---- */

enum { RING = 16, TAKERS = 3 };
static struct boski_ring *ring;
static uint32_t *taken;
static bool pushed_all;

static void count_item(void *p)
{
    uintptr_t i = (uintptr_t)p;
    CHECK_EQ(__atomic_fetch_add(&taken[i], 1, __ATOMIC_RELAXED), 0);
}
static void *take_all(void *arg)
{
    (void)arg;
    for (;;) {
        bool last = __atomic_load_n(&pushed_all, __ATOMIC_ACQUIRE);
        void *p = boski_ring_take(ring);
        if (p != NULL) count_item(p);
        if (p == NULL && last) return NULL;
    }
}
/* The counts come round many times. */
TEST(pool, ring_gives_each_item_once)
{
    uint64_t n = bosk_test_budget(400000);
    pthread_t thread[TAKERS];
    ring = bosk_calloc(1, sizeof *ring + RING * sizeof ring->slot[0]);
    taken = bosk_calloc((size_t)n + 1, sizeof *taken);
    CHECK(ring != NULL && taken != NULL);
    ring->mask = RING - 1;
    for (unsigned i = 0; i < TAKERS; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, take_all, NULL), 0);
    uint64_t rng = bosk_test_seed() | 1;
    for (uint64_t i = 1; i <= n;) {
        if (bosk_test_random(&rng) % 4 == 0) {
            void *p = boski_ring_pop(ring);
            if (p != NULL) count_item(p);
        } else if (boski_ring_push(ring, (void *)(uintptr_t)i)) {
            i++;
        }
    }
    for (void *p; (p = boski_ring_pop(ring)) != NULL;) count_item(p);
    __atomic_store_n(&pushed_all, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < TAKERS; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
    for (uint64_t i = 1; i <= n; i++) CHECK_MSG(taken[i] == 1, "%u of it", taken[i]);
    CHECK_EQ(boski_ring_len(ring), 0);
}

TEST(pool, ring_is_bounded_and_ordered)
{
    ring = bosk_calloc(1, sizeof *ring + RING * sizeof ring->slot[0]);
    CHECK(ring != NULL);
    ring->mask = RING - 1;
    for (uintptr_t round = 0; round < 10000; round++) {
        CHECK(boski_ring_pop(ring) == NULL && boski_ring_take(ring) == NULL);
        for (uintptr_t i = 1; i <= RING; i++) CHECK(boski_ring_push(ring, (void *)i));
        CHECK(!boski_ring_push(ring, ring));
        CHECK_EQ(boski_ring_len(ring), RING);
        for (uintptr_t i = 1; i <= 5; i++) CHECK(boski_ring_take(ring) == (void *)i);
        for (uintptr_t i = RING; i > 5; i--) CHECK(boski_ring_pop(ring) == (void *)i);
    }
}

/* ---- forks, no memory ---- */

static bool stop;
static void *churn(void *arg)
{
    (void)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        struct item *x[40];
        for (size_t i = 0; i < COUNT_OF(x); i++) x[i] = borrow();
        for (size_t i = 0; i < COUNT_OF(x); i++) give(x[i]);
    }
    return NULL;
}
static void *age(void *arg)
{
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) bosk_trim(SIZE_MAX);
    return arg;
}
TEST_ENV(pool, fork_children_use_it, NO_TICKS)
{
    pthread_t thread[3];
    slow_drop = true;
    CHECK_EQ(pthread_create(&thread[2], NULL, age, NULL), 0);
    for (int i = 0; i < 2; i++) CHECK_EQ(pthread_create(&thread[i], NULL, churn, NULL), 0);
    put_some(NULL);
    uint64_t n = bosk_test_budget(60);
    for (uint64_t i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            alarm(20);
            slow_drop = false;
            size_t len = bosk_pool_len(&items);
            uint32_t before = made;
            struct item *x[500];
            for (size_t k = 0; k < COUNT_OF(x); k++) {
                x[k] = bosk_pool_get(&items);
                CHECK(x[k] != NULL);
                x[k]->holders = 0;
            }
            CHECK(made - before >= COUNT_OF(x) - (len < COUNT_OF(x) ? len : COUNT_OF(x)));
            for (size_t k = 0; k < COUNT_OF(x); k++) bosk_pool_put(&items, x[k]);
            put_some(NULL);
            uint32_t was = dropped;
            bosk_trim(SIZE_MAX);
            bosk_trim(SIZE_MAX);
            CHECK_EQ(bosk_pool_len(&items), 0);
            CHECK(dropped - was >= COUNT_OF(x));
            /* ThreadSanitizer and qemu 7.2 cannot start a thread here. */
            if (!SANITIZED && getenv("BOSK_TEST_EMULATOR") == NULL) in_thread(put_some);
            _exit(0);
        }
        CHECK_CHILD(pid);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < 3; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

TEST_OOM(pool, without_memory_items_are_dropped)
{
    static bosk_pool blocks;
    size_t n = 0;
    for (size_t i = 0; i < 3000; i++) {
        void *p = get_block(200);
        if (p == NULL) continue;
        n++;
        bosk_pool_put(&blocks, p);
    }
    CHECK(bosk_pool_len(&blocks) <= n);
    for (size_t i = 0; i < 3000; i++) {
        void *p = bosk_pool_get(&blocks);
        if (p == NULL) break;
        memset(p, 1, 200);
        bosk_free(p);
    }
    CHECK_EQ(bosk_pool_len(&blocks), 0);
    bosk_pool_free(&blocks);
}

/* ---- with a collector ---- */

static bosk_pool collected;
static __attribute__((noinline)) void fill_collected(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t *p = bosk_gc_malloc(64);
        CHECK(p != NULL);
        for (size_t k = 0; k < 8; k++) p[k] = i * 8 + k;
        bosk_pool_put(&collected, p);
    }
}
TEST_ENV(pool, keeps_collected_objects_for_a_cycle, NO_TICKS)
{
    SKIP_EMULATED("qemu has a thread of its own, which cannot be stopped");
    fill_collected(200);
    CHECK(bosk_gc_collect());
    CHECK_EQ(bosk_pool_len(&collected), 200);
    fill_collected(0);
    for (size_t i = 0; i < 1000; i++) memset(bosk_gc_malloc(64), 0xff, 64);
    for (size_t i = 0; i < 50; i++) {
        uint64_t *p = bosk_pool_get(&collected);
        CHECK(p != NULL);
        for (size_t k = 1; k < 8; k++) CHECK_EQ(p[k], p[0] + k);
    }
    CHECK(bosk_gc_collect());
    CHECK_EQ(bosk_pool_len(&collected), 0);
    bosk_pool_free(&collected);
}
