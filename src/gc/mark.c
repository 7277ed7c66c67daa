/* mark.c - following references.
 *
 * A stack of objects that are marked and not yet looked at, and in front of it a ring: an object
 * enters the ring when its memory is prefetched and is looked at some thirty objects later, when
 * it has come.  Mark bits are tested before they are set and lie apart from the objects, so that an
 * object without references is never touched.
 *
 * One marker, the world stopped: plain loads and stores.  When the stack cannot grow, objects are
 * marked and dropped, and found again by a pass over the spans.
 *
 * After the prefetch ring of OCaml 4.14 (runtime/major_gc.c).
 */
#include "gc.h"

#define RING 64 /* a power of two */

struct item {
    char *p;
    struct mspan *span;
};
struct boski_mark_stats boski_mark_stats;

static struct item *stack;
static size_t depth, stack_cap;
static bool overflowed;
static struct item ring[RING];
static unsigned head, tail;

/* ---- from a word to an object ------------------------------------------------------------ */

/* The collected span that contains the address, or NULL. */
static inline struct mspan *span_at(uintptr_t w)
{
    size_t idx = (w - boski_map.base) >> BOSKI_PAGE_SHIFT;
    if (BOSK_UNLIKELY(idx >= boski_map.npages)) {
        if (boski_map.arena_next == boski_map.region_pages) return NULL;
        idx = boski_arena_page(w);
        if (idx == BOSKI_NO_PAGE) return NULL;
    }
    if (boski_map.cmap[idx] != BOSKI_C_SPECIAL) return NULL;
    struct mspan *s = boski_map.spans[idx];
    return s->home == BOSK_HOME_COLLECTED ? s : NULL;
}
static inline bool slot_at(const struct mspan *s, uintptr_t w, uint32_t *slot)
{
    uintptr_t off = w - s->base;
    *slot = s->nelems == 1 ? 0 : (uint32_t)(((uint64_t)off * s->magic) >> 32);
    return *slot < s->nelems;
}
/* Cached runs count as in use; an object that was freed does not. */
static inline bool in_use(const struct mspan *s, uint32_t slot)
{
    return (s->bits[slot >> 6] >> (slot & 63) & 1) == 0;
}
bool boski_mark_find(uintptr_t word, struct boski_found *f)
{
    f->span = span_at(word);
    return f->span != NULL && slot_at(f->span, word, &f->slot) && in_use(f->span, f->slot);
}

/* ---- marking -------------------------------------------------------------------------------- */

static BOSKI_NOINLINE void push_slow(struct item it)
{
    if (depth == stack_cap) {
        struct item *more =
            overflowed ? NULL : boski_gc_array_grow(stack, &stack_cap, sizeof *stack);
        if (more == NULL) {
            overflowed = true;
            return;
        }
        stack = more;
    }
    stack[depth++] = it;
}
static inline void push(struct item it)
{
    if (tail - head < RING) {
        __builtin_prefetch(it.p);
        ring[tail++ % RING] = it;
    } else {
        push_slow(it);
    }
}
BOSKI_SCANS static inline __attribute__((always_inline)) void mark_slot(struct mspan *s,
                                                                        uint32_t slot)
{
    uint64_t *w = &boski_gc_marks(s)[slot >> 6], bit = (uint64_t)1 << (slot & 63);
    if ((*w & bit) != 0) return;
    *w |= bit;
    boski_mark_stats.objects++;
    boski_mark_stats.bytes += s->elem_bytes;
    if (s->kind == BOSK_KIND_SCAN)
        push((struct item){(char *)s->base + (size_t)slot * s->elem_bytes, s});
}
BOSKI_SCANS static inline __attribute__((always_inline)) void mark_word(uintptr_t w)
{
    struct mspan *s = span_at(w);
    uint32_t slot;
    if (s == NULL || !slot_at(s, w, &slot) || !in_use(s, slot)) return;
    mark_slot(s, slot);
}
/* For fields that layouts name: they hold addresses of objects, or dangling ones after an explicit
 * free; then a slot that is free is marked, which sweeping does not mind, and its free bit, another
 * line of cache, need not be looked at. */
