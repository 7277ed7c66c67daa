/* malloc_test.c - malloc, calloc, free, usable size and rounding: what each call promises. */
#include "../../src/heap/mcache.h"
#include "heap_support.h"

/* Sizes at and around every class and every change of path, then a coarse sweep. */
static size_t next_size(size_t size)
{
    if (size < 4200) return size + 1;
    if (size < 33000) return size + 13;
    return size + 509;
}

TEST(malloc, every_size_is_aligned_and_writable_in_full)
{
    enum { WINDOW = 61 };
    struct {
        void *p;
        size_t usable;
    } live[WINDOW] = {{NULL, 0}};
    size_t n = 0;
    for (size_t size = 0; size <= 70000; size = next_size(size), n++) {
        size_t at = n % WINDOW;
        if (live[at].p) CHECK_FILL(live[at].p, live[at].usable, n - WINDOW);
        bosk_free(live[at].p);
        void *p = get(size);
        size_t usable = bosk_usable_size(p);
        CHECK_MSG(usable >= size, "size %zu, usable %zu", size, usable);
        /* Rounding wastes at most an eighth and a granule; a large block less than a page. */
        CHECK_MSG(usable <= size + size / 4 + 64 || usable - size <= 16 * KIB,
                  "size %zu, usable %zu", size, usable);
        fill(p, usable, n);
        live[at].p = p;
        live[at].usable = usable;
    }
}

static int by_address(const void *a, const void *b)
{
    uintptr_t l = *(const uintptr_t *)a, r = *(const uintptr_t *)b;
    return l < r ? -1 : l > r;
}

TEST(malloc, live_blocks_do_not_overlap)
{
    enum { N = 20000 };
    static struct {
        uintptr_t p, bytes, index;
    } block[N];
    uint64_t rng = bosk_test_seed();
    for (size_t i = 0; i < N; i++) {
        size_t size = (size_t)(bosk_test_random(&rng) % (i % 16 == 0 ? 40000 : 700));
        void *p = get(size);
        block[i].p = (uintptr_t)p;
        block[i].bytes = bosk_usable_size(p);
        block[i].index = i;
        fill(p, block[i].bytes, i);
    }
    qsort(block, N, sizeof block[0], by_address);
    for (size_t i = 0; i < N; i++) {
        if (i + 1 < N)
            CHECK_MSG(block[i].p + block[i].bytes <= block[i + 1].p, "%#zx + %zu, %#zx",
                      (size_t)block[i].p, (size_t)block[i].bytes, (size_t)block[i + 1].p);
        CHECK_FILL((void *)block[i].p, block[i].bytes, block[i].index);
    }
    for (size_t i = 0; i < N; i++) bosk_free((void *)block[i].p);
}

TEST(malloc, size_zero_is_unique_and_freeable)
{
    void *seen[100];
    for (size_t i = 0; i < 100; i++) {
        seen[i] = get(0);
        for (size_t k = 0; k < i; k++) CHECK(seen[k] != seen[i]);
    }
    for (size_t i = 0; i < 100; i++) bosk_free(seen[i]);
    void *p = bosk_calloc(0, 16), *q = bosk_calloc(16, 0);
    CHECK(p && q && p != q);
    bosk_free(p);
    bosk_free(q);
}

TEST(malloc, too_large_is_enomem)
{
    const size_t huge[] = {(size_t)PTRDIFF_MAX + 1, SIZE_MAX,        SIZE_MAX - 7,
                           SIZE_MAX - 15,           SIZE_MAX - 4095, SIZE_MAX - 8191,
                           SIZE_MAX - 65535,        SIZE_MAX / 2,    (size_t)PTRDIFF_MAX - 1};
    for (size_t i = 0; i < COUNT_OF(huge); i++) {
        errno = 0;
        CHECK_MSG(launder(bosk_malloc(launder_size(huge[i]))) == NULL, "%zu", huge[i]);
        CHECK_EQ(errno, ENOMEM);
        errno = 0;
        CHECK(launder(bosk_calloc(1, launder_size(huge[i]))) == NULL);
        CHECK_EQ(errno, ENOMEM);
        errno = 0;
        CHECK(launder(bosk_calloc(launder_size(huge[i]), 1)) == NULL);
        CHECK_EQ(errno, ENOMEM);
    }
    bosk_free(get(100)); /* and the heap still works */
}

