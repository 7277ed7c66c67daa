/* os_test.c - memory, clocks, locks and fault injection of the os layer. */
#define _GNU_SOURCE
#include "bosk_test.h"
#include "os/format.h"
#include "os/os.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static bool all_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0) return false;
    return true;
}

static unsigned long address_space_pages(void)
{
    unsigned long n = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    CHECK(f != NULL && fscanf(f, "%lu", &n) == 1);
    fclose(f);
    return n;
}

/* ---- the machine -------------------------------------------------------------------- */

TEST(os, machine)
{
    boski_os_init();
    boski_os_init();
    CHECK(boski_os.page >= 4096 && (boski_os.page & (boski_os.page - 1)) == 0);
    CHECK_EQ(boski_os.page, sysconf(_SC_PAGESIZE));
    CHECK(boski_os.cacheline >= 32 && boski_os.cacheline <= 4096);
    CHECK(boski_os.ncpu >= 1);
    CHECK(boski_os.phys >= 16 * MIB);
#if SANITIZED
    CHECK(boski_os.emulated);
#endif
    if (getenv("BOSK_TEST_EMULATOR")) CHECK(boski_os.emulated);
    if (getenv("VALGRIND_LAUNCHER")) CHECK(boski_os.emulated);
}

#if !SANITIZED /* they need more */
TEST_ENV(os, address_space_limit, "BOSK_TEST_AS=1073741824")
{
    boski_os_init();
    CHECK_EQ(boski_os.as_limit, 1u << 30);
    CHECK(boski_os_reserve((size_t)1 << 30, 0) == NULL);
    void *p = boski_os_reserve(16 * MIB, 0);
    CHECK(p != NULL);
    boski_os_unreserve(p, 16 * MIB);
}
#endif

/* ---- memory ------------------------------------------------------------------------------ */

TEST(os, reserve_is_aligned)
{
    boski_os_init();
    for (size_t align = 1; align <= 64 * MIB; align *= 2) {
        char *p = boski_os_reserve(128 * KIB, align);
        CHECK(p != NULL);
        CHECK_EQ((uintptr_t)p & (align - 1), 0);
        CHECK(boski_os_commit(p, 128 * KIB));
        p[0] = p[128 * KIB - 1] = 1;
        boski_os_unreserve(p, 128 * KIB);
    }
    CHECK(boski_os_reserve(0, 4096) == NULL);
    CHECK(boski_os_reserve(SIZE_MAX, 4096) == NULL);
    if (sizeof(void *) > 4) CHECK(boski_os_reserve(PTRDIFF_MAX, 4096) == NULL);
    CHECK(boski_os_map(0) == NULL && boski_os_map(SIZE_MAX - 4096) == NULL);
}

/* What was cut off around an aligned range is not left behind. */
TEST(os, reserve_leaves_nothing_behind)
{
    unsigned long before = 0, after = 0;
    boski_os_init();
    if (getenv("BOSK_TEST_EMULATOR")) SKIP("the emulator's own mappings are counted too");
    before = address_space_pages(); /* the first call of stdio allocates */
    before = address_space_pages();
    for (size_t i = 1; i < 8; i++) {
        char *p = boski_os_reserve(i * MIB, 16 * MIB);
        CHECK(p != NULL);
        boski_os_unreserve(p, i * MIB);
        after = address_space_pages();
        CHECK_EQ(before, after);
    }
}

TEST_SIGNAL(os, reserved_is_not_readable, SIGSEGV)
{
    signal(SIGSEGV, SIG_DFL); /* sanitizers catch it */
    boski_os_init();
    volatile char *p = boski_os_reserve(MIB, 0);
    if (p != NULL) (void)*p;
}

TEST_SIGNAL(os, protected_is_not_writable, SIGSEGV)
{
    signal(SIGSEGV, SIG_DFL);
    boski_os_init();
    volatile char *p = boski_os_map(MIB);
    if (p == NULL) return;
    boski_os_protect_none((void *)(uintptr_t)p, boski_os.page);
    p[boski_os.page] = 1;
    *p = 1;
}

