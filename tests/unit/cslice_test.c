/* cslice_test.c - concurrent slices: their interface, stalled appenders, batches over the ends of
 * segments, no memory, and threads that append while others read. */
#include "heap_support.h"
#include "os/os.h"

#include <bosk/arena.h>
#include <bosk/cslice.h>
#include <pthread.h>
#include <sched.h>

typedef BOSK_CSLICE(int64_t) longs;
typedef BOSK_SLICE(int64_t) longs_slice;
typedef BOSK_CSLICE(char) chars;
typedef BOSK_CSLICE(int *) pointers;
/* Three words that belong together: torn or early reads show. */
struct triple {
    uint64_t a, b, c;
};
typedef BOSK_CSLICE_POINTER_FREE(struct triple) triples;
__extension__ typedef struct {
} nothing;
typedef BOSK_CSLICE(nothing) nothings;
typedef struct {
    _Alignas(128) char bytes[384];
} wide;
typedef BOSK_CSLICE(wide) wides;

TEST(cslice, reads_like_a_slice)
{
    static longs c;
    CHECK_EQ(bosk_cslice_len(&c), 0);
    for (int64_t i = 0; i < 10000; i++) {
        CHECK_EQ(bosk_cslice_append(&c, i * i), i);
        CHECK_EQ(bosk_cslice_get(&c, i), i * i);
        if (i % 97 == 0) CHECK_EQ(bosk_cslice_len(&c), i + 1);
    }
    const int64_t *first = bosk_cslice_at(&c, 0);
    int64_t seen = 0;
    bosk_cslice_range(i, v, &c)
    {
        if (i % 2 == 1) continue;
        if (i == 5000) break;
        CHECK(v == i * i);
        seen++;
    }
    CHECK_EQ(seen, 2500);
    bosk_cslice_range(i, v, &c) bosk_cslice_append(&c, v + i); /* ends all the same */
    CHECK_EQ(bosk_cslice_len(&c), 20000);
    CHECK(bosk_cslice_at(&c, (unsigned char)0) == first); /* and never moves */
    bosk_cslice_free(&c);
    CHECK_EQ(bosk_cslice_len(&c), 0);
    CHECK_EQ(bosk_cslice_append(&c, 1), 0);
    bosk_cslice_free(&c);
}

TEST(cslice, elements_of_every_size)
{
    static chars small;
    static nothings none;
    static wides large;
    static pointers ptrs;
    static int target;
    for (int i = 0; i < 5000; i++) {
        CHECK_EQ(bosk_cslice_append(&small, (char)i), i);
        CHECK_EQ(bosk_cslice_append(&none, (nothing){}), i);
        wide w = {{(char)i}};
        CHECK_EQ(bosk_cslice_append(&large, w), i);
        CHECK((uintptr_t)bosk_cslice_at(&large, i) % 128 == 0);
        CHECK_EQ(bosk_cslice_append(&ptrs, i % 2 ? &target : NULL), i);
    }
    for (int i = 0; i < 5000; i++) {
        CHECK(bosk_cslice_get(&small, i) == (char)i);
        CHECK(bosk_cslice_at(&none, i) == (const void *)&bosk_zerobase);
        CHECK(bosk_cslice_at(&large, i)->bytes[0] == (char)i);
        CHECK(bosk_cslice_get(&ptrs, i) == (i % 2 ? &target : NULL));
    }
    CHECK(bosk_cslice_len(&small) == 5000 && bosk_cslice_len(&none) == 5000);
    CHECK_EQ(bosk_cslice_append_n(&none, (nothing[3]){{}}, 3), 5000);
    CHECK_EQ(bosk_cslice_len(&none), 5003);
    bosk_cslice_free(&small);
    bosk_cslice_free(&none);
    bosk_cslice_free(&large);
    bosk_cslice_free(&ptrs);
}

