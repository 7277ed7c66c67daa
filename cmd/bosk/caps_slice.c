/* caps_slice.c - `bosk caps slice`: the ladder of capacities that appends climb, for versions of
 * Go, architectures and free rules, beside doubling and growing by half.
 *
 * Versions and architectures whose ladders are equal are shown once; CSV has a row for each. */
#define _GNU_SOURCE
#include "caps_ladder.h"
#include "caps_plot.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { LADDERS = CAPS_ANSWERS, DEFAULT_TO = 10000 };

struct answer {
    const struct caps_options *o;
    struct ladder all[LADDERS]; /* one for each rule and architecture */
    size_t count;
    struct ladder group[LADDERS]; /* equal ones put together; the rungs belong to all[] */
    size_t groups;
    struct ladder twice[BOSK_ARCHES], half[BOSK_ARCHES]; /* beside them, by architecture */
};

static const struct caps_rule rule_twice = {
    .growth = {.num = 1, .den = 1, .rounding = BOSK_ROUND_NONE}, .name = "x2"};
static const struct caps_rule rule_half = {
    .growth = {.num = 1, .den = 2, .rounding = BOSK_ROUND_NONE}, .name = "x1.5"};

/* ---- climbing -------------------------------------------------------------------------------- */

static bool climb(struct answer *a, struct ladder *l, const struct caps_rule *rule, bosk_arch arch,
                  const struct caps_elem *elem)
{
    const struct caps_options *o = a->o;
    *l = (struct ladder){.rule = rule,
                         .arch = arch,
                         .elem = *elem,
                         .versions = rule->minor != 0 ? 1u << (rule->minor - BOSK_GO_FIRST) : 0,
                         .arches = 1u << arch,
                         .from = o->from,
                         .append = o->append,
                         .to = o->to};
    return ladder_climb(l);
}

static int climb_all(struct answer *a)
{
    const struct caps_options *o = a->o;
    for (size_t i = 0; i < o->arches; i++) {
        struct caps_elem elem;
        bosk_arch arch = o->arch[i];
        int status = caps_elem_of(o, arch, &elem);
        if (status != 0) return status;
        bool wide = arch == BOSK_AMD64 || arch == BOSK_ARM64;
        uint64_t most = (wide ? (uint64_t)1 << 48 : UINT32_MAX) / elem.size;
        if (!wide && most > INT32_MAX) most = INT32_MAX;
        if ((uint64_t)o->from > most)
            return caps_wrong(o->name,
                              "--from: there is no slice of %" PRId64
                              " such elements on %s, at most one of %" PRIu64,
                              o->from, bosk_arch_name(arch), most);
        bool ok = climb(a, &a->twice[arch], &rule_twice, arch, &elem) &&
                  climb(a, &a->half[arch], &rule_half, arch, &elem);
        for (size_t k = 0; ok && k < o->rules; k++)
            ok = climb(a, &a->all[a->count++], &o->rule[k], arch, &elem);
        if (!ok) {
            say_problem(NULL, NULL, "caps %s: out of memory", o->name);
            return EXIT_OWN;
        }
    }
    return 0;
}

static bool equal(const void *ctx, size_t i, size_t k)
{
    const struct answer *a = ctx;
    return ladder_equal(&a->all[i], &a->all[k]);
}

static void group_equal(struct answer *a)
{
    struct caps_group group[CAPS_ANSWERS];
    a->groups = caps_group(a->o, equal, a, group);
    for (size_t i = 0; i < a->groups; i++) {
        a->group[i] = a->all[group[i].first];
        a->group[i].versions = group[i].versions;
        a->group[i].arches = group[i].arches;
    }
}

/* ---- tables ---- */

static const struct column columns[] = {
    {"go", "go", true, 0},
    {"arch", "arch", true, 0},
    {"len", "len", false, 0},
    {"cap_wanted", "wanted", false, 0},
    {"class", "class", false, 0},
    {"cap", "cap", false, 0},
    {"bytes", "bytes", false, 0},
    {"wasted", "wasted", false, 0},
    {"copied", "copied", false, 0},
    {"factor", "factor", false, 2},
    /* in text and JSON only */
    {"x2", "x2", false, 0},
    {"x1.5", "x1.5", false, 0},
    {"differs", "", true, 0},
};
enum { ALL_COLUMNS = sizeof columns / sizeof columns[0], CSV_COLUMNS = 10, NAMES = 2 };

static void some(struct sheet *s, int64_t v)
{
    if (v != 0)
        sheet_int(s, v);
    else
        sheet_none(s);
}

