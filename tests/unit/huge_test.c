/* huge_test.c - buffers in huge pages: what they are, what is told of them, and that nothing of it
 * stays behind. */
#include "heap_support.h"
#include "os/os.h"

#include <bosk/huge.h>

static void *want(size_t size, unsigned flags, struct bosk_huge *got)
{
    memset(got, 0xa5, sizeof *got);
    unsigned char *p = launder(bosk_hugealloc(size, flags, got));
    CHECK_MSG(p != NULL, "%zu bytes, %u", size, flags);
    CHECK(got->bytes >= size && got->bytes == bosk_usable_size(p));
    CHECK((uintptr_t)p % got->align == 0 && (got->align & (got->align - 1)) == 0);
    CHECK(got->huge_bytes <= got->bytes);
    memset(p, 0x5a, size);
    return p;
}

TEST(huge, lines_and_pages_are_ones_own)
{
    struct bosk_huge got;
    const size_t sizes[] = {0, 1, 63, 64, 65, 1000, 5000, 70000, 3 * MIB};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        void *p = want(sizes[i], BOSK_HUGE_LINE, &got);
        CHECK((uintptr_t)p % boski_os.cacheline == 0 && got.bytes % boski_os.cacheline == 0);
        CHECK(!got.is_explicit && !got.is_advised);
        void *q = want(sizes[i], BOSK_HUGE_PAGE | BOSK_HUGE_POPULATE, &got);
        CHECK((uintptr_t)q % boski_os.page == 0 && got.bytes % boski_os.page == 0);
        bosk_hugefree(p);
        bosk_free(q);
    }
    bosk_hugefree(NULL);
}

TEST(huge, wrong_requests)
{
    errno = 0;
    CHECK(launder(bosk_hugealloc(100, 16, NULL)) == NULL);
    CHECK_EQ(errno, EINVAL);
    CHECK(launder(bosk_hugealloc(100, 1u << 31, NULL)) == NULL);
    const size_t sizes[] = {SIZE_MAX, (size_t)PTRDIFF_MAX, (size_t)PTRDIFF_MAX - 100,
                            (size_t)PTRDIFF_MAX + 1, SIZE_MAX - (2 * MIB) + 1};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (unsigned flags = 0; flags < 16; flags++) {
            errno = 0;
            CHECK(launder(bosk_hugealloc(launder_size(sizes[i]), flags, NULL)) == NULL);
            CHECK_EQ(errno, ENOMEM);
        }
    struct bosk_huge got;
    static char object[10];
    CHECK(!bosk_huge_report(NULL, &got) && !bosk_huge_report(object, &got));
    char *p = get(100);
    CHECK(!bosk_huge_report(p + 16, &got));
    CHECK(bosk_huge_report(p, &got) && got.bytes == 112 && !got.is_advised);
    bosk_free(p);
}

TEST(huge, transparent_ones_begin_at_a_huge_page_and_are_zero)
{
    struct bosk_huge got;
    if (boski_os_huge_page() == 0) SKIP("the system has no huge pages");
    for (unsigned round = 0; round < 3; round++) {
        unsigned char *p = launder(bosk_hugealloc(5 * MIB, BOSK_HUGE_TRANSPARENT, &got));
        CHECK(p != NULL && got.huge_page >= MIB);
        CHECK(got.align >= got.huge_page && got.bytes % got.huge_page == 0);
        CHECK(got.bytes >= 5 * MIB && got.bytes < 5 * MIB + got.huge_page);
        CHECK(got.is_advised && !got.is_explicit);
        CHECK_EQ(got.huge_bytes, 0); /* nothing touched yet */
        CHECK_ZERO(p, got.bytes);
        memset(p, 0xff, got.bytes);
        bosk_hugefree(p);
    }
}