TEST(os, commit_and_decommit)
{
    boski_os_init();
    char *p = boski_os_reserve(4 * MIB, MIB);
    CHECK(p != NULL && boski_os_commit(p + MIB, MIB));
    CHECK(all_zero(p + MIB, MIB));
    memset(p + MIB, 7, MIB);
    CHECK(boski_os_decommit(p + MIB, MIB / 2));
    CHECK(all_zero(p + MIB, MIB / 2));
    CHECK(p[MIB + MIB / 2] == 7);
    CHECK(!boski_os_commit(p + 1, MIB) && !boski_os_decommit(p + 1, MIB));
    CHECK(!boski_os_commit(p, 0) && !boski_os_decommit(p, 0));
    boski_os_hugepage(p, 4 * MIB, -1);
    boski_os_hugepage(p, 4 * MIB, 1);
    boski_os_hugepage(p, 4 * MIB, 0);
    boski_os_unreserve(p, 4 * MIB);
    /* qemu may have mapped something of its own there. */
    if (!getenv("BOSK_TEST_EMULATOR")) CHECK(!boski_os_commit(p, MIB));
}

TEST(os, locked_pages_are_not_given_back)
{
    boski_os_init();
    char *p = boski_os_map(64 * KIB);
    CHECK(p != NULL);
    memset(p, 7, 64 * KIB);
    if (mlock(p, 64 * KIB) != 0) SKIP("cannot lock memory");
    bool gone = boski_os_decommit(p, 64 * KIB);
    CHECK(gone == all_zero(p, 64 * KIB));
    if (!boski_os.emulated) CHECK(!gone);
}

TEST(os, move)
{
    boski_os_init();
    char *p = boski_os_reserve(8 * MIB, 0), *to = p + 4 * MIB;
    CHECK(p != NULL && boski_os_commit(p, 8 * MIB));
    for (size_t i = 0; i < 2 * MIB; i++) p[i] = (char)(i % 251 + 1);
    memset(to, 9, 2 * MIB);
    if (!boski_os_move(p, to, 2 * MIB)) {
        for (size_t i = 0; i < 2 * MIB; i++) CHECK(p[i] == (char)(i % 251 + 1));
        if (boski_os.emulated) return;
        SKIP("this kernel cannot move pages");
    }
    for (size_t i = 0; i < 2 * MIB; i++) CHECK(to[i] == (char)(i % 251 + 1));
    CHECK(all_zero(p, 2 * MIB));
    p[0] = 1;
    /* Back again, onto pages that are in use. */
    CHECK(boski_os_move(to, p, 2 * MIB) && p[5] == 6 && all_zero(to, 2 * MIB));
    /* Ranges that overlap, unaligned ones and nothing. */
    CHECK(!boski_os_move(p, p + MIB, 2 * MIB));
    CHECK(!boski_os_move(p + 1, to, MIB) && !boski_os_move(p, to + 1, MIB));
    CHECK(!boski_os_move(p, to, 0));
    CHECK(p[5] == 6 && p[MIB + 5] == (char)((MIB + 5) % 251 + 1));
}

/* Older kernels take away the target before they find out that the source cannot be moved. */
TEST(os, failed_move_keeps_the_target)
{
    boski_os_init();
    char *p = boski_os_reserve(8 * MIB, 0), *to = p + 4 * MIB;
    CHECK(p != NULL && boski_os_commit(p, 8 * MIB));
    memset(p, 5, 2 * MIB);
    boski_os_unmap(p, MIB); /* half of the source is missing */
    CHECK(!boski_os_move(p, to, 2 * MIB));
    CHECK(p[MIB] == 5 && p[2 * MIB - 1] == 5);
    memset(to, 6, 2 * MIB);
}

/* A source of several mappings, which newer kernels move one after the other. */
struct move_case {
    char *from, *to;
};
enum { MOVE_BYTES = 4 << 20 };

