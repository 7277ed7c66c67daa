/* slice_test.c - slices as programs use them: sharing, growth, windows, owner forms, homes. */
#include "heap_support.h"
#include "os/conf.h"
#include "os/os.h"

#include <bosk/growth.h>
#include <bosk/slice.h>
#include <limits.h>

typedef BOSK_SLICE(int) ints;
typedef BOSK_SLICE(unsigned char) bytes;
typedef BOSK_SLICE(int64_t) longs;
typedef BOSK_SLICE(int *) pointers;
struct point {
    int x, y;
};
typedef BOSK_SLICE_POINTER_FREE(struct point) points;
__extension__ typedef struct {
} nothing;
static nothing none;
typedef BOSK_SLICE(nothing) nothings;
typedef struct {
    _Alignas(64) char line[64];
} line;
typedef BOSK_SLICE(line) lines;

static uint64_t orphans(void)
{
    struct bosk_slice_stats stats;
    bosk_slice_stats(&stats);
    return stats.orphaned_by_append;
}

TEST(slice, reads_like_go)
{
    ints s = bosk_make(ints, 0, 4);
    s = bosk_append(s, 1, 2, 3);
    ints t = bosk_reslice(s, 1, 3);
    CHECK(t.len == 2 && t.cap == 3 && t.ptr == s.ptr + 1);
    s = bosk_append_slice(s, t);
    CHECK(s.len == 5 && s.cap == 8 && s.ptr + 1 != t.ptr);
    bosk_at(s, 0) = 10;
    CHECK_EQ(bosk_copy(t, s), 2);
    CHECK(t.ptr[0] == 10 && t.ptr[1] == 2);
    int sum = 0;
    bosk_range(i, v, s) {
        if (v == 2 && i == 1) continue;
        if (i == 4) break;
        sum += v * (int)i;
    }
    CHECK_EQ(sum, 3 * 2 + 2 * 3);
    ints literal = bosk_literal(ints, 7, 8, 9);
    CHECK(literal.len == 3 && literal.cap == 3 && bosk_at(literal, 2) == 9);
    bosk_clear(literal);
    CHECK(literal.len == 3 && literal.ptr[0] == 0 && literal.ptr[2] == 0);
    points pts = bosk_append(((points){0}), {1, 2}, {.y = 3});
    CHECK(pts.len == 2 && pts.ptr[0].y == 2 && pts.ptr[1].x == 0 && pts.ptr[1].y == 3);
}

TEST(slice, append_shares_until_cap_and_never_after)
{
    ints s = bosk_append(bosk_make(ints, 0, 2), 1);
    ints a = bosk_append(s, 2), b = bosk_append(s, 3);
    CHECK(a.ptr == b.ptr && a.ptr[1] == 3);
    uint64_t before = orphans();
    ints c = bosk_append(a, 4), d = bosk_append(a, 5);
    CHECK(c.ptr != a.ptr && d.ptr != a.ptr && c.ptr != d.ptr);
    CHECK(c.ptr[2] == 4 && d.ptr[2] == 5 && a.ptr[0] == 1 && a.ptr[1] == 3);
    CHECK_EQ(orphans() - before, 2);
    /* A window whose capacity is cut grows away from its array. */
    ints w = bosk_append(bosk_reslice(a, 0, 1, 1), 9);
    CHECK(w.ptr != a.ptr && a.ptr[1] == 3 && w.len == 2);
}

TEST(slice, append_of_itself)
{
    ints s = bosk_literal(ints, 1, 2, 3);
    s = bosk_append_slice(s, s);
    s = bosk_append_slice(s, bosk_reslice(s, 1, 4));
    static const int want[] = {1, 2, 3, 1, 2, 3, 2, 3, 1};
    CHECK_EQ(s.len, 9);
    CHECK(memcmp(s.ptr, want, sizeof want) == 0);
    s = bosk_append(s, bosk_at(s, 0), s.ptr[8]);
    CHECK(s.len == 11 && s.ptr[9] == 1 && s.ptr[10] == 1);
}

