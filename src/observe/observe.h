/* observe.h - what the heap tells the observer.
 *
 * Counters live in `*boski_ctr`: private memory until a recording is attached, then the
 * section of this process in the shared page.  The heap adds to them from slow paths only.
 * Everything here is callable with no heap lock held, never allocates from the heap, keeps
 * errno, and is safe before constructors have run.
 */
#ifndef BOSKI_OBSERVE_H
#define BOSKI_OBSERVE_H

#include <bosk/record.h>
#include <stdatomic.h>

/* Never NULL. Hidden. */
extern struct bosk_record_counters *boski_ctr;
/* True while samples and latencies are wanted (a recording is attached). */
extern bool boski_recording;

static inline void boski_add(uint64_t *counter, uint64_t n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

enum boski_op { BOSKI_OP_MALLOC, BOSKI_OP_FREE, BOSKI_OP_REALLOC, BOSKI_OP_COUNT };

/* Called once, early, by the first slow path; `record` is the value of BOSK_CONF's record= or
 * NULL.  Attaches to the shared page when there is one. */
void boski_obs_init(const char *record, uint64_t sample_bytes);

/* Called at the start of every slow path while boski_recording: claims a new section when this
 * process is a fork child that has not got one.  One load when nothing is to be done. */
void boski_obs_check(void);

/* Bytes until the next sample: geometric with the mean now in force, which is written to `*mean`.
 * `rng` is the caller's thread's generator state.  UINT64_MAX when sampling is off.
 *
 * The mean grows while a program runs, so each countdown has its own: the caller keeps it beside
 * the countdown and hands it to boski_obs_sample, which weighs the sample by it. */
uint64_t boski_obs_next_sample(uint64_t *rng, uint32_t *mean);

/* Takes a sample of the block at `p`: captures the stack, books weight. `requested` and `block`
 * are bytes; `mean` as above; `label` interned text or NULL. Called on the allocating thread. */
void boski_obs_sample(void *p, size_t requested, size_t block, uint32_t mean, const char *label);
/* A sampled block is freed (free, realloc away, or heap destroyed). */
void boski_obs_sample_free(void *p);
/* A sampled block changed size in place or moved from `old` to `p`. */
void boski_obs_sample_moved(void *old, void *p, size_t requested, size_t block);

/* One call took `ticks` of the time stamp counter and stands for `weight` calls. `slow` tells
 * which histogram. */
void boski_obs_latency(enum boski_op op, bool slow, uint64_t ticks, uint64_t weight);

/* live_bytes changed by `delta`; keeps the peak, its moment, the sites at peak, the timeline. */
void boski_obs_live(int64_t delta);

/* Interns label text: the same pointer for the same text, for the life of the process. */
const char *boski_obs_intern(const char *text);

#endif /* BOSKI_OBSERVE_H */
