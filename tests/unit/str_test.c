/* str_test.c - strings: views, parts, UTF-8, and conversions as real Go makes them. */
#include "golden_support.h"
#include "heap_support.h"

#include <bosk/slices.h>
#include <bosk/str.h>

#define IS(s, literal) bosk_str_equal(s, BOSK_STR(literal))

TEST(str, looking)
{
    bosk_str s = BOSK_STR("hello, hello"), none = {0};
    CHECK(s.len == 12 && bosk_str_at(s, 4) == 'o');
    CHECK(IS(bosk_str_slice(s, 1, 3), "el") && bosk_str_slice(s, 1, 3).ptr == s.ptr + 1);
    CHECK(bosk_str_slice(s, 12, 12).len == 0);
    CHECK(bosk_str_index(s, BOSK_STR("lo")) == 3 && bosk_str_last_index(s, BOSK_STR("lo")) == 10);
    CHECK(bosk_str_index(s, BOSK_STR("x")) == -1 && bosk_str_last_index(s, BOSK_STR("x")) == -1);
    CHECK(bosk_str_index(s, none) == 0 && bosk_str_last_index(s, none) == 12);
    CHECK(bosk_str_index(none, s) == -1 && bosk_str_last_index(none, s) == -1);
    CHECK(bosk_str_contains(s, BOSK_STR(", ")) && bosk_str_contains(none, none));
    CHECK(bosk_str_has_prefix(s, BOSK_STR("hell")) && !bosk_str_has_prefix(none, s));
    CHECK(bosk_str_has_suffix(s, BOSK_STR("ello")) && !bosk_str_has_suffix(none, s));
    CHECK(bosk_str_has_prefix(none, none) && bosk_str_has_suffix(none, none));
    CHECK(bosk_str_compare(BOSK_STR("a"), BOSK_STR("b")) < 0);
    CHECK(bosk_str_compare(BOSK_STR("b\x80"), BOSK_STR("b")) > 0);
    CHECK(bosk_str_compare(BOSK_STR("\xff"), BOSK_STR("a")) > 0);
    CHECK(bosk_str_compare(none, BOSK_STR("")) == 0 && bosk_str_equal(none, BOSK_STR("")));
    CHECK(IS(bosk_str_of("text"), "text") && bosk_str_of(NULL).len == 0);
    CHECK(BOSK_STR("a\0b").len == 3);
}

TEST(str, parts)
{
    bosk_str before, behind;
    CHECK(bosk_str_cut(BOSK_STR("key=v=w"), BOSK_STR("="), &before, &behind));
    CHECK(IS(before, "key") && IS(behind, "v=w"));
    CHECK(!bosk_str_cut(BOSK_STR("key"), BOSK_STR("="), &before, &behind));
    CHECK(IS(before, "key") && IS(behind, ""));
    CHECK(IS(bosk_str_trim_space(BOSK_STR(" \t\n\v\f\r x y \xc2\x85\xe3\x80\x80")), "x y"));
    CHECK(IS(bosk_str_trim_space(BOSK_STR("\xe2\x80\x83")), ""));
    CHECK(IS(bosk_str_trim_space(BOSK_STR("\x85x\xa0")), "\x85x\xa0")); /* no UTF-8: no space */
    CHECK(IS(bosk_str_trim_prefix(BOSK_STR("abc"), BOSK_STR("ab")), "c"));
    CHECK(IS(bosk_str_trim_prefix(BOSK_STR("abc"), BOSK_STR("b")), "abc"));
    CHECK(IS(bosk_str_trim_suffix(BOSK_STR("abc"), BOSK_STR("bc")), "a"));
    CHECK(IS(bosk_str_trim_suffix(BOSK_STR("abc"), BOSK_STR("abcd")), "abc"));
}

