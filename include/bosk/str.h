/* str.h - Go's strings: immutable bytes with a length, usually UTF-8, never terminated.
 *
 *     bosk_str s = BOSK_STR("hello");
 *     bosk_str t = bosk_str_slice(s, 1, 3);      s[1:3], shares the bytes
 *     bosk_str u = bosk_str_concat(s, t);        s + t
 *     bosk_range_str(i, r, s) use(i, r);         for i, r := range s
 *
 * A string is passed by value; windows share bytes.  What a function makes lives in the current
 * home (type.h); on manual memory somebody must bosk_str_free it, once, whole.  Freeing a
 * literal or a shared byte does nothing.  No memory is fatal, as in Go.
 *
 * Go counterparts: runtime/string.go, unicode/utf8, strings (1.22).
 */
#ifndef BOSK_STR_H
#define BOSK_STR_H

#include <bosk/slice.h>

BOSK_BEGIN_DECLS

typedef struct bosk_str {
    const char *ptr;
    ptrdiff_t len;
} bosk_str;

typedef int32_t bosk_rune;
enum { BOSK_RUNE_ERROR = 0xfffd, BOSK_RUNE_MAX = 0x10ffff, BOSK_UTF8_MAX = 4 };

typedef BOSK_SLICE(unsigned char) bosk_bytes;
typedef BOSK_SLICE(bosk_rune) bosk_runes;

/* ---- making and freeing ------------------------------------------------------------------ */

/* A view of a literal; of memory that outlives it; of a terminated string (NULL: empty). */
#ifdef __cplusplus
#define BOSK_STR(literal) (bosk_str{"" literal, (ptrdiff_t)sizeof(literal) - 1})
#else
#define BOSK_STR(literal) ((bosk_str){"" literal, (ptrdiff_t)sizeof(literal) - 1})
#endif
static inline bosk_str bosk_str_view(const char *bytes, ptrdiff_t len)
{
    bosk_str s = {bytes, len};
    return s;
}
static inline bosk_str bosk_str_of(const char *terminated)
{
    return bosk_str_view(terminated, terminated == NULL ? 0 : (ptrdiff_t)strlen(terminated));
}
BOSK_API bosk_str bosk_str_clone(bosk_str s);
/* Frees the block that holds the bytes, and makes *s empty. */
BOSK_API void bosk_str_free(bosk_str *s);
/* s + t.  An empty part gives the other itself, uncopied.  Too long is fatal: "string
 * concatenation too long". */
BOSK_API bosk_str bosk_str_concat(bosk_str s, bosk_str t);
/* strings.Join: always a string of its own unless there is one part or none. */
BOSK_API bosk_str bosk_str_join(const bosk_str *parts, ptrdiff_t count, bosk_str separator);
/* strings.Repeat; panics with "strings: negative Repeat count". */
BOSK_API bosk_str bosk_str_repeat(bosk_str s, ptrdiff_t count);

/* ---- looking ------------------------------------------------------------------------------- */

/* s[i]: "index out of range [i] with length n". */
BOSK_API unsigned char bosk_str_at(bosk_str s, long long i);
/* s[lo:hi]: "slice bounds out of range [:hi] with length n". */
BOSK_API bosk_str bosk_str_slice(bosk_str s, long long lo, long long hi);
BOSK_API bool bosk_str_equal(bosk_str a, bosk_str b);
/* Negative, 0, positive: bytes in order, then the shorter first. */
BOSK_API int bosk_str_compare(bosk_str a, bosk_str b);
/* Byte offset of the first (last) place, or -1.  The empty string is everywhere. */
BOSK_API ptrdiff_t bosk_str_index(bosk_str s, bosk_str part);
BOSK_API ptrdiff_t bosk_str_last_index(bosk_str s, bosk_str part);
BOSK_API bool bosk_str_has_prefix(bosk_str s, bosk_str prefix);
BOSK_API bool bosk_str_has_suffix(bosk_str s, bosk_str suffix);
static inline bool bosk_str_contains(bosk_str s, bosk_str part)
{
    return bosk_str_index(s, part) >= 0;
}

/* By bytes, runes, sets and predicates.  A set is every rune of a string; bytes that are no UTF-8
 * are U+FFFD on both sides.  A predicate is given the rune and `arg`. */
typedef bool (*bosk_rune_is)(bosk_rune rune, void *arg);
BOSK_API ptrdiff_t bosk_str_index_byte(bosk_str s, unsigned char byte);
BOSK_API ptrdiff_t bosk_str_last_index_byte(bosk_str s, unsigned char byte);
BOSK_API ptrdiff_t bosk_str_index_rune(bosk_str s, bosk_rune rune);
BOSK_API ptrdiff_t bosk_str_index_any(bosk_str s, bosk_str set);
BOSK_API ptrdiff_t bosk_str_last_index_any(bosk_str s, bosk_str set);
BOSK_API ptrdiff_t bosk_str_index_func(bosk_str s, bosk_rune_is is, void *arg);
BOSK_API ptrdiff_t bosk_str_last_index_func(bosk_str s, bosk_rune_is is, void *arg);
/* The same up to upper and lower case, by Unicode's simple folding. */
BOSK_API bool bosk_str_equal_fold(bosk_str a, bosk_str b);

