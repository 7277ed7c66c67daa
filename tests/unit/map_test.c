/* map_test.c - maps as programs use them: Go's semantics, typed macros, ranging, races. */
#include "heap_support.h"
#include "os/os.h"

#include <bosk/map.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>

typedef BOSK_MAP(int, int) ints;
typedef BOSK_MAP(uint64_t, uint64_t) longs;
typedef BOSK_MAP(bosk_str, int) counts;
typedef BOSK_MAP(double, int) doubles;
typedef BOSK_MAP(float, int) floats;
typedef BOSK_SET(bosk_str) names;
typedef BOSK_SLICE(int) int_slice;
typedef BOSK_MAP(bosk_str, int_slice) lists;
typedef BOSK_MAP_FN(bosk_str, int) folded;
struct point {
    char tag;
    int x;
    double y;
    bosk_str name;
};
BOSK_KEY(point, struct point, tag, x, y, name)
typedef BOSK_MAP(struct point, int) points;
struct pair {
    int a, b;
};
typedef BOSK_MAP_POINTER_FREE(uint32_t, struct pair) pairs;
typedef BOSK_MAP(void *, char) pointers;

static void good(const bosk_map *m)
{
    const char *wrong = bosk_map_check(m);
    CHECK_MSG(wrong == NULL, "%s", wrong);
}

TEST(map, reads_like_go)
{
    counts m = bosk_make_map(counts, 0);
    bosk_set(m, BOSK_STR("go"), 1);
    ++*bosk_ref(m, BOSK_STR("go"));
    CHECK_EQ(bosk_get(m, BOSK_STR("go")), 2);
    CHECK_EQ(bosk_get(m, BOSK_STR("c")), 0);
    bool ok = true;
    CHECK(bosk_get_ok(m, BOSK_STR("c"), &ok) == 0 && !ok);
    CHECK(bosk_get_ok(m, bosk_str_of("go"), &ok) == 2 && ok);
    ++*bosk_ref(m, BOSK_STR("c"));
    CHECK_EQ(bosk_map_len(m), 2);
    CHECK(bosk_find(m, BOSK_STR("rust")) == NULL && bosk_has(m, BOSK_STR("c")));
    int sum = 0;
    bosk_range_map(k, v, m) {
        CHECK(k.len == 2 || k.len == 1);
        sum += v;
    }
    CHECK_EQ(sum, 3);
    CHECK(bosk_delete(m, BOSK_STR("go")) && !bosk_delete(m, BOSK_STR("go")));
    CHECK_EQ(bosk_map_len(m), 1);
    bosk_clear_map(m);
    CHECK(bosk_map_len(m) == 0 && !bosk_has(m, BOSK_STR("c")));
    bosk_free_map(&m);
    CHECK(m.map == NULL);
}

TEST(map, nil_reads_as_empty)
{
    ints m = {NULL};
    bool ok = true;
    CHECK(bosk_get(m, 1) == 0 && bosk_get_ok(m, 1, &ok) == 0 && !ok && bosk_find(m, 1) == NULL);
    CHECK(!bosk_delete(m, 1) && bosk_map_len(m) == 0 && !bosk_has(m, 3));
    bosk_range_map(k, v, m) CHECK(false);
    bosk_clear_map(m);
    bosk_map_shrink(m.map);
    bosk_map_retain(m.map, NULL, NULL);
    ints c = bosk_clone_map(m);
    CHECK(c.map == NULL && bosk_map_equal(m.map, c.map, NULL, NULL) &&
          bosk_map_check(NULL) == NULL);
    bosk_free_map(&m);
}
TEST_PANICS(map, write_to_nil, "panic: assignment to entry in nil map")
{
    ints m = {NULL};
    bosk_set(m, 1, 2);
}
TEST_PANICS(map, ref_in_nil, "panic: assignment to entry in nil map")
{
    ints m = {NULL};
    (void)bosk_ref(m, 1);
}

