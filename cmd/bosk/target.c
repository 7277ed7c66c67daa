/* target.c - see target.h. */
#define _GNU_SOURCE
#include "target.h"

#include "elf_file.h"
#include "say.h"

#include <bosk/record.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_INTERPRETERS 4 /* as the kernel */

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Looks through PATH.  0; or EACCES when something of that name exists but cannot be run. */
static int search_path(const char *command, char *path, size_t cap)
{
    const char *dirs = getenv("PATH");
    if (dirs == NULL) dirs = "/bin:/usr/bin";
    int result = ENOENT;
    for (const char *at = dirs;; at++) {
        size_t n = strcspn(at, ":");
        int len = snprintf(path, cap, "%.*s%s%s", (int)n, at, n != 0 ? "/" : "", command);
        if (len > 0 && (size_t)len < cap) {
            if (is_program(path)) return 0;
            if (access(path, F_OK) == 0) result = EACCES;
        }
        at += n;
        if (*at == '\0') return result;
    }
}

static int locate(const char *command, struct target *t)
{
    if (strchr(command, '/') == NULL) {
        int err = search_path(command, t->path, sizeof t->path);
        if (err == 0) return 0;
        if (err == ENOENT) {
            say_problem("No folder in PATH has a program of that name.", NULL, "'%s': not found",
                        command);
            return EXIT_NOT_FOUND;
        }
        say_problem("A file of that name is in PATH, but it cannot be executed.",
                    "Give it with a path, or make it executable: chmod +x FILE",
                    "'%s' cannot be run", command);
        return EXIT_CANNOT_RUN;
    }
    size_t n = strlen(command);
    struct stat st;
    if (n >= sizeof t->path || stat(command, &st) != 0) {
        int err = n >= sizeof t->path ? ENAMETOOLONG : errno;
        say_problem(strerror(err), NULL, "'%s': %s", command,
                    err == ENOENT || err == ENOTDIR ? "not found" : "cannot be reached");
        return err == ENOENT || err == ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
    }
    memcpy(t->path, command, n + 1);
    if (is_program(command)) return 0;
    if (S_ISDIR(st.st_mode))
        say_problem("It is a folder.", NULL, "'%s' cannot be run", command);
    else
        say_problem("It is not executable for this user.", "Make it so: chmod +x FILE",
                    "'%s' cannot be run", command);
    return EXIT_CANNOT_RUN;
}

/* Reads the first line of a script.  1: `t->program` is now its interpreter, 0: it is no script. */
static int read_interpreter(struct target *t)
{
    char line[256] = "";
    int fd = open(t->program, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, line, sizeof line - 1) : -1;
    if (fd >= 0) close(fd);
    if (n < 2 || line[0] != '#' || line[1] != '!') return 0;
    line[n] = '\0';
    char *at = line + 2;
    at += strspn(at, " \t");
    at[strcspn(at, " \t\r\n")] = '\0';
    snprintf(t->program, sizeof t->program, "%s", at);
    return 1;
}

/* `#!/usr/bin/env NAME` runs NAME: what it is decides. */
static void follow_env(const char *script, struct target *t)
{
    char line[256] = "", found[sizeof t->program];
    const char *base = strrchr(t->program, '/');
    if (base == NULL || strcmp(base, "/env") != 0) return;
    int fd = open(script, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, line, sizeof line - 1) : -1;
    if (fd >= 0) close(fd);
    if (n <= 2) return;
    line[strcspn(line, "\n")] = '\0';
    char *rest = NULL;
    strtok_r(line + 2, " \t", &rest);
    for (char *word; (word = strtok_r(NULL, " \t", &rest)) != NULL;) {
        if (word[0] == '-' || strchr(word, '=') != NULL) continue;
        if (search_path(word, found, sizeof found) == 0) memcpy(t->program, found, sizeof found);
        return;
    }
}

static int follow_scripts(const char *command, struct target *t)
{
    memcpy(t->program, t->path, sizeof t->program);
    for (int depth = 0; depth <= MAX_INTERPRETERS; depth++) {
        char script[sizeof t->program];
        memcpy(script, t->program, sizeof script);
        struct elf_facts facts;
        if (elf_examine(t->program, &facts) && facts.readable) return 0;
        if (read_interpreter(t) == 0) {
            if (depth > 0) break;
            t->script = true; /* what execvp and shells do with text */
            memcpy(t->program, "/bin/sh", sizeof "/bin/sh");
            return 0;
        }
        if (!is_program(t->program)) {
            say_problem("The interpreter named in its first line does not exist or cannot be run.",
                        NULL, "'%s': bad interpreter '%s'", command, t->program);
            return EXIT_CANNOT_RUN;
        }
        follow_env(script, t);
    }
    say_problem("Its interpreter is a script again, too many times over.", NULL,
                "'%s' cannot be run", command);
    return EXIT_CANNOT_RUN;
}

