/* gc_model_test.c - every interleaving of small programs with the marker, for each protocol.
 *
 * Two threads with two private references each (registers and stack), one global, three objects
 * with one field, and a fourth that is yet to be allocated.  A thread does any sequence of at most
 * so many operations; all programs and all interleavings are explored at once, because the state
 * holds only how many operations a thread has left.  A protocol is broken when marking can end
 * while something reachable is unmarked.
 *
 * A store is made of steps between which the other thread and the collector may run:
 *
 *   check first   read the flag | shade the old value | write        (what Go's compiler emits)
 *   read first    read the old value, keep it in a register | read the flag, shade it | write
 *   write first   exchange old and new | read the flag and shade the old
 *
 * Reading first is what include/bosk/gc.h does: where the stop that begins a cycle lands after the
 * flag was read, it finds the old value in the register.  Where threads race for one field the
 * write is a compare and swap with the old value.
 *
 * "A stop may land inside" says whether the collector's stop may fall between two steps of a
 * store.  A signal may stop a C thread anywhere, so the collector needs a protocol that is safe
 * where it may.  Shades go to a buffer of the thread, which the collector empties at a handshake
 * and at the last stop.
 *
 * What follows from the verdicts stands in docs/design/gc.md.
 */
#include "bosk_test.h"

#include <stdio.h>
#include <string.h>

enum { OBJECTS = 4, FRESH = 3, NIL = 7 };

enum order { CHECK_FIRST, READ_FIRST, READ_FIRST_SWAP, WRITE_FIRST };

struct protocol {
    const char *name;
    bool one_by_one;    /* threads and global are scanned each in its own stop */
    bool no_deletion;   /* the overwritten value is not shaded */
    bool insertion;     /* the new value is */
    bool plain_global;  /* the global is written without a barrier */
    bool stop_anywhere; /* a stop may land inside a store */
    bool race_free;     /* no two threads are inside a store to one place at a time */
    bool white_birth;   /* objects are born unmarked while marking */
    bool shaded_birth;  /* what a new object is initialised with is shaded */
    bool no_flush;      /* marking ends without looking into the threads' buffers */
    enum order order;
    unsigned unwatched; /* objects written without a barrier; bits */
    bool rescan_dirty;  /* the last stop scans those of them again that were written, ... */
    bool rescan_roots;  /* ... and all threads and the global */
};

/* What a thread is in the middle of. */
struct step {
    uint8_t at;    /* 0: nothing */
    uint8_t place; /* object whose field is written, or GLOBAL */
    uint8_t value, old;
};
enum { GLOBAL = 4 };
enum { IDLE, CHECKED_OFF, CHECKED_ON, SHADED, READ, READY, WRITTEN, BORN };

struct state {
    uint8_t field[OBJECTS];
    uint8_t global;
    uint8_t ref[2][2];
    uint8_t left[2];
    struct step step[2];
    uint8_t marking, scanned;             /* scanned: threads 0, 1, the global */
    uint8_t mark, grey, buffer[2], dirty; /* bits of objects */
    uint8_t born;                         /* the fourth object exists */
};

/* ---- the set of states seen, and the stack of those to go on from --------------------------- */

struct key { /* of a state, never zero */
    uint64_t a, b;
};
static struct key *table;
static struct state *todo;
static size_t table_size, table_count, todo_count, todo_cap;

