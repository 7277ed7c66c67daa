/* slice_base.h - what the macros of slice.h call: type-erased functions, panics, and what differs
 * between C and C++.  Programs include slice.h.
 */
#ifndef BOSK_SLICE_BASE_H
#define BOSK_SLICE_BASE_H

#include <bosk/base.h>
#include <bosk/type.h>
#include <string.h>
#ifdef __cplusplus
#include <type_traits>
#include <utility>
#endif

BOSK_BEGIN_DECLS

/* Any slice, as the functions see it: lengths in elements of the type handed over beside it. */
typedef struct bosk_slice {
    void *ptr;
    ptrdiff_t len, cap;
} bosk_slice;

/* What every empty array of every type shares.  Writable, never freed. */
struct bosk_zero {
    unsigned char unused[64] __attribute__((aligned(64)));
};
BOSK_API extern struct bosk_zero bosk_zerobase;

/* make([]E, len, cap) in the current home; in `home`; and followed by a copy of `n` elements from
 * `from`, which are never cleared first. */
BOSK_API bosk_slice bosk_makeslice(const bosk_type *type, long long len, long long cap);
BOSK_API bosk_slice bosk_makeslice_in(bosk_home home, const bosk_type *type, long long len,
                                      long long cap);
BOSK_API bosk_slice bosk_makeslice_copy(const bosk_type *type, long long len, const void *from,
                                        ptrdiff_t n);

/* An array and how many elements it has room for. */
typedef struct bosk_room {
    void *ptr;
    ptrdiff_t cap;
} bosk_room;

/* The array of make([]E, len, cap) in the current home. */
BOSK_API void *bosk_make_array(const bosk_type *type, long long len, long long cap);
/* The slow path of append: room for `num` elements behind `len` in a new array, in the home of the
 * old one; the old elements are copied, the old array is left alone. */
BOSK_API bosk_room bosk_grow_append(const bosk_type *type, void *ptr, ptrdiff_t len, ptrdiff_t cap,
                                    ptrdiff_t num);
/* The slow path of push: room for one more element, or for `num`, in an array that belongs to one
 * slice.  cap is -1, and nothing has changed, when there is no memory or no such length; the first
 * form panics then, or ends the process. */
BOSK_API bosk_room bosk_grow_push(const bosk_type *type, void *ptr, ptrdiff_t len, ptrdiff_t cap);
BOSK_API bosk_room bosk_try_grow_push(const bosk_type *type, void *ptr, ptrdiff_t len,
                                      ptrdiff_t cap, ptrdiff_t num);

/* The same for slices as values: bosk_growslice is append's (new_len = old length + num; the result
 * has that length), the others are push's (len stays). */
BOSK_API bosk_slice bosk_growslice(const bosk_type *type, void *ptr, ptrdiff_t new_len,
                                   ptrdiff_t old_cap, ptrdiff_t num);
BOSK_API bool bosk_try_growslice(const bosk_type *type, bosk_slice *s, ptrdiff_t num)
    BOSK_NODISCARD;
BOSK_API bosk_slice bosk_growowned(const bosk_type *type, bosk_slice s, ptrdiff_t num);
/* Frees the block that holds `ptr`; nothing for nil, empty, collected and foreign arrays. */
BOSK_API void bosk_freeslice(const void *ptr);

/* What slices of this process have done since start.  Bytes cleared and spared are counted in
 * bosk_heap_stats. */
struct bosk_slice_stats {
    uint64_t appends_grown;  /* growths by append */
    uint64_t pushes_grown;   /* growths by push */
    uint64_t copied;         /* bytes moved to a new array by either */
    uint64_t grown_in_place; /* growths by push that moved nothing, or only pages */
    uint64_t
        orphaned_by_append; /* manual arrays that append left behind, which somebody must free */
    uint64_t orphaned_bytes;
};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
BOSK_API void bosk_slice_stats(struct bosk_slice_stats *out);
#pragma GCC diagnostic pop

