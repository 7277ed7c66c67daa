/* fork.c - every lock of the heap is held while the process forks.
 *
 * Order: pools, options, pressure, first-class heaps, arenas, centrals, large cache, page heap,
 * caches' pool, metadata, quarantine. The child has one thread and consistent lists; what other
 * threads had cached stays theirs, unreachable, as with any allocator.  A child made without the
 * handlers (vfork, raw clone) must exec or exit, which is what the standard asks of it.
 */
#include "arena.h"
#include "collected.h"
#include "os/os_tasks.h"
#include "waiting.h"

#include <pthread.h>

void (*boski_on_fork)(int step);
/* Whom this thread told of the fork it is in: others may fork at the same time. */
static __thread void (*told)(int step) __attribute__((tls_model("initial-exec")));

static void prepare(void)
{
    /* What was counted and not yet published is this process's, not also its child's. */
    struct mcache *mc = boski_mcache_peek();
    if (mc != NULL) boski_mcache_count(mc);
    told = __atomic_load_n(&boski_on_fork, __ATOMIC_ACQUIRE);
    if (told != NULL) told(0);
    boski_conf_fork(0);
    boski_pressure_fork(0);
    boski_hheap_fork(0);
    boski_arena_fork(0);
    boski_gc_fork(0);
    boski_quarantine_fork(0);
    for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++) boski_lock(&boski_central[c].lock);
    boski_large_fork(0);
    boski_lock(&boski_mheap.lock);
    boski_mcache_fork(0);
    boski_lock(&boski_meta_lock);
    boski_waiting_fork(0);
}
static void release(void)
{
    boski_waiting_fork(1);
    boski_unlock(&boski_meta_lock);
    boski_mcache_fork(1);
    boski_unlock(&boski_mheap.lock);
    boski_large_fork(1);
    for (unsigned c = BOSKI_NUM_SMALL - 1; c >= 1; c--) boski_unlock(&boski_central[c].lock);
    boski_quarantine_fork(1);
    boski_gc_fork(1);
    boski_arena_fork(1);
    boski_hheap_fork(1);
    boski_pressure_fork(1);
    boski_conf_fork(1);
}
static void parent(void)
{
    release();
    if (told != NULL) told(1);
}
static void child(void)
{
    release();
    boski_mcache_fork_child();
    boski_os_own_tasks_fork_child();
    boski_gc_fork_child();
    if (told != NULL) told(2);
    if (boski_recording) boski_obs_check();
}

void boski_fork_init(void) { (void)pthread_atfork(prepare, parent, child); }
