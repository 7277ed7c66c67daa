/* EXPECT: bosk_add is for sets: bosk_set */
#include <bosk/map.h>
typedef BOSK_MAP(int, int) map;
bool f(map m);
bool f(map m) { return bosk_add(m, 3); }
