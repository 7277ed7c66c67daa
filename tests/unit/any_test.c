/* any_test.c - boxes: what they hold, what they cost, how they compare. */
#include "golden_support.h"
#include "heap_support.h"

#include <bosk/any.h>
#include <bosk/arena.h>
#include <bosk/slice.h>
#include <math.h>
#include <pthread.h>

typedef BOSK_SLICE(int) ints;
struct point {
    int x, y, z;
};
__extension__ typedef struct {
} none;
typedef struct point *point_ptr;

/* Blocks allocated by what stands in `code`. */
#define ALLOCATED(code)                         \
    __extension__({                             \
        uint64_t before_ = stats_now().mallocs; \
        code;                                   \
        stats_now().mallocs - before_;          \
    })

TEST(any, holds_what_was_put_in)
{
    signed char c = -5;
    short h = -300;
    unsigned long long q = 0x123456789abcdef0u;
    bosk_any a[] = {bosk_box((_Bool)1), bosk_box(c),    bosk_box(h),
                    bosk_box(70000),    bosk_box(q),    bosk_box(1.5f),
                    bosk_box(2.5),      bosk_box(3.5L), bosk_box(BOSK_STR("text"))};
    CHECK(bosk_unbox(a[0], _Bool));
    CHECK(bosk_unbox(a[1], signed char) == -5);
    CHECK(bosk_unbox(a[2], short) == -300);
    CHECK(bosk_unbox(a[3], int) == 70000);
    CHECK(bosk_unbox(a[4], unsigned long long) == q);
    CHECK(bosk_unbox(a[5], float) == 1.5f);
    CHECK(bosk_unbox(a[6], double) == 2.5);
    CHECK(bosk_unbox(a[7], long double) == 3.5L);
    CHECK(bosk_str_equal(bosk_unbox(a[8], bosk_str), BOSK_STR("text")));
    for (size_t i = 0; i < COUNT_OF(a); i++)
        for (size_t k = 0; k < COUNT_OF(a); k++) CHECK((a[i].type == a[k].type) == (i == k));
    struct point p = {1, 2, 3};
    bosk_any b = bosk_box_as(struct point, {1, 2, 3}), d = bosk_box_as(struct point, p);
    CHECK(bosk_unbox(b, struct point).z == 3 && bosk_unbox(d, struct point).y == 2);
    CHECK(b.data != d.data);
    bosk_any e = bosk_box_as(struct point *, &p);
    CHECK(bosk_unbox(e, struct point *) == &p && e.data == &p);
    for (size_t i = 0; i < COUNT_OF(a); i++) {
        bosk_any_free(&a[i]);
        CHECK(a[i].type == NULL && a[i].data == NULL);
    }
    bosk_any_free(&b);
    bosk_any_free(&d);
    bosk_any_free(&e);
    CHECK(p.x == 1);
}

static const bosk_type *from_elsewhere(void) { return BOSK_ANY_TYPE(struct point *); }
TEST(any, types_are_one_however_spelled)
{
    CHECK(BOSK_ANY_TYPE(int) == BOSK_ANY_TYPE(int));
    CHECK(BOSK_ANY_TYPE(signed int) == BOSK_ANY_TYPE(int));
    CHECK(BOSK_ANY_TYPE(const int) == BOSK_ANY_TYPE(int));
    CHECK(BOSK_ANY_TYPE(unsigned) == BOSK_ANY_TYPE(unsigned int));
    CHECK(BOSK_ANY_TYPE(struct point *) == from_elsewhere());
    CHECK(BOSK_ANY_TYPE(struct point *) == from_elsewhere());
    CHECK(BOSK_ANY_TYPE(struct point) != from_elsewhere());
    CHECK(BOSK_ANY_TYPE(long) != BOSK_ANY_TYPE(long long));
    CHECK(BOSK_ANY_TYPE(char) != BOSK_ANY_TYPE(signed char));
    CHECK(strcmp(BOSK_ANY_TYPE(struct point *)->name, "struct point *") == 0);
    CHECK(strcmp(BOSK_ANY_TYPE(struct point **)->name, "struct point **") == 0);
    CHECK(strcmp(BOSK_ANY_TYPE(unsigned int)->name, "unsigned") == 0);
    /* The same name for another size is another type. */
    const bosk_type *place = NULL;
    CHECK(bosk_any_type(&place, "struct point", 99, 1, BOSK_ANY_MEMORY) !=
          BOSK_ANY_TYPE(struct point));
    CHECK(place != NULL && place->size == 99);
}

