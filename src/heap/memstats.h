/* memstats.h - the heap's share of Go's MemStats. */
#ifndef BOSKI_MEMSTATS_H
#define BOSKI_MEMSTATS_H

#include <bosk/memstats.h>

/* Fills in what is told of blocks, pages and records; the rest of `m` is left alone, and what is
 * filled in was zero.  The heap has been started. */
void boski_heap_mem_stats(struct bosk_mem_stats *m);

#endif /* BOSKI_MEMSTATS_H */
