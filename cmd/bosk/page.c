/* page.c - the file in memory that a recording is written to, and the library that writes it. */
#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SECTIONS 128u

#ifndef BOSK_INSTALL_LIBDIR
#define BOSK_INSTALL_LIBDIR "/usr/local/lib"
#endif
#define LIBRARY "libbosk-malloc.so"

static uint64_t round_up(uint64_t n, uint64_t to) { return (n + to - 1) / to * to; }

/* Every process maps the whole file: where address space is short there are fewer sections. */
static uint32_t section_count(uint64_t section_bytes)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SECTIONS;
    uint64_t n = limit.rlim_cur / 16 / section_bytes;
    return n < 1 ? 1 : n < SECTIONS ? (uint32_t)n : SECTIONS;
}

/* Gives the file its size: as many sections as a limit on file sizes allows.  0 or -errno. */
static int set_size(struct page *page, uint64_t section, uint32_t *count)
{
    struct sigaction ignored = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGXFSZ, &ignored, &before);
    int err;
    for (;; *count /= 2) {
        page->bytes = (size_t)(BOSK_RECORD_HEADER_BYTES + *count * section);
        err = ftruncate(page->fd, (off_t)page->bytes) == 0 ? 0 : -errno;
        if (err != -EFBIG || *count == 1) break;
    }
    sigaction(SIGXFSZ, &before, NULL);
    return err;
}

static int seal(struct page *page)
{
    if (fcntl(page->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return -errno;
    page->map = mmap(NULL, page->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, page->fd, 0);
    return page->map == MAP_FAILED ? -errno : 0;
}

int page_make(struct page *page, uint64_t sample_bytes, unsigned depth)
{
    uint64_t section = round_up(sizeof(struct bosk_record_section), BOSK_RECORD_HEADER_BYTES);
    uint32_t count = section_count(section);
    page->fd = memfd_create("bosk-recording", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (page->fd < 0) return -errno;
    int err = set_size(page, section, &count);
    if (err == 0) err = seal(page);
    if (err != 0) {
        close(page->fd);
        return err;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    *page->map = (struct bosk_record_header){
        .magic = BOSK_RECORD_MAGIC,
        .version = BOSK_RECORD_VERSION,
        .header_bytes = BOSK_RECORD_HEADER_BYTES,
        .total_bytes = page->bytes,
        .section_bytes = section,
        .section_count = count,
        .depth = depth,
        .sample_bytes = sample_bytes,
        .start_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
        .observer_pid = (uint32_t)getpid(),
    };
    return 0;
}

bool library_find(char *path, size_t cap, char *looked, size_t looked_cap)
{
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash != NULL) *slash = '\0';
    const char *const where[] = {"%s/" LIBRARY, "%s/../lib/" LIBRARY,
                                 BOSK_INSTALL_LIBDIR "/" LIBRARY};
    looked[0] = '\0';
    for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
        char place[4200];
        bool beside = where[i][0] == '%';
        if (beside && slash == NULL) continue;
        if (beside)
            snprintf(place, sizeof place, "%s%s", exe, where[i] + 2);
        else
            snprintf(place, sizeof place, "%s", where[i]);
        size_t used = strlen(looked);
        snprintf(looked + used, looked_cap - used, "%s%s", used != 0 ? ", " : "", place);
        if (access(place, R_OK) != 0) continue;
        char *real = realpath(place, NULL);
        bool fits = real != NULL && strlen(real) < cap;
        if (fits) memcpy(path, real, strlen(real) + 1);
        free(real);
        if (fits) return true;
    }
    return false;
}
