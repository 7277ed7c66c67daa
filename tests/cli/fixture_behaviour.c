/* fixture_behaviour.c - programs that do what programs should not, one for each first argument.
 *
 *     exit N | signal N | closefds | setuid N | forks N | vfork PROGRAM | threads N | ignoreterm |
 *     waitusr1 | clearenv PROGRAM | labels | deep | grow N | dlopen FILE SYMBOL
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEP(p) __asm__ volatile("" : "+r"(p)::"memory")

static void use_memory(size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 1024) {
        void *p = malloc(1024);
        KEEP(p);
    }
}

static void *thread(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        void *p = malloc(512);
        KEEP(p);
        free(p);
    }
    return arg;
}

static int threads(int n)
{
    for (int i = 0; i < n; i += 8) {
        pthread_t id[8];
        for (int k = 0; k < 8; k++)
            if (pthread_create(&id[k], NULL, thread, NULL) != 0) return 1;
        for (int k = 0; k < 8; k++) pthread_join(id[k], NULL);
    }
    return 0;
}

static int forks(int n)
{
    use_memory(1 << 20);
    for (int i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            use_memory(256 << 10);
            _exit(0);
        }
        int status;
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) return 1;
    }
    return 0;
}

static volatile sig_atomic_t got;
static void on_signal(int n) { got = n; }

__attribute__((noinline)) static void *recurse(int n)
{
    void *p = n > 0 ? recurse(n - 1) : malloc(1 << 20);
    KEEP(p);
    return p;
}

/* One block that grows in `n` steps of 100,000 bytes, and is shrunk to a tenth. */
__attribute__((noinline)) static int grow_array(int n)
{
    char *p = NULL;
    for (int i = 1; i <= n; i++) {
        char *q = realloc(p, (size_t)i * 100000);
        if (q == NULL) return 1;
        p = q;
        p[(size_t)i * 100000 - 1] = 1;
    }
    void *last = realloc(p, (size_t)n * 10000);
    KEEP(last);
    return 0;
}

static int labels(void)
{
    void (*push)(const char *), (*pop)(void);
    void *a = dlsym(RTLD_DEFAULT, "bosk_label_push"), *b = dlsym(RTLD_DEFAULT, "bosk_label_pop");
    if (a == NULL || b == NULL) return 3;
    memcpy(&push, &a, sizeof push);
    memcpy(&pop, &b, sizeof pop);
    push("request");
    use_memory(8 << 20);
    push("\033[31minner");
    use_memory(2 << 20);
    pop();
    pop();
    use_memory(2 << 20);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : "0";
    int n = atoi(arg);
    if (strcmp(what, "exit") == 0) return n;
    if (strcmp(what, "threads") == 0) return threads(n);
    if (strcmp(what, "forks") == 0) return forks(n);
    if (strcmp(what, "labels") == 0) return labels();
    if (strcmp(what, "grow") == 0) return grow_array(n);
    use_memory(4 << 20);
    if (strcmp(what, "signal") == 0) raise(n);
    if (strcmp(what, "closefds") == 0) {
        for (int fd = 0; fd < 1024; fd++) close(fd);
        use_memory(4 << 20);
        return 7;
    }
    if (strcmp(what, "setuid") == 0) {
        if (setgid((gid_t)n) != 0 || setuid((uid_t)n) != 0) return 77;
        use_memory(4 << 20);
        if (argc > 3) execv(argv[3], argv + 3);
        return 0;
    }
    if (strcmp(what, "vfork") == 0) {
        pid_t pid = vfork();
        if (pid == 0) {
            execv(arg, argv + 2);
            _exit(127);
        }
        int status;
        return waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : 1;
    }
    if (strcmp(what, "ignoreterm") == 0) {
        signal(SIGTERM, SIG_IGN);
        for (;;) pause();
    }
    if (strcmp(what, "waitusr1") == 0) {
        signal(SIGUSR1, on_signal);
        signal(SIGTERM, on_signal);
        signal(SIGINT, on_signal);
        puts("ready");
        fflush(stdout);
        while (got == 0) usleep(1000);
        return 100 + (int)got;
    }
    if (strcmp(what, "clearenv") == 0) {
        char *none[] = {NULL};
        execve(arg, argv + 2, none);
        return 127;
    }
    if (strcmp(what, "deep") == 0) {
        for (int i = 0; i < 20; i++) recurse(200);
        return 0;
    }
    if (strcmp(what, "dlopen") == 0 && argc > 3) {
        void *library = dlopen(arg, RTLD_NOW);
        void *(*function)(size_t) = NULL;
        void *symbol = library != NULL ? dlsym(library, argv[3]) : NULL;
        if (symbol == NULL) return 3;
        memcpy(&function, &symbol, sizeof function);
        for (int i = 0; i < 64; i++) function(100000);
        dlclose(library);
        return 0;
    }
    return 2;
}
