/* growth_test.c - the pure models of Go's growth, rounding, spans, tiny objects, layouts and
 * conversions against what real Go printed: every row of every file. */
#include "golden_support.h"

#include <errno.h>

static int64_t next(const struct golden *g, uint64_t elem, bool noscan, int64_t len, int64_t cap,
                    int64_t want)
{
    return bosk_nextcap_len(bosk_growth_go(g->minor), g->arch, elem, noscan, len, cap, want);
}
static bool wide(const struct golden *g) { return g->arch == BOSK_AMD64 || g->arch == BOSK_ARM64; }
#define CHECK_ROW(g, got, expected) check_row(&(g), __LINE__, (int64_t)(got), (int64_t)(expected))
static void check_row(const struct golden *g, int line, int64_t got, int64_t expected)
{
    if (got == expected) return;
    bosk_test_fail(__FILE__, line, "row", "%s row %u (%s %s %s %s): %lld, Go has %lld", g->name,
                   g->rows, g->field[0], g->field[1], g->field[2], g->field[3], (long long)got,
                   (long long)expected);
}

TEST(growth, every_row_of_appendone)
{
    struct golden g;
    for (golden_open(&g, "appendone.csv"); golden_next(&g);) {
        int64_t old = golden_number(&g, 6);
        CHECK_ROW(
            g,
            next(&g, (uint64_t)golden_number(&g, 3), golden_number(&g, 4) != 0, old, old, old + 1),
            golden_number(&g, 7));
    }
    CHECK_EQ(g.rows, 29924);
}

TEST(growth, every_row_of_appendgrid)
{
    struct golden g;
    for (golden_open(&g, "appendgrid.csv"); golden_next(&g);) {
        int64_t len = golden_number(&g, 5), cap = golden_number(&g, 6), k = golden_number(&g, 7);
        CHECK_ROW(
            g,
            next(&g, (uint64_t)golden_number(&g, 3), golden_number(&g, 4) != 0, len, cap, len + k),
            golden_number(&g, 8));
    }
    CHECK_EQ(g.rows, 96768);
}

TEST(growth, every_size_of_roundup)
{
    struct golden g;
    uint64_t sizes = 0;
    for (golden_open(&g, "roundup.csv"); golden_next(&g);) {
        bool noscan = golden_is(&g, 2, "noscan");
        uint64_t step = noscan ? 1 : wide(&g) ? 8 : 4;
        CHECK(noscan || golden_is(&g, 2, "scan"));
        for (uint64_t n = (uint64_t)golden_number(&g, 3); n <= (uint64_t)golden_number(&g, 4);
             n += step, sizes++)
            CHECK_ROW(g, bosk_rounded(bosk_growth_go(g.minor), g.arch, n, noscan),
                      golden_number(&g, 5));
    }
    CHECK_EQ(g.rows, 2638);
    CHECK_MSG(sizes > 500000, "%llu", (unsigned long long)sizes);
}

TEST(growth, every_row_of_spans)
{
    struct golden g;
    unsigned gapless = 0;
    for (golden_open(&g, "spans.csv"); golden_next(&g);) {
        uint64_t size = (uint64_t)golden_number(&g, 3);
        bool noscan = golden_is(&g, 2, "noscan");
        uint32_t objects = bosk_go_span(g.minor, g.arch, size, noscan);
        if (golden_number(&g, 4) != 0) {
            CHECK_ROW(g, objects, golden_number(&g, 4));
            continue;
        }
        /* Spans that follow each other without a gap: nothing may be left of the pages. */
        CHECK_ROW(g, objects * size % 8192, 0);
        CHECK(objects != 0);
        gapless++;
    }
    CHECK_EQ(g.rows, 2394);
    CHECK(gapless > 100 && gapless < g.rows / 2);
    CHECK_EQ(bosk_go_span(15, BOSK_AMD64, 24, true), 0);
    CHECK_EQ(bosk_go_span(16, BOSK_AMD64, 24, true), 341);
    CHECK_EQ(bosk_go_span(22, BOSK_AMD64, 25, true), 0);
    CHECK_EQ(bosk_go_span(27, BOSK_AMD64, 24, true), 0);
}

