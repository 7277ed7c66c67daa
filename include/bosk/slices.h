/* slices.h - Go's package slices, as far as C programs want it.
 *
 *     bosk_slices_sort(s);
 *     ptrdiff_t at = bosk_slices_binary_search(s, 42, &found);
 *     s = bosk_slices_compact(s);
 *
 * Values are compared by ==, so elements are numbers or pointers (in C++: what has ==); the forms
 * ending in _func take a function and any elements.  Each macro evaluates each argument once.
 * Go counterpart: slices (1.22).
 */
#ifndef BOSK_SLICES_H
#define BOSK_SLICES_H

#include <bosk/slice.h>

BOSK_BEGIN_DECLS

/* Negative, 0, or positive as a comes before, with, or behind b. */
typedef int (*bosk_compare_fn)(const void *a, const void *b);

/* Kinds of numbers, for sorting without a function. */
enum bosk_number {
    BOSK_NUMBER_NONE,
    BOSK_NUMBER_I8,
    BOSK_NUMBER_I16,
    BOSK_NUMBER_I32,
    BOSK_NUMBER_I64,
    BOSK_NUMBER_U8,
    BOSK_NUMBER_U16,
    BOSK_NUMBER_U32,
    BOSK_NUMBER_U64,
    BOSK_NUMBER_F32,
    BOSK_NUMBER_F64
};

/* What the macros below call. */
BOSK_API void bosk_sort_numbers(void *array, ptrdiff_t n, enum bosk_number kind);
BOSK_API bool bosk_sorted_numbers(const void *array, ptrdiff_t n, enum bosk_number kind);
BOSK_API void bosk_sort_array(void *array, ptrdiff_t n, size_t size, bosk_compare_fn compare);
BOSK_API void bosk_sort_array_stable(void *array, ptrdiff_t n, size_t size,
                                     bosk_compare_fn compare);
BOSK_API void bosk_reverse_array(void *array, ptrdiff_t n, size_t size);
/* First place whose element does not come before `key`; *found: it equals the key. */
BOSK_API ptrdiff_t bosk_search_array(const void *array, ptrdiff_t n, size_t size, const void *key,
                                     bosk_compare_fn compare, bool *found);
/* Keeps the first of each run of elements that compare as equal; the number kept. */
BOSK_API ptrdiff_t bosk_compact_array(void *array, ptrdiff_t n, size_t size,
                                      bosk_compare_fn compare);
BOSK_API bosk_slice bosk_slices_grow_any(const bosk_type *type, bosk_slice s, ptrdiff_t n);
BOSK_API bosk_slice bosk_slices_concat_any(const bosk_type *type, const void *slices, size_t count);

BOSK_END_DECLS

/* ---- capacity ------------------------------------------------------------------------- */

/* T bosk_slices_grow(s, n): room for n more without another allocation; panics with "cannot be
 * negative".  T bosk_slices_clip(s): s[:len:len]. */
#define bosk_slices_grow(s, n) BOSKI_SLICES_GROW(BOSKI_UNIQ(s_), s, n)
#define BOSKI_SLICES_GROW(S, s, n)                                                       \
    BOSKI_OPEN                                                                           \
    __typeof__((s)) S = (s);                                                             \
    BOSKI_TYPE(S);                                                                       \
    const bosk_slice BOSKI_CAT(S, o) = {(void *)S.ptr, S.len, S.cap};                    \
    BOSKI_TAKE(S, BOSKI_CAT(S, g),                                                       \
               bosk_slices_grow_any(&BOSKI_CAT(S, t), BOSKI_CAT(S, o), (ptrdiff_t)(n))); \
    BOSKI_VALUE(S)
#define bosk_slices_clip(s) BOSKI_SLICES_CLIP(BOSKI_UNIQ(s_), s)
#define BOSKI_SLICES_CLIP(S, s) \
    BOSKI_OPEN                  \
    __typeof__((s)) S = (s);    \
    S.cap = S.len;              \
    BOSKI_VALUE(S)
/* T bosk_slices_clone(s): a copy in an array of its own; nil stays nil. */
#define bosk_slices_clone(s) BOSKI_SLICES_CLONE(BOSKI_UNIQ(s_), BOSKI_UNIQ(c_), s)
#define BOSKI_SLICES_CLONE(S, C, s) \
    BOSKI_OPEN                      \
    const __typeof__((s)) S = (s);  \
    __typeof__((s)) C = S;          \
    C.len = C.cap = 0;              \
    C = bosk_append_slice(C, S);    \
    BOSKI_VALUE(C)
/* T bosk_slices_concat(T, slices...): all of them in one new array. */
#define bosk_slices_concat(T, ...) \
    BOSKI_SLICES_CONCAT(BOSKI_UNIQ(s_), BOSKI_UNIQ(v_), T, __VA_ARGS__)
