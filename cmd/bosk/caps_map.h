/* caps_map.h - the growth of maps: Go's, and of a table that doubles at a threshold. */
#ifndef BOSK_CMD_CAPS_MAP_H
#define BOSK_CMD_CAPS_MAP_H

#include "caps.h"

#include <bosk/gomap.h>

/* A growth of a map that entries are inserted into one by one. */
struct map_step {
    int64_t entry;           /* the insertion that makes it grow */
    bosk_map_shape from, to; /* to.slots: what there is for entries then */
    double bytes, peak;      /* behind it; and while both arrays are there */
    double before, behind;   /* bytes an entry just before, and with that entry */
    uint64_t at_once;        /* entries that one insertion moves at most, about */
    uint64_t writes;         /* insertions until all have been moved, at most */
    bool seeded;             /* all that stands here depends on the seed: means */
};

enum { MAP_STEPS = 64 };

struct map_ladder {
    const struct caps_rule *rule;
    bosk_arch arch;
    bosk_map_profile profile;
    uint32_t versions, arches;
    int64_t hint, to;
    bosk_map_shape begin;
    struct map_step step[MAP_STEPS];
    size_t steps;
};

/* The growths up to `to` entries; the profile is filled in. */
void map_climb(struct map_ladder *l);

/* A table of `capacity` slots (rounded up to a power of two) that doubles when more than `load` of
 * them are taken: the entry at which it grows, and its slots with `entries` in it. */
int64_t threshold_grows(uint64_t slots, double load);
uint64_t threshold_slots(uint64_t capacity, double load, int64_t entries);
uint64_t power_of_two_from(uint64_t n);

struct map_plot {
    const char *title;
    const struct map_ladder *line;
    size_t lines;
    int64_t to;
    double load;
    uint64_t capacity;
    uint64_t seed;
};
/* False: out of memory. */
BOSK_NODISCARD bool map_plot_svg(const struct map_plot *p, FILE *f);
BOSK_NODISCARD bool map_plot_html(const struct map_plot *p, FILE *f);

#endif /* BOSK_CMD_CAPS_MAP_H */
