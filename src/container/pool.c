/* pool.c - pools: what each thread keeps, stealing, ageing.
 *
 * A thread that uses pools has a slot, a small number, and each pool a `local` for each slot.  A
 * local has two banks that change their parts at each tick: items go to the bank of the present
 * age; the other one holds what is left of the age before, the victims, and is empty when the
 * parts change again.  A thread that has slept over a tick may still put an item into a bank
 * that is the victims' now: it then lives one tick less, nothing more.
 *
 * In a bank only the owner of the slot puts; taking is anybody's.  `own`, the place for one item,
 * is filled by a store, as the owner alone fills it, and emptied by an exchange, as a tick may
 * empty it too; while the process has one thread a store does.  Behind it are rings, each twice as
 * large as the one before; the owner moves on to the next when one is full.
 *
 * When a thread ends its slot, with all locals, waits for another one.  Nothing is moved.
 *
 * Locking: `lock` guards the list of pools, segments and slots; nothing is called with it held.
 * Go counterpart: sync/pool.go (1.22), where the world stands still between two ages.
 */
#include "container/pool_ring.h"
#include "heap/mcache.h"
#include "os/conf.h"

#include <bosk/pool.h>
#include <bosk/slice_base.h>
#include <pthread.h>

#define RINGS 12 /* of 16 << k slots */
#define SEGMENTS 16
#define SEGMENT_SHIFT 3 /* segment k has 8 << k locals */
#define BUDGET_NS 2000000u
#define CYCLE_MS 120000u /* collections may lie that far apart before ticks go by time again */
#define LOOK_EVERY 64    /* items dropped between two looks at the clock */

struct bank {
    void *own;
    uint32_t top; /* the ring last pushed to; the owner's */
    struct boski_ring *ring[RINGS];
} __attribute__((aligned(64)));
struct pool_local {
    struct bank bank[2];
};

struct pool_state {
    bosk_pool *pool; /* NULL once it is freed; ageing */
    uint32_t age;    /* the lowest bit is the bank of the present */
    uint32_t due;    /* age that a tick inside malloc has asked for */
    uint32_t barren; /* age + 1 whose victims are known to be gone */
    uint32_t nlocals;
    struct pool_local *segment[SEGMENTS];
    void (*drop)(void *item);
    struct boski_lock ageing; /* held by the thread that is at it */
    uint32_t round;           /* of the last tick */
    uint32_t users;           /* ticks that look at it; lock */
    bool dead;                /* freed by the last of them; lock */
    struct pool_state *next, *prev;
};

static struct boski_lock lock;
static struct pool_state *first, *last; /* all pools */
static uint32_t rounds;
static uint64_t tick_ms, cycle_ms; /* of the last tick by time; of the last cycle */
/* Given out: 0 and 1 never.  Those of 32 bits come round after months of ticks. */
static uintptr_t stamps = 1;

/* ---- threads ---------------------------------------------------------------------------- */

static __thread struct {
    uintptr_t stamp;   /* of the pool used last */
    struct bank *bank; /* of the present in it, while it has that stamp */
    uint32_t slot;     /* plus 1 */
    bool ticking;
} self __attribute__((tls_model("initial-exec"))) = {.stamp = 1};
static uint32_t slots_made;
static uint32_t *free_slots, free_count, free_cap; /* numbers plus 1 */
static pthread_key_t end_key;
static bool started;

static void thread_end(void *arg)
{
    (void)arg;
    boski_lock(&lock);
    if (self.slot != 0) free_slots[free_count++] = self.slot;
    self.slot = 0;
    self.stamp = 1;
    boski_unlock(&lock);
}

static void mend(struct pool_state *st);
static void on_fork(int step)
{
    if (step == 0) {
        boski_lock(&lock);
        return;
    }
    if (step == 2) { /* the other threads are not here */
        free_count = 0;
        for (uint32_t i = slots_made; i > 0; i--)
            if (i != self.slot) free_slots[free_count++] = i;
        for (struct pool_state *st = first; st != NULL; st = st->next) mend(st);
    }
    boski_unlock(&lock);
}

/* Room for one more slot to be given back.  A larger array replaces a smaller one; the memory is
 * never given back, and at most twice what is needed. */
