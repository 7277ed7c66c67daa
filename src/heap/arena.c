/* arena.c - arenas: blocks cut from chunks (see chunk.h) one behind the other.
 *
 * Blocks above BLOCK_MAX have a span each, in the list `large`.
 *
 * Locking: arenas_lock before an arena's lock before mheap.lock.
 */
#include "arena.h"
#include "spans.h"

#include "chunk.h"
#include "mcache.h"

#include <bosk/arena.h>
#include <errno.h>

#define SPARE_LOOKS 8

struct bosk_arena {
    struct boski_lock lock;
    bool alive;
    uint32_t next_pages; /* of the next chunk */
    size_t limit;        /* bytes of spans, 0: none */
    size_t bytes;        /* of spans */
    size_t live;         /* of blocks */
    size_t blocks;
    struct mspan *chunks; /* in use, newest first: the first one is cut from */
    struct mspan *spare;  /* kept by a reset */
    struct mspan *large;
    struct bosk_arena *next, *prev; /* all; free records by next */
};
static struct bosk_arena *arenas, *free_records;
static struct boski_lock arenas_lock;

static size_t pages_for(size_t bytes) { return (bytes + BOSKI_PAGE_BYTES - 1) >> BOSKI_PAGE_SHIFT; }

/* ---- counting ---------------------------------------------------------------------- */

/* Blocks come and go in the statistics as large ones: of any size. */
static void book(bool freed, size_t blocks, size_t bytes)
{
    struct mcache *mc = boski_mcache();
    struct bosk_record_counters *k = mc != NULL ? &mc->pending : boski_ctr;
    uint64_t *calls = freed ? &k->large_frees : &k->large_allocs;
    uint64_t *sum = freed ? &k->large_free_bytes : &k->large_alloc_bytes;
    int64_t delta = freed ? -(int64_t)bytes : (int64_t)bytes;
    if (mc != NULL) {
        boski_pend(mc, calls, blocks);
        boski_pend(mc, sum, bytes);
        boski_pend_live(mc, delta);
    } else {
        boski_count(calls, blocks);
        boski_count(sum, bytes);
        boski_book_live(delta);
    }
}

static void forget_samples(struct mspan *s)
{
    void *p = (void *)s->base;
    size_t bytes;
    if ((s->flags & BOSKI_SPAN_SAMPLED) == 0) return;
    if (!boski_is_chunk(s)) boski_obs_sample_free(p);
    if (boski_is_chunk(s))
        for (uint32_t at = 0; boski_chunk_next(s, s->bits, &at, &p, &bytes);)
            boski_obs_sample_free(p);
    s->flags &= (uint8_t)~BOSKI_SPAN_SAMPLED;
}

/* ---- spans --------------------------------------------------------------------------- */

/* Pages that the system can protect alone, when that may be asked for. */
static size_t page_unit(void)
{
    if (BOSK_LIKELY(!boski_conf.check) || boski_os.page <= BOSKI_PAGE_BYTES) return 1;
    return boski_os.page >> BOSKI_PAGE_SHIFT;
}
static bool within_limit(const struct bosk_arena *a, size_t bytes)
{
    return a->limit == 0 || (a->bytes <= a->limit && bytes <= a->limit - a->bytes);
}

/* A span inside the arena's limit.  Lock held. */
static struct mspan *span_new(struct bosk_arena *a, size_t npages, size_t align_pages,
                              unsigned flags)
{
    size_t unit = page_unit();
    npages = (npages + unit - 1) / unit * unit;
    if (align_pages < unit) align_pages = unit;
    if (npages > (size_t)PTRDIFF_MAX >> BOSKI_PAGE_SHIFT) return NULL;
    if (!within_limit(a, npages << BOSKI_PAGE_SHIFT)) return NULL;
    struct mspan *s = boski_mheap_alloc(npages, align_pages, BOSKI_C_SPECIAL, flags);
    if (s == NULL && boski_quarantine_empty())
        s = boski_mheap_alloc(npages, align_pages, BOSKI_C_SPECIAL, flags);
    if (s == NULL) return NULL;
    s->owner = a;
    s->home = BOSK_HOME_ARENA;
    s->kind = BOSK_KIND_MANUAL;
    BOSKI_SET(a->bytes, a->bytes + boski_span_bytes(s));
    return s;
}
/* No block of `s` is in use any more. */
static void span_release(struct bosk_arena *a, struct mspan *s)
{
    BOSKI_SET(a->bytes, a->bytes - boski_span_bytes(s));
    s->owner = NULL;
    if (BOSK_UNLIKELY(boski_conf.check))
        boski_quarantine(s);
    else
        boski_mheap_free(s);
}