TEST(any, assertions_with_ok)
{
    bool ok = true;
    bosk_any a = bosk_box(42), nil = {NULL, NULL};
    CHECK(bosk_unbox_ok(a, int, &ok) == 42 && ok);
    CHECK(bosk_unbox_ok(a, long, &ok) == 0 && !ok);
    ok = true;
    CHECK(bosk_unbox_ok(nil, int, &ok) == 0 && !ok);
    ok = true;
    CHECK(bosk_unbox_ok(a, point_ptr, &ok) == NULL && !ok);
    CHECK(bosk_any_is(a, int) && !bosk_any_is(a, unsigned) && !bosk_any_is(nil, int));
    CHECK(*bosk_any_ref(&a, int) == 42 && bosk_any_ref(&a, double) == NULL);
    struct point p;
    bosk_any b = bosk_box_as(point_ptr, &p);
    CHECK(*bosk_any_ref(&b, point_ptr) == &p);
}

TEST_PANICS(any, wrong_type, "panic: interface conversion: interface {} is int, not bosk_str\n")
{
    (void)bosk_unbox(bosk_box(1), bosk_str);
}
TEST_PANICS(any, nil_is_no_type, "panic: interface conversion: interface {} is nil, not int\n")
{
    bosk_any nil = {NULL, NULL};
    (void)bosk_unbox(nil, int);
}

/* ---- what it costs --------------------------------------------------------------------------- */

TEST(any, no_block_where_go_has_none)
{
    volatile int zero = 0, low = 255, byte = 200;
    volatile unsigned char u8 = 255;
    volatile _Bool yes = 1;
    volatile int64_t wide = 255;
    volatile uint16_t half = 9;
    int object = 1;
    bosk_any a = bosk_box(0), b; /* registers the types */
    bosk_any kept[16];
    for (int round = 0; round < 2; round++) { /* the first registers types */
        uint64_t n = ALLOCATED({
            kept[0] = bosk_box(zero);
            kept[1] = bosk_box(low);
            kept[2] = bosk_box(u8);
            kept[3] = bosk_box(yes);
            kept[4] = bosk_box(wide);
            kept[5] = bosk_box(half);
            kept[6] = bosk_box((signed char)byte);
            kept[7] = bosk_box(BOSK_STR(""));
            kept[8] = bosk_box_as(int *, &object);
            kept[9] = bosk_box_as(none, {});
            kept[10] = bosk_box_slice(ints, {NULL, 0, 0});
            kept[11] = bosk_box(1000000);
            kept[12] = bosk_box(-1);
            kept[13] = bosk_box(0.25);
            kept[14] = bosk_box_const(struct point, {4, 5, 6});
            kept[15] = bosk_box_view(int, &object);
        });
        if (round == 1) CHECK_EQ(n, 0);
    }
    CHECK(bosk_unbox(kept[1], int) == 255 && bosk_unbox(kept[2], unsigned char) == 255);
    CHECK(bosk_unbox(kept[4], int64_t) == 255 && bosk_unbox(kept[5], uint16_t) == 9);
    CHECK(bosk_unbox(kept[6], signed char) == (signed char)200);
    CHECK(bosk_unbox(kept[7], bosk_str).len == 0 && bosk_unbox(kept[8], int *) == &object);
    CHECK(bosk_unbox(kept[10], ints).ptr == NULL);
    CHECK(bosk_unbox(kept[11], int) == 1000000 && bosk_unbox(kept[12], int) == -1);
    CHECK(bosk_unbox(kept[13], double) == 0.25 && bosk_unbox(kept[14], struct point).z == 6);
    object = 77;
    CHECK(bosk_unbox(kept[15], int) == 77);
    for (size_t i = 0; i < COUNT_OF(kept); i++) bosk_any_free(&kept[i]);
    CHECK(object == 77);
    b = a;
    bosk_any_free(&b);
}

