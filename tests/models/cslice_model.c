/* cslice_model.c - all executions of small programs on the concurrent slice, as its own source
 * says.
 *
 * src/container/cslice.c and the macros of bosk/cslice.h are compiled here with accesses of the
 * explorer in place of atomics.  Segments hold 1, 2, 4, ... elements, so that their ends are met
 * early.  First every program must be right in every execution; then each memory order is made
 * relaxed, one after the other, and some program must be found wrong.
 *
 * Checked in each execution: an element is written once and read whole only by threads to which it
 * was published; memory is used only by threads it was handed to; all below a length is there; a
 * length is never less than one that was seen before; indices are what append returned; batches
 * stay together; nothing is lost; an append that finds no memory leaves nothing behind; and nobody
 * waits for anybody.
 */
#include "explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the source under the explorer ----------------------------------------------------------- */

enum site {
    READY_STORE,
    READY_LOAD,
    SEGMENT_CAS,
    SEGMENT_LOST,
    SEGMENT_LOAD,
    CURRENT_CAS,
    CURRENT_LOAD,
    SEEN_STORE,
    SEEN_LOAD,
    SITES
};
static const char *const site_names[SITES] = {"READY_STORE",  "READY_LOAD",   "SEGMENT_CAS",
                                              "SEGMENT_LOST", "SEGMENT_LOAD", "CURRENT_CAS",
                                              "CURRENT_LOAD", "SEEN_STORE",   "SEEN_LOAD"};
static int orders[SITES];

#define BOSKI_CS_READY_STORE orders[READY_STORE]
#define BOSKI_CS_READY_LOAD orders[READY_LOAD]
#define BOSKI_CS_SEGMENT_CAS orders[SEGMENT_CAS]
#define BOSKI_CS_SEGMENT_LOST orders[SEGMENT_LOST]
#define BOSKI_CS_SEGMENT_LOAD orders[SEGMENT_LOAD]
#define BOSKI_CS_CURRENT_CAS orders[CURRENT_CAS]
#define BOSKI_CS_CURRENT_LOAD orders[CURRENT_LOAD]
#define BOSKI_CS_SEEN_STORE orders[SEEN_STORE]
#define BOSKI_CS_SEEN_LOAD orders[SEEN_LOAD]

#define BOSKI_CS_LOAD(p, order) ((__typeof__(*(p)))(uintptr_t)explore_load((p), sizeof *(p), order))
#define BOSKI_CS_STORE(p, v, order) explore_store((p), sizeof *(p), (uintptr_t)(v), order)
#define BOSKI_CS_ADD(p, n) explore_add((p), sizeof *(p), (n), __ATOMIC_RELAXED)
#define BOSKI_CS_CAS(p, old, v, order, failed) \
    swap((p), sizeof *(p), (void *)(old), (uint64_t)(uintptr_t)(v), order, failed)
#define BOSKI_CS_WRITE(element, v) explore_write(&(element), (uint64_t)(v))
#define BOSKI_CS_SHIFT(elem_size) ((void)(elem_size), 0)
#define BOSKI_CS_PATIENCE 0
/* What only makes a thread slower. */
#define BOSKI_CS_TAG() 1
#define BOSKI_CS_CROWDED(s, tag) ((void)(tag), false)
_Static_assert(sizeof(void *) == sizeof(uint64_t), "pointers are values of the explorer");

static bool swap(void *p, size_t bytes, void *old, uint64_t v, int order, int failed)
{
    uint64_t expected = 0;
    memcpy(&expected, old, bytes);
    const bool done = explore_cas(p, bytes, &expected, v, order, failed);
    memcpy(old, &expected, bytes);
    return done;
}
/* What batches copy is elements. */
static void *copy(void *to, const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t v;
        memcpy(&v, (const char *)from + i, 8);
        explore_write((char *)to + i, v);
    }
    return to;
}
#define memcpy copy
#include "../../src/container/cslice.c"
#undef memcpy

