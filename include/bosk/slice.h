/* slice.h - Go's slices: windows {ptr, len, cap} on arrays that may be shared.
 *
 *     typedef BOSK_SLICE(int) ints;          type ints []int
 *     ints s = bosk_make(ints, 0, 4);        s := make([]int, 0, 4)
 *     s = bosk_append(s, 1, 2, 3);           s = append(s, 1, 2, 3)
 *     ints t = bosk_reslice(s, 1, 3);        t := s[1:3], shares s's array
 *     bosk_at(s, 0) = 10;                    s[0] = 10, checked
 *
 * Two families.  **append** takes and returns a value and never frees, so other slices may still
 * look at the array it outgrew; what becomes of that array is up to the home it lives in (see
 * type.h).  **push** takes the address of a slice that alone owns its array, frees what it
 * outgrows, and has a `try_` form that is false when there is no memory.
 *
 * Name slice types by typedef: two spelled-out BOSK_SLICE(int) are different types.  Elements are
 * copied as bytes.  Each macro evaluates each argument once.  Capacities of append are Go's,
 * element for element (growth.h); those of push are whatever the block has room for, at least Go's
 * up to 1 MiB and in steps of at most 2 MiB above, unless the program has chosen a rule by
 * bosk_growth_use, which both keep to.  Panic texts are Go's; each panic is raised before anything
 * is changed.
 */
#ifndef BOSK_SLICE_H
#define BOSK_SLICE_H

#include <bosk/base.h>
#include <bosk/slice_base.h>
#include <bosk/type.h>
#include <string.h>

/* ---- types ------------------------------------------------------------------------- */

/* A slice type.  BOSK_SLICE_POINTER_FREE is for structs that hold no pointers: the collector
 * skips them, they are not cleared on growth, and capacities are those of Go's pointer-free types.
 * (Arithmetic types are known to be pointer-free either way.) */
#define BOSK_SLICE(T)  \
    struct {           \
        T *ptr;        \
        ptrdiff_t len; \
        ptrdiff_t cap; \
    }
#define BOSK_SLICE_POINTER_FREE(T) \
    struct {                       \
        T *ptr;                    \
        ptrdiff_t len;             \
        boski_cap_noscan cap;      \
    }

/* The type of the elements of slice type T. */
#define BOSK_ELEM(T) __typeof__(*((T *)NULL)->ptr)

/* ---- making ------------------------------------------------------------------------ */

/* T bosk_make(T, len [, cap]): make([]E, len, cap).  Elements up to len are zero.  Lengths of any
 * integer type.  Panics as Go: "makeslice: len out of range", "makeslice: cap out of range".
 * No memory is fatal, as in Go.  A capacity that is 0 at compile time costs no call. */
#define bosk_make(...) BOSKI_PICK3(__VA_ARGS__, BOSKI_MAKE3, BOSKI_MAKE2, )(__VA_ARGS__)
#define BOSKI_MAKE2(T, n) BOSKI_MAKE(BOSKI_UNIQ(n_), BOSKI_UNIQ(s_), T, n, n)
#define BOSKI_MAKE(N, S, T, n, unused)  \
    BOSKI_OPEN                          \
    T S;                                \
    BOSKI_COPYABLE(S);                  \
    BOSKI_TYPE(S);                      \
    const long long N = (long long)(n); \
    BOSKI_MAKE_ARRAY(S, N, N);          \
    BOSKI_VALUE(S)
#define BOSKI_MAKE3(T, n, c) BOSKI_MAKE_CAP(BOSKI_UNIQ(n_), BOSKI_UNIQ(c_), BOSKI_UNIQ(s_), T, n, c)
#define BOSKI_MAKE_CAP(N, C, S, T, n, c)                    \
    BOSKI_OPEN                                              \
    T S;                                                    \
    BOSKI_COPYABLE(S);                                      \
    BOSKI_TYPE(S);                                          \
    const long long N = (long long)(n), C = (long long)(c); \
    BOSKI_MAKE_ARRAY(S, N, C);                              \
    BOSKI_VALUE(S)
#define BOSKI_MAKE_ARRAY(S, N, C)                                                   \
    S.ptr = (__typeof__(S.ptr))(__builtin_constant_p((N) | (C)) && ((N) | (C)) == 0 \
                                    ? (void *)&bosk_zerobase                        \
                                    : bosk_make_array(&BOSKI_CAT(S, t), N, C));     \
    S.len = (ptrdiff_t)(N);                                                         \
    S.cap = (ptrdiff_t)(C)