/* ---- parts, which share the bytes ------------------------------------------------------------ */

/* Without runes of the set at both ends, at the start, at the end; without those that are. */
BOSK_API bosk_str bosk_str_trim(bosk_str s, bosk_str set);
BOSK_API bosk_str bosk_str_trim_left(bosk_str s, bosk_str set);
BOSK_API bosk_str bosk_str_trim_right(bosk_str s, bosk_str set);
BOSK_API bosk_str bosk_str_trim_func(bosk_str s, bosk_rune_is is, void *arg);

/* Without white space (unicode.IsSpace) at both ends; without the prefix or suffix, if it has it.
 */
BOSK_API bosk_str bosk_str_trim_space(bosk_str s);
BOSK_API bosk_str bosk_str_trim_prefix(bosk_str s, bosk_str prefix);
BOSK_API bosk_str bosk_str_trim_suffix(bosk_str s, bosk_str suffix);
/* strings.Cut: what is before and behind the first separator; false, s and "" without one. */
BOSK_API bool bosk_str_cut(bosk_str s, bosk_str separator, bosk_str *before, bosk_str *behind);

/* ---- UTF-8 ---------------------------------------------------------------------------------- */

/* The first rune and its bytes in *size.  Bytes that are no UTF-8 (too long, surrogates, beyond
 * U+10FFFF, cut off) give BOSK_RUNE_ERROR and size 1; the empty string gives size 0. */
BOSK_API bosk_rune bosk_utf8_decode(bosk_str s, int *size);
/* Writes at most 4 bytes; a rune that is none is written as U+FFFD.  The bytes written. */
BOSK_API int bosk_utf8_encode(bosk_rune rune, char *out);
BOSK_API bool bosk_utf8_valid(bosk_str s);
BOSK_API ptrdiff_t bosk_utf8_count(bosk_str s);
/* The last rune, by the same rules. */
BOSK_API bosk_rune bosk_utf8_decode_last(bosk_str s, int *size);
/* Whether s begins with a whole rune or with what can never become one. */
BOSK_API bool bosk_utf8_full_rune(bosk_str s);
/* Bytes of the encoding; -1 for what is no rune. */
BOSK_API int bosk_utf8_rune_len(bosk_rune rune);
static inline bool bosk_utf8_valid_rune(bosk_rune r)
{
    return (r >= 0 && r < 0xd800) || (r > 0xdfff && r <= BOSK_RUNE_MAX);
}
static inline bool bosk_utf8_rune_start(unsigned char byte) { return (byte & 0xc0) != 0x80; }

/* Of the package unicode: letters, upper and lower case, decimal digits, punctuation, what is
 * printed (letters, marks, numbers, punctuation, symbols and the ASCII space), white space. */
BOSK_API bool bosk_rune_is_letter(bosk_rune r);
BOSK_API bool bosk_rune_is_upper(bosk_rune r);
BOSK_API bool bosk_rune_is_lower(bosk_rune r);
BOSK_API bool bosk_rune_is_digit(bosk_rune r);
BOSK_API bool bosk_rune_is_punct(bosk_rune r);
BOSK_API bool bosk_rune_is_print(bosk_rune r);
BOSK_API bool bosk_rune_is_space(bosk_rune r);
/* Simple mappings, one rune for one.  Folding gives the same rune to all that differ by case. */
BOSK_API bosk_rune bosk_rune_to_upper(bosk_rune r);
BOSK_API bosk_rune bosk_rune_to_lower(bosk_rune r);
BOSK_API bosk_rune bosk_rune_fold(bosk_rune r);

/* bosk_range_str(i, r, s) { ... }: for i, r := range s; i is the offset of rune r. */
#define bosk_range_str(i, r, s) \
    BOSKI_RANGE_STR(BOSKI_UNIQ(s_), BOSKI_UNIQ(b_), BOSKI_UNIQ(n_), i, r, s)
#define BOSKI_RANGE_STR(S, B, N, i, r, s)                                                          \
    for (bool B = true; B; B = false)                                                              \
        for (const bosk_str S = (s); B; B = false)                                                 \
            for (int N = 0; B; B = false)                                                          \
                for (ptrdiff_t i = 0; B && i < S.len; i += N)                                      \
                    for (__attribute__((unused))                                                   \
                         bosk_rune r = (B = false,                                                 \
                                       bosk_utf8_decode(bosk_str_view(S.ptr + i, S.len - i), &N)); \
                         !B; B = true)

