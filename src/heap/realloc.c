/* realloc.c - growing and shrinking blocks: as they are, in place, by remapping, by copying.
 *
 * A block that grows by small steps (less than a quarter of itself; up to 2 KiB, a half) is given
 * half as much again (twice), so that a loop of realloc(p, n += k) moves O(log n) times.  Large
 * blocks take the pages behind them; one that must move goes where the free run is longest, and
 * from 256 KiB on its pages are remapped, not copied.
 */
#include "arena.h"
#include "collected.h"
#include "mcache.h"
#include "waiting.h"

#include <errno.h>

#define REMAP_MIN ((size_t)256 << 10)
/* Each remapped block may cost two mappings of the 65,530 a process can have. */
#define REMAPS_MAX 16000
static uint32_t remaps;

static size_t pages_for(size_t size) { return (size + BOSKI_PAGE_BYTES - 1) >> BOSKI_PAGE_SHIFT; }

/* What to ask for when a block of `have` bytes has outgrown itself by reaching `size`. */
static size_t growth_size(size_t have, size_t size)
{
    size_t step = size - have;
    if (BOSK_UNLIKELY(boski_conf.guard)) return size; /* what was not asked for is beyond the end */
    if (have <= 2048) return step <= have / 2 ? 2 * have : size;
    if (step >= have / 4) return size;
    size_t more = have + have / 2;
    return more > size ? more : size;
}

static void *move_by_copy(void *p, size_t have, size_t ask, size_t size)
{
    void *q = boski_malloc_inline(ask);
    if (q == NULL && ask > size) q = boski_malloc_inline(size);
    if (q == NULL) return NULL; /* errno is set; p is untouched */
    size_t n = have < size ? have : size;
    memcpy(q, p, n);
    boski_count(size > have ? &boski_ctr->realloc_copied : &boski_ctr->realloc_shrunk, 1);
    boski_count(&boski_ctr->realloc_copied_bytes, n);
    boski_free_inline(p);
    return q;
}

/* Grows large span `s` without moving it. */
static bool grow_in_place(struct mspan *s, size_t size)
{
    size_t have = s->npages, need = pages_for(size);
    size_t slack = need - have < have / 4 ? need / 8 : 0; /* small steps: more at once */
    if (!(slack != 0 && boski_mheap_grow_span(s, need + slack)) && !boski_mheap_grow_span(s, need))
        return false;
    s->flags |= BOSKI_SPAN_GROWN;
    boski_count(&boski_ctr->realloc_grown, 1);
    boski_large_resized(have << BOSKI_PAGE_SHIFT, boski_span_bytes(s));
    return true;
}

