/* guard_test.c - pages without access after large blocks (guard=1), explicit huge pages on request
 * (hugetlb=BYTES), and what is laid out by lines of the cache. */
#include "../../src/heap/mcache.h"
#include "heap_support.h"

#include <bosk/huge.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

/* ---- guard pages ---- */

#define TEST_FAULTS(group, name, conf)                                                          \
    BOSK_TEST_DEFINE(group, name, BOSK_TEST_SIGNAL, SIGSEGV, NULL, "BOSK_CONF=guard=1" conf,    \
                     "ASAN_OPTIONS=handle_segv=0:detect_leaks=0", "TSAN_OPTIONS=handle_segv=0", \
                     NULL)

static char *large(size_t size)
{
    char *p = get(size);
    fill(p, bosk_usable_size(p), size); /* all that is said to be usable is */
    return p;
}
static void touch(volatile char *p) { *p = 1; }

TEST_FAULTS(guard, write_behind_a_block, "")
{
    char *p = large(40000);
    touch(p + bosk_usable_size(p));
}
TEST_FAULTS(guard, read_behind_a_block, "")
{
    volatile char *p = large(1000000);
    bosk_test_random(&(uint64_t){(uint64_t)(unsigned char)p[bosk_usable_size((void *)p)]});
}
TEST_FAULTS(guard, with_large_system_pages, ",os_page=65536")
{
    char *p = large(100000);
    CHECK((uintptr_t)p % 65536 == 0 && bosk_usable_size(p) % 65536 == 0);
    touch(p + bosk_usable_size(p));
}
TEST_FAULTS(guard, in_arenas, ",reserve=1")
{
    char *p = large(5 * MIB);
    touch(p + bosk_usable_size(p));
}
TEST_FAULTS(guard, after_growing, "")
{
    char *p = large(40000);
    for (size_t n = 50000; n < 3 * MIB; n += n / 3) p = launder(bosk_realloc(p, n));
    CHECK(p != NULL && bosk_usable_size(p) < 3 * MIB + 8192);
    touch(p + bosk_usable_size(p));
}
TEST_FAULTS(guard, of_zeroed_and_aligned_blocks, "")
{
    char *p = launder(bosk_aligned_alloc(1 * MIB, 100000));
    CHECK(p != NULL && (uintptr_t)p % MIB == 0);
    char *q = launder(bosk_calloc(10, 10000));
    CHECK_ZERO(q, bosk_usable_size(q));
    bosk_free(p);
    touch(q + bosk_usable_size(q));
}

/* What is given back is given back whole, and serves again for anything. */
TEST_ENV(guard, freed_blocks_are_used_again, "BOSK_CONF=guard=1")
{
    size_t rounds = (size_t)bosk_test_budget(300);
    struct bosk_heap_stats before = stats_exact();
    for (size_t i = 0; i < rounds; i++) {
        size_t n = 33000 + i * 977 % 200000;
        char *p = large(n), *q = large(2 * n);
        bosk_free(p);
        CHECK_FILL(q, 2 * n & ~(size_t)7, 2 * n);
        q = launder(bosk_realloc(q, n)); /* a smaller one is not given a guard inside */
        CHECK(q != NULL && bosk_grow(q, 100 * MIB) == 0);
        bosk_free(q);
        bosk_free(get(100));
    }
    struct bosk_heap_stats after = stats_exact();
    CHECK_EQ(after.live, before.live);
    CHECK_EQ(after.live, take_census(NULL).block_bytes);
    bosk_trim(0);
    CHECK_MSG(stats_now().mapped <= before.mapped + 16 * MIB, "%llu MiB are mapped",
              (unsigned long long)stats_now().mapped / MIB);
}
/* Where a guard cannot be had or not be given back, blocks are served and memory is whole. */
TEST_OOM_ENV(guard, each_call_failing, "BOSK_CONF=guard=1")
{
    char *p[4];
    for (size_t i = 0; i < COUNT_OF(p); i++) {
        p[i] = bosk_malloc(50000 + i * 10000);
        if (p[i] != NULL) fill(p[i], bosk_usable_size(p[i]), i);
    }
    for (size_t i = 0; i < COUNT_OF(p); i++) {
        if (p[i] != NULL) CHECK_FILL(p[i], bosk_usable_size(p[i]), i);
        bosk_free(p[i]);
    }
    p[0] = bosk_malloc(300000);
    if (p[0] != NULL) fill(p[0], bosk_usable_size(p[0]), 7);
    bosk_free(p[0]);
}
/* Each guard costs mappings, of which a process has 65,530: beyond, blocks have none. */
TEST_ENV(guard, more_blocks_than_mappings, "BOSK_CONF=guard=1")
{
    SKIP_EMULATED("emulators keep mappings in their own way");
    if (SANITIZED) SKIP("takes too long");
    enum { N = 40000 };
    static void *p[N];
    for (size_t i = 0; i < N; i++) memset(p[i] = get(33000), 1, 100);
    for (size_t i = 0; i < N; i++) bosk_free(p[i]);
    bosk_free(get(MIB));
}

