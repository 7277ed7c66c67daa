/* fuzz_str.c - any bytes as text: numbers, literals, UTF-8, splitting and trimming.
 *
 * The first byte says how many of the rest belong to the second string.  Traps when an answer
 * contradicts itself: a number that does not read back, a quoted string that is not what was
 * quoted, parts that do not join to what was split.
 */
#include <bosk/strconv.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void trap_unless(bool ok)
{
    if (!ok) abort();
}

static void check_numbers(bosk_str s)
{
    double d, again;
    int64_t i;
    uint64_t u;
    for (int bits = 32; bits <= 64; bits += 32) {
        if (!bosk_parse_float(s, bits, &d, NULL) || d != d) continue;
        bosk_str text = bosk_format_float(d, 'g', -1, bits);
        trap_unless(bosk_parse_float(text, bits, &again, NULL) &&
                    memcmp(&d, &again, sizeof d) == 0);
        trap_unless(text.len <= (bits == 32 ? 15 : 24));
        bosk_str_free(&text);
    }
    for (int base = 0; base <= 36; base += base == 0 ? 2 : 17) {
        if (bosk_parse_int(s, base, 64, &i, NULL)) {
            int64_t back;
            bosk_str text = bosk_format_int(i, base == 0 ? 10 : base);
            trap_unless(bosk_parse_int(text, base == 0 ? 10 : base, 64, &back, NULL) && back == i);
            bosk_str_free(&text);
        }
        if (bosk_parse_uint(s, base, 64, &u, NULL) && u <= INT64_MAX)
            trap_unless(bosk_parse_int(s, base, 64, &i, NULL) && (uint64_t)i == u);
    }
}

static void check_quoting(bosk_str s)
{
    bosk_str out, quoted[2] = {bosk_quote(s), bosk_quote_ascii(s)};
    for (int k = 0; k < 2; k++) {
        trap_unless(bosk_utf8_valid(quoted[k]));
        trap_unless(bosk_unquote(quoted[k], &out) && bosk_str_equal(out, s));
        bosk_str_free(&out);
        bosk_str_free(&quoted[k]);
    }
    if (bosk_unquote(s, &out)) bosk_str_free(&out);
}

static void check_runes(bosk_str s)
{
    ptrdiff_t count = 0, back = s.len;
    int n;
    bosk_range_str(i, r, s)
    {
        trap_unless(bosk_utf8_valid_rune(r) && i < s.len);
        count++;
    }
    trap_unless(count == bosk_utf8_count(s));
    for (; back > 0; back -= n) {
        (void)bosk_utf8_decode_last(bosk_str_view(s.ptr, back), &n);
        trap_unless(n >= 1 && n <= BOSK_UTF8_MAX && n <= back);
        count--;
    }
    trap_unless(count == 0 && back == 0);
    bosk_str valid = bosk_str_to_valid_utf8(s, BOSK_STR("?")), upper = bosk_str_to_upper(s);
    trap_unless(bosk_utf8_valid(valid) && bosk_utf8_count(upper) == bosk_utf8_count(s));
    if (valid.ptr != s.ptr) bosk_str_free(&valid);
    if (upper.ptr != s.ptr) bosk_str_free(&upper);
}

static void check_parts(bosk_str s, bosk_str t)
{
    bosk_strs parts = bosk_str_split(s, t, -1);
    bosk_str joined = bosk_str_join(parts.ptr, parts.len, t);
    trap_unless(bosk_str_equal(joined, s));
    if (parts.len > 1) bosk_str_free(&joined);
    bosk_free_slice(&parts);
    bosk_str trimmed = bosk_str_trim(s, t);
    trap_unless(trimmed.len == 0 || bosk_str_index(s, trimmed) >= 0);
    trap_unless(trimmed.len == 0 || bosk_str_index_any(trimmed, t) != 0);
    trap_unless(bosk_str_equal_fold(s, t) == bosk_str_equal_fold(t, s));
    trap_unless((bosk_str_index(s, t) < 0) == (bosk_str_last_index(s, t) < 0));
    trap_unless(t.len == 0 || bosk_str_count(s, t) <= s.len);
    bosk_strs fields = bosk_str_fields(s);
    bosk_range(i, field, fields)
        trap_unless(field.len > 0 && bosk_str_equal(bosk_str_trim_space(field), field));
    bosk_free_slice(&fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0) return 0;
    bosk_str all = bosk_str_view((const char *)data + 1, (ptrdiff_t)n - 1);
    ptrdiff_t second = data[0] < all.len ? data[0] : 0;
    bosk_str t = bosk_str_slice(all, 0, second), s = bosk_str_slice(all, second, all.len);
    check_numbers(s);
    check_quoting(s);
    check_runes(s);
    check_parts(s, t);
    return 0;
}