/* Whatever the element, the segments cover the indices without gap or overlap. */
TEST(cslice, places_are_all_different)
{
    for (size_t size = 0; size < 200; size = size < 20 ? size + 1 : size * 2 - 7) {
        const unsigned shift = boski_cslice_shift(size);
        const size_t first = (size_t)1 << shift;
        CHECK(first >= 8 && first <= 512 && (size > 64 || size < 1 || first * size >= 256));
        static struct bosk_csegment segments[12];
        bosk_cslice c = {0};
        for (unsigned k = 0; k < 12; k++) {
            segments[k].size = first << k;
            segments[k].base = segments[k].size - first;
            c.segment[k] = &segments[k];
        }
        for (size_t i = 0; i < (first << 12) - first; i++) {
            const struct bosk_cslot s = boski_cslice_place(&c, size, i);
            CHECK(s.segment != NULL && s.slot < s.segment->size);
            CHECK_EQ(s.segment->base + s.slot, i);
        }
        CHECK(boski_cslice_place(&c, size, (first << 12) - first).segment == NULL);
        CHECK(boski_cslice_place(&c, size, PTRDIFF_MAX).segment == NULL);
    }
}

/* ---- panics ------------------------------------------------------------------------------- */

static longs three(void)
{
    longs c = bosk_make_cslice(longs);
    for (int64_t i = 0; i < 3; i++) bosk_cslice_append(&c, i);
    return c;
}
TEST_PANICS(cslice, index_past_len, "panic: runtime error: index out of range [3] with length 3")
{
    longs c = three();
    CHECK_EQ(bosk_cslice_get(&c, 3), 0);
}
TEST_PANICS(cslice, index_negative, "panic: runtime error: index out of range [-1]")
{
    longs c = three();
    CHECK_EQ(bosk_cslice_get(&c, -1), 0);
}
TEST_PANICS(cslice, index_huge, "index out of range [18446744073709551615] with length 3")
{
    longs c = three();
    CHECK_EQ(bosk_cslice_get(&c, UINT64_MAX), 0);
}
TEST_PANICS(cslice, index_far, "index out of range [2305843009213693951] with length 3")
{
    longs c = three();
    CHECK_EQ(bosk_cslice_get(&c, INT64_MAX >> 2), 0);
}
TEST_PANICS(cslice, index_of_nothing, "index out of range [0] with length 0")
{
    static longs c;
    CHECK_EQ(bosk_cslice_get(&c, 0), 0);
}
TEST_PANICS(cslice, batch_negative, "panic: bosk: cslice batch out of range")
{
    longs c = three();
    bosk_cslice_append_n(&c, NULL, -1);
}
TEST_PANICS(cslice, batch_too_long, "panic: bosk: cslice batch out of range")
{
    longs c = three();
    CHECK(bosk_cslice_try_append_n(&c, NULL, BOSK_CSLICE_BATCH + 1) < 0);
}
TEST_PANICS(cslice, copy_from_beyond, "slice bounds out of range [4:3]")
{
    longs c = three();
    bosk_cslice_copy(((longs_slice){0}), &c, 4);
}
TEST_PANICS(cslice, run_from_below, "slice bounds out of range [-1:]")
{
    longs c = three();
    ptrdiff_t n;
    bosk_cslice_run(&c, -1, &n);
}
TEST_PANICS(cslice, no_memory_is_fatal, "fatal error: runtime: out of memory")
{
    bosk_heap *heap = bosk_heap_new(64 * KIB);
    longs c = bosk_make_cslice_in(((bosk_home){BOSK_HOME_HEAP, heap}), longs);
    for (int64_t i = 0; i < 100000; i++) bosk_cslice_append(&c, i);
}
TEST_PANICS(cslice, no_memory_for_a_batch_is_fatal, "fatal error: runtime: out of memory")
{
    bosk_heap *heap = bosk_heap_new(64 * KIB);
    static const int64_t many[100000];
    longs c = bosk_make_cslice_in(((bosk_home){BOSK_HOME_HEAP, heap}), longs);
    bosk_cslice_append_n(&c, many, 100000);
}

