/* caps_map.c - `bosk caps map`: when maps grow and what that costs: Go's of any version, a table
 * that doubles at a threshold, and the evacuation of Go's bucket map write by write. */
#define _GNU_SOURCE
#include "caps_map.h"

#include "caps_buckets.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TO = 10000, EACH_INSERT = 64 };

struct answer {
    const struct caps_options *o;
    struct map_ladder all[CAPS_ANSWERS];
    struct map_ladder group[CAPS_ANSWERS];
    size_t groups;
    int64_t to;
};

/* ---- Go's growth ---- */

static void fill_step(const struct map_ladder *l, struct map_step *s)
{
    const bosk_map_profile *p = &l->profile;
    uint64_t old_bytes = bosk_map_shape_bytes(p, &s->from);
    s->bytes = (double)bosk_map_shape_bytes(p, &s->to);
    s->before = bosk_map_bytes(p, l->hint, s->entry - 1) / (double)(s->entry - 1);
    s->behind = bosk_map_bytes(p, l->hint, s->entry) / (double)s->entry;
    if (!p->swiss) {
        /* Two chains, of the load that the old array has. */
        s->writes = s->from.slots / 8;
        s->at_once = s->from.log2 == 0 ? 8 : p->load_num;
        s->peak = (double)(old_bytes - p->header_bytes) + s->bytes;
        return;
    }
    s->writes = 1;
    uint64_t tables = s->from.tables != 0 ? s->from.tables : 1, slots = s->from.slots / tables;
    s->at_once = s->from.tables == 0 ? 8 : slots / 8 * 7;
    s->seeded = s->from.tables > 1;
    /* One table at a time: only it is there twice. */
    s->peak = s->bytes + (double)old_bytes / (double)tables;
}

void map_climb(struct map_ladder *l)
{
    bosk_map_shape s;
    bosk_map_hint(&l->profile, l->hint, &s);
    l->begin = s;
    for (l->steps = 0; l->steps < MAP_STEPS && s.grows_at <= l->to; l->steps++) {
        struct map_step *step = &l->step[l->steps];
        *step = (struct map_step){.entry = s.grows_at, .from = s};
        bosk_map_grow(&l->profile, &s);
        step->to = s;
        fill_step(l, step);
    }
}

/* ---- a threshold ---- */

uint64_t power_of_two_from(uint64_t n)
{
    uint64_t p = 1;
    while (p < n && p < (uint64_t)1 << 62) p *= 2;
    return p;
}

int64_t threshold_grows(uint64_t slots, double load) { return (int64_t)((double)slots * load) + 1; }

uint64_t threshold_slots(uint64_t capacity, double load, int64_t entries)
{
    uint64_t slots = power_of_two_from(capacity);
    while (entries >= threshold_grows(slots, load) && slots < (uint64_t)1 << 62) slots *= 2;
    return slots;
}

/* ---- tables ---- */

static const struct column columns[] = {{"go", "go", true, 0},
                                        {"arch", "arch", true, 0},
                                        {"entry", "at entry", false, 0},
                                        {"slots", "slots", false, 0},
                                        {"units", "units", false, 0},
                                        {"spare", "spare", false, 0},
                                        {"tables", "tables", false, 0},
                                        {"fill_before", "fill %", false, 1},
                                        {"bytes", "bytes", false, 0},
                                        {"peak", "peak", false, 0},
                                        {"each_before", "B/entry before", false, 1},
                                        {"each_behind", "behind", false, 1},
                                        {"moved_at_once", "moves at once", false, 0},
                                        {"writes", "in writes", false, 0},
                                        {"mean", "", true, 0}};
enum { COLUMNS = sizeof columns / sizeof columns[0], NAMES = 2 };

