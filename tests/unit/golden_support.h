/* golden_support.h - reading the CSV files that real Go programs printed.
 *
 *     struct golden g;
 *     for (golden_open(&g, "sizes.csv"); golden_next(&g);) use(g.field[2]);
 *
 * golden_next ends the test unless the rows read are as many as the file has lines; golden_close
 * is part of reading the last row.  Fields in double quotes are unquoted.
 */
#ifndef GOLDEN_SUPPORT_H
#define GOLDEN_SUPPORT_H

#include "bosk_test.h"

#include <bosk/growth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN_FIELDS 12

struct golden {
    FILE *f;
    const char *name;
    char line[512];
    char *field[GOLDEN_FIELDS];
    unsigned fields, rows;
    unsigned minor; /* of the row's Go version */
    bosk_arch arch;
};

static inline void golden_split(struct golden *g)
{
    char *from = g->line, *to = g->line;
    g->fields = 0;
    while (g->fields < GOLDEN_FIELDS) {
        g->field[g->fields++] = to;
        bool quoted = *from == '"';
        if (quoted) from++;
        while (*from != '\0' && *from != '\n' && (quoted ? *from != '"' : *from != ','))
            *to++ = *from++;
        if (quoted) from++;
        bool more = *from == ',';
        if (more) from++;
        *to++ = '\0';
        if (!more) return;
    }
}

static inline void golden_open(struct golden *g, const char *name)
{
    char path[512];
    memset(g, 0, sizeof *g);
    g->name = name;
    snprintf(path, sizeof path, "%s/%s", BOSK_GOLDEN_DIR, name);
    g->f = fopen(path, "re");
    CHECK_MSG(g->f != NULL, "%s", path);
    CHECK(fgets(g->line, sizeof g->line, g->f) != NULL);
    CHECK(strncmp(g->line, "go_version,arch,", 16) == 0);
}

static inline bool golden_next(struct golden *g)
{
    if (fgets(g->line, sizeof g->line, g->f) == NULL) {
        CHECK(feof(g->f));
        fclose(g->f);
        CHECK_MSG(g->rows != 0, "%s is empty", g->name);
        return false;
    }
    golden_split(g);
    g->rows++;
    CHECK_MSG(strncmp(g->field[0], "go1.", 4) == 0, "%s row %u", g->name, g->rows);
    g->minor = (unsigned)strtoul(g->field[0] + 4, NULL, 10);
    CHECK(bosk_arch_parse(g->field[1], &g->arch) == 0);
    return true;
}

static inline long long golden_number(const struct golden *g, unsigned field)
{
    char *end;
    CHECK(field < g->fields);
    long long v = strtoll(g->field[field], &end, 10);
    CHECK_MSG(*end == '\0' && end != g->field[field], "%s row %u: %s", g->name, g->rows,
              g->field[field]);
    return v;
}
static inline bool golden_is(const struct golden *g, unsigned field, const char *text)
{
    return strcmp(g->field[field], text) == 0;
}
/* Whether the row is about the machine and the rule that this process runs by. */
static inline bool golden_here(const struct golden *g)
{
    return g->arch == BOSK_ARCH_NATIVE && bosk_growth_go(g->minor) == bosk_growth_go(22);
}

/* ---- rows that cannot apply ------------------------------------------------------------------
 *
 * tests/golden/exclusions.csv is the only place for them: who leaves them out (`reader`), file,
 * case (a star at the end stands for anything), versions, and why.  A line that no row needs is an
 * error.
 */
struct golden_exclusion {
    char text[256];
    char *reader, *file, *name, *reason;
    unsigned from, to, rows;
};
#define GOLDEN_EXCLUSIONS 64
static struct golden_exclusion golden_exclusion[GOLDEN_EXCLUSIONS];
static size_t golden_exclusions;

static inline void golden_read_exclusions(void)
{
    char head[256];
    FILE *f = fopen(BOSK_SOURCE_DIR "/tests/golden/exclusions.csv", "re");
    CHECK(f != NULL && fgets(head, sizeof head, f) != NULL);
    CHECK(strcmp(head, "reader,file,case,from,to,reason\n") == 0);
    struct golden_exclusion *e = golden_exclusion;
    for (; fgets(e->text, sizeof e->text, f) != NULL; e++) {
        char *at = e->text;
        CHECK(e + 1 < golden_exclusion + GOLDEN_EXCLUSIONS);
        e->reader = strsep(&at, ",");
        e->file = strsep(&at, ",");
        e->name = strsep(&at, ",");
        e->from = (unsigned)strtoul(strsep(&at, ","), NULL, 10);
        e->to = (unsigned)strtoul(strsep(&at, ","), NULL, 10);
        e->reason = strsep(&at, "\n");
        CHECK_MSG(e->reason != NULL && *e->reason != '\0', "%s", e->text);
    }
    fclose(f);
    golden_exclusions = (size_t)(e - golden_exclusion);
}

/* Whether the row is excluded for the reader; counted. */
static inline bool golden_excluded(const struct golden *g, const char *reader)
{
    if (golden_exclusions == 0) golden_read_exclusions();
    for (size_t i = 0; i < golden_exclusions; i++) {
        struct golden_exclusion *e = &golden_exclusion[i];
        size_t n = strcspn(e->name, "*");
        if (strcmp(e->reader, reader) != 0 || strcmp(e->file, g->name) != 0) continue;
        if (g->minor < e->from || g->minor > e->to || strncmp(e->name, g->field[2], n) != 0)
            continue;
        if (e->name[n] != '*' && g->field[2][n] != '\0') continue;
        e->rows++;
        return true;
    }
    return false;
}

/* Tells what was left out of a file, after its last row; the number of rows. */
static inline unsigned golden_tell_exclusions(const char *reader, const char *file)
{
    unsigned rows = 0;
    for (size_t i = 0; i < golden_exclusions; i++) {
        const struct golden_exclusion *e = &golden_exclusion[i];
        if (strcmp(e->reader, reader) != 0 || strcmp(e->file, file) != 0) continue;
        CHECK_MSG(e->rows != 0, "exclusions.csv: no row of %s needs %s", file, e->name);
        fprintf(stderr, "%s: %u rows of %s excluded: %s\n", file, e->rows, e->name, e->reason);
        rows += e->rows;
    }
    return rows;
}

#endif /* GOLDEN_SUPPORT_H */
