/* explore.c - depth-first search over choices, by running the program again for each. */
#define _GNU_SOURCE
#include "explore.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum {
    LOCATIONS = 64,
    WRITES = 24, /* of one location */
    DEPTH = 1024,
    STACK_BYTES = 64 << 10,
    ARENA_BYTES = 4 << 10, /* of one thread */
    BLOCKS = 32,
    STEPS_OF_A_THREAD = 200
};

struct view {
    uint8_t at[LOCATIONS];
};
struct write {
    uint64_t value;
    uint64_t hash; /* of the view */
    bool follows;  /* a read-modify-write of the one before */
    struct view view;
};
struct location {
    uintptr_t address;
    unsigned count;
    struct write writes[WRITES];
};
struct block {
    uintptr_t from, to;
    unsigned born; /* location that is written when the block is handed out */
};
struct thread {
    struct view view;
    uint64_t history; /* hash of all that its accesses returned */
    unsigned steps;
    bool started, done;
    bool committed; /* since others could last come between */
    jmp_buf where;
    size_t used; /* of its arena */
    unsigned blocks;
};

/* One run. */
static struct location locations[LOCATIONS];
static unsigned location_count;
static struct block blocks[BLOCKS];
static unsigned block_count;
static struct thread threads[EXPLORE_THREADS + 1]; /* the last one sets up and finishes */
static unsigned thread_count, self;
static const struct explore_program *program;
static jmp_buf scheduler;
static const char *violation;
static _Alignas(64) unsigned char arenas[EXPLORE_THREADS + 1][ARENA_BYTES];
static unsigned char stacks[EXPLORE_THREADS][STACK_BYTES];
static jmp_buf beginnings[EXPLORE_THREADS];
static bool has_begun[EXPLORE_THREADS];

/* The search. */
static struct choice {
    unsigned taken, of;
} choices[DEPTH];
static unsigned depth, replayed;
static uint64_t *seen, seen_mask, seen_count, most_seen;
static bool gave_up;

static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * 0x9e3779b97f4a7c15u;
    a ^= a >> 29;
    a *= 0xbf58476d1ce4e5b9u;
    return a ^ a >> 32;
}
static void broken(const char *what)
{
    fprintf(stderr, "explore: %s: %s\n", program->name, what);
    exit(2);
}

static unsigned choose(unsigned n)
{
    if (n <= 1) return 0;
    if (depth == DEPTH) broken("too deep");
    if (depth == replayed) {
        choices[depth].taken = 0;
        choices[depth].of = n;
        replayed++;
    }
    if (choices[depth].of != n) broken("threads depend on something that is not in the model");
    return choices[depth++].taken;
}

/* ---- states ------------------------------------------------------------------------------ */

/* Locations that nobody has written leave no trace, so their numbers do not matter. */
static uint64_t hash_view(const struct view *v)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < location_count; i++)
        if (v->at[i] != 0) sum += mix(locations[i].address, v->at[i]);
    return sum;
}
static uint64_t hash_state(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < location_count; i++) {
        const struct location *l = &locations[i];
        if (l->count == 1) continue;
        uint64_t h = l->address;
        for (unsigned k = 1; k < l->count; k++)
            h = mix(mix(h, l->writes[k].value), l->writes[k].hash + l->writes[k].follows);
        sum += h;
    }
    for (unsigned i = 0; i < thread_count; i++)
        sum = mix(sum, mix(threads[i].history, hash_view(&threads[i].view)));
    return sum ? sum : 1;
}
/* False when this state was followed before. */
static bool first_visit(uint64_t hash)
{
    uint64_t i = hash & seen_mask;
    for (; seen[i] != 0; i = (i + 1) & seen_mask)
        if (seen[i] == hash) return false;
    if (seen_count >= most_seen) {
        gave_up = true;
        return false;
    }
    seen[i] = hash;
    seen_count++;
    return true;
}

/* ---- threads -------------------------------------------------------------------------------- */