static void rows(struct sheet *s, const struct map_ladder *l)
{
    for (size_t i = 0; i < l->steps; i++) {
        const struct map_step *t = &l->step[i];
        sheet_text(s, l->rule->name);
        sheet_text(s, bosk_arch_name(l->arch));
        sheet_int(s, t->entry);
        sheet_size(s, t->to.slots);
        sheet_size(s, t->to.slots / 8);
        sheet_size(s, t->to.spare);
        sheet_size(s, t->to.tables);
        sheet_real(s, 100.0 * (double)(t->entry - 1) / (double)t->from.slots);
        sheet_size(s, (uint64_t)t->bytes);
        sheet_size(s, (uint64_t)t->peak);
        sheet_real(s, t->before);
        sheet_real(s, t->behind);
        sheet_size(s, t->at_once);
        sheet_size(s, t->writes);
        sheet_text(s, t->seeded ? "mean" : "");
    }
}

static void print_head(const struct map_ladder *l, const struct caps_options *o, FILE *f)
{
    const bosk_map_profile *p = &l->profile;
    fprintf(f, "map[%s]%s, Go %s, %s\n", o->key, o->val, caps_versions(l->versions).s,
            caps_arches(l->arches).s);
    fprintf(f, "  %s of 8 slots take %u bytes: %s, keys %u%s, values %u%s%s\n",
            p->swiss ? "groups" : "buckets", p->unit_bytes,
            p->swiss ? "8 control bytes" : "8 top hashes and a pointer", p->key_bytes,
            p->key_by_pointer ? " by pointer" : "", p->value_bytes,
            p->value_by_pointer ? " by pointer" : "", p->noscan ? "; without pointers" : "");
    fprintf(f, "  at most %s, and a header of %u bytes; it begins with %" PRIu64 " slots\n\n",
            p->swiss            ? "7 of 8 slots"
            : p->load_num == 13 ? "6.5 entries a bucket"
                                : "6 entries a bucket",
            p->header_bytes, l->begin.slots);
}

static bool equal(const void *ctx, size_t a, size_t b)
{
    const struct map_ladder *x = &((const struct answer *)ctx)->all[a];
    const struct map_ladder *y = &((const struct answer *)ctx)->all[b];
    const bosk_map_profile *p = &x->profile, *q = &y->profile;
    if (p->unit_bytes != q->unit_bytes || p->header_bytes != q->header_bytes ||
        p->load_num != q->load_num || p->swiss != q->swiss || p->noscan != q->noscan ||
        x->steps != y->steps)
        return false;
    for (size_t i = 0; i < x->steps; i++)
        if (x->step[i].entry != y->step[i].entry || x->step[i].bytes != y->step[i].bytes ||
            x->step[i].before != y->step[i].before || x->step[i].behind != y->step[i].behind)
            return false;
    return true;
}

static bool print_growth(const struct answer *a, FILE *f)
{
    const struct caps_options *o = a->o;
    struct sheet s;
    bool ok = true;
    if (o->format == CAPS_TABLE) {
        for (size_t i = 0; ok && i < a->groups; i++) {
            if (i != 0) fputc('\n', f);
            print_head(&a->group[i], o, f);
            sheet_begin(&s, columns, COLUMNS);
            rows(&s, &a->group[i]);
            sheet_print(&s, NAMES, f);
            ok = !s.failed;
            sheet_end(&s);
        }
        return ok;
    }
    sheet_begin(&s, columns, COLUMNS);
    for (size_t i = 0; i < o->rules * o->arches; i++) rows(&s, &a->all[i]);
    if (o->format == CAPS_CSV) sheet_csv(&s, 0, true, f);
    if (o->format == CAPS_JSON) {
        json_t *root = json_object();
        json_object_set_new(root, "bosk_caps", json_integer(1));
        json_object_set_new(root, "command", json_string("map"));
        json_object_set_new(root, "key", json_string(o->key));
        json_object_set_new(root, "val", json_string(o->val));
        json_object_set_new(root, "hint", json_integer(o->hint));
        json_object_set_new(root, "to", json_integer(a->to));
        json_object_set_new(root, "rows", sheet_json(&s, 0));
        ok = caps_json(root, f);
    }
    ok = ok && !s.failed;
    sheet_end(&s);
    return ok;
}