TEST(growth, every_row_of_sizes)
{
    struct golden g;
    for (golden_open(&g, "sizes.csv"); golden_next(&g);) {
        bosk_go_type t;
        size_t at;
        CHECK_MSG(bosk_go_layout(g.arch, g.field[2], &t, &at, NULL, NULL) == 0, "%s at %zu",
                  g.field[2], at);
        CHECK_ROW(g, t.size, golden_number(&g, 3));
        CHECK_ROW(g, t.align, golden_number(&g, 4));
        CHECK_ROW(g, t.align, golden_number(&g, 5));
    }
    CHECK_EQ(g.rows, 756);
}

TEST(growth, every_row_of_tiny)
{
    struct golden g;
    bosk_go_tiny state = {0};
    uint32_t first = 0;
    for (golden_open(&g, "tiny.csv"); golden_next(&g);) {
        /* Each sequence begins when the block before it is full. */
        if (golden_number(&g, 3) == 0) {
            state = (bosk_go_tiny){.blocks = 1, .open = 1, .offset = 16};
            first = 1;
        }
        uint32_t block, offset;
        bosk_go_place(&state, g.arch, (uint32_t)golden_number(&g, 4), &block, &offset);
        CHECK_ROW(g, block - first, golden_number(&g, 5));
        CHECK_ROW(g, offset, golden_number(&g, 6));
    }
    CHECK_EQ(g.rows, 1818);
}

TEST(growth, every_row_of_convert)
{
    static const struct {
        const char *name;
        enum bosk_conversion what;
    } cases[] = {{"bytes_local_only_read", BOSK_BYTES_LOCAL_READ},
                 {"bytes_local_written", BOSK_BYTES_LOCAL},
                 {"bytes_escape", BOSK_BYTES_ESCAPES},
                 {"runes_local", BOSK_RUNES_LOCAL},
                 {"runes_escape", BOSK_RUNES_ESCAPES},
                 {"string_local", BOSK_STRING_LOCAL},
                 {"string_escape", BOSK_STRING_ESCAPES},
                 {"concat_local", BOSK_CONCAT_LOCAL},
                 {"concat_escape", BOSK_CONCAT_ESCAPES},
                 {"map_lookup_string_of_bytes", BOSK_STRING_LOOKUP},
                 {"compare_string_of_bytes", BOSK_STRING_LOOKUP}};
    struct golden g;
    for (golden_open(&g, "convert.csv"); golden_next(&g);) {
        size_t i = 0;
        while (i < sizeof cases / sizeof cases[0] && !golden_is(&g, 2, cases[i].name)) i++;
        CHECK_MSG(i < sizeof cases / sizeof cases[0], "%s", g.field[2]);
        unsigned allocs;
        CHECK_ROW(g,
                  bosk_go_conversion(g.minor, g.arch, cases[i].what, golden_number(&g, 3), &allocs),
                  golden_number(&g, 4));
        CHECK_ROW(g, allocs, golden_number(&g, 5));
    }
    CHECK_EQ(g.rows, 4736);
}

/* Capacity of a slice that begins at `cap` and is appended to one by one until `len`. */
static int64_t one_by_one(const struct golden *g, uint64_t elem, bool noscan, int64_t from,
                          int64_t cap, int64_t len)
{
    for (int64_t n = from; n < len; n++)
        if (n == cap) cap = next(g, elem, noscan, n, cap, n + 1);
    return cap;
}