TEST(str, joining)
{
    struct bosk_heap_stats before, after;
    bosk_str none = {0}, s = BOSK_STR("ab"), t = BOSK_STR("cd");
    bosk_heap_stats(&before);
    CHECK(bosk_str_concat(s, none).ptr == s.ptr && bosk_str_concat(none, t).ptr == t.ptr);
    CHECK(bosk_str_join(&s, 1, t).ptr == s.ptr && bosk_str_join(&s, 0, t).len == 0);
    bosk_heap_stats(&after);
    CHECK_EQ(after.mallocs, before.mallocs);
    bosk_str u = bosk_str_concat(s, t);
    CHECK(IS(u, "abcd"));
    bosk_str parts[] = {s, none, u};
    bosk_str joined = bosk_str_join(parts, 3, BOSK_STR(", "));
    CHECK(IS(joined, "ab, , abcd"));
    bosk_str many = bosk_str_repeat(joined, 1000);
    CHECK(many.len == 10000 && IS(bosk_str_slice(many, 9990, 10000), "ab, , abcd"));
    CHECK(bosk_str_repeat(many, 0).len == 0);
    bosk_str clone = bosk_str_clone(u);
    CHECK(clone.ptr != u.ptr && bosk_str_equal(clone, u));
    bosk_str_free(&u);
    bosk_str_free(&joined);
    bosk_str_free(&many);
    bosk_str_free(&clone);
    bosk_str_free(&s); /* a literal: nothing */
    CHECK(s.ptr == NULL && s.len == 0);
    bosk_heap_stats(&after);
    CHECK_EQ(after.mallocs - before.mallocs, after.frees - before.frees);
}

/* Decoding is right when every rune survives, and when whatever is accepted is the encoding of its
 * rune: there is no other form then. */
TEST(str, utf8_of_every_rune)
{
    char bytes[BOSK_UTF8_MAX];
    int n;
    for (bosk_rune r = 0; r <= BOSK_RUNE_MAX + 10; r++) {
        bool is_rune = r <= BOSK_RUNE_MAX && (r < 0xd800 || r > 0xdfff);
        int len = bosk_utf8_encode(r, bytes);
        CHECK(bosk_utf8_decode(bosk_str_view(bytes, len), &n) == (is_rune ? r : BOSK_RUNE_ERROR));
        CHECK(n == len && len == (!is_rune ? 3 : r < 0x80 ? 1 : r < 0x800 ? 2 : r < 65536 ? 3 : 4));
        for (int cut = 1; cut < len; cut++)
            CHECK(bosk_utf8_decode(bosk_str_view(bytes, cut), &n) == BOSK_RUNE_ERROR && n == 1);
    }
    CHECK(bosk_utf8_encode(-1, bytes) == 3 && memcmp(bytes, "\xef\xbf\xbd", 3) == 0);
    CHECK(bosk_utf8_decode(bosk_str_view(bytes, 0), &n) == BOSK_RUNE_ERROR && n == 0);
}
TEST(str, utf8_of_other_bytes)
{
    char bytes[BOSK_UTF8_MAX], again[BOSK_UTF8_MAX];
    uint64_t errors = 0;
    /* All beginnings of three bytes, with fourth bytes around every limit. */
    static const unsigned char fourth[] = {0, 0x7f, 0x80, 0x8f, 0x90, 0xbf, 0xc0, 0xff};
    for (uint32_t v = 0; v < 1u << 24; v += 1) {
        if ((v & 0xff) < 0x80 && (v & 0xff) != 0 && (v & 0xff) != 0x7f) continue;
        memcpy(bytes, &v, 3);
        bytes[3] = (char)fourth[v % sizeof fourth];
        int n;
        bosk_rune r = bosk_utf8_decode(bosk_str_view(bytes, 4), &n);
        if (n == 1 && r == BOSK_RUNE_ERROR) {
            errors++;
            CHECK((bytes[0] & 0x80) != 0);
            continue;
        }
        CHECK(bosk_utf8_encode(r, again) == n && memcmp(bytes, again, (size_t)n) == 0);
    }
    CHECK(errors > 1000000);
    CHECK(bosk_utf8_valid(BOSK_STR("h\xc3\xa9llo \xf0\x9f\x98\x80 \xef\xbf\xbd")));
    CHECK(!bosk_utf8_valid(BOSK_STR("\xed\xa0\x80")) && !bosk_utf8_valid(BOSK_STR("\xc0\x80")));
    CHECK(!bosk_utf8_valid(BOSK_STR("\xf4\x90\x80\x80")) && bosk_utf8_valid(BOSK_STR("")));
    CHECK_EQ(bosk_utf8_count(BOSK_STR("a\xff\xc3\xa9\xe2\x82")), 5);
}

