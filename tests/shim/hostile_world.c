/* hostile_world.c - programs that pull the ground away: no file descriptors, another user, another
 * root, no environment, a tiny stack.  `hostile_world KIND` allocates before and after. */
#define _GNU_SOURCE
#include "shim_test.h"

#include <grp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void work(void)
{
    enum { N = 3000 };
    char **p = malloc(N * sizeof *p);
    if (p == NULL) _exit(10);
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < N; i++) {
            size_t n = i % 100 == 0 ? i * 100 + 1 : i + 1;
            p[i] = malloc(n);
            if (p[i] == NULL) _exit(10);
            shim_fill(p[i], n, (unsigned)i);
        }
        for (size_t i = 0; i < N; i++) {
            size_t n = i % 100 == 0 ? i * 100 + 1 : i + 1;
            if (!shim_filled(p[i], n, (unsigned)i)) _exit(11);
            free(p[i]);
        }
    }
    free(p);
}

static void *work_in_thread(void *arg)
{
    work();
    return arg;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    work();
    if (strcmp(kind, "no_files") == 0) {
        for (int fd = 0; fd < 1024; fd++) close(fd);
        /* Numbers are used again: nothing of ours may be written into the program's files. */
        if (open_memstream(&(char *){NULL}, &(size_t){0}) == NULL) return 12;
        work();
        return 0;
    }
    if (strcmp(kind, "no_files_limit") == 0) {
        struct rlimit none = {0, 0};
        if (setrlimit(RLIMIT_NOFILE, &none) != 0) return 77;
        work();
        return 0;
    }
    if (strcmp(kind, "other_user") == 0) {
        if (setgroups(0, NULL) != 0 || setresgid(65534, 65534, 65534) != 0 ||
            setresuid(65534, 65534, 65534) != 0)
            return 77;
        work();
        if (fork() == 0) {
            work();
            _exit(0);
        }
        int status;
        return wait(&status) > 0 && status == 0 ? 0 : 13;
    }
    if (strcmp(kind, "other_root") == 0) {
        if (chroot("/proc/self/fdinfo") != 0 || chdir("/") != 0) return 77;
        work();
        return 0;
    }
    if (strcmp(kind, "no_environment") == 0) {
        clearenv();
        work();
        environ = NULL;
        work();
        return 0;
    }
    if (strcmp(kind, "small_stacks") == 0) {
        pthread_attr_t attr;
        pthread_t t[8];
        pthread_attr_init(&attr);
        if (pthread_attr_setstacksize(&attr, 16384) != 0) return 77;
        for (int i = 0; i < 8; i++)
            if (pthread_create(&t[i], &attr, work_in_thread, NULL) != 0) return 14;
        for (int i = 0; i < 8; i++) pthread_join(t[i], NULL);
        return 0;
    }
    if (strcmp(kind, "not_dumpable") == 0) {
        prctl(PR_SET_DUMPABLE, 0);
        work();
        return 0;
    }
    return 2;
}
