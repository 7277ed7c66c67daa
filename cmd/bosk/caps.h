/* caps.h - `bosk caps`: how Go's slices grow, and what else its allocator decides, as tables.
 *
 * One sub-command a file.  Each gets its own name as argv[0] and returns the exit status.  Wrong
 * input is one line on standard error and EXIT_USAGE: see caps_wrong().
 */
#ifndef BOSK_CMD_CAPS_H
#define BOSK_CMD_CAPS_H

#include "say.h"

#include <bosk/growth.h>
#include <stdio.h>

int caps_slice(int argc, char **argv);

/* "bosk: caps NAME: TEXT", one line; returns EXIT_USAGE. */
int caps_wrong(const char *name, const char *text, ...) BOSK_PRINTF(2, 3);

#endif /* BOSK_CMD_CAPS_H */