TEST(any, one_block_otherwise)
{
    volatile int above = 256, negative = -1;
    volatile double fraction = 0.1;
    bosk_str text = BOSK_STR("x");
    struct point p = {0, 0, 0};
    int room[4];
    bosk_any kept[6];
    for (int round = 0; round < 2; round++) {
        uint64_t n[] = {ALLOCATED(kept[0] = bosk_box(above)),
                        ALLOCATED(kept[1] = bosk_box(negative)),
                        ALLOCATED(kept[2] = bosk_box(fraction)),
                        ALLOCATED(kept[3] = bosk_box(text)),
                        ALLOCATED(kept[4] = bosk_box_as(struct point, p)),
                        ALLOCATED(kept[5] = bosk_box_slice(ints, {room, 0, 4}))};
        for (size_t i = 0; i < COUNT_OF(n); i++) {
            if (round == 1) CHECK_MSG(n[i] == 1, "%zu: %llu", i, (unsigned long long)n[i]);
            bosk_any_free(&kept[i]);
        }
    }
    CHECK_EQ(take_census(NULL).blocks, stats_exact().mallocs - stats_exact().frees);
}

struct three {
    int64_t a, b, c;
};
/* What real Go allocated for the boxing that a row of escape.csv is about; -1: there is no such. */
static int box_as_row(const char *row)
{
    static const char *const name[] = {
        "box_int_0",     "box_int_255",       "box_int_256",      "box_int_-1",
        "box_int_const", "box_uint8",         "box_empty_string", "box_string",
        "box_pointer",   "box_zero_struct24", "box_struct24",     "box_int_local_noescape"};
    volatile ptrdiff_t number[] = {0, 255, 256, -1};
    volatile unsigned char byte = 200;
    struct three zero = {0, 0, 0}, three = {1, 2, 3};
    bosk_str empty = BOSK_STR(""), text = BOSK_STR("text");
    ptrdiff_t local = 12345;
    size_t i = 0;
    while (i < COUNT_OF(name) && strcmp(row, name[i]) != 0) i++;
    if (i == COUNT_OF(name)) return -1;
    bosk_any a = {NULL, NULL};
    uint64_t before = stats_now().mallocs;
    if (i < 4) a = bosk_box(number[i]);
    if (i == 4) a = bosk_box(54321);
    if (i == 5) a = bosk_box(byte);
    if (i == 6) a = bosk_box(empty);
    if (i == 7) a = bosk_box(text);
    if (i == 8) a = bosk_box_as(struct three *, &three);
    if (i == 9) a = bosk_box_as(struct three, zero);
    if (i == 10) a = bosk_box_as(struct three, three);
    if (i == 11) a = bosk_box_view(ptrdiff_t, &local);
    int n = (int)(stats_now().mallocs - before);
    bosk_any_free(&a);
    return n;
}
TEST(any, boxes_as_real_go)
{
    struct golden g;
    unsigned rows = 0;
    for (int round = 0; round < 2; round++) /* the first registers types */
        for (golden_open(&g, "escape.csv"); golden_next(&g);) {
            int n = strncmp(g.field[2], "box_", 4) == 0 ? box_as_row(g.field[2]) : -1;
            if (n < 0 || round == 0) continue;
            CHECK_MSG(n == golden_number(&g, 3), "%s of %s on %s: %d", g.field[2], g.field[0],
                      g.field[1], n);
            rows++;
        }
    CHECK_MSG(rows >= 48 && rows % 12 == 0, "%u rows", rows);
    printf("any: %u rows of escape.csv\n", rows);
}

TEST(any, every_small_value_of_every_width)
{
    for (unsigned i = 0; i < 300; i++) {
        bosk_any a = bosk_box((uint16_t)i), b = bosk_box((uint32_t)i), c = bosk_box((uint64_t)i);
        bosk_any d = bosk_box((unsigned char)i);
        CHECK(bosk_unbox(a, uint16_t) == i && bosk_unbox(b, uint32_t) == i);
        CHECK(bosk_unbox(c, uint64_t) == i && bosk_unbox(d, unsigned char) == (i & 255));
        bosk_any_free(&a);
        bosk_any_free(&b);
        bosk_any_free(&c);
    }
}