/* What the source calls. */
const char bosk_abi_0 = 0;
struct bosk_zero bosk_zerobase;
static bool memory_may_fail;
void *bosk_alloc_in(bosk_home home, const bosk_type *type, size_t count, bool zero)
{
    (void)home, (void)zero;
    if (memory_may_fail && explore_choose(2) == 1) return NULL;
    return explore_alloc(type->size * count);
}
bosk_home bosk_home_current(void) { return (bosk_home){BOSK_HOME_MANUAL, NULL}; }
void bosk_free(void *p) { (void)p; } /* of a segment that came too late */
static void wrong(const char *what)
{
    explore_check(false, what);
    abort();
}
void bosk_fatal(const char *format, ...) { wrong(format), abort(); }
void bosk_panic(const char *format, ...) { wrong(format), abort(); }
void bosk_panic_index(long long index, ptrdiff_t len, bool is_unsigned)
{
    (void)index, (void)len, (void)is_unsigned;
    wrong("an element below the length is not there"), abort();
}
void bosk_panic_slice(long long lo, long long hi, ptrdiff_t bound, bool bound_is_cap)
{
    (void)lo, (void)hi, (void)bound, (void)bound_is_cap;
    wrong("bounds"), abort();
}

/* ---- threads ---- */

typedef BOSK_CSLICE(uint64_t) vector;
static vector shared;
static uint64_t told;                /* an index that one thread tells another, or 0 */
static ptrdiff_t where[1000];        /* of each value, as append returned it; -1 */
static uint64_t values_appended[16]; /* in this run */
static unsigned appended;

static void setup(void)
{
    memset(&shared, 0, sizeof shared);
    told = 0;
    memory_may_fail = false;
}
static void setup_failing(void)
{
    setup();
    memory_may_fail = true;
}
static uint64_t value(unsigned n) { return 100 * (explore_self() + 1) + n; }

static void append(unsigned n)
{
    const uint64_t v = value(n);
    const ptrdiff_t i = bosk_cslice_try_append(&shared, v);
    where[v] = i;
    explore_check(i >= 0 || memory_may_fail, "append failed");
    /* Whoever got an index may look at once. */
    if (i >= 0)
        explore_check(explore_read(bosk_cslice_at(&shared, i)) == v, "not what was appended");
}
static void append_batch(unsigned first, ptrdiff_t n)
{
    uint64_t v[4];
    for (ptrdiff_t k = 0; k < n; k++) v[k] = value(first + (unsigned)k);
    const ptrdiff_t i = bosk_cslice_try_append_n(&shared, v, n);
    explore_check(i >= 0 || memory_may_fail, "a batch failed");
    for (ptrdiff_t k = 0; k < n; k++) where[v[k]] = i < 0 ? -1 : i + k;
}
/* The length, and everything below it. */
static ptrdiff_t look(ptrdiff_t before)
{
    const ptrdiff_t n = bosk_cslice_len(&shared);
    explore_check(n >= before, "the length shrinks");
    for (ptrdiff_t i = 0; i < n; i++) explore_read(bosk_cslice_at(&shared, i));
    return n;
}

static void one(void) { append(0); }
static void two(void) { append(0), append(1); }
static void batch_of_two(void) { append_batch(0, 2); }
static void batch_of_three(void) { append_batch(0, 3); }
static void one_then_batch(void) { append(0), append_batch(1, 4); }
static void reader(void) { look(0); }
static void reader_twice(void) { look(look(0)); }
/* Looks at the places only that the length tells, as a reader of runs does. */
static void reader_of_places(void)
{
    const ptrdiff_t n = bosk_cslice_len(&shared);
    for (ptrdiff_t i = 0; i < n; i++) {
        const struct bosk_cslot s = boski_cslice_place(&shared.all, 8, (size_t)i);
        explore_check(s.segment != NULL, "a segment is missing");
        explore_read((uint64_t *)s.segment->array + s.slot);
    }
}
/* An index goes to another thread in a way that orders nothing. */
static void teller(void)
{
    append(0);
    explore_store(&told, sizeof told, (uint64_t)where[value(0)] + 1, __ATOMIC_RELAXED);
}
static void listener(void)
{
    const uint64_t i = explore_load(&told, sizeof told, __ATOMIC_RELAXED);
    if (i == 0) return;
    const struct bosk_cslot s = boski_cslice_find(&shared.all, 8, (size_t)i - 1);
    if (s.segment != NULL) explore_read((uint64_t *)s.segment->array + s.slot);
}

