/* slice_golden_test.c - the run time against what real Go printed: rows of this architecture, by
 * the growth rule of each row's version, through the macros; and Go's panic texts. */
#include "golden_support.h"
#include "slice_elems.h"

#include <limits.h>
#include <setjmp.h>

/* Copying more than this once per row and version would take minutes; the pure functions, which
 * the run time calls, are tested with every row. */
#define ROW_BYTES_MAX (1 << 20)
#define ROW_BYTES_MAX_LAST (8 << 20)

static bool row_applies(const struct golden *g, uint64_t bytes)
{
    if (g->arch != BOSK_ARCH_NATIVE) return false;
    return bytes <= (g->minor == BOSK_GO_LAST ? ROW_BYTES_MAX_LAST : ROW_BYTES_MAX);
}

TEST(slice_golden, appendone_by_the_macros)
{
    struct golden g;
    unsigned done = 0;
    for (golden_open(&g, "appendone.csv"); golden_next(&g);) {
        size_t size = (size_t)golden_number(&g, 3);
        ptrdiff_t old = (ptrdiff_t)golden_number(&g, 6);
        if (!row_applies(&g, (uint64_t)old * size)) continue;
        grow_fn grow = elem_find(size, golden_number(&g, 4) != 0);
        CHECK_MSG(grow != NULL, "no element of %zu bytes for %s", size, g.field[2]);
        CHECK_EQ(bosk_growth_use(bosk_growth_go(g.minor)), 0);
        ptrdiff_t got = grow(old, old, 1);
        CHECK_MSG(got == golden_number(&g, 7), "row %u, %s %s: %td", g.rows, g.field[0], g.field[2],
                  got);
        done++;
    }
    CHECK_MSG(done > 3000, "%u", done);
}

TEST(slice_golden, appendgrid_by_the_macros)
{
    struct golden g;
    unsigned done = 0;
    for (golden_open(&g, "appendgrid.csv"); golden_next(&g);) {
        size_t size = (size_t)golden_number(&g, 3);
        ptrdiff_t len = (ptrdiff_t)golden_number(&g, 5), cap = (ptrdiff_t)golden_number(&g, 6);
        ptrdiff_t k = (ptrdiff_t)golden_number(&g, 7);
        if (!row_applies(&g, (uint64_t)(cap + k) * size)) continue;
        grow_fn grow = elem_find(size, golden_number(&g, 4) != 0);
        CHECK_MSG(grow != NULL, "no element of %zu bytes for %s", size, g.field[2]);
        CHECK_EQ(bosk_growth_use(bosk_growth_go(g.minor)), 0);
        ptrdiff_t got = grow(len, cap, k);
        CHECK_MSG(got == golden_number(&g, 8), "row %u, %s %s: %td", g.rows, g.field[0], g.field[2],
                  got);
        done++;
    }
    CHECK_MSG(done > 15000, "%u", done);
}

/* ---- the programs of two articles ---------------------------------------------------------- */

typedef BOSK_SLICE(ptrdiff_t) ints; /* Go's int */
typedef BOSK_SLICE(char *) strings;