static int calls;
static ints *once(ints *s)
{
    calls++;
    return s;
}
static int next_int(void) { return ++calls; }

TEST(slice, arguments_are_evaluated_once)
{
    ints s = bosk_make(ints, 3);
    bosk_push(once(&s), 1);
    CHECK_EQ(calls, 1);
    bosk_at(*once(&s), next_int() - 3) = 4; /* 2, then 3, in either order: index 0 or -1 */
    CHECK_EQ(calls, 3);
    calls = 0;
    s = bosk_append(*once(&s), next_int() + 10);
    CHECK_EQ(calls, 2);
    calls = 0;
    bosk_range(i, v, *once(&s)) CHECK(v >= 0 && i >= 0);
    CHECK_EQ(calls, 1);
    calls = 0;
    s = bosk_reslice(*once(&s), 0, s.len);
    bosk_insert(once(&s), next_int() - 2, 5);
    bosk_delete_range(once(&s), 0, 1);
    bosk_free_slice(once(&s));
    CHECK_EQ(calls, 5);
}

TEST(slice, nothing_shares_one_address)
{
    ints a = bosk_make(ints, 0);
    pointers b = bosk_make(pointers, 0, 0);
    ptrdiff_t zero = (ptrdiff_t)launder_size(0);
    ints c = bosk_make(ints, zero);
    nothings d = bosk_make(nothings, PTRDIFF_MAX);
    CHECK((void *)a.ptr == (void *)&bosk_zerobase && (void *)b.ptr == (void *)&bosk_zerobase);
    CHECK((void *)c.ptr == (void *)&bosk_zerobase && (void *)d.ptr == (void *)&bosk_zerobase);
    CHECK_EQ(d.len, PTRDIFF_MAX);
    d = bosk_append(bosk_reslice(d, 0, 5, 5), none);
    CHECK((void *)d.ptr == (void *)&bosk_zerobase && d.len == 6 && d.cap == 6);
    ints nil = {0};
    nil = bosk_append_slice(nil, a);
    CHECK(nil.ptr == NULL && nil.cap == 0);
    nil = bosk_append(nil, 5);
    CHECK(nil.len == 1 && nil.cap == 2);
    bosk_free_slice(&a); /* does nothing */
    CHECK(a.ptr == NULL);
}

TEST(slice, windows_over_foreign_memory_spill_to_the_heap)
{
    int frame[4] = {1, 2, 3, 4};
    ints s = bosk_slice_of(ints, frame, 1, 3);
    CHECK(s.ptr == frame + 1 && s.len == 2 && s.cap == 3);
    bosk_push(&s, 9);
    CHECK(frame[3] == 9 && s.ptr == frame + 1);
    bosk_push(&s, 10);
    CHECK(s.ptr != frame + 1 && s.len == 4 && s.ptr[0] == 2 && s.ptr[3] == 10 && frame[3] == 9);
    bosk_free_slice(&s);
    s = bosk_slice_from(ints, frame, 0, 4);
    bosk_free_slice(&s); /* not ours: nothing */
    s = bosk_slice_of(ints, frame, 4, 4);
    CHECK(s.ptr == frame && s.cap == 0); /* no slice points past its array */
}

