/* EXPECT: keys of type char \* would compare addresses: use bosk_str */
#include <bosk/map.h>
typedef BOSK_MAP(const char *, int) map;
map f(void);
map f(void) { return bosk_make_map(map, 0); }
