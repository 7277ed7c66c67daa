/* EXPECT: invalid initializer|incompatible type|non-scalar type|no viable conversion */
#include <bosk/any.h>
struct point {
    int x, y;
};
bosk_any f(bosk_str s) { return bosk_box_as(struct point, s); }