static ptrdiff_t seedcase(const struct golden *g, ptrdiff_t step, ptrdiff_t len)
{
    static const struct {
        const char *name;
        ptrdiff_t len, cap;
    } made[] = {{"int_0_1_plus16", 0, 1},     {"make_int_100", 100, 100},
                {"make_int_0_100", 0, 100},   {"make_int_2_5", 2, 5},
                {"make_int_0", 0, 0},         {"make_int_0_plus9", 0, 0},
                {"make_int_0_8_plus9", 0, 8}, {"make_int_0_16_plus17", 0, 16},
                {"make_int_1024", 1024, 1024}};
    const char *name = g->field[2];
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        if (strcmp(name, made[i].name) != 0) continue;
        ints s = bosk_make(ints, made[i].len, made[i].cap);
        while (s.len < len) s = bosk_append(s, 1);
        return s.cap;
    }
    ptrdiff_t array[5] = {0, 1, 2, 3, 4};
    if (strcmp(name, "int_nil_plus1e5") == 0) {
        ints s = {0};
        while (s.len < len) bosk_push(&s, s.len);
        ptrdiff_t cap = s.cap;
        bosk_free_slice(&s);
        return cap;
    }
    if (strcmp(name, "int_full_plus1") == 0 || strcmp(name, "growCap_real") == 0)
        return bosk_append(bosk_make(ints, step), 0).cap;
    if (strcmp(name, "literal_3") == 0) return bosk_literal(ints, 1, 2, 3).cap;
    if (strcmp(name, "arr5_1_4") == 0) return bosk_slice_of(ints, array, 1, 4).cap;
    ints three = bosk_reslice(bosk_slice_of(ints, array, 0, 5), 1, 4, 4);
    if (strcmp(name, "arr5_1_4_4") == 0) return three.cap;
    if (strcmp(name, "arr5_1_4_4_plus1") == 0) return bosk_append(three, 9).cap;
    if (strcmp(name, "zero_size_share_base") == 0)
        return (void *)bosk_make(ints, 0).ptr == (void *)bosk_make(strings, 0).ptr;
    slice_byte b;
    if (strcmp(name, "make_byte_1025") == 0) return bosk_make(slice_byte, 1025).cap;
    if (strcmp(name, "make_byte_1025_plus1") == 0)
        return bosk_append(bosk_make(slice_byte, 1025), 0).cap;
    if (strcmp(name, "make_byte_0_128_plusOK") == 0) {
        b = bosk_append(bosk_make(slice_byte, 0, 128), 'O', 'K');
        return b.len == 2 ? b.cap : -1;
    }
    if (strcmp(name, "make_string_0") == 0) return bosk_make(slice_p2, 0).cap;
    if (strcmp(name, "make_string_0_plus1") == 0)
        return bosk_append(bosk_make(slice_p2, 0), {{NULL}}).cap;
    if (strcmp(name, "b13_1000_plus10") == 0) {
        slice_b13 s = bosk_make(slice_b13, 1000);
        while (s.len < len) s = bosk_append(s, {{0}});
        return s.cap;
    }
    bool wide = sizeof(void *) == 8;
    if (strcmp(name, "t16_1024_plus1") == 0)
        return wide ? bosk_append(bosk_make(slice_b16, 1024), {{0}}).cap
                    : bosk_append(bosk_make(slice_b12, 1024), {{0}}).cap;
    if (strcmp(name, "node_1000_plus1") == 0)
        return wide ? bosk_append(bosk_make(slice_p2, 1000), {{NULL}}).cap
                    : bosk_append(bosk_make(slice_p3, 1000), {{NULL}}).cap;
    bosk_test_fail(__FILE__, __LINE__, "case", "%s is unknown", name);
}

TEST(slice_golden, seedcases)
{
    struct golden g;
    unsigned done = 0;
    for (golden_open(&g, "seedcases.csv"); golden_next(&g);) {
        /* What an article computed instead of asking Go. */
        if (g.arch != BOSK_ARCH_NATIVE || golden_is(&g, 2, "growCap_simulated")) continue;
        CHECK_EQ(bosk_growth_use(bosk_growth_go(g.minor)), 0);
        ptrdiff_t got =
            seedcase(&g, (ptrdiff_t)golden_number(&g, 3), (ptrdiff_t)golden_number(&g, 4));
        CHECK_MSG(got == golden_number(&g, 5), "row %u, %s %s: %td", g.rows, g.field[0], g.field[2],
                  got);
        done++;
    }
    CHECK_MSG(done > 390, "%u", done);
}

/* ---- panics -----------------------------------------------------------------------------------
 */

__extension__ typedef struct {
} nothing;
static nothing none;
typedef BOSK_SLICE(nothing) nothings;

static jmp_buf caught;
static char text[256];
static void keep_text(const char *message)
{
    snprintf(text, sizeof text, "%s", message);
    longjmp(caught, 1);
}

static volatile int neg = -1, two = 2;
static volatile long long i64 = LLONG_MAX;
static volatile unsigned long long u64 = ULLONG_MAX;
static volatile ptrdiff_t max_int = PTRDIFF_MAX, min_int = PTRDIFF_MIN;

