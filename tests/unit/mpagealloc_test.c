/* mpagealloc_test.c - the page allocator against a plain model, at every number of levels. */
#include "bosk_test.h"
#include "heap/mpagealloc.h"
#include "os/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)BOSKI_CHUNK_PAGES)

/* ---- the model: one byte a page, searched page by page ------------------------------------ */

enum state { ABSENT, USED, DIRTY, CLEAN };

/* Pages of the ranges that were added, in address order; a range is followed by a hole. */
struct range {
    size_t page, n;
    unsigned char *state;
};
static struct range ranges[16];
static unsigned nranges;
static size_t model_end;

static unsigned char *model(size_t page)
{
    static unsigned char absent;
    for (unsigned i = 0; i < nranges; i++)
        if (page >= ranges[i].page && page - ranges[i].page < ranges[i].n)
            return &ranges[i].state[page - ranges[i].page];
    absent = ABSENT;
    return &absent;
}

static bool is_free(unsigned char s) { return s >= DIRTY; }

static void model_start(size_t max_pages)
{
    boski_os_init();
    for (unsigned i = 0; i < nranges; i++) free(ranges[i].state);
    nranges = 0;
    model_end = 0;
    CHECK(boski_pages_init(max_pages));
}

static void model_add(size_t page, size_t n)
{
    CHECK(boski_pages_add(page, n));
    if (nranges > 0 && ranges[nranges - 1].page + ranges[nranges - 1].n == page) {
        struct range *r = &ranges[nranges - 1];
        r->state = realloc(r->state, r->n + n);
        memset(r->state + r->n, CLEAN, n);
        r->n += n;
    } else {
        struct range *r = &ranges[nranges++];
        CHECK(nranges <= 16);
        *r = (struct range){page, n, malloc(n)};
        memset(r->state, CLEAN, n);
    }
    if (page + n > model_end) model_end = page + n;
}

/* Lowest run of n free pages with an aligned start. */
static size_t model_find(size_t n, size_t align)
{
    for (unsigned i = 0; i < nranges; i++) {
        const struct range *r = &ranges[i];
        size_t run = 0;
        for (size_t k = 0; k < r->n; k++) {
            if (!is_free(r->state[k])) {
                run = 0;
            } else if (run > 0 || ((r->page + k) & (align - 1)) == 0) {
                if (++run == n) return r->page + k + 1 - n;
            } else {
                continue;
            }
        }
    }
    return BOSKI_NO_PAGE;
}

/* As the contract of boski_pages_take_dirty says. */
static bool model_dirty(size_t below, size_t max_n, size_t unit, size_t *page, size_t *n)
{
    max_n -= max_n % unit;
    if (max_n == 0) return false;
    for (unsigned i = nranges; i-- > 0;) {
        const struct range *r = &ranges[i];
        if (below <= r->page) continue;
        size_t k = below - r->page < r->n ? below - r->page : r->n, units = 0;
        k -= k % unit; /* ranges begin at multiples of a chunk */
        for (; k > 0 && units * unit < max_n; k -= unit) {
            bool whole = true;
            for (size_t j = k - unit; j < k; j++) whole &= r->state[j] == DIRTY;
            if (whole)
                units++;
            else if (units > 0)
                break;
        }
        if (units > 0) {
            *page = r->page + k;
            *n = units * unit;
            return true;
        }
    }
    return false;
}

static size_t model_tail(void)
{
    size_t page = model_end;
    while (page > 0 && is_free(*model(page - 1))) page--;
    return page;
}

static void model_totals(void)
{
    size_t used = 0, dirty = 0, clean = 0;
    for (unsigned i = 0; i < nranges; i++) {
        for (size_t k = 0; k < ranges[i].n; k++) {
            used += ranges[i].state[k] == USED;
            dirty += ranges[i].state[k] == DIRTY;
            clean += ranges[i].state[k] == CLEAN;
        }
    }
    CHECK_EQ(boski_pages_inuse(), used);
    CHECK_EQ(boski_pages_dirty(), dirty);
    CHECK_EQ(boski_pages_clean(), clean);
    CHECK_EQ(boski_pages_end(), model_end);
}