TEST(map, keys_of_every_kind)
{
    typedef BOSK_MAP(bool, int) bools;
    typedef BOSK_MAP(unsigned char, int) bytes;
    typedef BOSK_MAP(short, long long) shorts;
    bools b = bosk_make_map(bools, 0);
    bytes y = bosk_make_map(bytes, 0);
    shorts s = bosk_make_map(shorts, 0);
    pointers p = bosk_make_map(pointers, 0);
    static char area[1000];
    bosk_set(b, true, 5);
    for (int i = 0; i < 256; i++) bosk_set(y, (unsigned char)i, i);
    for (int i = SHRT_MIN; i <= SHRT_MAX; i++) bosk_set(s, (short)i, i);
    for (int i = 0; i < 1000; i++) bosk_set(p, (void *)&area[i], (char)i);
    CHECK(bosk_get(b, true) == 5 && bosk_get(b, false) == 0 && bosk_map_len(b) == 1);
    CHECK(bosk_map_len(y) == 256 && bosk_map_len(s) == 65536 && bosk_map_len(p) == 1000);
    for (int i = SHRT_MIN; i <= SHRT_MAX; i++) CHECK_EQ(bosk_get(s, (short)i), i);
    CHECK_EQ(bosk_get(p, (void *)&area[999]), (char)999);
    good(s.map);
    bosk_free_map(&b);
    bosk_free_map(&y);
    bosk_free_map(&s);
    bosk_free_map(&p);
}

TEST(map, floats_compare_as_in_go)
{
    doubles m = bosk_make_map(doubles, 0);
    bosk_set(m, 0.0, 1);
    bosk_set(m, -0.0, 2);
    CHECK(bosk_map_len(m) == 1 && bosk_get(m, 0.0) == 2);
    const ptrdiff_t n = (ptrdiff_t)bosk_test_budget(10000);
    for (ptrdiff_t i = 0; i < n; i++) bosk_set(m, (double)NAN, (int)i);
    CHECK_EQ(bosk_map_len(m), n + 1);
    CHECK(bosk_find(m, (double)NAN) == NULL && !bosk_delete(m, (double)NAN));
    ptrdiff_t seen = 0;
    bosk_range_map(k, v, m) seen += isnan(k) != 0 && v >= 0;
    CHECK_EQ(seen, n);
    good(m.map);
    doubles c = bosk_clone_map(m);
    CHECK_EQ(bosk_map_len(c), n + 1);
    CHECK(!bosk_map_equal(m.map, c.map, NULL, NULL));
    bosk_clear_map(m);
    CHECK_EQ(bosk_map_len(m), 0);
    floats f = bosk_make_map(floats, 0);
    for (int i = 0; i < 300; i++) bosk_set(f, (float)NAN, i);
    bosk_set(f, -0.0f, 7);
    CHECK(bosk_map_len(f) == 301 && bosk_get(f, 0.0f) == 7);
    good(f.map);
    bosk_free_map(&c);
    bosk_free_map(&m);
    bosk_free_map(&f);
}

TEST(map, struct_keys_ignore_padding)
{
    points m = bosk_make_map_fn(points, 0, point_hash, point_equal, NULL);
    struct point a, b;
    memset(&a, 0x55, sizeof a);
    memset(&b, 0xaa, sizeof b);
    a.tag = b.tag = 't';
    a.x = b.x = 3;
    a.y = 0.0;
    b.y = -0.0;
    a.name = BOSK_STR("same");
    char copy[] = "same";
    b.name = bosk_str_of(copy);
    bosk_set(m, a, 1);
    CHECK(bosk_get(m, b) == 1);
    b.x = 4;
    CHECK(!bosk_has(m, b));
    b.y = (double)NAN;
    bosk_set(m, b, 2);
    bosk_set(m, b, 3);
    CHECK_EQ(bosk_map_len(m), 3);
    int seen = 0;
    bosk_range_map(k, v, m) seen += v;
    CHECK_EQ(seen, 6);
    bosk_free_map(&m);
}

static uint64_t fold_hash(const void *key, uint64_t seed, void *context)
{
    const bosk_str *s = key;
    ++*(int *)context;
    for (ptrdiff_t i = 0; i < s->len; i++) seed = bosk_hash_u64((uint64_t)(s->ptr[i] | 32), seed);
    return seed;
}
static bool fold_equal(const void *a, const void *b, void *context)
{
    const bosk_str *x = a, *y = b;
    (void)context;
    if (x->len != y->len) return false;
    for (ptrdiff_t i = 0; i < x->len; i++)
        if ((x->ptr[i] | 32) != (y->ptr[i] | 32)) return false;
    return true;
}
static uint64_t c_string_hash(const void *key, uint64_t seed, void *context)
{
    const bosk_str s = bosk_str_of(key);
    return fold_hash(&s, seed, context);
}
static bool c_string_equal(const void *stored, const void *key, void *context)
{
    const bosk_str s = bosk_str_of(key);
    return fold_equal(stored, &s, context);
}
TEST(map, functions_with_context_and_foreign_keys)
{
    int calls = 0;
    folded m = bosk_make_map_fn(folded, 0, fold_hash, fold_equal, &calls);
    bosk_set(m, BOSK_STR("Hello"), 1);
    bosk_set(m, BOSK_STR("hELLO"), 2);
    CHECK(bosk_map_len(m) == 1 && bosk_get(m, BOSK_STR("HELLO")) == 2 && calls >= 3);
    int *v = bosk_find_as(m, "heLLo", c_string_hash, c_string_equal, &calls);
    CHECK(v != NULL && *v == 2);
    CHECK(bosk_find_as(m, "hell", c_string_hash, c_string_equal, &calls) == NULL);
    bosk_free_map(&m);
}