/* Everything that was appended is there once, where append said. */
static void finish(void)
{
    ptrdiff_t there = 0;
    for (unsigned i = 0; i < appended; i++) there += where[values_appended[i]] >= 0;
    explore_check(bosk_cslice_len(&shared) == there, "the length is not what was appended");
    for (unsigned i = 0; i < appended; i++) {
        const uint64_t v = values_appended[i];
        if (where[v] < 0) continue;
        explore_check(where[v] < there, "an index beyond the length");
        explore_check(explore_read(bosk_cslice_at(&shared, where[v])) == v, "lost or twice");
    }
}

static const struct scenario {
    uint64_t values[8]; /* what the threads append: 100 * (thread + 1) + number */
    struct explore_program program;
} scenarios[] = {
    {{100, 200}, {"two appenders, one reader", setup, {one, one, reader}, finish}},
    {{100, 101, 200}, {"three elements, one reader", setup, {two, one, reader_of_places}, finish}},
    {{100, 101}, {"one appender, two readers", setup, {two, reader, reader_of_places}, finish}},
    {{100, 101, 200}, {"an index is told", setup, {two, teller, listener}, finish}},
    {{100, 200, 300}, {"three appenders", setup, {one, one, one}, finish}},
    {{100, 101, 200, 201}, {"two by two", setup, {two, two}, finish}},
    {{100, 101, 200, 300}, {"a batch over an end", setup, {batch_of_two, one, one}, finish}},
    {{100, 101, 200, 201, 202}, {"two batches", setup, {batch_of_two, batch_of_three}, finish}},
    {{100, 101, 102, 103, 104, 200},
     {"a batch over two ends", setup, {one_then_batch, one}, finish}},
    {{100, 101, 102}, {"a batch, one reader", setup, {batch_of_three, reader_twice}, finish}},
    {{100, 101, 200}, {"no memory", setup_failing, {two, one}, finish}},
    {{100, 101, 200}, {"no memory for a batch", setup_failing, {batch_of_two, one}, finish}},
};
enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

static struct explore_result run(const struct scenario *s)
{
    appended = 0;
    for (; appended < 8 && s->values[appended] != 0; appended++)
        values_appended[appended] = s->values[appended];
    return explore(&s->program, 4 << 20);
}

static void orders_of_the_source(void)
{
    for (int i = 0; i < SITES; i++) orders[i] = __ATOMIC_ACQUIRE;
    orders[READY_STORE] = orders[SEGMENT_CAS] = orders[CURRENT_CAS] = orders[SEEN_STORE] =
        __ATOMIC_RELEASE;
}

int main(void)
{
    int passed = 0, failed = 0;
    uint64_t states = 0;
    orders_of_the_source();
    for (int i = 0; i < SCENARIOS; i++) {
        const struct explore_result r = run(&scenarios[i]);
        const bool ok = r.violation == NULL && !r.gave_up;
        printf("%s %s: %s, %llu states, %llu runs, at most %u accesses\n",
               ok ? "ok     " : "FAILED:", scenarios[i].program.name,
               r.gave_up     ? "too many states"
               : r.violation ? r.violation
                             : "right",
               (unsigned long long)r.states, (unsigned long long)r.runs, r.deepest);
        fflush(stdout);
        ok ? passed++ : failed++;
        states += r.states;
    }
    for (int site = 0; site < SITES; site++) {
        orders_of_the_source();
        orders[site] = __ATOMIC_RELAXED;
        const char *found = NULL, *by = NULL;
        for (int i = 0; i < SCENARIOS && found == NULL; i++) {
            found = run(&scenarios[i]).violation;
            by = scenarios[i].program.name;
        }
        printf("%s %s relaxed: %s (%s)\n", found ? "ok     " : "FAILED:", site_names[site],
               found ? found : "nobody notices", found ? by : "any");
        fflush(stdout);
        found ? passed++ : failed++;
    }
    printf("%llu states of the source as it is\n", (unsigned long long)states);
    printf("cslice_model: %d passed, %d failed, 0 skipped\n", passed, failed);
    return failed ? 1 : 0;
}
