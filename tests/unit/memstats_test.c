/* memstats_test.c - Go's MemStats agree with a walk of the heap and with themselves; the text forms
 * say the same. */
#include "gc_support.h"

#include <bosk/memstats.h>
#include <bosk/record.h>
#include <semaphore.h>
#include <time.h>

static const uint16_t class_bytes[] = BOSK_RECORD_CLASS_BYTES;

static struct bosk_mem_stats read_stats(void)
{
    struct bosk_mem_stats m;
    memset(&m, 0xa5, sizeof m);
    bosk_read_mem_stats(&m);
    return m;
}

/* What holds whatever other threads do. */
static void check_sums(const struct bosk_mem_stats *m)
{
    CHECK_EQ(m->heap_sys, m->heap_idle + m->heap_inuse);
    CHECK(m->heap_released <= m->heap_idle);
    CHECK_EQ(m->alloc, m->heap_alloc);
    CHECK_EQ(m->sys, m->heap_sys + m->stack_sys + m->mspan_sys + m->mcache_sys + m->buck_hash_sys +
                         m->gc_sys + m->other_sys);
    CHECK(m->mspan_inuse <= m->mspan_sys && m->mcache_inuse <= m->mcache_sys);
    CHECK(m->lookups == 0 && m->stack_inuse == 0 && m->stack_sys == 0);
    CHECK(m->enable_gc && !m->debug_gc);
    CHECK(m->num_forced_gc <= m->num_gc);
    CHECK(m->gc_cpu_fraction >= 0 && m->gc_cpu_fraction <= 1);
    CHECK_EQ(m->by_size[0].mallocs + m->by_size[0].frees, 0);
    for (size_t c = 0; c < BOSK_MEM_STATS_CLASSES; c++)
        CHECK_EQ(m->by_size[c].size, class_bytes[c]);
}
/* What holds while they are quiet. */
static void check_exact(void)
{
    struct bosk_mem_stats before = read_stats();
    struct census c = take_census(NULL); /* flushes this thread's cache: spans may go */
    struct bosk_mem_stats m = read_stats();
    check_sums(&before);
    check_sums(&m);
    CHECK_EQ(before.heap_alloc, m.heap_alloc);
    CHECK_EQ(before.heap_objects, m.heap_objects);
    CHECK_EQ(before.mallocs, m.mallocs);
    CHECK_EQ(m.heap_alloc, c.block_bytes);
    CHECK_EQ(m.heap_objects, c.blocks);
    CHECK_EQ(m.heap_objects, m.mallocs - m.frees);
    CHECK_EQ(m.heap_inuse, c.span_bytes);
    CHECK(m.heap_alloc <= m.heap_inuse && m.heap_alloc <= m.total_alloc);
    CHECK(c.spans == 0 || m.mspan_inuse % c.spans == 0);
}

static bool count_classes(void *ctx, const struct bosk_span_info *span, void *block, size_t bytes)
{
    (void)bytes;
    if (block != NULL) ((uint64_t *)ctx)[span->class_]++;
    return true;
}

TEST(memstats, agree_with_a_walk)
{
    static void *p[2000];
    uint64_t rng = bosk_test_seed();
    for (unsigned round = 0; round < 12; round++) {
        for (unsigned i = 0; i < 5000; i++) {
            uint64_t r = bosk_test_random(&rng);
            size_t at = (size_t)(r % COUNT_OF(p)), size = (size_t)((r >> 20) % 1500);
            if ((r >> 8) % 32 == 0) size = (size_t)((r >> 20) % (200 * KIB));
            bosk_free(p[at]);
            p[at] = get(size);
        }
        check_exact();
        if (round % 4 == 3) bosk_trim(0);
    }
    uint64_t blocks[BOSK_MEM_STATS_CLASSES] = {0};
    struct bosk_mem_stats m = read_stats();
    CHECK_EQ(bosk_heap_walk(NULL, BOSK_WALK_BLOCKS, count_classes, blocks), 0);
    uint64_t mallocs = 0;
    for (size_t c = 1; c < BOSK_MEM_STATS_CLASSES; c++) {
        CHECK_EQ(m.by_size[c].mallocs - m.by_size[c].frees, blocks[c]);
        mallocs += m.by_size[c].mallocs;
    }
    CHECK(mallocs > 0 && mallocs < m.mallocs); /* and large ones */
    for (size_t i = 0; i < COUNT_OF(p); i++) bosk_free(p[i]);
    check_exact();
}

