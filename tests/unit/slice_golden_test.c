/* slice_golden_test.c - the run time against what real Go printed: rows of this architecture, by
 * the growth rule of each row's version, through the macros; and Go's panic texts. */
#include "golden_support.h"
#include "heap_support.h"
#include "os/os.h"
#include "slice_elems.h"

#include <bosk/str.h>
#include <limits.h>
#include <setjmp.h>

/* Arrays above this grow by push, which does not copy them: copying all of them would take minutes.
 * Growth of both is one function. */
#define COPY_MAX (1 << 20)
#define COPY_MAX_LAST (8 << 20)
/* Emulators take seconds for what takes milliseconds: there every so manieth large row is run. */
#define EMULATED_MAX (1 << 20)

static bool runs_here(const struct golden *g, uint64_t bytes)
{
    if (g->arch != BOSK_ARCH_NATIVE) return false;
    return !boski_os.emulated || bytes <= EMULATED_MAX || g->rows % 64 == 0;
}

struct tally {
    unsigned appended, pushed;
};

/* The capacity that an array of `cap` elements, `len` of them in use, has after k more. */
static void check_growth(const struct golden *g, struct tally *tally, ptrdiff_t len, ptrdiff_t cap,
                         ptrdiff_t k, ptrdiff_t want)
{
    size_t size = (size_t)golden_number(g, 3);
    uint64_t bytes = (uint64_t)(cap + k) * size;
    if (!runs_here(g, bytes)) return;
    const struct elem *elem = elem_find(size, golden_number(g, 4) != 0);
    CHECK_MSG(elem != NULL, "no element of %zu bytes for %s", size, g->field[2]);
    CHECK_EQ(bosk_growth_use(bosk_growth_go(g->minor)), 0);
    bool append = bytes <= (g->minor == BOSK_GO_LAST ? COPY_MAX_LAST : COPY_MAX);
    ptrdiff_t got = append ? elem->grow(len, cap, k) : elem->push(len, cap, k);
    CHECK_MSG(got == want, "row %u, %s %s: %td", g->rows, g->field[0], g->field[2], got);
    if (append)
        tally->appended++;
    else
        tally->pushed++;
}

TEST(slice_golden, appendone_by_the_macros)
{
    struct golden g;
    struct tally tally = {0};
    for (golden_open(&g, "appendone.csv"); golden_next(&g);) {
        ptrdiff_t old = (ptrdiff_t)golden_number(&g, 6);
        check_growth(&g, &tally, old, old, 1, (ptrdiff_t)golden_number(&g, 7));
    }
    fprintf(stderr, "appendone.csv: %u rows by append, %u by push\n", tally.appended, tally.pushed);
    CHECK_MSG(tally.appended > 3000 && tally.pushed > 10, "%u, %u", tally.appended, tally.pushed);
}

TEST(slice_golden, appendgrid_by_the_macros)
{
    struct golden g;
    struct tally tally = {0};
    for (golden_open(&g, "appendgrid.csv"); golden_next(&g);)
        check_growth(&g, &tally, (ptrdiff_t)golden_number(&g, 5), (ptrdiff_t)golden_number(&g, 6),
                     (ptrdiff_t)golden_number(&g, 7), (ptrdiff_t)golden_number(&g, 8));
    fprintf(stderr, "appendgrid.csv: %u rows by append, %u by push\n", tally.appended,
            tally.pushed);
    CHECK_MSG(tally.appended > 15000 && tally.pushed > 10, "%u, %u", tally.appended, tally.pushed);
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
        if (g.arch != BOSK_ARCH_NATIVE || golden_excluded(&g, "runtime")) continue;
        CHECK_EQ(bosk_growth_use(bosk_growth_go(g.minor)), 0);
        ptrdiff_t got =
            seedcase(&g, (ptrdiff_t)golden_number(&g, 3), (ptrdiff_t)golden_number(&g, 4));
        CHECK_MSG(got == golden_number(&g, 5), "row %u, %s %s: %td", g.rows, g.field[0], g.field[2],
                  got);
        done++;
    }
    CHECK_MSG(done > 380, "%u", done);
    CHECK(golden_tell_exclusions("runtime", "seedcases.csv") != 0);
}

