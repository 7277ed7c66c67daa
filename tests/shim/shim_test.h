/* shim_test.h - named cases for programs that know nothing of bosk, in C and C++.
 *
 *     CASE(malloc_of_zero_is_unique) { CHECK(a != b); }
 *     int main(int argc, char **argv) { return shim_main("surface", argc, argv); }
 *
 * One source file a program.  The harness allocates nothing and uses no stdio but for
 * failures, so that what a case measures is its own.  `./surface NAME` runs one case.  The
 * programs are run on plain libc too, with SHIM_TEST_PLAIN=1 in the environment: a case that is
 * about bosk alone then skips itself by BOSK_ONLY().
 */
#ifndef SHIM_TEST_H
#define SHIM_TEST_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct shim_case {
    const char *name;
    void (*body)(void);
    struct shim_case *next;
};
__attribute__((unused)) static struct shim_case *shim_first, **shim_last = &shim_first;
static unsigned shim_failures; /* of the case that runs */
__attribute__((unused)) static bool shim_skipped;

#define CASE(name)                                                 \
    static void name(void);                                        \
    __attribute__((constructor)) static void name##_register(void) \
    {                                                              \
        static struct shim_case c = {#name, name, NULL};           \
        *shim_last = &c;                                           \
        shim_last = &c.next;                                       \
    }                                                              \
    static void name(void)

__attribute__((format(printf, 4, 5), unused)) static void shim_fail(const char *file, int line,
                                                                    const char *what,
                                                                    const char *format, ...)
{
    char text[512];
    va_list args;
    int n = snprintf(text, sizeof text, "%s:%d: failed: %.300s ", file, line, what);
    va_start(args, format);
    n += vsnprintf(text + n, sizeof text - (size_t)n - 1, format, args);
    va_end(args);
    if ((size_t)n > sizeof text - 2) n = (int)sizeof text - 2;
    text[n++] = '\n';
    if (shim_failures++ < 5 && write(2, text, (size_t)n) < 0) abort();
}

#define CHECK(condition) \
    ((condition) ? (void)0 : shim_fail(__FILE__, __LINE__, #condition, "%s", ""))
#define CHECK_MSG(condition, ...) \
    ((condition) ? (void)0 : shim_fail(__FILE__, __LINE__, #condition, __VA_ARGS__))
#define SKIP(reason)                                            \
    do {                                                        \
        shim_skipped = true;                                    \
        fprintf(stderr, "%s: skipped: %s\n", __func__, reason); \
        return;                                                 \
    } while (0)
#define BOSK_ONLY() \
    if (shim_plain()) SKIP("not on plain libc")

__attribute__((unused)) static bool shim_plain(void) { return getenv("SHIM_TEST_PLAIN") != NULL; }

/* Keeps the compiler from knowing what a value is, or that it is not used. */
__attribute__((unused)) static void *shim_keep(void *p)
{
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}
__attribute__((unused)) static size_t shim_size(size_t n)
{
    __asm__ volatile("" : "+r"(n));
    return n;
}

/* Fills a block with bytes that depend on `seed`, and tells whether they are still there. */
__attribute__((unused)) static void shim_fill(void *p, size_t n, unsigned seed)
{
    unsigned char *b = (unsigned char *)p;
    for (size_t i = 0; i < n; i++) b[i] = (unsigned char)(seed + i * 7 + (i >> 8));
}
__attribute__((unused)) static bool shim_filled(const void *p, size_t n, unsigned seed)
{
    const unsigned char *b = (const unsigned char *)p;
    for (size_t i = 0; i < n; i++)
        if (b[i] != (unsigned char)(seed + i * 7 + (i >> 8))) return false;
    return true;
}
__attribute__((unused)) static bool shim_zero(const void *p, size_t n)
{
    const unsigned char *b = (const unsigned char *)p;
    for (size_t i = 0; i < n; i++)
        if (b[i] != 0) return false;
    return true;
}

__attribute__((unused)) static int shim_main(const char *program, int argc, char **argv)
{
    unsigned passed = 0, failed = 0, skipped = 0;
    for (struct shim_case *c = shim_first; c != NULL; c = c->next) {
        if (argc > 1 && strcmp(argv[1], c->name) != 0) continue;
        shim_failures = 0;
        shim_skipped = false;
        c->body();
        if (shim_failures != 0) {
            failed++;
            fprintf(stderr, "%s: FAILED: %s\n", program, c->name);
        } else if (shim_skipped) {
            skipped++;
        } else {
            passed++;
        }
    }
    printf("%s: %u passed, %u failed, %u skipped\n", program, passed, failed, skipped);
    return failed != 0 || passed + skipped == 0;
}

#endif /* SHIM_TEST_H */
