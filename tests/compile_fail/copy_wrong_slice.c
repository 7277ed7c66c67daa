/* EXPECT: not compatible with any|slices of different elements */
#include <bosk/slice.h>
typedef BOSK_SLICE(int) ints;
typedef BOSK_SLICE(char) chars;
ptrdiff_t f(ints s, chars t) { return bosk_copy(s, t); }