/* What the kernel itself says of this process. */
static bool kernel_gives_huge_pages(void)
{
    char text[256];
    size_t n =
        boski_os_read_start("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text - 1);
    text[n] = '\0';
    return strstr(text, "[always]") != NULL || strstr(text, "[madvise]") != NULL;
}
TEST(huge, the_report_is_what_the_kernel_says)
{
    struct bosk_huge got;
    if (!kernel_gives_huge_pages()) SKIP("transparent huge pages are off");
    SKIP_EMULATED("smaps is that of the emulator");
    unsigned char *p = want(8 * MIB, BOSK_HUGE_TRANSPARENT | BOSK_HUGE_POPULATE, &got);
    CHECK(got.is_advised);
    size_t thp = 0, hugetlb = 0;
    CHECK(boski_os_huge_resident(p, got.bytes, &thp, &hugetlb));
    CHECK_EQ(got.huge_bytes, thp + hugetlb);
    printf("huge: %zu of %zu bytes in huge pages\n", got.huge_bytes, got.bytes);
    /* A part of the range has at most as much as there is room for. */
    CHECK(boski_os_huge_resident(p, MIB, &thp, &hugetlb) && thp <= MIB);
    CHECK(boski_os_huge_resident(p, 0, &thp, &hugetlb) && thp == 0);
    /* Ordinary memory beside it has none. */
    unsigned char *q = want(8 * MIB, BOSK_HUGE_PAGE, &got);
    CHECK_EQ(got.huge_bytes, 0);
    /* Freed and allocated again as ordinary blocks the pages are ordinary. */
    bosk_hugefree(p);
    bosk_hugefree(q);
    for (unsigned i = 0; i < 8; i++) {
        unsigned char *r = get(4 * MIB);
        memset(r, 1, 4 * MIB);
        CHECK(boski_os_huge_resident(r, 4 * MIB, &thp, &hugetlb));
        CHECK_EQ(thp + hugetlb, 0);
    }
}

TEST(huge, explicit_ones_fall_back)
{
    struct bosk_huge got;
    if (boski_os_huge_page() == 0) SKIP("the system has no huge pages");
    SKIP_EMULATED("the emulator maps them in its own way");
    unsigned char *p = want(3 * MIB, BOSK_HUGE_EXPLICIT | BOSK_HUGE_POPULATE, &got);
    CHECK(got.is_explicit != got.is_advised);
    if (got.is_explicit) CHECK_EQ(got.huge_bytes, got.bytes);
    CHECK(got.align >= got.huge_page);
    bosk_hugefree(p);
    /* The range is ordinary again in either case. */
    for (unsigned i = 0; i < 4; i++) fill(get(2 * MIB), 2 * MIB, i);
    /* More than there can be: always the fallback, and the neighbours are untouched. */
    unsigned char *before = get(MIB);
    fill(before, MIB, 1);
    p = launder(bosk_hugealloc((size_t)256 * MIB, BOSK_HUGE_EXPLICIT, &got));
    CHECK(p != NULL);
    CHECK_FILL(before, MIB, 1);
    p[0] = p[256 * MIB - 1] = 1;
    bosk_hugefree(p);
}

TEST(huge, blocks_of_the_heap)
{
    struct bosk_huge got;
    uint64_t live = stats_exact().live;
    struct census before = take_census(NULL);
    void *p = want(3 * MIB, BOSK_HUGE_TRANSPARENT, &got);
    struct census with = take_census(NULL);
    CHECK_EQ(with.blocks, before.blocks + 1);
    CHECK_EQ(with.block_bytes, before.block_bytes + got.bytes);
    CHECK_EQ(stats_exact().live, live + got.bytes);
    bosk_free(p);
    CHECK_EQ(stats_exact().live, live);
    CHECK_EQ(take_census(NULL).blocks, before.blocks);
}

TEST(huge, realloc_makes_ordinary_blocks)
{
    struct bosk_huge got;
    const size_t to[] = {1, 100, 40 * KIB, MIB, 4 * MIB, 20 * MIB};
    for (size_t i = 0; i < COUNT_OF(to); i++) {
        unsigned char *p = want(4 * MIB, BOSK_HUGE_TRANSPARENT, &got);
        fill(p, 4 * MIB, i);
        unsigned char *q = launder(bosk_realloc(p, to[i]));
        CHECK(q != NULL && bosk_usable_size(q) >= to[i]);
        CHECK_FILL(q, to[i] < 4 * MIB ? to[i] : 4 * MIB, i);
        bosk_free(q);
    }
}

TEST_ENV(huge, limits_hold, "BOSK_CONF=hardlimit=1", "BOSK_MEMLIMIT=16MiB")
{
    CHECK(launder(bosk_hugealloc(32 * MIB, BOSK_HUGE_TRANSPARENT, NULL)) == NULL);
    CHECK_EQ(errno, ENOMEM);
    struct bosk_huge got;
    bosk_hugefree(want(4 * MIB, BOSK_HUGE_TRANSPARENT, &got));
}

TEST_PANICS(huge, double_free, "free(): ")
{
    void *p = launder(bosk_hugealloc(MIB, BOSK_HUGE_TRANSPARENT, NULL));
    bosk_hugefree(p);
    bosk_hugefree(launder(p));
}
TEST_PANICS(huge, free_inside, "free(): invalid pointer")
{
    char *p = launder(bosk_hugealloc(MIB, BOSK_HUGE_TRANSPARENT, NULL));
    bosk_hugefree(launder(p + 4096));
}

TEST_OOM(huge, without_memory)
{
    for (unsigned flags = 0; flags < 16; flags++) {
        unsigned char *p = launder(bosk_hugealloc(100000, flags, NULL));
        if (p != NULL) fill(p, 100000, flags);
        bosk_hugefree(p);
    }
}