static void fill(const struct answer *a, const struct ladder *l, struct sheet *s)
{
    for (size_t i = 0; i < l->rungs; i++) {
        const struct rung *r = &l->rung[i];
        sheet_text(s, l->rule->name);
        sheet_text(s, bosk_arch_name(l->arch));
        sheet_int(s, r->len);
        sheet_int(s, r->wanted);
        if (l->rule->growth.rounding == BOSK_ROUND_NONE)
            sheet_none(s);
        else
            sheet_int(s, r->size_class);
        sheet_int(s, r->cap);
        sheet_size(s, r->bytes);
        sheet_size(s, r->wasted);
        sheet_size(s, r->copied);
        if (r->old_cap != 0)
            sheet_real(s, (double)r->cap / (double)r->old_cap);
        else
            sheet_none(s);
        if (s->columns == CSV_COLUMNS) continue;
        some(s, ladder_cap(&a->twice[l->arch], r->len));
        some(s, ladder_cap(&a->half[l->arch], r->len));
        if (s->columns == ALL_COLUMNS)
            sheet_text(s, ladder_differs(a->group, a->groups, l, r) ? "*" : "");
    }
}

static bool print_csv(const struct answer *a, FILE *f)
{
    struct sheet s;
    sheet_begin(&s, columns, CSV_COLUMNS);
    for (size_t i = 0; i < a->count; i++) fill(a, &a->all[i], &s);
    sheet_csv(&s, a->count > 1 ? 0 : NAMES, true, f);
    bool ok = !s.failed;
    sheet_end(&s);
    return ok;
}

static uint64_t left_over(const struct ladder *l)
{
    const struct rung *r = l->rungs != 0 ? &l->rung[l->rungs - 1] : NULL;
    int64_t cap = r != NULL ? r->cap : l->from, len = r != NULL && r->len > l->to ? r->len : l->to;
    return cap > len ? (uint64_t)(cap - len) : 0;
}

static void print_end(const struct ladder *l, const char *name, FILE *f)
{
    fprintf(f, "  %s%s%zu reallocation%s", name, name[0] != '\0' ? ": " : "", l->rungs,
            l->rungs == 1 ? "" : "s");
    fprintf(f, ", %s copied", text_bytes((double)ladder_copied(l)).s);
    fprintf(f, ", blocks of %s outgrown", text_bytes((double)ladder_dropped(l)).s);
    if (!l->panics) fprintf(f, ", room for %s more at the end", text_exact((double)left_over(l)).s);
    fputc('\n', f);
    if (l->cut) fprintf(f, "  More than %d; the rest is not shown.\n", (int)LADDER_RUNGS);
}

static void print_panic(const struct ladder *l, FILE *f)
{
    if (!l->panics) return;
    if (l->rule->minor == 0)
        fprintf(f, "  There is no memory for %" PRId64 " elements.\n", l->panic_len);
    else
        fprintf(f, "  At %" PRId64 " elements Go panics: %s\n", l->panic_len,
                bosk_growth_panic(l->rule->minor));
}

static bool print_table(const struct answer *a, FILE *f)
{
    const struct caps_options *o = a->o;
    bool ok = true;
    for (size_t i = 0; ok && i < a->groups; i++) {
        const struct ladder *l = &a->group[i];
        struct sheet s;
        sheet_begin(&s, columns, a->groups > 1 ? ALL_COLUMNS : ALL_COLUMNS - 1);
        fill(a, l, &s);
        fprintf(f, "%s[]%s, %" PRIu64 " byte%s an element, %s: %" PRId64 " at a time\n\n",
                i != 0 ? "\n" : "", o->elem, l->elem.size, l->elem.size == 1 ? "" : "s",
                ladder_name(l, true).s, o->append);
        sheet_print(&s, NAMES, f);
        ok = !s.failed;
        sheet_end(&s);
        fputc('\n', f);
        print_panic(l, f);
        print_end(l, "", f);
        print_end(&a->twice[l->arch], "x2", f);
        print_end(&a->half[l->arch], "x1.5", f);
    }
    if (a->groups > 1) fputs("\n  * another capacity than elsewhere at this length\n", f);
    if (a->group[0].rule->minor == 15)
        fputs("  1.15 is from its source; the others were compared with real Go\n", f);
    return ok;
}

/* ---- JSON ---- */