/* Go's panics.  `is_unsigned`: the index had an unsigned type.  `kind` tells whether capacity or
 * length (arrays, strings) bounds the slice. */
BOSK_API BOSK_NORETURN void bosk_panic_index(long long index, ptrdiff_t len, bool is_unsigned);
BOSK_API BOSK_NORETURN void bosk_panic_slice(long long lo, long long hi, ptrdiff_t bound,
                                             bool bound_is_cap);
BOSK_API BOSK_NORETURN void bosk_panic_slice3(long long lo, long long hi, long long max,
                                              ptrdiff_t bound, bool bound_is_cap);
BOSK_API BOSK_NORETURN void bosk_panic_convert(ptrdiff_t len, ptrdiff_t want);

BOSK_END_DECLS

/* A program built against another layout of slices does not link. */
__attribute__((used)) static const char *const boski_abi_slice = &bosk_abi_0;

/* ---- the preprocessor ---------------------------------------------------------------- */

#define BOSKI_CAT2(a, b) a##b
#define BOSKI_CAT(a, b) BOSKI_CAT2(a, b)
#define BOSKI_UNIQ(name) BOSKI_CAT(boski_##name, __COUNTER__)
#define BOSKI_PICK3(a, b, c, f, ...) f
#define BOSKI_PICK4(a, b, c, d, f, ...) f

/* As wide as ptrdiff_t, but another type: the mark of pointer-free elements. */
#if __SIZEOF_POINTER__ == __SIZEOF_LONG__ && __SIZEOF_LONG__ == 8
typedef long long boski_cap_noscan;
#else
typedef long boski_cap_noscan;
#endif

#ifndef __cplusplus
_Static_assert(sizeof(boski_cap_noscan) == sizeof(ptrdiff_t), "a slice is three words");
_Static_assert(!_Generic((ptrdiff_t)0, boski_cap_noscan : 1, default : 0), "the mark is a type");
#endif

/* The descriptor of the elements of S, made once at each place that needs one. */
#define BOSKI_TYPE(S)                                                                      \
    static const bosk_type BOSKI_CAT(S, t) = {sizeof(*S.ptr),                              \
                                              __alignof__(*S.ptr),                         \
                                              BOSKI_NOSCAN(*S.ptr) || BOSKI_MARKED(S.cap), \
                                              0,                                           \
                                              NULL,                                        \
                                              NULL,                                        \
                                              NULL,                                        \
                                              NULL}
/* Sets slice S to what a function of ours returned. */
#define BOSKI_TAKE(S, G, call)            \
    do {                                  \
        const bosk_slice G = (call);      \
        S.ptr = (__typeof__(S.ptr))G.ptr; \
        S.len = G.len;                    \
        S.cap = G.cap;                    \
    } while (0)
/* Index I of any integer type, against a length that is not negative. */
#define BOSKI_BELOW(I, n)                                    \
    (sizeof(I) <= sizeof(size_t) ? (size_t)(I) < (size_t)(n) \
                                 : (unsigned long long)(I) < (unsigned long long)(n))
#define BOSKI_UNSIGNED(I) ((__typeof__(+(I)))-1 > (__typeof__(+(I)))0)
#define BOSKI_BYTES(n, S) ((size_t)(n) * sizeof(*(S).ptr))

/* How many values array V of the values given has.  Elements without size are counted by commas. */
#define BOSKI_COUNT(V, ...)                                                       \
    ((ptrdiff_t)(sizeof V[0] != 0 ? sizeof V / (sizeof V[0] + (sizeof V[0] == 0)) \
                                  : (size_t)BOSKI_ARGS(__VA_ARGS__)))
#define BOSKI_ARGS(...) \
    BOSKI_ARGS2(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, )
#define BOSKI_ARGS2(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, count, ...) count

/* ---- C ------------------------------------------------------------------------------ */

#ifndef __cplusplus

