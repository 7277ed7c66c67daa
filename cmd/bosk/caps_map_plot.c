/* caps_map_plot.c - maps as pictures: bytes an entry costs over entries, and below it how many
 * entries one insertion moves: two chains in Go's bucket map, a table in its Swiss map, everything
 * in a table that doubles.  The bucket map is run as a model; the others are computed.
 */
#define _GNU_SOURCE
#include "caps_buckets.h"
#include "caps_map.h"
#include "caps_svg.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 960,
    HEIGHT = 660,
    LEFT = 76,
    RIGHT = 24,
    TOP = 74,
    MAIN = 300,
    GAP = 44,
    LOWER = 190
};
enum { BINS = 212, SAMPLES = 24, MODEL_MOST = 1000000 };

struct view {
    const struct map_plot *p;
    FILE *f;
    double x0, x1, most, moves; /* logarithms of entries; bytes an entry; logarithm of moves */
};

static double x_of(const struct view *v, double n)
{
    double part = (log10(n) - v->x0) / (v->x1 - v->x0);
    return LEFT + (part < 0 ? 0 : part) * (WIDTH - LEFT - RIGHT);
}
static double y_of(const struct view *v, double bytes)
{
    double part = bytes / v->most;
    return TOP + MAIN * (1 - (part < 1 ? part : 1));
}
static double move_y(const struct view *v, double moved)
{
    double part = moved < 1 ? 0 : log10(moved) / v->moves;
    return TOP + MAIN + GAP + LOWER * (1 - (part < 1 ? part : 1));
}

static double each(const struct map_ladder *l, double n)
{
    return bosk_map_bytes(&l->profile, l->hint, (int64_t)n) / floor(n);
}

/* ---- axes ---- */

/* Two columns of keys. */
static int key_step(const struct map_plot *p)
{
    int rows = (int)(p->lines + 2) / 2;
    return rows <= 7 ? 20 : 140 / rows;
}

static void measure(struct view *v)
{
    const struct map_plot *p = v->p;
    v->x0 = log10(p->to > 16 ? 8 : 1);
    v->x1 = log10(p->to > 2 ? (double)p->to : 2);
    v->most = 1;
    v->moves = 2;
    for (size_t i = 0; i < p->lines; i++) {
        double first = each(&p->line[i], pow(10, v->x0) + 0.5);
        if (first > v->most) v->most = first;
        for (size_t k = 0; k < p->line[i].steps; k++)
            if (p->line[i].step[k].entry >= 9 && p->line[i].step[k].behind > v->most)
                v->most = p->line[i].step[k].behind;
    }
    /* The keys stand above the lines. */
    v->most *= (double)MAIN / (MAIN - 8 - key_step(p) * (double)((p->lines + 2) / 2));
    if (v->x1 > v->moves) v->moves = v->x1;
}

static void upright(const struct view *v)
{
    bool fine = v->x1 - v->x0 < 2.2; /* few powers of ten: also 2 and 5 */
    for (int k = 0; k < 3 * ((int)v->x1 + 2); k++) {
        int e = k / 3, digit = k % 3 == 0 ? 1 : k % 3 == 1 ? 2 : 5;
        double n = digit * pow(10, e), at = x_of(v, n);
        if (log10(n) < v->x0 - 1e-9 || log10(n) > v->x1 + 1e-9 || (digit != 1 && !fine)) continue;
        fprintf(v->f,
                "<path class=\"grid\" d=\"M%.1f %dV%dM%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" "
                "text-anchor=\"middle\">",
                at, TOP, TOP + MAIN, at, TOP + MAIN + GAP, TOP + MAIN + GAP + LOWER, at,
                TOP + MAIN + GAP + LOWER + 19);
        svg_number(v->f, e, digit);
        fputs("</text>\n", v->f);
    }
}

static void level(const struct view *v, double y)
{
    fprintf(v->f,
            "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
            "text-anchor=\"end\">",
            LEFT, y, WIDTH - RIGHT, LEFT - 8, y + 4);
}