/* T bosk_make_in(home, T, len, cap): the same in another home than the thread's current one. */
#define bosk_make_in(home, T, n, c) BOSKI_MAKE_IN(BOSKI_UNIQ(s_), home, T, n, c)
#define BOSKI_MAKE_IN(S, home, T, n, c)                                                    \
    BOSKI_OPEN                                                                             \
    T S;                                                                                   \
    BOSKI_COPYABLE(S);                                                                     \
    BOSKI_TYPE(S);                                                                         \
    BOSKI_TAKE(S, BOSKI_CAT(S, g),                                                         \
               bosk_makeslice_in(home, &BOSKI_CAT(S, t), (long long)(n), (long long)(c))); \
    BOSKI_VALUE(S)
/* T bosk_make_copy(T, len, T from): s := make([]E, len); copy(s, from), where what is copied is
 * never cleared first. */
#define bosk_make_copy(T, n, from) BOSKI_MAKE_COPY(BOSKI_UNIQ(s_), BOSKI_UNIQ(f_), T, n, from)
#define BOSKI_MAKE_COPY(S, F, T, n, from)                                            \
    BOSKI_OPEN                                                                       \
    T S;                                                                             \
    BOSKI_TYPE(S);                                                                   \
    const __typeof__((from)) F = (from);                                             \
    BOSKI_ALIKE(S, F);                                                               \
    BOSKI_TAKE(S, BOSKI_CAT(S, g),                                                   \
               bosk_makeslice_copy(&BOSKI_CAT(S, t), (long long)(n), F.ptr, F.len)); \
    BOSKI_VALUE(S)
/* T bosk_literal(T, values...): []E{values...}; the capacity is the length.  Struct values may be
 * bare: bosk_literal(points, {1, 2}, {.y = 3}) (designators in C only). */
#define bosk_literal(T, ...) BOSKI_LITERAL(BOSKI_UNIQ(s_), BOSKI_UNIQ(v_), T, __VA_ARGS__)
#define BOSKI_LITERAL(S, V, T, ...)                                                  \
    BOSKI_OPEN                                                                       \
    T S;                                                                             \
    BOSKI_COPYABLE(S);                                                               \
    BOSKI_TYPE(S);                                                                   \
    BOSKI_VALUES(S, V, __VA_ARGS__);                                                 \
    BOSKI_TAKE(S, BOSKI_CAT(S, g),                                                   \
               bosk_makeslice_copy(&BOSKI_CAT(S, t), BOSKI_COUNT(V, __VA_ARGS__), V, \
                                   BOSKI_COUNT(V, __VA_ARGS__)));                    \
    BOSKI_VALUE(S)
/* T bosk_literal_buf(T, array, values...): the same in an array of the caller when there is room,
 * as Go's literals that stay in a function; the array must outlive the result. */
#define bosk_literal_buf(T, array, ...) \
    BOSKI_LITERAL_BUF(BOSKI_UNIQ(s_), BOSKI_UNIQ(v_), T, array, __VA_ARGS__)
#define BOSKI_LITERAL_BUF(S, V, T, array, ...)                                            \
    BOSKI_OPEN                                                                            \
    T S;                                                                                  \
    BOSKI_COPYABLE(S);                                                                    \
    BOSKI_TYPE(S);                                                                        \
    BOSKI_VALUES(S, V, __VA_ARGS__);                                                      \
    S.ptr = (array);                                                                      \
    S.len = S.cap = BOSKI_COUNT(V, __VA_ARGS__);                                          \
    if (S.len <= BOSKI_ARRAY_LEN(array))                                                  \
        memcpy((void *)S.ptr, (const void *)V, sizeof V);                                 \
    else                                                                                  \
        BOSKI_TAKE(S, BOSKI_CAT(S, g),                                                    \
                   bosk_makeslice_copy(&BOSKI_CAT(S, t), S.len, (const void *)V, S.len)); \
    BOSKI_VALUE(S)
/* T bosk_slice_of(T, array, lo, hi): array[lo:hi] over memory of the caller: an array on the
 * stack, static, or inside a struct.  Growth copies it elsewhere and leaves it alone. */
