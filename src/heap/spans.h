/* spans.h - lists of spans for those who own whole ones: arenas and first-class heaps. */
#ifndef BOSKI_SPANS_H
#define BOSKI_SPANS_H

#include "heap.h"

static inline void boski_spans_push(struct mspan **list, struct mspan *s)
{
    s->prev = NULL;
    s->next = *list;
    if (s->next != NULL) s->next->prev = s;
    *list = s;
}
static inline void boski_spans_drop(struct mspan **list, struct mspan *s)
{
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        *list = s->next;
    if (s->next != NULL) s->next->prev = s->prev;
}

#endif /* BOSKI_SPANS_H */
