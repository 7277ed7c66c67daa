/* mpagealloc.c - the page bitmaps: searching, taking, giving back.
 *
 * Go counterpart: runtime/mpagealloc.go and mpallocbits.go (1.22).  We differ in: a hint for each
 * small run length instead of one searchAddr (a stray free page low down does not slow the search
 * for a longer run), the pending list, a search that climbs from the hint instead of descending
 * from the root, and dirty pages found through a bitmap of chunks instead of scavenge cursors.
 */
#include "mpagealloc_parts.h"

/* ---- bits ---------------------------------------------------------------------------- */

/* Bits lo .. hi-1 of the word, where 0 <= lo < hi <= 64. */
static inline uint64_t bits_between(unsigned lo, unsigned hi)
{
    return ~(uint64_t)0 << lo & ~(uint64_t)0 >> (64 - hi);
}

/* A range of pages, chunk by chunk, word by word:
 *     for (struct cursor k = cursor_at(page, n); k.left > 0; cursor_next(&k)) ... */
struct cursor {
    size_t page, left;
    struct boski_chunk *chunk;
    unsigned word;
    uint64_t mask; /* the bits of the range in this word */
    size_t n;      /* how many they are */
};

static inline void cursor_load(struct cursor *k)
{
    unsigned lo = (unsigned)(k->page & 63);
    k->n = 64 - lo < k->left ? 64 - lo : k->left;
    k->chunk = &boski_pa.chunks[k->page >> BOSKI_CHUNK_SHIFT];
    k->word = (unsigned)(k->page >> 6) & (BOSKI_WORDS - 1);
    k->mask = bits_between(lo, lo + (unsigned)k->n);
}

static inline struct cursor cursor_at(size_t page, size_t n)
{
    struct cursor k = {.page = page, .left = n};
    cursor_load(&k);
    return k;
}

static inline void cursor_next(struct cursor *k)
{
    k->page += k->n;
    k->left -= k->n;
    if (k->left > 0) cursor_load(k);
}

static inline size_t popcount(uint64_t x)
{
    if (x == 0) return 0;
    return (size_t)__builtin_popcountll(x);
}

/* Chunk `c` has (not) got dirty pages. */
static void dirty_mark(size_t c)
{
    for (unsigned l = 0; l < boski_pa.dirty_levels; l++, c >>= 6) {
        uint64_t *w = &boski_pa.dirty[l][c >> 6], old = *w;
        *w = old | (uint64_t)1 << (c & 63);
        if (old != 0) return;
    }
}

static void dirty_unmark(size_t c)
{
    for (unsigned l = 0; l < boski_pa.dirty_levels; l++, c >>= 6) {
        uint64_t *w = &boski_pa.dirty[l][c >> 6];
        *w &= ~((uint64_t)1 << (c & 63));
        if (*w != 0) return;
    }
}

static inline void dirty_sub(size_t c, size_t n)
{
    if (n == 0) return;
    boski_pa.notes[c].dirty = (uint16_t)(boski_pa.notes[c].dirty - n);
    if (boski_pa.notes[c].dirty == 0) dirty_unmark(c);
}

static inline void dirty_add(size_t c, size_t n)
{
    if (n == 0) return;
    if (boski_pa.notes[c].dirty == 0) dirty_mark(c);
    boski_pa.notes[c].dirty = (uint16_t)(boski_pa.notes[c].dirty + n);
}

/* Takes the free pages [page, page+n); returns how many were scavenged. */
static size_t take(size_t page, size_t n)
{
    size_t scavenged = 0;

    for (struct cursor k = cursor_at(page, n); k.left > 0; cursor_next(&k)) {
        uint64_t s = k.chunk->scav[k.word] & k.mask;
        size_t count = s == k.mask ? k.n : popcount(s);
        k.chunk->free[k.word] &= ~k.mask;
        k.chunk->scav[k.word] &= ~k.mask;
        dirty_sub(k.page >> BOSKI_CHUNK_SHIFT, k.n - count);
        scavenged += count;
    }
    boski_pa.free -= n;
    boski_pa.scavenged -= scavenged;
    boski_sum_changed(page >> BOSKI_CHUNK_SHIFT, (page + n - 1) >> BOSKI_CHUNK_SHIFT);
    return scavenged;
}