/* ---- explicit huge pages ---- */

static size_t free_huge_pages(void)
{
    char line[128];
    size_t n = 0;
    FILE *f = fopen("/proc/meminfo", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "HugePages_Free: %zu", &n) == 1) break;
    if (f != NULL) fclose(f);
    return n;
}

/* With none in the system blocks are served all the same, and it is said how many missed. */
TEST_ENV(guard, blocks_without_huge_pages, "BOSK_CONF=hugetlb=4MiB")
{
    uint64_t bytes = 1, misses = 1, had = 0;
    void *small = get(MIB);
    bosk_huge_stats(&bytes, &misses);
    CHECK(bytes == 0 && misses == 0);
    if (free_huge_pages() != 0) had = 1;
    for (unsigned i = 0; i < 5; i++) {
        char *p = launder(bosk_calloc(1, 5 * MIB));
        CHECK_ZERO(p, 5 * MIB);
        fill(p, 5 * MIB, i);
        p = launder(bosk_realloc(p, 7 * MIB));
        CHECK_FILL(p, 5 * MIB, i);
        p = launder(bosk_realloc(p, 20000));
        CHECK_FILL(p, 20000, i);
        bosk_free(p);
    }
    bosk_free(small);
    bosk_huge_stats(&bytes, NULL);
    bosk_huge_stats(NULL, &misses);
    CHECK(had || (bytes == 0 && misses >= 5));
    CHECK_EQ(stats_exact().live, take_census(NULL).block_bytes);
}
TEST_ENV(guard, blocks_in_huge_pages, "BOSK_CONF=hugetlb=4MiB")
{
    uint64_t bytes = 0, misses = 1;
    if (free_huge_pages() < 8) SKIP("fewer than 8 explicit huge pages (vm.nr_hugepages)");
    char *p = get(5 * MIB);
    bosk_huge_stats(&bytes, &misses);
    if (bytes == 0) SKIP("the system did not give its huge pages");
    CHECK(bytes >= 5 * MIB && misses == 0);
    CHECK_ZERO(p, 5 * MIB);
    struct bosk_huge got;
    CHECK(bosk_huge_report(p, &got) && got.is_explicit && got.huge_bytes >= 5 * MIB);
    size_t left = free_huge_pages();
    bosk_free(p);
    CHECK(free_huge_pages() > left);
}

/* ---- lines of the cache ---- */

static void *a_thread(void *arg)
{
    bosk_free(get(100));
    struct mcache *mc = boski_mcache_peek();
    CHECK(mc != NULL && (uintptr_t)mc % boski_os.cacheline == 0);
    *(struct mcache **)arg = mc;
    pthread_exit(NULL);
}
/* No two threads' caches share a line, of whatever length lines are. */
TEST(guard, caches_begin_at_lines)
{
    struct mcache *mc[6] = {NULL};
    pthread_t thread[6];
    boski_os_init();
    boski_os.cacheline = 256;
    for (size_t i = 0; i < COUNT_OF(mc); i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, a_thread, &mc[i]), 0);
    for (size_t i = 0; i < COUNT_OF(mc); i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
    char *odd = boski_meta_alloc(1), *next = boski_meta_alloc(1);
    CHECK(odd != NULL && next != NULL && next - odd >= 64);
    for (size_t i = 0; i < COUNT_OF(mc); i++)
        for (size_t k = 0; k < i; k++) {
            if (mc[i] == mc[k]) continue; /* handed on */
            uintptr_t a = (uintptr_t)mc[i], b = (uintptr_t)mc[k];
            CHECK((a > b ? a - b : b - a) >= ((sizeof *mc[0] + 255) & ~(size_t)255));
        }
}
