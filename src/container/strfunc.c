/* strfunc.c - searching and trimming by sets and predicates, case, and mapping of runes.
 *
 * Go counterpart: strings/strings.go (1.22).
 */
#include <bosk/str.h>

static bosk_str from(bosk_str s, ptrdiff_t n) { return bosk_str_view(s.ptr + n, s.len - n); }

/* Sets of runes and predicates are one thing: what is looked for. */
struct wanted {
    bosk_rune_is is;
    void *arg;
};

static bool in_set(bosk_rune r, void *set)
{
    bosk_range_str(i, member, *(bosk_str *)set)
    {
        if (member == r) return true;
    }
    return false;
}

static bool is_this(bosk_rune r, void *other) { return r == *(bosk_rune *)other; }

/* Offset of the first rune that is wanted, or for which that is false. */
static ptrdiff_t first(bosk_str s, struct wanted w, bool truth)
{
    bosk_range_str(i, r, s)
    {
        if (w.is(r, w.arg) == truth) return i;
    }
    return -1;
}

static ptrdiff_t last(bosk_str s, struct wanted w, bool truth)
{
    int n;
    while (s.len > 0) {
        bosk_rune r = bosk_utf8_decode_last(s, &n);
        s.len -= n;
        if (w.is(r, w.arg) == truth) return s.len;
    }
    return -1;
}

static bosk_str trim_start(bosk_str s, struct wanted w)
{
    ptrdiff_t at = first(s, w, false);
    return at < 0 ? bosk_str_view(s.ptr, 0) : from(s, at);
}

static bosk_str trim_end(bosk_str s, struct wanted w)
{
    ptrdiff_t at = last(s, w, false);
    int n = 0;
    if (at >= 0) (void)bosk_utf8_decode(from(s, at), &n);
    return bosk_str_view(s.ptr, at < 0 ? 0 : at + n);
}

/* ---- searching ----------------------------------------------------------------------------- */

BOSK_API ptrdiff_t bosk_str_index_byte(bosk_str s, unsigned char byte)
{
    const char *at = s.len > 0 ? memchr(s.ptr, byte, (size_t)s.len) : NULL;
    return at == NULL ? -1 : at - s.ptr;
}

BOSK_API ptrdiff_t bosk_str_last_index_byte(bosk_str s, unsigned char byte)
{
    for (ptrdiff_t i = s.len; i-- > 0;)
        if ((unsigned char)s.ptr[i] == byte) return i;
    return -1;
}

BOSK_API ptrdiff_t bosk_str_index_rune(bosk_str s, bosk_rune r)
{
    char bytes[BOSK_UTF8_MAX];
    if (r == BOSK_RUNE_ERROR) return first(s, (struct wanted){is_this, &r}, true);
    if (!bosk_utf8_valid_rune(r)) return -1;
    return bosk_str_index(s, bosk_str_view(bytes, bosk_utf8_encode(r, bytes)));
}

BOSK_API ptrdiff_t bosk_str_index_any(bosk_str s, bosk_str set)
{
    return first(s, (struct wanted){in_set, &set}, true);
}

BOSK_API ptrdiff_t bosk_str_last_index_any(bosk_str s, bosk_str set)
{
    return last(s, (struct wanted){in_set, &set}, true);
}

BOSK_API ptrdiff_t bosk_str_index_func(bosk_str s, bosk_rune_is is, void *arg)
{
    return first(s, (struct wanted){is, arg}, true);
}

BOSK_API ptrdiff_t bosk_str_last_index_func(bosk_str s, bosk_rune_is is, void *arg)
{
    return last(s, (struct wanted){is, arg}, true);
}

/* ---- trimming ------------------------------------------------------------------------------- */

BOSK_API bosk_str bosk_str_trim(bosk_str s, bosk_str set)
{
    const struct wanted w = {in_set, &set};
    return trim_end(trim_start(s, w), w);
}

BOSK_API bosk_str bosk_str_trim_left(bosk_str s, bosk_str set)
{
    return trim_start(s, (struct wanted){in_set, &set});
}

