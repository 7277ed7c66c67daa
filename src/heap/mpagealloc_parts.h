/* mpagealloc_parts.h - what the files of the page allocator share, and nobody else needs.
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
 */
#ifndef BOSKI_MPAGEALLOC_PARTS_H
#define BOSKI_MPAGEALLOC_PARTS_H

#include "heap/mpagealloc.h"
#include "os/os.h"

#include <bosk/base.h>

#define BOSKI_CHUNK_SHIFT 9
#define BOSKI_WORDS 8u    /* 64-bit words in a chunk's bitmap */
#define BOSKI_FAN_SHIFT 3 /* a summary has 8 children */
#define BOSKI_FAN 8u
#define BOSKI_FIELD_BITS 21 /* of a summary: counts up to 2^21 - 1 pages */
#define BOSKI_MAX_LEVELS 5  /* the root entry of the fifth covers 2^21 pages */
#define BOSKI_MAX_DIRTY_LEVELS 8
#define BOSKI_HINTS 16u
#define BOSKI_PENDING 16u
#define BOSKI_MAX_TABLES (BOSKI_MAX_LEVELS + BOSKI_MAX_DIRTY_LEVELS + 2)

struct boski_chunk {
    uint64_t free[BOSKI_WORDS];
    uint64_t scav[BOSKI_WORDS];
};

struct boski_chunk_note {
    uint16_t dirty;   /* pages free but not scavenged */
    uint16_t pending; /* in boski_pa.pending: the leaf is out of date */
};

struct boski_pa_table {
    char *base;
    size_t bytes;     /* reserved */
    size_t committed; /* bytes at the start that may be touched */
    size_t entry_bytes;
    unsigned chunks_shift; /* one entry serves 2^chunks_shift chunks */
};

struct boski_pa {
    size_t max_pages;
    size_t end;       /* one past the highest page ever added */
    size_t added;     /* pages ever added */
    size_t free;      /* of these, free */
    size_t scavenged; /* of these, scavenged */
    struct boski_chunk *chunks;
    struct boski_chunk_note *notes;
    unsigned levels;
    size_t root_entries;
    uint64_t *sum[BOSKI_MAX_LEVELS]; /* [0] is the root, [levels-1] the leaves */
    unsigned dirty_levels;
    uint64_t *dirty[BOSKI_MAX_DIRTY_LEVELS]; /* [0]: a bit a chunk; above: a bit a word below */
    size_t hint[BOSKI_HINTS + 1];
    uint32_t pending[BOSKI_PENDING];
    unsigned npending;
    struct boski_pa_table tables[BOSKI_MAX_TABLES];
    unsigned ntables;
    void *reserved; /* all tables */
    size_t reserved_bytes;
};
extern struct boski_pa boski_pa __attribute__((visibility("hidden")));

/* All fields are 2^21 in the one summary whose bit 63 is set; all are smaller in the others. */
static inline uint64_t boski_sum_pack(size_t start, size_t max, size_t end)
{
    if (max == (size_t)1 << BOSKI_FIELD_BITS) return (uint64_t)1 << 63;
    return (uint64_t)start | (uint64_t)max << BOSKI_FIELD_BITS |
           (uint64_t)end << 2 * BOSKI_FIELD_BITS;
}

static inline size_t boski_sum_field(uint64_t s, unsigned shift)
{
    return (size_t)((s >> shift & (((uint64_t)1 << BOSKI_FIELD_BITS) - 1)) |
                    s >> 63 << BOSKI_FIELD_BITS);
}

static inline size_t boski_sum_start(uint64_t s) { return boski_sum_field(s, 0); }
static inline size_t boski_sum_max(uint64_t s) { return boski_sum_field(s, BOSKI_FIELD_BITS); }
/* Bit 63 is outside of the third field: 3 * 21 = 63. */
static inline size_t boski_sum_end(uint64_t s) { return boski_sum_field(s, 2 * BOSKI_FIELD_BITS); }

/* log2 of the pages one entry of `level` covers. */
static inline unsigned boski_sum_shift(unsigned level)
{
    return BOSKI_CHUNK_SHIFT + BOSKI_FAN_SHIFT * (boski_pa.levels - 1 - level);
}

static inline uint64_t *boski_sum_leaves(void) { return boski_pa.sum[boski_pa.levels - 1]; }

/* Carries changed leaves [lo, hi] up until nothing changes. */
void boski_sum_parents(size_t lo, size_t hi);
/* Brings the leaves of pending chunks up to date. */
void boski_sum_flush(void);
/* Computes the leaves of the chunks [first, last] and what is above them. */
void boski_sum_recompute(size_t first, size_t last);

/* Bits of the chunks [first, last] have changed. */
static inline void boski_sum_changed(size_t first, size_t last)
{
    if (first == last) {
        if (boski_pa.notes[first].pending) return;
        if (boski_pa.npending == BOSKI_PENDING) boski_sum_flush();
        boski_pa.pending[boski_pa.npending++] = (uint32_t)first;
        boski_pa.notes[first].pending = 1;
        return;
    }
    boski_sum_recompute(first, last);
}

/* Pages [page, page+n) have become free: keeps the promise of the hints. */
void boski_hints_lower(size_t page, size_t n);

#endif /* BOSKI_MPAGEALLOC_PARTS_H */
