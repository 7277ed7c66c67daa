/* golayout.c - size, alignment and pointers of Go types, from their text.
 *
 * A recursive descent over Go's syntax of types.  What a pointer, map, channel or function refers
 * to is skipped, not resolved, so any name may stand there.  Depth and sizes are bounded, since the
 * text may come from anywhere.
 */
#include <bosk/growth.h>
#include <errno.h>
#include <string.h>

#define DEPTH_MAX 64

struct parser {
    const char *text, *p;
    unsigned word; /* bytes of a pointer */
    int error;
    unsigned depth;
    bosk_go_field_fn note;
    void *ctx;
};

static bool type_at(struct parser *ps, bosk_go_type *out);

static bool fail(struct parser *ps, int error)
{
    if (ps->error == 0) ps->error = error;
    return false;
}
static void blanks(struct parser *ps)
{
    while (*ps->p == ' ' || *ps->p == '\t' || *ps->p == '\n') ps->p++;
}
static bool letter(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}
static bool digit(char c) { return c >= '0' && c <= '9'; }

/* The length of the name at `p`; 0 when there is none. */
static size_t name_bytes(const char *p)
{
    size_t n = 0;
    if (!letter(*p)) return 0;
    while (letter(p[n]) || digit(p[n])) n++;
    return n;
}
static bool is(const char *p, size_t n, const char *name)
{
    return n == strlen(name) && memcmp(p, name, n) == 0;
}
static bool token(struct parser *ps, const char *text)
{
    blanks(ps);
    size_t n = strlen(text);
    if (strncmp(ps->p, text, n) != 0) return false;
    ps->p += n;
    return true;
}
static bool set(bosk_go_type *out, uint64_t size, uint32_t align, uint64_t ptr_bytes)
{
    out->size = size;
    out->align = align;
    out->noscan = ptr_bytes == 0;
    out->ptr_bytes = ptr_bytes;
    return true;
}

/* ---- predeclared names --------------------------------------------------------------- */

/* `words`: size in pointers when not 0; else `bytes`, aligned to at most `align`.  `pointers`:
 * words up to the last pointer. */
static const struct {
    const char *name;
    uint8_t words, bytes, align, pointers;
} names[] = {
    {"bool", 0, 1, 1, 0},    {"int8", 0, 1, 1, 0},      {"uint8", 0, 1, 1, 0},
    {"byte", 0, 1, 1, 0},    {"int16", 0, 2, 2, 0},     {"uint16", 0, 2, 2, 0},
    {"int32", 0, 4, 4, 0},   {"uint32", 0, 4, 4, 0},    {"rune", 0, 4, 4, 0},
    {"float32", 0, 4, 4, 0}, {"int64", 0, 8, 8, 0},     {"uint64", 0, 8, 8, 0},
    {"float64", 0, 8, 8, 0}, {"complex64", 0, 8, 4, 0}, {"complex128", 0, 16, 8, 0},
    {"int", 1, 0, 0, 0},     {"uint", 1, 0, 0, 0},      {"uintptr", 1, 0, 0, 0},
    {"string", 2, 0, 0, 1},  {"error", 2, 0, 0, 2},     {"any", 2, 0, 0, 2},
    {"map", 1, 0, 0, 1},     {"chan", 1, 0, 0, 1},
};

static bool predeclared(struct parser *ps, size_t n, bosk_go_type *out)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!is(ps->p, n, names[i].name)) continue;
        ps->p += n;
        if (names[i].words != 0)
            return set(out, (uint64_t)names[i].words * ps->word, ps->word,
                       (uint64_t)names[i].pointers * ps->word);
        uint32_t align = names[i].align < ps->word ? names[i].align : ps->word;
        return set(out, names[i].bytes, align, 0);
    }
    if (is(ps->p, n, "unsafe") && strncmp(ps->p + n, ".Pointer", 8) == 0) {
        ps->p += n + 8;
        return set(out, ps->word, ps->word, ps->word);
    }
    if (is(ps->p, n, "reflect") && strncmp(ps->p + n, ".SliceHeader", 12) == 0) {
        ps->p += n + 12;
        return set(out, (uint64_t)3 * ps->word, ps->word, 0);
    }
    if (is(ps->p, n, "reflect") && strncmp(ps->p + n, ".StringHeader", 13) == 0) {
        ps->p += n + 13;
        return set(out, (uint64_t)2 * ps->word, ps->word, 0);
    }
    return fail(ps, -EINVAL);
}

