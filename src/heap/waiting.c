/* waiting.c - with quarantine=BYTES freed blocks wait, oldest first, before they may be handed out.
 *
 * They are overwritten when they come and looked at when they leave: a byte that is not what it was
 * overwritten with was written after the free.  A small block's bit says "in use" while it waits,
 * so that nobody takes it, and a hash table knows better; a large one's says "free", as of all that
 * lie in no list of the page heap.
 *
 * Only what check=1 keeps off the fast paths comes here.  Locking: the lock is a leaf; nothing but
 * the first mapping of the tables is done while it is held.
 */
#include "waiting.h"

#define LEAST_BYTES 64 /* a block counts as this much at least, which bounds the table */
#define BLOCKS_MIN ((size_t)1 << 8)
#define BLOCKS_MAX ((size_t)1 << (sizeof(void *) == 8 ? 21 : 16))

static struct {
    struct boski_lock lock;
    size_t most;   /* bytes that may wait; 0: not started */
    size_t bytes;  /* that do */
    size_t mask;   /* of the ring; the table has twice its slots */
    size_t oldest; /* position in the ring, not reduced */
    size_t next;   /* where the next one goes */
    uintptr_t *ring;
    uintptr_t *table; /* open addressing, 0: empty */
    bool failed;
} waiting;

/* ---- the table; lock held ------------------------------------------------------------------ */

static size_t table_mask(void) { return waiting.mask * 2 + 1; }
static size_t home_of(uintptr_t p)
{
    uint64_t h = (uint64_t)(p >> 4) * 0x9e3779b97f4a7c15u;
    return (size_t)(h >> 40) & table_mask();
}
/* The slot of `p`, or the empty one where it would go. */
static size_t table_find(uintptr_t p)
{
    size_t i = home_of(p);
    while (waiting.table[i] != 0 && waiting.table[i] != p) i = (i + 1) & table_mask();
    return i;
}
/* Moves back what the hole would hide. */
static void table_remove(uintptr_t p)
{
    size_t hole = table_find(p);
    for (size_t i = (hole + 1) & table_mask(); waiting.table[i] != 0; i = (i + 1) & table_mask()) {
        size_t from_home = (i - home_of(waiting.table[i])) & table_mask();
        size_t from_hole = (i - hole) & table_mask();
        if (from_home < from_hole) continue;
        waiting.table[hole] = waiting.table[i];
        hole = i;
    }
    waiting.table[hole] = 0;
}

/* Decides how much may wait; false when there is no memory for that. */
static bool start(void)
{
    uint64_t most = boski_conf.quarantine;
    size_t blocks = BLOCKS_MIN;
    if (waiting.failed) return false;
    if (boski_conf.memlimit / 8 < most) most = boski_conf.memlimit / 8;
    if (most > SIZE_MAX / 8) most = SIZE_MAX / 8;
    /* Twice what can wait: several threads may be about to make room. */
    while (blocks < BLOCKS_MAX && blocks < most / LEAST_BYTES * 2) blocks *= 2;
    waiting.ring = boski_os_map(3 * blocks * sizeof *waiting.ring);
    waiting.failed = waiting.ring == NULL;
    if (waiting.failed) return false;
    waiting.table = waiting.ring + blocks;
    waiting.mask = blocks - 1;
    waiting.most = most == 0 ? 1 : (size_t)most;
    return true;
}

/* ---- blocks --------------------------------------------------------------------------------- */

static struct mspan *large_span(const void *p)
{
    size_t page = boski_page_of(p);
    return boski_map.cmap[page] >= BOSKI_NUM_SMALL ? boski_map.spans[page] : NULL;
}
static size_t bytes_of(const void *p)
{
    const struct mspan *s = boski_span_of(p);
    return s->class_ != 0 ? s->elem_bytes : boski_span_bytes(s);
}
static size_t weight_of(const void *p)
{
    size_t bytes = bytes_of(p);
    return bytes < LEAST_BYTES ? LEAST_BYTES : bytes;
}

/* Every byte must be as it was left. */
static void check_bytes(const unsigned char *p)
{
    size_t n = bytes_of(p), at = 0;
    if (BOSK_LIKELY(p[0] == BOSKI_DEAD && memcmp(p, p + 1, n - 1) == 0)) return;
    while (p[at] == BOSKI_DEAD) at++;
    bosk_fatal("free(): write after free %p, at byte %zu of %zu", (const void *)p, at, n);
}

