/* map.h - Go's maps: typed handles on one table whose operations never stall.
 *
 *     typedef BOSK_MAP(bosk_str, int) counts;       type counts map[string]int
 *     counts m = bosk_make_map(counts, 0);          m := make(counts)
 *     bosk_set(m, BOSK_STR("go"), 1);               m["go"] = 1
 *     ++*bosk_ref(m, BOSK_STR("go"));               m["go"]++
 *     int n = bosk_get(m, BOSK_STR("c"));           n := m["c"], 0 if absent
 *     n = bosk_get_ok(m, BOSK_STR("go"), &ok);      n, ok := m["go"]
 *     int *p = bosk_find(m, BOSK_STR("go"));        NULL if absent; dies at the next change
 *     bosk_delete(m, BOSK_STR("go"));               delete(m, "go")
 *     bosk_range_map(k, v, m) use(k, v);            for k, v := range m
 *     bosk_free_map(&m);
 *
 * A handle is one pointer; copies are the same map.  The zero handle is Go's nil map: it reads as
 * empty, and writing to it panics with "assignment to entry in nil map".
 *
 * No operation but those that say so does more than a fixed amount of work, growing and shrinking
 * included; memory comes and goes in blocks of 64 to 128 KiB.  A map lives in the home that is
 * current when it is made.
 *
 * Keys: integers, pointers, floats and bosk_str just work.  Struct keys need functions, because
 * padding has no value: BOSK_KEY writes them from a list of fields, bosk_make_map_fn takes any.
 * Pointers to characters are refused: they would compare addresses.
 *
 * Threads: any number may read while none writes.  Writing beside another access is found in most
 * cases and fatal ("concurrent map writes", "concurrent map read and map write", "concurrent map
 * iteration and map write"), as in Go; smap.h has a map to share.  Not for signal handlers.
 */
#ifndef BOSK_MAP_H
#define BOSK_MAP_H

#include <bosk/map_base.h>
#include <bosk/map_key.h>
#include <bosk/slice.h>

/* ---- types ---- */

/* A map of K to V; keys hashed and compared by functions given to bosk_make_map_fn; where structs
 * in K and V hold no pointers; and sets.  Name them by typedef. */
#define BOSK_MAP(K, V) BOSKI_MAP(K, V, 0)
#define BOSK_MAP_FN(K, V) BOSKI_MAP(K, V, 1)
#define BOSK_SET(K) BOSKI_MAP(K, char, 2)
#define BOSK_SET_FN(K) BOSKI_MAP(K, char, 3)
#define BOSK_MAP_POINTER_FREE(K, V) BOSKI_MAP(K, V, 4)
#define BOSK_MAP_FN_POINTER_FREE(K, V) BOSKI_MAP(K, V, 5)
#define BOSKI_MAP(K, V, flags)  \
    union {                     \
        bosk_map *map;          \
        K *key;                 \
        V *value;               \
        char (*how)[1 + flags]; \
    }
#define BOSK_KEY_OF(M) __typeof__(*((M *)NULL)->key)
#define BOSK_VALUE_OF(M) __typeof__(*((M *)NULL)->value)

BOSK_BEGIN_DECLS

/* ---- the functions behind the macros; they serve programs that make types at run time, too ----
 */

BOSK_API bosk_map *bosk_map_new(const bosk_map_type *type, long long hint, bosk_hash_fn hash,
                                bosk_equal_fn equal, void *context);
BOSK_API bosk_map *bosk_try_map_new(const bosk_map_type *type, long long hint, bosk_hash_fn hash,
                                    bosk_equal_fn equal, void *context) BOSK_NODISCARD;
BOSK_API void *bosk_map_find(const bosk_map *m, const void *key);
/* Value of the key, inserted with a zero value when it is not there; NULL: no memory. */
BOSK_API void *bosk_try_map_ref(bosk_map *m, const void *key, bool *fresh) BOSK_NODISCARD;
BOSK_API bool bosk_map_delete(bosk_map *m, const void *key);
/* Search by a key of another type: `hash(key, seed, context)` must be what the map's own function
 * gives for an equal key (maps made by bosk_make_map_fn; for others bosk_map_hash_of tells), and
 * `equal(stored key, key, context)` compares. */
