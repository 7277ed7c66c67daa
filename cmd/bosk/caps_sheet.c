/* caps_sheet.c - tables as text, CSV and JSON, and where they go, see caps.h. */
#define _GNU_SOURCE
#include "caps.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum kind { NONE, INTEGER, REAL, TEXT };
struct cell {
    enum kind kind;
    uint64_t i; /* sizes may need all 64 bits; of negative numbers there are none */
    double d;
    char *s;
};

void sheet_begin(struct sheet *s, const struct column *column, size_t columns)
{
    *s = (struct sheet){.column = column, .columns = columns};
}

static void add(struct sheet *s, struct cell c)
{
    if (s->cells == s->room) {
        size_t room = s->room != 0 ? s->room * 2 : 256;
        struct cell *cell = reallocarray(s->cell, room, sizeof *cell);
        if (cell == NULL) {
            s->failed = true;
            free(c.s);
            return;
        }
        s->cell = cell;
        s->room = room;
    }
    s->cell[s->cells++] = c;
}

void sheet_size(struct sheet *s, uint64_t v) { add(s, (struct cell){.kind = INTEGER, .i = v}); }
void sheet_int(struct sheet *s, int64_t v) { sheet_size(s, v > 0 ? (uint64_t)v : 0); }
void sheet_real(struct sheet *s, double v) { add(s, (struct cell){.kind = REAL, .d = v}); }
void sheet_none(struct sheet *s) { add(s, (struct cell){.kind = NONE}); }
void sheet_text(struct sheet *s, const char *text)
{
    struct cell c = {.kind = TEXT, .s = strdup(text)};
    if (c.s == NULL) s->failed = true;
    add(s, c);
}

void sheet_end(struct sheet *s)
{
    for (size_t i = 0; i < s->cells; i++) free(s->cell[i].s);
    free(s->cell);
}

/* ---- text ---------------------------------------------------------------------------------- */

/* 1,234,567 */
static void commas(uint64_t v, char *out)
{
    char plain[24];
    int digits = snprintf(plain, sizeof plain, "%" PRIu64, v);
    for (int i = 0; i < digits; i++) {
        if (i > 0 && (digits - i) % 3 == 0) *out++ = ',';
        *out++ = plain[i];
    }
    *out = '\0';
}

static const char *cell_text(const struct sheet *s, size_t i, char *buf, size_t cap)
{
    const struct cell *c = &s->cell[i];
    switch (c->kind) {
    case INTEGER: commas(c->i, buf); return buf;
    case REAL: snprintf(buf, cap, "%.*f", s->column[i % s->columns].decimals, c->d); return buf;
    case TEXT: return c->s != NULL ? c->s : "";
    default: return "";
    }
}

static void print_cell(FILE *f, const char *text, size_t width, bool left, bool last)
{
    size_t pad = width - text_width(text);
    if (!left) fprintf(f, "%*s", (int)pad, "");
    fputs(text, f);
    if (left && !last) fprintf(f, "%*s", (int)pad, "");
}

void sheet_print(const struct sheet *s, size_t first, FILE *f)
{
    char buf[64];
    size_t width[32] = {0};
    for (size_t c = 0; c < s->columns && c < 32; c++) width[c] = text_width(s->column[c].title);
    for (size_t i = 0; i < s->cells; i++) {
        size_t w = text_width(cell_text(s, i, buf, sizeof buf));
        if (w > width[i % s->columns]) width[i % s->columns] = w;
    }
    for (size_t i = 0; i < s->cells + s->columns; i++) {
        size_t c = i % s->columns;
        if (c < first) continue;
        const char *text =
            i < s->columns ? s->column[c].title : cell_text(s, i - s->columns, buf, sizeof buf);
        bool last = c + 1 == s->columns;
        if (!last || text[0] != '\0') fputs("  ", f);
        print_cell(f, text, last && text[0] == '\0' ? 0 : width[c], s->column[c].left, last);
        if (last) fputc('\n', f);
    }
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static void csv_text(const char *s, FILE *f)
{
    if (strpbrk(s, ",\"\n\r") == NULL) {
        fputs(s, f);
        return;
    }
    fputc('"', f);
    for (; *s != '\0'; s++) {
        if (*s == '"') fputc('"', f);
        fputc(*s, f);
    }
    fputc('"', f);
}

void sheet_csv(const struct sheet *s, size_t first, bool head, FILE *f)
{
    for (size_t c = first; head && c < s->columns; c++)
        fprintf(f, "%s%s", s->column[c].key, c + 1 < s->columns ? "," : "\n");
    for (size_t i = 0; i < s->cells; i++) {
        size_t c = i % s->columns;
        if (c < first) continue;
        const struct cell *cell = &s->cell[i];
        if (cell->kind == INTEGER) fprintf(f, "%" PRIu64, cell->i);
        if (cell->kind == REAL) fprintf(f, "%.*f", s->column[c].decimals, cell->d);
        if (cell->kind == TEXT && cell->s != NULL) csv_text(cell->s, f);
        fputc(c + 1 < s->columns ? ',' : '\n', f);
    }
}

/* ---- JSON ---- */

static json_t *cell_json(const struct sheet *s, size_t i)
{
    const struct cell *c = &s->cell[i];
    char buf[64];
    switch (c->kind) {
    case INTEGER:
        return c->i <= INT64_MAX ? json_integer((json_int_t)c->i) : json_real((double)c->i);
    case REAL: /* what the text says, and no digits that mean nothing */
        snprintf(buf, sizeof buf, "%.*f", s->column[i % s->columns].decimals, c->d);
        return json_real(strtod(buf, NULL));
    case TEXT: return json_string(c->s != NULL ? c->s : "");
    default: return json_null();
    }
}

json_t *sheet_json(const struct sheet *s, size_t first)
{
    json_t *rows = json_array(), *row = NULL;
    for (size_t i = 0; i < s->cells; i++) {
        size_t c = i % s->columns;
        if (c == 0) {
            row = json_object();
            json_array_append_new(rows, row);
        }
        if (c >= first) json_object_set_new(row, s->column[c].key, cell_json(s, i));
    }
    return rows;
}

bool caps_json(json_t *root, FILE *f)
{
    char *text = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    json_decref(root);
    if (text == NULL) return false;
    fprintf(f, "%s\n", text);
    free(text);
    return true;
}

/* ---- where it goes ---- */

static int cannot(const struct caps_options *o, int error)
{
    fprintf(stderr, "bosk: caps %s: cannot write %s: %s\n", o->name,
            o->output != NULL ? o->output : "to standard output", strerror(error));
    return EXIT_OWN;
}

int caps_begin(const struct caps_options *o, struct caps_out *out)
{
    *out = (struct caps_out){.f = NULL};
    out->f = open_memstream(&out->data, &out->bytes);
    return out->f != NULL ? 0 : cannot(o, errno);
}

static int write_out(const struct caps_options *o, const struct caps_out *out)
{
    FILE *f = o->output != NULL ? fopen(o->output, "we") : stdout;
    if (f == NULL) return cannot(o, errno);
    errno = 0;
    bool ok = fwrite(out->data, 1, out->bytes, f) == out->bytes && fflush(f) == 0;
    int error = errno;
    if (o->output != NULL && fclose(f) != 0 && ok) {
        ok = false;
        error = errno;
    }
    return ok ? 0 : cannot(o, error);
}

int caps_end(const struct caps_options *o, struct caps_out *out, bool ok)
{
    int status = 0;
    if (fclose(out->f) != 0 || !ok)
        status = cannot(o, ENOMEM);
    else
        status = write_out(o, out);
    free(out->data);
    return status;
}