TEST(malloc, calloc_product_that_overflows_is_enomem)
{
    const size_t half = (size_t)1 << (sizeof(size_t) * 4);
    const size_t pair[][2] = {{half, half},         {SIZE_MAX / 2 + 1, 2}, {2, SIZE_MAX / 2 + 1},
                              {SIZE_MAX, SIZE_MAX}, {half + 1, half},      {SIZE_MAX / 16 + 1, 16},
                              {3, SIZE_MAX / 3 + 1}};
    for (size_t i = 0; i < COUNT_OF(pair); i++) {
        errno = 0;
        CHECK(launder(bosk_calloc(launder_size(pair[i][0]), launder_size(pair[i][1]))) == NULL);
        CHECK_EQ(errno, ENOMEM);
    }
}

TEST(malloc, free_null_and_usable_size_null)
{
    bosk_free(NULL);
    bosk_free_sized(NULL, 0);
    bosk_free_sized(NULL, 100);
    CHECK_EQ(bosk_usable_size(NULL), 0);
}

/* Memory that was written, freed, trimmed, reused as another size: calloc must not show it. */
TEST(malloc, calloc_is_zero_after_dirty_use)
{
    static void *dirty[4096];
    const size_t sizes[] = {1,     8,     16,    24,    48,     64,     100,     256,
                            512,   1024,  1025,  2000,  4096,   8192,   9000,    16384,
                            32768, 32769, 40000, 65536, 100000, 262144, 1000000, 4194304};
    for (unsigned round = 0; round < 4; round++) {
        for (size_t s = 0; s < COUNT_OF(sizes); s++) {
            size_t n = sizes[s] > 8192 ? 8 : sizes[s] > 512 ? 256 : 4096;
            if (n * sizes[s] > 8 * MIB) n = 2;
            for (size_t i = 0; i < n; i++) {
                dirty[i] = get(sizes[s]);
                memset(dirty[i], 0xff, bosk_usable_size(dirty[i]));
            }
            for (size_t i = 0; i < n; i++) bosk_free(dirty[i]);
            if (round == 1) bosk_trim(SIZE_MAX);
            if (round == 2) bosk_trim(0);
            /* Twice as many: some are recycled, some are fresh. */
            for (unsigned part = 0; part < 2; part++) {
                for (size_t i = 0; i < n; i++) {
                    size_t count = i % 2 && sizes[s] % 4 == 0 ? 4 : 1;
                    dirty[i] = launder(bosk_calloc(count, sizes[s] / count));
                    CHECK(dirty[i] != NULL && (uintptr_t)dirty[i] % 16 == 0);
                    CHECK_ZERO(dirty[i], sizes[s]);
                    memset(dirty[i], 0xff, bosk_usable_size(dirty[i]));
                }
                for (size_t i = 0; i < n; i++)
                    if (part) bosk_free(dirty[i]);
                if (!part)
                    for (size_t i = 0; i < n; i += 3) {
                        bosk_free(dirty[i]);
                        dirty[i] = get(sizes[s]);
                    }
                if (!part)
                    for (size_t i = 0; i < n; i++) bosk_free(dirty[i]);
            }
        }
    }
}

/* What a shrink gives back and what a dead large block leaves must not come up in calloc. */
TEST(malloc, calloc_is_zero_after_shrink_and_split)
{
    for (unsigned round = 0; round < 50; round++) {
        unsigned char *big = get(2 * MIB);
        memset(big, 0xee, 2 * MIB);
        big = launder(bosk_realloc(big, 64 * KIB));
        CHECK(big != NULL);
        void *part[20];
        for (size_t i = 0; i < COUNT_OF(part); i++) {
            size_t size = (round * 8192 + i * 12345) % 200000 + 1;
            part[i] = launder(bosk_calloc(1, size));
            CHECK_ZERO(part[i], size);
            memset(part[i], 0xdd, bosk_usable_size(part[i]));
        }
        for (size_t i = 0; i < COUNT_OF(part); i++) bosk_free(part[i]);
        CHECK(big[64 * KIB - 1] == 0xee);
        bosk_free(big);
    }
}

