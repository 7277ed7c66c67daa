/* mheap.c - the page heap: address space, side tables, span records.
 *
 * See heap.h for the picture.  Everything that changes tables or the page allocator runs under
 * boski_mheap.lock.  Readers of the tables need no lock: a page's entries are written before its
 * first object is handed out, and read only by those who hold an object or take a lock.
 */
#include "heap.h"

#include "mcache.h"

struct boski_map boski_map;
struct mheap boski_mheap;
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

/* Span records: taken 32 at a time, never unmapped, so a stale pointer to one is harmless. */
static struct mspan *record_take(void)
{
    struct mspan *s = boski_mheap.free_records;
    if (s == NULL) {
        enum { N = 32 };
        struct mspan *many = boski_meta_alloc(N * sizeof *many);
        if (many == NULL) return NULL;
        for (int i = 0; i < N; i++) {
            many[i].next = boski_mheap.free_records;
            boski_mheap.free_records = &many[i];
        }
        s = boski_mheap.free_records;
    }
    boski_mheap.free_records = s->next;
    s->next = s->prev = NULL;
    return s;
}
static void record_give(struct mspan *s)
{
    s->inuse = 0;
    s->next = boski_mheap.free_records;
    boski_mheap.free_records = s;
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
static bool tables_cover(size_t pages)
{
    size_t max = boski_map.max_pages;
    return table_cover(&cmap_table, pages, max) &&
           table_cover(&spans_table, pages * sizeof(struct mspan *),
                       max * sizeof(struct mspan *)) &&
           table_cover(&bits_table, pages * BOSKI_WORDS_PER_PAGE * 8,
                       max * BOSKI_WORDS_PER_PAGE * 8);
}

/* ---- arenas: pages that are not in the reservation ------------------------------ */

#define ARENA_SHIFT 22
#define ARENA_BYTES ((size_t)1 << ARENA_SHIFT)
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
    uintptr_t a = p >> ARENA_SHIFT;
    if ((a >> L2_BITS) >= ((size_t)1 << L1_BITS)) return BOSKI_NO_PAGE;
    size_t *l2 = __atomic_load_n(&arena_l1[a >> L2_BITS], __ATOMIC_ACQUIRE);
    if (l2 == NULL) return BOSKI_NO_PAGE;
    size_t first = __atomic_load_n(&l2[a & (((size_t)1 << L2_BITS) - 1)], __ATOMIC_ACQUIRE);
    if (first == 0) return BOSKI_NO_PAGE;
    return first - 1 + ((p & (ARENA_BYTES - 1)) >> BOSKI_PAGE_SHIFT);
}

bool boski_arena_next(uintptr_t *at, size_t *page)
{
    const size_t mask = ((size_t)1 << L2_BITS) - 1;
    for (uintptr_t a = (*at + ARENA_BYTES - 1) >> ARENA_SHIFT;
         a >> L2_BITS < (size_t)1 << L1_BITS;) {
        size_t *l2 = __atomic_load_n(&arena_l1[a >> L2_BITS], __ATOMIC_ACQUIRE);
        if (l2 == NULL) {
            a = ((a >> L2_BITS) + 1) << L2_BITS;
            continue;
        }
        size_t first = __atomic_load_n(&l2[a & mask], __ATOMIC_ACQUIRE);
        if (first != 0) {
            *at = a << ARENA_SHIFT;
            *page = first - 1;
            return true;
        }
        a++;
    }
    return false;
}

/* Address of an arena by the number of its first page. */
static uintptr_t *arena_base;

uintptr_t boski_page_address(size_t page)
{
    if (page < boski_map.region_pages) return boski_map.base + (page << BOSKI_PAGE_SHIFT);
    size_t off = page - boski_map.region_pages;
    return arena_base[off / BOSKI_CHUNK_PAGES] + ((off % BOSKI_CHUNK_PAGES) << BOSKI_PAGE_SHIFT);
}

/* Maps arenas for `npages` in one piece and gives them page numbers; a gap of one arena keeps
 * runs from crossing from one piece to the next. */
