/* caps_asm_compile.c - what `bosk caps asm` has compiled, for what, and by what. */
#define _GNU_SOURCE
#include "caps_asm.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what is compiled ---------------------------------------------------------------- */

const struct asm_snippet asm_snippets[ASM_SNIPPETS] = {
    {"make-len", "bosk_make(longs, n)", "make([]int64, n)", "bosk/slice.h",
     "longs f(ptrdiff_t n) { return bosk_make(longs, n); }\n",
     "func f(n int) []int64 { return make([]int64, n) }\n", false, 0},
    {"make-cap", "bosk_make(longs, 0, n)", "make([]int64, 0, n)", "bosk/slice.h",
     "longs f(ptrdiff_t n) { return bosk_make(longs, 0, n); }\n",
     "func f(n int) []int64 { return make([]int64, 0, n) }\n", false, 0},
    {"make-zero", "bosk_make(longs, 0)", "make([]int64, 0)", "bosk/slice.h",
     "longs f(void) { return bosk_make(longs, 0); }\n",
     "func f() []int64 { return make([]int64, 0) }\n", false, 0},
    {"append", "s = bosk_append(s, v)", "s = append(s, v)", "bosk/slice.h",
     "void f(ints *p, const int *v, ptrdiff_t n)\n{\n    ints s = *p;\n"
     "    for (ptrdiff_t i = 0; i < n; i++) s = bosk_append(s, v[i]);\n    *p = s;\n}\n"
     "void bare(const int *v, ptrdiff_t n)\n{\n"
     "    for (ptrdiff_t i = 0; i < n; i++) __asm__ volatile(\"\" : : \"r\"(v[i]));\n}\n",
     "func f(p *[]int32, v []int32) {\n\ts := *p\n\tfor i := range v {\n"
     "\t\ts = append(s, v[i])\n\t}\n\t*p = s\n}\n"
     "func bare(v []int32) (sum int32) {\n\tfor i := range v {\n\t\tsum += v[i]\n\t}\n"
     "\treturn\n}\n",
     true, 1},
    {"push", "bosk_push(&s, v)", "", "bosk/slice.h",
     "void f(ints *p, const int *v, ptrdiff_t n)\n{\n    ints s = *p;\n"
     "    for (ptrdiff_t i = 0; i < n; i++) bosk_push(&s, v[i]);\n    *p = s;\n}\n"
     "void bare(const int *v, ptrdiff_t n)\n{\n"
     "    for (ptrdiff_t i = 0; i < n; i++) __asm__ volatile(\"\" : : \"r\"(v[i]));\n}\n",
     NULL, true, 0},
    {"box", "bosk_box(v)", "any(v)", "bosk/any.h",
     "bosk_any f(int64_t v) { return bosk_box(v); }\n", "func f(v int64) any { return v }\n", false,
     0},
    {"box-const", "bosk_box(42)", "any(42)", "bosk/any.h",
     "bosk_any f(void) { return bosk_box(42); }\n", "func f() any { return 42 }\n", false, 0},
    {"cslice", "bosk_cslice_append(&c, v)", "", "bosk/cslice.h",
     "ptrdiff_t f(shared_longs *c, int64_t v) { return bosk_cslice_append(c, v); }\n", NULL, false,
     0},
};

static const char prelude[] = "#include <bosk/slice.h>\n"
                              "#if __has_include(<bosk/cslice.h>)\n#include <bosk/cslice.h>\n"
                              "typedef BOSK_CSLICE(int64_t) shared_longs;\n#endif\n"
                              "#if __has_include(<bosk/any.h>)\n#include <bosk/any.h>\n#endif\n"
                              "typedef BOSK_SLICE(int) ints;\n"
                              "typedef BOSK_SLICE(int64_t) longs;\n";

/* ---- for what, and by what ----------------------------------------------------------- */

const struct asm_target asm_targets[ASM_TARGETS] = {
    {"amd64", "x86_64-linux-gnu", BOSK_AMD64, ASM_X86, {"-fcf-protection=none"}},
    {"arm64",
     "aarch64-linux-gnu",
     BOSK_ARM64,
     ASM_ARM64,
     {"-march=armv8-a", "-mno-outline-atomics"}},
    {"arm64 LSE", "aarch64-linux-gnu", BOSK_ARM64, ASM_ARM64, {"-march=armv8.1-a"}},
    {"386", "i686-linux-gnu", BOSK_386, ASM_X86, {"-march=i686", "-fcf-protection=none"}},
    {"arm", "arm-linux-gnueabihf", BOSK_ARM, ASM_ARM, {"-march=armv7-a+fp"}},
};