TEST(slice, local_slices_live_in_the_frame_up_to_64_kib)
{
    struct bosk_heap_stats before, after;
    bosk_heap_stats(&before);
    {
        BOSK_LOCAL_SLICE(bytes, fits, 65536);
        BOSK_LOCAL_SLICE(bytes, not_any_more, 65537);
        char here;
        CHECK(fits.len == 65536 && fits.cap == 65536 && fits.ptr[65535] == 0);
        ptrdiff_t distance = (char *)launder(fits.ptr) - (char *)launder(&here);
        CHECK(distance > -1000000 && distance < 1000000);
        CHECK_EQ(bosk_home_of(not_any_more.ptr, NULL).kind, BOSK_HOME_MANUAL);
        bool known;
        (void)bosk_home_of(fits.ptr, &known);
        CHECK(!known && not_any_more.len == 65537 && not_any_more.ptr[65536] == 0);
        BOSK_LOCAL_SLICE(ints, grows, 2);
        for (int i = 0; i < 1000; i++) bosk_push(&grows, i);
        CHECK(grows.len == 1002 && grows.ptr[1001] == 999);
    }
    bosk_heap_stats(&after);
    CHECK_EQ(after.mallocs - before.mallocs, after.frees - before.frees);
}

static int64_t sum_of_squares(long long n)
{
    int64_t sum = 0;
    BOSK_LOCAL_SLICE(longs, squares, n);
    CHECK(squares.len == n && squares.cap == n);
    bosk_range(i, v, squares) CHECK(v == 0);
    for (ptrdiff_t i = 0; i < squares.len; i++) bosk_at(squares, i) = i * i;
    bosk_range(i, v, squares) sum += v;
    return sum;
}

TEST(slice, local_slices_of_any_length)
{
    struct bosk_heap_stats before, after;
    bosk_heap_stats(&before);
    for (int round = 0; round < 1000; round++) /* the frame goes back each time */
        for (long long n = 0; n <= 8192; n += 1024) {
            CHECK_EQ(sum_of_squares(n), n == 0 ? 0 : (n - 1) * n * (2 * n - 1) / 6);
            BOSK_LOCAL_SLICE(longs, here, n);
            CHECK(here.len == n);
        }
    bosk_heap_stats(&after);
    CHECK_EQ(after.mallocs, before.mallocs);
    CHECK(sum_of_squares(8193) > 0);
    bosk_heap_stats(&after);
    CHECK_EQ(after.mallocs, before.mallocs + 1);
    CHECK_EQ(after.frees, before.frees + 1);
    int evaluated = 0;
    BOSK_LOCAL_SLICE(longs, once_only, ++evaluated);
    CHECK(evaluated == 1 && once_only.len == 1);
    BOSK_LOCAL_SLICE(nothings, no_size, 1 << 20);
    CHECK(no_size.len == 1 << 20);
}
TEST_PANICS(slice, local_slice_of_negative_length,
            "panic: runtime error: makeslice: len out of range")
{
    (void)sum_of_squares(-1);
}

TEST(slice, literals_in_a_buffer)
{
    struct bosk_heap_stats before, after;
    int frame[4];
    struct point corners[2];
    bosk_heap_stats(&before);
    ints s = bosk_literal_buf(ints, frame, 1, 2, 3);
    CHECK(s.ptr == frame && s.len == 3 && s.cap == 3 && frame[2] == 3);
    points p = bosk_literal_buf(points, corners, {1, 2}, {.y = 3});
    CHECK(p.ptr == corners && p.ptr[1].y == 3 && p.ptr[1].x == 0);
    bosk_heap_stats(&after);
    CHECK_EQ(after.mallocs, before.mallocs);
    ints five = bosk_literal_buf(ints, frame, 1, 2, 3, 4, 5);
    CHECK(five.ptr != frame && five.len == 5 && five.ptr[4] == 5);
    s = bosk_append(s, 4); /* full: another array, though the buffer has room */
    CHECK(s.ptr != frame && frame[2] == 3 && s.ptr[3] == 4);
    bosk_free_slice(&s);
    bosk_free_slice(&five);
}

TEST(slice, make_copy_and_copy)
{
    ints from = bosk_literal(ints, 1, 2, 3);
    ints s = bosk_make_copy(ints, 5, from);
    static const int want[] = {1, 2, 3, 0, 0};
    CHECK(s.len == 5 && s.cap == 5 && memcmp(s.ptr, want, sizeof want) == 0);
    ints shorter = bosk_make_copy(ints, 2, from);
    CHECK(shorter.len == 2 && shorter.ptr[1] == 2);
    CHECK_EQ(bosk_copy(bosk_reslice_from(s, 1), s), 4); /* they overlap */
    static const int moved[] = {1, 1, 2, 3, 0};
    CHECK(memcmp(s.ptr, moved, sizeof moved) == 0);
    ints nil = {0};
    CHECK_EQ(bosk_copy(nil, s), 0);
}

