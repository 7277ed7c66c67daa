/* gc_weak_test.c - weak handles, cleanups, and leaks of malloc's memory. */
#include "gc_support.h"

#include <sys/wait.h>

static void *new_object(void)
{
    unsigned char *p = bosk_gc_malloc(100);
    fill(p, 100, 3);
    return p;
}
static void *kept;
/* Not the heap's first object: its address may lie in main's frame, left by start-up. */
__attribute__((noinline)) static hidden keep_one(void)
{
    CHECK(new_object() != NULL);
    return put(&kept, new_object);
}
__attribute__((noinline)) static bosk_weak weak_of(hidden h) { return bosk_weak_new(shown(h)); }
__attribute__((noinline)) static bosk_weak weak_inside(void)
{
    return bosk_weak_new((char *)kept + 50);
}
__attribute__((noinline)) static bool is_null(bosk_weak w) { return bosk_weak_get(w) == NULL; }
__attribute__((noinline)) static bool is_kept(bosk_weak w, size_t offset)
{
    return (char *)bosk_weak_get(w) == (char *)kept + offset;
}

TEST(gc_weak, handles_let_go)
{
    hidden h = keep_one();
    bosk_weak w = weak_of(h), inside = weak_inside();
    CHECK(w != 0 && inside != 0);
    collect();
    CHECK(is_kept(w, 0) && is_kept(inside, 50));
    drop(&kept);
    collect();
    CHECK(is_null(w) && is_null(inside));
    CHECK(!is_there(h));
    collect();
    CHECK(is_null(w));
    bosk_weak_free(w);
    bosk_weak_free(inside);
    bosk_weak_free(0);
    CHECK(bosk_weak_get(0) == NULL);
}
TEST(gc_weak, many_handles)
{
    enum { N = 2000 };
    static void *object[N];
    static bosk_weak w[N];
    for (int i = 0; i < N; i++) w[i] = weak_of(put(&object[i], new_object));
    for (int i = 0; i < N; i += 2) drop(&object[i]);
    collect();
    int left = 0;
    for (int i = 0; i < N; i++)
        if (i % 2)
            CHECK(bosk_weak_get(w[i]) == object[i]);
        else
            left += !is_null(w[i]);
    CHECK_MSG(left <= 2, "%d", left);
    for (int i = 0; i < N; i++) bosk_weak_free(w[i]);
}
TEST_PANICS(gc_weak, of_other_memory, "is not in a collected object")
{
    (void)!bosk_weak_new(get(10));
}
TEST_PANICS(gc_weak, freed_twice, "bosk: weak handle freed twice")
{
    bosk_weak w = bosk_weak_new(new_object());
    bosk_weak_free(w);
    bosk_weak_free(w);
}
TEST_PANICS(gc_weak, used_after_free, "bosk: use of a weak handle that was freed")
{
    bosk_weak w = bosk_weak_new(new_object());
    bosk_weak_free(w);
    (void)bosk_weak_get(w);
}

static int ran; /* atomic */
static void count(void *arg)
{
    CHECK_EQ(first_difference(arg, 100, 3), 100); /* the argument has been kept */
    __atomic_fetch_add(&ran, 1, __ATOMIC_RELEASE);
}
__attribute__((noinline)) static bosk_cleanup add(hidden h)
{
    bosk_cleanup c = bosk_add_cleanup(shown(h), count, new_object());
    CHECK(c.record != NULL);
    return c;
}
static void await(int n)
{
    for (int i = 0; i < 5000 && __atomic_load_n(&ran, __ATOMIC_ACQUIRE) < n; i++) usleep(1000);
}

