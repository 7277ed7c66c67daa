/* walk_test.c - the walk, the statistics and block lookup agree with what was really allocated. */
#include "heap_support.h"

#include <bosk/record.h>
#include <pthread.h>
#include <semaphore.h>

enum { MAX_BLOCKS = 40000 };

static const uint16_t class_bytes[] = BOSK_RECORD_CLASS_BYTES;

/* Every block in use, sorted. */
struct listing {
    uintptr_t block[MAX_BLOCKS];
    size_t bytes[MAX_BLOCKS];
    size_t n;
    uintptr_t span_end; /* of the span visited last: address order, no overlap */
    size_t span_live, span_seen;
    size_t span_bytes;
};
static struct listing before, after;

static bool list_block(void *ctx, const struct bosk_span_info *span, void *block, size_t bytes)
{
    struct listing *l = ctx;
    if (!block) {
        CHECK_EQ(l->span_seen, l->span_live); /* nlive of the span before */
        CHECK((uintptr_t)span->base >= l->span_end);
        CHECK((uintptr_t)span->base % 8192 == 0 && span->bytes % 8192 == 0 && span->bytes > 0);
        CHECK(span->elem_bytes * span->nelems <= span->bytes);
        CHECK(span->nelems > 0 && span->nlive <= span->nelems);
        CHECK(span->kind <= BOSK_KIND_SCAN && span->home <= BOSK_HOME_HEAP);
        CHECK(span->class_ < COUNT_OF(class_bytes));
        if (span->class_ != 0)
            CHECK_EQ(span->elem_bytes, class_bytes[span->class_]);
        else
            CHECK(span->nelems == 1 && span->elem_bytes == span->bytes);
        CHECK((span->home == BOSK_HOME_HEAP) == (span->heap != NULL) || span->sampled);
        l->span_end = (uintptr_t)span->base + span->bytes;
        l->span_live = span->nlive;
        l->span_seen = 0;
        l->span_bytes += span->bytes;
        return true;
    }
    CHECK((uintptr_t)block >= (uintptr_t)span->base);
    CHECK((uintptr_t)block + bytes <= (uintptr_t)span->base + span->bytes);
    CHECK_EQ(((uintptr_t)block - (uintptr_t)span->base) % span->elem_bytes, 0);
    CHECK_EQ(bytes, span->elem_bytes);
    CHECK(l->n < MAX_BLOCKS);
    CHECK(l->n == 0 || (uintptr_t)block > l->block[l->n - 1]);
    l->block[l->n] = (uintptr_t)block;
    l->bytes[l->n++] = bytes;
    l->span_seen++;
    return true;
}

static void make_listing(struct listing *l)
{
    memset(l, 0, sizeof *l);
    CHECK_EQ(bosk_heap_walk(NULL, BOSK_WALK_BLOCKS, list_block, l), 0);
    CHECK_EQ(l->span_seen, l->span_live);
}

static int by_address(const void *a, const void *b)
{
    uintptr_t l = *(const uintptr_t *)a, r = *(const uintptr_t *)b;
    return l < r ? -1 : l > r;
}

/* The blocks of `after` that were not in `before` must be exactly `block[0..n)`. */
static void check_difference(uintptr_t *block, size_t n)
{
    qsort(block, n, sizeof *block, by_address);
    size_t i = 0, k = 0, old = 0;
    for (; i < after.n; i++) {
        if (old < before.n && before.block[old] == after.block[i]) {
            old++;
            continue;
        }
        CHECK_MSG(k < n && after.block[i] == block[k], "the walk shows %#zx, expected %#zx",
                  (size_t)after.block[i], k < n ? (size_t)block[k] : 0);
        k++;
    }
    CHECK_EQ(k, n);
    CHECK_EQ(old, before.n);
}

