/* EXPECT: ignoring return value|nodiscard */
#include <bosk/slice.h>
typedef BOSK_SLICE(int) ints;
void f(ints *s) { bosk_try_push(s, 1); }
