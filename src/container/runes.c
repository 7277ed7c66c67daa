/* runes.c - what kind of rune this is, and its other case.
 *
 * Tables of the Unicode database, searched by halving; ASCII is answered before.  Go counterpart:
 * the package unicode (1.22, Unicode 15.0).
 */
#include <bosk/str.h>

#include "container/unicode_tables.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static bool in_runs(const struct rune_run *run, size_t n, bosk_rune rune)
{
    uint32_t r = (uint32_t)rune;
    while (n > 0) {
        const struct rune_run *mid = &run[n / 2];
        if (r < mid->lo) {
            n /= 2;
        } else if (r > mid->hi) {
            run = mid + 1;
            n -= n / 2 + 1;
        } else {
            return (r - mid->lo) % mid->step == 0;
        }
    }
    return false;
}

static bosk_rune shifted(const struct rune_shift *run, size_t n, bosk_rune rune)
{
    uint32_t r = (uint32_t)rune;
    while (n > 0) {
        const struct rune_shift *mid = &run[n / 2];
        if (r < mid->lo) {
            n /= 2;
        } else if (r > mid->hi) {
            run = mid + 1;
            n -= n / 2 + 1;
        } else {
            return (r - mid->lo) % mid->step == 0 ? rune + mid->delta : rune;
        }
    }
    return rune;
}

BOSK_API bool bosk_rune_is_letter(bosk_rune r) { return in_runs(letters, COUNT(letters), r); }
BOSK_API bool bosk_rune_is_upper(bosk_rune r) { return in_runs(uppers, COUNT(uppers), r); }
BOSK_API bool bosk_rune_is_lower(bosk_rune r) { return in_runs(lowers, COUNT(lowers), r); }
BOSK_API bool bosk_rune_is_digit(bosk_rune r) { return in_runs(digits, COUNT(digits), r); }
BOSK_API bool bosk_rune_is_punct(bosk_rune r) { return in_runs(puncts, COUNT(puncts), r); }
BOSK_API bool bosk_rune_is_print(bosk_rune r) { return in_runs(prints, COUNT(prints), r); }

BOSK_API bool bosk_rune_is_space(bosk_rune r)
{
    return (r >= '\t' && r <= '\r') || r == ' ' || r == 0x85 || r == 0xa0 || r == 0x1680 ||
           (r >= 0x2000 && r <= 0x200a) || r == 0x2028 || r == 0x2029 || r == 0x202f ||
           r == 0x205f || r == 0x3000;
}

BOSK_API bosk_rune bosk_rune_to_upper(bosk_rune r)
{
    if (r >= 0 && r < 0x80) return r >= 'a' && r <= 'z' ? r - ('a' - 'A') : r;
    return shifted(to_upper, COUNT(to_upper), r);
}

BOSK_API bosk_rune bosk_rune_to_lower(bosk_rune r)
{
    if (r >= 0 && r < 0x80) return r >= 'A' && r <= 'Z' ? r + ('a' - 'A') : r;
    return shifted(to_lower, COUNT(to_lower), r);
}

BOSK_API bosk_rune bosk_rune_fold(bosk_rune r)
{
    if (r >= 0 && r < 0x80) return bosk_rune_to_lower(r);
    return shifted(to_fold, COUNT(to_fold), r);
}
