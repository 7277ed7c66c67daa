/* heaps_test.c - first-class heaps: limits, accounting, destruction under other threads' frees. */
#include "heap_support.h"

#include <pthread.h>
#include <semaphore.h>

static bosk_heap *new_heap(size_t limit)
{
    bosk_heap *h = bosk_heap_new(limit);
    CHECK(h != NULL);
    return h;
}

TEST(heaps, blocks_of_every_size)
{
    bosk_heap *h = new_heap(0);
    static void *p[2000];
    size_t live = 0;
    for (size_t i = 0; i < COUNT_OF(p); i++) {
        size_t size = i % 100 == 99 ? i * 100 : i;
        p[i] = launder(bosk_heap_malloc(h, size));
        CHECK(p[i] != NULL && (uintptr_t)p[i] % 16 == 0);
        size_t usable = bosk_usable_size(p[i]);
        CHECK(usable >= size);
        fill(p[i], usable, i);
        live += usable;
    }
    CHECK_EQ(bosk_heap_live(h), live);
    CHECK(bosk_heap_bytes(h) >= live);
    for (size_t i = 0; i < COUNT_OF(p); i += 2) {
        size_t usable = bosk_usable_size(p[i]);
        CHECK_FILL(p[i], usable, i);
        live -= usable;
        bosk_free(p[i]);
    }
    CHECK_EQ(bosk_heap_live(h), live);
    for (size_t i = 1; i < COUNT_OF(p); i += 2) CHECK_FILL(p[i], bosk_usable_size(p[i]), i);
    bosk_heap_destroy(h);
}

TEST(heaps, limit_is_hard)
{
    const size_t limit = MIB;
    bosk_heap *h = new_heap(limit);
    static void *p[4096];
    const size_t sizes[] = {16, 100, 1000, 4096, 20000, 100000};
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        size_t n = 0;
        errno = 0;
        while (n < COUNT_OF(p) && (p[n] = launder(bosk_heap_malloc(h, sizes[s]))) != NULL) {
            CHECK(bosk_heap_bytes(h) <= limit);
            n++;
        }
        if (n < COUNT_OF(p)) CHECK_EQ(errno, ENOMEM);
        CHECK_MSG(n == COUNT_OF(p) || n * sizes[s] >= limit / 2, "%zu of %zu", n, sizes[s]);
        CHECK(n * sizes[s] <= limit);
        for (size_t i = 0; i < n; i++) bosk_free(p[i]);
        CHECK_EQ(bosk_heap_live(h), 0);
    }
    errno = 0;
    CHECK(launder(bosk_heap_malloc(h, 2 * limit)) == NULL);
    CHECK_EQ(errno, ENOMEM);
    bosk_heap_destroy(h);
}

TEST(heaps, limit_holds_for_realloc)
{
    bosk_heap *h = new_heap(MIB);
    void *p = launder(bosk_heap_malloc(h, 1000));
    CHECK(p != NULL);
    fill(p, 1000, 1);
    errno = 0;
    CHECK(launder(bosk_realloc(p, 4 * MIB)) == NULL);
    CHECK_EQ(errno, ENOMEM);
    CHECK_FILL(p, 1000, 1);
    void *q = launder(bosk_heap_malloc(h, 400000));
    CHECK(q != NULL);
    CHECK(bosk_grow(q, 2 * MIB) == 0);
    CHECK(bosk_heap_bytes(h) <= MIB);
    bosk_heap_destroy(h);
}

TEST(heaps, realloc_stays_in_the_heap)
{
    bosk_heap *h = new_heap(0);
    void *p = launder(bosk_heap_malloc(h, 10));
    CHECK(p != NULL);
    fill(p, 10, 1);
    for (size_t size = 20; size < 3 * MIB; size *= 3) {
        p = launder(bosk_realloc(p, size));
        CHECK(p != NULL);
        CHECK_FILL(p, 10, 1);
        bool known = false;
        bosk_home home = bosk_home_of(p, &known);
        CHECK(known && home.kind == BOSK_HOME_HEAP && home.owner == h);
        CHECK_EQ(bosk_heap_live(h), bosk_usable_size(p));
    }
    p = launder(bosk_realloc(p, 100));
    CHECK(p != NULL);
    CHECK_FILL(p, 10, 1);
    CHECK(bosk_home_of(p, NULL).owner == h);
    CHECK(bosk_realloc(p, 0) == NULL);
    CHECK_EQ(bosk_heap_live(h), 0);
    bosk_heap_destroy(h);
}

