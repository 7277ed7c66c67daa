/* strsplit.c - splitting, counting, replacing, and the builder.
 *
 * Go counterpart: strings/strings.go, strings/builder.go (1.22).
 */
#include <bosk/slices.h>
#include <bosk/str.h>

static bosk_str behind(bosk_str s, ptrdiff_t n) { return bosk_str_view(s.ptr + n, s.len - n); }

static ptrdiff_t rune_bytes(bosk_str s)
{
    int n;
    (void)bosk_utf8_decode(s, &n);
    return n;
}

BOSK_API ptrdiff_t bosk_str_count(bosk_str s, bosk_str part)
{
    ptrdiff_t count = 0, at;
    if (part.len == 0) return bosk_utf8_count(s) + 1;
    for (; (at = bosk_str_index(s, part)) >= 0; count++) s = behind(s, at + part.len);
    return count;
}

/* Parts of s, each with the first `keep` bytes of the separator behind it. */
static bosk_strs split(bosk_str s, bosk_str separator, ptrdiff_t n, ptrdiff_t keep)
{
    bosk_strs parts = {0};
    ptrdiff_t at;
    if (n == 0) return parts;
    if (separator.len == 0) {
        ptrdiff_t runes = bosk_utf8_count(s);
        if (n < 0 || n > runes) n = runes;
        parts = bosk_make(bosk_strs, 0, n);
        for (; s.len > 0; s = behind(s, at)) {
            at = parts.len + 1 == n ? s.len : rune_bytes(s);
            bosk_push(&parts, bosk_str_view(s.ptr, at));
        }
        return parts;
    }
    ptrdiff_t most = bosk_str_count(s, separator) + 1;
    if (n < 0 || n > most) n = most;
    parts = bosk_make(bosk_strs, 0, n);
    while (parts.len + 1 < n && (at = bosk_str_index(s, separator)) >= 0) {
        bosk_push(&parts, bosk_str_view(s.ptr, at + keep));
        s = behind(s, at + separator.len);
    }
    bosk_push(&parts, s);
    return parts;
}

BOSK_API bosk_strs bosk_str_split(bosk_str s, bosk_str separator, ptrdiff_t n)
{
    return split(s, separator, n, 0);
}

BOSK_API bosk_strs bosk_str_split_after(bosk_str s, bosk_str separator, ptrdiff_t n)
{
    return split(s, separator, n, separator.len);
}

BOSK_API bosk_str bosk_str_replace(bosk_str s, bosk_str old, bosk_str by, ptrdiff_t n)
{
    ptrdiff_t places = n == 0 || bosk_str_equal(old, by) ? 0 : bosk_str_count(s, old), more;
    if (n >= 0 && n < places) places = n;
    if (places == 0) return s;
    if (__builtin_mul_overflow(places, by.len - old.len, &more) ||
        __builtin_add_overflow(s.len, more, &more))
        bosk_panic("runtime error: makeslice: len out of range");
    if (more == 0) return BOSK_STR("");
    bosk_builder b = {0};
    bosk_builder_grow(&b, more);
    for (ptrdiff_t i = 0; i < places; i++) {
        /* The empty string stands before each rune and at the end. */
        ptrdiff_t at = old.len != 0 ? bosk_str_index(s, old) : i == 0 ? 0 : rune_bytes(s);
        bosk_builder_write(&b, bosk_str_view(s.ptr, at));
        bosk_builder_write(&b, by);
        s = behind(s, at + old.len);
    }
    bosk_builder_write(&b, s);
    return bosk_builder_str(&b);
}

/* ---- builder ------------------------------------------------------------------------------- */

BOSK_API bool bosk_builder_try_write(bosk_builder *b, bosk_str s)
{
    bosk_bytes bytes = bosk_slice_from(bosk_bytes, (unsigned char *)(uintptr_t)s.ptr, s.len, s.len);
    return bosk_try_push_slice(&b->bytes, bytes);
}

BOSK_API void bosk_builder_write(bosk_builder *b, bosk_str s)
{
    if (!bosk_builder_try_write(b, s)) bosk_fatal("runtime: out of memory");
}

BOSK_API void bosk_builder_write_byte(bosk_builder *b, unsigned char byte)
{
    bosk_push(&b->bytes, byte);
}

BOSK_API void bosk_builder_write_rune(bosk_builder *b, bosk_rune rune)
{
    char bytes[BOSK_UTF8_MAX];
    bosk_builder_write(b, bosk_str_view(bytes, bosk_utf8_encode(rune, bytes)));
}

BOSK_API bool bosk_builder_try_grow(bosk_builder *b, ptrdiff_t n)
{
    static const bosk_type byte_type = {.size = 1, .align = 1, .noscan = true, .name = "byte"};
    bosk_slice s = {b->bytes.ptr, b->bytes.len, b->bytes.cap};
    if (n < 0) bosk_panic("strings.Builder.Grow: negative count");
    if (b->bytes.cap - b->bytes.len >= n) return true;
    if (!bosk_try_growslice(&byte_type, &s, n)) return false;
    b->bytes = bosk_slice_from(bosk_bytes, s.ptr, s.len, s.cap);
    return true;
}

BOSK_API void bosk_builder_grow(bosk_builder *b, ptrdiff_t n)
{
    if (!bosk_builder_try_grow(b, n)) bosk_fatal("runtime: out of memory");
}

BOSK_API void bosk_builder_free(bosk_builder *b) { bosk_free_slice(&b->bytes); }
