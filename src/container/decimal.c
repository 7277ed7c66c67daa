/* decimal.c - exact decimal digits of binary floating-point numbers, and rounding them.
 *
 * m * 2^e is an integer for e >= 0, and m * 5^-e divided by 10^-e otherwise: either way one large
 * integer and the place of a point.  No floating-point arithmetic, so neither its rounding mode nor
 * the width of the processor's registers matters.
 */
#include "container/strconv.h"

#define WORD 1000000000u /* of the large integer: nine digits each */
#define WORDS 90         /* 767 digits and what 2^55 adds */

struct large {
    int n;
    uint32_t word[WORDS]; /* lowest first */
};

static void multiply(struct large *a, uint32_t by)
{
    uint64_t carry = 0;
    for (int i = 0; i < a->n; i++) {
        carry += (uint64_t)a->word[i] * by;
        a->word[i] = (uint32_t)(carry % WORD);
        carry /= WORD;
    }
    for (; carry != 0; carry /= WORD) a->word[a->n++] = (uint32_t)(carry % WORD);
}

static void power(struct large *a, uint32_t base, int exponent, uint32_t step_value, int step)
{
    for (; exponent >= step; exponent -= step) multiply(a, step_value);
    for (; exponent > 0; exponent--) multiply(a, base);
}

void boski_decimal_trim(struct boski_decimal *d)
{
    while (d->n > 0 && d->digit[d->n - 1] == '0') d->n--;
    if (d->n == 0) d->point = 0;
}

void boski_decimal_set(struct boski_decimal *d, uint64_t m, int e)
{
    struct large a = {0};
    for (; m != 0; m /= WORD) a.word[a.n++] = (uint32_t)(m % WORD);
    if (e >= 0)
        power(&a, 2, e, 1u << 30, 30);
    else
        power(&a, 5, -e, 1220703125, 13);
    d->n = 0;
    for (int i = a.n; i-- > 0;) {
        char text[9];
        uint32_t w = a.word[i];
        for (int k = 9; k-- > 0; w /= 10) text[k] = (char)('0' + w % 10);
        int zeros = 0;
        while (d->n == 0 && zeros < 9 && text[zeros] == '0') zeros++;
        memcpy(d->digit + d->n, text + zeros, (size_t)(9 - zeros));
        d->n += 9 - zeros;
    }
    d->point = e < 0 ? d->n + e : d->n;
    boski_decimal_trim(d);
}

void boski_decimal_down(struct boski_decimal *d, int n)
{
    if (n >= d->n) return;
    d->n = n > 0 ? n : 0;
    boski_decimal_trim(d);
}

void boski_decimal_up(struct boski_decimal *d, int n)
{
    if (n >= d->n) return;
    d->n = n > 0 ? n : 0;
    while (d->n > 0 && d->digit[d->n - 1] == '9') d->n--;
    if (d->n > 0) {
        d->digit[d->n - 1]++;
        return;
    }
    /* Nines only, or nothing was left to keep. */
    if (n < 0) return;
    d->digit[0] = '1';
    d->n = 1;
    d->point++;
}

void boski_decimal_round(struct boski_decimal *d, int n)
{
    if (n >= d->n) return;
    bool up = false;
    if (n >= 0) {
        bool halfway = d->digit[n] == '5' && n + 1 == d->n;
        up = halfway ? n > 0 && (d->digit[n - 1] - '0') % 2 != 0 : d->digit[n] >= '5';
    }
    if (up)
        boski_decimal_up(d, n);
    else
        boski_decimal_down(d, n);
}

int boski_decimal_compare(const struct boski_decimal *a, const struct boski_decimal *b)
{
    if (a->n == 0 || b->n == 0) return (a->n != 0) - (b->n != 0);
    if (a->point != b->point) return a->point < b->point ? -1 : 1;
    int n = a->n < b->n ? a->n : b->n;
    int c = memcmp(a->digit, b->digit, (size_t)n);
    return c != 0 ? c : (a->n > b->n) - (a->n < b->n);
}

/* ---- the binary side ---- */

struct boski_binary boski_binary_of(uint64_t image, int bits)
{
    const int width = bits == 32 ? 23 : 52;
    const uint64_t exponent_mask = bits == 32 ? 0xff : 0x7ff;
    struct boski_binary f = {.width = width};
    f.negative = (image >> (bits - 1)) != 0;
    f.m = image & (((uint64_t)1 << width) - 1);
    int exponent = (int)((image >> width) & exponent_mask);
    f.special = exponent == (int)exponent_mask;
    f.least = exponent <= 1; /* no finer numbers below */
    if (exponent == 0)
        exponent = 1;
    else
        f.m |= (uint64_t)1 << width;
    f.e = exponent - (bits == 32 ? 127 : 1023) - width;
    return f;
}

void boski_binary_bounds(const struct boski_binary *f, struct boski_decimal *low,
                         struct boski_decimal *high)
{
    boski_decimal_set(high, 2 * f->m + 1, f->e - 1);
    if (f->m == 0)
        low->n = low->point = 0;
    else if (f->m == (uint64_t)1 << f->width && !f->least)
        boski_decimal_set(low, 4 * f->m - 1, f->e - 2); /* below, numbers are twice as dense */
    else
        boski_decimal_set(low, 2 * f->m - 1, f->e - 1);
}