TEST(heaps, calloc_is_zero)
{
    bosk_heap *h = new_heap(0);
    for (unsigned round = 0; round < 3; round++)
        for (size_t size = 1; size < 300000; size = size * 2 + 3) {
            void *p[8];
            for (size_t i = 0; i < COUNT_OF(p); i++) {
                p[i] = launder(bosk_heap_calloc(h, 1, size));
                CHECK(p[i] != NULL);
                CHECK_ZERO(p[i], size);
                memset(p[i], 0xff, bosk_usable_size(p[i]));
            }
            for (size_t i = 0; i < COUNT_OF(p); i++) bosk_free(p[i]);
        }
    errno = 0;
    CHECK(launder(bosk_heap_calloc(h, launder_size(SIZE_MAX / 2), 4)) == NULL);
    CHECK_EQ(errno, ENOMEM);
    bosk_heap_destroy(h);
}

TEST(heaps, aligned)
{
    bosk_heap *h = new_heap(0);
    for (size_t align = 1; align <= MIB; align *= 2)
        for (size_t size = 0; size <= 2 * align && size < 100000; size = size * 2 + 1) {
            void *p = launder(bosk_heap_aligned_alloc(h, align, size));
            CHECK_MSG(p != NULL && (uintptr_t)p % align == 0, "%zu %zu: %p", align, size, p);
            fill(p, size, align);
            CHECK_FILL(p, size, align);
            CHECK(bosk_home_of(p, NULL).owner == h);
        }
    errno = 0;
    CHECK(launder(bosk_heap_aligned_alloc(h, 24, 8)) == NULL);
    CHECK_EQ(errno, EINVAL);
    bosk_heap_destroy(h);
}

TEST(heaps, destroy_gives_everything_back)
{
    struct bosk_heap_stats a = stats_exact();
    for (unsigned round = 0; round < 20; round++) {
        bosk_heap *h = new_heap(0);
        for (size_t i = 0; i < 3000; i++) {
            void *p = launder(bosk_heap_malloc(h, i % 50 ? i % 700 : i * 50));
            CHECK(p != NULL);
            if (i % 3 == 0) bosk_free(p);
        }
        bosk_heap_destroy(h);
    }
    struct bosk_heap_stats b = stats_exact();
    CHECK_EQ(b.live, a.live);
    CHECK_EQ(b.allocated - b.freed, a.allocated - a.freed);
    CHECK_EQ(b.mallocs - a.mallocs, b.frees - a.frees);
    CHECK_MSG(b.spans_inuse <= a.spans_inuse + 256 * KIB, "%llu and %llu",
              (unsigned long long)a.spans_inuse, (unsigned long long)b.spans_inuse);
    CHECK(b.metadata <= a.metadata + 2 * MIB);
}

TEST(heaps, destroy_of_null_does_nothing)
{
    struct bosk_heap_stats before = stats_exact();
    bosk_heap_destroy(NULL);
    CHECK_EQ(stats_exact().live, before.live);
}

TEST(heaps, empty_and_many)
{
    static bosk_heap *h[500];
    static void *p[500][10];
    struct bosk_heap_stats a = stats_exact();
    bosk_heap_destroy(new_heap(0));
    for (size_t i = 0; i < COUNT_OF(h); i++) {
        h[i] = new_heap(0);
        for (size_t k = 0; k < 10; k++) {
            p[i][k] = launder(bosk_heap_malloc(h[i], 10 * k + 1));
            CHECK(p[i][k] != NULL);
            fill(p[i][k], 10 * k + 1, i * 10 + k);
        }
    }
    /* Destroyed in another order than made; the rest stays whole. */
    for (size_t n = 0; n < COUNT_OF(h); n++) {
        size_t i = n * 77 % COUNT_OF(h);
        for (size_t k = 0; k < 10; k++) CHECK_FILL(p[i][k], 10 * k + 1, i * 10 + k);
        bosk_heap_destroy(h[i]);
    }
    CHECK_EQ(stats_exact().live, a.live);
}

