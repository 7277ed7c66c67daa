/* format.c - text for panics and warnings, made in the caller's buffer. */
#include "os/format.h"

#include "os/os.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <unistd.h>

struct out {
    char *buf;
    size_t cap, n;
    bool cut;
};

static void put(struct out *o, char c)
{
    if (o->n + 1 < o->cap)
        o->buf[o->n++] = c;
    else
        o->cut = true;
}

struct spec {
    bool left, zero;
    int width, precision; /* precision -1: none */
    int length;           /* -2 hh, -1 h, 0 int, 1 l, 2 ll or j, 3 z or t */
};

static void put_text(struct out *o, const struct spec *s, const char *text, size_t n)
{
    size_t pad = s->width > 0 && (size_t)s->width > n ? (size_t)s->width - n : 0;

    if (!s->left)
        for (size_t i = 0; i < pad; i++) put(o, ' ');
    for (size_t i = 0; i < n; i++) put(o, text[i]);
    if (s->left)
        for (size_t i = 0; i < pad; i++) put(o, ' ');
}

static void put_number(struct out *o, struct spec *s, uintmax_t v, bool negative, unsigned base,
                       const char *prefix)
{
    char digits[3 * sizeof v + 4];
    size_t n = sizeof digits;

    do {
        digits[--n] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v != 0);
    size_t sign = prefix[0] != '\0' ? 2 : negative ? 1 : 0;
    if (s->zero && !s->left) {
        size_t count = sizeof digits - n;
        if (negative) put(o, '-');
        for (const char *p = prefix; *p != '\0'; p++) put(o, *p);
        for (size_t i = count + sign; s->width > 0 && i < (size_t)s->width; i++) put(o, '0');
        s->width = 0;
    } else if (negative) {
        digits[--n] = '-';
    } else if (sign == 2) {
        digits[--n] = prefix[1];
        digits[--n] = prefix[0];
    }
    put_text(o, s, digits + n, sizeof digits - n);
}

static intmax_t next_signed(int length, va_list *args)
{
    switch (length) {
    case 3: return va_arg(*args, ptrdiff_t);
    case 2: return va_arg(*args, long long);
    case 1: return va_arg(*args, long);
    case -1: return (short)va_arg(*args, int);
    case -2: return (signed char)va_arg(*args, int);
    default: return va_arg(*args, int);
    }
}

static uintmax_t next_unsigned(int length, va_list *args)
{
    switch (length) {
    case 3: return va_arg(*args, size_t);
    case 2: return va_arg(*args, unsigned long long);
    case 1: return va_arg(*args, unsigned long);
    case -1: return (unsigned short)va_arg(*args, unsigned);
    case -2: return (unsigned char)va_arg(*args, unsigned);
    default: return va_arg(*args, unsigned);
    }
}

static int digits_of(const char **f)
{
    int n = 0;

    for (; **f >= '0' && **f <= '9'; ++*f)
        if (n < INT_MAX / 16) n = n * 10 + (**f - '0');
    return n;
}

/* Reads what stands between '%' and the conversion. */
static const char *parse_spec(const char *f, struct spec *s, va_list *args)
{
    *s = (struct spec){.precision = -1};
    for (;; f++) {
        if (*f == '-')
            s->left = true;
        else if (*f == '0')
            s->zero = true;
        else
            break;
    }
    if (*f == '*') {
        s->width = va_arg(*args, int);
        f++;
    } else {
        s->width = digits_of(&f);
    }
    if (*f == '.') {
        f++;
        if (*f == '*') {
            s->precision = va_arg(*args, int);
            f++;
        } else {
            s->precision = digits_of(&f);
        }
    }
    for (;; f++) {
        if (*f == 'l')
            s->length++;
        else if (*f == 'h')
            s->length--;
        else if (*f == 'z' || *f == 't')
            s->length = 3;
        else if (*f == 'j')
            s->length = 2;
        else
            return f;
    }
}

static void convert(struct out *o, char conversion, struct spec *s, va_list *args)
{
    switch (conversion) {
    case 's': {
        const char *text = va_arg(*args, const char *);
        size_t n = 0;
        if (text == NULL) text = "(null)";
        while ((s->precision < 0 || n < (size_t)s->precision) && text[n] != '\0') n++;
        put_text(o, s, text, n);
        break;
    }
    case 'c': {
        char c = (char)va_arg(*args, int);
        put_text(o, s, &c, 1);
        break;
    }
    case 'd':
    case 'i': {
        intmax_t v = next_signed(s->length, args);
        put_number(o, s, v < 0 ? 0 - (uintmax_t)v : (uintmax_t)v, v < 0, 10, "");
        break;
    }
    case 'u': put_number(o, s, next_unsigned(s->length, args), false, 10, ""); break;
    case 'x': put_number(o, s, next_unsigned(s->length, args), false, 16, ""); break;
    case 'p': put_number(o, s, (uintptr_t)va_arg(*args, void *), false, 16, "0x"); break;
    default: /* not ours: show it rather than guess what the argument was */
        put(o, '%');
        put(o, conversion);
        break;
    }
}

size_t boski_vformat(char *buf, size_t cap, const char *format, va_list args)
{
    struct out o = {.buf = buf, .cap = cap};
    va_list ap;

    va_copy(ap, args);
    for (const char *f = format; *f != '\0'; f++) {
        struct spec s;
        if (*f != '%') {
            put(&o, *f);
            continue;
        }
        f = parse_spec(f + 1, &s, &ap);
        if (*f == '\0') break;
        if (*f == '%')
            put(&o, '%');
        else
            convert(&o, *f, &s, &ap);
    }
    va_end(ap);
    if (o.cut && cap > 4)
        for (size_t i = 0; i < 3; i++) buf[cap - 2 - i] = '.';
    buf[o.n] = '\0';
    return o.n;
}

void boski_os_write_stderr(const char *text, size_t n)
{
    int saved = errno;

    while (n > 0) {
        ssize_t done = write(STDERR_FILENO, text, n);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) break;
        text += done;
        n -= (size_t)done;
    }
    errno = saved;
}

void boski_os_print(const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    size_t n = boski_vformat(line, sizeof line - 1, format, args);
    va_end(args);
    if (n == 0 || line[n - 1] != '\n') line[n++] = '\n';
    boski_os_write_stderr(line, n);
}
