/* EXPECT: use bosk_slice_from|no matching function */
#include <bosk/slice.h>
typedef BOSK_SLICE(int) ints;
ints f(int *p) { return bosk_slice_of(ints, p, 0, 1); }
