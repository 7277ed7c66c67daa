/* caps_judge.c - see caps_judge.h.
 *
 * Go counterparts: HeapAllocReason of cmd/compile/internal/escape (heapAllocReason and
 * isSmallMakeSlice of cmd/compile/internal/gc up to 1.16), walkMakeSlice and dataWord of
 * cmd/compile/internal/walk; runtime/slice.go, string.go, iface.go, malloc.go, map.go.
 */
#define _GNU_SOURCE
#include "caps_judge.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct judging {
    const char *name;
    const struct expr *e;
    unsigned minor;
    bosk_arch arch;
    uint64_t word;
    bosk_go_limits limits;
    bosk_go_type type;
    struct verdict *v;
};

static const char *const places[] = {"nothing", "static", "stack", "heap", "depends"};
const char *place_name(enum place p) { return places[p]; }

static int64_t max_int(const struct judging *j) { return j->word == 8 ? INT64_MAX : INT32_MAX; }
static uint64_t max_alloc(const struct judging *j)
{
    return j->word == 8 ? (uint64_t)1 << 48 : UINT32_MAX;
}

static int read_type(struct judging *j)
{
    size_t at = 0;
    int error = bosk_go_layout(j->arch, j->e->type, &j->type, &at, NULL, NULL);
    if (error == 0) return 0;
    if (error == -EOVERFLOW)
        return caps_wrong(j->name, "the type '%.60s' is larger than %s can hold", j->e->type,
                          bosk_arch_name(j->arch));
    return caps_wrong(j->name,
                      "the type '%.60s' is not known, from '%.20s' on; types are spelled out: "
                      "struct{a int; b *T}",
                      j->e->type, j->e->type[at] != '\0' ? j->e->type + at : "the end");
}

static void heap(struct judging *j, const char *call, uint64_t bytes, bool noscan)
{
    struct verdict *v = j->v;
    v->escaping = bytes != 0 ? PLACE_HEAP : PLACE_STATIC;
    v->escaping_allocs = bytes != 0;
    v->call = call;
    v->noscan = noscan;
    if (bytes == 0) {
        snprintf(v->escaping_why, sizeof v->escaping_why,
                 "no bytes: the address that all such objects share");
        return;
    }
    v->has_block = bosk_go_block_of(j->minor, j->arch, bytes, noscan, &v->block) == 0;
}

static void stack(struct judging *j, uint64_t bytes, int64_t limit, const char *of)
{
    struct verdict *v = j->v;
    bool fits = bytes <= (uint64_t)limit;
    v->local = fits ? PLACE_STACK : PLACE_HEAP;
    v->local_allocs = !fits;
    snprintf(v->local_why, sizeof v->local_why, "%s bytes are %s %s, the limit of %s",
             text_exact((double)bytes).s, fits ? "no more than" : "more than",
             text_exact((double)limit).s, of);
}

static void zeroed(struct judging *j, const char *what)
{
    snprintf(j->v->zeroed, sizeof j->v->zeroed, "%s", what);
}

static void next_growth(struct judging *j, int64_t cap)
{
    struct verdict *v = j->v;
    const bosk_growth *rule = bosk_growth_go(j->minor);
    int64_t next = cap < max_int(j)
                     ? bosk_nextcap(rule, j->arch, j->type.size, j->type.noscan, cap, cap + 1)
                     : -1;
    if (next < 0)
        snprintf(v->grows, sizeof v->grows, "one element more: panic: runtime error: %s",
                 bosk_growth_panic(j->minor));
    else
        snprintf(v->grows, sizeof v->grows,
                 "at %s elements to a capacity of %s (twice below %d%s, then by a quarter%s)",
                 text_exact((double)cap + 1).s, text_exact((double)next).s, (int)rule->threshold,
                 rule->on_len ? " of length" : "", rule->plus != 0 ? " and 192" : "");
}

/* ---- make ---------------------------------------------------------------------------------------
 */

static const char *refusal(const struct judging *j)
{
    const struct amount *len = &j->e->len, *cap = &j->e->cap;
    const struct amount *both[] = {len, cap};
    for (int i = 0; i < 2; i++) {
        if (!both[i]->given || !both[i]->constant) continue;
        if (both[i]->negative) return "a constant length or capacity is negative";
        if (both[i]->huge || both[i]->value > max_int(j))
            return "a constant length or capacity does not fit in int";
    }
    if (cap->given && len->constant && cap->constant && len->value > cap->value)
        return "the length is larger than the capacity";
    return NULL;
}