static uint64_t move_word(size_t i) { return i % 8192 ? i : 0; } /* some pages begin with zeroes */

static struct move_case move_prepare(void)
{
    char *p = boski_os_reserve(16 * MIB, MIB);
    CHECK(p != NULL && boski_os_commit(p, 16 * MIB));
    for (size_t i = 0; i < MOVE_BYTES; i += 2 * MIB) boski_os_hugepage(p + i, MIB, -1);
    for (size_t i = 0; i < MOVE_BYTES; i += 8) memcpy(p + i, &(uint64_t){move_word(i)}, 8);
    memset(p + 8 * MIB, 9, MOVE_BYTES);
    return (struct move_case){p, p + 8 * MIB};
}

/* All or nothing, and both ranges usable. */
static void move_check(struct move_case c, bool moved)
{
    for (size_t i = 0; i < MOVE_BYTES; i += 8) {
        uint64_t from, to;
        memcpy(&from, c.from + i, 8);
        memcpy(&to, c.to + i, 8);
        CHECK_EQ(moved ? to : from, move_word(i));
        if (moved) CHECK_EQ(from, 0);
    }
    memset(c.from, 1, MOVE_BYTES);
    memset(c.to, 1, MOVE_BYTES);
    boski_os_unreserve(c.from, 16 * MIB);
}

TEST(os, move_within_an_address_space_limit)
{
    struct rlimit old, r;
    boski_os_init();
    for (int room = -4; room <= 4; room++) {
        struct move_case c = move_prepare();
        getrlimit(RLIMIT_AS, &old);
        r = old;
        r.rlim_cur =
            address_space_pages() * (rlim_t)sysconf(_SC_PAGESIZE) + (rlim_t)room * (rlim_t)MIB;
        if (setrlimit(RLIMIT_AS, &r) != 0) SKIP("cannot limit the address space");
        bool moved = boski_os_move(c.from, c.to, MOVE_BYTES);
        setrlimit(RLIMIT_AS, &old);
        move_check(c, moved);
    }
}

/* The kernel runs out of mappings at any point of the move. */
TEST(os, move_with_few_mappings_left)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), limit = 0, used = 0;
    unsigned moved = 0, refused = 0;
    FILE *f = fopen("/proc/sys/vm/max_map_count", "r");

    boski_os_init();
    if (f == NULL || fscanf(f, "%zu", &limit) != 1) SKIP("no limit of mappings");
    fclose(f);
    if (limit > 300000 || boski_os.emulated) SKIP("it would take too long to use up all mappings");
    char *filler = boski_os_reserve((2 * limit + 64) * page, 0);
    CHECK(filler != NULL);
    for (unsigned left = 0; left < 40; left++) {
        struct move_case c = move_prepare();
        /* Every second page readable: each is a mapping more, and one more between them. */
        while (mprotect(filler + (2 * used + 1) * page, page, PROT_READ) == 0) used++;
        for (unsigned i = 0; i < left; i++)
            mprotect(filler + (2 * --used + 1) * page, page, PROT_NONE);
        bool ok = boski_os_move(c.from, c.to, MOVE_BYTES);
        ok ? moved++ : refused++;
        /* Room for what the checking itself needs. */
        for (unsigned i = 0; i < 50; i++)
            mprotect(filler + (2 * --used + 1) * page, page, PROT_NONE);
        move_check(c, ok);
    }
    fprintf(stderr, "with few mappings left: moved %u times, refused %u times\n", moved, refused);
    CHECK(refused > 0);
}

static size_t count_mappings(void)
{
    size_t n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    CHECK(f != NULL);
    for (int c; (c = getc(f)) != EOF;) n += c == '\n';
    fclose(f);
    return n;
}