TEST(str, range_gives_offsets_and_runes)
{
    static const bosk_rune runes[] = {'a', 0xe9, BOSK_RUNE_ERROR, 0x1f600, 'z'};
    static const ptrdiff_t offsets[] = {0, 1, 3, 4, 8};
    size_t k = 0;
    bosk_range_str(i, r, BOSK_STR("a\xc3\xa9\xff\xf0\x9f\x98\x80z"))
    {
        CHECK(k < 5 && i == offsets[k] && r == runes[k]);
        k++;
        if (r == 'a') continue;
    }
    CHECK_EQ(k, 5);
    bosk_range_str(i, r, BOSK_STR("abc"))
    {
        k += (size_t)i;
        if (r == 'b') break;
    }
    CHECK_EQ(k, 6);
}

TEST(str, conversions)
{
    bosk_str s = BOSK_STR("h\xc3\xa9\xff");
    bosk_bytes b = bosk_str_bytes(s);
    CHECK(b.len == 4 && b.cap == 8 && b.ptr[7] == 0);
    b.ptr[0] = 'H';
    CHECK(s.ptr[0] == 'h');
    bosk_str back = bosk_str_of_bytes(b);
    b.ptr[0] = 'x';
    CHECK(IS(back, "H\xc3\xa9\xff"));
    bosk_runes r = bosk_str_runes(s);
    CHECK(r.len == 3 && r.ptr[1] == 0xe9 && r.ptr[2] == BOSK_RUNE_ERROR && r.cap == 4);
    char buffer[BOSK_CONVERT_BUFFER];
    bosk_str in_buffer = bosk_str_of_runes_buf(r, buffer);
    CHECK(in_buffer.ptr == buffer && IS(in_buffer, "h\xc3\xa9\xef\xbf\xbd"));
    bosk_runes eleven = bosk_make(bosk_runes, 11); /* 33 bytes of three each are too many */
    for (ptrdiff_t i = 0; i < eleven.len; i++) eleven.ptr[i] = 0x20ac;
    CHECK(bosk_str_of_runes_buf(eleven, buffer).ptr != buffer);
    CHECK(bosk_str_of_runes_buf(bosk_reslice_to(eleven, 10), buffer).ptr == buffer);
    r = bosk_append(r, 0xd800, -5, 0x1f600);
    CHECK(
        IS(bosk_str_of_runes(r), "h\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80"));
    for (int c = 0; c < 256; c++) { /* one byte: from the table */
        unsigned char byte = (unsigned char)c;
        bosk_str one = bosk_str_of_bytes(bosk_slice_from(bosk_bytes, &byte, 1, 1));
        bool known;
        (void)bosk_home_of(one.ptr, &known);
        CHECK(!known && bosk_str_at(one, 0) == byte);
    }
}

/* Rows of convert.csv that a library, not a compiler, decides: results that escape, and those that
 * stay, for which the caller gives the buffer.  Capacities and allocations. */
