/* maptable.h - what the files of the map share: the table's memory and how it changes size.
 *
 * A table begins as one small block (a rung: 1, 4, 16, 64 groups and one spare) that is copied into
 * the next rung when it is full.  The last copy goes into a block of full size; from there on the
 * table grows in place by one home at a time and takes a block more when it needs one.  Nothing
 * here does more than a fixed amount of work a call, but for what says so.
 *
 * Locking: none; one writer at a time is the program's duty, and checked by `writing`.
 */
#ifndef BOSKI_MAPTABLE_H
#define BOSKI_MAPTABLE_H

#include "../heap/heap.h"

#include <bosk/map_base.h>

/* Blocks of a cleared table; lies in the first of them. */
struct boski_map_dead {
    struct boski_map_dead *next;
    boski_block *dir;   /* a directory to be freed with the last block, or NULL */
    size_t n;           /* blocks still to be freed */
    size_t slots_bytes; /* of a block */
};

/* A table shrinks when it holds less than one part in so many of what it has room for, until it is
 * five eighths full. */
enum { BOSKI_MAP_SPARSE = 8 };
enum { BOSKI_MAP_STEADY = 0, BOSKI_MAP_GROWING = 1, BOSKI_MAP_SHRINKING = 2 };

/* Full blocks have so many groups. */
static inline size_t boski_map_block_groups(const bosk_map *m)
{
    return (size_t)1 << m->type.block_shift;
}
/* True while the table is one block smaller than a full one. */
static inline bool boski_map_on_rung(const bosk_map *m)
{
    return m->groups < boski_map_block_groups(m);
}
/* The bits of a hash that lead to home p in a table of `limit` homes. */
static inline size_t boski_map_home_mask(size_t p, size_t mask, size_t limit)
{
    const size_t half = (mask >> 1) + 1;
    return mask != 0 && p < half && p >= limit - half ? mask >> 1 : mask;
}
/* Slots in a set. */
static inline unsigned boski_map_slots(boski_bits b)
{
#if BOSKI_BIT == 4
    return (unsigned)(b * BOSKI_ALL >> 56) & 15;
#else
    b -= b >> 1 & 0x5555u;
    b = (b & 0x3333u) + (b >> 2 & 0x3333u);
    b = (b + (b >> 4)) & 0x0f0fu;
    return (b + (b >> 8)) & 31;
#endif
}
static inline size_t boski_map_group_bytes(const bosk_map *m)
{
    return BOSK_MAP_GROUP * (size_t)m->type.slot_bytes;
}
static inline void boski_map_over_more(boski_group *g)
{
    if (g->over != 255) g->over++;
}
static inline void boski_map_over_less(boski_group *g)
{
    if (g->over != 255) g->over--;
}

/* Entries that `homes` homes hold before the table grows. */
size_t boski_map_room(const bosk_map *m, size_t homes);
/* Sets the counts at which slow paths are taken. */
void boski_map_marks(bosk_map *m);

/* One step towards more homes; false when there is no memory for it. */
bool boski_map_grow(bosk_map *m);
/* One step towards fewer. */
void boski_map_shrink_step(bosk_map *m);
/* Copies all entries into a table of `homes` homes, a rung or one full block: at most as many
 * entries as a rung holds.  False: no memory, nothing changed. */
bool boski_map_rebuild(bosk_map *m, size_t homes);
/* The next rung, or what follows the last. */
size_t boski_map_next_rung(const bosk_map *m);
/* An empty map gets room for `homes` homes at once. */
bool boski_map_prepare(bosk_map *m, size_t homes);
/* Takes a free slot for an entry whose home is `home`, from there on; NULL when there is no room
 * and no memory.  Tags it. */
char *boski_map_take(bosk_map *m, size_t home, uint8_t tag);

/* Whether block b lies in the same block of the heap as the one before it. */
bool boski_map_joined(const boski_block *dir, size_t b, size_t slots_bytes);
size_t boski_map_largest_rung(const bosk_map *m);
/* A block more; true when `n` slots are free from group p on, if need be in new blocks. */
bool boski_map_add_block(bosk_map *m);
bool boski_map_have_room(bosk_map *m, size_t p, unsigned n);
/* One step towards a directory for `want` blocks; *ready when it is there. */
bool boski_map_dir_prepare(bosk_map *m, size_t want, bool *ready);

/* Detaches the table in O(1); its blocks are freed by boski_map_bury, `most` at a time. */
void boski_map_drop(bosk_map *m);
bool boski_map_bury(bosk_map *m, size_t most);
/* Frees memory that belongs to a map; nothing for what an arena or the collector frees. */
void boski_map_release(const bosk_map *m, void *p);
void *boski_map_memory(const bosk_map *m, size_t bytes, size_t align, bool noscan);

/* What is wrong with the table, or NULL.  O(n). */
const char *boski_map_check(const bosk_map *m);
#if BOSKI_ASSERT_LEVEL >= 3
#define BOSKI_MAP_CHECK(m)                                                 \
    do {                                                                   \
        const char *wrong = (m)->count < 4096 ? boski_map_check(m) : NULL; \
        if (wrong != NULL) bosk_fatal("bosk: map: %s", wrong);             \
    } while (0)
#else
#define BOSKI_MAP_CHECK(m) ((void)0)
#endif

uint64_t boski_map_random(void);
void boski_map_remove(bosk_map *m, char *slot);
/* The line on which homes are intervals; see mapiter.c. */
uint64_t boski_map_reverse(uint64_t v);
uint64_t boski_map_interval_end(size_t p, size_t mask, size_t limit, uint64_t start);
/* The two ways of bosk_hash_long; they differ in their results. */
uint64_t boski_hash_long_wide(const void *p, size_t n, uint64_t seed, uint64_t mult);
bool boski_hash_long_aes(const void *p, size_t n, uint64_t seed, uint64_t mult, uint64_t *out);

/* Tells the program's observer, if there is one. */
void boski_map_tell(const bosk_map *m, int event);

#endif /* BOSKI_MAPTABLE_H */