static struct key pack(const struct state *s)
{
    struct key k = {0, 1};
    for (int i = 0; i < OBJECTS; i++) k.a = k.a << 3 | s->field[i];
    k.a = k.a << 3 | s->global;
    for (int t = 0; t < 2; t++) {
        const struct step *p = &s->step[t];
        k.a = ((k.a << 3 | s->ref[t][0]) << 3 | s->ref[t][1]) << 3 | s->left[t];
        k.a = (k.a << 3 | p->at) << 3 | p->place;
        k.b = ((k.b << 3 | p->value) << 3 | p->old) << 4 | s->buffer[t];
    }
    k.a = (k.a << 4 | s->mark) << 1 | s->marking;
    k.b = ((k.b << 3 | s->scanned) << 4 | s->grey) << 4 | s->dirty;
    k.b = k.b << 1 | s->born;
    return k;
}
static size_t slot_of(struct key k)
{
    uint64_t h = k.a * 0x9e3779b97f4a7c15u ^ k.b * 0xff51afd7ed558ccdu;
    h ^= h >> 29;
    h *= 0xc4ceb9fe1a85ec53u;
    size_t i = (size_t)(h ^ h >> 32) & (table_size - 1);
    while (table[i].b != 0 && (table[i].a != k.a || table[i].b != k.b))
        i = (i + 1) & (table_size - 1);
    return i;
}
static void table_new(size_t size)
{
    table_size = size;
    table = calloc(size, sizeof *table);
    CHECK(table != NULL);
}
static void sets_reset(void)
{
    free(table);
    table_new((size_t)1 << 16);
    table_count = todo_count = 0;
}
static void table_grow(void)
{
    struct key *old = table;
    size_t n = table_size;
    table_new(2 * n);
    for (size_t i = 0; i < n; i++)
        if (old[i].b != 0) table[slot_of(old[i])] = old[i];
    free(old);
}
static void reach(const struct state *s)
{
    struct key k = pack(s);
    size_t at = slot_of(k);
    if (table[at].b != 0) return;
    table[at] = k;
    if (++table_count * 4 > table_size * 3) table_grow();
    if (todo_count == todo_cap) {
        todo_cap = todo_cap ? 2 * todo_cap : 4096;
        todo = realloc(todo, todo_cap * sizeof *todo);
        CHECK(todo != NULL);
    }
    todo[todo_count++] = *s;
}

/* ---- the collector ---- */

static void shade(struct state *s, uint8_t o)
{
    if (o >= OBJECTS || (s->mark >> o & 1)) return;
    s->mark |= (uint8_t)(1 << o);
    s->grey |= (uint8_t)(1 << o);
}
/* What the program of a thread can reach. */
static void shade_used(struct state *s, int t)
{
    shade(s, s->ref[t][0]);
    shade(s, s->ref[t][1]);
    if (s->step[t].at == IDLE || s->step[t].at == WRITTEN) return;
    shade(s, s->step[t].value);
    shade(s, s->step[t].place);
}
/* What is in its registers, the old value of a store in progress too. */
static void shade_thread(struct state *s, int t)
{
    shade_used(s, t);
    if (s->step[t].at != IDLE) shade(s, s->step[t].old);
}
static void shade_all(struct state *s, uint8_t bits)
{
    for (uint8_t o = 0; o < OBJECTS; o++)
        if (bits >> o & 1) shade(s, o);
}
static void drain(struct state *s)
{
    while (s->grey != 0) {
        uint8_t o = (uint8_t)__builtin_ctz(s->grey);
        s->grey &= (uint8_t) ~(1 << o);
        shade(s, s->field[o]);
    }
}
static bool loses(const struct state *s)
{
    struct state r = *s;
    r.mark = r.grey = 0;
    shade_used(&r, 0);
    shade_used(&r, 1);
    shade(&r, r.global);
    drain(&r);
    return (r.mark & ~s->mark) != 0;
}

static bool may_stop(const struct protocol *p, const struct state *s, int t)
{
    return p->stop_anywhere || s->step[t].at == IDLE || s->step[t].at == BORN;
}

