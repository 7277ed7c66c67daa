/* push.c - growth of slices that alone own their arrays, and freeing them.
 *
 * append has Go's capacities to the element, because programs can see them.  push has at least
 * those: whatever the block really has room for is the capacity.  The block grows by the heap's own
 * steps (heap/owned.h), so that small arrays are copied once on average and large ones not at all,
 * and no push has much to do.  When the program has chosen a growth rule, push keeps to that.
 *
 * The common case, a small block of pointer-free elements, is written out in fast_grow: a lookup, a
 * pop, a copy and a push on the thread's own lists.
 */
#include "container/growth.h"
#include "container/slice.h"
#include "heap/owned.h"
#include "os/conf.h"

#include <bosk/growth.h>

/* ---- small blocks --------------------------------------------------------------------------- */

static inline void count_small(size_t copied)
{
    struct bosk_slice_stats *k = &boski_slice_stats;
    if (BOSK_LIKELY(boski_os_single())) {
        k->pushes_grown++;
        k->copied += copied;
    } else {
        boski_add(&k->pushes_grown, 1);
        if (copied != 0) boski_add(&k->copied, copied);
    }
}

/* An array in a small block, or none yet: room->cap is -1 when it is not that simple. */
static inline __attribute__((always_inline)) bosk_room fast_grow(const bosk_type *type, void *ptr,
                                                                 size_t len, size_t num)
{
    const bosk_room not_so_simple = {ptr, -1};
    const size_t size = type->size;
    if (BOSK_UNLIKELY(size - 1 >= 1024 || len >= 4096 || num >= 4096 || !type->noscan ||
                      type->align > 16 || boski_growth_chosen() || boski_conf.zerotail))
        return not_so_simple;
    const size_t used = len * size, least = used + num * size;
    const unsigned c = boski_owned_class(ptr);
    size_t ask;
    if (BOSK_LIKELY(c != 0)) {
        const size_t have = boski_class[c].size;
        ask = least > 2 * have ? least : 2 * have;
        if (BOSK_UNLIKELY(least <= have || ask > BOSKI_OWNED_SMALL)) return not_so_simple;
    } else {
        ask = boski_owned_start(size, least);
        if (ptr != NULL || !boski_mheap.ready || !boski_home_plain() || ask > BOSKI_OWNED_SMALL)
            return not_so_simple;
    }
    char *p = boski_malloc_inline(ask);
    if (BOSK_UNLIKELY(p == NULL)) return not_so_simple;
    if (c != 0) {
        boski_owned_copy(p, ptr, used);
        boski_owned_free(ptr, c);
    }
    count_small(used);
    const bosk_room room = {p, (ptrdiff_t)boski_elements(ask, size)};
    return room;
}

/* ---- all others ---- */

static void clear_bytes_of(char *p, size_t from, size_t to)
{
    if (from >= to) return;
    memset(p + from, 0, to - from);
    boski_count_zeroing(to - from, 0);
}

/* Manual memory that begins at the slice: it may be given another size. */
static bool resizable(const bosk_type *type, void *ptr)
{
    void *start;
    size_t bytes;
    return type->align <= 16 && bosk_find_block(ptr, &start, &bytes) && start == ptr;
}

/* In an arena an array that is followed by nothing is extended where it is. */
static bool extends(void *ptr, size_t bytes)
{
    void *start;
    size_t have;
    if (!bosk_find_block(ptr, &start, &have)) return false;
    size_t from = (size_t)((char *)ptr - (char *)start), all;
    return !__builtin_add_overflow(from, bytes, &all) && bosk_grow(start, all) != 0;
}

/* The array of `cap` elements at out->ptr, `used` bytes of it in use, in a block of its own that
 * has room for `least` bytes; with a rule, for the `bytes` it says. */
static bool resize(const bosk_type *type, size_t used, size_t least, size_t bytes, bosk_room *out)
{
    const size_t before = (size_t)out->cap * type->size;
    struct boski_room room = {out->ptr, bytes};
    bool copied = false;
    if (boski_growth_chosen()) {
        room.p = boski_grow_block(out->ptr, bytes, &copied);
        if (room.p == NULL) return false;
    } else if (!boski_owned_grow(&room, used, least, &copied)) {
        return false;
    }
    boski_count(copied ? &boski_slice_stats.copied : &boski_slice_stats.grown_in_place,
                copied ? used : 1);
    out->ptr = room.p;
    out->cap = (ptrdiff_t)(room.bytes / type->size);
    /* Elements beyond the old capacity were never anybody's. */
    if (!type->noscan || boski_conf.zerotail)
        clear_bytes_of(room.p, before, (size_t)out->cap * type->size);
    return true;
}

