/* caps_struct.c - `bosk caps struct`: where Go puts the fields of a struct, and in which order they
 * leave the fewest gaps. */
#define _GNU_SOURCE
#include "caps.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 256, TEXT_MAX = 4096 };

struct field {
    const char *name; /* or its type, when it has none */
    size_t name_bytes;
    bosk_go_type type;
    uint64_t offset;
};

struct layout {
    bosk_arch arch;
    bosk_go_type type;
    struct field field[FIELDS];
    size_t fields;
    bool too_many;
    struct field best[FIELDS]; /* in the order that wastes least */
    uint64_t best_size;
    uint64_t last_pointer, best_last_pointer; /* where what the collector scans ends */
};

/* ---- layouts ---- */

static void note(void *ctx, const char *name, size_t name_bytes, const bosk_go_type *type,
                 uint64_t offset)
{
    struct layout *l = ctx;
    if (l->fields == FIELDS) {
        l->too_many = true;
        return;
    }
    while (name_bytes > 0 && name[name_bytes - 1] == ' ') name_bytes--;
    l->field[l->fields++] = (struct field){name, name_bytes, *type, offset};
}

/* Fields of no size come first, where they take nothing (behind the others Go adds a byte); then
 * falling alignment leaves no gap, since every size is a multiple of its alignment; pointers before
 * the rest, so that the collector has less to look at. */
static int by_rank(const void *a, const void *b)
{
    const struct field *x = a, *y = b;
    if ((x->type.size == 0) != (y->type.size == 0)) return x->type.size == 0 ? -1 : 1;
    if (x->type.align != y->type.align) return x->type.align > y->type.align ? -1 : 1;
    if (x->type.noscan != y->type.noscan) return x->type.noscan ? 1 : -1;
    uint64_t x_tail = x->type.size - x->type.ptr_bytes, y_tail = y->type.size - y->type.ptr_bytes;
    if (!x->type.noscan && x_tail != y_tail) return x_tail < y_tail ? -1 : 1;
    return x->offset != y->offset ? x->offset < y->offset ? -1 : 1
         : x->name < y->name      ? -1
                                  : x->name > y->name;
}

static uint64_t up(uint64_t n, uint32_t align) { return (n + align - 1) & ~(uint64_t)(align - 1); }

static void order(struct layout *l)
{
    uint64_t at = 0;
    l->last_pointer = l->type.ptr_bytes;
    memcpy(l->best, l->field, l->fields * sizeof l->best[0]);
    qsort(l->best, l->fields, sizeof l->best[0], by_rank);
    for (size_t i = 0; i < l->fields; i++) {
        struct field *f = &l->best[i];
        at = up(at, f->type.align);
        f->offset = at;
        at += f->type.size;
        if (!f->type.noscan) l->best_last_pointer = at;
        if (!l->field[i].type.noscan) l->last_pointer = l->field[i].offset + l->field[i].type.size;
    }
    l->best_size = up(at, l->type.align);
    /* Never worse than what was given: pointers behind large fields may be reached sooner there. */
    if (l->best_size > l->type.size ||
        (l->best_size == l->type.size && l->best_last_pointer > l->last_pointer)) {
        memcpy(l->best, l->field, l->fields * sizeof l->best[0]);
        l->best_size = l->type.size;
        l->best_last_pointer = l->last_pointer;
    }
}

/* ---- reading ---- */

/* Whether all of `s` is one struct{...}, and not a first field of that kind. */
static bool one_struct(const char *s)
{
    if (strncmp(s, "struct", 6) != 0) return false;
    s += 6 + strspn(s + 6, " \t");
    if (*s != '{') return false;
    size_t depth = 0;
    do {
        if (*s == '{') depth++;
        if (*s == '}') depth--;
        if (*s++ == '\0') return true; /* never closed: said when it is read */
    } while (depth != 0);
    return s[strspn(s, " \t\n")] == '\0';
}