#define BOSKI_SLICES_CONCAT(S, V, T, ...)                                            \
    BOSKI_OPEN                                                                       \
    T S;                                                                             \
    BOSKI_TYPE(S);                                                                   \
    const T V[] = {__VA_ARGS__};                                                     \
    BOSKI_TAKE(S, BOSKI_CAT(S, g),                                                   \
               bosk_slices_concat_any(&BOSKI_CAT(S, t), V, sizeof V / sizeof V[0])); \
    BOSKI_VALUE(S)

/* ---- comparing and finding -------------------------------------------------------------- */

/* bool bosk_slices_equal(a, b): same length and a[i] == b[i] (so NaN differs from itself). */
#define bosk_slices_equal(a, b) BOSKI_EQUAL(BOSKI_UNIQ(a_), BOSKI_UNIQ(b_), BOSKI_UNIQ(i_), a, b)
#define BOSKI_EQUAL(A, B, I, a, b)                         \
    __extension__({                                        \
        const __typeof__((a)) A = (a);                     \
        const __typeof__((b)) B = (b);                     \
        BOSKI_ALIKE(A, B);                                 \
        ptrdiff_t I = 0;                                   \
        if (A.len == B.len)                                \
            while (I < A.len && A.ptr[I] == B.ptr[I]) I++; \
        A.len == B.len &&I == A.len;                       \
    })
/* ptrdiff_t bosk_slices_index(s, v): of the first element equal to v, or -1. */
#define bosk_slices_index(s, v) BOSKI_INDEX(BOSKI_UNIQ(s_), BOSKI_UNIQ(v_), BOSKI_UNIQ(i_), s, v)
#define BOSKI_INDEX(S, V, I, s, v)                            \
    __extension__({                                           \
        const __typeof__((s)) S = (s);                        \
        BOSKI_ONE(S, V, v);                                   \
        ptrdiff_t I = 0;                                      \
        while (I < S.len && !(S.ptr[I] == BOSKI_THE(V))) I++; \
        I < S.len ? I : (ptrdiff_t)-1;                        \
    })
#define bosk_slices_contains(s, v) (bosk_slices_index(s, v) >= 0)

/* ---- order --------------------------------------------------------------------------------- */

/* void bosk_slices_sort(s): numbers, ascending; NaN first, as in Go.  _func: by compare, equal
 * elements in any order; _stable_func keeps their order. */
#define bosk_slices_sort(s) BOSKI_SORT(BOSKI_UNIQ(s_), s)
#define BOSKI_SORT(S, s)                                               \
    __extension__({                                                    \
        const __typeof__((s)) S = (s);                                 \
        BOSKI_MUST_BE_NUMBER(*S.ptr);                                  \
        bosk_sort_numbers((void *)S.ptr, S.len, BOSKI_NUMBER(*S.ptr)); \
    })
#define bosk_slices_is_sorted(s) BOSKI_IS_SORTED(BOSKI_UNIQ(s_), s)
#define BOSKI_IS_SORTED(S, s)                                                  \
    __extension__({                                                            \
        const __typeof__((s)) S = (s);                                         \
        BOSKI_MUST_BE_NUMBER(*S.ptr);                                          \
        bosk_sorted_numbers((const void *)S.ptr, S.len, BOSKI_NUMBER(*S.ptr)); \
    })
#define bosk_slices_sort_func(s, compare) \
    BOSKI_WITH_ARRAY(bosk_sort_array, BOSKI_UNIQ(s_), s, compare)
#define bosk_slices_sort_stable_func(s, compare) \
    BOSKI_WITH_ARRAY(bosk_sort_array_stable, BOSKI_UNIQ(s_), s, compare)
#define BOSKI_WITH_ARRAY(call, S, s, compare)                  \
    __extension__({                                            \
        const __typeof__((s)) S = (s);                         \
        call((void *)S.ptr, S.len, sizeof(*S.ptr), (compare)); \
    })
/* void bosk_slices_reverse(s). */
#define bosk_slices_reverse(s) BOSKI_REVERSE(BOSKI_UNIQ(s_), s)
#define BOSKI_REVERSE(S, s)                                       \
    __extension__({                                               \
        const __typeof__((s)) S = (s);                            \
        bosk_reverse_array((void *)S.ptr, S.len, sizeof(*S.ptr)); \
    })
/* ptrdiff_t bosk_slices_binary_search(s, v, bool *found): the place of v in a sorted slice of
 * numbers, or where it would stand. */
#define bosk_slices_binary_search(s, v, found) \
    BOSKI_SEARCH(BOSKI_UNIQ(s_), BOSKI_UNIQ(v_), BOSKI_UNIQ(l_), BOSKI_UNIQ(h_), s, v, found)
#define BOSKI_SEARCH(S, V, L, H, s, v, found)                  \
    __extension__({                                            \
        const __typeof__((s)) S = (s);                         \
        BOSKI_MUST_BE_NUMBER(*S.ptr);                          \
        BOSKI_ONE(S, V, v);                                    \
        ptrdiff_t L = 0, H = S.len;                            \
        while (L < H) {                                        \
            const ptrdiff_t BOSKI_CAT(S, m) = L + (H - L) / 2; \
            if (S.ptr[BOSKI_CAT(S, m)] < BOSKI_THE(V))         \
                L = BOSKI_CAT(S, m) + 1;                       \
            else                                               \
                H = BOSKI_CAT(S, m);                           \
        }                                                      \
        *(found) = L < S.len && S.ptr[L] == BOSKI_THE(V);      \
        L;                                                     \
    })