BOSK_API void *bosk_map_find_as(const bosk_map *m, const void *key, bosk_hash_fn hash,
                                bosk_equal_fn equal, void *context);
BOSK_API void bosk_map_free(bosk_map *m);
/* Frees at most `blocks` blocks of a map that is not used any more; true when all is freed. */
BOSK_API bool bosk_map_free_step(bosk_map *m, size_t blocks) BOSK_NODISCARD;
/* O(1): the memory is freed by the changes that follow, or by bosk_map_shrink. */
BOSK_API void bosk_map_clear(bosk_map *m);
/* Room for n entries in all, taken now: O(n).  Deletions do not shrink the map below that. */
BOSK_API void bosk_map_reserve(bosk_map *m, long long n);
BOSK_API bool bosk_try_map_reserve(bosk_map *m, long long n) BOSK_NODISCARD;
/* Gives all memory back that is not needed, now: O(n). */
BOSK_API void bosk_map_shrink(bosk_map *m);
/* Greatest share of slots in use before the map grows, 0.25 to 0.95 (13/16 unless set): more saves
 * memory, less saves time on absent keys.  Panics outside: "bosk: max_load of a map must be from
 * 0.25 to 0.95". */
BOSK_API void bosk_map_max_load(bosk_map *m, double load);
/* A map with the same entries in the current home.  O(n). */
BOSK_API bosk_map *bosk_map_clone(const bosk_map *m);
BOSK_API bosk_map *bosk_try_map_clone(const bosk_map *m) BOSK_NODISCARD;
/* The same keys with the same values, compared by `equal` (NULL: as bytes).  O(n). */
BOSK_API bool bosk_map_equal(const bosk_map *a, const bosk_map *b, bosk_equal_fn equal,
                             void *context);
/* Deletes every entry for which `keep` is false.  O(n). */
typedef bool (*bosk_map_keep_fn)(const void *key, void *value, void *context);
BOSK_API void bosk_map_retain(bosk_map *m, bosk_map_keep_fn keep, void *context);
/* Copies all keys (values) to `out`, which has room for as many as the map has entries. */
BOSK_API void bosk_map_copy_keys(const bosk_map *m, void *out);
BOSK_API void bosk_map_copy_values(const bosk_map *m, void *out);
BOSK_API uint64_t bosk_map_hash_of(const bosk_map *m, const void *key);
BOSK_API BOSK_NORETURN void bosk_map_no_memory(void);
/* Hash of bytes by which hash functions of programs can be made; `seed` as they get it. */
BOSK_API uint64_t bosk_hash_bytes(const void *p, size_t n, uint64_t seed);
BOSK_API uint64_t bosk_hash_u64(uint64_t v, uint64_t seed);

/* ---- looking on ---------------------------------------------------------------------------- */

struct bosk_map_stats {
    uint64_t entries, homes, groups; /* groups of 15 slots there is memory for */
    uint64_t bytes;                  /* of memory, directory and header included */
    uint64_t dead_blocks;            /* of cleared tables, still to be freed */
    double load;                     /* entries per slot */
    uint64_t outside;                /* entries that are not in their home */
    uint64_t longest_probe;          /* groups looked at for the entry farthest from its home */
    uint64_t saturated;              /* groups whose count of passing entries is stuck */
    uint64_t splits, merges, rebuilds, moved; /* since the map was made */
    uint64_t longest_ns; /* longest single piece of work that took memory or copied a small table */
    bool growing, shrinking;
};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
/* O(n). */
BOSK_API void bosk_map_stats(const bosk_map *m, struct bosk_map_stats *out);
#pragma GCC diagnostic pop
/* What is wrong with the table, or NULL: its own rules, looked at one by one.  O(n). */
BOSK_API const char *bosk_map_check(const bosk_map *m);

enum bosk_map_event {
    BOSK_MAP_GROWS = 1,
    BOSK_MAP_GROWN = 2,
    BOSK_MAP_SHRINKS = 3,
    BOSK_MAP_SHRUNK = 4,
    BOSK_MAP_CLEARED = 5
};
/* `fn` is called when any map begins or ends to change its size, from inside the operation: it must
 * not touch the map but for its counters.  NULL ends it; returns the one before. */
