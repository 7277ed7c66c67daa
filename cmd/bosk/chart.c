/* chart.c - see chart.h. */
#include "chart.h"

#include <string.h>

/* Greatest live bytes within each column.  A point without data means that nothing happened: the
 * bytes are what they were at the end of the one before, of which the greatest is known. */
static void fill_columns(const struct process *p, double seconds, uint64_t *column)
{
    uint64_t last = p->inherited_bytes;
    double point_s = p->interval_ns / 1e9, column_s = seconds / CHART_COLUMNS;
    uint32_t next = 0;
    for (unsigned c = 0; c < CHART_COLUMNS; c++) {
        uint64_t most = 0;
        bool any = false;
        double until = (c + 1) * column_s;
        while (next < p->points && next * point_s < until) {
            uint64_t live = p->point[next++].live_bytes;
            if (live == 0) continue;
            last = live;
            if (live > most) most = live;
            any = true;
        }
        if (next >= p->points && !any) last = p->counters.live_bytes;
        column[c] = any ? most : last;
    }
}

bool chart_draw(const struct process *p, double seconds, bool utf8, struct chart *out)
{
    static const char *const block[] = {" ",
                                        "\xe2\x96\x81",
                                        "\xe2\x96\x82",
                                        "\xe2\x96\x83",
                                        "\xe2\x96\x84",
                                        "\xe2\x96\x85",
                                        "\xe2\x96\x86",
                                        "\xe2\x96\x87",
                                        "\xe2\x96\x88"};
    static const char *const plain[] = {" ", ".", ":", "#"};
    const char *const *glyph = utf8 ? block : plain;
    unsigned steps = utf8 ? 8 : 3;
    uint64_t column[CHART_COLUMNS];
    memset(out, 0, sizeof *out);
    if (p->seconds > seconds) seconds = p->seconds;
    if (p->points == 0 || p->interval_ns <= 0 || seconds <= 0) return false;
    out->seconds = seconds;
    fill_columns(p, seconds, column);
    for (unsigned c = 0; c < CHART_COLUMNS; c++)
        if (column[c] > out->top_bytes) out->top_bytes = column[c];
    if (out->top_bytes < 2) return false;
    for (unsigned r = 0; r < CHART_ROWS; r++) {
        size_t used = 0;
        for (unsigned c = 0; c < CHART_COLUMNS; c++) {
            double height = (double)column[c] / (double)out->top_bytes * CHART_ROWS * steps;
            double here = height - (double)((CHART_ROWS - 1 - r) * steps);
            unsigned level = here <= 0 ? 0 : here >= steps ? steps : (unsigned)(here + 0.5);
            /* Whatever is not zero is seen. */
            if (r == CHART_ROWS - 1 && level == 0 && column[c] > 1) level = 1;
            size_t n = strlen(glyph[level]);
            memcpy(out->row[r] + used, glyph[level], n);
            used += n;
        }
        while (used > 0 && out->row[r][used - 1] == ' ') used--;
        out->row[r][used] = '\0';
    }
    return true;
}
