/* chart.h - live bytes over time as a few lines of text. */
#ifndef BOSK_CMD_CHART_H
#define BOSK_CMD_CHART_H

#include "reader.h"

#define CHART_ROWS 4
#define CHART_COLUMNS 72

struct chart {
    char row[CHART_ROWS][CHART_COLUMNS * 4 + 1]; /* top row first */
    uint64_t top_bytes;                          /* what a full column stands for */
    double seconds;                              /* what the width stands for */
};

/* Draws `p` from its start over `seconds` (at least as long as it was seen to live).  False when
 * there is nothing to draw. */
bool chart_draw(const struct process *p, double seconds, bool utf8, struct chart *out);

#endif /* BOSK_CMD_CHART_H */
