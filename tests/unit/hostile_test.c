/* hostile_test.c - wrong frees: each ends the process with a message that names the block. */
#include "../../src/os/os.h"
#include "heap_support.h"

#include <pthread.h>

#define CHECKED "BOSK_CONF=check=1"
#define INVALID "free(): invalid pointer 0x"
#define DOUBLE "free(): double free 0x"

/* Several sizes share one body; the block is the one of `size` bytes. */
static void free_twice(size_t size)
{
    void *p = get(size), *neighbour = get(size);
    bosk_free(p);
    bosk_free(launder(p));
    bosk_free(neighbour);
}

TEST_PANICS_ENV(hostile, double_free_16, DOUBLE, CHECKED) { free_twice(16); }
TEST_PANICS_ENV(hostile, double_free_100, DOUBLE, CHECKED) { free_twice(100); }
TEST_PANICS_ENV(hostile, double_free_5000, DOUBLE, CHECKED) { free_twice(5000); }
TEST_PANICS_ENV(hostile, double_free_32768, DOUBLE, CHECKED) { free_twice(32768); }
TEST_PANICS_ENV(hostile, double_free_large, "free(): ", CHECKED) { free_twice(100000); }
TEST_PANICS_ENV(hostile, double_free_huge, "free(): ", CHECKED) { free_twice(40 * MIB); }
TEST_PANICS(hostile, double_free_large_unchecked, "free(): ") { free_twice(100000); }

/* Without check=1 it is found when the cache of the freeing thread is flushed. */
static void free_twice_and_flush(size_t size)
{
    void *p[40];
    for (size_t i = 0; i < COUNT_OF(p); i++) p[i] = get(size);
    for (size_t i = 0; i < COUNT_OF(p); i++) bosk_free(p[i]);
    bosk_free(launder(p[7]));
    bosk_trim(SIZE_MAX);
}
TEST_PANICS(hostile, double_free_found_at_flush_16, DOUBLE) { free_twice_and_flush(16); }
TEST_PANICS(hostile, double_free_found_at_flush_100, DOUBLE) { free_twice_and_flush(100); }
TEST_PANICS(hostile, double_free_found_at_flush_1024, DOUBLE) { free_twice_and_flush(1024); }
/* Here the span may be free as a whole by then: the message can only say that it is no block. */
TEST_PANICS(hostile, double_free_found_at_flush_20000, "free(): ") { free_twice_and_flush(20000); }

static void *end_after_double_free(void *arg)
{
    bosk_free(arg);
    bosk_free(launder(arg));
    return NULL;
}
TEST_PANICS(hostile, double_free_found_at_the_end_of_a_thread, DOUBLE)
{
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, end_after_double_free, get(100)), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    bosk_trim(0); /* caches of ended threads wait for the next thread, a tick or a trim */
}

/* The message must name the very block. */
static void *named;
static void free_named_twice(void)
{
    bosk_free(named);
    bosk_free(launder(named));
}
TEST_ENV(hostile, message_names_the_block, CHECKED)
{
    char text[1024], hex[40];
    named = get(100);
    snprintf(hex, sizeof hex, "%p", named);
    bosk_test_capture(free_named_twice, text, sizeof text);
    CHECK_MSG(strstr(text, hex) != NULL, "no %s in %s", hex, text);
    CHECK(strstr(text, "fatal error: free(): double free") != NULL);
}

/* After other mallocs have refilled: what was freed and lies in a cache is not in use. */
TEST_PANICS_ENV(hostile, double_free_after_other_mallocs, DOUBLE, CHECKED)
{
    void *p[64];
    for (size_t i = 0; i < COUNT_OF(p); i++) p[i] = get(48);
    for (size_t i = 0; i < COUNT_OF(p); i++) bosk_free(p[i]);
    void *taken[8];
    for (size_t i = 0; i < COUNT_OF(taken); i++) taken[i] = get(48);
    for (size_t i = 0; i < COUNT_OF(p); i++) {
        bool in_use = false;
        for (size_t k = 0; k < COUNT_OF(taken); k++) in_use |= taken[k] == p[i];
        if (!in_use) bosk_free(launder(p[i])); /* the first of these is caught */
    }
}

