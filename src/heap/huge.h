/* huge.h - buffers in huge pages, for the rest of the heap. */
#ifndef BOSKI_HUGE_H
#define BOSKI_HUGE_H

#include "heap.h"

/* Frees the buffer that span `s`, which has BOSKI_SPAN_HUGE, is. */
void boski_huge_free(struct mspan *s);

#endif /* BOSKI_HUGE_H */
