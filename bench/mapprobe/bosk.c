/* bosk's maps. */
#include <bosk/map.h>
#if SHAPE >= 3
#define TEXT_KEY(p, n) bosk_str_view(p, (ptrdiff_t)(n))
typedef bosk_str KEY;
#endif
#include "types.h"

typedef BOSK_MAP_POINTER_FREE(KEY, VALUE) MAP;
static inline void init(MAP *m) { *m = bosk_make_map(MAP, 0); }
static inline void reserve(MAP *m, size_t n) { bosk_map_reserve(m->map, (long long)n); }
static inline void put(MAP *m, KEY k, VALUE v) { bosk_set(*m, k, v); }
static inline VALUE *get(MAP *m, KEY k) { return bosk_find(*m, k); }
static inline bool del(MAP *m, KEY k) { return bosk_delete(*m, k); }
static inline uint64_t iterate(MAP *m)
{
    uint64_t sum = 0;
    bosk_range_map_ref(k, v, *m)
    {
#if SHAPE == 4
        sum += v->word[0];
#else
        sum += *v;
#endif
    }
    return sum;
}
static inline void drop(MAP *m) { bosk_free_map(m); }
static inline void settle(void) { bosk_load_hint(BOSK_LOAD_IDLE); }
#include "work.h"
