/* bosk_test.h - how the unit tests are written: named tests on top of Check, one process each.
 *
 *     TEST(slice, append_shares_until_cap) { CHECK(a.ptr == b.ptr); }
 *     TEST_PANICS(slice, past_len, "index out of range") { bosk_at(s, 3) = 1; }
 *
 * Every file tests/unit/<module>_test.c becomes one executable, linked with bosk_test_main.c
 * and libcheck.  A test registers itself; nothing else is to be kept in step.  To debug one
 * body without forks: `./malloc_test --body group.name`.
 *
 * Invariants
 *   - A body runs in a process of its own which has not used the heap before, so configuration
 *     can be given by TEST_ENV: then the process is a fresh image with that environment.
 *   - A failed CHECK ends the process it happens in, also from a thread or a fork child; a fork
 *     child's status must be looked at by CHECK_CHILD.
 *   - A skipped test is counted as skipped, never as passed.
 *
 * Environment: BOSK_TEST_SCALE multiplies every budget (percent, default 100), BOSK_TEST_SEED
 * fixes the seed of bosk_test_random, BOSK_TEST_EMULATOR is put in front of fresh images.
 * BOSK_TEST_TIMEOUT is the time limit of one test in seconds (times the scale, if that is above
 * 100). BOSK_TEST_AS, in the environment a test asks for, limits the address space of its image.
 */
#ifndef BOSK_TEST_H
#define BOSK_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

/* Whether a sanitizer with a run time of its own is part of this program. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum bosk_test_kind {
    BOSK_TEST_PLAIN,
    BOSK_TEST_PANICS, /* must abort, and say `expect` on standard error */
    BOSK_TEST_SIGNAL, /* must die by `signal` */
    BOSK_TEST_EXIT,   /* must exit with status `signal` */
    BOSK_TEST_OOM     /* runs once for each system allocation that can fail */
};

struct bosk_test {
    const char *group, *name, *file;
    int line;
    enum bosk_test_kind kind;
    int signal;
    const char *expect;
    const char *const *env; /* "NAME=VALUE" ..., NULL; empty: no fresh image is made */
    void (*body)(void);
};

void bosk_test_register(struct bosk_test *t);

/* The arguments after `expect` are the environment, NULL at the end. */
#define BOSK_TEST_DEFINE(group, name, kind, signal, expect, ...)             \
    static void test_##group##_##name(void);                                 \
    static const char *const env_##group##_##name[] = {__VA_ARGS__};         \
    __attribute__((constructor)) static void register_##group##_##name(void) \
    {                                                                        \
        static struct bosk_test t = {#group,                                 \
                                     #name,                                  \
                                     __FILE__,                               \
                                     __LINE__,                               \
                                     kind,                                   \
                                     signal,                                 \
                                     expect,                                 \
                                     env_##group##_##name,                   \
                                     test_##group##_##name};                 \
        bosk_test_register(&t);                                              \
    }                                                                        \
    static void test_##group##_##name(void)

#define TEST(group, name) BOSK_TEST_DEFINE(group, name, BOSK_TEST_PLAIN, 0, NULL, NULL)
#define TEST_ENV(group, name, ...) \
    BOSK_TEST_DEFINE(group, name, BOSK_TEST_PLAIN, 0, NULL, __VA_ARGS__, NULL)
#define TEST_PANICS(group, name, text) \
    BOSK_TEST_DEFINE(group, name, BOSK_TEST_PANICS, 0, text, NULL)
#define TEST_PANICS_ENV(group, name, text, ...) \
    BOSK_TEST_DEFINE(group, name, BOSK_TEST_PANICS, 0, text, __VA_ARGS__, NULL)
#define TEST_SIGNAL(group, name, number) \
    BOSK_TEST_DEFINE(group, name, BOSK_TEST_SIGNAL, number, NULL, NULL)
#define TEST_EXIT(group, name, status) \
    BOSK_TEST_DEFINE(group, name, BOSK_TEST_EXIT, status, NULL, NULL)
/* The body is run with the first, second, third ... system allocation failing, until a run in
 * which no failure was due any more.  Needs boski_os_fail_at: for tests linked with the core. */
#define TEST_OOM(group, name) BOSK_TEST_DEFINE(group, name, BOSK_TEST_OOM, 0, NULL, NULL)
#define TEST_OOM_ENV(group, name, ...) \
    BOSK_TEST_DEFINE(group, name, BOSK_TEST_OOM, 0, NULL, __VA_ARGS__, NULL)

#define CHECK(condition) \
    ((condition) ? (void)0 : bosk_test_fail(__FILE__, __LINE__, #condition, "%s", ""))
/* As CHECK, with printf arguments that tell the values. */
#define CHECK_MSG(condition, ...) \
    ((condition) ? (void)0 : bosk_test_fail(__FILE__, __LINE__, #condition, __VA_ARGS__))
#define CHECK_EQ(left, right)                                                            \
    bosk_test_equal(__FILE__, __LINE__, #left " == " #right, (unsigned long long)(left), \
                    (unsigned long long)(right))
#define CHECK_CHILD(pid) bosk_test_child(__FILE__, __LINE__, pid)
/* Ends the test as skipped. Only from the process and thread of the body. */
#define SKIP(reason) bosk_test_skip(__FILE__, __LINE__, reason)
/* For what an emulator of processes cannot do, or does in its own way. */
#define SKIP_EMULATED(reason) (getenv("BOSK_TEST_EMULATOR") ? SKIP(reason) : (void)0)

__attribute__((noreturn, cold, format(printf, 4, 5))) void bosk_test_fail(const char *file,
                                                                          int line,
                                                                          const char *what,
                                                                          const char *format, ...);
__attribute__((noreturn)) void bosk_test_skip(const char *file, int line, const char *reason);
void bosk_test_equal(const char *file, int line, const char *what, unsigned long long left,
                     unsigned long long right);
/* Waits for a fork child and fails unless it ended with status 0. */
void bosk_test_child(const char *file, int line, pid_t pid);

/* `n` times BOSK_TEST_SCALE percent, at least 1. */
uint64_t bosk_test_budget(uint64_t n);
/* xorshift64*; the state is seeded by the caller from bosk_test_seed. */
uint64_t bosk_test_random(uint64_t *state);
uint64_t bosk_test_seed(void);

/* Runs `body` in a fork child with standard error caught in `text` (always terminated) and
 * returns its wait status. */
int bosk_test_capture(void (*body)(void), char *text, size_t text_bytes);

#endif /* BOSK_TEST_H */