/* ---- beside a threshold ---- */

enum { BESIDE = 4 };

static uint64_t slots_with(const struct map_ladder *l, int64_t entries)
{
    uint64_t slots = l->begin.slots;
    for (size_t i = 0; i < l->steps && l->step[i].entry <= entries; i++)
        slots = l->step[i].to.slots;
    return slots;
}

static bool print_threshold(const struct answer *a, FILE *f)
{
    const struct caps_options *o = a->o;
    struct column column[4 + BESIDE] = {{"insert", "insert", false, 0},
                                        {"slots", "slots", false, 0},
                                        {"moved", "moved", false, 0},
                                        {"fill", "fill %", false, 1}};
    char name[BESIDE][200];
    size_t beside = a->groups < BESIDE ? a->groups : BESIDE, columns_used = 4 + beside;
    for (size_t i = 0; i < beside; i++) {
        snprintf(name[i], sizeof name[i], "Go %s slots", caps_versions(a->group[i].versions).s);
        column[4 + i] = (struct column){name[i], name[i], false, 0};
    }
    struct sheet s;
    sheet_begin(&s, column, columns_used);
    uint64_t before = power_of_two_from((uint64_t)o->capacity), last[BESIDE];
    for (size_t k = 0; k < beside; k++) last[k] = a->group[k].begin.slots;
    int64_t n = 1;
    while (n <= a->to) {
        uint64_t slots = threshold_slots((uint64_t)o->capacity, o->load, n);
        bool shown = a->to <= EACH_INSERT || slots != before || n == 1;
        for (size_t k = 0; k < beside; k++) shown |= slots_with(&a->group[k], n) != last[k];
        if (shown) {
            sheet_int(&s, n);
            sheet_size(&s, slots);
            sheet_size(&s, slots != before ? (uint64_t)n - 1 : 0);
            sheet_real(&s, 100.0 * (double)n / (double)slots);
            for (size_t k = 0; k < beside; k++) {
                last[k] = slots_with(&a->group[k], n);
                sheet_size(&s, last[k]);
            }
        }
        before = slots;
        /* Long runs jump to the next insertion at which something grows. */
        int64_t next = a->to <= EACH_INSERT ? n + 1 : threshold_grows(slots, o->load);
        for (size_t k = 0; k < beside && a->to > EACH_INSERT; k++)
            for (size_t i = 0; i < a->group[k].steps; i++)
                if (a->group[k].step[i].entry > n && a->group[k].step[i].entry < next)
                    next = a->group[k].step[i].entry;
        n = next;
    }
    bool ok = true;
    if (o->format == CAPS_CSV) sheet_csv(&s, 0, true, f);
    if (o->format == CAPS_TABLE) {
        fprintf(f,
                "a table of %" PRIu64 " slots that doubles when more than %g of them are taken:\n"
                "%" PRId64 " entries fit, insertion %" PRId64 " makes it grow\n\n",
                power_of_two_from((uint64_t)o->capacity), o->load,
                threshold_grows(power_of_two_from((uint64_t)o->capacity), o->load) - 1,
                threshold_grows(power_of_two_from((uint64_t)o->capacity), o->load));
        sheet_print(&s, 0, f);
    }
    if (o->format == CAPS_JSON) {
        json_t *root = json_object();
        json_object_set_new(root, "bosk_caps", json_integer(1));
        json_object_set_new(root, "command", json_string("map"));
        json_object_set_new(root, "rule", json_string("threshold"));
        json_object_set_new(root, "load", json_real(o->load));
        json_object_set_new(root, "capacity", json_integer(o->capacity));
        json_object_set_new(root, "rows", sheet_json(&s, 0));
        ok = caps_json(root, f);
    }
    ok = ok && !s.failed;
    sheet_end(&s);
    return ok;
}

/* ---- step by step ---- */

