/* output.c - see output.h. */
#define _GNU_SOURCE
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int expand(const char *pattern, const char *name, pid_t pid, char *out, size_t cap)
{
    char host[256] = "host", when[32];
    time_t now = time(NULL);
    struct tm tm;
    gethostname(host, sizeof host - 1);
    localtime_r(&now, &tm);
    strftime(when, sizeof when, "%Y%m%d-%H%M%S", &tm);
    size_t used = 0;
    for (const char *s = pattern; *s != '\0'; s++) {
        char number[24], plain[2] = {*s, '\0'};
        const char *piece = plain;
        if (s[0] == '%' && s[1] != '\0') {
            s++;
            snprintf(number, sizeof number, "%ld", (long)pid);
            piece = *s == 'p' ? number
                  : *s == 'e' ? name
                  : *s == 't' ? when
                  : *s == 'h' ? host
                              : plain;
            if (piece == plain && *s != '%') return -EINVAL;
        }
        size_t n = strlen(piece);
        if (used + n + 1 > cap) return -ENAMETOOLONG;
        memcpy(out + used, piece, n);
        used += n;
    }
    out[used] = '\0';
    return used != 0 ? 0 : -EINVAL;
}

/* mkdir -p */
static int make_folders(const char *path, bool *made)
{
    char part[4096];
    size_t n = strlen(path);
    if (n >= sizeof part) return -ENAMETOOLONG;
    memcpy(part, path, n + 1);
    for (char *s = part + 1;; s++) {
        if (*s != '/' && *s != '\0') continue;
        char old = *s;
        *s = '\0';
        *made = mkdir(part, 0777) == 0;
        if (!*made && errno != EEXIST) return -errno;
        *s = old;
        if (old == '\0') break;
    }
    struct stat st;
    if (stat(path, &st) != 0) return -errno;
    if (!S_ISDIR(st.st_mode)) return -ENOTDIR;
    return access(path, W_OK | X_OK) == 0 ? 0 : -errno;
}

int output_make(const char *pattern, const char *name, pid_t pid, struct output *out)
{
    memset(out, 0, sizeof *out);
    int err =
        expand(pattern != NULL ? pattern : "bosk.%e.%p", name, pid, out->dir, sizeof out->dir);
    return err != 0 ? err : make_folders(out->dir, &out->made);
}

static int write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, data, n);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return -errno;
        if (put == 0) return -EIO;
        data += put;
        n -= (size_t)put;
    }
    return 0;
}

int output_write(const struct output *out, const char *file, const void *data, size_t n)
{
    char path[4200], tmp[4232];
    snprintf(path, sizeof path, "%s/%s", out->dir, file);
    snprintf(tmp, sizeof tmp, "%s.%ld.tmp", path, (long)getpid());
    int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return -errno;
    int err = write_all(fd, data, n);
    if (close(fd) != 0 && err == 0) err = -errno;
    if (err == 0 && rename(tmp, path) != 0) err = -errno;
    if (err != 0) unlink(tmp);
    return err;
}

void output_link(struct output *out)
{
    char dir[4096];
    size_t n = strlen(out->dir);
    memcpy(dir, out->dir, n + 1);
    while (n > 1 && dir[n - 1] == '/') dir[--n] = '\0';
    char *slash = strrchr(dir, '/');
    const char *base = slash != NULL ? slash + 1 : dir;
    int len = slash != NULL ? (int)(slash + 1 - dir) : 0;
    snprintf(out->last, sizeof out->last, "%.*sbosk.last", len, dir);
    struct stat st;
    bool ours = lstat(out->last, &st) != 0 || S_ISLNK(st.st_mode);
    char tmp[4128];
    snprintf(tmp, sizeof tmp, "%s.%ld.tmp", out->last, (long)getpid());
    if (!ours || strcmp(base, "bosk.last") == 0 || symlink(base, tmp) != 0) {
        out->last[0] = '\0';
        return;
    }
    if (rename(tmp, out->last) != 0) {
        unlink(tmp);
        out->last[0] = '\0';
    }
}