TEST(malloc, success_and_free_keep_errno)
{
    static void *p[3000];
    errno = 4711;
    for (size_t size = 1; size < 3 * MIB; size = size * 3 + 1) {
        for (size_t i = 0; i < COUNT_OF(p) && i * size < 6 * MIB; i++) {
            p[i] = i % 2 ? bosk_malloc(size) : bosk_calloc(1, size);
            CHECK_EQ(errno, 4711);
            p[i] = bosk_realloc(p[i], size * 2);
            CHECK_EQ(errno, 4711);
            CHECK(p[i] != NULL);
        }
        for (size_t i = 0; i < COUNT_OF(p) && i * size < 6 * MIB; i++) {
            bosk_free(p[i]);
            CHECK_EQ(errno, 4711);
        }
    }
    bosk_trim(0);
    CHECK_EQ(errno, 4711);
    bosk_free(NULL);
    CHECK_EQ(errno, 4711);
    void *q = bosk_aligned_alloc(65536, 100);
    CHECK(q != NULL);
    CHECK_EQ(errno, 4711);
    CHECK(bosk_grow(q, 100 * MIB) == 0 || bosk_usable_size(q) >= 100 * MIB);
    CHECK_EQ(errno, 4711);
    struct bosk_heap_stats s = stats_now();
    CHECK(s.live > 0);
    CHECK_EQ(errno, 4711);
    q = bosk_realloc(q, 0);
    CHECK(q == NULL);
    CHECK_EQ(errno, 4711);
}

TEST(malloc, free_sized_takes_what_was_asked)
{
    for (size_t size = 0; size <= 70000; size = next_size(size) + size / 100) {
        void *p = get(size);
        fill(p, size, size);
        bosk_free_sized(p, size);
        p = bosk_aligned_alloc(256, size);
        CHECK(p != NULL);
        bosk_free_sized(p, size);
    }
}

TEST_ENV(malloc, free_sized_right_size_passes_check, "BOSK_CONF=check=1")
{
    for (size_t size = 0; size <= 70000; size = next_size(size) + size / 100)
        bosk_free_sized(get(size), size);
}

TEST_PANICS_ENV(malloc, free_sized_wrong_class_is_caught, "free", "BOSK_CONF=check=1")
{
    bosk_free_sized(get(100), 1000);
}

static uint64_t slow_mallocs(void)
{
    struct bosk_record_counters sum = *boski_ctr;
    boski_mcache_add_pending(&sum);
    return sum.slow_mallocs;
}

/* Two lists: what is freed is not handed out again before the next refill, so that what was
 * handed out can be counted there. */
TEST(malloc, freed_block_waits_for_a_refill)
{
    enum { SLOTS = 1 << 16 };
    static struct {
        void *p;
        uint64_t refills;
    } freed[SLOTS];
    const size_t sizes[] = {16, 64, 80, 640, 1024};
    size_t again = 0;
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        memset(freed, 0, sizeof freed);
        for (size_t i = 0; i < 200000; i++) {
            void *p = get(sizes[s]);
            /* The refill that a malloc itself causes comes before its answer. */
            uint64_t refills = slow_mallocs();
            size_t h = ((uintptr_t)p >> 4) % SLOTS;
            if (freed[h].p == p) {
                again++;
                CHECK_MSG(refills > freed[h].refills, "%p handed out again after %llu refills", p,
                          (unsigned long long)refills);
            }
            freed[h].p = p;
            freed[h].refills = refills;
            bosk_free(p);
        }
    }
    CHECK(again > 1000); /* else nothing was tested */
}

TEST(malloc, calls_are_counted_exactly)
{
    static void *p[1000];
    struct bosk_heap_stats a = stats_exact();
    uint64_t bytes = 0;
    for (size_t round = 0; round < 100; round++) {
        for (size_t i = 0; i < COUNT_OF(p); i++) {
            p[i] = get(i * 37 % 3000 + (i == 500 ? 100000 : 0));
            bytes += bosk_usable_size(p[i]);
        }
        for (size_t i = 0; i < COUNT_OF(p); i++) bosk_free(p[i]);
    }
    struct bosk_heap_stats b = stats_exact();
    CHECK_EQ(b.mallocs - a.mallocs, 100000);
    CHECK_EQ(b.frees - a.frees, 100000);
    CHECK_EQ(b.allocated - a.allocated, bytes);
    CHECK_EQ(b.freed - a.freed, bytes);
    CHECK_EQ(b.live, a.live);
    CHECK(b.peak >= a.live);
}

TEST(malloc, lifo_pairs_are_counted_exactly)
{
    uint64_t n = bosk_test_budget(1000000);
    struct bosk_heap_stats a = stats_exact();
    for (uint64_t i = 0; i < n; i++) bosk_free(launder(bosk_malloc(64)));
    struct bosk_heap_stats b = stats_exact();
    CHECK_EQ(b.mallocs - a.mallocs, n);
    CHECK_EQ(b.frees - a.frees, n);
    CHECK_EQ(b.allocated - a.allocated, n * 64);
}