static int64_t seedcase(const struct golden *g, int64_t step, int64_t len)
{
    const char *name = g->field[2];
    uint64_t word = wide(g) ? 8 : 4;
    static const struct {
        const char *name;
        int64_t from, cap;
    } ints[] = {{"int_0_1_plus16", 0, 1},
                {"int_nil_plus1e5", 0, 0},
                {"make_int_100", 100, 100},
                {"make_int_0_100", 0, 100},
                {"literal_3", 3, 3},
                {"arr5_1_4", 3, 4},
                {"arr5_1_4_4", 3, 3},
                {"arr5_1_4_4_plus1", 3, 3},
                {"make_int_2_5", 2, 5},
                {"make_int_0", 0, 0},
                {"make_int_0_plus9", 0, 0},
                {"make_int_0_8_plus9", 0, 8},
                {"make_int_0_16_plus17", 0, 16},
                {"make_int_1024", 1024, 1024}};
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++)
        if (strcmp(name, ints[i].name) == 0)
            return one_by_one(g, word, true, ints[i].from, ints[i].cap, len);
    if (strcmp(name, "int_full_plus1") == 0) return one_by_one(g, word, true, step, step, len);
    if (strcmp(name, "growCap_real") == 0) return one_by_one(g, word, true, step, step, len);
    /* What one of the articles computed instead; the column says nothing about Go. */
    if (strcmp(name, "growCap_simulated") == 0) return step < 1024 ? step * 2 : step + step / 4;
    if (strcmp(name, "b13_1000_plus10") == 0) return one_by_one(g, 13, true, 1000, 1000, len);
    if (strcmp(name, "t16_1024_plus1") == 0)
        return one_by_one(g, word == 8 ? 16 : 12, true, 1024, 1024, len);
    if (strcmp(name, "node_1000_plus1") == 0)
        return one_by_one(g, word == 8 ? 16 : 12, false, 1000, 1000, len);
    if (strcmp(name, "make_byte_1025") == 0) return 1025;
    if (strcmp(name, "make_byte_1025_plus1") == 0) return one_by_one(g, 1, true, 1025, 1025, len);
    if (strcmp(name, "make_byte_0_128_plusOK") == 0) return one_by_one(g, 1, true, 0, 128, len);
    if (strcmp(name, "make_string_0") == 0) return 0;
    if (strcmp(name, "make_string_0_plus1") == 0) return one_by_one(g, 2 * word, false, 0, 0, len);
    if (strcmp(name, "zero_size_share_base") == 0) return 1;
    bosk_test_fail(__FILE__, __LINE__, "case", "%s is unknown", name);
}

TEST(growth, every_row_of_seedcases)
{
    struct golden g;
    for (golden_open(&g, "seedcases.csv"); golden_next(&g);)
        CHECK_ROW(g, seedcase(&g, golden_number(&g, 3), golden_number(&g, 4)),
                  golden_number(&g, 5));
    CHECK_EQ(g.rows, 2434);
}

/* Allocations of an append of `n` integers one by one to an empty local slice. */
static int64_t local_appends(const struct golden *g, const bosk_go_limits *limits, int64_t n)
{
    int64_t word = wide(g) ? 8 : 4, allocs = 0, cap = limits->append_stack / word;
    for (int64_t len = 0; len < n; len++) {
        if (len != cap) continue;
        cap = next(g, (uint64_t)word, true, len, cap, len + 1);
        allocs++;
    }
    return allocs;
}

/* The integer behind `prefix` of the case, "<<" and "+" worked out; false when it is another. */
static bool bytes_in(const struct golden *g, const char *prefix, int64_t *out)
{
    size_t n = strlen(prefix);
    if (strncmp(g->field[2], prefix, n) != 0) return false;
    char *end;
    *out = strtoll(g->field[2] + n, &end, 10);
    if (strncmp(end, "<<", 2) == 0) *out <<= strtoll(end + 2, &end, 10);
    if (*end == '+') *out += strtoll(end + 1, &end, 10);
    return end != g->field[2] + n && (*end == ')' || *end == ']');
}

