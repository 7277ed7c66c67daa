/* mpagealloc.c - the page bitmaps, their radix summaries and the search.
 *
 * Per chunk of 512 pages: 512 bits "free" and 512 bits "scavenged" (set only where the page is
 * free too).  Pages that were never added have neither, so they look like pages in use and every
 * table can start out as zeroes.
 *
 * A summary says of a region how many pages are free at its low end (start), in its longest run
 * (max) and at its high end (end).  Leaves stand for one chunk, every other entry for 8 children.
 *
 * Invariants
 *   - An inner summary always equals the merge of its children as they are stored.
 *   - A leaf equals its bits unless its chunk is in the pending list.  The list is worked off
 *     before anything is read from the summaries, so a burst of operations in few chunks pays for
 *     the tree once.
 *   - hint[m]: no run of m free pages or more starts below it; hint[1] <= hint[2] <= ...
 *   - Tables are committed for every chunk below `end`, also for holes between added ranges.
 * Locking: the caller's heap lock guards everything here.
 * Go counterpart: runtime/mpagealloc.go and mpallocbits.go (1.22).  We differ in: a hint for each
 * small run length instead of one searchAddr (a stray free page low down does not slow the search
 * for a longer run), the pending list, a search that climbs from the hint instead of descending
 * from the root, and dirty pages found through a bitmap of chunks instead of scavenge cursors.
 */
#include "heap/mpagealloc.h"

#include "os/os.h"

#include <bosk/base.h>

#define CHUNK_SHIFT 9
#define WORDS 8u    /* 64-bit words in a chunk's bitmap */
#define FAN_SHIFT 3 /* a summary has 8 children */
#define FAN 8u
#define FIELD_BITS 21 /* of a summary: counts up to 2^21 - 1 pages */
#define MAX_LEVELS 5  /* the root entry of the fifth covers 2^21 pages */
#define MAX_DIRTY_LEVELS 8
#define HINTS 16u
#define PENDING 16u
#define MAX_TABLES (MAX_LEVELS + MAX_DIRTY_LEVELS + 2)
#define COMMIT_STEP ((size_t)256 << 10)

struct chunk {
    uint64_t free[WORDS];
    uint64_t scav[WORDS];
};

struct chunk_note {
    uint16_t dirty;   /* pages free but not scavenged */
    uint16_t pending; /* in pa.pending: the leaf is out of date */
};

struct table {
    char *base;
    size_t bytes;     /* reserved */
    size_t committed; /* bytes at the start that may be touched */
    size_t entry_bytes;
    unsigned chunks_shift; /* one entry serves 2^chunks_shift chunks */
};

static struct {
    size_t max_pages;
    size_t end;       /* one past the highest page ever added */
    size_t added;     /* pages ever added */
    size_t free;      /* of these, free */
    size_t scavenged; /* of these, scavenged */
    struct chunk *chunks;
    struct chunk_note *notes;
    unsigned levels;
    size_t root_entries;
    uint64_t *sum[MAX_LEVELS]; /* [0] is the root, [levels-1] the leaves */
    unsigned dirty_levels;
    uint64_t *dirty[MAX_DIRTY_LEVELS]; /* [0]: a bit a chunk; above: a bit a word below */
    size_t hint[HINTS + 1];
    uint32_t pending[PENDING];
    unsigned npending;
    struct table tables[MAX_TABLES];
    unsigned ntables;
    void *reserved; /* all tables */
    size_t reserved_bytes;
} pa;

/* ---- summaries ------------------------------------------------------------------- */

/* All fields are 2^21 in the one summary whose bit 63 is set; all are smaller in the others. */
static inline uint64_t pack(size_t start, size_t max, size_t end)
{
    if (max == (size_t)1 << FIELD_BITS) return (uint64_t)1 << 63;
    return (uint64_t)start | (uint64_t)max << FIELD_BITS | (uint64_t)end << 2 * FIELD_BITS;
}

static inline size_t field(uint64_t s, unsigned shift)
{
    return (size_t)((s >> shift & (((uint64_t)1 << FIELD_BITS) - 1)) | s >> 63 << FIELD_BITS);
}