TEST(slice, owner_forms)
{
    longs s = {0};
    for (int64_t i = 0; i < 1000; i++) bosk_push(&s, i);
    CHECK_EQ(s.len, 1000);
    bosk_insert(&s, 0, -1);
    bosk_insert(&s, s.len, -2);
    bosk_insert(&s, 500, -3);
    CHECK(s.ptr[0] == -1 && s.ptr[500] == -3 && s.ptr[501] == 499 && s.ptr[1002] == -2);
    bosk_delete_range(&s, 500, 501);
    bosk_delete_range(&s, 0, 1);
    CHECK_EQ(bosk_pop(&s), -2);
    bosk_range(i, v, s) CHECK_EQ(v, i);
    CHECK_EQ(s.len, 1000);
    CHECK(s.ptr[1001] == 0); /* what was vacated is zero */
    bosk_push_slice(&s, s);
    CHECK(s.len == 2000 && s.ptr[1999] == 999 && s.ptr[1000] == 0);
    CHECK(bosk_try_push_slice(&s, bosk_reslice(s, 5, 8)));
    CHECK(s.len == 2003 && s.ptr[2000] == 5 && s.ptr[2002] == 7);
    bosk_free_slice(&s);
    CHECK(s.ptr == NULL && s.len == 0 && s.cap == 0);
}

/* Two that stand in each other's way: their pages move, and what is pushed moves with them. */
TEST(slice, push_of_itself_while_pages_move)
{
    longs s[4] = {{0}};
    const ptrdiff_t most = sizeof(void *) == 8 ? 1 << 21 : 1 << 19;
    for (int64_t i = 0; i < 1 << 12; i++)
        for (int k = 0; k < 4; k++) bosk_push(&s[k], i + k);
    while (s[0].len < most)
        for (int k = 0; k < 4; k++) bosk_push_slice(&s[k], s[k]);
    for (int k = 0; k < 4; k++) {
        for (ptrdiff_t i = 0; i < s[k].len; i++) CHECK(s[k].ptr[i] == i % (1 << 12) + k);
        bosk_free_slice(&s[k]);
    }
}

TEST(slice, push_frees_what_it_outgrows_also_from_inside)
{
    struct bosk_heap_stats before, after;
    bosk_heap_stats(&before);
    ints s = bosk_make(ints, 100);
    for (int i = 0; i < 100; i++) s.ptr[i] = i;
    s = bosk_reslice(s, 40, 100); /* begins inside its block */
    for (int i = 100; i < 100000; i++) bosk_push(&s, i);
    bosk_range(i, v, s) CHECK_EQ(v, i + 40);
    s = bosk_reslice_from(s, 7);
    bosk_free_slice(&s);
    bosk_heap_stats(&after);
    CHECK_EQ(after.mallocs - before.mallocs, after.frees - before.frees);
}

TEST(slice, large_owned_arrays_are_not_copied)
{
    struct bosk_slice_stats before, after;
    longs s = bosk_make(longs, 1 << 17);
    for (ptrdiff_t i = 0; i < s.len; i++) s.ptr[i] = i;
    bosk_slice_stats(&before);
    for (int64_t i = s.len; i < 1 << 21; i++) bosk_push(&s, i);
    bosk_slice_stats(&after);
    for (ptrdiff_t i = 0; i < s.len; i++) CHECK(s.ptr[i] == i);
    uint64_t grown = after.pushes_grown - before.pushes_grown;
    CHECK(grown >= 8);
    /* Arenas lie apart: blocks that outgrow one move, where an emulator refuses it by copying. */
    bool arenas = sizeof(void *) == 4 || boski_conf.reserve == 1;
    if (!arenas || !boski_os.emulated)
        CHECK_MSG(after.grown_in_place - before.grown_in_place + 2 >= grown, "%llu of %llu",
                  (unsigned long long)(after.grown_in_place - before.grown_in_place),
                  (unsigned long long)grown);
    bosk_free_slice(&s);
}