/* A new array for `cap` elements at least, the old one given up. */
static bool replace(const bosk_type *type, bosk_home home, size_t used, ptrdiff_t len,
                    ptrdiff_t cap, bosk_room *out)
{
    struct boski_room room = {NULL, (size_t)cap * type->size};
    if (home.kind == BOSK_HOME_MANUAL && type->align <= 16 && !boski_growth_chosen()) {
        if (!boski_heap_init() || !boski_owned_first(&room, type->size, room.bytes)) return false;
        cap = (ptrdiff_t)(room.bytes / type->size);
        if (!type->noscan || boski_conf.zerotail)
            clear_bytes_of(room.p, used, (size_t)cap * type->size);
    } else {
        size_t tail = boski_conf.zerotail ? (size_t)cap : 0;
        room.p = boski_new_array(home, type, (size_t)cap, tail, (size_t)len);
        if (room.p == NULL) return false;
    }
    if (used != 0) memcpy(room.p, out->ptr, used);
    boski_count(&boski_slice_stats.copied, used);
    bosk_freeslice(out->ptr);
    out->ptr = room.p;
    out->cap = cap;
    return true;
}

/* Pointer-free elements in a manual block of their own: all there is to do is the heap's.  False:
 * they are not, or there is no memory; nothing has changed then. */
static inline bool grow_block(const bosk_type *type, size_t len, size_t need, bosk_room *out)
{
    size_t least;
    if (!type->noscan || type->align > 16 || boski_growth_chosen() || boski_conf.zerotail ||
        __builtin_mul_overflow(need, type->size, &least) || least > (size_t)PTRDIFF_MAX)
        return false;
    const size_t idx = ((uintptr_t)out->ptr - boski_map.base) >> BOSKI_PAGE_SHIFT;
    if (idx >= BOSKI_NPAGES) return false;
    if (boski_map.cmap[idx] == BOSKI_C_LARGE) {
        const struct mspan *s = boski_map.spans[idx];
        if (s->owner != NULL || s->home != BOSK_HOME_MANUAL || s->base != (uintptr_t)out->ptr)
            return false;
    } else if (boski_owned_class(out->ptr) == 0) {
        return false;
    }
    const size_t used = len * type->size;
    struct boski_room room = {out->ptr, 0};
    bool copied;
    if (!boski_owned_grow(&room, used, least, &copied)) return false;
    boski_count(copied ? &boski_slice_stats.copied : &boski_slice_stats.grown_in_place,
                copied ? used : 1);
    boski_count(&boski_slice_stats.pushes_grown, 1);
    out->ptr = room.p;
    out->cap = (ptrdiff_t)boski_elements(room.bytes, type->size);
    return true;
}

/* Room for `num` more elements behind `len`; *out holds the array and its capacity, and then the
 * new ones.  False: no memory or no such length, nothing has changed. */
static BOSKI_NOINLINE bool grow(const bosk_type *type, ptrdiff_t len, ptrdiff_t num, bosk_room *out)
{
    ptrdiff_t need;
    size_t bytes, used = (size_t)len * type->size;
    if (num < 0 || __builtin_add_overflow(len, num, &need)) return false;
    if (need <= out->cap) return true;
    if (type->size == 0) {
        out->ptr = &bosk_zerobase;
        out->cap = need;
        return true;
    }
    if (BOSK_LIKELY(grow_block(type, (size_t)len, (size_t)need, out))) return true;
    int64_t cap = boski_nextcap_here(type->size, type->noscan, len, out->cap, need);
    if (cap < 0 || cap > PTRDIFF_MAX || __builtin_mul_overflow((size_t)cap, type->size, &bytes) ||
        bytes > (size_t)PTRDIFF_MAX)
        return false;
    bool manual, ok = true;
    bosk_home home = boski_home_for(out->ptr, &manual);
    if (manual && resizable(type, out->ptr)) {
        ok = resize(type, used, (size_t)need * type->size, bytes, out);
    } else if (home.kind == BOSK_HOME_ARENA && out->cap != 0 && extends(out->ptr, bytes)) {
        boski_count(&boski_slice_stats.grown_in_place, 1);
        if (!type->noscan || boski_conf.zerotail)
            clear_bytes_of(out->ptr, (size_t)out->cap * type->size, bytes);
        out->cap = (ptrdiff_t)cap;
    } else {
        ok = replace(type, home, used, len, (ptrdiff_t)cap, out);
    }
    if (ok) boski_count(&boski_slice_stats.pushes_grown, 1);
    return ok;
}

