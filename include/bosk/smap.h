/* smap.h - a map that threads share: shards of map.h's maps, each behind a lock of four bytes.
 *
 *     typedef BOSK_SMAP(bosk_str, int) table;
 *     table t = bosk_make_smap(table);
 *     bosk_smap_store(t, BOSK_STR("a"), 1);
 *     bool ok = bosk_smap_load(t, BOSK_STR("a"), &value);
 *
 * Every operation is atomic, holds one shard's lock for a fixed amount of work, and waits for at
 * most the operations on that shard.  Values are copied in and out; no pointer into the map leaves
 * it. Hash and equality functions run under the lock: they must not touch the map.  Fork children
 * of a process with other threads must not use a map that those were using.
 */
#ifndef BOSK_SMAP_H
#define BOSK_SMAP_H

#include <bosk/map.h>

BOSK_BEGIN_DECLS

typedef struct bosk_smap bosk_smap;

BOSK_API bosk_smap *bosk_smap_new(const bosk_map_type *type, bosk_hash_fn hash, bosk_equal_fn equal,
                                  void *context);
BOSK_API bosk_smap *bosk_try_smap_new(const bosk_map_type *type, bosk_hash_fn hash,
                                      bosk_equal_fn equal, void *context) BOSK_NODISCARD;
/* No other thread may use the map any more. */
BOSK_API void bosk_smap_free(bosk_smap *m);
BOSK_API bool bosk_smap_load_key(bosk_smap *m, const void *key, void *value);
BOSK_API bool bosk_smap_try_store_key(bosk_smap *m, const void *key, const void *value)
    BOSK_NODISCARD;
/* 1: it was there, and *value gets what is stored; 0: *value has been stored; -1: no memory. */
BOSK_API int bosk_smap_load_or_store_key(bosk_smap *m, const void *key, void *value);
/* *value is stored and gets what was there (zero when nothing was); 1, 0 or -1 as above. */
BOSK_API int bosk_smap_swap_key(bosk_smap *m, const void *key, void *value);
/* Stores *desired where *expected is; values are compared as bytes. */
BOSK_API bool bosk_smap_compare_and_swap_key(bosk_smap *m, const void *key, const void *expected,
                                             const void *desired);
/* *value (may be NULL) gets what has been deleted. */
BOSK_API bool bosk_smap_delete_key(bosk_smap *m, const void *key, void *value);
BOSK_API bool bosk_smap_compare_and_delete_key(bosk_smap *m, const void *key, const void *expected);
/* Entries now, as far as that can be said while others write. */
BOSK_API ptrdiff_t bosk_smap_len(bosk_smap *m);
BOSK_API void bosk_smap_clear(bosk_smap *m);
/* Calls `fn` with copies of entries, no lock held: it may use the map.  Entries that are there from
 * beginning to end are shown exactly once; false from `fn` ends it.  Cost: a buffer of some entries
 * from the heap; no memory is fatal. */
typedef bool (*bosk_smap_fn)(const void *key, const void *value, void *context);
BOSK_API void bosk_smap_range(bosk_smap *m, bosk_smap_fn fn, void *context);

BOSK_END_DECLS

/* Handles, typed as maps are. */
#define BOSK_SMAP(K, V) BOSKI_SMAP(K, V, 0)
#define BOSK_SMAP_FN(K, V) BOSKI_SMAP(K, V, 1)
#define BOSKI_SMAP(K, V, flags) \
    union {                     \
        bosk_smap *map;         \
        K *key;                 \
        V *value;               \
        char (*how)[1 + flags]; \
    }

/* No memory is fatal; bosk_try_make_smap then returns the zero handle. */
#define bosk_make_smap(M) BOSKI_MAKE_SMAP(BOSKI_UNIQ(m_), bosk_smap_new, M, NULL, NULL, NULL, !=)
#define bosk_try_make_smap(M) \
    BOSKI_MAKE_SMAP(BOSKI_UNIQ(m_), bosk_try_smap_new, M, NULL, NULL, NULL, !=)
#define bosk_make_smap_fn(M, hash, equal, context) \
    BOSKI_MAKE_SMAP(BOSKI_UNIQ(m_), bosk_smap_new, M, hash, equal, context, ==)
