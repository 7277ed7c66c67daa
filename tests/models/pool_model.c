/* pool_model.c - all executions of small programs on the rings and places of pools.
 *
 * src/container/pool_ring.h is compiled here with accesses of the explorer in place of atomics.
 * The rings have two slots, and their counts begin right before they come round.  First every
 * program must be right in every execution; then each memory order is made relaxed, one after the
 * other, and some program must be found wrong.
 *
 * Checked in each execution: an item goes to one thread, which sees it as it was when it was given;
 * none is lost; a ring says that it is full only when it may be; the owner's own come last first.
 */
#include "explore.h"

#include <stdio.h>
#include <string.h>

enum site { PUSHED, TAKEN, PLACE_PUT, PLACE_TAKEN, SITES };
static const char *const site_names[SITES] = {"PUSHED", "TAKEN", "PLACE_PUT", "PLACE_TAKEN"};
static int orders[SITES];

#define BOSKI_RING_PUSHED orders[PUSHED]
#define BOSKI_RING_TAKEN orders[TAKEN]
#define BOSKI_PLACE_PUT orders[PLACE_PUT]
#define BOSKI_PLACE_TAKEN orders[PLACE_TAKEN]
#define BOSKI_RING_LOAD(p) \
    ((__typeof__(*(p)))(uintptr_t)explore_load((p), sizeof *(p), __ATOMIC_RELAXED))
#define BOSKI_RING_STORE(p, v, order) explore_store((p), sizeof *(p), (uintptr_t)(v), order)
#define BOSKI_RING_ADD(p, n, order) explore_add((p), sizeof *(p), (n), order)
#define BOSKI_RING_CAS(p, old, v, order) swap((p), (old), (v), order)
#define BOSKI_RING_EMPTY(p, order) empty((p), order)
_Static_assert(sizeof(void *) == sizeof(uint64_t), "pointers are values of the explorer");

static bool swap(uint32_t *p, uint32_t *old, uint32_t v, int order)
{
    uint64_t expected = *old;
    const bool done = explore_cas(p, sizeof *p, &expected, v, order, __ATOMIC_RELAXED);
    *old = (uint32_t)expected;
    return done;
}
static void *empty(void **p, int order)
{
    uint64_t was = explore_load(p, sizeof *p, __ATOMIC_RELAXED);
    while (!explore_cas(p, sizeof *p, &was, 0, order, __ATOMIC_RELAXED)) {}
    return (void *)(uintptr_t)was;
}
#include "../../src/container/pool_ring.h"

/* ---- threads --------------------------------------------------------------------------------- */

enum { SLOTS = 2, ITEMS = 6 };
static union {
    struct boski_ring ring;
    unsigned char bytes[sizeof(struct boski_ring) + SLOTS * sizeof(void *)];
} shared;
static void *place;
static uint64_t content[ITEMS + 1]; /* plain data of each item */
static uint32_t times[ITEMS + 1];   /* that it was got, in this run */
static uint32_t given[ITEMS + 1];

static void setup(void)
{
    memset(&shared, 0, sizeof shared);
    shared.ring.mask = SLOTS - 1;
    shared.ring.ends = 0xffffffffu;
    place = NULL;
    memset(content, 0, sizeof content);
    memset(times, 0, sizeof times);
    memset(given, 0, sizeof given);
}

static void *item(uintptr_t n)
{
    explore_write(&content[n], 1000 + n);
    return (void *)n;
}
/* `p` was got, and is as it was given. */
static uintptr_t got(void *p)
{
    const uintptr_t n = (uintptr_t)p;
    if (n == 0) return 0;
    explore_check(n <= ITEMS, "what was never given");
    explore_check(explore_read(&content[n]) == 1000 + n, "an item that was not ready");
    explore_check(++times[n] == 1, "an item for two");
    return n;
}
static void push(uintptr_t n) { given[n] = boski_ring_push(&shared.ring, item(n)); }
static void take(void) { got(boski_ring_take(&shared.ring)); }
static void pop(void) { got(boski_ring_pop(&shared.ring)); }