void asm_version(const char *path, const char *option, char *out, size_t cap)
{
    char *argv[] = {(char *)path, (char *)option, NULL}, *said, *err;
    out[0] = '\0';
    if (asm_run(argv, "", NULL, &said, &err) == 0) {
        const char *v = strstr(said, "go1."); /* "go version go1.19 linux/amd64" */
        v = v != NULL ? v : said;
        snprintf(out, cap, "%.*s", (int)strcspn(v, " \n"), v);
    }
    free(said);
    free(err);
}

bool asm_find_compiler(const struct asm_target *t, bool clang, struct asm_compiler *c)
{
    char name[64];
    snprintf(name, sizeof name, "%s-gcc", t->triple);
    c->clang = clang;
    const bool there =
        clang ? asm_find("clang", c->path, sizeof c->path)
              : asm_find(name, c->path, sizeof c->path) ||
                    (t->arch == BOSK_ARCH_NATIVE && asm_find("gcc", c->path, sizeof c->path));
    if (!there) return false;
    char version[20];
    asm_version(c->path, clang ? "-dumpversion" : "-dumpfullversion", version, sizeof version);
    snprintf(c->name, sizeof c->name, "%s %s", clang ? "clang" : "gcc", version);
    return true;
}

char *asm_compile(const char *include, const struct asm_snippet *s, const struct asm_target *t,
                  const struct asm_compiler *c, char **why)
{
    char target[64], where[4200], source[4096];
    char *argv[24];
    size_t n = 0;
    snprintf(target, sizeof target, "--target=%s", t->triple);
    snprintf(where, sizeof where, "-I%s", include != NULL ? include : ".");
    argv[n++] = (char *)c->path;
    if (c->clang) argv[n++] = target;
    for (size_t i = 0; i < 3 && t->flags[i] != NULL; i++) argv[n++] = (char *)t->flags[i];
    /* What would only be around the function, and loops that are not taken apart. */
    static const char *const common[] = {"-std=gnu11",         "-O2",
                                         "-fno-pie",           "-fno-asynchronous-unwind-tables",
                                         "-fno-unwind-tables", "-fno-stack-protector",
                                         "-fno-unroll-loops",  "-fno-ident"};
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) argv[n++] = (char *)common[i];
    if (include != NULL) argv[n++] = where;
    argv[n++] = (char *)"-S";
    argv[n++] = (char *)"-o";
    argv[n++] = (char *)"-";
    argv[n++] = (char *)"-xc";
    argv[n++] = (char *)"-";
    argv[n] = NULL;
    snprintf(source, sizeof source, "%s%s", prelude, s->c_source);
    char *out = NULL;
    const int status = asm_run(argv, source, NULL, &out, why);
    if (status == 0) {
        free(*why);
        *why = NULL;
        return out;
    }
    free(out);
    return NULL;
}

char *asm_compile_go(const char *go, const struct asm_snippet *s, const struct asm_target *t,
                     char **why)
{
    char dir[4000], path[4100], env[32];
    const char *tmp = getenv("TMPDIR");
    char *out = NULL;
    *why = NULL;
    if (tmp == NULL || strlen(tmp) > 3900) tmp = "/tmp";
    snprintf(dir, sizeof dir, "%s/bosk-asm-XXXXXX", tmp);
    if (mkdtemp(dir) == NULL) return NULL;
    snprintf(path, sizeof path, "%s/p.go", dir);
    snprintf(env, sizeof env, "GOARCH=%s", bosk_arch_name(t->arch));
    FILE *f = fopen(path, "w");
    bool ok = f != NULL && fprintf(f, "package p\n%s", s->go_source) > 0;
    if (f != NULL && fclose(f) != 0) ok = false;
    char *argv[] = {(char *)go,  (char *)"tool", (char *)"compile",   (char *)"-S", (char *)"-p",
                    (char *)"p", (char *)"-o",   (char *)"/dev/null", path,         NULL};
    if (ok && asm_run(argv, "", env, &out, why) != 0) {
        free(out);
        out = NULL;
    }
    unlink(path);
    rmdir(dir);
    if (out != NULL) {
        free(*why);
        *why = NULL;
    }
    return out;
}
