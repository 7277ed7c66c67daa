/* launch.c - runs one command and writes what it cost, children that it waited for included.
 *
 *   launch -o FILE -- PROGRAM ARGUMENTS
 *
 * One line to FILE: CPU ns, user ns, system ns, wall ns, peak KiB resident, minor faults, status of
 * wait.
 * The launcher is small and uses vfork: the kernel starts a child's peak at that of the process it
 * was split off from, so that a large launcher would hide the peak of a small program.
 * Exit status: that of the program, 128 + the signal, 127 when it cannot be started.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t time_ns(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

static int fail(const char *what)
{
    fprintf(stderr, "launch: %s: %s\n", what, strerror(errno));
    return 127;
}

/* Apart from main, so that no variable lives across vfork in a register of both. */
static __attribute__((noinline)) pid_t start(char **command)
{
    pid_t pid = vfork();
    if (pid == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    return pid;
}

int main(int argc, char **argv)
{
    const char *out = NULL;
    for (int o; (o = getopt(argc, argv, "+o:")) != -1;) {
        if (o != 'o') return 2;
        out = optarg;
    }
    if (!out || optind == argc) {
        fputs("usage: launch -o FILE -- PROGRAM ARGUMENTS\n", stderr);
        return 2;
    }

    int64_t from = now_ns();
    pid_t pid = start(argv + optind);
    if (pid < 0) return fail("vfork");
    int status;
    struct rusage u;
    while (wait4(pid, &status, 0, &u) < 0)
        if (errno != EINTR) return fail("wait4");
    int64_t wall = now_ns() - from, user = time_ns(u.ru_utime), system_ns = time_ns(u.ru_stime);

    FILE *f = fopen(out, "w");
    if (!f) return fail(out);
    fprintf(f, "%lld %lld %lld %lld %ld %ld %d\n", (long long)(user + system_ns), (long long)user,
            (long long)system_ns, (long long)wall, u.ru_maxrss, u.ru_minflt, status);
    if (fclose(f) != 0) return fail(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
