/* internal.h - what the files of the observer share among themselves.
 *
 * A process that records has a section of the shared page (boski_obs.section) for everything a
 * reader wants, and private memory (boski_obs.priv) for what only makes writing fast: hash tables,
 * raw stacks, locks.  Both are replaced in a fork child at its first slow path.
 *
 * Locking: `site` guards stacks, sites, modules and labels of the section; `stripe` guards the
 * changing numbers of a site; each part of the table of live samples has its own.  At most one of
 * them is held at a time, and nothing but memory is touched meanwhile.
 */
#ifndef BOSKI_OBSERVE_INTERNAL_H
#define BOSKI_OBSERVE_INTERNAL_H

#include "../os/os.h"
#include "observe.h"

#include <stddef.h>

#define BOSKI_HASH_STACKS (2u * BOSK_RECORD_STACKS)
#define BOSKI_HASH_SITES 16384u /* power of two, above 2 * BOSK_RECORD_SITES */
#define BOSKI_STRIPES 64u

struct boski_obs_priv {
    /* The word that tells a fork child from its parent; alone in a page that fork wipes. */
    uint32_t claimed;

    struct boski_lock site;
    struct boski_lock stripe[BOSKI_STRIPES];
    struct boski_lock timeline;
    struct boski_lock peak;

    uint32_t stack_slot[BOSKI_HASH_STACKS]; /* index + 1 */
    uint64_t stack_hash[BOSK_RECORD_STACKS];
    uint32_t site_slot[BOSKI_HASH_SITES];  /* index + 1 */
    const char *label[BOSK_RECORD_LABELS]; /* interned text of the section's labels */
    uintptr_t raw[BOSK_RECORD_FRAMES];     /* return addresses, as the section's frames */
};

struct boski_obs {
    struct bosk_record_header *header;
    struct bosk_record_section *section;
    struct boski_obs_priv *priv;
    uint32_t *claimed;     /* nonzero while `section` is this process's own; wiped by fork */
    uint64_t sample_bytes; /* mean, or BOSK_RECORD_SAMPLE_* */
    unsigned depth;
    bool stacks_ready;            /* the unwinder has been warmed */
    uintptr_t own_start, own_end; /* of this library, when it is one */
};
extern struct boski_obs boski_obs;

/* counters.c */
/* live_bytes as of this process's last refill: in a fork child, as of the fork. */
extern int64_t boski_obs_last_live;
void boski_obs_start_counting(uint64_t live_bytes); /* a section is new: peak and timeline begin */

/* stacks.c, sites.c */
unsigned boski_obs_backtrace(uintptr_t *pc, unsigned cap, bool *cut);
void boski_obs_warm(void);
/* The site of a stack, made if need be; BOSK_RECORD_NONE when there is no room. */
uint32_t boski_obs_site(const uintptr_t *pc, unsigned n, bool cut, unsigned lane,
                        const char *label);
/* The site with the same stack and label as `site`, but another lane. */
uint32_t boski_obs_site_for_lane(uint32_t site, unsigned lane);
unsigned boski_obs_lane(size_t requested, size_t block);

/* modules.c: index of the module `pc` is in, or BOSK_RECORD_NO_MODULE; caller holds `site`. */
unsigned boski_obs_module(uintptr_t pc, uint64_t *bias);
void boski_obs_find_self(void);
/* Range of the loaded object that holds `pc`. */
struct boski_object {
    uintptr_t start, end, bias;
    const char *path; /* "" for the program itself */
};
bool boski_obs_object(uintptr_t pc, struct boski_object *out);
/* The same by walking the list of objects, as where the C library has no index of them. */
bool boski_obs_object_by_walk(uintptr_t pc, struct boski_object *out);

/* live.c: the table of sampled blocks that are in use. */
struct boski_live {
    uintptr_t p;      /* 0: empty, 1: deleted */
    uint64_t block;   /* bytes */
    uint64_t objects; /* blocks it stands for, in 1/1024 */
    uint32_t site;
    uint32_t mean; /* it was drawn with */
};
bool boski_live_put(const struct boski_live *entry);
bool boski_live_take(uintptr_t p, struct boski_live *out);
void boski_live_forget(void); /* fork child: all of it belongs to the parent */

/* weight.c */
double boski_obs_log(double x);                         /* natural, x > 0 */
double boski_obs_weight(uint64_t block, uint32_t mean); /* 1 / (1 - exp(-block / mean)) */
uint64_t boski_obs_draw(uint64_t *rng, uint32_t mean);

/* latency.c */
unsigned boski_obs_bucket(uint64_t ticks);
uint64_t boski_obs_timer_ticks(void); /* least ticks between two readings of the counter */

#endif /* BOSKI_OBSERVE_INTERNAL_H */