/* ---- batches ------------------------------------------------------------------------------- */

TEST(cslice, batches_of_every_length_at_every_place)
{
    static int64_t values[3000];
    int64_t next = 0;
    static longs c;
    uint64_t rng = bosk_test_seed();
    CHECK_EQ(bosk_cslice_append_n(&c, values, 0), 0);
    while (next < (int64_t)bosk_test_budget(2000000)) {
        const uint64_t r = bosk_test_random(&rng);
        const ptrdiff_t n = (ptrdiff_t)((r >> 8) % (r % 16 ? 40 : 3000));
        for (ptrdiff_t i = 0; i < n; i++) values[i] = next + i;
        CHECK_EQ(bosk_cslice_append_n(&c, values, n), next);
        next += n;
        if (r % 3 == 0) CHECK_EQ(bosk_cslice_append(&c, next), next), next++;
    }
    CHECK_EQ(bosk_cslice_len(&c), next);
    bosk_cslice_range(i, v, &c) CHECK(v == i);
    int64_t sum = 0;
    ptrdiff_t n, runs = 0;
    const int64_t *p;
    for (ptrdiff_t i = 0; p = bosk_cslice_run(&c, i, &n), n > 0; i += n, runs++)
        for (ptrdiff_t k = 0; k < n; k++) {
            CHECK(p[k] == i + k);
            sum += p[k];
        }
    CHECK(p == NULL && runs < 25);
    CHECK_EQ(sum, next * (next - 1) / 2);
    longs_slice copy = bosk_make(longs_slice, next + 5);
    CHECK_EQ(bosk_cslice_copy(copy, &c, 0), next);
    for (int64_t i = 0; i < next; i++) CHECK(copy.ptr[i] == i);
    CHECK_EQ(bosk_cslice_copy(bosk_reslice(copy, 0, 7), &c, 100), 7);
    CHECK_EQ(copy.ptr[6], 106);
    CHECK_EQ(bosk_cslice_copy(copy, &c, next), 0);
    CHECK_EQ(bosk_cslice_append_slice(&c, bosk_reslice(copy, 0, 7)), next);
    CHECK_EQ(bosk_cslice_try_append_slice(&c, bosk_reslice(copy, 0, 7)), next + 7);
    CHECK_EQ(bosk_cslice_get(&c, next + 7 + 6), 106);
    bosk_free_slice(&copy);
    bosk_cslice_free(&c);
}

/* A batch larger than everything before it goes through several segments that it finds closed. */
TEST(cslice, batch_over_many_segments)
{
    static longs c;
    enum { N = 200000 };
    int64_t *values = get(N * sizeof *values);
    for (int64_t i = 0; i < N; i++) values[i] = i + 1;
    bosk_cslice_append(&c, 0);
    CHECK_EQ(bosk_cslice_append_n(&c, values, N), 1);
    CHECK_EQ(bosk_cslice_append(&c, N + 1), N + 1);
    bosk_cslice_range(i, v, &c) CHECK(v == i);
    CHECK_EQ(bosk_cslice_len(&c), N + 2);
    bosk_cslice_free(&c);
    bosk_free(values);
}

/* ---- stalled appenders ---------------------------------------------------------------------- */

static const bosk_type long_type = {.size = 8, .align = 8, .noscan = true};

