/* map_base.h - the table behind map.h: layout, hashing, and the paths that are compiled into
 * programs.  Programs include map.h; docs/design/maps.md tells why it is as it is.
 *
 * In-place linear hashing over groups of 15 slots.  Home h of an entry is a group: the low bits of
 * its hash, less the highest of them while that home does not exist yet.  A full group counts how
 * many entries went past it (`over`), so a search ends at the first group whose count is 0 and
 * deletion leaves nothing behind.  Groups lie in blocks of 64 to 128 KiB, up to 16 of them in one
 * block of the heap, found through a directory; growing by one home moves some entries of one
 * group:
 *
 *     map -> dir -> { slots, tags } -> [ slots of 16 blocks | tags of 16 blocks ]
 */
#ifndef BOSK_MAP_BASE_H
#define BOSK_MAP_BASE_H

#include <bosk/base.h>
#include <bosk/str.h>
#include <bosk/type.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

BOSK_BEGIN_DECLS

#define BOSKI_INLINE static inline __attribute__((always_inline))

enum { BOSK_MAP_GROUP = 15 };

/* How keys are hashed and compared. */
enum bosk_map_kind {
    BOSK_MAP_INT = 1,   /* integers, pointers, enumerations: 1, 2, 4 or 8 bytes */
    BOSK_MAP_FLOAT = 2, /* float, double: +0 and -0 are one key, each NaN is a key of its own */
    BOSK_MAP_STR = 3,   /* bosk_str */
    BOSK_MAP_FN = 4     /* functions given to bosk_make_map_fn */
};

/* What the compiler knows of a map from the types of its keys and values. */
typedef struct bosk_map_type {
    uint32_t key_bytes, val_bytes;
    uint32_t val_at;     /* offset of the value in a slot */
    uint32_t slot_bytes; /* key, value, padding */
    uint32_t align;
    uint8_t kind;        /* enum bosk_map_kind */
    uint8_t block_shift; /* log2 of the groups in a block */
    bool noscan;         /* neither keys nor values hold references */
} bosk_map_type;

/* Hash and equality of keys for which the compiler has none.  `seed` is the map's; `context` is
 * what was given to bosk_make_map_fn.  Equal keys must have equal hashes.  They may panic before
 * anything is changed; they must not touch the map. */
typedef uint64_t (*bosk_hash_fn)(const void *key, uint64_t seed, void *context);
typedef bool (*bosk_equal_fn)(const void *a, const void *b, void *context);

/* Where the groups of a block are. */
typedef struct boski_block {
    char *tags, *slots;
} boski_block;

typedef struct bosk_map {
    /* What a search needs: one line of the cache. */
    boski_block *dir; /* the blocks, by group number */
    size_t mask;      /* homes of the next power of two, less one */
    size_t limit;     /* homes there are; mask / 2 < limit <= mask + 1 */
    uint64_t seed;    /* both chosen at random for this map */
    uint64_t mult;
    size_t count;
    size_t grow_at; /* an insertion into so many entries takes the slow path */
    uint32_t moves; /* changes whenever entries may have moved */
    uint8_t writing;
    uint8_t phase; /* 0 steady, 1 growing, 2 shrinking */
    uint8_t unused[2];
    uint32_t deletes; /* changes with every deletion */
    /* What changes need. */
    size_t shrink_at; /* a deletion that leaves fewer entries takes the slow path */
    size_t groups;    /* groups there is memory for */
    size_t nblocks, dir_cap;
    size_t spare;          /* blocks behind the last one that its block of the heap has room for */
    boski_block first;     /* the directory of a map of one block */
    boski_block *next_dir; /* the directory being filled for the doubling to come */
    size_t next_cap, next_n;
    size_t touched; /* bytes of the newest block's slots whose pages have been written to */
    size_t least;   /* homes asked for by bosk_reserve: deletions stop there */
    struct boski_map_dead *dead; /* blocks of a table that was cleared, freed a few at a time */
    bosk_map_type type;
    bosk_home home;
    bosk_hash_fn hash;
    bosk_equal_fn equal;
    void *context;
    uint32_t load256;  /* greatest entries per slot, in 256ths */
    bool pointer_free; /* by its types; type.noscan: by its home, too */
    /* Counters of bosk_map_stats. */
    uint64_t splits, merges, moved, rebuilds, longest_ns;
} bosk_map;