static bool slots_room(void)
{
    if (slots_made < free_cap) return true;
    uint32_t cap = free_cap == 0 ? 64 : 2 * free_cap;
    uint32_t *larger = boski_meta_alloc(cap * sizeof *larger);
    if (larger == NULL) return false;
    if (free_count != 0) memcpy(larger, free_slots, free_count * sizeof *larger);
    free_slots = larger;
    free_cap = cap;
    return true;
}

/* The calling thread's slot, 0 when it can have none. */
static BOSKI_NOINLINE uint32_t slot_take(void)
{
    if (!boski_heap_init()) return 0;
    __atomic_store_n(&boski_on_fork, on_fork, __ATOMIC_RELEASE);
    boski_lock(&lock);
    if (!started) started = pthread_key_create(&end_key, thread_end) == 0;
    if (started && free_count != 0)
        self.slot = free_slots[--free_count];
    else if (started && slots_room())
        self.slot = ++slots_made;
    uint32_t slot = self.slot;
    boski_unlock(&lock);
    if (slot != 0) pthread_setspecific(end_key, &self.slot);
    return slot;
}

/* Zero memory in which a collector finds the items. */
static void *root_alloc(size_t bytes)
{
    static const bosk_type words = {.size = 1, .align = 64, .name = "pool"};
    const bosk_home root = {BOSK_HOME_ROOT, NULL};
    return bosk_alloc_in(root, &words, bytes, true);
}

/* ---- locals ------------------------------------------------------------------------------- */

static inline struct pool_local *local_at(const struct pool_state *st, uint32_t i)
{
    uint32_t n = i + (1u << SEGMENT_SHIFT), k = 31 - (uint32_t)__builtin_clz(n);
    return &st->segment[k - SEGMENT_SHIFT][n - (1u << k)];
}

/* Makes locals up to the one of slot number `i`. */
static bool locals_cover(struct pool_state *st, uint32_t i)
{
    for (;;) {
        uint32_t n = __atomic_load_n(&st->nlocals, __ATOMIC_ACQUIRE);
        if (i < n) return true;
        uint32_t k = 31 - (uint32_t)__builtin_clz(n + (1u << SEGMENT_SHIFT)) - SEGMENT_SHIFT;
        if (k >= SEGMENTS) return false;
        size_t bytes = ((size_t)1 << (k + SEGMENT_SHIFT)) * sizeof(struct pool_local);
        struct pool_local *more = root_alloc(bytes);
        if (more == NULL) return false;
        boski_lock(&lock);
        bool mine = st->segment[k] == NULL;
        if (mine) {
            st->segment[k] = more;
            __atomic_store_n(&st->nlocals, n + (1u << (k + SEGMENT_SHIFT)), __ATOMIC_RELEASE);
        }
        boski_unlock(&lock);
        if (!mine) bosk_free(more);
    }
}

static void tick(uint64_t now_ms, enum boski_tick how);

/* Whoever has used the pool in its last age will see that it is another.  With `ageing`. */
static void renew(const struct pool_state *st)
{
    uintptr_t stamp;
    if (st->pool == NULL) return;
    do stamp = __atomic_add_fetch(&stamps, 1, __ATOMIC_RELAXED);
    while (stamp < 2);
    __atomic_store_n(&st->pool->boski_stamp, stamp, __ATOMIC_RELEASE);
}

static struct pool_state *state_of(bosk_pool *p)
{
    struct pool_state *st = __atomic_load_n(&p->boski_state, __ATOMIC_ACQUIRE);
    if (BOSK_LIKELY(st != NULL)) return st;
    struct pool_state *made = bosk_calloc(1, sizeof *made);
    if (made == NULL) return NULL;
    made->pool = p;
    made->drop = p->drop;
    boski_lock(&lock);
    st = p->boski_state;
    if (st == NULL) {
        st = made;
        made->prev = last;
        if (last != NULL)
            last->next = made;
        else
            first = made;
        last = made;
        renew(made);
        __atomic_store_n(&p->boski_state, (void *)made, __ATOMIC_RELEASE);
        __atomic_store_n(&boski_on_tick, tick, __ATOMIC_RELEASE);
    }
    boski_unlock(&lock);
    if (st != made) bosk_free(made);
    return st;
}

