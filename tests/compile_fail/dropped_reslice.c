/* EXPECT: value computed is not used|nodiscard */
/* NOT BY: clang c11, which does not warn of values from macros */
#include <bosk/slice.h>
typedef BOSK_SLICE(int) ints;
void f(ints s) { bosk_reslice(s, 0, 1); }
