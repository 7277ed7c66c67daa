/* launch.h - the recording page and the program that records into it. */
#ifndef BOSK_CMD_LAUNCH_H
#define BOSK_CMD_LAUNCH_H

#include "target.h"

#include <bosk/record.h>
#include <sys/resource.h>
#include <sys/types.h>

struct page {
    int fd;
    struct bosk_record_header *map;
    size_t bytes;
};

/* Makes the page: a sealed file in memory.  0 or -errno. */
int page_make(struct page *page, uint64_t sample_bytes, unsigned depth);

/* Path of the library to preload, found beside the tool or where it was installed to; false when
 * there is none.  `looked` gets the places that were tried. */
bool library_find(char *path, size_t cap, char *looked, size_t looked_cap);

struct launch {
    const struct target *target;
    char *const *argv;   /* of the program */
    const char *library; /* NULL: nothing is preloaded */
    const struct page *page;
    double timeout_s; /* 0: none */
    bool progress;    /* a line a second on the terminal */
    /* Called with the program's process id before it begins; not 0: it is not started. */
    int (*ready)(void *ctx, pid_t pid);
    void *ctx;
};

struct ending {
    pid_t pid;
    int status; /* for the tool to exit with */
    int signal; /* that ended the program, or 0 */
    bool timed_out;
    double wall_ns;
    double cpu_ns;      /* of the program and the children it waited for */
    uint64_t rss_bytes; /* greatest of them */
    int exec_errno;     /* the program could not be started */
};

/* Runs the program to its end.  0, or the tool's exit status when it did not get that far (a
 * message has then been printed). */
int launch_run(const struct launch *l, struct ending *end);

#endif /* BOSK_CMD_LAUNCH_H */