static bool grow_arenas(size_t npages)
{
    size_t n = (npages + BOSKI_CHUNK_PAGES - 1) / BOSKI_CHUNK_PAGES;
    size_t first = boski_map.arena_next;
    size_t limit = boski_map.max_pages;
    /* Nor from the reservation to the first piece. */
    if (first == boski_map.region_pages && first != 0) first += BOSKI_CHUNK_PAGES;
    if (first > limit || n > (limit - first) / BOSKI_CHUNK_PAGES) return false;
    if (!tables_cover(first + n * BOSKI_CHUNK_PAGES)) return false;
    char *m = boski_os_reserve(n * ARENA_BYTES, ARENA_BYTES);
    if (m == NULL) return false;
    bool ok = boski_os_commit(m, n * ARENA_BYTES);
    for (size_t i = 0; ok && i < n; i++) {
        uintptr_t a = ((uintptr_t)m >> ARENA_SHIFT) + i;
        if ((a >> L2_BITS) >= ((size_t)1 << L1_BITS)) {
            ok = false;
            break;
        }
        size_t **l1 = &arena_l1[a >> L2_BITS];
        if (*l1 == NULL) {
            size_t *l2 = boski_meta_alloc(sizeof(size_t) << L2_BITS);
            if (l2 == NULL) {
                ok = false;
                break;
            }
            __atomic_store_n(l1, l2, __ATOMIC_RELEASE);
        }
    }
    if (!ok || !boski_pages_add(first, n * BOSKI_CHUNK_PAGES)) {
        boski_os_unreserve(m, n * ARENA_BYTES);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        uintptr_t a = ((uintptr_t)m >> ARENA_SHIFT) + i;
        arena_base[(first - boski_map.region_pages) / BOSKI_CHUNK_PAGES + i] =
            (uintptr_t)m + i * ARENA_BYTES;
        /* Foreign addresses are looked up by anybody at any time. */
        __atomic_store_n(&arena_l1[a >> L2_BITS][a & (((size_t)1 << L2_BITS) - 1)],
                         first + i * BOSKI_CHUNK_PAGES + 1, __ATOMIC_RELEASE);
    }
    size_t next = first + (n + 1) * BOSKI_CHUNK_PAGES;
    BOSKI_SET(boski_map.arena_next, next < limit ? next : limit);
    if (boski_conf.thp != 0) boski_os_hugepage(m, n * ARENA_BYTES, boski_conf.thp);
    boski_count(&boski_ctr->os_grows, 1);
    boski_count(&boski_ctr->os_grow_bytes, n * ARENA_BYTES);
    boski_count(&boski_ctr->mapped_bytes, n * ARENA_BYTES);
    return true;
}

/* ---- growth --------------------------------------------------------------------- */