typedef void (*bosk_map_event_fn)(const bosk_map *m, enum bosk_map_event event);
BOSK_API bosk_map_event_fn bosk_on_map_event(bosk_map_event_fn fn);

/* ---- scanning, dumping ---- */

/* A place in a map that stays good whatever happens to the map: three words, zero at the start.
 * bosk_map_scan calls `fn` for the entries of one home or more and moves on; entries that are there
 * from the first call to the last are shown exactly once.  `fn` must not change the map (between
 * calls anything may happen); at least `least` entries are shown, unless the end comes first.
 * Returns false when the end has come. */
typedef struct bosk_map_cursor {
    uint64_t at, unused;
    bool begun, done;
} bosk_map_cursor;
typedef void (*bosk_map_scan_fn)(const void *key, void *value, void *context);
BOSK_API bool bosk_map_scan(const bosk_map *m, bosk_map_cursor *cursor, size_t least,
                            bosk_map_scan_fn fn, void *context);

/* Writes a map without pointers through `out` (which returns 0, or a negative error that ends the
 * dump).  0, -EINVAL when keys or values may hold pointers, or what `out` returned. */
typedef int (*bosk_map_out_fn)(const void *bytes, size_t n, void *context);
BOSK_API int bosk_map_dump(const bosk_map *m, bosk_map_out_fn out, void *context);
/* Puts the entries of a dump into an empty map of the same types.  0, or with nothing loaded:
 * -EBADMSG not a dump, cut off, or changed since; -EINVAL of other types or another architecture,
 * or the map is not empty; -ENOMEM.  `*why` (may be NULL) tells in words. */
BOSK_API int bosk_map_load(bosk_map *m, const void *bytes, size_t n, const char **why);

BOSK_END_DECLS

/* ---- what the compiler knows of a map type ---- */

#define BOSKI_HOW(m) (sizeof(*(m).how) - 1)
#define BOSKI_UP(n, a) (((n) + (a)-1) / (a) * (a))
#define BOSKI_VB(m) ((BOSKI_HOW(m) & 2) != 0 ? (size_t)0 : sizeof(*(m).value))
#define BOSKI_KA(m) __alignof__(*(m).key)
#define BOSKI_VA(m) ((BOSKI_HOW(m) & 2) != 0 ? (size_t)1 : __alignof__(*(m).value))
#define BOSKI_MA(m) (BOSKI_KA(m) > BOSKI_VA(m) ? BOSKI_KA(m) : BOSKI_VA(m))
#define BOSKI_VAT(m) BOSKI_UP(sizeof(*(m).key), BOSKI_VA(m))
#define BOSKI_SLOT(m) BOSKI_UP(BOSKI_VAT(m) + BOSKI_VB(m), BOSKI_MA(m))
/* The least power of two of groups that fill 64 KiB. */
#define BOSKI_FULL(g, n) ((g) << (n) >= 65536)
#define BOSKI_SHIFT(g)        \
    (BOSKI_FULL(g, 0)    ? 0  \
     : BOSKI_FULL(g, 1)  ? 1  \
     : BOSKI_FULL(g, 2)  ? 2  \
     : BOSKI_FULL(g, 3)  ? 3  \
     : BOSKI_FULL(g, 4)  ? 4  \
     : BOSKI_FULL(g, 5)  ? 5  \
     : BOSKI_FULL(g, 6)  ? 6  \
     : BOSKI_FULL(g, 7)  ? 7  \
     : BOSKI_FULL(g, 8)  ? 8  \
     : BOSKI_FULL(g, 9)  ? 9  \
     : BOSKI_FULL(g, 10) ? 10 \
     : BOSKI_FULL(g, 11) ? 11 \
                         : 12)
/* gcc and clang agree on these: 1 integer, 3 enumeration, 4 bool, 5 pointer, 8 floating. */
#define BOSKI_KEY_CLASS(x) __builtin_classify_type(x)
#define BOSKI_KIND(m)                                                                       \
    ((BOSKI_HOW(m) & 1) != 0 ? BOSK_MAP_FN                                                  \
     : BOSKI_IS_STR(m)       ? BOSK_MAP_STR                                                 \
     : sizeof(*(m).key) > 8  ? BOSK_MAP_FN                                                  \
     : BOSKI_KEY_CLASS(*(m).key) == 8                                                       \
         ? BOSK_MAP_FLOAT                                                                   \
         : (BOSKI_KEY_CLASS(*(m).key) >= 1 && BOSKI_KEY_CLASS(*(m).key) <= 5 ? BOSK_MAP_INT \
                                                                             : BOSK_MAP_FN))
