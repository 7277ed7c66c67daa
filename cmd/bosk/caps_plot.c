/* caps_plot.c - see caps_plot.h.
 *
 * Two panels over one logarithmic axis of lengths: the capacity, logarithmic, where a reallocation
 * is a step; and capacity over length, where it is a tooth.  Lines that lie on each other stay
 * visible because each is thinner than the one below.  Colours are those of a style sheet with a
 * light and a dark half.
 */
#define _GNU_SOURCE
#include "caps_plot.h"

#include "caps_svg.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    WIDTH = 960,
    HEIGHT = 620,
    LEFT = 76,
    RIGHT = 24,
    TOP = 74,
    MAIN = 350,
    GAP = 34,
    LOWER = 110
};
enum { DOTS = 400 };
#define TOOTH_POINTS 10
#define MOST_SPARE 2.6

struct view {
    const struct plot *p;
    FILE *f;
    double x0, x1, y0, y1; /* logarithms to the base of 10 */
    double most;           /* of capacity over length */
};

/* ---- axes ---- */

static double x_of(const struct view *v, double len)
{
    double part = (log10(len) - v->x0) / (v->x1 - v->x0);
    return LEFT + part * (WIDTH - LEFT - RIGHT);
}
static double y_of(const struct view *v, double cap)
{
    return TOP + MAIN * (1 - (log10(cap) - v->y0) / (v->y1 - v->y0));
}
static double spare_y(const struct view *v, double ratio)
{
    if (ratio > v->most) ratio = v->most;
    return TOP + MAIN + GAP + LOWER * (1 - (ratio - 1) / (v->most - 1));
}

static void look_at(struct view *v, const struct ladder *l)
{
    const struct plot *p = v->p;
    int64_t cap = l->from;
    for (size_t i = 0; i <= l->rungs; i++) {
        int64_t len = i < l->rungs ? l->rung[i].len : p->to;
        if (i < l->rungs) cap = l->rung[i].cap;
        if (cap <= 0) continue;
        if (log10((double)cap) > v->y1) v->y1 = log10((double)cap);
        if (log10((double)cap) < v->y0) v->y0 = log10((double)cap);
        if (len > 0 && (double)cap / (double)len > v->most) v->most = (double)cap / (double)len;
    }
}

static void measure(struct view *v)
{
    const struct plot *p = v->p;
    v->x0 = log10(p->from > 1 ? (double)p->from : 1);
    v->x1 = log10((double)p->to);
    if (v->x1 < v->x0 + 0.3) v->x1 = v->x0 + 0.3;
    v->y0 = v->x0;
    v->y1 = v->x1;
    v->most = 1.5;
    for (size_t i = 0; i < p->lines; i++) look_at(v, &p->line[i]);
    for (size_t i = 0; i < p->besides; i++) look_at(v, p->beside[i]);
    if (v->most > MOST_SPARE) v->most = MOST_SPARE;
}

static void grid(const struct view *v, bool upright)
{
    double low = upright ? v->x0 : v->y0, high = upright ? v->x1 : v->y1;
    bool fine = high - low < 2.2; /* few powers of ten: also 2 and 5 */
    for (int e = (int)floor(low); e <= (int)ceil(high) && e < 19; e++) {
        for (int k = 0; k < (fine ? 3 : 1); k++) {
            int digit = k == 0 ? 1 : k == 1 ? 2 : 5;
            double value = digit * pow(10, e);
            if (e < 0 || log10(value) < low - 1e-9 || log10(value) > high + 1e-9) continue;
            double at = upright ? x_of(v, value) : y_of(v, value);
            if (upright)
                fprintf(v->f,
                        "<path class=\"grid\" d=\"M%.1f %dV%dM%.1f %dV%d\"/>"
                        "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">",
                        at, TOP, TOP + MAIN, at, TOP + MAIN + GAP, TOP + MAIN + GAP + LOWER, at,
                        TOP + MAIN + GAP + LOWER + 19);
            else
                fprintf(v->f,
                        "<path class=\"grid\" d=\"M%d %.1fH%d\"/>"
                        "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
                        LEFT, at, WIDTH - RIGHT, LEFT - 8, at + 4);
            svg_number(v->f, e, digit);
            fputs("</text>\n", v->f);
        }
    }
}

