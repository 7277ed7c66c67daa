/* EXPECT: incompatible|from a string literal|static_cast */
#include <bosk/slice.h>
typedef BOSK_SLICE(int) ints;
ints f(ints s) { return bosk_append(s, "text"); }