/* 15 tags, 0 is empty, and the number of entries whose search goes past this group (255: so many or
 * more). */
typedef struct boski_group {
    uint8_t tag[BOSK_MAP_GROUP];
    uint8_t over;
} __attribute__((aligned(16))) boski_group;

/* ---- hashing ------------------------------------------------------------------------------- */

#define BOSKI_GOLDEN 0x9e3779b97f4a7c15u

/* Both halves of the product, folded. */
BOSKI_INLINE uint64_t boski_fold(uint64_t a, uint64_t b)
{
#if defined(__SIZEOF_INT128__)
    __extension__ typedef unsigned __int128 wide;
    const wide r = (wide)a * b;
    return (uint64_t)r ^ (uint64_t)(r >> 64);
#else
    const uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    const uint64_t ll = al * bl, lh = al * bh, hl = ah * bl, hh = ah * bh;
    const uint64_t mid = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;
    return ((mid << 32) | (uint32_t)ll) ^ (hh + (lh >> 32) + (hl >> 32) + (mid >> 32));
#endif
}
BOSKI_INLINE uint64_t boski_load8(const void *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}
BOSKI_INLINE uint64_t boski_load4(const void *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}
BOSKI_INLINE uint64_t boski_load(const void *p, uint32_t bytes)
{
    uint16_t two;
    if (bytes == 8) return boski_load8(p);
    if (bytes == 4) return boski_load4(p);
    if (bytes == 1) return *(const uint8_t *)p;
    memcpy(&two, p, 2);
    return two;
}
/* Beyond 64 bytes: with AES rounds where the processor has them. */
BOSK_API uint64_t bosk_hash_long(const void *p, size_t n, uint64_t seed, uint64_t mult);
/* Source of the shape: wyhash's folded multiplications, here with both factors secret. */
static inline uint64_t boski_hash_bytes(const char *p, size_t n, uint64_t seed, uint64_t mult)
{
    uint64_t a = 0, b = 0;
    seed += n * BOSKI_GOLDEN;
    if (BOSK_LIKELY(n >= 8)) {
        if (BOSK_UNLIKELY(n > 64)) return bosk_hash_long(p, n, seed, mult);
        for (size_t i = 0; i + 16 < n; i += 16)
            seed = boski_fold(boski_load8(p + i) ^ seed, boski_load8(p + i + 8) ^ mult);
        if (n > 16) p += n - 16, n = 16;
        a = boski_load8(p);
        b = boski_load8(p + n - 8);
    } else if (n >= 4) {
        a = boski_load4(p);
        b = boski_load4(p + n - 4);
    } else if (n != 0) {
        a = (uint8_t)p[0] | (uint64_t)(uint8_t)p[n >> 1] << 8 | (uint64_t)(uint8_t)p[n - 1] << 16;
    }
    /* Twice: where only one factor varies, one product of a secret and a counter is not random. */
    return boski_fold(boski_fold(a ^ seed, b ^ mult), BOSKI_GOLDEN);
}
/* One word.  The multiplier is fixed because one in ten random ones spreads counters badly; the
 * shift brings what only high bits tell down to the bits that choose homes. */
