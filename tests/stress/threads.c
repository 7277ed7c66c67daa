/* threads.c - threads started and ended in waves; memory must not grow with their number.
 *
 *     threads COUNT
 *
 * Knows nothing of bosk: run it with the drop-in preloaded.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAVE = 50 };

static void *life(void *arg)
{
    void *p[64];
    for (size_t i = 0; i < 64; i++) {
        p[i] = malloc(i * 97 % 3000 + 1);
        if (!p[i]) exit(3);
        memset(p[i], (int)i, i * 97 % 3000 + 1);
    }
    for (size_t i = 1; i < 64; i++) free(p[i]);
    (void)arg;
    return p[0]; /* freed by another thread */
}

static long resident_kib(void)
{
    long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &total, &resident) != 2) exit(2);
    fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000, started = 0;
    long early = 0;
    for (unsigned long wave = 0; started < count; wave++) {
        pthread_t thread[WAVE];
        for (int i = 0; i < WAVE; i++, started++)
            if (pthread_create(&thread[i], NULL, life, NULL) != 0) return 2;
        for (int i = 0; i < WAVE; i++) {
            void *left = NULL;
            pthread_join(thread[i], &left);
            free(left);
        }
        if (started <= count / 4 || wave == 0) early = resident_kib();
    }
    long late = resident_kib();
    printf("threads: %lu, %ld KiB resident after a quarter, %ld KiB at the end\n", started, early,
           late);
    if (late > early + 4096) {
        fprintf(stderr, "threads: memory grows with the number of threads\n");
        return 1;
    }
    return 0;
}
