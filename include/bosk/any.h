/* any.h - Go's interface{}: a value of any type, with its type.
 *
 *     bosk_any a = bosk_box(42), b = bosk_box_as(struct point, {1, 2});
 *     int n = bosk_unbox(a, int);                  a.(int), panics when it is no int
 *     int m = bosk_unbox_ok(a, int, &ok);          m, ok := a.(int)
 *     if (bosk_any_equal(a, b)) ...                a == b
 *     bosk_type_switch(x, a) {                     switch x := a.(type) {
 *         bosk_type_case(x, int, i) use(i);        case int:
 *         bosk_type_case(x, bosk_str, s) use(s);   case string:
 *         bosk_type_nil(x) none();                 case nil:
 *         bosk_type_default(x) other();            default:
 *     }
 *
 * A box holds a copy.  None is allocated for pointers, objects without size, single bytes, numbers
 * of 2, 4 or 8 bytes below 256, empty strings and nil slices, and in C for constants given to
 * bosk_box; else one block of the value's size in the current home of the thread.  On manual memory
 * somebody must bosk_any_free it.
 *
 * A type is known by its C type when it is arithmetic or a string, else by its name as spelled
 * (blanks do not count), its size and alignment: spell a type the same way everywhere.  Types are
 * registered where they are first used, and never forgotten.
 *
 * Threads: any.  Not in signal handlers.
 * Go counterpart: runtime/iface.go, alg.go (1.22).
 */
#ifndef BOSK_ANY_H
#define BOSK_ANY_H

#include <bosk/slice_base.h>
#include <bosk/str.h>
#include <bosk/type.h>
#include <string.h>

BOSK_BEGIN_DECLS

/* The zero bosk_any is nil. */
typedef struct bosk_any {
    const bosk_type *type; /* one for each type, so types are compared by address */
    void *data;            /* the box, not to be written to; of pointers the value itself */
} bosk_any;

/* How values of a type are boxed and compared. */
enum bosk_any_kind {
    BOSK_ANY_MEMORY = 0, /* not comparable, unless bosk_any_comparable says how */
    BOSK_ANY_BITS = 1,   /* integers */
    BOSK_ANY_FLOAT = 2,
    BOSK_ANY_DOUBLE = 3,
    BOSK_ANY_LONG_DOUBLE = 4,
    BOSK_ANY_STRING = 5,
    BOSK_ANY_POINTER = 6
};

/* The type called `name`; what macros call, once a place.  `*place` keeps the answer. */
BOSK_API const bosk_type *bosk_any_type(const bosk_type **place, const char *name, size_t size,
                                        size_t align, enum bosk_any_kind kind);
/* Boxes the value at `value`.  No memory is fatal; false in the try form, *out is then nil. */
BOSK_API bosk_any bosk_any_make(const bosk_type *type, const void *value);
BOSK_API bool bosk_any_try_make(const bosk_type *type, const void *value, bosk_any *out)
    BOSK_NODISCARD;

/* a == b: of one type and equal.  NaN is not equal to itself, +0 is to -0.  Panics with "runtime
 * error: comparing uncomparable type T". */
BOSK_API bool bosk_any_equal(bosk_any a, bosk_any b);
/* Equal values have equal hashes; NaN has another one each time.  Panics with "runtime error: hash
 * of unhashable type T". */
BOSK_API uint64_t bosk_any_hash(bosk_any a, uint64_t seed);
/* Makes values of a type, such as a struct, comparable.  Before its first comparison. */
BOSK_API void bosk_any_comparable(const bosk_type *type,
                                  bool (*equal)(const void *a, const void *b),
                                  uint64_t (*hash)(const void *value, uint64_t seed));
/* Frees the box, when it is a block of the heap, and makes *a nil.  What a boxed pointer points to
 * is left alone. */
BOSK_API void bosk_any_free(bosk_any *a);
/* "interface conversion: interface {} is T, not U". */
BOSK_API BOSK_NORETURN void bosk_panic_conversion(const bosk_type *have, const bosk_type *want);

BOSK_END_DECLS

