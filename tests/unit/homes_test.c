/* homes_test.c - homes, typed allocation and labels. */
#include "heap_support.h"

#include <pthread.h>

static const bosk_home manual = {BOSK_HOME_MANUAL, NULL};
static const bosk_home collected = {BOSK_HOME_COLLECTED, NULL};
static const bosk_home root = {BOSK_HOME_ROOT, NULL};
static const bosk_type byte_type = {.size = 1, .align = 1, .noscan = true, .name = "byte"};
static const bosk_type ptr_type = {.size = sizeof(void *), .align = sizeof(void *), .name = "ptr"};
static const bosk_type triple_type = {.size = 24, .align = 8, .noscan = true, .name = "triple"};

TEST(homes, current_is_manual_and_a_stack)
{
    CHECK_EQ(bosk_home_current().kind, BOSK_HOME_MANUAL);
    bosk_home_push(collected);
    CHECK_EQ(bosk_home_current().kind, BOSK_HOME_COLLECTED);
    bosk_home_push(root);
    CHECK_EQ(bosk_home_current().kind, BOSK_HOME_ROOT);
    bosk_home_push(manual);
    CHECK_EQ(bosk_home_current().kind, BOSK_HOME_MANUAL);
    bosk_home_pop();
    CHECK_EQ(bosk_home_current().kind, BOSK_HOME_ROOT);
    bosk_home_pop();
    bosk_home_pop();
    CHECK_EQ(bosk_home_current().kind, BOSK_HOME_MANUAL);
}

TEST(homes, sixteen_deep)
{
    bosk_heap *heap = bosk_heap_new(0);
    CHECK(heap != NULL);
    for (unsigned i = 0; i < 16; i++)
        bosk_home_push(i % 2 ? root : (bosk_home){BOSK_HOME_HEAP, heap});
    for (unsigned i = 16; i-- > 0;) {
        CHECK_EQ(bosk_home_current().kind, i % 2 ? BOSK_HOME_ROOT : BOSK_HOME_HEAP);
        CHECK(bosk_home_current().owner == (i % 2 ? NULL : heap));
        bosk_home_pop();
    }
    bosk_heap_destroy(heap);
}

TEST_PANICS(homes, seventeenth_push, "panic: bosk: home stack overflow")
{
    for (unsigned i = 0; i < 17; i++) bosk_home_push(manual);
}

TEST_PANICS(homes, pop_of_nothing, "panic: bosk: home stack underflow")
{
    bosk_home_push(root);
    bosk_home_pop();
    bosk_home_pop();
}

TEST_PANICS(homes, pop_as_first_call, "panic: bosk: home stack underflow") { bosk_home_pop(); }

TEST_ENV(homes, configured_default, "BOSK_CONF=home=collected")
{
    CHECK_EQ(bosk_home_current().kind, BOSK_HOME_COLLECTED);
    bosk_home_push(manual);
    CHECK_EQ(bosk_home_current().kind, BOSK_HOME_MANUAL);
    bosk_home_pop();
    CHECK_EQ(bosk_home_current().kind, BOSK_HOME_COLLECTED);
    bosk_free(get(10)); /* malloc itself stays manual */
    void *p = get(10);
    CHECK_EQ(bosk_home_of(p, NULL).kind, BOSK_HOME_MANUAL);
    bosk_free(p);
}

static void *other_thread(void *arg)
{
    (void)arg;
    CHECK_EQ(bosk_home_current().kind, BOSK_HOME_MANUAL);
    bosk_home_push(collected);
    return NULL;
}

