/* waiting.h - the quarantine of freed blocks; see waiting.c. */
#ifndef BOSKI_WAITING_H
#define BOSKI_WAITING_H

#include "heap.h"

#define BOSKI_DEAD 0xdb /* what freed bytes are overwritten with */

/* Takes a small block of class `c` that is freed, and gives it to its span later.  Ends the process
 * when it is no block in use. */
void boski_waiting_small(void *p, unsigned c);
/* Takes a large block whose bit says free already; false when it is not to wait. */
bool boski_waiting_large(struct mspan *s);
/* All that wait go where they belong; true when there were any. */
bool boski_waiting_flush(void);
/* Ends the process, with `what` in the message, when the block at `p` is free. */
void boski_waiting_look(const void *p, const char *what);
/* Is the small block that begins at `p` free, but not in its span yet? */
bool boski_waiting_has(const void *p);
/* Calls `fn` for each small block that waits: no lock, racy unless the others are quiet. */
void boski_waiting_each(void (*fn)(void *ctx, void *p), void *ctx);
void boski_waiting_fork(int step);

#endif /* BOSKI_WAITING_H */