/* "int64; *T" becomes "struct{int64; *T}"; a struct stays as it is. */
static int wrap(const struct caps_options *o, const char *given, char *text, size_t *shift)
{
    const char *s = given + strspn(given, " \t\n");
    bool whole = one_struct(s);
    *shift = whole ? 0 : strlen("struct{");
    if (s[0] == '\0')
        return caps_wrong(o->name, "which fields? for example: bosk caps struct 'int64; [3]byte; "
                                   "*T'");
    int n = snprintf(text, TEXT_MAX, whole ? "%s" : "struct{%s}", given);
    if (n >= TEXT_MAX) return caps_wrong(o->name, "the type is longer than %d bytes", TEXT_MAX - 1);
    return 0;
}

static int lay_out(const struct caps_options *o, const char *given, const char *text, size_t shift,
                   struct layout *l)
{
    size_t at = 0;
    int error = bosk_go_layout(l->arch, text, &l->type, &at, note, l);
    if (error == -EOVERFLOW)
        return caps_wrong(o->name, "'%.60s' is larger or deeper than %s can hold", given,
                          bosk_arch_name(l->arch));
    if (error != 0) {
        size_t length = strlen(given), from = at < shift ? 0 : at - shift;
        return caps_wrong(o->name, "'%.60s' is no type of Go that is known, from '%.20s' on", given,
                          from < length ? given + from : "the end");
    }
    if (l->too_many) return caps_wrong(o->name, "more than %d fields", FIELDS);
    order(l);
    return 0;
}

/* ---- showing ---- */

static const struct column columns[] = {
    {"arch", "arch", true, 0},        {"order", "order", true, 0},
    {"field", "field", true, 0},      {"offset", "offset", false, 0},
    {"bytes", "bytes", false, 0},     {"align", "align", false, 0},
    {"padding", "padding", false, 0}, {"pointers", "pointers", true, 0}};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static uint64_t gap_behind(const struct field *f, size_t n, size_t i, uint64_t size)
{
    uint64_t next = i + 1 < n ? f[i + 1].offset : size;
    return next - f[i].offset - f[i].type.size;
}

static void rows(struct sheet *s, const struct layout *l, bool best)
{
    const struct field *f = best ? l->best : l->field;
    uint64_t size = best ? l->best_size : l->type.size;
    for (size_t i = 0; i < l->fields; i++) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", f[i].name_bytes < 120 ? (int)f[i].name_bytes : 120,
                 f[i].name);
        sheet_text(s, bosk_arch_name(l->arch));
        sheet_text(s, best ? "best" : "given");
        sheet_text(s, name);
        sheet_size(s, f[i].offset);
        sheet_size(s, f[i].type.size);
        sheet_size(s, f[i].type.align);
        sheet_size(s, gap_behind(f, l->fields, i, size));
        sheet_text(s, f[i].type.noscan ? "" : "yes");
    }
}

static uint64_t padding(const struct layout *l, bool best)
{
    uint64_t used = 0;
    for (size_t i = 0; i < l->fields; i++) used += l->field[i].type.size;
    return (best ? l->best_size : l->type.size) - used;
}

static bool print_table(const struct layout *l, const uint32_t arches, FILE *f)
{
    struct sheet s;
    bool ok = true;
    for (int best = 0; ok && best < 2; best++) {
        uint64_t size = best ? l->best_size : l->type.size;
        if (best && padding(l, true) == padding(l, false) &&
            l->best_last_pointer == l->last_pointer) {
            fputs("\n  No order of the fields takes less.\n", f);
            break;
        }
        fprintf(f, "%s%s: %s%" PRIu64 " bytes, aligned to %u, %" PRIu64 " of padding",
                best ? "\n" : "", caps_arches(arches).s, best ? "in the best order " : "", size,
                (unsigned)l->type.align, padding(l, best));
        if (!l->type.noscan)
            fprintf(f, "; the collector looks at the first %" PRIu64,
                    best ? l->best_last_pointer : l->last_pointer);
        fputs("\n\n", f);
        sheet_begin(&s, columns, COLUMNS);
        rows(&s, l, best);
        sheet_print(&s, 2, f);
        ok = !s.failed;
        sheet_end(&s);
    }
    return ok;
}