/* ---- panics ---- */

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
    else if (strcmp(name, "str[6]") == 0)
        (void)bosk_str_at(BOSK_STR("hello"), two * 3);
    else if (strcmp(name, "str[:6]") == 0)
        (void)bosk_str_slice(BOSK_STR("hello"), 0, two * 3);
    else if (strcmp(name, "str[2:1]") == 0)
        (void)bosk_str_slice(BOSK_STR("hello"), two, two - 1);
    else if (strcmp(name, "len_zero_size") == 0)
        snprintf(text, sizeof text, "%td", bosk_make(nothings, max_int).len);
    else
        return false;
    (void)b;
    (void)s5;
    return all.len == PTRDIFF_MAX || strncmp(name, "len_", 4) == 0; /* what does not panic */
}

TEST(slice_golden, panics)
{
    struct golden g;
    volatile unsigned done = 0;
    (void)bosk_on_panic(keep_text);
    for (golden_open(&g, "panics.csv"); golden_next(&g);) {
        if (g.arch != BOSK_ARCH_NATIVE || golden_excluded(&g, "runtime")) continue;
        CHECK_EQ(bosk_growth_use(bosk_growth_go(g.minor)), 0);
        strcpy(text, "no panic");
        if (setjmp(caught) == 0)
            CHECK_MSG(run(g.field[2]), "row %u: %s is unknown", g.rows, g.field[2]);
        /* 1.18 to 1.21 grow by one rule, which has the text of the first of them. */
        if ((g.minor == 20 || g.minor == 21) && strncmp(g.field[2], "append_over", 11) == 0)
            snprintf(text, sizeof text, "runtime error: %s", bosk_growth_panic(g.minor));
        CHECK_MSG(strcmp(text, g.field[4]) == 0, "row %u, %s: %s, Go says %s", g.rows, g.field[2],
                  text, g.field[4]);
        done++;
    }
    fprintf(stderr, "panics.csv: %u rows\n", done);
    CHECK_MSG(done > 80, "%u", done);
    CHECK(golden_tell_exclusions("runtime", "panics.csv") < done);
}

/* ---- zeroes ---- */

/* Fills blocks of a class with ones and gives them back. */
static void dirty(size_t bytes, size_t count)
{
    static void *block[4096];
    if (count > COUNT_OF(block)) count = COUNT_OF(block);
    for (size_t i = 0; i < count; i++) memset(block[i] = bosk_malloc(bytes), 0xff, bytes);
    for (size_t i = 0; i < count; i++) bosk_free(block[i]);
}

static ptrdiff_t not_zero(slice_byte s)
{
    ptrdiff_t n = 0;
    for (ptrdiff_t i = s.len; i < s.cap; i++) n += s.ptr[i] != 0;
    return n;
}

TEST_ENV(slice_golden, zeroing, "BOSK_CONF=zerotail=1")
{
    struct golden g;
    unsigned done = 0;
    for (golden_open(&g, "zeroing.csv"); golden_next(&g);) {
        ptrdiff_t bytes = (ptrdiff_t)golden_number(&g, 3), found = 0;
        size_t objects = (size_t)golden_number(&g, 4), most = 64 + (size_t)bosk_test_budget(2000);
        if (g.arch != BOSK_ARCH_NATIVE) continue;
        CHECK_EQ(bosk_growth_use(bosk_growth_go(g.minor)), 0);
        bool make = golden_is(&g, 2, "make_len0_cap");
        CHECK(make || golden_is(&g, 2, "append_tail"));
        if (objects > most) objects = most;
        dirty((size_t)bytes, objects);
        slice_byte ones = bosk_make(slice_byte, bytes / 2 + 1);
        memset(ones.ptr, 0xff, (size_t)ones.len);
        typedef BOSK_SLICE(slice_byte) all_slices;
        all_slices kept = {0};
        for (size_t i = 0; i < objects; i++) {
            slice_byte nil = {0};
            slice_byte s = make ? bosk_make(slice_byte, 0, bytes) : bosk_append_slice(nil, ones);
            found += not_zero(s);
            bosk_push(&kept, s);
        }
        CHECK_MSG(found == golden_number(&g, 5), "row %u: %td bytes", g.rows, found);
        bosk_range(i, s, kept) bosk_free_slice(&s);
        bosk_free_slice(&kept);
        bosk_free_slice(&ones);
        done++;
    }
    CHECK_MSG(done >= 26, "%u", done);
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