/* ---- conversions ---------------------------------------------------------------------------- */

/* []byte(s), []rune(s): new slices with Go's capacities, zero behind the length. */
BOSK_API bosk_bytes bosk_str_bytes(bosk_str s);
BOSK_API bosk_runes bosk_str_runes(bosk_str s);
/* string(b), string(r): one byte is never allocated. */
BOSK_API bosk_str bosk_str_of_bytes(bosk_bytes b);
BOSK_API bosk_str bosk_str_of_runes(bosk_runes r);
/* The same into a buffer of the caller when it fits, as Go does with results that stay in a
 * function: up to 32 bytes, 32 runes.  The buffer must outlive the result. */
enum { BOSK_CONVERT_BUFFER = 32 };
BOSK_API bosk_bytes bosk_str_bytes_buf(bosk_str s, unsigned char buffer[BOSK_CONVERT_BUFFER]);
BOSK_API bosk_runes bosk_str_runes_buf(bosk_str s, bosk_rune buffer[BOSK_CONVERT_BUFFER]);
BOSK_API bosk_str bosk_str_of_bytes_buf(bosk_bytes b, char buffer[BOSK_CONVERT_BUFFER]);
BOSK_API bosk_str bosk_str_of_runes_buf(bosk_runes r, char buffer[BOSK_CONVERT_BUFFER]);
BOSK_API bosk_str bosk_str_concat_buf(bosk_str s, bosk_str t, char buffer[BOSK_CONVERT_BUFFER]);

/* ---- splitting and replacing ---------------------------------------------------------------- */

typedef BOSK_SLICE(bosk_str) bosk_strs;

/* strings.SplitN: at most `n` parts, all of them when n < 0, none when n == 0; the parts share the
 * bytes of s.  An empty separator splits behind each rune.  Free the slice, not the parts. */
BOSK_API bosk_strs bosk_str_split(bosk_str s, bosk_str separator, ptrdiff_t n);
/* strings.SplitAfterN: the same, each part with its separator. */
BOSK_API bosk_strs bosk_str_split_after(bosk_str s, bosk_str separator, ptrdiff_t n);
/* strings.Fields, FieldsFunc: the runs between white space, between what is. */
BOSK_API bosk_strs bosk_str_fields(bosk_str s);
BOSK_API bosk_strs bosk_str_fields_func(bosk_str s, bosk_rune_is is, void *arg);
/* strings.Count: places of `part` that do not overlap; of "", runes and one. */
BOSK_API ptrdiff_t bosk_str_count(bosk_str s, bosk_str part);
/* strings.Replace: the first n (n < 0: all) places of `old`; s itself when there is none. */
BOSK_API bosk_str bosk_str_replace(bosk_str s, bosk_str old, bosk_str by, ptrdiff_t n);

/* strings.Map: each rune as `map` gives it, negative ones left out; s itself when nothing changes.
 * Upper and lower case so; bytes that are no UTF-8, a run at a time, replaced. */
BOSK_API bosk_str bosk_str_map(bosk_str s, bosk_rune (*map)(bosk_rune rune, void *arg), void *arg);
BOSK_API bosk_str bosk_str_to_upper(bosk_str s);
BOSK_API bosk_str bosk_str_to_lower(bosk_str s);
BOSK_API bosk_str bosk_str_to_valid_utf8(bosk_str s, bosk_str replacement);

/* ---- building ------------------------------------------------------------------------------- */

/* strings.Builder: zero-initialise, write, take the string, free.  It owns its bytes. */
typedef struct bosk_builder {
    bosk_bytes bytes;
} bosk_builder;
BOSK_API void bosk_builder_write(bosk_builder *b, bosk_str s);
BOSK_API void bosk_builder_write_byte(bosk_builder *b, unsigned char byte);
BOSK_API void bosk_builder_write_rune(bosk_builder *b, bosk_rune rune);
/* Room for n more bytes; panics with "strings.Builder.Grow: negative count". */
BOSK_API void bosk_builder_grow(bosk_builder *b, ptrdiff_t n);
/* What has been written: a view that lasts until the next write that grows, or free. */
static inline bosk_str bosk_builder_str(const bosk_builder *b)
{
    return bosk_str_view((const char *)b->bytes.ptr, b->bytes.len);
}
BOSK_API void bosk_builder_free(bosk_builder *b);
/* The same as write and grow; false when there is no memory, and nothing has changed. */
BOSK_API bool bosk_builder_try_write(bosk_builder *b, bosk_str s) BOSK_NODISCARD;
BOSK_API bool bosk_builder_try_grow(bosk_builder *b, ptrdiff_t n) BOSK_NODISCARD;

BOSK_END_DECLS

#endif /* BOSK_STR_H */