/* All of them, one by one: each process frees another block that is not in use. */
static void *free_blocks[64];
static size_t which;
static void free_one_again(void) { bosk_free(launder(free_blocks[which])); }
TEST_ENV(hostile, every_double_free_is_caught_at_once, CHECKED)
{
    char text[1024];
    for (size_t i = 0; i < COUNT_OF(free_blocks); i++) free_blocks[i] = get(48);
    for (size_t i = 0; i < COUNT_OF(free_blocks); i++) bosk_free(free_blocks[i]);
    void *taken[8];
    for (size_t i = 0; i < COUNT_OF(taken); i++) taken[i] = get(48);
    size_t tried = 0;
    for (which = 0; which < COUNT_OF(free_blocks); which++) {
        bool in_use = false;
        for (size_t k = 0; k < COUNT_OF(taken); k++) in_use |= taken[k] == free_blocks[which];
        if (in_use) continue;
        tried++;
        int status = bosk_test_capture(free_one_again, text, sizeof text);
        CHECK_MSG(status != 0 && strstr(text, DOUBLE), "%zu: status %d, said: %s", which, status,
                  text);
    }
    CHECK(tried >= 56);
}

/* ---- pointers that are no blocks ------------------------------------------------------- */

static char in_bss[64];
TEST_PANICS(hostile, free_of_static_memory, INVALID) { bosk_free(launder(in_bss)); }
TEST_PANICS(hostile, free_of_stack, INVALID)
{
    char local[64];
    bosk_free(launder(local));
}
TEST_PANICS(hostile, free_of_code, INVALID) { bosk_free(launder((void *)(uintptr_t)&getpid)); }
TEST_PANICS(hostile, free_of_foreign_heap, INVALID) { bosk_free(launder(malloc(100))); }
TEST_PANICS(hostile, free_of_small_number, INVALID) { bosk_free(launder((void *)8)); }
TEST_PANICS(hostile, free_of_minus_one, INVALID) { bosk_free(launder((void *)UINTPTR_MAX)); }
TEST_PANICS(hostile, free_of_high_address, INVALID)
{
    bosk_free(launder((void *)((uintptr_t)1 << (sizeof(void *) * 8 - 1))));
}
/* Address space of ours that holds nothing yet. */
TEST_PANICS(hostile, free_beyond_what_is_in_use, INVALID)
{
    uintptr_t p = (uintptr_t)get(100);
    bosk_free(launder((void *)((p + 256 * MIB) & ~(uintptr_t)15)));
}
TEST_PANICS(hostile, free_inside_a_large_block, INVALID)
{
    bosk_free(launder((char *)get(100000) + 16));
}
TEST_PANICS(hostile, free_inside_a_large_block_at_a_page, INVALID)
{
    bosk_free(launder((char *)get(100000) + 65536));
}
TEST_PANICS(hostile, free_of_a_large_block_given_back, INVALID)
{
    void *p = get(5 * MIB);
    bosk_free(p);
    bosk_trim(0);
    bosk_free(launder(p));
}
static void free_inside(size_t size, size_t offset)
{
    bosk_free(launder((char *)get(size) + offset));
}
TEST_PANICS_ENV(hostile, free_inside_at_16, INVALID, CHECKED) { free_inside(100, 16); }
TEST_PANICS_ENV(hostile, free_inside_at_1, INVALID, CHECKED) { free_inside(16, 1); }
TEST_PANICS_ENV(hostile, free_inside_at_8, INVALID, CHECKED) { free_inside(1024, 8); }
TEST_PANICS_ENV(hostile, free_inside_medium, INVALID, CHECKED) { free_inside(20000, 8192); }
TEST_PANICS(hostile, free_inside_found_at_flush, INVALID)
{
    free_inside(100, 16);
    bosk_trim(SIZE_MAX);
}
/* The bytes behind the last block of a span. */
TEST_PANICS_ENV(hostile, free_of_a_spans_tail, "free(): ", CHECKED)
{
    char *p = get(3000);
    for (;;) { /* the address of the next page that starts another span, minus 16 */
        void *start;
        size_t bytes;
        p += 16;
        if (!bosk_find_block(p, &start, &bytes)) break;
    }
    bosk_free(launder(p));
}