#define bosk_slice_of(T, array, lo, hi) \
    BOSKI_SLICE_OF(BOSKI_UNIQ(s_), BOSKI_UNIQ(l_), BOSKI_UNIQ(h_), T, array, lo, hi)
#define BOSKI_SLICE_OF(S, L, H, T, array, lo, hi)                          \
    BOSKI_OPEN                                                             \
    T S;                                                                   \
    const long long L = (long long)(lo), H = (long long)(hi);              \
    S.ptr = (array);                                                       \
    S.cap = BOSKI_ARRAY_LEN(array);                                        \
    if (BOSK_UNLIKELY((unsigned long long)H > (unsigned long long)S.cap || \
                      (unsigned long long)L > (unsigned long long)H))      \
        bosk_panic_slice(L, H, S.cap, false);                              \
    if (L != S.cap) S.ptr += L;                                            \
    S.len = (ptrdiff_t)(H - L);                                            \
    S.cap -= (ptrdiff_t)L;                                                 \
    BOSKI_VALUE(S)
/* T bosk_slice_from(T, ptr, len, cap): over `cap` elements at `ptr`, which must exist. */
#define bosk_slice_from(T, p, n, c) BOSKI_SLICE_FROM(BOSKI_UNIQ(s_), T, p, n, c)
#define BOSKI_SLICE_FROM(S, T, p, n, c) \
    BOSKI_OPEN                          \
    T S;                                \
    S.ptr = (p);                        \
    S.len = (n);                        \
    S.cap = (c);                        \
    BOSKI_VALUE(S)
/* BOSK_LOCAL_SLICE(T, name, n): a slice `name` of n zero elements that does not outlive its scope:
 * in the frame up to 64 KiB, as Go's make that does not escape, in the heap above.  With an n that
 * is not constant the array is of variable length: nothing may jump into its scope.  Growth moves
 * it to the heap; what `name` holds when its scope ends is freed. */
#define BOSK_LOCAL_SLICE(T, name, n) \
    BOSKI_LOCAL(BOSKI_CAT(boski_frame_, name), BOSKI_CAT(boski_len_, name), T, name, n)
#define BOSKI_LOCAL_MAX(T) \
    ((ptrdiff_t)(65536 / (sizeof(BOSK_ELEM(T)) + (sizeof(BOSK_ELEM(T)) == 0))))
#define BOSKI_LOCAL_DIM(T, n) ((n) > 0 && (n) <= BOSKI_LOCAL_MAX(T) ? (n) : 1)
#define BOSKI_LOCAL(B, N, T, name, n)                                               \
    const long long N = (long long)(n);                                             \
    __extension__ BOSK_ELEM(T)                                                      \
        B[__builtin_constant_p(n) ? BOSKI_LOCAL_DIM(T, n) : BOSKI_LOCAL_DIM(T, N)]; \
    __attribute__((cleanup(boski_local_done))) T name;                              \
    if (N >= 0 && N <= BOSKI_LOCAL_MAX(T)) {                                        \
        memset((void *)B, 0, sizeof B);                                             \
        name.ptr = B;                                                               \
        name.len = name.cap = (ptrdiff_t)N;                                         \
    } else                                                                          \
        name = bosk_make(T, N)
/* Any slice begins with its pointer. */
static inline void boski_local_done(void *slice)
{
    void *array;
    memcpy(&array, slice, sizeof array);
    bosk_freeslice(array);
}

/* ---- append ---------------------------------------------------------------------------- */

/* T bosk_append(T s, values...): append(s, values...).  The result must be used. */
#define bosk_append(s, ...) BOSKI_APPEND(BOSKI_UNIQ(s_), BOSKI_UNIQ(v_), s, __VA_ARGS__)
#define BOSKI_APPEND(S, V, s, ...)                              \
    BOSKI_OPEN                                                  \
    __typeof__((s)) S = (s);                                    \
    BOSKI_COPYABLE(S);                                          \
    BOSKI_VALUES(S, V, __VA_ARGS__);                            \
    BOSKI_RESERVE(S, BOSKI_COUNT(V, __VA_ARGS__));              \
    memcpy((void *)(S.ptr + S.len), (const void *)V, sizeof V); \
    S.len += BOSKI_COUNT(V, __VA_ARGS__);                       \
    BOSKI_VALUE(S)
