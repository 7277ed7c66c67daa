/* caps_asm_text.c - reads assembler text: finds a function, counts what is in it.
 *
 * Three kinds of lines matter: labels, instructions, and the end of the function.  What a compiler
 * moved to NAME.cold belongs to the function.  The fast path is the way from the entry to a return
 * on which the fewest functions are called, and among those the shortest; a turn of a loop
 * likewise.
 */
#define _GNU_SOURCE
#include "caps_asm.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 2000, WORD = 64 };

struct line {
    char label[WORD]; /* of this line; "" for an instruction */
    char word[WORD];  /* the instruction */
    char what[160];   /* its operands */
};
struct reader {
    enum asm_dialect dialect;
    struct line line[MOST];
    size_t lines;
};

static void copy_part(char *to, size_t cap, const char *from, size_t n)
{
    if (n >= cap) n = cap - 1;
    memcpy(to, from, n);
    to[n] = '\0';
}

/* ---- lines --------------------------------------------------------------------------- */

/* The end of what counts: comments begin at '#', '//' or '@', but '#' is a number on arm. */
static size_t code_length(const struct reader *r, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (r->dialect == ASM_X86 && s[i] == '#') n = i;
        if (r->dialect == ASM_ARM && s[i] == '@') n = i;
        if (r->dialect == ASM_ARM64 && s[i] == '/' && i + 1 < n && s[i + 1] == '/') n = i;
    }
    while (n > 0 && isspace((unsigned char)s[n - 1])) n--;
    return n;
}

static bool is_data(const char *word)
{
    static const char *const data[] = {".word", ".long", ".quad", ".byte", ".short", ".p2align"};
    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++)
        if (strcmp(word, data[i]) == 0) return true;
    return false;
}

static bool add(struct reader *r, const char *label, const char *word, const char *what)
{
    if (r->lines == MOST) return false;
    struct line *l = &r->line[r->lines++];
    copy_part(l->label, sizeof l->label, label, strlen(label));
    copy_part(l->word, sizeof l->word, word, strlen(word));
    copy_part(l->what, sizeof l->what, what, strlen(what));
    return true;
}

/* One line of a function.  An instruction is a word and what it works on. */
static bool add_line(struct reader *r, const char *s, size_t n)
{
    char label[WORD], word[WORD], what[160];
    n = code_length(r, s, n);
    if (n > 0 && s[n - 1] == ':' && !isspace((unsigned char)s[0])) {
        copy_part(label, sizeof label, s, n - 1);
        return add(r, label, "", "");
    }
    size_t from = 0;
    while (from < n && isspace((unsigned char)s[from])) from++;
    size_t to = from;
    while (to < n && !isspace((unsigned char)s[to])) to++;
    copy_part(word, sizeof word, s + from, to - from);
    if (word[0] == '\0' || word[0] == '.' || is_data(word)) return true;
    /* A prefix belongs to the instruction, on whichever line it stands. */
    if (strcmp(word, "lock") == 0 || strcmp(word, "rep") == 0 || strcmp(word, "lock;") == 0) {
        while (to < n && isspace((unsigned char)s[to])) to++;
        size_t second = to;
        while (to < n && !isspace((unsigned char)s[to])) to++;
        word[4 - (word[0] == 'r')] = '\0';
        snprintf(word + strlen(word), sizeof word - strlen(word), " %.*s", (int)(to - second),
                 s + second);
    }
    while (to < n && isspace((unsigned char)s[to])) to++;
    copy_part(what, sizeof what, s + to, n - to);
    for (char *c = what; *c != '\0'; c++)
        if (*c == '\t') *c = ' ';
    return add(r, "", word, what);
}

/* Function `name` of assembler text, from its label to the directive that tells its size. */
static bool read_function(struct reader *r, const char *text, const char *name)
{
    char begin[WORD + 2], size[WORD + 8];
    bool inside = false, found = false;
    snprintf(begin, sizeof begin, "%s:", name);
    snprintf(size, sizeof size, ".size\t%s,", name);
    for (const char *s = text; *s != '\0';) {
        const size_t n = strcspn(s, "\n");
        if (strncmp(s, begin, strlen(begin)) == 0) {
            inside = found = true;
        } else if (inside) {
            const char *code = s + strspn(s, " \t");
            if (strncmp(code, size, strlen(size)) == 0)
                inside = false;
            else if (!add_line(r, s, n))
                return false;
        }
        s += n + (s[n] == '\n');
    }
    return found;
}

