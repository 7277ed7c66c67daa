/* EXPECT: not compatible with any|slices of different elements */
#include <bosk/slice.h>
typedef BOSK_SLICE(int) ints;
typedef BOSK_SLICE(long) longs;
ints f(ints s, longs t) { return bosk_append_slice(s, t); }