static const struct column step_columns[] = {
    {"entries", "entries", false, 0},   {"what", "what the write does", true, 0},
    {"chains", "chains", false, 0},     {"moved", "entries moved", false, 0},
    {"left", "left to move", false, 0}, {"overflow", "overflow", false, 0}};

static void step_row(struct sheet *s, const struct bucket_map *m)
{
    char what[96] = "";
    size_t used = 0;
    if (m->work.grew)
        used = (size_t)snprintf(what, sizeof what, "grows to %" PRIu64 " buckets; ",
                                (uint64_t)1 << m->log2);
    for (unsigned i = 0; i < m->work.chains && i < 2; i++)
        used += (size_t)snprintf(what + used, sizeof what - used, "%s%" PRIu64,
                                 i == 0 ? "moves " : " and ", m->work.moved[i]);
    if (m->work.chains == 0 && !m->work.grew) snprintf(what, sizeof what, "inserts");
    sheet_int(s, m->count);
    sheet_text(s, what);
    sheet_size(s, m->work.chains);
    sheet_size(s, m->work.entries);
    sheet_size(s, buckets_left(m));
    sheet_size(s, m->overflows);
}

static int print_steps(const struct answer *a, FILE *f, bool *ok)
{
    const struct caps_options *o = a->o;
    const struct map_ladder *l = &a->all[0];
    if (l->profile.swiss)
        return caps_wrong(o->name,
                          "--steps: only the maps of Go 1.15 to 1.23 move bucket by bucket");
    if (l->steps == 0)
        return caps_wrong(o->name, "--steps: nothing grows up to %" PRId64 " entries", a->to);
    struct bucket_map m;
    struct sheet s;
    sheet_begin(&s, step_columns, sizeof step_columns / sizeof step_columns[0]);
    *ok = buckets_begin(&m, &l->profile, o->hint, (uint64_t)o->seed);
    int64_t grows = l->step[l->steps - 1].entry;
    for (uint64_t key = 0; *ok && (m.count < grows || m.old != NULL); key++) {
        (void)buckets_set(&m, key);
        *ok = !m.failed;
        if (m.count >= grows) step_row(&s, &m);
    }
    *ok = *ok && !s.failed;
    if (o->format == CAPS_TABLE) {
        fprintf(f,
                "Go %s, %s: from %" PRIu64 " buckets to %" PRIu64 ", keys hashed with seed %" PRId64
                "\n\n",
                l->rule->name, bosk_arch_name(l->arch), l->step[l->steps - 1].from.slots / 8,
                l->step[l->steps - 1].to.slots / 8, o->seed);
        sheet_print(&s, 0, f);
    }
    if (o->format == CAPS_CSV) sheet_csv(&s, 0, true, f);
    if (o->format == CAPS_JSON) {
        json_t *root = json_object();
        json_object_set_new(root, "bosk_caps", json_integer(1));
        json_object_set_new(root, "command", json_string("map"));
        json_object_set_new(root, "seed", json_integer(o->seed));
        json_object_set_new(root, "rows", sheet_json(&s, 0));
        *ok = caps_json(root, f) && *ok;
    }
    sheet_end(&s);
    buckets_end(&m);
    return 0;
}

/* ---- the command ---- */

static int wrong_type(const struct caps_options *o, const char *option, const char *type,
                      bosk_arch arch)
{
    bosk_go_type t;
    size_t at = 0;
    int error = bosk_go_layout(arch, type, &t, &at, NULL, NULL);
    if (error == 0) return 0;
    if (error == -EOVERFLOW)
        return caps_wrong(o->name, "--%s: '%.60s' is larger than %s can hold", option, type,
                          bosk_arch_name(arch));
    return caps_wrong(o->name, "--%s: '%.60s' is no type of Go, from '%.20s' on", option, type,
                      type[at] != '\0' ? type + at : "the end");
}