/* Commits `n` more pages of the reservation, in whole chunks. */
static bool grow_region(size_t n)
{
    size_t at = boski_map.npages;
    if (n > boski_map.region_pages - at || !tables_cover(at + n)) return false;
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
static bool grow(size_t npages)
{
    size_t need = (npages + BOSKI_CHUNK_PAGES - 1) & ~(size_t)(BOSKI_CHUNK_PAGES - 1);
    if (need < npages) return false;
    if (boski_map.region_pages != 0) {
        /* An eighth more than there is, at most 64 MiB, so that calls stay rare. */
        size_t step = (boski_map.npages / 8) & ~(size_t)(BOSKI_CHUNK_PAGES - 1);
        if (step > 16 * BOSKI_CHUNK_PAGES) step = 16 * BOSKI_CHUNK_PAGES;
        size_t left = boski_map.region_pages - boski_map.npages;
        if (step > left) step = left;
        if (step > need && grow_region(step)) return true;
        if (need <= left && grow_region(need)) return true;
    }
    return grow_arenas(npages);
}

/* Chunks that have held a span since their tables were last given back. */
static uint8_t *chunk_used;

/* What the tables say of free pages is never read (cmap tells), so for a chunk without a span they
 * may go; they read as zero when they are needed again. */
void boski_mheap_trim_tables(void)
{
    boski_lock(&boski_mheap.lock);
    size_t end = boski_pages_end() / BOSKI_CHUNK_PAGES;
    const size_t bits = BOSKI_CHUNK_PAGES * BOSKI_WORDS_PER_PAGE * 8;
    for (size_t c = 0; c < end; c++) {
        if (!chunk_used[c]) continue;
        size_t page = c * BOSKI_CHUNK_PAGES;
        if (boski_pages_free_after(page, BOSKI_CHUNK_PAGES) != BOSKI_CHUNK_PAGES) continue;
        chunk_used[c] = 0;
        if (bits % boski_os.page == 0) (void)boski_os_decommit(bits_table.base + c * bits, bits);
    }
    boski_unlock(&boski_mheap.lock);
}

static void set_pages(struct mspan *s, size_t from, size_t n, unsigned cbyte)
{
    memset(boski_map.cmap + from, (int)cbyte, n);
    for (size_t i = 0; i < n; i++) boski_map.spans[from + i] = s;
    for (size_t c = from / BOSKI_CHUNK_PAGES; c <= (from + n - 1) / BOSKI_CHUNK_PAGES; c++)
        chunk_used[c] = 1;
}

/* Pages that were given back and are taken again within the window count as thrash. */
static void book_taken(size_t n, size_t scavenged)
{
    boski_mheap.spans_inuse_pages += n;
    uint64_t now = boski_mheap.spans_inuse_pages << BOSKI_PAGE_SHIFT;
    BOSKI_SET(boski_ctr->spans_inuse_bytes, now);
    if (now > boski_ctr->peak_spans_bytes) BOSKI_SET(boski_ctr->peak_spans_bytes, now);
    boski_scavenge_saw(boski_mheap.spans_inuse_pages);
    boski_scavenge_reused(scavenged);
}

/* Takes a run whose address is a multiple of `align_pages`.  Page numbers have the alignment of
 * addresses only up to a chunk; for more a longer run is taken, and what is too much goes back. */
static size_t take_pages(size_t npages, size_t align_pages, size_t *scavenged)
{
    if (align_pages <= BOSKI_CHUNK_PAGES) return boski_pages_alloc(npages, align_pages, scavenged);
    size_t extra = align_pages - BOSKI_CHUNK_PAGES, got = 0;
    size_t page = boski_pages_alloc(npages + extra, BOSKI_CHUNK_PAGES, &got);
    if (page == BOSKI_NO_PAGE) return page;
    size_t head = (0 - (boski_page_address(page) >> BOSKI_PAGE_SHIFT)) & (align_pages - 1);
    bool clean = got == npages + extra;
    if (head != 0) boski_pages_free(page, head, clean);
    if (head != extra) boski_pages_free(page + head + npages, extra - head, clean);
    *scavenged = clean ? npages : 0;
    return page + head;
}

/* Where a block that is going to grow has most room: behind everything, but not right behind
 * another block that grows.  Whether it does its owner may be changing just now. */
BOSKI_RACY static size_t tail_place(void)
{
    size_t at = boski_pages_tail();
    if (at == 0 || at >= boski_map.npages || boski_map.cmap[at - 1] != BOSKI_C_LARGE) return at;
    const struct mspan *before = boski_map.spans[at - 1];
    return (before->flags & BOSKI_SPAN_GROWN) != 0 ? at + 4 * before->npages : at;
}

struct mspan *boski_mheap_alloc(size_t npages, size_t align_pages, unsigned cbyte, unsigned flags)
{
    if (npages > boski_map.max_pages) return NULL;
    if (!boski_limit_make_room(npages)) return NULL;
    size_t scavenged = 0, page = BOSKI_NO_PAGE;
    boski_lock(&boski_mheap.lock);
    struct mspan *s = record_take();
    if (s != NULL) {
        for (int tries = 0; tries < 2; tries++) {
            if ((flags & BOSKI_SPAN_TAIL) != 0 && boski_map.region_pages != 0) {
                size_t at = tail_place();
                if (at + npages <= boski_map.npages && boski_pages_alloc_at(at, npages, &scavenged))
                    page = at;
                else if (at + npages > boski_map.npages && at + npages < boski_map.region_pages &&
                         tries == 0 && grow(at + npages - boski_map.npages))
                    continue;
            }
            if (page == BOSKI_NO_PAGE) page = take_pages(npages, align_pages, &scavenged);
            if (page != BOSKI_NO_PAGE || tries != 0) break;
            if (!grow(npages + align_pages - 1)) break;
        }
        if (page == BOSKI_NO_PAGE) {
            record_give(s);
            s = NULL;
        } else {
            book_taken(npages, scavenged);
        }
    }
    if (s != NULL) {
        /* All but `where`: a late free may still look at the record for what it was. */
        uint32_t epoch = s->epoch + 1;
        const size_t at = offsetof(struct mspan, where);
        BOSKI_SET(s->where, BOSKI_RELEASED);
        memset(s, 0, at);
        memset((char *)s + at + 1, 0, sizeof *s - at - 1);
        s->epoch = epoch;
        s->sweepgen = boski_mheap.sweepgen;
        s->page = page;
        s->npages = npages;
        s->base = boski_page_address(page);
        s->bits = boski_map.bits + page * BOSKI_WORDS_PER_PAGE;
        s->needzero = scavenged != npages;
        s->nelems = 1;
        s->elem_bytes = npages << BOSKI_PAGE_SHIFT;
        s->inuse = 1;
        set_pages(s, page, npages, cbyte);
    }
    boski_unlock(&boski_mheap.lock);
    if (s != NULL) boski_count(&boski_ctr->span_allocs, 1);
    return s;
}

static void book_freed(size_t n)
{
    boski_mheap.spans_inuse_pages -= n;
    BOSKI_SET(boski_ctr->spans_inuse_bytes,
              (uint64_t)boski_mheap.spans_inuse_pages << BOSKI_PAGE_SHIFT);
}

void boski_mheap_free(struct mspan *s)
{
    boski_lock(&boski_mheap.lock);
    BOSKI_ASSERT(1, s->inuse);
    memset(boski_map.cmap + s->page, BOSKI_C_NONE, s->npages);
    book_freed(s->npages);
    boski_pages_free(s->page, s->npages, false);
    boski_scavenge_notice();
    s->epoch++;
    record_give(s);
    boski_unlock(&boski_mheap.lock);
    boski_count(&boski_ctr->span_frees, 1);
}

bool boski_mheap_grow_span(struct mspan *s, size_t npages)
{
    size_t more = npages - s->npages, end = s->page + s->npages, scavenged = 0;
    if (npages > boski_map.max_pages || !boski_limit_make_room(more)) return false;
    boski_lock(&boski_mheap.lock);
    bool ok = boski_pages_alloc_at(end, more, &scavenged);
    if (!ok && end + more > boski_map.npages && end <= boski_map.npages &&
        end + more <= boski_map.region_pages &&
        boski_pages_free_after(end, boski_map.npages - end) == boski_map.npages - end &&
        grow(end + more - boski_map.npages))
        ok = boski_pages_alloc_at(end, more, &scavenged);
    if (ok) {
        if (scavenged != more) s->needzero = 1;
        s->npages = npages;
        s->elem_bytes = npages << BOSKI_PAGE_SHIFT;
        set_pages(s, end, more, boski_map.cmap[s->page]);
        book_taken(more, scavenged);
    }
    boski_unlock(&boski_mheap.lock);
    return ok;
}

void boski_mheap_shrink_span(struct mspan *s, size_t npages)
{
    size_t less = s->npages - npages, from = s->page + npages;
    boski_lock(&boski_mheap.lock);
    memset(boski_map.cmap + from, BOSKI_C_NONE, less);
    s->npages = npages;
    s->elem_bytes = npages << BOSKI_PAGE_SHIFT;
    book_freed(less);
    boski_pages_free(from, less, false);
    boski_unlock(&boski_mheap.lock);
}

void boski_span_init(struct mspan *s, unsigned class_)
{
    const struct boski_class *k = &boski_class[class_];
    s->class_ = (uint8_t)class_;
    s->elem_bytes = k->size;
    s->magic = k->magic;
    s->nelems = (uint32_t)((s->npages << BOSKI_PAGE_SHIFT) / k->size);
    s->nfree = (int32_t)s->nelems;
    uint32_t full = s->nelems / 64, rest = s->nelems % 64;
    for (uint32_t i = 0; i < full; i++) s->bits[i] = ~(uint64_t)0;
    if (rest != 0) s->bits[full] = ((uint64_t)1 << rest) - 1;
}

/* ---- start ------------------------------------------------------------------------ */

/* How much address space to reserve; 0 means arenas only. */
static size_t wanted_reserve(void)
{
#if UINTPTR_MAX > 0xffffffffu
    if (boski_conf.reserve == 1) return 0;
    uint64_t want = boski_conf.reserve;
    if (want == 0) {
        want = (uint64_t)256 << 30;
        if (boski_os.as_limit / 4 < want) want = boski_os.as_limit / 4;
        if (boski_os.emulated && want > (uint64_t)4 << 30) want = (uint64_t)4 << 30;
    }
    return (size_t)(want & ~(uint64_t)(ARENA_BYTES - 1));
#else
    return 0;
#endif
}

/* Pages that arenas may have in all, gaps included. */
static size_t arena_pages_max(void)
{
#if UINTPTR_MAX > 0xffffffffu
    uint64_t bytes = boski_os.phys > (uint64_t)16 << 30 ? boski_os.phys * 4 : (uint64_t)64 << 30;
    if (bytes > (uint64_t)4 << 40) bytes = (uint64_t)4 << 40;
    if (boski_os.emulated && bytes > (uint64_t)16 << 30) bytes = (uint64_t)16 << 30;
    if (boski_os.as_limit < bytes / 2) bytes = boski_os.as_limit * 2;
    return (size_t)(bytes / ARENA_BYTES + 2) * BOSKI_CHUNK_PAGES;
#else
    uint64_t bytes = (uint64_t)8 << 30; /* all there is, and as many gaps */
    if (boski_os.as_limit < bytes / 2) bytes = boski_os.as_limit * 2;
    return (size_t)(bytes / ARENA_BYTES + 2) * BOSKI_CHUNK_PAGES;
#endif
}

static bool tables_reserve(size_t region_pages, size_t arena_pages)
{
    size_t max = region_pages + arena_pages;
    boski_map.max_pages = max;
    boski_map.region_pages = region_pages;
    boski_map.arena_next = region_pages;
    if (!table_reserve(&cmap_table, max)) return false;
    if (!table_reserve(&spans_table, max * sizeof(struct mspan *))) goto fail_spans;
    if (!table_reserve(&bits_table, max * BOSKI_WORDS_PER_PAGE * 8)) goto fail_bits;
    arena_base = boski_meta_alloc(arena_pages / BOSKI_CHUNK_PAGES * sizeof *arena_base);
    chunk_used = boski_meta_alloc(max / BOSKI_CHUNK_PAGES);
    if (arena_base == NULL || chunk_used == NULL || !boski_pages_init(max)) goto fail_pages;
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

static bool mheap_start(void)
{
    size_t bytes = wanted_reserve();
    size_t arena_pages = arena_pages_max();
    void *base = NULL;
    for (;;) {
        while (bytes >= 4 * ARENA_BYTES) {
            base = boski_os_reserve(bytes, ARENA_BYTES);
            if (base != NULL) break;
            bytes = bytes / 2 & ~(ARENA_BYTES - 1);
        }
        if (base == NULL) bytes = 0;
        boski_map.base = (uintptr_t)base;
        if (tables_reserve(bytes >> BOSKI_PAGE_SHIFT, arena_pages)) return true;
        /* No room for the tables: ask for less of everything. */
        if (base != NULL) boski_os_unreserve(base, bytes);
        base = NULL;
        if (bytes == 0 && arena_pages <= 4 * BOSKI_CHUNK_PAGES) return false;
        bytes = bytes / 4 & ~(ARENA_BYTES - 1);
        arena_pages = (arena_pages / 4 + BOSKI_CHUNK_PAGES - 1) & ~(size_t)(BOSKI_CHUNK_PAGES - 1);
    }
}

/* The soft limit, when none was set, is the control group's, less the twentieth that Go's scavenger
 * keeps free below a limit too. */
static void default_limit(void)
{
    if (boski_conf.memlimit != BOSKI_MEMLIMIT_UNSET) return;
    uint64_t limit = boski_os_cgroup_limit();
    boski_conf.memlimit = limit < boski_os.phys ? limit - limit / 20 : UINT64_MAX;
}

static void tell(void)
{
    boski_os_print(
        "bosk: %s: reserved %zu MiB, %zu KiB system pages, %u processors, limit %zu MiB%s%s\n",
        bosk_version(), boski_map.region_pages >> (20 - BOSKI_PAGE_SHIFT), boski_os.page >> 10,
        boski_os.ncpu, boski_conf.memlimit == UINT64_MAX ? 0 : (size_t)(boski_conf.memlimit >> 20),
        boski_conf.small ? ", profile small" : "", boski_map.region_pages == 0 ? ", arenas" : "");
}

bool boski_heap_init(void)
{
    static struct boski_lock once;
    if (__atomic_load_n(&boski_mheap.ready, __ATOMIC_ACQUIRE)) return true;
    boski_os_init();
    boski_lock(&once);
    if (!boski_mheap.ready) {
        boski_conf_init();
        boski_obs_init(boski_conf.record, boski_conf.sample);
        boski_class_init();
        if (mheap_start()) {
            default_limit();
            if (boski_conf.verbose) tell();
            boski_fork_init();
            __atomic_store_n(&boski_mheap.ready, true, __ATOMIC_RELEASE);
        }
    }
    boski_unlock(&once);
    return boski_mheap.ready;
}