TEST(any, boxes_live_in_the_current_home)
{
    bosk_arena *arena = bosk_arena_new(0);
    CHECK(arena != NULL);
    volatile double v = 0.1;
    bosk_home_push(bosk_arena_home(arena));
    bosk_any a = bosk_box(v);
    bosk_home_pop();
    CHECK(bosk_home_of(a.data, NULL).owner == arena);
    bosk_any b = a;
    bosk_any_free(&b);
    bosk_arena_free(arena);
}

TEST_OOM(any, try_form_leaves_nil)
{
    struct big {
        char bytes[100000];
    };
    static struct big value;
    const bosk_type *place = NULL;
    (void)BOSK_ANY_TYPE(struct big); /* registering is fatal without memory */
    (void)place;
    for (int i = 0; i < 20; i++) {
        bosk_any a = {&(bosk_type){0}, &value};
        if (bosk_try_box_as(struct big, &a, value))
            CHECK(bosk_any_is(a, struct big));
        else
            CHECK(a.type == NULL && a.data == NULL);
        bosk_any_free(&a);
    }
}

/* ---- comparing ---- */

TEST(any, equality_is_gos)
{
    bosk_any nil = {NULL, NULL}, one = bosk_box(1), also = bosk_box(1), other = bosk_box(1L);
    CHECK(bosk_any_equal(nil, nil) && !bosk_any_equal(nil, one) && !bosk_any_equal(one, nil));
    CHECK(bosk_any_equal(one, also) && !bosk_any_equal(one, other));
    CHECK(!bosk_any_equal(one, bosk_box(2)));
    CHECK(bosk_any_equal(bosk_box(0.0), bosk_box(-0.0)));
    CHECK(bosk_any_equal(bosk_box(0.0f), bosk_box(-0.0f)));
    CHECK(bosk_any_equal(bosk_box(0.0L), bosk_box(-0.0L)));
    bosk_any not_a_number = bosk_box((double)NAN), f = bosk_box(NAN);
    CHECK(!bosk_any_equal(not_a_number, not_a_number) && !bosk_any_equal(f, f));
    char text[] = "some text";
    CHECK(bosk_any_equal(bosk_box(BOSK_STR("some text")), bosk_box(bosk_str_of(text))));
    CHECK(!bosk_any_equal(bosk_box(BOSK_STR("some")), bosk_box(bosk_str_of(text))));
    CHECK(bosk_any_equal(bosk_box_as(char *, text), bosk_box_as(char *, text)));
    CHECK(!bosk_any_equal(bosk_box_as(char *, text), bosk_box_as(char *, text + 1)));
    /* Of different types even what cannot be compared is unequal. */
    CHECK(!bosk_any_equal(bosk_box_as(none, {}), one));
}

static bool point_equal(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct point)) == 0;
}
static uint64_t point_hash(const void *p, uint64_t seed)
{
    return bosk_any_hash(bosk_box(((const struct point *)p)->x), seed);
}
TEST(any, structs_compare_when_told_how)
{
    bosk_any_comparable(BOSK_ANY_TYPE(struct point), point_equal, point_hash);
    bosk_any a = bosk_box_as(struct point, {1, 2, 3}), b = bosk_box_as(struct point, {1, 2, 3});
    bosk_any c = bosk_box_as(struct point, {1, 2, 4});
    CHECK(bosk_any_equal(a, b) && !bosk_any_equal(a, c));
    CHECK(bosk_any_hash(a, 1) == bosk_any_hash(b, 1));
}

TEST_PANICS(any, uncomparable, "panic: runtime error: comparing uncomparable type struct point\n")
{
    bosk_any a = bosk_box_as(struct point, {1, 2, 3});
    (void)bosk_any_equal(a, a);
}
TEST_PANICS(any, uncomparable_slice, "panic: runtime error: comparing uncomparable type ints\n")
{
    bosk_any a = bosk_box_slice(ints, {NULL, 0, 0});
    (void)bosk_any_equal(a, a);
}
TEST_PANICS(any, unhashable, "panic: runtime error: hash of unhashable type struct point\n")
{
    (void)bosk_any_hash(bosk_box_as(struct point, {1, 2, 3}), 0);
}