static void *grow_large(struct mspan *s, void *p, size_t size, bool *copied)
{
    *copied = false;
    size_t have = boski_span_bytes(s);
    if (size > (size_t)PTRDIFF_MAX - BOSKI_PAGE_BYTES) {
        errno = ENOMEM;
        return NULL;
    }
    if (grow_in_place(s, size)) {
        boski_large_resample(s, size, have);
        return p;
    }
    bool zeroed;
    void *q = boski_large_alloc(growth_size(have, size), 1, BOSKI_SPAN_TAIL, &zeroed);
    if (q == NULL) q = boski_large_alloc(size, 1, 0, &zeroed);
    if (q == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    struct mspan *t = boski_span_of(q);
    t->flags |= BOSKI_SPAN_GROWN;
    /* Whole system pages only: the rest of the last one, where they are larger than ours, belongs
     * to the neighbour. */
    size_t whole = have & ~(boski_os.page - 1);
    if (whole >= REMAP_MIN && s->kind == BOSK_KIND_MANUAL &&
        __atomic_fetch_add(&remaps, 1, __ATOMIC_RELAXED) < REMAPS_MAX &&
        boski_os_move(p, q, whole)) {
        memcpy((char *)q + whole, (char *)p + whole, have - whole);
        boski_count(&boski_ctr->realloc_mapped, 1);
    } else {
        memcpy(q, p, have);
        *copied = true;
        boski_count(&boski_ctr->realloc_copied, 1);
        boski_count(&boski_ctr->realloc_copied_bytes, have);
    }
    boski_large_free(s);
    return q;
}

static void *resize_large(struct mspan *s, void *p, size_t size, bool *copied)
{
    if ((uintptr_t)p != s->base) boski_bad_free(p, "invalid pointer");
    size_t have = boski_span_bytes(s);
    if (size > have) return grow_large(s, p, size, copied);
    if (size <= BOSKI_SMALL_MAX) return move_by_copy(p, have, size, size);
    size_t need = pages_for(size);
    if (need < s->npages - s->npages / 4 &&
        s->guard == 0) { /* give the tail back when it is worth it */
        boski_mheap_shrink_span(s, need);
        boski_large_resized(have, boski_span_bytes(s));
        boski_count(&boski_ctr->realloc_shrunk, 1);
        boski_large_resample(s, size, have);
    }
    return p;
}

/* From a class to pages: the block has begun to grow, so it goes where there is room. */
static void *small_to_large(void *p, size_t have, size_t size)
{
    bool zeroed;
    void *q = boski_large_alloc(growth_size(have, size), 1, BOSKI_SPAN_TAIL, &zeroed);
    if (q == NULL) q = boski_large_alloc(size, 1, 0, &zeroed);
    if (q == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    boski_span_of(q)->flags |= BOSKI_SPAN_GROWN;
    memcpy(q, p, have);
    boski_count(&boski_ctr->realloc_copied, 1);
    boski_count(&boski_ctr->realloc_copied_bytes, have);
    boski_free_inline(p);
    return q;
}

/* Stays in its home, and keeps its layout. */
static void *realloc_collected(struct mspan *s, void *p, size_t size)
{
    size_t have = s->elem_bytes;
    if (size <= have && size >= have / 2) return p;
    bosk_type any = {.size = 1, .align = 16, .noscan = s->kind == BOSK_KIND_NOSCAN};
    void *q = boski_gc_alloc(s->type != NULL ? s->type : &any, size, 16, false);
    if (q == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    memcpy(q, p, have < size ? have : size);
    boski_gc_free(s, p);
    return q;
}

/* *copied: the result is another block, and not by moving pages. */
static BOSKI_NOINLINE void *realloc_move(void *p, size_t size, bool *copied)
{
    size_t idx = boski_page_of(p);
    unsigned c = idx == BOSKI_NO_PAGE ? BOSKI_C_NONE : boski_map.cmap[idx];
    if (c == BOSKI_C_NONE) boski_bad_free(p, "invalid pointer");
    struct mspan *s = boski_map.spans[idx];
    bool record = boski_recording && !boski_tls.inside;
    uint64_t t0 = record ? boski_os_ticks() : 0;
    if (record) boski_obs_check();
    void *q;
    *copied = true;
    if (c == BOSKI_C_LARGE) {
        q = resize_large(s, p, size, copied);
    } else {
        size_t have = s->elem_bytes;
        if (s->home == BOSK_HOME_ARENA) {
            q = boski_arena_realloc(s, p, size);
        } else if (s->home == BOSK_HOME_COLLECTED) {
            q = realloc_collected(s, p, size);
        } else if (s->owner != NULL && s->owner != &boski_sampled) {
            /* A block of a first-class heap stays in it. */
            if (size <= have && size >= have / 2) return p;
            q = boski_hheap_alloc(s->owner, size, 1, false);
            if (q == NULL) {
                errno = ENOMEM;
                return NULL;
            }
            memcpy(q, p, have < size ? have : size);
            boski_free_inline(p);
        } else if (size <= have && size >= have / 2) {
            return p; /* a sampled block, or one in huge pages */
        } else if (size > BOSKI_SMALL_MAX && size > have) {
            q = small_to_large(p, have, size);
        } else {
            q = move_by_copy(p, have, size > have ? growth_size(have, size) : size, size);
        }
    }
    if (record) boski_obs_latency(BOSKI_OP_REALLOC, true, boski_os_ticks() - t0, 1);
    return q;
}

void *boski_realloc(void *p, size_t size)
{
    if (BOSK_UNLIKELY(p == NULL)) return boski_malloc_inline(size);
    if (BOSK_UNLIKELY(size == 0)) {
        boski_free_inline(p);
        return NULL;
    }
    if (BOSK_UNLIKELY(boski_conf.quarantine != 0)) boski_waiting_look(p, "double free");
    size_t idx = ((uintptr_t)p - boski_map.base) >> BOSKI_PAGE_SHIFT;
    if (BOSK_LIKELY(idx < BOSKI_NPAGES)) {
        unsigned c = boski_map.cmap[idx];
        size_t have = 0;
        if (BOSK_LIKELY(c - 1 < BOSKI_NUM_SMALL - 1))
            have = boski_class[c].size;
        else if (c == BOSKI_C_LARGE)
            have = boski_map.spans[idx]->elem_bytes;
        size_t least = c == BOSKI_C_LARGE ? have - have / 4 : have / 2;
        if (size <= have && size >= least) {
            struct mcache *mc = boski_mcache_peek();
            if (BOSK_LIKELY(mc != NULL)) boski_pend(mc, &mc->pending.realloc_same, 1);
            return p;
        }
    }
    bool copied;
    return realloc_move(p, size, &copied);
}

void *boski_grow_block(void *p, size_t size, bool *copied)
{
    *copied = false;
    return size <= boski_usable(p) ? p : realloc_move(p, size, copied);
}

BOSK_API size_t bosk_grow(void *p, size_t size)
{
    size_t have = boski_usable(p);
    if (p == NULL || size <= have) return have;
    struct mspan *s = boski_span_of(p);
    if (s->home == BOSK_HOME_ARENA) return boski_arena_grow(s, p, size);
    if (s->class_ != 0 || s->owner != NULL || (uintptr_t)p != s->base) return 0;
    if (size > (size_t)PTRDIFF_MAX - BOSKI_PAGE_BYTES || !grow_in_place(s, size)) return 0;
    boski_large_resample(s, size, have);
    return boski_span_bytes(s);
}
