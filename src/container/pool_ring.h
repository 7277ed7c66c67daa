/* pool_ring.h - a ring that one thread pushes to and pops from at its head, and any number of
 * threads take from at its tail.  No locks.
 *
 * Head and tail count up, 16 bits each, in one word, so that the last item goes to exactly one
 * thread: whoever moves its end of the word has the slot.  Only then is the slot looked at, so it
 * does not matter how often the counts have come round between a look at the word and its change.
 * The taker at the tail empties the slot after it has read it, and the owner does not fill a slot
 * that is not empty.
 *
 * Ordering: push publishes item and slot by the release of its add, and a taker's exchange acquires
 * them; put and the taking of a place likewise.  All else is relaxed: only the owner fills a slot,
 * so nobody sees it empty too early.  tests/models tries all executions, and each of the four
 * weakened.
 *
 * Go counterpart: sync/poolqueue.go (1.22), where the counts have 32 bits.
 */
#ifndef BOSKI_POOL_RING_H
#define BOSKI_POOL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOSKI_RING_MAX 32768u /* slots: half of what a count can tell apart */

#ifndef BOSKI_RING_LOAD /* the models have accesses of their own */
#define BOSKI_RING_LOAD(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define BOSKI_RING_STORE(p, v, order) __atomic_store_n((p), (v), order)
#define BOSKI_RING_ADD(p, n, order) __atomic_fetch_add((p), (n), order)
#define BOSKI_RING_CAS(p, old, v, order) \
    __atomic_compare_exchange_n((p), (old), (v), true, order, __ATOMIC_RELAXED)
#define BOSKI_RING_EMPTY(p, order) __atomic_exchange_n((p), NULL, order)
#define BOSKI_RING_PUSHED __ATOMIC_RELEASE
#define BOSKI_RING_TAKEN __ATOMIC_ACQUIRE
#define BOSKI_PLACE_PUT __ATOMIC_RELEASE
#define BOSKI_PLACE_TAKEN __ATOMIC_ACQUIRE
#endif

struct boski_ring {
    uint32_t ends; /* head << 16 | tail */
    uint32_t mask;
    void *slot[];
};

static inline uint16_t boski_ring_head(uint32_t ends) { return (uint16_t)(ends >> 16); }
static inline uint16_t boski_ring_tail(uint32_t ends) { return (uint16_t)ends; }

/* False when the ring is full.  Owner only. */
static inline bool boski_ring_push(struct boski_ring *r, void *item)
{
    uint32_t ends = BOSKI_RING_LOAD(&r->ends);
    uint16_t head = boski_ring_head(ends);
    if ((uint16_t)(head - boski_ring_tail(ends)) > r->mask) return false;
    void **slot = &r->slot[head & r->mask];
    if (BOSKI_RING_LOAD(slot) != NULL) return false; /* its taker has not read it yet */
    BOSKI_RING_STORE(slot, item, __ATOMIC_RELAXED);
    BOSKI_RING_ADD(&r->ends, 1u << 16, BOSKI_RING_PUSHED);
    return true;
}

/* The item pushed last, or NULL.  Owner only. */
static inline void *boski_ring_pop(struct boski_ring *r)
{
    uint32_t ends = BOSKI_RING_LOAD(&r->ends), less;
    do {
        if (boski_ring_head(ends) == boski_ring_tail(ends)) return NULL;
        less = ends - (1u << 16);
    } while (!BOSKI_RING_CAS(&r->ends, &ends, less, __ATOMIC_RELAXED));
    void **slot = &r->slot[boski_ring_head(less) & r->mask];
    void *item = BOSKI_RING_LOAD(slot);
    BOSKI_RING_STORE(slot, NULL, __ATOMIC_RELAXED);
    return item;
}

/* The item pushed first, or NULL.  Any thread. */
static inline void *boski_ring_take(struct boski_ring *r)
{
    uint32_t ends = BOSKI_RING_LOAD(&r->ends), more;
    do {
        if (boski_ring_head(ends) == boski_ring_tail(ends)) return NULL;
        more = (ends & 0xffff0000u) | (uint16_t)(ends + 1);
    } while (!BOSKI_RING_CAS(&r->ends, &ends, more, BOSKI_RING_TAKEN));
    void **slot = &r->slot[boski_ring_tail(ends) & r->mask];
    void *item = BOSKI_RING_LOAD(slot);
    BOSKI_RING_STORE(slot, NULL, __ATOMIC_RELAXED);
    return item;
}

/* A place for one item, which its owner alone fills. */
static inline bool boski_place_put(void **place, void *item)
{
    if (BOSKI_RING_LOAD(place) != NULL) return false;
    BOSKI_RING_STORE(place, item, BOSKI_PLACE_PUT);
    return true;
}
/* What it holds, or NULL.  Any thread. */
static inline void *boski_place_take(void **place)
{
    if (BOSKI_RING_LOAD(place) == NULL) return NULL;
    return BOSKI_RING_EMPTY(place, BOSKI_PLACE_TAKEN);
}

static inline uint32_t boski_ring_len(const struct boski_ring *r)
{
    uint32_t ends = BOSKI_RING_LOAD(&r->ends);
    return (uint16_t)(boski_ring_head(ends) - boski_ring_tail(ends));
}

/* In a fork child: other threads may have been in the middle of anything. */
static inline void boski_ring_mend(struct boski_ring *r)
{
    uint32_t len = boski_ring_len(r), tail = boski_ring_tail(r->ends);
    for (uint32_t i = len; i <= r->mask; i++) r->slot[(tail + i) & r->mask] = NULL;
}

#endif /* BOSKI_POOL_RING_H */
