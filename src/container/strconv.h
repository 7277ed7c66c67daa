/* strconv.h - what the parts of strconv share. */
#ifndef BOSKI_STRCONV_H
#define BOSKI_STRCONV_H

#include <bosk/strconv.h>

/* 64 binary digits and a sign. */
#define BOSKI_INT_TEXT 65

/* Fills *error, if there is one. False, so that parsers can return it. */
bool boski_num_fail(bosk_num_error *error, const char *func, bosk_str s, enum bosk_num_why why,
                    int number);
/* Underscores stand between digits, or between a base prefix and a digit, only. */
bool boski_underscores_ok(bosk_str s);
/* Writes to the end of `buffer` and gives the part written. */
bosk_str boski_int_text(char buffer[BOSKI_INT_TEXT], uint64_t v, bool negative, int base);
/* Appends to *b, which owns its bytes. */
void boski_float_text(bosk_builder *b, double v, char format, int prec, int bits);

/* An unsigned decimal number 0.d1d2d3... times 10 to the power of `point`, without zeros at its
 * end; exact. */
#define BOSKI_DIGITS 800 /* 767 at most are significant for a double */
struct boski_decimal {
    int n, point;
    char digit[BOSKI_DIGITS];
};
/* m, below 2^56, times two to the power of e, from -1076 to 972. */
void boski_decimal_set(struct boski_decimal *d, uint64_t m, int e);
void boski_decimal_trim(struct boski_decimal *d); /* zeros at the end */
/* To at most n digits: to nearest, halfway to even; down; up. */
void boski_decimal_round(struct boski_decimal *d, int n);
void boski_decimal_down(struct boski_decimal *d, int n);
void boski_decimal_up(struct boski_decimal *d, int n);
int boski_decimal_compare(const struct boski_decimal *a, const struct boski_decimal *b);

/* A float or double taken apart: m * 2^e. */
struct boski_binary {
    uint64_t m;
    int e, width; /* width of the stored part of m */
    bool negative, special, least;
};
/* `image` holds the bits of a float (bits == 32) or double.  Infinity comes out as the power of two
 * that it stands for when numbers are rounded. */
struct boski_binary boski_binary_of(uint64_t image, int bits);
/* Halfway to the number below and above, without the sign: what lies between (on the ends too if m
 * is even) reads as this number. */
void boski_binary_bounds(const struct boski_binary *f, struct boski_decimal *low,
                         struct boski_decimal *high);

#endif /* BOSKI_STRCONV_H */
