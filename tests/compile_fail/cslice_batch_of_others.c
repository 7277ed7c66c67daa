/* EXPECT: incompatible pointer type|cannot initialize|invalid conversion|cannot convert */
#include <bosk/cslice.h>
typedef BOSK_CSLICE(int) ints;
void f(ints *c, const long *values) { bosk_cslice_append_n(c, values, 3); }