/* Free pages that end just before `page`, at most about `limit`. */
static size_t free_before(size_t page, size_t limit)
{
    size_t n = 0;

    while (page > 0 && n < limit) {
        size_t last = page - 1;
        unsigned used = (unsigned)(last & 63) + 1; /* bits of this word that are below `page` */
        uint64_t w = boski_pa.chunks[last >> BOSKI_CHUNK_SHIFT].free[last >> 6 & (BOSKI_WORDS - 1)];
        uint64_t top = ~(w << (64 - used));
        size_t run = top == 0 ? 64 : (size_t)__builtin_clzll(top);
        if (run > used) run = used;
        n += run;
        if (run < used) break;
        page -= used;
    }
    return n;
}

void boski_hints_lower(size_t page, size_t n)
{
    if (page >= boski_pa.hint[BOSKI_HINTS] + BOSKI_HINTS) return;
    size_t below = free_before(page, BOSKI_HINTS - 1);
    size_t first = page - below;
    size_t run = below + n;
    if (run < BOSKI_HINTS) run += boski_pages_free_after(page + n, BOSKI_HINTS - run);
    if (run > BOSKI_HINTS) run = BOSKI_HINTS;
    for (size_t m = 1; m <= run; m++) {
        if (boski_pa.hint[m] > first) boski_pa.hint[m] = first;
    }
}

/* No run of `n` or more starts below `page`. */
static void raise_hints(size_t n, size_t page)
{
    for (; n <= BOSKI_HINTS && boski_pa.hint[n] < page; n++) boski_pa.hint[n] = page;
}

/* ---- searching ----------------------------------------------------------------------- */

/* Bit i of the result: bits i .. i+n-1 of x are set. n in 1..64. */
static inline uint64_t runs_of(uint64_t x, unsigned n)
{
    for (unsigned have = 1; have < n && x != 0;) {
        unsigned step = have < n - have ? have : n - have;
        x &= x >> step;
        have += step;
    }
    return x;
}

/* First page of the lowest run of n pages in chunk c, at bit `from` or later. */
static size_t find_in_chunk(size_t c, unsigned from, size_t n)
{
    const struct boski_chunk *chunk = &boski_pa.chunks[c];
    uint64_t w = chunk->free[from >> 6] & ~(uint64_t)0 << (from & 63);
    size_t run = 0;

    for (unsigned i = from >> 6;;) {
        size_t low = w == ~(uint64_t)0 ? 64 : (size_t)__builtin_ctzll(~w);
        if (run + low >= n) return (c << BOSKI_CHUNK_SHIFT) + i * 64 - run;
        if (low == 64) {
            run += 64;
        } else {
            if (n < 64 && w != 0) {
                uint64_t x = runs_of(w, (unsigned)n);
                if (x != 0) return (c << BOSKI_CHUNK_SHIFT) + i * 64 + (size_t)__builtin_ctzll(x);
            }
            run = (size_t)__builtin_clzll(~w);
        }
        if (++i == BOSKI_WORDS) return BOSKI_NO_PAGE;
        w = chunk->free[i];
    }
}

/* Entry `i` of `level` holds a run of n pages, none of them at its start. */
static size_t descend(unsigned level, size_t i, size_t n)
{
    while (level < boski_pa.levels - 1) {
        size_t run = 0;
        unsigned shift = boski_sum_shift(++level);
        for (i <<= BOSKI_FAN_SHIFT;; i++) {
            uint64_t s = boski_pa.sum[level][i];
            if (run + boski_sum_start(s) >= n) return (i << shift) - run;
            if (boski_sum_max(s) >= n) break;
            run =
                boski_sum_end(s) == (size_t)1 << shift ? run + boski_sum_end(s) : boski_sum_end(s);
        }
    }
    return find_in_chunk(i, 0, n);
}

/* Lowest run of n pages at `from` or above (what is below `from` does not count). */
static size_t find(size_t from, size_t n)
{
    if (from >= boski_pa.end) return BOSKI_NO_PAGE;
    size_t i = from >> BOSKI_CHUNK_SHIFT;
    unsigned bit = (unsigned)(from & (BOSKI_CHUNK_PAGES - 1));
    if (n <= BOSKI_CHUNK_PAGES &&
        (boski_pa.notes[i].pending || boski_sum_max(boski_sum_leaves()[i]) >= n)) {
        size_t page = find_in_chunk(i, bit, n);
        if (page != BOSKI_NO_PAGE) return page;
    }
    boski_sum_flush();
    size_t run = boski_sum_end(boski_sum_leaves()[i]);
    if (run > BOSKI_CHUNK_PAGES - bit) run = BOSKI_CHUNK_PAGES - bit;
    for (unsigned level = boski_pa.levels - 1;; level--) {
        unsigned shift = boski_sum_shift(level);
        size_t stop = level == 0 ? boski_pa.root_entries : (i | (BOSKI_FAN - 1)) + 1;
        while (++i < stop) {
            uint64_t s = boski_pa.sum[level][i];
            if (run + boski_sum_start(s) >= n) return (i << shift) - run;
            if (boski_sum_max(s) >= n) return descend(level, i, n);
            run =
                boski_sum_end(s) == (size_t)1 << shift ? run + boski_sum_end(s) : boski_sum_end(s);
        }
        if (level == 0) return BOSKI_NO_PAGE;
        i = (i - 1) >> BOSKI_FAN_SHIFT;
    }
}

