/* map_key.h - BOSK_KEY: hash and equality of struct keys, field by field.  Programs include map.h.
 */
#ifndef BOSK_MAP_KEY_H
#define BOSK_MAP_KEY_H

#include <bosk/map_base.h>
#ifdef __cplusplus
#include <type_traits>
#endif

/* BOSK_KEY(name, T, fields...) writes name_hash and name_equal for struct T from up to eight of its
 * fields, each an integer, a float, a pointer or a bosk_str; padding is never looked at:
 *
 *     struct point { int x; char c; };
 *     BOSK_KEY(point, struct point, x, c)
 *     m = bosk_make_map_fn(points, 0, point_hash, point_equal, NULL);
 *
 * Floats compare as floats do: +0 and -0 are equal, NaN is equal to nothing. */
#define BOSK_KEY(name, T, ...)                                                              \
    static inline uint64_t name##_hash(const void *boski_p, uint64_t boski_h, void *unused) \
    {                                                                                       \
        const T *boski_k = (const T *)boski_p;                                              \
        (void)unused;                                                                       \
        BOSKI_KEY_EACH(BOSKI_FIELD_HASH, __VA_ARGS__)                                       \
        return boski_h;                                                                     \
    }                                                                                       \
    static inline bool name##_equal(const void *boski_p, const void *boski_q, void *unused) \
    {                                                                                       \
        const T *boski_k = (const T *)boski_p, *boski_l = (const T *)boski_q;               \
        (void)unused;                                                                       \
        return BOSKI_KEY_EACH(BOSKI_FIELD_EQUAL, __VA_ARGS__) true;                         \
    }
#ifndef __cplusplus
/* clang-format off */
#define BOSKI_FIELD_HASH(f)                                                                    \
    boski_h = _Generic(boski_k->f, bosk_str: boski_field_str, float: boski_field_float,        \
                       double: boski_field_double, default: boski_field_bits)(                 \
        &boski_k->f, sizeof boski_k->f, boski_h);
#define BOSKI_FIELD_EQUAL(f)                                                                   \
    _Generic(boski_k->f, bosk_str: boski_same_str, float: boski_same_float,                    \
             double: boski_same_double, default: boski_same_bits)(                             \
        &boski_k->f, &boski_l->f, sizeof boski_k->f) &&
/* clang-format on */
#endif
#define BOSKI_KEY_EACH(F, ...)                                                           \
    BOSKI_KEY_EACH2(__VA_ARGS__, BOSKI_KEY_EACH8, BOSKI_KEY_EACH7, BOSKI_KEY_EACH6,      \
                    BOSKI_KEY_EACH5, BOSKI_KEY_EACH4, BOSKI_KEY_EACH3, BOSKI_KEY_EACH2_, \
                    BOSKI_KEY_EACH1, )                                                   \
    (F, __VA_ARGS__)
#define BOSKI_KEY_EACH2(a, b, c, d, e, f, g, h, pick, ...) pick
#define BOSKI_KEY_EACH1(F, a) F(a)
#define BOSKI_KEY_EACH2_(F, a, ...) F(a) BOSKI_KEY_EACH1(F, __VA_ARGS__)
#define BOSKI_KEY_EACH3(F, a, ...) F(a) BOSKI_KEY_EACH2_(F, __VA_ARGS__)
#define BOSKI_KEY_EACH4(F, a, ...) F(a) BOSKI_KEY_EACH3(F, __VA_ARGS__)
#define BOSKI_KEY_EACH5(F, a, ...) F(a) BOSKI_KEY_EACH4(F, __VA_ARGS__)
#define BOSKI_KEY_EACH6(F, a, ...) F(a) BOSKI_KEY_EACH5(F, __VA_ARGS__)
#define BOSKI_KEY_EACH7(F, a, ...) F(a) BOSKI_KEY_EACH6(F, __VA_ARGS__)
#define BOSKI_KEY_EACH8(F, a, ...) F(a) BOSKI_KEY_EACH7(F, __VA_ARGS__)
static inline uint64_t boski_field_bits(const void *p, size_t n, uint64_t h)
{
    return boski_hash_bytes((const char *)p, n, h, 0x9fb21c651e98df25u);
}
static inline uint64_t boski_field_str(const void *p, size_t n, uint64_t h)
{
    const bosk_str *s = (const bosk_str *)p;
    (void)n;
    return boski_hash_bytes(s->ptr, (size_t)s->len, h, 0x9fb21c651e98df25u);
}
static inline uint64_t boski_field_float(const void *p, size_t n, uint64_t h)
{
    (void)n;
    return boski_fold(boski_float_bits(p, 4) ^ h, 0x9fb21c651e98df25u);
}
static inline uint64_t boski_field_double(const void *p, size_t n, uint64_t h)
{
    (void)n;
    return boski_fold(boski_float_bits(p, 8) ^ h, 0x9fb21c651e98df25u);
}
static inline bool boski_same_bits(const void *a, const void *b, size_t n)
{
    return memcmp(a, b, n) == 0;
}
static inline bool boski_same_str(const void *a, const void *b, size_t n)
{
    const bosk_str *x = (const bosk_str *)a, *y = (const bosk_str *)b;
    (void)n;
    return x->len == y->len && (x->len == 0 || memcmp(x->ptr, y->ptr, (size_t)x->len) == 0);
}
static inline bool boski_same_float(const void *a, const void *b, size_t n)
{
    const uint64_t x = boski_float_bits(a, 4);
    (void)n;
    return x == boski_float_bits(b, 4) && !boski_float_nan(x, 4);
}
static inline bool boski_same_double(const void *a, const void *b, size_t n)
{
    const uint64_t x = boski_float_bits(a, 8);
    (void)n;
    return x == boski_float_bits(b, 8) && !boski_float_nan(x, 8);
}
#ifdef __cplusplus
namespace boski
{
template <class F> inline uint64_t field_hash(const F &f, uint64_t h)
{
    static_assert(std::is_scalar<F>::value || std::is_same<F, bosk_str>::value,
                  "fields of keys are numbers, pointers and bosk_str");
    if constexpr (std::is_same<F, bosk_str>::value) return boski_field_str(&f, sizeof f, h);
    if constexpr (std::is_same<F, float>::value) return boski_field_float(&f, sizeof f, h);
    if constexpr (std::is_same<F, double>::value) return boski_field_double(&f, sizeof f, h);
    return boski_field_bits(&f, sizeof f, h);
}
template <class F> inline bool field_same(const F &a, const F &b)
{
    if constexpr (std::is_same<F, bosk_str>::value) return boski_same_str(&a, &b, sizeof a);
    if constexpr (std::is_same<F, float>::value) return boski_same_float(&a, &b, sizeof a);
    if constexpr (std::is_same<F, double>::value) return boski_same_double(&a, &b, sizeof a);
    return boski_same_bits(&a, &b, sizeof a);
}
} // namespace boski
#define BOSKI_FIELD_HASH(f) boski_h = boski::field_hash(boski_k->f, boski_h);
#define BOSKI_FIELD_EQUAL(f) boski::field_same(boski_k->f, boski_l->f) &&
#endif

#endif /* BOSK_MAP_KEY_H */