BOSKI_INLINE uint64_t boski_hash_word(uint64_t v, uint64_t seed)
{
    const uint64_t h = boski_fold(v ^ seed, BOSKI_GOLDEN);
    return h ^ h >> 35;
}
/* The bits a float is hashed and compared by: of a NaN those it was stored with. */
BOSKI_INLINE uint64_t boski_float_bits(const void *key, uint32_t bytes)
{
    const uint64_t v = boski_load(key, bytes);
    return v == (bytes == 4 ? (uint64_t)1 << 31 : (uint64_t)1 << 63) ? 0 : v;
}
BOSKI_INLINE bool boski_float_nan(uint64_t bits, uint32_t bytes)
{
    return bytes == 4 ? (bits & 0x7fffffffu) > 0x7f800000u
                      : (bits & 0x7fffffffffffffffu) > 0x7ff0000000000000u;
}
BOSKI_INLINE uint64_t boski_map_hash(const bosk_map *m, const void *key, const bosk_map_type *t)
{
    if (t->kind == BOSK_MAP_INT) return boski_hash_word(boski_load(key, t->key_bytes), m->seed);
    if (t->kind == BOSK_MAP_STR) {
        const bosk_str *s = (const bosk_str *)key;
        return boski_hash_bytes(s->ptr, (size_t)s->len, m->seed, m->mult);
    }
    if (t->kind == BOSK_MAP_FLOAT)
        return boski_hash_word(boski_float_bits(key, t->key_bytes), m->seed);
    return boski_hash_word(m->hash(key, m->seed, m->context), m->seed);
}
BOSKI_INLINE bool boski_map_equal(const bosk_map *m, const void *a, const void *b,
                                  const bosk_map_type *t)
{
    if (t->kind == BOSK_MAP_INT) return boski_load(a, t->key_bytes) == boski_load(b, t->key_bytes);
    if (t->kind == BOSK_MAP_STR) {
        const bosk_str *x = (const bosk_str *)a, *y = (const bosk_str *)b;
        return x->len == y->len && (x->len == 0 || memcmp(x->ptr, y->ptr, (size_t)x->len) == 0);
    }
    if (t->kind == BOSK_MAP_FLOAT) {
        const uint64_t x = boski_float_bits(a, t->key_bytes);
        return x == boski_float_bits(b, t->key_bytes) && !boski_float_nan(x, t->key_bytes);
    }
    return m->equal(a, b, m->context);
}

/* ---- groups -------------------------------------------------------------------------------- */

/* The tag of each value of the highest byte of a hash, four times: 0 is left to empty slots. */
BOSK_API extern const uint32_t bosk_map_tags[256];

/* Slots of a group as a set; slot i is bit BOSKI_BIT * i. */
#if defined(__SSE2__)
typedef uint32_t boski_bits;
#define BOSKI_BIT 1
#define BOSKI_ALL 0x7fffu
BOSKI_INLINE boski_bits boski_group_match(const boski_group *g, uint32_t tags)
{
    const __m128i want = _mm_shuffle_epi32(_mm_cvtsi32_si128((int)tags), 0);
    const __m128i have = _mm_load_si128((const __m128i *)(const void *)g);
    return (boski_bits)_mm_movemask_epi8(_mm_cmpeq_epi8(have, want)) & BOSKI_ALL;
}
BOSKI_INLINE boski_bits boski_group_empty(const boski_group *g)
{
    const __m128i have = _mm_load_si128((const __m128i *)(const void *)g);
    return (boski_bits)_mm_movemask_epi8(_mm_cmpeq_epi8(have, _mm_setzero_si128())) & BOSKI_ALL;
}
#define BOSKI_CTZ(b) ((unsigned)__builtin_ctz(b))
#elif defined(__ARM_NEON) && defined(__aarch64__)
typedef uint64_t boski_bits;
#define BOSKI_BIT 4
#define BOSKI_ALL 0x0111111111111111u
BOSKI_INLINE boski_bits boski_group_match(const boski_group *g, uint32_t tags)
{
    const uint8x16_t hit = vceqq_u8(vld1q_u8((const uint8_t *)g), vdupq_n_u8((uint8_t)tags));
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(hit), 4)), 0) &
           BOSKI_ALL;
}
BOSKI_INLINE boski_bits boski_group_empty(const boski_group *g) { return boski_group_match(g, 0); }
#define BOSKI_CTZ(b) ((unsigned)__builtin_ctzll(b) >> 2)
#else
typedef uint32_t boski_bits;
#define BOSKI_BIT 1
#define BOSKI_ALL 0x7fffu
/* One bit for each byte of v that is 0: exact, no carry crosses a byte. */
BOSKI_INLINE uint32_t boski_zero_bytes(uint64_t v)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
    const uint64_t hit = ~(((v & low) + low) | v | low) >> 7;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return (uint32_t)(__builtin_bswap64(hit) * 0x0102040810204080u >> 56);