/* The calling thread's part of the pool; NULL when there is no memory for it. */
static struct pool_local *local_of(bosk_pool *p, struct pool_state **st)
{
    uint32_t slot = self.slot != 0 ? self.slot : slot_take();
    *st = slot != 0 ? state_of(p) : NULL;
    if (*st == NULL || !locals_cover(*st, slot - 1)) return NULL;
    return local_at(*st, slot - 1);
}

/* ---- a bank ---- */

static inline void *take_own(struct bank *b)
{
    if (!boski_os_single()) return boski_place_take(&b->own);
    void *item = b->own;
    b->own = NULL;
    return item;
}

static struct boski_ring *ring_at(const struct bank *b, uint32_t k)
{
    return __atomic_load_n(&b->ring[k], __ATOMIC_ACQUIRE);
}

static bool push(struct bank *b, void *item)
{
    for (;; b->top++) {
        struct boski_ring *r = b->ring[b->top];
        if (r == NULL) {
            uint32_t n = 16u << b->top;
            r = root_alloc(sizeof *r + n * sizeof r->slot[0]);
            if (r == NULL) return false;
            r->mask = n - 1;
            __atomic_store_n(&b->ring[b->top], r, __ATOMIC_RELEASE);
        }
        if (boski_ring_push(r, item)) return true;
        if (b->top + 1 == RINGS) return false;
    }
}

static void *pop(struct bank *b)
{
    for (;; b->top--) {
        struct boski_ring *r = b->ring[b->top];
        void *item = r != NULL ? boski_ring_pop(r) : NULL;
        if (item != NULL || b->top == 0) return item;
    }
}

/* What lies there longest.  Any thread. */
static void *take(const struct bank *b)
{
    for (uint32_t k = 0; k < RINGS; k++) {
        struct boski_ring *r = ring_at(b, k);
        void *item = r != NULL ? boski_ring_take(r) : NULL;
        if (item != NULL) return item;
    }
    return NULL;
}

static size_t bank_len(const struct bank *b)
{
    size_t n = __atomic_load_n(&b->own, __ATOMIC_RELAXED) != NULL;
    for (uint32_t k = 0; k < RINGS; k++) {
        const struct boski_ring *r = ring_at(b, k);
        if (r != NULL) n += boski_ring_len(r);
    }
    return n;
}

static void mend(struct pool_state *st)
{
    st->ageing.word = st->users = 0;
    for (uint32_t i = 0; i < 2 * st->nlocals; i++)
        for (uint32_t k = 0; k < RINGS; k++) {
            struct boski_ring *r = local_at(st, i / 2)->bank[i % 2].ring[k];
            if (r != NULL) boski_ring_mend(r);
        }
}

/* ---- ageing ---- */

static void drop(void (*fn)(void *item), void *item)
{
    if (fn != NULL)
        fn(item);
    else
        bosk_freeslice(item); /* leaves alone what is not to be freed by hand */
}

/* Drops what is in bank `b` of every local; false when there was no time for all. */
static bool empty_bank(struct pool_state *st, unsigned b, uint64_t until_ns)
{
    uint32_t n = __atomic_load_n(&st->nlocals, __ATOMIC_ACQUIRE), dropped = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct bank *bank = &local_at(st, i)->bank[b];
        void *item = boski_place_take(&bank->own);
        for (; item != NULL || (item = take(bank)) != NULL; item = NULL) {
            drop(st->drop, item);
            if (++dropped % LOOK_EVERY == 0 && boski_os_now_ns() > until_ns) return false;
        }
    }
    return true;
}

/* The victims go, the present become victims.  Unless another thread is at it. */
static void grow_older(struct pool_state *st, uint64_t until_ns)
{
    if (!boski_trylock(&st->ageing)) return;
    uint32_t age = st->age;
    if (empty_bank(st, (age & 1) ^ 1, until_ns)) {
        __atomic_store_n(&st->due, age + 1, __ATOMIC_RELAXED);
        __atomic_store_n(&st->age, age + 1, __ATOMIC_RELEASE);
        renew(st);
    }
    boski_unlock(&st->ageing);
}

/* The bank of the present in `l`.  A tick inside malloc may have found the pool due: somebody uses
 * it now, outside. */
