/* strconv.h - numbers and quoted strings as text and back, by the rules and words of Go's strconv.
 *
 *     bosk_str s = bosk_itoa(-42);                        s := strconv.Itoa(-42)
 *     int64_t n;
 *     bosk_num_error why;
 *     if (!bosk_parse_int(s, 10, 64, &n, &why))           n, err := strconv.ParseInt(s, 10, 64)
 *         print(bosk_num_error_str(&why));                fmt.Println(err)
 *     b = bosk_append_float(b, 0.1, 'g', -1, 64);         b = strconv.AppendFloat(b, 0.1, 'g', -1,
 * 64)
 *
 * Locale and rounding mode of the process do not matter.  What is made lives in the current home
 * (type.h): free it with bosk_str_free.  Formatted numbers below 100 and truth values are
 * constants. Any thread; no state.
 *
 * Go counterpart: package strconv (1.22).
 */
#ifndef BOSK_STRCONV_H
#define BOSK_STRCONV_H

#include <bosk/str.h>

BOSK_BEGIN_DECLS

/* ---- what was wrong ------------------------------------------------------------------------- */

enum bosk_num_why {
    BOSK_NUM_OK = 0,
    BOSK_NUM_SYNTAX,  /* invalid syntax */
    BOSK_NUM_RANGE,   /* value out of range */
    BOSK_NUM_BASE,    /* invalid base N */
    BOSK_NUM_BIT_SIZE /* invalid bit size N */
};
/* *strconv.NumError. `text` is a view of what was parsed. */
typedef struct bosk_num_error {
    const char *func; /* as Go names it: "ParseInt" */
    bosk_str text;
    enum bosk_num_why why;
    int number; /* the base or bit size */
} bosk_num_error;
/* strconv.ParseInt: parsing "12a": invalid syntax */
BOSK_API bosk_str bosk_num_error_str(const bosk_num_error *error);

/* ---- parsing ---- */

/* Each is false on errors and tells why in *error (which may be NULL).  *out is always set: where
 * the value is out of range to the nearest there is (floats: infinity), else to 0.
 *
 * base 2 to 36, or 0: 0b, 0o, 0x, 0 in front tell, and underscores may separate digits.  bits: 1 to
 * 64; 0 is that of Go's int on this machine.  Floats: 32 or 64 bits, decimal or 0x1p-2, "inf",
 * "infinity", "nan" in any case, rounded to nearest even. */
BOSK_API bool bosk_parse_int(bosk_str s, int base, int bits, int64_t *out, bosk_num_error *error);
BOSK_API bool bosk_parse_uint(bosk_str s, int base, int bits, uint64_t *out, bosk_num_error *error);
BOSK_API bool bosk_parse_float(bosk_str s, int bits, double *out, bosk_num_error *error);
/* 1 t T TRUE true True 0 f F FALSE false False */
BOSK_API bool bosk_parse_bool(bosk_str s, bool *out, bosk_num_error *error);
/* ParseInt(s, 10, 0). */
BOSK_API bool bosk_atoi(bosk_str s, ptrdiff_t *out, bosk_num_error *error);

/* ---- formatting ---- */

/* base 2 to 36; others panic with "strconv: illegal AppendInt/FormatInt base". */
BOSK_API bosk_str bosk_format_int(int64_t v, int base);
BOSK_API bosk_str bosk_format_uint(uint64_t v, int base);
BOSK_API bosk_str bosk_itoa(int64_t v);
/* format: 'e' 'E' (-d.dddde±dd), 'f' (-ddd.dddd), 'g' 'G' (e for large exponents, else f), 'b'
 * (-ddddp±ddd), 'x' 'X' (-0x1.yyyyp±dd); others give '%' and the letter.  prec: digits behind the
 * point, for g significant ones; -1: as few as give the same value back.  bits: 32 or 64; others
 * panic with "strconv: illegal AppendFloat/FormatFloat bitSize". */
BOSK_API bosk_str bosk_format_float(double v, char format, int prec, int bits);
BOSK_API bosk_str bosk_format_bool(bool v);

/* The value forms, behind what b holds: append's rules. */
BOSK_API bosk_bytes bosk_append_int(bosk_bytes b, int64_t v, int base) BOSK_NODISCARD;
BOSK_API bosk_bytes bosk_append_uint(bosk_bytes b, uint64_t v, int base) BOSK_NODISCARD;
BOSK_API bosk_bytes bosk_append_float(bosk_bytes b, double v, char format, int prec, int bits)
    BOSK_NODISCARD;
BOSK_API bosk_bytes bosk_append_quote(bosk_bytes b, bosk_str s) BOSK_NODISCARD;
/* The owner forms. */
BOSK_API void bosk_builder_write_int(bosk_builder *b, int64_t v, int base);
BOSK_API void bosk_builder_write_uint(bosk_builder *b, uint64_t v, int base);
BOSK_API void bosk_builder_write_float(bosk_builder *b, double v, char format, int prec, int bits);
BOSK_API void bosk_builder_write_quote(bosk_builder *b, bosk_str s);

/* ---- quoting ---- */

/* A Go string literal in double quotes: escapes for control characters, for bytes that are no
 * UTF-8 and for what is not printed; with _ascii for all that is not ASCII. */
BOSK_API bosk_str bosk_quote(bosk_str s);
BOSK_API bosk_str bosk_quote_ascii(bosk_str s);
/* What a Go literal ("..." with escapes, `...` without, or one rune in '...') stands for; false and
 * an empty string when it is none. */
BOSK_API bool bosk_unquote(bosk_str literal, bosk_str *out) BOSK_NODISCARD;

BOSK_END_DECLS

#endif /* BOSK_STRCONV_H */