#define BOSKI_MAKE_SMAP(H, make, M, hash, equal, context, is)                                     \
    __extension__({                                                                               \
        M H;                                                                                      \
        BOSKI_MAP_ASSERT(!BOSKI_IS_CHARS(H) || BOSKI_KIND(H) == BOSK_MAP_FN,                      \
                         "keys of type char * would compare addresses: use bosk_str");            \
        BOSKI_MAP_ASSERT(BOSKI_KIND(H) is BOSK_MAP_FN,                                            \
                         "bosk_make_smap_fn is for keys that need functions, and for no others"); \
        H.map = make(BOSKI_MAP_TYPE(H), hash, equal, context);                                    \
        H;                                                                                        \
    })
/* void bosk_free_smap(M *m). */
#define bosk_free_smap(p) BOSKI_FREE_SMAP(BOSKI_UNIQ(p_), p)
#define BOSKI_FREE_SMAP(P, p)    \
    __extension__({              \
        __typeof__((p)) P = (p); \
        bosk_smap_free(P->map);  \
        P->map = NULL;           \
        (void)0;                 \
    })
/* bool bosk_smap_load(M m, key, V *value): false when absent, *value is then zero. */
#define bosk_smap_load(m, key, value) \
    BOSKI_SMAP_TO(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), bosk_smap_load_key, m, key, value)
/* bool bosk_smap_take(M m, key, V *value): LoadAndDelete; `value` may be NULL. */
#define bosk_smap_take(m, key, value) \
    BOSKI_SMAP_TO(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), bosk_smap_delete_key, m, key, value)
/* int bosk_smap_load_or_store(M m, key, V *value), bosk_smap_swap(M m, key, V *value): see above;
 * no memory is fatal. */
#define bosk_smap_load_or_store(m, key, value) \
    boski_smap_must(                           \
        BOSKI_SMAP_TO(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), bosk_smap_load_or_store_key, m, key, value))
#define bosk_smap_swap(m, key, value) \
    boski_smap_must(                  \
        BOSKI_SMAP_TO(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), bosk_smap_swap_key, m, key, value))
#define BOSKI_SMAP_TO(H, k, fn, m, key_, to)        \
    __extension__({                                 \
        const __typeof__((m)) H = (m);              \
        BOSKI_KEY_ONE(H, k, key_);                  \
        __typeof__(H.value) BOSKI_CAT(k, t) = (to); \
        fn(H.map, &k, BOSKI_CAT(k, t));             \
    })
/* void bosk_smap_store(M m, key, value); bool bosk_smap_try_store. */
#define bosk_smap_store(m, key, ...) \
    ((void)(bosk_smap_try_store(m, key, __VA_ARGS__) || (bosk_map_no_memory(), true)))
#define bosk_smap_try_store(m, key, ...) \
    BOSKI_SMAP_STORE(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), BOSKI_UNIQ(v_), m, key, __VA_ARGS__)
#define BOSKI_SMAP_STORE(H, k, v, m, key_, ...)                         \
    __extension__({                                                     \
        const __typeof__((m)) H = (m);                                  \
        BOSKI_KEY_ONE(H, k, key_);                                      \
        const __typeof__(*H.value) v = BOSKI_ONE_VALUE(H, __VA_ARGS__); \
        bosk_smap_try_store_key(H.map, &k, &v);                         \
    })
/* bool bosk_smap_compare_and_swap(M m, key, expected, desired). */
#define bosk_smap_compare_and_swap(m, key, expected, desired) \
    BOSKI_SMAP_CAS(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), BOSKI_UNIQ(v_), m, key, expected, desired)
#define BOSKI_SMAP_CAS(H, k, v, m, key_, expected, desired)                            \
    __extension__({                                                                    \
        const __typeof__((m)) H = (m);                                                 \
        BOSKI_KEY_ONE(H, k, key_);                                                     \
        const __typeof__(*H.value) BOSKI_CAT(v, e) = BOSKI_ONE_VALUE(H, expected);     \
        const __typeof__(*H.value) BOSKI_CAT(v, d) = BOSKI_ONE_VALUE(H, desired);      \
        bosk_smap_compare_and_swap_key(H.map, &k, &BOSKI_CAT(v, e), &BOSKI_CAT(v, d)); \
    })
/* bool bosk_smap_delete(M m, key). */
#define bosk_smap_delete(m, ...) BOSKI_SMAP_DELETE(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), m, __VA_ARGS__)
#define BOSKI_SMAP_DELETE(H, k, m, ...)        \
    __extension__({                            \
        const __typeof__((m)) H = (m);         \
        BOSKI_KEY_ONE(H, k, __VA_ARGS__);      \
        bosk_smap_delete_key(H.map, &k, NULL); \
    })
static inline bool boski_smap_must(int how)
{
    if (how < 0) bosk_map_no_memory();
    return how != 0;
}

#endif /* BOSK_SMAP_H */
