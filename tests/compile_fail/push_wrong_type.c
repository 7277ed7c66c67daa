/* EXPECT: incompatible type|invalid initializer|cannot convert|no viable|initializ */
#include <bosk/slice.h>
struct point {
    int x, y;
};
typedef BOSK_SLICE(int *) pointers;
void f(pointers *s, struct point p) { bosk_push(s, p); }
