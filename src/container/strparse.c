/* strparse.c - text as floating-point numbers.
 *
 * The C library's strtod gives the number or a neighbour of it: the text is brought to the form
 * DIGITSeEXPONENT first, in which no locale has a say, and the result is compared exactly with what
 * lies halfway to its neighbours, so that no rounding mode has either.
 *
 * Go counterpart: strconv/atof.go (1.22).
 */
#include "container/strconv.h"

#include <errno.h>
#include <stdlib.h>

#define EXPONENT_MAX 100000000 /* what is larger makes no difference */

/* A number as it was written. */
struct written {
    struct boski_decimal d; /* base 10 */
    uint64_t m;             /* base 16: m * 2^e, bit 0 also for what did not fit */
    int e;
    bool negative, hex;
};

static char lower(char c) { return (char)((unsigned char)c | 0x20); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static int hex_digit(char c)
{
    if (is_digit(c)) return c - '0';
    return lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
}

/* One more digit behind those read.  A one at the end stands for all that are too many. */
static void add_digit(struct written *w, char c, int *scale, bool behind_point)
{
    if (w->hex) {
        if (w->m >> 58 == 0) {
            w->m = w->m << 4 | (uint64_t)hex_digit(c);
        } else {
            w->m |= c != '0';
            if (*scale < EXPONENT_MAX) *scale += 4;
        }
        if (behind_point && *scale > -EXPONENT_MAX) *scale -= 4;
        return;
    }
    if (w->d.n == 0 && c == '0') { /* in front */
        if (w->d.point > -EXPONENT_MAX) w->d.point -= behind_point;
        return;
    }
    if (w->d.n < BOSKI_DIGITS - 1) {
        w->d.digit[w->d.n++] = c;
    } else if (c != '0') {
        w->d.digit[BOSKI_DIGITS - 1] = '1';
        w->d.n = BOSKI_DIGITS;
    }
    if (w->d.point < EXPONENT_MAX) w->d.point += !behind_point;
}

/* The exponent at s[i], which moves behind it. */
static bool read_exponent(bosk_str s, ptrdiff_t *i, int *e, bool *underscores)
{
    bool negative = false;
    ++*i;
    if (*i < s.len && (s.ptr[*i] == '+' || s.ptr[*i] == '-')) negative = s.ptr[(*i)++] == '-';
    if (*i >= s.len || !is_digit(s.ptr[*i])) return false;
    for (*e = 0; *i < s.len && (is_digit(s.ptr[*i]) || s.ptr[*i] == '_'); ++*i) {
        if (s.ptr[*i] == '_')
            *underscores = true;
        else if (*e < EXPONENT_MAX)
            *e = *e * 10 + (s.ptr[*i] - '0');
    }
    if (negative) *e = -*e;
    return true;
}

static bool read_number(bosk_str s, struct written *w)
{
    ptrdiff_t i = 0;
    int scale = 0, exponent = 0;
    bool point = false, digits = false, underscores = false;
    w->d.n = w->d.point = w->e = 0;
    w->m = 0;
    w->negative = s.len > 0 && s.ptr[0] == '-';
    if (w->negative || (s.len > 0 && s.ptr[0] == '+')) i++;
    w->hex = s.len - i > 2 && s.ptr[i] == '0' && lower(s.ptr[i + 1]) == 'x';
    if (w->hex) i += 2;
    for (; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '_') {
            underscores = true;
        } else if (c == '.' && !point) {
            point = true;
        } else if (w->hex ? hex_digit(c) >= 0 : is_digit(c)) {
            digits = true;
            add_digit(w, c, &scale, point);
        } else {
            break;
        }
    }
    if (!digits) return false;
    if (i < s.len && lower(s.ptr[i]) == (w->hex ? 'p' : 'e')) {
        if (!read_exponent(s, &i, &exponent, &underscores)) return false;
    } else if (w->hex) {
        return false; /* it must have one */
    }
    w->e = exponent + scale;
    w->d.point += exponent;
    boski_decimal_trim(&w->d);
    return i == s.len && (!underscores || boski_underscores_ok(s));
}

/* Length of the longest common start, case ignored. */
static int common(bosk_str s, const char *word)
{
    int n = 0;
    while (n < s.len && word[n] != '\0' && lower(s.ptr[n]) == word[n]) n++;
    return n;
}