/* As the kernel decides about AT_SECURE, which makes the dynamic linker drop the preload. */
static const char *privilege(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) return NULL;
    if ((st.st_mode & S_ISUID) && st.st_uid != getuid()) return "is set-user-id";
    if ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != getgid())
        return "is set-group-id";
    if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
        return "has file capabilities";
    return NULL;
}

static int refuse_static(const struct target *t, const struct elf_facts *f)
{
    if (f->go)
        say_problem("A preload cannot reach it, and Go brings its own heap.",
                    "It has its own profiler: go tool pprof http://HOST:6060/debug/pprof/heap",
                    "'%s' is a static Go program", t->name);
    else
        say_problem("No library can be preloaded into it.",
                    "Link it dynamically, or link the runtime into it: -lbosk-malloc",
                    "'%s' is statically linked", t->name);
    return EXIT_CANNOT_RUN;
}

static int refuse_libc(const struct target *t, const struct elf_facts *f)
{
    const char *libc = strstr(f->interp, "musl") != NULL   ? "musl"
                     : strstr(f->interp, "uClibc") != NULL ? "uClibc"
                     : strstr(f->interp, "linker") != NULL ? "Android's libc"
                                                           : NULL;
    if (libc == NULL &&
        (strstr(f->interp, "/ld-linux") != NULL || strstr(f->interp, "/ld64.so") != NULL ||
         strstr(f->interp, "/ld.so") != NULL || strstr(f->interp, "/ld-") != NULL))
        return 0;
    say_problem("The library to preload is built for glibc.",
                "Build the program for glibc, or link the runtime into it: libbosk.a",
                "'%s' is a program of %s (%s)", t->name, libc != NULL ? libc : "another C library",
                f->interp);
    return EXIT_CANNOT_RUN;
}

static int refuse_version(const struct target *t, const struct elf_facts *f)
{
    char version[sizeof f->bosk_version];
    say("'%s' has the runtime of bosk %s linked in, this is %s, and their recordings differ",
        t->name, text_clean(f->bosk_version, version, sizeof version), BOSK_VERSION);
    return EXIT_CANNOT_RUN;
}

static int examine(struct target *t)
{
    struct elf_facts f;
    if (!elf_examine(t->program, &f)) {
        say_problem("It can be executed but not read, so nothing is known about it.", NULL,
                    "'%s' cannot be run: %s", t->name, strerror(errno));
        return EXIT_CANNOT_RUN;
    }
    if (!f.readable || !f.executable) {
        say_problem("It is not a program in ELF format.", NULL, "'%s' cannot be run", t->name);
        return EXIT_CANNOT_RUN;
    }
    if (f.machine != elf_own_machine() || f.bits != (int)sizeof(void *) * 8) {
        say_problem("The library to preload is built for this machine.",
                    "Use a bosk that is built for that one.", "'%s' is a %s program", t->name,
                    elf_machine_name(f.machine, f.bits));
        return EXIT_CANNOT_RUN;
    }
    const char *why = privilege(t->program);
    if (why != NULL) {
        say_problem("The system ignores preloads for it.",
                    "Run a copy of it without that privilege: cp PROGRAM COPY", "'%s' %s", t->name,
                    why);
        return EXIT_CANNOT_RUN;
    }
    if (f.bosk_note) {
        if (f.bosk_record != BOSK_RECORD_VERSION) return refuse_version(t, &f);
        t->embedded = true;
        return 0;
    }
    if (f.interp[0] == '\0') return refuse_static(t, &f);
    if (f.sanitizer[0] != '\0') {
        say_problem("A sanitizer brings its own malloc and must come first.",
                    "Build the program without it for this purpose.",
                    "'%s' is built with a sanitizer (%s)", t->name, f.sanitizer);
        return EXIT_CANNOT_RUN;
    }
    if (f.own_malloc) {
        say_problem(
            "A malloc in the executable itself wins over any preload: nothing would be recorded.",
            "Link it without that allocator for this purpose.", "'%s' defines its own malloc",
            t->name);
        return EXIT_CANNOT_RUN;
    }
    return refuse_libc(t, &f);
}

static void set_name(const char *command, struct target *t)
{
    const char *base = strrchr(command, '/');
    base = base != NULL ? base + 1 : command;
    size_t n = 0;
    for (; base[n] != '\0' && n + 1 < sizeof t->name; n++) {
        unsigned char c = (unsigned char)base[n];
        t->name[n] =
            isalnum(c) || (c == '.' && n > 0) || c == '_' || c == '+' || c == '-' ? (char)c : '_';
    }
    t->name[n] = '\0';
    if (n == 0) memcpy(t->name, "program", sizeof "program");
}

int target_find(const char *command, struct target *t)
{
    memset(t, 0, sizeof *t);
    if (command[0] == '\0') {
        say_problem("Its name is empty.", NULL, "no program to run");
        return EXIT_NOT_FOUND;
    }
    int status = locate(command, t);
    if (status != 0) return status;
    set_name(command, t);
    status = follow_scripts(command, t);
    return status != 0 ? status : examine(t);
}
