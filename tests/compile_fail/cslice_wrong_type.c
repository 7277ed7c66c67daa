/* EXPECT: incompatible type|invalid initializer|cannot convert|no viable|initializ */
#include <bosk/cslice.h>
struct point {
    int x, y;
};
typedef BOSK_CSLICE(int *) pointers;
void f(pointers *c, struct point p) { bosk_cslice_append(c, p); }
