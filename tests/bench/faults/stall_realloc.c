/* stall_realloc.c - a realloc that takes a millisecond for blocks of 64 KiB and more.  Preloaded,
 * to show that the longest push is found. */
#include <stddef.h>
#include <time.h>

void *realloc(void *p, size_t size);
void *__libc_realloc(void *p, size_t size); /* libc's own, under the name it keeps for wrappers */

void *realloc(void *p, size_t size)
{
    if (size >= 65536) {
        struct timespec from, now;
        clock_gettime(CLOCK_MONOTONIC, &from);
        do clock_gettime(CLOCK_MONOTONIC, &now);
        while ((now.tv_sec - from.tv_sec) * 1000000000 + now.tv_nsec - from.tv_nsec < 1000000);
    }
    return __libc_realloc(p, size);
}
