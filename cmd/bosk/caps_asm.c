/* caps_asm.c - `bosk caps asm`: what compilers make of slices, beside what Go makes of them.
 *
 * A few lines of C are given to each compiler that is found, and the same in Go to `go tool compile
 * -S`; the functions are shown and counted.  Nothing is run but compilers.
 */
#define _GNU_SOURCE
#include "caps_asm.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what was asked for, and what came ------------------------------------------------- */

struct asked {
    struct caps_options o;
    const char *include;  /* where bosk/ is; NULL: where compilers look */
    const char *compiler; /* "gcc" or "clang" alone, or NULL */
    const char *go;       /* the command; NULL: none */
    char found_include[4096], go_version[32];
};
struct result {
    const struct asm_snippet *snippet;
    const struct asm_target *target;
    char by[32];
    bool go;
    struct asm_listing listing;
    size_t fast; /* of the listing, or in a loop a turn without the loop */
};

/* ---- results ------------------------------------------------------------------------- */

struct results {
    struct result *list;
    size_t count, room;
};

/* False when there is no memory, or the text is not what is expected of a compiler. */
static bool keep(struct results *r, const struct asm_snippet *s, const struct asm_target *t,
                 const char *by, bool go, const char *text)
{
    const enum asm_dialect dialect = go ? ASM_GO : t->dialect;
    struct result got = {.snippet = s, .target = t, .go = go};
    struct asm_listing bare = {0};
    snprintf(got.by, sizeof got.by, "%s", by);
    if (r->count == r->room) {
        const size_t room = r->room * 2 + 16;
        struct result *list = realloc(r->list, room * sizeof *list);
        if (list == NULL) return false;
        r->list = list;
        r->room = room;
    }
    if (!asm_read(text, "f", dialect, &got.listing)) return false;
    got.fast = got.listing.fast;
    if (s->loop) {
        if (!asm_read(text, "bare", dialect, &bare)) bare.turn = 0;
        asm_release(&bare);
        const size_t loop = bare.turn - (go ? s->go_bare_more : 0);
        if (bare.turn == 0 || got.listing.turn <= loop) {
            asm_release(&got.listing);
            return false;
        }
        got.fast = got.listing.turn - loop;
    }
    r->list[r->count++] = got;
    return true;
}

static void complain(const char *by, const struct asm_target *t, const char *why)
{
    char clean[200];
    const char *line = why != NULL ? why : "";
    char first[200];
    snprintf(first, sizeof first, "%.*s", (int)strcspn(line, "\n"), line);
    say("caps asm: %s cannot compile it for %s: %s", by, t->name,
        text_clean(first, clean, sizeof clean));
}

/* Every snippet that was asked for, for one target by one compiler.  False: it cannot. */
static bool by_compiler(const struct asked *a, const bool wanted[ASM_SNIPPETS],
                        const struct asm_target *t, const struct asm_compiler *c, struct results *r)
{
    for (size_t i = 0; i < ASM_SNIPPETS; i++) {
        char *why = NULL;
        if (!wanted[i]) continue;
        char *text = asm_compile(a->include, &asm_snippets[i], t, c, &why);
        const bool ok = text != NULL && keep(r, &asm_snippets[i], t, c->name, false, text);
        if (!ok) complain(c->name, t, text == NULL ? why : "its output is not understood");
        free(text);
        free(why);
        if (!ok) return false;
    }
    return true;
}
static void by_go(const struct asked *a, const bool wanted[ASM_SNIPPETS],
                  const struct asm_target *t, struct results *r)
{
    for (size_t i = 0; i < ASM_SNIPPETS; i++) {
        char *why = NULL;
        if (!wanted[i] || asm_snippets[i].go_source == NULL) continue;
        char *text = asm_compile_go(a->go, &asm_snippets[i], t, &why);
        const bool ok = text != NULL && keep(r, &asm_snippets[i], t, a->go_version, true, text);
        if (!ok) complain(a->go_version, t, text == NULL ? why : "its output is not understood");
        free(text);
        free(why);
        if (!ok) return;
    }
}

/* ---- what is shown ------------------------------------------------------------------- */