#define BOSKI_MAP_NOSCAN(m)     \
    ((BOSKI_HOW(m) & 4) != 0 || \
     (BOSKI_NOSCAN(*(m).key) && ((BOSKI_HOW(m) & 2) != 0 || BOSKI_NOSCAN(*(m).value))))
#define BOSKI_MAP_FIELDS(m)                                                         \
    (uint32_t)sizeof(*(m).key), (uint32_t)BOSKI_VB(m), (uint32_t)BOSKI_VAT(m),      \
        (uint32_t)BOSKI_SLOT(m), (uint32_t)BOSKI_MA(m), (uint8_t)BOSKI_KIND(m),     \
        (uint8_t)BOSKI_SHIFT(sizeof(boski_group) + BOSK_MAP_GROUP * BOSKI_SLOT(m)), \
        BOSKI_MAP_NOSCAN(m)

#ifndef __cplusplus
/* clang-format off */
#define BOSKI_IS_STR(m) _Generic(*(m).key, bosk_str: 1, default: 0)
#define BOSKI_IS_CHARS(m) \
    _Generic(*(m).key, char *: 1, const char *: 1, signed char *: 1, const signed char *: 1, \
             unsigned char *: 1, const unsigned char *: 1, default: 0)
/* clang-format on */
#define BOSKI_MAP_TYPE(m) (&(const bosk_map_type){BOSKI_MAP_FIELDS(m)})
#define BOSKI_MAP_ASSERT(what, text) _Static_assert(what, text)
#define BOSKI_KEY_ONE(m, k, ...) const __typeof__(*(m).key) k = __VA_ARGS__
#define BOSKI_MAP_USED(x) boski_must_look(x)
#else
#define BOSKI_IS_STR(m) (std::is_same<__typeof__(*(m).key), bosk_str>::value)
#define BOSKI_IS_CHARS(m) (boski::is_chars<__typeof__(*(m).key)>::value)
namespace boski
{
template <class T> struct is_chars {
    static constexpr bool value =
        std::is_pointer<T>::value &&
        (std::is_same<std::remove_cv_t<std::remove_pointer_t<T>>, char>::value ||
         std::is_same<std::remove_cv_t<std::remove_pointer_t<T>>, signed char>::value ||
         std::is_same<std::remove_cv_t<std::remove_pointer_t<T>>, unsigned char>::value);
};
template <class M> struct map_traits {
    static const bosk_map_type *type()
    {
        static constexpr M *m = nullptr;
        static constexpr bosk_map_type t = {BOSKI_MAP_FIELDS(*m)};
        return &t;
    }
};
template <class M> constexpr const bosk_map_type *map_type(const M &)
{
    return map_traits<M>::type();
}
} // namespace boski
#define BOSKI_MAP_TYPE(m) boski::map_type(m)
#define BOSKI_MAP_ASSERT(what, text) static_assert(what, text)
#define BOSKI_KEY_ONE(m, k, ...) \
    const __typeof__(*(m).key) k = boski::value<__typeof__(*(m).key)>(__VA_ARGS__).v
#define BOSKI_MAP_USED(x) boski::used(x)
#endif

/* ---- making and freeing ---- */

/* M bosk_make_map(M, hint): make(map[K]V, hint).  A hint that is negative or absurd is 0.  No
 * memory is fatal; bosk_try_make_map then returns the zero handle. */