static json_t *ladder_json(const struct answer *a, const struct ladder *l, bool *ok)
{
    json_t *o = json_object();
    struct sheet s;
    sheet_begin(&s, columns, ALL_COLUMNS - 1);
    if (l->rule->minor != 0)
        json_object_set_new(o, "go", caps_versions_json(l->versions));
    else
        json_object_set_new(o, "rule", json_string(l->rule->name));
    json_object_set_new(o, "arch", caps_arches_json(l->arches));
    json_object_set_new(o, "elem_bytes", json_integer((json_int_t)l->elem.size));
    json_object_set_new(o, "pointers", json_boolean(!l->elem.noscan));
    json_object_set_new(o, "reallocations", json_integer((json_int_t)l->rungs));
    json_object_set_new(o, "copied_bytes", json_integer((json_int_t)ladder_copied(l)));
    json_object_set_new(o, "outgrown_bytes", json_integer((json_int_t)ladder_dropped(l)));
    json_object_set_new(o, "panics_at", l->panics ? json_integer(l->panic_len) : json_null());
    json_object_set_new(o, "cut", json_boolean(l->cut));
    fill(a, l, &s);
    json_object_set_new(o, "rows", sheet_json(&s, NAMES));
    *ok = *ok && !s.failed;
    sheet_end(&s);
    return o;
}

static bool print_json(const struct answer *a, FILE *f)
{
    const struct caps_options *o = a->o;
    json_t *root = json_object(), *list = json_array(), *beside = json_array();
    bool ok = true;
    for (size_t i = 0; i < a->groups; i++)
        json_array_append_new(list, ladder_json(a, &a->group[i], &ok));
    for (size_t i = 0; i < o->arches; i++) {
        json_array_append_new(beside, ladder_json(a, &a->twice[o->arch[i]], &ok));
        json_array_append_new(beside, ladder_json(a, &a->half[o->arch[i]], &ok));
    }
    json_object_set_new(root, "bosk_caps", json_integer(1));
    json_object_set_new(root, "command", json_string("slice"));
    json_object_set_new(root, "elem", json_string(o->elem));
    json_object_set_new(root, "from", json_integer(o->from));
    json_object_set_new(root, "append", json_integer(o->append));
    json_object_set_new(root, "to", json_integer(o->to));
    json_object_set_new(root, "ladders", list);
    json_object_set_new(root, "beside", beside);
    return caps_json(root, f) && ok;
}

/* ---- the command ---- */

static bool print(const struct answer *a, FILE *f)
{
    char title[160];
    /* Where memory allows most: they differ by where they end only. */
    bosk_arch widest = a->o->arch[0];
    for (size_t i = 0; i < a->o->arches; i++)
        if (a->twice[a->o->arch[i]].rungs > a->twice[widest].rungs) widest = a->o->arch[i];
    const struct ladder *const beside[] = {&a->twice[widest], &a->half[widest]};
    snprintf(title, sizeof title, "How []%.60s grows by append, %" PRId64 " at a time", a->o->elem,
             a->o->append);
    struct plot p = {title, a->group, a->groups, beside, 2, a->o->from, a->o->to};
    switch (a->o->format) {
    case CAPS_JSON: return print_json(a, f);
    case CAPS_CSV: return print_csv(a, f);
    case CAPS_SVG: plot_svg(&p, f); return true;
    case CAPS_HTML: plot_html(&p, f); return true;
    default: return print_table(a, f);
    }
}

static int check(struct caps_options *o)
{
    if (o->arg_count != 0)
        return caps_wrong(o->name, "'%.60s' is not needed; the element is named by --elem",
                          o->args[0]);
    if (o->to == 0)
        o->to = o->from < DEFAULT_TO / 4 ? DEFAULT_TO
              : o->from <= INT64_MAX / 4 ? o->from * 4
                                         : INT64_MAX;
    if (o->to <= o->from)
        return caps_wrong(o->name, "--to: %" PRId64 " is not more than --from %" PRId64, o->to,
                          o->from);
    return 0;
}

int caps_slice(int argc, char **argv)
{
    struct caps_options o;
    int status =
        caps_parse(argc, argv,
                   TAKES_ELEM | TAKES_GO | TAKES_RULE | TAKES_LADDER | TAKES_TEXT | TAKES_PLOT, &o);
    if (status != 0) return status - 1;
    status = check(&o);
    struct answer *a = calloc(1, sizeof *a);
    if (a == NULL) return EXIT_OWN;
    a->o = &o;
    if (status == 0) status = climb_all(a);
    struct caps_out out;
    if (status == 0) status = caps_begin(&o, &out);
    if (status == 0) {
        group_equal(a);
        status = caps_end(&o, &out, print(a, out.f));
    }
    for (size_t i = 0; i < a->count; i++) ladder_free(&a->all[i]);
    for (size_t i = 0; i < BOSK_ARCHES; i++) {
        ladder_free(&a->twice[i]);
        ladder_free(&a->half[i]);
    }
    free(a);
    return status;
}
