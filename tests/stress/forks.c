/* forks.c - forks while threads allocate; each child allocates, too, and must come back in time.
 *
 *     forks COUNT
 *
 * Knows nothing of bosk: run it with the drop-in preloaded.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, CHILD_SECONDS = 20 };
static volatile int stop;

static void *load(void *arg)
{
    static void *shared[512];
    uint64_t r = (uintptr_t)arg + 1;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        r = r * 6364136223846793005u + 1442695040888963407u;
        size_t size = (size_t)((r >> 40) % ((r >> 33) % 64 ? 2000 : 400000));
        void *p = malloc(size);
        if (!p) _exit(3);
        memset(p, 1, size < 64 ? size : 64);
        free(__atomic_exchange_n(&shared[(r >> 20) % 512], p, __ATOMIC_ACQ_REL));
    }
    return NULL;
}

static int child(unsigned long seed)
{
    void *p[200] = {NULL};
    alarm(CHILD_SECONDS);
    for (unsigned i = 0; i < 1000; i++) {
        size_t at = (i * 7 + seed) % 200, size = (i * 131 + seed * 17) % 5000 + 1;
        p[at] = realloc(p[at], size);
        if (!p[at]) return 1;
        memset(p[at], (int)at, size);
    }
    for (size_t i = 0; i < 200; i++) {
        if (p[i] && *(unsigned char *)p[i] != i) return 1;
        free(p[i]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    pthread_t thread[THREADS];
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 200;
    struct rusage before, after;
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, load, (void *)i) != 0) return 2;
    usleep(100000); /* warm before the first measurement */
    for (unsigned long i = 0; i < count; i++) {
        if (i == count / 4) getrusage(RUSAGE_SELF, &before);
        int status = -1;
        pid_t pid = fork();
        if (pid == 0) _exit(child(i));
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
            fprintf(stderr, "forks: child %lu: status %#x\n", i, (unsigned)status);
            return 1;
        }
    }
    getrusage(RUSAGE_SELF, &after);
    stop = 1;
    for (unsigned i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    long grown = after.ru_maxrss - before.ru_maxrss;
    printf("forks: %lu, peak of %ld KiB, %ld KiB of it since the first quarter\n", count,
           after.ru_maxrss, grown);
    if (grown > 16 * 1024) {
        fprintf(stderr, "forks: the parent grows with the number of forks\n");
        return 1;
    }
    return 0;
}
