/* EXPECT: invalid initializer|incompatible type|name the type: bosk_box_as */
#include <bosk/any.h>
struct point {
    int x, y;
};
bosk_any f(struct point p) { return bosk_box(p); }
