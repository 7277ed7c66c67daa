/* caps_plot.h - ladders as pictures: capacity over length, both logarithmic, and room to spare. */
#ifndef BOSK_CMD_CAPS_PLOT_H
#define BOSK_CMD_CAPS_PLOT_H

#include "caps_ladder.h"

struct plot {
    const char *title;
    const struct ladder *line; /* drawn in colours; where they differ is marked */
    size_t lines;
    const struct ladder *const *beside; /* drawn thin and grey */
    size_t besides;
    int64_t from, to; /* lengths */
};

/* A picture that suits light and dark pages, by itself and inside of a page; and a page with the
 * picture and the tables. */
void plot_svg(const struct plot *p, FILE *f);
void plot_html(const struct plot *p, FILE *f);

#endif /* BOSK_CMD_CAPS_PLOT_H */
