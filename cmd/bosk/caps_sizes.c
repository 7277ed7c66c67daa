/* caps_sizes.c - `bosk caps size N...` and `bosk caps classes`: what Go's allocator makes of a
 * request, and the table it looks it up in. */
#define _GNU_SOURCE
#include "caps.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

/* ---- size ---- */

static const struct column size_columns[] = {
    {"size", "size", false, 0},        {"go", "go", true, 0},          {"arch", "arch", true, 0},
    {"pointers", "pointers", true, 0}, {"class", "class", false, 0},   {"bytes", "bytes", false, 0},
    {"usable", "usable", false, 0},    {"wasted", "wasted", false, 0}, {"span", "span", false, 0},
    {"objects", "objects", false, 0},  {"level", "served by", true, 0}};
enum { SIZE_COLUMNS = sizeof size_columns / sizeof size_columns[0] };

struct sizes {
    const struct caps_options *o;
    uint64_t size;
    bool noscan;
    bosk_go_block block[CAPS_ANSWERS];
    bool possible[CAPS_ANSWERS];
};

static bool size_equal(const void *ctx, size_t a, size_t b)
{
    const struct sizes *s = ctx;
    const bosk_go_block *x = &s->block[a], *y = &s->block[b];
    return s->possible[a] == s->possible[b] && x->bytes == y->bytes && x->usable == y->usable &&
           x->span_bytes == y->span_bytes && x->size_class == y->size_class &&
           x->objects == y->objects;
}

const char *caps_level(uint64_t size, bool noscan, const bosk_go_block *block)
{
    if (size == 0) return "the shared zero address";
    if (block->size_class == 0) return "the page heap";
    return noscan && size < 16 ? "a shared 16-byte block" : "the thread's cache";
}

static void size_row(struct sheet *sheet, const struct sizes *s, size_t i, const char *go,
                     const char *arch)
{
    const bosk_go_block *b = &s->block[i];
    sheet_size(sheet, s->size);
    sheet_text(sheet, go);
    sheet_text(sheet, arch);
    sheet_text(sheet, s->noscan ? "no" : "yes");
    if (!s->possible[i]) {
        for (int k = 0; k < 6; k++) sheet_none(sheet);
        sheet_text(sheet, "nothing: too large");
        return;
    }
    sheet_size(sheet, b->size_class);
    sheet_size(sheet, b->bytes);
    sheet_size(sheet, b->usable);
    sheet_size(sheet, b->bytes - s->size);
    sheet_size(sheet, b->span_bytes);
    sheet_size(sheet, b->objects);
    sheet_text(sheet, caps_level(s->size, s->noscan, b));
}

static void size_rows(struct sheet *sheet, struct sizes *s)
{
    const struct caps_options *o = s->o;
    size_t count = o->rules * o->arches;
    for (size_t i = 0; i < count; i++)
        s->possible[i] = bosk_go_block_of(o->rule[i % o->rules].minor, o->arch[i / o->rules],
                                          s->size, s->noscan, &s->block[i]) == 0;
    if (o->format != CAPS_TABLE) {
        for (size_t i = 0; i < count; i++)
            size_row(sheet, s, i, o->rule[i % o->rules].name,
                     bosk_arch_name(o->arch[i / o->rules]));
        return;
    }
    struct caps_group group[CAPS_ANSWERS];
    size_t groups = caps_group(o, size_equal, s, group);
    for (size_t i = 0; i < groups; i++)
        size_row(sheet, s, group[i].first, caps_versions(group[i].versions).s,
                 caps_arches(group[i].arches).s);
}

static bool print_sheet(const struct caps_options *o, const char *command, const struct sheet *s,
                        FILE *f)
{
    if (o->format == CAPS_CSV) sheet_csv(s, 0, true, f);
    if (o->format == CAPS_TABLE) sheet_print(s, 0, f);
    if (o->format != CAPS_JSON) return !s->failed;
    json_t *root = json_object();
    json_object_set_new(root, "bosk_caps", json_integer(1));
    json_object_set_new(root, "command", json_string(command));
    json_object_set_new(root, "rows", sheet_json(s, 0));
    return caps_json(root, f) && !s->failed;
}

int caps_size(int argc, char **argv)
{
    struct caps_options o;
    int status = caps_parse(argc, argv, TAKES_PTR | TAKES_GO | TAKES_TEXT, &o);
    if (status != 0) return status - 1;
    if (o.arg_count == 0)
        return caps_wrong(o.name, "which sizes? for example: bosk caps size 24 1000 33000");
    struct sizes s = {.o = &o};
    struct sheet sheet;
    int64_t size;
    for (size_t i = 0; i < o.arg_count; i++) {
        if (!caps_number(o.args[i], &size))
            return caps_wrong(o.name, "'%.60s' is not a whole number of bytes from 1 to 2^63-1",
                              o.args[i]);
        if (size == 0)
            return caps_wrong(o.name, "0 bytes take no memory: all of them share one address");
    }
    struct caps_out out;
    status = caps_begin(&o, &out);
    if (status != 0) return status;
    sheet_begin(&sheet, size_columns, SIZE_COLUMNS);
    for (size_t i = 0; i < o.arg_count; i++) {
        if (!caps_number(o.args[i], &size)) continue;
        s.size = (uint64_t)size;
        for (int pointers = o.ptr; pointers < 2; pointers++) {
            s.noscan = pointers == 0;
            size_rows(&sheet, &s);
        }
    }
    bool ok = print_sheet(&o, "size", &sheet, out.f);
    sheet_end(&sheet);
    return caps_end(&o, &out, ok);
}

