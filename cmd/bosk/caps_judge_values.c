/* caps_judge_values.c - boxed values, strings and maps, see caps_judge.h.
 *
 * Go counterparts: dataWord of cmd/compile/internal/walk; runtime/iface.go, string.go, map.go.
 */
#define _GNU_SOURCE
#include "caps_judge_parts.h"

#include <bosk/gomap.h>
#include <string.h>

/* ---- boxing ---- */

static bool begins(const char *s, const char *with) { return strncmp(s, with, strlen(with)) == 0; }

static bool pointer_shaped(const char *type)
{
    return type[0] == '*' || begins(type, "map[") || begins(type, "chan ") ||
           begins(type, "func(") || strcmp(type, "unsafe.Pointer") == 0;
}

static bool one_byte(const char *type)
{
    return strcmp(type, "bool") == 0 || strcmp(type, "byte") == 0 || strcmp(type, "int8") == 0 ||
           strcmp(type, "uint8") == 0;
}

static void both(struct judging *j, enum place p, int allocs, const char *why)
{
    struct verdict *v = j->v;
    v->local = v->escaping = p;
    v->local_allocs = v->escaping_allocs = allocs;
    snprintf(v->local_why, sizeof v->local_why, "%s", why);
    snprintf(v->escaping_why, sizeof v->escaping_why, "%s", why);
}

static bool never_allocates(struct judging *j)
{
    const char *type = j->e->type;
    if (j->e->constant)
        both(j, PLACE_STATIC, 0, "a constant: read-only data of the program");
    else if (pointer_shaped(type))
        both(j, PLACE_NOTHING, 0, "a pointer is stored in the interface itself");
    else if (j->type.size == 0)
        both(j, PLACE_STATIC, 0, "no bytes: the shared zero address");
    else if (one_byte(type))
        both(j, PLACE_STATIC, 0, "one byte: a static table of 256 values");
    else
        return false;
    return true;
}

void judge_box(struct judging *j)
{
    const struct expr *e = j->e;
    struct verdict *v = j->v;
    uint64_t size = j->type.size;
    /* Whatever looks like an integer of that size, as dataWordFuncName asks. */
    uint32_t align = size == 8 ? (uint32_t)j->word : (uint32_t)size;
    bool small = j->type.noscan && (size == 2 || size == 4 || size == 8) && j->type.align == align;
    /* The bits of a float are those of a small integer for 0 only. */
    bool tiny = e->len.known && !e->len.negative && !e->len.huge &&
                e->len.value < (begins(e->type, "float") ? 1 : j->limits.box_static);
    v->sized = true;
    v->bytes = size;
    v->noscan = j->type.noscan;
    v->at_compile_time = !small || e->constant;
    snprintf(v->decided, sizeof v->decided, "%s",
             v->at_compile_time ? "compile time: by the type" : "run time: by the value");
    if (never_allocates(j)) return;
    if (e->empty)
        both(j, PLACE_STATIC, 0, "empty: the shared zero value");
    else if (small && tiny)
        both(j, PLACE_STATIC, 0, "below 256: a static table of 256 values");
    else
        judge_heap(j,
                   small                            ? size == 2 ? "runtime.convT16"
                                                    : size == 4 ? "runtime.convT32"
                                                                : "runtime.convT64"
                   : strcmp(e->type, "string") == 0 ? "runtime.convTstring"
                   : begins(e->type, "[]")          ? "runtime.convTslice"
                                                    : "runtime.convT",
                   size, j->type.noscan);
    if (v->escaping == PLACE_HEAP && small && !e->len.known) {
        v->escaping = PLACE_DEPENDS;
        v->escaping_allocs = -1;
        snprintf(v->escaping_why, sizeof v->escaping_why,
                 "values below 256 are in a static table; others take a block");
    }
    if (size <= 1024) {
        v->local = PLACE_STACK;
        v->local_allocs = 0;
        snprintf(v->local_why, sizeof v->local_why,
                 "%d bytes are no more than 1,024, the limit of a boxed value", (int)size);
    } else {
        v->local = v->escaping;
        v->local_allocs = v->escaping_allocs;
        snprintf(v->local_why, sizeof v->local_why,
                 "%s bytes are more than 1,024, the limit of a boxed value",
                 text_exact((double)size).s);
    }
}

