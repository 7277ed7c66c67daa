/* mheap_space.c - where the page heap gets its memory from: records, side tables, the reservation.
 *
 * Tables are reserved at start, as long as the heap may become, and committed as it grows.  All but
 * boski_meta_alloc runs under boski_mheap.lock, or before there is a heap.
 */
#include "mheap_parts.h"

/* Pages that the reservation grows by at most, when nobody needs more. */
#define GROW_MAX ((size_t)16 * BOSKI_CHUNK_PAGES)

struct boski_map boski_map;
struct boski_lock boski_meta_lock;

/* ---- metadata ------------------------------------------------------------- */

#define META_CHUNK ((size_t)256 << 10)
static char *meta_at, *meta_end;

void *boski_meta_alloc(size_t bytes)
{
    bytes = (bytes + 63) & ~(size_t)63;
    void *p = NULL;
    boski_lock(&boski_meta_lock);
    if ((size_t)(meta_end - meta_at) < bytes) {
        size_t chunk = bytes > META_CHUNK / 4 ? bytes : META_CHUNK;
        /* Where address space is limited, records must not be what runs out: take their share,
         * untouched, at the start. */
        if (meta_end == NULL && boski_os.as_limit != UINT64_MAX) {
            uint64_t share = boski_os.as_limit / 128;
            if (share > chunk && share < (uint64_t)1 << 30) chunk = (size_t)share;
        }
        chunk = (chunk + boski_os.page - 1) & ~(boski_os.page - 1);
        char *m = boski_os_map(chunk);
        if (m != NULL) boski_count(&boski_ctr->metadata_bytes, chunk);
        if (m != NULL && bytes > META_CHUNK / 4 && chunk < 2 * bytes) {
            p = m;
        } else if (m != NULL) {
            meta_at = m;
            meta_end = m + chunk;
        }
    }
    if (p == NULL && (size_t)(meta_end - meta_at) >= bytes) {
        p = meta_at;
        meta_at += bytes;
    }
    boski_unlock(&boski_meta_lock);
    return p;
}

void *boski_meta_alloc_lines(size_t bytes)
{
    size_t line = boski_os.cacheline;
    if (line <= 64) return boski_meta_alloc(bytes); /* as all of them are */
    char *p = boski_meta_alloc(((bytes + line - 1) & ~(line - 1)) + line - 64);
    return p == NULL ? NULL : p + ((0 - (uintptr_t)p) & (line - 1));
}

/* ---- side tables ------------------------------------------------------------- */

/* One reserved table; committed up to `done` bytes. */
struct table {
    char *base;
    size_t done;
};
static struct table cmap_table, spans_table, bits_table;

static bool table_reserve(struct table *t, size_t bytes)
{
    bytes = (bytes + boski_os.page - 1) & ~(boski_os.page - 1);
    t->base = boski_os_reserve(bytes, boski_os.page);
    t->done = 0;
    return t->base != NULL;
}
/* Commits the table up to `bytes`. */
static bool table_cover(struct table *t, size_t bytes, size_t total)
{
    if (bytes <= t->done) return true;
    size_t step = (bytes + 65535) & ~(size_t)65535; /* fewer calls; untouched pages cost nothing */
    if (step > total) step = total;
    step = (step + boski_os.page - 1) & ~(boski_os.page - 1);
    if (!boski_os_commit(t->base + t->done, step - t->done)) return false;
    boski_count(&boski_ctr->metadata_bytes, step - t->done);
    t->done = step;
    return true;
}
bool boski_tables_cover(size_t pages)
{
    size_t max = boski_map.max_pages;
    return table_cover(&cmap_table, pages, max) &&
           table_cover(&spans_table, pages * sizeof(struct mspan *),
                       max * sizeof(struct mspan *)) &&
           table_cover(&bits_table, pages * BOSKI_WORDS_PER_PAGE * 8,
                       max * BOSKI_WORDS_PER_PAGE * 8);
}

bool boski_tables_reserve(size_t region_pages, size_t arena_pages)
{
    size_t max = region_pages + arena_pages;
    boski_map.max_pages = max;
    boski_map.region_pages = region_pages;
    boski_map.arena_next = region_pages;
    if (!table_reserve(&cmap_table, max)) return false;
    if (!table_reserve(&spans_table, max * sizeof(struct mspan *))) goto fail_spans;
    if (!table_reserve(&bits_table, max * BOSKI_WORDS_PER_PAGE * 8)) goto fail_bits;
    boski_arena_base = boski_meta_alloc(arena_pages / BOSKI_CHUNK_PAGES * sizeof *boski_arena_base);
    boski_chunk_used = boski_meta_alloc(max / BOSKI_CHUNK_PAGES);
    if (boski_arena_base == NULL || boski_chunk_used == NULL || !boski_pages_init(max))
        goto fail_pages;
    boski_map.cmap = (uint8_t *)cmap_table.base;
    boski_map.spans = (struct mspan **)(void *)spans_table.base;
    boski_map.bits = (uint64_t *)(void *)bits_table.base;
    return true;
fail_pages:
    boski_os_unreserve(bits_table.base, max * BOSKI_WORDS_PER_PAGE * 8);
fail_bits:
    boski_os_unreserve(spans_table.base, max * sizeof(struct mspan *));
fail_spans:
    boski_os_unreserve(cmap_table.base, max);
    return false;
}

