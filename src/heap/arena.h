/* arena.h - arenas as the rest of the heap sees them. */
#ifndef BOSKI_ARENA_H
#define BOSKI_ARENA_H

#include "heap.h"

struct bosk_arena;

/* `size` bytes in the arena; `align` a power of two.  NULL when there is no memory. */
void *boski_arena_alloc(struct bosk_arena *a, size_t size, size_t align, bool zero);
/* What free and realloc do to the block at `p` of span `s`; see bosk/arena.h. */
void boski_arena_free(struct mspan *s, void *p);
void *boski_arena_realloc(struct mspan *s, void *p, size_t size);
/* Makes the block at `p` hold `size` bytes where it is: its usable size then, 0: it cannot. */
size_t boski_arena_grow(struct mspan *s, void *p, size_t size);

/* The block of a chunk that contains `p`; false when there is none. */
bool boski_chunk_find(const struct mspan *s, const void *p, void **start, size_t *bytes);
/* Blocks of a chunk one by one: the first at or behind granule `*at`.  `bits` are the chunk's, or a
 * copy. */
bool boski_chunk_next(const struct mspan *s, const uint64_t *bits, uint32_t *at, void **start,
                      size_t *bytes);

void boski_arena_fork(int step); /* 0 prepare, 1 parent and child */

/* Takes a span that nobody may look at any more, and frees it later; see quarantine.c. */
void boski_quarantine(struct mspan *s);
/* Frees what is there, because memory is short; false when nothing was. */
bool boski_quarantine_empty(void);
void boski_quarantine_fork(int step);

static inline bool boski_is_chunk(const struct mspan *s)
{
    return (s->flags & BOSKI_SPAN_CHUNK) != 0;
}

#endif /* BOSKI_ARENA_H */