/* "\t0x0012 00018 (x.go:3)\tMOVQ\t..." of `go tool compile -S`; jumps name the second number. */
static bool read_go(struct reader *r, const char *text, const char *name)
{
    bool inside = false, found = false;
    char begin[WORD + 8];
    snprintf(begin, sizeof begin, ".%s STEXT", name);
    for (const char *s = text; *s != '\0';) {
        const size_t n = strcspn(s, "\n");
        if (s[0] != '\t') {
            const char *at = memmem(s, n, begin, strlen(begin));
            inside = at != NULL;
            found = found || inside;
        } else if (inside) {
            unsigned offset;
            const char *code = memmem(s, n, ")\t", 2);
            if (code != NULL && sscanf(s, "\t0x%*x %u (", &offset) == 1) {
                char label[WORD], whole[256];
                code += 2;
                copy_part(whole, sizeof whole, code, n - (size_t)(code - s));
                char *what = strpbrk(whole, "\t");
                if (what != NULL) *what++ = '\0';
                snprintf(label, sizeof label, "%u", offset);
                if (strcmp(whole, "TEXT") != 0 && strcmp(whole, "PCDATA") != 0 &&
                    strcmp(whole, "FUNCDATA") != 0 && strcmp(whole, "NOP") != 0 &&
                    (!add(r, label, "", "") || !add(r, "", whole, what != NULL ? what : "")))
                    return false;
            }
        }
        s += n + (s[n] == '\n');
    }
    return found;
}

/* ---- instructions -------------------------------------------------------------------- */

static bool starts(const char *s, const char *with) { return strncmp(s, with, strlen(with)) == 0; }
static bool any_of(const char *s, const char *const words[])
{
    for (; *words != NULL; words++)
        if (strcmp(s, *words) == 0) return true;
    return false;
}

static bool is_condition(const char *s)
{
    static const char *const conditions[] = {"eq", "ne", "cs", "hs", "cc", "lo", "mi", "pl", "vs",
                                             "vc", "hi", "ls", "ge", "lt", "gt", "le", NULL};
    return any_of(s, conditions);
}

enum flow { GOES_ON, CALLS, JUMPS, BRANCHES, RETURNS };

static enum flow flow_x86(const struct line *l)
{
    if (starts(l->word, "call")) return CALLS;
    if (starts(l->word, "ret") || strcmp(l->word, "rep ret") == 0) return RETURNS;
    if (starts(l->word, "jmp")) return JUMPS;
    return l->word[0] == 'j' ? BRANCHES : GOES_ON;
}
static enum flow flow_arm64(const struct line *l)
{
    static const char *const branches[] = {"cbz", "cbnz", "tbz", "tbnz", NULL};
    if (strcmp(l->word, "bl") == 0 || strcmp(l->word, "blr") == 0) return CALLS;
    if (strcmp(l->word, "ret") == 0) return RETURNS;
    if (strcmp(l->word, "b") == 0 || strcmp(l->word, "br") == 0) return JUMPS;
    if (any_of(l->word, branches) || starts(l->word, "b.")) return BRANCHES;
    return l->word[0] == 'b' && is_condition(l->word + 1) ? BRANCHES : GOES_ON;
}
static enum flow flow_arm(const struct line *l)
{
    char word[WORD];
    copy_part(word, sizeof word, l->word, strcspn(l->word, ".")); /* .n and .w tell the width */
    if (strcmp(word, "bl") == 0 || strcmp(word, "blx") == 0) return CALLS;
    if (strcmp(word, "bx") == 0) return RETURNS;
    if ((starts(word, "pop") || starts(word, "ldm")) && strstr(l->what, "pc}") != NULL)
        return strlen(word) > 3 && is_condition(word + strlen(word) - 2) ? GOES_ON : RETURNS;
    if (strcmp(word, "b") == 0) return JUMPS;
    if (strcmp(word, "cbz") == 0 || strcmp(word, "cbnz") == 0) return BRANCHES;
    return word[0] == 'b' && is_condition(word + 1) ? BRANCHES : GOES_ON;
}
static enum flow flow_go(const struct line *l)
{
    static const char *const branches[] = {"CBZ", "CBNZ", "CBZW", "CBNZW", "TBZ", "TBNZ", NULL};
    if (strcmp(l->word, "CALL") == 0 || strcmp(l->word, "BL") == 0) return CALLS;
    if (strcmp(l->word, "RET") == 0) return RETURNS;
    const size_t n = strlen(l->what); /* on arm a load of the program counter */
    if (starts(l->word, "MOVW") && n > 5 && strcmp(l->what + n - 5, ", R15") == 0) return RETURNS;
    if (strcmp(l->word, "JMP") == 0 || strcmp(l->word, "B") == 0) return JUMPS;
    if (any_of(l->word, branches) || l->word[0] == 'J') return BRANCHES;
    return l->word[0] == 'B' && strlen(l->word) == 3 ? BRANCHES : GOES_ON;
}
static enum flow flow_of(const struct reader *r, const struct line *l)
{
    switch (r->dialect) {
    case ASM_X86: return flow_x86(l);
    case ASM_ARM64: return flow_arm64(l);
    case ASM_ARM: return flow_arm(l);
    default: return flow_go(l);
    }
}