TEST(memstats, count_calls_and_bytes)
{
    enum { N = 1000 };
    void *p[N];
    bosk_free(get(100));
    struct bosk_mem_stats a = read_stats();
    for (size_t i = 0; i < N; i++) p[i] = get(100); /* class 112 */
    void *large = get(MIB);
    struct bosk_mem_stats b = read_stats();
    CHECK_EQ(b.mallocs - a.mallocs, N + 1);
    CHECK_EQ(b.frees, a.frees);
    CHECK_EQ(b.heap_objects - a.heap_objects, N + 1);
    CHECK_EQ(b.heap_alloc - a.heap_alloc, N * 112 + MIB);
    CHECK_EQ(b.total_alloc - a.total_alloc, N * 112 + MIB);
    size_t c = 1;
    while (b.by_size[c].size < 100) c++;
    CHECK_EQ(b.by_size[c].mallocs - a.by_size[c].mallocs, N);
    for (size_t i = 0; i < N; i++) bosk_free(p[i]);
    bosk_free(large);
    b = read_stats();
    CHECK_EQ(b.frees - a.frees, N + 1);
    CHECK_EQ(b.by_size[c].frees - a.by_size[c].frees, N);
    CHECK_EQ(b.heap_alloc, a.heap_alloc);
    CHECK_EQ(b.total_alloc - a.total_alloc, N * 112 + MIB);
}

/* ---- other threads ---------------------------------------------------------------- */

static sem_t done_there, looked_here;
static void *works_and_waits(void *arg)
{
    void *p[500];
    (void)arg;
    for (size_t i = 0; i < COUNT_OF(p); i++) p[i] = get(i % 9 * 300);
    void *collected = bosk_gc_malloc_noscan(200);
    for (size_t i = 0; i < COUNT_OF(p); i += 3) bosk_free(p[i]);
    sem_post(&done_there);
    while (sem_wait(&looked_here) != 0) {}
    bosk_keepalive(collected);
    for (size_t i = 0; i < COUNT_OF(p); i++)
        if (i % 3 != 0) bosk_free(p[i]);
    return NULL;
}