/* Every next state by a step of the collector; false when marking ended and lost something. */
static bool collector(const struct protocol *p, const struct state *s)
{
    bool stop_all = may_stop(p, s, 0) && may_stop(p, s, 1);
    struct state n = *s;
    if (!s->marking) {
        if (!stop_all) return true;
        n.marking = 1;
        n.dirty = 0;
        if (!p->one_by_one) {
            shade_thread(&n, 0);
            shade_thread(&n, 1);
            shade(&n, n.global);
            n.scanned = 7;
        }
        reach(&n);
        return true;
    }
    for (int i = 0; i < 3; i++) {
        if ((s->scanned >> i & 1) || (i < 2 && !may_stop(p, s, i))) continue;
        n = *s;
        if (i < 2)
            shade_thread(&n, i);
        else
            shade(&n, n.global);
        n.scanned |= (uint8_t)(1 << i);
        reach(&n);
    }
    for (uint8_t o = 0; o < OBJECTS; o++) {
        if (!(s->grey >> o & 1)) continue;
        n = *s;
        n.grey &= (uint8_t) ~(1 << o);
        shade(&n, n.field[o]);
        reach(&n);
    }
    for (int t = 0; t < 2; t++) { /* a handshake empties a buffer */
        if (s->buffer[t] == 0) continue;
        n = *s;
        shade_all(&n, n.buffer[t]);
        n.buffer[t] = 0;
        reach(&n);
    }
    if (s->scanned != 7 || s->grey != 0 || !stop_all) return true;
    n = *s;
    if (!p->no_flush) {
        shade_all(&n, n.buffer[0] | n.buffer[1]);
        n.buffer[0] = n.buffer[1] = 0;
    }
    if (p->rescan_roots) {
        shade_thread(&n, 0);
        shade_thread(&n, 1);
        shade(&n, n.global);
    }
    if (p->rescan_dirty) {
        for (uint8_t o = 0; o < OBJECTS; o++)
            if (n.dirty >> o & 1 & (n.mark >> o)) shade(&n, n.field[o]);
        /* What is found by the last scan is followed in the same stop, dirty or not. */
    }
    if (p->rescan_roots || p->rescan_dirty)
        drain(&n);
    else if (n.grey != 0) { /* the stop found work: go on marking */
        reach(&n);
        return true;
    }
    return !loses(&n);
}

/* ---- the threads ---- */

static bool barriered(const struct protocol *p, const struct step *k)
{
    if (k->place == GLOBAL) return !p->plain_global;
    return !(p->unwatched >> k->place & 1);
}
static uint8_t *slot(struct state *s, const struct step *k)
{
    return k->place == GLOBAL ? &s->global : &s->field[k->place];
}
static void record(struct state *s, int t, uint8_t o)
{
    if (o < OBJECTS) s->buffer[t] |= (uint8_t)(1 << o);
}
static void write_slot(const struct protocol *p, struct state *s, int t)
{
    struct step *k = &s->step[t];
    *slot(s, k) = k->value;
    if (k->place < OBJECTS && (p->unwatched >> k->place & 1)) s->dirty |= (uint8_t)(1 << k->place);
}
static void finish(struct state *s, int t)
{
    struct step done = {IDLE, 0, 0, 0};
    s->step[t] = done;
    reach(s);
}

/* The next step of a store in progress. */
static void go_on(const struct protocol *p, const struct state *from, int t)
{
    struct state s = *from;
    struct step *k = &s.step[t];
    switch (k->at) {
    case BORN: /* a fresh object is initialised: there is no old value */
        if (p->shaded_birth && s.marking) record(&s, t, k->value);
        s.field[FRESH] = k->value;
        finish(&s, t);
        return;
    case CHECKED_ON:
        if (!p->no_deletion) record(&s, t, *slot(&s, k));
        if (p->insertion) record(&s, t, k->value);
        k->at = SHADED;
        reach(&s);
        return;
    case CHECKED_OFF:
    case SHADED:
        write_slot(p, &s, t);
        finish(&s, t);
        return;
    case READ: /* the flag is read, the old value is in a register */
        if (s.marking) {
            if (!p->no_deletion) record(&s, t, k->old);
            if (p->insertion) record(&s, t, k->value);
        }
        k->at = READY;
        reach(&s);
        return;
    case READY:
        if (p->order == READ_FIRST_SWAP && *slot(&s, k) != k->old) {
            k->old = *slot(&s, k);
            k->at = READ;
            reach(&s);
            return;
        }
        write_slot(p, &s, t);
        finish(&s, t);
        return;
    default: /* WRITTEN */
        if (s.marking) {
            if (!p->no_deletion) record(&s, t, k->old);
            if (p->insertion) record(&s, t, k->value);
        }
        finish(&s, t);
    }
}

static void begin_store(const struct protocol *p, const struct state *from, int t, uint8_t place,
                        uint8_t value)
{
    struct state s = *from;
    struct step *k = &s.step[t];
    if (place >= OBJECTS && place != GLOBAL) return; /* through nil */
    if (p->race_free && s.step[1 - t].at > IDLE && s.step[1 - t].place == place) return;
    s.left[t]--;
    k->place = place;
    k->value = value;
    k->old = NIL;
    if (!barriered(p, k)) {
        write_slot(p, &s, t);
        finish(&s, t);
        return;
    }
    if (p->order == CHECK_FIRST) {
        k->at = s.marking ? CHECKED_ON : CHECKED_OFF;
    } else {
        k->old = *slot(&s, k);
        k->at = READ;
        if (p->order == WRITE_FIRST) {
            write_slot(p, &s, t);
            k->at = WRITTEN;
        }
    }
    reach(&s);
}