#define bosk_make_map(M, hint) BOSKI_MAKE_MAP(BOSKI_UNIQ(m_), bosk_map_new, M, hint)
#define bosk_try_make_map(M, hint) BOSKI_MAKE_MAP(BOSKI_UNIQ(m_), bosk_try_map_new, M, hint)
#define BOSKI_MAKE_MAP(H, make, M, hint)                                                     \
    __extension__({                                                                          \
        M H;                                                                                 \
        BOSKI_MAP_ASSERT(!BOSKI_IS_CHARS(H),                                                 \
                         "keys of type char * would compare addresses: use bosk_str and "    \
                         "bosk_str_of(), or BOSK_MAP_FN");                                   \
        BOSKI_MAP_ASSERT(BOSKI_KIND(H) != BOSK_MAP_FN,                                       \
                         "keys of this type need functions: BOSK_KEY and bosk_make_map_fn"); \
        H.map = make(BOSKI_MAP_TYPE(H), (long long)(hint), NULL, NULL, NULL);                \
        H;                                                                                   \
    })
/* M bosk_make_map_fn(M, hint, hash, equal, context): the same with functions for keys. */
#define bosk_make_map_fn(M, hint, hash, equal, context) \
    BOSKI_MAKE_MAP_FN(BOSKI_UNIQ(m_), bosk_map_new, M, hint, hash, equal, context)
#define bosk_try_make_map_fn(M, hint, hash, equal, context) \
    BOSKI_MAKE_MAP_FN(BOSKI_UNIQ(m_), bosk_try_map_new, M, hint, hash, equal, context)
#define BOSKI_MAKE_MAP_FN(H, make, M, hint, hash, equal, context)                    \
    __extension__({                                                                  \
        M H;                                                                         \
        BOSKI_MAP_ASSERT(BOSKI_KIND(H) == BOSK_MAP_FN,                               \
                         "integers, floats, pointers and strings take functions in " \
                         "BOSK_MAP_FN only");                                        \
        H.map = make(BOSKI_MAP_TYPE(H), (long long)(hint), hash, equal, context);    \
        H;                                                                           \
    })
/* void bosk_free_map(M *m): frees the map and makes the handle nil.  What keys and values point at
 * is the program's.  O(n) in blocks of memory; bosk_map_free_step does it piece by piece. */
#define bosk_free_map(p) BOSKI_FREE_MAP(BOSKI_UNIQ(p_), p)
#define BOSKI_FREE_MAP(P, p)     \
    __extension__({              \
        __typeof__((p)) P = (p); \
        bosk_map_free(P->map);   \
        P->map = NULL;           \
        (void)0;                 \
    })

/* ---- reading ------------------------------------------------------------------------------- */

/* ptrdiff_t bosk_map_len(M m): len(m). */
#define bosk_map_len(m) boski_map_len((m).map)
static inline ptrdiff_t boski_map_len(const bosk_map *m)
{
    return m == NULL ? 0 : (ptrdiff_t)m->count;
}
/* V *bosk_find(M m, key): the value, NULL when there is none.  Good until the next insertion or
 * deletion. */
#define bosk_find(m, ...) BOSKI_FIND(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), m, __VA_ARGS__)
#define BOSKI_FIND(H, k, m, ...)                                             \
    __extension__({                                                          \
        const __typeof__((m)) H = (m);                                       \
        BOSKI_KEY_ONE(H, k, __VA_ARGS__);                                    \
        (__typeof__(&*H.value))boski_map_find(H.map, &k, BOSKI_MAP_TYPE(H)); \
    })
/* bool bosk_has(M m, key): _, ok := m[key]. */
#define bosk_has(m, ...) BOSKI_HAS(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), m, __VA_ARGS__)
#define BOSKI_HAS(H, k, m, ...)                               \
    __extension__({                                           \
        const __typeof__((m)) H = (m);                        \
        BOSKI_KEY_ONE(H, k, __VA_ARGS__);                     \
        boski_map_find(H.map, &k, BOSKI_MAP_TYPE(H)) != NULL; \
    })
/* V bosk_get(M m, key): m[key], zero when absent.  V bosk_get_ok(M m, key, bool *ok). */
#define bosk_get(m, ...) BOSKI_GET(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), BOSKI_UNIQ(v_), m, __VA_ARGS__)
#define BOSKI_GET(H, k, v, m, ...)                                                  \
    __extension__({                                                                 \
        const __typeof__((m)) H = (m);                                              \
        BOSKI_KEY_ONE(H, k, __VA_ARGS__);                                           \
        const void *BOSKI_CAT(v, p) = boski_map_find(H.map, &k, BOSKI_MAP_TYPE(H)); \
        __typeof__(*H.value) v;                                                     \
        if (BOSKI_CAT(v, p) != NULL)                                                \
            memcpy((void *)&v, BOSKI_CAT(v, p), sizeof v);                          \
        else                                                                        \
            memset((void *)&v, 0, sizeof v);                                        \
        v;                                                                          \
    })