TEST(map, sets)
{
    names s = bosk_make_map(names, 0);
    CHECK(bosk_add(s, BOSK_STR("a")) && !bosk_add(s, BOSK_STR("a")) && bosk_add(s, BOSK_STR("b")));
    CHECK(bosk_has(s, BOSK_STR("b")) && !bosk_has(s, BOSK_STR("c")) && bosk_map_len(s) == 2);
    CHECK_EQ(s.map->type.slot_bytes, sizeof(bosk_str));
    int n = 0;
    bosk_range_set(k, s) n += (int)k.len;
    CHECK_EQ(n, 2);
    CHECK(bosk_delete(s, BOSK_STR("a")) && bosk_try_add(s, BOSK_STR("b")) == 0);
    bosk_free_map(&s);
}

TEST(map, a_slice_for_each_key)
{
    lists m = bosk_make_map(lists, 0);
    for (int i = 0; i < 3000; i++) bosk_push_to(m, i % 3 ? BOSK_STR("hot") : BOSK_STR("cold"), i);
    int_slice hot = bosk_get(m, BOSK_STR("hot"));
    CHECK(hot.len == 2000 && hot.ptr[0] == 1 && hot.ptr[1999] == 2999);
    bosk_range_map_ref(k, v, m)
    {
        CHECK(k.len > 0);
        bosk_free_slice(v);
    }
    CHECK(bosk_get(m, BOSK_STR("cold")).len == 0);
    bosk_free_map(&m);
}

TEST(map, bare_struct_values)
{
    pairs m = bosk_make_map(pairs, 4);
    bosk_set(m, 1, {2, 3});
    bosk_set(m, 2u, {.b = 9});
    CHECK(bosk_get(m, 1).b == 3 && bosk_get(m, 2).a == 0 && bosk_get(m, 3).a == 0);
    bosk_ref(m, 1)->a = 8;
    CHECK(bosk_find(m, 1)->a == 8 && bosk_try_set(m, 4, {1, 1}));
    bosk_free_map(&m);
}

/* ---- ranging ------------------------------------------------------------------------------- */

TEST(map, range_may_be_left_in_every_way)
{
    ints m = bosk_make_map(ints, 0);
    for (int i = 0; i < 100; i++) bosk_set(m, i, i);
    int n = 0;
    bosk_range_map(k, v, m) {
        if (k == v && ++n == 7) break;
    }
    CHECK_EQ(n, 7);
    n = 0;
    bosk_range_map(k, v, m) {
        if (v % 2 == 0) continue;
        n++;
    }
    CHECK_EQ(n, 50);
    bosk_range_map(k, v, m) {
        bosk_range_map(l, w, m) {
            if (w == 3) goto out;
        }
    }
out:
    n = 0;
    bosk_range_map(k, v, m)
        bosk_range_map(l, w, m) n++;
    CHECK_EQ(n, 10000);
    bosk_free_map(&m);
}

TEST(map, range_begins_anywhere)
{
    ints m = bosk_make_map(ints, 0);
    for (int i = 0; i < 8; i++) bosk_set(m, i, i);
    bool first[8] = {false};
    for (int round = 0; round < 400; round++)
        bosk_range_map(k, v, m) {
            first[k] = true;
            break;
        }
    for (int i = 0; i < 8; i++) CHECK_MSG(first[i], "%d never comes first", i);
    bosk_free_map(&m);
}

