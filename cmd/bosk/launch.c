/* launch.c - starting the program, passing signals on to it, and waiting for it.
 *
 * The program is a direct child in the same process group, so the terminal treats it as if it had
 * been started by hand.  Signals that the terminal sends reach it without us; those that another
 * process sends to bosk are passed on.  Signals are blocked and taken one at a time, so there is no
 * handler and no race.
 */
#define _GNU_SOURCE
#include "launch.h"

#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define GRACE_NS 2e9 /* from SIGTERM to SIGKILL at a time limit */

static const int passed_on[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                                SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- environment ---------------------------------------------------------------------------- */

static char *join(const char *name, const char *a, const char *separator, const char *b)
{
    char *s = NULL;
    if (asprintf(&s, "%s=%s%s%s", name, a, a[0] != '\0' && b[0] != '\0' ? separator : "", b) < 0)
        return NULL;
    return s;
}

/* The environment with our library in front of other preloads and the recording at the end of
 * BOSK_CONF, where it wins. */
static char **make_environment(const char *library, const char *record)
{
    size_t n = 0;
    while (environ[n] != NULL) n++;
    char **env = calloc(n + 3, sizeof *env);
    if (env == NULL) return NULL;
    const char *preload = getenv("LD_PRELOAD"), *conf = getenv("BOSK_CONF");
    char *set[2];
    size_t sets = 0, out = 0;
    set[sets++] = join("BOSK_CONF", conf != NULL ? conf : "", ",", record);
    if (library != NULL)
        set[sets++] = join("LD_PRELOAD", library, ":", preload != NULL ? preload : "");
    for (size_t i = 0; i < n; i++) {
        bool replaced = strncmp(environ[i], "BOSK_CONF=", 10) == 0 ||
                        (library != NULL && strncmp(environ[i], "LD_PRELOAD=", 11) == 0);
        if (!replaced) env[out++] = environ[i];
    }
    for (size_t i = 0; i < sets; i++) {
        if (set[i] == NULL) {
            free(env);
            return NULL;
        }
        env[out++] = set[i];
    }
    return env;
}

/* ---- the child ------------------------------------------------------------------------------- */

struct start {
    sigset_t mask;                /* as bosk was given it */
    struct sigaction child, xfsz; /* dispositions as bosk was given them */
    int go[2];                    /* the child waits here until `ready` is done */
    int fault[2];                 /* errno of a failed exec comes back here */
    char **env;
};

static void child(const struct launch *l, struct start *s)
{
    char byte;
    close(s->go[1]);
    close(s->fault[0]);
    ssize_t n;
    do n = read(s->go[0], &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n != 1) _exit(EXIT_OWN);
    sigaction(SIGCHLD, &s->child, NULL);
    sigaction(SIGXFSZ, &s->xfsz, NULL);
    sigprocmask(SIG_SETMASK, &s->mask, NULL);
    int err;
    if (!l->target->script) {
        execve(l->target->path, l->argv, s->env);
        err = errno;
    } else {
        size_t argc = 0;
        while (l->argv[argc] != NULL) argc++;
        char **argv = calloc(argc + 2, sizeof *argv);
        err = ENOMEM;
        if (argv != NULL) {
            argv[0] = (char *)"/bin/sh";
            argv[1] = (char *)(uintptr_t)l->target->path;
            for (size_t i = 1; i < argc; i++) argv[i + 1] = l->argv[i];
            execve("/bin/sh", argv, s->env);
            err = errno;
        }
    }
    n = write(s->fault[1], &err, sizeof err);
    _exit(EXIT_OWN);
}

/* ---- the parent ------------------------------------------------------------------------------ */

static void show_progress(const struct page *page, double since_ns, bool *shown)
{
    uint64_t live = 0, peak = 0;
    uint32_t used = page->map->sections_used;
    for (uint32_t i = 0; i < used && i < page->map->section_count; i++) {
        const struct bosk_record_section *s =
            (const void *)((const char *)page->map + BOSK_RECORD_HEADER_BYTES +
                           i * page->map->section_bytes);
        if (s->counters.peak_bytes < peak) continue;
        peak = s->counters.peak_bytes;
        live = s->counters.live_bytes;
    }
    fprintf(stderr, "\r\033[Kbosk: %s  live %s  peak %s", text_duration(now_ns() - since_ns).s,
            text_bytes((double)live).s, text_bytes((double)peak).s);
    *shown = true;
}

static bool wanted_signal(const siginfo_t *info, pid_t pid)
{
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
        /* What the terminal sends has reached the program already. */
        if (info->si_signo == passed_on[i]) return info->si_code <= 0 && info->si_pid != pid;
    return false;
}

static bool reap(struct ending *end)
{
    int status;
    struct rusage use;
    if (wait4(end->pid, &status, WNOHANG, &use) != end->pid) return false;
    end->cpu_ns = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e9 +
                  (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e3;
    end->rss_bytes = (uint64_t)use.ru_maxrss * 1024;
    end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end->status = end->signal != 0 ? 128 + end->signal : WEXITSTATUS(status);
    return true;
}

static void wait_for(const struct launch *l, const sigset_t *taken, struct ending *end,
                     double begin)
{
    double limit = l->timeout_s > 0 ? begin + l->timeout_s * 1e9 : 0;
    double tick = l->progress ? begin + 2e9 : 0;
    bool shown = false;
    while (!reap(end)) {
        double due = limit;
        if (tick != 0 && (due == 0 || tick < due)) due = tick;
        siginfo_t info = {0};
        int got;
        if (due == 0) {
            got = sigwaitinfo(taken, &info);
        } else {
            double left = due - now_ns();
            if (left < 0) left = 0;
            struct timespec t = {(time_t)(left / 1e9),
                                 (long)(left - (double)(time_t)(left / 1e9) * 1e9)};
            got = sigtimedwait(taken, &info, &t);
        }
        if (got > 0 && wanted_signal(&info, end->pid)) kill(end->pid, info.si_signo);
        double now = now_ns();
        if (tick != 0 && now >= tick) {
            show_progress(l->page, begin, &shown);
            tick = now + 1e9;
        }
        if (limit != 0 && now >= limit) {
            kill(end->pid, end->timed_out ? SIGKILL : SIGTERM);
            limit = now + GRACE_NS;
            end->timed_out = true;
        }
    }
    if (shown) fputs("\r\033[K", stderr);
    end->wall_ns = now_ns() - begin;
    if (end->timed_out) end->status = EXIT_TIMEOUT;
}

static int start_child(const struct launch *l, struct start *s, struct ending *end)
{
    end->pid = fork();
    if (end->pid == 0) child(l, s);
    close(s->go[0]);
    close(s->fault[1]);
    if (end->pid < 0) {
        say_problem(strerror(errno), NULL, "cannot start a process");
        close(s->go[1]);
        return EXIT_OWN;
    }
    int status = l->ready != NULL ? l->ready(l->ctx, end->pid) : 0;
    ssize_t n = status == 0 ? write(s->go[1], "", 1) : 0;
    close(s->go[1]);
    if (status == 0 && n == 1) return 0;
    waitpid(end->pid, NULL, 0);
    return status != 0 ? status : EXIT_OWN;
}

int launch_run(const struct launch *l, struct ending *end)
{
    struct start s;
    sigset_t taken;
    char record[64];
    memset(end, 0, sizeof *end);
    snprintf(record, sizeof record, "record=/proc/%ld/fd/%d", (long)getpid(), l->page->fd);
    s.env = make_environment(l->library, record);
    if (s.env == NULL || pipe2(s.go, O_CLOEXEC) != 0 || pipe2(s.fault, O_CLOEXEC) != 0) {
        say_problem(strerror(errno), NULL, "cannot prepare to start the program");
        return EXIT_OWN;
    }
    sigemptyset(&taken);
    sigaddset(&taken, SIGCHLD);
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
        sigaddset(&taken, passed_on[i]);
    /* An ignored SIGCHLD would take the status away from us, and SIGXFSZ end us while writing. */
    struct sigaction plain = {.sa_handler = SIG_DFL}, ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGCHLD, &plain, &s.child);
    sigaction(SIGXFSZ, &ignored, &s.xfsz);
    sigprocmask(SIG_BLOCK, &taken, &s.mask);

    double begin = now_ns();
    int status = start_child(l, &s, end);
    if (status != 0) return status;
    if (read(s.fault[0], &end->exec_errno, sizeof end->exec_errno) != sizeof end->exec_errno)
        end->exec_errno = 0;
    close(s.fault[0]);
    wait_for(l, &taken, end, begin);
    if (end->exec_errno == 0) return 0;
    say_problem(strerror(end->exec_errno), NULL, "'%s' cannot be run", l->target->path);
    return end->exec_errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}
