/* internal.h - what the files of the observer share among themselves. */
#ifndef BOSKI_OBSERVE_INTERNAL_H
#define BOSKI_OBSERVE_INTERNAL_H

#include "observe/observe.h"
#include "os/os.h"

/* Nanoseconds since boski_obs_start_clock; 0 before. */
uint64_t boski_obs_elapsed_ns(void);
void boski_obs_start_clock(void);

/* Adds to live_bytes; true when that made a new peak. */
bool boski_obs_count_live(int64_t delta);

#endif /* BOSKI_OBSERVE_INTERNAL_H */
