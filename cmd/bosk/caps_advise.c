/* caps_advise.c - `bosk caps advise N`: which capacity to begin with when N elements will be
 * appended, and which copies that avoids. */
#define _GNU_SOURCE
#include "caps_ladder.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { STARTS = 64 };

struct plan {
    int64_t start; /* capacity to begin with */
    uint64_t allocations, copies, copied, outgrown, peak;
    int64_t cap; /* at the end */
    bool panics;
};

struct advice {
    const struct caps_rule *rule;
    bosk_arch arch;
    struct caps_elem elem;
    int64_t wanted;
    struct plan plan[STARTS];
    size_t plans;
    int64_t room; /* elements for which the block of `wanted` has room */
    uint64_t block;
};

struct answer {
    const struct caps_options *o;
    struct advice all[CAPS_ANSWERS];
    struct caps_group group[CAPS_ANSWERS];
    size_t groups;
};

/* ---- planning ---- */

static uint64_t block_bytes(const struct advice *a, int64_t cap, uint64_t *usable)
{
    bosk_go_block block;
    unsigned minor = caps_rounds_as(a->rule);
    uint64_t bytes = (uint64_t)cap * a->elem.size;
    *usable = bytes;
    if (minor == 0 || bosk_go_block_of(minor, a->arch, bytes, a->elem.noscan, &block) != 0)
        return bytes;
    *usable = block.usable;
    return block.bytes;
}

static bool plan(struct advice *a, int64_t start, struct ladder *l)
{
    uint64_t usable;
    *l = (struct ladder){.rule = a->rule,
                         .arch = a->arch,
                         .elem = a->elem,
                         .from = start < a->wanted ? start : a->wanted - 1,
                         .append = 1,
                         .to = a->wanted};
    if (start < a->wanted && !ladder_climb(l)) return false;
    struct plan *p = &a->plan[a->plans++];
    uint64_t before = start != 0 ? block_bytes(a, start, &usable) : 0;
    *p = (struct plan){.start = start, .cap = start, .allocations = start != 0, .peak = before};
    for (size_t i = 0; i < l->rungs; i++) {
        const struct rung *r = &l->rung[i];
        p->allocations++;
        p->copies += r->copied != 0;
        p->copied += r->copied;
        p->outgrown += before;
        /* While it copies both blocks are there. */
        if (before + r->bytes > p->peak) p->peak = before + r->bytes;
        before = r->bytes;
        p->cap = r->cap;
    }
    p->panics = l->panics;
    return true;
}

/* From nothing; from some capacities on the way; from what is needed. */
static bool advise(struct advice *a)
{
    struct ladder nil, other;
    uint64_t usable;
    a->block = block_bytes(a, a->wanted, &usable);
    a->room = (int64_t)(usable / a->elem.size);
    bool ok = plan(a, 0, &nil);
    size_t step = nil.rungs / 12 + 1;
    for (size_t i = step - 1; ok && i < nil.rungs; i += step) {
        if (nil.rung[i].cap >= a->wanted || a->plans >= STARTS - 2) break;
        ok = plan(a, nil.rung[i].cap, &other);
        ladder_free(&other);
    }
    ladder_free(&nil);
    ok = ok && plan(a, a->wanted, &other);
    return ok;
}

static bool equal(const void *ctx, size_t i, size_t k)
{
    const struct advice *x = &((const struct answer *)ctx)->all[i];
    const struct advice *y = &((const struct answer *)ctx)->all[k];
    return x->elem.size == y->elem.size && x->plans == y->plans && x->room == y->room &&
           x->block == y->block && memcmp(x->plan, y->plan, sizeof x->plan) == 0;
}

/* ---- showing ---- */

static const struct column columns[] = {{"go", "go", true, 0},
                                        {"arch", "arch", true, 0},
                                        {"start", "begin with", false, 0},
                                        {"allocations", "allocations", false, 0},
                                        {"copies", "copies", false, 0},
                                        {"copied", "bytes copied", false, 0},
                                        {"outgrown", "outgrown", false, 0},
                                        {"peak", "at most held", false, 0},
                                        {"cap", "cap", false, 0},
                                        {"free", "free", false, 0},
                                        {"avoids", "avoids copies", false, 0},
                                        {"avoids_bytes", "of bytes", false, 0}};
enum { COLUMNS = sizeof columns / sizeof columns[0], NAMES = 2 };

static void rows(struct sheet *s, const struct advice *a)
{
    const struct plan *nil = &a->plan[0];
    for (size_t i = 0; i < a->plans; i++) {
        const struct plan *p = &a->plan[i];
        sheet_text(s, a->rule->name);
        sheet_text(s, bosk_arch_name(a->arch));
        sheet_int(s, p->start);
        sheet_size(s, p->allocations);
        sheet_size(s, p->copies);
        sheet_size(s, p->copied);
        sheet_size(s, p->outgrown);
        sheet_size(s, p->peak);
        sheet_int(s, p->cap);
        sheet_int(s, p->cap - a->wanted);
        sheet_size(s, p->copies < nil->copies ? nil->copies - p->copies : 0);
        sheet_size(s, p->copied < nil->copied ? nil->copied - p->copied : 0);
    }
}