TEST(cslice, stalled_appender_holds_up_the_length_only)
{
    static longs c;
    for (int64_t i = 0; i < 10; i++) bosk_cslice_append(&c, i);
    const struct bosk_cslot stalled = boski_cslice_take(&long_type, &c.all);
    for (int64_t i = 11; i < 10000; i++) CHECK_EQ(bosk_cslice_append(&c, i), i);
    static const int64_t batch[500];
    CHECK_EQ(bosk_cslice_append_n(&c, batch, 500), 10000);
    CHECK_EQ(bosk_cslice_len(&c), 10);
    CHECK_EQ(bosk_cslice_get(&c, 9999), 9999); /* whoever knows the index may look */
    ptrdiff_t n;
    bosk_cslice_run(&c, 0, &n);
    CHECK_EQ(n, 10);
    bosk_cslice_range(i, v, &c) CHECK(i < 10 && v == i);
    ((int64_t *)stalled.segment->array)[stalled.slot] = 10;
    CHECK_EQ(boski_cslice_publish(stalled), 10);
    CHECK_EQ(bosk_cslice_len(&c), 10500);
    CHECK_EQ(bosk_cslice_get(&c, 10), 10);
    bosk_cslice_free(&c);
}
TEST_PANICS(cslice, nobody_sees_what_is_not_there, "index out of range [0] with length 0")
{
    static longs c;
    boski_cslice_take(&long_type, &c.all);
    bosk_cslice_append(&c, 1);
    CHECK_EQ(bosk_cslice_get(&c, 0), 0);
}

/* Somebody stopped for good while making a segment, and another one after closing one by a batch of
 * which nothing is written yet. */
TEST(cslice, stalled_grower_and_stalled_batch_stop_nobody)
{
    static longs c;
    bosk_cslice_append(&c, 0);
    c.all.growing = 2;
    for (int64_t i = 1; i < 100; i++) CHECK_EQ(bosk_cslice_append(&c, i), i);
    struct bosk_csegment *seg = c.all.current;
    CHECK(seg->number == 1 && seg->size == 128 && seg->next == 100 - 64);
    CHECK(bosk_cslice_reserve(&c, 2000));
    /* 92 of this segment, all 256 of the next, 12 of the one behind. */
    seg->next = ((uint64_t)256 + 12) << 40 | 128;
    CHECK_EQ(bosk_cslice_append(&c, -1), 64 + 128 + 256 + 12);
    CHECK_EQ(bosk_cslice_append_n(&c, ((int64_t[]){-2, -3}), 2), 64 + 128 + 256 + 13);
    CHECK_EQ(bosk_cslice_len(&c), 100);
    for (size_t i = 100; i < 460; i++) {
        const struct bosk_cslot s = boski_cslice_place(&c.all, 8, i);
        CHECK(s.segment->ready[s.slot] == 0);
        ((int64_t *)s.segment->array)[s.slot] = (int64_t)i;
        CHECK_EQ(boski_cslice_publish(s), i);
    }
    CHECK_EQ(bosk_cslice_len(&c), 463);
    bosk_cslice_range(i, v, &c) CHECK(v == (i < 460 ? i : 459 - i));
    bosk_cslice_free(&c);
}

/* Whoever meets a thread of a higher tag goes, some thousands of elements later whoever meets one
 * of a lower; only after a meeting a moment ago for longer, and never for long. */
