/* strconv.c - integers and truth values as text and back, and what parsing says of errors.
 *
 * Go counterpart: strconv/atoi.go, itoa.go, atob.go (1.22).
 */
#include "container/strconv.h"

#define STR(text) BOSK_STR(text)

/* ---- errors ---------------------------------------------------------------------------------- */

bool boski_num_fail(bosk_num_error *error, const char *func, bosk_str s, enum bosk_num_why why,
                    int number)
{
    if (error != NULL) {
        error->func = func;
        error->text = s;
        error->why = why;
        error->number = number;
    }
    return why == BOSK_NUM_OK;
}

BOSK_API bosk_str bosk_num_error_str(const bosk_num_error *error)
{
    bosk_builder b = {0};
    if (error->why == BOSK_NUM_OK) return STR("");
    bosk_builder_write(&b, STR("strconv."));
    bosk_builder_write(&b, bosk_str_of(error->func));
    bosk_builder_write(&b, STR(": parsing "));
    bosk_builder_write_quote(&b, error->text);
    bosk_builder_write(&b, STR(": "));
    switch (error->why) {
    case BOSK_NUM_RANGE: bosk_builder_write(&b, STR("value out of range")); break;
    case BOSK_NUM_BASE: bosk_builder_write(&b, STR("invalid base ")); break;
    case BOSK_NUM_BIT_SIZE: bosk_builder_write(&b, STR("invalid bit size ")); break;
    case BOSK_NUM_OK:
    case BOSK_NUM_SYNTAX: bosk_builder_write(&b, STR("invalid syntax")); break;
    }
    if (error->why == BOSK_NUM_BASE || error->why == BOSK_NUM_BIT_SIZE)
        bosk_builder_write_int(&b, error->number, 10);
    return bosk_builder_str(&b);
}

/* ---- parsing ---- */

static unsigned char lower(char c) { return (unsigned char)c | 0x20; }

/* Value of a digit in the largest base; 36 for what is none. */
static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    unsigned char l = lower(c);
    return l >= 'a' && l <= 'z' ? l - 'a' + 10u : 36;
}

static unsigned base_of_prefix(bosk_str s)
{
    if (s.len < 3 || s.ptr[0] != '0') return 0;
    unsigned char l = lower(s.ptr[1]);
    return l == 'b' ? 2 : l == 'o' ? 8 : l == 'x' ? 16 : 0;
}

bool boski_underscores_ok(bosk_str s)
{
    ptrdiff_t i = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+');
    /* What came before: start, digit, underscore, anything else. */
    char before = '^';
    bool hex = false;
    if (s.len - i >= 2 && s.ptr[i] == '0' &&
        (lower(s.ptr[i + 1]) == 'b' || lower(s.ptr[i + 1]) == 'o' || lower(s.ptr[i + 1]) == 'x')) {
        hex = lower(s.ptr[i + 1]) == 'x';
        i += 2;
        before = '0';
    }
    for (; i < s.len; i++) {
        char c = s.ptr[i];
        if (digit_of(c) < 10 || (hex && digit_of(c) < 16)) {
            before = '0';
        } else if (c == '_') {
            if (before != '0') return false;
            before = '_';
        } else {
            if (before == '_') return false;
            before = '!';
        }
    }
    return before != '_';
}

static bool parse_unsigned(const char *func, bosk_str all, bosk_str s, int base, int bits,
                           uint64_t *out, bosk_num_error *error)
{
    bool by_prefix = base == 0, underscores = false;
    *out = 0;
    if (s.len == 0) return boski_num_fail(error, func, all, BOSK_NUM_SYNTAX, 0);
    bosk_str digits = s;
    if (by_prefix) {
        unsigned prefix = base_of_prefix(s);
        base = prefix != 0 ? (int)prefix : s.ptr[0] == '0' ? 8 : 10;
        digits = bosk_str_slice(s, prefix != 0 ? 2 : base == 8, s.len);
    } else if (base < 2 || base > 36) {
        return boski_num_fail(error, func, all, BOSK_NUM_BASE, base);
    }
    if (bits == 0) bits = (int)sizeof(ptrdiff_t) * 8;
    if (bits < 0 || bits > 64) return boski_num_fail(error, func, all, BOSK_NUM_BIT_SIZE, bits);
    const uint64_t most = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
    uint64_t n = 0;
    for (ptrdiff_t i = 0; i < digits.len; i++) {
        unsigned d = digit_of(digits.ptr[i]);
        if (digits.ptr[i] == '_' && by_prefix) {
            underscores = true;
            continue;
        }
        if (d >= (unsigned)base) return boski_num_fail(error, func, all, BOSK_NUM_SYNTAX, 0);
        if (__builtin_mul_overflow(n, (uint64_t)base, &n) || __builtin_add_overflow(n, d, &n) ||
            n > most) {
            *out = most;
            return boski_num_fail(error, func, all, BOSK_NUM_RANGE, 0);
        }
    }
    if (underscores && !boski_underscores_ok(s))
        return boski_num_fail(error, func, all, BOSK_NUM_SYNTAX, 0);
    *out = n;
    return boski_num_fail(error, func, all, BOSK_NUM_OK, 0);
}