static json_t *layout_json(const struct layout *l, bool *ok)
{
    json_t *o = json_object();
    json_object_set_new(o, "arch", json_string(bosk_arch_name(l->arch)));
    json_object_set_new(o, "align", json_integer((json_int_t)l->type.align));
    for (int best = 0; best < 2; best++) {
        struct sheet s;
        json_t *one = json_object();
        sheet_begin(&s, columns, COLUMNS);
        rows(&s, l, best);
        json_object_set_new(one, "size",
                            json_integer((json_int_t)(best ? l->best_size : l->type.size)));
        json_object_set_new(one, "padding", json_integer((json_int_t)padding(l, best)));
        json_object_set_new(
            one, "scanned",
            json_integer((json_int_t)(best ? l->best_last_pointer : l->last_pointer)));
        json_object_set_new(one, "fields", sheet_json(&s, 2));
        json_object_set_new(o, best ? "best" : "given", one);
        *ok = *ok && !s.failed;
        sheet_end(&s);
    }
    return o;
}

static bool same(const struct layout *a, const struct layout *b)
{
    if (a->type.size != b->type.size || a->type.align != b->type.align ||
        a->best_size != b->best_size || a->fields != b->fields)
        return false;
    for (size_t i = 0; i < a->fields; i++)
        if (a->field[i].offset != b->field[i].offset ||
            a->field[i].type.size != b->field[i].type.size ||
            a->field[i].type.align != b->field[i].type.align || a->best[i].name != b->best[i].name)
            return false;
    return true;
}

static bool print(const struct caps_options *o, const struct layout *l, FILE *f)
{
    bool ok = true;
    if (o->format == CAPS_JSON) {
        json_t *root = json_object(), *list = json_array();
        for (size_t i = 0; i < o->arches; i++) json_array_append_new(list, layout_json(&l[i], &ok));
        json_object_set_new(root, "bosk_caps", json_integer(1));
        json_object_set_new(root, "command", json_string("struct"));
        json_object_set_new(root, "type", json_string(o->args[0]));
        json_object_set_new(root, "layouts", list);
        return caps_json(root, f) && ok;
    }
    if (o->format == CAPS_CSV) {
        struct sheet s;
        sheet_begin(&s, columns, COLUMNS);
        for (size_t i = 0; i < o->arches; i++)
            for (int best = 0; best < 2; best++) rows(&s, &l[i], best);
        sheet_csv(&s, 0, true, f);
        ok = !s.failed;
        sheet_end(&s);
        return ok;
    }
    bool shown[BOSK_ARCHES] = {false}, first = true;
    for (size_t i = 0; i < o->arches; i++) {
        uint32_t arches = 0;
        if (shown[i]) continue;
        for (size_t k = i; k < o->arches; k++) {
            if (shown[k] || !same(&l[i], &l[k])) continue;
            shown[k] = true;
            arches |= 1u << l[k].arch;
        }
        if (!first) fputc('\n', f);
        first = false;
        ok = print_table(&l[i], arches, f) && ok;
    }
    return ok;
}

int caps_struct(int argc, char **argv)
{
    struct caps_options o;
    static char text[TEXT_MAX];
    static struct layout layout[BOSK_ARCHES];
    size_t shift = 0;
    int status = caps_parse(argc, argv, TAKES_ARCH | TAKES_TEXT, &o);
    if (status != 0) return status - 1;
    if (o.arg_count != 1)
        return caps_wrong(o.name, "which struct? for example: bosk caps struct 'int64; [3]byte; "
                                  "*T'");
    if (!o.arch_given)
        for (o.arches = 0; o.arches < BOSK_ARCHES; o.arches++)
            o.arch[o.arches] = (bosk_arch)o.arches;
    status = wrap(&o, o.args[0], text, &shift);
    for (size_t i = 0; status == 0 && i < o.arches; i++) {
        layout[i].arch = o.arch[i];
        status = lay_out(&o, o.args[0], text, shift, &layout[i]);
    }
    struct caps_out out;
    if (status == 0) status = caps_begin(&o, &out);
    return status != 0 ? status : caps_end(&o, &out, print(&o, layout, out.f));
}
