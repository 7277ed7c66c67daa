/* sliceprobe_realloc.c - arrays that grow by realloc, in three well-known manners, re-made here:
 *
 *   realloc   what people write by hand: capacity 8, then twice as much
 *   stb       as stb_ds: capacity 4, then twice as much; length and capacity in a header in front
 * of the elements, so that an array is one pointer stc       as STC's vec: twice the length and 4
 * more
 *
 * SLICEPROBE_STYLE selects one.  See sliceprobe.h.
 */
#include "sliceprobe.h"

#define STYLE_REALLOC 0
#define STYLE_STB 1
#define STYLE_STC 2
#ifndef SLICEPROBE_STYLE
#error "SLICEPROBE_STYLE is STYLE_REALLOC, STYLE_STB or STYLE_STC"
#endif

static void *grown(void *block, size_t bytes)
{
    void *p = realloc(block, bytes);
    if (p == NULL) abort();
    return p;
}

#if SLICEPROBE_STYLE == STYLE_STB

struct head {
    size_t len, cap;
};
static __attribute__((noinline)) void *stb_grow(void *p, size_t size, size_t more)
{
    struct head *h = p == NULL ? NULL : (struct head *)p - 1;
    size_t len = h == NULL ? 0 : h->len, cap = h == NULL ? 0 : h->cap, least = len + more;
    if (least < 2 * cap) least = 2 * cap;
    if (least < 4) least = 4;
    h = grown(h, sizeof *h + least * size);
    h->len = len;
    h->cap = least;
    return h + 1;
}
#define HEAD(v) ((struct head *)(void *)(v)->p - 1)
#define ARRAY(name, E)                                                                            \
    typedef struct {                                                                              \
        E *p;                                                                                     \
    } name;                                                                                       \
    static inline void name##_init(name *v) { v->p = NULL; }                                      \
    static inline void name##_push(name *v, E x)                                                  \
    {                                                                                             \
        if (v->p == NULL || HEAD(v)->len + 1 > HEAD(v)->cap) v->p = stb_grow(v->p, sizeof(E), 1); \
        v->p[HEAD(v)->len++] = x;                                                                 \
    }                                                                                             \
    static inline E *name##_data(name *v) { return v->p; }                                        \
    static inline void name##_free(name *v) { free(v->p == NULL ? NULL : HEAD(v)); }
ARRAY(ints, int64_t)
ARRAY(triples, sliceprobe_triple)
static inline void ints_reserve(ints *v, size_t n) { v->p = stb_grow(v->p, sizeof *v->p, n); }
__attribute__((unused)) static inline void ints_empty(ints *v) { HEAD(v)->len = 0; }
static inline void ints_bulk(ints *v, const int64_t *from, size_t n)
{
    if (v->p == NULL || HEAD(v)->len + n > HEAD(v)->cap) ints_reserve(v, n);
    memcpy(v->p + HEAD(v)->len, from, n * sizeof *from);
    HEAD(v)->len += n;
}

#else

#define ARRAY(name, E)                                                \
    typedef struct {                                                  \
        E *p;                                                         \
        size_t len, cap;                                              \
    } name;                                                           \
    static inline void name##_init(name *v) { *v = (name){0}; }       \
    static __attribute__((noinline)) E *name##_more(E *p, size_t cap) \
    {                                                                 \
        return grown(p, cap * sizeof(E));                             \
    }                                                                 \
    static inline void name##_push(name *v, E x)                      \
    {                                                                 \
        if (__builtin_expect(v->len == v->cap, 0)) {                  \
            v->cap = NEXT(v);                                         \
            v->p = name##_more(v->p, v->cap);                         \
        }                                                             \
        v->p[v->len++] = x;                                           \
    }                                                                 \
    static inline E *name##_data(name *v) { return v->p; }            \
    static inline void name##_free(name *v) { free(v->p); }
#if SLICEPROBE_STYLE == STYLE_STC
#define NEXT(v) ((v)->len * 2 + 4)
#else
#define NEXT(v) ((v)->cap == 0 ? 8 : (v)->cap * 2)
#endif
ARRAY(ints, int64_t)
ARRAY(triples, sliceprobe_triple)
static inline void ints_reserve(ints *v, size_t n)
{
    v->cap = n;
    v->p = ints_more(v->p, n);
}
__attribute__((unused)) static inline void ints_empty(ints *v) { v->len = 0; }
static inline void ints_bulk(ints *v, const int64_t *from, size_t n)
{
    if (v->cap - v->len < n) {
        size_t next = NEXT(v);
        ints_reserve(v, next < v->len + n ? v->len + n : next);
    }
    memcpy(v->p + v->len, from, n * sizeof *from);
    v->len += n;
}

#endif

static inline void ints_make_cap(ints *v, size_t n)
{
    ints_init(v);
    ints_reserve(v, n);
}
static inline void ints_make_len(ints *v, size_t n)
{
#if SLICEPROBE_STYLE == STYLE_REALLOC
    *v = (ints){calloc(n, sizeof *v->p), n, n};
#else
    ints_make_cap(v, n);
    memset(v->p, 0, n * sizeof *v->p);
#endif
}

#if SLICEPROBE_STYLE == STYLE_REALLOC
#define SLICEPROBE_BARE /* its array in hand is filled by plain stores: the floor of that row */
#endif
#include "sliceprobe_work.h"

const struct sliceprobe_work sliceprobe_work = {
    .push = work_push,
    .push_triple = work_push_triple,
    .push_bulk = work_push_bulk,
    .fill_open = work_fill_open,
    .fill = work_fill,
    .fill_close = work_fill_close,
    .make_len = work_make_len,
    .make_cap = work_make_cap,
    .stalls = work_stalls,
};