TEST(cslice, one_of_two_steps_aside)
{
    static longs c;
    CHECK(bosk_cslice_reserve(&c, 20000));
    struct bosk_csegment *seg = c.all.segment[7];
    CHECK(seg->size == 8192 && boski_cslice_tag() != 0);
    const struct {
        size_t slot;
        unsigned char before, tag;
        bool goes;
    } rows[] = {{10, 9, 5, true}, {10, 5, 9, false},  {10, 0, 5, false},
                {0, 9, 5, false}, {5000, 5, 9, true}, {5000, 9, 5, false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct bosk_cslot s = {seg, rows[i].slot};
        if (s.slot != 0) seg->ready[s.slot - 1] = rows[i].before;
        seg->crowded = 0;
        bosk_cslice_step_aside(s, rows[i].tag);
        CHECK_EQ(seg->crowded != 0, rows[i].goes);
        if (!rows[i].goes) continue;
        /* A second meeting takes longer than one long after: the least of many counts. */
        uint64_t alone = UINT64_MAX, crowded = UINT64_MAX;
        for (int k = 0; k < 200; k++) {
            seg->crowded -= (size_t)1 << 30;
            uint64_t from = boski_os_now_ns(), took;
            bosk_cslice_step_aside(s, rows[i].tag);
            took = boski_os_now_ns() - from;
            if (took < alone) alone = took;
            from = boski_os_now_ns();
            bosk_cslice_step_aside(s, rows[i].tag);
            took = boski_os_now_ns() - from;
            if (took < crowded) crowded = took;
        }
        CHECK_MSG(crowded < 100000, "%llu ns", (unsigned long long)crowded);
        if (getenv("BOSK_TEST_EMULATOR") == NULL && !SANITIZED)
            CHECK_MSG(alone * 2 < crowded, "%llu and %llu ns", (unsigned long long)alone,
                      (unsigned long long)crowded);
    }
    bosk_cslice_free(&c);
}

/* ---- no memory ---- */

TEST_OOM(cslice, failed_append_leaves_no_hole)
{
    static longs c;
    int64_t failed = 0;
    for (int64_t i = 0; i < 20000;) {
        const ptrdiff_t at = bosk_cslice_try_append(&c, i);
        CHECK(at == i || at == -1);
        CHECK_EQ(bosk_cslice_len(&c), i + (at >= 0));
        if (at < 0) CHECK(++failed < 10);
        i += at >= 0;
    }
    bosk_cslice_range(i, v, &c) CHECK(v == i);
    bosk_cslice_free(&c);
}
TEST_OOM(cslice, failed_batch_appends_nothing)
{
    static longs c;
    static int64_t values[7000];
    int64_t failed = 0;
    for (int64_t i = 0; i < 70000;) {
        for (int64_t k = 0; k < 7000; k++) values[k] = i + k;
        const ptrdiff_t at = bosk_cslice_try_append_n(&c, values, 7000);
        CHECK(at == i || at == -1);
        if (at < 0) CHECK(++failed < 10);
        CHECK_EQ(bosk_cslice_len(&c), i + (at >= 0 ? 7000 : 0));
        if (at >= 0) i += 7000;
        CHECK_EQ(bosk_cslice_reserve(&c, 0), true);
    }
    bosk_cslice_range(i, v, &c) CHECK(v == i);
    bosk_cslice_free(&c);
}

static longs limited;
static void *appends_in_vain(void *arg)
{
    int64_t appended = 0;
    for (int64_t i = 0; i < 100000; i++)
        if (bosk_cslice_try_append(&limited, i) >= 0) appended++;
    *(int64_t *)arg = appended;
    return NULL;
}
TEST(cslice, no_number_of_failures_adds_up)
{
    bosk_heap *heap = bosk_heap_new(256 * KIB);
    limited = bosk_make_cslice_in(((bosk_home){BOSK_HOME_HEAP, heap}), longs);
    pthread_t thread[3];
    int64_t appended[3], all = 0;
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&thread[i], NULL, appends_in_vain, &appended[i]) == 0);
    for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL), all += appended[i];
    const ptrdiff_t len = bosk_cslice_len(&limited);
    CHECK(len > 1000 && all == len);
    CHECK(!bosk_cslice_reserve(&limited, 1000000));
    const struct bosk_csegment *seg = limited.all.current;
    CHECK_MSG(seg->next <= seg->size + 4, "%llu tickets of %zu", (unsigned long long)seg->next,
              seg->size);
    CHECK_EQ(bosk_cslice_try_append(&limited, 1), -1);
    static const int64_t many[40];
    CHECK_EQ(bosk_cslice_try_append_n(&limited, many, 40), -1);
    CHECK_EQ(bosk_cslice_len(&limited), len);
    bosk_cslice_free(&limited);
    CHECK_EQ(bosk_cslice_append(&limited, 5), 0); /* in the same home */
    CHECK_EQ(bosk_home_of(bosk_cslice_at(&limited, 0), NULL).kind, BOSK_HOME_HEAP);
    bosk_heap_destroy(heap);
}

