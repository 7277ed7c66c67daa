/* target.h - what is to be run: finding it, and whether the heap can be put into it.
 *
 * Everything that would make a recording come out empty is looked for before the program is
 * started, because the dynamic linker ignores a preload it cannot use without a word.
 */
#ifndef BOSK_CMD_TARGET_H
#define BOSK_CMD_TARGET_H

#include <bosk/base.h>

struct target {
    char path[4096];    /* what execve gets */
    char program[4096]; /* the ELF file that will run: `path`, or the interpreter of a script */
    char name[64];      /* of the program, for file names: letters, digits and ._+- */
    bool script;        /* text without #!: run by /bin/sh */
    bool embedded;      /* has the runtime linked statically: is not preloaded */
};

/* Finds `command` as the shell would, and examines it.  0, or the exit status of the tool, after a
 * message. */
int target_find(const char *command, struct target *t);

#endif /* BOSK_CMD_TARGET_H */
