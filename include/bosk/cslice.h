/* cslice.h - a vector that many threads append to at once, without a lock.
 *
 *     typedef BOSK_CSLICE(event) events;
 *     static events log;                              ready when zero, as a sync.Map is
 *     ptrdiff_t i = bosk_cslice_append(&log, e);      any thread
 *     event first = bosk_cslice_get(&log, 0);
 *     bosk_cslice_range(i, v, &log) { ... }           every element there was when it began
 *
 * Elements never move and are written once, so pointers from bosk_cslice_at stay good until
 * bosk_cslice_free.  The length is that of the published prefix: all elements below it are there,
 * whole, for whoever saw the length.  It never shrinks.
 *
 * How it works: segments of doubling size.  An appender takes a ticket of the newest segment by one
 * fetch-and-add, writes the element and then sets the element's own byte.  Tickets beyond the end
 * of a segment are void, so a failed allocation leaves no hole.  Appenders wait for nobody: one
 * that is stopped for good between its ticket and its byte holds up the length, not the others.
 * Threads that append in turn at full speed would spend their time on moving cache lines between
 * processors; one of them notices and steps aside for a few microseconds after its append.
 *
 * Memory order is C11's.  BOSKI_CS_* below name every access and its order, so that
 * tests/models/cslice_model.c can put its own in their place: it tries all executions of small
 * programs, and shows that each order is needed.
 *
 * Go has no counterpart; the idea of tickets that expire with their segment is that of queues built
 * on fetch-and-add (Morrison and Afek, "Fast Concurrent Queues for x86 Processors", 2013), that of
 * doubling segments is Dechev, Pirkelbauer and Stroustrup's, "Lock-free Dynamically Resizable
 * Arrays", 2006.
 */
#ifndef BOSK_CSLICE_H
#define BOSK_CSLICE_H

#include <bosk/slice.h>
#include <bosk/type.h>

/* ---- memory order -------------------------------------------------------------------- */

#ifndef BOSKI_CS_LOAD
#define BOSKI_CS_LOAD(p, order) __atomic_load_n((p), order)
#define BOSKI_CS_STORE(p, v, order) __atomic_store_n((p), (v), order)
#define BOSKI_CS_ADD(p, n) __atomic_fetch_add((p), (n), __ATOMIC_RELAXED)
#define BOSKI_CS_CAS(p, old, v, order, failed) \
    __atomic_compare_exchange_n((p), (old), (v), false, order, failed)
/* The element itself, plain; and the logarithm of the size of the first segment. */
#define BOSKI_CS_WRITE(element, v) ((element) = (v))
#define BOSKI_CS_SHIFT(elem_size) boski_cslice_shift(elem_size)
/* What this thread sets bytes to, and whether another one set the byte before. */
#define BOSKI_CS_TAG() boski_cslice_tag()
#define BOSKI_CS_CROWDED(s, tag) \
    (__atomic_load_n(&(s).segment->ready[(s).slot - 1], __ATOMIC_RELAXED) != (tag))

/* The element is whole before its byte is set; who sees the byte sees the element. */
#define BOSKI_CS_READY_STORE __ATOMIC_RELEASE
#define BOSKI_CS_READY_LOAD __ATOMIC_ACQUIRE
/* A segment is made before it is found, by index ... */
#define BOSKI_CS_SEGMENT_CAS __ATOMIC_RELEASE
#define BOSKI_CS_SEGMENT_LOST __ATOMIC_ACQUIRE /* the segment of whoever came first */
#define BOSKI_CS_SEGMENT_LOAD __ATOMIC_ACQUIRE
/* ... or as the one that is being filled. */
#define BOSKI_CS_CURRENT_CAS __ATOMIC_RELEASE
#define BOSKI_CS_CURRENT_LOAD __ATOMIC_ACQUIRE
/* What one reader has seen to be published, another need not look at again. */
#define BOSKI_CS_SEEN_STORE __ATOMIC_RELEASE
#define BOSKI_CS_SEEN_LOAD __ATOMIC_ACQUIRE
#endif