/* Values that are only known at run time may be out of range as well.  0, or which text. */
static const char *out_of_range(const struct judging *j)
{
    const struct amount *len = &j->e->len, *cap = j->e->cap.given ? &j->e->cap : len;
    uint64_t bytes;
    if (len->known && (len->negative || len->huge || len->value > max_int(j))) return "len";
    bool big = cap->known && (cap->huge || cap->value > max_int(j) ||
                              __builtin_mul_overflow((uint64_t)cap->value, j->type.size, &bytes) ||
                              bytes > max_alloc(j));
    bool bad = cap->known && (cap->negative || big || (len->known && len->value > cap->value));
    if (!bad) return NULL;
    if (len->known && (__builtin_mul_overflow((uint64_t)len->value, j->type.size, &bytes) ||
                       bytes > max_alloc(j)))
        return "len";
    return cap == len ? "len" : "cap";
}

static void make_local(struct judging *j)
{
    const struct expr *e = j->e;
    struct verdict *v = j->v;
    const struct amount *cap = e->cap.given ? &e->cap : &e->len;
    /* Up to 1.15 both had to be constants; up to 1.16 the limit itself was too much. */
    bool fixed = cap->constant && (j->minor > 15 || e->len.constant);
    if (fixed && v->bytes == 0) {
        v->local = PLACE_STACK;
        snprintf(v->local_why, sizeof v->local_why, "no bytes");
    } else if (fixed) {
        int64_t limit = 65536, most = limit / (int64_t)j->type.size;
        bool fits = j->minor < 17 ? cap->value < most : cap->value <= most;
        v->local = fits ? PLACE_STACK : PLACE_HEAP;
        v->local_allocs = !fits;
        snprintf(v->local_why, sizeof v->local_why,
                 "%s bytes are %s 65,536, the limit of make with a constant capacity",
                 text_exact((double)v->bytes).s,
                 fits ? (j->minor < 17 ? "less than" : "no more than")
                      : (j->minor < 17 ? "not less than" : "more than"));
    } else if (j->limits.make_variable == 0) {
        v->local = PLACE_HEAP;
        v->local_allocs = !v->sized || v->bytes != 0 ? v->sized ? 1 : -1 : 0;
        snprintf(v->local_why, sizeof v->local_why, "the capacity is no constant");
    } else if (v->sized) {
        stack(j, v->bytes, j->limits.make_variable, "make with a variable capacity");
    } else {
        v->local = PLACE_DEPENDS;
        v->local_allocs = -1;
        snprintf(v->local_why, sizeof v->local_why,
                 "stack up to %d bytes, else heap: a variable capacity",
                 (int)j->limits.make_variable);
    }
}

static void judge_make(struct judging *j)
{
    const struct expr *e = j->e;
    struct verdict *v = j->v;
    const struct amount *cap = e->cap.given ? &e->cap : &e->len;
    v->slice = true;
    v->noscan = j->type.noscan;
    v->refused = refusal(j);
    if (v->refused != NULL) return;
    const char *which = out_of_range(j);
    if (which != NULL) {
        snprintf(v->panics, sizeof v->panics, "runtime error: makeslice: %s out of range", which);
        v->call = "runtime.makeslice";
        return;
    }
    v->len = e->len.known ? e->len.value : -1;
    v->cap = v->local_cap = cap->known ? cap->value : -1;
    v->sized = cap->known || j->type.size == 0;
    v->bytes = v->sized && cap->known ? (uint64_t)cap->value * j->type.size : 0;
    v->at_compile_time = cap->constant;
    snprintf(v->decided, sizeof v->decided, "%s",
             cap->constant ? "compile time: the capacity is a constant"
                           : "run time: the capacity is a variable");
    make_local(j);
    v->call = "runtime.makeslice";
    if (v->sized) {
        heap(j, v->call, v->bytes, j->type.noscan);
        next_growth(j, v->cap >= 0 ? v->cap : 0);
    } else {
        v->escaping = PLACE_HEAP;
        v->escaping_allocs = -1;
    }
    if (j->type.size == 0 || (v->sized && v->bytes == 0)) return;
    zeroed(j, e->cap.given ? "up to the capacity, behind the length too, unless the span is fresh"
                           : "all of it, unless the span is fresh from the system");
}

