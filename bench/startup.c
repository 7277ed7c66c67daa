/* startup.c - a small program: a few dozen allocations, then what is resident.
 *
 * One line: resident KiB, of that private dirty KiB, peak KiB.  Counted by the kernel from the page
 * tables (smaps_rollup).  The libraries' own pages count, as `top` counts them.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = 64 };
static char text[8192];

static long number_after(const char *path, const char *key)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    if (n <= 0) return -1;
    text[n] = '\0';
    const char *at = strstr(text, key);
    return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

int main(void)
{
    char *word[WORDS];
    size_t letters = 0;
    for (size_t i = 0; i < WORDS; i++) {
        char buf[128];
        int n = snprintf(buf, sizeof buf, "%zu times %0*zu", i, (int)i, i * i);
        word[i] = n > 0 ? strdup(buf) : NULL;
        if (!word[i]) return 1;
    }
    for (size_t i = 0; i < WORDS; i++) {
        letters += strlen(word[i]);
        free(word[i]);
    }
    long rss = number_after("/proc/self/smaps_rollup", "Rss:");
    long dirty = number_after("/proc/self/smaps_rollup", "Private_Dirty:");
    long peak = number_after("/proc/self/status", "VmHWM:");
    printf("%ld %ld %ld\n", rss, dirty, peak);
    return letters > 0 && rss > 0 ? 0 : 1;
}
