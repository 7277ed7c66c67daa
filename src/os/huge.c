/* huge.c - huge pages: what the system has, asking for them, and seeing what came of it.
 *
 * Reads files under /proc and /sys; not for allocation paths but that of huge buffers.
 */
#include "internal.h"
#include "os.h"

#include <bosk/base.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define MAP_ORDINARY (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static uint64_t number_at(const char *p)
{
    uint64_t v = 0;

    while (*p == ' ' || *p == '\t') p++;
    for (; *p >= '0' && *p <= '9'; p++) v = v * 10 + (uint64_t)(*p - '0');
    return v;
}

size_t boski_os_huge_page(void)
{
    char text[4096];
    size_t n = boski_os_read_start("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", text,
                                   sizeof text - 1);

    text[n] = '\0';
    uint64_t bytes = number_at(text);
    if (bytes == 0) {
        n = boski_os_read_start("/proc/meminfo", text, sizeof text - 1);
        text[n] = '\0';
        const char *line = strstr(text, "\nHugepagesize:");
        if (line != NULL) bytes = number_at(line + 14) * 1024;
    }
    if ((bytes & (bytes - 1)) != 0 || bytes > (uint64_t)1 << 30) bytes = 0;
    return bytes > boski_os.page ? (size_t)bytes : 0;
}

/* Maps fresh pages where others are. */
static bool map_over(void *p, size_t bytes, int flags)
{
    void *q = mmap(p, bytes, PROT_READ | PROT_WRITE, flags | MAP_FIXED, -1, 0);

    return q != MAP_FAILED;
}

bool boski_os_map_ordinary(void *p, size_t bytes)
{
    int saved = errno;
    bool ok = map_over(p, bytes, MAP_ORDINARY);

    errno = saved;
    return ok;
}

/* Where mapping has failed there may be nothing now, or still what was: that the kernel says by
 * EEXIST. */
static void mend_hole(void *p, size_t bytes)
{
    const int flags = MAP_ORDINARY | MAP_FIXED_NOREPLACE;
    void *q = mmap(p, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);

    if (q != p && (q != MAP_FAILED || errno != EEXIST))
        bosk_fatal("bosk: address space lost while asking for huge pages");
}

bool boski_os_map_hugetlb(void *p, size_t bytes)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
    int saved = errno;

    /* A mapping that fails at a fixed address may leave nothing there, so first somewhere else. */
    void *q = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    bool ok = q != MAP_FAILED;
    if (ok) {
        munmap(q, bytes);
        ok = map_over(p, bytes, flags);
        if (!ok) mend_hole(p, bytes);
    }
    errno = saved;
    return ok;
}

bool boski_os_populate(void *p, size_t bytes)
{
    int saved = errno, r;

    do {
        r = madvise(p, bytes, MADV_POPULATE_WRITE);
    } while (r != 0 && errno == EAGAIN);
    if (r != 0 && errno == EINVAL) { /* an older kernel */
        for (size_t at = 0; at < bytes; at += boski_os.page) ((volatile char *)p)[at] = 0;
        r = 0;
    }
    errno = saved;
    return r == 0;
}

/* ---- /proc/self/smaps ---------------------------------------------------------------------- */

struct smaps {
    uintptr_t from, to;  /* what is asked about */
    size_t overlap;      /* of the mapping at hand with it */
    size_t thp, hugetlb; /* bytes so far */
};

static uintptr_t hex_at(const char **at)
{
    uintptr_t v = 0;

    for (;; (*at)++) {
        char c = **at;
        if (c >= '0' && c <= '9')
            v = v * 16 + (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v * 16 + (uintptr_t)(c - 'a' + 10);
        else
            return v;
    }
}

static void smaps_line(struct smaps *s, const char *line)
{
    const char *at = line;
    uintptr_t from = hex_at(&at);

    if (at != line && *at == '-') {
        at++;
        uintptr_t to = hex_at(&at);
        uintptr_t lo = from > s->from ? from : s->from, hi = to < s->to ? to : s->to;
        s->overlap = lo < hi ? hi - lo : 0;
        return;
    }
    if (s->overlap == 0) return;
    size_t *sum = strncmp(line, "AnonHugePages:", 14) == 0   ? &s->thp
                : strncmp(line, "Private_Hugetlb:", 16) == 0 ? &s->hugetlb
                                                             : NULL;
    if (sum == NULL) return;
    uint64_t bytes = number_at(strchr(line, ':') + 1) * 1024;
    *sum += bytes < s->overlap ? (size_t)bytes : s->overlap;
}

bool boski_os_huge_resident(const void *p, size_t bytes, size_t *thp, size_t *hugetlb)
{
    struct smaps s = {(uintptr_t)p, (uintptr_t)p + bytes, 0, 0, 0};
    char text[4096];
    int saved = errno, fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
    size_t have = 0;

    for (ssize_t got = 1; fd >= 0 && got != 0;) {
        got = read(fd, text + have, sizeof text - 1 - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) break;
        have += (size_t)got;
        text[have] = '\0';
        char *line = text;
        for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            smaps_line(&s, line);
        }
        have -= (size_t)(line - text);
        if (have == sizeof text - 1) have = 0; /* no line of interest is that long */
        memmove(text, line, have);
    }
    if (fd >= 0) close(fd);
    errno = saved;
    *thp = s.thp;
    *hugetlb = s.hugetlb;
    return fd >= 0;
}
