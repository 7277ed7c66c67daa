/* slice.c - make, growth and freeing of slices of any type.
 *
 * Arrays live in homes (bosk/type.h).  append keeps to the home of the array it outgrows and leaves
 * that array alone; push owns it, so it may grow the block where it is, remap its pages, or free
 * it.
 *
 * Zeroing: memory that a collector may look at is zero before it is handed out; everything else is
 * cleared up to the length asked for, and beyond it with BOSK_CONF=zerotail=1 only.
 *
 * Go counterpart: runtime/slice.go (1.22).  We differ in that the tail of make and of append is not
 * cleared for pointer-free elements, which Go does by convention of its allocator.
 */
#include "container/slice.h"

#include "container/growth.h"
#include "heap/arena.h"
#include "heap/owned.h"
#include "os/conf.h"

#include <bosk/growth.h>
#include <errno.h>

BOSK_API struct bosk_zero bosk_zerobase;

struct bosk_slice_stats boski_slice_stats;

/* Bytes cleared and spared are counted with the heap's, in the thread's own cache. */
void boski_count_zeroing(size_t cleared, size_t spared)
{
    struct mcache *mc = boski_mcache_peek();
    if (mc == NULL) return;
    if (cleared != 0) boski_pend(mc, &mc->pending.cleared_bytes, cleared);
    if (spared != 0) boski_pend(mc, &mc->pending.spared_bytes, spared);
}