/* Books [page, page+n) as taken and checks the count of scavenged pages. */
static void model_take(size_t page, size_t n, size_t scavenged)
{
    size_t clean = 0;
    unsigned char *s = model(page);
    CHECK(n <= 1 || model(page + n - 1) == s + n - 1);
    for (size_t i = 0; i < n; i++) {
        CHECK_MSG(is_free(s[i]), "page %zu", page + i);
        clean += s[i] == CLEAN;
        s[i] = USED;
    }
    CHECK_EQ(scavenged, clean);
}

static void model_free(size_t page, size_t n, bool scavenged)
{
    memset(model(page), scavenged ? CLEAN : DIRTY, n);
    boski_pages_free(page, n, scavenged);
}

/* ---- random operations ---- */

struct block {
    size_t page, n;
};
#define BLOCKS 4096
static struct block blocks[BLOCKS];
static size_t nblocks;

static size_t pick(uint64_t *rng, size_t n) { return (size_t)(bosk_test_random(rng) % n); }

/* Mostly small, sometimes longer than a word, a chunk or several chunks. */
static size_t random_length(uint64_t *rng)
{
    switch (pick(rng, 16)) {
    case 0: return 1 + pick(rng, 130);
    case 1: return 1 + pick(rng, 700);
    case 2: return pick(rng, 8) == 0 ? 1 + pick(rng, 2600) : 1;
    default: return 1 + pick(rng, 20);
    }
}

static void keep(uint64_t *rng, size_t page, size_t n)
{
    if (nblocks == BLOCKS) {
        size_t i = pick(rng, BLOCKS);
        model_free(blocks[i].page, blocks[i].n, pick(rng, 4) == 0);
        blocks[i] = blocks[--nblocks];
    }
    blocks[nblocks++] = (struct block){page, n};
}

static void random_alloc(uint64_t *rng)
{
    size_t n = random_length(rng), scavenged = SIZE_MAX;
    size_t align = pick(rng, 8) == 0 ? (size_t)1 << pick(rng, 11) : 1;
    size_t expect = model_find(n, align);
    size_t page = boski_pages_alloc(n, align, &scavenged);

    if (align == 1) CHECK_MSG(page == expect, "n %zu: got %zu, not %zu", n, page, expect);
    CHECK((page == BOSKI_NO_PAGE) == (expect == BOSKI_NO_PAGE));
    if (page == BOSKI_NO_PAGE) return;
    CHECK(page >= expect && (page & (align - 1)) == 0);
    model_take(page, n, scavenged);
    keep(rng, page, n);
}

static void random_free(uint64_t *rng)
{
    if (nblocks == 0) return;
    size_t i = pick(rng, nblocks);
    struct block *b = &blocks[i];
    if (b->n > 1 && pick(rng, 4) == 0) { /* only the tail, as realloc does */
        size_t left = 1 + pick(rng, b->n - 1);
        model_free(b->page + left, b->n - left, false);
        b->n = left;
        return;
    }
    model_free(b->page, b->n, pick(rng, 4) == 0);
    *b = blocks[--nblocks];
}

static void random_grow(uint64_t *rng)
{
    if (nblocks == 0) return;
    struct block *b = &blocks[pick(rng, nblocks)];
    size_t n = random_length(rng), scavenged = SIZE_MAX, run = 0, at = b->page + b->n;
    size_t limit = pick(rng, 3) == 0 ? 3000 : n;

    while (run < limit && is_free(*model(at + run))) run++;
    CHECK_EQ(boski_pages_free_after(at, limit), run);
    bool ok = boski_pages_alloc_at(at, n, &scavenged);
    size_t have = 0;
    while (have < n && is_free(*model(at + have))) have++;
    CHECK(ok == (have == n));
    if (!ok) return;
    model_take(at, n, scavenged);
    b->n += n;
}

static void random_release(uint64_t *rng)
{
    size_t page = 0, n = 0, expect_page = 0, expect_n = 0;
    size_t unit = (size_t)1 << pick(rng, 4);
    size_t max_n = pick(rng, 4) == 0 ? SIZE_MAX : 1 + pick(rng, 1200);
    size_t below = pick(rng, 2) == 0 ? SIZE_MAX : 1 + pick(rng, model_end);
    bool expect = model_dirty(below, max_n, unit, &expect_page, &expect_n);

    CHECK(boski_pages_take_dirty(below, max_n, unit, &page, &n) == expect);
    if (!expect) return;
    CHECK_EQ(page, expect_page);
    CHECK_EQ(n, expect_n);
    memset(model(page), USED, n);
    if (pick(rng, 4) == 0) model_totals();
    model_free(page, n, pick(rng, 8) != 0);
}