/* A program that moves blocks for ever must not run out of mappings once it has freed them. */
TEST(os, mappings_of_moves_are_joined_again)
{
    enum { MOVES = 6000 };
    size_t b = 16 * KIB;
    boski_os_init();
    if (boski_os.page > b) b = boski_os.page;
    char *p = boski_os_reserve(2 * (MOVES + 2) * b, 0);
    CHECK(p != NULL && boski_os_commit(p, 2 * (MOVES + 2) * b));
    size_t before = count_mappings();
    for (size_t i = 0; i < MOVES; i++) {
        memset(p, 1, b);
        if (!boski_os_move(p, p + (2 * i + 2) * b, b)) SKIP("pages cannot be moved here");
    }
    CHECK(count_mappings() > before + MOVES / 2);
    for (size_t i = 0; i < MOVES; i++) CHECK(boski_os_decommit(p + (2 * i + 2) * b, b));
    size_t after = count_mappings();
    CHECK_MSG(after < before + 20, "%zu mappings, then %zu", before, after);
    CHECK(all_zero(p, 2 * (MOVES + 2) * b));
    memset(p, 1, 2 * (MOVES + 2) * b);
}

static void keeps_errno_body(void)
{
    size_t b = 256 * KIB;
    errno = 12345;
    boski_os_init();
    char *p = boski_os_reserve(b, 64 * MIB);
    CHECK(p != NULL && errno == 12345);
    CHECK(boski_os_reserve(SIZE_MAX / 2, SIZE_MAX / 4 + 1) == NULL && errno == 12345);
    CHECK(boski_os_commit(p, b) && errno == 12345);
    boski_os_decommit(p, b);
    boski_os_move(p, p + b / 2, b / 2);
    boski_os_move(p, p, b);
    boski_os_hugepage(p, b, 1);
    boski_os_protect_none(p, b);
    boski_os_unreserve(p, b);
    boski_os_commit(p, b);
    boski_os_decommit(p, b);
    boski_os_protect_none(p, b);
    close(STDERR_FILENO);
    boski_os_print("nobody reads this");
    CHECK(errno == 12345);
    struct boski_lock lock = {2};
    boski_unlock_slow(&lock);
    CHECK(boski_os_random() != boski_os_random() && errno == 12345);
}
TEST(os, keeps_errno)
{
    char text[512];
    CHECK_MSG(bosk_test_capture(keeps_errno_body, text, sizeof text) == 0, "%s", text);
}

/* ---- 64 KiB pages ---------------------------------------------------------------------------- */

TEST_ENV(os, page_64k, "BOSK_CONF=os_page=65536")
{
    boski_os_init();
    CHECK_EQ(boski_os.page, 64 * KIB);
    char *p = boski_os_reserve(MIB, 0), *q = boski_os_map(1);
    CHECK(p != NULL && ((uintptr_t)p & 65535) == 0 && q != NULL && ((uintptr_t)q & 65535) == 0);
    q[64 * KIB - 1] = 1; /* lengths are rounded up */
    CHECK(!boski_os_commit(p + 4 * KIB, 64 * KIB));
    CHECK(!boski_os_commit(p + 8 * KIB, 8 * KIB));
    CHECK(boski_os_commit(p, 512 * KIB));
    memset(p, 7, 512 * KIB);
    CHECK(!boski_os_decommit(p + 8 * KIB, 8 * KIB));
    CHECK(!boski_os_move(p + 8 * KIB, p + 128 * KIB, 64 * KIB));
    CHECK(p[8 * KIB] == 7);
    /* A careless decommit takes away more than was asked, as it would there. */
    CHECK(boski_os_decommit(p, 8 * KIB));
    CHECK(all_zero(p, 64 * KIB) && p[64 * KIB] == 7);
    boski_os_unmap(q + 4 * KIB, 4 * KIB); /* refused */
    CHECK(q[4 * KIB] == 0);
    boski_os_unmap(q, 1);
    if (!getenv("BOSK_TEST_EMULATOR")) CHECK(!boski_os_commit(q, 4 * KIB));
}

TEST_ENV(os, page_size_must_make_sense, "BOSK_CONF=os_page=12345")
{
    boski_os_init();
    CHECK_EQ(boski_os.page, sysconf(_SC_PAGESIZE));
}

/* ---- fault injection ---- */

