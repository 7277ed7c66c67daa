/* places.c - see places.h. */
#define _GNU_SOURCE
#include "places.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool has_word_alloc_last(const char *s)
{
    /* "pcache1Alloc", "jv_mem_alloc", "gfc_allocate"; not "allocateBtreePage", "dealloc" alone. */
    static const char *const endings[] = {"Alloc", "_alloc", "Allocate", "_allocate", "alloc0"};
    size_t n = strlen(s);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t k = strlen(endings[i]);
        if (n >= k && strcmp(s + n - k, endings[i]) == 0) return true;
    }
    return strcmp(s, "alloc") == 0 || strcmp(s, "allocate") == 0;
}

bool place_is_allocator(const char *f)
{
    static const char *const contained[] = {"malloc",  "Malloc",   "calloc",   "Calloc",
                                            "realloc", "Realloc",  "memalign", "strdup",
                                            "strndup", "allocator"};
    static const char *const begins[] = {"operator new",
                                         "_Zn",
                                         "boski_",
                                         "bosk_",
                                         "std::_Vector_base",
                                         "std::allocat",
                                         "std::__detail::_Hashtable_alloc"};
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
        if (strncmp(f, begins[i], strlen(begins[i])) == 0) return true;
    for (size_t i = 0; i < sizeof contained / sizeof contained[0]; i++)
        if (strstr(f, contained[i]) != NULL) return true;
    return has_word_alloc_last(f);
}

/* Length of the sign of an operator's name: "<<", "()", "[]", "+=" ... */
static size_t operator_sign(const char *s)
{
    return strncmp(s, "()", 2) == 0 ? 2 : strspn(s, "<>=!+-*/%^&|~,[]");
}

char *place_short_name(const char *name, char *buf, size_t cap)
{
    static const char anonymous[] = "(anonymous namespace)::";
    size_t out = 0;
    int depth = 0;
    for (const char *s = name; *s != '\0' && out + 8 < cap;) {
        bool is_operator = depth == 0 && out >= 8 && memcmp(buf + out - 8, "operator", 8) == 0;
        size_t sign = is_operator ? operator_sign(s) : 0;
        if (sign > 0 && sign < 4) {
            memcpy(buf + out, s, sign);
            out += sign;
            s += sign;
            continue;
        }
        if (depth == 0 && strncmp(s, anonymous, sizeof anonymous - 1) == 0) {
            s += sizeof anonymous - 1;
            continue;
        }
        if (*s == '<')
            depth++;
        else if (*s == '>' && depth > 0)
            depth--;
        else if (depth == 0 && *s == '(')
            break;
        else if (depth == 0)
            buf[out++] = *s;
        s++;
    }
    buf[out] = '\0';
    /* A template's name begins with what it returns. */
    char *space = strrchr(buf, ' ');
    if (space != NULL && strstr(buf, "operator") == NULL)
        memmove(buf, space + 1, strlen(space + 1) + 1);
    return buf;
}

struct chain {
    char *buf;
    size_t cap, used;
    unsigned shown;
};

static bool add(struct chain *c, const char *name)
{
    int n = snprintf(c->buf + c->used, c->cap - c->used, "%s%s", c->shown != 0 ? " < " : "", name);
    if (n < 0 || (size_t)n >= c->cap - c->used) {
        c->buf[c->used] = '\0';
        return false;
    }
    c->used += (size_t)n;
    return ++c->shown < PLACE_FUNCTIONS;
}

/* A frame without a name, told by file and address. */
static void unnamed(const struct process *p, uint64_t frame, char *buf, size_t cap)
{
    uint32_t m = frame_module(p, frame);
    if (m == READER_NO_MODULE) {
        snprintf(buf, cap, "0x%" PRIx64, frame_offset(frame));
        return;
    }
    const char *base = strrchr(p->module[m].path, '/');
    base = base != NULL ? base + 1 : p->module[m].path;
    snprintf(buf, cap, "%.60s+0x%" PRIx64, base[0] != '\0' ? base : "?", frame_offset(frame));
}

static const char *name_of(struct symbols *symbols, const struct symbol_line *line, char *buf,
                           size_t cap)
{
    return place_short_name(symbols_demangle(symbols, line->function), buf, cap);
}

struct walk {
    const struct process *p;
    struct symbols *symbols;
    const struct bosk_record_stack *stack;
};

static const struct symbol *symbol_at(const struct walk *w, uint32_t i)
{
    static const struct symbol nothing;
    uint64_t frame = w->p->frame[w->stack->first + i];
    uint32_t m = frame_module(w->p, frame);
    if (m == READER_NO_MODULE) return &nothing;
    return symbols_find(w->symbols, symbols_module(w->symbols, &w->p->module[m]),
                        frame_offset(frame) - 1);
}

static bool in_allocator(const struct walk *w, uint32_t i)
{
    uint32_t m = frame_module(w->p, w->p->frame[w->stack->first + i]);
    return m != READER_NO_MODULE && (w->p->module[m].flags & BOSK_MODULE_ALLOCATOR) != 0;
}

/* First frame, and first inlined function in it, outside allocators and what lies inside them.
 * `wrapper` gets the name of the last one that is inside. */
static void skip_allocators(const struct walk *w, uint32_t *frame, unsigned *inlined, char *wrapper,
                            size_t cap)
{
    char name[256];
    *frame = 0;
    *inlined = 0;
    for (uint32_t i = 0; i < w->stack->depth; i++) {
        if (in_allocator(w, i)) {
            *frame = i + 1;
            continue;
        }
        const struct symbol *s = symbol_at(w, i);
        for (unsigned k = 0; k < s->count; k++) {
            name_of(w->symbols, &s->line[k], name, sizeof name);
            if (!place_is_allocator(name)) return;
            snprintf(wrapper, cap, "%s", name);
            *frame = k + 1 < s->count ? i : i + 1;
            *inlined = k + 1 < s->count ? k + 1 : 0;
        }
    }
}

/* The functions from there on; with `bare`, also those without a name. */
static void collect(const struct walk *w, uint32_t frame, unsigned inlined, bool bare,
                    struct chain *c)
{
    char name[256];
    c->used = c->shown = 0;
    c->buf[0] = '\0';
    for (bool room = true; frame < w->stack->depth && room; frame++, inlined = 0) {
        const struct symbol *s = symbol_at(w, frame);
        if (s->count == 0 && bare) {
            unnamed(w->p, w->p->frame[w->stack->first + frame], name, sizeof name);
            room = add(c, name);
        }
        for (unsigned k = inlined; k < s->count && room; k++) {
            name_of(w->symbols, &s->line[k], name, sizeof name);
            if (symbols_starts(name)) continue;
            /* What calls main is the same for every stack. */
            room = add(c, name) && strcmp(name, "main") != 0;
        }
    }
}

void place_text(const struct process *p, struct symbols *symbols, const struct bosk_record_stack *s,
                char *buf, size_t cap, bool *named)
{
    struct walk w = {p, symbols, s};
    struct chain c = {.buf = buf, .cap = cap};
    char wrapper[256] = "(before stacks could be taken)";
    uint32_t frame;
    unsigned inlined;
    skip_allocators(&w, &frame, &inlined, wrapper, sizeof wrapper);
    *named = frame >= s->depth || symbol_at(&w, frame)->count != 0;
    collect(&w, frame, inlined, false, &c);
    /* One name is not enough to tell places apart. */
    if (c.shown < 2 && strcmp(buf, "main") != 0) collect(&w, frame, inlined, true, &c);
    if (c.shown == 0) add(&c, wrapper);
}