TEST(gc_weak, cleanups_run_once_on_their_thread)
{
    if (TSAN) SKIP("ThreadSanitizer holds signals back");
    hidden h = keep_one();
    (void)add(h);
    (void)add(h);
    collect();
    collect();
    CHECK_EQ(ran, 0);
    drop(&kept);
    collect();
    await(2);
    CHECK_EQ(__atomic_load_n(&ran, __ATOMIC_ACQUIRE), 2);
    CHECK(!is_there(h));
    collect();
    collect();
    usleep(20000);
    CHECK_EQ(__atomic_load_n(&ran, __ATOMIC_ACQUIRE), 2);
}
TEST(gc_weak, a_stopped_cleanup_does_not_run)
{
    if (TSAN) SKIP("ThreadSanitizer holds signals back");
    hidden h = keep_one();
    bosk_cleanup a = add(h), b = add(h);
    CHECK(bosk_cleanup_stop(a));
    CHECK(!bosk_cleanup_stop(a));
    drop(&kept);
    collect();
    await(1);
    CHECK(!bosk_cleanup_stop(b));
    usleep(20000);
    CHECK_EQ(__atomic_load_n(&ran, __ATOMIC_ACQUIRE), 1);
    CHECK(!bosk_cleanup_stop((bosk_cleanup){NULL, 0}));
}
TEST(gc_weak, a_child_runs_them_itself)
{
    if (TSAN) SKIP("ThreadSanitizer holds signals back");
    hidden h = keep_one();
    (void)add(h);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        drop(&kept);
        collect();
        CHECK_EQ(bosk_run_cleanups(), 1);
        CHECK_EQ(ran, 1);
        _exit(0);
    }
    CHECK_CHILD(pid);
    CHECK_EQ(__atomic_load_n(&ran, __ATOMIC_ACQUIRE), 0);
}

/* ---- leaks --------------------------------------------------------------------------------- */

struct search {
    hidden what;
    size_t found, others;
};
static bool look(void *ctx, void *block, size_t bytes)
{
    struct search *s = ctx;
    CHECK(bytes >= 16);
    if (hide(block) == s->what)
        s->found++;
    else
        s->others++;
    return true;
}
__attribute__((noinline)) static struct search leaks(hidden h)
{
    struct search s = {h, 0, 0};
    wipe_stack();
    long n = bosk_leak_check(look, &s);
    CHECK_EQ(n, (long)(s.found + s.others));
    return s;
}
static void *block(void)
{
    void **p = get(200);
    memset(p, 0, 200);
    return p;
}

TEST(gc_weak, leaks_are_found)
{
    static void **chain;
    hidden first = put(&chain, block), second = put(&chain[5], block);
    CHECK_EQ(leaks(first).found, 0);
    CHECK_EQ(leaks(second).found, 0);
    drop(&chain[5]);
    CHECK_EQ(leaks(second).found, 1);
    CHECK_EQ(leaks(first).found, 0);
    bosk_free(shown(second));
    CHECK_EQ(leaks(second).found, 0); /* what is free does not leak, cached or not */
    drop(&chain);
    CHECK_EQ(leaks(first).found, 1);
}
TEST(gc_weak, collected_and_root_memory_count)
{
    hidden a, b;
    kept = bosk_gc_malloc(64);
    void **root = bosk_new_root(64);
    a = put((void **)kept + 3, block);
    b = put(root + 3, block);
    CHECK_EQ(leaks(a).found + leaks(b).found, 0);
    drop(root + 3);
    CHECK_EQ(leaks(a).found, 0);
    CHECK_EQ(leaks(b).found, 1);
    drop(&kept);
    CHECK_EQ(leaks(a).found, 1);
}
static bool stop(void *ctx, void *p, size_t bytes)
{
    (void)ctx;
    (void)p;
    (void)bytes;
    return false;
}
TEST(gc_weak, many_leaks)
{
    for (int i = 0; i < 500; i++) (void)made_below(block);
    wipe_stack();
    long n = bosk_leak_check(NULL, NULL);
    CHECK_MSG(n >= 495, "%ld", n);
    CHECK_EQ(bosk_leak_check(stop, NULL), -ECANCELED);
}