/* ---- first-class heaps --------------------------------------------------------------------- */

TEST_PANICS(hostile, double_free_in_a_heap, DOUBLE)
{
    bosk_heap *h = bosk_heap_new(0);
    CHECK(h != NULL);
    void *p = launder(bosk_heap_malloc(h, 100)), *q = launder(bosk_heap_malloc(h, 100));
    CHECK(p != NULL && q != NULL);
    bosk_free(p);
    bosk_free(launder(p));
}
TEST_PANICS(hostile, free_inside_a_block_of_a_heap, INVALID)
{
    bosk_heap *h = bosk_heap_new(0);
    CHECK(h != NULL);
    char *p = launder(bosk_heap_malloc(h, 100));
    CHECK(p != NULL);
    bosk_free(launder(p + 16));
}
TEST_PANICS(hostile, free_inside_a_large_block_of_a_heap, INVALID)
{
    bosk_heap *h = bosk_heap_new(0);
    CHECK(h != NULL);
    char *p = launder(bosk_heap_malloc(h, 100000));
    CHECK(p != NULL);
    bosk_free(launder(p + 8192));
}
TEST_PANICS(hostile, free_after_destroy, "free(): ")
{
    bosk_heap *h = bosk_heap_new(0);
    CHECK(h != NULL);
    void *p = launder(bosk_heap_malloc(h, 100));
    bosk_heap_destroy(h);
    bosk_free(launder(p));
}

/* ---- a fatal error does not ask the panic handler ---- */

static void handler(const char *text)
{
    (void)text;
    dprintf(STDERR_FILENO, "handler called\n");
}
static void double_free_with_handler(void)
{
    bosk_on_panic(handler);
    free_twice(100000);
}
TEST(hostile, corrupt_heap_is_fatal_not_a_panic)
{
    char text[1024];
    CHECK(bosk_test_capture(double_free_with_handler, text, sizeof text) != 0);
    CHECK(strstr(text, "fatal error: ") != NULL);
    CHECK(strstr(text, "handler called") == NULL);
}

/* Correct programs are not disturbed by check=1. */
TEST_ENV(hostile, checked_mode_serves_correct_programs, CHECKED)
{
    static void *p[2000];
    uint64_t rng = bosk_test_seed();
    for (uint64_t n = bosk_test_budget(300000); n > 0; n--) {
        uint64_t r = bosk_test_random(&rng);
        size_t at = (size_t)(r % COUNT_OF(p)), size = (size_t)((r >> 20) % 3000);
        if (r >> 60 == 0) {
            p[at] = launder(bosk_realloc(p[at], size + 1));
        } else {
            bosk_free(p[at]);
            p[at] = get(size);
        }
    }
    for (size_t i = 0; i < COUNT_OF(p); i++) bosk_free(p[i]);
    CHECK_EQ(stats_exact().live, take_census(NULL).block_bytes);
}

#ifdef BOSKI_HOSTILE
TEST(hostile, freed_memory_is_overwritten)
{
    unsigned char *p = get(100);
    memset(p, 7, 100);
    bosk_free(p);
    p = launder(p);
    for (size_t i = 0; i < 100; i++) CHECK_EQ(p[i], 0xdb);
}
#endif