/* Every row Go printed, of every version: before 1.22 there was no header, so that what holds
 * pointers was rounded as what does not. */
TEST(malloc, roundupsize_is_go)
{
    char path[4096], line[256];
    snprintf(path, sizeof path, "%s/tests/golden/roundup.csv", BOSK_SOURCE_DIR);
    FILE *f = fopen(path, "r");
    CHECK_MSG(f != NULL, "%s: %s", path, strerror(errno));
    size_t rows = 0, sizes = 0, other_width = 0;
    while (fgets(line, sizeof line, f)) {
        unsigned minor;
        char arch[16], kind[16], rest[64];
        size_t lo, hi, usable;
        if (sscanf(line, "go1.%u%63[^,],%15[^,],%15[^,],%zu,%zu,%zu", &minor, rest, arch, kind, &lo,
                   &hi, &usable) != 7)
            continue;
        bool wide = strcmp(arch, "amd64") == 0 || strcmp(arch, "arm64") == 0;
        bool noscan = strcmp(kind, "noscan") == 0 || minor < 22;
        /* The header in front of what holds pointers is one word of the machine. */
        if (!noscan && wide != (sizeof(void *) == 8)) {
            other_width++;
            continue;
        }
        for (size_t size = lo; size <= hi; size++, sizes++)
            CHECK_MSG(bosk_roundupsize(size, noscan) == usable, "%zu is %zu in %s", size,
                      bosk_roundupsize(size, noscan), line);
        rows++;
    }
    fclose(f);
    CHECK_EQ(rows + other_width, 2638);
    CHECK_MSG(rows > 1900 && sizes > 1000000, "%zu rows, %zu sizes", rows, sizes);
}

TEST(malloc, roundupsize_at_the_ends)
{
    CHECK_EQ(bosk_roundupsize(0, true), 0);
    CHECK_EQ(bosk_roundupsize(33, true), 48);
    CHECK_EQ(bosk_roundupsize(32769, true), 40960);
    CHECK_EQ(bosk_roundupsize(SIZE_MAX, true), 0);
    CHECK_EQ(bosk_roundupsize(SIZE_MAX - 8190, true), 0);
    CHECK_EQ(bosk_roundupsize((size_t)PTRDIFF_MAX, true), 0);
    CHECK_EQ(bosk_roundupsize((size_t)PTRDIFF_MAX - 8191, true), (size_t)PTRDIFF_MAX - 8191);
}

TEST(malloc, grow_small_stays_within_its_class)
{
    for (size_t size = 1; size <= 32768; size = size * 5 / 4 + 1) {
        void *p = get(size);
        size_t usable = bosk_usable_size(p);
        fill(p, usable, size);
        CHECK_EQ(bosk_grow(p, 0), usable);
        CHECK_EQ(bosk_grow(p, size), usable);
        CHECK_EQ(bosk_grow(p, usable), usable);
        CHECK_EQ(bosk_grow(p, usable + 1), 0);
        CHECK_EQ(bosk_grow(p, launder_size(SIZE_MAX)), 0);
        CHECK_EQ(bosk_usable_size(p), usable);
        CHECK_FILL(p, usable, size);
        bosk_free(p);
    }
}

TEST(malloc, grow_large_in_place)
{
    size_t grown = 0;
    for (unsigned round = 0; round < 20; round++) {
        unsigned char *p = get(100 * KIB), *q = NULL;
        size_t size = 100 * KIB;
        fill(p, size, round);
        if (round % 2) q = get(100 * KIB); /* perhaps in the way */
        if (q) fill(q, 100 * KIB, 1000 + round);
        for (;;) {
            size_t wish = size + size / 2, now = bosk_grow(p, wish);
            if (now == 0 || size > 16 * MIB) break;
            grown++;
            CHECK(now >= wish);
            CHECK_EQ(bosk_usable_size(p), now);
            CHECK_FILL(p, 100 * KIB, round);
            memset(p + size, 0x5a, now - size);
            size = wish;
        }
        CHECK_FILL(p, 100 * KIB, round);
        if (q) CHECK_FILL(q, 100 * KIB, 1000 + round);
        bosk_free(p);
        bosk_free(q);
    }
    CHECK(grown > 0); /* a heap that never grows in place keeps no promise of realloc */
}

TEST(malloc, version_is_that_of_the_headers)
{
    CHECK(strcmp(bosk_version(), BOSK_VERSION) == 0);
    CHECK(*(const volatile char *)&bosk_abi_0 == bosk_abi_0);
}