/* The same by compare; `key` is the address of an element's value. */
#define bosk_slices_binary_search_func(s, key, compare, found) \
    BOSKI_SEARCH_FUNC(BOSKI_UNIQ(s_), s, key, compare, found)
#define BOSKI_SEARCH_FUNC(S, s, key, compare, found)                                              \
    __extension__({                                                                               \
        const __typeof__((s)) S = (s);                                                            \
        bosk_search_array((const void *)S.ptr, S.len, sizeof(*S.ptr), (key), (compare), (found)); \
    })

/* T bosk_slices_compact(s): s without elements equal to the one before; what is vacated is zeroed.
 * _func: by compare. */
#define bosk_slices_compact(s) BOSKI_COMPACT(BOSKI_UNIQ(s_), BOSKI_UNIQ(i_), BOSKI_UNIQ(k_), s)
#define BOSKI_COMPACT(S, I, K, s)                                             \
    BOSKI_OPEN                                                                \
    __typeof__((s)) S = (s);                                                  \
    ptrdiff_t K = S.len < 1 ? S.len : 1;                                      \
    for (ptrdiff_t I = 1; I < S.len; I++)                                     \
        if (!(S.ptr[I] == S.ptr[I - 1])) {                                    \
            if (K != I) S.ptr[K] = S.ptr[I];                                  \
            K++;                                                              \
        }                                                                     \
    if (K < S.len) memset((void *)(S.ptr + K), 0, BOSKI_BYTES(S.len - K, S)); \
    S.len = K;                                                                \
    BOSKI_VALUE(S)
#define bosk_slices_compact_func(s, compare) BOSKI_COMPACT_FUNC(BOSKI_UNIQ(s_), s, compare)
#define BOSKI_COMPACT_FUNC(S, s, compare)                                        \
    BOSKI_OPEN                                                                   \
    __typeof__((s)) S = (s);                                                     \
    S.len = bosk_compact_array((void *)S.ptr, S.len, sizeof(*S.ptr), (compare)); \
    BOSKI_VALUE(S)

#ifndef __cplusplus
/* clang-format off */
#define BOSKI_NUMBER(x)                                                                   \
    _Generic((x), float: BOSK_NUMBER_F32, double: BOSK_NUMBER_F64,                        \
             char: BOSKI_INTEGER(x), signed char: BOSKI_INTEGER(x),                       \
             unsigned char: BOSKI_INTEGER(x), short: BOSKI_INTEGER(x),                    \
             unsigned short: BOSKI_INTEGER(x), int: BOSKI_INTEGER(x),                     \
             unsigned: BOSKI_INTEGER(x), long: BOSKI_INTEGER(x),                          \
             unsigned long: BOSKI_INTEGER(x), long long: BOSKI_INTEGER(x),                \
             unsigned long long: BOSKI_INTEGER(x), default: BOSK_NUMBER_NONE)
#define BOSKI_INTEGER(x)                                                                  \
    ((enum bosk_number)((BOSKI_GENERIC_UNSIGNED(x) ? BOSK_NUMBER_U8 : BOSK_NUMBER_I8) +   \
     (sizeof(x) == 8 ? 3 : sizeof(x) == 4 ? 2 : sizeof(x) == 2 ? 1 : 0)))
#define BOSKI_GENERIC_UNSIGNED(x)                                                         \
    _Generic((x), char: (char)-1 > 0, unsigned char: 1, unsigned short: 1, unsigned: 1,   \
             unsigned long: 1, unsigned long long: 1, default: 0)
/* clang-format on */
#define BOSKI_MUST_BE_NUMBER(x) \
    _Static_assert(BOSKI_NUMBER(x) != BOSK_NUMBER_NONE, "not numbers: use the _func form")
#else
namespace boski
{
template <class E> constexpr bosk_number number_of()
{
    if (std::is_same<E, float>::value) return BOSK_NUMBER_F32;
    if (std::is_same<E, double>::value) return BOSK_NUMBER_F64;
    if (!std::is_integral<E>::value) return BOSK_NUMBER_NONE;
    return static_cast<bosk_number>((std::is_unsigned<E>::value ? BOSK_NUMBER_U8 : BOSK_NUMBER_I8) +
                                    (sizeof(E) == 8   ? 3
                                     : sizeof(E) == 4 ? 2
                                     : sizeof(E) == 2 ? 1
                                                      : 0));
}
} // namespace boski
#define BOSKI_NUMBER(x) boski::number_of<__typeof__(x)>()
#define BOSKI_MUST_BE_NUMBER(x) \
    static_assert(BOSKI_NUMBER(x) != BOSK_NUMBER_NONE, "not numbers: use the _func form")
#endif

#endif /* BOSK_SLICES_H */
