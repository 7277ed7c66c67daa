/* strquote.c - string literals of Go, and what they stand for.
 *
 * Go counterpart: strconv/quote.go (1.22).
 */
#include <bosk/strconv.h>

static const char hex[] = "0123456789abcdef";

static void put(bosk_builder *b, char c) { bosk_builder_write_byte(b, (unsigned char)c); }

/* \x12, \u1234, \U00012345 */
static void put_hex(bosk_builder *b, char letter, uint32_t v, int digits)
{
    put(b, '\\');
    put(b, letter);
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) put(b, hex[v >> shift & 15]);
}

static void put_escaped(bosk_builder *b, bosk_rune r)
{
    static const char control[] = "\a\b\f\n\r\t\v", letter[] = "abfnrtv";
    const char *at = r > 0 && r < 0x80 ? strchr(control, r) : NULL;
    if (at != NULL) {
        put(b, '\\');
        put(b, letter[at - control]);
    } else if (r < ' ' || r == 0x7f) {
        put_hex(b, 'x', (uint32_t)r, 2);
    } else if (r < 0x10000) {
        put_hex(b, 'u', (uint32_t)r, 4);
    } else {
        put_hex(b, 'U', (uint32_t)r, 8);
    }
}

static void put_quoted(bosk_builder *b, bosk_str s, bool ascii_only)
{
    int n;
    put(b, '"');
    for (; s.len > 0; s = bosk_str_view(s.ptr + n, s.len - n)) {
        bosk_rune r = bosk_utf8_decode(s, &n);
        if (r == BOSK_RUNE_ERROR && n == 1) {
            put_hex(b, 'x', (unsigned char)s.ptr[0], 2);
        } else if (r == '"' || r == '\\') {
            put(b, '\\');
            put(b, (char)r);
        } else if (bosk_rune_is_print(r) && (r < 0x80 || !ascii_only)) {
            bosk_builder_write(b, bosk_str_view(s.ptr, n));
        } else {
            put_escaped(b, r);
        }
    }
    put(b, '"');
}

BOSK_API void bosk_builder_write_quote(bosk_builder *b, bosk_str s) { put_quoted(b, s, false); }

static bosk_str quoted(bosk_str s, bool ascii_only)
{
    bosk_builder b = {0};
    bosk_builder_grow(&b, s.len < PTRDIFF_MAX - 2 ? s.len + 2 : s.len);
    put_quoted(&b, s, ascii_only);
    return bosk_builder_str(&b);
}

BOSK_API bosk_str bosk_quote(bosk_str s) { return quoted(s, false); }
BOSK_API bosk_str bosk_quote_ascii(bosk_str s) { return quoted(s, true); }

/* ---- the other way ---- */

static int value_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    char l = (char)((unsigned char)c | 0x20);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* `n` digits of a base behind an escape; -1 when they are not there. */
static int64_t number(bosk_str s, int n, int base)
{
    int64_t v = 0;
    if (s.len < n) return -1;
    for (int i = 0; i < n; i++) {
        int d = value_of(s.ptr[i]);
        if (d < 0 || d >= base) return -1;
        v = v * base + d;
    }
    return v;
}

/* What stands behind a backslash, to *b; the bytes it has, 0 when it is none. */
static int escape(bosk_builder *b, bosk_str s, char quote)
{
    static const char letter[] = "abfnrtv\\", control[] = "\a\b\f\n\r\t\v\\";
    if (s.len == 0 || s.ptr[0] == '\0') return 0;
    char c = s.ptr[0];
    const char *at = strchr(letter, c);
    if (at != NULL || c == quote) {
        put(b, at != NULL ? control[at - letter] : c);
        return 1;
    }
    bosk_str behind = bosk_str_view(s.ptr + 1, s.len - 1);
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) { /* octal */
        int64_t v = number(s, 3, 8);
        if (v < 0 || v > 255) return 0;
        put(b, (char)v);
        return 3;
    }
    int64_t v = number(behind, digits, 16);
    if (v < 0 || (c != 'x' && (v > BOSK_RUNE_MAX || !bosk_utf8_valid_rune((bosk_rune)v)))) return 0;
    if (c == 'x')
        put(b, (char)v);
    else
        bosk_builder_write_rune(b, (bosk_rune)v);
    return 1 + digits;
}

/* Runs of what stands for itself, and escapes. */
static bool unquote_into(bosk_builder *b, bosk_str s, char quote)
{
    int runes = 0, n;
    for (; s.len > 0; s = bosk_str_view(s.ptr + n, s.len - n), runes++) {
        if (s.ptr[0] == quote || s.ptr[0] == '\n') return false;
        if (s.ptr[0] == '\\') {
            n = escape(b, bosk_str_view(s.ptr + 1, s.len - 1), quote);
            if (n == 0) return false;
            n++;
        } else {
            bosk_rune r = bosk_utf8_decode(s, &n);
            bosk_builder_write_rune(b, r); /* no UTF-8 becomes U+FFFD */
        }
    }
    return quote == '"' || runes <= 1; /* Go takes '' for nothing as well */
}

BOSK_API bool bosk_unquote(bosk_str literal, bosk_str *out)
{
    bosk_builder b = {0};
    *out = BOSK_STR("");
    if (literal.len < 2) return false;
    char quote = literal.ptr[0];
    if (quote != literal.ptr[literal.len - 1]) return false;
    bosk_str s = bosk_str_slice(literal, 1, literal.len - 1);
    if (quote == '`') {
        if (bosk_str_index_byte(s, '`') >= 0) return false;
        for (ptrdiff_t i = 0; i < s.len; i++) /* carriage returns do not count */
            if (s.ptr[i] != '\r') put(&b, s.ptr[i]);
    } else if ((quote != '"' && quote != '\'') || !unquote_into(&b, s, quote)) {
        bosk_builder_free(&b);
        return false;
    }
    *out = bosk_builder_str(&b);
    return true;
}