TEST(str, conversions_of_real_go)
{
    struct golden g;
    unsigned done = 0;
    static char text[65536];
    memset(text, 'x', sizeof text);
    for (golden_open(&g, "convert.csv"); golden_next(&g);) {
        if (g.arch != BOSK_ARCH_NATIVE || golden_excluded(&g, "runtime")) continue;
        CHECK_EQ(bosk_growth_use(bosk_growth_go(g.minor)), 0);
        ptrdiff_t len = (ptrdiff_t)golden_number(&g, 3), cap = 0;
        bosk_str s = bosk_str_view(text, len), made = {0};
        bosk_bytes b = {0}, of_text = bosk_slice_from(bosk_bytes, (unsigned char *)text, len, len);
        bosk_runes r = {0};
        unsigned char bytes_buffer[BOSK_CONVERT_BUFFER];
        bosk_rune runes_buffer[BOSK_CONVERT_BUFFER];
        char text_buffer[BOSK_CONVERT_BUFFER];
        struct bosk_heap_stats before, after;
        bosk_heap_stats(&before);
        if (golden_is(&g, 2, "bytes_escape"))
            b = bosk_str_bytes(s);
        else if (golden_is(&g, 2, "bytes_local_written"))
            b = bosk_str_bytes_buf(s, bytes_buffer);
        else if (golden_is(&g, 2, "runes_escape"))
            r = bosk_str_runes(s);
        else if (golden_is(&g, 2, "runes_local"))
            r = bosk_str_runes_buf(s, runes_buffer);
        else if (golden_is(&g, 2, "string_escape"))
            made = bosk_str_of_bytes(of_text);
        else if (golden_is(&g, 2, "string_local"))
            made = bosk_str_of_bytes_buf(of_text, text_buffer);
        else if (golden_is(&g, 2, "concat_escape"))
            made = bosk_str_concat(bosk_str_slice(s, 0, len / 2), bosk_str_slice(s, len / 2, len));
        else if (golden_is(&g, 2, "concat_local"))
            made = bosk_str_concat_buf(bosk_str_slice(s, 0, len / 2),
                                       bosk_str_slice(s, len / 2, len), text_buffer);
        else
            CHECK_MSG(false, "%s is unknown", g.field[2]);
        bosk_heap_stats(&after);
        cap = b.cap + r.cap;
        CHECK_MSG(cap == golden_number(&g, 4), "row %u, %s: %td", g.rows, g.field[2], cap);
        CHECK_MSG((long long)(after.mallocs - before.mallocs) == golden_number(&g, 5),
                  "row %u, %s of %td", g.rows, g.field[2], len);
        for (ptrdiff_t i = b.len; i < b.cap; i++) CHECK(b.ptr[i] == 0);
        for (ptrdiff_t i = r.len; i < r.cap; i++) CHECK(r.ptr[i] == 0);
        CHECK(made.len == 0 || bosk_str_equal(made, s));
        bosk_free_slice(&b);
        bosk_free_slice(&r);
        if (made.ptr != text && made.len > 1) bosk_str_free(&made);
        done++;
    }
    fprintf(stderr, "convert.csv: %u rows\n", done);
    CHECK_MSG(done >= 8 * 26, "%u", done);
    CHECK(golden_tell_exclusions("runtime", "convert.csv") < done);
}

/* Parts between bars, as Go prints %q of them. */
static bool parts_are(bosk_strs parts, const char *want)
{
    bosk_builder b = {0};
    bosk_range(i, part, parts) {
        bosk_builder_write(&b, part);
        bosk_builder_write_byte(&b, '|');
        CHECK(i < 100);
    }
    bool same = bosk_str_equal(bosk_builder_str(&b), bosk_str_of(want));
    bosk_builder_free(&b);
    bosk_free_slice(&parts);
    return same;
}

TEST(str, splitting)
{
    bosk_str s = BOSK_STR("a,b,,c"), comma = BOSK_STR(","), none = {0};
    CHECK(parts_are(bosk_str_split(s, comma, -1), "a|b||c|"));
    CHECK(parts_are(bosk_str_split(s, comma, 2), "a|b,,c|"));
    CHECK(parts_are(bosk_str_split(s, comma, 1), "a,b,,c|"));
    CHECK(parts_are(bosk_str_split(s, comma, 0), ""));
    CHECK(parts_are(bosk_str_split(s, comma, 99), "a|b||c|"));
    CHECK(parts_are(bosk_str_split(none, comma, -1), "|"));
    CHECK(parts_are(bosk_str_split(BOSK_STR(","), comma, -1), "||"));
    CHECK(parts_are(bosk_str_split(none, none, -1), ""));
    CHECK(parts_are(bosk_str_split(BOSK_STR("h\xc3\xa9\xff"), none, -1), "h|\xc3\xa9|\xff|"));
    CHECK(parts_are(bosk_str_split(BOSK_STR("h\xc3\xa9y"), none, 2), "h|\xc3\xa9y|"));
    CHECK(parts_are(bosk_str_fields(BOSK_STR("  a\tbc \xe2\x80\x83"
                                             "d\n")),
                    "a|bc|d|"));
    CHECK(parts_are(bosk_str_fields(BOSK_STR(" \n")), ""));
    CHECK(parts_are(bosk_str_fields(BOSK_STR("a")), "a|"));
    CHECK(bosk_str_count(BOSK_STR("cheese"), BOSK_STR("e")) == 3);
    CHECK(bosk_str_count(BOSK_STR("five"), none) == 5 && bosk_str_count(none, none) == 1);
    CHECK(bosk_str_count(BOSK_STR("aaaa"), BOSK_STR("aa")) == 2);
}

