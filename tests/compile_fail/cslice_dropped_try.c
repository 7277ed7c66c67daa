/* EXPECT: unused|warn_unused_result|ignoring return value */
#include <bosk/cslice.h>
typedef BOSK_CSLICE(int) ints;
void f(ints *c) { bosk_cslice_try_append(c, 1); }
