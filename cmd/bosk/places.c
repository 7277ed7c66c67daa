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

char *place_short_name(const char *name, char *buf, size_t cap)
{
    size_t out = 0;
    int depth = 0;
    for (const char *s = name; *s != '\0' && out + 1 < cap; s++) {
        bool operator_sign = out >= 8 && strncmp(buf + out - 8, "operator", 8) == 0;
        if (depth == 0 && strncmp(s, "(anonymous namespace)::", 23) == 0) {
            s += 22;
            continue;
        }
        if (*s == '<' && !operator_sign)
            depth++;
        else if (*s == '>' && depth > 0)
            depth--;
        else if (depth == 0 && *s == '(' && !operator_sign)
            break;
        else if (depth == 0)
            buf[out++] = *s;
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
    bool named;
};

static bool add(struct chain *c, const char *name, bool named)
{
    if (c->shown == 0) c->named = named;
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

void place_text(const struct process *p, struct symbols *symbols, const struct bosk_record_stack *s,
                char *buf, size_t cap, bool *named)
{
    struct chain c = {.buf = buf, .cap = cap};
    char last_wrapper[256] = "", name[256];
    for (uint32_t i = 0; i < s->depth; i++) {
        uint64_t frame = p->frame[s->first + i];
        uint32_t m = frame_module(p, frame);
        if (m != READER_NO_MODULE && (p->module[m].flags & BOSK_MODULE_ALLOCATOR) && c.shown == 0)
            continue;
        const struct symbol *found = NULL;
        if (m != READER_NO_MODULE)
            found = symbols_find(symbols, symbols_module(symbols, &p->module[m]),
                                 frame_offset(frame) - 1);
        if (found == NULL || found->count == 0) {
            unnamed(p, frame, name, sizeof name);
            if (!add(&c, name, false)) break;
            continue;
        }
        bool room = true;
        for (unsigned k = 0; k < found->count && room; k++) {
            place_short_name(symbols_demangle(symbols, found->line[k].function), name, sizeof name);
            if (c.shown == 0 && place_is_allocator(name))
                memcpy(last_wrapper, name, sizeof name);
            else
                room = add(&c, name, true);
        }
        /* What calls main is the same for every stack. */
        if (!room || strcmp(name, "main") == 0) break;
    }
    if (c.shown == 0)
        add(&c, s->depth == 0 ? "(before stacks could be taken)" : last_wrapper, s->depth != 0);
    *named = c.named;
}
