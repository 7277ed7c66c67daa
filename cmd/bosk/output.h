/* output.h - the folder that a recording is written to. */
#ifndef BOSK_CMD_OUTPUT_H
#define BOSK_CMD_OUTPUT_H

#include <bosk/base.h>
#include <stdio.h>
#include <sys/types.h>

struct output {
    char dir[4096];  /* "": nothing is written */
    char last[4096]; /* the symbolic link bosk.last, or "" */
    bool made;       /* the folder did not exist before */
};

/* Makes the folder: `pattern` with %p %e %t %h %% replaced, or bosk.<name>.<pid> when it is NULL.
 * 0 or -errno with out->dir telling what was tried. */
BOSK_NODISCARD int output_make(const char *pattern, const char *name, pid_t pid,
                               struct output *out);

/* Writes a file of the folder whole or not at all.  0 or -errno. */
BOSK_NODISCARD int output_write(const struct output *out, const char *file, const void *data,
                                size_t n);

/* Points bosk.last, beside the folder, to it.  Only where there is no file of that name. */
void output_link(struct output *out);

#endif /* BOSK_CMD_OUTPUT_H */
