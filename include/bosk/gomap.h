/* gomap.h - the layout and growth of Go's own maps, on every version and architecture, as pure
 * functions: the bucket map up to Go 1.23, the Swiss map from 1.24 on.  bosk's own maps are in
 * bosk/map.h.
 *
 *     bosk_map_profile p;
 *     bosk_map_shape s;
 *     bosk_map_profile_of(17, BOSK_AMD64, "string", "[]byte", &p);      p.unit_bytes == 336
 *     bosk_map_hint(&p, 1000, &s);                                      s.log2 == 8
 *
 * Nothing here allocates, locks, or reads anything but its arguments.
 * Go counterparts: runtime/map.go and cmd/compile/internal/reflectdata/map_noswiss.go up to 1.23;
 * internal/runtime/maps of 1.24 to 1.26.
 */
#ifndef BOSK_GOMAP_H
#define BOSK_GOMAP_H

#include <bosk/growth.h>

BOSK_BEGIN_DECLS

/* A type of map.  Units are buckets or, of the Swiss map, groups; each has 8 slots. */
typedef struct bosk_map_profile {
    uint32_t minor; /* of Go 1.minor */
    bosk_arch arch;
    bool swiss;
    bool noscan;                           /* units hold no pointers */
    bool key_by_pointer, value_by_pointer; /* larger than 128 bytes */
    uint32_t key_bytes, value_bytes;       /* in a slot */
    uint32_t slot_bytes;                   /* key and value, with what lies between them */
    uint32_t unit_bytes;
    uint32_t header_bytes;
    uint32_t load_num, load_den; /* entries a slot, at most: 13/16, 12/16 in 1.21, 7/8 */
} bosk_map_profile;

/* bosk_map_profile_of reads types as bosk_go_layout does.  0, -EINVAL for an unknown version or
 * type, -EOVERFLOW for types that no map can hold. */
BOSK_API int bosk_map_profile_of(unsigned minor, bosk_arch arch, const char *key, const char *value,
                                 bosk_map_profile *out);

/* How large a map is. */
typedef struct bosk_map_shape {
    uint32_t log2;    /* B: 2^B buckets; of the Swiss map, the depth of its directory */
    uint64_t slots;   /* in buckets or tables, without overflow buckets */
    uint64_t spare;   /* overflow buckets that come with the array */
    uint64_t tables;  /* of the Swiss map; 0 while it is one group */
    int64_t grows_at; /* the entry whose insertion makes it grow; of the Swiss map with several
                         tables, at the earliest */
} bosk_map_shape;

/* bosk_map_hint tells the shape that make(map[K]V, hint) gives; a hint that is negative or needs
 * too much counts as 0. */
BOSK_API void bosk_map_hint(const bosk_map_profile *profile, int64_t hint, bosk_map_shape *out);

/* bosk_map_grow makes `shape` what it is behind its next growth.  A Swiss map of full tables splits
 * them one by one, at entries that depend on the seed: there all of them are split. */
BOSK_API void bosk_map_grow(const bosk_map_profile *profile, bosk_map_shape *shape);

/* bosk_map_bytes tells how many bytes a map of `entries` takes on average, without what its keys
 * and values point to: exact while nothing depends on the seed, within a few per cent beyond. */
BOSK_API double bosk_map_bytes(const bosk_map_profile *profile, int64_t hint, int64_t entries);

/* The bytes of a shape that holds no entries yet, and of its header. */
BOSK_API uint64_t bosk_map_shape_bytes(const bosk_map_profile *profile,
                                       const bosk_map_shape *shape);

BOSK_END_DECLS

#endif /* BOSK_GOMAP_H */