static struct mspan *chunk_new(struct bosk_arena *a, size_t least_pages)
{
    size_t npages = a->next_pages > least_pages ? a->next_pages : least_pages;
    struct mspan *s = span_new(a, npages, 1, 0);
    if (s == NULL && npages > least_pages) s = span_new(a, least_pages, 1, 0);
    if (s == NULL) return NULL;
    if (a->next_pages < CHUNK_PAGES_MAX) a->next_pages *= 2;
    memset(s->bits, 0xff, s->npages * BOSKI_WORDS_PER_PAGE * sizeof *s->bits);
    s->nfree = s->purged = 0;
    s->elem_bytes = GRANULE;
    s->magic = (uint32_t)1 << (32 - GRANULE_SHIFT);
    s->nelems = (uint32_t)(s->npages << (BOSKI_PAGE_SHIFT - GRANULE_SHIFT));
    s->flags = BOSKI_SPAN_CHUNK;
    return s;
}

/* A chunk with room for `bytes`, at the head of the list. */
static struct mspan *chunk_take(struct bosk_arena *a, size_t bytes)
{
    struct mspan *s = a->spare;
    for (int i = 0; i < SPARE_LOOKS && s != NULL && boski_span_bytes(s) < bytes; i++) s = s->next;
    if (s != NULL && boski_span_bytes(s) >= bytes) {
        boski_spans_drop(&a->spare, s);
    } else {
        /* What does not fit any more is left unused: at most a quarter of a chunk. */
        size_t least = pages_for(bytes);
        size_t wish = pages_for(4 * bytes);
        if (wish > CHUNK_PAGES_MAX) wish = CHUNK_PAGES_MAX;
        s = chunk_new(a, wish > least ? wish : least);
        if (s == NULL && wish > least) s = chunk_new(a, least);
        if (s == NULL) return NULL;
    }
    boski_spans_push(&a->chunks, s);
    return s;
}

/* ---- allocation ---------------------------------------------------------------------- */

static void *cut(struct mspan *s, size_t size, size_t align, bool *dirty)
{
    if (s == NULL) return NULL;
    size_t step = align >> GRANULE_SHIFT; /* in granules; chunks begin at pages */
    uint32_t from = (uint32_t)s->nfree, n = granules(size);
    if (step > 1) from = (uint32_t)((from + step - 1) & ~(step - 1));
    if (from > s->nelems || n > s->nelems - from) return NULL;
    *dirty = s->needzero || from < (uint32_t)s->purged;
    begin_block(s, from);
    set_used(s, from + n);
    return granule_at(s, from);
}

static void *take_small(struct bosk_arena *a, size_t size, size_t align, size_t *block, bool *dirty)
{
    uint32_t before = a->chunks != NULL ? (uint32_t)a->chunks->nfree : 0;
    void *p = cut(a->chunks, size, align, dirty);
    if (p == NULL) {
        before = 0;
        p = cut(chunk_take(a, size == 0 ? 1 : size), size, align, dirty);
        if (p == NULL) return NULL;
    }
    /* With what lies before it for the sake of alignment: that is the block's before it now. */
    *block = (size_t)((uint32_t)a->chunks->nfree - before) << GRANULE_SHIFT;
    return p;
}

static void *take_large(struct bosk_arena *a, size_t size, size_t align, unsigned flags,
                        size_t *block, bool *dirty)
{
    if (size > (size_t)PTRDIFF_MAX - BOSKI_PAGE_BYTES - align) return NULL;
    size_t align_pages = align > BOSKI_PAGE_BYTES ? align >> BOSKI_PAGE_SHIFT : 1;
    struct mspan *s = span_new(a, pages_for(size), align_pages, flags);
    if (s == NULL) return NULL;
    BOSKI_SET(s->bits[0], (uint64_t)0);
    *dirty = s->needzero;
    s->needzero = 1;
    boski_spans_push(&a->large, s);
    *block = boski_span_bytes(s);
    return (void *)s->base;
}

static void check_alive(const struct bosk_arena *a)
{
    if (BOSK_UNLIKELY(a == NULL || !a->alive)) bosk_panic("bosk: arena used after it was freed");
}

static void *block_alloc(struct bosk_arena *a, size_t size, size_t align, unsigned flags,
                         bool *dirty)
{
    size_t block = 0;
    check_alive(a);
    if (boski_recording) boski_obs_check();
    boski_lock(&a->lock);
    void *p = size <= BLOCK_MAX && align <= BOSKI_PAGE_BYTES && flags == 0
                ? take_small(a, size, align, &block, dirty)
                : take_large(a, size == 0 ? 1 : size, align, flags, &block, dirty);
    if (p != NULL) {
        BOSKI_SET(a->live, a->live + block);
        a->blocks++;
    }
    boski_unlock(&a->lock);
    if (p == NULL) {
        boski_count(&boski_ctr->failed_allocs, 1);
        return NULL;
    }
    book(false, 1, block);
    if (boski_recording) boski_sample_object(p, size, block);
    return p;
}