static void axes(const struct view *v)
{
    double unit = pow(10, floor(log10(v->most / 2)));
    double step = v->most / unit > 8 ? unit * 2 : v->most / unit > 4 ? unit : unit / 2;
    upright(v);
    for (double bytes = 0; bytes <= v->most; bytes += step) {
        level(v, y_of(v, bytes));
        fprintf(v->f, "%g</text>\n", bytes);
    }
    for (int e = 0; e <= (int)v->moves; e++) {
        level(v, move_y(v, pow(10, e)));
        svg_number(v->f, e, 1);
        fputs("</text>\n", v->f);
    }
    fprintf(v->f,
            "<text x=\"%d\" y=\"%d\">bytes an entry, without what keys and values point to</text>\n"
            "<text x=\"%d\" y=\"%d\">entries that one insertion moves</text>\n"
            "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">entries</text>\n",
            LEFT, TOP - 8, LEFT, TOP + MAIN + GAP - 8, WIDTH - RIGHT, HEIGHT - 12);
}

/* ---- lines ---- */

static double width_of(const struct view *v, size_t i)
{
    return 1.8 + 1.2 * (double)(v->p->lines - 1 - i);
}

static void bytes_line(const struct view *v, size_t i)
{
    const struct map_ladder *l = &v->p->line[i];
    double from = pow(10, v->x0);
    fprintf(v->f, "<path class=\"line\" style=\"stroke:var(--s%zu)\" stroke-width=\"%.1f\" d=\"",
            i % SVG_COLOURS, width_of(v, i));
    bool begun = false;
    for (size_t k = 0; k <= l->steps; k++) {
        double to = k < l->steps ? (double)l->step[k].entry - 1 : pow(10, v->x1);
        if (to < from) continue;
        for (int s = 0; s <= SAMPLES; s++) {
            double n = floor(from * pow(to / from, (double)s / SAMPLES) + 0.5);
            fprintf(v->f, "%c%.1f %.1f", begun ? 'L' : 'M', x_of(v, n), y_of(v, each(l, n)));
            begun = true;
        }
        from = to + 1;
    }
    fputs("\"/>\n", v->f);
}

/* The most that an insertion moves in each part of the axis, from a run of the model. */
static bool model_line(const struct view *v, size_t i)
{
    const struct map_ladder *l = &v->p->line[i];
    struct bucket_map m;
    unsigned most[BINS + 1] = {0};
    if (!buckets_begin(&m, &l->profile, l->hint, v->p->seed)) return false;
    for (uint64_t key = 0; !m.failed && m.count < l->to && m.count < MODEL_MOST; key++) {
        (void)buckets_set(&m, key);
        double part = (log10((double)m.count) - v->x0) / (v->x1 - v->x0);
        if (part < 0 || part > 1) continue;
        unsigned *bin = &most[(int)(part * BINS)];
        if (m.work.entries > *bin) *bin = m.work.entries;
    }
    bool ok = !m.failed;
    buckets_end(&m);
    fprintf(v->f, "<path class=\"line\" style=\"stroke:var(--s%zu)\" stroke-width=\"2\" d=\"",
            i % SVG_COLOURS);
    for (int b = 0; b <= BINS; b++) {
        double x = LEFT + (double)b / BINS * (WIDTH - LEFT - RIGHT);
        if (most[b] != 0) fprintf(v->f, "M%.1f %.1fV%.1f", x, move_y(v, 1), move_y(v, most[b]));
    }
    fputs("\"/>\n", v->f);
    return ok;
}

static void needle(const struct view *v, const char *colour, double entry, double moved)
{
    if (log10(entry) < v->x0 || log10(entry) > v->x1) return;
    fprintf(
        v->f,
        "<path class=\"line\" style=\"stroke:%s\" stroke-width=\"1.6\" d=\"M%.1f %.1fV%.1f\"/>"
        "<circle style=\"fill:%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.6\"><title>insertion %.0f moves "
        "%.0f</title></circle>\n",
        colour, x_of(v, entry), move_y(v, 1), move_y(v, moved), colour, x_of(v, entry),
        move_y(v, moved), entry, moved);
}

