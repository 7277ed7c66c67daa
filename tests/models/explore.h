/* explore.h - all executions of a small program with C11 atomics.
 *
 * A program is a few threads, each an ordinary function that makes its atomic accesses through
 * explore_load and relatives.  explore() runs it again and again until every schedule and every
 * value that a load may return under C11 has been tried, and tells whether a check failed in any.
 *
 * The model: views, as in "Repairing Sequential Consistency in C/C++11" (Lahav et al., 2017)
 * without fences and without sequentially consistent accesses, none of which we use, in the
 * operational form of "A Promising Semantics" (Kang et al., 2017) without promises.  A location is
 * the list of its writes in modification order; a thread has, for each location, the oldest write
 * that it may still read.  A release write carries the writer's view, an acquire load adopts it; a
 * read-modify-write stands right behind what it read and hands its view on (release sequences); a
 * plain store may be put anywhere behind the writer's view.
 *
 * What the model leaves out: loads that see writes of the future (load buffering, which relaxed
 * accesses of C11 allow on paper).  Plain data is checked for races: it may be written once, and
 * read by threads only that have seen the write happen.  Memory from explore_alloc may be touched
 * only by threads that have seen it being handed out.
 *
 * States are remembered by hash, so that schedules which lead to the same state are followed once.
 * The state of a thread is what its accesses have returned; threads must depend on nothing else.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXPLORE_THREADS = 4 };

struct explore_program {
    const char *name;
    void (*setup)(void);                       /* before each run, alone */
    void (*thread[EXPLORE_THREADS + 1])(void); /* NULL at the end */
    void (*finish)(void);                      /* after all threads, having seen all they did */
};

struct explore_result {
    const char *violation; /* what was found first, or NULL */
    uint64_t states, runs;
    unsigned deepest; /* accesses in the longest run */
    bool gave_up;     /* too many states: then nothing is proven */
};

struct explore_result explore(const struct explore_program *program, uint64_t most_states);

/* Accesses of the threads.  `bytes` is the size of the object; orders are __ATOMIC_*. */
uint64_t explore_load(const volatile void *p, size_t bytes, int order);
void explore_store(volatile void *p, size_t bytes, uint64_t v, int order);
uint64_t explore_add(volatile void *p, size_t bytes, uint64_t n, int order);
bool explore_cas(volatile void *p, size_t bytes, uint64_t *old, uint64_t v, int order, int failed);
void explore_write(void *p, uint64_t v); /* plain data, 8 bytes, once */
uint64_t explore_read(const void *p);
/* Clear memory, or NULL where memory may run out and does. */
void *explore_alloc(size_t bytes);
/* 0 ... n - 1, each of them tried. */
unsigned explore_choose(unsigned n);
/* Which thread this is. */
unsigned explore_self(void);
/* Ends the run as a violation. */
void explore_check(bool condition, const char *what);

#endif /* EXPLORE_H */
