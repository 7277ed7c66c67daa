/* caps_buckets.h - Go's bucket map (up to 1.23) as a model that can be watched: buckets, top
 * hashes, overflow, growth by two evacuations a write, growth of the same size, iteration from a
 * given seed.
 *
 * Keys are numbers; values would only be carried along, so there are none.  The hash is a mixer of
 * key and seed, not Go's own: what follows from the hash alone is Go's in distribution only.
 */
#ifndef BOSK_CMD_CAPS_BUCKETS_H
#define BOSK_CMD_CAPS_BUCKETS_H

#include <bosk/gomap.h>

enum { BUCKET_SLOTS = 8 };

struct bucket {
    uint8_t top[BUCKET_SLOTS]; /* as in Go: 0 and 1 empty, 2 to 4 moved, from 5 on occupied */
    uint64_t key[BUCKET_SLOTS];
    struct bucket *overflow;
};

/* What the last write did. */
struct bucket_work {
    bool grew, same_size; /* it began to grow, and to which size */
    unsigned chains;      /* old buckets that were moved, with their overflow */
    unsigned entries;     /* in them */
    uint64_t moved[2];    /* which */
};

struct bucket_map {
    bosk_map_profile profile;
    uint64_t seed;
    int64_t count;
    uint32_t log2; /* B */
    bool same_size;
    uint32_t overflows;         /* noverflow */
    struct bucket *array, *old; /* old: NULL unless it grows */
    uint64_t spare, spare_used; /* overflow buckets that came with the array */
    uint64_t evacuated;         /* all old buckets below this are */
    struct bucket **extra;      /* overflow buckets that came by themselves, to be freed */
    size_t extras, extra_room;
    uint64_t random;
    struct bucket_work work;
    bool failed; /* out of memory: nothing more is done */
};

/* False: out of memory. */
BOSK_NODISCARD bool buckets_begin(struct bucket_map *m, const bosk_map_profile *profile,
                                  int64_t hint, uint64_t seed);
/* True when the key was not there before. */
bool buckets_set(struct bucket_map *m, uint64_t key);
/* True when it was there. */
bool buckets_delete(struct bucket_map *m, uint64_t key);
bool buckets_has(const struct bucket_map *m, uint64_t key);
void buckets_end(struct bucket_map *m);

/* Old buckets that are still to be moved; 0 unless it grows. */
uint64_t buckets_left(const struct bucket_map *m);

/* Iteration in Go's order for the random number `r`; the map may change meanwhile. */
struct bucket_iter {
    const struct bucket_map *map;
    const struct bucket *array, *at;
    uint32_t log2;
    uint64_t start, bucket;
    unsigned offset, slot;
    bool wrapped;
    uint64_t check; /* the bucket whose share of an old one is walked; UINT64_MAX: none */
};
void buckets_iterate(const struct bucket_map *m, uint64_t r, struct bucket_iter *out);
bool buckets_next(struct bucket_iter *it, uint64_t *key);

#endif /* BOSK_CMD_CAPS_BUCKETS_H */
