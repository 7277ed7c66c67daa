/* collected_parts.h - what the files of collected memory share. */
#ifndef BOSKI_COLLECTED_PARTS_H
#define BOSKI_COLLECTED_PARTS_H

#include "collected.h"

extern BOSKI_HIDDEN struct boski_gc_list *boski_gc_registry; /* every list that has had a span */
extern BOSKI_HIDDEN struct boski_lock boski_gc_lists_lock;   /* registry and layouts */

/* The list of one class (0: large) without a layout. */
struct boski_gc_list *boski_gc_plain_list(unsigned c, bool noscan);
struct boski_gc_list *boski_gc_tiny_list(void);
/* The list for `type`, which has a mask, and class `c`; NULL when there is no memory. */
struct boski_gc_list *boski_gc_typed_list(const bosk_type *type, unsigned c);
bool boski_gc_same_layout(const bosk_type *a, const bosk_type *b);

/* A span in its list, swept; the list's lock is held. */
struct mspan *boski_gc_span_new(struct boski_gc_list *l, size_t npages, size_t align_pages);
/* Takes the span out of its list; the caller gives it to the page heap. */
void boski_gc_span_unlink(struct boski_gc_list *l, struct mspan *s);

void boski_gc_sweep_span(struct mspan *s);
static inline void boski_gc_ensure_swept(struct mspan *s)
{
    if (s->sweepgen != boski_collected.sweepgen) boski_gc_sweep_span(s);
}
/* `n` objects of the span are free; objects `dead` of word `w` are no more. */
void boski_gc_book_frees(const struct mspan *s, size_t n);
void boski_gc_bury(const struct mspan *s, uint32_t w, uint64_t dead);

#endif /* BOSKI_COLLECTED_PARTS_H */
