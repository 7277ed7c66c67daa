/* EXPECT: not numbers: use the _func form */
#include <bosk/slices.h>
struct point {
    int x, y;
};
typedef BOSK_SLICE(struct point) points;
void f(points s) { bosk_slices_sort(s); }
