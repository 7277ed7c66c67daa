/* gc_test.c - collected memory: what is freed, what is not, accounting, misuse. */
#include "gc_support.h"

#include <bosk/slice.h>

struct node {
    bosk_ptr(struct node) left, right;
    uintptr_t value;
};
BOSK_LAYOUT(struct node, node_type, left, right);

static void *new_node(void)
{
    struct node *n = bosk_new_as(&node_type, struct node);
    n->value = 42;
    return n;
}
static void *new_words(void) { return bosk_gc_malloc(100); }
static void *new_bytes(void) { return bosk_gc_malloc_noscan(1000); }
static void *new_large(void) { return bosk_gc_malloc(1 << 20); }

TEST(gc, unreachable_objects_are_freed)
{
    void *(*make[])(void) = {new_node, new_words, new_bytes, new_large};
    for (size_t k = 0; k < COUNT_OF(make); k++) {
        enum { N = 200 };
        static hidden h[N];
        bosk_gc_disable();
        for (int i = 0; i < N; i++) h[i] = made_below(make[k]);
        for (int i = 0; i < N; i++) CHECK(is_there(h[i]));
        collect();
        bosk_gc_enable();
        int left = 0;
        for (int i = 0; i < N; i++) left += is_there(h[i]);
        /* 200 MiB are much of 32 bits of address space: any word may be such an address. */
        CHECK_MSG(left <= (sizeof(void *) == 8 ? 2 : 60), "kind %zu: %d of %d are still there", k,
                  left, (int)N);
    }
}

static struct node *tree(int depth)
{
    if (depth == 0) return NULL;
    struct node *n = new_node();
    n->value = (uintptr_t)depth;
    bosk_store(n->left, tree(depth - 1));
    bosk_store(n->right, tree(depth - 1));
    return n;
}
static size_t count_tree(const struct node *n, int depth)
{
    if (n == NULL) return 0;
    CHECK_EQ(n->value, depth);
    return 1 + count_tree(bosk_load(n->left), depth - 1) +
           count_tree(bosk_load(n->right), depth - 1);
}
static struct node *kept_tree;

__attribute__((noinline)) static void keep_tree(int depth) { kept_tree = tree(depth); }
__attribute__((noinline)) static void check_tree(int depth)
{
    CHECK_EQ(count_tree(kept_tree, depth), ((size_t)1 << depth) - 1);
}

TEST(gc, trees_survive_and_die)
{
    keep_tree(16);
    for (int i = 0; i < 5; i++) {
        CHECK(bosk_gc_collect());
        check_tree(16);
    }
    CHECK_EQ(gc_stats().live_objects >= 65535, 1);
    CHECK(gc_stats().live_objects <= 65535 + 2000);
    kept_tree = NULL;
    collect();
    if (SANITIZED) return; /* whose frames keep what others would have forgotten */
    CHECK_MSG(gc_stats().live_objects < 2000, "%llu", (unsigned long long)gc_stats().live_objects);
    CHECK(gc_stats().freed >= 65000 * sizeof(struct node));
}

TEST(gc, cycles_begin_by_themselves_and_memory_stays_bounded)
{
    kept_tree = tree(10);
    for (uint64_t i = 0; i < bosk_test_budget(300) || (gc_stats().cycles < 2 && i < 1000); i++) {
        (void)tree(12);
        CHECK(gc_stats().spans <= 24 * MIB);
    }
    CHECK(gc_stats().cycles >= 2);
    CHECK_EQ(count_tree(kept_tree, 10), 1023);
}

/* ---- where references may be ---------------------------------------------------------- */

static void *global;
static __thread void *thread_local_ref;

TEST(gc, static_and_thread_local_references)
{
    hidden a = put(&global, new_node), b = put(&thread_local_ref, new_words);
    collect();
    CHECK(is_there(a) && is_there(b));
    drop(&global);
    collect();
    CHECK(!is_there(a) && is_there(b));
    drop(&thread_local_ref);
    collect();
    CHECK(!is_there(b));
}

__attribute__((noinline)) static void aim(char **where, hidden h, size_t at)
{
    *where = (char *)shown(h) + at;
}
TEST(gc, interior_pointers)
{
    static char *where;
    hidden h = put(&where, new_words);
    for (size_t at = 1; at < 100; at += 11) {
        aim(&where, h, at);
        collect();
        CHECK(is_there(h));
    }
    aim(&where, h, 112); /* the size of its class */
    collect();
    CHECK(!is_there(h)); /* the next object's */
}
__attribute__((noinline)) static void walk_back(hidden h)
{
    /* Of an array that is walked from its end there may be no other address. */
    char *volatile end = (char *)shown(h) + bosk_usable_size(shown(h));
    collect();
    CHECK(is_there(h));
    CHECK_EQ(end[-1], 0);
}
TEST(gc, end_pointers_on_the_stack) { walk_back(made_below(new_words)); }

