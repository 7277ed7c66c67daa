/* type_of.h - type descriptors of structs, from the names of the fields that hold references.
 *
 *     struct node {
 *         struct node *next;
 *         long key;
 *         char *text;
 *     };
 *     const bosk_type *t = BOSK_TYPE(struct node, next, text);
 *     struct node *n = bosk_alloc_in(bosk_home_current(), t, 1, true);
 *
 * One static descriptor for each place it is written at, made by the compiler; inside functions
 * only.  Up to 8 fields, which may be pointers, arrays of them, slices, strings, or structs whose
 * every word may be a reference; all within the first 256 words of the struct.
 */
#ifndef BOSK_TYPE_OF_H
#define BOSK_TYPE_OF_H

#include <bosk/type.h>

/* const bosk_type *BOSK_TYPE(T, fields...): exactly these fields hold references.
 * const bosk_type *BOSK_POINTER_FREE(T): nothing does. */
#define BOSK_TYPE(T, ...)                                                                          \
    BOSKI_TYPE_OF(BOSKI_EACH_PICK(__VA_ARGS__, BOSKI_EACH8, BOSKI_EACH7, BOSKI_EACH6, BOSKI_EACH5, \
                                  BOSKI_EACH4, BOSKI_EACH3, BOSKI_EACH2, BOSKI_EACH1, ),           \
                  T, __VA_ARGS__)
#define BOSK_POINTER_FREE(T)                                                       \
    __extension__({                                                                \
        static const bosk_type boski_type = {sizeof(T), __alignof__(T), true, 0,   \
                                             NULL,      NULL,           NULL, #T}; \
        &boski_type;                                                               \
    })

#define BOSKI_EACH_PICK(a, b, c, d, e, f, g, h, each, ...) each
#define BOSKI_EACH1(M, T, f) M(T, f)
#define BOSKI_EACH2(M, T, f, ...) M(T, f) BOSKI_EACH1(M, T, __VA_ARGS__)
#define BOSKI_EACH3(M, T, f, ...) M(T, f) BOSKI_EACH2(M, T, __VA_ARGS__)
#define BOSKI_EACH4(M, T, f, ...) M(T, f) BOSKI_EACH3(M, T, __VA_ARGS__)
#define BOSKI_EACH5(M, T, f, ...) M(T, f) BOSKI_EACH4(M, T, __VA_ARGS__)
#define BOSKI_EACH6(M, T, f, ...) M(T, f) BOSKI_EACH5(M, T, __VA_ARGS__)
#define BOSKI_EACH7(M, T, f, ...) M(T, f) BOSKI_EACH6(M, T, __VA_ARGS__)
#define BOSKI_EACH8(M, T, f, ...) M(T, f) BOSKI_EACH7(M, T, __VA_ARGS__)

/* First word of a field and the one behind it. */
#define BOSKI_WORD_OF(T, f) (offsetof(T, f) / sizeof(void *))
#define BOSKI_WORD_BEHIND(T, f) ((offsetof(T, f) + sizeof(((T *)0)->f)) / sizeof(void *))
#define BOSKI_LESS(a, b) ((a) < (b) ? (a) : (b))
#define BOSKI_MORE(a, b) ((a) > (b) ? (a) : (b))
/* Bits lo to hi, of those numbered from 64 * w on. */
#define BOSKI_BITS(lo, hi, w)                                                                     \
    ((lo) < 64 * (w) + 64 && (hi) > 64 * (w)                                                      \
         ? ~(uint64_t)0 >> (64 - (BOSKI_LESS(hi, 64 * (w) + 64) - BOSKI_MORE(lo, 64 * (w)))) % 64 \
                               << (BOSKI_MORE(lo, 64 * (w)) - 64 * (w)) % 64                      \
         : (uint64_t)0)
#define BOSKI_FIELD_BITS(T, f, w) | BOSKI_BITS(BOSKI_WORD_OF(T, f), BOSKI_WORD_BEHIND(T, f), w##u)
#define BOSKI_FIELD_BITS0(T, f) BOSKI_FIELD_BITS(T, f, 0)
#define BOSKI_FIELD_BITS1(T, f) BOSKI_FIELD_BITS(T, f, 1)
#define BOSKI_FIELD_BITS2(T, f) BOSKI_FIELD_BITS(T, f, 2)
#define BOSKI_FIELD_BITS3(T, f) BOSKI_FIELD_BITS(T, f, 3)
#define BOSKI_MASK(EACH, w, T, ...) ((uint64_t)0 EACH(BOSKI_FIELD_BITS##w, T, __VA_ARGS__))
#define BOSKI_FIELD_CHECK(T, f)                                             \
    BOSKI_STATIC_ASSERT(offsetof(T, f) % sizeof(void *) == 0 &&             \
                            sizeof(((T *)0)->f) % sizeof(void *) == 0,      \
                        "a field that holds references consists of words"); \
    BOSKI_STATIC_ASSERT(BOSKI_WORD_BEHIND(T, f) <= 256, "references in the first 256 words only");
#ifdef __cplusplus
#define BOSKI_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define BOSKI_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif
/* Words up to the last reference: a mask that is all zero counts for nothing. */
#define BOSKI_WORDS_OF(mask, w) \
    ((mask) != 0 ? 64u * (w) + 64u - (uint32_t)__builtin_clzll((mask) | 1) : 0)

#define BOSKI_TYPE_OF(EACH, T, ...)                                                         \
    __extension__({                                                                         \
        EACH(BOSKI_FIELD_CHECK, T, __VA_ARGS__)                                             \
        static const uint64_t boski_mask[4] = {                                             \
            BOSKI_MASK(EACH, 0, T, __VA_ARGS__), BOSKI_MASK(EACH, 1, T, __VA_ARGS__),       \
            BOSKI_MASK(EACH, 2, T, __VA_ARGS__), BOSKI_MASK(EACH, 3, T, __VA_ARGS__)};      \
        static const bosk_type boski_type = {                                               \
            sizeof(T),                                                                      \
            __alignof__(T),                                                                 \
            false,                                                                          \
            BOSKI_MORE(BOSKI_MORE(BOSKI_WORDS_OF(BOSKI_MASK(EACH, 0, T, __VA_ARGS__), 0),   \
                                  BOSKI_WORDS_OF(BOSKI_MASK(EACH, 1, T, __VA_ARGS__), 1)),  \
                       BOSKI_MORE(BOSKI_WORDS_OF(BOSKI_MASK(EACH, 2, T, __VA_ARGS__), 2),   \
                                  BOSKI_WORDS_OF(BOSKI_MASK(EACH, 3, T, __VA_ARGS__), 3))), \
            boski_mask,                                                                     \
            NULL,                                                                           \
            NULL,                                                                           \
            #T};                                                                            \
        &boski_type;                                                                        \
    })

#endif /* BOSK_TYPE_OF_H */