/* `n` operations at about `percent` occupancy, which drifts up and down. */
static void random_operations(uint64_t n, uint64_t *rng)
{
    unsigned lean = 50;

    for (uint64_t i = 0; i < n; i++) {
        if (i % 1024 == 0) {
            model_totals();
            CHECK_EQ(boski_pages_tail(), model_tail());
            lean = 35 + (unsigned)pick(rng, 30);
        }
        unsigned what = (unsigned)pick(rng, 128);
        if (what < 8)
            random_release(rng);
        else if (what < 16)
            random_grow(rng);
        else if (what < 17)
            CHECK_EQ(boski_pages_tail(), model_tail());
        else if (what < 17 + lean * 111 / 100)
            random_alloc(rng);
        else
            random_free(rng);
    }
    while (nblocks > 0) random_free(rng);
    model_totals();
    CHECK_EQ(boski_pages_inuse(), 0);
    CHECK_EQ(boski_pages_tail(), model_tail());
}

static void run_random(const char *name, uint64_t share)
{
    uint64_t seed = bosk_test_seed(), rng = seed ^ share, n = bosk_test_budget(share);
    fprintf(stderr, "%s: %llu operations, seed %llu\n", name, (unsigned long long)n,
            (unsigned long long)seed);
    random_operations(n, &rng);
}

/* One level. */
TEST(mpagealloc, random_small)
{
    model_start(4 * CHUNK);
    model_add(0, 4 * CHUNK);
    run_random("one level", 400000);
}

/* Two levels, grown bit by bit: hints and tail must follow. */
TEST(mpagealloc, random_growing)
{
    uint64_t rng = bosk_test_seed() ^ 77;
    model_start(24 * CHUNK);
    for (size_t at = 0; at < 24; at += 3) {
        model_add(at * CHUNK, 3 * CHUNK);
        random_operations(bosk_test_budget(30000), &rng);
    }
}

/* Five levels with holes between the ranges, which no run may cross. */
TEST(mpagealloc, random_sparse)
{
    static const size_t first[] = {0, 7, 9, 63, 500, 511, 4096, 16383};
    model_start(16384 * CHUNK);
    for (unsigned i = 0; i < sizeof first / sizeof first[0]; i++)
        model_add(first[i] * CHUNK, (i & 1 ? 1 : 2) * CHUNK);
    run_random("five levels, holes", 400000);
}

/* ---- one by one ---- */

static size_t alloc(size_t n, size_t align)
{
    size_t scavenged;
    return boski_pages_alloc(n, align, &scavenged);
}

TEST(mpagealloc, empty)
{
    size_t page, n, scavenged;
    model_start(64 * CHUNK);
    CHECK(boski_pages_end() == 0 && boski_pages_tail() == 0 && boski_pages_inuse() == 0);
    CHECK(alloc(1, 1) == BOSKI_NO_PAGE && alloc(0, 1) == BOSKI_NO_PAGE);
    CHECK(!boski_pages_alloc_at(0, 1, &scavenged));
    CHECK(boski_pages_free_after(0, 10) == 0);
    CHECK(!boski_pages_take_dirty(SIZE_MAX, SIZE_MAX, 1, &page, &n));
    CHECK(!boski_pages_add(64 * CHUNK, CHUNK) && !boski_pages_add(0, 65 * CHUNK));
    CHECK(!boski_pages_add(0, 0));
}

TEST(mpagealloc, ends_of_the_tables)
{
    size_t scavenged;
    model_start(9 * CHUNK); /* the last group of summaries is not full */
    model_add(0, 9 * CHUNK);
    CHECK(boski_pages_tail() == 0);
    CHECK(!boski_pages_alloc_at(9 * CHUNK - 1, 2, &scavenged));
    CHECK(boski_pages_alloc_at(9 * CHUNK - 1, 1, &scavenged) && scavenged == 1);
    CHECK(boski_pages_tail() == boski_pages_end());
    CHECK(alloc(9 * CHUNK, 1) == BOSKI_NO_PAGE);
    CHECK(alloc(9 * CHUNK - 1, 1) == 0);
    CHECK(alloc(1, 1) == BOSKI_NO_PAGE);
    boski_pages_free(9 * CHUNK - 1, 1, false);
    CHECK(boski_pages_tail() == 9 * CHUNK - 1);
    CHECK(alloc(1, 1) == 9 * CHUNK - 1);
}