TEST(growth, every_row_of_escape_but_maps)
{
    struct golden g;
    for (golden_open(&g, "escape.csv"); golden_next(&g);) {
        bosk_go_limits limits;
        int64_t n, expected, word = wide(&g) ? 8 : 4;
        CHECK_EQ(bosk_go_limits_of(g.minor, &limits), 0);
        if (golden_excluded(&g, "pure")) continue;
        if (strstr(g.field[2], "_returned") != NULL || golden_is(&g, 2, "box_string") ||
            strstr(g.field[2], "struct24") != NULL) {
            expected = 1;
        } else if (bytes_in(&g, "make([]byte,variable", &n)) {
            expected = n > limits.make_variable;
        } else if (bytes_in(&g, "make([]int,variable", &n)) {
            expected = n * word > limits.make_variable;
        } else if (strncmp(g.field[2], "make([]byte,0,", 14) == 0 ||
                   strncmp(g.field[2], "make([]int,0,", 13) == 0) {
            expected = 0; /* all far below the limit */
        } else if (bytes_in(&g, "make([]byte,", &n) || bytes_in(&g, "new([", &n)) {
            expected = n > limits.make_stack;
        } else if (bytes_in(&g, "make([]int,", &n)) {
            expected = n * word > limits.make_stack;
        } else if (bytes_in(&g, "var[", &n)) {
            expected = n > limits.variable_stack;
        } else if (sscanf(g.field[2], "append_nil_%lld_local", (long long *)&n) == 1) {
            expected = local_appends(&g, &limits, n);
        } else if (strstr(g.field[2], "noescape") != NULL) {
            expected = 0;
        } else if (sscanf(g.field[2], "box_int_%lld", (long long *)&n) == 1) {
            expected = n < 0 || n >= limits.box_static;
        } else {
            CHECK_MSG(golden_is(&g, 2, "box_int_const") || golden_is(&g, 2, "box_uint8") ||
                          golden_is(&g, 2, "box_empty_string") || golden_is(&g, 2, "box_pointer"),
                      "%s", g.field[2]);
            expected = 0;
        }
        CHECK_ROW(g, expected, golden_number(&g, 3));
    }
    CHECK_EQ(g.rows, 624);
    CHECK_EQ(golden_tell_exclusions("pure", "escape.csv"), 48);
    CHECK_EQ(bosk_go_limits_of(14, &(bosk_go_limits){0}), -EINVAL);
}

/* ---- what no file has ------------------------------------------------------------------- */

TEST(growth, versions)
{
    char text[128];
    CHECK(bosk_growth_go(14) == NULL && bosk_growth_go(27) == NULL);
    for (unsigned minor = 15; minor <= 26; minor++) {
        const bosk_growth *rule = bosk_growth_go(minor);
        unsigned want = minor == 15 ? 15 : minor < 18 ? 16 : minor < 22 ? 18 : 22;
        CHECK_EQ(rule->minor, want);
        CHECK_EQ(rule->golden, minor != 15);
        bosk_growth parsed;
        snprintf(text, sizeof text, "go1.%u", minor);
        CHECK_EQ(bosk_growth_parse(text, &parsed), 0);
        CHECK_EQ(parsed.minor, want);
    }
    CHECK(strcmp(bosk_growth_panic(19), "growslice: cap out of range") == 0);
    CHECK(strcmp(bosk_growth_panic(20), "growslice: len out of range") == 0);
}