/* ---- objects and literals
 * ------------------------------------------------------------------------ */

static void judge_object(struct judging *j)
{
    struct verdict *v = j->v;
    bool variable = j->e->kind == EXPR_VAR;
    v->sized = true;
    v->bytes = j->type.size;
    v->at_compile_time = true;
    snprintf(v->decided, sizeof v->decided, "compile time: the type has a size");
    if (variable)
        stack(j, v->bytes, j->limits.variable_stack, "a declared variable");
    else
        /* Up to 1.16 the limit itself was too much. */
        stack(j, v->bytes, j->minor < 17 ? 65535 : 65536, "new and &T{}");
    heap(j, "runtime.newobject", v->bytes, j->type.noscan);
    zeroed(j, "all of it, unless the span is fresh from the system");
    if (v->bytes == 0) v->zeroed[0] = '\0';
}

static int judge_literal(struct judging *j)
{
    struct verdict *v = j->v;
    v->slice = true;
    v->sized = true;
    v->len = v->cap = v->local_cap = j->e->count;
    v->bytes = (uint64_t)j->e->count * j->type.size;
    v->at_compile_time = true;
    if (v->bytes > 65536)
        return caps_wrong(j->name, "literals of more than 65536 bytes are not modelled");
    snprintf(v->decided, sizeof v->decided, "compile time: the elements are counted");
    v->local = PLACE_STACK;
    snprintf(v->local_why, sizeof v->local_why, "an array in the frame");
    heap(j, "runtime.newobject", v->bytes, j->type.noscan);
    next_growth(j, v->cap);
    return 0;
}

/* ---- append
 * ----------------------------------------------------------------------------------------- */

static int judge_append(struct judging *j)
{
    const struct expr *e = j->e;
    struct verdict *v = j->v;
    const struct amount *cap_of = e->cap.given ? &e->cap : &e->len;
    if (!e->len.known || !cap_of->known || e->len.negative || e->len.huge || cap_of->negative ||
        cap_of->huge || e->len.value > cap_of->value || cap_of->value > max_int(j))
        return caps_wrong(j->name, "append needs a slice of which length and capacity are known");
    int64_t len = e->len.value, cap = cap_of->value, new_len = len + e->count;
    v->slice = true;
    v->sized = true;
    v->len = new_len;
    snprintf(v->decided, sizeof v->decided, "run time: append compares with the capacity");
    if (new_len <= cap) {
        v->cap = v->local_cap = cap;
        v->bytes = 0;
        v->local = v->escaping = PLACE_NOTHING;
        snprintf(v->local_why, sizeof v->local_why, "there is room: the array stays");
        memcpy(v->escaping_why, v->local_why, sizeof v->escaping_why);
        next_growth(j, cap);
        return 0;
    }
    v->call = "runtime.growslice";
    const bosk_growth *rule = bosk_growth_go(j->minor);
    v->cap = v->local_cap =
        bosk_nextcap_len(rule, j->arch, j->type.size, j->type.noscan, len, cap, new_len);
    if (v->cap < 0) {
        snprintf(v->panics, sizeof v->panics, "runtime error: %s", bosk_growth_panic(j->minor));
        return 0;
    }
    v->bytes = (uint64_t)v->cap * j->type.size;
    heap(j, v->call, v->bytes, j->type.noscan);
    v->local = v->escaping;
    v->local_allocs = v->escaping_allocs;
    snprintf(v->local_why, sizeof v->local_why, "%s", "what append makes is on the heap");
    /* The first append to an empty slice of the function, as far as the buffer goes. */
    int64_t buffer = j->limits.append_stack;
    bool fits = buffer != 0 && cap == 0 && j->type.size != 0 &&
                (uint64_t)new_len <= (uint64_t)buffer / j->type.size;
    if (fits) {
        v->local = PLACE_STACK;
        v->local_allocs = 0;
        v->local_cap = buffer / (int64_t)j->type.size;
        snprintf(v->local_why, sizeof v->local_why,
                 "%d element%s fit%s in the %d bytes that an empty slice may begin with",
                 (int)new_len, new_len == 1 ? "" : "s", new_len == 1 ? "s" : "", (int)buffer);
    }
    zeroed(j, j->type.noscan ? "only what is behind the new length"
                             : "all of it, since the collector looks at it");
    next_growth(j, v->cap);
    return 0;
}