static bool moves(const struct view *v, size_t i)
{
    const struct map_ladder *l = &v->p->line[i];
    char colour[16];
    if (!l->profile.swiss) return model_line(v, i);
    snprintf(colour, sizeof colour, "var(--s%zu)", i % SVG_COLOURS);
    for (size_t k = 0; k < l->steps; k++)
        needle(v, colour, (double)l->step[k].entry, (double)l->step[k].at_once);
    return true;
}

static void doubling(const struct view *v)
{
    uint64_t slots = power_of_two_from(v->p->capacity);
    for (int i = 0; i < 60; i++, slots *= 2) {
        int64_t n = threshold_grows(slots, v->p->load);
        if (n > v->p->to) return;
        needle(v, "var(--beside)", (double)n, (double)(n - 1));
    }
}

static void keys(const struct view *v)
{
    const struct map_plot *p = v->p;
    size_t rows = p->lines + 1;
    for (size_t i = 0; i < rows; i++) {
        int x = LEFT + 14 + (i % 2 == 0 ? 0 : (WIDTH - LEFT - RIGHT) / 2);
        int y = TOP + 18 + (int)(i / 2) * key_step(p);
        char colour[16] = "var(--beside)";
        if (i < p->lines) snprintf(colour, sizeof colour, "var(--s%zu)", i % SVG_COLOURS);
        fprintf(v->f,
                "<path class=\"line\" style=\"stroke:%s\" stroke-width=\"4\" d=\"M%d %dh26\"/>"
                "<text class=\"key\" x=\"%d\" y=\"%d\">",
                colour, x, y - 4, x + 36, y);
        if (i < p->lines) {
            fprintf(v->f, "Go %s, ", caps_versions(p->line[i].versions).s);
            fprintf(v->f, "%s", caps_arches(p->line[i].arches).s);
        } else {
            fprintf(v->f, "doubles at %g, all at once", p->load);
        }
        fputs("</text>\n", v->f);
    }
}

bool map_plot_svg(const struct map_plot *p, FILE *f)
{
    struct view v = {.p = p, .f = f};
    bool ok = true;
    measure(&v);
    svg_begin(f, WIDTH, HEIGHT, LEFT, p->title);
    axes(&v);
    doubling(&v);
    for (size_t i = 0; i < p->lines; i++) bytes_line(&v, i);
    for (size_t i = 0; i < p->lines; i++) ok = moves(&v, i) && ok;
    keys(&v);
    fputs("</svg>\n", f);
    return ok;
}

/* ---- a page ---- */

static void table(const struct map_ladder *l, FILE *f)
{
    fprintf(f, "<h2>Go %s, ", caps_versions(l->versions).s);
    fprintf(f, "%s</h2>\n<div class=\"wide\"><table>\n", caps_arches(l->arches).s);
    fputs(
        "<tr><th>at entry<th>slots<th>bytes<th>peak<th>bytes an entry before<th>behind<th>moves at "
        "once<th>in writes</tr>\n",
        f);
    for (size_t i = 0; i < l->steps; i++) {
        const struct map_step *s = &l->step[i];
        fprintf(f,
                "<tr><td>%" PRId64 "<td>%" PRIu64 "<td>%.0f<td>%.0f<td>%.1f<td>%.1f<td>%" PRIu64
                "<td>%" PRIu64 "</tr>\n",
                s->entry, s->to.slots, s->bytes, s->peak, s->before, s->behind, s->at_once,
                s->writes);
    }
    fputs("</table></div>\n", f);
}

bool map_plot_html(const struct map_plot *p, FILE *f)
{
    svg_page_begin(f, p->title);
    bool ok = map_plot_svg(p, f);
    for (size_t i = 0; i < p->lines; i++) table(&p->line[i], f);
    svg_page_end(f);
    return ok;
}
