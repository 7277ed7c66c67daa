/* huge.h - buffers in huge pages, for the rest of the heap. */
#ifndef BOSKI_HUGE_H
#define BOSKI_HUGE_H

#include "heap.h"

/* Frees the buffer that span `s`, which has BOSKI_SPAN_HUGE, is. */
void boski_huge_free(struct mspan *s);

/* Reads the size of huge pages, which needs a file, at the start. */
void boski_huge_init(void);
/* A buffer of explicit huge pages and no others, zeroed; NULL when the system has none, which is
 * counted. */
void *boski_huge_explicit(size_t size);

#endif /* BOSKI_HUGE_H */