static const struct column columns[] = {{"what", "what", true, 0},
                                        {"arch", "arch", true, 0},
                                        {"by", "by", true, 0},
                                        {"instructions", "instructions", false, 0},
                                        {"fast", "fast path", false, 0},
                                        {"turn", "turn", false, 0},
                                        {"calls", "calls", false, 0},
                                        {"fast_calls", "calls on it", false, 0},
                                        {"atomics", "atomics", false, 0},
                                        {"fences", "fences", false, 0}};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static void add_row(struct sheet *sheet, const struct result *r)
{
    sheet_text(sheet, r->snippet->name);
    sheet_text(sheet, r->target->name);
    sheet_text(sheet, r->by);
    sheet_size(sheet, r->listing.instructions);
    sheet_size(sheet, r->fast);
    if (r->snippet->loop)
        sheet_size(sheet, r->listing.turn);
    else
        sheet_none(sheet);
    sheet_size(sheet, r->listing.calls);
    sheet_size(sheet, r->listing.fast_calls);
    sheet_size(sheet, r->listing.atomics);
    sheet_size(sheet, r->listing.fences);
}

static void print_listings(const struct results *r, FILE *f)
{
    for (size_t i = 0; i < ASM_SNIPPETS; i++) {
        bool headed = false;
        for (size_t k = 0; k < r->count; k++) {
            const struct result *got = &r->list[k];
            if (got->snippet != &asm_snippets[i]) continue;
            if (!headed)
                fprintf(f, "%s: %s%s%s\n", asm_snippets[i].name, asm_snippets[i].c,
                        asm_snippets[i].go[0] != '\0' ? "        Go: " : "", asm_snippets[i].go);
            headed = true;
            fprintf(f, "\n  %s, %s\n%s", got->target->name, got->by, got->listing.text);
        }
        if (headed) fputc('\n', f);
    }
    fputs("fast path: instructions of the way with the fewest calls; of append and push, by\n"
          "how many a turn of a loop is longer than one of the same loop around nothing.\n\n",
          f);
}

static bool print_json(const struct results *r, const struct sheet *sheet, FILE *f)
{
    json_t *root = json_object(), *rows = sheet_json(sheet, 0);
    for (size_t i = 0; i < r->count && i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        const struct result *got = &r->list[i];
        json_object_set_new(row, "source",
                            json_string(got->go ? got->snippet->go : got->snippet->c));
        json_object_set_new(row, "language", json_string(got->go ? "Go" : "C"));
        json_object_set_new(row, "text", json_string(got->listing.text));
    }
    json_object_set_new(root, "bosk_caps", json_integer(1));
    json_object_set_new(root, "command", json_string("asm"));
    json_object_set_new(root, "rows", rows);
    return caps_json(root, f);
}

static int print(const struct asked *a, const struct results *r)
{
    struct caps_out out;
    struct sheet sheet;
    int status = caps_begin(&a->o, &out);
    if (status != 0) return status;
    sheet_begin(&sheet, columns, COLUMNS);
    for (size_t i = 0; i < r->count; i++) add_row(&sheet, &r->list[i]);
    bool ok = true;
    if (a->o.format == CAPS_JSON) {
        ok = print_json(r, &sheet, out.f);
    } else if (a->o.format == CAPS_CSV) {
        sheet_csv(&sheet, 0, true, out.f);
    } else {
        print_listings(r, out.f);
        sheet_print(&sheet, 0, out.f);
    }
    ok = ok && !sheet.failed;
    sheet_end(&sheet);
    return caps_end(&a->o, &out, ok);
}

/* ---- options ------------------------------------------------------------------------- */

/* Takes the options that no other sub-command has out of argv. */
static int own_options(int *argc, char **argv, struct asked *a)
{
    const struct {
        const char *name;
        const char **to;
    } own[] = {{"--include", &a->include}, {"--compiler", &a->compiler}, {"--toolchain", &a->go}};
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        bool mine = false;
        for (size_t k = 0; k < sizeof own / sizeof own[0] && !mine; k++) {
            const size_t n = strlen(own[k].name);
            if (strncmp(argv[i], own[k].name, n) != 0) continue;
            if (argv[i][n] != '\0' && argv[i][n] != '=') continue;
            mine = true;
            if (argv[i][n] == '=')
                *own[k].to = argv[i] + n + 1;
            else if (i + 1 < *argc)
                *own[k].to = argv[++i];
            else
                return caps_wrong("asm", "'%s' needs a value", own[k].name);
        }
        if (!mine) argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    *argc = kept;
    if (a->compiler != NULL && strcmp(a->compiler, "gcc") != 0 && strcmp(a->compiler, "clang") != 0)
        return caps_wrong("asm", "--compiler: '%.60s' is not known; there are gcc and clang",
                          a->compiler);
    return 0;
}