static BOSK_NORETURN void cannot_grow(const bosk_type *type, ptrdiff_t len, ptrdiff_t cap,
                                      ptrdiff_t num)
{
    ptrdiff_t need;
    if (__builtin_add_overflow(len, num, &need) ||
        boski_nextcap_here(type->size, type->noscan, len, cap, need) < 0)
        boski_panic_growslice();
    boski_out_of_memory();
}

/* ---- what the macros call ---- */

static BOSKI_NOINLINE bosk_room grow_push(const bosk_type *type, void *ptr, ptrdiff_t len,
                                          ptrdiff_t cap)
{
    bosk_room room = {ptr, cap};
    if (!grow(type, len, 1, &room)) cannot_grow(type, len, cap, 1);
    return room;
}
BOSK_API bosk_room bosk_grow_push(const bosk_type *type, void *ptr, ptrdiff_t len, ptrdiff_t cap)
{
    const bosk_room room = fast_grow(type, ptr, (size_t)len, 1);
    return BOSK_LIKELY(room.cap >= 0) ? room : grow_push(type, ptr, len, cap);
}

static BOSKI_NOINLINE bosk_room try_grow_push(const bosk_type *type, void *ptr, ptrdiff_t len,
                                              ptrdiff_t cap, ptrdiff_t num)
{
    bosk_room room = {ptr, cap};
    if (!grow(type, len, num, &room)) room.cap = -1;
    return room;
}
BOSK_API bosk_room bosk_try_grow_push(const bosk_type *type, void *ptr, ptrdiff_t len,
                                      ptrdiff_t cap, ptrdiff_t num)
{
    const bosk_room room = fast_grow(type, ptr, (size_t)len, (size_t)num);
    return BOSK_LIKELY(room.cap >= 0) ? room : try_grow_push(type, ptr, len, cap, num);
}

BOSK_API bool bosk_try_growslice(const bosk_type *type, bosk_slice *s, ptrdiff_t num)
{
    bosk_room room = {s->ptr, s->cap};
    if (!grow(type, s->len, num, &room)) return false;
    s->ptr = room.ptr;
    s->cap = room.cap;
    return true;
}

BOSK_API bosk_slice bosk_growowned(const bosk_type *type, bosk_slice s, ptrdiff_t num)
{
    if (!bosk_try_growslice(type, &s, num)) cannot_grow(type, s.len, s.cap, num);
    return s;
}

static BOSKI_NOINLINE void free_any(const void *ptr)
{
    bool known;
    void *start;
    size_t bytes;
    if (ptr == NULL) return;
    bosk_home home = bosk_home_of(ptr, &known);
    if (!known || home.kind == BOSK_HOME_COLLECTED) return;
    if (bosk_find_block(ptr, &start, &bytes)) bosk_free(start);
}

BOSK_API void bosk_freeslice(const void *ptr)
{
    const size_t idx = ((uintptr_t)ptr - boski_map.base) >> BOSKI_PAGE_SHIFT;
    if (BOSK_LIKELY(idx < BOSKI_NPAGES)) {
        const unsigned c = boski_map.cmap[idx];
        if (BOSK_LIKELY(c - 1 < BOSKI_NUM_SMALL - 1)) { /* a class: manual memory */
            const struct mspan *s = boski_map.spans[idx];
            const uint64_t off = (uintptr_t)ptr - s->base;
            const size_t slot = (size_t)((off * boski_class[c].magic) >> 32);
            boski_owned_free((void *)(s->base + slot * boski_class[c].size), c);
            return;
        }
    }
    free_any(ptr);
}