static void sentence(const struct advice *a, const char *elem, FILE *f)
{
    const struct plan *nil = &a->plan[0];
    fprintf(f, "  make([]%s, 0, %" PRId64 "): one block of %s bytes", elem, a->wanted,
            text_exact((double)a->block).s);
    if (nil->copies != 0)
        fprintf(f, ", avoids %" PRIu64 " cop%s of %s", nil->copies, nil->copies == 1 ? "y" : "ies",
                text_bytes((double)nil->copied).s);
    else
        fputs("; nothing would be copied without it", f);
    fputs(".\n", f);
    if (a->room > a->wanted)
        fprintf(f, "  The block has room for %s: a capacity of %" PRId64 " costs no byte more.\n",
                text_exact((double)a->room).s, a->room);
}

static bool print(const struct answer *a, FILE *f)
{
    const struct caps_options *o = a->o;
    struct sheet s;
    bool ok = true;
    if (o->format == CAPS_TABLE) {
        for (size_t i = 0; ok && i < a->groups; i++) {
            const struct advice *one = &a->all[a->group[i].first];
            bool go = a->group[i].versions != 0;
            fprintf(f, "%s%s []%s of %" PRIu64 " byte%s each, %s%s, %s\n\n", i != 0 ? "\n" : "",
                    text_exact((double)one->wanted).s, o->elem, one->elem.size,
                    one->elem.size == 1 ? "" : "s", go ? "Go " : "",
                    go ? caps_versions(a->group[i].versions).s : one->rule->name,
                    caps_arches(a->group[i].arches).s);
            sheet_begin(&s, columns, COLUMNS);
            rows(&s, one);
            sheet_print(&s, NAMES, f);
            ok = !s.failed;
            sheet_end(&s);
            fputc('\n', f);
            sentence(one, o->elem, f);
        }
        return ok;
    }
    sheet_begin(&s, columns, COLUMNS);
    for (size_t i = 0; i < o->rules * o->arches; i++) rows(&s, &a->all[i]);
    if (o->format == CAPS_CSV) sheet_csv(&s, 0, true, f);
    if (o->format == CAPS_JSON) {
        json_t *root = json_object();
        json_object_set_new(root, "bosk_caps", json_integer(1));
        json_object_set_new(root, "command", json_string("advise"));
        json_object_set_new(root, "elem", json_string(o->elem));
        json_object_set_new(root, "wanted", json_integer(a->all[0].wanted));
        json_object_set_new(root, "rows", sheet_json(&s, 0));
        ok = caps_json(root, f);
    }
    ok = ok && !s.failed;
    sheet_end(&s);
    return ok;
}

/* ---- the command ---- */

static int advise_all(struct answer *a, int64_t wanted)
{
    const struct caps_options *o = a->o;
    for (size_t i = 0; i < o->rules * o->arches; i++) {
        struct advice *one = &a->all[i];
        *one = (struct advice){
            .rule = &o->rule[i % o->rules], .arch = o->arch[i / o->rules], .wanted = wanted};
        int status = caps_elem_of(o, one->arch, &one->elem);
        if (status != 0) return status;
        bool wide = one->arch == BOSK_AMD64 || one->arch == BOSK_ARM64;
        uint64_t most = (wide ? (uint64_t)1 << 48 : UINT32_MAX) / one->elem.size;
        if (!wide && most > INT32_MAX) most = INT32_MAX;
        if ((uint64_t)wanted > most)
            return caps_wrong(o->name,
                              "there is no slice of %" PRId64
                              " such elements on %s, at most one of "
                              "%" PRIu64,
                              wanted, bosk_arch_name(one->arch), most);
        if (!advise(one)) {
            say("caps %s: out of memory", o->name);
            return EXIT_OWN;
        }
    }
    return 0;
}

int caps_advise(int argc, char **argv)
{
    struct caps_options o;
    int64_t wanted;
    int status = caps_parse(argc, argv, TAKES_ELEM | TAKES_GO | TAKES_RULE | TAKES_TEXT, &o);
    if (status != 0) return status - 1;
    if (o.arg_count != 1)
        return caps_wrong(o.name, "how many elements? for example: bosk caps advise 10000");
    if (!caps_number(o.args[0], &wanted) || wanted == 0)
        return caps_wrong(o.name, "'%.60s' is not a whole number from 1 to 2^63-1", o.args[0]);
    struct answer *a = calloc(1, sizeof *a);
    if (a == NULL) return EXIT_OWN;
    a->o = &o;
    struct caps_out out;
    status = advise_all(a, wanted);
    if (status == 0) status = caps_begin(&o, &out);
    if (status == 0) {
        a->groups = caps_group(&o, equal, a, a->group);
        status = caps_end(&o, &out, print(a, out.f));
    }
    free(a);
    return status;
}