#define bosk_get_ok(m, key, ok) \
    BOSKI_GET_OK(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), BOSKI_UNIQ(v_), m, key, ok)
#define BOSKI_GET_OK(H, k, v, m, key, ok)                                           \
    __extension__({                                                                 \
        const __typeof__((m)) H = (m);                                              \
        BOSKI_KEY_ONE(H, k, key);                                                   \
        const void *BOSKI_CAT(v, p) = boski_map_find(H.map, &k, BOSKI_MAP_TYPE(H)); \
        __typeof__(*H.value) v;                                                     \
        if (BOSKI_CAT(v, p) != NULL)                                                \
            memcpy((void *)&v, BOSKI_CAT(v, p), sizeof v);                          \
        else                                                                        \
            memset((void *)&v, 0, sizeof v);                                        \
        *(ok) = BOSKI_CAT(v, p) != NULL;                                            \
        v;                                                                          \
    })
/* V *bosk_find_as(M m, const T *foreign, hash, equal, context): see bosk_map_find_as. */
#define bosk_find_as(m, key, hash, equal, context) \
    BOSKI_FIND_AS(BOSKI_UNIQ(m_), m, key, hash, equal, context)
#define BOSKI_FIND_AS(H, m, foreign, hash, equal, context)                                     \
    __extension__({                                                                            \
        const __typeof__((m)) H = (m);                                                         \
        (__typeof__(&*H.value))bosk_map_find_as(H.map, (foreign), (hash), (equal), (context)); \
    })

/* ---- writing ------------------------------------------------------------------------------- */

/* void bosk_set(M m, key, value): m[key] = value.  Struct values may be bare: bosk_set(m, 1, {2,
 * 3}). bool bosk_try_set(M m, key, value): false when there is no memory; the map is then
 * unchanged. */
#define bosk_set(m, key, ...)                                                       \
    ((void)(BOSKI_SET_VALUE(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), BOSKI_UNIQ(v_), m, key, \
                            __VA_ARGS__) ||                                         \
            (bosk_map_no_memory(), true)))
#define bosk_try_set(m, key, ...) \
    BOSKI_MAP_USED(               \
        BOSKI_SET_VALUE(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), BOSKI_UNIQ(v_), m, key, __VA_ARGS__))
#define BOSKI_SET_VALUE(H, k, v, m, key_, ...)                                                 \
    __extension__({                                                                            \
        const __typeof__((m)) H = (m);                                                         \
        BOSKI_KEY_ONE(H, k, key_);                                                             \
        const __typeof__(*H.value) v = BOSKI_ONE_VALUE(H, __VA_ARGS__);                        \
        bool BOSKI_CAT(v, f);                                                                  \
        void *BOSKI_CAT(v, p) = boski_map_ref(H.map, &k, BOSKI_MAP_TYPE(H), &BOSKI_CAT(v, f)); \
        if (BOSK_LIKELY(BOSKI_CAT(v, p) != NULL))                                              \
            memcpy(BOSKI_CAT(v, p), (const void *)&v, sizeof v);                               \
        BOSKI_CAT(v, p) != NULL;                                                               \
    })
#ifndef __cplusplus
#define BOSKI_ONE_VALUE(H, ...) __VA_ARGS__
#else
#define BOSKI_ONE_VALUE(H, ...) boski::value<__typeof__(*H.value)>(__VA_ARGS__).v
#endif
/* V *bosk_ref(M m, key): &m[key], inserted with a zero value when absent, in one search.
 * bosk_try_ref is NULL when there is no memory. */