static __attribute__((noreturn)) void end_run(void) { _longjmp(scheduler, 2); }

void explore_check(bool condition, const char *what)
{
    if (condition) return;
    violation = what;
    end_run();
}
unsigned explore_self(void) { return self; }

/* Never returns, so each run can begin by a jump back into it. */
static void trampoline(void)
{
    (void)_setjmp(beginnings[self]);
    program->thread[self]();
    threads[self].done = true;
    _longjmp(scheduler, 1);
}

enum access { LOAD, STORE, UPDATE };
/* Where others may come between: not everywhere, because many orders of accesses come to the same.
 * A load may as well be made later, when the thread could still read the same write and perhaps
 * others; so loads are made together with the store or update that follows.  A store may as well be
 * made at once, because others may still read what was before; so it is made together with what
 * comes before. */
static void step(enum access access)
{
    struct thread *t = &threads[self];
    if (self == EXPLORE_THREADS) return; /* sets up or finishes, alone */
    explore_check(++t->steps < STEPS_OF_A_THREAD, "a thread waits for another");
    if (access != STORE && t->committed) {
        if (_setjmp(t->where) == 0) _longjmp(scheduler, 1);
        t->committed = false;
    }
    if (access != LOAD) t->committed = true;
}
static void remember(uint64_t result)
{
    threads[self].history = mix(threads[self].history + 1, result);
}

/* ---- locations ------------------------------------------------------------------------------- */

static unsigned find(const volatile void *p, size_t bytes)
{
    const uintptr_t address = (uintptr_t)p;
    unsigned i = 0;
    while (i < location_count && locations[i].address != address) i++;
    if (i == location_count) {
        if (location_count == LOCATIONS) broken("too many locations");
        struct location *l = &locations[location_count++];
        memset(l, 0, sizeof *l);
        l->address = address;
        l->count = 1;
        /* What was there before anybody wrote. */
        memcpy(&l->writes[0].value, (const void *)address, bytes);
    }
    for (unsigned b = 0; b < block_count; b++)
        if (blocks[b].from <= address && address < blocks[b].to)
            explore_check(threads[self].view.at[blocks[b].born] != 0,
                          "memory is used by a thread that has not seen it handed out");
    return i;
}
static void join(struct view *to, const struct view *from)
{
    for (unsigned i = 0; i < location_count; i++)
        if (to->at[i] < from->at[i]) to->at[i] = from->at[i];
}
static bool acquires(int order) { return order == __ATOMIC_ACQUIRE || order == __ATOMIC_ACQ_REL; }
static bool releases(int order) { return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL; }

/* Puts a write at position `at`; `read` is the view of what a read-modify-write read, else NULL. */
static void insert(unsigned loc, unsigned at, uint64_t value, int order, const struct view *read)
{
    struct location *l = &locations[loc];
    if (l->count == WRITES) broken("too many writes");
    struct view carried = {{0}};
    if (read != NULL) carried = *read;
    if (at < l->count) { /* what lies behind moves up, in all views too */
        memmove(&l->writes[at + 1], &l->writes[at], (l->count - at) * sizeof l->writes[0]);
        if (carried.at[loc] >= at) carried.at[loc]++;
        for (unsigned i = 0; i <= EXPLORE_THREADS; i++)
            if (threads[i].view.at[loc] >= at) threads[i].view.at[loc]++;
        for (unsigned i = 0; i < location_count; i++)
            for (unsigned k = 0; k < locations[i].count; k++) {
                struct write *w = &locations[i].writes[k];
                if (w->view.at[loc] < at) continue;
                w->view.at[loc]++;
                w->hash = hash_view(&w->view);
            }
    }
    l->count++;
    threads[self].view.at[loc] = (uint8_t)at;
    if (releases(order)) join(&carried, &threads[self].view);
    carried.at[loc] = (uint8_t)at;
    l->writes[at] = (struct write){value, 0, read != NULL, carried};
    l->writes[at].hash = hash_view(&carried);
}

