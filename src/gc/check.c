/* check.c - gccheckmark and gcverify=manual: the collector checked by other means.
 *
 * Both run with the world stopped, after marking and before anything is swept, and have bits of
 * their own, laid out as the mark table.
 */
#include "gc.h"

static uint64_t *bits;
static size_t bits_bytes;

struct item {
    const char *p;
    const struct mspan *span;
    const char *from; /* what referred to it, or NULL: a root */
};
static struct item *stack;
static size_t depth, stack_cap;

static bool bits_new(size_t pages)
{
    bits_bytes = (pages * BOSKI_WORDS_PER_PAGE * 8 + boski_os.page - 1) & ~(boski_os.page - 1);
    bits = boski_os_map(bits_bytes);
    if (bits == NULL) boski_os_print("bosk: no memory to check the marks\n");
    return bits != NULL;
}
static void bits_drop(void) { boski_os_unmap(bits, bits_bytes); }
/* Sets the bit of a slot; true when it was clear. */
static bool bit_set(const struct mspan *s, uint32_t slot)
{
    uint64_t *w = &bits[s->page * BOSKI_WORDS_PER_PAGE + (slot >> 6)];
    uint64_t bit = (uint64_t)1 << (slot & 63);
    bool fresh = (*w & bit) == 0;
    *w |= bit;
    return fresh;
}
static bool is_marked(const struct boski_found *f)
{
    return (boski_gc_marks(f->span)[f->slot >> 6] >> (f->slot & 63) & 1) != 0;
}
static const char *name_of(const struct mspan *s)
{
    if (s->type != NULL && s->type->name[0] != '\0') return s->type->name;
    return s->kind == BOSK_KIND_NOSCAN ? "bytes" : "untyped memory";
}
static const char *start_of(const struct boski_found *f)
{
    return (const char *)f->span->base + (size_t)f->slot * f->span->elem_bytes;
}

/* ---- gccheckmark ---------------------------------------------------------------------- */

static void visit(uintptr_t w, const char *from)
{
    struct boski_found f;
    if (!boski_mark_find(w, &f)) return;
    if (!is_marked(&f)) {
        bosk_fatal("gccheckmark: %p (%s, %zu bytes) is reachable from %p and not marked",
                   (const void *)start_of(&f), name_of(f.span), f.span->elem_bytes,
                   (const void *)from);
    }
    if (!bit_set(f.span, f.slot) || f.span->kind != BOSK_KIND_SCAN) return;
    if (depth == stack_cap) {
        struct item *more = boski_gc_array_grow(stack, &stack_cap, sizeof *stack);
        if (more == NULL) bosk_fatal("gccheckmark: out of memory");
        stack = more;
    }
    stack[depth++] = (struct item){start_of(&f), f.span, from};
}
static bool listed(const bosk_type *t, size_t word)
{
    word %= t->size / sizeof(void *);
    return word < t->ptrwords && (t->ptrmask[word >> 6] >> (word & 63) & 1) != 0;
}
/* A word outside the layout that is the address of an object nobody has marked. */
static void unlisted(const struct item *it, size_t word, uintptr_t w)
{
    struct boski_found f;
    if (!boski_mark_find(w, &f) || is_marked(&f) || (uintptr_t)start_of(&f) != w) return;
    bosk_fatal("gccheckmark: %s at %p holds a reference at offset %zu, which its layout does not "
               "list",
               name_of(it->span), (const void *)it->p, word * sizeof(void *));
}
BOSKI_SCANS static void visit_object(struct item it)
{
    const uintptr_t *w = (const void *)it.p;
    for (size_t i = 0; i < it.span->elem_bytes / sizeof *w; i++) {
        if (it.span->type == NULL || listed(it.span->type, i))
            visit(w[i], it.p);
        else
            unlisted(&it, i, w[i]);
    }
}
BOSKI_SCANS static void visit_range(const struct boski_range *r)
{
    for (const uintptr_t *w = (const void *)r->lo; w < (const uintptr_t *)r->hi; w++)
        visit(*w, (const char *)w);
}
void boski_check_marks(const struct boski_roots *r)
{
    if (!bits_new(boski_pages_end())) return;
    depth = 0;
    /* The other way round, and depth first. */
    for (size_t i = r->n; i-- > 0;) visit_range(&r->range[i]);
    while (depth > 0) visit_object(stack[--depth]);
    bits_drop();
}

/* ---- gcverify=manual ------------------------------------------------------------------------ */

/* Free objects in threads' caches count as free. */
static void note_cached(void *ctx, void *p)
{
    (void)ctx;
    struct mspan *s = boski_span_of(p);
    if (s == NULL) return;
    size_t slot = boski_slot_of(s, p);
    if (slot < s->nelems) (void)bit_set(s, (uint32_t)slot);
}
BOSKI_SCANS static void look_through(const char *block, size_t bytes)
{
    const uintptr_t *w = (const void *)block;
    for (size_t i = 0; i < bytes / sizeof *w; i++) {
        struct boski_found f;
        if (!boski_mark_find(w[i], &f) || is_marked(&f) || !bit_set(f.span, f.slot)) continue;
        boski_os_print("bosk: gcverify: %p (%s, %zu bytes) is about to be collected, and the block "
                       "of malloc at %p (%zu bytes) points to it at offset %zu\n",
                       (const void *)start_of(&f), name_of(f.span), f.span->elem_bytes,
                       (const void *)block, bytes, i * sizeof *w);
    }
}
static void look_at_span(const struct mspan *s)
{
    if (s->home != BOSK_HOME_MANUAL || (s->flags & BOSKI_SPAN_CHUNK) != 0) return;
    const uint64_t *cached = bits + s->page * BOSKI_WORDS_PER_PAGE;
    for (uint32_t i = 0; i < s->nelems; i++)
        if (((s->bits[i >> 6] | cached[i >> 6]) >> (i & 63) & 1) == 0)
            look_through((const char *)s->base + (size_t)i * s->elem_bytes, s->elem_bytes);
}
void boski_check_manual(void)
{
    size_t end = boski_pages_end();
    if (!bits_new(end)) return;
    boski_mcache_each_stopped(note_cached, NULL);
    for (size_t page = 0; page < end;) {
        const struct mspan *s = boski_map.cmap[page] != BOSKI_C_NONE ? boski_map.spans[page] : NULL;
        if (s != NULL) look_at_span(s);
        page = s != NULL ? s->page + s->npages : page + 1;
    }
    bits_drop();
}