#define bosk_ref(m, ...) BOSKI_REF(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), true, m, __VA_ARGS__)
#define bosk_try_ref(m, ...) BOSKI_REF(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), false, m, __VA_ARGS__)
#define BOSKI_REF(H, k, must, m, ...)                                                          \
    __extension__({                                                                            \
        const __typeof__((m)) H = (m);                                                         \
        BOSKI_KEY_ONE(H, k, __VA_ARGS__);                                                      \
        bool BOSKI_CAT(k, f);                                                                  \
        void *BOSKI_CAT(k, p) = boski_map_ref(H.map, &k, BOSKI_MAP_TYPE(H), &BOSKI_CAT(k, f)); \
        if (BOSKI_CAT(k, p) == NULL) {                                                         \
            if (must) bosk_map_no_memory();                                                    \
        } else if (BOSKI_CAT(k, f)) {                                                          \
            memset(BOSKI_CAT(k, p), 0, BOSKI_VB(H));                                           \
        }                                                                                      \
        (__typeof__(&*H.value))BOSKI_CAT(k, p);                                                \
    })
/* bool bosk_delete(M m, key): delete(m, key); whether it was there. */
#define bosk_delete(m, ...) BOSKI_DELETE_KEY(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), m, __VA_ARGS__)
#define BOSKI_DELETE_KEY(H, k, m, ...)                  \
    __extension__({                                     \
        const __typeof__((m)) H = (m);                  \
        BOSKI_KEY_ONE(H, k, __VA_ARGS__);               \
        boski_map_delete(H.map, &k, BOSKI_MAP_TYPE(H)); \
    })
/* bool bosk_add(S set, key): puts a key into a set; whether it is new.  bosk_try_add: -1 when there
 * is no memory, else 0 or 1. */
#define bosk_add(m, ...) (boski_added(BOSKI_ADD(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), m, __VA_ARGS__)))
#define bosk_try_add(m, ...) BOSKI_ADD(BOSKI_UNIQ(m_), BOSKI_UNIQ(k_), m, __VA_ARGS__)
#define BOSKI_ADD(H, k, m, ...)                                                      \
    __extension__({                                                                  \
        const __typeof__((m)) H = (m);                                               \
        BOSKI_KEY_ONE(H, k, __VA_ARGS__);                                            \
        bool BOSKI_CAT(k, f);                                                        \
        BOSKI_MAP_ASSERT((BOSKI_HOW(H) & 2) != 0, "bosk_add is for sets: bosk_set"); \
        boski_map_ref(H.map, &k, BOSKI_MAP_TYPE(H), &BOSKI_CAT(k, f)) == NULL        \
            ? -1                                                                     \
            : (int)BOSKI_CAT(k, f);                                                  \
    })
static inline bool boski_added(int how)
{
    if (how < 0) bosk_map_no_memory();
    return how != 0;
}
/* bosk_push_to(M m, key, element): m[key] = append(m[key], element) for maps of slices that own
 * their arrays: large ones grow in place, so a hot key has no moment of twice its size. */
#define bosk_push_to(m, key, ...) BOSKI_PUSH_TO(BOSKI_UNIQ(s_), m, key, __VA_ARGS__)
#define BOSKI_PUSH_TO(S, m, key, ...)               \
    __extension__({                                 \
        __typeof__((m).value) S = bosk_ref(m, key); \
        bosk_push(S, __VA_ARGS__);                  \
        (void)0;                                    \
    })

/* void bosk_clear_map(M m): clear(m). */
#define bosk_clear_map(m) bosk_map_clear((m).map)
/* M bosk_clone_map(M m): maps.Clone(m); nil for nil. */
#define bosk_clone_map(m) BOSKI_CLONE_MAP(BOSKI_UNIQ(m_), m)
#define BOSKI_CLONE_MAP(H, m)          \
    __extension__({                    \
        __typeof__((m)) H = (m);       \
        H.map = bosk_map_clone(H.map); \
        H;                             \
    })
/* S bosk_map_keys(S, M m), bosk_map_values: all keys (values) in a new slice, in random order. */
#define bosk_map_keys(S, m) BOSKI_MAP_ALL(BOSKI_UNIQ(s_), BOSKI_UNIQ(m_), S, m, key, keys)
#define bosk_map_values(S, m) BOSKI_MAP_ALL(BOSKI_UNIQ(s_), BOSKI_UNIQ(m_), S, m, value, values)
#define BOSKI_MAP_ALL(L, H, S, m, member, what)     \
    __extension__({                                 \
        const __typeof__((m)) H = (m);              \
        S L = bosk_make(S, 0, bosk_map_len(H));     \
        BOSKI_MAP_SAME(*L.ptr, *H.member);          \
        bosk_map_copy_##what(H.map, (void *)L.ptr); \
        L.len = bosk_map_len(H);                    \
        L;                                          \
    })
