/* cgroup.c - the control group of the process: its memory limit and its pressure files.
 *
 * Version 2 is mounted at /sys/fs/cgroup, or at /sys/fs/cgroup/unified beside version 1.  Inside a
 * container the path in /proc/self/cgroup may be that of the host and not exist: the groups above
 * it, up to the root of the mount, are then all there is.
 * Reads files: at start-up and from the pressure poll, never on the way of an allocation.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/internal.h"
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define SELF_CGROUP "/proc/self/cgroup"
#define MOUNT "/sys/fs/cgroup"

static long read_file(const char *path, char *text, size_t n)
{
    size_t used = 0;
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) return -errno;
    while (used + 1 < n) {
        got = read(fd, text + used, n - 1 - used);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        used += (size_t)got;
    }
    long err = got < 0 ? -errno : (long)used;
    close(fd);
    text[used] = '\0';
    return err;
}

/* Is `word` one of the comma-separated words of [list, end)? */
static bool has_word(const char *list, const char *end, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = list; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end;
        if ((size_t)(stop - at) == n && memcmp(at, word, n) == 0) return true;
        at = stop + 1;
    }
    return false;
}

/* Copies the path of the group from a line "N:CONTROLLERS:PATH"; the version 2 line has no
 * controllers and is asked for by "".  The root is the empty path. */
static bool group_path(const char *lines, const char *controller, char *path, size_t cap)
{
    for (const char *line = lines; *line != '\0';) {
        const char *end = strchrnul(line, '\n');
        const char *names = memchr(line, ':', (size_t)(end - line));
        const char *colon = names ? memchr(names + 1, ':', (size_t)(end - names - 1)) : NULL;
        if (colon != NULL && colon[1] == '/' &&
            (*controller == '\0' ? colon == names + 1 : has_word(names + 1, colon, controller))) {
            size_t n = (size_t)(end - colon - 1);
            if (n >= cap) return false;
            memcpy(path, colon + 1, n);
            while (n > 0 && path[n - 1] == '/') n--;
            path[n] = '\0';
            return true;
        }
        line = *end == '\n' ? end + 1 : end;
    }
    return false;
}

static bool join(char *out, size_t cap, const char *mount, const char *sub, const char *group,
                 const char *name)
{
    const char *parts[] = {mount, sub, group, "/", name};
    size_t n = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t len = strlen(parts[i]);
        if (len >= cap - n) return false;
        memcpy(out + n, parts[i], len);
        n += len;
    }
    out[n] = '\0';
    return true;
}

/* Cuts off the last component; false at the root. */
static bool parent(char *group)
{
    char *slash = strrchr(group, '/');

    if (slash == NULL) return false;
    *slash = '\0';
    return true;
}

/* Bytes from a limit file: "max" and version 1's huge default mean none. */
static uint64_t parse_limit(const char *text)
{
    uint64_t v = 0;

    if (*text < '0' || *text > '9') return UINT64_MAX;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (v > (UINT64_MAX >> 1) / 10) return UINT64_MAX;
        v = v * 10 + (uint64_t)(*text - '0');
    }
    return v >= (uint64_t)1 << 60 ? UINT64_MAX : v;
}

/* Least limit of the group and those above it. */
static uint64_t least_limit(const char *mount, const char *sub, char *group, const char *name)
{
    char path[PATH_MAX], text[64];
    uint64_t least = UINT64_MAX;

    do {
        if (!join(path, sizeof path, mount, sub, group, name)) continue;
        if (read_file(path, text, sizeof text) <= 0) continue;
        uint64_t v = parse_limit(text);
        if (v < least) least = v;
    } while (parent(group));
    return least;
}

uint64_t boski_cgroup_limit_at(const char *self, const char *mount)
{
    char lines[4096], group[PATH_MAX];
    uint64_t least = UINT64_MAX, v;

    if (read_file(self, lines, sizeof lines) <= 0) return UINT64_MAX;
    if (group_path(lines, "", group, sizeof group)) {
        char copy[PATH_MAX];
        memcpy(copy, group, sizeof copy);
        least = least_limit(mount, "", group, "memory.max");
        v = least_limit(mount, "/unified", copy, "memory.max");
        if (v < least) least = v;
    }
    if (group_path(lines, "memory", group, sizeof group)) {
        v = least_limit(mount, "/memory", group, "memory.limit_in_bytes");
        if (v < least) least = v;
    }
    return least;
}

uint64_t boski_os_cgroup_limit(void)
{
    int saved = errno;
    uint64_t v = boski_cgroup_limit_at(SELF_CGROUP, MOUNT);

    errno = saved;
    return v;
}

long boski_cgroup_file_at(const char *self, const char *mount, const char *name, char *text,
                          size_t n)
{
    char lines[4096], group[PATH_MAX], path[PATH_MAX];
    long got = read_file(self, lines, sizeof lines);

    if (got < 0) return got;
    if (!group_path(lines, "", group, sizeof group)) return -ENOENT;
    do {
        const char *subs[] = {"", "/unified"};
        for (unsigned i = 0; i < 2; i++) {
            if (!join(path, sizeof path, mount, subs[i], group, name)) continue;
            got = read_file(path, text, n);
            if (got >= 0) return got;
        }
    } while (parent(group));
    return -ENOENT;
}

long boski_os_cgroup_file(const char *name, char *text, size_t n)
{
    int saved = errno;
    long got = n > 0 ? boski_cgroup_file_at(SELF_CGROUP, MOUNT, name, text, n) : -EINVAL;

    errno = saved;
    return got;
}
