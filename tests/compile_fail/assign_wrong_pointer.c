/* EXPECT: incompatible|cannot convert|invalid conversion */
#include <bosk/slice.h>
typedef BOSK_SLICE(int) ints;
ints f(char *p) { return bosk_slice_from(ints, p, 0, 1); }
