/* owned.c - see owned.h.
 *
 * Source of the steps: measured (docs/design/slices.md).  Doubling copies each element once on
 * average; from a page on the heap's own pages are cheaper than any copy.
 */
#include "owned.h"

#define FOURFOLD_UP_TO ((size_t)32 << 10)
#define DOUBLE_UP_TO ((size_t)1 << 20)
#define STEP_MIN ((size_t)256 << 10)
#define STEP_MAX ((size_t)2 << 20)
/* Half a step ends so much before a page does: the array then asks for more while it is still in a
 * page it has touched, and the fault of the next page comes later. */
#define PAGE_REST 64

static size_t pages_for(size_t bytes) { return (bytes + BOSKI_PAGE_BYTES - 1) >> BOSKI_PAGE_SHIFT; }

/* What a block of `have` bytes becomes. */
static size_t next_bytes(size_t have, size_t least)
{
    size_t step = have;
    if (have > BOSKI_OWNED_SMALL && have < FOURFOLD_UP_TO) {
        step = 3 * have;
    } else if (have >= DOUBLE_UP_TO) {
        step = have / 8;
        if (step < STEP_MIN) step = STEP_MIN;
        if (step > STEP_MAX) step = STEP_MAX;
    }
    return have + step > least ? have + step : least;
}

bool boski_owned_first(struct boski_room *room, size_t size, size_t least)
{
    size_t bytes = boski_owned_start(size, least);
    bool zeroed;
    char *p = bytes <= BOSKI_OWNED_SMALL ? boski_malloc_inline(bytes)
                                         : boski_large_alloc(bytes, 1, BOSKI_SPAN_TAIL, &zeroed);
    if (p == NULL) return false;
    struct mspan *s = boski_span_of(p);
    if (bytes > BOSKI_OWNED_SMALL) s->flags |= BOSKI_SPAN_GROWN;
    room->p = p;
    room->bytes = s->elem_bytes;
    return true;
}

/* From a class to pages. */
static bool to_pages(struct boski_room *room, size_t used, size_t bytes)
{
    bool zeroed;
    char *q = boski_large_alloc(bytes, 1, BOSKI_SPAN_TAIL, &zeroed);
    if (q == NULL) return false;
    struct mspan *s = boski_span_of(q);
    s->flags |= BOSKI_SPAN_GROWN;
    memcpy(q, room->p, used);
    boski_free_inline(room->p);
    room->p = q;
    room->bytes = boski_span_bytes(s);
    return true;
}

/* Takes the pages behind it. */
static bool in_place(struct boski_room *room, struct mspan *s, size_t bytes, size_t least)
{
    size_t have = boski_span_bytes(s);
    if (!boski_mheap_grow_span(s, pages_for(bytes))) return false;
    s->flags |= BOSKI_SPAN_GROWN;
    room->bytes = boski_span_bytes(s);
    boski_count(&boski_ctr->realloc_grown, 1);
    boski_large_resized(have, room->bytes);
    boski_large_resample(s, bytes, have);
    if (have >= DOUBLE_UP_TO && have + (room->bytes - have) / 2 >= least + PAGE_REST)
        room->bytes = have + (room->bytes - have) / 2 - PAGE_REST;
    return true;
}

bool boski_owned_grow(struct boski_room *room, size_t used, size_t least, bool *copied)
{
    struct mspan *s = boski_span_of(room->p);
    size_t have = s->elem_bytes, bytes = next_bytes(have, least);
    *copied = false;
    if (least <= have) {
        room->bytes = have;
        if (have > DOUBLE_UP_TO && (s->flags & BOSKI_SPAN_GROWN) != 0)
            boski_mheap_ahead(s->page + s->npages, pages_for(next_bytes(have, 0) - have));
        return true;
    }
    if (least > (size_t)PTRDIFF_MAX - STEP_MAX) return false;
    if (s->owner == NULL && s->class_ == 0) {
        if (in_place(room, s, bytes, least)) return true;
        if (have >= DOUBLE_UP_TO) {
            if (in_place(room, s, least, least)) return true;
            /* Moving costs more than a step, so it shall not happen for each. */
            bytes = have + have / 2 > least ? have + have / 2 : least;
        }
    } else if (s->owner == NULL && bytes > BOSKI_OWNED_SMALL) {
        /* The move is the dear part: a page more behind it costs nothing until it is used. */
        *copied = true;
        return to_pages(room, used, bytes < 4 * have ? 4 * have : bytes);
    }
    char *p = boski_grow_block(room->p, bytes, copied);
    if (p == NULL && bytes > least) p = boski_grow_block(room->p, least, copied);
    if (p == NULL) return false;
    room->p = p;
    room->bytes = boski_usable(p);
    return true;
}
