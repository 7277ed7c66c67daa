/* slice.h - what the files of slices share. */
#ifndef BOSKI_SLICE_H
#define BOSKI_SLICE_H

#include <bosk/slice_base.h>

extern struct bosk_slice_stats boski_slice_stats;
void boski_count_zeroing(size_t cleared, size_t spared);

BOSK_NORETURN void boski_out_of_memory(void);
BOSK_NORETURN void boski_panic_growslice(void);

/* `n` elements in `home`: the first `keep` are for the caller to fill, those up to `clear` come
 * back zero.  NULL when there is no memory. */
void *boski_new_array(bosk_home home, const bosk_type *type, size_t n, size_t clear, size_t keep);
/* Where the array that replaces `ptr` belongs; *manual: it is a block somebody must free. */
bosk_home boski_home_for(const void *ptr, bool *manual);

#endif /* BOSKI_SLICE_H */