/* T bosk_append_slice(T s, T t): append(s, t...); t may overlap s. */
#define bosk_append_slice(s, t) BOSKI_APPEND_SLICE(BOSKI_UNIQ(s_), BOSKI_UNIQ(t_), s, t)
#define BOSKI_APPEND_SLICE(S, D, s, t)                                                           \
    BOSKI_OPEN                                                                                   \
    __typeof__((s)) S = (s);                                                                     \
    const __typeof__((t)) D = (t);                                                               \
    BOSKI_ALIKE(S, D);                                                                           \
    BOSKI_RESERVE(S, D.len);                                                                     \
    if (D.len > 0) memmove((void *)(S.ptr + S.len), (const void *)D.ptr, BOSKI_BYTES(D.len, D)); \
    S.len += D.len;                                                                              \
    BOSKI_VALUE(S)
/* Room for n more in S; the length stays. */
#define BOSKI_RESERVE(S, n)                                                                      \
    do {                                                                                         \
        if (BOSK_UNLIKELY((size_t)S.len + (size_t)(n) > (size_t)S.cap)) {                        \
            BOSKI_TYPE(S);                                                                       \
            const bosk_room BOSKI_CAT(S, g) =                                                    \
                bosk_grow_append(&BOSKI_CAT(S, t), (void *)S.ptr, S.len, S.cap, (ptrdiff_t)(n)); \
            S.ptr = (__typeof__(S.ptr))BOSKI_CAT(S, g).ptr;                                      \
            S.cap = BOSKI_CAT(S, g).cap;                                                         \
        }                                                                                        \
    } while (0)

/* ---- looking ---------------------------------------------------------------------------- */

/* bosk_at(s, i): s[i], an lvalue; "index out of range [i] with length n". */
#define bosk_at(s, i) BOSKI_AT(BOSKI_UNIQ(s_), BOSKI_UNIQ(i_), s, i)
#define BOSKI_AT(S, I, s, i)                                          \
    (*__extension__({                                                 \
        const __typeof__((s)) S = (s);                                \
        const __typeof__((i)) I = (i);                                \
        if (BOSK_UNLIKELY(!BOSKI_BELOW(I, S.len)))                    \
            bosk_panic_index((long long)I, S.len, BOSKI_UNSIGNED(I)); \
        S.ptr + I;                                                    \
    }))

/* T bosk_reslice(s, lo, hi [, max]): s[lo:hi] and s[lo:hi:max].  Bounds go up to the capacity; the
 * array is shared; nothing is written. */
#define bosk_reslice(...) BOSKI_PICK4(__VA_ARGS__, BOSKI_RESLICE4, BOSKI_RESLICE3, , )(__VA_ARGS__)
#define BOSKI_RESLICE3(s, lo, hi) \
    BOSKI_RESLICE(BOSKI_UNIQ(s_), BOSKI_UNIQ(l_), BOSKI_UNIQ(h_), s, lo, hi)
#define BOSKI_RESLICE(S, L, H, s, lo, hi)                                  \
    BOSKI_OPEN                                                             \
    __typeof__((s)) S = (s);                                               \
    const long long L = (long long)(lo), H = (long long)(hi);              \
    if (BOSK_UNLIKELY((unsigned long long)H > (unsigned long long)S.cap || \
                      (unsigned long long)L > (unsigned long long)H))      \
        bosk_panic_slice(L, H, S.cap, true);                               \
    BOSKI_WINDOW(S, L, H, S.cap)
#define BOSKI_RESLICE4(s, lo, hi, max)                                                           \
    BOSKI_RESLICE_MAX(BOSKI_UNIQ(s_), BOSKI_UNIQ(l_), BOSKI_UNIQ(h_), BOSKI_UNIQ(m_), s, lo, hi, \
                      max)
#define BOSKI_RESLICE_MAX(S, L, H, M, s, lo, hi, max)                               \
    BOSKI_OPEN                                                                      \
    __typeof__((s)) S = (s);                                                        \
    const long long L = (long long)(lo), H = (long long)(hi), M = (long long)(max); \
    if (BOSK_UNLIKELY((unsigned long long)M > (unsigned long long)S.cap ||          \
                      (unsigned long long)H > (unsigned long long)M ||              \
                      (unsigned long long)L > (unsigned long long)H))               \
        bosk_panic_slice3(L, H, M, S.cap, true);                                    \
    BOSKI_WINDOW(S, L, H, M)
