/* strconv_test.c - what the rows of real Go do not reach: panics, rounding modes, locales, memory.
 */
#include "heap_support.h"

#include <bosk/strconv.h>
#include <fenv.h>
#include <limits.h>
#include <locale.h>

#define IS(s, literal) bosk_str_equal(s, BOSK_STR(literal))

static void appends_follow_the_rules_of_append(bosk_bytes b)
{
    bosk_bytes c = bosk_append_int(b, -5, 10);
    CHECK(c.ptr == b.ptr && c.len == b.len + 2 && memcmp(c.ptr + b.len, "-5", 2) == 0);
    c = bosk_append_uint(c, 255, 16);
    c = bosk_append_quote(c, BOSK_STR("a\n"));
    c = bosk_append_float(c, 0.25, 'f', 1, 64);
    CHECK(IS(bosk_str_view((const char *)c.ptr, c.len), "x-5ff\"a\\n\"0.2"));
}

TEST(strconv, append_and_builder)
{
    bosk_bytes b = bosk_append(bosk_make(bosk_bytes, 0, 64), 'x');
    appends_follow_the_rules_of_append(b);
    bosk_builder all = {0};
    bosk_builder_write_int(&all, INT64_MIN, 10);
    bosk_builder_write_uint(&all, UINT64_MAX, 36);
    bosk_builder_write_float(&all, -1e300, 'g', -1, 64);
    bosk_builder_write_quote(&all, BOSK_STR("\xff"));
    CHECK(IS(bosk_builder_str(&all), "-92233720368547758083w5e11264sgsf-1e+300\"\\xff\""));
    bosk_builder_free(&all);
    /* Of itself: the text written may lie in what is written to. */
    bosk_builder_write_quote(&all, BOSK_STR("q"));
    bosk_bytes again = bosk_append_quote(all.bytes, bosk_builder_str(&all));
    CHECK(IS(bosk_str_view((const char *)again.ptr, again.len), "\"q\"\"\\\"q\\\"\""));
}

TEST(strconv, small_numbers_are_not_allocated)
{
    struct bosk_heap_stats before, after;
    bosk_heap_stats(&before);
    for (int i = 0; i < 100; i++) {
        bosk_str s = bosk_itoa(i);
        ptrdiff_t back;
        CHECK(bosk_atoi(s, &back, NULL) && back == i);
        bosk_str_free(&s);
    }
    CHECK(IS(bosk_format_bool(true), "true") && IS(bosk_format_bool(false), "false"));
    bosk_heap_stats(&after);
    CHECK_EQ(after.mallocs, before.mallocs);
    bosk_str s = bosk_itoa(-100);
    CHECK(IS(s, "-100"));
    bosk_str_free(&s);
}

TEST(strconv, atoi_is_as_wide_as_a_pointer)
{
    bosk_num_error why;
    ptrdiff_t n;
    bosk_str most = bosk_format_int(PTRDIFF_MAX, 10), least = bosk_format_int(PTRDIFF_MIN, 10);
    CHECK(bosk_atoi(most, &n, &why) && n == PTRDIFF_MAX && why.why == BOSK_NUM_OK);
    CHECK(bosk_atoi(least, &n, NULL) && n == PTRDIFF_MIN);
    bosk_str more = bosk_str_concat(most, BOSK_STR("0"));
    CHECK(!bosk_atoi(more, &n, &why) && n == PTRDIFF_MAX && why.why == BOSK_NUM_RANGE);
    CHECK(!bosk_atoi(BOSK_STR("1x"), &n, &why) && n == 0 && why.why == BOSK_NUM_SYNTAX);
    bosk_str text = bosk_num_error_str(&why);
    CHECK(IS(text, "strconv.Atoi: parsing \"1x\": invalid syntax"));
    bosk_str_free(&text);
    bosk_num_error none = {0};
    CHECK(bosk_num_error_str(&none).len == 0);
}

TEST(strconv, errors_need_no_place_to_go)
{
    int64_t i;
    uint64_t u;
    double d;
    bool b;
    CHECK(!bosk_parse_int(BOSK_STR("300"), 10, 8, &i, NULL) && i == 127);
    CHECK(!bosk_parse_int(BOSK_STR("1"), 1, 8, &i, NULL) && i == 0);
    CHECK(!bosk_parse_uint(BOSK_STR("-1"), 10, 8, &u, NULL) && u == 0);
    CHECK(!bosk_parse_float(BOSK_STR("1e999"), 64, &d, NULL) && d > 1.7e308);
    CHECK(!bosk_parse_bool(BOSK_STR(""), &b, NULL) && !b);
    const bosk_str nil = {0};
    CHECK(!bosk_parse_int(nil, 0, 0, &i, NULL) && !bosk_parse_float(nil, 64, &d, NULL));
    bosk_str out;
    CHECK(!bosk_unquote(nil, &out) && out.len == 0);
}