TEST(cslice, reserved_elements_ask_for_no_memory)
{
    bosk_heap *heap = bosk_heap_new(512 * KIB);
    longs c = bosk_make_cslice_in(((bosk_home){BOSK_HOME_HEAP, heap}), longs);
    CHECK(bosk_cslice_reserve(&c, 10000));
    CHECK(bosk_cslice_reserve(&c, -5) && bosk_cslice_len(&c) == 0);
    while (bosk_alloc_in((bosk_home){BOSK_HOME_HEAP, heap}, &long_type, 1, false)) {}
    for (int64_t i = 0; i < 10000; i++) CHECK_EQ(bosk_cslice_try_append(&c, i), i);
    bosk_heap_destroy(heap);
}

/* ---- homes ----------------------------------------------------------------------------------- */

static void *append_elsewhere(void *arg)
{
    bosk_home_push((bosk_home){BOSK_HOME_ROOT, NULL});
    for (int64_t i = 0; i < 1000; i++) bosk_cslice_append((longs *)arg, i);
    bosk_home_pop();
    return NULL;
}
TEST(cslice, lives_in_one_home_whoever_appends)
{
    bosk_heap *heap = bosk_heap_new(0);
    bosk_arena *arena = bosk_arena_new(0);
    const bosk_home homes[] = {bosk_arena_home(arena),
                               {BOSK_HOME_MANUAL, NULL},
                               {BOSK_HOME_COLLECTED, NULL},
                               {BOSK_HOME_ROOT, NULL},
                               {BOSK_HOME_HEAP, heap}};
    for (size_t h = 0; h < COUNT_OF(homes); h++) {
        bosk_home_push(homes[h]);
        longs c = bosk_make_cslice(longs);
        bosk_home_pop();
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, append_elsewhere, &c) == 0);
        pthread_join(thread, NULL);
        for (ptrdiff_t i = 0; i < 1000; i++)
            CHECK_EQ(bosk_home_of(bosk_cslice_at(&c, i), NULL).kind, homes[h].kind);
        CHECK_EQ(bosk_home_of(c.all.segment[0], NULL).kind, homes[h].kind);
        if (h == 0) bosk_arena_free(arena); /* before the vector in it */
        bosk_cslice_free(&c);
    }
    bosk_heap_destroy(heap);
}

TEST(cslice, gives_everything_back)
{
    const uint64_t before = stats_exact().live;
    for (int round = 0; round < 20; round++) {
        static longs c;
        for (int64_t i = 0; i < 5000; i++) bosk_cslice_append(&c, i);
        bosk_cslice_free(&c);
    }
    CHECK_EQ(stats_exact().live, before);
}

/* ---- threads ---- */

enum { APPENDERS = 3, READERS = 2, LONGEST = 200 };
static triples shared;
static uint64_t per_thread;
static int done;

static struct triple make_triple(uint64_t who, uint64_t seq)
{
    const uint64_t a = who << 56 | seq;
    return (struct triple){a, ~a, a * 0x9e3779b97f4a7c15u};
}
static bool whole(const struct triple *t)
{
    return t->b == ~t->a && t->c == t->a * 0x9e3779b97f4a7c15u;
}

