/* caps_judge.c - see caps_judge.h.
 *
 * Go counterparts: HeapAllocReason of cmd/compile/internal/escape (heapAllocReason and
 * isSmallMakeSlice of cmd/compile/internal/gc up to 1.16), walkMakeSlice and dataWord of
 * cmd/compile/internal/walk; runtime/slice.go, string.go, iface.go, malloc.go, map.go.
 */
#define _GNU_SOURCE
#include "caps_judge_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *const places[] = {"nothing", "static", "stack", "heap", "depends"};
const char *place_name(enum place p) { return places[p]; }

int64_t judge_max_int(const struct judging *j) { return j->word == 8 ? INT64_MAX : INT32_MAX; }
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

void judge_heap(struct judging *j, const char *call, uint64_t bytes, bool noscan)
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

void judge_zeroed(struct judging *j, const char *what)
{
    snprintf(j->v->zeroed, sizeof j->v->zeroed, "%s", what);
}

static void next_growth(struct judging *j, int64_t cap)
{
    struct verdict *v = j->v;
    const bosk_growth *rule = bosk_growth_go(j->minor);
    int64_t next = cap < judge_max_int(j)
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

/* ---- make ---- */

static const char *refusal(const struct judging *j)
{
    const struct amount *len = &j->e->len, *cap = &j->e->cap;
    const struct amount *both[] = {len, cap};
    for (int i = 0; i < 2; i++) {
        if (!both[i]->given || !both[i]->constant) continue;
        if (both[i]->negative) return "a constant length or capacity is negative";
        if (both[i]->huge || both[i]->value > judge_max_int(j))
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
    if (len->known && (len->negative || len->huge || len->value > judge_max_int(j))) return "len";
    bool big = cap->known && (cap->huge || cap->value > judge_max_int(j) ||
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
        judge_heap(j, v->call, v->bytes, j->type.noscan);
        next_growth(j, v->cap >= 0 ? v->cap : 0);
    } else {
        v->escaping = PLACE_HEAP;
        v->escaping_allocs = -1;
    }
    if (j->type.size == 0 || (v->sized && v->bytes == 0)) return;
    judge_zeroed(j, e->cap.given
                        ? "up to the capacity, behind the length too, unless the span is fresh"
                        : "all of it, unless the span is fresh from the system");
}

/* ---- objects and literals ---- */

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
    judge_heap(j, "runtime.newobject", v->bytes, j->type.noscan);
    judge_zeroed(j, "all of it, unless the span is fresh from the system");
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
    judge_heap(j, "runtime.newobject", v->bytes, j->type.noscan);
    next_growth(j, v->cap);
    return 0;
}

/* ---- append ---- */

static int judge_append(struct judging *j)
{
    const struct expr *e = j->e;
    struct verdict *v = j->v;
    const struct amount *cap_of = e->cap.given ? &e->cap : &e->len;
    if (!e->len.known || !cap_of->known || e->len.negative || e->len.huge || cap_of->negative ||
        cap_of->huge || e->len.value > cap_of->value || cap_of->value > judge_max_int(j))
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
    judge_heap(j, v->call, v->bytes, j->type.noscan);
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
    judge_zeroed(j, j->type.noscan ? "only what is behind the new length"
                                   : "all of it, since the collector looks at it");
    next_growth(j, v->cap);
    return 0;
}

/* ---- all ---- */

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