BOSK_API bosk_str bosk_str_trim_right(bosk_str s, bosk_str set)
{
    return trim_end(s, (struct wanted){in_set, &set});
}

BOSK_API bosk_str bosk_str_trim_func(bosk_str s, bosk_rune_is is, void *arg)
{
    const struct wanted w = {is, arg};
    return trim_end(trim_start(s, w), w);
}

static bool is_space(bosk_rune r, void *unused)
{
    (void)unused;
    return bosk_rune_is_space(r);
}

BOSK_API bosk_str bosk_str_trim_space(bosk_str s) { return bosk_str_trim_func(s, is_space, NULL); }

BOSK_API bosk_strs bosk_str_fields_func(bosk_str s, bosk_rune_is is, void *arg)
{
    const struct wanted w = {is, arg};
    bosk_strs parts = {0};
    for (;;) {
        ptrdiff_t start = first(s, w, false);
        if (start < 0) return parts;
        s = from(s, start);
        ptrdiff_t end = first(s, w, true);
        bosk_push(&parts, bosk_str_view(s.ptr, end < 0 ? s.len : end));
        if (end < 0) return parts;
        s = from(s, end);
    }
}

BOSK_API bosk_strs bosk_str_fields(bosk_str s) { return bosk_str_fields_func(s, is_space, NULL); }

/* ---- runes for runes ---- */

/* As long as nothing changes nothing is allocated. */
BOSK_API bosk_str bosk_str_map(bosk_str s, bosk_rune (*map)(bosk_rune rune, void *arg), void *arg)
{
    bosk_builder b = {0};
    bool changed = false;
    bosk_range_str(i, r, s)
    {
        bosk_rune to = map(r, arg);
        int n;
        if (!changed) {
            /* A byte that is no UTF-8 becomes U+FFFD, which has three. */
            (void)bosk_utf8_decode(from(s, i), &n);
            if (to == r && (r != BOSK_RUNE_ERROR || n == 3)) continue;
            changed = true;
            bosk_builder_grow(&b, s.len);
            bosk_builder_write(&b, bosk_str_view(s.ptr, i));
        }
        if (to >= 0) bosk_builder_write_rune(&b, to);
    }
    return changed ? bosk_builder_str(&b) : s;
}

static bosk_rune upper(bosk_rune r, void *unused)
{
    (void)unused;
    return bosk_rune_to_upper(r);
}
static bosk_rune lower(bosk_rune r, void *unused)
{
    (void)unused;
    return bosk_rune_to_lower(r);
}

BOSK_API bosk_str bosk_str_to_upper(bosk_str s) { return bosk_str_map(s, upper, NULL); }
BOSK_API bosk_str bosk_str_to_lower(bosk_str s) { return bosk_str_map(s, lower, NULL); }

BOSK_API bool bosk_str_equal_fold(bosk_str a, bosk_str b)
{
    int n, m;
    while (a.len > 0 && b.len > 0) {
        bosk_rune r = bosk_utf8_decode(a, &n), t = bosk_utf8_decode(b, &m);
        if (r != t && bosk_rune_fold(r) != bosk_rune_fold(t)) return false;
        a = from(a, n);
        b = from(b, m);
    }
    return a.len == b.len;
}

BOSK_API bosk_str bosk_str_to_valid_utf8(bosk_str s, bosk_str replacement)
{
    bosk_builder b = {0};
    ptrdiff_t at = 0, kept = 0;
    bool in_error = false;
    if (bosk_utf8_valid(s)) return s;
    bosk_builder_grow(&b, s.len);
    while (at < s.len) {
        int n;
        bool error = bosk_utf8_decode(from(s, at), &n) == BOSK_RUNE_ERROR && n == 1;
        if (error) {
            bosk_builder_write(&b, bosk_str_view(s.ptr + kept, at - kept));
            if (!in_error) bosk_builder_write(&b, replacement); /* once for a run of them */
            kept = at + 1;
        }
        in_error = error;
        at += n;
    }
    bosk_builder_write(&b, from(s, kept));
    return bosk_builder_str(&b);
}