TEST(walk, shows_exactly_the_blocks_in_use)
{
    static uintptr_t live[MAX_BLOCKS];
    size_t n = 0;
    uint64_t rng = bosk_test_seed();
    bosk_free(get(100));
    bosk_heap *heap = bosk_heap_new(0); /* its record is a block itself: before the listing */
    CHECK(heap != NULL);
    make_listing(&before);
    const bosk_type words = {.size = 8, .align = 8, .noscan = false, .name = "words"};
    const bosk_type bytes = {.size = 1, .align = 1, .noscan = true, .name = "bytes"};
    for (size_t step = 0; step < 30000; step++) {
        uint64_t r = bosk_test_random(&rng);
        if (n > 0 && r % 5 < 2) {
            size_t at = (size_t)((r >> 8) % n);
            bosk_free((void *)live[at]);
            live[at] = live[--n];
            continue;
        }
        size_t size = (size_t)((r >> 20) % ((r >> 8) % 64 ? 1500 : 60000));
        void *p = NULL;
        switch ((r >> 4) % 16) {
        case 0: p = bosk_aligned_alloc((size_t)16 << ((r >> 40) % 8), size); break;
        case 1: p = bosk_calloc(1, size); break;
        case 2: p = bosk_heap_malloc(heap, size); break;
        case 3:
            p = bosk_alloc_in((bosk_home){BOSK_HOME_MANUAL, NULL}, &bytes, size + 1, false);
            break;
        case 4:
            p = bosk_alloc_in((bosk_home){BOSK_HOME_ROOT, NULL}, &words, size / 8 + 1, true);
            break;
        case 5:
            if (n > 0) {
                size_t at = (size_t)((r >> 8) % n);
                p = bosk_realloc((void *)live[at], size + 1);
                live[at] = live[--n];
                break;
            }
            /* fall through */
        default: p = bosk_malloc(size); break;
        }
        CHECK(p != NULL);
        live[n++] = (uintptr_t)p;
    }
    make_listing(&after);
    check_difference(live, n);
    /* The statistics count the same bytes. */
    struct bosk_heap_stats s = stats_exact();
    size_t bytes_in_use = 0;
    for (size_t i = 0; i < after.n; i++) bytes_in_use += after.bytes[i];
    CHECK_EQ(s.live, bytes_in_use);
    make_listing(&after); /* and flushing has changed nothing */
    check_difference(live, n);
    CHECK_EQ(s.spans_inuse, after.span_bytes);
    for (size_t i = 0; i < n; i++) bosk_free((void *)live[i]);
    make_listing(&after);
    check_difference(live, 0);
    bosk_heap_destroy(heap);
}

/* ---- what other threads have in their caches is free ---------------------------------------- */

static sem_t freed_there, looked_here;
static void *frees_and_waits(void *arg)
{
    void *p[500], **kept = arg;
    for (size_t i = 0; i < COUNT_OF(p); i++) p[i] = get(i % 7 * 100);
    for (size_t i = 0; i < COUNT_OF(p); i++)
        if (i % 50 == 0)
            *kept++ = p[i];
        else
            bosk_free(p[i]);
    sem_post(&freed_there);
    while (sem_wait(&looked_here) != 0) {}
    return NULL;
}

TEST(walk, leaves_out_what_other_threads_have_cached)
{
    static void *kept[10];
    uintptr_t expected[10];
    pthread_t thread;
    sem_init(&freed_there, 0, 0);
    sem_init(&looked_here, 0, 0);
    make_listing(&before);
    CHECK_EQ(pthread_create(&thread, NULL, frees_and_waits, kept), 0);
    while (sem_wait(&freed_there) != 0) {}
    make_listing(&after);
    for (size_t i = 0; i < COUNT_OF(kept); i++) expected[i] = (uintptr_t)kept[i];
    check_difference(expected, COUNT_OF(expected));
    sem_post(&looked_here);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    make_listing(&after); /* and what a thread that has ended left in its cache */
    check_difference(expected, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(kept); i++) bosk_free(kept[i]);
}

TEST(walk, statistics_hold_together)
{
    uint64_t rng = bosk_test_seed();
    static void *p[3000];
    for (unsigned round = 0; round < 30; round++) {
        for (size_t i = 0; i < 20000; i++) {
            uint64_t r = bosk_test_random(&rng);
            size_t at = (size_t)(r % COUNT_OF(p));
            size_t size = (size_t)((r >> 20) % (round % 5 == 0 ? 30000 : 800));
            if ((r >> 8) % 512 == 0) size += (r >> 32) % MIB;
            if (p[at] && (r >> 8) % 16 == 0) {
                p[at] = launder(bosk_realloc(p[at], size + 1));
                CHECK(p[at] != NULL);
                continue;
            }
            bosk_free(p[at]);
            p[at] = get(size);
        }
        struct bosk_heap_stats s = stats_exact();
        struct census c = take_census(NULL);
        CHECK_EQ(s.allocated - s.freed, s.live);
        CHECK_EQ(s.live, c.block_bytes);
        CHECK_EQ(s.mallocs - s.frees, c.blocks);
        CHECK_EQ(s.spans_inuse, c.span_bytes);
        CHECK(s.peak >= s.live);
        CHECK(s.mapped >= s.spans_inuse + s.dirty);
        CHECK_EQ(s.mapped, s.spans_inuse + s.dirty + s.released);
        CHECK(s.metadata > 0 && s.metadata < s.mapped + 8 * MIB);
        CHECK(s.released_total >= s.thrashed);
        if (round % 4 == 3) bosk_trim(0);
        if (round % 7 == 6)
            for (size_t i = 0; i < COUNT_OF(p); i++) {
                bosk_free(p[i]);
                p[i] = NULL;
            }
    }
}

