/* mpagealloc.h - which 8 KiB pages of the heap are free: Go's bitmap and radix summaries.
 *
 * Works on page numbers only (0 .. max_pages-1), never touches the pages themselves and makes no
 * system call but to commit its own tables.  The caller holds the heap lock.
 *
 * Each page has two bits: in use, and scavenged (free and not resident, so it reads as zero).
 * Go counterpart: runtime/mpagealloc.go, mpallocbits.go (1.22).
 */
#ifndef BOSKI_MPAGEALLOC_H
#define BOSKI_MPAGEALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOSKI_PAGE_SHIFT 13
#define BOSKI_PAGE_BYTES ((size_t)1 << BOSKI_PAGE_SHIFT)
#define BOSKI_CHUNK_PAGES 512u /* 4 MiB */
#define BOSKI_CHUNK_BYTES ((size_t)BOSKI_CHUNK_PAGES << BOSKI_PAGE_SHIFT)
#define BOSKI_NO_PAGE SIZE_MAX

/* Prepares for `max_pages` (a multiple of BOSKI_CHUNK_PAGES) pages, all unavailable.  Tables are
 * reserved through os.h and committed as boski_pages_add grows.  False: no memory. */
bool boski_pages_init(size_t max_pages);

/* Makes [page, page+n) available: free and scavenged.  Multiples of BOSKI_CHUNK_PAGES.  False: no
 * memory for the tables, nothing changed. */
bool boski_pages_add(size_t page, size_t n);

/* Takes [page, page+n) out of the heap again, if all are free; they count as never added. */
bool boski_pages_remove(size_t page, size_t n);

/* Takes `n` pages at the lowest address, first page a multiple of `align` pages (power of two;
 * among many runs that miss the alignment a higher one may be taken).  `*scavenged` gets how many
 * of them were scavenged.  BOSKI_NO_PAGE when no run is long enough. */
size_t boski_pages_alloc(size_t n, size_t align, size_t *scavenged);

/* Takes exactly [page, page+n) if all are free and available. */
bool boski_pages_alloc_at(size_t page, size_t n, size_t *scavenged);

/* Number of free pages that follow `page`-1 without a gap, at most `limit`. */
size_t boski_pages_free_after(size_t page, size_t limit);

/* Lowest page from which everything up to the end of the available pages is free: the place
 * where a growing block has most room.  Equals boski_pages_end() when the last page is in use. */
size_t boski_pages_tail(void);
size_t boski_pages_end(void); /* one past the highest available page */

/* Gives [page, page+n) back; the pages are free and dirty, or, with `scavenged`, known to be
 * not resident. */
void boski_pages_free(size_t page, size_t n, bool scavenged);

/* Finds the highest run of dirty free pages below `below`, at most `max_n` and in whole multiples
 * of `unit` pages (power of two, aligned), and marks it in use so that the lock can be dropped
 * while it is given back; the caller returns it with boski_pages_free(..., true) (or false when the
 * kernel refused).  False when there is none. */
bool boski_pages_take_dirty(size_t below, size_t max_n, size_t unit, size_t *page, size_t *n);

size_t boski_pages_dirty(void); /* free, not scavenged */
size_t boski_pages_clean(void); /* free, scavenged */
size_t boski_pages_inuse(void);
size_t boski_pages_metadata_bytes(void);

#endif /* BOSKI_MPAGEALLOC_H */