/* The headers beside the tool, where they are installed and where they are built. */
static int find_include(struct asked *a)
{
    char header[4300];
    if (a->include != NULL) {
        snprintf(header, sizeof header, "%s/bosk/slice.h", a->include);
        if (access(header, R_OK) == 0) return 0;
        return caps_wrong("asm", "--include: there is no bosk/slice.h in '%.60s'", a->include);
    }
    char exe[4000];
    const ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash == NULL) return 0;
    *slash = '\0';
    snprintf(a->found_include, sizeof a->found_include, "%s/../include", exe);
    snprintf(header, sizeof header, "%s/bosk/slice.h", a->found_include);
    if (access(header, R_OK) == 0) a->include = a->found_include;
    return 0;
}

static int unknown(const char *name)
{
    char names[256] = "make";
    for (size_t i = 0; i < ASM_SNIPPETS; i++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, ", %s", asm_snippets[i].name);
    }
    return caps_wrong("asm", "'%.60s' is nothing that is compiled; there are %s", name, names);
}

/* "make" is all that begin with make-. */
static bool is_called(const char *name, const char *word)
{
    const size_t n = strlen(word);
    return n != 0 && strncmp(name, word, n) == 0 && (name[n] == '\0' || name[n] == '-');
}

static int pick_snippets(const struct caps_options *o, bool wanted[ASM_SNIPPETS])
{
    for (size_t i = 0; i < ASM_SNIPPETS; i++) wanted[i] = o->arg_count == 0;
    for (size_t k = 0; k < o->arg_count; k++) {
        size_t found = 0;
        for (size_t i = 0; i < ASM_SNIPPETS; i++) {
            if (!is_called(asm_snippets[i].name, o->args[k])) continue;
            wanted[i] = true;
            found++;
        }
        if (found == 0) return unknown(o->args[k]);
    }
    return 0;
}

/* What this version of the headers does not have is left out. */
static void leave_out(const struct asked *a, bool wanted[ASM_SNIPPETS])
{
    char header[4300];
    for (size_t i = 0; i < ASM_SNIPPETS && a->include != NULL; i++) {
        snprintf(header, sizeof header, "%s/%s", a->include, asm_snippets[i].header);
        if (access(header, R_OK) != 0) wanted[i] = false;
    }
}

static bool is_asked(const struct caps_options *o, const struct asm_target *t)
{
    if (!o->arch_given) return true;
    for (size_t i = 0; i < o->arches; i++)
        if (o->arch[i] == t->arch) return true;
    return false;
}

static int compile_all(struct asked *a, const bool wanted[ASM_SNIPPETS], struct results *r)
{
    for (size_t t = 0; t < ASM_TARGETS; t++) {
        const size_t before = r->count;
        bool found = false;
        if (!is_asked(&a->o, &asm_targets[t])) continue;
        for (int clang = 0; clang < 2; clang++) {
            struct asm_compiler c;
            if (a->compiler != NULL && (strcmp(a->compiler, "clang") == 0) != (clang == 1))
                continue;
            if (!asm_find_compiler(&asm_targets[t], clang == 1, &c)) continue;
            found = true;
            (void)by_compiler(a, wanted, &asm_targets[t], &c, r);
        }
        if (r->count == before && a->o.arch_given) {
            if (!found)
                say("caps asm: no compiler for %s: neither %s-gcc nor clang", asm_targets[t].name,
                    asm_targets[t].triple);
            return EXIT_OWN;
        }
        /* Go has one answer for arm64. */
        if (a->go != NULL && (t == 0 || asm_targets[t].arch != asm_targets[t - 1].arch))
            by_go(a, wanted, &asm_targets[t], r);
    }
    if (r->count != 0) return 0;
    say("caps asm: no compiler found: neither gcc nor clang");
    return EXIT_OWN;
}

int caps_asm(int argc, char **argv)
{
    struct asked a = {.go = "go"};
    bool wanted[ASM_SNIPPETS];
    struct results r = {0};
    char path[4096];
    int status = own_options(&argc, argv, &a);
    if (status != 0) return status;
    status = caps_parse(argc, argv, TAKES_ARCH | TAKES_TEXT, &a.o);
    if (status != 0) return status - 1;
    status = pick_snippets(&a.o, wanted);
    if (status == 0) status = find_include(&a);
    if (status != 0) return status;
    leave_out(&a, wanted);
    if (strcmp(a.go, "none") == 0 || !asm_find(a.go, path, sizeof path)) a.go = NULL;
    if (a.go != NULL) {
        asm_version(path, "version", a.go_version, sizeof a.go_version);
        if (a.go_version[0] == '\0') a.go = NULL;
    }
    status = compile_all(&a, wanted, &r);
    if (status == 0) status = print(&a, &r);
    for (size_t i = 0; i < r.count; i++) asm_release(&r.list[i].listing);
    free(r.list);
    return status;
}
