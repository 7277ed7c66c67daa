/* gomap_test.c - layout, hints, growth and size of Go's maps against what real Go printed. */
#include "golden_support.h"

#include <bosk/gomap.h>
#include <errno.h>

/* "string->[]byte" into its halves. */
static bosk_map_profile profile_of(const struct golden *g)
{
    static char text[128];
    bosk_map_profile p;
    snprintf(text, sizeof text, "%s", g->field[2]);
    char *arrow = strstr(text, "->");
    CHECK(arrow != NULL);
    *arrow = '\0';
    const char *value = arrow + 2;
    if (strcmp(value, "struct{2xint64}") == 0) value = "struct{int64; int64}";
    CHECK_MSG(bosk_map_profile_of(g->minor, g->arch, text, value, &p) == 0, "%s", g->field[2]);
    return p;
}

static void same(const struct golden *g, int64_t got, int64_t wanted)
{
    CHECK_MSG(got == wanted, "%s row %u (%s %s %s %s %s): %lld, Go has %lld", g->name, g->rows,
              g->field[0], g->field[1], g->field[2], g->field[3], g->field[4], (long long)got,
              (long long)wanted);
}

TEST(gomap, every_row_of_mapbuckets)
{
    struct golden g;
    unsigned depends = 0;
    for (golden_open(&g, "mapbuckets.csv"); golden_next(&g);) {
        bosk_map_profile p = profile_of(&g);
        bosk_map_shape s;
        int64_t n = golden_number(&g, 4), before = golden_number(&g, 5);
        int64_t after = golden_number(&g, 6), value = golden_number(&g, 7);
        CHECK(!p.swiss);
        if (golden_is(&g, 3, "bucket_size")) {
            same(&g, p.unit_bytes, value);
        } else if (golden_is(&g, 3, "key_slot_size")) {
            same(&g, p.key_bytes, value);
        } else if (golden_is(&g, 3, "elem_slot_size")) {
            same(&g, p.value_bytes, value);
        } else if (golden_is(&g, 3, "bucket_scan_bytes")) {
            same(&g, p.noscan ? 0 : p.unit_bytes, value);
        } else if (golden_is(&g, 3, "header_size")) {
            same(&g, p.header_bytes, value);
        } else if (golden_is(&g, 3, "hint")) {
            bosk_map_hint(&p, n, &s);
            same(&g, s.log2, after);
            same(&g, s.spare != 0, value);
        } else if (golden_is(&g, 3, "grow")) {
            bosk_map_hint(&p, 0, &s);
            while (s.log2 < before) bosk_map_grow(&p, &s);
            same(&g, s.grows_at, n);
            bosk_map_grow(&p, &s);
            same(&g, s.log2, after);
        } else {
            CHECK_MSG(golden_is(&g, 3, "evacuated_after_inserts"), "%s", g.field[3]);
            /* Which entries follow depends on the seed; not more than a bucket each is left. */
            bosk_map_hint(&p, 0, &s);
            while (s.log2 < before) bosk_map_grow(&p, &s);
            CHECK(n >= s.grows_at && n <= s.grows_at + (1 << before));
            depends++;
        }
    }
    CHECK_EQ(g.rows, 4070);
    CHECK_EQ(depends, 146);
}

TEST(gomap, every_row_of_swissmap)
{
    struct golden g;
    unsigned depends = 0;
    for (golden_open(&g, "swissmap.csv"); golden_next(&g);) {
        bosk_map_profile p = profile_of(&g);
        bosk_map_shape s;
        int64_t n = golden_number(&g, 4), directory = golden_number(&g, 5);
        int64_t tables = golden_number(&g, 6), slots = golden_number(&g, 7);
        int64_t largest = golden_number(&g, 8), left = golden_number(&g, 9);
        CHECK(p.swiss);
        bosk_map_hint(&p, 0, &s);
        if (golden_is(&g, 3, "hint")) {
            bosk_map_hint(&p, n, &s);
            same(&g, s.tables == 0 ? 8 : s.grows_at - 1, left);
        } else if (n > 1) {
            int64_t at = 0;
            while (s.tables < 2 && at < n) {
                at = s.grows_at;
                bosk_map_grow(&p, &s);
            }
            if (tables > 2) { /* tables split when they are full, which depends on the seed */
                depends++;
                continue;
            }
            same(&g, at, n);
        }
        same(&g, s.tables == 0 ? 0 : (int64_t)1 << s.log2, directory);
        same(&g, (int64_t)s.tables, tables);
        same(&g, (int64_t)s.slots, slots);
        same(&g, (int64_t)(s.tables != 0 ? s.slots / s.tables : s.slots), largest);
    }
    CHECK_EQ(g.rows, 232);
    CHECK(depends > 20 && depends < 50);
}

