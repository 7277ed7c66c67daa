/* weight.c - the arithmetic of sampling: exponential distances and what a sample stands for.
 *
 * The library links with libc alone, so the two functions of libm that are needed are here, to nine
 * digits, which is far below the noise of any sample.
 */
#include "internal.h"

#include <string.h>

#define LN2 0.6931471805599453

double boski_obs_log(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int e = (int)((bits >> 52) & 0x7ff) - 1023;
    bits = (bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000);
    double m;
    memcpy(&m, &bits, sizeof m); /* 1 <= m < 2 */
    if (m > 1.4142135623730951) {
        m *= 0.5;
        e++;
    }
    double z = (m - 1) / (m + 1);
    double q = z * z;
    double series =
        1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q / 13)))));
    return e * LN2 + 2 * z * series;
}

/* 1 - exp(-x) for x >= 0. */
static double one_minus_exp(double x)
{
    if (x < 0.1)
        return x *
               (1 - x / 2 * (1 - x / 3 * (1 - x / 4 * (1 - x / 5 * (1 - x / 6 * (1 - x / 7))))));
    if (x > 40) return 1;
    unsigned halvings = (unsigned)(x / LN2);
    double f = x - halvings * LN2; /* 0 <= f < ln 2 */
    double term = 1, sum = 1;
    for (int i = 1; i < 14; i++) {
        term *= -f / i;
        sum += term;
    }
    return 1 - sum / (double)(UINT64_C(1) << halvings);
}

double boski_obs_weight(uint64_t block, uint32_t mean)
{
    if (mean <= 1 || block == 0) return 1;
    return 1 / one_minus_exp((double)block / mean);
}

static uint64_t next_random(uint64_t *state)
{
    /* xorshift64*: one word of state that is never 0. */
    uint64_t x = *state != 0 ? *state : UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t boski_obs_draw(uint64_t *rng, uint32_t mean)
{
    uint64_t u = (next_random(rng) >> 12) + 1; /* 1 .. 2^52 */
    if (mean <= 1) return 0;
    return (uint64_t)(-boski_obs_log((double)u * 0x1p-52) * mean);
}