/* Only address space with room for it; nothing of it is touched but the tables. */
TEST(mpagealloc, longer_than_a_root_entry)
{
    size_t root = (size_t)1 << 21, scavenged;
    if (sizeof(void *) == 4) SKIP("a root entry covers more than the address space");
    model_start(64 * root);
    CHECK(boski_pages_add(0, 3 * root));
    CHECK(boski_pages_free_after(5, 3 * root) == 3 * root - 5);
    CHECK(boski_pages_alloc(2 * root + 5, 1, &scavenged) == 0 && scavenged == 2 * root + 5);
    CHECK(boski_pages_tail() == 2 * root + 5);
    CHECK(alloc(root, 1) == BOSKI_NO_PAGE);
    boski_pages_free(1, 2 * root + 4, true);
    CHECK(boski_pages_tail() == 1);
    CHECK(alloc(3 * root, 1) == BOSKI_NO_PAGE);
    CHECK(alloc(root, root) == root);
    boski_pages_free(root, root, false);
    CHECK(alloc(3 * root - 1, 1) == 1);
    CHECK(boski_pages_inuse() == 3 * root && boski_pages_dirty() == 0);
    boski_pages_free(0, 3 * root, false);
    CHECK(boski_pages_dirty() == 3 * root);
    size_t page, n;
    CHECK(boski_pages_take_dirty(SIZE_MAX, SIZE_MAX, 1, &page, &n) && page == 0 && n == 3 * root);
}

TEST(mpagealloc, alignment)
{
    model_start(64 * CHUNK);
    model_add(0, 64 * CHUNK);
    CHECK(alloc(1, 1) == 0);
    for (size_t align = 1; align <= 32 * CHUNK; align *= 2) {
        size_t page = alloc(3, align);
        CHECK_EQ(page, align);
        boski_pages_free(page, 3, true);
    }
    CHECK(alloc(1, 64 * CHUNK) == BOSKI_NO_PAGE); /* page 0 is taken */
    CHECK(alloc(64 * CHUNK, 1) == BOSKI_NO_PAGE);
    /* Exactly lowest while candidates are few. */
    CHECK(alloc(5, 1) == 1);
    boski_pages_free(3, 2, false); /* 3, 4 */
    CHECK(alloc(2, 4) == 8);
    CHECK(alloc(1, 4) == 4);
    CHECK(alloc(32 * CHUNK, 32 * CHUNK) == 32 * CHUNK);
    CHECK(alloc(32 * CHUNK, 32 * CHUNK) == BOSKI_NO_PAGE);
}

/* Thousands of runs that all miss the alignment, and one high up that has it. */
TEST(mpagealloc, alignment_among_many_misfits)
{
    size_t scavenged;
    model_start(64 * CHUNK);
    model_add(0, 64 * CHUNK);
    CHECK(boski_pages_alloc_at(0, 60 * CHUNK, &scavenged));
    for (size_t p = 1; p + 4 < 60 * CHUNK; p += 4) boski_pages_free(p, 2, false);
    CHECK(alloc(2, 2) == 60 * CHUNK);
    boski_pages_free(60 * CHUNK, 2, false);
    CHECK(boski_pages_alloc_at(60 * CHUNK, 4 * CHUNK, &scavenged) && scavenged == 4 * CHUNK - 2);
    CHECK(alloc(2, 2) == BOSKI_NO_PAGE);
    boski_pages_free(62 * CHUNK, 2, false); /* no room for 2 + 2 - 1 pages anywhere */
    CHECK(alloc(2, 2) == 62 * CHUNK);
}

TEST(mpagealloc, commits_tables_as_it_grows)
{
    size_t before;
    if (sizeof(void *) == 4) SKIP("tables of a 32-bit heap are committed at once");
    model_start((size_t)1 << 25);
    model_add(0, CHUNK);
    before = boski_pages_metadata_bytes();
    CHECK(before > 0 && before < 4096);
    CHECK(boski_pages_add(CHUNK, 8191 * CHUNK));
    CHECK(boski_pages_metadata_bytes() > 8192 * (128 + 8 + 4));
    CHECK(boski_pages_metadata_bytes() < 8192 * (128 + 8 + 4) * 5 / 4);
}

