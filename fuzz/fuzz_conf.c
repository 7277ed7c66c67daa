/* fuzz_conf.c - any text as the file of options, and any text as a number of bytes.
 *
 * Traps when a refused file has changed something, an option that is not live has changed, or a
 * size is not what a parser written another way says.
 */
#define _GNU_SOURCE
#include "src/os/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The same grammar: digits, then nothing, B, or one of KMGTPE and iB; or "off". */
static bool bytes_otherwise(const char *text, uint64_t *out)
{
    static const char *const unit[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    char *end;
    if (strcmp(text, "off") == 0) {
        *out = UINT64_MAX;
        return true;
    }
    if (*text < '0' || *text > '9') return false;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (errno != 0) return false;
    *out = v;
    if (*end == '\0' || strcmp(end, "B") == 0) return true;
    uint64_t factor = 1;
    for (unsigned i = 0; i < 6; i++) {
        factor *= 1024;
        *out = v * factor;
        if (strcmp(end, unit[i]) == 0) return v <= UINT64_MAX / factor;
    }
    return false;
}

static void check_bytes(const uint8_t *data, size_t n)
{
    char text[64];
    uint64_t a = 0, b = 0;
    if (n >= sizeof text) return;
    memcpy(text, data, n);
    text[n] = '\0';
    if (strlen(text) != n) return;
    bool ok = boski_conf_bytes(text, n, &a);
    if (ok != bytes_otherwise(text, &b) || (ok && a != b)) abort();
}

static void check_file(const uint8_t *data, size_t n)
{
    static int file = -1, nowhere, real_stderr;
    static char path[64];
    if (file < 0) {
        file = memfd_create("conf", 0);
        nowhere = open("/dev/null", O_WRONLY);
        real_stderr = dup(STDERR_FILENO);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        boski_conf_init();
        boski_conf.file = path;
    }
    if (ftruncate(file, 0) != 0 || pwrite(file, data, n, 0) != (ssize_t)n) return;
    struct boski_conf before = boski_conf;
    dup2(nowhere, STDERR_FILENO); /* warnings are not what is looked for */
    int err = boski_conf_read_file();
    dup2(real_stderr, STDERR_FILENO);
    if (err > 0) abort();
    struct boski_conf after = boski_conf;
    if (err == 0) { /* the live ones */
        after.memlimit = before.memlimit;
        after.scavenge_window_ms = before.scavenge_window_ms;
    }
    if (memcmp(&before, &after, sizeof before) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    check_bytes(data, n);
    check_file(data, n);
    return 0;
}