static struct bank *present(const bosk_pool *p, struct pool_state *st, struct pool_local *l,
                            uint32_t *age)
{
    if (__atomic_load_n(&st->due, __ATOMIC_RELAXED) != __atomic_load_n(&st->age, __ATOMIC_RELAXED))
        grow_older(st, boski_os_now_ns() + BUDGET_NS);
    /* The stamp first: one that is out of date sends the thread here again. */
    self.stamp = __atomic_load_n(&p->boski_stamp, __ATOMIC_ACQUIRE);
    *age = __atomic_load_n(&st->age, __ATOMIC_ACQUIRE);
    return self.bank = &l->bank[*age & 1];
}

static void state_free(struct pool_state *st)
{
    for (uint32_t k = 0; k < SEGMENTS && st->segment[k] != NULL; k++) {
        for (uint32_t i = 0; i < 1u << (k + SEGMENT_SHIFT); i++)
            for (uint32_t j = 0; j < 2 * RINGS; j++)
                bosk_free(st->segment[k][i].bank[j / RINGS].ring[j % RINGS]);
        bosk_free(st->segment[k]);
    }
    bosk_free(st);
}

static void unlink_state(struct pool_state *st)
{
    if (st->prev != NULL)
        st->prev->next = st->next;
    else
        first = st->next;
    if (st->next != NULL)
        st->next->prev = st->prev;
    else
        last = st->prev;
}

/* The next pool that has not had its turn in `round`, moved to the end; NULL: all have had it. */
static struct pool_state *next_turn(uint32_t round)
{
    boski_lock(&lock);
    struct pool_state *st = first;
    if (st != NULL && (int32_t)(st->round - round) >= 0) st = NULL;
    if (st != NULL) {
        st->round = round;
        st->users++;
        unlink_state(st);
        st->next = NULL;
        st->prev = last;
        if (last != NULL)
            last->next = st;
        else
            first = st;
        last = st;
    }
    boski_unlock(&lock);
    return st;
}
static void turn_done(struct pool_state *st)
{
    boski_lock(&lock);
    bool gone = --st->users == 0 && st->dead;
    boski_unlock(&lock);
    if (gone) state_free(st);
}

/* The next to use the pool makes it older. */
static void ask(struct pool_state *st)
{
    if (!boski_trylock(&st->ageing)) return;
    __atomic_store_n(&st->due, st->age + 1, __ATOMIC_RELAXED);
    renew(st);
    boski_unlock(&st->ageing);
}

/* Whether a tick is due that nobody else sees to. */
static bool claim(uint64_t now_ms, enum boski_tick how)
{
    uint64_t was = __atomic_load_n(&tick_ms, __ATOMIC_RELAXED);
    if (how == BOSKI_TICK_CYCLE) __atomic_store_n(&cycle_ms, now_ms, __ATOMIC_RELAXED);
    if (how == BOSKI_TICK_FORCED || how == BOSKI_TICK_CYCLE) {
        __atomic_store_n(&tick_ms, now_ms, __ATOMIC_RELAXED);
        return true;
    }
    uint64_t cycle = __atomic_load_n(&cycle_ms, __ATOMIC_RELAXED);
    if (cycle != 0 && now_ms - cycle < CYCLE_MS) return false;
    bool soon = now_ms - was < boski_conf.scavenge_window_ms;
    return !(soon && was != 0) &&
           __atomic_compare_exchange_n(&tick_ms, &was, now_ms, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED) &&
           was != 0;
}

/* Called from slow paths of the allocator, which has no lock, but whose caller may have any. */
static void tick(uint64_t now_ms, enum boski_tick how)
{
    if (self.ticking || !claim(now_ms, how)) return;
    self.ticking = true;
    uint64_t until_ns = how == BOSKI_TICK_FORCED ? UINT64_MAX : boski_os_now_ns() + BUDGET_NS;
    uint32_t round = __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
    for (struct pool_state *st; (st = next_turn(round)) != NULL; turn_done(st)) {
        if ((how == BOSKI_TICK_IN_MALLOC || how == BOSKI_TICK_CYCLE) && st->drop != NULL)
            ask(st);
        else
            grow_older(st, until_ns);
    }
    self.ticking = false;
}