BOSKI_SCANS static inline __attribute__((always_inline)) void mark_field(uintptr_t w)
{
    struct mspan *s = span_at(w);
    uint32_t slot;
    if (s != NULL && slot_at(s, w, &slot)) mark_slot(s, slot);
}
/* As mark_word, for words on stacks and in registers: a loop over an array may have nothing but the
 * address behind its last element. */
BOSKI_SCANS static BOSKI_NOINLINE void mark_local(uintptr_t w)
{
    struct mspan *s = span_at(w);
    uint32_t slot = 0;
    bool inside = s != NULL && slot_at(s, w, &slot);
    if (inside && in_use(s, slot)) mark_slot(s, slot);
    if (!inside || w == s->base + (uintptr_t)slot * s->elem_bytes) mark_word(w - 1);
}

BOSKI_SCANS static void scan_words(const char *p, size_t bytes)
{
    const uintptr_t *w = (const void *)p, *end = w + bytes / sizeof *w;
    for (; w < end; w++) mark_word(*w);
}
BOSKI_SCANS static void scan_typed(const char *p, const struct mspan *s)
{
    const struct boski_layout *l = (const void *)s->type;
    const uintptr_t *w = (const void *)p;
    if (s->elem_bytes <= 64 * sizeof(void *)) {
        for (uint64_t m = l->slot_mask; m != 0; m &= m - 1) mark_field(w[__builtin_ctzll(m)]);
        return;
    }
    size_t each = l->type.size / sizeof *w, n = s->elem_bytes / l->type.size;
    for (size_t k = 0; k < n; k++, w += each)
        for (size_t i = 0; i < l->type.ptrwords; i += 64)
            for (uint64_t m = l->type.ptrmask[i >> 6]; m != 0; m &= m - 1)
                mark_field(w[i + (unsigned)__builtin_ctzll(m)]);
}
static inline void scan(struct item it)
{
    if (it.span->type != NULL)
        scan_typed(it.p, it.span);
    else
        scan_words(it.p, it.span->elem_bytes);
}
static void drain(void)
{
    for (;;) {
        while (tail - head < RING / 2 && depth > 0) {
            struct item it = stack[--depth];
            __builtin_prefetch(it.p);
            ring[tail++ % RING] = it;
        }
        if (head == tail) return;
        scan(ring[head++ % RING]);
    }
}

/* What was marked and dropped has children that are not marked: looks at all again. */
static void rescan_span(void *ctx, struct mspan *s)
{
    (void)ctx;
    if (s->kind != BOSK_KIND_SCAN) return;
    for (uint32_t i = 0; i < s->nelems; i++) {
        if ((boski_gc_marks(s)[i >> 6] >> (i & 63) & 1) == 0 || !in_use(s, i)) continue;
        scan((struct item){(char *)s->base + (size_t)i * s->elem_bytes, s});
        drain();
    }
}

BOSKI_SCANS static void mark_range(const struct boski_range *r, bool local)
{
    const uintptr_t *w = (const void *)r->lo, *end = (const void *)r->hi;
    if (local)
        for (; w < end; w++) mark_local(*w);
    else
        for (; w < end; w++) mark_word(*w);
}
void boski_mark_all(const struct boski_roots *r)
{
    memset(&boski_mark_stats, 0, sizeof boski_mark_stats);
    depth = 0;
    head = tail = 0;
    overflowed = false;
    for (size_t i = 0; i < r->n; i++) {
        mark_range(&r->range[i], i < r->nstacks);
        drain();
    }
    while (overflowed) {
        overflowed = false;
        boski_gc_each_span(rescan_span, NULL);
    }
    memset(ring, 0, sizeof ring); /* it lies in static data, which the next cycle looks at */
}