BOSK_API bool bosk_parse_uint(bosk_str s, int base, int bits, uint64_t *out, bosk_num_error *error)
{
    return parse_unsigned("ParseUint", s, s, base, bits, out, error);
}

static bool parse_signed(const char *func, bosk_str s, int base, int bits, int64_t *out,
                         bosk_num_error *error)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    bosk_str number = negative || (s.len > 0 && s.ptr[0] == '+') ? bosk_str_slice(s, 1, s.len) : s;
    uint64_t n;
    bosk_num_error mine = {0};
    *out = 0;
    bool ok = parse_unsigned(func, s, number, base, bits, &n, &mine);
    if (!ok && mine.why != BOSK_NUM_RANGE)
        return boski_num_fail(error, func, s, mine.why, mine.number);
    if (bits == 0) bits = (int)sizeof(ptrdiff_t) * 8;
    const uint64_t limit = (uint64_t)1 << (bits - 1); /* the least there is, without its sign */
    if (n > limit || (n == limit && !negative)) {
        *out = negative ? -(int64_t)(limit - 1) - 1 : (int64_t)(limit - 1);
        return boski_num_fail(error, func, s, BOSK_NUM_RANGE, 0);
    }
    *out = negative ? (int64_t)(0 - n) : (int64_t)n;
    return boski_num_fail(error, func, s, BOSK_NUM_OK, 0);
}

BOSK_API bool bosk_parse_int(bosk_str s, int base, int bits, int64_t *out, bosk_num_error *error)
{
    return parse_signed("ParseInt", s, base, bits, out, error);
}

BOSK_API bool bosk_atoi(bosk_str s, ptrdiff_t *out, bosk_num_error *error)
{
    int64_t n;
    bool ok = parse_signed("Atoi", s, 10, 0, &n, error);
    *out = (ptrdiff_t)n;
    return ok;
}

BOSK_API bool bosk_parse_bool(bosk_str s, bool *out, bosk_num_error *error)
{
    static const char *const words[2][6] = {{"0", "f", "F", "FALSE", "false", "False"},
                                            {"1", "t", "T", "TRUE", "true", "True"}};
    *out = false;
    for (int truth = 0; truth < 2; truth++)
        for (int i = 0; i < 6; i++)
            if (bosk_str_equal(s, bosk_str_of(words[truth][i]))) {
                *out = truth != 0;
                return boski_num_fail(error, "ParseBool", s, BOSK_NUM_OK, 0);
            }
    return boski_num_fail(error, "ParseBool", s, BOSK_NUM_SYNTAX, 0);
}

/* ---- formatting ---- */

#define TEN(n) #n "0" #n "1" #n "2" #n "3" #n "4" #n "5" #n "6" #n "7" #n "8" #n "9"
static const char hundred[] = TEN(0) TEN(1) TEN(2) TEN(3) TEN(4) TEN(5) TEN(6) TEN(7) TEN(8) TEN(9);