static void lower_grid(const struct view *v)
{
    for (double r = 1; r <= v->most + 1e-9; r += 0.5)
        fprintf(v->f,
                "<path class=\"grid\" d=\"M%d %.1fH%d\"/>"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>\n",
                LEFT, spare_y(v, r), WIDTH - RIGHT, LEFT - 8, spare_y(v, r) + 4, r);
    fprintf(v->f, "<text x=\"%d\" y=\"%d\">capacity / length</text>\n", LEFT, TOP + MAIN + GAP - 8);
    fprintf(v->f, "<text x=\"%d\" y=\"%d\">capacity</text>\n", LEFT, TOP - 8);
    fprintf(v->f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">length</text>\n", WIDTH - RIGHT,
            TOP + MAIN + GAP + LOWER + 38);
}

/* ---- lines ---- */

static double last_len(const struct view *v, const struct ladder *l)
{
    double end = l->panics ? (double)l->panic_len - 1 : (double)v->p->to;
    if (l->cut && l->rungs != 0) end = (double)l->rung[l->rungs - 1].len;
    return end > 1 ? end : 1;
}

static void steps(const struct view *v, const struct ladder *l)
{
    bool begun = l->from > 0;
    fputs(" d=\"", v->f);
    if (begun) fprintf(v->f, "M%.1f %.1f", x_of(v, (double)l->from), y_of(v, (double)l->from));
    for (size_t i = 0; i < l->rungs; i++) {
        double x = x_of(v, (double)l->rung[i].len), y = y_of(v, (double)l->rung[i].cap);
        if (begun)
            fprintf(v->f, "H%.1fV%.1f", x, y);
        else
            fprintf(v->f, "M%.1f %.1f", x, y);
        begun = true;
    }
    if (begun) fprintf(v->f, "H%.1f", x_of(v, last_len(v, l)));
    fputs("\"/>\n", v->f);
}

static void teeth(const struct view *v, const struct ladder *l)
{
    bool begun = false;
    fputs(" d=\"", v->f);
    for (size_t i = 0; i <= l->rungs; i++) {
        /* From one reallocation to the next the capacity stands. */
        double cap = (double)(i == 0 ? l->from : l->rung[i - 1].cap);
        double from = (double)(i == 0 ? l->from : l->rung[i - 1].len);
        double to = i < l->rungs ? (double)l->rung[i].len - 1 : last_len(v, l);
        if (to > cap) to = cap; /* several at a time: the next length would not fit */
        if (cap < 1 || from < 1 || to < from) continue;
        for (int k = 0; k <= TOOTH_POINTS; k++) {
            double len = from * pow(to / from, (double)k / TOOTH_POINTS);
            fprintf(v->f, "%c%.1f %.1f", begun ? 'L' : 'M', x_of(v, len), spare_y(v, cap / len));
            begun = true;
            if (to <= from) break;
        }
    }
    fputs("\"/>\n", v->f);
}

static void line(const struct view *v, size_t i)
{
    size_t above = v->p->lines - 1 - i;
    double width = 1.8 + (double)above * (v->p->lines > 5 ? 0.8 : 1.4);
    char how[120];
    snprintf(how, sizeof how,
             "<path class=\"line\" style=\"stroke:var(--s%zu)\" stroke-width=\"%.1f\"%s",
             i % SVG_COLOURS, width, i >= SVG_COLOURS ? " stroke-dasharray=\"7 3\"" : "");
    fputs(how, v->f);
    steps(v, &v->p->line[i]);
    fputs(how, v->f);
    teeth(v, &v->p->line[i]);
}

static void dots(const struct view *v, size_t which)
{
    const struct plot *p = v->p;
    const struct ladder *l = &p->line[which];
    for (size_t i = 0; i < l->rungs && l->rungs <= DOTS; i++) {
        const struct rung *r = &l->rung[i];
        bool differs = ladder_differs(p->line, p->lines, l, r);
        fprintf(v->f,
                "<circle%s style=\"fill:var(--s%zu)\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"><title>",
                differs ? " class=\"mark\"" : "", which % SVG_COLOURS, x_of(v, (double)r->len),
                y_of(v, (double)r->cap), differs ? "3.6" : "2.2");
        fprintf(v->f, "%" PRId64 " elements: capacity %" PRId64 ", %" PRIu64 " bytes (", r->len,
                r->cap, r->bytes);
        svg_escape(v->f, ladder_name(l, true).s);
        fputs(")</title></circle>\n", v->f);
    }
    if (l->panics) {
        double x = x_of(v, last_len(v, l)),
               y = y_of(v, (double)(l->rungs != 0 ? l->rung[l->rungs - 1].cap : l->from + 1));
        fprintf(v->f,
                "<path class=\"line\" style=\"stroke:var(--s%zu)\" stroke-width=\"2.5\" "
                "d=\"M%.1f %.1fl10 10m0 -10l-10 10\"><title>more is impossible</title></path>\n",
                which % SVG_COLOURS, x - 5, y - 5);
    }
}