TEST(slice, zeroing)
{
    /* Dirty blocks of the classes used below. */
    void *dirty[64];
    for (size_t i = 0; i < 64; i++) memset(dirty[i] = bosk_malloc(1024), 0xff, 1024);
    for (size_t i = 0; i < 64; i++) bosk_free(dirty[i]);
    struct bosk_heap_stats before, after;
    bosk_heap_stats(&before);
    bytes s = bosk_make(bytes, 10, 1024);
    bosk_heap_stats(&after);
    CHECK(after.cleared - before.cleared <= 10 && after.spared - before.spared >= 1014);
    for (int i = 0; i < 10; i++) CHECK_EQ(s.ptr[i], 0);
    for (int n = 0; n < 64; n++) {
        bytes full = bosk_make(bytes, 1024);
        for (int i = 0; i < 1024; i++) CHECK(full.ptr[i] == 0);
        pointers p = bosk_make(pointers, 0, 1024 / sizeof(void *));
        for (ptrdiff_t i = 0; i < p.cap; i++) CHECK(p.ptr[i] == NULL);
        p = bosk_append_slice(p, bosk_reslice_to(p, p.cap));
        p = bosk_append(p, NULL);
        for (ptrdiff_t i = 0; i < p.cap; i++) CHECK(p.ptr[i] == NULL);
    }
}

TEST_ENV(slice, zerotail_gives_go_zeroes, "BOSK_CONF=zerotail=1")
{
    static const size_t sizes[] = {16, 24, 48, 64, 100, 128, 800, 1024, 1025, 4096, 32768, 40000};
    for (size_t k = 0; k < COUNT_OF(sizes); k++) {
        ptrdiff_t n = (ptrdiff_t)sizes[k];
        void *dirty[32];
        for (size_t i = 0; i < 32; i++) memset(dirty[i] = bosk_malloc(sizes[k]), 0xff, sizes[k]);
        for (size_t i = 0; i < 32; i++) bosk_free(dirty[i]);
        bytes full = bosk_make(bytes, n / 2 + 1);
        memset(full.ptr, 0xff, (size_t)full.len);
        for (int i = 0; i < 32; i++) {
            bytes s = bosk_make(bytes, 0, n), nil = {0};
            for (ptrdiff_t j = 0; j < n; j++) CHECK(s.ptr[j] == 0);
            nil = bosk_append_slice(nil, full);
            for (ptrdiff_t j = nil.len; j < nil.cap; j++) CHECK(nil.ptr[j] == 0);
            bytes owned = {0};
            bosk_push_slice(&owned, full);
            bosk_push_slice(&owned, full);
            for (ptrdiff_t j = owned.len; j < owned.cap; j++) CHECK(owned.ptr[j] == 0);
        }
    }
}

TEST(slice, over_aligned_elements)
{
    lines s = {0};
    for (int i = 0; i < 1000; i++) {
        bosk_push(&s, ((line){{(char)i}}));
        CHECK((uintptr_t)s.ptr % 64 == 0);
    }
    for (int i = 0; i < 1000; i++) CHECK(s.ptr[i].line[0] == (char)i);
    lines t = bosk_append(s, ((line){{1}}));
    CHECK((uintptr_t)t.ptr % 64 == 0);
    bosk_free_slice(&s);
}

