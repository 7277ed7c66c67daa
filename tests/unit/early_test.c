/* early_test.c - calls that come before the heap's own constructor, as from the dynamic loader.
 *
 * Each entry point is the first one in some process: none may rely on another having been called.
 */
#include "heap_support.h"

static void *early_block;
static const char *early_error;

#define EARLY_CHECK(condition)                      \
    do {                                            \
        if (!(condition)) early_error = #condition; \
    } while (0)

static bool nothing(void *ctx, const struct bosk_span_info *span, void *block, size_t bytes)
{
    (void)ctx, (void)span, (void)block, (void)bytes;
    return true;
}

/* 101 is the first priority a program may use: before constructors without one. */
__attribute__((constructor(101))) static void first_call(void)
{
    static const bosk_type triple = {.size = 24, .align = 8, .noscan = true, .name = "triple"};
    const char *text = getenv("BOSK_TEST_FIRST");
    void *start;
    size_t bytes;
    if (!text) return;
    if (strcmp(text, "malloc") == 0) {
        early_block = bosk_malloc(100);
        EARLY_CHECK(early_block != NULL);
    } else if (strcmp(text, "calloc") == 0) {
        early_block = bosk_calloc(10, 10);
        EARLY_CHECK(early_block != NULL && first_nonzero(early_block, 100) == 100);
    } else if (strcmp(text, "realloc") == 0) {
        early_block = bosk_realloc(NULL, 100);
        EARLY_CHECK(early_block != NULL);
    } else if (strcmp(text, "aligned") == 0) {
        /* of a size whose own class is not aligned so much */
        early_block = bosk_aligned_alloc(256, 2560);
        EARLY_CHECK(early_block != NULL && (uintptr_t)early_block % 256 == 0);
    } else if (strcmp(text, "medium") == 0) {
        early_block = bosk_malloc(5000);
        EARLY_CHECK(early_block != NULL);
    } else if (strcmp(text, "large") == 0) {
        early_block = bosk_malloc(5 * MIB);
        EARLY_CHECK(early_block != NULL);
    } else if (strcmp(text, "free_null") == 0) {
        bosk_free(NULL);
    } else if (strcmp(text, "trim") == 0) {
        bosk_trim(0);
    } else if (strcmp(text, "stats") == 0) {
        EARLY_CHECK(stats_now().live == 0);
    } else if (strcmp(text, "heap") == 0) {
        bosk_heap *h = bosk_heap_new(0);
        EARLY_CHECK(h != NULL);
        bosk_heap_destroy(h);
    } else if (strcmp(text, "home") == 0) {
        bosk_home_push((bosk_home){BOSK_HOME_ROOT, NULL});
        EARLY_CHECK(bosk_home_current().kind == BOSK_HOME_ROOT);
        bosk_home_pop();
    } else if (strcmp(text, "label") == 0) {
        bosk_label_push("early");
        bosk_label_pop();
    } else if (strcmp(text, "walk") == 0) {
        EARLY_CHECK(bosk_heap_walk(NULL, BOSK_WALK_BLOCKS, nothing, NULL) == 0);
    } else if (strcmp(text, "find") == 0) {
        EARLY_CHECK(!bosk_find_block(&text, &start, &bytes));
    } else if (strcmp(text, "alloc_in") == 0) {
        early_block = bosk_alloc_in((bosk_home){BOSK_HOME_MANUAL, NULL}, &triple, 100, true);
        EARLY_CHECK(early_block != NULL && first_nonzero(early_block, 2400) == 2400);
    } else if (strcmp(text, "alloc_24") == 0) {
        early_block = bosk_alloc_in((bosk_home){BOSK_HOME_MANUAL, NULL}, &triple, 1, true);
        EARLY_CHECK(early_block != NULL && first_nonzero(early_block, 24) == 24);
    } else if (strcmp(text, "usable") == 0) {
        EARLY_CHECK(bosk_usable_size(NULL) == 0);
    } else if (strcmp(text, "hint") == 0) {
        bosk_load_hint(BOSK_LOAD_BUSY);
        EARLY_CHECK(bosk_pressure_poll() <= BOSK_PRESSURE_HIGH);
    } else {
        early_error = "no such first call";
    }
}

/* The block still stands, and the heap works. */
static void went_well(void)
{
    CHECK_MSG(early_error == NULL, "%s", early_error);
    CHECK(getenv("BOSK_TEST_FIRST") != NULL);
    bosk_free(early_block);
    for (size_t size = 1; size < 10 * MIB; size *= 2) {
        void *p = get(size);
        fill(p, size, size);
        CHECK_FILL(p, size, size);
        bosk_free(p);
    }
    CHECK_EQ(stats_exact().live, take_census(NULL).block_bytes);
}

TEST_ENV(early, malloc_first, "BOSK_TEST_FIRST=malloc") { went_well(); }
TEST_ENV(early, calloc_first, "BOSK_TEST_FIRST=calloc") { went_well(); }
TEST_ENV(early, realloc_first, "BOSK_TEST_FIRST=realloc") { went_well(); }
TEST_ENV(early, aligned_first, "BOSK_TEST_FIRST=aligned") { went_well(); }
TEST_ENV(early, medium_first, "BOSK_TEST_FIRST=medium") { went_well(); }
TEST_ENV(early, large_first, "BOSK_TEST_FIRST=large") { went_well(); }
TEST_ENV(early, free_null_first, "BOSK_TEST_FIRST=free_null") { went_well(); }
TEST_ENV(early, trim_first, "BOSK_TEST_FIRST=trim") { went_well(); }
TEST_ENV(early, stats_first, "BOSK_TEST_FIRST=stats") { went_well(); }
TEST_ENV(early, heap_first, "BOSK_TEST_FIRST=heap") { went_well(); }
TEST_ENV(early, home_first, "BOSK_TEST_FIRST=home") { went_well(); }
TEST_ENV(early, label_first, "BOSK_TEST_FIRST=label") { went_well(); }
TEST_ENV(early, walk_first, "BOSK_TEST_FIRST=walk") { went_well(); }
TEST_ENV(early, find_first, "BOSK_TEST_FIRST=find") { went_well(); }
TEST_ENV(early, alloc_in_first, "BOSK_TEST_FIRST=alloc_in") { went_well(); }
TEST_ENV(early, alloc_24_first, "BOSK_TEST_FIRST=alloc_24") { went_well(); }
TEST_ENV(early, usable_first, "BOSK_TEST_FIRST=usable") { went_well(); }
TEST_ENV(early, hint_first, "BOSK_TEST_FIRST=hint") { went_well(); }
