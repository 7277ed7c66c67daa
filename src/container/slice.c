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
#include "container/growth.h"
#include "heap/mcache.h"
#include "os/conf.h"

#include <bosk/growth.h>
#include <bosk/slice_base.h>
#include <errno.h>

BOSK_API struct bosk_zero bosk_zerobase;

static struct bosk_slice_stats stats;

/* Bytes cleared and spared are counted with the heap's, in the thread's own cache. */
static void count_zeroing(size_t cleared, size_t spared)
{
    struct mcache *mc = boski_mcache_peek();
    if (mc == NULL) return;
    if (cleared != 0) boski_pend(mc, &mc->pending.cleared_bytes, cleared);
    if (spared != 0) boski_pend(mc, &mc->pending.spared_bytes, spared);
}

BOSK_API void bosk_slice_stats(struct bosk_slice_stats *out)
{
    const uint64_t *from = (const uint64_t *)&stats;
    uint64_t *to = (uint64_t *)out;
    for (size_t i = 0; i < sizeof stats / sizeof *from; i++)
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

static BOSK_NORETURN void out_of_memory(void) { bosk_fatal("runtime: out of memory"); }
static BOSK_NORETURN void panic_growslice(void)
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

/* `n` elements, of which those up to `clear` come back zero. NULL when there is no memory. */
static void *new_array(bosk_home home, const bosk_type *type, size_t n, size_t clear, size_t keep)
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
    count_zeroing(cleared, bytes - cleared);
    return p;
}

BOSK_API bosk_slice bosk_makeslice_in(bosk_home home, const bosk_type *type, long long len,
                                      long long cap)
{
    size_t bytes;
    if (BOSK_UNLIKELY(!bytes_of(type, cap, &bytes) || len < 0 || len > cap)) {
        bool len_is_wrong = !bytes_of(type, len, &bytes);
        bosk_panic("runtime error: makeslice: %s out of range", len_is_wrong ? "len" : "cap");
    }
    bosk_slice s = {&bosk_zerobase, (ptrdiff_t)len, (ptrdiff_t)cap};
    if (bytes == 0) return s;
    s.ptr = new_array(home, type, (size_t)cap, (size_t)len, 0);
    if (s.ptr == NULL) out_of_memory();
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
    s.ptr = new_array(bosk_home_current(), type, (size_t)len, (size_t)len, keep);
    if (s.ptr == NULL) out_of_memory();
    if (keep != 0) memcpy(s.ptr, from, keep * type->size);
    return s;
}

/* ---- append ------------------------------------------------------------------------------- */

/* Where the array that replaces `ptr` belongs; *manual: it is a block somebody must free. */
static bosk_home home_for(const void *ptr, bool *manual)
{
    bool known = false;
    bosk_home home = {BOSK_HOME_MANUAL, NULL};
    if (ptr != NULL) home = bosk_home_of(ptr, &known);
    *manual = known && home.kind == BOSK_HOME_MANUAL;
    return known ? home : bosk_home_current();
}

BOSK_API bosk_slice bosk_growslice(const bosk_type *type, void *ptr, ptrdiff_t new_len,
                                   ptrdiff_t old_cap, ptrdiff_t num)
{
    if (BOSK_UNLIKELY(new_len < 0)) panic_growslice();
    bosk_slice s = {&bosk_zerobase, new_len, new_len};
    if (type->size == 0) return s;
    ptrdiff_t old_len = new_len - num;
    int64_t cap = boski_nextcap_here(type->size, type->noscan, old_len, old_cap, new_len);
    if (BOSK_UNLIKELY(cap < 0)) panic_growslice();
    bool manual;
    bosk_home home = home_for(ptr, &manual);
    /* The part between the old and the new length is the caller's to fill. */
    if ((uint64_t)cap > (uint64_t)PTRDIFF_MAX) out_of_memory();
    size_t tail = boski_conf.zerotail ? (size_t)cap : 0;
    s.ptr = new_array(home, type, (size_t)cap, tail, (size_t)new_len);
    if (s.ptr == NULL) out_of_memory();
    s.cap = (ptrdiff_t)cap;
    if (old_len != 0) memcpy(s.ptr, ptr, (size_t)old_len * type->size);
    boski_count(&stats.appends_grown, 1);
    boski_count(&stats.copied, (uint64_t)old_len * type->size);
    if (manual && old_cap != 0) {
        boski_count(&stats.orphaned_by_append, 1);
        boski_count(&stats.orphaned_bytes, (uint64_t)old_cap * type->size);
    }
    return s;
}