static inline size_t sum_start(uint64_t s) { return field(s, 0); }
static inline size_t sum_max(uint64_t s) { return field(s, FIELD_BITS); }
/* Bit 63 is outside of the third field: 3 * 21 = 63. */
static inline size_t sum_end(uint64_t s) { return field(s, 2 * FIELD_BITS); }

/* log2 of the pages one entry of `level` covers. */
static inline unsigned level_shift(unsigned level)
{
    return CHUNK_SHIFT + FAN_SHIFT * (pa.levels - 1 - level);
}

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

/* Longest run inside a word of the eight.  All words take each step together: there is one branch a
 * step instead of several badly predicted ones a word. */
static size_t longest_in_words(const uint64_t *words)
{
    uint64_t runs[6][WORDS], cur[WORDS], longer[WORDS], any = 0; /* runs[k]: of 2^k at least */
    unsigned k = 0;

    for (unsigned i = 0; i < WORDS; i++) any |= cur[i] = runs[0][i] = words[i];
    if (any == 0) return 0;
    for (; k < 5; k++) {
        any = 0;
        for (unsigned i = 0; i < WORDS; i++) {
            longer[i] = cur[i] & cur[i] >> (1u << k);
            any |= longer[i];
        }
        if (any == 0) break;
        for (unsigned i = 0; i < WORDS; i++) cur[i] = runs[k + 1][i] = longer[i];
    }
    unsigned len = 1u << k;
    while (k-- > 0) {
        any = 0;
        for (unsigned i = 0; i < WORDS; i++) {
            longer[i] = cur[i] & runs[k][i] >> len;
            any |= longer[i];
        }
        if (any == 0) continue;
        for (unsigned i = 0; i < WORDS; i++) cur[i] = longer[i];
        len += 1u << k;
    }
    return len;
}

static uint64_t summarise(const struct chunk *c)
{
    size_t start = 0, max = 0, run = 0; /* run: free pages just below the word at hand */
    bool broken = false;                /* a page in use was seen */

    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t w = c->free[i];
        if (w == ~(uint64_t)0) {
            run += 64;
            continue;
        }
        run += (size_t)__builtin_ctzll(~w);
        if (!broken) start = run;
        broken = true;
        if (run > max) max = run;
        run = (size_t)__builtin_clzll(~w);
    }
    if (!broken) return pack(BOSKI_CHUNK_PAGES, BOSKI_CHUNK_PAGES, BOSKI_CHUNK_PAGES);
    if (run > max) max = run;
    if (max < 62) { /* else none that touches no end of its word is longer */
        size_t inside = longest_in_words(c->free);
        if (inside > max) max = inside;
    }
    return pack(start, max, run);
}

/* Merges 8 neighbours that cover 2^shift pages each. */
static uint64_t merge(const uint64_t *child, unsigned shift)
{
    size_t start = 0, max = 0, end = 0, len = (size_t)1 << shift;

    for (size_t i = 0; i < FAN; i++) {
        uint64_t s = child[i];
        size_t low = sum_start(s), longest = sum_max(s);
        if (start == i << shift) start += low;
        if (end + low > longest) longest = end + low;
        if (longest > max) max = longest;
        end = low == len ? end + len : sum_end(s);
    }
    return pack(start, max, end);
}

/* Carries changed leaves [lo, hi] up until nothing changes. */
static void update_parents(size_t lo, size_t hi)
{
    for (unsigned level = pa.levels - 1; level > 0; level--) {
        bool changed = false;
        unsigned shift = level_shift(level);
        lo >>= FAN_SHIFT;
        hi >>= FAN_SHIFT;
        for (size_t i = lo; i <= hi; i++) {
            uint64_t s = merge(pa.sum[level] + i * FAN, shift);
            changed |= pa.sum[level - 1][i] != s;
            pa.sum[level - 1][i] = s;
        }
        if (!changed) return;
    }
}

static inline uint64_t *leaves(void) { return pa.sum[pa.levels - 1]; }

static void flush_pending(void)
{
    for (unsigned i = 0; i < pa.npending; i++) {
        size_t c = pa.pending[i];
        uint64_t s = summarise(&pa.chunks[c]);
        pa.notes[c].pending = 0;
        if (leaves()[c] == s) continue;
        leaves()[c] = s;
        update_parents(c, c);
    }
    pa.npending = 0;
}

