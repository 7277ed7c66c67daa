/* EXPECT: take functions in BOSK_MAP_FN only */
#include <bosk/map.h>
typedef BOSK_MAP(int, int) map;
map f(bosk_hash_fn hash, bosk_equal_fn equal);
map f(bosk_hash_fn hash, bosk_equal_fn equal)
{
    return bosk_make_map_fn(map, 0, hash, equal, NULL);
}