/* No slice points past its array: with no capacity left the pointer stays. */
#define BOSKI_WINDOW(S, L, H, max) \
    S.cap = (ptrdiff_t)((max)-L);  \
    S.len = (ptrdiff_t)(H - L);    \
    if (S.cap != 0) S.ptr += L;    \
    BOSKI_VALUE(S)
/* T bosk_reslice_from(s, lo): s[lo:].  T bosk_reslice_to(s, hi): s[:hi]. */
#define bosk_reslice_from(s, lo) BOSKI_RESLICE_FROM(BOSKI_UNIQ(s_), BOSKI_UNIQ(l_), s, lo)
#define BOSKI_RESLICE_FROM(S, L, s, lo)                                   \
    BOSKI_OPEN                                                            \
    __typeof__((s)) S = (s);                                              \
    const long long L = (long long)(lo);                                  \
    if (BOSK_UNLIKELY((unsigned long long)L > (unsigned long long)S.len)) \
        bosk_panic_slice(L, S.len, S.cap, true);                          \
    BOSKI_WINDOW(S, L, S.len, S.cap)
#define bosk_reslice_to(s, hi) bosk_reslice(s, 0, hi)

/* E *bosk_array(T s, n): (*[n]E)(s), the first of n elements that exist for certain; "cannot
 * convert slice with length x to array or pointer to array with length n". */
#define bosk_array(s, n) BOSKI_ARRAY(BOSKI_UNIQ(s_), s, n)
#define BOSKI_ARRAY(S, s, n)                                            \
    __extension__({                                                     \
        const __typeof__((s)) S = (s);                                  \
        if (BOSK_UNLIKELY(S.len < (n))) bosk_panic_convert(S.len, (n)); \
        S.ptr;                                                          \
    })

/* ptrdiff_t bosk_copy(T dst, T src): copy(dst, src); they may overlap. */
#define bosk_copy(dst, src) BOSKI_COPY(BOSKI_UNIQ(d_), BOSKI_UNIQ(s_), BOSKI_UNIQ(n_), dst, src)
#define BOSKI_COPY(D, S, N, dst, src)                                              \
    __extension__({                                                                \
        const __typeof__((dst)) D = (dst);                                         \
        const __typeof__((src)) S = (src);                                         \
        BOSKI_ALIKE(D, S);                                                         \
        const ptrdiff_t N = D.len < S.len ? D.len : S.len;                         \
        if (N > 0) memmove((void *)D.ptr, (const void *)S.ptr, BOSKI_BYTES(N, D)); \
        N;                                                                         \
    })

/* void bosk_clear(T s): clear(s), zeroes the elements up to len. */
#define bosk_clear(s) BOSKI_CLEAR(BOSKI_UNIQ(s_), s)
#define BOSKI_CLEAR(S, s)                                               \
    __extension__({                                                     \
        const __typeof__((s)) S = (s);                                  \
        if (S.len > 0) memset((void *)S.ptr, 0, BOSKI_BYTES(S.len, S)); \
        (void)0;                                                        \
    })

/* bosk_range(i, v, s) { ... }: for i, v := range s.  s is evaluated once, with the length it has
 * then; v is a copy; break and continue work.  B stays set when the body leaves early. */
#define bosk_range(i, v, s) BOSKI_RANGE(BOSKI_UNIQ(s_), BOSKI_UNIQ(b_), i, v, s)
#define BOSKI_RANGE(S, B, i, v, s)                                                             \
    for (bool B = true; B; B = false)                                                          \
        for (const __typeof__((s)) S = (s); B; B = false)                                      \
            for (ptrdiff_t i = 0; B && i < S.len; i++)                                         \
                for (__attribute__((unused)) __typeof__(*S.ptr) v = (B = false, S.ptr[i]); !B; \
                     B = true)

/* ---- owner forms -------------------------------------------------------------------------- */

/* void bosk_push(T *s, value): appends to a slice that owns its array; large arrays grow in place
 * or by remapping their pages.  No memory is fatal. */
