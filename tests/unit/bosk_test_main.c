/* bosk_test_main.c - the runner behind bosk_test.h: registration, isolation, counting.
 *
 * Check gives each test its process, its time limit and the report.  What it does not have is
 * done here: expected text on standard error, fresh process images with an environment, runs
 * repeated with failing system allocations, and skips.
 *
 * Exit statuses of inner processes: 0 passed, STATUS_FAILED, STATUS_SKIPPED, STATUS_NOT_DUE.
 */
#define _GNU_SOURCE
#include "bosk_test.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_FAILED = 99, STATUS_SKIPPED = 77, STATUS_NOT_DUE = 78, STATUS_NO_IMAGE = 98 };
enum { MAX_TESTS = 1024, TIMEOUT_S = 240 };

/* Fault injection of the os layer; weak, so that tests of other modules link without it. */
extern __attribute__((weak)) void boski_os_fail_at(uint64_t n);
extern __attribute__((weak)) uint64_t boski_os_fail_count(void);

static struct bosk_test *tests[MAX_TESTS];
static int test_count;
static pid_t check_pid; /* the process in which ck_abort_msg may be used, else 0 */
/* Shared with the children. */
static struct shared {
    int skipped;
} * shared;

void bosk_test_register(struct bosk_test *t)
{
    if (test_count == MAX_TESTS) abort();
    tests[test_count++] = t;
}

void bosk_test_fail(const char *file, int line, const char *what, const char *format, ...)
{
    char text[4096];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (getpid() == check_pid) ck_abort_msg("%s:%d: %s: %s", file, line, what, text);
    dprintf(STDERR_FILENO, "%s:%d: check failed: %s: %s\n", file, line, what, text);
    _exit(STATUS_FAILED);
}

void bosk_test_skip(const char *file, int line, const char *reason)
{
    dprintf(STDERR_FILENO, "%s:%d: skipped: %s\n", file, line, reason);
    if (getpid() != check_pid) _exit(STATUS_SKIPPED);
    __atomic_fetch_add(&shared->skipped, 1, __ATOMIC_RELAXED);
    _exit(0);
}

void bosk_test_equal(const char *file, int line, const char *what, unsigned long long left,
                     unsigned long long right)
{
    if (left != right)
        bosk_test_fail(file, line, what, "%llu (%#llx) and %llu (%#llx)", left, left, right, right);
}

static void describe_status(int status, char *out, size_t n)
{
    if (WIFSIGNALED(status))
        snprintf(out, n, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(out, n, "exit status %d", WEXITSTATUS(status));
}

void bosk_test_child(const char *file, int line, pid_t pid)
{
    int status;
    char text[80];
    if (pid < 0) bosk_test_fail(file, line, "fork", "%s", strerror(errno));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) bosk_test_fail(file, line, "waitpid", "%s", strerror(errno));
    describe_status(status, text, sizeof text);
    if (status != 0) bosk_test_fail(file, line, "child", "%s", text);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

uint64_t bosk_test_budget(uint64_t n)
{
    uint64_t scaled = n * number_from("BOSK_TEST_SCALE", 100) / 100;
    return scaled ? scaled : 1;
}

uint64_t bosk_test_seed(void) { return number_from("BOSK_TEST_SEED", 20240501); }

uint64_t bosk_test_random(uint64_t *state)
{
    uint64_t x = *state ? *state : 88172645463325252u;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 2685821657736338717u;
}

/* Reads what a child writes until every holder of the pipe is gone or the child has ended. */
static int read_and_wait(pid_t pid, int fd, char *text, size_t text_bytes)
{
    size_t used = 0;
    int status = 0;
    bool ended = false;
    while (!ended) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char chunk[512];
        int ready = poll(&p, 1, 50);
        /* Asked before reading: what was written before the end is then still read. */
        ended = waitpid(pid, &status, WNOHANG) == pid;
        if (ready <= 0 && !ended) continue;
        ssize_t n;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        while ((n = read(fd, chunk, sizeof chunk)) > 0) {
            size_t room = text_bytes - 1 - used;
            size_t take = (size_t)n < room ? (size_t)n : room;
            memcpy(text + used, chunk, take);
            used += take;
        }
        if (n == 0 && !ended) {
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
            ended = true;
        }
    }
    text[used] = '\0';
    close(fd);
    return status;
}

static int capture(void (*body)(void *), void *arg, char *text, size_t text_bytes)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        bosk_test_fail(__FILE__, __LINE__, "pipe", "%s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0) bosk_test_fail(__FILE__, __LINE__, "fork", "%s", strerror(errno));
    if (pid == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(fds[1], STDERR_FILENO);
        body(arg);
        _exit(0);
    }
    close(fds[1]);
    return read_and_wait(pid, fds[0], text, text_bytes);
}

