/* litmus.c - whether the explorer itself is right: small programs whose outcomes under C11 are
 * known.  For each, the set of outcomes seen must be exactly the set expected. */
#include "explore.h"

#include <stdio.h>
#include <string.h>

#define RLX __ATOMIC_RELAXED
#define ACQ __ATOMIC_ACQUIRE
#define REL __ATOMIC_RELEASE
#define LOAD(p, order) ((unsigned)explore_load(&(p), sizeof(p), order))
#define STORE(p, v, order) explore_store(&(p), sizeof(p), v, order)

static uint64_t x, y, z, data;
static unsigned r[6];
static int store_order, load_order;
static uint64_t outcomes; /* bit n: outcome n was seen; two bits for each of r[0], r[1], ... */

static void clear(void)
{
    memset(r, 0, sizeof r);
    x = y = z = data = 0;
}
static void note(void)
{
    unsigned n = 0;
    for (int i = 0; i < 3; i++) n = n << 2 | (r[i] & 3);
    outcomes |= (uint64_t)1 << n;
}
/* An outcome, three registers of 0 to 3. */
#define OUT(a, b, c) ((uint64_t)1 << ((a) << 4 | (b) << 2 | (c)))

/* message passing */
static void mp_writer(void)
{
    STORE(x, 1, RLX);
    STORE(y, 1, store_order);
}
static void mp_reader(void)
{
    r[0] = LOAD(y, load_order);
    r[1] = LOAD(x, RLX);
}
/* store buffering */
static void sb_left(void) { STORE(x, 1, REL), r[0] = LOAD(y, ACQ); }
static void sb_right(void) { STORE(y, 1, REL), r[1] = LOAD(x, ACQ); }
/* coherence: one thread never reads backwards */
static void co_writer(void) { STORE(x, 1, RLX), STORE(x, 2, RLX); }
static void co_reader(void) { r[0] = LOAD(x, RLX), r[1] = LOAD(x, RLX); }
/* two stores whose order only later stores tell: 2+2W */
static void ww_left(void) { STORE(x, 1, RLX), STORE(y, 2, RLX); }
static void ww_right(void) { STORE(y, 1, RLX), STORE(x, 2, RLX); }
static void ww_finish(void)
{
    r[0] = LOAD(x, RLX), r[1] = LOAD(y, RLX);
    note();
}
/* independent readers of independent writes */
static void iriw_x(void) { STORE(x, 1, REL); }
static void iriw_y(void) { STORE(y, 1, REL); }
static void iriw_xy(void) { r[0] = LOAD(x, ACQ), r[1] = LOAD(y, ACQ); }
static void iriw_yx(void) { r[2] = LOAD(y, ACQ), r[3] = LOAD(x, ACQ); }
static void iriw_finish(void)
{
    r[0] = r[0] == 1 && r[1] == 0;
    r[1] = r[2] == 1 && r[3] == 0;
    r[2] = 0;
    note();
}
/* a release sequence goes through a relaxed read-modify-write, but not through a plain store */
static void rs_writer(void) { STORE(x, 1, RLX), STORE(y, 1, REL); }
static void rs_adder(void) { explore_add(&y, sizeof y, 1, RLX); }
static void rs_reader(void)
{
    r[0] = LOAD(y, ACQ);
    r[1] = LOAD(x, RLX);
}
/* read-modify-writes lose nothing */
static void add_twice(void)
{
    explore_add(&x, sizeof x, 1, RLX);
    explore_add(&x, sizeof x, 1, RLX);
}
static void cas_once(void)
{
    uint64_t old = 0;
    if (explore_cas(&x, sizeof x, &old, 1 + explore_self(), RLX, RLX)) r[explore_self()] = 1;
}
static void sum_finish(void)
{
    r[0] = LOAD(x, RLX) == 4;
    note();
}
/* what a failed compare-and-swap acquires */
static void lost_winner(void)
{
    uint64_t old = 0;
    STORE(x, 1, RLX);
    explore_cas(&y, sizeof y, &old, 1, REL, RLX);
}
static void lost_loser(void)
{
    uint64_t old = 0;
    const bool won = explore_cas(&y, sizeof y, &old, 2, REL, load_order);
    r[0] = won ? 2 : 1;
    if (!won) r[1] = LOAD(x, RLX);
}
/* plain data behind a flag */
static void data_writer(void)
{
    explore_write(&data, 7);
    STORE(y, 1, store_order);
}
static void data_reader(void)
{
    if (LOAD(y, load_order) == 1) explore_check(explore_read(&data) == 7, "wrong value");
}
static void twice_writer(void) { explore_write(&data, explore_self()); }
static void wait_for_flag(void)
{
    while (LOAD(x, ACQ) == 0) {}
}
static void alloc_maker(void)
{
    uint64_t *p = explore_alloc(8);
    *p = 3;
    STORE(x, (uint64_t)(uintptr_t)p, store_order);
}
static void alloc_user(void)
{
    uint64_t *p = (uint64_t *)(uintptr_t)explore_load(&x, sizeof x, load_order);
    if (p != NULL) r[0] = (unsigned)explore_load(p, sizeof *p, RLX);
}
static void both_choose(void) { r[explore_self()] = explore_choose(3); }

