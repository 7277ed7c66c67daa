/* owned.h - blocks of arrays that have one owner and grow: how much more they get, and where.
 *
 * Up to BOSKI_OWNED_SMALL a block is exchanged for one twice as large.  Above it the block has
 * whole pages, placed where it can take those behind it: it grows where it is, by doubling up to 1
 * MiB and then by an eighth, of which at most 2 MiB at once, so that no single step has much to do.
 * Only when something else lies behind it does it move, and then its pages are remapped.
 *
 * How much is a function of sizes alone: an array has the same capacities while a recording or
 * checks are on.
 */
#ifndef BOSKI_OWNED_H
#define BOSKI_OWNED_H

#include "mcache.h"

/* True when what the calling thread makes goes to the manual home, and it has a cache: without one
 * nothing is known of its homes. */
static inline bool boski_home_plain(void)
{
    const struct mcache *mc = boski_mcache_peek();
    return mc != NULL && mc->home_depth == 0 && !boski_conf.home_collected;
}
/* What the thread has in hand for `size` bytes, up to BOSKI_FAST_MAX: NULL when that is nothing. */
static inline void *boski_owned_pop(size_t size)
{
    const size_t lane = (size + 15) >> 4;
    void **top = boski_tls.pop[lane];
    void *p = top[-1];
    if (BOSK_LIKELY(p != NULL)) boski_tls.pop[lane] = top - 1;
    return p;
}
/* Frees the block of class `c` that begins at `p`. */
static inline void boski_owned_free(void *p, unsigned c)
{
    struct boski_push *push = boski_tls.push;
    void **cur = push->cur[c];
    if (BOSK_UNLIKELY(cur == push->lim[c])) {
        boski_free_slow(p);
        return;
    }
    *cur = p;
    push->cur[c] = cur + 1;
}

#define BOSKI_OWNED_FIRST 64 /* bytes of the first block: a cache line */
#define BOSKI_OWNED_SMALL 4096

/* A block and the bytes it has room for. */
struct boski_room {
    char *p;
    size_t bytes;
};

/* The class of the small manual block that begins at `p`, 0: there is none. */
static inline unsigned boski_owned_class(const void *p)
{
    size_t idx = ((uintptr_t)p - boski_map.base) >> BOSKI_PAGE_SHIFT;
    if (BOSK_UNLIKELY(idx >= BOSKI_NPAGES)) return 0;
    unsigned c = boski_map.cmap[idx];
    if (BOSK_UNLIKELY(c - 1 >= BOSKI_NUM_SMALL - 1)) return 0;
    const struct mspan *s = boski_map.spans[idx];
    uint64_t off = (uintptr_t)p - s->base;
    size_t size = boski_class[c].size;
    return ((off * boski_class[c].magic) >> 32) * size == off ? c : 0;
}

/* Copies `n` bytes between blocks that do not overlap; each is of 16 bytes at least. */
static inline void boski_owned_copy(char *to, const char *from, size_t n)
{
    if (n > 128) {
        memcpy(to, from, n);
        return;
    }
    /* From both ends, 16 bytes at a time: no call, no loop. */
    if (n <= 16) {
        memcpy(to, from, 16);
        return;
    }
    const char *last = from + n - 16;
    char *to_last = to + n - 16;
    memcpy(to, from, 16);
    memcpy(to_last, last, 16);
    if (n <= 32) return;
    memcpy(to + 16, from + 16, 16);
    memcpy(to_last - 16, last - 16, 16);
    if (n <= 64) return;
    memcpy(to + 32, from + 32, 16);
    memcpy(to_last - 32, last - 32, 16);
    memcpy(to + 48, from + 48, 16);
    memcpy(to_last - 48, last - 48, 16);
}

/* Makes the manual block that begins at room->p, of which `used` bytes matter, hold `least` bytes
 * or more: sets *room to what there is then.  `*copied`: the bytes were copied, not only their
 * pages moved.  False when there is no memory; nothing has changed then. */
bool boski_owned_grow(struct boski_room *room, size_t used, size_t least, bool *copied);
/* A manual block for `least` bytes of an array of elements of `size` bytes that begins to grow. */
bool boski_owned_first(struct boski_room *room, size_t size, size_t least);
/* Does one thing of what the heap will have to do when the span that ends at page `end` takes
 * `more` pages: commits a table, or room behind the last page.  When it takes them there is less to
 * do. */
void boski_mheap_ahead(size_t end, size_t more);
/* Bytes to ask for at first: eight elements, of large ones fewer. */
static inline size_t boski_owned_start(size_t size, size_t least)
{
    size_t some = size <= 32 ? 8 * size : size <= 256 ? 4 * size : size;
    if (some < BOSKI_OWNED_FIRST) some = BOSKI_OWNED_FIRST;
    return least > some ? least : some;
}

#endif /* BOSKI_OWNED_H */
