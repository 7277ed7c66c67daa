/* os_tasks.h - the threads of this process as the kernel knows them, its mappings, and futexes. */
#ifndef BOSKI_OS_TASKS_H
#define BOSKI_OS_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Calls `fn` for the id of each thread; false when they cannot be listed. */
bool boski_os_each_task(void (*fn)(void *ctx, int tid), void *ctx);
/* Sends `sig` to a thread of this process; false when there is none of that id. */
bool boski_os_signal_task(int tid, int sig);
/* The state letter of /proc (Z and X: it runs no more; K: it never leaves the kernel; Q: of qemu's
 * user mode, and deaf: its own thread, or for a moment a guest's), and whether
 * it blocks `sig`. */
char boski_os_task_state(int tid, int sig, bool *blocked);
/* Calls `fn` for each readable and writable mapping, by address. */
bool boski_os_each_map(void (*fn)(void *ctx, uintptr_t lo, uintptr_t hi), void *ctx);
/* Sleeps while *word is `value`, at most `ns` nanoseconds (0: for ever); may return early. */
void boski_os_futex_wait(const uint32_t *word, uint32_t value, uint64_t ns);
void boski_os_futex_wake(const uint32_t *word); /* everybody */
void boski_os_sleep_ns(uint64_t ns);
void boski_os_yield(void);
/* Threads of the library itself, and of an emulator or sanitizer under the program: they block all
 * signals and hold no references. */
void boski_os_own_task_add(int tid);
bool boski_os_own_task(int tid);
/* Before the program starts threads, and in each fork child: where somebody emulates, all threads
 * but the caller are his.  None of the parent's are the child's. */
void boski_os_own_tasks_loaded(void);
void boski_os_own_tasks_fork_child(void);
uint64_t boski_os_thread_cpu_ns(void);

#endif /* BOSKI_OS_TASKS_H */
