/* chunk.h - the spans that arenas cut blocks from.
 *
 * A chunk is a span whose objects are granules of 16 bytes, of which the first nfree are in use.
 * Its bits, one a granule, are 0 where a block begins: so an address finds its block, and nothing
 * of ours lies in the pages.  As in other spans a bit that is set stands for nothing in use.
 * A block ends where the next begins.  `purged` is how many granules were ever used: behind
 * them a chunk that came zero still is.
 *
 * Written under the arena's lock.  Readers take none: who holds a block may look at it while others
 * are cut behind it.
 */
#ifndef BOSKI_CHUNK_H
#define BOSKI_CHUNK_H

#include "heap.h"

#define GRANULE_SHIFT 4
#define GRANULE ((size_t)1 << GRANULE_SHIFT)
#define CHUNK_PAGES_MAX 32 /* 256 KiB: what a walk can copy the bits of */
#define CHUNK_BYTES_MAX ((size_t)CHUNK_PAGES_MAX << BOSKI_PAGE_SHIFT)
#define BLOCK_MAX (CHUNK_BYTES_MAX / 4)

static inline uint32_t used_of(const struct mspan *s)
{
    return (uint32_t)__atomic_load_n(&s->nfree, __ATOMIC_ACQUIRE);
}
/* After the bits: who sees the granules as used sees where blocks begin. */
static inline void set_used(struct mspan *s, uint32_t used)
{
    __atomic_store_n(&s->nfree, (int32_t)used, __ATOMIC_RELEASE);
    if (used > (uint32_t)s->purged) s->purged = (int32_t)used;
}
static inline void begin_block(struct mspan *s, uint32_t g)
{
    BOSKI_SET(s->bits[g >> 6], s->bits[g >> 6] & ~((uint64_t)1 << (g & 63)));
}
static inline void unbegin_block(struct mspan *s, uint32_t g)
{
    BOSKI_SET(s->bits[g >> 6], s->bits[g >> 6] | (uint64_t)1 << (g & 63));
}
/* The first granule in [from, end) at which a block begins, or `end`. */
static inline uint32_t next_start(const uint64_t *bits, uint32_t from, uint32_t end)
{
    while (from < end) {
        uint64_t starts = ~BOSKI_LOOK(bits[from >> 6]) >> (from & 63);
        if (starts != 0) {
            from += (uint32_t)__builtin_ctzll(starts);
            return from < end ? from : end;
        }
        from = (from | 63) + 1;
    }
    return end;
}
/* The last granule at or before `g` at which a block begins.  There is one: the first granule in
 * use begins one. */
static inline uint32_t start_of(const uint64_t *bits, uint32_t g)
{
    uint32_t w = g >> 6;
    uint64_t starts = ~BOSKI_LOOK(bits[w]) & ~(uint64_t)0 >> (63 - (g & 63));
    while (starts == 0 && w > 0) starts = ~BOSKI_LOOK(bits[--w]);
    return w * 64 + (starts != 0 ? 63 - (uint32_t)__builtin_clzll(starts) : 0);
}

static inline uint32_t granule_of(const struct mspan *s, const void *p)
{
    return (uint32_t)(((uintptr_t)p - s->base) >> GRANULE_SHIFT);
}
static inline char *granule_at(const struct mspan *s, uint32_t g)
{
    return (char *)s->base + ((size_t)g << GRANULE_SHIFT);
}
static inline uint32_t granules(size_t bytes)
{
    return bytes == 0 ? 1 : (uint32_t)((bytes + GRANULE - 1) >> GRANULE_SHIFT);
}

#endif /* BOSKI_CHUNK_H */