static void call_plain(void *arg)
{
    void (*body)(void) = *(void (**)(void))arg;
    body();
}

int bosk_test_capture(void (*body)(void), char *text, size_t text_bytes)
{
    return capture(call_plain, &body, text, text_bytes);
}

/* Replaces the process by a fresh image that runs the body of `t`. */
static void exec_image(const struct bosk_test *t)
{
    char self[4096], which[256], emulator[1024] = "";
    char *argv[32];
    int argc = 0;
    const char *prefix = getenv("BOSK_TEST_EMULATOR");
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0) _exit(STATUS_NO_IMAGE);
    self[n] = '\0';
    snprintf(which, sizeof which, "%s.%s", t->group, t->name);
    for (const char *const *e = t->env; *e; e++) putenv((char *)(uintptr_t)*e);
    const char *space = getenv("BOSK_TEST_AS");
    if (space) {
        struct rlimit r;
        /* A sanitizer needs address space of its own; qemu does not pass the limit on. */
        if (SANITIZED || prefix) _exit(STATUS_SKIPPED);
        getrlimit(RLIMIT_AS, &r);
        r.rlim_cur = strtoul(space, NULL, 0);
        setrlimit(RLIMIT_AS, &r);
    }
    if (prefix) {
        snprintf(emulator, sizeof emulator, "%s", prefix);
        for (char *word = strtok(emulator, " "); word && argc < 24; word = strtok(NULL, " "))
            argv[argc++] = word;
    }
    argv[argc++] = self;
    argv[argc++] = (char *)(uintptr_t) "--body";
    argv[argc++] = which;
    argv[argc] = NULL;
    execvp(argv[0], argv);
    _exit(errno == ENOEXEC ? STATUS_SKIPPED : STATUS_NO_IMAGE);
}

struct run {
    const struct bosk_test *test;
    uint64_t fail_at;
};

/* The body itself, in the innermost process. */
static void run_body(const struct bosk_test *t, uint64_t fail_at)
{
    uint64_t before = 0;
    if (t->kind == BOSK_TEST_OOM) {
        if (!boski_os_fail_at || !boski_os_fail_count)
            bosk_test_fail(t->file, t->line, t->name, "linked without fault injection");
        before = boski_os_fail_count();
        boski_os_fail_at(fail_at);
    }
    t->body();
    if (t->kind == BOSK_TEST_OOM && boski_os_fail_count() - before < fail_at) _exit(STATUS_NOT_DUE);
}

static void run_inner(void *arg)
{
    const struct run *r = arg;
    char number[32];
    if (r->test->env[0]) {
        snprintf(number, sizeof number, "%llu", (unsigned long long)r->fail_at);
        setenv("BOSK_TEST_FAIL_AT", number, 1);
        exec_image(r->test);
    }
    run_body(r->test, r->fail_at);
}

/* One run in a process of its own; judges how it ended. False: no failure was due. */
static bool run_and_judge(const struct bosk_test *t, uint64_t fail_at)
{
    static char text[1 << 16];
    char how[80];
    struct run r = {t, fail_at};
    int status = capture(run_inner, &r, text, sizeof text);
    describe_status(status, how, sizeof how);
    if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIPPED) {
        dprintf(STDERR_FILENO, "%s", text);
        bosk_test_skip(t->file, t->line, "no fresh image, or the body skipped");
    }
    switch (t->kind) {
    case BOSK_TEST_PANICS:
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
            bosk_test_fail(t->file, t->line, t->name,
                           "should have aborted with \"%s\": %s, said: %s", t->expect, how, text);
        if (!strstr(text, t->expect))
            bosk_test_fail(t->file, t->line, t->name, "aborted without \"%s\", said: %s", t->expect,
                           text);
        return true;
    case BOSK_TEST_SIGNAL:
        if (!WIFSIGNALED(status) || WTERMSIG(status) != t->signal)
            bosk_test_fail(t->file, t->line, t->name, "should have died by signal %d: %s, said: %s",
                           t->signal, how, text);
        return true;
    case BOSK_TEST_EXIT:
        if (!WIFEXITED(status) || WEXITSTATUS(status) != t->signal)
            bosk_test_fail(t->file, t->line, t->name, "should have exited with %d: %s, said: %s",
                           t->signal, how, text);
        return true;
    case BOSK_TEST_OOM:
        if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_NOT_DUE) return false;
        if (status != 0)
            bosk_test_fail(t->file, t->line, t->name,
                           "with system allocation %llu failing: %s, said: %s",
                           (unsigned long long)fail_at, how, text);
        return true;
    case BOSK_TEST_PLAIN: break;
    }
    if (status != 0) bosk_test_fail(t->file, t->line, t->name, "%s, said: %s", how, text);
    if (*text) dprintf(STDERR_FILENO, "%s", text);
    return true;
}

