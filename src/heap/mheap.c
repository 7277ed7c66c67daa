/* mheap.c - the page heap: spans and their records.
 *
 * See heap.h for the picture.  Everything that changes tables or the page allocator runs under
 * boski_mheap.lock.  Readers of the tables need no lock: a page's entries are written before its
 * first object is handed out, and read only by those who hold an object or take a lock.
 */
#include "mheap_parts.h"

struct mheap boski_mheap;
bool boski_falling;

#define FALL_PAGES ((size_t)4 << 20 >> BOSKI_PAGE_SHIFT)
static size_t fall; /* pages freed since the last that came into use */

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

static void set_pages(struct mspan *s, size_t from, size_t n, unsigned cbyte)
{
    memset(boski_map.cmap + from, (int)cbyte, n);
    for (size_t i = 0; i < n; i++) boski_map.spans[from + i] = s;
}
static void clear_pages(size_t from, size_t n)
{
    memset(boski_map.cmap + from, BOSKI_C_NONE, n);
    for (size_t c = from / BOSKI_CHUNK_PAGES; c <= (from + n - 1) / BOSKI_CHUNK_PAGES; c++)
        boski_chunk_used[c] = 1;
}

/* Pages that were given back and are taken again within the window count as thrash. */
static void book_taken(size_t n, size_t scavenged)
{
    fall = 0;
    BOSKI_SET(boski_falling, false);
    boski_mheap.spans_inuse_pages += n;
    uint64_t now = boski_mheap.spans_inuse_pages << BOSKI_PAGE_SHIFT;
    BOSKI_SET(boski_ctr->spans_inuse_bytes, now);
    if (now > boski_ctr->peak_spans_bytes) BOSKI_SET(boski_ctr->peak_spans_bytes, now);
    boski_scavenge_saw(boski_mheap.spans_inuse_pages, n);
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
                         tries == 0 && boski_mheap_more(at + npages - boski_map.npages))
                    continue;
            }
            if (page == BOSKI_NO_PAGE) page = take_pages(npages, align_pages, &scavenged);
            if (page != BOSKI_NO_PAGE || tries != 0) break;
            if (!boski_mheap_more(npages + align_pages - 1)) break;
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
    fall += n;
    if (fall >= FALL_PAGES) BOSKI_SET(boski_falling, true);
    boski_mheap.spans_inuse_pages -= n;
    BOSKI_SET(boski_ctr->spans_inuse_bytes,
              (uint64_t)boski_mheap.spans_inuse_pages << BOSKI_PAGE_SHIFT);
}

void boski_mheap_free(struct mspan *s)
{
    /* Where access is not given back, the pages cannot serve again: the span stays what it is. */
    if (BOSK_UNLIKELY(s->guard != 0) && !boski_large_unguard(s)) return;
    boski_lock(&boski_mheap.lock);
    BOSKI_ASSERT(1, s->inuse);
    clear_pages(s->page, s->npages);
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
    if (s->guard != 0) return false;
    if (npages > boski_map.max_pages || !boski_limit_make_room(more)) return false;
    boski_lock(&boski_mheap.lock);
    bool ok = boski_pages_alloc_at(end, more, &scavenged);
    if (!ok && end + more > boski_map.npages && end <= boski_map.npages &&
        end + more <= boski_map.region_pages &&
        boski_pages_free_after(end, boski_map.npages - end) == boski_map.npages - end &&
        boski_mheap_more(end + more - boski_map.npages))
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
    clear_pages(from, less);
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
