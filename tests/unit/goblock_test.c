/* goblock_test.c - the block that serves a request, and where the pointers of a type end. */
#include "golden_support.h"

#include <errno.h>

/* What a block may be used for is what Go rounds to, in every row of roundup.csv. */
TEST(goblock, agrees_with_every_row_of_roundup)
{
    struct golden g;
    for (golden_open(&g, "roundup.csv"); golden_next(&g);) {
        bool noscan = golden_is(&g, 2, "noscan");
        for (int end = 3; end <= 4; end++) {
            bosk_go_block b;
            uint64_t size = (uint64_t)golden_number(&g, (unsigned)end);
            if (size == 0) continue;
            CHECK_EQ(bosk_go_block_of(g.minor, g.arch, size, noscan, &b), 0);
            CHECK_EQ(b.usable, (uint64_t)golden_number(&g, 5));
            CHECK(b.bytes == b.usable || (b.bytes == b.usable + 8 && !noscan && g.minor >= 22));
            CHECK((b.size_class == 0) == (b.bytes == b.span_bytes && b.objects == 1 &&
                                          size > (g.minor < 22 ? 32768 : 32760)));
            CHECK(b.objects * b.bytes <= b.span_bytes && b.span_bytes % 8192 == 0);
            if (b.size_class != 0)
                CHECK_EQ(b.objects, bosk_go_span(g.minor, g.arch, b.bytes, noscan));
        }
    }
    CHECK_EQ(g.rows, 2638);
}

TEST(goblock, classes_are_numbered_as_in_their_version)
{
    bosk_go_block b;
    CHECK_EQ(bosk_go_block_of(15, BOSK_AMD64, 24, true, &b), 0);
    CHECK(b.size_class == 3 && b.bytes == 32);
    CHECK_EQ(bosk_go_block_of(16, BOSK_AMD64, 24, true, &b), 0);
    CHECK(b.size_class == 3 && b.bytes == 24);
    CHECK_EQ(bosk_go_block_of(15, BOSK_AMD64, 32768, true, &b), 0);
    CHECK(b.size_class == 66 && b.bytes == 32768);
    CHECK_EQ(bosk_go_block_of(16, BOSK_AMD64, 32768, true, &b), 0);
    CHECK(b.size_class == 67 && b.bytes == 32768);
    CHECK_EQ(bosk_go_block_of(22, BOSK_AMD64, 32768, true, &b), 0);
    CHECK(b.size_class == 0 && b.bytes == 32768);
    CHECK_EQ(bosk_go_block_of(22, BOSK_AMD64, 1024, false, &b), 0);
    CHECK(b.size_class == 33 && b.bytes == 1152 && b.usable == 1144);
    CHECK_EQ(bosk_go_block_of(22, BOSK_386, 136, false, &b), 0);
    CHECK(b.size_class == 11 && b.bytes == 144 && b.usable == 136);
}

TEST(goblock, refuses_what_is_none)
{
    bosk_go_block b = {.objects = 77};
    CHECK_EQ(bosk_go_block_of(14, BOSK_AMD64, 8, true, &b), -EINVAL);
    CHECK_EQ(bosk_go_block_of(27, BOSK_AMD64, 8, true, &b), -EINVAL);
    CHECK_EQ(bosk_go_block_of(22, BOSK_AMD64, 0, true, &b), -EINVAL);
    CHECK_EQ(bosk_go_block_of(22, BOSK_AMD64, ((uint64_t)1 << 48) + 1, true, &b), -ERANGE);
    CHECK_EQ(bosk_go_block_of(22, BOSK_AMD64, UINT64_MAX, true, &b), -ERANGE);
    CHECK_EQ(bosk_go_block_of(22, BOSK_ARM, (uint64_t)1 << 32, true, &b), -ERANGE);
    CHECK_EQ(b.objects, 77);
    CHECK_EQ(bosk_go_block_of(22, BOSK_AMD64, (uint64_t)1 << 48, true, &b), 0);
    CHECK_EQ(b.bytes, (uint64_t)1 << 48);
}

static uint64_t ptr_bytes(bosk_arch arch, const char *text)
{
    bosk_go_type t;
    CHECK_MSG(bosk_go_layout(arch, text, &t, NULL, NULL, NULL) == 0, "%s", text);
    CHECK_EQ(t.noscan, t.ptr_bytes == 0);
    CHECK(t.ptr_bytes <= t.size);
    return t.ptr_bytes;
}

/* PtrBytes of Go's type descriptors. */
TEST(goblock, pointers_end_where_the_collector_stops)
{
    static const struct {
        const char *text;
        uint64_t words;
    } cases[] = {{"int", 0},
                 {"*T", 1},
                 {"string", 1},
                 {"[]int", 1},
                 {"any", 2},
                 {"error", 2},
                 {"interface{ M() }", 2},
                 {"map[string]int", 1},
                 {"chan int", 1},
                 {"func(int) string", 1},
                 {"unsafe.Pointer", 1},
                 {"uintptr", 0},
                 {"[3]*T", 3},
                 {"[3]string", 5},
                 {"[0]*T", 0},
                 {"[4][0]*T", 0},
                 {"struct{a string; b int}", 1},
                 {"struct{a int; b string}", 2},
                 {"struct{a int; b struct{}}", 0},
                 {"struct{a struct{p *T; n int}; b uintptr; c *T; d [9]int}", 4}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_EQ(ptr_bytes(BOSK_AMD64, cases[i].text), cases[i].words * 8);
        CHECK_EQ(ptr_bytes(BOSK_386, cases[i].text), cases[i].words * 4);
    }
}
