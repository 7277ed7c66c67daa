/* EXPECT: not compatible with any|slices of different elements */
#include <bosk/cslice.h>
typedef BOSK_CSLICE(int) ints;
typedef BOSK_SLICE(long) longs;
ptrdiff_t f(longs to, ints *c) { return bosk_cslice_copy(to, c, 0); }
