/* mcache.c - birth and death of a thread's cache, and those who look at all of them.
 *
 * A thread gets its cache at its first slow path and leaves it, filled as it is, to the next one
 * that starts; no cache is ever unmapped.  What it is made of is in mcache.h, how malloc and free
 * use it in fastpath.h, mcache_refill.c and mcache_free.c.
 */
#include "collected.h"
#include "mcache_parts.h"
#include "waiting.h"

#include <pthread.h>

/* ---- the state of a thread that has not allocated yet ------------------------ */

void *boski_nothing[2];
#define N1 BOSKI_NOTHING
#define N8 N1, N1, N1, N1, N1, N1, N1, N1
struct mcache_head boski_no_cache = {.medium = {N8, N8, N8, N8, N8, N1, N1, N1, N1}};
_Static_assert(BOSKI_LANES - BOSKI_LANES_FAST == 44, "boski_no_cache.medium fills every lane");
_Static_assert(offsetof(struct mcache, push) == 0 &&
                   offsetof(struct mcache, medium) == offsetof(struct mcache_head, medium) &&
                   offsetof(struct mcache, large) == offsetof(struct mcache_head, large),
               "the fast paths find at the head what they need");

__thread struct boski_tls boski_tls __attribute__((tls_model("initial-exec"))) = {
    .push = &boski_no_cache.push, .pop = {N8, N8, N8, N8, N8, N8, N8, N8, N1}};

struct mcache *boski_mcaches;
static struct mcache *pool;
static struct boski_lock pool_lock;
static pthread_key_t end_key;
static bool end_key_made;

/* ---- birth and death ------------------------------------------------------------------------ */

static void **const no_pops[BOSKI_LANES_FAST] = {N8, N8, N8, N8, N8, N8, N8, N8, N1};

/* What the thread has cached stays in the record, and the next thread starts warm; when none
 * comes, a tick gives it back. */
static void thread_end(void *arg)
{
    (void)arg;
    struct mcache *mc = boski_mcache_peek();
    boski_tls.ended = 1;
    if (mc == NULL) return;
    boski_pend(mc, &mc->pending.thread_ends, 1);
    boski_mcache_count(mc);
    mc->label_depth = mc->home_depth = 0;
    mc->tiny = NULL;
    mc->end_ms = boski_now_ms();
    for (unsigned i = 0; i < BOSKI_LANES; i++) /* short lives must not add up to a large stock */
        if (mc->lane[i].want > 8) mc->lane[i].want = 8;
    boski_lock(&pool_lock);
    memcpy(mc->parked, boski_tls.pop, sizeof mc->parked);
    mc->pops = mc->parked;
    memcpy(boski_tls.pop, no_pops, sizeof boski_tls.pop);
    boski_tls.push = &boski_no_cache.push;
    mc->tls = NULL;
    mc->idle = false;
    mc->next_free = pool;
    BOSKI_SET(pool, mc);
    boski_unlock(&pool_lock);
}

void boski_mcache_trim_pool(uint64_t now_ms, uint64_t age_ms)
{
    if (__atomic_load_n(&pool, __ATOMIC_RELAXED) == NULL) return;
    struct mcache *old = NULL, *next;
    boski_lock(&pool_lock);
    for (struct mcache **at = &pool; *at != NULL;) {
        struct mcache *mc = *at;
        if (mc->idle || now_ms - mc->end_ms < age_ms) {
            at = &mc->next_free;
            continue;
        }
        BOSKI_SET(*at, mc->next_free);
        mc->next_free = old;
        old = mc;
    }
    boski_unlock(&pool_lock);
    for (; old != NULL; old = next) {
        next = old->next_free;
        boski_mcache_flush(old);
        boski_lock(&pool_lock);
        old->idle = true;
        old->next_free = pool;
        BOSKI_SET(pool, old);
        boski_unlock(&pool_lock);
    }
}