static bool hashable(const char *type)
{
    return strncmp(type, "[]", 2) != 0 && strncmp(type, "map[", 4) != 0 &&
           strncmp(type, "func(", 5) != 0;
}

static int climb_all(struct answer *a)
{
    const struct caps_options *o = a->o;
    for (size_t i = 0; i < o->rules * o->arches; i++) {
        struct map_ladder *l = &a->all[i];
        *l = (struct map_ladder){.rule = &o->rule[i % o->rules],
                                 .arch = o->arch[i / o->rules],
                                 .hint = o->hint,
                                 .to = a->to};
        int status = wrong_type(o, "key", o->key, l->arch);
        if (status == 0) status = wrong_type(o, "val", o->val, l->arch);
        if (status != 0) return status;
        if (bosk_map_profile_of(l->rule->minor, l->arch, o->key, o->val, &l->profile) != 0)
            return caps_wrong(o->name, "no map holds such keys and values");
        map_climb(l);
    }
    struct caps_group group[CAPS_ANSWERS];
    a->groups = caps_group(o, equal, a, group);
    for (size_t i = 0; i < a->groups; i++) {
        a->group[i] = a->all[group[i].first];
        a->group[i].versions = group[i].versions;
        a->group[i].arches = group[i].arches;
    }
    return 0;
}

static int check(const struct caps_options *o, struct answer *a)
{
    if (o->arg_count != 0)
        return caps_wrong(o->name, "'%.60s' is not needed; types are given by --key and --val",
                          o->args[0]);
    if (!hashable(o->key)) return caps_wrong(o->name, "--key: '%.60s' cannot be compared", o->key);
    if (o->capacity > (int64_t)1 << 40 || o->to > (int64_t)1 << 40)
        return caps_wrong(o->name, "--to and --capacity take numbers up to 2^40");
    if (o->steps && o->threshold)
        return caps_wrong(o->name, "--steps: a table that doubles moves all at once");
    if (o->steps && (o->format == CAPS_SVG || o->format == CAPS_HTML))
        return caps_wrong(o->name, "--steps has no picture");
    if (o->steps && (o->to > 1000000 || o->hint > 1000000))
        return caps_wrong(o->name, "--steps: at most 1000000 entries");
    a->to = o->to != 0 ? o->to : o->threshold ? EACH_INSERT / 2 : o->steps ? 60 : DEFAULT_TO;
    return 0;
}

static int print(struct answer *a, FILE *f, bool *ok)
{
    const struct caps_options *o = a->o;
    *ok = true;
    if (o->steps) return print_steps(a, f, ok);
    if (o->format == CAPS_SVG || o->format == CAPS_HTML) {
        char title[200];
        snprintf(title, sizeof title, "map[%.60s]%.60s: what an entry costs", o->key, o->val);
        struct map_plot p = {
            title, a->group, a->groups, a->to, o->load, (uint64_t)o->capacity, (uint64_t)o->seed};
        *ok = o->format == CAPS_SVG ? map_plot_svg(&p, f) : map_plot_html(&p, f);
    } else if (o->threshold) {
        *ok = print_threshold(a, f);
    } else {
        *ok = print_growth(a, f);
    }
    return 0;
}

int caps_map(int argc, char **argv)
{
    struct caps_options o;
    int status = caps_parse(argc, argv, TAKES_GO | TAKES_MAP | TAKES_TEXT | TAKES_PLOT, &o);
    if (status != 0) return status - 1;
    struct answer *a = calloc(1, sizeof *a);
    if (a == NULL) return EXIT_OWN;
    a->o = &o;
    status = check(&o, a);
    if (status == 0) status = climb_all(a);
    struct caps_out out;
    if (status == 0) status = caps_begin(&o, &out);
    if (status == 0) {
        bool ok;
        int wrong = print(a, out.f, &ok);
        if (wrong != 0) {
            fclose(out.f);
            free(out.data);
            status = wrong;
        } else {
            status = caps_end(&o, &out, ok);
        }
    }
    free(a);
    return status;
}
