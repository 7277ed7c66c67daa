/* say.h - what the tool says on standard error: messages, numbers for people, colour. */
#ifndef BOSK_CMD_SAY_H
#define BOSK_CMD_SAY_H

#include <bosk/base.h>
#include <stdio.h>

/* Exit statuses of the tool's own, besides the program's. */
enum {
    EXIT_USAGE = 2,
    EXIT_TIMEOUT = 124,
    EXIT_OWN = 125,        /* bosk itself failed */
    EXIT_CANNOT_RUN = 126, /* found, but cannot be run under bosk */
    EXIT_NOT_FOUND = 127
};

/* One message in up to three parts: what is wrong, why, and what to do about it.
 *     bosk: PROBLEM
 *           REASON
 *           WAY OUT
 * `reason` and `way_out` may be NULL. */
void say_problem(const char *reason, const char *way_out, const char *problem, ...)
    BOSK_PRINTF(3, 4);
/* "bosk: TEXT", one line. */
void say(const char *text, ...) BOSK_PRINTF(1, 2);

/* Numbers for people, into `buf`, which is returned: "31.8 MiB", "2.42 M", "2.1 us", "1.62 s". */
struct text {
    char s[32];
};
struct text text_bytes(double bytes);
struct text text_count(double n); /* 3 digits and k, M, G */
struct text text_exact(double n); /* 2,421,063 */
struct text text_duration(double ns);
struct text text_percent(double part, double whole);

/* Copies `s` for display: control characters become '?', so that nothing read from a recorded
 * program can steer the terminal; invalid UTF-8 likewise.  Returns `buf`. */
char *text_clean(const char *s, char *buf, size_t cap);
/* Columns `s` takes on the terminal: its code points. */
size_t text_width(const char *s);

/* Whether standard error is a terminal that wants colour (NO_COLOR is honoured), and whether the
 * locale can show block elements. */
bool say_colour(void);
bool say_utf8(void);

#endif /* BOSK_CMD_SAY_H */
