/* say.c - see say.h. */
#include "say.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void say_problem(const char *reason, const char *way_out, const char *problem, ...)
{
    va_list args;
    va_start(args, problem);
    fputs("bosk: ", stderr);
    vfprintf(stderr, problem, args);
    va_end(args);
    if (reason != NULL) fprintf(stderr, "\n      %s", reason);
    if (way_out != NULL) fprintf(stderr, "\n      %s", way_out);
    fputc('\n', stderr);
}

void say(const char *text, ...)
{
    va_list args;
    va_start(args, text);
    fputs("bosk: ", stderr);
    vfprintf(stderr, text, args);
    fputc('\n', stderr);
    va_end(args);
}

/* Three digits that count: 1.23, 12.3, 123. */
static struct text scaled(double v, const char *unit)
{
    struct text t;
    int decimals = v >= 99.95 || v == 0 ? 0 : v >= 9.995 ? 1 : 2;
    snprintf(t.s, sizeof t.s, "%.*f%s%s", decimals, v, unit[0] != '\0' ? " " : "", unit);
    return t;
}

struct text text_bytes(double bytes)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t i = 0;
    if (!(bytes > 0)) bytes = 0;
    while (bytes >= 999.5 && i + 1 < sizeof unit / sizeof unit[0]) {
        bytes /= 1024;
        i++;
    }
    if (i == 0) {
        struct text t;
        snprintf(t.s, sizeof t.s, "%.0f B", bytes);
        return t;
    }
    return scaled(bytes, unit[i]);
}

struct text text_count(double n)
{
    static const char *const unit[] = {"", "k", "M", "G", "T", "P", "E"};
    size_t i = 0;
    if (!(n > 0)) n = 0;
    if (n < 9999.5) {
        struct text t;
        snprintf(t.s, sizeof t.s, "%.0f", n);
        return t;
    }
    while (n >= 999.5 && i + 1 < sizeof unit / sizeof unit[0]) {
        n /= 1000;
        i++;
    }
    return scaled(n, unit[i]);
}

struct text text_exact(double count)
{
    char plain[24];
    if (count >= 1e13) return text_count(count);
    uint64_t n = count > 0 ? (uint64_t)count : 0;
    struct text t;
    int digits = snprintf(plain, sizeof plain, "%" PRIu64, n);
    size_t out = 0;
    for (int i = 0; i < digits; i++) {
        if (i > 0 && (digits - i) % 3 == 0) t.s[out++] = ',';
        t.s[out++] = plain[i];
    }
    t.s[out] = '\0';
    return t;
}

struct text text_duration(double ns)
{
    if (!(ns > 0)) ns = 0;
    if (ns < 999.5) {
        struct text t;
        snprintf(t.s, sizeof t.s, "%.0f ns", ns);
        return t;
    }
    if (ns < 999.5e3) return scaled(ns / 1e3, "us");
    if (ns < 999.5e6) return scaled(ns / 1e6, "ms");
    if (ns < 119.5e9) return scaled(ns / 1e9, "s");
    struct text t;
    uint64_t s = (uint64_t)(ns / 1e9 + 0.5);
    if (s < 7200)
        snprintf(t.s, sizeof t.s, "%" PRIu64 " min %02" PRIu64 " s", s / 60, s % 60);
    else
        snprintf(t.s, sizeof t.s, "%" PRIu64 " h %02" PRIu64 " min", s / 3600, s / 60 % 60);
    return t;
}

struct text text_percent(double part, double whole)
{
    struct text t;
    double p = whole > 0 ? 100 * part / whole : 0;
    if (!(p > 0)) p = 0;
    int decimals = p > 99 && p < 99.995 ? 2 : p < 9.95 && p > 0 ? 1 : 0;
    if (p > 999)
        snprintf(t.s, sizeof t.s, ">999 %%");
    else if (p > 0 && p < 0.05)
        snprintf(t.s, sizeof t.s, "<0.1 %%");
    else
        snprintf(t.s, sizeof t.s, "%.*f %%", decimals, p);
    return t;
}

/* Length of the UTF-8 sequence at `s`; 0 when it is none or a control character. */
static size_t sequence(const unsigned char *s)
{
    if (s[0] >= 0x20 && s[0] < 0x7f) return 1;
    size_t n = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : 0;
    if (s[0] >= 0xf0 && s[0] < 0xf5) n = 4;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if (n == 2 && s[0] == 0xc2 && s[1] < 0xa0) return 0; /* C1 controls */
    return n;
}

char *text_clean(const char *s, char *buf, size_t cap)
{
    bool utf8 = say_utf8();
    size_t out = 0;
    while (*s != '\0' && out + 1 < cap) {
        size_t n = sequence((const unsigned char *)s);
        if (n == 0 || (n > 1 && !utf8)) {
            buf[out++] = '?';
            s += n != 0 ? n : 1;
            continue;
        }
        if (out + n >= cap) break;
        memcpy(buf + out, s, n);
        out += n;
        s += n;
    }
    buf[out] = '\0';
    return buf;
}

size_t text_width(const char *s)
{
    size_t n = 0;
    for (; *s != '\0'; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

bool say_colour(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (no != NULL && no[0] != '\0') return false;
    if (term == NULL || strcmp(term, "dumb") == 0) return false;
    return isatty(STDERR_FILENO) == 1;
}

bool say_utf8(void) { return strcmp(nl_langinfo(CODESET), "UTF-8") == 0; }