#ifndef __cplusplus
#define BOSKI_MAP_SAME(a, b) ((void)_Generic(&(b), __typeof__(&(a)) : 0))
#else
#define BOSKI_MAP_SAME(a, b) \
    static_assert(std::is_same<__typeof__(&(a)), __typeof__(&(b))>::value, "of other elements")
#endif

/* ---- ranging ------------------------------------------------------------------------------- */

/* bosk_range_map(k, v, m) { ... }: for k, v := range m.  k and v are copies; break, continue,
 * return and goto work.  Begins at a random place.  The map may be written to meanwhile, by this
 * thread: every entry that is there from beginning to end is shown exactly once, none that has been
 * deleted, values as they are when shown; entries that are new may be shown once or not.
 * bosk_range_map_ref: v points at the value.  bosk_range_set(k, s): the keys of a set, or a map. */
#define bosk_range_map(k, v, m) \
    BOSKI_RANGE_MAP3(BOSKI_UNIQ(m_), BOSKI_UNIQ(b_), BOSKI_UNIQ(i_), k, v, m, *)
#define bosk_range_map_ref(k, v, m) \
    BOSKI_RANGE_MAP3(BOSKI_UNIQ(m_), BOSKI_UNIQ(b_), BOSKI_UNIQ(i_), k, v, m, &*)
#define bosk_range_set(k, m) BOSKI_RANGE_SET(BOSKI_UNIQ(m_), BOSKI_UNIQ(b_), BOSKI_UNIQ(i_), k, m)
/* B: 1 between entries, 0 and 3 in the loops over one entry; left at 3 by break. */
#define BOSKI_RANGE_HEAD(H, B, I, m)                                                             \
    for (int B = 1; B == 1; B = 2)                                                               \
        for (const __typeof__((m)) H = (m); B == 1; B = 2)                                       \
            for (unsigned char BOSKI_CAT(I, s)[BOSK_MAP_SEEN_BYTES(sizeof(*H.key))]; B == 1;     \
                 B = 2)                                                                          \
                for (bosk_map_iter I __attribute__((cleanup(bosk_map_iter_end))) =               \
                         boski_map_range(H.map, BOSKI_CAT(I, s));                                \
                     B == 1 && bosk_map_advance(&I);)                                            \
                    for (boski_walk BOSKI_CAT(I, w) = I.walk;                                    \
                         B == 1 && boski_map_walk(&BOSKI_CAT(I, w), &I, (uint32_t)BOSKI_SLOT(H), \
                                                  (uint32_t)sizeof(*H.key));)
#define BOSKI_RANGE_MAP3(H, B, I, k, v, m, how)                                             \
    BOSKI_RANGE_HEAD(H, B, I, m)                                                            \
    for (__attribute__((unused)) __typeof__(*H.key) k =                                     \
             (B = 0, *(const __typeof__(*H.key) *)(const void *)BOSKI_CAT(I, w).slot);      \
         B == 0;)                                                                           \
        for (__attribute__((unused)) __typeof__(how H.value) v =                            \
                 (B = 3,                                                                    \
                 how(__typeof__(*H.value) *)(void *)(BOSKI_CAT(I, w).slot + BOSKI_VAT(H))); \
             B == 3; B = 1)
#define BOSKI_RANGE_SET(H, B, I, k, m)                                                 \
    BOSKI_RANGE_HEAD(H, B, I, m)                                                       \
    for (__attribute__((unused)) __typeof__(*H.key) k =                                \
             (B = 3, *(const __typeof__(*H.key) *)(const void *)BOSKI_CAT(I, w).slot); \
         B == 3; B = 1)
BOSKI_INLINE bosk_map_iter boski_map_range(bosk_map *m, void *seen)
{
    bosk_map_iter it;
    bosk_map_iter_init(&it, m, seen);
    return it;
}

#endif /* BOSK_MAP_H */
