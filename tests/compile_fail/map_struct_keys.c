/* EXPECT: keys of this type need functions: BOSK_KEY and bosk_make_map_fn */
#include <bosk/map.h>
struct point {
    int x, y;
};
typedef BOSK_MAP(struct point, int) map;
map f(void);
map f(void) { return bosk_make_map(map, 0); }