#define bosk_push(p, ...) BOSKI_PUSH(BOSKI_UNIQ(p_), BOSKI_UNIQ(v_), p, __VA_ARGS__)
#define BOSKI_PUSH(P, V, p, ...)                                                  \
    __extension__({                                                               \
        __typeof__((p)) P = (p);                                                  \
        BOSKI_COPYABLE((*P));                                                     \
        BOSKI_ONE((*P), V, __VA_ARGS__);                                          \
        if (BOSK_UNLIKELY(P->len == P->cap)) {                                    \
            BOSKI_PUSH_TYPE(P);                                                   \
            const bosk_room BOSKI_CAT(P, g) =                                     \
                bosk_grow_push(&BOSKI_CAT(P, t), (void *)P->ptr, P->len, P->cap); \
            P->ptr = (__typeof__(P->ptr))BOSKI_CAT(P, g).ptr;                     \
            P->cap = BOSKI_CAT(P, g).cap;                                         \
        }                                                                         \
        P->ptr[P->len++] = BOSKI_THE(V);                                          \
        (void)0;                                                                  \
    })
#define BOSKI_PUSH_TYPE(P)                                                                   \
    static const bosk_type BOSKI_CAT(P, t) = {sizeof(*P->ptr),                               \
                                              __alignof__(*P->ptr),                          \
                                              BOSKI_NOSCAN(*P->ptr) || BOSKI_MARKED(P->cap), \
                                              0,                                             \
                                              NULL,                                          \
                                              NULL,                                          \
                                              NULL,                                          \
                                              NULL}

/* bool bosk_try_push(T *s, value): false when there is no memory; *s is then unchanged. */
#define bosk_try_push(p, ...) BOSKI_TRY_PUSH(BOSKI_UNIQ(p_), BOSKI_UNIQ(v_), p, __VA_ARGS__)
#define BOSKI_TRY_PUSH(P, V, p, ...)                               \
    boski_must_look(__extension__({                                \
        __typeof__((p)) P = (p);                                   \
        BOSKI_COPYABLE((*P));                                      \
        BOSKI_ONE((*P), V, __VA_ARGS__);                           \
        bool BOSKI_CAT(P, k) = true;                               \
        if (BOSK_UNLIKELY(P->len == P->cap)) BOSKI_TRY_GROW(P, 1); \
        if (BOSKI_CAT(P, k)) P->ptr[P->len++] = BOSKI_THE(V);      \
        BOSKI_CAT(P, k);                                           \
    }))
#define BOSKI_TRY_GROW(P, n)                                                                      \
    do {                                                                                          \
        BOSKI_PUSH_TYPE(P);                                                                       \
        const bosk_room BOSKI_CAT(P, g) =                                                         \
            bosk_try_grow_push(&BOSKI_CAT(P, t), (void *)P->ptr, P->len, P->cap, (ptrdiff_t)(n)); \
        BOSKI_CAT(P, k) = BOSKI_CAT(P, g).cap >= 0;                                               \
        if (BOSKI_CAT(P, k)) {                                                                    \
            P->ptr = (__typeof__(P->ptr))BOSKI_CAT(P, g).ptr;                                     \
            P->cap = BOSKI_CAT(P, g).cap;                                                         \
        }                                                                                         \
    } while (0)
static inline BOSK_NODISCARD bool boski_must_look(bool ok) { return ok; }

/* void bosk_push_slice(T *s, T t), bool bosk_try_push_slice(T *s, T t): all of t, which may be a
 * part of *s. */
#define bosk_push_slice(p, t) \
    ((void)(bosk_try_push_slice(p, t) || (bosk_fatal("runtime: out of memory"), true)))