TEST(gomap, mapmem_within_its_spread)
{
    struct golden g;
    double worst = 0;
    for (golden_open(&g, "mapmem.csv"); golden_next(&g);) {
        bosk_map_profile p = profile_of(&g);
        int64_t n = golden_number(&g, 3), wanted = golden_number(&g, 6);
        bool hinted = golden_is(&g, 4, "hint");
        double got = bosk_map_bytes(&p, hinted ? n : 0, n);
        double off = (got - (double)wanted) / (double)wanted;
        double allowed = 0.055 + 12.0 / (double)wanted;
        if (off < 0) off = -off;
        if (off > worst) worst = off;
        CHECK_MSG(off <= allowed, "row %u (%s %s %s %s %s): %.0f, Go has %lld, %.1f %% off", g.rows,
                  g.field[0], g.field[1], g.field[2], g.field[3], g.field[4], got,
                  (long long)wanted, 100 * off);
    }
    CHECK(g.rows > 1000);
    fprintf(stderr, "mapmem: at most %.2f %% off\n", 100 * worst);
}

TEST(gomap, refuses_what_is_none)
{
    bosk_map_profile p = {.unit_bytes = 77};
    CHECK_EQ(bosk_map_profile_of(14, BOSK_AMD64, "int", "int", &p), -EINVAL);
    CHECK_EQ(bosk_map_profile_of(27, BOSK_AMD64, "int", "int", &p), -EINVAL);
    CHECK_EQ(bosk_map_profile_of(22, BOSK_AMD64, "", "int", &p), -EINVAL);
    CHECK_EQ(bosk_map_profile_of(22, BOSK_AMD64, "int", "Foo", &p), -EINVAL);
    CHECK_EQ(bosk_map_profile_of(22, BOSK_ARM, "int", "[4294967295]int", &p), -EOVERFLOW);
    CHECK_EQ(p.unit_bytes, 77);
    bosk_map_shape s;
    CHECK_EQ(bosk_map_profile_of(22, BOSK_AMD64, "int", "int", &p), 0);
    bosk_map_hint(&p, -1, &s);
    CHECK(s.log2 == 0 && s.slots == 8 && s.grows_at == 9);
    bosk_map_hint(&p, INT64_MAX, &s);
    CHECK_EQ(s.log2, 0);
    CHECK_EQ(bosk_map_profile_of(24, BOSK_386, "int", "int", &p), 0);
    bosk_map_hint(&p, INT32_MAX, &s);
    CHECK(s.tables == 0 && s.slots == 8);
}

TEST(gomap, growing_never_shrinks)
{
    for (unsigned minor = BOSK_GO_FIRST; minor <= BOSK_GO_LAST; minor++) {
        bosk_map_profile p;
        bosk_map_shape s;
        CHECK_EQ(bosk_map_profile_of(minor, BOSK_AMD64, "string", "int", &p), 0);
        bosk_map_hint(&p, 0, &s);
        uint64_t bytes = bosk_map_shape_bytes(&p, &s);
        for (int i = 0; i < 24; i++) {
            bosk_map_shape before = s;
            bosk_map_grow(&p, &s);
            CHECK(s.slots == before.slots * 2 && s.grows_at > before.grows_at);
            CHECK((uint64_t)(s.grows_at - 1) * p.load_den <= (s.slots + 8) * p.load_num);
            CHECK(bosk_map_shape_bytes(&p, &s) > bytes);
            bytes = bosk_map_shape_bytes(&p, &s);
        }
    }
}
