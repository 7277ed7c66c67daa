/* intern_test.c - one copy of each string, from many threads, after fork, without memory. */
#include "heap_support.h"

#include <bosk/intern.h>
#include <bosk/strconv.h>
#include <pthread.h>
#include <sys/wait.h>

TEST(intern, one_copy_of_each)
{
    struct bosk_heap_stats before, after;
    struct bosk_interner_counts counts;
    bosk_heap_stats(&before);
    bosk_interner *in = bosk_interner_new();
    CHECK(in != NULL);
    char text[] = "hello";
    bosk_str a = bosk_intern(in, bosk_str_of(text)), b = bosk_intern(in, BOSK_STR("hello"));
    CHECK(a.ptr == b.ptr && a.len == 5 && a.ptr != text);
    text[0] = 'j';
    CHECK(bosk_str_equal(a, BOSK_STR("hello")) && bosk_intern(in, bosk_str_of(text)).ptr != a.ptr);
    CHECK(bosk_intern(in, BOSK_STR("hell")).ptr != a.ptr);
    CHECK(bosk_intern(in, BOSK_STR("a\0b")).ptr != bosk_intern(in, BOSK_STR("a\0c")).ptr);
    bosk_str none = {0};
    CHECK(bosk_intern(in, none).len == 0 &&
          bosk_intern(in, none).ptr == bosk_intern(NULL, none).ptr);
    bosk_interner_count(in, &counts);
    CHECK(counts.strings == 5 && counts.string_bytes == 5 + 5 + 4 + 3 + 3);
    CHECK(counts.heap_bytes > counts.string_bytes);
    /* Another interner has other strings. */
    CHECK(bosk_intern(NULL, BOSK_STR("hello")).ptr != a.ptr);
    bosk_interner_free(in);
    bosk_interner_free(NULL);
    bosk_heap_stats(&after);
    bosk_interner_count(NULL, &counts);
    CHECK(counts.strings == 1);
    CHECK(after.mallocs - before.mallocs - (after.frees - before.frees) <= 3); /* the process's */
}

TEST(intern, many_and_long_ones)
{
    bosk_interner *in = bosk_interner_new();
    const int n = (int)bosk_test_budget(50000);
    bosk_strs first = bosk_make(bosk_strs, 0, n);
    static char filler[5000];
    memset(filler, 'x', sizeof filler);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < n; i++) {
            bosk_builder b = {0};
            bosk_builder_write_int(&b, i, 10);
            bosk_builder_write(&b, bosk_str_view(filler, i % 97 == 0 ? 5000 : i % 40));
            bosk_str s = bosk_intern(in, bosk_builder_str(&b));
            CHECK(bosk_str_equal(s, bosk_builder_str(&b)));
            if (round == 0)
                bosk_push(&first, s);
            else
                CHECK(first.ptr[i].ptr == s.ptr);
            bosk_builder_free(&b);
        }
    }
    struct bosk_interner_counts counts;
    bosk_interner_count(in, &counts);
    CHECK_EQ(counts.strings, n);
    bosk_interner_free(in);
    bosk_free_slice(&first);
}

/* ---- threads ------------------------------------------------------------------------------- */

enum { THREADS = 4, WORDS = 2000 };
static bosk_interner *shared;
static const char *seen[THREADS][WORDS];

static void *intern_all(void *arg)
{
    size_t me = (size_t)arg;
    for (size_t i = 0; i < WORDS; i++) {
        size_t k = me % 2 == 0 ? i : WORDS - 1 - i; /* half of them from the other end */
        bosk_str s = bosk_itoa((int64_t)k * 7919);
        seen[me][k] = bosk_intern(shared, s).ptr;
        bosk_str_free(&s);
    }
    return NULL;
}

static void race(void)
{
    pthread_t thread[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, intern_all, (void *)i), 0);
    for (size_t i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    for (size_t k = 0; k < WORDS; k++)
        for (size_t i = 1; i < THREADS; i++) CHECK(seen[i][k] == seen[0][k]);
}

TEST(intern, threads_get_the_same_string)
{
    for (int round = 0; round < 3; round++) {
        shared = bosk_interner_new();
        race();
        bosk_interner_free(shared);
    }
    shared = NULL; /* that of the process */
    race();
}

static bool stop;
static void *intern_on(void *unused)
{
    for (int64_t i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED) && i < 2000000; i++) {
        bosk_str s = bosk_itoa(i);
        (void)bosk_intern(NULL, s);
        bosk_str_free(&s);
    }
    return unused;
}

TEST(intern, works_in_a_child_forked_while_others_intern)
{
#ifdef __SANITIZE_THREAD__
    SKIP("ThreadSanitizer's own locks are not whole in such a child");
#endif
    pthread_t thread;
    (void)bosk_intern(NULL, BOSK_STR("parent"));
    CHECK_EQ(pthread_create(&thread, NULL, intern_on, NULL), 0);
    for (uint64_t n = bosk_test_budget(100); n-- > 0;) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            alarm(20);
            for (int64_t i = -1; i > -100; i--) {
                bosk_str s = bosk_itoa(i);
                if (bosk_intern(NULL, s).ptr != bosk_intern(NULL, s).ptr) _exit(1);
            }
            _exit(0);
        }
        int status;
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
}

TEST_OOM(intern, no_memory_changes_nothing)
{
    bosk_interner *in = bosk_interner_new();
    if (in == NULL) return;
    struct bosk_interner_counts counts;
    uint64_t have = 0;
    bosk_str s;
    for (int i = 0; i < 3000; i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "%d", i);
        if (!bosk_try_intern(in, bosk_str_view(text, n), &s)) continue;
        have++;
        CHECK(bosk_str_equal(s, bosk_str_view(text, n)));
        bosk_interner_count(in, &counts);
        CHECK_EQ(counts.strings, have);
    }
    bosk_interner_free(in);
}
