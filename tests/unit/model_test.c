/* model_test.c - long random sequences of every operation against a shadow of what is live.
 *
 * Each block carries a pattern over all its bytes, or, in large ones, over samples of them; the
 * shadow knows address, size and tag.  A block handed out twice, moved without its contents, or
 * cleared wrongly shows as damage of a pattern.
 */
#include "heap_support.h"

enum { SLOTS = 6000, HEAPS = 4 };
struct shadow {
    unsigned char *p;
    size_t size;
    uint64_t tag;
    int heap; /* index + 1 of its first-class heap, 0 for none */
};
static struct shadow slot[SLOTS];
static bosk_heap *heap[HEAPS];
static uint64_t rng;

/* All of a small block; of a large one both ends and a line of every page. */
static void mark(const struct shadow *s)
{
    if (s->size <= 4096) {
        fill(s->p, s->size, s->tag);
        return;
    }
    for (size_t at = 0; at + 64 <= s->size; at += 4096) fill(s->p + at, 64, s->tag + at);
    fill(s->p + s->size - 64, 64, s->tag + 1);
}
static void check_part(const struct shadow *s, size_t size)
{
    if (s->size <= 4096) {
        CHECK_FILL(s->p, size, s->tag);
        return;
    }
    /* The last line of every page may have been overwritten by the one at the end. */
    for (size_t at = 0; at + 64 <= size; at += 4096)
        if (at + 64 <= s->size - 64) CHECK_FILL(s->p + at, 64, s->tag + at);
    if (size == s->size) CHECK_FILL(s->p + s->size - 64, 64, s->tag + 1);
}
static void check(const struct shadow *s)
{
    if (s->p) check_part(s, s->size);
}

static size_t random_size(unsigned class_)
{
    uint64_t r = bosk_test_random(&rng);
    switch (class_) {
    case 0: return (size_t)(r % 1025);
    case 1: return (size_t)(1024 + r % 31745);
    case 2: return (size_t)(32768 + r % 500000);
    default: {
        unsigned shift = (unsigned)((r >> 32) % (r % 200 == 0 ? 21 : 13));
        return (size_t)(r % ((uint64_t)1 << shift));
    }
    }
}

static void assign(struct shadow *s, void *p, size_t size)
{
    s->p = launder(p);
    s->size = size;
    s->tag = bosk_test_random(&rng);
    CHECK_MSG(p != NULL, "%zu bytes: %s", size, strerror(errno));
    CHECK(bosk_usable_size(p) >= size);
    mark(s);
}

static void resize(struct shadow *s, size_t size)
{
    if (size == 0) size = 1;
    unsigned char *p = launder(bosk_realloc(s->p, size));
    CHECK(p != NULL);
    s->p = p;
    check_part(s, size < s->size ? size : s->size);
    s->size = size;
    s->tag = bosk_test_random(&rng);
    mark(s);
}

static void destroy_heap(int which)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (slot[i].heap == which + 1) {
            check(&slot[i]);
            slot[i] = (struct shadow){0};
        }
    bosk_heap_destroy(heap[which]);
    heap[which] = NULL;
}

static void allocate(struct shadow *s, uint64_t r, unsigned class_)
{
    size_t size = random_size(class_);
    s->heap = 0;
    switch (r % 16) {
    case 0:
    case 1: {
        unsigned char *p = launder(bosk_calloc(1, size));
        CHECK(p != NULL);
        CHECK_ZERO(p, size);
        assign(s, p, size);
        return;
    }
    case 2: {
        size_t align = (size_t)1 << ((r >> 8) % (class_ == 2 ? 21 : 14));
        unsigned char *p = launder(bosk_aligned_alloc(align, size));
        CHECK_MSG((uintptr_t)p % align == 0, "%p for %zu", (void *)p, align);
        assign(s, p, size);
        return;
    }
    case 3: {
        int which = (int)((r >> 8) % HEAPS);
        if (!heap[which]) heap[which] = bosk_heap_new(0);
        CHECK(heap[which] != NULL);
        assign(s, bosk_heap_malloc(heap[which], size), size);
        s->heap = which + 1;
        return;
    }
    default: assign(s, bosk_malloc(size), size);
    }
}

/* What the walk says must be what the shadow says. */
static void compare(void)
{
    size_t live = 0, blocks = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        if (!slot[i].p) continue;
        blocks++;
        live += bosk_usable_size(slot[i].p);
    }
    struct census all = take_census(NULL);
    size_t own = 0; /* records of first-class heaps are blocks too */
    for (int i = 0; i < HEAPS; i++) {
        if (!heap[i]) continue;
        void *start;
        size_t bytes;
        if (bosk_find_block(heap[i], &start, &bytes)) {
            own++;
            live += bytes;
        }
    }
    CHECK_EQ(all.blocks, blocks + own);
    CHECK_EQ(all.block_bytes, live);
    CHECK_EQ(stats_exact().live, live);
}

