/* pool.h - sync.Pool: objects kept for reuse between uses, given up when nobody wants them.
 *
 *     static bosk_pool buffers = BOSK_POOL(buffer_new, buffer_free);
 *     struct buffer *b = bosk_pool_get(&buffers);     one that was put, else a new one
 *     ...
 *     bosk_pool_put(&buffers, b);                     b is the pool's from here on
 *
 * Each thread has a place of its own and a list behind it that other threads may take from.  An
 * item that lies unused over two ticks is dropped.  A tick is what a collection cycle is in Go: it
 * comes with each collection; where none has been for two minutes, when the scavenger looks at the
 * heap and scavenge_window (500 ms) has passed since the last one; and with each bosk_trim.  So
 * nothing may rely on an item being kept, nor on which one comes.
 *
 * The scavenger runs inside allocations of any thread.  A `drop` of the user is never called from
 * there, but from the next call on the pool, from bosk_trim, or from the thread of
 * BOSK_CONF=scavenger=thread; bosk_free, which stands in when there is none, may be.
 *
 * Threads: any.  The items a thread leaves when it ends are there for others.  In a fork child the
 * pool has what it had in the parent.  Not in signal handlers.
 *
 * Go counterpart: sync/pool.go, poolqueue.go (1.22).  Differs in that a thread keeps at most
 * 65,520 items an age (more are dropped), and in what is called when items are dropped.
 */
#ifndef BOSK_POOL_H
#define BOSK_POOL_H

#include <bosk/type.h>

BOSK_BEGIN_DECLS

typedef struct bosk_pool {
    void *(*fresh)(void);     /* Go's New: called by get when there is no item; NULL: see type */
    void (*drop)(void *item); /* takes items that are given up; NULL: bosk_free, where it may */
    const bosk_type *type;    /* without fresh: get makes a zeroed one in the current home; NULL:
                               * get answers NULL, as Go's */
    uintptr_t boski_stamp;    /* of the pool in its present age, and of no other */
    void *boski_state;
} bosk_pool;

/* Initialises a pool with a maker and a dropper, or one of zeroed objects of type T. */
#define BOSK_POOL(fresh, drop) \
    {                          \
        fresh, drop, 0, 0, 0   \
    }
#define BOSK_POOL_OF_TYPE(type) \
    {                           \
        0, 0, type, 0, 0        \
    }

/* bosk_pool_get takes an item: the one this thread put last, else one of another thread, else one
 * left from before the last tick, else a new one.  NULL only without fresh and type, or when fresh
 * returns it.  Some 15 instructions; one is an atomic exchange when the process has several
 * threads. No memory for a new item of `type` is fatal. */
BOSK_API void *bosk_pool_get(bosk_pool *pool) BOSK_NODISCARD;
/* bosk_pool_put gives an item to the pool; NULL does nothing.  Never fails: an item for which there
 * is no place is dropped. */
BOSK_API void bosk_pool_put(bosk_pool *pool, void *item);
/* How many items the pool holds; exact when no other thread uses it. */
BOSK_API size_t bosk_pool_len(const bosk_pool *pool);
/* bosk_pool_free drops all items and all that the pool has allocated.  The pool is as new then.
 * No other thread may use it meanwhile. */
BOSK_API void bosk_pool_free(bosk_pool *pool);

BOSK_END_DECLS

#endif /* BOSK_POOL_H */