struct seen {
    bosk_heap *heap;
    size_t blocks, bytes, spans, span_bytes;
};
static bool only_ours(void *ctx, const struct bosk_span_info *span, void *block, size_t bytes)
{
    struct seen *s = ctx;
    CHECK(span->heap == s->heap && span->home == BOSK_HOME_HEAP);
    if (block) {
        s->blocks++;
        s->bytes += bytes;
    } else {
        s->spans++;
        s->span_bytes += span->bytes;
    }
    return true;
}

TEST(heaps, walk_shows_exactly_its_blocks)
{
    bosk_heap *h = new_heap(0), *other = new_heap(0);
    size_t live = 0, blocks = 0;
    for (size_t i = 0; i < 1000; i++) {
        void *p = launder(bosk_heap_malloc(h, i * 7 % 900 + (i % 200 == 0 ? 100000 : 1)));
        CHECK(p != NULL);
        CHECK(launder(bosk_heap_malloc(other, 50)) != NULL);
        if (i % 4 == 0)
            bosk_free(p);
        else {
            blocks++;
            live += bosk_usable_size(p);
        }
    }
    struct seen s = {.heap = h};
    CHECK_EQ(bosk_heap_walk(h, BOSK_WALK_BLOCKS, only_ours, &s), 0);
    CHECK_EQ(s.blocks, blocks);
    CHECK_EQ(s.bytes, live);
    CHECK_EQ(s.bytes, bosk_heap_live(h));
    CHECK_EQ(s.span_bytes, bosk_heap_bytes(h));
    bosk_heap_destroy(h);
    s = (struct seen){.heap = other};
    CHECK_EQ(bosk_heap_walk(other, BOSK_WALK_BLOCKS, only_ours, &s), 0);
    CHECK_EQ(s.blocks, 1000);
    bosk_heap_destroy(other);
}

/* ---- destroy while another thread still caches what it freed of the heap ---------------- */

struct remote {
    sem_t go, done;
    void *block[64];
    bool stop;
};

/* Frees the heap's blocks into this thread's cache and goes on with its own work, in which
 * stale entries would come up. */
static void *remote_thread(void *arg)
{
    struct remote *r = arg;
    uint64_t tag = 0;
    for (;;) {
        while (sem_wait(&r->go) != 0) {}
        if (r->stop) return NULL;
        for (size_t i = 0; i < COUNT_OF(r->block); i++) bosk_free(r->block[i]);
        sem_post(&r->done);
        /* The heap is destroyed while this runs. */
        void *own[96];
        for (size_t i = 0; i < COUNT_OF(own); i++) fill(own[i] = get(i * 11), i * 11, tag + i);
        for (size_t i = 0; i < COUNT_OF(own); i++) {
            CHECK_FILL(own[i], i * 11, tag + i);
            bosk_free(own[i]);
        }
        tag += 100;
        sem_post(&r->done);
    }
}