/* ---- classes ---- */

static const struct column class_columns[] = {
    {"go", "go", true, 0},
    {"arch", "arch", true, 0},
    {"class", "class", false, 0},
    {"bytes", "bytes", false, 0},
    {"span", "span", false, 0},
    {"objects", "objects", false, 0},
    {"tail", "tail", false, 0},
    {"worst_waste", "worst waste %", false, 2},
    {"align", "aligned to", false, 0},
    {"pointer_objects", "objects with pointers", false, 0}};
enum { CLASS_COLUMNS = sizeof class_columns / sizeof class_columns[0], LARGEST_CLASS = 32768 };

/* The next larger class than `below` bytes; false behind the last.  A block without pointers has no
 * header, so a request of one byte more leads to it. */
static bool next_class(unsigned minor, bosk_arch arch, uint64_t below, bosk_go_block *out)
{
    if (below >= LARGEST_CLASS) return false;
    /* From 1.22 on the last class serves no request above 32760 bytes, but it is there. */
    uint64_t size = below + 1 > 32760 ? 32760 : below + 1;
    return bosk_go_block_of(minor, arch, size, true, out) == 0;
}

static bool classes_equal(const void *ctx, size_t a, size_t b)
{
    const struct caps_options *o = ctx;
    unsigned minor[2] = {o->rule[a % o->rules].minor, o->rule[b % o->rules].minor};
    bosk_arch arch[2] = {o->arch[a / o->rules], o->arch[b / o->rules]};
    bosk_go_block x = {0}, y = {0};
    for (;;) {
        bool more = next_class(minor[0], arch[0], x.bytes, &x);
        if (more != next_class(minor[1], arch[1], y.bytes, &y)) return false;
        if (!more) return true;
        if (x.bytes != y.bytes || x.objects != y.objects ||
            bosk_go_span(minor[0], arch[0], x.bytes, false) !=
                bosk_go_span(minor[1], arch[1], y.bytes, false))
            return false;
    }
}

static void class_rows(struct sheet *s, unsigned minor, bosk_arch arch, const char *go,
                       const char *arches)
{
    uint64_t before = 0;
    for (bosk_go_block b = {0}; next_class(minor, arch, before, &b); before = b.bytes) {
        /* What is left over when every object is as small as this class takes. */
        uint64_t tail = b.span_bytes - b.objects * b.bytes;
        double worst =
            100.0 * (double)((b.bytes - before - 1) * b.objects + tail) / (double)b.span_bytes;
        uint64_t align = b.bytes & (~b.bytes + 1);
        sheet_text(s, go);
        sheet_text(s, arches);
        sheet_size(s, b.size_class);
        sheet_size(s, b.bytes);
        sheet_size(s, b.span_bytes);
        sheet_size(s, b.objects);
        sheet_size(s, tail);
        sheet_real(s, worst);
        sheet_size(s, align < 8192 ? align : 8192);
        sheet_size(s, bosk_go_span(minor, arch, b.bytes, false));
    }
}

static bool print_classes(const struct caps_options *o, FILE *f)
{
    struct caps_group group[CAPS_ANSWERS];
    struct sheet s;
    bool ok = true;
    sheet_begin(&s, class_columns, CLASS_COLUMNS);
    if (o->format != CAPS_TABLE) {
        for (size_t i = 0; i < o->rules * o->arches; i++) {
            bosk_arch arch = o->arch[i / o->rules];
            const struct caps_rule *rule = &o->rule[i % o->rules];
            class_rows(&s, rule->minor, arch, rule->name, bosk_arch_name(arch));
        }
        ok = print_sheet(o, "classes", &s, f);
        sheet_end(&s);
        return ok;
    }
    size_t groups = caps_group(o, classes_equal, o, group);
    for (size_t i = 0; ok && i < groups; i++) {
        sheet_end(&s);
        sheet_begin(&s, class_columns, CLASS_COLUMNS);
        fprintf(f, "%sGo %s, %s\n\n", i != 0 ? "\n" : "", caps_versions(group[i].versions).s,
                caps_arches(group[i].arches).s);
        class_rows(&s, o->rule[group[i].first % o->rules].minor, o->arch[group[i].first / o->rules],
                   "", "");
        sheet_print(&s, 2, f);
        ok = !s.failed;
    }
    sheet_end(&s);
    return ok;
}

int caps_classes(int argc, char **argv)
{
    struct caps_options o;
    int status = caps_parse(argc, argv, TAKES_GO | TAKES_TEXT, &o);
    if (status != 0) return status - 1;
    if (o.arg_count != 0) return caps_wrong(o.name, "'%.60s' is not needed", o.args[0]);
    struct caps_out out;
    status = caps_begin(&o, &out);
    return status != 0 ? status : caps_end(&o, &out, print_classes(&o, out.f));
}