/* Beyond what bosk_heap_stats tells: what an idle thread has not counted is seen. */
TEST(memstats, see_what_idle_threads_have_not_counted)
{
    pthread_t thread[3];
    sem_init(&done_there, 0, 0);
    sem_init(&looked_here, 0, 0);
    struct bosk_mem_stats before = read_stats();
    for (size_t i = 0; i < COUNT_OF(thread); i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, works_and_waits, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(thread); i++)
        while (sem_wait(&done_there) != 0) {}
    check_exact();
    struct bosk_mem_stats m = read_stats();
    CHECK_EQ(m.heap_objects - before.heap_objects, COUNT_OF(thread) * (500 - 167 + 1));
    CHECK(m.mcache_inuse > before.mcache_inuse);
    for (size_t i = 0; i < COUNT_OF(thread); i++) sem_post(&looked_here);
    for (size_t i = 0; i < COUNT_OF(thread); i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
    check_exact();
}

static volatile int stop_churn;
static void *churn(void *arg)
{
    uint64_t rng = (uint64_t)(uintptr_t)arg + 1;
    void *p[64] = {NULL};
    while (!__atomic_load_n(&stop_churn, __ATOMIC_RELAXED)) {
        uint64_t r = bosk_test_random(&rng);
        size_t at = (size_t)(r % COUNT_OF(p));
        bosk_free(p[at]);
        p[at] = get((size_t)((r >> 20) % ((r >> 8) % 50 ? 2000 : 100000)));
        if (r % 64 == 0) bosk_keepalive(bosk_gc_malloc_noscan(64));
    }
    for (size_t i = 0; i < COUNT_OF(p); i++) bosk_free(p[i]);
    return NULL;
}

TEST(memstats, hold_together_beside_other_threads)
{
    static char text[BOSK_MEM_STATS_TEXT_MAX];
    pthread_t thread[2];
    for (size_t i = 0; i < COUNT_OF(thread); i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, churn, (void *)(i * 77)), 0);
    uint64_t n = bosk_test_budget(2000);
    for (uint64_t i = 0; i < n; i++) {
        struct bosk_mem_stats m = read_stats();
        check_sums(&m);
        CHECK(m.heap_objects < 1000000 && m.heap_alloc < 1000 * MIB);
        CHECK(bosk_mem_stats_json(text, sizeof text) < sizeof text);
        CHECK(bosk_mem_stats_text(text, sizeof text) < sizeof text);
    }
    __atomic_store_n(&stop_churn, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < COUNT_OF(thread); i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
    check_exact();
}

/* ---- cycles ---------------------------------------------------------------------- */

TEST(memstats, tell_of_cycles)
{
    if (TSAN) SKIP("ThreadSanitizer holds signals back");
    struct bosk_gc_stats g;
    CHECK(bosk_gc_collect());
    struct bosk_mem_stats a = read_stats();
    uint64_t from = (uint64_t)time(NULL) * 1000000000u;
    enum { CYCLES = 300 }; /* around the ring */
    for (int i = 0; i < CYCLES; i++) CHECK(bosk_gc_collect());
    struct bosk_mem_stats b = read_stats();
    check_sums(&b);
    CHECK_EQ(b.num_gc - a.num_gc, CYCLES);
    CHECK_EQ(b.num_forced_gc - a.num_forced_gc, CYCLES);
    CHECK(b.pause_total_ns > a.pause_total_ns && b.gc_cpu_fraction > 0);
    bosk_gc_stats(&g);
    size_t last = (b.num_gc + 255) % 256;
    CHECK_EQ(b.pause_ns[last], g.pause_last);
    CHECK_EQ(b.pause_total_ns, g.pause_total);
    CHECK_EQ(b.next_gc, g.goal);
    CHECK_EQ(b.gc_sys, g.metadata);
    CHECK(b.last_gc >= b.pause_end[last]);
    CHECK(b.pause_end[last] >= from && b.pause_end[last] < from + 3600 * (uint64_t)1000000000u);
    for (size_t i = 0; i < 256; i++)
        CHECK(b.pause_ns[i] > 0 && b.pause_ns[i] <= g.pause_max && b.pause_end[i] != 0);
}

/* ---- text ------------------------------------------------------------------------ */

static char text[BOSK_MEM_STATS_TEXT_MAX], other[BOSK_MEM_STATS_TEXT_MAX];

static uint64_t number_after(const char *key)
{
    char *end;
    const char *at = strstr(text, key);
    CHECK_MSG(at != NULL, "no %s in %s", key, text);
    uint64_t v = strtoull(at + strlen(key), &end, 10);
    CHECK_MSG(end != at + strlen(key), "no number behind %s", key);
    return v;
}

static size_t count_char(const char *s, char c)
{
    size_t n = 0;
    for (; *s != '\0'; s++) n += *s == c;
    return n;
}

/* With Go's names, each once and in its order. */
TEST(memstats, json_is_that_of_go)
{
    static const char *const names[] = {
        "{\"Alloc\":",         ",\"TotalAlloc\":",   ",\"Sys\":",          ",\"Lookups\":",
        ",\"Mallocs\":",       ",\"Frees\":",        ",\"HeapAlloc\":",    ",\"HeapSys\":",
        ",\"HeapIdle\":",      ",\"HeapInuse\":",    ",\"HeapReleased\":", ",\"HeapObjects\":",
        ",\"StackInuse\":",    ",\"StackSys\":",     ",\"MSpanInuse\":",   ",\"MSpanSys\":",
        ",\"MCacheInuse\":",   ",\"MCacheSys\":",    ",\"BuckHashSys\":",  ",\"GCSys\":",
        ",\"OtherSys\":",      ",\"NextGC\":",       ",\"LastGC\":",       ",\"PauseTotalNs\":",
        ",\"PauseNs\":[",      "],\"PauseEnd\":[",   "],\"NumGC\":",       ",\"NumForcedGC\":",
        ",\"GCCPUFraction\":", ",\"EnableGC\":true", ",\"DebugGC\":false", ",\"BySize\":[",
    };
    void *held = get(100);
    size_t n = bosk_mem_stats_json(text, sizeof text);
    struct bosk_mem_stats m = read_stats();
    CHECK_EQ(n, strlen(text));
    const char *at = text;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        at = strstr(at, names[i]);
        CHECK_MSG(at != NULL, "%s is not where it belongs", names[i]);
        CHECK(i != 0 || at == text);
    }
    CHECK(strncmp(at, ",\"BySize\":[{\"Size\":0,\"Mallocs\":0,\"Frees\":0},{\"Size\":8,", 49) == 0);
    CHECK(strcmp(text + n - 3, "}]}") == 0);
    CHECK_EQ(count_char(text, '{'), BOSK_MEM_STATS_CLASSES + 1);
    CHECK_EQ(count_char(text, '}'), BOSK_MEM_STATS_CLASSES + 1);
    CHECK_EQ(count_char(text, ','),
             31 + 2 * 255 + (BOSK_MEM_STATS_CLASSES - 1) + 2 * BOSK_MEM_STATS_CLASSES);
    CHECK_EQ(count_char(text, ' ') + count_char(text, '\n'), 0);
    CHECK_EQ(number_after("\"HeapAlloc\":"), m.heap_alloc);
    CHECK_EQ(number_after("\"HeapObjects\":"), m.heap_objects);
    CHECK_EQ(number_after("\"Sys\":"), m.sys);
    CHECK_EQ(number_after("\"NumGC\":"), m.num_gc);
    CHECK_EQ(number_after("\"LastGC\":"), m.last_gc);
    double fraction = strtod(strstr(text, "Fraction\":") + 10, NULL), now = m.gc_cpu_fraction;
    CHECK(fraction >= now - 1e-12 && fraction <= now + 0.5);
    bosk_free(held);
}