void *boski_arena_alloc(struct bosk_arena *a, size_t size, size_t align, bool zero)
{
    bool dirty = true;
    void *p = block_alloc(a, size, align, 0, &dirty);
    if (p == NULL || !zero) return p;
    if (dirty) memset(p, 0, size);
    boski_count(dirty ? &boski_ctr->cleared_bytes : &boski_ctr->spared_bytes, size);
    return p;
}

/* ---- one block ------------------------------------------------------------------------- */

/* The block at `p`, which must begin there. */
static size_t block_at(const struct mspan *s, const void *p)
{
    void *start = (void *)s->base;
    size_t bytes = s->elem_bytes;
    bool found = boski_is_chunk(s) ? boski_chunk_find(s, p, &start, &bytes)
                                   : (BOSKI_LOOK(s->bits[0]) & 1) == 0;
    if (!found || start != p || s->owner == NULL) boski_bad_free(p, "invalid pointer");
    return bytes;
}

void boski_arena_free(struct mspan *s, void *p)
{
    size_t bytes = block_at(s, p);
    struct bosk_arena *a = s->owner;
    bool large = !boski_is_chunk(s), gone = large;
    if (boski_recording) boski_obs_check();
    if ((s->flags & BOSKI_SPAN_SAMPLED) != 0 &&
        (large || granule_of(s, p) + (bytes >> GRANULE_SHIFT) == used_of(s)))
        boski_obs_sample_free(p); /* what is abandoned stays where it was found */
    boski_lock(&a->lock);
    if (large) {
        boski_spans_drop(&a->large, s);
        BOSKI_SET(s->bits[0], (uint64_t)1);
        span_release(a, s);
    } else {
        uint32_t g = granule_of(s, p), n = (uint32_t)(bytes >> GRANULE_SHIFT);
        gone = g + n == (uint32_t)s->nfree;
        if (gone) {
            set_used(s, g);
            unbegin_block(s, g);
        }
    }
    if (gone) {
        BOSKI_SET(a->live, a->live - bytes);
        a->blocks--;
    }
    boski_unlock(&a->lock);
    if (gone) book(true, 1, bytes);
}

/* Where a block of `have` bytes that grows to `size` can stay, its new size; 0 where it cannot.
 * Lock held. */
static size_t extend(struct bosk_arena *a, struct mspan *s, const void *p, size_t have, size_t size)
{
    if (boski_is_chunk(s)) {
        uint32_t g = granule_of(s, p), n = granules(size);
        if (g + (uint32_t)(have >> GRANULE_SHIFT) != (uint32_t)s->nfree || n > s->nelems - g)
            return 0;
        set_used(s, g + n);
        return (size_t)n << GRANULE_SHIFT;
    }
    size_t unit = page_unit(), need = (pages_for(size) + unit - 1) / unit * unit;
    if (need <= s->npages || !within_limit(a, (need - s->npages) << BOSKI_PAGE_SHIFT)) return 0;
    if (!boski_mheap_grow_span(s, need)) return 0;
    s->flags |= BOSKI_SPAN_GROWN;
    BOSKI_SET(a->bytes, a->bytes + boski_span_bytes(s) - have);
    return boski_span_bytes(s);
}

size_t boski_arena_grow(struct mspan *s, void *p, size_t size)
{
    size_t have = block_at(s, p);
    struct bosk_arena *a = s->owner;
    if (size <= have) return have;
    if (size > (size_t)PTRDIFF_MAX - 2 * BOSKI_PAGE_BYTES) return 0;
    if (boski_is_chunk(s) && size > CHUNK_BYTES_MAX) return 0;
    boski_lock(&a->lock);
    size_t now = extend(a, s, p, have, size);
    if (now != 0) BOSKI_SET(a->live, a->live + (now - have));
    boski_unlock(&a->lock);
    if (now == 0) return 0;
    /* As if the difference had been allocated: what is live is what was allocated less freed. */
    book(false, 0, now - have);
    if ((s->flags & BOSKI_SPAN_SAMPLED) != 0) boski_obs_sample_moved(p, p, size, now);
    return now;
}

