/* pprof.c - the recording as a profile that pprof reads, with names, so that nobody needs the
 * files.
 *
 * One sample for each stack, block size and label of each process.  Addresses are return addresses
 * less one, so that the line of the call is shown and not the one after it.
 */
#define _GNU_SOURCE
#include "run_report.h"

#include "profile.pb-c.h"

#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum { VALUES = 6 };
static const char *const value_type[VALUES][2] = {
    {"alloc_objects", "count"}, {"alloc_space", "bytes"}, {"inuse_objects", "count"},
    {"inuse_space", "bytes"},   {"peak_space", "bytes"},  {"slack_space", "bytes"},
};
#define DEFAULT_TYPE "peak_space" /* what is in use when a program has ended says little */
#define DROP_FRAMES                                                                            \
    "malloc|calloc|realloc|reallocarray|memalign|aligned_alloc|posix_memalign|valloc|pvalloc|" \
    "bosk_.*|boski_.*|operator new.*|_Zn[aw].*"

/* ---- growing arrays, strings and ids ---- */

struct list {
    void **item;
    size_t n, room;
};
static void push(struct list *l, void *item)
{
    if (l->n == l->room) {
        l->room = l->room * 2 + 64;
        void **grown = reallocarray(l->item, l->room, sizeof *grown);
        if (grown == NULL) abort();
        l->item = grown;
    }
    l->item[l->n++] = item;
}
static void *fresh(size_t n, size_t each)
{
    void *p = calloc(n != 0 ? n : 1, each);
    if (p == NULL) abort();
    return p;
}

struct keyed { /* node of a tree */
    uint64_t a, b;
    const char *text;
    uint64_t id;
};
static int by_key(const void *x, const void *y)
{
    const struct keyed *p = x, *q = y;
    if (p->a != q->a) return p->a < q->a ? -1 : 1;
    if (p->b != q->b) return p->b < q->b ? -1 : 1;
    return p->text == NULL || q->text == NULL ? 0 : strcmp(p->text, q->text);
}
/* The node of a key; `*new` tells that it has just been made, with id 0. */
static struct keyed *node_of(void **tree, uint64_t a, uint64_t b, const char *text, bool *new)
{
    struct keyed *k = fresh(1, sizeof *k);
    *k = (struct keyed){a, b, text, 0};
    struct keyed **found = tsearch(k, tree, by_key);
    if (found == NULL) abort();
    *new = *found == k;
    if (!*new) free(k);
    return *found;
}

struct writer {
    Pprof__Profile profile;
    struct symbols *symbols;
    struct list strings, samples, mappings, locations, functions;
    void *string_ids, *mapping_ids, *location_ids, *function_ids, *sample_ids;
};

static int64_t string_id(struct writer *w, const char *s)
{
    bool new;
    struct keyed *k = node_of(&w->string_ids, 0, 0, s, &new);
    if (new) {
        char *kept = strdup(s);
        if (kept == NULL) abort();
        k->text = kept;
        k->id = w->strings.n;
        push(&w->strings, kept);
    }
    return (int64_t)k->id;
}

/* ---- mappings, functions, locations ---- */