/* ---- strings ---- */

void judge_string(struct judging *j)
{
    static const struct {
        enum bosk_conversion local, escapes;
        const char *call;
    } forms[] = {{BOSK_BYTES_LOCAL, BOSK_BYTES_ESCAPES, "runtime.stringtoslicebyte"},
                 {BOSK_RUNES_LOCAL, BOSK_RUNES_ESCAPES, "runtime.stringtoslicerune"},
                 {BOSK_STRING_LOCAL, BOSK_STRING_ESCAPES, "runtime.slicebytetostring"},
                 {BOSK_CONCAT_LOCAL, BOSK_CONCAT_ESCAPES, "runtime.concatstrings"}};
    struct verdict *v = j->v;
    size_t form = (size_t)(j->e->kind - EXPR_BYTES);
    const struct amount *len = &j->e->len;
    uint64_t elem = j->e->kind == EXPR_RUNES ? 4 : 1;
    v->slice = j->e->kind == EXPR_BYTES || j->e->kind == EXPR_RUNES;
    v->noscan = true;
    v->call = forms[form].call;
    snprintf(v->decided, sizeof v->decided, "run time: by the length");
    if (!len->known || len->negative || len->huge) {
        v->local = v->escaping = PLACE_DEPENDS;
        v->local_allocs = v->escaping_allocs = -1;
        snprintf(v->local_why, sizeof v->local_why, "stack up to %d %s, else heap",
                 (int)j->limits.convert_stack, elem == 4 ? "runes" : "bytes");
        snprintf(v->escaping_why, sizeof v->escaping_why, "heap, of the size of its class%s",
                 v->slice ? "" : "; none or one byte: no allocation");
        return;
    }
    unsigned local, escapes;
    v->sized = true;
    v->len = v->slice ? len->value : -1;
    v->bytes = (uint64_t)len->value * elem;
    v->local_cap = bosk_go_conversion(j->minor, j->arch, forms[form].local, len->value, &local);
    v->cap = bosk_go_conversion(j->minor, j->arch, forms[form].escapes, len->value, &escapes);
    if (j->e->kind == EXPR_CONCAT && j->e->count <= 1) escapes = local = 0;
    v->local_allocs = (int)local;
    v->escaping_allocs = (int)escapes;
    v->local = local != 0 ? PLACE_HEAP : PLACE_STACK;
    v->escaping = escapes != 0 ? PLACE_HEAP : PLACE_STATIC;
    snprintf(v->local_why, sizeof v->local_why, "%s %s are %s %d, the buffer of conversions",
             text_exact((double)len->value).s, elem == 4 ? "runes" : "bytes",
             local != 0 ? "more than" : "no more than", (int)j->limits.convert_stack);
    if (escapes != 0)
        v->has_block = bosk_go_block_of(j->minor, j->arch, v->bytes, true, &v->block) == 0;
    else
        snprintf(v->escaping_why, sizeof v->escaping_why, "%s",
                 j->e->kind == EXPR_CONCAT ? "at most one part is not empty: that part itself"
                 : v->bytes == 0           ? "empty"
                                           : "one byte: a static table");
    if (v->slice && escapes != 0) judge_zeroed(j, "only what is behind the length");
}

/* ---- maps ---- */

/* The profile of "map[K]V"; of one of ints, and false, where a type is only a name. */
static bool profile_of(const struct judging *j, bosk_map_profile *out)
{
    char text[EXPR_TEXT];
    const char *type = j->e->type;
    size_t start = strcspn(type, "[") + 1, depth = 1, end = start;
    while (type[end] != '\0' && depth != 0) {
        depth += type[end] == '[';
        depth -= type[end] == ']';
        end++;
    }
    snprintf(text, sizeof text, "%.*s", depth == 0 ? (int)(end - 1 - start) : 0, type + start);
    if (bosk_map_profile_of(j->minor, j->arch, text, type + end, out) == 0) return true;
    (void)bosk_map_profile_of(j->minor, j->arch, "int", "int", out);
    return false;
}

