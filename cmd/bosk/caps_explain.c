/* caps_explain.c - `bosk caps explain`: what Go makes of an expression, version by version. */
#define _GNU_SOURCE
#include "caps_draw.h"
#include "caps_judge.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

enum { FACTS = 16 };

struct fact {
    const char *key;
    char text[256];
};

struct answer {
    const struct caps_options *o;
    const char *text;
    struct expr expr;
    struct verdict verdict[CAPS_ANSWERS];
    struct caps_group group[CAPS_ANSWERS];
    size_t groups;
};

/* ---- facts ---- */

struct facts {
    struct fact fact[FACTS];
    size_t count;
};

static char *fact(struct facts *f, const char *key)
{
    struct fact *one = &f->fact[f->count < FACTS - 1 ? f->count++ : FACTS - 1];
    one->key = key;
    one->text[0] = '\0';
    return one->text;
}
#define SAY(f, key, ...) snprintf(fact(f, key), sizeof((struct fact *)0)->text, __VA_ARGS__)

static void place_fact(struct facts *f, const char *key, enum place p, const char *why,
                       const char *call, int allocs)
{
    const char *name = p == PLACE_NOTHING ? "no memory"
                     : p == PLACE_STATIC  ? "no allocation"
                     : p == PLACE_DEPENDS ? "depends"
                                          : place_name(p);
    char more[64] = "";
    bool heap = p == PLACE_HEAP && call != NULL;
    if (heap && allocs > 1) snprintf(more, sizeof more, ", %d allocations", allocs);
    if (heap && allocs == 1) snprintf(more, sizeof more, ", one allocation");
    if (p == PLACE_DEPENDS && call != NULL) {
        SAY(f, key, "%s: %s (%s)", name, why, call);
        return;
    }
    SAY(f, key, "%s%s%s%s%s%s", name, heap ? ": " : "", heap ? call : "", more,
        why[0] != '\0' ? heap ? "; " : ": " : "", why);
}

static void size_fact(struct facts *f, const struct verdict *v)
{
    char *text = fact(f, "size");
    size_t room = sizeof((struct fact *)0)->text, used = 0;
    if (v->slice && v->cap >= 0 && v->len >= 0)
        used += (size_t)snprintf(text, room, "length %s, capacity %s; ",
                                 text_exact((double)v->len).s, text_exact((double)v->cap).s);
    else if (v->slice && v->cap >= 0)
        used += (size_t)snprintf(text, room, "capacity %s; ", text_exact((double)v->cap).s);
    snprintf(text + used, room - used, "%s byte%s %s pointers", text_exact((double)v->bytes).s,
             v->bytes == 1 ? "" : "s", v->noscan ? "without" : "with");
}

static void block_facts(struct facts *f, const struct verdict *v)
{
    const bosk_go_block *b = &v->block;
    if (b->size_class == 0) {
        SAY(f, "class", "none: larger than the largest of 32,768 bytes%s",
            v->bytes <= 32768 ? " less its header of 8" : "");
        SAY(f, "span", "one of its own: %s bytes, %s unused", text_exact((double)b->bytes).s,
            text_exact((double)(b->bytes - v->bytes)).s);
        SAY(f, "level", "the page heap (mheap), past the caches");
        return;
    }
    bool tiny = v->noscan && v->bytes < 16;
    if (tiny) {
        SAY(f, "class", "%u: %s bytes, which the capacity fills", b->size_class,
            text_exact((double)b->bytes).s);
        SAY(f, "span", "8,192 bytes, blocks of 16 bytes, span class 5 (noscan)");
        SAY(f, "level",
            "the tiny allocator: a part of a 16-byte block (class 2) of the P's cache (mcache)");
        return;
    }
    SAY(f, "class", "%u: %s bytes%s, %s unused", b->size_class, text_exact((double)b->bytes).s,
        b->usable < b->bytes ? ", 8 of them a header" : "",
        text_exact((double)(b->usable - v->bytes)).s);
    SAY(f, "span", "%s bytes, %u object%s, span class %u (%s)", text_exact((double)b->span_bytes).s,
        b->objects, b->objects == 1 ? "" : "s", b->size_class * 2 + (v->noscan ? 1 : 0),
        v->noscan ? "noscan" : "scan");
    SAY(f, "level",
        "the cache of the P (mcache); when empty a span from mcentral, then %s of the page heap "
        "(mheap)",
        b->span_bytes == 8192 ? "one page" : "pages");
}