/* Where a jump goes: the last operand.  `lines` when that is no label of this function. */
static size_t target(const struct reader *r, const struct line *l)
{
    const char *name = strrchr(l->what, ',');
    name = name != NULL ? name + 1 : l->what;
    name += strspn(name, " \t");
    for (size_t i = 0; i < r->lines; i++)
        if (r->line[i].label[0] != '\0' && strcmp(r->line[i].label, name) == 0) return i;
    return r->lines;
}

static bool is_fence(const struct line *l)
{
    static const char *const fences[] = {"mfence", "dmb", "dsb", "MFENCE", "DMB", "DSB", NULL};
    const bool locked_or = starts(l->word, "lock or") && strstr(l->what, "sp)") != NULL;
    return any_of(l->word, fences) || locked_or; /* of nothing to the stack: a fence in disguise */
}
/* A read-modify-write: the instruction, or the first of the two that make one. */
static bool is_atomic(const struct line *l)
{
    static const char *const exact[] = {"LOCK", NULL};
    static const char *const begin[] = {"lock ",  "ldxr",  "ldaxr", "ldrex", "ldaex", "ldadd",
                                        "ldset",  "ldclr", "ldeor", "ldsma", "ldumi", "stadd",
                                        "LDADDA", "LDAXR", "LDREX", NULL};
    if (is_fence(l)) return false;
    if (any_of(l->word, exact)) return true;
    if (starts(l->word, "xchg") && strchr(l->what, '(') != NULL) return true;
    if ((starts(l->word, "cas") || starts(l->word, "swp")) && strchr(l->what, '[') != NULL)
        return true;
    for (size_t i = 0; begin[i] != NULL; i++)
        if (starts(l->word, begin[i])) return true;
    return false;
}

/* ---- the whole ----------------------------------------------------------------------- */

enum { A_CALL = 1 << 20, NO_WAY = 1 << 30 }; /* costs of ways, where an instruction is 1 */

/* What can follow line i: at most two; `lines` is a return. */
static int successors(const struct reader *r, size_t i, size_t next[2])
{
    const struct line *l = &r->line[i];
    const enum flow flow = l->word[0] == '\0' ? GOES_ON : flow_of(r, l);
    int n = 0;
    if (flow == RETURNS) next[n++] = r->lines;
    if (flow == JUMPS || flow == BRANCHES) next[n++] = target(r, l);
    /* Behind the last line is nothing: what is called there does not come back. */
    if (flow != RETURNS && flow != JUMPS && i + 1 < r->lines) next[n++] = i + 1;
    return n;
}
static int cost_of(const struct reader *r, size_t i)
{
    const struct line *l = &r->line[i];
    if (l->word[0] == '\0') return 0;
    const enum flow flow = flow_of(r, l);
    const bool leaves = flow == JUMPS && target(r, l) == r->lines;
    return 1 + (flow == CALLS || leaves ? A_CALL : 0);
}

