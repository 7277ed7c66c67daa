/* format.h - the small printf behind bosk_panic, bosk_fatal and boski_os_print.
 *
 * Knows %s %d %i %u %x %c %p %% with h, hh, l, ll, z, t, j lengths, minimum width with - and 0
 * flags, and %.Ns / %.*s.  No locale, no allocation, errno is left alone.
 */
#ifndef BOSKI_FORMAT_H
#define BOSKI_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Writes at most `cap` - 1 bytes and a NUL (cap > 0); text that does not fit ends in "...".
 * Returns the number of bytes before the NUL. */
size_t boski_vformat(char *buf, size_t cap, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* Writes all of it to standard error; gives up silently. Keeps errno. */
void boski_os_write_stderr(const char *text, size_t n);

#endif /* BOSKI_FORMAT_H */