static Pprof__Mapping *mapping_of(struct writer *w, const struct process *p, uint32_t module)
{
    bool new;
    struct keyed *k = node_of(&w->mapping_ids, p->section, module, NULL, &new);
    if (!new) return w->mappings.item[k->id - 1];
    const struct bosk_record_module *m = &p->module[module];
    Pprof__Mapping *map = fresh(1, sizeof *map);
    pprof__mapping__init(map);
    uint64_t vaddr, bytes, offset;
    map->memory_start = m->start;
    map->memory_limit = m->end;
    if (symbols_segment(w->symbols, symbols_module(w->symbols, m), &vaddr, &bytes, &offset)) {
        map->memory_start = m->bias + vaddr;
        map->memory_limit = map->memory_start + bytes;
        map->file_offset = offset;
    }
    char hex[2 * BOSK_RECORD_BUILD_ID_BYTES + 1] = "";
    for (uint32_t i = 0; i < m->build_id_bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", m->build_id[i]);
    map->build_id = string_id(w, hex);
    map->filename = string_id(w, m->path);
    push(&w->mappings, map);
    map->id = k->id = w->mappings.n;
    return map;
}

static uint64_t function_id(struct writer *w, const char *name, const char *file)
{
    bool new;
    int64_t text = string_id(w, name), where = string_id(w, file != NULL ? file : "");
    struct keyed *k = node_of(&w->function_ids, (uint64_t)text, (uint64_t)where, NULL, &new);
    if (!new) return k->id;
    Pprof__Function *f = fresh(1, sizeof *f);
    pprof__function__init(f);
    push(&w->functions, f);
    f->id = k->id = w->functions.n;
    f->system_name = text;
    f->name = string_id(w, symbols_demangle(w->symbols, name));
    f->filename = where;
    return k->id;
}

static void add_lines(struct writer *w, Pprof__Location *loc, Pprof__Mapping *map,
                      const struct symbol *s)
{
    if (s->count == 0) return;
    loc->line = fresh(s->count, sizeof(Pprof__Line *));
    for (unsigned i = 0; i < s->count; i++) {
        Pprof__Line *line = fresh(1, sizeof *line);
        pprof__line__init(line);
        line->function_id = function_id(w, s->line[i].function, s->line[i].file);
        line->line = s->line[i].line;
        loc->line[loc->n_line++] = line;
        map->has_functions = true;
        if (s->line[i].file != NULL) map->has_filenames = true;
        if (s->line[i].line != 0) map->has_line_numbers = true;
    }
    if (s->count > 1) map->has_inline_frames = true;
}

static uint64_t location_id(struct writer *w, const struct process *p, uint64_t frame)
{
    bool new;
    uint32_t module = frame_module(p, frame);
    uint64_t offset = frame_offset(frame);
    uint64_t at = offset + (module != READER_NO_MODULE ? p->module[module].bias : 0) - 1;
    struct keyed *k = node_of(&w->location_ids, at, p->section << 8 | module, NULL, &new);
    if (!new) return k->id;
    Pprof__Location *loc = fresh(1, sizeof *loc);
    pprof__location__init(loc);
    push(&w->locations, loc);
    loc->id = k->id = w->locations.n;
    loc->address = at;
    if (module == READER_NO_MODULE) return k->id;
    Pprof__Mapping *map = mapping_of(w, p, module);
    loc->mapping_id = map->id;
    add_lines(w, loc, map,
              symbols_find(w->symbols, symbols_module(w->symbols, &p->module[module]), offset - 1));
    return k->id;
}

/* ---- samples ---- */

static void add_label(struct writer *w, Pprof__Sample *s, const char *key, const char *text,
                      int64_t number, const char *unit)
{
    Pprof__Label *l = fresh(1, sizeof *l);
    pprof__label__init(l);
    l->key = string_id(w, key);
    if (text != NULL)
        l->str = string_id(w, text);
    else {
        l->num = number;
        l->num_unit = string_id(w, unit);
    }
    s->label[s->n_label++] = l;
}

static int64_t whole(double x) { return x >= 9e18 ? INT64_MAX : x > 0 ? (int64_t)(x + 0.5) : 0; }

static void add_sample(struct writer *w, const struct process *p,
                       const struct bosk_record_site *site, const struct amounts *n, bool several)
{
    const double value[VALUES] = {n->alloc_objects, n->alloc_bytes,
                                  n->live_objects,  n->live_bytes,
                                  n->peak_bytes,    n->alloc_bytes - n->request_bytes};
    /* Request sizes that share a block size are one sample. */
    bool new;
    struct keyed *k = node_of(&w->sample_ids, (uint64_t)p->section << 32 | site->stack,
                              lane_class(site->lane) << 16 | site->label, NULL, &new);
    if (!new) {
        Pprof__Sample *have = w->samples.item[k->id];
        for (int i = 0; i < VALUES; i++) have->value[i] += whole(value[i]);
        return;
    }
    k->id = w->samples.n;
    Pprof__Sample *s = fresh(1, sizeof *s);
    pprof__sample__init(s);
    const struct bosk_record_stack *stack = &p->stack[site->stack];
    uint32_t skip = 0;
    for (; skip < stack->depth; skip++) {
        uint32_t m = frame_module(p, p->frame[stack->first + skip]);
        if (m == READER_NO_MODULE || !(p->module[m].flags & BOSK_MODULE_ALLOCATOR)) break;
    }
    if (skip < stack->depth) s->location_id = fresh(stack->depth, sizeof *s->location_id);
    for (uint32_t i = skip; i < stack->depth; i++)
        s->location_id[s->n_location_id++] = location_id(w, p, p->frame[stack->first + i]);
    s->n_value = VALUES;
    s->value = fresh(VALUES, sizeof *s->value);
    for (int i = 0; i < VALUES; i++) s->value[i] = whole(value[i]);
    s->label = fresh(3, sizeof(Pprof__Label *));
    double block = n->alloc_objects > 0 ? n->alloc_bytes / n->alloc_objects : 0;
    double small = class_bytes(lane_class(site->lane));
    add_label(w, s, "bytes", NULL, whole(small > 0 ? small : block), "bytes");
    if (site->label != 0) add_label(w, s, "label", p->label[site->label - 1], 0, NULL);
    if (several) {
        char name[BOSK_RECORD_PATH_BYTES + 16];
        const char *base = strrchr(p->exe, '/');
        snprintf(name, sizeof name, "%s (%" PRIu32 ")", base != NULL ? base + 1 : p->exe, p->pid);
        add_label(w, s, "process", name, 0, NULL);
    }
    push(&w->samples, s);
}

static Pprof__ValueType *value(struct writer *w, const char *type, const char *unit)
{
    Pprof__ValueType *v = fresh(1, sizeof *v);
    pprof__value_type__init(v);
    v->type = string_id(w, type);
    v->unit = string_id(w, unit);
    return v;
}

static void fill(struct writer *w, const struct run *run)
{
    Pprof__Profile *f = &w->profile;
    const struct recording *r = &run->recording;
    pprof__profile__init(f);
    string_id(w, "");
    f->sample_type = fresh(VALUES, sizeof(Pprof__ValueType *));
    for (int i = 0; i < VALUES; i++)
        f->sample_type[f->n_sample_type++] = value(w, value_type[i][0], value_type[i][1]);
    /* The first mapping names the program: that of the process that is reported on. */
    for (uint32_t k = 0; k < r->count; k++) {
        uint32_t i = (k + (uint32_t)(run->main > 0 ? run->main : 0)) % r->count;
        const struct process *p = &r->process[i];
        for (uint32_t m = 0; m < p->module_count; m++)
            if (p->module[m].flags & BOSK_MODULE_MAIN) mapping_of(w, p, m);
        for (uint32_t s = 0; s < p->site_count; s++)
            add_sample(w, p, &p->site[s], &run->analysis[i].site[s], r->count > 1);
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    f->time_nanos = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - whole(run->end.wall_ns);
    f->duration_nanos = whole(run->end.wall_ns);
    f->period_type = value(w, "space", "bytes");
    f->period = run->main >= 0 ? (int64_t)r->process[run->main].sample_mean : 0;
    f->default_sample_type = string_id(w, DEFAULT_TYPE);
    f->drop_frames = string_id(w, DROP_FRAMES);
    char comment[160];
    snprintf(comment, sizeof comment, "bosk %s: %s, values scaled to exact counts of calls",
             BOSK_VERSION,
             r->sample_bytes == BOSK_RECORD_SAMPLE_AUTO ? "samples 16 to 512 KiB apart"
                                                        : "fixed sampling");
    f->comment = fresh(1, sizeof *f->comment);
    f->comment[f->n_comment++] = string_id(w, comment);

    f->sample = (Pprof__Sample **)w->samples.item;
    f->n_sample = w->samples.n;
    f->mapping = (Pprof__Mapping **)w->mappings.item;
    f->n_mapping = w->mappings.n;
    f->location = (Pprof__Location **)w->locations.item;
    f->n_location = w->locations.n;
    f->function = (Pprof__Function **)w->functions.item;
    f->n_function = w->functions.n;
    f->string_table = (char **)w->strings.item;
    f->n_string_table = w->strings.n;
}

/* ---- gzip ---- */

static void *gzip(const void *data, size_t n, size_t *bytes)
{
    z_stream z = {0};
    if (n > UINT32_MAX / 2 ||
        deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    size_t room = deflateBound(&z, (uLong)n);
    uint8_t *out = malloc(room);
    if (out != NULL) {
        z.next_in = (Bytef *)(uintptr_t)data;
        z.avail_in = (uInt)n;
        z.next_out = out;
        z.avail_out = (uInt)room;
        int done = deflate(&z, Z_FINISH);
        *bytes = z.total_out;
        if (done != Z_STREAM_END) {
            free(out);
            out = NULL;
        }
    }
    deflateEnd(&z);
    return out;
}

void *pprof_bytes(const struct run *run, size_t *bytes)
{
    struct writer w = {.symbols = run->symbols};
    fill(&w, run);
    size_t n = pprof__profile__get_packed_size(&w.profile);
    uint8_t *packed = malloc(n != 0 ? n : 1);
    void *out = NULL;
    if (packed != NULL) {
        pprof__profile__pack(&w.profile, packed);
        out = gzip(packed, n, bytes);
        free(packed);
    }
    /* Strings are shared with the list: the message owns everything by now. */
    tdestroy(w.string_ids, free);
    tdestroy(w.mapping_ids, free);
    tdestroy(w.location_ids, free);
    tdestroy(w.function_ids, free);
    tdestroy(w.sample_ids, free);
    Pprof__Profile *owned = malloc(sizeof *owned);
    if (owned != NULL) {
        *owned = w.profile;
        pprof__profile__free_unpacked(owned, NULL);
    }
    return out;
}