/* The least cost of a way that begins with line `from` and comes to `to` (`lines`: to a return). */
static int cheapest(const struct reader *r, size_t from, size_t to)
{
    static int cost[MOST + 1];
    for (size_t i = 0; i <= r->lines; i++) cost[i] = NO_WAY;
    size_t next[2];
    const int n = successors(r, from, next);
    for (int k = 0; k < n; k++) cost[next[k]] = cost_of(r, from);
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < r->lines; i++) {
            if (cost[i] >= NO_WAY || i == to) continue;
            const int m = successors(r, i, next), then = cost[i] + cost_of(r, i);
            for (int k = 0; k < m; k++)
                if (then < cost[next[k]]) {
                    cost[next[k]] = then;
                    changed = true;
                }
        }
    }
    return cost[to];
}

/* The fast path, and the cheapest loop. */
static void follow(const struct reader *r, struct asm_listing *out)
{
    const int fast = cheapest(r, 0, r->lines);
    if (fast < NO_WAY) {
        out->fast = (size_t)(fast % A_CALL);
        out->fast_calls = (size_t)(fast / A_CALL);
    }
    int turn = NO_WAY;
    for (size_t i = 0; i < r->lines; i++) {
        if (r->line[i].label[0] == '\0') continue;
        const int t = cheapest(r, i, i);
        if (t < turn) turn = t;
    }
    if (turn < NO_WAY) out->turn = (size_t)(turn % A_CALL);
}

static bool named(const struct reader *r, const char *label)
{
    for (size_t i = 0; i < r->lines; i++) {
        const enum flow flow = r->line[i].word[0] != '\0' ? flow_of(r, &r->line[i]) : GOES_ON;
        if ((flow == JUMPS || flow == BRANCHES) && target(r, &r->line[i]) < r->lines &&
            strcmp(r->line[target(r, &r->line[i])].label, label) == 0)
            return true;
    }
    return false;
}

static bool write_text(const struct reader *r, struct asm_listing *out)
{
    size_t bytes = 0;
    FILE *f = open_memstream(&out->text, &bytes);
    if (f == NULL) return false;
    for (size_t i = 0; i < r->lines; i++) {
        const struct line *l = &r->line[i];
        if (l->word[0] == '\0') {
            if (named(r, l->label)) fprintf(f, "%s:\n", l->label);
        } else if (l->what[0] != '\0') {
            fprintf(f, "    %-8s %s\n", l->word, l->what);
        } else {
            fprintf(f, "    %s\n", l->word);
        }
    }
    if (fclose(f) == 0) return true;
    free(out->text);
    return false;
}

bool asm_read(const char *output, const char *name, enum asm_dialect dialect,
              struct asm_listing *out)
{
    char cold[WORD];
    struct reader *r = calloc(1, sizeof *r);
    memset(out, 0, sizeof *out);
    if (r == NULL) return false;
    r->dialect = dialect;
    bool ok = dialect == ASM_GO ? read_go(r, output, name) : read_function(r, output, name);
    if (ok && dialect != ASM_GO) {
        snprintf(cold, sizeof cold, "%s.cold", name);
        if (strstr(output, cold) != NULL && add(r, cold, "", ""))
            (void)read_function(r, output, cold);
    }
    if (ok) {
        for (size_t i = 0; i < r->lines; i++) {
            const struct line *l = &r->line[i];
            if (l->word[0] == '\0') continue;
            const enum flow flow = flow_of(r, l);
            out->instructions++;
            out->calls += flow == CALLS || (flow == JUMPS && target(r, l) == r->lines);
            out->fences += is_fence(l);
            out->atomics += is_atomic(l);
        }
        follow(r, out);
        ok = write_text(r, out);
    }
    free(r);
    return ok;
}

void asm_release(struct asm_listing *listing)
{
    free(listing->text);
    listing->text = NULL;
}
