/* mheap_arenas.c - pages that are not in the reservation: pieces of 4 MiB from the system.
 *
 * They serve when the reservation is full, when there could be none, on 32-bit, and with reserve=1.
 * An address finds its page number through a two-level table.  Everything that changes runs under
 * boski_mheap.lock; the table is looked at by anybody at any time.  Arenas stay until the system
 * has no address space left for a request: then those that are wholly free are unmapped, so that it
 * can have one piece in their place.
 */
#include "mheap_parts.h"

#if UINTPTR_MAX > 0xffffffffu
#define L1_BITS 14 /* 48-bit addresses */
#define L2_BITS 12
#else
#define L1_BITS 0
#define L2_BITS 10
#endif
/* Entry: number of the arena's first page, plus 1; 0 is not ours. */
static size_t *arena_l1[(size_t)1 << L1_BITS];

size_t boski_arena_page(uintptr_t p)
{
    uintptr_t a = p >> BOSKI_ARENA_SHIFT;
    if ((a >> L2_BITS) >= ((size_t)1 << L1_BITS)) return BOSKI_NO_PAGE;
    size_t *l2 = __atomic_load_n(&arena_l1[a >> L2_BITS], __ATOMIC_ACQUIRE);
    if (l2 == NULL) return BOSKI_NO_PAGE;
    size_t first = __atomic_load_n(&l2[a & (((size_t)1 << L2_BITS) - 1)], __ATOMIC_ACQUIRE);
    if (first == 0) return BOSKI_NO_PAGE;
    return first - 1 + ((p & (BOSKI_ARENA_BYTES - 1)) >> BOSKI_PAGE_SHIFT);
}

bool boski_arena_next(uintptr_t *at, size_t *page)
{
    const size_t mask = ((size_t)1 << L2_BITS) - 1;
    for (uintptr_t a = (*at + BOSKI_ARENA_BYTES - 1) >> BOSKI_ARENA_SHIFT;
         a >> L2_BITS < (size_t)1 << L1_BITS;) {
        size_t *l2 = __atomic_load_n(&arena_l1[a >> L2_BITS], __ATOMIC_ACQUIRE);
        if (l2 == NULL) {
            a = ((a >> L2_BITS) + 1) << L2_BITS;
            continue;
        }
        size_t first = __atomic_load_n(&l2[a & mask], __ATOMIC_ACQUIRE);
        if (first != 0) {
            *at = a << BOSKI_ARENA_SHIFT;
            *page = first - 1;
            return true;
        }
        a++;
    }
    return false;
}

uintptr_t *boski_arena_base;

uintptr_t boski_page_address(size_t page)
{
    if (page < boski_map.region_pages) return boski_map.base + (page << BOSKI_PAGE_SHIFT);
    size_t off = page - boski_map.region_pages;
    return boski_arena_base[off / BOSKI_CHUNK_PAGES] +
           ((off % BOSKI_CHUNK_PAGES) << BOSKI_PAGE_SHIFT);
}

/* ---- numbers and the table ------------------------------------------------------- */

static inline size_t arena_of(size_t page)
{
    return (page - boski_map.region_pages) / BOSKI_CHUNK_PAGES;
}
/* Entry of the arena at `a` * 4 MiB in the table, which is made if need be; NULL: no memory, or an
 * address that the table cannot tell. */
static size_t *entry_of(uintptr_t a)
{
    if ((a >> L2_BITS) >= ((size_t)1 << L1_BITS)) return NULL;
    size_t **l1 = &arena_l1[a >> L2_BITS];
    if (*l1 == NULL) {
        size_t *l2 = boski_meta_alloc(sizeof(size_t) << L2_BITS);
        if (l2 == NULL) return NULL;
        __atomic_store_n(l1, l2, __ATOMIC_RELEASE);
    }
    return &(*l1)[a & (((size_t)1 << L2_BITS) - 1)];
}

/* First of `n` arenas' worth of page numbers, BOSKI_NO_PAGE when there are none left.  A gap of one
 * arena on either side keeps runs of pages from crossing from one piece to the next. */
static size_t take_numbers(size_t n)
{
    size_t first = boski_map.arena_next, limit = boski_map.max_pages;
    /* Nor from the reservation to the first piece. */
    if (first == boski_map.region_pages && first != 0) first += BOSKI_CHUNK_PAGES;
    if (first <= limit && n <= (limit - first) / BOSKI_CHUNK_PAGES) return first;
    /* Those of pieces that were given back. */
    size_t unused = 0, end = arena_of(limit);
    for (size_t i = 0; i < end; i++) {
        unused = boski_arena_base[i] == 0 ? unused + 1 : 0;
        if (unused == n + 2) return boski_map.region_pages + (i - n) * BOSKI_CHUNK_PAGES;
    }
    return BOSKI_NO_PAGE;
}

bool boski_arenas_grow(size_t npages)
{
    size_t n = (npages + BOSKI_CHUNK_PAGES - 1) / BOSKI_CHUNK_PAGES;
    size_t first = take_numbers(n), bytes = n * BOSKI_ARENA_BYTES;
    if (first == BOSKI_NO_PAGE || !boski_tables_cover(first + n * BOSKI_CHUNK_PAGES)) return false;
    char *m = boski_os_reserve(bytes, BOSKI_ARENA_BYTES);
    if (m == NULL) return false;
    uintptr_t a = (uintptr_t)m >> BOSKI_ARENA_SHIFT;
    bool ok = boski_os_commit(m, bytes);
    for (size_t i = 0; ok && i < n; i++) ok = entry_of(a + i) != NULL;
    if (!ok || !boski_pages_add(first, n * BOSKI_CHUNK_PAGES)) {
        boski_os_unreserve(m, bytes);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        boski_arena_base[arena_of(first) + i] = (uintptr_t)m + i * BOSKI_ARENA_BYTES;
        /* Foreign addresses are looked up by anybody at any time. */
        __atomic_store_n(entry_of(a + i), first + i * BOSKI_CHUNK_PAGES + 1, __ATOMIC_RELEASE);
    }
    size_t next = first + (n + 1) * BOSKI_CHUNK_PAGES, limit = boski_map.max_pages;
    if (next > limit) next = limit;
    if (next > boski_map.arena_next) BOSKI_SET(boski_map.arena_next, next);
    if (boski_conf.thp != 0) boski_os_hugepage(m, bytes, boski_conf.thp);
    boski_count(&boski_ctr->os_grows, 1);
    boski_count(&boski_ctr->os_grow_bytes, bytes);
    boski_count(&boski_ctr->mapped_bytes, bytes);
    return true;
}

bool boski_arenas_shrink(void)
{
    bool any = false;
    for (size_t i = 0, end = arena_of(boski_map.arena_next); i < end; i++) {
        size_t page = boski_map.region_pages + i * BOSKI_CHUNK_PAGES;
        uintptr_t base = boski_arena_base[i];
        if (base == 0 || !boski_pages_remove(page, BOSKI_CHUNK_PAGES)) continue;
        __atomic_store_n(entry_of(base >> BOSKI_ARENA_SHIFT), 0, __ATOMIC_RELEASE);
        boski_arena_base[i] = 0;
        boski_os_unreserve((void *)base, BOSKI_ARENA_BYTES);
        boski_count(&boski_ctr->mapped_bytes, 0 - (uint64_t)BOSKI_ARENA_BYTES);
        any = true;
    }
    return any;
}
