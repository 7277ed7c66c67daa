/* slice_elems.h - appends through the macros for elements of every size in the golden data.
 *
 * Included by the tests in C and in C++: the functions of the table make a slice of `len` elements
 * and capacity `cap`, append or push `k`, and tell the new capacity.  An element is known by its
 * size and by whether it holds pointers: on arm Go packs 64-bit integers tighter than C does, so
 * structs are spelled out in bytes and pointers.
 */
#ifndef SLICE_ELEMS_H
#define SLICE_ELEMS_H

#include <bosk/slice.h>

typedef ptrdiff_t (*grow_fn)(ptrdiff_t len, ptrdiff_t cap, ptrdiff_t k);

/* No array is copied that does not exist: k == 1 appends a value, more a slice. */
#define ELEM_GROW(name)                                                     \
    static ptrdiff_t grow_##name(ptrdiff_t len, ptrdiff_t cap, ptrdiff_t k) \
    {                                                                       \
        static elem_##name one;                                             \
        slice_##name s = bosk_make(slice_##name, 0, cap);                   \
        s.len = len;                                                        \
        void *old = s.ptr;                                                  \
        if (k == 1) {                                                       \
            s = bosk_append(s, one);                                        \
        } else {                                                            \
            slice_##name more = bosk_make(slice_##name, k);                 \
            s = bosk_append_slice(s, more);                                 \
            bosk_free_slice(&more);                                         \
        }                                                                   \
        ptrdiff_t got = s.len == len + k ? (ptrdiff_t)s.cap : -1;           \
        if (s.ptr != old) bosk_freeslice(old);                              \
        bosk_free_slice(&s);                                                \
        return got;                                                         \
    }                                                                       \
    static ptrdiff_t push_##name(ptrdiff_t len, ptrdiff_t cap, ptrdiff_t k) \
    {                                                                       \
        static elem_##name one;                                             \
        slice_##name s = bosk_make(slice_##name, 0, cap);                   \
        s.len = len;                                                        \
        if (k == 1) {                                                       \
            bosk_push(&s, one);                                             \
        } else {                                                            \
            slice_##name more = bosk_make(slice_##name, 0, k);              \
            more.len = k;                                                   \
            bosk_push_slice(&s, more);                                      \
            bosk_free_slice(&more);                                         \
        }                                                                   \
        ptrdiff_t got = s.len == len + k ? (ptrdiff_t)s.cap : -1;           \
        bosk_free_slice(&s);                                                \
        return got;                                                         \
    }
#define ELEM_BYTES(n)                                      \
    typedef struct {                                       \
        unsigned char b[n];                                \
    } elem_b##n;                                           \
    typedef BOSK_SLICE_POINTER_FREE(elem_b##n) slice_b##n; \
    ELEM_GROW(b##n)
#define ELEM_POINTERS(n)                      \
    typedef struct {                          \
        int *p[n];                            \
    } elem_p##n;                              \
    typedef BOSK_SLICE(elem_p##n) slice_p##n; \
    ELEM_GROW(p##n)

/* clang-format off */
#define ALL_BYTES(X)                                                                           \
    X(2)                                                                                       \
    X(3) X(4) X(5) X(6) X(7) X(12) X(13) X(16) X(17) X(20) X(24) X(32) X(33) X(40) X(48) X(56) \
        X(64) X(72) X(96) X(100) X(128) X(136) X(256) X(1000) X(4096)
#define ALL_POINTERS(X) X(2) X(3) X(5) X(8) X(16) X(17) X(32) X(33) X(64) X(65) X(125)

/* clang-format on */

ALL_BYTES(ELEM_BYTES)
ALL_POINTERS(ELEM_POINTERS)
typedef unsigned char elem_byte;
typedef BOSK_SLICE(elem_byte) slice_byte;
ELEM_GROW(byte)
typedef int64_t elem_i64;
typedef BOSK_SLICE(elem_i64) slice_i64;
ELEM_GROW(i64)
typedef int *elem_ptr;
typedef BOSK_SLICE(elem_ptr) slice_ptr;
ELEM_GROW(ptr)

#define ELEM_ROW_BYTES(n) {n, true, grow_b##n, push_b##n},
#define ELEM_ROW_POINTERS(n) {n * sizeof(void *), false, grow_p##n, push_p##n},
static const struct elem {
    size_t size;
    bool noscan;
    grow_fn grow, push; /* by append, by push */
} elem_table[] = {{1, true, grow_byte, push_byte},
                  {8, true, grow_i64, push_i64},
                  {sizeof(void *), false, grow_ptr, push_ptr},
                  ALL_BYTES(ELEM_ROW_BYTES) ALL_POINTERS(ELEM_ROW_POINTERS)};

static inline const struct elem *elem_find(size_t size, bool noscan)
{
    for (size_t i = 0; i < sizeof elem_table / sizeof elem_table[0]; i++)
        if (elem_table[i].size == size && elem_table[i].noscan == noscan) return &elem_table[i];
    return NULL;
}

#endif /* SLICE_ELEMS_H */
