/* leak.c - which blocks of malloc can the program not reach any more?
 *
 * The world is stopped and marking is done once more, over every block of the heap whoever owns
 * it, each word of which may be a reference, with bits and a stack of its own.  What threads have
 * cached counts as free.  Memory of arenas is looked at as a whole.  Blocks that were not reached
 * are noted outside the heap and reported when the world runs again.
 */
#include "gc.h"

#include <errno.h>

struct leak {
    void *p;
    size_t bytes;
};
static struct leak *leaks;
static size_t nleaks, leaks_cap;
static uint64_t *bits; /* reached, or cached and so of no interest */
static size_t bits_bytes;
static struct leak *todo;
static size_t depth, todo_cap;
static bool out_of_memory;

static bool bit_set(const struct mspan *s, uint32_t slot)
{
    uint64_t *w = &bits[s->page * BOSKI_WORDS_PER_PAGE + (slot >> 6)];
    uint64_t bit = (uint64_t)1 << (slot & 63);
    bool fresh = (*w & bit) == 0;
    *w |= bit;
    return fresh;
}
static bool in_use(const struct mspan *s, uint32_t slot)
{
    return (s->bits[slot >> 6] >> (slot & 63) & 1) == 0;
}
static bool append(struct leak **array, size_t *n, size_t *cap, void *p, size_t bytes)
{
    if (*n == *cap) {
        struct leak *more = boski_gc_array_grow(*array, cap, sizeof *more);
        if (more == NULL) {
            out_of_memory = true;
            return false;
        }
        *array = more;
    }
    (*array)[(*n)++] = (struct leak){p, bytes};
    return true;
}

static void visit(uintptr_t w)
{
    struct mspan *s = boski_span_of((const void *)w);
    if (s == NULL || boski_is_arena_chunk(s)) return;
    size_t slot = boski_slot_of(s, (const void *)w);
    if (slot >= s->nelems || !in_use(s, (uint32_t)slot) || !bit_set(s, (uint32_t)slot)) return;
    if (s->kind == BOSK_KIND_NOSCAN) return;
    (void)append(&todo, &depth, &todo_cap, (char *)s->base + slot * s->elem_bytes, s->elem_bytes);
}
BOSKI_SCANS static void scan(const void *from, size_t bytes)
{
    const uintptr_t *w = from, *end = w + bytes / sizeof *w;
    for (; w < end; w++) visit(*w);
}
static void drain(void)
{
    while (depth > 0) {
        struct leak it = todo[--depth];
        scan(it.p, it.bytes);
    }
}
static void note_cached(void *ctx, void *p)
{
    (void)ctx;
    struct mspan *s = boski_span_of(p);
    if (s == NULL) return;
    size_t slot = boski_slot_of(s, p);
    if (slot < s->nelems) (void)bit_set(s, (uint32_t)slot);
}
static void each_span(void (*fn)(const struct mspan *s))
{
    size_t end = boski_pages_end();
    for (size_t page = 0; page < end;) {
        const struct mspan *s = boski_map.cmap[page] != BOSKI_C_NONE ? boski_map.spans[page] : NULL;
        if (s != NULL) fn(s);
        page = s != NULL ? s->page + s->npages : page + 1;
    }
}
static void scan_chunk(const struct mspan *s)
{
    if (!boski_is_arena_chunk(s)) return;
    scan((const void *)s->base, boski_span_bytes(s));
    drain();
}
static void note_unreached(const struct mspan *s)
{
    if (s->home != BOSK_HOME_MANUAL || boski_is_arena_chunk(s)) return;
    const uint64_t *reached = bits + s->page * BOSKI_WORDS_PER_PAGE;
    for (uint32_t i = 0; i < s->nelems; i++) {
        if (((s->bits[i >> 6] | reached[i >> 6]) >> (i & 63) & 1) != 0) continue;
        char *p = (char *)s->base + (size_t)i * s->elem_bytes;
        if (!append(&leaks, &nleaks, &leaks_cap, p, s->elem_bytes)) return;
    }
}

bool boski_leak_mark(const struct boski_roots *r)
{
    bits_bytes = boski_pages_end() * BOSKI_WORDS_PER_PAGE * 8;
    bits_bytes = (bits_bytes + boski_os.page - 1) & ~(boski_os.page - 1);
    bits = boski_os_map(bits_bytes);
    if (bits == NULL) return false;
    nleaks = depth = 0;
    out_of_memory = false;
    boski_mcache_each_stopped(note_cached, NULL);
    for (size_t i = 0; i < r->n; i++) {
        scan((const void *)r->range[i].lo, r->range[i].hi - r->range[i].lo);
        drain();
    }
    each_span(scan_chunk);
    each_span(note_unreached);
    boski_os_unmap(bits, bits_bytes);
    return !out_of_memory;
}
long boski_leak_report(bool (*fn)(void *ctx, void *block, size_t bytes), void *ctx)
{
    for (size_t i = 0; i < nleaks; i++)
        if (fn != NULL && !fn(ctx, leaks[i].p, leaks[i].bytes)) return -ECANCELED;
    return (long)nleaks;
}