/* ---- types --------------------------------------------------------------------------- */

BOSK_BEGIN_DECLS

/* 8-aligned on 386 too, where processors want it of an atomic. */
typedef uint64_t boski_cnext __attribute__((aligned(8)));

/* A segment; BOSKI_CSHEAD bytes from its beginning one byte for each element follows.  The elements
 * are a block of their own. */
enum { BOSKI_CSHEAD = 192 };
struct bosk_csegment {
    /* The next ticket in the low 40 bits; once that is `size` or more the segment is closed, and
     * above are the slots of the following segments that a batch has taken with it. */
    boski_cnext next;
    unsigned char apart[56]; /* what follows is only read: another cache line */
    size_t size;             /* elements */
    size_t base;             /* the index of the first */
    void *array;
    unsigned char *ready; /* not 0: the element is there */
    unsigned number;
    unsigned char apart_too[64];
    size_t crowded; /* when a thread last found that another one appends in turn with it */
};

enum { BOSKI_CSEGMENTS = sizeof(void *) == 8 ? 40 : 26 };

/* Any cslice.  All zero is an empty one in the manual home. */
typedef struct bosk_cslice {
    struct bosk_csegment *current; /* being filled */
    bosk_home home;                /* of all its memory, whoever appends */
    unsigned growing;              /* 1 + the segment that somebody is making */
    unsigned char apart[64];
    size_t seen; /* a published prefix */
    unsigned char apart_too[64];
    struct bosk_csegment *segment[BOSKI_CSEGMENTS];
} bosk_cslice;

/* A place for an element; `segment` is NULL when there is none. */
struct bosk_cslot {
    struct bosk_csegment *segment;
    size_t slot;
};

/* What the macros below call. */
BOSK_API struct bosk_cslot bosk_cslice_take_slow(const bosk_type *type, bosk_cslice *c);
BOSK_API void bosk_cslice_step_aside(struct bosk_cslot s, unsigned char tag);
BOSK_API ptrdiff_t bosk_cslice_append_batch(const bosk_type *type, bosk_cslice *c,
                                            const void *values, ptrdiff_t n);
BOSK_API bool bosk_cslice_make_room(const bosk_type *type, bosk_cslice *c, ptrdiff_t n);
BOSK_API ptrdiff_t bosk_cslice_length(bosk_cslice *c, size_t elem_size);
BOSK_API ptrdiff_t bosk_cslice_copy_out(bosk_cslice *c, size_t elem_size, ptrdiff_t from, void *to,
                                        ptrdiff_t n);
BOSK_API BOSK_NORETURN void bosk_cslice_panic(bosk_cslice *c, size_t elem_size, long long index,
                                              bool is_unsigned);
BOSK_API BOSK_NORETURN void bosk_cslice_no_memory(void);
BOSK_API void bosk_cslice_release(bosk_cslice *c);

/* The first segment holds about 512 bytes, 8 to 512 elements: 1 << this. */
static inline unsigned boski_cslice_shift(size_t elem_size)
{
    unsigned log2 = elem_size < 2 ? 0 : (unsigned)(31 - __builtin_clz((unsigned)elem_size | 1));
    return elem_size > 64 || log2 > 6 ? 3 : 9 - log2;
}

/* A ticket of the segment that is being filled. */
static inline struct bosk_cslot boski_cslice_take(const bosk_type *type, bosk_cslice *c)
{
    struct bosk_cslot s;
    s.segment = BOSKI_CS_LOAD(&c->current, BOSKI_CS_CURRENT_LOAD);
    if (BOSK_LIKELY(s.segment != NULL)) {
        const uint64_t ticket = BOSKI_CS_ADD(&s.segment->next, 1);
        s.slot = (size_t)ticket;
        if (BOSK_LIKELY(ticket < s.segment->size)) return s;
    }
    return bosk_cslice_take_slow(type, c);
}