/* ---- boxing
 * ------------------------------------------------------------------------------------------- */

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

static void judge_box(struct judging *j)
{
    const struct expr *e = j->e;
    struct verdict *v = j->v;
    uint64_t size = j->type.size;
    bool small = j->type.noscan && (size == 2 || size == 4 || size == 8);
    v->sized = true;
    v->bytes = size;
    v->noscan = j->type.noscan;
    v->at_compile_time = !small || e->constant;
    snprintf(v->decided, sizeof v->decided, "%s",
             v->at_compile_time ? "compile time: by the type" : "run time: by the value");
    if (never_allocates(j)) return;
    if (e->empty)
        both(j, PLACE_STATIC, 0, "empty: the shared zero value");
    else if (small && e->len.known && !e->len.negative && !e->len.huge &&
             e->len.value < j->limits.box_static)
        both(j, PLACE_STATIC, 0, "below 256: a static table of 256 values");
    else
        heap(j,
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

/* ---- strings
 * -------------------------------------------------------------------------------------------- */

static void judge_string(struct judging *j)
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
    if (v->slice && escapes != 0) zeroed(j, "only what is behind the length");
}

/* ---- maps
 * --------------------------------------------------------------------------------------------------
 */

static int judge_map(struct judging *j)
{
    const struct amount *hint = &j->e->len;
    struct verdict *v = j->v;
    bool swiss = j->minor >= 24, few = !hint->given || hint->value <= 8;
    if (hint->given && hint->constant &&
        (hint->negative || hint->huge || hint->value > max_int(j))) {
        v->refused = "a constant size is negative or does not fit in int";
        return 0;
    }
    /* Up to here all of it is one array of buckets without spare ones, or one table. */
    if (hint->given && (!hint->constant || hint->value > 48))
        return caps_wrong(j->name, "of maps only constant hints up to 48 are explained");
    snprintf(v->decided, sizeof v->decided, "%s",
             few ? "compile time: a hint of at most 8" : "run time: by the hint");
    v->at_compile_time = few;
    v->call = few ? "runtime.makemap_small" : "runtime.makemap";
    if (few) {
        v->local = PLACE_STACK;
        snprintf(v->local_why, sizeof v->local_why, "header and first %s are in the frame",
                 swiss ? "group" : "bucket");
        v->escaping = PLACE_HEAP;
        v->escaping_allocs = 1;
        snprintf(v->escaping_why, sizeof v->escaping_why,
                 "the header; the first %s comes with the first entry", swiss ? "group" : "bucket");
        return 0;
    }
    v->local = v->escaping = PLACE_HEAP;
    v->local_allocs = swiss ? 3 : 1;
    v->escaping_allocs = v->local_allocs + 1;
    snprintf(v->local_why, sizeof v->local_why, "%s",
             swiss ? "the header is in the frame; directory, table and groups are not"
                   : "the header is in the frame; the array of buckets is not");
    snprintf(v->escaping_why, sizeof v->escaping_why, "%s",
             swiss ? "header, directory, table and groups" : "header and array of buckets");
    return 0;
}

/* ---- all
 * ----------------------------------------------------------------------------------------------------
 */

int judge(const char *name, const struct expr *e, unsigned minor, bosk_arch arch,
          struct verdict *out)
{
    struct judging j = {.name = name, .e = e, .minor = minor, .arch = arch, .v = out};
    *out = (struct verdict){.len = -1, .cap = -1, .local_cap = -1};
    j.word = arch == BOSK_AMD64 || arch == BOSK_ARM64 ? 8 : 4;
    if (bosk_go_limits_of(minor, &j.limits) != 0) return EXIT_USAGE;
    if (e->kind < EXPR_BYTES) {
        int status = read_type(&j);
        if (status != 0) return status;
    }
    switch (e->kind) {
    case EXPR_MAKE: judge_make(&j); return 0;
    case EXPR_MAP: return judge_map(&j);
    case EXPR_NEW:
    case EXPR_VAR: judge_object(&j); return 0;
    case EXPR_LITERAL: return judge_literal(&j);
    case EXPR_APPEND: return judge_append(&j);
    case EXPR_BOX: judge_box(&j); return 0;
    default: judge_string(&j); return 0;
    }
}