TEST(any, hashes_go_with_equality)
{
    char text[] = "some text";
    bosk_any pair[][2] = {{bosk_box(1), bosk_box(1)},
                          {bosk_box(0.0), bosk_box(-0.0)},
                          {bosk_box(0.0f), bosk_box(-0.0f)},
                          {bosk_box(0.0L), bosk_box(-0.0L)},
                          {bosk_box(1.5L), bosk_box(1.5L)},
                          {bosk_box(BOSK_STR("some text")), bosk_box(bosk_str_of(text))},
                          {bosk_box_as(char *, text), bosk_box_as(char *, text)},
                          {{NULL, NULL}, {NULL, NULL}}};
    for (size_t i = 0; i < COUNT_OF(pair); i++)
        for (uint64_t seed = 0; seed < 10; seed++) {
            CHECK(bosk_any_equal(pair[i][0], pair[i][1]));
            CHECK(bosk_any_hash(pair[i][0], seed) == bosk_any_hash(pair[i][1], seed));
            CHECK(bosk_any_hash(pair[i][0], seed) != bosk_any_hash(pair[i][0], seed + 1));
        }
    bosk_any not_a_number = bosk_box((double)NAN);
    CHECK(bosk_any_hash(not_a_number, 0) != bosk_any_hash(not_a_number, 0));
    bosk_any infinite = bosk_box((long double)INFINITY);
    CHECK(bosk_any_hash(infinite, 0) == bosk_any_hash(infinite, 0));
    CHECK(bosk_any_hash(bosk_box(1), 0) != bosk_any_hash(bosk_box(1L), 0));
    /* Low bits differ: 4096 numbers in 4096 buckets leave about 1/e of them empty. */
    static unsigned char seen[4096];
    size_t used = 0;
    for (int i = 0; i < 4096; i++) {
        bosk_any a = bosk_box(i);
        used += seen[bosk_any_hash(a, 7) % 4096]++ == 0;
        bosk_any_free(&a);
    }
    CHECK_MSG(used > 2450 && used < 2730, "%zu", used);
}

/* ---- the switch ---- */

static const char *kind(bosk_any a)
{
    const char *what = "none";
    bosk_type_switch(x, a) {
        bosk_type_case(x, int, i) what = i == 42 ? "forty-two" : "int";
        bosk_type_case(x, bosk_str, s)
        {
            if (s.len == 0) break;
            what = "string";
        }
        bosk_type_case(x, int, i) what = "never";
        bosk_type_case(x, point_ptr, p) what = p != NULL ? "pointer" : "null";
        bosk_type_nil(x) what = "nil";
        bosk_type_default(x) what = "other";
    }
    return what;
}
TEST(any, type_switch)
{
    struct point p;
    bosk_any nil = {NULL, NULL};
    CHECK(strcmp(kind(bosk_box(42)), "forty-two") == 0);
    CHECK(strcmp(kind(bosk_box(7)), "int") == 0);
    CHECK(strcmp(kind(bosk_box(BOSK_STR("a"))), "string") == 0);
    CHECK(strcmp(kind(bosk_box(BOSK_STR(""))), "none") == 0);
    CHECK(strcmp(kind(bosk_box_as(point_ptr, &p)), "pointer") == 0);
    CHECK(strcmp(kind(bosk_box_as(point_ptr, NULL)), "null") == 0);
    CHECK(strcmp(kind(bosk_box(1.5)), "other") == 0);
    CHECK(strcmp(kind(nil), "nil") == 0);
}

static void *register_types(void *arg)
{
    const bosk_type **out = arg;
    char name[32];
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "type %d", i);
        bosk_any_type(&out[i], name, 8, 8, BOSK_ANY_BITS);
    }
    return NULL;
}
TEST(any, threads_register_each_type_once)
{
    static const bosk_type *type[4][200];
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, register_types, type[i]), 0);
    for (int i = 0; i < 4; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
    for (int i = 0; i < 200; i++)
        for (int k = 1; k < 4; k++) CHECK(type[0][i] != NULL && type[k][i] == type[0][i]);
}