/* Indices are below. */
static inline ptrdiff_t boski_cslice_end(void) { return PTRDIFF_MAX; }

/* Most threads have different ones; never 0. */
static inline unsigned char boski_cslice_tag(void)
{
#if defined(__x86_64__)
    size_t self;
    __asm__("mov %%fs:0, %0" : "=r"(self));
#elif defined(__i386__)
    size_t self;
    __asm__("mov %%gs:0, %0" : "=r"(self));
#elif defined(__arm__) && __ARM_ARCH >= 7 /* where the builtin may be a call */
    size_t self;
    __asm__("mrc p15, 0, %0, c13, c0, 3" : "=r"(self));
#else
    const size_t self = (size_t)__builtin_thread_pointer();
#endif
    /* Thread blocks are multiples of pages apart: what tells them is in the middle. */
    return (unsigned char)((self * (size_t)0x9e3779b97f4a7c15u) >> (sizeof self * 8 - 8) | 1);
}

/* Where element `i` is or will be, published or not. */
static inline struct bosk_cslot boski_cslice_place(const bosk_cslice *c, size_t elem_size, size_t i)
{
    const unsigned shift = BOSKI_CS_SHIFT(elem_size);
    const size_t j = i + ((size_t)1 << shift);
    const unsigned top = (unsigned)(sizeof(long) * 8 - 1) ^ (unsigned)__builtin_clzl(j);
    struct bosk_cslot s;
    s.segment = NULL;
    s.slot = j - ((size_t)1 << top);
    if (BOSK_LIKELY(top - shift < (unsigned)BOSKI_CSEGMENTS))
        s.segment = BOSKI_CS_LOAD(&c->segment[top - shift], BOSKI_CS_SEGMENT_LOAD);
    return s;
}

/* Where element `i` is, if it is published. */
static inline struct bosk_cslot boski_cslice_find(const bosk_cslice *c, size_t elem_size, size_t i)
{
    struct bosk_cslot s = boski_cslice_place(c, elem_size, i);
    if (BOSK_UNLIKELY(s.segment == NULL ||
                      !BOSKI_CS_LOAD(&s.segment->ready[s.slot], BOSKI_CS_READY_LOAD)))
        s.segment = NULL;
    return s;
}

static inline ptrdiff_t boski_cslice_publish(struct bosk_cslot s)
{
    const unsigned char tag = BOSKI_CS_TAG();
    BOSKI_CS_STORE(&s.segment->ready[s.slot], tag, BOSKI_CS_READY_STORE);
    if (BOSK_UNLIKELY(BOSKI_CS_CROWDED(s, tag))) bosk_cslice_step_aside(s, tag);
    return (ptrdiff_t)(s.segment->base + s.slot);
}

static inline bosk_cslice boski_cslice_in(bosk_home home)
{
    bosk_cslice c;
    memset((void *)&c, 0, sizeof c);
    c.home = home;
    return c;
}

BOSK_END_DECLS

/* ---- the typed front ------------------------------------------------------------------ */

/* A vector of T.  Name such types by typedef.  BOSK_CSLICE_POINTER_FREE is for structs that hold no
 * pointers, as BOSK_SLICE_POINTER_FREE.  `ptr` and `cap` tell the compiler types; only `all` is
 * ever looked at. */
#define BOSK_CSLICE(T)   \
    union {              \
        bosk_cslice all; \
        T *ptr;          \
        ptrdiff_t cap;   \
    }
#define BOSK_CSLICE_POINTER_FREE(T) \
    union {                         \
        bosk_cslice all;            \
        T *ptr;                     \
        boski_cap_noscan cap;       \
    }

/* T bosk_make_cslice(T), bosk_make_cslice_in(home, T): an empty vector in the thread's current home
 * or another.  It is to be moved by nobody once a thread appends to it.  All appends, from all
 * threads, take memory there.  A vector that is all zero is one in the manual home. */