static void keys(const struct view *v)
{
    const struct plot *p = v->p;
    size_t rows = p->lines + p->besides + 1;
    int y = TOP + 22, step = rows <= 8 ? 21 : rows <= 11 ? 17 : (int)(190 / rows);
    bool marked = false;
    for (size_t i = 0; i + 1 < rows; i++, y += step) {
        const struct ladder *l = i < p->lines ? &p->line[i] : p->beside[i - p->lines];
        if (i < p->lines)
            fprintf(v->f, "<path class=\"line\" style=\"stroke:var(--s%zu)\" stroke-width=\"4\"",
                    i % SVG_COLOURS);
        else
            fprintf(v->f, "<path class=\"beside b%zu\"", i - p->lines);
        fprintf(v->f, " d=\"M%d %dh26\"/><text class=\"key\" x=\"%d\" y=\"%d\">", LEFT + 14, y - 4,
                LEFT + 50, y);
        svg_escape(v->f, ladder_name(l, i < p->lines).s);
        fputs("</text>\n", v->f);
        for (size_t k = 0; i < p->lines && k < l->rungs; k++)
            marked |= ladder_differs(p->line, p->lines, l, &l->rung[k]);
    }
    if (marked)
        fprintf(v->f,
                "<circle style=\"fill:var(--soft)\" cx=\"%d\" cy=\"%d\" r=\"3.6\"/>"
                "<text x=\"%d\" y=\"%d\">another capacity than elsewhere at this length</text>\n",
                LEFT + 27, y - 4, LEFT + 50, y);
}

void plot_svg(const struct plot *p, FILE *f)
{
    struct view v = {.p = p, .f = f};
    measure(&v);
    svg_begin(f, WIDTH, HEIGHT, LEFT, p->title);
    grid(&v, true);
    grid(&v, false);
    lower_grid(&v);
    for (size_t i = 0; i < p->besides; i++) {
        fprintf(f, "<path class=\"beside b%zu\"", i);
        steps(&v, p->beside[i]);
        fprintf(f, "<path class=\"beside b%zu\"", i);
        teeth(&v, p->beside[i]);
    }
    for (size_t i = 0; i < p->lines; i++) line(&v, i);
    for (size_t i = 0; i < p->lines; i++) dots(&v, i);
    keys(&v);
    fputs("</svg>\n", f);
}

/* ---- a page ---- */

static void table(const struct plot *p, const struct ladder *l, FILE *f)
{
    fputs("<h2>", f);
    svg_escape(f, ladder_name(l, true).s);
    fputs("</h2>\n<div class=\"wide\"><table>\n<tr><th>len<th>wanted<th>class<th>cap<th>bytes"
          "<th>wasted<th>copied<th>factor</tr>\n",
          f);
    for (size_t i = 0; i < l->rungs; i++) {
        const struct rung *r = &l->rung[i];
        fprintf(f, "<tr%s>", ladder_differs(p->line, p->lines, l, r) ? " class=\"differs\"" : "");
        fprintf(f, "<td>%" PRId64 "<td>%" PRId64 "<td>", r->len, r->wanted);
        if (r->size_class != 0) fprintf(f, "%u", r->size_class);
        fprintf(f, "<td>%" PRId64 "<td>%" PRIu64 "<td>%" PRIu64 "<td>%" PRIu64 "<td>", r->cap,
                r->bytes, r->wasted, r->copied);
        if (r->old_cap != 0) fprintf(f, "%.2f", (double)r->cap / (double)r->old_cap);
        fputs("</tr>\n", f);
    }
    fputs("</table></div>\n", f);
}

void plot_html(const struct plot *p, FILE *f)
{
    svg_page_begin(f, p->title);
    plot_svg(p, f);
    for (size_t i = 0; i < p->lines; i++) table(p, &p->line[i], f);
    svg_page_end(f);
}
