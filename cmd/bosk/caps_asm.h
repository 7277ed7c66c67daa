/* caps_asm.h - what the parts of `bosk caps asm` share: listings, and running compilers. */
#ifndef BOSK_CMD_CAPS_ASM_H
#define BOSK_CMD_CAPS_ASM_H

#include "caps.h"

/* Whose words a listing is written in. */
enum asm_dialect { ASM_X86, ASM_ARM64, ASM_ARM, ASM_GO };

/* A function, as a compiler wrote it: its instructions and the labels that they name. */
struct asm_listing {
    char *text; /* one line each, ended by newlines; cold parts at the end */
    size_t instructions;
    size_t fast; /* on the way to a return with the fewest calls */
    size_t turn; /* of its cheapest loop; 0: there is none */
    size_t calls, fast_calls;
    size_t atomics; /* read-modify-writes: locked ones, LSE's, load-exclusive ... */
    size_t fences;
};

/* Finds function `name` in what a compiler wrote.  False: it is not there, or there is no memory;
 * then there is nothing to release. */
BOSK_NODISCARD bool asm_read(const char *output, const char *name, enum asm_dialect dialect,
                             struct asm_listing *out);
void asm_release(struct asm_listing *listing);

/* Runs argv[0], found on PATH, with `input` on its standard input.  Its status, or -1 when it could
 * not be run; what it wrote is in *out and *err, ended by 0 and to be freed.  `env` is one
 * NAME=VALUE more than this process has, or NULL. */
int asm_run(char *const argv[], const char *input, const char *env, char **out, char **err);
/* Where a program is on PATH. */
BOSK_NODISCARD bool asm_find(const char *name, char *path, size_t cap);

/* ---- what is compiled, for what, by what ----------------------------------------------- */

/* A few lines that define f; where the fast path is inside a loop, also `bare`, the same loop
 * around nothing. */
struct asm_snippet {
    const char *name, *c, *go; /* as a program says it; go: "" when it has no word for it */
    const char *header;        /* whose presence the snippet needs */
    const char *c_source, *go_source;
    bool loop;
    size_t go_bare_more; /* instructions of Go's bare loop that f's does not have */
};
enum { ASM_SNIPPETS = 8, ASM_TARGETS = 5 };
extern const struct asm_snippet asm_snippets[ASM_SNIPPETS];

struct asm_target {
    const char *name, *triple;
    bosk_arch arch;
    enum asm_dialect dialect;
    const char *flags[3];
};
extern const struct asm_target asm_targets[ASM_TARGETS];

struct asm_compiler {
    char path[4096];
    char name[32]; /* "gcc 12.2.0" */
    bool clang;
};
/* A compiler for a target: its own gcc, the machine's gcc when that is what it compiles for, or
 * clang. */
BOSK_NODISCARD bool asm_find_compiler(const struct asm_target *t, bool clang,
                                      struct asm_compiler *c);
/* The version that a compiler tells when asked by `option`; "" when it does not. */
void asm_version(const char *path, const char *option, char *out, size_t cap);

/* The assembler text of a snippet, to be freed; NULL after *why was set, to be freed too. `include`
 * is where bosk/ is, or NULL: where compilers look.  Go reads files only: in a folder that is made
 * for it and removed. */
char *asm_compile(const char *include, const struct asm_snippet *s, const struct asm_target *t,
                  const struct asm_compiler *c, char **why);
char *asm_compile_go(const char *go, const struct asm_snippet *s, const struct asm_target *t,
                     char **why);

#endif /* BOSK_CMD_CAPS_ASM_H */