TEST(homes, stack_is_the_threads_own)
{
    pthread_t thread;
    bosk_home_push(root);
    CHECK_EQ(pthread_create(&thread, NULL, other_thread, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(bosk_home_current().kind, BOSK_HOME_ROOT);
    /* A thread that takes over the cache of one that has ended starts with no homes. */
    CHECK_EQ(pthread_create(&thread, NULL, other_thread, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void check_home(bosk_home home, const bosk_type *type)
{
    for (size_t count = 1; count < 300000; count = count * 5 / 2 + 1) {
        unsigned char *p = launder(bosk_alloc_in(home, type, count, true));
        size_t bytes = count * type->size, block = 0;
        void *start = NULL;
        bool known = false;
        CHECK_MSG(p != NULL, "%zu of %s", count, type->name);
        CHECK_ZERO(p, bytes);
        memset(p, 0xff, bytes);
        bosk_home got = bosk_home_of(p + bytes - 1, &known);
        CHECK(known && got.kind == home.kind && got.owner == home.owner);
        CHECK(bosk_find_block(p + bytes / 2, &start, &block));
        /* Below 16 bytes collected objects share blocks. */
        if (home.kind == BOSK_HOME_COLLECTED && type->noscan && bytes < 16)
            CHECK(p >= (unsigned char *)start && p + bytes <= (unsigned char *)start + block);
        else
            CHECK(start == p && block >= bytes);
        bosk_free(p);
    }
}

TEST(homes, every_home_serves_every_type)
{
    bosk_heap *heap = bosk_heap_new(0);
    CHECK(heap != NULL);
    const bosk_home home[] = {manual, collected, root, {BOSK_HOME_HEAP, heap}};
    const bosk_type *type[] = {&byte_type, &ptr_type, &triple_type};
    for (unsigned round = 0; round < 2; round++) /* the second time on dirty memory */
        for (size_t h = 0; h < COUNT_OF(home); h++)
            for (size_t t = 0; t < COUNT_OF(type); t++) check_home(home[h], type[t]);
    bosk_heap_destroy(heap);
}

struct expected_kind {
    void *block;
    int kind, home;
    bool found;
};
static bool look_for(void *ctx, const struct bosk_span_info *span, void *block, size_t bytes)
{
    struct expected_kind *e = ctx;
    (void)bytes;
    if (block != e->block) return true;
    CHECK_EQ(span->kind, e->kind);
    CHECK_EQ(span->home, e->home);
    e->found = true;
    return false;
}

TEST(homes, spans_know_kind_and_home)
{
    const struct {
        bosk_home home;
        const bosk_type *type;
        int kind;
    } c[] = {{manual, &byte_type, BOSK_KIND_MANUAL},
             {collected, &byte_type, BOSK_KIND_NOSCAN},
             {collected, &ptr_type, BOSK_KIND_SCAN},
             {root, &ptr_type, BOSK_KIND_SCAN}};
    for (size_t i = 0; i < COUNT_OF(c); i++)
        for (size_t count = 1; count < 100000; count *= 50) {
            void *p = launder(bosk_alloc_in(c[i].home, c[i].type, count, false));
            CHECK(p != NULL);
            struct expected_kind e = {p, c[i].kind, (int)c[i].home.kind, false};
            CHECK_EQ(bosk_heap_walk(NULL, BOSK_WALK_BLOCKS, look_for, &e), -ECANCELED);
            CHECK(e.found);
            bosk_free(p);
        }
}

/* Go's class of 24 bytes serves containers; malloc's blocks of 17 to 32 are 16-aligned. */
TEST(homes, class_24_is_for_containers)
{
    void *p = launder(bosk_alloc_in(manual, &triple_type, 1, false)), *start;
    size_t bytes = 0;
    CHECK(p != NULL && bosk_find_block(p, &start, &bytes));
    CHECK_EQ(bytes, 24);
    CHECK_EQ(bosk_usable_size(p), 24);
    bosk_free(p);
    void *seen[64];
    for (size_t i = 0; i < COUNT_OF(seen); i++) {
        seen[i] = get(24);
        CHECK(bosk_usable_size(seen[i]) == 32);
    }
    for (size_t i = 0; i < COUNT_OF(seen); i++) bosk_free(seen[i]);
}

TEST(homes, over_aligned_types_get_aligned_blocks)
{
    for (uint32_t align = 1; align <= 8192; align *= 2) {
        const bosk_type t = {.size = align, .align = align, .noscan = true, .name = "aligned"};
        for (size_t count = 1; count < 40; count += 3) {
            void *p = launder(bosk_alloc_in(manual, &t, count, true));
            CHECK_MSG(p != NULL && (uintptr_t)p % align == 0, "%u: %p", align, p);
            CHECK_ZERO(p, align * count);
            memset(p, 0xff, align * count);
            if (count % 2) bosk_free(p);
        }
    }
}

TEST(homes, what_cannot_be_served_is_null)
{
    errno = 0;
    CHECK(launder(bosk_alloc_in(manual, &triple_type, launder_size(SIZE_MAX / 2), true)) == NULL);
    CHECK(launder(bosk_alloc_in(root, &ptr_type, launder_size(SIZE_MAX), true)) == NULL);
    CHECK(launder(bosk_alloc_in(manual, &byte_type, launder_size(SIZE_MAX), false)) == NULL);
    bosk_heap *heap = bosk_heap_new(MIB);
    CHECK(heap != NULL);
    CHECK(launder(bosk_alloc_in((bosk_home){BOSK_HOME_HEAP, heap}, &byte_type, 2 * MIB, true)) ==
          NULL);
    bosk_heap_destroy(heap);
}

TEST(homes, nothing_has_no_home)
{
    bool known = true;
    bosk_home home = bosk_home_of(NULL, &known);
    CHECK(!known && home.kind == BOSK_HOME_MANUAL && home.owner == NULL);
    bosk_free(get(1));
    known = true;
    home = bosk_home_of(NULL, &known);
    CHECK(!known && home.kind == BOSK_HOME_MANUAL && home.owner == NULL);
    CHECK(bosk_home_of(NULL, NULL).kind == BOSK_HOME_MANUAL);
}

TEST(homes, labels_nest_and_overflow_quietly)
{
    char name[32];
    bosk_label_pop();
    for (unsigned round = 0; round < 100; round++) {
        for (unsigned i = 0; i < 20; i++) {
            snprintf(name, sizeof name, "label %u", (i * 7 + round) % 40);
            bosk_label_push(name);
            memset(name, 'x', sizeof name - 1);
            bosk_free(get(100 * i));
        }
        for (unsigned i = 0; i < 20; i++) bosk_label_pop();
    }
    bosk_label_pop();
    bosk_label_push("");
    bosk_label_pop();
    bosk_label_push(NULL); /* as if there were none, but it is to be popped */
    bosk_free(get(100));
    bosk_label_pop();
    bosk_free(get(100));
}

TEST(homes, many_label_texts)
{
    /* Interned text is bounded: a program that labels each request anew must not grow. */
    char name[64];
    size_t rss = 0;
    uint64_t n = bosk_test_budget(200000);
    for (uint64_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "request %llu with a name of some length",
                 (unsigned long long)i);
        bosk_label_push(name);
        bosk_label_pop();
        if (i == n / 2) rss = resident_bytes();
    }
    CHECK_MSG(resident_bytes() <= rss + 2 * MIB, "%zu and %zu", rss, resident_bytes());
}
