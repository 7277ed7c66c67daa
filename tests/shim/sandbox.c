/* sandbox.c - after start-up the drop-in makes only six system calls, and lives with refusals.
 *
 *     sandbox only       any call but mmap munmap mprotect mremap madvise futex kills
 *     sandbox nomem      mmap, mprotect and mremap fail with ENOMEM
 *     sandbox noadvice   madvise and mremap fail with EPERM, as some containers have it
 *     sandbox probe      exit 0 when filters can be installed
 *
 * Four threads exist, and have not allocated, when the filter is installed: their caches are
 * made under it.
 */
#define _GNU_SOURCE
#include "shim_test.h"

#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define ALLOW_CALL(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(nr), 0, 1), ALLOW
#define REFUSE_CALL(nr, code)                                  \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(nr), 0, 1), \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (code))
#define LOAD_NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, nr))
#ifdef SYS_mmap2
#define SYS_MAP SYS_mmap2
#else
#define SYS_MAP SYS_mmap
#endif

static struct sock_filter only[] = {
    LOAD_NUMBER,
    ALLOW_CALL(SYS_MAP),
    ALLOW_CALL(SYS_munmap),
    ALLOW_CALL(SYS_mprotect),
    ALLOW_CALL(SYS_mremap),
    ALLOW_CALL(SYS_madvise),
    ALLOW_CALL(SYS_futex),
    /* of the test itself */
    ALLOW_CALL(SYS_write),
    ALLOW_CALL(SYS_exit_group),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};
static struct sock_filter nomem[] = {
    LOAD_NUMBER,
    REFUSE_CALL(SYS_MAP, ENOMEM),
    REFUSE_CALL(SYS_mprotect, ENOMEM),
    REFUSE_CALL(SYS_mremap, ENOMEM),
    ALLOW,
};
static struct sock_filter noadvice[] = {
    LOAD_NUMBER,
    REFUSE_CALL(SYS_madvise, EPERM),
    REFUSE_CALL(SYS_mremap, EPERM),
    ALLOW,
};

static bool install(struct sock_filter *filter, size_t bytes)
{
    struct sock_fprog program = {(unsigned short)(bytes / sizeof *filter), filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

static void say(const char *text)
{
    if (write(2, text, strlen(text)) < 0) _exit(3);
}
#define MUST(condition)                               \
    do {                                              \
        if (!(condition)) {                           \
            say("sandbox: failed: " #condition "\n"); \
            _exit(1);                                 \
        }                                             \
    } while (0)

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* no system call where the vdso serves */
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint32_t next(uint32_t *seed) { return *seed = *seed * 1664525u + 1013904223u; }

/* Blocks of all sizes live and die at random, and hold what was written. */
static void churn(uint32_t seed, uint64_t ms)
{
    enum { N = 400 };
    static _Thread_local struct {
        char *p;
        size_t n;
    } live[N];
    uint64_t until = now_ms() + ms;
    for (unsigned step = 0; step % 64 != 0 || now_ms() < until; step++) {
        unsigned i = (next(&seed) >> 8) % N, what = (next(&seed) >> 8) % 8;
        size_t n = (next(&seed) >> 8) % (what == 0 ? 2000000 : what < 3 ? 40000 : 600) + 1;
        if (live[i].p != NULL) MUST(shim_filled(live[i].p, live[i].n, i));
        if (what == 7 && live[i].p != NULL) {
            size_t kept = live[i].n < n ? live[i].n : n;
            char *p = realloc(live[i].p, n);
            MUST(p != NULL && shim_filled(p, kept, i));
            live[i].p = p;
        } else {
            free(live[i].p);
            if (what == 6)
                MUST((live[i].p = calloc(1, n)) != NULL && shim_zero(live[i].p, n));
            else if (what == 5)
                MUST(posix_memalign((void **)&live[i].p, 4096, n) == 0);
            else
                MUST((live[i].p = malloc(n)) != NULL);
        }
        live[i].n = n;
        shim_fill(live[i].p, n, i);
    }
    for (unsigned i = 0; i < N; i++) free(live[i].p);
}

static _Atomic uint32_t phase, never;
static atomic_int ready, done;

static void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
    while (atomic_load(word) == value) syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void *thread(void *arg)
{
    atomic_fetch_add(&ready, 1); /* libc has made its calls for this thread */
    sleep_while(&phase, 0);
    churn((uint32_t)(uintptr_t)arg + 1, 1000);
    atomic_fetch_add(&done, 1);
    sleep_while(&never, 0); /* ending would take system calls of libc */
    return NULL;
}

static void churn_everywhere(void)
{
    atomic_store(&phase, 1);
    syscall(SYS_futex, &phase, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
    churn(99, 1800); /* longer than memory takes to age */
    while (atomic_load(&done) < 4) churn(98, 50);
}

static void run_out(void)
{
    enum { N = 100000 };
    static char *p[N];
    static const size_t sizes[] = {100, 5000, 100000, 10000000};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t n = 0;
        errno = 0;
        while (n < N && (p[n] = malloc(sizes[s])) != NULL) shim_fill(p[n++], sizes[s], (unsigned)s);
        MUST(n < N && errno == ENOMEM);
        for (size_t i = 0; i < n; i++) MUST(shim_filled(p[i], sizes[s], (unsigned)s));
        if (n > 0) {
            size_t kept = n / 2 + 1;
            char *q = realloc(p[0], (size_t)1 << 32);
            MUST(q == NULL && errno == ENOMEM && shim_filled(p[0], sizes[s], (unsigned)s));
            for (size_t i = 0; i < n; i++) free(p[i]);
            for (size_t i = 0; i < kept; i++) MUST((p[i] = malloc(sizes[s])) != NULL);
            for (size_t i = 0; i < kept; i++) free(p[i]);
        }
    }
    MUST(calloc(1, (size_t)1 << 32) == NULL && errno == ENOMEM);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    pthread_t t;
    if (strcmp(mode, "probe") == 0) return install(noadvice, sizeof noadvice) ? 0 : 77;
    free(shim_keep(malloc(10))); /* start-up is over */
    if (strcmp(mode, "nomem") == 0) {
        MUST(install(nomem, sizeof nomem));
        run_out();
        _exit(0);
    }
    for (uintptr_t i = 0; i < 4; i++) MUST(pthread_create(&t, NULL, thread, (void *)i) == 0);
    while (atomic_load(&ready) < 4) usleep(1000);
    if (strcmp(mode, "only") == 0)
        MUST(install(only, sizeof only));
    else if (strcmp(mode, "noadvice") == 0)
        MUST(install(noadvice, sizeof noadvice));
    else
        return 2;
    churn_everywhere();
    _exit(0);
}