#define bosk_make_cslice(T) bosk_make_cslice_in(bosk_home_current(), T)
#define bosk_make_cslice_in(home, T) BOSKI_CMAKE(BOSKI_UNIQ(c_), home, T)
#define BOSKI_CMAKE(C, home, T)        \
    __extension__({                    \
        T C;                           \
        BOSKI_COPYABLE(C);             \
        C.all = boski_cslice_in(home); \
        C;                             \
    })

#define BOSKI_CTYPE(P)                                                                       \
    static const bosk_type BOSKI_CAT(P, t) = {sizeof(*P->ptr),                               \
                                              __alignof__(*P->ptr),                          \
                                              BOSKI_NOSCAN(*P->ptr) || BOSKI_MARKED(P->cap), \
                                              0,                                             \
                                              NULL,                                          \
                                              NULL,                                          \
                                              NULL,                                          \
                                              NULL}
#define BOSKI_CELEM(P, S) (((__typeof__(P->ptr))S.segment->array)[S.slot])

/* ptrdiff_t bosk_cslice_append(T *c, value): the index that the value has from now on.  One locked
 * instruction and no fence.  No memory is fatal.
 * ptrdiff_t bosk_cslice_try_append(T *c, value): the same; -1 when there is no memory, and then
 * nothing has happened.
 * Any thread; not in signal handlers. */
#define bosk_cslice_append(p, ...) \
    BOSKI_CAPPEND(BOSKI_UNIQ(p_), BOSKI_UNIQ(v_), bosk_cslice_no_memory(), p, __VA_ARGS__)
#define bosk_cslice_try_append(p, ...) \
    boski_cslice_must_look(BOSKI_CAPPEND(BOSKI_UNIQ(p_), BOSKI_UNIQ(v_), (void)0, p, __VA_ARGS__))
#define BOSKI_CAPPEND(P, V, without, p, ...)                                                    \
    __extension__({                                                                             \
        __typeof__((p)) P = (p);                                                                \
        BOSKI_COPYABLE((*P));                                                                   \
        BOSKI_CTYPE(P);                                                                         \
        BOSKI_ONE((*P), V, __VA_ARGS__);                                                        \
        const struct bosk_cslot BOSKI_CAT(P, s) = boski_cslice_take(&BOSKI_CAT(P, t), &P->all); \
        ptrdiff_t BOSKI_CAT(P, i) = -1;                                                         \
        if (BOSK_LIKELY(BOSKI_CAT(P, s).segment != NULL)) {                                     \
            BOSKI_CS_WRITE(BOSKI_CELEM(P, BOSKI_CAT(P, s)), BOSKI_THE(V));                      \
            BOSKI_CAT(P, i) = boski_cslice_publish(BOSKI_CAT(P, s));                            \
        } else                                                                                  \
            without;                                                                            \
        BOSKI_CAT(P, i);                                                                        \
    })
static inline BOSK_NODISCARD ptrdiff_t boski_cslice_must_look(ptrdiff_t i) { return i; }

/* ptrdiff_t bosk_cslice_append_n(T *c, const E *values, n): all of them, at consecutive indices,
 * in this order, of which the first is returned; nothing is appended for n == 0.  All or nothing:
 * bosk_cslice_try_append_n gives -1 and appends none when there is no memory.  At most
 * BOSK_CSLICE_BATCH at once; more, or n < 0: "bosk: cslice batch out of range".
 * The _slice forms take a slice of the same elements. */
#define BOSK_CSLICE_BATCH ((1 << 24) - 1)
#define bosk_cslice_append_n(p, values, n) \
    BOSKI_CAPPEND_N(BOSKI_UNIQ(p_), BOSKI_UNIQ(i_), bosk_cslice_no_memory(), p, values, n)
#define bosk_cslice_try_append_n(p, values, n) \
    boski_cslice_must_look(BOSKI_CAPPEND_N(BOSKI_UNIQ(p_), BOSKI_UNIQ(i_), (void)0, p, values, n))
