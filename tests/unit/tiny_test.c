/* tiny_test.c - collected pointer-free objects below 16 bytes lie where Go puts them. */
#include "heap_support.h"

#include <bosk/growth.h>

static bosk_arch own_arch(void)
{
#if defined(__x86_64__)
    return BOSK_AMD64;
#elif defined(__aarch64__)
    return BOSK_ARM64;
#elif defined(__i386__)
    return BOSK_386;
#else
    return BOSK_ARM;
#endif
}

static char *tiny(size_t size)
{
    bosk_type type = {.size = size, .align = 1, .noscan = true};
    bosk_home home = {BOSK_HOME_COLLECTED, NULL};
    char *p = bosk_alloc_in(home, &type, 1, false);
    CHECK(p != NULL);
    return p;
}

/* bosk_go_place is checked against real Go row by row; here the heap is checked against it. */
TEST(tiny, lies_where_go_puts_it)
{
    enum { BLOCKS = 4096 };
    static char *block[BLOCKS];
    bosk_go_tiny state = {0};
    uint64_t rng = bosk_test_seed();
    uint32_t blocks = 0;
    for (size_t i = 0; i < 6000 && blocks < BLOCKS - 1; i++) {
        uint32_t size = 1 + (uint32_t)(bosk_test_random(&rng) % 15), number, offset;
        bosk_go_place(&state, own_arch(), size, &number, &offset);
        char *p = tiny(size);
        if (number >= blocks) {
            CHECK_EQ(number, blocks);
            block[blocks++] = p - offset;
        }
        CHECK(p == block[number] + offset);
        for (uint32_t k = 0; k < size; k++) CHECK_EQ(p[k], 0);
        memset(p, 0x5a, size);
    }
    CHECK(blocks > 1000);
}

TEST(tiny, free_leaves_the_neighbours_alone)
{
    char *a = tiny(1), *b = tiny(1);
    CHECK(b == a + 1);
    *b = 7;
    bosk_free(a);
    bosk_free(b);
    CHECK_EQ(*b, 7);
    char *c = tiny(1);
    CHECK(c == b + 1);
}

struct seen {
    char *p;
    bool noscan;
};
static bool visit(void *ctx, const struct bosk_span_info *span, void *block, size_t bytes)
{
    struct seen *seen = ctx;
    char *base = span->base;
    (void)block;
    (void)bytes;
    if (seen->p >= base && seen->p < base + span->bytes)
        seen->noscan = span->kind == BOSK_KIND_NOSCAN && span->home == BOSK_HOME_COLLECTED;
    return true;
}

TEST(tiny, blocks_are_collected_and_pointer_free)
{
    bool known;
    char *p = tiny(3);
    CHECK(bosk_home_of(p, &known).kind == BOSK_HOME_COLLECTED && known);
    void *start;
    size_t bytes;
    CHECK(bosk_find_block(p, &start, &bytes));
    CHECK_EQ(bytes, 16);
    struct seen seen = {p, false};
    CHECK_EQ(bosk_heap_walk(NULL, BOSK_WALK_SPANS, visit, &seen), 0);
    CHECK(seen.noscan);
}
