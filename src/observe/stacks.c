/* stacks.c - where a sampled call came from.
 *
 * glibc's backtrace() loads the unwinder on its first call, which allocates and takes the loader's
 * lock; a constructor makes that call, and until then samples have no stack.  Afterwards it neither
 * allocates nor, with glibc 2.35 and later, locks.
 */
#include "internal.h"

#if defined(__has_include)
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define HAVE_BACKTRACE 1
#endif
#endif

#define OWN_FRAMES 16u /* most that the allocator itself can add */

void boski_obs_warm(void)
{
#if HAVE_BACKTRACE
    void *pc[4];
    if (backtrace(pc, 4) > 0) __atomic_store_n(&boski_obs.stacks_ready, true, __ATOMIC_RELEASE);
#endif
}

/* Return addresses, innermost first, without the allocator's own where they can be told. */
unsigned boski_obs_backtrace(uintptr_t *pc, unsigned cap, bool *cut)
{
    *cut = false;
#if HAVE_BACKTRACE
    void *raw[BOSK_RECORD_DEPTH_MAX + OWN_FRAMES];
    if (!__atomic_load_n(&boski_obs.stacks_ready, __ATOMIC_ACQUIRE)) return 0;
    int got = backtrace(raw, (int)(cap + OWN_FRAMES));
    unsigned n = got > 0 ? (unsigned)got : 0, skip = 0;
    while (skip < n && (uintptr_t)raw[skip] >= boski_obs.own_start &&
           (uintptr_t)raw[skip] < boski_obs.own_end)
        skip++;
    *cut = n == cap + OWN_FRAMES;
    n -= skip;
    if (n > cap) {
        n = cap;
        *cut = true;
    }
    for (unsigned i = 0; i < n; i++) pc[i] = (uintptr_t)raw[skip + i];
    return n;
#else
    (void)pc, (void)cap;
    return 0;
#endif
}