TEST(map, delete_while_ranging)
{
    longs m = bosk_make_map(longs, 0);
    const uint64_t n = bosk_test_budget(200000);
    for (uint64_t i = 0; i < n; i++) bosk_set(m, i, i);
    uint64_t seen = 0;
    bosk_range_map(k, v, m) {
        seen++;
        CHECK(k == v && bosk_delete(m, k));
        if (bosk_delete(m, k ^ 1)) seen++;
    }
    CHECK(seen == n && bosk_map_len(m) == 0);
    good(m.map);
    bosk_free_map(&m);
}
TEST(map, insert_while_ranging_ends)
{
    longs m = bosk_make_map(longs, 0);
    for (uint64_t i = 0; i < 1000; i++) bosk_set(m, i, i);
    uint64_t old = 0, total = 0;
    bosk_range_map(k, v, m) {
        old += k < 1000;
        total++;
        if (bosk_map_len(m) < 60000)
            for (uint64_t i = 0; i < 60; i++) bosk_set(m, 1000 + total * 60 + i, v);
    }
    CHECK(old == 1000 && total <= (uint64_t)bosk_map_len(m));
    good(m.map);
    bosk_free_map(&m);
}

/* ---- races --------------------------------------------------------------------------------- */

static folded racing;
static int how;
static bool racing_equal(const void *a, const void *b, void *context)
{
    const int h = how;
    how = 0;
    if (h == 1) (void)bosk_find(racing, BOSK_STR("x"));
    if (h == 2) bosk_set(racing, BOSK_STR("y"), 1);
    if (h == 3)
        bosk_range_map(k, v, racing) break;
    return fold_equal(a, b, context);
}
static void race(int h)
{
    int calls = 0;
    racing = bosk_make_map_fn(folded, 0, fold_hash, racing_equal, &calls);
    bosk_set(racing, BOSK_STR("x"), 1);
    how = h;
    bosk_set(racing, BOSK_STR("x"), 2);
}
TEST_PANICS(map, read_beside_write, "fatal error: concurrent map read and map write") { race(1); }
TEST_PANICS(map, write_beside_write, "fatal error: concurrent map writes") { race(2); }
TEST_PANICS(map, range_beside_write, "fatal error: concurrent map iteration and map write")
{
    race(3);
}

static jmp_buf jump;
static void leave(const char *text)
{
    CHECK(strcmp(text, "hash of unhashable type func()") == 0);
    longjmp(jump, 1);
}
static uint64_t unhashable(const void *key, uint64_t seed, void *context)
{
    (void)key;
    if (*(int *)context) bosk_panic("hash of unhashable type %s", "func()");
    return seed;
}
TEST(map, a_panic_of_the_hash_changes_nothing)
{
    static int bad;
    folded m = bosk_make_map_fn(folded, 0, unhashable, fold_equal, &bad);
    bosk_set(m, BOSK_STR("a"), 1);
    bosk_on_panic(leave);
    bad = 1;
    if (setjmp(jump) == 0) {
        bosk_set(m, BOSK_STR("b"), 1);
        CHECK(false);
    }
    if (setjmp(jump) == 0) {
        (void)bosk_get(m, BOSK_STR("b"));
        CHECK(false);
    }
    bad = 0;
    bosk_set(m, BOSK_STR("b"), 2);
    CHECK(bosk_map_len(m) == 2 && bosk_get(m, BOSK_STR("a")) == 1);
}

/* ---- an adversary who knows the code ------------------------------------------------------- */

TEST(map, keys_made_to_collide_do_not)
{
    /* Made against a map whose seed is known, then put into another. */
    longs known = bosk_make_map(longs, 0), other = bosk_make_map(longs, 0);
    uint64_t found = 0;
    const uint64_t want = bosk_test_budget(3000);
    uint64_t *evil = malloc((size_t)want * sizeof *evil);
    for (uint64_t k = 0; found < want; k++)
        if ((bosk_map_hash_of(known.map, &k) & 0x3ff) == 0) evil[found++] = k;
    for (uint64_t i = 0; i < found; i++) bosk_set(other, evil[i], i);
    struct bosk_map_stats s;
    bosk_map_stats(other.map, &s);
    CHECK_MSG(s.longest_probe <= 16, "%llu groups", (unsigned long long)s.longest_probe);
    free(evil);
    bosk_free_map(&known);
    bosk_free_map(&other);
}
TEST_ENV(map, the_seed_can_be_fixed, "BOSK_CONF=mapseed=7")
{
    longs a = bosk_make_map(longs, 0), b = bosk_make_map(longs, 0);
    CHECK(a.map->seed == b.map->seed && a.map->mult == b.map->mult);
    longs c = bosk_clone_map(a);
    CHECK_EQ(c.map->seed, a.map->seed);
}
TEST(map, seeds_differ)
{
    longs a = bosk_make_map(longs, 0), b = bosk_make_map(longs, 0);
    CHECK(a.map->seed != b.map->seed && a.map->mult != b.map->mult);
}