#else
    return (uint32_t)(hit * 0x0102040810204080u >> 56);
#endif
}
BOSKI_INLINE boski_bits boski_group_match(const boski_group *g, uint32_t tags)
{
    const uint64_t want = (uint64_t)tags << 32 | tags;
    return (boski_zero_bytes(boski_load8(g->tag) ^ want) |
            boski_zero_bytes(boski_load8(g->tag + 8) ^ want) << 8) &
           BOSKI_ALL;
}
BOSKI_INLINE boski_bits boski_group_empty(const boski_group *g) { return boski_group_match(g, 0); }
#define BOSKI_CTZ(b) ((unsigned)__builtin_ctz(b))
#endif

/* Where a group is. */
typedef struct boski_place {
    boski_group *g;
    char *slots;
} boski_place;
BOSKI_INLINE boski_place boski_map_at(const bosk_map *m, size_t p, const bosk_map_type *t)
{
    const boski_block *block = m->dir + (p >> t->block_shift);
    const size_t bytes = BOSK_MAP_GROUP * (size_t)t->slot_bytes;
    /* Of the group's tags in those of the block; of its slots, so many times as much. */
    const size_t at16 = (p & (((size_t)1 << t->block_shift) - 1)) * sizeof(boski_group);
    boski_place at;
    at.g = (boski_group *)(void *)(block->tags + at16);
    at.slots = block->slots + (bytes % 16 == 0 ? at16 * (bytes / 16) : at16 / 16 * bytes);
    return at;
}
BOSKI_INLINE size_t boski_map_home(const bosk_map *m, uint64_t h)
{
    size_t p = (size_t)h & m->mask;
    /* Only while the map is between two powers of two; the branch is predicted. */
    if (BOSK_UNLIKELY(p >= m->limit)) p &= m->mask >> 1;
    return p;
}

/* ---- searching ----------------------------------------------------------------------------- */

/* A slot found: its address (NULL: there is none), group and number. */
typedef struct boski_found {
    char *slot;
    boski_group *g;
    size_t group, home;
    unsigned i;
} boski_found;

BOSKI_INLINE boski_found boski_map_search(const bosk_map *m, uint64_t h, const void *key,
                                          const bosk_map_type *t)
{
    boski_found f;
    size_t p = boski_map_home(m, h);
    const uint32_t tags = bosk_map_tags[h >> 56];
    f.home = p;
    for (;; p++) {
        const boski_place at = boski_map_at(m, p, t);
        boski_bits hits = boski_group_match(at.g, tags);
        f.g = at.g;
        f.group = p;
        if (hits != 0) {
            /* The predictor comes here before the tags have arrived, so that on hits the slots are
             * asked for beside them, and on misses not at all. */
            __builtin_prefetch(at.slots);
            do {
                f.i = BOSKI_CTZ(hits);
                f.slot = at.slots + f.i * (size_t)t->slot_bytes;
                if (BOSK_LIKELY(boski_map_equal(m, f.slot, key, t))) return f;
                hits &= hits - 1;
            } while (hits != 0);
        }
        if (BOSK_LIKELY(at.g->over == 0)) break;
    }
    f.slot = NULL;
    f.i = 0;
    return f;
}

BOSK_API BOSK_NORETURN void bosk_map_racing(const char *what);
BOSK_API BOSK_NORETURN void bosk_map_nil(void);
BOSKI_INLINE void boski_map_reading(const bosk_map *m)
{
    if (BOSK_UNLIKELY(m->writing != 0)) bosk_map_racing("concurrent map read and map write");
}
BOSKI_INLINE void boski_map_begin(bosk_map *m)
{
    if (BOSK_UNLIKELY(m->writing != 0)) bosk_map_racing("concurrent map writes");
    __atomic_store_n(&m->writing, 1, __ATOMIC_RELAXED);
}
BOSKI_INLINE void boski_map_end(bosk_map *m)
{
    if (BOSK_UNLIKELY(__atomic_load_n(&m->writing, __ATOMIC_RELAXED) == 0))
        bosk_map_racing("concurrent map writes");
    __atomic_store_n(&m->writing, 0, __ATOMIC_RELAXED);
}