/* ---- growth --------------------------------------------------------------------- */

/* Commits `n` more pages of the reservation, in whole chunks. */
static bool grow_region(size_t n)
{
    size_t at = boski_map.npages;
    if (n > boski_map.region_pages - at || !boski_tables_cover(at + n)) return false;
    char *from = (char *)(boski_map.base + (at << BOSKI_PAGE_SHIFT));
    size_t bytes = n << BOSKI_PAGE_SHIFT;
    if (!boski_os_commit(from, bytes)) return false;
    if (boski_conf.thp != 0) boski_os_hugepage(from, bytes, boski_conf.thp);
    if (!boski_pages_add(at, n)) return false; /* committed, not used: asked for again next time */
    __atomic_store_n(&boski_map.npages, at + n, __ATOMIC_RELEASE);
    boski_count(&boski_ctr->os_grows, 1);
    boski_count(&boski_ctr->os_grow_bytes, bytes);
    boski_count(&boski_ctr->mapped_bytes, bytes);
    return true;
}

/* Makes at least `npages` pages available behind the last one. */
bool boski_mheap_more(size_t npages)
{
    size_t need = (npages + BOSKI_CHUNK_PAGES - 1) & ~(size_t)(BOSKI_CHUNK_PAGES - 1);
    if (need < npages) return false;
    if (boski_map.region_pages != 0) {
        /* An eighth more than there is, at most 64 MiB, so that calls stay rare. */
        size_t step = (boski_map.npages / 8) & ~(size_t)(BOSKI_CHUNK_PAGES - 1);
        if (step > GROW_MAX) step = GROW_MAX;
        size_t left = boski_map.region_pages - boski_map.npages;
        if (step > left) step = left;
        if (step > need && grow_region(step)) return true;
        if (need <= left && grow_region(need)) return true;
    }
    return boski_arenas_grow(npages) || (boski_arenas_shrink() && boski_arenas_grow(npages));
}

/* Each is some calls of the system, and the first that has anything to do is the last. */
void boski_mheap_ahead(size_t end, size_t more)
{
    static size_t shown, open; /* pages that core dumps show; that can be written */
    if (boski_map.region_pages == 0) return;
    boski_lock(&boski_mheap.lock);
    size_t have = boski_map.npages, pages = have + GROW_MAX, max = boski_map.max_pages;
    if (pages > boski_map.region_pages) pages = boski_map.region_pages;
    size_t done = cmap_table.done + spans_table.done + bits_table.done;
    bool ok = table_cover(&cmap_table, pages, max);
    if (ok && done == cmap_table.done + spans_table.done + bits_table.done)
        ok =
            table_cover(&spans_table, pages * sizeof(struct mspan *), max * sizeof(struct mspan *));
    if (ok && done == cmap_table.done + spans_table.done + bits_table.done)
        ok = table_cover(&bits_table, pages * BOSKI_WORDS_PER_PAGE * 8,
                         max * BOSKI_WORDS_PER_PAGE * 8);
    if (ok && done == cmap_table.done + spans_table.done + bits_table.done) {
        void *behind = (void *)(boski_map.base + (have << BOSKI_PAGE_SHIFT));
        if (shown < pages) {
            boski_os_dump(behind, (pages - have) << BOSKI_PAGE_SHIFT);
            shown = pages;
        } else if (open < pages) {
            (void)boski_os_commit(behind, (pages - have) << BOSKI_PAGE_SHIFT);
            open = pages;
        } else if (end <= have && have - end < more &&
                   boski_pages_free_after(end, have - end) == have - end) {
            (void)boski_mheap_more(more);
        }
    }
    boski_unlock(&boski_mheap.lock);
}

/* Chunks in which spans have come or gone since their tables were last given back. */
uint8_t *boski_chunk_used;

/* What the tables say of free pages is never read (cmap tells), so their bits may go, a system page
 * at a time; they read as zero when they are needed again. */
static void trim_chunk(size_t first)
{
    const size_t page_bits = BOSKI_WORDS_PER_PAGE * 8, unit = boski_os.page / page_bits;
    for (size_t at = first, end = first + BOSKI_CHUNK_PAGES; at < end;) {
        size_t n = boski_pages_free_after(at, end - at) & ~(unit - 1);
        if (n != 0) (void)boski_os_decommit(bits_table.base + at * page_bits, n * page_bits);
        at += n != 0 ? n : unit;
    }
}
void boski_mheap_trim_tables(void)
{
    if (boski_os.page > BOSKI_CHUNK_PAGES * BOSKI_WORDS_PER_PAGE * 8) return;
    boski_lock(&boski_mheap.lock);
    size_t end = boski_pages_end() / BOSKI_CHUNK_PAGES;
    for (size_t c = 0; c < end; c++) {
        if (!boski_chunk_used[c]) continue;
        boski_chunk_used[c] = 0;
        trim_chunk(c * BOSKI_CHUNK_PAGES);
    }
    boski_unlock(&boski_mheap.lock);
}
