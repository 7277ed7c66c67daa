/* strings_golden_test.c - strings, numbers and runes against what real Go printed.
 *
 * Rows are written by tools/go/strings.go: operation, arguments, result, by tabs; texts as x and
 * hexadecimal digits.  BOSK_STRINGS_ROWS names another file of them (`./dev test-go` makes it from
 * the Go of the machine).
 */
#include "bosk_test.h"

#include <bosk/strconv.h>
#include <stdio.h>
#include <stdlib.h>

#define FIELDS 8
#define LINE_MAX_BYTES 65536

struct row {
    bosk_str text[FIELDS]; /* arguments, behind the name; the last is the result */
    long number[FIELDS];
    int n;
    const char *op;
};
static char line[LINE_MAX_BYTES], decoded[LINE_MAX_BYTES];

static int nibble(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

static void parse_row(struct row *r)
{
    char *to = decoded, *field = line;
    size_t end = strcspn(line, "\n");
    CHECK(line[end] == '\n');
    line[end] = '\0';
    r->op = strsep(&field, "\t");
    for (r->n = 0; field != NULL && r->n < FIELDS; r->n++) {
        const char *from = strsep(&field, "\t");
        if (*from != 'x') {
            r->number[r->n] = strtol(from, NULL, 10);
            r->text[r->n] = bosk_str_of(from);
            continue;
        }
        char *start = to;
        for (from++; *from != '\0'; from += 2)
            *to++ = (char)(nibble(from[0]) << 4 | nibble(from[1]));
        r->text[r->n] = bosk_str_view(start, to - start);
    }
    CHECK(r->n >= 2 && field == NULL);
}

/* ---- answers: everything into one builder ---------------------------------------------------- */

static bosk_builder answer;
static void say(const char *text) { bosk_builder_write(&answer, bosk_str_of(text)); }
static void say_str(bosk_str s) { bosk_builder_write(&answer, s); }
static void say_number(long long n) { bosk_builder_write_int(&answer, n, 10); }
static void say_bool(bool b) { say_str(bosk_format_bool(b)); }
/* What was made of a, when it is not a part of it. */
static void say_made(bosk_str s, bosk_str a)
{
    say_str(s);
    if (s.ptr != a.ptr) bosk_str_free(&s);
}
static void say_why(bool ok, const bosk_num_error *error)
{
    CHECK(ok == (error->why == BOSK_NUM_OK));
    bosk_str s = bosk_num_error_str(error);
    say(" ");
    say_made(s, BOSK_STR(""));
}
static void say_parts(bosk_strs parts)
{
    for (ptrdiff_t i = 0; i < parts.len; i++) {
        if (i != 0) say("|");
        say_str(parts.ptr[i]);
    }
    bosk_free_slice(&parts);
}

/* ---- operations ---- */

static void do_parse_int(const struct row *r)
{
    bosk_num_error why;
    int64_t v;
    bool ok = bosk_parse_int(r->text[0], (int)r->number[1], (int)r->number[2], &v, &why);
    say_number(v);
    say_why(ok, &why);
}
static void do_parse_uint(const struct row *r)
{
    bosk_num_error why;
    uint64_t v;
    bool ok = bosk_parse_uint(r->text[0], (int)r->number[1], (int)r->number[2], &v, &why);
    bosk_builder_write_uint(&answer, v, 10);
    say_why(ok, &why);
}
static void do_parse_bool(const struct row *r)
{
    bosk_num_error why;
    bool v, ok = bosk_parse_bool(r->text[0], &v, &why);
    say_bool(v);
    say_why(ok, &why);
}
static void do_parse_float(const struct row *r)
{
    bosk_num_error why;
    double v;
    uint64_t image;
    char text[32];
    bool ok = bosk_parse_float(r->text[0], (int)r->number[1], &v, &why);
    memcpy(&image, &v, sizeof image);
    if (v != v) image = 0x7ff0000000000000u; /* which NaN it is is nobody's business */
    snprintf(text, sizeof text, "%016llx", (unsigned long long)image);
    say(text);
    say_why(ok, &why);
}
static void do_format_float(const struct row *r)
{
    uint64_t image;
    double v;
    CHECK(bosk_parse_uint(r->text[0], 16, 64, &image, NULL));
    memcpy(&v, &image, sizeof v);
    bosk_str s = bosk_format_float(v, r->text[1].ptr[0], (int)r->number[2], (int)r->number[3]);
    bosk_bytes b = bosk_append_float(bosk_make(bosk_bytes, 0), v, r->text[1].ptr[0],
                                     (int)r->number[2], (int)r->number[3]);
    CHECK(b.len == s.len && memcmp(b.ptr, s.ptr, (size_t)b.len) == 0);
    bosk_free_slice(&b);
    say_made(s, BOSK_STR(""));
}
static void do_format_int(const struct row *r)
{
    int64_t v;
    CHECK(bosk_parse_int(r->text[0], 10, 64, &v, NULL));
    say_made(bosk_format_int(v, (int)r->number[1]), BOSK_STR(""));
}
static void do_format_uint(const struct row *r)
{
    uint64_t v;
    CHECK(bosk_parse_uint(r->text[0], 10, 64, &v, NULL));
    say_made(bosk_format_uint(v, (int)r->number[1]), BOSK_STR(""));
}
static void do_compare(const struct row *r)
{
    int c = bosk_str_compare(r->text[0], r->text[1]);
    say_number((c > 0) - (c < 0));
}
static void do_runes(const struct row *r)
{
    bosk_runes all = bosk_str_runes(r->text[0]);
    say("[");
    for (ptrdiff_t i = 0; i < all.len; i++) {
        if (i != 0) say(" ");
        say_number(all.ptr[i]);
    }
    say("]");
    bosk_free_slice(&all);
}
static void do_unquote(const struct row *r)
{
    bosk_str s;
    say_bool(bosk_unquote(r->text[0], &s));
    say(" ");
    say_made(s, BOSK_STR(""));
}
static void do_decode_last(const struct row *r)
{
    int n;
    say_number(bosk_utf8_decode_last(r->text[0], &n));
    say(" ");
    say_number(n);
    say(" ");
    say_bool(bosk_utf8_full_rune(r->text[0]));
}
/* Go folds to any rune of those that differ by case; the rows have the lowest of them. */
static bosk_rune lowest_of_fold(bosk_rune r)
{
    static bosk_rune lowest[BOSK_RUNE_MAX + 1];
    static bool known;
    for (bosk_rune c = BOSK_RUNE_MAX; !known && c >= 0; c--) lowest[bosk_rune_fold(c)] = c;
    known = true;
    return lowest[bosk_rune_fold(r)];
}
static void do_rune(const struct row *r)
{
    bosk_rune c = (bosk_rune)r->number[0];
    bool (*const is[])(bosk_rune) = {bosk_rune_is_letter, bosk_rune_is_upper, bosk_rune_is_lower,
                                     bosk_rune_is_digit,  bosk_rune_is_punct, bosk_rune_is_print,
                                     bosk_rune_is_space};
    for (size_t i = 0; i < sizeof is / sizeof is[0]; i++) {
        if (i != 0) say(" ");
        say_bool(is[i](c));
    }
    const bosk_rune other[] = {bosk_rune_to_upper(c), bosk_rune_to_lower(c), lowest_of_fold(c)};
    for (int i = 0; i < 3; i++) {
        say(" ");
        say_number(other[i]);
    }
}

/* ---- the table ---- */

#define A r->text[0]
#define B r->text[1]
#define N r->number[2]
#define SIMPLE(name, statement) \
    static void do_##name(const struct row *r) { statement; }
SIMPLE(index, say_number(bosk_str_index(A, B)))
SIMPLE(last_index, say_number(bosk_str_last_index(A, B)))
SIMPLE(index_any, say_number(bosk_str_index_any(A, B)))
SIMPLE(last_index_any, say_number(bosk_str_last_index_any(A, B)))
SIMPLE(count, say_number(bosk_str_count(A, B)))
SIMPLE(trim, say_str(bosk_str_trim(A, B)))
SIMPLE(trim_left, say_str(bosk_str_trim_left(A, B)))
SIMPLE(trim_right, say_str(bosk_str_trim_right(A, B)))
SIMPLE(trim_prefix, say_str(bosk_str_trim_prefix(A, B)))
SIMPLE(trim_suffix, say_str(bosk_str_trim_suffix(A, B)))
SIMPLE(trim_space, say_str(bosk_str_trim_space(A)))
SIMPLE(equal_fold, say_bool(bosk_str_equal_fold(A, B)))
SIMPLE(split, say_parts(bosk_str_split(A, B, N)))
SIMPLE(split_after, say_parts(bosk_str_split_after(A, B, N)))
SIMPLE(fields, say_parts(bosk_str_fields(A)))
SIMPLE(replace, say_made(bosk_str_replace(A, B, BOSK_STR("<>"), N), A))
SIMPLE(to_valid_utf8, say_made(bosk_str_to_valid_utf8(A, B), A))
SIMPLE(to_upper, say_made(bosk_str_to_upper(A), A))
SIMPLE(to_lower, say_made(bosk_str_to_lower(A), A))
SIMPLE(quote, say_made(bosk_quote(A), A))
SIMPLE(quote_ascii, say_made(bosk_quote_ascii(A), A))

#define OP(name)            \
    {                       \
#name, do_##name, 0 \
    }
static struct {
    const char *name;
    void (*run)(const struct row *r);
    unsigned rows;
} op[] = {OP(parse_int),      OP(parse_uint),  OP(parse_bool), OP(parse_float),   OP(format_float),
          OP(format_int),     OP(format_uint), OP(compare),    OP(runes),         OP(unquote),
          OP(decode_last),    OP(rune),        OP(index),      OP(last_index),    OP(index_any),
          OP(last_index_any), OP(count),       OP(trim),       OP(trim_left),     OP(trim_right),
          OP(trim_prefix),    OP(trim_suffix), OP(trim_space), OP(equal_fold),    OP(split),
          OP(split_after),    OP(fields),      OP(replace),    OP(to_valid_utf8), OP(to_upper),
          OP(to_lower),       OP(quote),       OP(quote_ascii)};
#define OPS (sizeof op / sizeof op[0])

TEST(strings_golden, every_row)
{
    const char *path = getenv("BOSK_STRINGS_ROWS");
    unsigned rows = 0, wrong = 0;
    FILE *f = fopen(path != NULL ? path : BOSK_GOLDEN_DIR "/strings.tsv", "re");
    CHECK(f != NULL);
    while (fgets(line, sizeof line, f) != NULL) {
        struct row r;
        size_t k = 0;
        parse_row(&r);
        rows++;
        while (k < OPS && strcmp(op[k].name, r.op) != 0) k++;
        CHECK_MSG(k < OPS, "row %u: %s is unknown", rows, r.op);
        op[k].rows++;
        answer.bytes.len = 0;
        op[k].run(&r);
        bosk_str got = bosk_builder_str(&answer), want = r.text[r.n - 1];
        if (bosk_str_equal(got, want)) continue;
        if (wrong++ < 20)
            fprintf(stderr, "row %u, %s(%.*s, %.*s): %.*s, Go says %.*s\n", rows, r.op,
                    (int)r.text[0].len, r.text[0].ptr, (int)r.text[1].len, r.text[1].ptr,
                    (int)got.len, got.ptr, (int)want.len, want.ptr);
    }
    CHECK(feof(f));
    fclose(f);
    bosk_builder_free(&answer);
    fprintf(stderr, "strings: %u rows, %u mismatches\n", rows, wrong);
    CHECK_MSG(wrong == 0, "%u of %u rows", wrong, rows);
    for (size_t k = 0; k < OPS; k++) CHECK_MSG(op[k].rows > 20, "%s: %u", op[k].name, op[k].rows);
}