/* ---- push --------------------------------------------------------------------------------- */

static void clear_bytes_of(char *p, size_t from, size_t to)
{
    if (from >= to) return;
    memset(p + from, 0, to - from);
    count_zeroing(to - from, 0);
}

/* A block that may be resized by realloc: manual memory that begins at the slice, and which nobody
 * scans while it grows. */
static bool resizable(const bosk_type *type, void *ptr, bosk_home home)
{
    void *start;
    size_t bytes;
    if (home.kind != BOSK_HOME_MANUAL || type->align > 16) return false;
    return bosk_find_block(ptr, &start, &bytes) && start == ptr;
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

BOSK_API bool bosk_try_growslice(const bosk_type *type, bosk_slice *s, ptrdiff_t num)
{
    ptrdiff_t new_len;
    if (num < 0 || __builtin_add_overflow(s->len, num, &new_len)) return false;
    if (new_len <= s->cap) return true;
    if (type->size == 0) {
        s->ptr = &bosk_zerobase;
        s->cap = new_len;
        return true;
    }
    int64_t cap = boski_nextcap_here(type->size, type->noscan, s->len, s->cap, new_len);
    size_t bytes, used = (size_t)s->len * type->size;
    if (cap < 0 || cap > PTRDIFF_MAX || __builtin_mul_overflow((size_t)cap, type->size, &bytes) ||
        bytes > (size_t)PTRDIFF_MAX)
        return false;
    bool manual;
    bosk_home home = home_for(s->ptr, &manual);
    char *p;
    if (manual && resizable(type, s->ptr, home)) {
        bool copied;
        p = boski_grow_block(s->ptr, bytes, &copied);
        if (p == NULL) return false;
        boski_count(copied ? &stats.copied : &stats.grown_in_place, copied ? used : 1);
        /* Elements beyond the old capacity were never anybody's. */
        if (!type->noscan || boski_conf.zerotail)
            clear_bytes_of(p, (size_t)s->cap * type->size, bytes);
    } else if (home.kind == BOSK_HOME_ARENA && s->cap != 0 && extends(s->ptr, bytes)) {
        p = s->ptr;
        boski_count(&stats.grown_in_place, 1);
        if (!type->noscan || boski_conf.zerotail)
            clear_bytes_of(p, (size_t)s->cap * type->size, bytes);
    } else {
        size_t tail = boski_conf.zerotail ? (size_t)cap : 0;
        p = new_array(home, type, (size_t)cap, tail, (size_t)s->len);
        if (p == NULL) return false;
        if (used != 0) memcpy(p, s->ptr, used);
        boski_count(&stats.copied, used);
        bosk_freeslice(s->ptr);
    }
    boski_count(&stats.pushes_grown, 1);
    s->ptr = p;
    s->cap = (ptrdiff_t)cap;
    return true;
}

BOSK_API bosk_slice bosk_growowned(const bosk_type *type, bosk_slice s, ptrdiff_t num)
{
    ptrdiff_t new_len;
    if (__builtin_add_overflow(s.len, num, &new_len) ||
        boski_nextcap_here(type->size, type->noscan, s.len, s.cap, new_len) < 0)
        panic_growslice();
    if (!bosk_try_growslice(type, &s, num)) out_of_memory();
    return s;
}

BOSK_API void bosk_freeslice(const void *ptr)
{
    bool known;
    void *start;
    size_t bytes;
    if (ptr == NULL) return;
    bosk_home home = bosk_home_of(ptr, &known);
    if (!known || home.kind == BOSK_HOME_COLLECTED) return;
    if (bosk_find_block(ptr, &start, &bytes)) bosk_free(start);
}
