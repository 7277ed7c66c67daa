/* tool_test.c - the tool's own modules: numbers for people, names of places, reading and scaling.
 */
#include "bosk_test.h"

#include "../../cmd/bosk/analysis.h"
#include "../../cmd/bosk/chart.h"
#include "../../cmd/bosk/places.h"
#include "../../cmd/bosk/say.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void text_is(struct text t, const char *wanted)
{
    CHECK_MSG(strcmp(t.s, wanted) == 0, "'%s', not '%s'", t.s, wanted);
}

TEST(tool, bytes_for_people)
{
    text_is(text_bytes(0), "0 B");
    text_is(text_bytes(999), "999 B");
    text_is(text_bytes(1000), "0.98 KiB");
    text_is(text_bytes(1536), "1.50 KiB");
    text_is(text_bytes(31.8 * 1048576), "31.8 MiB");
    text_is(text_bytes(999.4 * 1024), "999 KiB");
    text_is(text_bytes(999.6 * 1024), "0.98 MiB");
    text_is(text_bytes(1e18), "888 PiB");
    text_is(text_bytes(-5), "0 B");
    text_is(text_bytes(NAN), "0 B");
}

TEST(tool, counts_for_people)
{
    text_is(text_count(9999), "9999");
    text_is(text_count(10000), "10.0 k");
    text_is(text_count(2421063), "2.42 M");
    text_is(text_exact(0), "0");
    text_is(text_exact(999), "999");
    text_is(text_exact(1000), "1,000");
    text_is(text_exact(2421063), "2,421,063");
    text_is(text_exact(1e15), "1.00 P");
    text_is(text_percent(1, 3), "33 %");
    text_is(text_percent(1, 40), "2.5 %");
    text_is(text_percent(9931, 10000), "99.31 %");
    text_is(text_percent(1, 1), "100 %");
    text_is(text_percent(1, 1e6), "<0.1 %");
    text_is(text_percent(1, 0), "0 %");
    text_is(text_percent(1e9, 1), ">999 %");
}

TEST(tool, durations_for_people)
{
    text_is(text_duration(8.4), "8 ns");
    text_is(text_duration(2100), "2.10 us");
    text_is(text_duration(999.6e3), "1.00 ms");
    text_is(text_duration(1.62e9), "1.62 s");
    text_is(text_duration(61e9), "61.0 s");
    text_is(text_duration(125e9), "2 min 05 s");
    text_is(text_duration(7260e9), "2 h 01 min");
}

TEST(tool, text_cannot_steer_the_terminal)
{
    char buf[64];
    CHECK(strcmp(text_clean("a\033[31mb\n\t\x7f", buf, sizeof buf), "a?[31mb???") == 0);
    CHECK(strcmp(text_clean("f\xc3\xb6", buf, sizeof buf), "f?") == 0);
    CHECK(strlen(text_clean("0123456789", buf, 5)) == 4);
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) SKIP("there is no UTF-8 locale");
    CHECK(strcmp(text_clean("f\xc3\xb6", buf, sizeof buf), "f\xc3\xb6") == 0);
    CHECK(text_width("f\xc3\xb6") == 2);
    /* C1 controls, overlong forms, cut sequences, bare continuations. */
    CHECK(strcmp(text_clean("\xc2\x9b"
                            "1m",
                            buf, sizeof buf),
                 "??1m") == 0);
    CHECK(strcmp(text_clean("\xc0\xaf", buf, sizeof buf), "??") == 0);
    CHECK(strcmp(text_clean("\xe2\x82", buf, sizeof buf), "??") == 0);
    CHECK(strcmp(text_clean("\x80", buf, sizeof buf), "?") == 0);
    /* A sequence is not cut in two. */
    CHECK(strcmp(text_clean("ab\xc3\xb6", buf, 4), "ab") == 0);
}

