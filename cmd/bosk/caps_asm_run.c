/* caps_asm_run.c - runs compilers for `bosk caps asm`. */
#define _GNU_SOURCE
#include "caps_asm.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* No compiler needs this long for a few lines. */
enum { TIMEOUT_S = 60 };

bool asm_find(const char *name, char *path, size_t cap)
{
    const char *dirs = getenv("PATH");
    if (dirs == NULL) dirs = "/usr/local/bin:/usr/bin:/bin";
    if (strchr(name, '/') != NULL) {
        const int n = snprintf(path, cap, "%s", name);
        return n > 0 && (size_t)n < cap && access(path, X_OK) == 0;
    }
    for (const char *dir = dirs;; dir++) {
        const size_t n = strcspn(dir, ":");
        const int used =
            snprintf(path, cap, "%.*s/%s", n != 0 ? (int)n : 1, n != 0 ? dir : ".", name);
        if (used > 0 && (size_t)used < cap && access(path, X_OK) == 0) return true;
        dir += n;
        if (*dir == '\0') return false;
    }
}

/* All of a file, ended by 0; NULL when there is no memory. */
static char *contents(FILE *f)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    if (to == NULL) return NULL;
    char part[4096];
    rewind(f);
    for (size_t n; (n = fread(part, 1, sizeof part, f)) != 0;) fwrite(part, 1, n, to);
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void child(char *const argv[], FILE *const files[3], const char *env)
{
    for (int fd = 0; fd < 3; fd++)
        if (dup2(fileno(files[fd]), fd) < 0) _exit(126);
    if (env != NULL && putenv((char *)env) != 0) _exit(126);
    /* Labels and messages as they are known here. */
    if (setenv("LC_ALL", "C", 1) != 0) _exit(126);
    signal(SIGPIPE, SIG_DFL);
    alarm(TIMEOUT_S);
    execvp(argv[0], argv);
    _exit(127);
}

int asm_run(char *const argv[], const char *input, const char *env, char **out, char **err)
{
    /* Files, not pipes: nobody has to read while somebody writes. */
    FILE *files[3] = {tmpfile(), tmpfile(), tmpfile()};
    int status = -1;
    *out = *err = NULL;
    const bool ready = files[0] != NULL && files[1] != NULL && files[2] != NULL &&
                       fputs(input, files[0]) >= 0 && fflush(files[0]) == 0;
    if (ready) {
        rewind(files[0]);
        fflush(NULL);
        const pid_t pid = fork();
        if (pid == 0) child(argv, files, env);
        int how = 0;
        pid_t got = -1;
        if (pid > 0)
            while ((got = waitpid(pid, &how, 0)) < 0 && errno == EINTR) {}
        if (got == pid && pid > 0) status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
        *out = contents(files[1]);
        *err = contents(files[2]);
    }
    for (int i = 0; i < 3; i++)
        if (files[i] != NULL) fclose(files[i]);
    if (*out == NULL || *err == NULL) {
        free(*out);
        free(*err);
        *out = *err = NULL;
        return -1;
    }
    return status;
}
