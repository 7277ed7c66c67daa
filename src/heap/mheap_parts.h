/* mheap_parts.h - what the files of the page heap share, and nobody else needs. */
#ifndef BOSKI_MHEAP_PARTS_H
#define BOSKI_MHEAP_PARTS_H

#include "heap.h"

#define BOSKI_ARENA_SHIFT 22
#define BOSKI_ARENA_BYTES ((size_t)1 << BOSKI_ARENA_SHIFT)

/* Address of an arena by the number of its first page, 0: the numbers are not in use. */
extern BOSKI_HIDDEN uintptr_t *boski_arena_base;
/* Chunks in which spans have come or gone since their tables were last given back. */
extern BOSKI_HIDDEN uint8_t *boski_chunk_used;

/* Reserves all tables for so many pages; false: no room, nothing is kept. */
bool boski_tables_reserve(size_t region_pages, size_t arena_pages);
/* Commits them for the first `pages`. */
bool boski_tables_cover(size_t pages);
/* Maps arenas for `npages` in one piece. */
bool boski_arenas_grow(size_t npages);
/* Unmaps arenas that are wholly free; false when there are none. */
bool boski_arenas_shrink(void);
/* Makes at least `npages` pages available in one run. */
bool boski_mheap_more(size_t npages);

#endif /* BOSKI_MHEAP_PARTS_H */
