/* fault_malloc.c - libc's malloc with one known fault, to show that the measuring programs see it.
 * Preloaded; FAULT is chosen when this is compiled.
 *
 *   SLOW   free spins for about 100 ns
 *   LEAK   free keeps everything
 *   FORK   malloc fails in every fork child
 */
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

enum { SLOW = 1, LEAK, FORK };

void *malloc(size_t size);
void free(void *p);
void *__libc_malloc(size_t size); /* libc's own, under the names it keeps for wrappers */
void __libc_free(void *p);

static pid_t first_process;
__attribute__((constructor)) static void remember(void) { first_process = getpid(); }

void *malloc(size_t size)
{
    if (FAULT == FORK && first_process != 0 && getpid() != first_process) return NULL;
    return __libc_malloc(size);
}

void free(void *p)
{
    if (FAULT == SLOW)
        for (volatile int i = 0; i < 60; i++) continue;
    if (FAULT != LEAK) __libc_free(p);
}