/* ---- composed types -------------------------------------------------------------------- */

/* Skips what stands between brackets, the opening one included. */
static bool skip_group(struct parser *ps, char open, char close)
{
    blanks(ps);
    if (*ps->p != open) return fail(ps, -EINVAL);
    size_t depth = 0;
    do {
        if (*ps->p == '\0') return fail(ps, -EINVAL);
        if (*ps->p == open) depth++;
        if (*ps->p == close) depth--;
        ps->p++;
    } while (depth != 0);
    return true;
}

/* A type whose layout does not matter: any name may stand for it. */
static bool skip_type(struct parser *ps)
{
    blanks(ps);
    size_t n = name_bytes(ps->p);
    if (n == 0 || is(ps->p, n, "struct") || is(ps->p, n, "interface") || is(ps->p, n, "map") ||
        is(ps->p, n, "chan") || is(ps->p, n, "func")) {
        bosk_go_type ignored;
        return type_at(ps, &ignored);
    }
    ps->p += n;
    if (*ps->p == '.') {
        n = name_bytes(++ps->p);
        if (n == 0) return fail(ps, -EINVAL);
        ps->p += n;
    }
    return true;
}

static bool array_at(struct parser *ps, bosk_go_type *out)
{
    blanks(ps);
    if (token(ps, "]")) /* a slice */
        return skip_type(ps) && set(out, (uint64_t)3 * ps->word, ps->word, ps->word);
    uint64_t count = 0, limit = (uint64_t)1 << 62;
    if (!digit(*ps->p)) return fail(ps, -EINVAL);
    for (; digit(*ps->p); ps->p++) {
        if (count > limit / 10) return fail(ps, -EOVERFLOW);
        count = count * 10 + (uint64_t)(*ps->p - '0');
    }
    if (!token(ps, "]")) return fail(ps, -EINVAL);
    bosk_go_type elem;
    if (!type_at(ps, &elem)) return false;
    uint64_t size, most = ps->word == 8 ? (uint64_t)INT64_MAX : (uint64_t)INT32_MAX;
    if (__builtin_mul_overflow(elem.size, count, &size) || size > most) return fail(ps, -EOVERFLOW);
    bool none = elem.ptr_bytes == 0 || count == 0;
    return set(out, size, elem.align, none ? 0 : size - elem.size + elem.ptr_bytes);
}

struct fields {
    uint64_t offset;
    uint32_t align;
    uint64_t ptr_bytes;
    bool last_empty;
};

static bool add_field(struct parser *ps, struct fields *f, const char *name, size_t n,
                      const bosk_go_type *t)
{
    uint64_t at = (f->offset + t->align - 1) & ~(uint64_t)(t->align - 1);
    uint64_t most = ps->word == 8 ? (uint64_t)INT64_MAX : (uint64_t)INT32_MAX;
    if (at > most || t->size > most - at) return fail(ps, -EOVERFLOW);
    if (ps->depth == 1 && ps->note != NULL) ps->note(ps->ctx, name, n, t, at);
    f->offset = at + t->size;
    if (t->align > f->align) f->align = t->align;
    if (t->ptr_bytes != 0) f->ptr_bytes = at + t->ptr_bytes;
    f->last_empty = t->size == 0;
    return true;
}

/* One line of a struct: "a T", "a b T", "a, b T", or "T" alone. */
static bool field_line(struct parser *ps, struct fields *f)
{
    struct {
        const char *p;
        size_t n;
    } given[64];
    size_t count = 0;
    for (;;) {
        blanks(ps);
        size_t n = name_bytes(ps->p);
        const char *after = ps->p + n;
        while (*after == ' ' || *after == '\t') after++;
        /* A name is a type when the line ends behind it, or when it opens one. */
        if (n == 0 || *after == ';' || *after == '}' || *after == '\0' || *after == '\n' ||
            *after == '.' || is(ps->p, n, "struct") || is(ps->p, n, "interface") ||
            (is(ps->p, n, "map") && *after == '[') || (is(ps->p, n, "func") && *after == '(') ||
            (is(ps->p, n, "chan") && count != 0))
            break;
        if (count == sizeof given / sizeof given[0]) return fail(ps, -EOVERFLOW);
        given[count].p = ps->p;
        given[count++].n = n;
        ps->p += n;
        (void)token(ps, ",");
    }
    const char *start = ps->p;
    bosk_go_type t;
    if (!type_at(ps, &t)) return false;
    if (count == 0) return add_field(ps, f, start, (size_t)(ps->p - start), &t);
    for (size_t i = 0; i < count; i++)
        if (!add_field(ps, f, given[i].p, given[i].n, &t)) return false;
    return true;
}