BOSK_API void bosk_slice_stats(struct bosk_slice_stats *out)
{
    const uint64_t *from = (const uint64_t *)&boski_slice_stats;
    uint64_t *to = (uint64_t *)out;
    for (size_t i = 0; i < sizeof boski_slice_stats / sizeof *from; i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* ---- panics ----------------------------------------------------------------------------- */

BOSK_API void bosk_panic_index(long long index, ptrdiff_t len, bool is_unsigned)
{
    if (index < 0 && !is_unsigned) bosk_panic("runtime error: index out of range [%lld]", index);
    if (is_unsigned)
        bosk_panic("runtime error: index out of range [%llu] with length %td",
                   (unsigned long long)index, len);
    bosk_panic("runtime error: index out of range [%lld] with length %td", index, len);
}

BOSK_API void bosk_panic_slice(long long lo, long long hi, ptrdiff_t bound, bool bound_is_cap)
{
    if (hi < 0) bosk_panic("runtime error: slice bounds out of range [:%lld]", hi);
    if (hi > bound)
        bosk_panic("runtime error: slice bounds out of range [:%lld] with %s %td", hi,
                   bound_is_cap ? "capacity" : "length", bound);
    if (lo < 0) bosk_panic("runtime error: slice bounds out of range [%lld:]", lo);
    bosk_panic("runtime error: slice bounds out of range [%lld:%lld]", lo, hi);
}

BOSK_API void bosk_panic_slice3(long long lo, long long hi, long long max, ptrdiff_t bound,
                                bool bound_is_cap)
{
    if (max < 0) bosk_panic("runtime error: slice bounds out of range [::%lld]", max);
    if (max > bound)
        bosk_panic("runtime error: slice bounds out of range [::%lld] with %s %td", max,
                   bound_is_cap ? "capacity" : "length", bound);
    if (hi < 0) bosk_panic("runtime error: slice bounds out of range [:%lld:]", hi);
    if (hi > max) bosk_panic("runtime error: slice bounds out of range [:%lld:%lld]", hi, max);
    if (lo < 0) bosk_panic("runtime error: slice bounds out of range [%lld::]", lo);
    bosk_panic("runtime error: slice bounds out of range [%lld:%lld:]", lo, hi);
}

BOSK_API void bosk_panic_convert(ptrdiff_t len, ptrdiff_t want)
{
    bosk_panic("runtime error: cannot convert slice with length %td to array or pointer to array "
               "with length %td",
               len, want);
}

void boski_out_of_memory(void) { bosk_fatal("runtime: out of memory"); }
void boski_panic_growslice(void)
{
    bosk_panic("runtime error: %s",
               bosk_growth_panic(bosk_growth_current()->minor == 0 ? (unsigned)BOSK_GO_LAST
                                                                   : bosk_growth_current()->minor));
}

/* ---- make ------------------------------------------------------------------------------- */

/* As Go's math.MulUintptr and the test of maxAlloc. */
static bool bytes_of(const bosk_type *type, long long n, size_t *bytes)
{
    const uint64_t max_alloc = sizeof(void *) == 8 ? (uint64_t)1 << 48 : UINT32_MAX;
    if (n < 0 || n > PTRDIFF_MAX) return false;
    return !__builtin_mul_overflow(type->size, (size_t)n, bytes) && *bytes <= max_alloc;
}

void *boski_new_array(bosk_home home, const bosk_type *type, size_t n, size_t clear, size_t keep)
{
    size_t bytes = n * type->size, clear_bytes = clear * type->size;
    if (boski_conf.zerotail) clear_bytes = bytes;
    /* What is known to be zero is not cleared again: worth asking for when most is wanted. */
    if (!type->noscan || (keep == 0 && clear_bytes > bytes / 2))
        return bosk_alloc_in(home, type, n, true); /* which counts */
    char *p = bosk_alloc_in(home, type, n, false);
    if (p == NULL) return NULL;
    size_t from = keep * type->size;
    size_t cleared = clear_bytes > from ? clear_bytes - from : 0;
    if (cleared != 0) memset(p + from, 0, cleared);
    boski_count_zeroing(cleared, bytes - cleared);
    return p;
}

static BOSKI_NOINLINE void *make_any(bosk_home home, const bosk_type *type, long long len,
                                     long long cap)
{
    size_t bytes;
    if (BOSK_UNLIKELY(!bytes_of(type, cap, &bytes) || len < 0 || len > cap)) {
        bool len_is_wrong = !bytes_of(type, len, &bytes);
        bosk_panic("runtime error: makeslice: %s out of range", len_is_wrong ? "len" : "cap");
    }
    if (bytes == 0) return &bosk_zerobase;
    void *p = boski_new_array(home, type, (size_t)cap, (size_t)len, 0);
    if (p == NULL) boski_out_of_memory();
    return p;
}

static BOSKI_NOINLINE void *make_here(const bosk_type *type, long long len, long long cap)
{
    (void)
        boski_heap_init(); /* which reads what the home is; without memory nothing is made anyway */
    return make_any(bosk_home_current(), type, len, cap);
}

static inline void *made_small(void *p, size_t clear, size_t spare)
{
    struct mcache *mc = boski_mcache_peek();
    if (BOSK_LIKELY(mc != NULL)) { /* NULL: of a thread that is ending */
        uint64_t *cleared = &mc->pending.cleared_bytes, *spared = &mc->pending.spared_bytes;
        BOSKI_SET(*spared, *spared + spare);
        if (clear == 0) return p;
        BOSKI_SET(*cleared, *cleared + clear);
    }
    return memset(p, 0, clear);
}
/* The thread has nothing in hand. */
static BOSKI_NOINLINE void *make_after_refill(const bosk_type *type, size_t len, size_t cap)
{
    if (!boski_mheap.ready) return make_here(type, (long long)len, (long long)cap);
    void *p = boski_malloc_slow(cap * type->size);
    if (p == NULL) boski_out_of_memory();
    return made_small(p, len * type->size, (cap - len) * type->size);
}

/* Small pointer-free arrays in the manual home have a short way, without a call but the last. */
BOSK_API void *bosk_make_array(const bosk_type *type, long long len, long long cap)
{
    const size_t size = type->size;
    if (BOSK_UNLIKELY((unsigned long long)cap > BOSKI_FAST_MAX ||
                      (unsigned long long)len > (unsigned long long)cap || size > BOSKI_FAST_MAX ||
                      !type->noscan || type->align > 16 || boski_conf.zerotail ||
                      !boski_home_plain()))
        return make_here(type, len, cap);
    const size_t bytes = (size_t)cap * size, clear = (size_t)len * size;
    /* 24 bytes have a class of their own. */
    if (BOSK_UNLIKELY(bytes - 25 > BOSKI_FAST_MAX - 25 || boski_recording))
        return make_here(type, len, cap);
    void *p = boski_owned_pop(bytes);
    if (BOSK_UNLIKELY(p == NULL)) return make_after_refill(type, (size_t)len, (size_t)cap);
    return made_small(p, clear, bytes - clear);
}

BOSK_API bosk_slice bosk_makeslice_in(bosk_home home, const bosk_type *type, long long len,
                                      long long cap)
{
    bosk_slice s = {make_any(home, type, len, cap), (ptrdiff_t)len, (ptrdiff_t)cap};
    return s;
}

BOSK_API bosk_slice bosk_makeslice(const bosk_type *type, long long len, long long cap)
{
    return bosk_makeslice_in(bosk_home_current(), type, len, cap);
}

BOSK_API bosk_slice bosk_makeslice_copy(const bosk_type *type, long long len, const void *from,
                                        ptrdiff_t n)
{
    size_t bytes;
    if (BOSK_UNLIKELY(!bytes_of(type, len, &bytes)))
        bosk_panic("runtime error: makeslice: len out of range");
    bosk_slice s = {&bosk_zerobase, (ptrdiff_t)len, (ptrdiff_t)len};
    if (bytes == 0) return s;
    size_t keep = (size_t)(n < s.len ? n : s.len);
    s.ptr = boski_new_array(bosk_home_current(), type, (size_t)len, (size_t)len, keep);
    if (s.ptr == NULL) boski_out_of_memory();
    if (keep != 0) memcpy(s.ptr, from, keep * type->size);
    return s;
}

/* ---- append ------------------------------------------------------------------------------- */

bosk_home boski_home_for(const void *ptr, bool *manual)
{
    bool known = false;
    bosk_home home = {BOSK_HOME_MANUAL, NULL};
    if (ptr != NULL) home = bosk_home_of(ptr, &known);
    *manual = known && home.kind == BOSK_HOME_MANUAL;
    return known ? home : bosk_home_current();
}

/* The arena in which the array that replaces `ptr` belongs, NULL: it belongs elsewhere. */
static inline struct bosk_arena *arena_for(const void *ptr)
{
    const struct mspan *s = ptr == NULL ? NULL : boski_span_of(ptr);
    if (s != NULL) return s->home == BOSK_HOME_ARENA ? (struct bosk_arena *)(void *)s->owner : NULL;
    const struct mcache *mc = boski_mcache_peek();
    if (mc == NULL || mc->home_depth == 0) return NULL;
    const bosk_home *top = &mc->home[mc->home_depth - 1];
    return top->kind == BOSK_HOME_ARENA ? (struct bosk_arena *)top->owner : NULL;
}

static inline void count_spared(size_t n)
{
    struct mcache *mc = boski_mcache_peek();
    if (BOSK_UNLIKELY(boski_recording || mc == NULL)) {
        boski_count_zeroing(0, n);
        return;
    }
    uint64_t *spared = &mc->pending.spared_bytes;
    BOSKI_SET(*spared, *spared + n);
}

BOSK_API bosk_room bosk_grow_append(const bosk_type *type, void *ptr, ptrdiff_t len, ptrdiff_t cap,
                                    ptrdiff_t num)
{
    const ptrdiff_t new_len = (ptrdiff_t)((size_t)len + (size_t)num);
    if (BOSK_UNLIKELY(new_len < 0)) boski_panic_growslice();
    bosk_room room = {&bosk_zerobase, new_len};
    if (type->size == 0) return room;
    int64_t next = boski_nextcap_here(type->size, type->noscan, len, cap, new_len);
    if (BOSK_UNLIKELY(next < 0)) boski_panic_growslice();
    /* The part between the old and the new length is the caller's to fill. */
    if ((uint64_t)next > (uint64_t)PTRDIFF_MAX) boski_out_of_memory();
    const size_t used = (size_t)len * type->size;
    struct bosk_arena *arena = type->noscan && !boski_conf.zerotail ? arena_for(ptr) : NULL;
    bool manual = false;
    if (arena != NULL) {
        const size_t bytes = (size_t)next * type->size;
        room.ptr = boski_arena_alloc(arena, bytes, type->align, false);
        count_spared(bytes - (size_t)new_len * type->size);
    } else {
        bosk_home home = boski_home_for(ptr, &manual);
        size_t tail = boski_conf.zerotail ? (size_t)next : 0;
        room.ptr = boski_new_array(home, type, (size_t)next, tail, (size_t)new_len);
    }
    if (room.ptr == NULL) boski_out_of_memory();
    room.cap = (ptrdiff_t)next;
    if (used >= 16)
        boski_owned_copy(room.ptr, ptr, used);
    else if (used == 8) /* of a block that may be smaller than 16 bytes */
        memcpy(room.ptr, ptr, 8);
    else if (used != 0)
        memcpy(room.ptr, ptr, used);
    if (BOSK_LIKELY(boski_os_single())) {
        boski_slice_stats.appends_grown++;
        boski_slice_stats.copied += used;
    } else {
        boski_add(&boski_slice_stats.appends_grown, 1);
        boski_add(&boski_slice_stats.copied, used);
    }
    if (manual && cap != 0) {
        boski_count(&boski_slice_stats.orphaned_by_append, 1);
        boski_count(&boski_slice_stats.orphaned_bytes, (uint64_t)cap * type->size);
    }
    return room;
}

BOSK_API bosk_slice bosk_growslice(const bosk_type *type, void *ptr, ptrdiff_t new_len,
                                   ptrdiff_t old_cap, ptrdiff_t num)
{
    if (BOSK_UNLIKELY(new_len < 0)) boski_panic_growslice();
    const bosk_room room = bosk_grow_append(type, ptr, new_len - num, old_cap, num);
    bosk_slice s = {room.ptr, new_len, room.cap};
    return s;
}