void *boski_arena_realloc(struct mspan *s, void *p, size_t size)
{
    size_t have = block_at(s, p);
    struct bosk_arena *a = s->owner;
    if (size <= have) return p;
    if (boski_arena_grow(s, p, size) != 0) {
        boski_count(&boski_ctr->realloc_grown, 1);
        return p;
    }
    bool dirty;
    void *q = size <= (size_t)PTRDIFF_MAX
                ? block_alloc(a, size, 1, size > BLOCK_MAX ? BOSKI_SPAN_TAIL : 0, &dirty)
                : NULL;
    if (q == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    memcpy(q, p, have);
    boski_count(&boski_ctr->realloc_copied, 1);
    boski_count(&boski_ctr->realloc_copied_bytes, have);
    boski_arena_free(s, p);
    return q;
}

/* ---- public ------------------------------------------------------------------------------ */

BOSK_API bosk_arena *bosk_arena_new(size_t limit)
{
    struct bosk_arena *a = NULL;
    if (boski_heap_init()) {
        boski_lock(&arenas_lock);
        /* Records are never given back, so that a freed arena is known for what it is. */
        a = free_records;
        if (a != NULL) free_records = a->next;
        boski_unlock(&arenas_lock);
        if (a == NULL) a = boski_meta_alloc(sizeof *a);
    }
    if (a == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    memset(a, 0, sizeof *a);
    a->limit = limit;
    a->next_pages = 1;
    a->alive = true;
    boski_lock(&arenas_lock);
    a->next = arenas;
    if (arenas != NULL) arenas->prev = a;
    arenas = a;
    boski_unlock(&arenas_lock);
    return a;
}

static void *checked_alloc(bosk_arena *a, size_t size, size_t align, bool zero)
{
    if (align == 0) align = GRANULE;
    if ((align & (align - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    void *p = size <= (size_t)PTRDIFF_MAX && align <= (size_t)PTRDIFF_MAX
                ? boski_arena_alloc(a, size, align, zero)
                : NULL;
    if (p == NULL) errno = ENOMEM;
    return p;
}
BOSK_API void *bosk_arena_alloc(bosk_arena *a, size_t size, size_t align)
{
    return checked_alloc(a, size, align, false);
}
BOSK_API void *bosk_arena_zalloc(bosk_arena *a, size_t size, size_t align)
{
    return checked_alloc(a, size, align, true);
}

BOSK_API bosk_home bosk_arena_home(bosk_arena *a)
{
    check_alive(a);
    bosk_home home = {BOSK_HOME_ARENA, a};
    return home;
}
BOSK_API size_t bosk_arena_bytes(const bosk_arena *a) { return BOSKI_LOOK(a->bytes); }
BOSK_API size_t bosk_arena_live(const bosk_arena *a) { return BOSKI_LOOK(a->live); }

/* Empties a chunk; true when it is kept. */
static bool keep_chunk(struct bosk_arena *a, struct mspan *s, size_t *keep)
{
    size_t bytes = boski_span_bytes(s);
    uint32_t words = ((uint32_t)s->nfree + 63) / 64;
    /* Memory that may still be looked at must not come back at once when that is to be found. */
    bool kept = bytes <= *keep && !boski_conf.check;
    set_used(s, 0);
    memset(s->bits, 0xff, words * sizeof *s->bits);
    if (!kept) {
        span_release(a, s);
        return false;
    }
    *keep -= bytes;
    boski_spans_push(&a->spare, s);
    return true;
}

BOSK_API void bosk_arena_reset(bosk_arena *a, size_t keep)
{
    check_alive(a);
    if (boski_recording) boski_obs_check();
    boski_lock(&a->lock);
    struct mspan *chunks = a->chunks, *spare = a->spare, *large = a->large, *n;
    size_t live = a->live, blocks = a->blocks;
    a->chunks = a->spare = a->large = NULL;
    BOSKI_SET(a->live, (size_t)0);
    a->blocks = 0;
    boski_unlock(&a->lock);
    book(true, blocks, live);
    for (struct mspan *s = large; s != NULL; s = n) {
        n = s->next;
        forget_samples(s);
        BOSKI_SET(s->bits[0], (uint64_t)1);
        span_release(a, s);
    }
    for (struct mspan *s = chunks; s != NULL; s = n) {
        n = s->next;
        forget_samples(s);
        (void)keep_chunk(a, s, &keep);
    }
    for (struct mspan *s = spare; s != NULL; s = n) {
        n = s->next;
        (void)keep_chunk(a, s, &keep);
    }
}

BOSK_API void bosk_arena_free(bosk_arena *a)
{
    if (a == NULL) return;
    bosk_arena_reset(a, 0);
    boski_lock(&arenas_lock);
    if (a->prev != NULL)
        a->prev->next = a->next;
    else
        arenas = a->next;
    if (a->next != NULL) a->next->prev = a->prev;
    a->alive = false;
    a->next = free_records;
    free_records = a;
    boski_unlock(&arenas_lock);
}

void boski_arena_fork(int step)
{
    if (step == 0) {
        boski_lock(&arenas_lock);
        for (bosk_arena *a = arenas; a != NULL; a = a->next) boski_lock(&a->lock);
    } else {
        for (bosk_arena *a = arenas; a != NULL; a = a->next) boski_unlock(&a->lock);
        boski_unlock(&arenas_lock);
    }
}