BOSKI_NOINLINE struct mcache *boski_mcache_make(void)
{
    if (boski_tls.ended || !boski_heap_init()) return NULL;
    boski_lock(&pool_lock);
    if (!end_key_made) end_key_made = pthread_key_create(&end_key, thread_end) == 0;
    struct mcache *mc = pool;
    if (mc != NULL) BOSKI_SET(pool, mc->next_free);
    boski_unlock(&pool_lock);
    bool old = mc != NULL;
    if (!old) {
        mc = boski_meta_alloc_lines(sizeof *mc);
        if (mc == NULL) return NULL;
        for (unsigned i = 0; i < BOSKI_LANES - BOSKI_LANES_FAST; i++) mc->medium[i] = BOSKI_NOTHING;
        memcpy(mc->parked, no_pops, sizeof mc->parked);
        mc->rng = boski_os_random() | 1;
        mc->large_sample_left = UINT64_MAX;
    }
    mc->tls = &boski_tls;
    mc->decay_ms = boski_now_ms();
    if (boski_recording)
        mc->large_sample_left = boski_obs_next_sample(&mc->rng, &mc->large_sample_mean);
    memcpy(boski_tls.pop, mc->parked, sizeof boski_tls.pop);
    mc->pops = boski_tls.pop;
    boski_tls.push = &mc->push;
    if (!old) {
        boski_lock(&pool_lock);
        mc->next = boski_mcaches;
        __atomic_store_n(&boski_mcaches, mc, __ATOMIC_RELEASE);
        boski_unlock(&pool_lock);
    }
    boski_pend(mc, &mc->pending.thread_starts, 1);
    /* Last: it may allocate, through the cache that now is. */
    if (end_key_made) pthread_setspecific(end_key, mc);
    return mc;
}

void boski_mcache_fork(int step)
{
    if (step == 0) {
        boski_lock(&pool_lock);
        boski_buf_fork(0);
    } else {
        boski_buf_fork(1);
        boski_unlock(&pool_lock);
    }
}
void boski_mcache_fork_child(void)
{
    struct mcache *mc = boski_mcache_peek();
    /* The other threads are not here, and new ones may come to lie on their stacks. */
    for (struct mcache *other = boski_mcaches; other != NULL; other = other->next)
        if (other != mc && other->tls != NULL) {
            other->tls = NULL;
            other->lost = true;
        }
    if (mc != NULL) mc->label_depth = 0;
}

/* Calls `fn` for what lies in [from, to) of `b`, if that is a part of it at all: the owner may be
 * moving both ends.  Buffers are never unmapped, so what is read is at worst out of date. */
BOSKI_RACY static void each_slot(struct buf *b, void **from, void **to, const struct lane *l,
                                 void (*fn)(void *ctx, void *p), void *ctx)
{
    if (b == NULL || from < b->slot || to > b->slot + b->cap) return;
    for (void **at = from; at < to; at++)
        fn(ctx, l != NULL && at == l->cut ? l->cut_obj : __atomic_load_n(at, __ATOMIC_RELAXED));
}
BOSKI_RACY void boski_mcache_each_stopped(void (*fn)(void *ctx, void *p), void *ctx)
{
    boski_waiting_each(fn, ctx);
    for (struct mcache *mc = boski_mcaches; mc != NULL; mc = mc->next) {
        if (mc->lost) continue;
        boski_gc_cache_each(mc, fn, ctx);
        for (unsigned i = 0; i < BOSKI_LANES; i++) {
            const struct lane *l = &mc->lane[i];
            each_slot(__atomic_load_n(&l->buf, __ATOMIC_RELAXED),
                      __atomic_load_n(&l->start, __ATOMIC_RELAXED),
                      __atomic_load_n(boski_pop_of(mc, i), __ATOMIC_RELAXED), l, fn, ctx);
        }
        for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++) {
            struct buf *b = __atomic_load_n(&mc->bin[c].buf, __ATOMIC_RELAXED);
            if (b != NULL)
                each_slot(b, b->slot, __atomic_load_n(&mc->push.cur[c], __ATOMIC_RELAXED), NULL, fn,
                          ctx);
        }
    }
}
void boski_mcache_each(void (*fn)(void *ctx, void *p), void *ctx)
{
    /* A thread that ends waits for this lock before its thread-local block is gone. */
    boski_lock(&pool_lock);
    boski_mcache_each_stopped(fn, ctx);
    boski_unlock(&pool_lock);
}

BOSKI_RACY void boski_mcache_add_uncounted(struct bosk_record_counters *sum)
{
    boski_lock(&pool_lock);
    for (struct mcache *mc = boski_mcaches; mc != NULL; mc = mc->next)
        if (!mc->lost) boski_mcache_uncounted(mc, sum);
    boski_unlock(&pool_lock);
}
BOSKI_RACY void boski_mcache_census(size_t *inuse, size_t *all)
{
    *inuse = *all = 0;
    boski_lock(&pool_lock);
    for (const struct mcache *mc = boski_mcaches; mc != NULL; mc = mc->next) {
        *all += 1;
        if (mc->tls != NULL) *inuse += 1;
    }
    boski_unlock(&pool_lock);
}

/* What the thread that ends the process still holds uncounted belongs into the recording. */
__attribute__((destructor)) static void unloaded(void)
{
    struct mcache *mc = boski_mcache_peek();
    if (boski_recording) boski_obs_check();
    if (boski_recording && mc != NULL) boski_mcache_count(mc);
}
