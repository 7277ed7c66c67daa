/* weak.c - weak handles and cleanups: what is to happen when an object is found unreachable.
 *
 * A record holds the object's address inverted, so that it is no reference, and for a cleanup the
 * function and its argument, which is one.  Records lie in blocks that are looked at as roots.
 * After marking, with the world stopped, records of unmarked objects are handled: a weak handle
 * becomes NULL, a cleanup is put into the queue of those that are to run.  Nothing is resurrected:
 * a cleanup does not get the object.
 *
 * Cleanups run one after another on a thread of their own, which the first bosk_add_cleanup
 * starts, or in bosk_run_cleanups; never inside an allocation.
 *
 * Locking: `lock` guards all; the collector takes it before it stops the world.  A weak handle is
 * read under it, so that no thread is stopped with an address that is still inverted.
 */
#include "gc.h"

#include <pthread.h>

enum kind { FREE, WEAK, CLEANUP, PENDING };
struct bosk_special {
    uintptr_t object; /* inverted; 0: gone */
    void (*fn)(void *arg);
    void *arg;
    struct bosk_special *next; /* free list or queue */
    uint32_t kind;
    uint32_t serial; /* of its use */
};
enum { BLOCK = 170 };
struct block {
    struct block *next;
    struct bosk_special record[BLOCK];
};
static struct block *blocks;
static struct bosk_special *free_records;
static struct bosk_special *queue, **queue_end = &queue;
static struct boski_lock lock;
static uint32_t queued; /* raised for each cleanup that becomes due */
static bool thread_runs;

struct boski_lock *boski_weak_lock(void) { return &lock; }

/* ---- records --------------------------------------------------------------------------- */

static struct bosk_special *take(void *object, enum kind kind)
{
    struct boski_found f;
    if (!boski_heap_init()) return NULL;
    boski_lock(&lock);
    if (!boski_mark_find((uintptr_t)object, &f)) {
        boski_unlock(&lock);
        bosk_panic("bosk: %p is not in a collected object", object);
    }
    if (free_records == NULL) {
        struct block *b = boski_meta_alloc(sizeof *b);
        if (b != NULL) {
            b->next = blocks;
            blocks = b;
            for (size_t i = 0; i < BLOCK; i++) {
                b->record[i].next = free_records;
                free_records = &b->record[i];
            }
        }
    }
    struct bosk_special *r = free_records;
    if (r != NULL) {
        free_records = r->next;
        r->next = NULL;
        r->object = ~(uintptr_t)object;
        r->kind = kind;
        r->serial++;
    }
    return r; /* with the lock held, also when there is none */
}
static void give(struct bosk_special *r)
{
    r->kind = FREE;
    r->object = 0;
    r->fn = NULL;
    r->arg = NULL;
    r->next = free_records;
    free_records = r;
}

/* ---- weak handles ------------------------------------------------------------------------ */

BOSK_API bosk_weak bosk_weak_new(void *object)
{
    struct bosk_special *r = take(object, WEAK);
    boski_unlock(&lock);
    return (bosk_weak)r;
}
BOSK_API void *bosk_weak_get(bosk_weak w)
{
    struct bosk_special *r = (struct bosk_special *)w;
    if (r == NULL) return NULL;
    boski_lock(&lock);
    bool valid = r->kind == WEAK;
    void *volatile object = valid && r->object != 0 ? (void *)~r->object : NULL;
    boski_unlock(&lock);
    if (!valid) bosk_panic("bosk: use of a weak handle that was freed");
    return object;
}
BOSK_API void bosk_weak_free(bosk_weak w)
{
    struct bosk_special *r = (struct bosk_special *)w;
    if (r == NULL) return;
    boski_lock(&lock);
    bool valid = r->kind == WEAK;
    if (valid) give(r);
    boski_unlock(&lock);
    if (!valid) bosk_panic("bosk: weak handle freed twice");
}

/* ---- cleanups ------------------------------------------------------------------------------ */

BOSK_API size_t bosk_run_cleanups(void)
{
    for (size_t n = 0;; n++) {
        boski_lock(&lock);
        struct bosk_special *r = queue;
        if (r == NULL) {
            boski_unlock(&lock);
            return n;
        }
        queue = r->next;
        if (queue == NULL) queue_end = &queue;
        void (*fn)(void *) = r->fn;
        void *volatile arg = r->arg;
        give(r);
        boski_unlock(&lock);
        fn(arg);
    }
}
static void *run_thread(void *unused)
{
    (void)unused;
    for (;;) {
        uint32_t seen = __atomic_load_n(&queued, __ATOMIC_ACQUIRE);
        if (bosk_run_cleanups() == 0) boski_os_futex_wait(&queued, seen, 0);
    }
    return NULL;
}
static void start_thread(void)
{
    pthread_t id;
    pthread_attr_t attr;
    if (__atomic_exchange_n(&thread_runs, true, __ATOMIC_RELAXED)) return;
    if (pthread_attr_init(&attr) != 0) return;
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&id, &attr, run_thread, NULL) != 0)
        __atomic_store_n(&thread_runs, false, __ATOMIC_RELAXED); /* the next one tries again */
    (void)pthread_attr_destroy(&attr);
}
BOSK_API bosk_cleanup bosk_add_cleanup(void *object, void (*fn)(void *arg), void *arg)
{
    bosk_cleanup c = {NULL, 0};
    struct bosk_special *r = take(object, CLEANUP);
    if (r != NULL) {
        r->fn = fn;
        r->arg = arg;
        c.record = r;
        c.serial = r->serial;
    }
    boski_unlock(&lock);
    if (r != NULL) start_thread();
    return c;
}
BOSK_API bool bosk_cleanup_stop(bosk_cleanup c)
{
    struct bosk_special *r = c.record;
    if (r == NULL) return false;
    boski_lock(&lock);
    bool waiting = r->kind == CLEANUP && r->serial == c.serial;
    if (waiting) give(r);
    boski_unlock(&lock);
    return waiting;
}

/* ---- for the cycle --------------------------------------------------------------------------- */

bool boski_weak_gather(struct boski_roots *r)
{
    bool ok = true;
    for (const struct block *b = blocks; ok && b != NULL; b = b->next)
        ok = boski_roots_add(r, (uintptr_t)b->record, (uintptr_t)(b->record + BLOCK));
    return ok;
}
static void unreachable(struct bosk_special *r)
{
    r->object = 0;
    if (r->kind == WEAK) return;
    r->kind = PENDING;
    r->next = NULL;
    *queue_end = r;
    queue_end = &r->next;
    __atomic_add_fetch(&queued, 1, __ATOMIC_RELEASE);
}
void boski_weak_marked(void)
{
    struct boski_found f;
    for (struct block *b = blocks; b != NULL; b = b->next)
        for (size_t i = 0; i < BLOCK; i++) {
            struct bosk_special *r = &b->record[i];
            if ((r->kind != WEAK && r->kind != CLEANUP) || r->object == 0) continue;
            if (!boski_mark_find(~r->object, &f) ||
                (boski_gc_marks(f.span)[f.slot >> 6] >> (f.slot & 63) & 1) == 0)
                unreachable(r);
        }
}
void boski_weak_wake(void)
{
    if (__atomic_load_n(&queued, __ATOMIC_RELAXED) != 0) boski_os_futex_wake(&queued);
}
void boski_weak_fork_child(void) { thread_runs = false; }