TEST(growth, go115_looks_at_the_length_and_has_no_class_of_24)
{
    const bosk_growth *old = bosk_growth_go(15), *next_one = bosk_growth_go(16);
    /* 600 of 1200 used, 601 to be added: doubled where the length counts, a quarter else. */
    CHECK_EQ(bosk_nextcap_len(old, BOSK_AMD64, 8, true, 600, 1200, 1201), 2560);
    CHECK_EQ(bosk_nextcap_len(next_one, BOSK_AMD64, 8, true, 600, 1200, 1201), 1536);
    CHECK_EQ(bosk_nextcap(old, BOSK_AMD64, 24, true, 0, 1), 1);
    CHECK_EQ(bosk_nextcap(old, BOSK_AMD64, 8, true, 0, 3), 4);
    CHECK_EQ(bosk_nextcap(next_one, BOSK_AMD64, 8, true, 0, 3), 3);
    CHECK_EQ(bosk_rounded(old, BOSK_ARM, 17, true), 32);
}

TEST(growth, free_rules)
{
    bosk_growth rule;
    char text[128];
    CHECK_EQ(bosk_growth_parse("threshold=256,add=25%", &rule), 0);
    CHECK_EQ(bosk_nextcap(&rule, BOSK_AMD64, 1, true, 128, 129), 256);
    CHECK_EQ(bosk_nextcap(&rule, BOSK_AMD64, 8, true, 1024, 1025), 1280);
    CHECK(strcmp(bosk_growth_name(&rule, text, sizeof text),
                 "threshold=256,add=25%,plus=0,round=headers") == 0);
    CHECK_EQ(bosk_growth_parse("threshold=0,add=50%,round=none", &rule), 0);
    CHECK_EQ(bosk_nextcap(&rule, BOSK_AMD64, 8, true, 1, 2), 2); /* a step of 0 becomes 1 */
    CHECK_EQ(bosk_nextcap(&rule, BOSK_AMD64, 8, true, 100, 101), 150);
    CHECK_EQ(bosk_growth_parse("add=100%,threshold=0,round=none", &rule), 0);
    CHECK_EQ(bosk_nextcap(&rule, BOSK_386, 3, true, 1000, 1001), 2000);
    CHECK_EQ(bosk_growth_parse("threshold=256,add=25%,plus=768", &rule), 0);
    for (int64_t cap = 0; cap < 5000; cap++) /* that is Go's own */
        CHECK_EQ(bosk_nextcap(&rule, BOSK_AMD64, 24, false, cap, cap + 1),
                 bosk_nextcap(bosk_growth_go(22), BOSK_AMD64, 24, false, cap, cap + 1));
    CHECK(strncmp(bosk_growth_name(&rule, text, 8), "thresho", 8) == 0);

    static const char *const bad[] = {"",
                                      "go1.14",
                                      "go1.27",
                                      "go1.",
                                      "go1.18x",
                                      "go2.0",
                                      "threshold=256",
                                      "add=25%",
                                      "threshold=256,add=0%",
                                      "threshold=-1,add=25%",
                                      "threshold=256,add=25",
                                      "threshold=256,add=25%,",
                                      "threshold=256,add=25%,round=up",
                                      "threshold=99999999999999999999,add=25%",
                                      "threshold=256 add=25%",
                                      "add=100001%,threshold=1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bosk_growth untouched = {.minor = 77};
        CHECK_MSG(bosk_growth_parse(bad[i], &untouched) == -EINVAL, "%s", bad[i]);
        CHECK_EQ(untouched.minor, 77);
    }
}