static void collect(const struct verdict *v, struct facts *f)
{
    f->count = 0;
    if (v->refused != NULL) {
        SAY(f, "compiler", "refuses it: %s", v->refused);
        return;
    }
    if (v->panics[0] != '\0') {
        SAY(f, "panics", "%s (%s)", v->panics, v->call);
        return;
    }
    if (v->sized) size_fact(f, v);
    SAY(f, "decided", "%s", v->decided);
    place_fact(f, "stays", v->local, v->local_why, v->call, v->local_allocs);
    if (v->local == PLACE_STACK && v->slice && v->local_cap >= 0 && v->local_cap != v->cap)
        SAY(f, "", "there with a capacity of %s", text_exact((double)v->local_cap).s);
    place_fact(f, "escapes", v->escaping, v->escaping_why, v->call, v->escaping_allocs);
    if (v->has_block) block_facts(f, v);
    if (v->zeroed[0] != '\0') SAY(f, "zeroed", "%s", v->zeroed);
    if (v->grows[0] != '\0') SAY(f, "grows", "%s", v->grows);
}

static bool equal(const void *ctx, size_t a, size_t b)
{
    const struct answer *all = ctx;
    struct facts x, y;
    collect(&all->verdict[a], &x);
    collect(&all->verdict[b], &y);
    if (x.count != y.count) return false;
    for (size_t i = 0; i < x.count; i++)
        if (strcmp(x.fact[i].key, y.fact[i].key) != 0 ||
            strcmp(x.fact[i].text, y.fact[i].text) != 0)
            return false;
    return true;
}

/* ---- showing ---- */

static void print_table(const struct answer *a, FILE *f)
{
    struct facts facts;
    char clean[EXPR_TEXT];
    fprintf(f, "%s\n", text_clean(a->text, clean, sizeof clean));
    for (size_t i = 0; i < a->groups; i++) {
        fprintf(f, "\nGo %s, %s\n", caps_versions(a->group[i].versions).s,
                caps_arches(a->group[i].arches).s);
        collect(&a->verdict[a->group[i].first], &facts);
        for (size_t k = 0; k < facts.count; k++)
            fprintf(f, "  %-9s %s\n", facts.fact[k].key, facts.fact[k].text);
    }
}

static const struct column columns[] = {{"go", "", true, 0},
                                        {"arch", "", true, 0},
                                        {"bytes", "", false, 0},
                                        {"pointers", "", true, 0},
                                        {"len", "", false, 0},
                                        {"cap", "", false, 0},
                                        {"stays", "", true, 0},
                                        {"stays_allocs", "", false, 0},
                                        {"stays_cap", "", false, 0},
                                        {"escapes", "", true, 0},
                                        {"escapes_allocs", "", false, 0},
                                        {"class", "", false, 0},
                                        {"block", "", false, 0},
                                        {"span", "", false, 0},
                                        {"objects", "", false, 0},
                                        {"level", "", true, 0},
                                        {"call", "", true, 0},
                                        {"panics", "", true, 0},
                                        {"refused", "", true, 0}};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static void known(struct sheet *s, bool is, int64_t v)
{
    if (is && v >= 0)
        sheet_int(s, v);
    else
        sheet_none(s);
}

static void row(struct sheet *s, const struct verdict *v, const char *go, const char *arch)
{
    bool runs = v->refused == NULL && v->panics[0] == '\0';
    sheet_text(s, go);
    sheet_text(s, arch);
    known(s, runs && v->sized, (int64_t)v->bytes);
    sheet_text(s, v->noscan ? "no" : "yes");
    known(s, runs, v->len);
    known(s, runs, v->cap);
    sheet_text(s, runs ? place_name(v->local) : "");
    known(s, runs, v->local_allocs);
    known(s, runs && v->local == PLACE_STACK, v->local_cap);
    sheet_text(s, runs ? place_name(v->escaping) : "");
    known(s, runs, v->escaping_allocs);
    known(s, runs && v->has_block, v->block.size_class);
    known(s, runs && v->has_block, (int64_t)v->block.bytes);
    known(s, runs && v->has_block, (int64_t)v->block.span_bytes);
    known(s, runs && v->has_block, v->block.objects);
    sheet_text(s, runs && v->has_block ? caps_level(v->bytes, v->noscan, &v->block) : "");
    sheet_text(s, v->call != NULL ? v->call : "");
    sheet_text(s, v->panics);
    sheet_text(s, v->refused != NULL ? v->refused : "");
}