static void push_one(void) { push(1); }
static void push_two(void) { push(1), push(2); }
static void push_four(void) { push(1), push(2), push(3), push(4); }
static void push_and_pop(void) { push(1), push(2), pop(), push(3), pop(); }
static void push_pop_push(void) { push(1), pop(), push(2), push(3), push(4); }
static void alone(void)
{
    for (unsigned round = 0; round < 2; round++) {
        push(1 + 3 * round), push(2 + 3 * round), push(3 + 3 * round);
        explore_check(given[2 + 3 * round] && !given[3 + 3 * round], "full too early or too late");
        explore_check(got(boski_ring_pop(&shared.ring)) == 2 + 3 * round, "not the last");
        explore_check(got(boski_ring_pop(&shared.ring)) == 1 + 3 * round, "not the last but one");
        explore_check(boski_ring_pop(&shared.ring) == NULL, "more than there was");
    }
}
static void take_one(void) { take(); }
static void take_two(void) { take(), take(); }

static void put_two(void)
{
    given[1] = boski_place_put(&place, item(1));
    given[2] = boski_place_put(&place, item(2));
}
static void put_get_put(void)
{
    given[1] = boski_place_put(&place, item(1));
    got(boski_place_take(&place));
    given[2] = boski_place_put(&place, item(2));
    got(boski_place_take(&place));
}
static void empty_place(void) { got(boski_place_take(&place)); }
static void empty_place_twice(void) { empty_place(), empty_place(); }

/* What was given was got, or is still there. */
static void finish(void)
{
    for (void *p; (p = boski_ring_take(&shared.ring)) != NULL;) got(p);
    got(boski_place_take(&place));
    for (unsigned n = 1; n <= ITEMS; n++) explore_check(times[n] == given[n], "an item is lost");
}

static const struct explore_program programs[] = {
    {"the owner alone", setup, {alone}, finish},
    {"one item, two takers", setup, {push_one, take_one, take_one}, finish},
    {"two items, two takers", setup, {push_two, take_one, take_two}, finish},
    {"the counts come round", setup, {push_four, take_two, take_one}, finish},
    {"the owner pops too", setup, {push_and_pop, take_one, take_one}, finish},
    {"a slot is filled again", setup, {push_pop_push, take_two}, finish},
    {"a place, one taker", setup, {put_two, empty_place_twice}, finish},
    {"a place, two takers", setup, {put_get_put, empty_place, empty_place}, finish},
};
enum { PROGRAMS = sizeof programs / sizeof programs[0] };

static void orders_of_the_source(void)
{
    orders[PUSHED] = orders[PLACE_PUT] = __ATOMIC_RELEASE;
    orders[TAKEN] = orders[PLACE_TAKEN] = __ATOMIC_ACQUIRE;
}

int main(void)
{
    int passed = 0, failed = 0;
    uint64_t states = 0;
    orders_of_the_source();
    for (int i = 0; i < PROGRAMS; i++) {
        const struct explore_result r = explore(&programs[i], 4 << 20);
        const bool ok = r.violation == NULL && !r.gave_up;
        printf("%s %s: %s, %llu states, %llu runs, at most %u accesses\n",
               ok ? "ok     " : "FAILED:", programs[i].name,
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
        for (int i = 0; i < PROGRAMS && found == NULL; i++) {
            found = explore(&programs[i], 4 << 20).violation;
            by = programs[i].name;
        }
        printf("%s %s relaxed: %s (%s)\n", found ? "ok     " : "FAILED:", site_names[site],
               found ? found : "nobody notices", found ? by : "any");
        fflush(stdout);
        found ? passed++ : failed++;
    }
    printf("%llu states of the source as it is\n", (unsigned long long)states);
    printf("pool_model: %d passed, %d failed, 0 skipped\n", passed, failed);
    return failed ? 1 : 0;
}