/* As find, first page a multiple of `align`.  Looks at runs one after the other; a run long enough
 * for any alignment is taken when that has not ended soon. */
static size_t find_aligned(size_t from, size_t n, size_t align)
{
    for (unsigned tries = 0;; tries++) {
        if (tries == 32 && n + align - 1 > n) {
            size_t page = find(from, n + align - 1);
            if (page != BOSKI_NO_PAGE) return (page + align - 1) & ~(align - 1);
        }
        size_t page = find(from, n);
        if (page == BOSKI_NO_PAGE) return page;
        page = (page + align - 1) & ~(align - 1);
        if (page >= boski_pa.end) return BOSKI_NO_PAGE;
        size_t have = boski_pages_free_after(page, n);
        if (have == n) return page;
        from = page + have + 1;
    }
}

size_t boski_pages_alloc(size_t n, size_t align, size_t *scavenged)
{
    size_t page;

    if (n == 0 || n > boski_pa.free) return BOSKI_NO_PAGE;
    size_t from = boski_pa.hint[n < BOSKI_HINTS ? n : BOSKI_HINTS];
    if (align <= 1) {
        page = find(from, n);
        raise_hints(n, page == BOSKI_NO_PAGE ? boski_pa.end : page + n);
    } else {
        page = find_aligned(from, n, align);
    }
    if (page != BOSKI_NO_PAGE) *scavenged = take(page, n);
    return page;
}

bool boski_pages_alloc_at(size_t page, size_t n, size_t *scavenged)
{
    if (n == 0 || page >= boski_pa.end || n > boski_pa.end - page) return false;
    for (struct cursor k = cursor_at(page, n); k.left > 0; cursor_next(&k)) {
        if ((k.chunk->free[k.word] & k.mask) != k.mask) return false;
    }
    *scavenged = take(page, n);
    return true;
}

bool boski_pages_remove(size_t page, size_t n)
{
    size_t scavenged;
    if (!boski_pages_alloc_at(page, n, &scavenged)) return false;
    boski_pa.added -= n;
    return true;
}

size_t boski_pages_free_after(size_t page, size_t limit)
{
    size_t n = 0;

    if (page >= boski_pa.end) return 0;
    if (limit > boski_pa.end - page) limit = boski_pa.end - page;
    while (n < limit) {
        size_t c = page >> BOSKI_CHUNK_SHIFT;
        size_t run, whole; /* whole: what the run is when it does not end here */
        if ((page & (BOSKI_CHUNK_PAGES - 1)) == 0 && !boski_pa.notes[c].pending) {
            whole = BOSKI_CHUNK_PAGES;
            run = boski_sum_start(boski_sum_leaves()[c]);
        } else {
            uint64_t w = ~(boski_pa.chunks[c].free[page >> 6 & (BOSKI_WORDS - 1)] >> (page & 63));
            whole = 64 - (page & 63);
            run = w == 0 ? 64 : (size_t)__builtin_ctzll(w);
        }
        n += run;
        if (run < whole) break;
        page += whole;
    }
    return n < limit ? n : limit;
}

size_t boski_pages_tail(void)
{
    if (boski_pa.end == 0) return 0;
    boski_sum_flush();
    size_t run = 0, i = boski_pa.end >> BOSKI_CHUNK_SHIFT; /* one past the entry to look at */
    for (unsigned level = boski_pa.levels - 1;; level--) {
        size_t stop = level == 0 ? 0 : (i - 1) & ~(size_t)(BOSKI_FAN - 1);
        while (i > stop) {
            size_t end = boski_sum_end(boski_pa.sum[level][--i]);
            run += end;
            if (end < (size_t)1 << boski_sum_shift(level)) return boski_pa.end - run;
        }
        if (i == 0) return boski_pa.end - run;
        i >>= BOSKI_FAN_SHIFT;
    }
}

size_t boski_pages_end(void) { return boski_pa.end; }

/* ---- giving back ----------------------------------------------------------------------- */