TEST(growth, out_of_range)
{
    const bosk_growth *go = bosk_growth_go(22);
    CHECK_EQ(bosk_nextcap(go, BOSK_AMD64, 8, true, 10, -1), -1);
    CHECK_EQ(bosk_nextcap(go, BOSK_AMD64, 8, true, 10, 9), 10);
    CHECK_EQ(bosk_nextcap(go, BOSK_AMD64, 0, true, 10, INT64_MAX), INT64_MAX);
    CHECK_EQ(bosk_nextcap(go, BOSK_386, 0, true, 10, (int64_t)1 << 31), -1);
    CHECK_EQ(bosk_nextcap(go, BOSK_AMD64, 1, true, 0, (int64_t)1 << 48), (int64_t)1 << 48);
    CHECK_EQ(bosk_nextcap(go, BOSK_AMD64, 1, true, 0, ((int64_t)1 << 48) + 1), -1);
    CHECK_EQ(bosk_nextcap(go, BOSK_AMD64, UINT64_MAX, true, 0, 2), -1);
    CHECK_EQ(bosk_nextcap(go, BOSK_386, 1, true, 0, INT32_MAX), (int64_t)1 << 31);
    CHECK_EQ(bosk_nextcap(go, BOSK_ARM, 4, true, 0, 1 << 30), -1);
    /* The sum wraps in 32 bits: the length asked for, as Go. */
    CHECK_EQ(bosk_nextcap(go, BOSK_386, 1, true, INT32_MAX - 100, INT32_MAX - 99),
             (int64_t)1 << 31);
    bosk_growth steep;
    CHECK_EQ(bosk_growth_parse("threshold=0,add=99999%,plus=2147483647,round=none", &steep), 0);
    CHECK_EQ(bosk_nextcap(&steep, BOSK_AMD64, 1, true, INT64_MAX - 5, INT64_MAX), -1);
    CHECK_EQ(bosk_nextcap(&steep, BOSK_ARM, 1, true, INT32_MAX - 5, INT32_MAX), INT32_MAX);
}

/* Whatever the arguments: room for what was asked for, whole elements, and no end in a loop. */
TEST(growth, random_arguments_give_room)
{
    uint64_t seed = bosk_test_seed(), given = 0;
    for (uint64_t i = bosk_test_budget(300000); i-- > 0;) {
        uint64_t r = bosk_test_random(&seed), r2 = bosk_test_random(&seed);
        bosk_arch arch = (bosk_arch)(r % BOSK_ARCHES);
        bool is_wide = arch == BOSK_AMD64 || arch == BOSK_ARM64;
        bosk_growth rule = *bosk_growth_go(15 + (unsigned)(r >> 8) % 12);
        if ((r & 0x80) != 0) {
            rule.num = 1 + (uint32_t)(r2 >> 40) % 300;
            rule.den = 1 + (uint32_t)(r2 >> 50) % 200;
            rule.minor = 0;
        }
        unsigned bits = (unsigned)(r >> 16) % (is_wide ? 63 : 31);
        int64_t cap = (int64_t)(r2 & (((uint64_t)1 << bits) - 1));
        int64_t most = (is_wide ? INT64_MAX : INT32_MAX) - cap;
        int64_t more =
            1 + (int64_t)(bosk_test_random(&seed) >> (r % 63 + 1)) % (most + (most == 0));
        uint64_t elem = (r >> 24) % 3 == 0 ? (r >> 30) % 40 : (r >> 30) % 40000;
        if (more > most) continue;
        int64_t got = bosk_nextcap(&rule, arch, elem, (r & 0x40) != 0, cap, cap + more);
        if (got == -1) continue;
        CHECK_MSG(got >= cap + more, "%lld + %lld of %llu: %lld", (long long)cap, (long long)more,
                  (unsigned long long)elem, (long long)got);
        given++;
    }
    CHECK(given > 1000);
}

TEST(growth, selection)
{
    bosk_growth rule;
    CHECK(bosk_growth_current() == bosk_growth_go(22));
    CHECK_EQ(bosk_growth_use(bosk_growth_go(17)), 0);
    CHECK_EQ(bosk_growth_current()->minor, 16);
    for (unsigned i = 0; i < 100; i++) CHECK_EQ(bosk_growth_use(bosk_growth_go(15 + i % 12)), 0);
    CHECK_EQ(bosk_growth_parse("threshold=1,add=10%", &rule), 0);
    int error = 0;
    for (int i = 0; i < 13 && error == 0; i++) {
        rule.plus = i;
        error = bosk_growth_use(&rule);
    }
    CHECK_EQ(error, -ENOSPC);
    rule.den = 0;
    CHECK_EQ(bosk_growth_use(&rule), -EINVAL);
    CHECK_EQ(bosk_growth_current()->plus, 11);
    CHECK_EQ(bosk_growth_use(NULL), 0);
    CHECK(bosk_growth_current() == bosk_growth_go(22));
}