/* The oldest, when more than `most` bytes wait. */
static void *take_oldest(size_t most)
{
    void *p = NULL;
    boski_lock(&waiting.lock);
    size_t n = waiting.next - waiting.oldest;
    if (n != 0 && (waiting.bytes > most || n > waiting.mask / 2)) {
        p = (void *)waiting.ring[waiting.oldest & waiting.mask];
        BOSKI_SET(waiting.oldest, waiting.oldest + 1);
        table_remove((uintptr_t)p);
        waiting.bytes -= weight_of(p);
    }
    boski_unlock(&waiting.lock);
    return p;
}
static bool leave(size_t most)
{
    bool any = false;
    for (void *p; (p = take_oldest(most)) != NULL; any = true) {
        struct mspan *s = large_span(p);
        check_bytes(p);
        if (s != NULL)
            boski_large_keep(s);
        else
            boski_central_free(&p, 1, boski_map.cmap[boski_page_of(p)]);
    }
    return any;
}

/* Notes an overwritten block; false when it cannot wait. */
static bool enter(void *p)
{
    bool twice = false, ok = false;
    boski_lock(&waiting.lock);
    if (waiting.most != 0 || start()) {
        size_t slot = table_find((uintptr_t)p);
        twice = waiting.table[slot] != 0;
        ok = waiting.next - waiting.oldest <= waiting.mask && weight_of(p) <= waiting.most;
        if (ok && !twice) {
            waiting.table[slot] = (uintptr_t)p;
            BOSKI_SET(waiting.ring[waiting.next & waiting.mask], (uintptr_t)p);
            BOSKI_SET(waiting.next, waiting.next + 1);
            waiting.bytes += weight_of(p);
        }
    }
    boski_unlock(&waiting.lock);
    if (twice) boski_bad_free(p, "double free");
    return ok;
}

static bool bit_free(const struct mspan *s, size_t slot)
{
    return (__atomic_load_n(&s->bits[slot >> 6], __ATOMIC_ACQUIRE) >> (slot & 63) & 1) != 0;
}

void boski_waiting_small(void *p, unsigned c)
{
    const struct mspan *s = boski_span_of(p);
    size_t slot = boski_slot_of(s, p);
    if ((uintptr_t)p != s->base + slot * s->elem_bytes || slot >= s->nelems)
        boski_bad_free(p, "invalid pointer");
    if (bit_free(s, slot)) boski_bad_free(p, "double free");
    if (boski_waiting_has(p)) boski_bad_free(p, "double free"); /* not to hide what was written */
    memset(p, BOSKI_DEAD, s->elem_bytes);
    if (enter(p))
        leave(waiting.most);
    else
        boski_central_free(&p, 1, c);
}

bool boski_waiting_large(struct mspan *s)
{
    if (s->guard != 0 || boski_span_bytes(s) > boski_conf.quarantine) return false;
    memset((void *)s->base, BOSKI_DEAD, boski_span_bytes(s));
    if (!enter((void *)s->base)) return false;
    leave(waiting.most);
    return true;
}

bool boski_waiting_flush(void) { return boski_conf.quarantine != 0 && leave(0); }

bool boski_waiting_has(const void *p)
{
    boski_lock(&waiting.lock);
    bool has = waiting.most != 0 && waiting.table[table_find((uintptr_t)p)] != 0;
    boski_unlock(&waiting.lock);
    return has;
}

void boski_waiting_look(const void *p, const char *what)
{
    const struct mspan *s = boski_span_of(p);
    if (s == NULL || (s->flags & BOSKI_SPAN_CHUNK) != 0) return; /* others tell of that */
    size_t slot = boski_slot_of(s, p);
    if (slot >= s->nelems) return;
    if (bit_free(s, slot) || boski_waiting_has((void *)(s->base + slot * s->elem_bytes)))
        boski_bad_free(p, what);
}

BOSKI_RACY void boski_waiting_each(void (*fn)(void *ctx, void *p), void *ctx)
{
    size_t at = BOSKI_LOOK(waiting.oldest), end = BOSKI_LOOK(waiting.next);
    for (; at != end; at++) {
        void *p = (void *)BOSKI_LOOK(waiting.ring[at & waiting.mask]);
        if (large_span(p) == NULL) fn(ctx, p);
    }
}

void boski_waiting_fork(int step)
{
    if (step == 0)
        boski_lock(&waiting.lock);
    else
        boski_unlock(&waiting.lock);
}