static const struct litmus {
    int store_order, load_order;
    uint64_t expected;
    const char *violation; /* NULL: none */
    struct explore_program program;
} all[] = {
    {REL,
     ACQ,
     OUT(0, 0, 0) | OUT(0, 1, 0) | OUT(1, 1, 0),
     NULL,
     {"message passing", clear, {mp_writer, mp_reader}, note}},
    {RLX,
     ACQ,
     OUT(0, 0, 0) | OUT(0, 1, 0) | OUT(1, 1, 0) | OUT(1, 0, 0),
     NULL,
     {"message passing, relaxed store", clear, {mp_writer, mp_reader}, note}},
    {REL,
     RLX,
     OUT(0, 0, 0) | OUT(0, 1, 0) | OUT(1, 1, 0) | OUT(1, 0, 0),
     NULL,
     {"message passing, relaxed load", clear, {mp_writer, mp_reader}, note}},
    {0,
     0,
     OUT(0, 0, 0) | OUT(0, 1, 0) | OUT(1, 0, 0) | OUT(1, 1, 0),
     NULL,
     {"store buffering", clear, {sb_left, sb_right}, note}},
    {0,
     0,
     OUT(0, 0, 0) | OUT(0, 1, 0) | OUT(0, 2, 0) | OUT(1, 1, 0) | OUT(1, 2, 0) | OUT(2, 2, 0),
     NULL,
     {"coherence", clear, {co_writer, co_reader}, note}},
    {0,
     0,
     OUT(1, 1, 0) | OUT(1, 2, 0) | OUT(2, 1, 0) | OUT(2, 2, 0),
     NULL,
     {"2+2W", clear, {ww_left, ww_right}, ww_finish}},
    {0,
     0,
     OUT(0, 0, 0) | OUT(0, 1, 0) | OUT(1, 0, 0) | OUT(1, 1, 0),
     NULL,
     {"IRIW", clear, {iriw_x, iriw_y, iriw_xy, iriw_yx}, iriw_finish}},
    {0,
     0,
     OUT(0, 0, 0) | OUT(0, 1, 0) | OUT(1, 0, 0) | OUT(1, 1, 0) | OUT(2, 1, 0),
     NULL,
     {"release sequence", clear, {rs_writer, rs_adder, rs_reader}, note}},
    {0, 0, OUT(1, 0, 0), NULL, {"additions", clear, {add_twice, add_twice}, sum_finish}},
    {0,
     0,
     OUT(1, 0, 0) | OUT(0, 1, 0) | OUT(0, 0, 1),
     NULL,
     {"one swap wins", clear, {cas_once, cas_once, cas_once}, note}},
    {0,
     ACQ,
     OUT(2, 0, 0) | OUT(1, 1, 0),
     NULL,
     {"lost swap acquires", clear, {lost_winner, lost_loser}, note}},
    {0,
     RLX,
     OUT(2, 0, 0) | OUT(1, 1, 0) | OUT(1, 0, 0),
     NULL,
     {"lost swap, relaxed", clear, {lost_winner, lost_loser}, note}},
    {REL, ACQ, OUT(0, 0, 0), NULL, {"plain data", clear, {data_writer, data_reader}, note}},
    {RLX,
     ACQ,
     0,
     "plain data is read while it may be written",
     {"plain data, relaxed", clear, {data_writer, data_reader}, note}},
    {0,
     0,
     0,
     "plain data is written twice",
     {"plain data twice", clear, {twice_writer, twice_writer}, note}},
    {0, 0, 0, "a thread waits for another", {"waiting", clear, {wait_for_flag, iriw_x}, note}},
    {REL,
     ACQ,
     OUT(0, 0, 0) | OUT(3, 0, 0),
     NULL,
     {"memory", clear, {alloc_maker, alloc_user}, note}},
    {RLX,
     ACQ,
     0,
     "memory is used by a thread that has not seen it handed out",
     {"memory, relaxed", clear, {alloc_maker, alloc_user}, note}},
    {0,
     0,
     OUT(0, 0, 0) | OUT(0, 1, 0) | OUT(0, 2, 0) | OUT(1, 0, 0) | OUT(1, 1, 0) | OUT(1, 2, 0) |
         OUT(2, 0, 0) | OUT(2, 1, 0) | OUT(2, 2, 0),
     NULL,
     {"choices", clear, {both_choose, both_choose}, note}},
};

int main(void)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const struct litmus *l = &all[i];
        store_order = l->store_order;
        load_order = l->load_order;
        outcomes = 0;
        const struct explore_result r_ = explore(&l->program, 1 << 20);
        const bool as_expected =
            !r_.gave_up &&
            (l->violation == NULL ? r_.violation == NULL && outcomes == l->expected
                                  : r_.violation != NULL && !strcmp(r_.violation, l->violation));
        printf("%s %s: outcomes %#llx, %s, %llu states\n",
               as_expected ? "ok     " : "FAILED:", l->program.name, (unsigned long long)outcomes,
               r_.violation ? r_.violation : "no violation", (unsigned long long)r_.states);
        failed += !as_expected;
    }
    printf("litmus: %d passed, %d failed, 0 skipped\n", (int)(sizeof all / sizeof all[0]) - failed,
           failed);
    return failed ? 1 : 0;
}