void boski_pages_free(size_t page, size_t n, bool scavenged)
{
    if (n == 0) return;
    if (page >= boski_pa.end || n > boski_pa.end - page)
        bosk_fatal("bosk: freeing pages outside the heap");
    for (struct cursor k = cursor_at(page, n); k.left > 0; cursor_next(&k)) {
        if (k.chunk->free[k.word] & k.mask) bosk_fatal("bosk: pages freed twice");
        k.chunk->free[k.word] |= k.mask;
        if (scavenged)
            k.chunk->scav[k.word] |= k.mask;
        else
            dirty_add(k.page >> BOSKI_CHUNK_SHIFT, k.n);
    }
    boski_pa.free += n;
    if (scavenged) boski_pa.scavenged += n;
    boski_sum_changed(page >> BOSKI_CHUNK_SHIFT, (page + n - 1) >> BOSKI_CHUNK_SHIFT);
    boski_hints_lower(page, n);
}

/* Highest chunk at or below `c` that has dirty pages, or SIZE_MAX. */
static size_t highest_dirty_chunk(size_t c)
{
    for (unsigned l = 0; l < boski_pa.dirty_levels; l++) {
        uint64_t w = boski_pa.dirty[l][c >> 6] & bits_between(0, (unsigned)(c & 63) + 1);
        if (w != 0) {
            c = (c & ~(size_t)63) + 63 - (size_t)__builtin_clzll(w);
            while (l-- > 0) c = c * 64 + 63 - (size_t)__builtin_clzll(boski_pa.dirty[l][c]);
            return c;
        }
        c >>= 6;
        if (c == 0) break;
        c--;
    }
    return SIZE_MAX;
}

/* Dirty pages of the word that holds `page`. */
static inline uint64_t dirty_word(size_t page)
{
    const struct boski_chunk *c = &boski_pa.chunks[page >> BOSKI_CHUNK_SHIFT];
    unsigned w = (unsigned)(page >> 6) & (BOSKI_WORDS - 1);
    return c->free[w] & ~c->scav[w];
}

/* Highest dirty page below `below` (which is not 0), or BOSKI_NO_PAGE. */
static size_t highest_dirty_page(size_t below)
{
    for (;;) {
        size_t c = highest_dirty_chunk((below - 1) >> BOSKI_CHUNK_SHIFT);
        if (c == SIZE_MAX) return BOSKI_NO_PAGE;
        size_t first = c << BOSKI_CHUNK_SHIFT;
        if (below > first + BOSKI_CHUNK_PAGES) below = first + BOSKI_CHUNK_PAGES;
        while (below > first) { /* one word a turn */
            size_t word = (below - 1) & ~(size_t)63;
            uint64_t w = dirty_word(word) & bits_between(0, (unsigned)(below - word));
            if (w != 0) return word + 63 - (size_t)__builtin_clzll(w);
            below = word;
        }
        if (below == 0) return BOSKI_NO_PAGE;
    }
}

/* First page of the dirty run that ends with `last`, but not below `floor`. */
static size_t dirty_run_start(size_t last, size_t floor)
{
    size_t page = last + 1;

    while (page > floor) {
        size_t word = (page - 1) & ~(size_t)63;
        unsigned used = (unsigned)(page - word);
        uint64_t top = ~(dirty_word(word) << (64 - used));
        size_t run = top == 0 ? 64 : (size_t)__builtin_clzll(top);
        if (run > used) run = used;
        page -= run;
        if (run < used) break;
    }
    return page > floor ? page : floor;
}

bool boski_pages_take_dirty(size_t below, size_t max_n, size_t unit, size_t *page, size_t *n)
{
    if (unit == 0) unit = 1;
    if (below > boski_pa.end) below = boski_pa.end;
    max_n &= ~(unit - 1);
    below &= ~(unit - 1);
    if (max_n == 0) return false;
    while (below > 0 && boski_pa.free > boski_pa.scavenged) {
        size_t last = highest_dirty_page(below);
        if (last == BOSKI_NO_PAGE) return false;
        size_t stop = (last + 1) & ~(unit - 1);
        size_t first = dirty_run_start(last, stop > max_n ? stop - max_n : 0);
        size_t start = (first + unit - 1) & ~(unit - 1);
        if (start < stop) {
            *page = start;
            *n = stop - start;
            take(start, stop - start);
            return true;
        }
        /* Too short or across a border of units: what is left of the unit of `first` may hold
         * no whole unit either. */
        below = first & ~(unit - 1);
    }
    return false;
}

size_t boski_pages_dirty(void) { return boski_pa.free - boski_pa.scavenged; }
size_t boski_pages_clean(void) { return boski_pa.scavenged; }
size_t boski_pages_inuse(void) { return boski_pa.added - boski_pa.free; }