#define BOSKI_CAPPEND_N(P, I, without, p, values, n)                                   \
    __extension__({                                                                    \
        __typeof__((p)) P = (p);                                                       \
        BOSKI_COPYABLE((*P));                                                          \
        BOSKI_CTYPE(P);                                                                \
        const __typeof__(*P->ptr) *const BOSKI_CAT(P, v) = (values);                   \
        const ptrdiff_t I = bosk_cslice_append_batch(                                  \
            &BOSKI_CAT(P, t), &P->all, (const void *)BOSKI_CAT(P, v), (ptrdiff_t)(n)); \
        if (BOSK_UNLIKELY(I < 0)) without;                                             \
        I;                                                                             \
    })
#define bosk_cslice_append_slice(p, s) BOSKI_CAPPEND_SLICE(BOSKI_UNIQ(d_), append_n, p, s)
#define bosk_cslice_try_append_slice(p, s) BOSKI_CAPPEND_SLICE(BOSKI_UNIQ(d_), try_append_n, p, s)
#define BOSKI_CAPPEND_SLICE(D, how, p, s)     \
    __extension__({                           \
        const __typeof__((s)) D = (s);        \
        bosk_cslice_##how((p), D.ptr, D.len); \
    })

/* bool bosk_cslice_reserve(T *c, n): memory for the first n elements, so that appending them cannot
 * fail.  False when there is not enough; what there was is kept. */
#define bosk_cslice_reserve(p, n) BOSKI_CRESERVE(BOSKI_UNIQ(p_), p, n)
#define BOSKI_CRESERVE(P, p, n)                                           \
    boski_must_have(__extension__({                                       \
        __typeof__((p)) P = (p);                                          \
        BOSKI_CTYPE(P);                                                   \
        bosk_cslice_make_room(&BOSKI_CAT(P, t), &P->all, (ptrdiff_t)(n)); \
    }))
static inline BOSK_NODISCARD bool boski_must_have(bool ok) { return ok; }

/* ptrdiff_t bosk_cslice_len(T *c): all elements below are published.  Never less than what a call
 * that came before returned, in any thread.  Looks once at each element of a vector's life. */
#define bosk_cslice_len(p) BOSKI_CLEN(BOSKI_UNIQ(p_), p)
#define BOSKI_CLEN(P, p)                              \
    __extension__({                                   \
        __typeof__((p)) P = (p);                      \
        bosk_cslice_length(&P->all, sizeof(*P->ptr)); \
    })

/* const E *bosk_cslice_at(T *c, i): the element, which stays where it is.  Also beyond the length
 * if it is published: whoever got an index from append may look at once.  Else
 * "index out of range [i] with length n".  E bosk_cslice_get(T *c, i): its value. */
#define bosk_cslice_get(p, i) (*bosk_cslice_at(p, i))
#define bosk_cslice_at(p, i) BOSKI_CAT_ELEM(BOSKI_UNIQ(p_), BOSKI_UNIQ(i_), p, i)
#define BOSKI_CAT_ELEM(P, I, p, i)                                                        \
    __extension__({                                                                       \
        __typeof__((p)) P = (p);                                                          \
        const __typeof__((i)) I = (i);                                                    \
        struct bosk_cslot BOSKI_CAT(P, s) = {NULL, 0};                                    \
        if (BOSK_LIKELY(BOSKI_BELOW(I, boski_cslice_end())))                              \
            BOSKI_CAT(P, s) = boski_cslice_find(&P->all, sizeof(*P->ptr), (size_t)I);     \
        if (BOSK_UNLIKELY(BOSKI_CAT(P, s).segment == NULL))                               \
            bosk_cslice_panic(&P->all, sizeof(*P->ptr), (long long)I, BOSKI_UNSIGNED(I)); \
        (const __typeof__(*P->ptr) *)&BOSKI_CELEM(P, BOSKI_CAT(P, s));                    \
    })

