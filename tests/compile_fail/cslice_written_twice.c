/* EXPECT: read-only|const-qualified|not assignable */
#include <bosk/cslice.h>
typedef BOSK_CSLICE(int) ints;
void f(ints *c) { *bosk_cslice_at(c, 0) = 1; }