static void *appender(void *arg)
{
    const uint64_t who = (uint64_t)(uintptr_t)arg;
    uint64_t rng = bosk_test_seed() + who;
    struct triple batch[LONGEST];
    for (uint64_t seq = 0; seq < per_thread;) {
        const uint64_t r = bosk_test_random(&rng);
        uint64_t n = r % 32 == 0 ? 1 + (r >> 8) % LONGEST : 1;
        if (n > per_thread - seq) n = per_thread - seq;
        for (uint64_t i = 0; i < n; i++) batch[i] = make_triple(who, seq + i);
        const ptrdiff_t at = n == 1 ? bosk_cslice_append(&shared, batch[0])
                                    : bosk_cslice_append_n(&shared, batch, (ptrdiff_t)n);
        for (uint64_t i = 0; i < n; i++)
            CHECK(bosk_cslice_at(&shared, at + (ptrdiff_t)i)->a == batch[i].a);
        seq += n;
    }
    return NULL;
}
static void *reader(void *arg)
{
    ptrdiff_t before = 0;
    uint64_t rng = bosk_test_seed() ^ (uint64_t)(uintptr_t)arg;
    bool last;
    do {
        last = __atomic_load_n(&done, __ATOMIC_ACQUIRE) != 0;
        const ptrdiff_t n = bosk_cslice_len(&shared);
        CHECK(n >= before);
        for (ptrdiff_t i = before; i < n; i++) CHECK(whole(bosk_cslice_at(&shared, i)));
        for (int i = 0; i < 20 && n > 0; i++) {
            const struct triple t =
                bosk_cslice_get(&shared, (ptrdiff_t)(bosk_test_random(&rng) % (uint64_t)n));
            CHECK(whole(&t));
        }
        before = n;
        if (bosk_test_random(&rng) % 4 == 0) sched_yield();
    } while (!last);
    CHECK_EQ(before, per_thread * APPENDERS);
    return NULL;
}
/* Small vectors meet the ends of segments often; one large one lasts. */
static void stress(uint64_t elements)
{
    pthread_t a[APPENDERS], r[READERS];
    per_thread = elements;
    done = 0;
    shared = bosk_make_cslice(triples);
    for (uintptr_t i = 0; i < READERS; i++)
        CHECK(pthread_create(&r[i], NULL, reader, (void *)(i + 1)) == 0);
    for (uintptr_t i = 0; i < APPENDERS; i++)
        CHECK(pthread_create(&a[i], NULL, appender, (void *)i) == 0);
    for (int i = 0; i < APPENDERS; i++) pthread_join(a[i], NULL);
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < READERS; i++) pthread_join(r[i], NULL);
    /* Each thread's elements are all there, once, in the order in which it appended them. */
    uint64_t next[APPENDERS] = {0};
    bosk_cslice_range(i, v, &shared)
    {
        const uint64_t who = v.a >> 56;
        CHECK(whole(&v) && who < APPENDERS);
        CHECK_EQ(v.a & (((uint64_t)1 << 56) - 1), next[who]);
        next[who]++;
    }
    for (int i = 0; i < APPENDERS; i++) CHECK_EQ(next[i], elements);
    bosk_cslice_free(&shared);
}
TEST(cslice, threads_append_and_read_large) { stress(bosk_test_budget(300000)); }
TEST(cslice, threads_append_and_read_small)
{
    const uint64_t rounds = bosk_test_budget(400);
    for (uint64_t round = 0; round < rounds; round++) stress(20 + round % 700);
}

/* The batches of other threads never come between the elements of one. */
static longs interleaved;
static void *appends_batches(void *arg)
{
    int64_t values[LONGEST];
    uint64_t rng = (uint64_t)(uintptr_t)arg + 99;
    for (uint64_t i = 0; i < per_thread; i++) {
        const ptrdiff_t n = 1 + (ptrdiff_t)(bosk_test_random(&rng) % LONGEST);
        for (ptrdiff_t k = 0; k < n; k++) values[k] = n * 1000 + k;
        bosk_cslice_append_n(&interleaved, values, n);
    }
    return NULL;
}
TEST(cslice, batches_of_threads_stay_together)
{
    pthread_t thread[APPENDERS];
    per_thread = bosk_test_budget(10000);
    for (uintptr_t i = 0; i < APPENDERS; i++)
        CHECK(pthread_create(&thread[i], NULL, appends_batches, (void *)i) == 0);
    for (int i = 0; i < APPENDERS; i++) pthread_join(thread[i], NULL);
    int64_t batches = 0, expected = -1, left = 0;
    bosk_cslice_range(i, v, &interleaved)
    {
        if (left == 0) {
            CHECK_EQ(v % 1000, 0);
            left = v / 1000;
            expected = v;
            batches++;
        }
        CHECK_EQ(v, expected);
        expected++;
        left--;
    }
    CHECK(left == 0 && batches == (int64_t)per_thread * APPENDERS);
    bosk_cslice_free(&interleaved);
}