/* ---- layouts ----------------------------------------------------------------------------- */

struct noted {
    char names[128];
    uint64_t offsets[8];
    unsigned n;
};
static void note(void *ctx, const char *name, size_t name_bytes, const bosk_go_type *type,
                 uint64_t offset)
{
    struct noted *noted = ctx;
    CHECK(type->align != 0 && noted->n < 8);
    strncat(noted->names, name, name_bytes);
    strcat(noted->names, " ");
    noted->offsets[noted->n++] = offset;
}

TEST(growth, layout_of_fields)
{
    struct noted noted = {0};
    bosk_go_type t;
    const char *text =
        "struct { a, b byte; n struct{ x int64 }; p *T; m map[string][]int; [2]int16 }";
    CHECK_EQ(bosk_go_layout(BOSK_AMD64, text, &t, NULL, note, &noted), 0);
    CHECK_MSG(strcmp(noted.names, "a b n p m [2]int16 ") == 0, "%s", noted.names);
    CHECK(noted.offsets[1] == 1 && noted.offsets[2] == 8 && noted.offsets[3] == 16);
    CHECK(noted.offsets[4] == 24 && noted.offsets[5] == 32 && t.size == 40 && !t.noscan);
    CHECK_EQ(bosk_go_layout(BOSK_386, text, &t, NULL, NULL, NULL), 0);
    CHECK_EQ(t.size, 24);
    static const struct {
        const char *text;
        uint64_t size;
        bool noscan;
    } good[] = {{"func(int) (a, b error)", 8, false},
                {"<-chan int", 8, false},
                {"chan<- []byte", 8, false},
                {"**big.Int", 8, false},
                {"[0]*int", 0, true},
                {"[2][3]int32", 24, true},
                {"struct{}", 0, true},
                {"(int64)", 8, true},
                {"[]T", 24, false},
                {"any", 16, false},
                {"struct{a struct{}; b int}", 8, true}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK_MSG(bosk_go_layout(BOSK_ARM64, good[i].text, &t, NULL, NULL, NULL) == 0, "%s",
                  good[i].text);
        CHECK_MSG(t.size == good[i].size && t.noscan == good[i].noscan, "%s: %llu", good[i].text,
                  (unsigned long long)t.size);
    }
}

TEST(growth, layout_of_nonsense)
{
    static const char *const bad[] = {"",
                                      "T",
                                      "struct{",
                                      "struct{a}",
                                      "[",
                                      "[3",
                                      "[3]",
                                      "[-1]int",
                                      "int int",
                                      "*",
                                      "map[string]",
                                      "struct{a int",
                                      "func(",
                                      "interface",
                                      "[99999999999999999999]int",
                                      "struct{a T}",
                                      "[4611686018427387903]int64",
                                      "chan",
                                      "(int",
                                      "struct{a int b}"};
    bosk_go_type t;
    size_t at;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (strcmp(bad[i], "chan") == 0) continue; /* a channel of whatever */
        CHECK_MSG(bosk_go_layout(BOSK_AMD64, bad[i], &t, &at, NULL, NULL) != 0, "%s", bad[i]);
        CHECK(at <= strlen(bad[i]));
    }
    static char deep[100000];
    memset(deep, '*', sizeof deep - 1);
    CHECK_EQ(bosk_go_layout(BOSK_AMD64, deep, &t, &at, NULL, NULL), -EOVERFLOW);
    memset(deep, '(', sizeof deep - 1);
    CHECK_EQ(bosk_go_layout(BOSK_AMD64, deep, &t, &at, NULL, NULL), -EOVERFLOW);
}