/* const bosk_type *BOSK_ANY_TYPE(T): the one descriptor of T in this process. */
#define BOSK_ANY_TYPE(T) BOSKI_ANY_TYPE(BOSKI_UNIQ(t_), T, BOSKI_ANY_KIND(T), #T)
#define BOSKI_ANY_TYPE(P, T, kind, name)                                                 \
    __extension__({                                                                      \
        static const bosk_type *P;                                                       \
        const bosk_type *BOSKI_CAT(P, k) = __atomic_load_n(&P, __ATOMIC_ACQUIRE);        \
        BOSK_LIKELY(BOSKI_CAT(P, k) != NULL)                                             \
        ? BOSKI_CAT(P, k)                                                                \
        : bosk_any_type(&P, BOSKI_ANY_NAME(T, name), sizeof(T), __alignof__(T), (kind)); \
    })

/* bosk_any bosk_box_as(T, value): value as in an initialisation, braces welcome.  bool
 * bosk_try_box_as(T, bosk_any *out, value): false when there is no memory. */
#define bosk_box_as(T, ...)                                                                \
    BOSKI_BOX(BOSKI_UNIQ(v_), T, BOSKI_ANY_TYPE(BOSKI_UNIQ(t_), T, BOSKI_ANY_KIND(T), #T), \
              __VA_ARGS__)
#define BOSKI_BOX(V, T, type, ...)               \
    __extension__({                              \
        const T V = __VA_ARGS__;                 \
        bosk_any_make((type), (const void *)&V); \
    })
#define bosk_try_box_as(T, out, ...)                                                           \
    BOSKI_TRY_BOX(BOSKI_UNIQ(v_), T, BOSKI_ANY_TYPE(BOSKI_UNIQ(t_), T, BOSKI_ANY_KIND(T), #T), \
                  out, __VA_ARGS__)
#define BOSKI_TRY_BOX(V, T, type, out, ...)                 \
    __extension__({                                         \
        const T V = __VA_ARGS__;                            \
        bosk_any_try_make((type), (const void *)&V, (out)); \
    })
/* bosk_any bosk_box_slice(T, slice): nil slices are not allocated. */
#define bosk_box_slice(T, ...)                                                                 \
    BOSKI_BOX_SLICE(BOSKI_UNIQ(v_), T, BOSKI_ANY_TYPE(BOSKI_UNIQ(t_), T, BOSK_ANY_MEMORY, #T), \
                    __VA_ARGS__)
#define BOSKI_BOX_SLICE(V, T, type, ...)                                   \
    __extension__({                                                        \
        const T V = __VA_ARGS__;                                           \
        V.ptr == NULL ? boski_any_at((type), (const void *)&bosk_zerobase) \
                      : bosk_any_make((type), (const void *)&V);           \
    })
/* bosk_any bosk_box_const(T, constant): never allocates.  bosk_any bosk_box_view(T, const T *p): a
 * box that is *p itself, as Go's of what does not escape: the object must outlive it unchanged. */
#define bosk_box_const(T, ...) BOSKI_BOX_CONST(BOSKI_UNIQ(c_), T, #T, __VA_ARGS__)
#define BOSKI_BOX_CONST(C, T, name, ...)                                                          \
    __extension__({                                                                               \
        static const T C = __VA_ARGS__;                                                           \
        boski_any_at(BOSKI_ANY_TYPE(BOSKI_CAT(C, t), T, BOSKI_ANY_KIND(T), name), (const T *)&C); \
    })
#define bosk_box_view(T, p) \
    boski_any_at(BOSKI_ANY_TYPE(BOSKI_UNIQ(t_), T, BOSKI_ANY_KIND(T), #T), (const T *)(p))

/* bool bosk_any_is(a, T).  const T *bosk_any_ref(const bosk_any *a, T): what is in the box, or
 * NULL. */
#define bosk_any_is(a, T) ((a).type == BOSKI_ANY_TYPE(BOSKI_UNIQ(t_), T, BOSKI_ANY_KIND(T), #T))
#define bosk_any_ref(a, T)                                                                   \
    ((const T *)boski_any_ref((a), BOSKI_ANY_TYPE(BOSKI_UNIQ(t_), T, BOSKI_ANY_KIND(T), #T), \
                              BOSKI_ANY_KIND(T) == BOSK_ANY_POINTER))
/* T bosk_unbox(a, T): a.(T), with Go's panic.  T bosk_unbox_ok(a, T, bool *ok): zero when a is no
 * T. */
#define bosk_unbox(a, T)                                                                        \
    BOSKI_UNBOX(BOSKI_UNIQ(a_), a, T, BOSKI_ANY_TYPE(BOSKI_UNIQ(t_), T, BOSKI_ANY_KIND(T), #T), \
                NULL)
#define bosk_unbox_ok(a, T, ok) \
    BOSKI_UNBOX(BOSKI_UNIQ(a_), a, T, BOSKI_ANY_TYPE(BOSKI_UNIQ(t_), T, BOSKI_ANY_KIND(T), #T), ok)
#define BOSKI_UNBOX(A, a, T, type, ok)                                                     \
    __extension__({                                                                        \
        const bosk_any A = (a);                                                            \
        T BOSKI_CAT(A, v);                                                                 \
        boski_any_get(&A, (type), BOSKI_ANY_KIND(T) == BOSK_ANY_POINTER, &BOSKI_CAT(A, v), \
                      sizeof BOSKI_CAT(A, v), (ok));                                       \
        BOSKI_CAT(A, v);                                                                   \
    })

/* The switch over types: the first case that fits, and no other.  `x` names the switch. */
#define bosk_type_switch(x, a) \
    for (struct boski_any_switch x = {(a), true, false}; x.open; x.open = false)
#define bosk_type_case(x, T, v)                              \
    if (!x.done && bosk_any_is(x.any, T) && (x.done = true)) \
        for (__attribute__((unused)) T v = bosk_unbox(x.any, T); x.open; x.open = false)
#define bosk_type_nil(x) if (!x.done && x.any.type == NULL && (x.done = true))
#define bosk_type_default(x) if (!x.done && (x.done = true))

struct boski_any_switch {
    bosk_any any;
    bool open, done;
};

static inline bosk_any boski_any_at(const bosk_type *type, const void *p)
{
    bosk_any a = {type, (void *)(size_t)p};
    /* Compilers would warn of cases for other types, which are never reached. */
    __asm__("" : "+r"(a.data));
    return a;
}
static inline const void *boski_any_ref(const bosk_any *a, const bosk_type *type, bool pointer)
{
    if (a->type != type) return NULL;
    return pointer ? (const void *)&a->data : a->data;
}
static inline void boski_any_get(const bosk_any *a, const bosk_type *type, bool pointer, void *out,
                                 size_t bytes, bool *ok)
{
    const void *from = boski_any_ref(a, type, pointer);
    if (ok != NULL) *ok = from != NULL;
    if (BOSK_LIKELY(from != NULL))
        memcpy(out, from, bytes);
    else if (ok == NULL)
        bosk_panic_conversion(a->type, type);
    else
        memset(out, 0, bytes);
}

/* ---- what differs between C and C++ -------------------------------------------------------- */

#ifndef __cplusplus

/* clang-format off */
#define BOSKI_ANY_EACH(X)                                                                    \
    _Bool: X("bool", BITS), char: X("char", BITS), signed char: X("signed char", BITS),      \
    unsigned char: X("unsigned char", BITS), short: X("short", BITS),                        \
    unsigned short: X("unsigned short", BITS), int: X("int", BITS),                          \
    unsigned: X("unsigned", BITS), long: X("long", BITS),                                    \
    unsigned long: X("unsigned long", BITS), long long: X("long long", BITS),                \
    unsigned long long: X("unsigned long long", BITS), float: X("float", FLOAT),             \
    double: X("double", DOUBLE), long double: X("long double", LONG_DOUBLE),                 \
    bosk_str: X("bosk_str", STRING)
#define BOSKI_ANY_THE_NAME(name, kind) name
#define BOSKI_ANY_THE_KIND(name, kind) BOSK_ANY_##kind
/* clang-format on */
#define BOSKI_ANY_NAME(T, spelled) \
    _Generic(*(T *)NULL, BOSKI_ANY_EACH(BOSKI_ANY_THE_NAME), default : spelled)
#define BOSKI_ANY_KIND(T)                                            \
    _Generic(*(T *)NULL, BOSKI_ANY_EACH(BOSKI_ANY_THE_KIND), default \
             : __builtin_classify_type(*(T *)NULL) == 5 ? BOSK_ANY_POINTER : BOSK_ANY_MEMORY)

/* bosk_any bosk_box(value): of an arithmetic type or bosk_str; constants are not allocated. */
#define bosk_box(value) BOSKI_BOX_VALUE(BOSKI_UNIQ(v_), BOSKI_UNIQ(c_), value)
#define BOSKI_BOX_VALUE(V, C, value)                                                               \
    __extension__({                                                                                \
        const __typeof__(value) V = (value);                                                       \
        static const __typeof__(_Generic((value), bosk_str : 0, default                            \
                                         : (value))) C =                                           \
            __builtin_choose_expr(__builtin_constant_p(value),                                     \
                                  _Generic((value), bosk_str : 0, default                          \
                                           : (value)),                                             \
                                  0);                                                              \
        static const bosk_type *BOSKI_CAT(V, t);                                                   \
        const bosk_type *BOSKI_CAT(V, k) = __atomic_load_n(&BOSKI_CAT(V, t), __ATOMIC_ACQUIRE);    \
        if (BOSKI_CAT(V, k) == NULL)                                                               \
            BOSKI_CAT(V, k) = bosk_any_type(                                                       \
                &BOSKI_CAT(V, t), _Generic((value), BOSKI_ANY_EACH(BOSKI_ANY_THE_NAME)), sizeof V, \
                __alignof__(V), _Generic((value), BOSKI_ANY_EACH(BOSKI_ANY_THE_KIND)));            \
        __builtin_choose_expr(__builtin_constant_p(value),                                         \
                              boski_any_at(BOSKI_CAT(V, k), (const void *)&C),                     \
                              bosk_any_make(BOSKI_CAT(V, k), (const void *)&V));                   \
    })

#else

namespace boski
{
template <class T> constexpr const char *any_name(const char *spelled)
{
    if constexpr (std::is_same<T, bool>::value) return "bool";
    if constexpr (std::is_same<T, char>::value) return "char";
    if constexpr (std::is_same<T, signed char>::value) return "signed char";
    if constexpr (std::is_same<T, unsigned char>::value) return "unsigned char";
    if constexpr (std::is_same<T, short>::value) return "short";
    if constexpr (std::is_same<T, unsigned short>::value) return "unsigned short";
    if constexpr (std::is_same<T, int>::value) return "int";
    if constexpr (std::is_same<T, unsigned>::value) return "unsigned";
    if constexpr (std::is_same<T, long>::value) return "long";
    if constexpr (std::is_same<T, unsigned long>::value) return "unsigned long";
    if constexpr (std::is_same<T, long long>::value) return "long long";
    if constexpr (std::is_same<T, unsigned long long>::value) return "unsigned long long";
    if constexpr (std::is_same<T, float>::value) return "float";
    if constexpr (std::is_same<T, double>::value) return "double";
    if constexpr (std::is_same<T, long double>::value) return "long double";
    if constexpr (std::is_same<T, bosk_str>::value) return "bosk_str";
    return spelled;
}
template <class T> constexpr bosk_any_kind any_kind()
{
    if constexpr (std::is_same<T, float>::value) return BOSK_ANY_FLOAT;
    if constexpr (std::is_same<T, double>::value) return BOSK_ANY_DOUBLE;
    if constexpr (std::is_same<T, long double>::value) return BOSK_ANY_LONG_DOUBLE;
    if constexpr (std::is_same<T, bosk_str>::value) return BOSK_ANY_STRING;
    if constexpr (std::is_pointer<T>::value) return BOSK_ANY_POINTER;
    return std::is_integral<T>::value ? BOSK_ANY_BITS : BOSK_ANY_MEMORY;
}
template <class T> inline bosk_any box(T value)
{
    static_assert(std::is_arithmetic<T>::value || std::is_same<T, bosk_str>::value,
                  "name the type: bosk_box_as(T, value)");
    static const bosk_type *place;
    const bosk_type *type = __atomic_load_n(&place, __ATOMIC_ACQUIRE);
    if (type == nullptr)
        type = bosk_any_type(&place, any_name<T>(""), sizeof(T), __alignof__(T), any_kind<T>());
    return bosk_any_make(type, &value);
}
} // namespace boski

#define BOSKI_ANY_NAME(T, spelled) boski::any_name<T>(spelled)
#define BOSKI_ANY_KIND(T) boski::any_kind<T>()
#define bosk_box(value) boski::box(value)

#endif

#endif /* BOSK_ANY_H */