TEST(str, replacing)
{
    bosk_str s = BOSK_STR("oink oink oink"), none = {0};
    CHECK(IS(bosk_str_replace(s, BOSK_STR("k"), BOSK_STR("ky"), 2), "oinky oinky oink"));
    CHECK(IS(bosk_str_replace(s, BOSK_STR("oink"), BOSK_STR("moo"), -1), "moo moo moo"));
    CHECK(IS(bosk_str_replace(s, BOSK_STR("oink"), none, -1), "  "));
    CHECK(bosk_str_replace(s, BOSK_STR("x"), BOSK_STR("y"), -1).ptr == s.ptr);
    CHECK(bosk_str_replace(s, BOSK_STR("o"), BOSK_STR("y"), 0).ptr == s.ptr);
    CHECK(bosk_str_replace(s, s, none, -1).len == 0);
    CHECK(IS(bosk_str_replace(BOSK_STR("h\xc3\xa9"), none, BOSK_STR("-"), -1), "-h-\xc3\xa9-"));
    CHECK(IS(bosk_str_replace(BOSK_STR("ab"), none, BOSK_STR("-"), 2), "-a-b"));
    CHECK(IS(bosk_str_replace(none, none, BOSK_STR("x"), -1), "x"));
}

TEST(str, builder)
{
    struct bosk_heap_stats before, after;
    bosk_heap_stats(&before);
    bosk_builder b = {0};
    CHECK(bosk_builder_str(&b).len == 0);
    bosk_builder_grow(&b, 100);
    const unsigned char *start = b.bytes.ptr;
    for (int i = 0; i < 25; i++) bosk_builder_write_rune(&b, 0x1f600);
    CHECK(b.bytes.ptr == start && b.bytes.len == 100);
    for (int i = 0; i < 10000; i++) bosk_builder_write(&b, BOSK_STR("xyz"));
    bosk_builder_write_byte(&b, '!');
    bosk_builder_write(&b, bosk_str_slice(bosk_builder_str(&b), 0, 4)); /* of itself */
    bosk_str s = bosk_builder_str(&b);
    CHECK(s.len == 30105 && bosk_utf8_valid(s));
    CHECK(IS(bosk_str_slice(s, 30097, 30105), "xyz!\xf0\x9f\x98\x80"));
    bosk_builder_free(&b);
    bosk_heap_stats(&after);
    CHECK_EQ(after.mallocs - before.mallocs, after.frees - before.frees);
}
TEST(str, builder_without_memory_is_unchanged)
{
    static char text[100];
    memset(text, 'x', sizeof text);
    for (size_t limit = 64; limit <= 1024; limit += 32) { /* KiB: another growth fails each time */
        bosk_heap *heap = bosk_heap_new(limit << 10);
        const bosk_home home = {BOSK_HOME_HEAP, heap};
        bosk_builder b = {0};
        ptrdiff_t written = 0;
        bosk_home_push(home);
        while (bosk_builder_try_write(&b, bosk_str_view(text, 100))) written += 100;
        bosk_str s = bosk_builder_str(&b);
        CHECK(s.len == written && written > 1000);
        CHECK(bosk_str_trim(s, BOSK_STR("x")).len == 0);
        const bosk_builder before = b;
        CHECK(!bosk_builder_try_grow(&b, 2 << 20) && memcmp(&b, &before, sizeof b) == 0);
        CHECK(!bosk_builder_try_grow(&b, PTRDIFF_MAX) && memcmp(&b, &before, sizeof b) == 0);
        CHECK(bosk_builder_try_grow(&b, 0));
        bosk_home_pop();
        bosk_heap_destroy(heap);
    }
}

/* ---- predicates and mappings; what takes no function is compared with real Go's rows ---- */

static bool is_digit_below(bosk_rune r, void *arg) { return r >= '0' && r < *(int *)arg; }

TEST(str, predicates)
{
    int limit = '5';
    bosk_str s = BOSK_STR("12ab\xc3\xa9"
                          "349"),
             none = {0};
    CHECK_EQ(bosk_str_index_func(s, is_digit_below, &limit), 0);
    CHECK_EQ(bosk_str_last_index_func(s, is_digit_below, &limit), 7);
    CHECK(IS(bosk_str_trim_func(s, is_digit_below, &limit), "ab\xc3\xa9"
                                                            "349"));
    CHECK(bosk_str_trim_func(BOSK_STR("123"), is_digit_below, &limit).len == 0);
    CHECK(parts_are(bosk_str_fields_func(s, is_digit_below, &limit), "ab\xc3\xa9|9|"));
    CHECK(bosk_str_index_func(none, is_digit_below, &limit) == -1);
    CHECK(bosk_str_last_index_func(none, is_digit_below, &limit) == -1);
    CHECK(bosk_str_fields_func(none, is_digit_below, &limit).len == 0);
}

