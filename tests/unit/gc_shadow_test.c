/* gc_shadow_test.c - random graphs of collected objects beside a model in plain memory.
 *
 * Every object has a number; the model knows for each number which numbers its fields refer to and
 * what its contents are.  Objects are made with and without layouts, small and large.  After a
 * cycle the graph is walked from the roots beside the model, contents and all; and of what the
 * model cannot reach hardly anything may be left.
 */
#include "gc_support.h"

enum { OBJECTS = 4000, FIELDS = 4, ROOTS = 64, NONE = -1 };

struct object {
    bosk_ptr(struct object) field[FIELDS];
    uintptr_t number;
    unsigned char text[40];
};
BOSK_LAYOUT(struct object, object_type, field);

static struct {
    hidden where;
    int field[FIELDS];
    size_t bytes; /* of text */
    bool used, reached;
} model[OBJECTS];
static struct object *root[ROOTS];
static int root_number[ROOTS];
static uint64_t rng;

static unsigned any(unsigned n) { return (unsigned)(bosk_test_random(&rng) % n); }

static size_t text_bytes(unsigned kind)
{
    switch (kind) {
    case 0: return 40 + any(400);
    case 1: return 40 + any(60000);
    default: return 40;
    }
}
__attribute__((noinline)) static int make(void)
{
    int n = 0;
    for (int tries = 0; tries < 50; tries++)
        if (!model[n = (int)any(OBJECTS)].used) break;
    if (model[n].used) return NONE;
    unsigned kind = any(10);
    size_t text = text_bytes(kind), bytes = offsetof(struct object, text) + text;
    struct object *o = kind <= 1 ? bosk_gc_malloc(bytes) : bosk_new_as(&object_type, struct object);
    CHECK(o != NULL);
    CHECK_ZERO(o, bytes);
    o->number = (uintptr_t)n;
    fill(o->text, text, (uint64_t)n);
    model[n].where = hide(o);
    model[n].bytes = text;
    model[n].used = true;
    for (int i = 0; i < FIELDS; i++) model[n].field[i] = NONE;
    int r = (int)any(ROOTS);
    root[r] = o;
    root_number[r] = n;
    return n;
}
/* A random object that can be reached, following the model; NONE when there is none. */
__attribute__((noinline)) static int pick(struct object **o)
{
    int r = (int)any(ROOTS), n = root_number[r];
    *o = root[r];
    for (unsigned steps = any(6); n != NONE && steps > 0; steps--) {
        int i = (int)any(FIELDS);
        if (model[n].field[i] == NONE) break;
        n = model[n].field[i];
        *o = bosk_load((*o)->field[i]);
        CHECK_EQ((*o)->number, n);
    }
    return n;
}
__attribute__((noinline)) static void change(void)
{
    struct object *from, *to;
    int f = pick(&from), t = pick(&to), i = (int)any(FIELDS), r = (int)any(ROOTS);
    switch (any(8)) {
    case 0:
        root[r] = NULL;
        root_number[r] = NONE;
        return;
    case 1:
        root[r] = to;
        root_number[r] = t;
        return;
    case 2:
        if (f == NONE) return;
        bosk_store(from->field[i], NULL);
        model[f].field[i] = NONE;
        return;
    default:
        if (f == NONE || t == NONE) return;
        bosk_store(from->field[i], to);
        model[f].field[i] = t;
    }
}

static void reach(int n, const struct object *o)
{
    static int todo[OBJECTS];
    size_t depth = 0;
    if (n == NONE || model[n].reached) return;
    model[n].reached = true;
    todo[depth++] = n;
    while (depth > 0) {
        n = todo[--depth];
        o = shown(model[n].where);
        CHECK_MSG(is_there(model[n].where), "object %d is reachable and gone", n);
        CHECK_EQ(o->number, n);
        CHECK_FILL(o->text, model[n].bytes, (uint64_t)n);
        for (int i = 0; i < FIELDS; i++) {
            int to = model[n].field[i];
            CHECK(bosk_load(o->field[i]) == (to == NONE ? NULL : shown(model[to].where)));
            if (to == NONE || model[to].reached) continue;
            model[to].reached = true;
            todo[depth++] = to;
        }
    }
}
static size_t all_lost, all_left;

__attribute__((noinline)) static void compare(bool after_cycle)
{
    size_t left = 0, lost = 0;
    for (int n = 0; n < OBJECTS; n++) model[n].reached = false;
    for (int r = 0; r < ROOTS; r++) {
        CHECK(root_number[r] == NONE ? root[r] == NULL
                                     : root[r] == shown(model[root_number[r]].where));
        reach(root_number[r], root[r]);
    }
    for (int n = 0; n < OBJECTS; n++) {
        if (!model[n].used || model[n].reached) continue;
        model[n].used = false;
        lost++;
        left += is_there(model[n].where);
    }
    if (!after_cycle) return;
    all_lost += lost;
    all_left += left;
}

static void run(uint64_t rounds, uint64_t steps)
{
    rng = bosk_test_seed();
    for (int r = 0; r < ROOTS; r++) root_number[r] = NONE;
    for (uint64_t k = 0; k < rounds; k++) {
        for (uint64_t i = 0; i < steps; i++)
            if (any(3) == 0)
                (void)make();
            else
                change();
        collect();
        compare(true);
    }
    /* A stale word on the stack may keep a whole component alive for a cycle, and among 32-bit
     * words chance does; but not most of the time, if there were a few cycles. */
    size_t most = sizeof(void *) == 8 && rounds >= 10 ? all_lost / 4 : all_lost / 4 * 3;
    CHECK_MSG(all_lost > 100 && all_left <= most, "%zu of %zu were left", all_left, all_lost);
}

TEST(gc_shadow, graphs_beside_the_model) { run(bosk_test_budget(60), 3000); }
TEST_ENV(gc_shadow, checked, "BOSK_CONF=gccheckmark=1,gcpoison=1")
{
    run(bosk_test_budget(20), 3000);
}
TEST_ENV(gc_shadow, stressed, "BOSK_CONF=gcstress=7,gcpoison=1") { run(bosk_test_budget(4), 1500); }
TEST_ENV(gc_shadow, arenas, "BOSK_CONF=reserve=1,gccheckmark=1,gcpoison=1")
{
    run(bosk_test_budget(10), 3000);
}
TEST_ENV(gc_shadow, little_memory, "BOSK_MEMLIMIT=16MiB", "BOSK_CONF=gcpoison=1")
{
    run(bosk_test_budget(20), 3000);
}