static bool struct_at(struct parser *ps, bosk_go_type *out)
{
    struct fields f = {.align = 1};
    if (!token(ps, "{")) return fail(ps, -EINVAL);
    ps->depth++;
    while (!token(ps, "}")) {
        if (token(ps, ";")) continue;
        if (!field_line(ps, &f)) return false;
        blanks(ps);
        if (*ps->p != ';' && *ps->p != '}') return fail(ps, -EINVAL);
    }
    ps->depth--;
    /* A pointer to a last field of no size must not point behind the struct. */
    uint64_t size = f.offset + (f.last_empty && f.offset != 0);
    size = (size + f.align - 1) & ~(uint64_t)(f.align - 1);
    return set(out, size, f.align, f.ptr_bytes);
}

static bool func_at(struct parser *ps)
{
    if (!skip_group(ps, '(', ')')) return false;
    blanks(ps);
    if (*ps->p == '(') return skip_group(ps, '(', ')');
    if (letter(*ps->p) || *ps->p == '*' || *ps->p == '[' || *ps->p == '<') return skip_type(ps);
    return true;
}

static bool named_at(struct parser *ps, bosk_go_type *out)
{
    size_t n = name_bytes(ps->p);
    const char *p = ps->p, *after = ps->p + n;
    while (*after == ' ') after++;
    if (is(p, n, "struct")) {
        ps->p += n;
        return struct_at(ps, out);
    }
    if (is(p, n, "interface")) {
        ps->p += n;
        return skip_group(ps, '{', '}') &&
               set(out, (uint64_t)2 * ps->word, ps->word, (uint64_t)2 * ps->word);
    }
    if (is(p, n, "func") && *after == '(') {
        ps->p += n;
        return func_at(ps) && set(out, ps->word, ps->word, ps->word);
    }
    if (is(p, n, "map") && *after == '[') {
        ps->p += n;
        if (!skip_group(ps, '[', ']') || !skip_type(ps)) return false;
        return set(out, ps->word, ps->word, ps->word);
    }
    if (is(p, n, "chan") && *after != '}' && *after != ';' && *after != '\0') {
        ps->p += n;
        (void)token(ps, "<-");
        return skip_type(ps) && set(out, ps->word, ps->word, ps->word);
    }
    return predeclared(ps, n, out);
}

static bool type_at(struct parser *ps, bosk_go_type *out)
{
    static const unsigned limit = DEPTH_MAX;
    if (ps->depth >= limit) return fail(ps, -EOVERFLOW);
    blanks(ps);
    unsigned depth = ps->depth;
    bool ok;
    if (letter(*ps->p)) return named_at(ps, out);
    /* Brackets and stars count as depth too: they recurse, and are not the outermost struct. */
    ps->depth += 2;
    if (token(ps, "*"))
        ok = skip_type(ps) && set(out, ps->word, ps->word, ps->word);
    else if (token(ps, "<-"))
        ok = token(ps, "chan") ? skip_type(ps) && set(out, ps->word, ps->word, ps->word)
                               : fail(ps, -EINVAL);
    else if (token(ps, "["))
        ok = array_at(ps, out);
    else if (token(ps, "("))
        ok = type_at(ps, out) && (token(ps, ")") || fail(ps, -EINVAL));
    else
        ok = fail(ps, -EINVAL);
    ps->depth = depth;
    return ok;
}

BOSK_API int bosk_go_layout(bosk_arch arch, const char *text, bosk_go_type *out, size_t *at,
                            bosk_go_field_fn note, void *ctx)
{
    struct parser ps = {.text = text,
                        .p = text,
                        .word = arch == BOSK_AMD64 || arch == BOSK_ARM64 ? 8 : 4,
                        .note = note,
                        .ctx = ctx};
    bosk_go_type t = {0};
    if (type_at(&ps, &t)) {
        blanks(&ps);
        if (*ps.p != '\0') (void)fail(&ps, -EINVAL);
    }
    if (at != NULL) *at = (size_t)(ps.p - text);
    if (ps.error == 0) *out = t;
    return ps.error;
}