TEST(memstats, text_is_that_of_a_heap_profile)
{
    void *held = get(100);
    size_t n = bosk_mem_stats_text(text, sizeof text);
    struct bosk_mem_stats m = read_stats();
    CHECK_EQ(n, strlen(text));
    CHECK(strncmp(text, "# runtime.MemStats\n# Alloc = ", 29) == 0);
    CHECK(text[n - 1] == '\n');
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
        CHECK(line[0] == '#' && line[1] == ' ');
    CHECK_EQ(number_after("\n# HeapAlloc = "), m.heap_alloc);
    CHECK_EQ(number_after("\n# Stack = "), 0);
    CHECK_EQ(number_after("\n# MSpan = "), m.mspan_inuse);
    CHECK_EQ(number_after("\n# MCache = "), m.mcache_inuse);
    CHECK_EQ(number_after("\n# BuckHashSys = "), m.buck_hash_sys);
    CHECK_EQ(number_after("\n# LastGC = "), m.last_gc);
    CHECK_EQ(number_after("\n# NumGC = "), m.num_gc);
    CHECK(strstr(text, "\n# PauseNs = [") != NULL && strstr(text, "\n# PauseEnd = [") != NULL);
    CHECK(strstr(text, "\n# DebugGC = false\n") != NULL);
    CHECK(number_after("\n# BySize 112 = ") > 0);
    CHECK(strstr(text, "PauseTotalNs") == NULL && strstr(text, "MSpanSys") == NULL);
    bosk_free(held);
}

/* As snprintf: cut where the buffer ends, with a NUL, and the whole length is told. */
TEST(memstats, text_is_cut_at_any_length)
{
    size_t (*const form[])(char *, size_t) = {bosk_mem_stats_json, bosk_mem_stats_text};
    for (size_t f = 0; f < COUNT_OF(form); f++) {
        size_t n = form[f](NULL, 0);
        CHECK(n > 1000 && n < sizeof text);
        CHECK_EQ(form[f](text, sizeof text), n);
        size_t caps[] = {0, 1, 2, 3, 17, 100, 1000, n - 1, n, n + 1, n + 2};
        for (size_t i = 0; i < COUNT_OF(caps); i++) {
            memset(other, '~', sizeof other);
            errno = 12345;
            size_t told = form[f](other, caps[i]);
            CHECK_EQ(errno, 12345);
            CHECK_EQ(other[caps[i]], '~');
            /* The fraction's digits change with time, and with them the length. */
            CHECK(told > n - 16 && told < n + 16);
            if (caps[i] == 0) continue;
            size_t there = told < caps[i] ? told : caps[i] - 1;
            CHECK_EQ(strlen(other), there);
            CHECK(memcmp(other, text, there < 100 ? there : 100) == 0);
        }
    }
}
