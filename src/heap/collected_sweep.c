/* collected_sweep.c - after marking: what is not marked is free. */
#include "collected_parts.h"

/* ---- sweeping one span -------------------------------------------------------------------- */

void boski_gc_book_frees(const struct mspan *s, size_t n)
{
    size_t bytes = n * s->elem_bytes;
    if (s->class_ != 0) {
        boski_count(&boski_ctr->frees[s->class_], n);
    } else {
        boski_count(&boski_ctr->large_frees, n);
        boski_count(&boski_ctr->large_free_bytes, bytes);
    }
    boski_book_live(-(int64_t)bytes);
    __atomic_fetch_add(&boski_collected.freed_bytes, bytes, __ATOMIC_RELAXED);
}
/* Objects `dead` of word `w` are no more. */
void boski_gc_bury(const struct mspan *s, uint32_t w, uint64_t dead)
{
    bool sampled = (s->flags & BOSKI_SPAN_SAMPLED) != 0;
    if (!sampled && !boski_collected.poison) return;
    for (; dead != 0; dead &= dead - 1) {
        size_t slot = (size_t)w * 64 + (size_t)__builtin_ctzll(dead);
        char *p = (char *)s->base + slot * s->elem_bytes;
        if (sampled) boski_obs_sample_free(p);
        if (boski_collected.poison) memset(p, 0xdb, s->elem_bytes);
    }
}
/* What was not marked is free; the marks are cleared.  Lock held. */
void boski_gc_sweep_span(struct mspan *s)
{
    uint64_t *marks = boski_gc_marks(s);
    uint32_t words = (s->nelems + 63) / 64, rest = s->nelems % 64;
    size_t freed = 0, nfree = 0;
    for (uint32_t w = 0; w < words; w++) {
        uint64_t all = w + 1 == words && rest != 0 ? ((uint64_t)1 << rest) - 1 : ~(uint64_t)0;
        uint64_t dead = ~s->bits[w] & ~marks[w] & all;
        if (dead != 0) {
            boski_gc_bury(s, w, dead);
            freed += (size_t)__builtin_popcountll(dead);
            s->bits[w] |= dead;
        }
        nfree += (size_t)__builtin_popcountll(s->bits[w]);
        marks[w] = 0;
    }
    s->nfree = (int32_t)nfree;
    s->sweepgen = boski_collected.sweepgen;
    if (freed != 0) s->needzero = 1;
    if (freed != 0) boski_gc_book_frees(s, freed);
}

void boski_gc_sweep_begin(void)
{
    __atomic_store_n(&boski_collected.sweepgen, boski_collected.sweepgen + 1, __ATOMIC_RELAXED);
    for (struct boski_gc_list *l = boski_gc_registry; l != NULL; l = l->next)
        l->at = l->sweep_at = l->spans;
}

/* Sweeps up to `most` spans of the list; wholly free ones go.  False: none is left. */
static bool sweep_list(struct boski_gc_list *l, unsigned most)
{
    struct mspan *free_spans = NULL;
    boski_lock(l->lock);
    while (l->sweep_at != NULL && most-- > 0) {
        struct mspan *s = l->sweep_at;
        l->sweep_at = s->next;
        boski_gc_ensure_swept(s);
        if (s->nfree != (int32_t)s->nelems || s->where == BOSKI_CACHED) continue;
        boski_gc_span_unlink(l, s);
        s->next = free_spans;
        free_spans = s;
    }
    bool more = l->sweep_at != NULL;
    boski_unlock(l->lock);
    for (struct mspan *next; free_spans != NULL; free_spans = next) {
        next = free_spans->next;
        boski_mheap_free(free_spans);
    }
    return more;
}
bool boski_gc_sweep_some(void)
{
    struct boski_gc_list *l = __atomic_load_n(&boski_gc_registry, __ATOMIC_ACQUIRE);
    for (; l != NULL; l = l->next) {
        if (BOSKI_LOOK(l->sweep_at) == NULL) continue;
        if (sweep_list(l, 32)) return true;
    }
    return false;
}
void boski_gc_sweep_all(void)
{
    struct boski_gc_list *l = __atomic_load_n(&boski_gc_registry, __ATOMIC_ACQUIRE);
    for (; l != NULL; l = l->next)
        while (sweep_list(l, 32)) continue;
}