/* Bits of the chunks [first, last] have changed. */
static void bits_changed(size_t first, size_t last)
{
    if (first == last) {
        if (pa.notes[first].pending) return;
        if (pa.npending == PENDING) flush_pending();
        pa.pending[pa.npending++] = (uint32_t)first;
        pa.notes[first].pending = 1;
        return;
    }
    for (size_t c = first; c <= last; c++) leaves()[c] = summarise(&pa.chunks[c]);
    update_parents(first, last);
}

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
    struct chunk *chunk;
    unsigned word;
    uint64_t mask; /* the bits of the range in this word */
    size_t n;      /* how many they are */
};

static inline void cursor_load(struct cursor *k)
{
    unsigned lo = (unsigned)(k->page & 63);
    k->n = 64 - lo < k->left ? 64 - lo : k->left;
    k->chunk = &pa.chunks[k->page >> CHUNK_SHIFT];
    k->word = (unsigned)(k->page >> 6) & (WORDS - 1);
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
    for (unsigned l = 0; l < pa.dirty_levels; l++, c >>= 6) {
        uint64_t *w = &pa.dirty[l][c >> 6], old = *w;
        *w = old | (uint64_t)1 << (c & 63);
        if (old != 0) return;
    }
}

static void dirty_unmark(size_t c)
{
    for (unsigned l = 0; l < pa.dirty_levels; l++, c >>= 6) {
        uint64_t *w = &pa.dirty[l][c >> 6];
        *w &= ~((uint64_t)1 << (c & 63));
        if (*w != 0) return;
    }
}

static inline void dirty_sub(size_t c, size_t n)
{
    if (n == 0) return;
    pa.notes[c].dirty = (uint16_t)(pa.notes[c].dirty - n);
    if (pa.notes[c].dirty == 0) dirty_unmark(c);
}

static inline void dirty_add(size_t c, size_t n)
{
    if (n == 0) return;
    if (pa.notes[c].dirty == 0) dirty_mark(c);
    pa.notes[c].dirty = (uint16_t)(pa.notes[c].dirty + n);
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
        dirty_sub(k.page >> CHUNK_SHIFT, k.n - count);
        scavenged += count;
    }
    pa.free -= n;
    pa.scavenged -= scavenged;
    bits_changed(page >> CHUNK_SHIFT, (page + n - 1) >> CHUNK_SHIFT);
    return scavenged;
}

/* Free pages that end just before `page`, at most about `limit`. */
static size_t free_before(size_t page, size_t limit)
{
    size_t n = 0;

    while (page > 0 && n < limit) {
        size_t last = page - 1;
        unsigned used = (unsigned)(last & 63) + 1; /* bits of this word that are below `page` */
        uint64_t w = pa.chunks[last >> CHUNK_SHIFT].free[last >> 6 & (WORDS - 1)];
        uint64_t top = ~(w << (64 - used));
        size_t run = top == 0 ? 64 : (size_t)__builtin_clzll(top);
        if (run > used) run = used;
        n += run;
        if (run < used) break;
        page -= used;
    }
    return n;
}

/* Pages [page, page+n) have become free: keeps the promise of the hints. */
static void lower_hints(size_t page, size_t n)
{
    if (page >= pa.hint[HINTS] + HINTS) return;
    size_t below = free_before(page, HINTS - 1);
    size_t first = page - below;
    size_t run = below + n;
    if (run < HINTS) run += boski_pages_free_after(page + n, HINTS - run);
    if (run > HINTS) run = HINTS;
    for (size_t m = 1; m <= run; m++) {
        if (pa.hint[m] > first) pa.hint[m] = first;
    }
}

/* No run of `n` or more starts below `page`. */
static void raise_hints(size_t n, size_t page)
{
    for (; n <= HINTS && pa.hint[n] < page; n++) pa.hint[n] = page;
}

/* ---- searching ----------------------------------------------------------------------- */

