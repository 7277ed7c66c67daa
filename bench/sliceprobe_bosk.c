/* sliceprobe_bosk.c - slices of this library.  See sliceprobe.h. */
#include "sliceprobe.h"

#include <bosk/arena.h>
#include <bosk/pool.h>
#include <bosk/slice.h>

typedef BOSK_SLICE(int64_t) ints;
typedef BOSK_SLICE_POINTER_FREE(sliceprobe_triple) triples;

static inline void ints_init(ints *v) { *v = (ints){NULL, 0, 0}; }
static inline void ints_push(ints *v, int64_t x) { bosk_push(v, x); }
static inline void ints_bulk(ints *v, int64_t *from, ptrdiff_t n)
{
    bosk_push_slice(v, bosk_slice_from(ints, from, n, n));
}
static inline void ints_reserve(ints *v, size_t n) { *v = bosk_make(ints, 0, n); }
__attribute__((unused)) static inline void ints_empty(ints *v) { v->len = 0; }
static inline int64_t *ints_data(ints *v) { return v->ptr; }
static inline void ints_free(ints *v) { bosk_free_slice(v); }
static inline void ints_make_len(ints *v, size_t n) { *v = bosk_make(ints, n); }
static inline void ints_make_cap(ints *v, size_t n) { *v = bosk_make(ints, 0, n); }
static inline void triples_init(triples *v) { *v = (triples){NULL, 0, 0}; }
static inline void triples_push(triples *v, sliceprobe_triple t) { bosk_push(v, t); }
static inline sliceprobe_triple *triples_data(triples *v) { return v->ptr; }
static inline void triples_free(triples *v) { bosk_free_slice(v); }

#include "sliceprobe_work.h"

/* append leaves what it outgrows to the arena, which is emptied after each array. */
static bosk_arena *arena;
static void work_append_open(void)
{
    arena = bosk_arena_new(0);
    if (arena == NULL) abort();
    bosk_home_push(bosk_arena_home(arena));
}
static PROBE_NOINLINE void work_append(size_t n)
{
    ints v = {NULL, 0, 0};
    for (size_t i = 0; i < n; i++) v = bosk_append(v, (int64_t)i);
    sliceprobe_keep(v.ptr);
    bosk_arena_reset(arena, SIZE_MAX);
}
static void work_append_close(void)
{
    bosk_home_pop();
    bosk_arena_free(arena);
}

static void *new_object(void) { return bosk_calloc(1, 64); }
static PROBE_NOINLINE void work_pool(size_t times)
{
    static bosk_pool pool = BOSK_POOL(new_object, NULL);
    for (size_t i = 0; i < times; i++) {
        unsigned char *object = bosk_pool_get(&pool);
        ++*object;
        bosk_pool_put(&pool, object);
    }
}

const struct sliceprobe_work sliceprobe_work = {
    .push = work_push,
    .push_triple = work_push_triple,
    .push_bulk = work_push_bulk,
    .append_open = work_append_open,
    .append = work_append,
    .append_close = work_append_close,
    .pool = work_pool,
    .fill_open = work_fill_open,
    .fill = work_fill,
    .fill_close = work_fill_close,
    .make_len = work_make_len,
    .make_cap = work_make_cap,
    .stalls = work_stalls,
};