bosk_str boski_int_text(char buffer[BOSKI_INT_TEXT], uint64_t v, bool negative, int base)
{
    size_t at = BOSKI_INT_TEXT;
    if (base < 2 || base > 36) bosk_panic("strconv: illegal AppendInt/FormatInt base");
    if (base == 10) {
        for (; v >= 100; v /= 100) memcpy(&buffer[at -= 2], &hundred[v % 100 * 2], 2);
        buffer[--at] = hundred[v * 2 + 1];
        if (v >= 10) buffer[--at] = hundred[v * 2];
    } else {
        do {
            buffer[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[v % (unsigned)base];
            v /= (unsigned)base;
        } while (v != 0);
    }
    if (negative) buffer[--at] = '-';
    return bosk_str_view(&buffer[at], (ptrdiff_t)(BOSKI_INT_TEXT - at));
}

static uint64_t magnitude(int64_t v) { return v < 0 ? 0 - (uint64_t)v : (uint64_t)v; }

static bosk_str int_str(uint64_t v, bool negative, int base)
{
    char buffer[BOSKI_INT_TEXT];
    if (base == 10 && v < 100 && !negative) /* Go keeps these as constants */
        return v < 10 ? bosk_str_view(&hundred[v * 2 + 1], 1) : bosk_str_view(&hundred[v * 2], 2);
    return bosk_str_clone(boski_int_text(buffer, v, negative, base));
}

BOSK_API bosk_str bosk_format_int(int64_t v, int base)
{
    return int_str(magnitude(v), v < 0, base);
}
BOSK_API bosk_str bosk_format_uint(uint64_t v, int base) { return int_str(v, false, base); }
BOSK_API bosk_str bosk_itoa(int64_t v) { return int_str(magnitude(v), v < 0, 10); }
BOSK_API bosk_str bosk_format_bool(bool v) { return v ? STR("true") : STR("false"); }

/* A slice of the bytes of s, only to be read. */
static bosk_bytes bytes_of(bosk_str s)
{
    return bosk_slice_from(bosk_bytes, (unsigned char *)(uintptr_t)s.ptr, s.len, s.len);
}

BOSK_API bosk_bytes bosk_append_int(bosk_bytes b, int64_t v, int base)
{
    char buffer[BOSKI_INT_TEXT];
    return bosk_append_slice(b, bytes_of(boski_int_text(buffer, magnitude(v), v < 0, base)));
}

BOSK_API bosk_bytes bosk_append_uint(bosk_bytes b, uint64_t v, int base)
{
    char buffer[BOSKI_INT_TEXT];
    return bosk_append_slice(b, bytes_of(boski_int_text(buffer, v, false, base)));
}

BOSK_API void bosk_builder_write_int(bosk_builder *b, int64_t v, int base)
{
    char buffer[BOSKI_INT_TEXT];
    bosk_builder_write(b, boski_int_text(buffer, magnitude(v), v < 0, base));
}

BOSK_API void bosk_builder_write_uint(bosk_builder *b, uint64_t v, int base)
{
    char buffer[BOSKI_INT_TEXT];
    bosk_builder_write(b, boski_int_text(buffer, v, false, base));
}

/* Behind `b` what `write` puts into a builder on the stack, which most texts fit. */
#define APPEND_BUILT(b, write)                                           \
    do {                                                                 \
        unsigned char room[128];                                         \
        bosk_builder text = {bosk_slice_from(bosk_bytes, room, 0, 128)}; \
        write;                                                           \
        b = bosk_append_slice(b, text.bytes);                            \
        bosk_builder_free(&text);                                        \
    } while (0)
/* The same as a string of its own. */
#define CLONE_BUILT(s, write)                                            \
    do {                                                                 \
        unsigned char room[128];                                         \
        bosk_builder text = {bosk_slice_from(bosk_bytes, room, 0, 128)}; \
        write;                                                           \
        s = bosk_str_clone(bosk_builder_str(&text));                     \
        bosk_builder_free(&text);                                        \
    } while (0)

BOSK_API void bosk_builder_write_float(bosk_builder *b, double v, char format, int prec, int bits)
{
    boski_float_text(b, v, format, prec, bits);
}

BOSK_API bosk_bytes bosk_append_float(bosk_bytes b, double v, char format, int prec, int bits)
{
    APPEND_BUILT(b, boski_float_text(&text, v, format, prec, bits));
    return b;
}

BOSK_API bosk_str bosk_format_float(double v, char format, int prec, int bits)
{
    bosk_str s;
    CLONE_BUILT(s, boski_float_text(&text, v, format, prec, bits));
    return s;
}

BOSK_API bosk_bytes bosk_append_quote(bosk_bytes b, bosk_str s)
{
    APPEND_BUILT(b, bosk_builder_write_quote(&text, s));
    return b;
}