static bool print_csv(const struct answer *a, FILE *f)
{
    struct sheet s;
    sheet_begin(&s, columns, COLUMNS);
    for (size_t i = 0; i < a->o->rules * a->o->arches; i++)
        row(&s, &a->verdict[i], a->o->rule[i % a->o->rules].name,
            bosk_arch_name(a->o->arch[i / a->o->rules]));
    sheet_csv(&s, 0, true, f);
    bool ok = !s.failed;
    sheet_end(&s);
    return ok;
}

static bool print_json(const struct answer *a, FILE *f)
{
    json_t *root = json_object(), *list = json_array();
    bool ok = true;
    for (size_t i = 0; i < a->groups; i++) {
        struct sheet s;
        struct facts facts;
        json_t *words = json_object();
        sheet_begin(&s, columns, COLUMNS);
        row(&s, &a->verdict[a->group[i].first], "", "");
        json_t *rows = sheet_json(&s, 2), *one = json_incref(json_array_get(rows, 0));
        json_decref(rows);
        ok = ok && !s.failed && one != NULL;
        sheet_end(&s);
        collect(&a->verdict[a->group[i].first], &facts);
        for (size_t k = 0; k < facts.count; k++)
            if (facts.fact[k].key[0] != '\0')
                json_object_set_new(words, facts.fact[k].key, json_string(facts.fact[k].text));
        json_object_set_new(one, "go", caps_versions_json(a->group[i].versions));
        json_object_set_new(one, "arch", caps_arches_json(a->group[i].arches));
        json_object_set_new(one, "text", words);
        json_array_append_new(list, one);
    }
    json_object_set_new(root, "bosk_caps", json_integer(1));
    json_object_set_new(root, "command", json_string("explain"));
    json_object_set_new(root, "expression", json_string(a->text));
    json_object_set_new(root, "answers", list);
    return caps_json(root, f) && ok;
}

static bool print(const struct answer *a, FILE *f)
{
    switch (a->o->format) {
    case CAPS_CSV: return print_csv(a, f);
    case CAPS_JSON: return print_json(a, f);
    case CAPS_MERMAID:
    case CAPS_DOT:
        draw_begin(f, a->o->format, a->text);
        for (size_t i = 0; i < a->groups; i++)
            draw_verdict(f, a->o->format, (unsigned)i, &a->group[i],
                         &a->verdict[a->group[i].first]);
        draw_end(f, a->o->format);
        return true;
    default: print_table(a, f); return true;
    }
}

/* What no version compiles is wrong input. */
static int all_refused(const struct answer *a)
{
    size_t count = a->o->rules * a->o->arches, refused = 0;
    for (size_t i = 0; i < count; i++) refused += a->verdict[i].refused != NULL;
    if (refused != count) return 0;
    return caps_wrong(a->o->name, "Go refuses '%.60s': %s", a->text, a->verdict[0].refused);
}

int caps_explain(int argc, char **argv)
{
    struct caps_options o;
    static struct answer a;
    int status = caps_parse(argc, argv, TAKES_GO | TAKES_TEXT | TAKES_GRAPH, &o);
    if (status != 0) return status - 1;
    if (o.arg_count != 1)
        return caps_wrong(o.name,
                          "one expression, please: bosk caps explain 'make([]int, 0, 100)'");
    a.o = &o;
    a.text = o.args[0];
    status = expr_parse(o.name, a.text, &a.expr);
    for (size_t i = 0; status == 0 && i < o.rules * o.arches; i++)
        status =
            judge(o.name, &a.expr, o.rule[i % o.rules].minor, o.arch[i / o.rules], &a.verdict[i]);
    if (status == 0) status = all_refused(&a);
    if (status != 0) return status;
    a.groups = caps_group(&o, equal, &a, a.group);
    struct caps_out out;
    status = caps_begin(&o, &out);
    return status != 0 ? status : caps_end(&o, &out, print(&a, out.f));
}