TEST(tool, short_names_of_cxx)
{
    static const char *const cases[][2] = {
        {"main", "main"},
        {"ns::Class::method(int, char const*)", "ns::Class::method"},
        {"std::vector<int, std::allocator<int> >::push_back(int const&)", "std::vector::push_back"},
        {"void sort<std::less<int> >(int*, int*)", "sort"},
        {"(anonymous namespace)::helper(int)", "helper"},
        {"a::(anonymous namespace)::b::run()", "a::b::run"},
        {"operator new(unsigned long)", "operator new"},
        {"Class::operator()(int)", "Class::operator()"},
        {"Class::operator<(Class const&)", "Class::operator<"},
        {"Class::operator<<(int)", "Class::operator<<"},
        {"std::map<int, std::vector<char> >::operator[](int&&)", "std::map::operator[]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char buf[128];
        place_short_name(cases[i][0], buf, sizeof buf);
        CHECK_MSG(strcmp(buf, cases[i][1]) == 0, "%s: '%s'", cases[i][0], buf);
    }
}

TEST(tool, allocators_are_known_by_name)
{
    static const char *const yes[] = {
        "malloc",
        "calloc",
        "xrealloc",
        "sqlite3DbMallocRawNN",
        "jv_mem_alloc",
        "zmalloc",
        "pcache1Alloc",
        "operator new",
        "operator new[]",
        "__gnu_cxx::new_allocator::allocate",
        "strdup",
        "xstrndup",
        "g_malloc0",
        "_PyMem_RawMalloc",
        "bosk_heap_malloc",
        "std::allocator_traits::allocate",
        "__interceptor_malloc",
    };
    static const char *const no[] = {
        "main",        "allocateBtreePage", "dictAdd",           "sqlite3BtreeInsert", "balance",
        "hash_insert", "Parser::parse",     "local_alloc_table", "allocated_count",
    };
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        CHECK_MSG(place_is_allocator(yes[i]), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        CHECK_MSG(!place_is_allocator(no[i]), "%s", no[i]);
}

/* ---- a recording made by hand ---- */

#define SECTION_BYTES                                                      \
    ((sizeof(struct bosk_record_section) + BOSK_RECORD_HEADER_BYTES - 1) / \
     BOSK_RECORD_HEADER_BYTES * BOSK_RECORD_HEADER_BYTES)

static char *new_page(unsigned sections)
{
    size_t bytes = BOSK_RECORD_HEADER_BYTES + sections * SECTION_BYTES;
    char *page = calloc(1, bytes);
    CHECK(page != NULL);
    *(struct bosk_record_header *)(void *)page =
        (struct bosk_record_header){.magic = BOSK_RECORD_MAGIC,
                                    .version = BOSK_RECORD_VERSION,
                                    .header_bytes = BOSK_RECORD_HEADER_BYTES,
                                    .total_bytes = bytes,
                                    .section_bytes = SECTION_BYTES,
                                    .section_count = sections,
                                    .sections_used = sections};
    return page;
}
static struct bosk_record_section *section(char *page, unsigned i)
{
    return (void *)(page + BOSK_RECORD_HEADER_BYTES + i * SECTION_BYTES);
}

/* Two places that ask for 64 bytes each: 3,000 and 1,000 blocks in truth, 30 and 12 samples. */
static void two_places(struct bosk_record_section *s)
{
    s->state = BOSK_SECTION_READY;
    s->peak_epoch = 1;
    s->stack_count = s->site_count = 2;
    s->frame_count = 4;
    s->samples = 42;
    s->counters.mallocs[4] = 4000;
    s->counters.frees[6] = 4000;
    s->counters.peak_bytes = s->peak.live_bytes = 4000 * 64;
    s->peak.mallocs[4] = 4000;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t n = i == 0 ? 30 : 12;
        s->frame[2 * i] = (UINT64_C(0xffff) << 48) + 0x1000 * (i + 1);
        s->frame[2 * i + 1] = (UINT64_C(0xffff) << 48) + 0x9000;
        s->stack[i] = (struct bosk_record_stack){2 * i, 2, 0};
        s->site[i] = (struct bosk_record_site){.stack = i,
                                               .lane = 4,
                                               .samples = n,
                                               .alloc_objects = n * 100 * 1024,
                                               .alloc_bytes = n * 6400,
                                               .request_bytes = n * 6000,
                                               .variance = n * 39,
                                               .peak_objects = n * 100 * 1024,
                                               .peak_bytes = n * 6400,
                                               .peak_samples = n,
                                               .peak_epoch = 1};
    }
}

static struct analysis analysed(const struct recording *r, struct symbols **symbols)
{
    struct analysis a;
    *symbols = symbols_new();
    CHECK(*symbols != NULL && analyse(&r->process[0], *symbols, &a) == 0);
    return a;
}

TEST(tool, estimates_add_up_to_the_exact_counts)
{
    char *page = new_page(1);
    two_places(section(page, 0));
    struct recording r;
    CHECK_EQ(recording_read(page, BOSK_RECORD_HEADER_BYTES + SECTION_BYTES, &r), 0);
    struct symbols *symbols;
    struct analysis a = analysed(&r, &symbols);
    CHECK(fabs(a.total.alloc_objects - 4000) < 1e-6);
    CHECK(fabs(a.total.peak_bytes - 256000) < 1e-6);
    CHECK(a.total.live_bytes == 0 && a.unknown_alloc_bytes < 1e-6);
    /* 30 of 42 samples. */
    CHECK(fabs(a.site[0].alloc_objects - 4000.0 * 30 / 42) < 1e-6);
    CHECK(fabs(a.site[0].request_bytes / a.site[0].alloc_bytes - 60.0 / 64) < 1e-9);
    /* Only the division between the two is uncertain: about sqrt(f (1 - f) / 42) of all. */
    double sigma = sqrt(a.site[0].variance) / 256000;
    CHECK_MSG(sigma > 0.05 && sigma < 0.08, "%g", sigma);
    CHECK_EQ(a.place_count, 2);
    CHECK(strcmp(a.place[0].text, "0x1000 < 0x9000") == 0);
    analysis_free(&a);
    symbols_free(symbols);
    recording_free(&r);
    free(page);
}

TEST(tool, what_no_sample_fell_on_is_not_spread)
{
    char *page = new_page(1);
    struct bosk_record_section *s = section(page, 0);
    two_places(s);
    s->counters.mallocs[10] = 1000; /* of 160 bytes, never sampled */
    s->peak.mallocs[10] = 1000;
    s->counters.peak_bytes = s->peak.live_bytes = 256000 + 160000;
    struct recording r;
    CHECK_EQ(recording_read(page, BOSK_RECORD_HEADER_BYTES + SECTION_BYTES, &r), 0);
    struct symbols *symbols;
    struct analysis a = analysed(&r, &symbols);
    CHECK(fabs(a.total.alloc_bytes - 256000) < 1e-6);
    CHECK(fabs(a.unknown_alloc_bytes - 160000) < 1e-6);
    CHECK(fabs(a.unknown_peak_bytes - 160000) < 1e-6);
    analysis_free(&a);
    symbols_free(symbols);
    recording_free(&r);
    free(page);
}

TEST(tool, blocks_sampled_for_certain_stay_exact)
{
    char *page = new_page(1);
    struct bosk_record_section *s = section(page, 0);
    two_places(s);
    memset(s->counters.mallocs, 0, sizeof s->counters.mallocs);
    /* One block of 10 MiB for certain, and an estimate that is 25 % too large. */
    uint64_t certain = 10 << 20, guess = 1000000, truth = 800000;
    s->site[0] = (struct bosk_record_site){.lane = BOSK_RECORD_LANE_LARGE,
                                           .samples = 1,
                                           .alloc_objects = 1024,
                                           .alloc_bytes = certain};
    s->site[1] = (struct bosk_record_site){.stack = 1,
                                           .lane = BOSK_RECORD_LANE_LARGE,
                                           .samples = 5,
                                           .alloc_objects = 20 * 1024,
                                           .alloc_bytes = guess,
                                           .variance = 10000};
    s->counters.large_allocs = 21;
    s->counters.large_alloc_bytes = certain + truth;
    struct recording r;
    CHECK_EQ(recording_read(page, BOSK_RECORD_HEADER_BYTES + SECTION_BYTES, &r), 0);
    struct symbols *symbols;
    struct analysis a = analysed(&r, &symbols);
    CHECK(fabs(a.site[0].alloc_bytes - (double)certain) < 1e-6);
    CHECK(fabs(a.site[1].alloc_bytes - (double)truth) < 1e-6);
    analysis_free(&a);
    symbols_free(symbols);
    recording_free(&r);
    free(page);
}

TEST(tool, quantiles_weigh_fast_calls)
{
    char *page = new_page(1);
    struct bosk_record_section *s = section(page, 0);
    two_places(s);
    s->start_ns = 1000000;
    s->last_ns = 2000000;
    s->last_ticks = 2000000; /* two ticks a nanosecond */
    s->timer_ticks = 10;
    /* 4,000 calls: 40 slow at 2,000 ticks, the rest at 30, of which 62 were timed. */
    s->latency[BOSK_OP_MALLOC][0].bucket[30] = 62 * 64;
    s->latency[BOSK_OP_MALLOC][1].bucket[32 * 6 + 31] = 40; /* 2,016 .. 2,047 */
    s->latency[BOSK_OP_MALLOC][1].max_ticks = 2040;
    struct recording r;
    CHECK_EQ(recording_read(page, BOSK_RECORD_HEADER_BYTES + SECTION_BYTES, &r), 0);
    struct symbols *symbols;
    struct analysis a = analysed(&r, &symbols);
    const struct latency *l = &a.latency[BOSK_OP_MALLOC];
    CHECK(l->calls == 4000 && l->slow_calls == 40 && l->fast_known);
    CHECK_MSG(fabs(l->p50 - 10) < 0.01, "%g", l->p50);
    CHECK_MSG(fabs(l->p99 - 10) < 0.01, "%g", l->p99); /* exactly 99 % are fast */
    CHECK_MSG(l->p999 > 990 && l->p999 <= 1015.01, "%g", l->p999);
    CHECK_MSG(fabs(l->max - 1015) < 0.01, "%g", l->max);
    analysis_free(&a);
    symbols_free(symbols);
    recording_free(&r);
    free(page);
}

TEST(tool, sites_untouched_since_the_peak_are_as_they_are)
{
    char *page = new_page(1);
    struct bosk_record_section *s = section(page, 0);
    two_places(s);
    s->peak_epoch = 7;
    s->site[0].live_bytes = 640;
    s->site[0].live_objects = 10 * 1024;
    struct recording r;
    CHECK_EQ(recording_read(page, BOSK_RECORD_HEADER_BYTES + SECTION_BYTES, &r), 0);
    CHECK_EQ(r.process[0].site[0].peak_bytes, 640);
    CHECK_EQ(r.process[0].site[1].peak_bytes, 0);
    recording_free(&r);
    free(page);
}

TEST(tool, pages_that_are_none)
{
    char *page = new_page(1);
    struct bosk_record_header *h = (void *)page;
    size_t bytes = BOSK_RECORD_HEADER_BYTES + SECTION_BYTES;
    struct recording r;
    CHECK_EQ(recording_read(page, 100, &r), -22);
    h->magic++;
    CHECK_EQ(recording_read(page, bytes, &r), -22);
    h->magic--;
    h->section_bytes = 4096;
    CHECK_EQ(recording_read(page, bytes, &r), -22);
    h->section_bytes = SECTION_BYTES;
    h->section_count = h->sections_used = UINT32_MAX; /* more than there is room for */
    CHECK_EQ(recording_read(page, bytes, &r), 0);
    CHECK_EQ(r.count, 0);
    CHECK_EQ(r.unfinished, 1);
    recording_free(&r);
    free(page);
}

TEST(tool, children_are_linked_to_their_parents)
{
    char *page = new_page(3);
    for (unsigned i = 0; i < 3; i++) {
        two_places(section(page, i));
        section(page, i)->parent = i == 0 ? BOSK_RECORD_NONE : 0;
    }
    section(page, 1)->state = BOSK_SECTION_CLAIMED; /* killed before it began */
    section(page, 0)->parent = 2;                   /* nonsense: parents come first */
    struct recording r;
    CHECK_EQ(recording_read(page, BOSK_RECORD_HEADER_BYTES + 3 * SECTION_BYTES, &r), 0);
    CHECK_EQ(r.count, 2);
    CHECK_EQ(r.unfinished, 1);
    CHECK(r.process[0].parent == -1 && r.process[1].parent == 0);
    recording_free(&r);
    free(page);
}

TEST(tool, chart_of_a_ramp)
{
    struct bosk_record_point point[BOSK_RECORD_POINTS] = {{0, 0}};
    struct process p = {.interval_ns = 1e6, .points = 72, .point = point, .seconds = 0.072};
    for (unsigned i = 0; i < 72; i++) point[i].live_bytes = (i + 1) * 1000;
    p.counters.live_bytes = 72000;
    struct chart c;
    CHECK(chart_draw(&p, 0, false, &c));
    CHECK_EQ(c.top_bytes, 72000);
    for (unsigned r = 0; r < CHART_ROWS; r++) {
        size_t first = strspn(c.row[r], " ");
        CHECK_MSG(first >= 18 * (CHART_ROWS - 1 - r) - 1 + (r == 3) &&
                      first <= 18 * (CHART_ROWS - 1 - r) + 3,
                  "row %u begins at %zu", r, first);
        CHECK_EQ(strlen(c.row[r]), CHART_COLUMNS);
    }
    /* Nothing happens any more: it stays as it was. */
    CHECK(chart_draw(&p, 0.144, false, &c));
    CHECK(c.row[0][CHART_COLUMNS - 1] == '#' && c.row[0][10] == ' ');
    p.points = 0;
    CHECK(!chart_draw(&p, 1, false, &c));
}

TEST(tool, lanes_and_classes_agree)
{
    static const uint16_t bytes[] = BOSK_RECORD_CLASS_BYTES;
    CHECK_EQ(sizeof bytes / sizeof bytes[0], BOSK_CLASS_LARGE);
    for (unsigned lane = 0; lane <= 64; lane++) {
        unsigned want = lane != 0 ? lane * 16 : 16, c = lane_class(lane);
        CHECK(c < BOSK_CLASS_LARGE && bytes[c] >= want && c != 3);
        CHECK(c == 2 || bytes[c - 1] < want || c == 4);
    }
    for (unsigned lane = BOSK_RECORD_LANE_MEDIUM; lane < BOSK_RECORD_LANE_24; lane++)
        CHECK_EQ(lane_class(lane), lane - BOSK_RECORD_LANE_MEDIUM + BOSK_RECORD_FIRST_MEDIUM);
    CHECK_EQ(lane_class(BOSK_RECORD_LANE_24 - 1), BOSK_CLASS_LARGE - 1);
    CHECK_EQ(lane_class(BOSK_RECORD_LANE_24), 3);
    CHECK_EQ(lane_class(BOSK_RECORD_LANE_LARGE), BOSK_CLASS_LARGE);
}
