/* mpagesum.c - the radix summaries of the page bitmaps.
 *
 * Go counterpart: runtime/mpallocbits.go, mpagealloc.go (1.22).  We differ in the pending list.
 */
#include "mpagealloc_parts.h"

/* Longest run inside a word of the eight.  All words take each step together: there is one branch a
 * step instead of several badly predicted ones a word. */
static size_t longest_in_words(const uint64_t *words)
{
    uint64_t runs[6][BOSKI_WORDS], cur[BOSKI_WORDS], longer[BOSKI_WORDS],
        any = 0; /* runs[k]: of 2^k at least */
    unsigned k = 0;

    for (unsigned i = 0; i < BOSKI_WORDS; i++) any |= cur[i] = runs[0][i] = words[i];
    if (any == 0) return 0;
    for (; k < 5; k++) {
        any = 0;
        for (unsigned i = 0; i < BOSKI_WORDS; i++) {
            longer[i] = cur[i] & cur[i] >> (1u << k);
            any |= longer[i];
        }
        if (any == 0) break;
        for (unsigned i = 0; i < BOSKI_WORDS; i++) cur[i] = runs[k + 1][i] = longer[i];
    }
    unsigned len = 1u << k;
    while (k-- > 0) {
        any = 0;
        for (unsigned i = 0; i < BOSKI_WORDS; i++) {
            longer[i] = cur[i] & runs[k][i] >> len;
            any |= longer[i];
        }
        if (any == 0) continue;
        for (unsigned i = 0; i < BOSKI_WORDS; i++) cur[i] = longer[i];
        len += 1u << k;
    }
    return len;
}

static uint64_t summarise(const struct boski_chunk *c)
{
    size_t start = 0, max = 0, run = 0; /* run: free pages just below the word at hand */
    bool broken = false;                /* a page in use was seen */

    for (unsigned i = 0; i < BOSKI_WORDS; i++) {
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
    if (!broken) return boski_sum_pack(BOSKI_CHUNK_PAGES, BOSKI_CHUNK_PAGES, BOSKI_CHUNK_PAGES);
    if (run > max) max = run;
    if (max < 62) { /* else none that touches no end of its word is longer */
        size_t inside = longest_in_words(c->free);
        if (inside > max) max = inside;
    }
    return boski_sum_pack(start, max, run);
}

/* Merges 8 neighbours that cover 2^shift pages each. */
static uint64_t merge(const uint64_t *child, unsigned shift)
{
    size_t start = 0, max = 0, end = 0, len = (size_t)1 << shift;

    for (size_t i = 0; i < BOSKI_FAN; i++) {
        uint64_t s = child[i];
        size_t low = boski_sum_start(s), longest = boski_sum_max(s);
        if (start == i << shift) start += low;
        if (end + low > longest) longest = end + low;
        if (longest > max) max = longest;
        end = low == len ? end + len : boski_sum_end(s);
    }
    return boski_sum_pack(start, max, end);
}

void boski_sum_parents(size_t lo, size_t hi)
{
    for (unsigned level = boski_pa.levels - 1; level > 0; level--) {
        bool changed = false;
        unsigned shift = boski_sum_shift(level);
        lo >>= BOSKI_FAN_SHIFT;
        hi >>= BOSKI_FAN_SHIFT;
        for (size_t i = lo; i <= hi; i++) {
            uint64_t s = merge(boski_pa.sum[level] + i * BOSKI_FAN, shift);
            changed |= boski_pa.sum[level - 1][i] != s;
            boski_pa.sum[level - 1][i] = s;
        }
        if (!changed) return;
    }
}

void boski_sum_flush(void)
{
    for (unsigned i = 0; i < boski_pa.npending; i++) {
        size_t c = boski_pa.pending[i];
        uint64_t s = summarise(&boski_pa.chunks[c]);
        boski_pa.notes[c].pending = 0;
        if (boski_sum_leaves()[c] == s) continue;
        boski_sum_leaves()[c] = s;
        boski_sum_parents(c, c);
    }
    boski_pa.npending = 0;
}

void boski_sum_recompute(size_t first, size_t last)
{
    for (size_t c = first; c <= last; c++) boski_sum_leaves()[c] = summarise(&boski_pa.chunks[c]);
    boski_sum_parents(first, last);
}