/* One of the `n` positions listed. */
static unsigned pick(const uint8_t *positions, unsigned n)
{
    if (n == 0) broken("nothing can be read");
    return positions[choose(n)];
}
static uint64_t take(unsigned loc, unsigned at, int order)
{
    const struct write *w = &locations[loc].writes[at];
    threads[self].view.at[loc] = (uint8_t)at;
    if (acquires(order)) join(&threads[self].view, &w->view);
    return w->value;
}

uint64_t explore_load(const volatile void *p, size_t bytes, int order)
{
    step(LOAD);
    const unsigned loc = find(p, bytes), from = threads[self].view.at[loc];
    const unsigned at = from + choose(locations[loc].count - from);
    const uint64_t v = take(loc, at, order);
    remember(v);
    return v;
}
void explore_store(volatile void *p, size_t bytes, uint64_t v, int order)
{
    step(STORE);
    const unsigned loc = find(p, bytes);
    const struct location *l = &locations[loc];
    uint8_t positions[WRITES];
    unsigned n = 0;
    for (unsigned at = l->count; at > threads[self].view.at[loc]; at--)
        if (at == l->count || !l->writes[at].follows) positions[n++] = (uint8_t)at;
    insert(loc, pick(positions, n), v, order, NULL);
    remember(v);
}
/* What a read-modify-write may read: what no other one has read yet. */
static bool unread(const struct location *l, unsigned at)
{
    return at + 1 == l->count || !l->writes[at + 1].follows;
}
uint64_t explore_add(volatile void *p, size_t bytes, uint64_t n, int order)
{
    step(UPDATE);
    const unsigned loc = find(p, bytes);
    const struct location *l = &locations[loc];
    uint8_t positions[WRITES];
    unsigned count = 0;
    for (unsigned at = threads[self].view.at[loc]; at < l->count; at++)
        if (unread(l, at)) positions[count++] = (uint8_t)at;
    const unsigned at = pick(positions, count);
    const struct view read = l->writes[at].view;
    const uint64_t v = take(loc, at, order);
    const uint64_t sum = bytes < 8 ? (v + n) & (((uint64_t)1 << bytes * 8) - 1) : v + n;
    insert(loc, at + 1, sum, order, &read);
    remember(v);
    return v;
}
bool explore_cas(volatile void *p, size_t bytes, uint64_t *old, uint64_t v, int order, int failed)
{
    step(UPDATE);
    const unsigned loc = find(p, bytes);
    const struct location *l = &locations[loc];
    uint8_t positions[WRITES];
    unsigned n = 0;
    for (unsigned at = threads[self].view.at[loc]; at < l->count; at++)
        if (l->writes[at].value != *old || unread(l, at)) positions[n++] = (uint8_t)at;
    const unsigned at = pick(positions, n);
    const struct view read = l->writes[at].view;
    const bool same = l->writes[at].value == *old;
    const uint64_t was = take(loc, at, same ? order : failed);
    if (same) insert(loc, at + 1, v, order, &read);
    *old = was;
    remember(was * 2 + same);
    return same;
}

/* ---- plain data, memory, choices ---- */

void explore_write(void *p, uint64_t v)
{
    const unsigned loc = find(p, sizeof v);
    explore_check(locations[loc].count == 1, "plain data is written twice");
    insert(loc, 1, v, __ATOMIC_RELAXED, NULL);
}
uint64_t explore_read(const void *p)
{
    const unsigned loc = find(p, sizeof(uint64_t));
    explore_check(locations[loc].count == 2, "plain data is read that nobody has written");
    explore_check(threads[self].view.at[loc] == 1, "plain data is read while it may be written");
    return locations[loc].writes[1].value;
}