TEST(heaps, thousand_destroys_under_remote_frees)
{
    enum { THREADS = 3 };
    static struct remote remote[THREADS];
    pthread_t thread[THREADS];
    struct bosk_heap_stats a = stats_exact();
    for (size_t t = 0; t < THREADS; t++) {
        sem_init(&remote[t].go, 0, 0);
        sem_init(&remote[t].done, 0, 0);
        CHECK_EQ(pthread_create(&thread[t], NULL, remote_thread, &remote[t]), 0);
    }
    static void *mine[200];
    uint64_t rounds = bosk_test_budget(1000);
    for (uint64_t round = 0; round < rounds; round++) {
        bosk_heap *h = new_heap(0);
        for (size_t t = 0; t < THREADS; t++)
            for (size_t i = 0; i < COUNT_OF(remote[t].block); i++) {
                size_t size = (i * 13 + (size_t)round) % 1500 + 1;
                remote[t].block[i] = launder(bosk_heap_malloc(h, size));
                CHECK(remote[t].block[i] != NULL);
                memset(remote[t].block[i], 0xab, size);
            }
        for (size_t i = 0; i < 50; i++) CHECK(launder(bosk_heap_malloc(h, 100 + i)) != NULL);
        for (size_t t = 0; t < THREADS; t++) sem_post(&remote[t].go);
        for (size_t t = 0; t < THREADS; t++)
            while (sem_wait(&remote[t].done) != 0) {}
        bosk_heap_destroy(h);
        /* Reuses the pages at once, while stale entries may still lie in caches. */
        for (size_t i = 0; i < COUNT_OF(mine); i++)
            fill(mine[i] = get(i * 9 % 1500), i * 9 % 1500, round + i);
        for (size_t t = 0; t < THREADS; t++)
            while (sem_wait(&remote[t].done) != 0) {}
        for (size_t i = 0; i < COUNT_OF(mine); i++) {
            CHECK_FILL(mine[i], i * 9 % 1500, round + i);
            bosk_free(mine[i]);
        }
    }
    for (size_t t = 0; t < THREADS; t++) {
        remote[t].stop = true;
        sem_post(&remote[t].go);
        CHECK_EQ(pthread_join(thread[t], NULL), 0);
    }
    struct bosk_heap_stats b = stats_exact();
    CHECK_EQ(b.live, a.live);
    CHECK_EQ(take_census(NULL).block_bytes, b.live);
    CHECK(b.spans_inuse <= a.spans_inuse + 2 * MIB);
}

TEST(heaps, freed_by_any_thread_counts_at_once_or_at_its_end)
{
    static struct remote r;
    pthread_t thread;
    bosk_heap *h = new_heap(0);
    for (size_t i = 0; i < COUNT_OF(r.block); i++) {
        r.block[i] = launder(bosk_heap_malloc(h, 100));
        CHECK(r.block[i] != NULL);
    }
    sem_init(&r.go, 0, 1);
    sem_init(&r.done, 0, 0);
    CHECK_EQ(pthread_create(&thread, NULL, remote_thread, &r), 0);
    while (sem_wait(&r.done) != 0) {}
    while (sem_wait(&r.done) != 0) {}
    r.stop = true;
    sem_post(&r.go);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(bosk_heap_live(h), 0);
    bosk_heap_destroy(h);
}

/* Threads allocate from one heap at a time each their own, and from one that is shared. */
static bosk_heap *shared_heap;
static void *shared_thread(void *arg)
{
    uint64_t rng = (uint64_t)(uintptr_t)arg + 1;
    void *p[64] = {NULL};
    size_t size[64] = {0};
    uint64_t n = bosk_test_budget(30000);
    for (uint64_t i = 0; i < n; i++) {
        size_t at = (size_t)(bosk_test_random(&rng) % 64);
        if (p[at]) {
            CHECK_FILL(p[at], size[at], at + (uintptr_t)arg);
            bosk_free(p[at]);
        }
        size[at] = (size_t)(bosk_test_random(&rng) % 600);
        p[at] = launder(bosk_heap_malloc(shared_heap, size[at]));
        CHECK(p[at] != NULL);
        fill(p[at], size[at], at + (uintptr_t)arg);
    }
    for (size_t at = 0; at < 64; at++) bosk_free(p[at]);
    return NULL;
}

TEST(heaps, shared_by_threads)
{
    pthread_t thread[4];
    shared_heap = new_heap(0);
    for (size_t i = 0; i < 4; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, shared_thread, (void *)(i * 1000 + 7)), 0);
    for (size_t i = 0; i < 4; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
    CHECK_EQ(bosk_heap_live(shared_heap), 0);
    bosk_heap_destroy(shared_heap);
}