/* ---- get and put ---- */

static BOSKI_NOINLINE void *fresh_alloc(bosk_pool *p)
{
    if (p->fresh != NULL) return p->fresh();
    if (p->type == NULL) return NULL;
    void *item = bosk_alloc_in(bosk_home_current(), p->type, 1, true);
    if (item == NULL) bosk_fatal("runtime: out of memory");
    return item;
}

/* From the rings of the thread itself, of others, and from the victims. */
static void *find(struct pool_state *st, struct pool_local *l, uint32_t age)
{
    uint32_t n = __atomic_load_n(&st->nlocals, __ATOMIC_ACQUIRE), me = self.slot - 1;
    void *item = pop(&l->bank[age & 1]);
    for (uint32_t i = 1; item == NULL && i < n; i++)
        item = take(&local_at(st, (me + i) % n)->bank[age & 1]);
    if (item != NULL || __atomic_load_n(&st->barren, __ATOMIC_RELAXED) == age + 1) return item;
    for (uint32_t i = 0; item == NULL && i < n; i++) {
        struct bank *b = &local_at(st, (me + i) % n)->bank[(age & 1) ^ 1];
        item = take_own(b);
        if (item == NULL) item = take(b);
    }
    if (item == NULL) __atomic_store_n(&st->barren, age + 1, __ATOMIC_RELAXED);
    return item;
}

static BOSKI_NOINLINE void *get_slow(bosk_pool *p)
{
    struct pool_state *st;
    struct pool_local *l = local_of(p, &st);
    if (l == NULL) return fresh_alloc(p);
    uint32_t age;
    void *item = take_own(present(p, st, l, &age));
    if (item == NULL) item = find(st, l, age);
    return item != NULL ? item : fresh_alloc(p);
}

static BOSKI_NOINLINE void put_slow(bosk_pool *p, void *item)
{
    struct pool_state *st;
    struct pool_local *l = local_of(p, &st);
    if (l == NULL) {
        drop(p->drop, item);
        return;
    }
    uint32_t age;
    struct bank *b = present(p, st, l, &age);
    if (!boski_place_put(&b->own, item) && !push(b, item)) drop(p->drop, item);
}

/* Whether this pool is the one the thread used last, in the same age. */
static inline bool is_near(const bosk_pool *p)
{
    return __atomic_load_n(&p->boski_stamp, __ATOMIC_RELAXED) == self.stamp;
}

BOSK_API void *bosk_pool_get(bosk_pool *p)
{
    if (BOSK_LIKELY(is_near(p))) {
        void *item = take_own(self.bank);
        if (BOSK_LIKELY(item != NULL)) return item;
    }
    return get_slow(p);
}

BOSK_API void bosk_pool_put(bosk_pool *p, void *item)
{
    if (BOSK_UNLIKELY(item == NULL)) return;
    if (BOSK_LIKELY(is_near(p)) && BOSK_LIKELY(boski_place_put(&self.bank->own, item))) return;
    put_slow(p, item);
}

BOSK_API size_t bosk_pool_len(const bosk_pool *p)
{
    const struct pool_state *st = __atomic_load_n(&p->boski_state, __ATOMIC_ACQUIRE);
    if (st == NULL) return 0;
    uint32_t n = __atomic_load_n(&st->nlocals, __ATOMIC_ACQUIRE);
    size_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct pool_local *l = local_at(st, i);
        sum += bank_len(&l->bank[0]) + bank_len(&l->bank[1]);
    }
    return sum;
}

BOSK_API void bosk_pool_free(bosk_pool *p)
{
    struct pool_state *st = p->boski_state;
    if (st == NULL) return;
    boski_lock(&lock);
    unlink_state(st);
    st->dead = true;
    boski_unlock(&lock);
    boski_lock(&st->ageing); /* a tick may hold an item that is still to be dropped */
    (void)empty_bank(st, 0, UINT64_MAX);
    (void)empty_bank(st, 1, UINT64_MAX);
    st->pool = NULL;
    boski_unlock(&st->ageing);
    p->boski_state = NULL;
    p->boski_stamp = 0;
    boski_lock(&lock);
    bool unused = st->users == 0;
    boski_unlock(&lock);
    if (unused) state_free(st);
}