/* clang-format off */
/* 1 when no byte of `x` can hold a pointer. */
#define BOSKI_NOSCAN(x)                                                                  \
    _Generic((x), _Bool: 1, char: 1, signed char: 1, unsigned char: 1, short: 1,         \
             unsigned short: 1, int: 1, unsigned: 1, long: 1, unsigned long: 1,          \
             long long: 1, unsigned long long: 1, float: 1, double: 1, long double: 1,   \
             default: 0)
#define BOSKI_MARKED(cap) _Generic((cap), boski_cap_noscan: 1, default: 0)
/* Does not compile unless slices a and b have the same elements. */
#define BOSKI_ALIKE(a, b) ((void)_Generic((b).ptr, __typeof__(&*(a).ptr): 0))
#define BOSKI_ARRAY_LEN(a)                                                                    \
    ((ptrdiff_t)(sizeof(a) / sizeof((a)[0]) +                                                 \
                 0 * sizeof(struct {                                                          \
                     _Static_assert(                                                          \
                         !__builtin_types_compatible_p(__typeof__(a), __typeof__(&(a)[0])),   \
                         "this is a pointer, not an array: use bosk_slice_from");             \
                     int boski_unused;                                                        \
                 })))
/* A statement expression whose value must be used, up to BOSKI_VALUE: the compiler then warns. */
#define BOSKI_OPEN __extension__({
#define BOSKI_VALUE(S)       \
    struct {                 \
        __typeof__(S) v;     \
    } BOSKI_CAT(S, w) = {S}; \
    BOSKI_CAT(S, w);         \
    }).v
/* clang-format on */
#define BOSKI_VALUES(S, V, ...) const __typeof__(*S.ptr) V[] = {__VA_ARGS__}
#define BOSKI_ONE(S, V, ...) const __typeof__(*S.ptr) V = __VA_ARGS__
#define BOSKI_THE(V) V
#define BOSKI_COPYABLE(S) ((void)0)

/* ---- C++ ---------------------------------------------------------------------------- */

#else

namespace boski
{
template <class S> [[nodiscard]] inline S used(S s) { return s; }
/* An element made as an assignment would: numbers convert, braces initialise. */
template <class E> struct value {
    E v;
    template <class... A> value(A &&...a) : v(make(std::forward<A>(a)...)) {}

  private:
    static E make() { return E(); }
    template <class A> static E make(A &&a)
    {
        if constexpr (std::is_arithmetic<E>::value || std::is_convertible<A, E>::value)
            return static_cast<E>(std::forward<A>(a));
        else
            return E{std::forward<A>(a)};
    }
    template <class A, class B, class... C> static E make(A &&a, B &&b, C &&...c)
    {
        return E{std::forward<A>(a), std::forward<B>(b), std::forward<C>(c)...};
    }
};
template <class E, size_t N> constexpr ptrdiff_t array_len(E (&)[N]) { return (ptrdiff_t)N; }
} // namespace boski

#define BOSKI_NOSCAN(x) \
    (std::is_arithmetic<__typeof__(x)>::value || std::is_enum<__typeof__(x)>::value)
#define BOSKI_MARKED(cap) (std::is_same<__typeof__(cap), boski_cap_noscan>::value)
#define BOSKI_ALIKE(a, b)                                                            \
    static_assert(std::is_same<__typeof__(&*(a).ptr), __typeof__(&*(b).ptr)>::value, \
                  "slices of different elements")
#define BOSKI_ARRAY_LEN(a) boski::array_len(a)
  /* clang-format off */
#define BOSKI_OPEN boski::used(__extension__({
#define BOSKI_VALUE(S) S; }))
  /* clang-format on */
#define BOSKI_VALUES(S, V, ...) const boski::value<__typeof__(*S.ptr)> V[] = {__VA_ARGS__}
#define BOSKI_ONE(S, V, ...) const boski::value<__typeof__(*S.ptr)> V = __VA_ARGS__
#define BOSKI_THE(V) V.v
#define BOSKI_COPYABLE(S)                                                \
    static_assert(std::is_trivially_copyable<__typeof__(*S.ptr)>::value, \
                  "elements are copied as bytes")

#endif

#endif /* BOSK_SLICE_BASE_H */