/* const E *bosk_cslice_run(T *c, ptrdiff_t i, ptrdiff_t *n): element i, and how many lie behind
 * each other in memory from there on, itself included, all of them below the length; *n is 0 when
 * i is the length.  For loops over large vectors: for (i = 0; p = run(c, i, &n), n > 0; i += n). */
#define bosk_cslice_run(p, i, n) BOSKI_CRUN(BOSKI_UNIQ(p_), BOSKI_UNIQ(i_), p, i, n)
#define BOSKI_CRUN(P, I, p, i, n)                                                      \
    __extension__({                                                                    \
        __typeof__((p)) P = (p);                                                       \
        const ptrdiff_t I = (ptrdiff_t)(i), BOSKI_CAT(P, l) = bosk_cslice_len(P);      \
        if (BOSK_UNLIKELY(!(I >= 0 && I <= BOSKI_CAT(P, l))))                          \
            bosk_panic_slice(I, BOSKI_CAT(P, l), BOSKI_CAT(P, l), false);              \
        struct bosk_cslot BOSKI_CAT(P, s) = {NULL, 0};                                 \
        if (I < BOSKI_CAT(P, l))                                                       \
            BOSKI_CAT(P, s) = boski_cslice_place(&P->all, sizeof(*P->ptr), (size_t)I); \
        *(n) = boski_cslice_rest(BOSKI_CAT(P, s), BOSKI_CAT(P, l) - I);                \
        (const __typeof__(*P->ptr) *)(BOSKI_CAT(P, s).segment == NULL                  \
                                          ? NULL                                       \
                                          : &BOSKI_CELEM(P, BOSKI_CAT(P, s)));         \
    })
static inline ptrdiff_t boski_cslice_rest(struct bosk_cslot s, ptrdiff_t most)
{
    if (s.segment == NULL) return 0;
    const ptrdiff_t left = (ptrdiff_t)(s.segment->size - s.slot);
    return left < most ? left : most;
}

/* ptrdiff_t bosk_cslice_copy(S dst, T *c, ptrdiff_t from): copies published elements from index
 * `from` on into a slice of the same elements; how many. */
#define bosk_cslice_copy(dst, p, from) BOSKI_CCOPY(BOSKI_UNIQ(d_), BOSKI_UNIQ(p_), dst, p, from)
#define BOSKI_CCOPY(D, P, dst, p, from)                                                          \
    __extension__({                                                                              \
        const __typeof__((dst)) D = (dst);                                                       \
        __typeof__((p)) P = (p);                                                                 \
        BOSKI_ALIKE(D, (*P));                                                                    \
        bosk_cslice_copy_out(&P->all, sizeof(*P->ptr), (ptrdiff_t)(from), (void *)D.ptr, D.len); \
    })

/* bosk_cslice_range(i, v, T *c) { ... }: over the elements published when it begins; v is a copy;
 * break and continue work. */
#define bosk_cslice_range(i, v, p) \
    BOSKI_CRANGE(BOSKI_UNIQ(p_), BOSKI_UNIQ(n_), BOSKI_UNIQ(b_), i, v, p)
#define BOSKI_CRANGE(P, N, B, i, v, p)                                   \
    for (bool B = true; B; B = false)                                    \
        for (__typeof__((p)) P = (p); B; B = false)                      \
            for (const ptrdiff_t N = bosk_cslice_len(P); B; B = false)   \
                for (ptrdiff_t i = 0; B && i < N; i++)                   \
                    for (__attribute__((unused)) __typeof__(*P->ptr) v = \
                             (B = false, *bosk_cslice_at(P, i));         \
                         !B; B = true)

/* void bosk_cslice_free(T *c): gives its memory back and makes it empty, in the same home.  Nobody
 * else may use it meanwhile. */
#define bosk_cslice_free(p) BOSKI_CFREE(BOSKI_UNIQ(p_), p)
#define BOSKI_CFREE(P, p)             \
    __extension__({                   \
        __typeof__((p)) P = (p);      \
        bosk_cslice_release(&P->all); \
        (void)0;                      \
    })

#endif /* BOSK_CSLICE_H */
