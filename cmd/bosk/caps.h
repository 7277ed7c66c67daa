/* caps.h - `bosk caps`: how Go's slices grow, and what else its allocator decides, as tables.
 *
 * One sub-command a file.  Each gets its own name as argv[0] and returns the exit status.  Wrong
 * input is one line on standard error and EXIT_USAGE: see caps_wrong().  Everything that is
 * computed comes from <bosk/growth.h>.
 */
#ifndef BOSK_CMD_CAPS_H
#define BOSK_CMD_CAPS_H

#include "say.h"

#include <bosk/growth.h>
#include <stdio.h>

int caps_slice(int argc, char **argv);
int caps_size(int argc, char **argv);
int caps_classes(int argc, char **argv);
int caps_struct(int argc, char **argv);
int caps_explain(int argc, char **argv);
int caps_advise(int argc, char **argv);
int caps_map(int argc, char **argv);
int caps_asm(int argc, char **argv);

/* "bosk: caps NAME: TEXT", one line; returns EXIT_USAGE. */
int caps_wrong(const char *name, const char *text, ...) BOSK_PRINTF(2, 3);

/* ---- what was asked for ------------------------------------------------------------------- */

/* By which growth is computed: a version of Go, or a free rule. */
struct caps_rule {
    bosk_growth growth;
    unsigned minor; /* of Go 1.minor; 0 for a free rule */
    char name[48];  /* "1.22", or the words of the rule */
};

enum caps_format { CAPS_TABLE, CAPS_JSON, CAPS_CSV, CAPS_SVG, CAPS_HTML, CAPS_MERMAID, CAPS_DOT };

/* Options that a sub-command takes, besides --output and --help. */
enum {
    TAKES_ELEM = 1,   /* --elem, --ptr */
    TAKES_GO = 2,     /* --go, --arch */
    TAKES_ARCH = 256, /* --arch alone */
    TAKES_RULE = 4,   /* --rule */
    TAKES_LADDER = 8, /* --from, --append, --to */
    TAKES_TEXT = 16,  /* --json, --csv */
    TAKES_PLOT = 32,  /* --svg, --html */
    TAKES_GRAPH = 64, /* --mermaid, --dot */
    TAKES_PTR = 128,  /* --ptr alone */
    TAKES_MAP =
        512 /* --key, --val, --hint, --load, --capacity, --steps, --seed; --rule threshold */
};

enum { CAPS_RULES = 32 };

struct caps_options {
    const char *name; /* of the sub-command */
    const char *elem; /* a number or a type */
    bool ptr;
    struct caps_rule rule[CAPS_RULES];
    size_t rules;
    bosk_arch arch[BOSK_ARCHES];
    size_t arches;
    bool go_given, arch_given;
    int64_t from, append, to; /* to: 0 unless given */
    const char *key, *val;    /* of maps */
    int64_t hint, capacity, seed;
    double load;
    bool threshold, steps;
    enum caps_format format;
    const char *output; /* NULL: standard output */
    char **args;        /* what is left, ended by NULL */
    size_t arg_count;
};

/* Reads the options that are in `takes`.  0: go on; else the exit status plus one, and all has been
 * said. */
BOSK_NODISCARD int caps_parse(int argc, char **argv, unsigned takes, struct caps_options *out);

/* A whole number as people write it: 4096, 1_000_000, 1e6.  False: none, or none in 0 to 2^63-1. */
BOSK_NODISCARD bool caps_number(const char *text, int64_t *out);

/* The element that --elem names on an architecture: a type of Go, or a size with --ptr.  0, or
 * EXIT_USAGE after saying what is wrong. */
struct caps_elem {
    uint64_t size;
    bool noscan;
};
BOSK_NODISCARD int caps_elem_of(const struct caps_options *o, bosk_arch arch,
                                struct caps_elem *out);

/* The version of Go whose allocator rounds as `rule` does; 0 when it rounds to nothing. */
unsigned caps_rounds_as(const struct caps_rule *rule);

/* Which part of the allocator serves a request of `size` bytes. */
const char *caps_level(uint64_t size, bool noscan, const bosk_go_block *block);

/* "1.18 to 1.21, 1.24" of the versions whose bit is set (bit 0: 1.15), "amd64, arm64" likewise. */
struct caps_text {
    char s[160];
};
struct caps_text caps_versions(uint32_t set);
struct caps_text caps_arches(uint32_t set);

/* Answers for each rule on each architecture (number arch * rules + rule, as o->arch and o->rule
 * list them), of which equal ones are shown once.  Each group is all of its versions on all of its
 * architectures.  `out` has room for all answers; the count of groups is returned. */
struct caps_group {
    size_t first;              /* an answer of the group */
    uint32_t versions, arches; /* versions: 0 for a free rule */
};
typedef bool (*caps_equal_fn)(const void *ctx, size_t a, size_t b);
size_t caps_group(const struct caps_options *o, caps_equal_fn equal, const void *ctx,
                  struct caps_group *out);
enum { CAPS_ANSWERS = CAPS_RULES * BOSK_ARCHES };
/* ["1.18", "1.19"] and ["amd64"] */
struct json_t *caps_versions_json(uint32_t set);
struct json_t *caps_arches_json(uint32_t set);

/* ---- what is shown ------------------------------------------------------------------------- */

/* A stream for the whole answer, and its end: 0, or EXIT_OWN when it could not be written.  With
 * `ok` false nothing is written. */
struct caps_out {
    FILE *f;
    char *data;
    size_t bytes;
};
BOSK_NODISCARD int caps_begin(const struct caps_options *o, struct caps_out *out);
BOSK_NODISCARD int caps_end(const struct caps_options *o, struct caps_out *out, bool ok);

/* A table, filled cell by cell in the order of its columns. */
struct column {
    const char *key;   /* in JSON and CSV */
    const char *title; /* in text */
    bool left;         /* aligned to the left */
    int decimals;      /* of real numbers */
};
struct cell;
struct sheet {
    const struct column *column;
    size_t columns;
    struct cell *cell;
    size_t cells, room;
    bool failed; /* out of memory */
};
void sheet_begin(struct sheet *s, const struct column *column, size_t columns);
void sheet_int(struct sheet *s, int64_t v);
void sheet_size(struct sheet *s, uint64_t v);
void sheet_real(struct sheet *s, double v);
void sheet_text(struct sheet *s, const char *text);
void sheet_none(struct sheet *s);
void sheet_end(struct sheet *s);

/* `f` gets the columns from `first` on.  Numbers are written with commas in text only. */
void sheet_print(const struct sheet *s, size_t first, FILE *f);
void sheet_csv(const struct sheet *s, size_t first, bool head, FILE *f);
struct json_t *sheet_json(const struct sheet *s, size_t first);

/* Writes `root`, which is released; false when there was no memory for it. */
bool caps_json(struct json_t *root, FILE *f);

#endif /* BOSK_CMD_CAPS_H */