TEST(slice, growth_stays_in_the_home_of_the_array)
{
    bosk_heap *heap = bosk_heap_new(0);
    bosk_home home = {BOSK_HOME_HEAP, heap}, collected = {BOSK_HOME_COLLECTED, NULL};
    ints s = bosk_make_in(home, ints, 1, 1);
    CHECK(bosk_home_of(s.ptr, NULL).owner == heap);
    for (int i = 0; i < 5000; i++) s = bosk_append(s, i);
    CHECK(bosk_home_of(s.ptr, NULL).owner == heap && s.ptr[5000] == 4999);
    for (int i = 0; i < 50000; i++) bosk_push(&s, i);
    CHECK(bosk_home_of(s.ptr, NULL).owner == heap && s.ptr[55000] == 49999);
    bosk_heap_destroy(heap);

    bosk_home_push(collected);
    ints nil = bosk_append(((ints){0}), 1);
    pointers p = bosk_append(((pointers){0}), NULL);
    bosk_home_pop();
    CHECK_EQ(bosk_home_of(nil.ptr, NULL).kind, BOSK_HOME_COLLECTED);
    for (int i = 0; i < 5000; i++) p = bosk_append(p, NULL);
    CHECK_EQ(bosk_home_of(p.ptr, NULL).kind, BOSK_HOME_COLLECTED);
    uint64_t before = orphans();
    for (int i = 0; i < 5000; i++) bosk_push(&nil, i);
    CHECK_EQ(bosk_home_of(nil.ptr, NULL).kind, BOSK_HOME_COLLECTED);
    CHECK_EQ(orphans(), before);
    bosk_free_slice(&nil); /* dropped, for the collector to find */
}

TEST(slice, another_rule_of_growth)
{
    bosk_growth rule;
    CHECK_EQ(bosk_growth_parse("threshold=0,add=100%,round=none", &rule), 0);
    CHECK_EQ(bosk_growth_use(&rule), 0);
    longs s = bosk_append(bosk_make(longs, 1000), 1);
    CHECK_EQ(s.cap, 2000);
    CHECK_EQ(bosk_growth_use(NULL), 0);
    s = bosk_append(bosk_make(longs, 1000), 1);
    CHECK_EQ(s.cap, 1536);
}

TEST_OOM(slice, failed_push_keeps_slice)
{
    longs s = {0};
    int64_t i = 0;
    for (; i < 300000 && bosk_try_push(&s, i); i++) continue;
    CHECK_EQ(s.len, i);
    for (ptrdiff_t j = 0; j < s.len; j++) CHECK(s.ptr[j] == j);
    longs before = s;
    if (!bosk_try_push_slice(&s, s)) CHECK(memcmp(&s, &before, sizeof s) == 0);
    bosk_free_slice(&s);
}

/* One heap after another, each a little larger: every growth is the one that fails in some. */
TEST(slice, owner_forms_without_memory_are_unchanged)
{
    unsigned refused = 0;
    for (size_t limit = 48; limit <= 2048; limit += 48) { /* KiB */
        bosk_heap *heap = bosk_heap_new(limit << 10);
        const bosk_home home = {BOSK_HOME_HEAP, heap};
        bosk_home_push(home);
        longs s = {0};
        lines t = {0};
        pointers p = {0};
        for (int64_t i = 0;; i++) {
            const longs s_was = s;
            const lines t_was = t;
            const pointers p_was = p;
            if (!bosk_try_push(&t, ((line){{(char)i}}))) {
                CHECK(memcmp(&t, &t_was, sizeof t) == 0);
                refused++;
            }
            if (!bosk_try_push(&p, NULL)) {
                CHECK(memcmp(&p, &p_was, sizeof p) == 0);
                refused++;
            }
            if (bosk_try_push(&s, i)) continue;
            CHECK(memcmp(&s, &s_was, sizeof s) == 0);
            refused++;
            break;
        }
        CHECK(s.len > 0 && s.cap >= s.len);
        bosk_range(i, v, s) CHECK(v == i);
        bosk_range(i, v, t) CHECK(i > 200 || v.line[0] == (char)i); /* later ones may be missing */
        bosk_range(i, v, p) CHECK(v == NULL);
        const longs before = s;
        if (!bosk_try_push_slice(&s, s)) CHECK(memcmp(&s, &before, sizeof s) == 0);
        bosk_home_pop();
        bosk_heap_destroy(heap);
    }
    CHECK_MSG(refused > 100, "%u", refused);
}

