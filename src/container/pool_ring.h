/* pool_ring.h - a ring that one thread pushes to and pops from at its head, and any number of
 * threads take from at its tail.  No locks.
 *
 * Head and tail count up, 16 bits each, in one word, so that the last item goes to exactly one
 * thread: whoever moves its end of the word has the slot.  Only then is the slot looked at, so it
 * does not matter how often the counts have come round between a look at the word and its change.
 * The taker at the tail empties the slot after it has read it, and the owner does not fill a slot
 * that is not empty.
 *
 * Ordering: push publishes the slot by the release of its add; a taker's exchange acquires it.  The
 * emptied slot is released by the taker and acquired by the owner before it is filled again.
 * tests/models/pool_ring has each of them weakened.
 *
 * Go counterpart: sync/poolqueue.go (1.22), where the counts have 32 bits.
 */
#ifndef BOSKI_POOL_RING_H
#define BOSKI_POOL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOSKI_RING_MAX 32768u /* slots: half of what a count can tell apart */

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
    uint32_t ends = __atomic_load_n(&r->ends, __ATOMIC_RELAXED);
    uint16_t head = boski_ring_head(ends);
    if ((uint16_t)(head - boski_ring_tail(ends)) > r->mask) return false;
    void **slot = &r->slot[head & r->mask];
    if (__atomic_load_n(slot, __ATOMIC_ACQUIRE) != NULL) return false;
    __atomic_store_n(slot, item, __ATOMIC_RELAXED);
    __atomic_fetch_add(&r->ends, 1u << 16, __ATOMIC_RELEASE);
    return true;
}

/* The item pushed last, or NULL.  Owner only. */
static inline void *boski_ring_pop(struct boski_ring *r)
{
    uint32_t ends = __atomic_load_n(&r->ends, __ATOMIC_RELAXED), less;
    do {
        if (boski_ring_head(ends) == boski_ring_tail(ends)) return NULL;
        less = ends - (1u << 16);
    } while (!__atomic_compare_exchange_n(&r->ends, &ends, less, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    void **slot = &r->slot[boski_ring_head(less) & r->mask];
    void *item = __atomic_load_n(slot, __ATOMIC_RELAXED);
    __atomic_store_n(slot, NULL, __ATOMIC_RELAXED);
    return item;
}

/* The item pushed first, or NULL.  Any thread. */
static inline void *boski_ring_take(struct boski_ring *r)
{
    uint32_t ends = __atomic_load_n(&r->ends, __ATOMIC_RELAXED), more;
    do {
        if (boski_ring_head(ends) == boski_ring_tail(ends)) return NULL;
        more = (ends & 0xffff0000u) | (uint16_t)(ends + 1);
    } while (!__atomic_compare_exchange_n(&r->ends, &ends, more, true, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    void **slot = &r->slot[boski_ring_tail(ends) & r->mask];
    void *item = __atomic_load_n(slot, __ATOMIC_RELAXED);
    __atomic_store_n(slot, NULL, __ATOMIC_RELEASE);
    return item;
}

static inline uint32_t boski_ring_len(const struct boski_ring *r)
{
    uint32_t ends = __atomic_load_n(&r->ends, __ATOMIC_RELAXED);
    return (uint16_t)(boski_ring_head(ends) - boski_ring_tail(ends));
}

/* In a fork child: other threads may have been in the middle of anything. */
static inline void boski_ring_mend(struct boski_ring *r)
{
    uint32_t len = boski_ring_len(r), tail = boski_ring_tail(r->ends);
    for (uint32_t i = len; i <= r->mask; i++) r->slot[(tail + i) & r->mask] = NULL;
}

#endif /* BOSKI_POOL_RING_H */
