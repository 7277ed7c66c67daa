/* os_tasks.c - the threads of this process as the kernel knows them, its mappings, and futexes.
 *
 * Nothing here allocates, takes a lock, or changes errno; all of it may be called while other
 * threads are stopped.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/os_tasks.h"

#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct dirent_64 { /* what getdents64 writes */
    uint64_t ino;
    int64_t off;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

static int number(const char *s)
{
    int n = 0;
    if (*s == '\0') return -1;
    for (; *s >= '0' && *s <= '9'; s++) n = n * 10 + (*s - '0');
    return *s == '\0' ? n : -1;
}

bool boski_os_each_task(void (*fn)(void *ctx, int tid), void *ctx)
{
    _Alignas(8) char buf[4096];
    int saved = errno;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/task",
                          O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) {
        errno = saved;
        return false;
    }
    long n;
    while ((n = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0)
        for (long at = 0; at < n;) {
            const struct dirent_64 *d = (const void *)(buf + at);
            int tid = number(d->name);
            if (tid > 0) fn(ctx, tid);
            at += d->bytes;
        }
    (void)syscall(SYS_close, fd);
    errno = saved;
    return n == 0;
}

bool boski_os_signal_task(int tid, int sig)
{
    int saved = errno;
    bool ok = syscall(SYS_tgkill, (long)boski_os_pid(), (long)tid, (long)sig) == 0;
    errno = saved;
    return ok;
}

static void append_number(char *to, unsigned n)
{
    char digits[12];
    int k = 0;
    do digits[k++] = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    while (*to != '\0') to++;
    while (k > 0) *to++ = digits[--k];
    *to = '\0';
}
static const char *line_of(const char *text, const char *key)
{
    for (const char *at = text; *at != '\0';) {
        size_t i = 0;
        while (key[i] != '\0' && at[i] == key[i]) i++;
        if (key[i] == '\0') return at + i;
        while (*at != '\0' && *at != '\n') at++;
        if (*at == '\n') at++;
    }
    return NULL;
}
static uint64_t hex(const char **at)
{
    uint64_t v = 0;
    for (;; ++*at) {
        char c = **at;
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return v;
    }
}

char boski_os_task_state(int tid, int sig, bool *blocked)
{
    char path[64] = "/proc/self/task/", text[2048];
    append_number(path, (unsigned)tid);
    char *end = path;
    while (*end != '\0') end++;
    for (const char *s = "/status"; (*end++ = *s) != '\0'; s++) continue;
    size_t n = boski_os_read_start(path, text, sizeof text - 1);
    text[n] = '\0';
    *blocked = false;
    const char *state = line_of(text, "State:\t"), *mask = line_of(text, "SigBlk:\t");
    const char *name = line_of(text, "Name:\t");
    if (state == NULL || name == NULL) return 'X';
    /* Helpers of io_uring and the like run in the kernel alone, and take no signals. */
    if (name[0] == 'i' && name[1] == 'o' && name[2] == 'u' && name[3] == '-') return 'K';
    if (mask != NULL) *blocked = (hex(&mask) >> (sig - 1) & 1) != 0;
    bool qemu =
        name[0] == 'q' && name[1] == 'e' && name[2] == 'm' && name[3] == 'u' && name[4] == '-';
    return qemu && *blocked ? 'Q' : *state;
}

/* One line of maps; false when it is no mapping that can be written. */
static bool parse_map(const char *line, uintptr_t *lo, uintptr_t *hi)
{
    *lo = (uintptr_t)hex(&line);
    if (*line++ != '-') return false;
    *hi = (uintptr_t)hex(&line);
    return line[0] == ' ' && line[1] == 'r' && line[2] == 'w';
}
bool boski_os_each_map(void (*fn)(void *ctx, uintptr_t lo, uintptr_t hi), void *ctx)
{
    char buf[4096];
    size_t have = 0;
    int saved = errno;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        errno = saved;
        return false;
    }
    long n;
    bool inside = false; /* of a line whose head was seen */
    while ((n = syscall(SYS_read, fd, buf + have, sizeof buf - 1 - have)) > 0) {
        have += (size_t)n;
        buf[have] = '\0';
        size_t at = 0;
        for (;;) {
            size_t end = at;
            while (end < have && buf[end] != '\n') end++;
            if (end == have) break;
            uintptr_t lo, hi;
            if (!inside && parse_map(buf + at, &lo, &hi)) fn(ctx, lo, hi);
            inside = false;
            at = end + 1;
        }
        if (at == 0 && have == sizeof buf - 1) { /* a path longer than the buffer */
            uintptr_t lo, hi;
            if (!inside && parse_map(buf, &lo, &hi)) fn(ctx, lo, hi);
            inside = true;
            at = have;
        }
        for (size_t i = at; i < have; i++) buf[i - at] = buf[i];
        have -= at;
    }
    (void)syscall(SYS_close, fd);
    errno = saved;
    return n == 0;
}

void boski_os_futex_wait(const uint32_t *word, uint32_t value, uint64_t ns)
{
    int saved = errno;
    struct {
        long s, ns; /* what SYS_futex takes on 32 bits, too */
    } t = {(long)(ns / 1000000000u), (long)(ns % 1000000000u)};
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, ns != 0 ? &t : NULL, NULL, 0);
    errno = saved;
}
void boski_os_futex_wake(const uint32_t *word)
{
    int saved = errno;
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 0x7fffffff, NULL, NULL, 0);
    errno = saved;
}
void boski_os_sleep_ns(uint64_t ns)
{
    static const uint32_t never;
    boski_os_futex_wait(&never, 0, ns);
}

void boski_os_yield(void) { (void)syscall(SYS_sched_yield); }

static int own_tasks[8];
void boski_os_own_task_add(int tid)
{
    for (size_t i = 0; i < sizeof own_tasks / sizeof *own_tasks; i++) {
        int none = 0;
        if (__atomic_compare_exchange_n(&own_tasks[i], &none, tid, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return;
    }
}
bool boski_os_own_task(int tid)
{
    for (size_t i = 0; i < sizeof own_tasks / sizeof *own_tasks; i++)
        if (__atomic_load_n(&own_tasks[i], __ATOMIC_ACQUIRE) == tid) return true;
    return false;
}

static void add_unless_self(void *self, int tid)
{
    if (tid != *(int *)self && !boski_os_own_task(tid)) boski_os_own_task_add(tid);
}
void boski_os_own_tasks_loaded(void)
{
    int self = boski_os_gettid();
    if (boski_os.emulated) (void)boski_os_each_task(add_unless_self, &self);
}
void boski_os_own_tasks_fork_child(void)
{
    memset(own_tasks, 0, sizeof own_tasks);
    boski_os_own_tasks_loaded();
}

uint64_t boski_os_thread_cpu_ns(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0) return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
