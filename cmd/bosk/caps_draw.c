/* caps_draw.c - see caps_draw.h. */
#define _GNU_SOURCE
#include "caps_draw.h"

#include <stdarg.h>
#include <string.h>

struct graph {
    FILE *f;
    bool dot;
    unsigned number; /* of the group, part of every name */
};

/* Text between quotes, of which `\n` breaks a line. */
static void quote(FILE *f, bool dot, const char *s)
{
    fputc('"', f);
    for (; *s != '\0'; s++) {
        if (*s == '\n')
            fputs(dot ? "\\n" : "<br>", f);
        else if (*s == '"')
            fputs(dot ? "\\\"" : "#quot;", f);
        else if (*s == '\\')
            fputs(dot ? "\\\\" : "#92;", f);
        else if (!dot && (*s == '<' || *s == '>' || *s == '&' || *s == '#' || *s == ';'))
            fprintf(f, "#%d;", *s);
        else
            fputc(*s, f);
    }
    fputc('"', f);
}

enum shape { BOX, QUESTION, STORE };

static void node(const struct graph *g, const char *id, enum shape shape, const char *text, ...)
    BOSK_PRINTF(4, 5);
static void node(const struct graph *g, const char *id, enum shape shape, const char *text, ...)
{
    char label[512];
    va_list args;
    va_start(args, text);
    vsnprintf(label, sizeof label, text, args);
    va_end(args);
    fprintf(g->f, "    %s%u", id, g->number);
    if (g->dot) {
        fputs(" [label=", g->f);
        quote(g->f, true, label);
        fprintf(g->f, ", shape=%s];\n",
                shape == BOX        ? "box"
                : shape == QUESTION ? "diamond"
                                    : "cylinder");
        return;
    }
    fputs(shape == BOX ? "[" : shape == QUESTION ? "{" : "[(", g->f);
    quote(g->f, false, label);
    fputs(shape == BOX ? "]\n" : shape == QUESTION ? "}\n" : ")]\n", g->f);
}

static void edge(const struct graph *g, const char *from, const char *to, const char *label)
{
    fprintf(g->f, g->dot ? "    %s%u -> %s%u" : "    %s%u -->", from, g->number, to, g->number);
    if (g->dot && label[0] != '\0') {
        fputs(" [label=", g->f);
        quote(g->f, true, label);
        fputc(']', g->f);
    }
    if (g->dot) {
        fputs(";\n", g->f);
        return;
    }
    if (label[0] != '\0') {
        fputc('|', g->f);
        quote(g->f, false, label);
        fputc('|', g->f);
    }
    fprintf(g->f, " %s%u\n", to, g->number);
}

static void heap(const struct graph *g, const struct verdict *v)
{
    const bosk_go_block *b = &v->block;
    node(g, "call", BOX, "%s", v->call != NULL ? v->call : "the run-time system");
    if (!v->has_block) return;
    node(g, "mheap", STORE, "page heap (mheap)");
    if (b->size_class == 0) {
        node(g, "span", STORE, "a span of its own\n%s bytes", text_exact((double)b->bytes).s);
        edge(g, "call", "mheap", "larger than any class");
        edge(g, "mheap", "span", "");
        return;
    }
    bool tiny = v->noscan && v->bytes < 16;
    unsigned number = tiny ? 2 : b->size_class;
    node(g, "class", BOX, "size class %u: %s bytes\nspan class %u, %s", number,
         tiny ? "16" : text_exact((double)b->bytes).s, number * 2 + (v->noscan ? 1 : 0),
         v->noscan ? "noscan" : "scan");
    node(g, "mcache", STORE, "cache of the P (mcache)\n%s",
         tiny ? "a part of a 16-byte block" : "the next free object of its span");
    node(g, "mcentral", STORE, "mcentral\nspans of %s bytes", text_exact((double)b->span_bytes).s);
    edge(g, "call", "class", "");
    edge(g, "class", "mcache", "");
    edge(g, "mcache", "mcentral", "no free object");
    edge(g, "mcentral", "mheap", "no span with room");
}

void draw_begin(FILE *f, enum caps_format format, const char *expression)
{
    char clean[EXPR_TEXT];
    text_clean(expression, clean, sizeof clean);
    if (format == CAPS_DOT) {
        fputs("digraph explain {\n  rankdir=TB;\n  node [fontname=\"sans-serif\"];\n  label=", f);
        quote(f, true, clean);
        fputs(";\n  labelloc=t;\n", f);
    } else {
        fprintf(f, "%%%% %s\nflowchart TB\n", clean);
    }
}

void draw_verdict(FILE *f, enum caps_format format, unsigned number, const struct caps_group *group,
                  const struct verdict *v)
{
    struct graph g = {f, format == CAPS_DOT, number};
    struct caps_text versions = caps_versions(group->versions), arches = caps_arches(group->arches);
    char title[400];
    snprintf(title, sizeof title, "Go %s, %s", versions.s, arches.s);
    fprintf(f, g.dot ? "  subgraph cluster_%u {\n    label=" : "  subgraph group%u [", number);
    quote(f, g.dot, title);
    fputs(g.dot ? ";\n" : "]\n", f);
    if (v->refused != NULL || v->panics[0] != '\0') {
        node(&g, "end", BOX, "%s", v->refused != NULL ? v->refused : v->panics);
        fputs(g.dot ? "  }\n" : "  end\n", f);
        return;
    }
    if (v->sized)
        node(&g, "start", BOX, "%s bytes, %s pointers\n%s", text_exact((double)v->bytes).s,
             v->noscan ? "without" : "with", v->decided);
    else
        node(&g, "start", BOX, "size known at run time\n%s", v->decided);
    node(&g, "escapes", QUESTION, "does it outlive\nthe function?");
    edge(&g, "start", "escapes", "");
    bool heap_local = v->local == PLACE_HEAP || v->local == PLACE_DEPENDS;
    bool heap_escaping = v->escaping == PLACE_HEAP || v->escaping == PLACE_DEPENDS;
    if (heap_local || heap_escaping) heap(&g, v);
    if (v->local != PLACE_HEAP) {
        node(&g, "local", STORE, "%s\n%s",
             v->local == PLACE_STACK     ? "stack"
             : v->local == PLACE_STATIC  ? "static memory"
             : v->local == PLACE_DEPENDS ? "stack, as long as it fits"
                                         : "no memory",
             v->local_why);
        edge(&g, "escapes", "local", "no");
    }
    if (heap_local)
        edge(&g, v->local == PLACE_DEPENDS ? "local" : "escapes", "call",
             v->local == PLACE_DEPENDS ? "too large" : "no");
    if (heap_escaping) {
        edge(&g, "escapes", "call", "yes");
    } else {
        node(&g, "static", STORE, "%s\n%s",
             v->escaping == PLACE_STATIC ? "static memory" : "no memory", v->escaping_why);
        edge(&g, "escapes", "static", "yes");
    }
    fputs(g.dot ? "  }\n" : "  end\n", f);
}

void draw_end(FILE *f, enum caps_format format)
{
    if (format == CAPS_DOT) fputs("}\n", f);
}