#define bosk_try_push_slice(p, t) BOSKI_PUSH_SLICE(BOSKI_UNIQ(p_), BOSKI_UNIQ(t_), p, t)
#define BOSKI_PUSH_SLICE(P, D, p, t)                                                        \
    boski_must_look(__extension__({                                                         \
        __typeof__((p)) P = (p);                                                            \
        __typeof__((t)) D = (t);                                                            \
        BOSKI_ALIKE((*P), D);                                                               \
        bool BOSKI_CAT(P, k) = true;                                                        \
        if (BOSK_UNLIKELY(D.len > P->cap - P->len)) {                                       \
            /* The old array goes away: a part of it is found again in the new one. */      \
            const size_t BOSKI_CAT(P, d) = (size_t)D.ptr - (size_t)P->ptr;                  \
            const bool BOSKI_CAT(P, i) = BOSKI_CAT(P, d) < BOSKI_BYTES(P->cap, *P);         \
            BOSKI_TRY_GROW(P, D.len);                                                       \
            if (BOSKI_CAT(P, k) && BOSKI_CAT(P, i))                                         \
                D.ptr = P->ptr + BOSKI_CAT(P, d) / sizeof(*P->ptr);                         \
        }                                                                                   \
        if (BOSKI_CAT(P, k) && D.len > 0) {                                                 \
            memmove((void *)(P->ptr + P->len), (const void *)D.ptr, BOSKI_BYTES(D.len, D)); \
            P->len += D.len;                                                                \
        }                                                                                   \
        BOSKI_CAT(P, k);                                                                    \
    }))

/* E bosk_pop(T *s): takes the last element off; "index out of range [-1]" when there is none. */
#define bosk_pop(p) BOSKI_POP(BOSKI_UNIQ(p_), p)
#define BOSKI_POP(P, p)                                                 \
    __extension__({                                                     \
        __typeof__((p)) P = (p);                                        \
        if (BOSK_UNLIKELY(P->len == 0)) bosk_panic_index(-1, 0, false); \
        P->ptr[--P->len];                                               \
    })

/* void bosk_insert(T *s, i, value): before s[i], 0 <= i <= len. */
#define bosk_insert(p, i, ...) BOSKI_INSERT(BOSKI_UNIQ(p_), BOSKI_UNIQ(i_), p, i, __VA_ARGS__)
#define BOSKI_INSERT(P, I, p, i, ...)                                          \
    __extension__({                                                            \
        __typeof__((p)) P = (p);                                               \
        const long long I = (long long)(i);                                    \
        BOSKI_ONE((*P), BOSKI_CAT(P, v), __VA_ARGS__);                         \
        if (BOSK_UNLIKELY((unsigned long long)I > (unsigned long long)P->len)) \
            bosk_panic_slice(I, P->len, P->len, true);                         \
        bosk_push(P, BOSKI_THE(BOSKI_CAT(P, v)));                              \
        memmove((void *)(P->ptr + I + 1), (const void *)(P->ptr + I),          \
                BOSKI_BYTES(P->len - 1 - I, *P));                              \
        P->ptr[I] = BOSKI_THE(BOSKI_CAT(P, v));                                \
        (void)0;                                                               \
    })

/* void bosk_delete_range(T *s, i, j): removes s[i:j] and zeroes the places left behind. */
#define bosk_delete_range(p, i, j) \
    BOSKI_DELETE(BOSKI_UNIQ(p_), BOSKI_UNIQ(i_), BOSKI_UNIQ(j_), p, i, j)
#define BOSKI_DELETE(P, I, J, p, i, j)                                          \
    __extension__({                                                             \
        __typeof__((p)) P = (p);                                                \
        const long long I = (long long)(i), J = (long long)(j);                 \
        if (BOSK_UNLIKELY((unsigned long long)J > (unsigned long long)P->len || \
                          (unsigned long long)I > (unsigned long long)J))       \
            bosk_panic_slice3(I, J, P->len, P->len, true);                      \
        if (I != J) {                                                           \
            memmove((void *)(P->ptr + I), (const void *)(P->ptr + J),           \
                    BOSKI_BYTES(P->len - J, *P));                               \
            P->len -= (ptrdiff_t)(J - I);                                       \
            memset((void *)(P->ptr + P->len), 0, BOSKI_BYTES(J - I, *P));       \
        }                                                                       \
        (void)0;                                                                \
    })

/* void bosk_free_slice(T *s): frees the whole block that holds an owned array, also when the slice
 * begins inside it, and makes *s nil.  Foreign, empty and collected arrays are only dropped. */
#define bosk_free_slice(p) BOSKI_FREE_SLICE(BOSKI_UNIQ(p_), p)
#define BOSKI_FREE_SLICE(P, p)                \
    __extension__({                           \
        __typeof__((p)) P = (p);              \
        bosk_freeslice((const void *)P->ptr); \
        P->ptr = NULL;                        \
        P->len = P->cap = 0;                  \
        (void)0;                              \
    })

#endif /* BOSK_SLICE_H */
