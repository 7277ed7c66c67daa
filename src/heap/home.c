/* home.c - where containers allocate, and the labels of sampled bytes: two stacks per thread. */
#include "arena.h"
#include "collected.h"

#include <errno.h>

/* ---- homes -------------------------------------------------------------------- */

static struct mcache *need_mcache(void)
{
    struct mcache *mc = boski_mcache();
    if (mc == NULL) bosk_fatal("out of memory");
    return mc;
}

BOSK_API bosk_home bosk_home_current(void)
{
    struct mcache *mc = boski_mcache_peek();
    if (mc != NULL && mc->home_depth != 0) return mc->home[mc->home_depth - 1];
    bosk_home home = {boski_conf.home_collected ? BOSK_HOME_COLLECTED : BOSK_HOME_MANUAL, NULL};
    return home;
}
BOSK_API void bosk_home_push(bosk_home home)
{
    struct mcache *mc = need_mcache();
    if (mc->home_depth == BOSKI_HOMES) bosk_panic("bosk: home stack overflow");
    mc->home[mc->home_depth++] = home;
}
BOSK_API void bosk_home_pop(void)
{
    struct mcache *mc = need_mcache();
    if (mc->home_depth == 0) bosk_panic("bosk: home stack underflow");
    mc->home_depth--;
}
BOSK_API bosk_home bosk_home_of(const void *p, bool *known)
{
    bosk_home home = {BOSK_HOME_MANUAL, NULL};
    struct mspan *s = boski_span_of(p);
    if (known != NULL) *known = s != NULL;
    if (s == NULL) return home;
    home.kind = (enum bosk_home_kind)s->home;
    if (s->home == BOSK_HOME_HEAP || s->home == BOSK_HOME_ARENA) home.owner = s->owner;
    return home;
}

BOSK_API void *bosk_alloc_in(bosk_home home, const bosk_type *type, size_t count, bool zero)
{
    size_t bytes;
    if (__builtin_mul_overflow(type->size, count, &bytes) || bytes > (size_t)PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    if (home.kind == BOSK_HOME_COLLECTED && type->noscan && bytes - 1 < 15) {
        void *p = boski_heap_init() ? boski_tiny_alloc(bytes) : NULL;
        if (p == NULL) errno = ENOMEM;
        return p;
    }
    if (home.kind == BOSK_HOME_ARENA) {
        void *p = boski_arena_alloc(home.owner, bytes, type->align, zero || !type->noscan);
        if (p == NULL) errno = ENOMEM;
        return p;
    }
    if (home.kind == BOSK_HOME_COLLECTED) {
        void *p = boski_gc_alloc(type, bytes, type->align, zero);
        if (p == NULL) errno = ENOMEM;
        return p;
    }
    struct bosk_heap *heap = home.kind == BOSK_HOME_HEAP ? (struct bosk_heap *)home.owner
                           : home.kind == BOSK_HOME_ROOT ? boski_root_heap()
                                                         : NULL;
    if (heap != NULL) {
        void *p = boski_heap_init()
                    ? boski_hheap_alloc(heap, bytes, type->align, zero || !type->noscan)
                    : NULL;
        if (p == NULL) errno = ENOMEM;
        return p;
    }
    /* Scan memory is zero before it is published, always. */
    zero = zero || !type->noscan;
    void *p;
    if (type->align <= 8 && bytes > 16 && bytes <= 24) {
        p = boski_lane_alloc(BOSKI_LANE_24, bytes);
    } else if (type->align > 16) {
        p = boski_aligned(type->align, bytes);
    } else if (bytes > BOSKI_SMALL_MAX && zero) {
        return boski_calloc(1, bytes);
    } else {
        p = boski_malloc_inline(bytes);
    }
    if (p != NULL && zero) {
        memset(p, 0, bytes);
        boski_count(&boski_ctr->cleared_bytes, bytes);
    }
    return p;
}

/* ---- labels ---------------------------------------------------------------------- */

BOSK_API void bosk_label_push(const char *name)
{
    struct mcache *mc = boski_mcache();
    if (mc == NULL) return;
    if (mc->label_depth < BOSKI_LABELS) mc->label[mc->label_depth] = boski_obs_intern(name);
    mc->label_depth++;
}
BOSK_API void bosk_label_pop(void)
{
    struct mcache *mc = boski_mcache_peek();
    if (mc != NULL && mc->label_depth != 0) mc->label_depth--;
}