static void run(unsigned class_, uint64_t steps, size_t most_bytes)
{
    size_t bytes = 0;
    rng = bosk_test_seed() + class_;
    for (uint64_t step = 0; step < steps; step++) {
        uint64_t r = bosk_test_random(&rng);
        struct shadow *s = &slot[(r >> 32) % (class_ == 2 ? 100 : SLOTS)];
        if (!s->p) {
            allocate(s, r >> 4, class_);
            bytes += s->size;
        } else if (r % 8 == 0) {
            bytes -= s->size;
            resize(s, random_size(class_));
            bytes += s->size;
        } else if (r % 64 == 1) {
            size_t wish = s->size + (size_t)((r >> 8) % (s->size + 100));
            size_t got = bosk_grow(s->p, wish);
            CHECK(got == 0 || (got >= wish && got == bosk_usable_size(s->p)));
            check(s);
        } else if (r % 16 == 2) {
            check(s);
        } else {
            check(s);
            bytes -= s->size;
            if (r % 5 == 0)
                bosk_free_sized(s->p, s->size);
            else
                bosk_free(s->p);
            *s = (struct shadow){0};
        }
        if (bytes > most_bytes)
            for (size_t i = 0; i < SLOTS; i += 2)
                if (slot[i].p) {
                    check(&slot[i]);
                    bytes -= slot[i].size;
                    bosk_free(slot[i].p);
                    slot[i] = (struct shadow){0};
                }
        if (step % 20011 == 20010) {
            int which = (int)(r % HEAPS);
            if (heap[which]) {
                destroy_heap(which);
                bytes = 0;
                for (size_t i = 0; i < SLOTS; i++) bytes += slot[i].size;
            }
            bosk_trim(r % 3 == 0 ? 0 : SIZE_MAX);
            compare();
        }
    }
    for (size_t i = 0; i < SLOTS; i++) {
        check(&slot[i]);
        bosk_free(slot[i].p);
        slot[i] = (struct shadow){0};
    }
    for (int i = 0; i < HEAPS; i++)
        if (heap[i]) destroy_heap(i);
    CHECK_EQ(stats_exact().live, take_census(NULL).block_bytes);
}

static void mixed(uint64_t steps) { run(3, bosk_test_budget(steps), 64 * MIB); }

TEST(model, small) { run(0, bosk_test_budget(1000000), 64 * MIB); }
TEST(model, medium) { run(1, bosk_test_budget(1000000), 64 * MIB); }
TEST(model, large) { run(2, bosk_test_budget(30000), 32 * MIB); }
TEST(model, mixed) { mixed(1000000); }
TEST_ENV(model, checked, "BOSK_CONF=check=1") { mixed(300000); }
TEST_ENV(model, arenas, "BOSK_CONF=reserve=1") { mixed(300000); }
TEST_ENV(model, large_in_arenas, "BOSK_CONF=reserve=1")
{
    run(2, bosk_test_budget(10000), 32 * MIB);
}
TEST_ENV(model, tiny_reservation, "BOSK_CONF=reserve=16MiB") { mixed(300000); }
TEST_ENV(model, large_in_tiny_reservation, "BOSK_CONF=reserve=16MiB")
{
    run(2, bosk_test_budget(10000), 64 * MIB);
}
TEST_ENV(model, pages_of_16k, "BOSK_CONF=os_page=16384") { mixed(300000); }
TEST_ENV(model, pages_of_64k, "BOSK_CONF=os_page=65536") { mixed(300000); }
TEST_ENV(model, large_pages_of_64k, "BOSK_CONF=os_page=65536")
{
    run(2, bosk_test_budget(10000), 32 * MIB);
}
TEST_ENV(model, arenas_with_pages_of_64k, "BOSK_CONF=reserve=1,os_page=65536") { mixed(200000); }
TEST_ENV(model, small_profile, "BOSK_CONF=profile=small") { mixed(300000); }
TEST_ENV(model, scavenger_thread, "BOSK_CONF=scavenger=thread,scavenge_window=0") { mixed(300000); }
TEST_ENV(model, no_window, "BOSK_CONF=scavenge_window=0") { mixed(300000); }
TEST_ENV(model, huge_pages, "BOSK_CONF=thp=1") { mixed(300000); }
TEST_ENV(model, no_huge_pages, "BOSK_CONF=thp=-1") { mixed(200000); }
TEST_ENV(model, under_a_soft_limit, "BOSK_MEMLIMIT=4MiB") { mixed(300000); }
TEST_ENV(model, collected_home, "BOSK_CONF=home=collected,zerotail=1") { mixed(200000); }