/* A panic is raised before anything is changed, so a handler may leave by longjmp. */
TEST(slice, try_answers_false_where_no_length_is_left)
{
    nothings all = bosk_make(nothings, PTRDIFF_MAX);
    CHECK(!bosk_try_push(&all, none));
    CHECK(all.len == PTRDIFF_MAX && all.cap == PTRDIFF_MAX);
    int one[1];
    /* All of the address space that one object may have. */
    const ptrdiff_t all_ints = (ptrdiff_t)launder_size(PTRDIFF_MAX / sizeof(int));
    ints lie = bosk_slice_from(ints, one, all_ints, all_ints);
    CHECK(!bosk_try_push(&lie, 1));
    CHECK(lie.ptr == one);
}

/* Several slices over shared arrays against plain arrays. */
enum { WINDOWS = 12, MODEL_MAX = 600 };
TEST(slice, random_operations_against_plain_arrays)
{
    uint64_t seed = bosk_test_seed();
    longs window[WINDOWS] = {{0}};
    for (uint64_t n = bosk_test_budget(200000); n-- > 0;) {
        uint64_t r = bosk_test_random(&seed);
        longs *s = &window[r % WINDOWS], *t = &window[(r >> 8) % WINDOWS];
        int64_t model[MODEL_MAX];
        ptrdiff_t len = s->len, add = t->len;
        if (len > MODEL_MAX / 2 || add > MODEL_MAX / 2) *s = bosk_reslice_to(*s, s->len / 4);
        if (len > MODEL_MAX / 2 || add > MODEL_MAX / 2) *t = bosk_reslice_to(*t, t->len / 4);
        len = s->len;
        add = t->len;
        if (len != 0) memcpy(model, s->ptr, (size_t)len * sizeof *model);
        longs old = *s;
        switch ((r >> 16) % 6) {
        case 0:
            *s = bosk_append(*s, (int64_t)r);
            model[len++] = (int64_t)r;
            break;
        case 1:
            if (add != 0) memcpy(model + len, t->ptr, (size_t)add * sizeof *model);
            *s = bosk_append_slice(*s, *t);
            len += add;
            break;
        case 2: {
            ptrdiff_t max = (ptrdiff_t)((r >> 24) % (uint64_t)(s->len + 1));
            ptrdiff_t hi = (ptrdiff_t)((r >> 34) % (uint64_t)(max + 1));
            ptrdiff_t lo = (ptrdiff_t)((r >> 44) % (uint64_t)(hi + 1));
            *s = r >> 60 ? bosk_reslice(*s, lo, hi) : bosk_reslice(*s, lo, hi, max);
            len = hi - lo;
            memmove(model, model + lo, (size_t)len * sizeof *model);
            break;
        }
        case 3:
            if (add != 0) memcpy(model, t->ptr, (size_t)(add < len ? add : len) * sizeof *model);
            CHECK_EQ(bosk_copy(*s, *t), add < len ? add : len);
            break;
        case 4:
            if (len != 0) bosk_at(*s, r % (uint64_t)len) = model[r % (uint64_t)len] = -7;
            break;
        case 5: *s = bosk_make_copy(longs, len, *s); break;
        }
        CHECK(s->len == len && s->cap >= len);
        if (len != 0) CHECK(memcmp(s->ptr, model, (size_t)len * sizeof *model) == 0);
        if (len > old.cap)
            CHECK(s->ptr != old.ptr);
        else if ((r >> 16) % 6 < 2)
            CHECK(s->ptr == old.ptr && s->cap == old.cap);
    }
}
