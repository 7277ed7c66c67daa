/* strfloat.c - floating-point numbers as text.
 *
 * The shortest digits that read back as the same number are found by trying: the decimals of n
 * digits next to the exact value, from n = 1 on, until one lies within the bounds of what reads
 * back.  Exact arithmetic throughout (decimal.c).
 *
 * Go counterpart: strconv/ftoa.go (1.22), whose results these are, digit for digit.
 */
#include "container/strconv.h"

/* Sets d, the exact value of f, to the shortest that reads back as f; the nearest of these. */
static void shortest(struct boski_decimal *d, const struct boski_binary *f)
{
    struct boski_decimal low, high, best;
    if (f->m == 0) return;
    boski_binary_bounds(f, &low, &high);
    const int on_end = f->m % 2 == 0 ? 0 : -1; /* what comparing may say: at most this */
    for (int n = 1; n < d->n; n++) {
        void (*const round[])(struct boski_decimal *, int) = {boski_decimal_round, boski_decimal_up,
                                                              boski_decimal_down};
        for (int k = 0; k < 3; k++) {
            best.n = d->n;
            best.point = d->point;
            memcpy(best.digit, d->digit, (size_t)d->n);
            round[k](&best, n);
            if (best.n != 0 && boski_decimal_compare(&low, &best) <= on_end &&
                boski_decimal_compare(&best, &high) <= on_end) {
                *d = best;
                return;
            }
        }
    }
}

/* ---- writing ---- */

static void put(bosk_builder *b, char c) { bosk_builder_write_byte(b, (unsigned char)c); }
static void put_text(bosk_builder *b, const char *text)
{
    bosk_builder_write(b, bosk_str_of(text));
}
static char digit_at(const struct boski_decimal *d, int i)
{
    return i >= 0 && i < d->n ? d->digit[i] : '0';
}

static void put_exponent(bosk_builder *b, char letter, int e, int least_digits)
{
    put(b, letter);
    put(b, e < 0 ? '-' : '+');
    if (e < 0) e = -e;
    if (e < 10 && least_digits == 2) put(b, '0');
    bosk_builder_write_int(b, e, 10);
}

static void put_e(bosk_builder *b, const struct boski_decimal *d, int prec, char letter)
{
    put(b, digit_at(d, 0));
    if (prec > 0) put(b, '.');
    for (int i = 1; i <= prec; i++) put(b, digit_at(d, i));
    put_exponent(b, letter, d->n == 0 ? 0 : d->point - 1, 2);
}

static void put_f(bosk_builder *b, const struct boski_decimal *d, int prec)
{
    if (d->point <= 0) put(b, '0');
    for (int i = 0; i < d->point; i++) put(b, digit_at(d, i));
    if (prec > 0) put(b, '.');
    for (int i = 0; i < prec; i++) put(b, digit_at(d, d->point + i));
}

static int at_least_0(int n) { return n > 0 ? n : 0; }

static void put_g(bosk_builder *b, const struct boski_decimal *d, int prec, bool is_short,
                  char letter)
{
    int limit = prec, e = d->point - 1;
    if (limit > d->n && d->n >= d->point)
        limit = d->n; /* %e when there are zeros before the point */
    if (is_short) limit = 6;
    if (e < -4 || e >= limit)
        put_e(b, d, (prec < d->n ? prec : d->n) - 1, letter);
    else
        put_f(b, d, at_least_0(d->n - d->point));
}

static void put_decimal(bosk_builder *b, const struct boski_binary *f, char format, int prec)
{
    struct boski_decimal d;
    const bool is_short = prec < 0;
    const bool is_e = format == 'e' || format == 'E', is_f = format == 'f';
    boski_decimal_set(&d, f->m, f->e);
    /* More digits than there can be are zeros. */
    const int most = prec < 2 * BOSKI_DIGITS ? prec : 2 * BOSKI_DIGITS;
    if (is_short) {
        shortest(&d, f);
        prec = is_e ? d.n - 1 : is_f ? at_least_0(d.n - d.point) : d.n;
    } else if (is_f) {
        boski_decimal_round(&d, d.point + most);
    } else {
        if (prec == 0 && !is_e) prec = 1;
        boski_decimal_round(&d, is_e ? most + 1 : prec);
    }
    if (is_e)
        put_e(b, &d, prec, format);
    else if (is_f)
        put_f(b, &d, prec);
    else
        put_g(b, &d, prec, is_short, format == 'g' ? 'e' : 'E');
}

/* -ddddp±ddd: the parts as they are stored. */
static void put_b(bosk_builder *b, const struct boski_binary *f)
{
    bosk_builder_write_uint(b, f->m, 10);
    put_exponent(b, 'p', f->e, 1);
}

/* -0x1.yyyyyyyyp±dd */
static void put_x(bosk_builder *b, const struct boski_binary *f, char format, int prec)
{
    const uint64_t one = (uint64_t)1 << 60; /* the place of the first digit */
    const char *hex = format == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
    uint64_t m = f->m << (60 - f->width);
    int e = f->m == 0 ? 0 : f->e + f->width;
    while (m != 0 && (m & one) == 0) {
        m <<= 1;
        e--;
    }
    if (prec >= 0 && prec < 15) {
        unsigned shift = (unsigned)prec * 4;
        uint64_t extra = (m << shift) & (one - 1);
        m >>= 60 - shift;
        if ((extra | (m & 1)) > one / 2) m++;
        m <<= 60 - shift;
        if ((m & one << 1) != 0) {
            m >>= 1;
            e++;
        }
    }
    put(b, '0');
    put(b, format);
    put(b, hex[m >> 60 & 1]);
    m <<= 4;
    if (prec > 0 || (prec < 0 && m != 0)) put(b, '.');
    for (int i = 0; prec < 0 ? m != 0 : i < prec; i++, m <<= 4) put(b, hex[m >> 60 & 15]);
    put_exponent(b, format == 'x' ? 'p' : 'P', e, 2);
}

void boski_float_text(bosk_builder *b, double v, char format, int prec, int bits)
{
    uint64_t image = 0;
    if (bits != 32 && bits != 64) bosk_panic("strconv: illegal AppendFloat/FormatFloat bitSize");
    if (bits == 32) {
        float narrow = (float)v;
        uint32_t word;
        memcpy(&word, &narrow, sizeof word);
        image = word;
    } else {
        memcpy(&image, &v, sizeof image);
    }
    struct boski_binary f = boski_binary_of(image, bits);
    const bool fraction = (f.m & (((uint64_t)1 << f.width) - 1)) != 0;
    if (f.special) {
        put_text(b, fraction ? "NaN" : f.negative ? "-Inf" : "+Inf");
        return;
    }
    if (format == '\0' || strchr("befgxEGX", format) == NULL) {
        put(b, '%');
        put(b, format);
        return;
    }
    if (f.negative) put(b, '-');
    if (format == 'b')
        put_b(b, &f);
    else if (format == 'x' || format == 'X')
        put_x(b, &f, format, prec);
    else
        put_decimal(b, &f, format, prec);
}
