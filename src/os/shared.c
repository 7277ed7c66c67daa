/* shared.c - what the recorder needs of the system when it attaches: a mapping that another process
 * shares, memory that a fork wipes, and a few words about this process.
 *
 * Called at start-up and in fork children only, so system calls other than those of the heap are
 * allowed here.  Nothing allocates; errno is kept.
 */
#define _GNU_SOURCE
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

static int map_fd(int fd, void **p, size_t *bytes)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return -errno;
    /* Only a file that can neither shrink nor grow: touching the mapping then cannot fault. */
    int seals = fcntl(fd, F_GET_SEALS);
    if (!S_ISREG(st.st_mode) || seals < 0 || (seals & SEALS) != SEALS) return -EINVAL;
    if (st.st_size <= 0 || (uint64_t)st.st_size > SIZE_MAX / 2) return -EFBIG;
    *bytes = (size_t)st.st_size;
    *p = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    return *p == MAP_FAILED ? -errno : 0;
}

int boski_os_map_shared(const char *path, void **p, size_t *bytes)
{
    int saved = errno;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int err = fd < 0 ? -errno : map_fd(fd, p, bytes);
    if (fd >= 0) close(fd);
    errno = saved;
    return err;
}

bool boski_os_wipe_on_fork(void *p, size_t bytes)
{
    int saved = errno;
    bool ok = madvise(p, bytes, MADV_WIPEONFORK) == 0;
    errno = saved;
    return ok;
}

size_t boski_os_read_start(const char *path, char *buf, size_t cap)
{
    int saved = errno;
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && n < cap) {
        ssize_t got = read(fd, buf + n, cap - n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        n += (size_t)got;
    }
    if (fd >= 0) close(fd);
    errno = saved;
    return n;
}

size_t boski_os_exe(char *buf, size_t cap)
{
    int saved = errno;
    ssize_t n = readlink("/proc/self/exe", buf, cap - 1);
    if (n < 0) n = 0;
    buf[n] = '\0';
    errno = saved;
    return (size_t)n;
}

unsigned boski_os_pid(void) { return (unsigned)getpid(); }
unsigned boski_os_parent_pid(void) { return (unsigned)getppid(); }