/* 1 + n * 2^-53 lies halfway for odd n; 0.1 has no end in base 2. */
TEST(strconv, rounding_modes_do_not_matter)
{
    static const int modes[] = {
#ifdef FE_UPWARD
        FE_UPWARD,
#endif
#ifdef FE_DOWNWARD
        FE_DOWNWARD,
#endif
#ifdef FE_TOWARDZERO
        FE_TOWARDZERO,
#endif
        FE_TONEAREST};
    static const char *const same[] = {"1.00000000000000011102230246251565404",
                                       "1.00000000000000033306690738754696213",
                                       "0.1",
                                       "2.4703282292062328e-324",
                                       "1.7976931348623158e308",
                                       "4.35e-7",
                                       "123456789012345678901234567890"};
    double want[COUNT_OF(same)];
    for (size_t k = 0; k < COUNT_OF(same); k++)
        CHECK(bosk_parse_float(bosk_str_of(same[k]), 64, &want[k], NULL));
    CHECK(want[0] <= 1 && want[1] > 1.0000000000000003); /* to even, both ways */
    for (size_t m = 0; m < COUNT_OF(modes); m++) {
        double got[COUNT_OF(same)];
        bosk_str text[COUNT_OF(same)];
        CHECK_EQ(fesetround(modes[m]), 0);
        for (size_t k = 0; k < COUNT_OF(same); k++) {
            (void)bosk_parse_float(bosk_str_of(same[k]), 64, &got[k], NULL);
            text[k] = bosk_format_float(want[k], 'e', 3, 64);
        }
        fesetround(FE_TONEAREST);
        CHECK(memcmp(got, want, sizeof want) == 0);
        CHECK(IS(text[2], "1.000e-01") && IS(text[4], "1.798e+308") && IS(text[6], "1.235e+29"));
        for (size_t k = 0; k < COUNT_OF(same); k++) bosk_str_free(&text[k]);
    }
}

TEST(strconv, locales_do_not_matter)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C.UTF-8", "C"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (setlocale(LC_ALL, names[i]) != NULL) break;
    double d;
    CHECK(bosk_parse_float(BOSK_STR("1234.5"), 64, &d, NULL) && d > 1234.4 && d < 1234.6);
    CHECK(!bosk_parse_float(BOSK_STR("1234,5"), 64, &d, NULL));
    bosk_str s = bosk_format_float(1234.5, 'f', -1, 64);
    CHECK(IS(s, "1234.5"));
    bosk_str_free(&s);
}

/* What is parsed is what was formatted, for any float and any double. */
TEST(strconv, shortest_reads_back)
{
    uint64_t seed = bosk_test_seed();
    for (uint64_t n = bosk_test_budget(20000); n-- > 0;) {
        uint64_t r = bosk_test_random(&seed);
        double v, back;
        float narrow;
        uint32_t half = (uint32_t)r;
        memcpy(&v, &r, sizeof v);
        memcpy(&narrow, &half, sizeof narrow);
        if (v != v || narrow != narrow) continue;
        bosk_str s = bosk_format_float(v, 'g', -1, 64),
                 t = bosk_format_float((double)narrow, 'e', -1, 32);
        CHECK(bosk_parse_float(s, 64, &back, NULL) && memcmp(&back, &v, sizeof v) == 0);
        CHECK(bosk_parse_float(t, 32, &back, NULL) && (float)back == narrow);
        CHECK(s.len <= 24 && t.len <= 15);
        bosk_str_free(&s);
        bosk_str_free(&t);
    }
}

TEST(strconv, more_digits_than_anybody_needs)
{
    bosk_str s = bosk_format_float(0.1, 'f', 5000, 64);
    CHECK(s.len == 5002 && IS(bosk_str_slice(s, 0, 57),
                              "0.1000000000000000055511151231257827021181583404541015625"));
    CHECK_EQ(bosk_str_index_any(bosk_str_slice(s, 57, s.len), BOSK_STR("123456789")), -1);
    double d;
    CHECK(bosk_parse_float(s, 64, &d, NULL) && memcmp(&d, &(double){0.1}, sizeof d) == 0);
    bosk_str_free(&s);
    s = bosk_format_float(5e-324, 'e', 800, 64); /* 751 digits */
    CHECK(s.len == 807 && IS(bosk_str_slice(s, 0, 10), "4.94065645") &&
          IS(bosk_str_slice(s, 803, 807), "-324"));
    bosk_str_free(&s);
}

TEST(strconv, quoting)
{
    bosk_str q = bosk_quote(BOSK_STR("h\xc3\xa9\xe2\x80\xa8\x01\"")),
             a = bosk_quote_ascii(BOSK_STR("h\xc3\xa9")), out;
    CHECK(IS(q, "\"h\xc3\xa9\\u2028\\x01\\\"\"") && IS(a, "\"h\\u00e9\""));
    CHECK(bosk_unquote(q, &out) && IS(out, "h\xc3\xa9\xe2\x80\xa8\x01\""));
    bosk_str_free(&out);
    CHECK(bosk_unquote(a, &out) && IS(out, "h\xc3\xa9"));
    bosk_str_free(&out);
    bosk_str_free(&q);
    bosk_str_free(&a);
}

TEST_PANICS(strconv, base_of_1, "panic: strconv: illegal AppendInt/FormatInt base")
{
    (void)bosk_format_int(1000, 1);
}
TEST_PANICS(strconv, base_of_37, "panic: strconv: illegal AppendInt/FormatInt base")
{
    (void)bosk_format_uint(1, 37);
}
TEST_PANICS(strconv, floats_of_16_bits, "panic: strconv: illegal AppendFloat/FormatFloat bitSize")
{
    (void)bosk_format_float(1, 'g', -1, 16);
}