static bool stop_at_third(void *ctx, const struct bosk_span_info *span, void *block, size_t bytes)
{
    (void)span, (void)block, (void)bytes;
    return ++*(int *)ctx < 3;
}
static bool no_blocks(void *ctx, const struct bosk_span_info *span, void *block, size_t bytes)
{
    (void)span, (void)bytes;
    CHECK(block == NULL);
    ++*(int *)ctx;
    return true;
}

TEST(walk, stops_when_asked_and_leaves_blocks_out)
{
    void *p[10];
    for (size_t i = 0; i < COUNT_OF(p); i++) p[i] = get(i * 500);
    int n = 0;
    CHECK_EQ(bosk_heap_walk(NULL, BOSK_WALK_BLOCKS, stop_at_third, &n), -ECANCELED);
    CHECK_EQ(n, 3);
    n = 0;
    CHECK_EQ(bosk_heap_walk(NULL, BOSK_WALK_SPANS, no_blocks, &n), 0);
    CHECK_EQ(n, take_census(NULL).spans);
    for (size_t i = 0; i < COUNT_OF(p); i++) bosk_free(p[i]);
}

TEST(walk, finds_blocks_from_any_interior_pointer)
{
    for (size_t size = 1; size < 5 * MIB; size = size * 3 / 2 + 7) {
        char *p = get(size), *q = get(size);
        size_t usable = bosk_usable_size(p), bytes = 0;
        const size_t inside[] = {0, 1, usable / 3, usable / 2, usable - 1};
        for (size_t i = 0; i < COUNT_OF(inside); i++) {
            void *start = NULL;
            bool known = false;
            if (inside[i] >= usable) continue;
            CHECK(bosk_find_block(p + inside[i], &start, &bytes));
            CHECK_MSG(start == p && bytes == usable, "%p+%zu: %p of %zu, not %zu", (void *)p,
                      inside[i], start, bytes, usable);
            CHECK_EQ(bosk_home_of(p + inside[i], &known).kind, BOSK_HOME_MANUAL);
            CHECK(known);
        }
        bosk_free(p);
        bosk_free(q);
    }
}

TEST(walk, finds_nothing_at_null)
{
    void *start = &start;
    size_t bytes = 12345;
    CHECK(!bosk_find_block(NULL, &start, &bytes) && start == &start && bytes == 12345);
    CHECK(!bosk_find_block(NULL, NULL, NULL));
    bosk_free(get(1));
    CHECK(!bosk_find_block(NULL, &start, &bytes) && start == &start && bytes == 12345);
}

TEST(walk, finds_nothing_outside)
{
    static char still;
    char local, *freed = get(3 * MIB), *libc = malloc(100);
    bosk_free(freed);
    bosk_trim(0);
    const void *outside[] = {NULL,
                             (void *)1,
                             &still,
                             &local,
                             freed,
                             freed + MIB,
                             (void *)UINTPTR_MAX,
                             libc,
                             (const void *)(uintptr_t)getpid};
    for (size_t i = 0; i < COUNT_OF(outside); i++) {
        void *start;
        size_t bytes;
        bool known = true;
        CHECK_MSG(!bosk_find_block(outside[i], &start, &bytes), "%p", outside[i]);
        CHECK_EQ(bosk_home_of(outside[i], &known).kind, BOSK_HOME_MANUAL);
        CHECK(!known);
    }
    free(libc);
}

/* ---- walking while others allocate: safe, though not exact ------------------------------- */

static volatile int stop_churn;
static void *churn(void *arg)
{
    uint64_t rng = (uint64_t)(uintptr_t)arg + 1;
    void *p[256] = {NULL};
    while (!__atomic_load_n(&stop_churn, __ATOMIC_RELAXED)) {
        uint64_t r = bosk_test_random(&rng);
        size_t at = (size_t)(r % 256);
        bosk_free(p[at]);
        p[at] = get((size_t)((r >> 20) % ((r >> 8) % 50 ? 2000 : 200000)));
    }
    for (size_t i = 0; i < 256; i++) bosk_free(p[i]);
    return NULL;
}

TEST(walk, is_memory_safe_beside_other_threads)
{
    pthread_t thread[3];
    void *held = get(100); /* so that there is a span from the start */
    for (size_t i = 0; i < 3; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, churn, (void *)(i * 77)), 0);
    uint64_t n = bosk_test_budget(300);
    for (uint64_t i = 0; i < n; i++) {
        struct census c = {0};
        CHECK_EQ(bosk_heap_walk(NULL, BOSK_WALK_BLOCKS, census_visit, &c), 0);
        CHECK(c.spans > 0);
        stats_now();
    }
    __atomic_store_n(&stop_churn, 1, __ATOMIC_RELAXED);
    bosk_free(held);
    for (size_t i = 0; i < 3; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
    CHECK_EQ(stats_exact().live, take_census(NULL).block_bytes);
}