void *explore_alloc(size_t bytes)
{
    /* The address tells the thread and how many came before, so it is the same in all schedules. */
    struct thread *t = &threads[self];
    unsigned char *p = &arenas[self][t->used];
    const size_t room = (bytes + 127) / 64 * 64; /* the last line only marks the birth */
    if (t->used + room > ARENA_BYTES || block_count == BLOCKS) broken("too much memory");
    t->used += room;
    memset(p, 0, room);
    const unsigned born = find(p + room - 64, sizeof(uint64_t));
    insert(born, 1, 1, __ATOMIC_RELAXED, NULL);
    blocks[block_count++] = (struct block){(uintptr_t)p, (uintptr_t)p + room - 64, born};
    return p;
}
unsigned explore_choose(unsigned n)
{
    const unsigned taken = choose(n);
    remember(taken);
    return taken;
}

/* ---- the search ---- */

/* Gives thread i a stack and begins. */
static __attribute__((noinline)) void begin(unsigned i)
{
    ucontext_t start;
    has_begun[i] = true;
    if (getcontext(&start) != 0) broken("getcontext");
    start.uc_stack.ss_sp = stacks[i];
    start.uc_stack.ss_size = STACK_BYTES;
    start.uc_link = NULL;
    makecontext(&start, trampoline, 0);
    setcontext(&start);
}
/* Thread i goes on until its next access: 1, or 2 when the run is over because of what it did. */
static __attribute__((noinline)) int go_on(unsigned i)
{
    const int came = _setjmp(scheduler);
    if (came != 0) return came;
    self = i;
    if (threads[i].started) _longjmp(threads[i].where, 1);
    threads[i].started = true;
    threads[i].committed = true;
    threads[i].view = threads[EXPLORE_THREADS].view;
    if (has_begun[i]) _longjmp(beginnings[i], 1);
    begin(i);
    return 2;
}
/* Up to the first access of each; false when one of them is found wrong before it. */
static bool start_threads(void)
{
    for (unsigned i = 0; i < thread_count; i++)
        if (go_on(i) == 2) return false;
    return true;
}

/* One run, to its end, to a violation, or to a state that was known. */
static void run(void)
{
    location_count = block_count = depth = 0;
    memset(threads, 0, sizeof threads);
    self = EXPLORE_THREADS;
    if (_setjmp(scheduler) != 0) return;
    program->setup();
    if (!start_threads()) return;
    for (;;) {
        uint8_t ready[EXPLORE_THREADS];
        unsigned n = 0;
        for (unsigned i = 0; i < thread_count; i++)
            if (!threads[i].done) ready[n++] = (uint8_t)i;
        if (n == 0) break;
        if (depth >= replayed && !first_visit(hash_state())) return;
        if (go_on(ready[choose(n)]) == 2) return;
    }
    self = EXPLORE_THREADS;
    for (unsigned i = 0; i < thread_count; i++)
        join(&threads[EXPLORE_THREADS].view, &threads[i].view);
    if (_setjmp(scheduler) == 0) program->finish();
}

struct explore_result explore(const struct explore_program *p, uint64_t most_states)
{
    struct explore_result r = {0};
    program = p;
    for (thread_count = 0; p->thread[thread_count] != NULL;) thread_count++;
    for (seen_mask = 1; seen_mask < most_states * 2; seen_mask *= 2) {}
    seen = calloc(seen_mask, sizeof *seen);
    if (seen == NULL) broken("no memory");
    seen_mask--;
    seen_count = 0;
    most_seen = most_states;
    gave_up = false;
    violation = NULL;
    replayed = 0;
    do {
        r.runs++;
        run();
        unsigned steps = 0;
        for (unsigned i = 0; i < thread_count; i++) steps += threads[i].steps;
        if (steps > r.deepest) r.deepest = steps;
        /* The last choice that has something left. */
        while (replayed > 0 && choices[replayed - 1].taken + 1 >= choices[replayed - 1].of)
            replayed--;
        if (replayed > 0) choices[replayed - 1].taken++;
    } while (replayed > 0 && violation == NULL && !gave_up);
    free(seen);
    r.violation = violation;
    r.states = seen_count;
    r.gave_up = gave_up;
    return r;
}