/* Runs the case; false when it is none of ours. */
static bool run(const char *name)
{
    ptrdiff_t array[5] = {0, 1, 2, 3, 4};
    ints s5 = bosk_slice_of(ints, array, 0, 5);
    slice_byte b = {0};
    nothings all = {0};
    if (strcmp(name, "make([]byte,-1)") == 0)
        b = bosk_make(slice_byte, neg);
    else if (strcmp(name, "make([]byte,0,-1)") == 0)
        b = bosk_make(slice_byte, 0, neg);
    else if (strcmp(name, "make([]byte,-1,-1)") == 0)
        b = bosk_make(slice_byte, neg, neg);
    else if (strcmp(name, "make([]byte,2,1)") == 0)
        b = bosk_make(slice_byte, two, two - 1);
    else if (strcmp(name, "make([]int,maxInt)") == 0)
        s5 = bosk_make(ints, max_int);
    else if (strcmp(name, "make([]int,0,maxInt)") == 0)
        s5 = bosk_make(ints, 0, max_int);
    else if (strcmp(name, "make([]int,maxInt,maxInt)") == 0)
        s5 = bosk_make(ints, max_int, max_int);
    else if (strcmp(name, "make([]byte,maxInt)") == 0)
        b = bosk_make(slice_byte, max_int);
    else if (strcmp(name, "make([]byte,minInt)") == 0)
        b = bosk_make(slice_byte, min_int);
    else if (strcmp(name, "make([]struct{},maxInt)") == 0)
        all = bosk_make(nothings, max_int);
    else if (strcmp(name, "make([]struct{},-1)") == 0)
        all = bosk_make(nothings, neg);
    else if (strcmp(name, "make([]byte,int64(max))") == 0)
        b = bosk_make(slice_byte, i64);
    else if (strcmp(name, "make([]byte,0,int64(max))") == 0)
        b = bosk_make(slice_byte, 0, i64);
    else if (strcmp(name, "make([]byte,uint64(max))") == 0)
        b = bosk_make(slice_byte, u64);
    else if (strcmp(name, "append_overflow_zero_size") == 0)
        all = bosk_append(bosk_make(nothings, max_int), none);
    else if (strcmp(name, "append_overflow_many_zero_size") == 0)
        all = bosk_append_slice(bosk_make(nothings, max_int), bosk_make(nothings, max_int));
    else if (strcmp(name, "s[6]") == 0)
        bosk_at(s5, two * 3) = 1;
    else if (strcmp(name, "s[-1]") == 0)
        bosk_at(s5, neg) = 1;
    else if (strcmp(name, "s[:6]") == 0)
        s5 = bosk_reslice_to(s5, two * 3);
    else if (strcmp(name, "s[6:]") == 0)
        s5 = bosk_reslice_from(s5, two * 3);
    else if (strcmp(name, "s[2:1]") == 0)
        s5 = bosk_reslice(s5, two, two - 1);
    else if (strcmp(name, "s[-1:]") == 0)
        s5 = bosk_reslice_from(s5, neg);
    else if (strcmp(name, "s[::6]") == 0)
        s5 = bosk_reslice(s5, 0, 1, two * 3);
    else if (strcmp(name, "s[:3:2]") == 0)
        s5 = bosk_reslice(s5, 0, two + 1, two);
    else if (strcmp(name, "s[2:1:3]") == 0)
        s5 = bosk_reslice(s5, two, two - 1, two + 1);
    else if (strcmp(name, "slice_to_array_ptr") == 0)
        (void)bosk_array(bosk_reslice_to(s5, two), 4);
    else
        return false;
    (void)b;
    (void)s5;
    return all.len == PTRDIFF_MAX; /* the only case that does not panic */
}

TEST(slice_golden, panics)
{
    struct golden g;
    volatile unsigned done = 0, other = 0;
    (void)bosk_on_panic(keep_text);
    for (golden_open(&g, "panics.csv"); golden_next(&g);) {
        if (g.arch != BOSK_ARCH_NATIVE) continue;
        if (g.minor < 20 && golden_is(&g, 2, "slice_to_array_ptr")) {
            other++; /* Go's older words for the same */
            continue;
        }
        CHECK_EQ(bosk_growth_use(bosk_growth_go(g.minor)), 0);
        strcpy(text, "no panic");
        if (setjmp(caught) == 0 && !run(g.field[2])) {
            other++; /* maps, channels, strings: tested where those are */
            continue;
        }
        /* 1.18 to 1.21 grow by one rule, which has the text of the first of them. */
        if ((g.minor == 20 || g.minor == 21) && strncmp(g.field[2], "append_over", 11) == 0) {
            CHECK(strcmp(bosk_growth_panic(g.minor), g.field[4] + strlen("runtime error: ")) == 0);
            done++;
            continue;
        }
        CHECK_MSG(strcmp(text, g.field[4]) == 0, "row %u, %s: %s, Go says %s", g.rows, g.field[2],
                  text, g.field[4]);
        done++;
    }
    CHECK_MSG(done >= 25 * 3 && other <= 18 * 6, "%u, %u", done, other);
}

/* What Go reports of indices that the file does not have. */
TEST_PANICS(slice_golden, index_of_unsigned,
            "panic: runtime error: index out of range [18446744073709551615] with length 5")
{
    ptrdiff_t array[5] = {0};
    ints s = bosk_slice_of(ints, array, 0, 5);
    bosk_at(s, u64) = 1;
}
TEST_PANICS(slice_golden, array_bounds, "slice bounds out of range [:6] with length 5")
{
    ptrdiff_t array[5] = {0};
    ints s = bosk_slice_of(ints, array, 0, two * 3);
    bosk_push(&s, 1);
}
TEST_PANICS(slice_golden, three_index_negatives, "slice bounds out of range [:-1:]")
{
    ints s = bosk_make(ints, 3);
    s = bosk_reslice(s, 0, neg, 2);
}
TEST_PANICS(slice_golden, pop_of_nothing, "index out of range [-1]")
{
    ints s = {0};
    (void)bosk_pop(&s);
}
TEST_PANICS(slice_golden, delete_past_length, "slice bounds out of range [:4:3]")
{
    ints s = bosk_make(ints, 3);
    bosk_delete_range(&s, 1, 4);
}
TEST_PANICS(slice_golden, insert_past_length, "slice bounds out of range [4:3]")
{
    ints s = bosk_make(ints, 3, 10);
    bosk_insert(&s, 4, 1);
}
