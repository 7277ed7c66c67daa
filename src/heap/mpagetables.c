/* mpagetables.c - the tables of the page allocator: reserved at start, committed as the heap grows.
 */
#include "mpagealloc_parts.h"

#define COMMIT_STEP ((size_t)256 << 10)

struct boski_pa boski_pa;

static size_t table_need(const struct boski_pa_table *t, size_t end_page)
{
    size_t chunks = end_page >> BOSKI_CHUNK_SHIFT;
    size_t entries = (chunks + ((size_t)1 << t->chunks_shift) - 1) >> t->chunks_shift;
    size_t need = (entries * t->entry_bytes + 63) & ~(size_t)63; /* whole groups of 8 summaries */
    return need < t->bytes ? need : t->bytes;
}

size_t boski_pages_metadata_bytes(void)
{
    size_t total = 0;

    for (unsigned i = 0; i < boski_pa.ntables; i++)
        total += table_need(&boski_pa.tables[i], boski_pa.end);
    return total;
}

/* Makes every table usable for pages below `end_page`.  Tables lie one behind the other and may
 * share a system page: neighbours are committed in one call, and a page committed twice does no
 * harm. */
static bool commit_tables(size_t end_page)
{
    uintptr_t mask = ~(uintptr_t)(boski_os.page - 1), from = 0, to = 0;
    size_t target[BOSKI_MAX_TABLES] = {0};

    for (unsigned i = 0; i < boski_pa.ntables; i++) {
        struct boski_pa_table *t = &boski_pa.tables[i];
        target[i] = t->committed;
        size_t need = table_need(t, end_page);
        if (need <= t->committed) continue;
        need = (need + COMMIT_STEP - 1) & ~(COMMIT_STEP - 1);
        target[i] = need < t->bytes ? need : t->bytes;
        uintptr_t first = ((uintptr_t)t->base + t->committed) & mask;
        uintptr_t last = ((uintptr_t)t->base + target[i] + ~mask) & mask;
        if (first > to) {
            if (to > from && !boski_os_commit((void *)from, to - from)) return false;
            from = first;
        }
        to = last;
    }
    if (to > from && !boski_os_commit((void *)from, to - from)) return false;
    for (unsigned i = 0; i < boski_pa.ntables; i++) boski_pa.tables[i].committed = target[i];
    return true;
}

static void table_add(unsigned chunks_shift, size_t entries, size_t entry_bytes)
{
    struct boski_pa_table *t = &boski_pa.tables[boski_pa.ntables++];

    t->chunks_shift = chunks_shift;
    t->entry_bytes = entry_bytes;
    t->bytes = (entries * entry_bytes + 63) & ~(size_t)63;
    t->committed = 0;
    boski_pa.reserved_bytes += t->bytes;
}

static size_t divide_up(size_t n, unsigned shift)
{
    return (n >> shift) + ((n & (((size_t)1 << shift) - 1)) != 0);
}

bool boski_pages_init(size_t max_pages)
{
    size_t chunks = max_pages >> BOSKI_CHUNK_SHIFT;

    if (boski_pa.reserved != NULL) {
        boski_os_unreserve(boski_pa.reserved, boski_pa.reserved_bytes);
        __builtin_memset(&boski_pa, 0, sizeof boski_pa);
    }
    if (chunks == 0) return false;
    boski_pa.max_pages = chunks << BOSKI_CHUNK_SHIFT;

    /* Small tables first, so that those of a small heap share a system page. */
    for (size_t n = chunks; boski_pa.dirty_levels == 0 || n > 1; boski_pa.dirty_levels++)
        n = divide_up(n, 6);
    for (unsigned l = boski_pa.dirty_levels; l-- > 0;)
        table_add(6 * (l + 1), divide_up(chunks, 6 * (l + 1)), 8);
    for (boski_pa.levels = 1; boski_pa.levels < BOSKI_MAX_LEVELS; boski_pa.levels++) {
        if (divide_up(chunks, BOSKI_FAN_SHIFT * (boski_pa.levels - 1)) <= BOSKI_FAN) break;
    }
    for (unsigned l = 0; l < boski_pa.levels; l++) {
        unsigned shift = BOSKI_FAN_SHIFT * (boski_pa.levels - 1 - l);
        table_add(shift, divide_up(chunks, shift), 8);
    }
    boski_pa.root_entries = divide_up(chunks, BOSKI_FAN_SHIFT * (boski_pa.levels - 1));
    table_add(0, chunks, sizeof(struct boski_chunk_note));
    table_add(0, chunks, sizeof(struct boski_chunk));

    boski_pa.reserved_bytes = (boski_pa.reserved_bytes + boski_os.page - 1) & ~(boski_os.page - 1);
    boski_pa.reserved = boski_os_reserve(boski_pa.reserved_bytes, boski_os.page);
    if (boski_pa.reserved == NULL) {
        __builtin_memset(&boski_pa, 0, sizeof boski_pa);
        return false;
    }
    char *p = boski_pa.reserved;
    for (unsigned i = 0; i < boski_pa.ntables; i++) {
        boski_pa.tables[i].base = p;
        p += boski_pa.tables[i].bytes;
    }
    unsigned t = 0;
    for (unsigned l = boski_pa.dirty_levels; l-- > 0;)
        boski_pa.dirty[l] = (void *)boski_pa.tables[t++].base;
    for (unsigned l = 0; l < boski_pa.levels; l++)
        boski_pa.sum[l] = (void *)boski_pa.tables[t++].base;
    boski_pa.notes = (void *)boski_pa.tables[t++].base;
    boski_pa.chunks = (void *)boski_pa.tables[t++].base;
    return true;
}

bool boski_pages_add(size_t page, size_t n)
{
    size_t first = page >> BOSKI_CHUNK_SHIFT, count = n >> BOSKI_CHUNK_SHIFT;

    if (count == 0 || page > boski_pa.max_pages || n > boski_pa.max_pages - page) return false;
    size_t end = page + n > boski_pa.end ? page + n : boski_pa.end;
    if (!commit_tables(end)) return false;
    boski_pa.end = end;
    for (size_t c = first; c < first + count; c++) {
        for (unsigned w = 0; w < BOSKI_WORDS; w++)
            boski_pa.chunks[c].free[w] = boski_pa.chunks[c].scav[w] = ~0ULL;
        boski_sum_leaves()[c] =
            boski_sum_pack(BOSKI_CHUNK_PAGES, BOSKI_CHUNK_PAGES, BOSKI_CHUNK_PAGES);
    }
    boski_pa.added += n;
    boski_pa.free += n;
    boski_pa.scavenged += n;
    boski_sum_parents(first, first + count - 1);
    boski_hints_lower(page, n);
    return true;
}