/* The value of `key`, or NULL. */
BOSKI_INLINE void *boski_map_find(const bosk_map *m, const void *key, const bosk_map_type *t)
{
    if (BOSK_UNLIKELY(m == NULL)) return NULL;
    boski_map_reading(m);
    const boski_found f = boski_map_search(m, boski_map_hash(m, key, t), key, t);
    return f.slot == NULL ? NULL : f.slot + t->val_at;
}

/* A slot for an absent key of hash h, tagged and counted; NULL: no memory, nothing changed. */
BOSK_API char *bosk_map_insert(bosk_map *m, uint64_t h);
BOSK_API void bosk_map_deleted(bosk_map *m);
BOSK_API void bosk_map_nan(void *key, uint32_t bytes);

BOSKI_INLINE void boski_copy(void *to, const void *from, uint32_t bytes)
{
    if (bytes != 0) memcpy(to, from, bytes);
}

/* Finds or inserts `key`: its value, `*fresh` when the key was not there (the value is then
 * unspecified); NULL when there is no memory. */
BOSKI_INLINE void *boski_map_ref(bosk_map *m, const void *key, const bosk_map_type *t, bool *fresh)
{
    if (BOSK_UNLIKELY(m == NULL)) bosk_map_nil();
    const uint64_t h = boski_map_hash(m, key, t);
    boski_map_begin(m);
    const boski_found f = boski_map_search(m, h, key, t);
    char *slot = f.slot;
    *fresh = slot == NULL;
    if (slot == NULL) {
        const boski_place at = boski_map_at(m, f.home, t);
        const boski_bits empty = boski_group_empty(at.g);
        const bool odd = t->kind == BOSK_MAP_FLOAT &&
                         boski_float_nan(boski_load(key, t->key_bytes), t->key_bytes);
        if (BOSK_LIKELY(empty != 0 && m->count < m->grow_at && !odd)) {
            const unsigned i = BOSKI_CTZ(empty);
            at.g->tag[i] = (uint8_t)bosk_map_tags[h >> 56];
            m->count++;
            slot = at.slots + i * (size_t)t->slot_bytes;
            boski_copy(slot, key, t->key_bytes);
        } else if (odd) {
            uint64_t nan = 0;
            boski_copy(&nan, key, t->key_bytes);
            bosk_map_nan(&nan, t->key_bytes);
            slot = bosk_map_insert(m, boski_hash_word(nan, m->seed));
            if (slot != NULL) boski_copy(slot, &nan, t->key_bytes);
        } else {
            slot = bosk_map_insert(m, h);
            if (slot != NULL) boski_copy(slot, key, t->key_bytes);
        }
    }
    boski_map_end(m);
    return slot == NULL ? NULL : slot + t->val_at;
}

/* True when `key` was there. */
BOSKI_INLINE bool boski_map_delete(bosk_map *m, const void *key, const bosk_map_type *t)
{
    if (BOSK_UNLIKELY(m == NULL)) return false;
    const uint64_t h = boski_map_hash(m, key, t);
    boski_map_begin(m);
    const boski_found f = boski_map_search(m, h, key, t);
    if (f.slot != NULL) {
        f.g->tag[f.i] = 0;
        m->deletes++;
        for (size_t p = f.home; BOSK_UNLIKELY(p != f.group); p++) {
            boski_group *g = boski_map_at(m, p, t).g;
            if (g->over != 255) g->over--;
        }
        if (!t->noscan && !m->type.noscan) memset(f.slot, 0, t->slot_bytes);
        if (BOSK_UNLIKELY(--m->count < m->shrink_at)) bosk_map_deleted(m);
    }
    boski_map_end(m);
    return f.slot != NULL;
}