/* inf, infinity, nan */
static bool read_special(bosk_str s, double *out)
{
    if (s.len == 3 && common(s, "nan") == 3) {
        *out = __builtin_nan("");
        return true;
    }
    bool sign = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+');
    bosk_str word = sign ? bosk_str_slice(s, 1, s.len) : s;
    int n = common(word, "infinity");
    if (n != word.len || (n != 3 && n != 8)) return false;
    *out = sign && s.ptr[0] == '-' ? -__builtin_inf() : __builtin_inf();
    return true;
}

/* ---- rounding ------------------------------------------------------------------------------- */

/* The image, without sign, of m * 2^e to nearest, halfway to even; bit 0 of m stands for more. */
static uint64_t round_binary(uint64_t m, int e, int bits)
{
    const int width = bits == 32 ? 23 : 52, bias = bits == 32 ? 127 : 1023;
    const int least = 1 - bias - width; /* of the smallest numbers */
    const uint64_t infinity = (bits == 32 ? (uint64_t)0xff : (uint64_t)0x7ff) << width;
    if (m == 0) return 0;
    int shift = 64 - __builtin_clzll(m) - (width + 1); /* to width + 1 bits */
    if (e + shift < least) shift = least - e;
    if (shift < 0) {
        m <<= -shift;
    } else if (shift > 63) {
        m = 0; /* below half of the smallest */
    } else if (shift > 0) {
        uint64_t rest = m & (((uint64_t)1 << shift) - 1), half = (uint64_t)1 << (shift - 1);
        m >>= shift;
        m += rest > half || (rest == half && (m & 1) != 0);
    }
    e += shift;
    /* A carry into the next power of two carries into the exponent. */
    if (e > bias) return infinity;
    uint64_t image = m + ((uint64_t)(e - least) << width);
    return image > infinity ? infinity : image;
}

/* The image, without sign, of a decimal. */
static uint64_t round_decimal(const struct boski_decimal *d, int bits)
{
    char text[BOSKI_DIGITS + BOSKI_INT_TEXT + 2];
    struct boski_decimal low, high;
    if (d->n == 0) return 0;
    memcpy(text, d->digit, (size_t)d->n);
    char number[BOSKI_INT_TEXT];
    int shift = d->point - d->n;
    bosk_str e = boski_int_text(number, (uint64_t)(shift < 0 ? -shift : shift), shift < 0, 10);
    text[d->n] = 'e';
    memcpy(text + d->n + 1, e.ptr, (size_t)e.len);
    text[d->n + 1 + e.len] = '\0';
    uint64_t image = 0;
    int saved = errno;
    if (bits == 32) {
        float v = strtof(text, NULL);
        uint32_t word;
        memcpy(&word, &v, sizeof word);
        image = word & 0x7fffffff;
    } else {
        double v = strtod(text, NULL);
        memcpy(&image, &v, sizeof image);
        image &= INT64_MAX; /* musl gives -0 for very little when rounding down */
    }
    errno = saved;
    for (;;) {
        struct boski_binary f = boski_binary_of(image, bits);
        boski_binary_bounds(&f, &low, &high);
        int over = boski_decimal_compare(d, &high), under = boski_decimal_compare(&low, d);
        bool odd = f.m % 2 != 0;
        if (!f.special && (over > 0 || (over == 0 && odd)))
            image++;
        else if (f.m != 0 && (under > 0 || (under == 0 && odd)))
            image--;
        else
            return image;
    }
}

BOSK_API bool bosk_parse_float(bosk_str s, int bits, double *out, bosk_num_error *error)
{
    struct written w;
    *out = 0;
    if (read_special(s, out)) return boski_num_fail(error, "ParseFloat", s, BOSK_NUM_OK, 0);
    if (!read_number(s, &w)) return boski_num_fail(error, "ParseFloat", s, BOSK_NUM_SYNTAX, 0);
    if (bits != 32) bits = 64; /* as Go has it */
    uint64_t image = w.hex ? round_binary(w.m, w.e, bits) : round_decimal(&w.d, bits);
    double v;
    if (bits == 32) {
        uint32_t word = (uint32_t)image;
        float narrow;
        memcpy(&narrow, &word, sizeof narrow);
        v = (double)narrow;
    } else {
        memcpy(&v, &image, sizeof v);
    }
    *out = w.negative ? -v : v;
    bool too_large = v > 1.7976931348623157e308;
    return boski_num_fail(error, "ParseFloat", s, too_large ? BOSK_NUM_RANGE : BOSK_NUM_OK, 0);
}