static void move(const struct state *from, int t, int reg, uint8_t value)
{
    struct state s = *from;
    s.ref[t][reg] = value;
    s.left[t]--;
    reach(&s);
}

static void thread(const struct protocol *p, const struct state *s, int t)
{
    if (s->step[t].at != IDLE) {
        go_on(p, s, t);
        return;
    }
    if (s->left[t] == 0) return;
    uint8_t r0 = s->ref[t][0], r1 = s->ref[t][1];
    move(s, t, 0, s->global);
    move(s, t, 0, r1);
    move(s, t, 1, s->global);
    move(s, t, 0, NIL);
    move(s, t, 1, NIL);
    if (r0 < OBJECTS) move(s, t, 0, s->field[r0]);
    if (r0 < OBJECTS) move(s, t, 1, s->field[r0]);
    begin_store(p, s, t, r0, r1);
    begin_store(p, s, t, r0, NIL);
    begin_store(p, s, t, r1, r0);
    begin_store(p, s, t, GLOBAL, r1);
    begin_store(p, s, t, GLOBAL, NIL);
    if (!s->born) { /* r1 = new object whose field is r0 */
        struct state n = *s;
        n.left[t]--;
        n.born = 1;
        if (n.marking && !p->white_birth) n.mark |= 1 << FRESH;
        n.step[t] = (struct step){BORN, FRESH, r0, NIL};
        n.ref[t][1] = FRESH;
        reach(&n);
    }
}

/* ---- verdicts ---- */

/* Heaps to begin with: a chain from the global, one from a thread, two threads with an object
 * each, and two with an object in common. */
static const struct {
    uint8_t field[OBJECTS], global, ref[2][2];
} world[] = {
    {{1, 2, NIL, NIL}, 0, {{NIL, NIL}, {NIL, NIL}}},
    {{2, NIL, NIL, NIL}, NIL, {{0, NIL}, {NIL, NIL}}},
    {{NIL, NIL, NIL, NIL}, NIL, {{NIL, 2}, {0, NIL}}},
    {{2, NIL, NIL, NIL}, NIL, {{0, NIL}, {0, 1}}},
    {{1, NIL, NIL, NIL}, NIL, {{0, 2}, {0, NIL}}},
};

static bool safe_for(const struct protocol *p, unsigned first, unsigned second, size_t *states)
{
    bool safe = true;
    sets_reset();
    for (size_t w = 0; w < sizeof world / sizeof *world; w++) {
        struct state s;
        memset(&s, 0, sizeof s);
        memcpy(s.field, world[w].field, sizeof s.field);
        memcpy(s.ref, world[w].ref, sizeof s.ref);
        s.global = world[w].global;
        s.left[0] = (uint8_t)first;
        s.left[1] = (uint8_t)second;
        reach(&s);
    }
    while (safe && todo_count > 0) {
        struct state s = todo[--todo_count];
        safe = collector(p, &s);
        thread(p, &s, 0);
        thread(p, &s, 1);
    }
    *states = table_count;
    return safe;
}

static void expect_safe(struct protocol p)
{
    size_t states, most = (size_t)bosk_test_budget(8000000);
    unsigned a = 1, b = 1;
    do { /* as many operations as the budget allows */
        CHECK_MSG(safe_for(&p, a, b, &states), "%s loses objects in %u and %u operations", p.name,
                  a, b);
        if (states * 12 > most) break;
        if (a <= b + 1)
            a++;
        else
            b++;
    } while (a + b <= 8);
    printf("SAFE   %s: %u and %u operations, %zu states\n", p.name, a, b, states);
}
static void expect_broken(struct protocol p)
{
    size_t states;
    for (unsigned sum = 1; sum <= 6; sum++)
        for (unsigned b = 0; b <= sum; b++) {
            unsigned a = sum - b;
            if (safe_for(&p, a, b, &states)) continue;
            printf("BROKEN %s: %u and %u operations\n", p.name, a, b);
            return;
        }
    CHECK_MSG(false, "%s: found nothing lost", p.name);
}