/* ---- iterating ----------------------------------------------------------------------------- */

/* What is left of one group, in registers while the program looks at its entries. */
typedef struct boski_walk {
    boski_bits bits;
    uint32_t moves, deletes; /* of the map when the group was come to */
    uint32_t strict;         /* all ones where a deletion ends the walk, else 0 */
    const bosk_map *map;
    const boski_group *g;
    const uint8_t *before; /* how many entries of homes before this one went past them */
    unsigned char *seen;   /* where keys are noted that have been shown, by slot */
    char *slots, *slot;
} boski_walk;

enum { BOSK_MAP_SEEN = 32 };
/* Bytes of the buffer that an iteration over keys of `key` bytes needs. */
#define BOSK_MAP_SEEN_BYTES(key) (BOSK_MAP_SEEN * ((key) + 1) + BOSK_MAP_GROUP * (key))

/* Visits every entry once, whatever happens to the map meanwhile; see map.h.  Plain data: it may be
 * kept anywhere and abandoned. */
typedef struct bosk_map_iter {
    bosk_map *map;
    char *slot; /* the entry, after bosk_map_next */
    boski_walk walk;
    boski_bits bits;          /* of the group at hand, still to be looked at */
    boski_bits full, skipped; /* slots of the walk, and those of them found empty */
    boski_bits rotated;       /* slots of the first group that come last */
    boski_group *g;
    char *slots;
    size_t group;
    uint32_t moves, deletes; /* of the map when the batch was begun */
    uint32_t nseen;          /* not plain: keys of the batch that have been shown */
    uint32_t room;
    unsigned char *seen, *more, *spare;
    bool plain;  /* the batch is exactly what is in group g */
    bool sifted; /* the walk is what of group g belongs to the batch */
    bool check;  /* keys in `seen` must be skipped */
    bool lazy;   /* x, end and class_end have not been computed */
    bool whole;  /* the batch is all of home `home` */
    bool done;
    /* What is left: classes of the address function of the beginning, and a range of hashes, bits
     * reversed, of the present one. */
    size_t mask, limit, class_, left, home;
    uint64_t x, end, class_end, seen_end;
} bosk_map_iter;

/* Begins at a random place.  `seen` has BOSK_MAP_SEEN_BYTES of the keys of the map. */
BOSK_API void bosk_map_iter_init(bosk_map_iter *it, bosk_map *m, void *seen);
/* The next entry: its key at it->slot, its value type.val_at behind; false at the end. */
BOSK_API bool bosk_map_next(bosk_map_iter *it);
/* Frees what a long batch may have needed.  Called at the end of bosk_range_map however it is left;
 * may be called any number of times. */
BOSK_API void bosk_map_iter_end(bosk_map_iter *it);
/* Fills it->walk with entries to show; false at the end. */
BOSK_API bool bosk_map_advance(bosk_map_iter *it);

BOSKI_INLINE bool boski_map_walk(boski_walk *w, bosk_map_iter *it, uint32_t slot_bytes,
                                 uint32_t key_bytes)
{
    while (w->bits != 0 && w->map->moves == w->moves && *w->before == 0 &&
           ((w->map->deletes ^ w->deletes) & w->strict) == 0 &&
           __atomic_load_n(&w->map->writing, __ATOMIC_RELAXED) == 0) {
        const unsigned i = BOSKI_CTZ(w->bits);
        w->bits &= w->bits - 1;
        w->slot = w->slots + i * (size_t)slot_bytes;
        if (BOSK_LIKELY(w->g->tag[i] != 0)) {
            boski_copy(w->seen + i * (size_t)key_bytes, w->slot, key_bytes);
            return true;
        }
        it->skipped |= (boski_bits)1 << (i * BOSKI_BIT); /* deleted meanwhile */
    }
    it->walk.bits = w->bits;
    return false;
}

BOSK_END_DECLS

/* A program built against another layout of maps does not link. */
__attribute__((used)) static const char *const boski_abi_map = &bosk_abi_0;

#endif /* BOSK_MAP_BASE_H */
