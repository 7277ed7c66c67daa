/* EXPECT: use bosk_slice_from|no matching function */
#include <bosk/slice.h>
typedef BOSK_SLICE(int) ints;
ints f(int *p) { return bosk_literal_buf(ints, p, 1, 2); }