TEST(os, fails_the_nth_call_once)
{
    boski_os_init();
    uint64_t before = boski_os_fail_count();
    boski_os_fail_at(3);
    void *p = boski_os_reserve(MIB, 0), *q = boski_os_map(MIB);
    CHECK(p != NULL && q != NULL);
    CHECK(!boski_os_commit(p, MIB));
    CHECK(boski_os_commit(p, MIB));
    boski_os_fail_at(1);
    CHECK(!boski_os_decommit(p, MIB) && boski_os_decommit(p, MIB));
    boski_os_fail_at(1);
    CHECK(boski_os_map(MIB) == NULL);
    boski_os_fail_at(1);
    CHECK(boski_os_reserve(MIB, MIB) == NULL);
    boski_os_fail_at(1);
    boski_os_fail_at(0);
    CHECK(boski_os_map(MIB) != NULL);
    CHECK_EQ(boski_os_fail_count() - before, 9);
}

TEST_ENV(os, failos_option, "BOSK_CONF=failos=1000")
{
    boski_os_init();
    CHECK(boski_os_fail_count() < 999); /* by what starts before the test */
    while (boski_os_fail_count() < 999) {
        void *p = boski_os_map(1);
        CHECK(p != NULL);
        boski_os_unmap(p, 1);
    }
    CHECK(boski_os_map(1) == NULL && boski_os_map(1) != NULL);
}

/* ---- clocks, numbers, text ---- */

TEST(os, clocks)
{
    boski_os_init();
    uint64_t ns = boski_os_now_ns(), ticks = boski_os_ticks();
    usleep(20000);
    ns = boski_os_now_ns() - ns;
    ticks = boski_os_ticks() - ticks;
    CHECK_MSG(ns >= 20000000 && ns < 20000000000u, "%llu ns", (unsigned long long)ns);
    CHECK(ticks > 0);
    uint64_t fine = boski_os_now_ns(), coarse = boski_os_coarse_ns();
    CHECK(coarse <= boski_os_now_ns() && coarse + 100000000u > fine);
    CHECK_EQ(boski_os_gettid(), getpid());
}

TEST(os, random_numbers_differ)
{
    uint64_t v[64], ones = 0;
    boski_os_init();
    for (int i = 0; i < 64; i++) {
        v[i] = boski_os_random();
        ones += (uint64_t)__builtin_popcountll(v[i]);
        for (int j = 0; j < i; j++) CHECK(v[i] != v[j]);
    }
    CHECK(ones > 64 * 26 && ones < 64 * 38);
}

static size_t format(char *out, size_t cap, const char *f, ...)
    __attribute__((format(printf, 3, 4)));
static size_t format(char *out, size_t cap, const char *f, ...)
{
    va_list args;
    va_start(args, f);
    size_t n = boski_vformat(out, cap, f, args);
    va_end(args);
    return n;
}

#define CHECK_FORMAT(...)                                                  \
    do {                                                                   \
        char got[256], want[256];                                          \
        int n = snprintf(want, sizeof want, __VA_ARGS__);                  \
        CHECK_EQ(format(got, sizeof got, __VA_ARGS__), n);                 \
        CHECK_MSG(strcmp(got, want) == 0, "\"%s\" and \"%s\"", got, want); \
    } while (0)

TEST(os, format_agrees_with_printf)
{
    CHECK_FORMAT("%s", "");
    CHECK_FORMAT("%% %s|%5s|%-5s|%.2s|%.*s|%*d", "abc", "abc", "abc", "abc", 1, "abc", 6, 42);
    CHECK_FORMAT("%d %i %d %d", 0, -1, 2147483647, -2147483647 - 1);
    CHECK_FORMAT("%u %x %08x %-8x| %8u %05d %5d %-5d|", 4294967295u, 0xbeefu, 0xbeefu, 0xbeefu, 7u,
                 -42, -42, -42);
    CHECK_FORMAT("%zu %zd %td %zx", SIZE_MAX, (ssize_t)-5, (ptrdiff_t)PTRDIFF_MIN, SIZE_MAX);
    CHECK_FORMAT("%ld %lu %llu %lld %llx", -3L, 3UL, 18446744073709551615ULL,
                 -9223372036854775807LL - 1, 0x123456789abcdefULL);
    CHECK_FORMAT("%hd %hhu %c%c", (short)-7, (unsigned char)200, 'x', 'y');
    CHECK_FORMAT("%p %20p", (void *)(uintptr_t)0x1234, (void *)(uintptr_t)0xbeef0);
}

