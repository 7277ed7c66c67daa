/* base.h - attributes, version and panics shared by every public header.
 *
 * Nothing here allocates or includes stdio.  The header is clean in C11, gnu11
 * and C++17 with -Wpedantic.
 */
#ifndef BOSK_BASE_H
#define BOSK_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOSK_VERSION_MAJOR 0
#define BOSK_VERSION_MINOR 1
#define BOSK_VERSION_PATCH 0
#define BOSK_VERSION "0.1.0"

#if defined(__cplusplus)
#define BOSK_BEGIN_DECLS extern "C" {
#define BOSK_END_DECLS }
#else
#define BOSK_BEGIN_DECLS
#define BOSK_END_DECLS
#endif

#if defined(__GNUC__)
#define BOSK_API __attribute__((visibility("default")))
#define BOSK_NORETURN __attribute__((noreturn))
#define BOSK_NODISCARD __attribute__((warn_unused_result))
#define BOSK_MALLOC __attribute__((malloc))
#define BOSK_ALLOC_SIZE(...) __attribute__((alloc_size(__VA_ARGS__)))
#define BOSK_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define BOSK_LIKELY(x) __builtin_expect(!!(x), 1)
#define BOSK_UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#error "bosk needs gcc 12 or clang 14, or newer"
#endif

BOSK_BEGIN_DECLS

/* Referenced by every header with inline layouts: a program built against an
 * incompatible version fails to link instead of misbehaving. */
BOSK_API extern const char bosk_abi_0;

/* bosk_version returns the version of the library that is really loaded, for
 * example "0.1.0".  Static storage; any thread. */
BOSK_API const char *bosk_version(void);

/* bosk_panic reports a broken contract in Go's words and does not return.
 *
 * The text is formatted (printf rules for %s %d %u %x %zu %zd %td %p %% only, no
 * allocation, no locale) and given to the handler, if one is set; when there is
 * none or it returns, "panic: TEXT\n" is written to standard error and the
 * process aborts.  Raised before anything is changed, so a handler may longjmp. */
BOSK_API BOSK_NORETURN void bosk_panic(const char *format, ...) BOSK_PRINTF(1, 2);

/* bosk_fatal is for what Go cannot recover from either (out of memory, a corrupt
 * heap): "fatal error: TEXT\n", then abort.  No handler is called. */
BOSK_API BOSK_NORETURN void bosk_fatal(const char *format, ...) BOSK_PRINTF(1, 2);

/* A panic handler gets the text without the "panic: " in front.  Process wide;
 * NULL restores the default.  Returns the handler that was set before. */
typedef void (*bosk_panic_fn)(const char *text);
BOSK_API bosk_panic_fn bosk_on_panic(bosk_panic_fn handler);

BOSK_END_DECLS

#endif /* BOSK_BASE_H */
