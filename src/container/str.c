/* str.c - strings: views, joins, and conversions to and from bytes and runes.
 *
 * Bytes live in homes like arrays of slices; a string of one byte points into a table and is never
 * allocated.  Nothing here writes to the bytes of a string after it was handed out.
 *
 * Go counterpart: runtime/string.go, strings/strings.go (1.22).
 */
#define _GNU_SOURCE /* memmem */
#include "container/growth.h"

#include <bosk/growth.h>
#include <bosk/str.h>

static const bosk_type byte_type = {.size = 1, .align = 1, .noscan = true, .name = "byte"};
static const bosk_type rune_type = {.size = 4, .align = 4, .noscan = true, .name = "rune"};

#define BYTES4(n) n, n + 1, n + 2, n + 3
#define BYTES16(n) BYTES4(n), BYTES4(n + 4), BYTES4(n + 8), BYTES4(n + 12)
#define BYTES64(n) BYTES16(n), BYTES16(n + 16), BYTES16(n + 32), BYTES16(n + 48)
static const unsigned char one_byte[256] = {BYTES64(0), BYTES64(64), BYTES64(128), BYTES64(192)};

static const bosk_str empty = {"", 0};

/* `n` bytes that nobody has written to. */
static char *new_bytes(ptrdiff_t n)
{
    char *p = bosk_alloc_in(bosk_home_current(), &byte_type, (size_t)n, false);
    if (p == NULL) bosk_fatal("runtime: out of memory");
    return p;
}

static bosk_str copy_of(const void *bytes, ptrdiff_t n)
{
    if (n <= 0) return empty;
    if (n == 1) return bosk_str_view((const char *)&one_byte[*(const unsigned char *)bytes], 1);
    char *p = new_bytes(n);
    memcpy(p, bytes, (size_t)n);
    return bosk_str_view(p, n);
}

BOSK_API bosk_str bosk_str_clone(bosk_str s) { return copy_of(s.ptr, s.len); }

BOSK_API void bosk_str_free(bosk_str *s)
{
    bosk_freeslice(s->ptr);
    s->ptr = NULL;
    s->len = 0;
}

static ptrdiff_t add_len(ptrdiff_t a, ptrdiff_t b)
{
    ptrdiff_t sum;
    if (__builtin_add_overflow(a, b, &sum)) bosk_fatal("string concatenation too long");
    return sum;
}

static char *put(char *p, bosk_str s)
{
    if (s.len > 0) memcpy(p, s.ptr, (size_t)s.len);
    return p + s.len;
}

BOSK_API bosk_str bosk_str_concat(bosk_str s, bosk_str t)
{
    ptrdiff_t len = add_len(s.len, t.len);
    if (s.len == 0) return t;
    if (t.len == 0) return s;
    char *p = new_bytes(len);
    (void)put(put(p, s), t);
    return bosk_str_view(p, len);
}

BOSK_API bosk_str bosk_str_join(const bosk_str *parts, ptrdiff_t count, bosk_str separator)
{
    ptrdiff_t len = 0;
    if (count <= 0) return empty;
    if (count == 1) return parts[0];
    for (ptrdiff_t i = 0; i < count; i++) {
        len = add_len(len, parts[i].len);
        if (i != 0) len = add_len(len, separator.len);
    }
    if (len == 0) return empty;
    char *start = new_bytes(len), *p = start;
    for (ptrdiff_t i = 0; i < count; i++) {
        if (i != 0) p = put(p, separator);
        p = put(p, parts[i]);
    }
    return bosk_str_view(start, len);
}

BOSK_API bosk_str bosk_str_repeat(bosk_str s, ptrdiff_t count)
{
    ptrdiff_t len;
    if (count < 0) bosk_panic("strings: negative Repeat count");
    if (count == 0 || s.len == 0) return empty;
    if (__builtin_mul_overflow(s.len, count, &len))
        bosk_panic("strings: Repeat output length overflow");
    char *start = new_bytes(len), *p = start;
    for (ptrdiff_t i = 0; i < count; i++) p = put(p, s);
    return bosk_str_view(start, len);
}