/* Nothing but the header before the first entry. */
static void judge_header(struct judging *j, const char *unit)
{
    struct verdict *v = j->v;
    v->local = PLACE_STACK;
    v->escaping = PLACE_HEAP;
    v->escaping_allocs = 1;
    snprintf(v->escaping_why, sizeof v->escaping_why,
             "the header; the first %s comes with the first entry", unit);
    memcpy(v->local_why, v->escaping_why, sizeof v->local_why);
}

static void judge_hinted(struct judging *j, int64_t hint, const char *unit)
{
    struct verdict *v = j->v;
    bosk_map_profile p;
    bosk_map_shape s;
    bool known = profile_of(j, &p);
    bosk_map_hint(&p, hint, &s);
    if (s.slots <= 8) { /* more than there can be counts as 0 */
        judge_header(j, unit);
        return;
    }
    v->sized = known;
    v->bytes = bosk_map_shape_bytes(&p, &s);
    v->noscan = p.noscan;
    v->local = v->escaping = PLACE_HEAP;
    /* A directory, and for each table itself and its groups; or the buckets, and a record of the
     * overflow buckets that come with them. */
    if (s.tables <= INT32_MAX / 4) {
        v->local_allocs = p.swiss ? 1 + 2 * (int)s.tables : 1 + (s.spare != 0);
        v->escaping_allocs = v->local_allocs + 1;
    } else {
        v->local_allocs = v->escaping_allocs = -1;
    }
    if (p.swiss)
        snprintf(v->escaping_why, sizeof v->escaping_why,
                 "header, directory, %s table%s of %s slots", text_exact((double)s.tables).s,
                 s.tables == 1 ? "" : "s", text_exact((double)(s.slots / s.tables)).s);
    else
        snprintf(v->escaping_why, sizeof v->escaping_why, "header, %s buckets and %s spare ones",
                 text_exact((double)(s.slots / 8)).s, text_exact((double)s.spare).s);
    snprintf(v->local_why, sizeof v->local_why, "the header is in the frame, the rest is not");
    snprintf(v->grows, sizeof v->grows, "%swith entry %s", s.tables > 1 ? "at the earliest " : "",
             text_exact((double)s.grows_at).s);
}

int judge_map(struct judging *j)
{
    const struct amount *hint = &j->e->len;
    struct verdict *v = j->v;
    bool swiss = j->minor >= 24, fixed = !hint->given || hint->constant;
    const char *unit = swiss ? "group" : "bucket";
    if (hint->given && hint->constant &&
        (hint->negative || hint->huge || hint->value > judge_max_int(j))) {
        v->refused = "a constant size is negative or does not fit in int";
        return 0;
    }
    bool none = hint->negative || hint->huge || hint->value > judge_max_int(j); /* taken for 0 */
    int64_t value = none ? 0 : hint->value;
    bool few = (!hint->given || hint->known) && value <= 8;
    v->at_compile_time = fixed && few;
    snprintf(v->decided, sizeof v->decided, "%s",
             v->at_compile_time ? "compile time: a hint of at most 8" : "run time: by the hint");
    v->call = v->at_compile_time ? "runtime.makemap_small" : "runtime.makemap";
    if (few) {
        judge_header(j, unit);
        if (fixed)
            snprintf(v->local_why, sizeof v->local_why, "header and first %s are in the frame",
                     unit);
    } else if (!hint->known) {
        v->local = v->escaping = PLACE_DEPENDS;
        v->local_allocs = v->escaping_allocs = -1;
        snprintf(v->local_why, sizeof v->local_why,
                 "the header is in the frame; up to 8 entries share one %s, more need an array",
                 unit);
        snprintf(v->escaping_why, sizeof v->escaping_why,
                 "the header; up to 8 entries share one %s, more need an array", unit);
    } else {
        judge_hinted(j, value, unit);
    }
    return 0;
}
