/* utf8.c - UTF-8 by Go's rules: whatever is not the shortest form of a rune is one error a byte.
 *
 * Go counterpart: unicode/utf8 (1.22).
 */
#include <bosk/str.h>

static bool continues(unsigned char c, unsigned char lo, unsigned char hi)
{
    return c >= lo && c <= hi;
}

BOSK_API bosk_rune bosk_utf8_decode(bosk_str s, int *size)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    if (s.len <= 0) {
        *size = 0;
        return BOSK_RUNE_ERROR;
    }
    unsigned char c = p[0];
    *size = 1;
    if (c < 0x80) return c;
    if (c < 0xc2 || c > 0xf4) return BOSK_RUNE_ERROR;
    int n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    /* The second byte tells overlong forms, surrogates and what is beyond U+10FFFF. */
    unsigned char lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    unsigned char hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (s.len < n || !continues(p[1], lo, hi)) return BOSK_RUNE_ERROR;
    bosk_rune rune = c & (0xff >> (n + 1));
    rune = rune << 6 | (p[1] & 0x3f);
    for (int i = 2; i < n; i++) {
        if (!continues(p[i], 0x80, 0xbf)) return BOSK_RUNE_ERROR;
        rune = rune << 6 | (p[i] & 0x3f);
    }
    *size = n;
    return rune;
}

BOSK_API int bosk_utf8_encode(bosk_rune rune, char *out)
{
    uint32_t r = (uint32_t)rune;
    if (r > BOSK_RUNE_MAX || (r >= 0xd800 && r <= 0xdfff)) r = BOSK_RUNE_ERROR;
    if (r < 0x80) {
        out[0] = (char)r;
        return 1;
    }
    int n = r < 0x800 ? 2 : r < 0x10000 ? 3 : 4;
    for (int i = n; i-- > 1; r >>= 6) out[i] = (char)(0x80 | (r & 0x3f));
    out[0] = (char)((0xf00u >> n) | r);
    return n;
}

BOSK_API bool bosk_utf8_valid(bosk_str s)
{
    int n;
    for (; s.len > 0; s.ptr += n, s.len -= n)
        if (bosk_utf8_decode(s, &n) == BOSK_RUNE_ERROR && n == 1) return false;
    return true;
}

BOSK_API ptrdiff_t bosk_utf8_count(bosk_str s)
{
    ptrdiff_t count = 0;
    int n;
    for (; s.len > 0; s.ptr += n, s.len -= n, count++) (void)bosk_utf8_decode(s, &n);
    return count;
}

BOSK_API bosk_rune bosk_utf8_decode_last(bosk_str s, int *size)
{
    /* Back to where the last rune may begin, at most four bytes. */
    ptrdiff_t at = s.len - 1;
    if (s.len <= 0) return bosk_utf8_decode(s, size);
    while (at > 0 && s.len - at < BOSK_UTF8_MAX && !bosk_utf8_rune_start((unsigned char)s.ptr[at]))
        at--;
    bosk_rune r = bosk_utf8_decode(bosk_str_view(s.ptr + at, s.len - at), size);
    if (*size == s.len - at) return r;
    *size = 1;
    return BOSK_RUNE_ERROR;
}

BOSK_API bool bosk_utf8_full_rune(bosk_str s)
{
    int n;
    if (s.len <= 0) return false;
    if (bosk_utf8_decode(s, &n) != BOSK_RUNE_ERROR || n != 1) return true;
    /* An error, unless some continuation could still make it one: bytes 0x80 to 0xbf try it. */
    char more[BOSK_UTF8_MAX];
    ptrdiff_t len = s.len < BOSK_UTF8_MAX ? s.len : BOSK_UTF8_MAX;
    memcpy(more, s.ptr, (size_t)len);
    for (int second = 0x80; second <= 0xbf && len < BOSK_UTF8_MAX; second += 0x10) {
        for (ptrdiff_t i = len; i < BOSK_UTF8_MAX; i++) more[i] = (char)second;
        if (bosk_utf8_decode(bosk_str_view(more, BOSK_UTF8_MAX), &n) != BOSK_RUNE_ERROR || n != 1)
            return false;
    }
    return true;
}

BOSK_API int bosk_utf8_rune_len(bosk_rune rune)
{
    char bytes[BOSK_UTF8_MAX];
    return bosk_utf8_valid_rune(rune) ? bosk_utf8_encode(rune, bytes) : -1;
}