TEST(gc, untyped_objects_are_looked_at_word_by_word)
{
    static void **first;
    (void)put(&first, new_words);
    (void)put(&first[7], new_words);
    hidden h = put((void **)first[7] + 3, new_node);
    collect();
    CHECK(is_there(h));
    drop((void **)first[7] + 3);
    collect();
    CHECK(!is_there(h));
}

TEST(gc, pointer_free_objects_are_not_looked_at)
{
    static void **bytes;
    (void)put(&bytes, new_bytes);
    hidden h = put(&bytes[0], new_node);
    collect();
    CHECK(!is_there(h));
}

TEST(gc, layouts_are_exact)
{
    static struct node *n;
    (void)put(&n, new_node);
    hidden h = put(&n->value, new_node); /* not a reference, whatever it looks like */
    collect();
    CHECK(!is_there(h));
    CHECK(is_there(hide(n)));
}

struct wide {
    char name[24];
    void *list[3];
    struct {
        void *ptr;
        ptrdiff_t len, cap;
    } slice;
    uint64_t numbers[80];
    void *last;
};
BOSK_LAYOUT(struct wide, wide_type, list, slice, last);

TEST(gc, layouts_of_wide_types_and_arrays)
{
    enum { N = 50 };
    static struct wide *w;
    static hidden kept[N][5], lost[N];
    size_t sizes[] = {1, N};
    for (size_t k = 0; k < COUNT_OF(sizes); k++) {
        size_t n = sizes[k];
        w = bosk_new_array_as(&wide_type, struct wide, n);
        for (size_t i = 0; i < n; i++) {
            for (int j = 0; j < 3; j++) kept[i][j] = put(&w[i].list[j], new_node);
            kept[i][3] = put(&w[i].slice.ptr, new_words);
            kept[i][4] = put(&w[i].last, new_bytes);
            lost[i] = put(&w[i].numbers[79], new_node);
        }
        collect();
        size_t left = 0;
        for (size_t i = 0; i < n; i++) {
            for (int j = 0; j < 5; j++) CHECK(is_there(kept[i][j]));
            left += is_there(lost[i]);
        }
        CHECK_MSG(left <= 1, "%zu", left);
    }
}

TEST(gc, handles)
{
    enum { N = 1000 };
    static bosk_handle handle[N];
    static hidden h[N];
    for (int i = 0; i < N; i++) {
        h[i] = made_below(new_node);
        handle[i] = bosk_handle_new(shown(h[i]));
        CHECK(handle[i] != 0);
    }
    collect();
    for (int i = 0; i < N; i++) CHECK(bosk_handle_get(handle[i]) == shown(h[i]) && is_there(h[i]));
    for (int i = 0; i < N; i += 2) bosk_handle_free(handle[i]);
    collect();
    int left = 0;
    for (int i = 0; i < N; i++)
        if (i % 2)
            CHECK(is_there(h[i]));
        else
            left += is_there(h[i]);
    CHECK(left <= 2);
    CHECK(bosk_handle_get(0) == NULL);
    bosk_handle_free(0);
}
TEST_PANICS(gc, handle_freed_twice, "bosk: handle freed twice")
{
    bosk_handle h = bosk_handle_new(&global);
    bosk_handle_free(h);
    bosk_handle_free(h);
}
TEST_PANICS(gc, handle_used_after_free, "bosk: use of a handle that was freed")
{
    bosk_handle h = bosk_handle_new(&global);
    bosk_handle_free(h);
    (void)bosk_handle_get(h);
}

TEST(gc, root_ranges_and_the_root_home)
{
    void **manual = get(10 * sizeof(void *)), **root = bosk_new_root(10 * sizeof(void *));
    memset(manual, 0, 10 * sizeof(void *));
    hidden kept = put(&root[9], new_node), h = put(&manual[4], new_node);
    hidden where = hide(manual), root_at = hide(root);
    CHECK_EQ(bosk_gc_add_roots(manual, 10 * sizeof(void *)), 0);
    manual = root = NULL;
    collect();
    CHECK(is_there(h) && is_there(kept));
    manual = shown(where);
    CHECK_EQ(bosk_gc_remove_roots(manual, 5), -ENOENT);
    CHECK_EQ(bosk_gc_remove_roots(manual, 10 * sizeof(void *)), 0);
    CHECK_EQ(bosk_gc_remove_roots(manual, 10 * sizeof(void *)), -ENOENT);
    collect();
    CHECK(!is_there(h) && is_there(kept)); /* malloc's memory is not looked at */
    bosk_free(manual);
    bosk_free(shown(root_at));
    collect();
    CHECK(!is_there(kept));
    CHECK_EQ(bosk_gc_add_roots(&global, SIZE_MAX), -EINVAL);
}