TEST(os, format_cuts)
{
    char small[8];
    CHECK(format(small, sizeof small, "%s", "1234567") == 7 && strcmp(small, "1234567") == 0);
    CHECK(format(small, sizeof small, "%s", "12345678") == 7 && strcmp(small, "1234...") == 0);
    CHECK(format(small, 1, "%d", 5) == 0 && small[0] == '\0');
}

static void print_body(void)
{
    boski_os_print("one %d", 1);
    boski_os_print("two\n");
    boski_os_print("%2000s", "long");
}
TEST(os, print_writes_whole_lines)
{
    char text[4096];
    CHECK(bosk_test_capture(print_body, text, sizeof text) == 0);
    CHECK(strncmp(text, "one 1\ntwo\n   ", 12) == 0);
    size_t n = strlen(text);
    CHECK(n > 1000 && n < 1100 && strcmp(text + n - 4, "...\n") == 0);
}

/* ---- locks ---- */

static struct boski_lock counter_lock;
static uint64_t counter;

static void *count(void *arg)
{
    uint64_t n = *(uint64_t *)arg;
    errno = 4711;
    for (uint64_t i = 0; i < n; i++) {
        if (i % 16 == 0) {
            while (!boski_trylock(&counter_lock)) sched_yield();
        } else {
            boski_lock(&counter_lock);
        }
        uint64_t v = counter;
        if (i % 64 == 0) sched_yield(); /* others must meet the lock held */
        counter = v + 1;
        boski_unlock(&counter_lock);
        CHECK(errno == 4711);
    }
    return NULL;
}

TEST(os, lock_excludes)
{
    enum { THREADS = 4 };
    pthread_t t[THREADS];
    uint64_t n = bosk_test_budget(100000);
    boski_os_init();
    count(&n); /* one thread: without atomic instructions */
    CHECK_EQ(counter_lock.word, 0);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&t[i], NULL, count, &n) == 0);
    CHECK(!boski_os_single());
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
    CHECK_EQ(counter, n * (THREADS + 1));
    CHECK_EQ(counter_lock.word, 0);
    CHECK(boski_trylock(&counter_lock) && !boski_trylock(&counter_lock));
    boski_unlock(&counter_lock);
}

static void nothing(int signal) { (void)signal; }

/* Waits for the lock; *arg gets the processor time that took. */
static void *wait_for_lock(void *arg)
{
    struct timespec start, end;
    errno = 4711;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    boski_lock(&counter_lock);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    CHECK(errno == 4711);
    boski_unlock(&counter_lock);
    *(int64_t *)arg = (end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec;
    return NULL;
}

TEST(os, waiters_sleep)
{
    enum { WAITERS = 3 };
    pthread_t t[WAITERS];
    int64_t ns[WAITERS], total = 0;
    struct sigaction action = {.sa_handler = nothing}; /* without SA_RESTART */

    boski_os_init();
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    boski_lock(&counter_lock);
    for (int i = 0; i < WAITERS; i++)
        CHECK(pthread_create(&t[i], NULL, wait_for_lock, &ns[i]) == 0);
    usleep(100000);
    for (int i = 0; i < WAITERS; i++) pthread_kill(t[i], SIGUSR1);
    usleep(100000);
    boski_unlock(&counter_lock);
    for (int i = 0; i < WAITERS; i++) {
        pthread_join(t[i], NULL);
        total += ns[i];
    }
    CHECK_MSG(total < 20000000, "%lld ns of processor time", (long long)total);
}