/* First page of the lowest run of n pages in chunk c, at bit `from` or later. */
static size_t find_in_chunk(size_t c, unsigned from, size_t n)
{
    const struct chunk *chunk = &pa.chunks[c];
    uint64_t w = chunk->free[from >> 6] & ~(uint64_t)0 << (from & 63);
    size_t run = 0;

    for (unsigned i = from >> 6;;) {
        size_t low = w == ~(uint64_t)0 ? 64 : (size_t)__builtin_ctzll(~w);
        if (run + low >= n) return (c << CHUNK_SHIFT) + i * 64 - run;
        if (low == 64) {
            run += 64;
        } else {
            if (n < 64 && w != 0) {
                uint64_t x = runs_of(w, (unsigned)n);
                if (x != 0) return (c << CHUNK_SHIFT) + i * 64 + (size_t)__builtin_ctzll(x);
            }
            run = (size_t)__builtin_clzll(~w);
        }
        if (++i == WORDS) return BOSKI_NO_PAGE;
        w = chunk->free[i];
    }
}

/* Entry `i` of `level` holds a run of n pages, none of them at its start. */
static size_t descend(unsigned level, size_t i, size_t n)
{
    while (level < pa.levels - 1) {
        size_t run = 0;
        unsigned shift = level_shift(++level);
        for (i <<= FAN_SHIFT;; i++) {
            uint64_t s = pa.sum[level][i];
            if (run + sum_start(s) >= n) return (i << shift) - run;
            if (sum_max(s) >= n) break;
            run = sum_end(s) == (size_t)1 << shift ? run + sum_end(s) : sum_end(s);
        }
    }
    return find_in_chunk(i, 0, n);
}

/* Lowest run of n pages at `from` or above (what is below `from` does not count). */
static size_t find(size_t from, size_t n)
{
    if (from >= pa.end) return BOSKI_NO_PAGE;
    size_t i = from >> CHUNK_SHIFT;
    unsigned bit = (unsigned)(from & (BOSKI_CHUNK_PAGES - 1));
    if (n <= BOSKI_CHUNK_PAGES && (pa.notes[i].pending || sum_max(leaves()[i]) >= n)) {
        size_t page = find_in_chunk(i, bit, n);
        if (page != BOSKI_NO_PAGE) return page;
    }
    flush_pending();
    size_t run = sum_end(leaves()[i]);
    if (run > BOSKI_CHUNK_PAGES - bit) run = BOSKI_CHUNK_PAGES - bit;
    for (unsigned level = pa.levels - 1;; level--) {
        unsigned shift = level_shift(level);
        size_t stop = level == 0 ? pa.root_entries : (i | (FAN - 1)) + 1;
        while (++i < stop) {
            uint64_t s = pa.sum[level][i];
            if (run + sum_start(s) >= n) return (i << shift) - run;
            if (sum_max(s) >= n) return descend(level, i, n);
            run = sum_end(s) == (size_t)1 << shift ? run + sum_end(s) : sum_end(s);
        }
        if (level == 0) return BOSKI_NO_PAGE;
        i = (i - 1) >> FAN_SHIFT;
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
        if (page >= pa.end) return BOSKI_NO_PAGE;
        size_t have = boski_pages_free_after(page, n);
        if (have == n) return page;
        from = page + have + 1;
    }
}

size_t boski_pages_alloc(size_t n, size_t align, size_t *scavenged)
{
    size_t page;

    if (n == 0 || n > pa.free) return BOSKI_NO_PAGE;
    size_t from = pa.hint[n < HINTS ? n : HINTS];
    if (align <= 1) {
        page = find(from, n);
        raise_hints(n, page == BOSKI_NO_PAGE ? pa.end : page + n);
    } else {
        page = find_aligned(from, n, align);
    }
    if (page != BOSKI_NO_PAGE) *scavenged = take(page, n);
    return page;
}

bool boski_pages_alloc_at(size_t page, size_t n, size_t *scavenged)
{
    if (n == 0 || page >= pa.end || n > pa.end - page) return false;
    for (struct cursor k = cursor_at(page, n); k.left > 0; cursor_next(&k)) {
        if ((k.chunk->free[k.word] & k.mask) != k.mask) return false;
    }
    *scavenged = take(page, n);
    return true;
}