/* ---- memory -------------------------------------------------------------------------------- */

TEST(gc, memory_is_zero_when_it_comes_again)
{
    for (int round = 0; round < 6; round++) {
        for (size_t size = 1; size < 100000; size = size * 3 / 2 + 1)
            for (int k = 0; k < 20; k++) {
                unsigned char *p = bosk_gc_malloc(size), *q = bosk_gc_malloc_noscan(size);
                CHECK(p != NULL && q != NULL);
                CHECK_ZERO(p, size);
                CHECK_ZERO(q, size);
                memset(p, 0xff, size);
                memset(q, 0xff, size);
            }
        collect();
    }
}

TEST(gc, explicit_free)
{
    static struct node *n;
    n = new_node();
    hidden h = hide(n);
    bosk_free(n);
    n = NULL;
    CHECK(!is_there(h));
    void *large = new_large();
    bosk_free(large);
    CHECK(bosk_gc_collect());
    bosk_free(bosk_gc_malloc_noscan(3)); /* shares a block or not: nothing breaks */
}
TEST_PANICS(gc, freed_twice, "free(): double free")
{
    void *p = new_node();
    bosk_free(p);
    bosk_free(p);
}
TEST_PANICS(gc, freed_inside, "free(): invalid pointer") { bosk_free((char *)new_node() + 8); }

static void *reallocated(void)
{
    unsigned char *p = bosk_gc_malloc(40);
    fill(p, 40, 1);
    p = bosk_realloc(p, 100000);
    CHECK_FILL(p, 40, 1);
    CHECK_EQ(bosk_home_of(p, NULL).kind, BOSK_HOME_COLLECTED);
    p = bosk_realloc(p, 10);
    CHECK_EQ(bosk_home_of(p, NULL).kind, BOSK_HOME_COLLECTED);
    CHECK_EQ(first_difference(p, 10, 1), 10);
    return p;
}
TEST(gc, realloc_keeps_home_and_contents)
{
    hidden h = made_below(reallocated);
    CHECK(is_there(h));
    collect();
    CHECK(!is_there(h));
}

TEST(gc, what_cannot_be_served_is_null)
{
    errno = 0;
    CHECK(bosk_gc_malloc(launder_size(SIZE_MAX)) == NULL && errno == ENOMEM);
    CHECK(bosk_gc_malloc_noscan(launder_size(SIZE_MAX / 2)) == NULL);
    CHECK(bosk_gc_try_new(&node_type, launder_size(SIZE_MAX / 8)) == NULL);
    CHECK(bosk_gc_malloc(0) != NULL);
}
TEST_PANICS(gc, no_memory_is_fatal, "runtime: out of memory")
{
    global = bosk_gc_new(&node_type, launder_size(SIZE_MAX / 8));
}

TEST_OOM(gc, survives_without_memory)
{
    static struct node *n;
    n = bosk_gc_try_new(&node_type, 1);
    if (n != NULL) n->value = 7;
    void *large = bosk_gc_malloc(1 << 20);
    bosk_handle h = bosk_handle_new(n);
    (void)bosk_gc_collect();
    for (int i = 0; i < 1000; i++) {
        struct node *m = bosk_gc_try_new(&node_type, 1);
        if (m == NULL) break;
        bosk_store(m->left, n);
    }
    (void)bosk_gc_collect();
    if (n != NULL) CHECK_EQ(n->value, 7);
    bosk_handle_free(h);
    (void)large;
}

/* ---- containers ------------------------------ */

typedef BOSK_SLICE(struct node *) nodes;
typedef BOSK_SLICE(int) ints;

static void use_slices(uint64_t rounds)
{
    static nodes all;
    bosk_gc_init();
    for (uint64_t k = 0; k < rounds; k++) {
        all = (nodes){0};
        ints numbers = bosk_make(ints, 0);
        for (int i = 0; i < 300; i++) {
            struct node *n = new_node();
            n->value = (uintptr_t)i;
            all = bosk_append(all, n);
            numbers = bosk_append(numbers, i);
        }
        nodes middle = bosk_reslice(all, 100, 200);
        CHECK_EQ(bosk_home_of(all.ptr, NULL).kind, BOSK_HOME_COLLECTED);
        all = (nodes){0};
        CHECK(bosk_gc_collect());
        /* One part keeps the whole array. */
        for (int i = 0; i < 100; i++) CHECK_EQ(bosk_at(middle, i)->value, 100 + i);
        for (int i = 0; i < 300; i++) CHECK_EQ(bosk_at(numbers, i), i);
        CHECK_EQ(middle.ptr[-100]->value, 0);
    }
}
TEST(gc, slices_in_the_collected_home)
{
    use_slices(50);
    for (int i = 0; i < 100; i++) (void)tree(12);
    collect();
    CHECK(gc_stats().live < MIB);
}
TEST_ENV(gc, slices_under_stress, "BOSK_CONF=gcstress=50,gccheckmark=1,gcpoison=1")
{
    use_slices(3);
}