static void run_test(const struct bosk_test *t)
{
    if (t->kind == BOSK_TEST_PLAIN && !t->env[0]) {
        t->body();
        return;
    }
    if (t->kind != BOSK_TEST_OOM) {
        run_and_judge(t, 0);
        return;
    }
    uint64_t n = 1;
    while (run_and_judge(t, n))
        if (++n > 100000)
            bosk_test_fail(t->file, t->line, t->name, "never ran without a failure due");
    /* A body that makes no call that can fail proves nothing. */
    if (n == 1) bosk_test_fail(t->file, t->line, t->name, "no system allocation could fail");
}

/* Runs in Check's child. */
static void trampoline(int index)
{
    check_pid = getpid();
    /* Check's own handlers are inherited and would turn on the whole process group. */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
    run_test(tests[index]);
}

static bool has_environment(const struct bosk_test *t)
{
    for (const char *const *e = t->env; *e; e++) {
        size_t name_len = strcspn(*e, "=");
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)name_len, *e);
        const char *now = getenv(name);
        if (!now || strcmp(now, *e + name_len + 1) != 0) return false;
    }
    return true;
}

static int run_one_body(const char *which)
{
    for (int i = 0; i < test_count; i++) {
        char name[256];
        snprintf(name, sizeof name, "%s.%s", tests[i]->group, tests[i]->name);
        if (strcmp(name, which) != 0) continue;
        /* Called by hand the environment is missing: start again with it. */
        if (!has_environment(tests[i])) exec_image(tests[i]);
        run_body(tests[i], number_from("BOSK_TEST_FAIL_AT", 0));
        return 0;
    }
    fprintf(stderr, "no test %s\n", which);
    return 2;
}

static int by_place(const void *a, const void *b)
{
    const struct bosk_test *l = *(struct bosk_test *const *)a, *r = *(struct bosk_test *const *)b;
    int group = strcmp(l->group, r->group);
    return group ? group : l->line - r->line;
}

int main(int argc, char **argv)
{
    qsort(tests, (size_t)test_count, sizeof tests[0], by_place);
    if (argc == 3 && strcmp(argv[1], "--body") == 0) return run_one_body(argv[2]);
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (int i = 0; i < test_count; i++) printf("%s.%s\n", tests[i]->group, tests[i]->name);
        return 0;
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 2;
    const char *base = strrchr(argv[0], '/');
    Suite *suite = suite_create(base ? base + 1 : argv[0]);
    double least = (double)number_from("BOSK_TEST_TIMEOUT", TIMEOUT_S);
    double timeout = least * (double)number_from("BOSK_TEST_SCALE", 100) / 100.0;
    int chosen = 0;
    for (int i = 0; i < test_count; i++) {
        /* Arguments choose groups or group.name. */
        char full[256];
        bool wanted = argc == 1;
        snprintf(full, sizeof full, "%s.%s", tests[i]->group, tests[i]->name);
        for (int a = 1; a < argc; a++)
            wanted |= strcmp(argv[a], full) == 0 || strcmp(argv[a], tests[i]->group) == 0;
        if (!wanted) continue;
        TCase *tcase = tcase_create(tests[i]->group);
        TTest *test = calloc(1, sizeof *test);
        if (!test) return 2;
        *test = (TTest){tests[i]->name, trampoline, tests[i]->file, tests[i]->line};
        tcase_set_timeout(tcase, timeout < least ? least : timeout);
        tcase_add_loop_test(tcase, test, i, i + 1);
        suite_add_tcase(suite, tcase);
        chosen++;
    }
    if (chosen == 0) {
        fprintf(stderr, "no test was chosen\n");
        return 2;
    }
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK);
    printf("seed %llu, scale %llu %%\n", (unsigned long long)bosk_test_seed(),
           (unsigned long long)number_from("BOSK_TEST_SCALE", 100));
    fflush(stdout);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    int passed = srunner_ntests_run(runner) - failed - shared->skipped;
    printf("%s: %d passed, %d failed, %d skipped\n", base ? base + 1 : argv[0], passed, failed,
           shared->skipped);
    srunner_free(runner);
    return failed ? 1 : 0;
}