size_t boski_pages_free_after(size_t page, size_t limit)
{
    size_t n = 0;

    if (page >= pa.end) return 0;
    if (limit > pa.end - page) limit = pa.end - page;
    while (n < limit) {
        size_t c = page >> CHUNK_SHIFT;
        size_t run, whole; /* whole: what the run is when it does not end here */
        if ((page & (BOSKI_CHUNK_PAGES - 1)) == 0 && !pa.notes[c].pending) {
            whole = BOSKI_CHUNK_PAGES;
            run = sum_start(leaves()[c]);
        } else {
            uint64_t w = ~(pa.chunks[c].free[page >> 6 & (WORDS - 1)] >> (page & 63));
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
    if (pa.end == 0) return 0;
    flush_pending();
    size_t run = 0, i = pa.end >> CHUNK_SHIFT; /* one past the entry to look at */
    for (unsigned level = pa.levels - 1;; level--) {
        size_t stop = level == 0 ? 0 : (i - 1) & ~(size_t)(FAN - 1);
        while (i > stop) {
            size_t end = sum_end(pa.sum[level][--i]);
            run += end;
            if (end < (size_t)1 << level_shift(level)) return pa.end - run;
        }
        if (i == 0) return pa.end - run;
        i >>= FAN_SHIFT;
    }
}

size_t boski_pages_end(void) { return pa.end; }

/* ---- giving back ----------------------------------------------------------------------- */

void boski_pages_free(size_t page, size_t n, bool scavenged)
{
    if (n == 0) return;
    if (page >= pa.end || n > pa.end - page) bosk_fatal("bosk: freeing pages outside the heap");
    for (struct cursor k = cursor_at(page, n); k.left > 0; cursor_next(&k)) {
        if (k.chunk->free[k.word] & k.mask) bosk_fatal("bosk: pages freed twice");
        k.chunk->free[k.word] |= k.mask;
        if (scavenged)
            k.chunk->scav[k.word] |= k.mask;
        else
            dirty_add(k.page >> CHUNK_SHIFT, k.n);
    }
    pa.free += n;
    if (scavenged) pa.scavenged += n;
    bits_changed(page >> CHUNK_SHIFT, (page + n - 1) >> CHUNK_SHIFT);
    lower_hints(page, n);
}

/* Highest chunk at or below `c` that has dirty pages, or SIZE_MAX. */
static size_t highest_dirty_chunk(size_t c)
{
    for (unsigned l = 0; l < pa.dirty_levels; l++) {
        uint64_t w = pa.dirty[l][c >> 6] & bits_between(0, (unsigned)(c & 63) + 1);
        if (w != 0) {
            c = (c & ~(size_t)63) + 63 - (size_t)__builtin_clzll(w);
            while (l-- > 0) c = c * 64 + 63 - (size_t)__builtin_clzll(pa.dirty[l][c]);
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
    const struct chunk *c = &pa.chunks[page >> CHUNK_SHIFT];
    unsigned w = (unsigned)(page >> 6) & (WORDS - 1);
    return c->free[w] & ~c->scav[w];
}

/* Highest dirty page below `below` (which is not 0), or BOSKI_NO_PAGE. */
static size_t highest_dirty_page(size_t below)
{
    for (;;) {
        size_t c = highest_dirty_chunk((below - 1) >> CHUNK_SHIFT);
        if (c == SIZE_MAX) return BOSKI_NO_PAGE;
        size_t first = c << CHUNK_SHIFT;
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
    if (below > pa.end) below = pa.end;
    max_n &= ~(unit - 1);
    below &= ~(unit - 1);
    if (max_n == 0) return false;
    while (below > 0 && pa.free > pa.scavenged) {
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

size_t boski_pages_dirty(void) { return pa.free - pa.scavenged; }
size_t boski_pages_clean(void) { return pa.scavenged; }
size_t boski_pages_inuse(void) { return pa.added - pa.free; }

/* ---- tables ------------------------------------------------------------------------------ */

static size_t table_need(const struct table *t, size_t end_page)
{
    size_t chunks = end_page >> CHUNK_SHIFT;
    size_t entries = (chunks + ((size_t)1 << t->chunks_shift) - 1) >> t->chunks_shift;
    size_t need = (entries * t->entry_bytes + 63) & ~(size_t)63; /* whole groups of 8 summaries */
    return need < t->bytes ? need : t->bytes;
}

size_t boski_pages_metadata_bytes(void)
{
    size_t total = 0;

    for (unsigned i = 0; i < pa.ntables; i++) total += table_need(&pa.tables[i], pa.end);
    return total;
}

/* Makes every table usable for pages below `end_page`.  Tables lie one behind the other and may
 * share a system page: neighbours are committed in one call, and a page committed twice does no
 * harm. */
static bool commit_tables(size_t end_page)
{
    uintptr_t mask = ~(uintptr_t)(boski_os.page - 1), from = 0, to = 0;
    size_t target[MAX_TABLES] = {0};

    for (unsigned i = 0; i < pa.ntables; i++) {
        struct table *t = &pa.tables[i];
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
    for (unsigned i = 0; i < pa.ntables; i++) pa.tables[i].committed = target[i];
    return true;
}

static void table_add(unsigned chunks_shift, size_t entries, size_t entry_bytes)
{
    struct table *t = &pa.tables[pa.ntables++];

    t->chunks_shift = chunks_shift;
    t->entry_bytes = entry_bytes;
    t->bytes = (entries * entry_bytes + 63) & ~(size_t)63;
    t->committed = 0;
    pa.reserved_bytes += t->bytes;
}

static size_t divide_up(size_t n, unsigned shift)
{
    return (n >> shift) + ((n & (((size_t)1 << shift) - 1)) != 0);
}

bool boski_pages_init(size_t max_pages)
{
    size_t chunks = max_pages >> CHUNK_SHIFT;

    if (pa.reserved != NULL) {
        boski_os_unreserve(pa.reserved, pa.reserved_bytes);
        __builtin_memset(&pa, 0, sizeof pa);
    }
    if (chunks == 0) return false;
    pa.max_pages = chunks << CHUNK_SHIFT;

    /* Small tables first, so that those of a small heap share a system page. */
    for (size_t n = chunks; pa.dirty_levels == 0 || n > 1; pa.dirty_levels++) n = divide_up(n, 6);
    for (unsigned l = pa.dirty_levels; l-- > 0;)
        table_add(6 * (l + 1), divide_up(chunks, 6 * (l + 1)), 8);
    for (pa.levels = 1; pa.levels < MAX_LEVELS; pa.levels++) {
        if (divide_up(chunks, FAN_SHIFT * (pa.levels - 1)) <= FAN) break;
    }
    for (unsigned l = 0; l < pa.levels; l++) {
        unsigned shift = FAN_SHIFT * (pa.levels - 1 - l);
        table_add(shift, divide_up(chunks, shift), 8);
    }
    pa.root_entries = divide_up(chunks, FAN_SHIFT * (pa.levels - 1));
    table_add(0, chunks, sizeof(struct chunk_note));
    table_add(0, chunks, sizeof(struct chunk));

    pa.reserved_bytes = (pa.reserved_bytes + boski_os.page - 1) & ~(boski_os.page - 1);
    pa.reserved = boski_os_reserve(pa.reserved_bytes, boski_os.page);
    if (pa.reserved == NULL) {
        __builtin_memset(&pa, 0, sizeof pa);
        return false;
    }
    char *p = pa.reserved;
    for (unsigned i = 0; i < pa.ntables; i++) {
        pa.tables[i].base = p;
        p += pa.tables[i].bytes;
    }
    unsigned t = 0;
    for (unsigned l = pa.dirty_levels; l-- > 0;) pa.dirty[l] = (void *)pa.tables[t++].base;
    for (unsigned l = 0; l < pa.levels; l++) pa.sum[l] = (void *)pa.tables[t++].base;
    pa.notes = (void *)pa.tables[t++].base;
    pa.chunks = (void *)pa.tables[t++].base;
    return true;
}

bool boski_pages_add(size_t page, size_t n)
{
    size_t first = page >> CHUNK_SHIFT, count = n >> CHUNK_SHIFT;

    if (count == 0 || page > pa.max_pages || n > pa.max_pages - page) return false;
    size_t end = page + n > pa.end ? page + n : pa.end;
    if (!commit_tables(end)) return false;
    pa.end = end;
    for (size_t c = first; c < first + count; c++) {
        for (unsigned w = 0; w < WORDS; w++) pa.chunks[c].free[w] = pa.chunks[c].scav[w] = ~0ULL;
        leaves()[c] = pack(BOSKI_CHUNK_PAGES, BOSKI_CHUNK_PAGES, BOSKI_CHUNK_PAGES);
    }
    pa.added += n;
    pa.free += n;
    pa.scavenged += n;
    update_parents(first, first + count - 1);
    lower_hints(page, n);
    return true;
}