/* ---- accounting, control --------------------------------------------------------------------- */

TEST(gc, walk_and_statistics_agree)
{
    kept_tree = tree(14);
    CHECK(bosk_gc_collect());
    struct bosk_gc_stats g = gc_stats();
    bosk_trim(SIZE_MAX);
    struct census all = take_census(NULL);
    /* Nothing but what the cycle has marked is in use, up to what was allocated since. */
    CHECK_MSG(all.blocks >= g.live_objects && all.blocks <= g.live_objects + 600, "%zu and %llu",
              all.blocks, (unsigned long long)g.live_objects);
    struct bosk_heap_stats s = stats_exact();
    CHECK_EQ(s.live, s.allocated - s.freed);
    CHECK_MSG(s.live >= g.live && s.live <= g.live + 64 * KIB, "%llu and %llu",
              (unsigned long long)s.live, (unsigned long long)g.live);
    CHECK(g.metadata > 0 && g.spans >= g.live && g.threads_last == 1);
    CHECK(g.roots_last > 0 && g.pause_last > 0 && g.pause_max >= g.pause_last);
}

TEST(gc, disable_and_percent)
{
    bosk_gc_disable();
    bosk_gc_disable();
    for (int i = 0; i < 100; i++) (void)tree(12);
    CHECK_EQ(gc_stats().cycles, 0);
    bosk_gc_enable();
    (void)tree(12);
    CHECK_EQ(gc_stats().cycles, 0);
    bosk_gc_enable();
    (void)tree(12);
    CHECK(gc_stats().cycles > 0);
    CHECK_EQ(bosk_gc_set_percent(-1), 100);
    uint64_t before = gc_stats().cycles;
    for (int i = 0; i < 100; i++) (void)tree(12);
    CHECK_EQ(gc_stats().cycles, before);
    CHECK(bosk_gc_collect());
    CHECK_EQ(bosk_gc_set_percent(50), -1);
    CHECK_EQ(bosk_gc_set_percent(100), 50);
}
TEST_PANICS(gc, enabled_too_often, "enabled more often than disabled") { bosk_gc_enable(); }

TEST_ENV(gc, off_by_environment, "BOSK_GC=off")
{
    for (int i = 0; i < 100; i++) (void)tree(12);
    CHECK_EQ(gc_stats().cycles, 0);
    CHECK(bosk_gc_collect());
}

TEST_ENV(gc, a_memory_limit_collects_earlier, "BOSK_MEMLIMIT=24MiB", "BOSK_GC=1000")
{
    kept_tree = tree(16); /* 2 MiB: the percentage alone would allow 40 */
    for (int i = 0; i < 200; i++) (void)tree(13);
    CHECK(gc_stats().cycles > 0);
    CHECK(gc_stats().spans <= 30 * MIB);
}

TEST(gc, init_makes_collected_the_default)
{
    CHECK_EQ(bosk_home_current().kind, BOSK_HOME_MANUAL);
    bosk_gc_init();
    CHECK_EQ(bosk_home_current().kind, BOSK_HOME_COLLECTED);
}

/* ---- the checks check ------------------------------ */

TEST_ENV(gc, everything_under_checkmark, "BOSK_CONF=gccheckmark=1,gcpoison=1")
{
    kept_tree = tree(13);
    global = new_words();
    ((void **)global)[1] = new_large();
    for (int i = 0; i < 30; i++) (void)tree(12);
    CHECK(bosk_gc_collect());
    CHECK_EQ(count_tree(kept_tree, 13), 8191);
}
struct forgetful {
    void *known, *forgotten;
};
BOSK_LAYOUT(struct forgetful, forgetful_type, known);
TEST_PANICS_ENV(gc, checkmark_names_the_forgotten_field, "struct forgetful at",
                "BOSK_CONF=gccheckmark=1")
{
    struct forgetful *f = global = bosk_new_as(&forgetful_type, struct forgetful);
    (void)put(&f->forgotten, new_node);
    collect();
}

TEST_ENV(gc, poison, "BOSK_CONF=gcpoison=1")
{
    hidden h = made_below(new_bytes); /* zero until then */
    collect();
    CHECK(!is_there(h));
    CHECK_EQ(*((unsigned char *)launder(shown(h)) + 500), 0xdb);
}

TEST_ENV(gc, stress, "BOSK_CONF=gcstress=3,gccheckmark=1")
{
    kept_tree = tree(7);
    CHECK(gc_stats().cycles >= 30);
    CHECK_EQ(count_tree(kept_tree, 7), 127);
}