/* ---- looking --------------------------------------------------------------------------- */

BOSK_API unsigned char bosk_str_at(bosk_str s, long long i)
{
    if (i < 0 || i >= s.len) bosk_panic_index(i, s.len, false);
    return (unsigned char)s.ptr[i];
}

BOSK_API bosk_str bosk_str_slice(bosk_str s, long long lo, long long hi)
{
    if (lo < 0 || hi < lo || hi > s.len) bosk_panic_slice(lo, hi, s.len, false);
    /* No string points past its bytes. */
    return bosk_str_view(lo == s.len ? s.ptr : s.ptr + lo, (ptrdiff_t)(hi - lo));
}

BOSK_API bool bosk_str_equal(bosk_str a, bosk_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, (size_t)a.len) == 0);
}

BOSK_API int bosk_str_compare(bosk_str a, bosk_str b)
{
    ptrdiff_t n = a.len < b.len ? a.len : b.len;
    int c = n == 0 ? 0 : memcmp(a.ptr, b.ptr, (size_t)n);
    return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

BOSK_API ptrdiff_t bosk_str_index(bosk_str s, bosk_str part)
{
    if (part.len == 0) return 0;
    if (part.len > s.len) return -1;
    const char *at = memmem(s.ptr, (size_t)s.len, part.ptr, (size_t)part.len);
    return at == NULL ? -1 : at - s.ptr;
}

BOSK_API ptrdiff_t bosk_str_last_index(bosk_str s, bosk_str part)
{
    if (part.len == 0) return s.len;
    for (ptrdiff_t at = s.len - part.len; at >= 0; at--)
        if (memcmp(s.ptr + at, part.ptr, (size_t)part.len) == 0) return at;
    return -1;
}

BOSK_API bool bosk_str_has_prefix(bosk_str s, bosk_str prefix)
{
    return s.len >= prefix.len && bosk_str_equal(bosk_str_view(s.ptr, prefix.len), prefix);
}

BOSK_API bool bosk_str_has_suffix(bosk_str s, bosk_str suffix)
{
    if (suffix.len == 0) return true;
    return s.len >= suffix.len &&
           bosk_str_equal(bosk_str_view(s.ptr + (s.len - suffix.len), suffix.len), suffix);
}

/* ---- parts -------------------------------------------------------------------------------- */

BOSK_API bosk_str bosk_str_trim_prefix(bosk_str s, bosk_str prefix)
{
    return bosk_str_has_prefix(s, prefix) ? bosk_str_slice(s, prefix.len, s.len) : s;
}

BOSK_API bosk_str bosk_str_trim_suffix(bosk_str s, bosk_str suffix)
{
    return bosk_str_has_suffix(s, suffix) ? bosk_str_slice(s, 0, s.len - suffix.len) : s;
}

BOSK_API bool bosk_str_cut(bosk_str s, bosk_str separator, bosk_str *before, bosk_str *behind)
{
    ptrdiff_t at = bosk_str_index(s, separator);
    *before = at < 0 ? s : bosk_str_slice(s, 0, at);
    *behind = at < 0 ? empty : bosk_str_slice(s, at + separator.len, s.len);
    return at >= 0;
}

/* ---- conversions --------------------------------------------------------------------------- */

/* A slice of `n` elements with the capacity of their size class, zero behind `n`. */
static bosk_slice rounded(const bosk_type *type, ptrdiff_t n)
{
    bosk_slice s = {&bosk_zerobase, 0, 0};
    if (n == 0) return s;
    size_t bytes;
    if (__builtin_mul_overflow((size_t)n, type->size, &bytes) || bytes > PTRDIFF_MAX - 8192)
        bosk_fatal("runtime: out of memory");
    uint64_t all = bosk_rounded(bosk_growth_current(), BOSK_ARCH_NATIVE, bytes, true);
    s.len = n;
    s.cap = (ptrdiff_t)(all / type->size);
    s.ptr = bosk_alloc_in(bosk_home_current(), type, (size_t)s.cap, false);
    if (s.ptr == NULL) bosk_fatal("runtime: out of memory");
    memset((char *)s.ptr + bytes, 0, (size_t)s.cap * type->size - bytes);
    return s;
}

BOSK_API bosk_bytes bosk_str_bytes(bosk_str s)
{
    bosk_slice made = rounded(&byte_type, s.len);
    if (s.len > 0) memcpy(made.ptr, s.ptr, (size_t)s.len);
    return bosk_slice_from(bosk_bytes, made.ptr, made.len, made.cap);
}

static void decode_all(bosk_str s, bosk_rune *out)
{
    int n;
    for (; s.len > 0; s.ptr += n, s.len -= n) *out++ = bosk_utf8_decode(s, &n);
}

BOSK_API bosk_runes bosk_str_runes(bosk_str s)
{
    bosk_slice made = rounded(&rune_type, bosk_utf8_count(s));
    decode_all(s, made.ptr);
    return bosk_slice_from(bosk_runes, made.ptr, made.len, made.cap);
}

BOSK_API bosk_str bosk_str_of_bytes(bosk_bytes b) { return copy_of(b.ptr, b.len); }

/* `buffer` may be NULL. */
static bosk_str encode_all(bosk_runes r, char *buffer)
{
    char rune[BOSK_UTF8_MAX];
    ptrdiff_t len = 0;
    for (ptrdiff_t i = 0; i < r.len; i++) len = add_len(len, bosk_utf8_encode(r.ptr[i], rune));
    if (len == 0) return empty;
    char *start = buffer != NULL && len <= BOSK_CONVERT_BUFFER ? buffer : new_bytes(len),
         *p = start;
    for (ptrdiff_t i = 0; i < r.len; i++) {
        int n = bosk_utf8_encode(r.ptr[i], rune);
        memcpy(p, rune, (size_t)n);
        p += n;
    }
    return bosk_str_view(start, len);
}

BOSK_API bosk_str bosk_str_of_runes(bosk_runes r) { return encode_all(r, NULL); }

BOSK_API bosk_str bosk_str_of_runes_buf(bosk_runes r, char buffer[BOSK_CONVERT_BUFFER])
{
    return encode_all(r, buffer);
}

BOSK_API bosk_str bosk_str_concat_buf(bosk_str s, bosk_str t, char buffer[BOSK_CONVERT_BUFFER])
{
    if (s.len == 0 || t.len == 0 || s.len > BOSK_CONVERT_BUFFER - t.len)
        return bosk_str_concat(s, t);
    (void)put(put(buffer, s), t);
    return bosk_str_view(buffer, s.len + t.len);
}

BOSK_API bosk_bytes bosk_str_bytes_buf(bosk_str s, unsigned char buffer[BOSK_CONVERT_BUFFER])
{
    if (s.len > BOSK_CONVERT_BUFFER) return bosk_str_bytes(s);
    memset(buffer, 0, BOSK_CONVERT_BUFFER);
    if (s.len > 0) memcpy(buffer, s.ptr, (size_t)s.len);
    return bosk_slice_from(bosk_bytes, buffer, s.len, BOSK_CONVERT_BUFFER);
}

BOSK_API bosk_runes bosk_str_runes_buf(bosk_str s, bosk_rune buffer[BOSK_CONVERT_BUFFER])
{
    ptrdiff_t n = bosk_utf8_count(s);
    if (n > BOSK_CONVERT_BUFFER) return bosk_str_runes(s);
    memset(buffer, 0, BOSK_CONVERT_BUFFER * sizeof *buffer);
    decode_all(s, buffer);
    return bosk_slice_from(bosk_runes, buffer, n, BOSK_CONVERT_BUFFER);
}

BOSK_API bosk_str bosk_str_of_bytes_buf(bosk_bytes b, char buffer[BOSK_CONVERT_BUFFER])
{
    if (b.len <= 1 || b.len > BOSK_CONVERT_BUFFER) return bosk_str_of_bytes(b);
    memcpy(buffer, b.ptr, (size_t)b.len);
    return bosk_str_view(buffer, b.len);
}