TEST_OOM(mpagealloc, failed_init_and_add_change_nothing)
{
    boski_os_init();
    if (!boski_pages_init(4096 * CHUNK)) {
        CHECK(boski_pages_end() == 0 && alloc(1, 1) == BOSKI_NO_PAGE);
        return;
    }
    if (boski_pages_add(0, 2 * CHUNK)) CHECK(boski_pages_end() == 2 * CHUNK);
    size_t end = boski_pages_end(), clean = boski_pages_clean();
    CHECK(end == clean);
    if (!boski_pages_add(2048 * CHUNK, 2048 * CHUNK)) {
        CHECK(boski_pages_end() == end && boski_pages_clean() == clean);
        CHECK(alloc(3 * CHUNK, 1) == BOSKI_NO_PAGE);
        CHECK(boski_pages_add(2048 * CHUNK, 2048 * CHUNK)); /* only one call fails */
    }
    CHECK(alloc(2048 * CHUNK, 1) == 2048 * CHUNK);
}

TEST_PANICS(mpagealloc, double_free, "fatal error: bosk: pages freed twice")
{
    model_start(4 * CHUNK);
    model_add(0, 4 * CHUNK);
    size_t page = alloc(4, 1);
    boski_pages_free(page, 2, false);
    boski_pages_free(page, 4, false);
}

TEST_PANICS(mpagealloc, free_outside, "fatal error: bosk: freeing pages outside the heap")
{
    model_start(4 * CHUNK);
    model_add(0, 2 * CHUNK);
    CHECK(alloc(2 * CHUNK, 1) == 0);
    boski_pages_free(2 * CHUNK - 1, 2, false);
}

/* Chunks that were taken out of the heap are as if never added, and may be added again. */
TEST(mpagealloc, removed_chunks_are_absent)
{
    size_t scavenged;
    model_start(16 * CHUNK);
    model_add(0, 8 * CHUNK);
    CHECK(boski_pages_alloc_at(2 * CHUNK + 7, 1, &scavenged));
    CHECK(!boski_pages_remove(2 * CHUNK, CHUNK)); /* a page of it is in use */
    CHECK(boski_pages_clean() == 8 * CHUNK - 1 && boski_pages_inuse() == 1);
    CHECK(boski_pages_alloc_at(3 * CHUNK, 5, &scavenged));
    boski_pages_free(3 * CHUNK, 5, false);
    CHECK(boski_pages_dirty() == 5);
    CHECK(boski_pages_remove(3 * CHUNK, CHUNK) && boski_pages_remove(5 * CHUNK, CHUNK));
    CHECK(boski_pages_dirty() == 0 && boski_pages_clean() == 6 * CHUNK - 1);
    CHECK(boski_pages_inuse() == 1);
    CHECK(!boski_pages_remove(3 * CHUNK, CHUNK));
    CHECK(!boski_pages_alloc_at(3 * CHUNK, 1, &scavenged));
    CHECK(boski_pages_free_after(4 * CHUNK, 8 * CHUNK) == CHUNK);
    CHECK(alloc(2 * CHUNK + 8, 1) == BOSKI_NO_PAGE);
    CHECK(alloc(2 * CHUNK, CHUNK) == 0);
    CHECK(boski_pages_add(3 * CHUNK, CHUNK));
    CHECK(alloc(2 * CHUNK, CHUNK) == 3 * CHUNK);
    CHECK(boski_pages_add(5 * CHUNK, CHUNK));
    CHECK(alloc(3 * CHUNK, CHUNK) == 5 * CHUNK);
}

/* A free page low down must not make requests for more than it holds slow: the hint of their length
 * is past it. Asserted through the answer, and through time with a wide margin. */
TEST(mpagealloc, stray_pages_do_not_slow_the_search)
{
    size_t scavenged;
    model_start(512 * CHUNK);
    model_add(0, 512 * CHUNK);
    CHECK(boski_pages_alloc_at(0, 300 * CHUNK, &scavenged));
    for (size_t p = 0; p < 300 * CHUNK; p += 8) boski_pages_free(p, 3, false);
    uint64_t start = boski_os_now_ns();
    for (size_t i = 0; i < 10000; i++) CHECK(alloc(4, 1) == 300 * CHUNK + 4 * i);
    uint64_t ns = (boski_os_now_ns() - start) / 10000;
    CHECK_MSG(ns < 5000, "%llu ns a request", (unsigned long long)ns);
    for (size_t i = 0; i < 300 * CHUNK / 8; i++) CHECK(alloc(3, 1) == 8 * i);
}