/* What the collector does while all collected memory is written through barriers. */
static const struct protocol snapshot = {.name = "one stop, deletion, old value read first, racing "
                                                 "stores swap, globals plain, stops anywhere",
                                         .order = READ_FIRST_SWAP,
                                         .plain_global = true,
                                         .stop_anywhere = true};
/* And while some is not. */
static const struct protocol update = {.name = "object without barriers: both shades, last stop "
                                               "scans roots and dirty pages again",
                                       .order = READ_FIRST_SWAP,
                                       .plain_global = true,
                                       .stop_anywhere = true,
                                       .insertion = true,
                                       .shaded_birth = true,
                                       .unwatched = 3,
                                       .rescan_dirty = true,
                                       .rescan_roots = true};

TEST(gc_model, snapshot_is_safe) { expect_safe(snapshot); }
TEST(gc_model, plain_old_value_is_safe_without_races)
{
    struct protocol p = snapshot;
    p.name = "the same, plain writes, no races on one field";
    p.order = READ_FIRST;
    p.race_free = true;
    expect_safe(p);
}
TEST(gc_model, plain_old_value_is_broken_by_races)
{
    struct protocol p = snapshot;
    p.name = "the same, plain writes, with races";
    p.order = READ_FIRST;
    expect_broken(p);
}
TEST(gc_model, check_first_needs_a_region_without_stops)
{
    struct protocol p = snapshot;
    p.order = CHECK_FIRST;
    p.name = "one stop, deletion, checked first, stops inside";
    expect_broken(p);
    p.insertion = true;
    p.name = "the same, both shades";
    expect_broken(p);
    p.insertion = false;
    p.stop_anywhere = false;
    p.name = "one stop, deletion, checked first, no stops inside";
    expect_safe(p);
}
TEST(gc_model, write_first_is_broken)
{
    struct protocol p = snapshot;
    p.order = WRITE_FIRST;
    p.name = "one stop, deletion, exchanged first, the last stop between write and shade";
    expect_broken(p);
}
TEST(gc_model, deletion_is_needed)
{
    struct protocol p = snapshot;
    p.no_deletion = true;
    p.name = "one stop, no barrier";
    expect_broken(p);
    p.insertion = true;
    p.name = "one stop, insertion only";
    expect_broken(p);
}
TEST(gc_model, objects_must_be_born_black)
{
    struct protocol p = snapshot;
    p.white_birth = true;
    p.name = "born white";
    expect_broken(p);
}
TEST(gc_model, buffers_must_be_emptied_at_the_end)
{
    struct protocol p = snapshot;
    p.no_flush = true;
    p.name = "end without a look into the buffers";
    expect_broken(p);
}
TEST(gc_model, one_by_one_needs_barriers_everywhere)
{
    struct protocol p = {.one_by_one = true, .insertion = true, .shaded_birth = true};
    p.name = "one by one, both shades, globals too, no stops inside (Go)";
    expect_safe(p);
    p.shaded_birth = false;
    p.name = "one by one, fresh objects initialised without a barrier";
    expect_broken(p);
    p.shaded_birth = true;
    p.plain_global = true;
    p.name = "one by one, both shades, globals plain";
    expect_broken(p);
    p.plain_global = false;
    p.insertion = false;
    p.name = "one by one, deletion only";
    expect_broken(p);
    p.insertion = true;
    p.no_deletion = true;
    p.name = "one by one, insertion only";
    expect_broken(p);
}
TEST(gc_model, update_mode_is_safe) { expect_safe(update); }
TEST(gc_model, unwatched_object_breaks_the_snapshot)
{
    struct protocol p = snapshot;
    p.unwatched = 2;
    p.name = "object without barriers in a snapshot";
    expect_broken(p);
}
TEST(gc_model, update_mode_needs_all_of_it)
{
    struct protocol p = update;
    p.rescan_dirty = false;
    p.name = "update without the dirty pages";
    expect_broken(p);
    p = update;
    p.rescan_roots = false;
    p.name = "update without the roots";
    expect_broken(p);
    p = update;
    p.shaded_birth = false;
    p.name = "update, fresh objects initialised without a barrier";
    expect_broken(p);
    p = update;
    p.insertion = false;
    p.name = "update without shading new values";
    expect_broken(p);
}