TEST(str, bytes_and_runes)
{
    bosk_str s = BOSK_STR("a\xc3\xa9"
                          "a\xff\xef\xbf\xbd"),
             none = {0};
    CHECK(bosk_str_index_byte(s, 'a') == 0 && bosk_str_last_index_byte(s, 'a') == 3);
    CHECK(bosk_str_index_byte(s, 'b') == -1 && bosk_str_last_index_byte(s, 'b') == -1);
    CHECK(bosk_str_index_byte(none, 0) == -1 && bosk_str_last_index_byte(none, 0) == -1);
    CHECK(bosk_str_index_rune(s, 0xe9) == 1 && bosk_str_index_rune(s, 'x') == -1);
    CHECK(bosk_str_index_rune(s, BOSK_RUNE_ERROR) == 4); /* bytes that are no UTF-8 are it */
    CHECK(bosk_str_index_rune(s, 0xd800) == -1 && bosk_str_index_rune(s, -1) == -1);
    CHECK(bosk_utf8_rune_len('a') == 1 && bosk_utf8_rune_len(0x1f600) == 4);
    CHECK(bosk_utf8_rune_len(0xdfff) == -1 && bosk_utf8_rune_len(0x110000) == -1);
    CHECK(bosk_utf8_valid_rune(0) && !bosk_utf8_valid_rune(-1) && bosk_utf8_rune_start(0xc3));
    CHECK(!bosk_utf8_rune_start(0x80));
}

static bosk_rune rot13(bosk_rune r, void *dropped)
{
    if (r == *(bosk_rune *)dropped) return -1;
    if (r >= 'a' && r <= 'z') return 'a' + (r - 'a' + 13) % 26;
    return r;
}

TEST(str, mapping)
{
    bosk_rune dropped = 'x', wide = 0x1f600;
    bosk_str s = BOSK_STR("Hello\xffx"), same = BOSK_STR("123");
    bosk_str mapped = bosk_str_map(s, rot13, &dropped);
    CHECK(IS(mapped, "Hryyb\xef\xbf\xbd"));
    bosk_str_free(&mapped);
    CHECK(bosk_str_map(same, rot13, &dropped).ptr == same.ptr);
    mapped = bosk_str_map(BOSK_STR("xx"), rot13, &dropped);
    CHECK(mapped.len == 0);
    bosk_str_free(&mapped);
    mapped = bosk_str_map(BOSK_STR("\xf0\x9f\x98\x80n"), rot13, &wide);
    CHECK(IS(mapped, "a"));
    bosk_str_free(&mapped);
    bosk_str upper = bosk_str_to_upper(BOSK_STR("stra\xc3\x9f"
                                                "e")); /* no rune becomes two */
    CHECK(IS(upper, "STRA\xc3\x9f"
                    "E") &&
          bosk_str_equal_fold(upper, BOSK_STR("stra\xc3\x9f"
                                              "e")));
    CHECK(bosk_str_to_upper(upper).ptr == upper.ptr);
    bosk_str_free(&upper);
}

TEST_PANICS(str, builder_grown_by_less_than_nothing, "panic: strings.Builder.Grow: negative count")
{
    bosk_builder b = {0};
    bosk_builder_grow(&b, -1);
}

TEST_PANICS(str, index_past_len, "panic: runtime error: index out of range [6] with length 5")
{
    (void)bosk_str_at(BOSK_STR("hello"), 6);
}
TEST_PANICS(str, slice_past_len,
            "panic: runtime error: slice bounds out of range [:6] with length 5")
{
    (void)bosk_str_slice(BOSK_STR("hello"), 0, 6);
}
TEST_PANICS(str, slice_backwards, "panic: runtime error: slice bounds out of range [2:1]")
{
    (void)bosk_str_slice(BOSK_STR("hello"), 2, 1);
}
TEST_PANICS(str, repeat_negative, "panic: strings: negative Repeat count")
{
    (void)bosk_str_repeat(BOSK_STR("x"), -1);
}
TEST_PANICS(str, too_long, "fatal error: string concatenation too long")
{
    (void)bosk_str_concat(bosk_str_view("x", PTRDIFF_MAX), BOSK_STR("y"));
}
