/* late.c - the library loaded by dlopen while threads run, closed, and used all the same.
 *
 *     late PATH-OF-LIBBOSK
 *
 * Threads that were there before get their thread-local block late; dlclose must not unmap
 * code that destructors of threads still need.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *(*get)(size_t);
static void (*give)(void *);
static sem_t loaded, closed;
static unsigned damaged;

static void use(unsigned rounds)
{
    unsigned char *p[100];
    for (unsigned r = 0; r < rounds; r++) {
        for (unsigned i = 0; i < 100; i++) {
            p[i] = get(i * 13 + 1);
            if (!p[i]) exit(3);
            memset(p[i], (int)i, i * 13 + 1);
        }
        for (unsigned i = 0; i < 100; i++) {
            if (p[i][i * 13] != i) damaged++;
            give(p[i]);
        }
    }
}

static void *was_there_before(void *arg)
{
    while (sem_wait(&loaded) != 0) {}
    use(100);
    while (sem_wait(&closed) != 0) {}
    use(10); /* and ends after the library was closed */
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t thread[8], later;
    if (argc != 2) return 2;
    sem_init(&loaded, 0, 0);
    sem_init(&closed, 0, 0);
    for (int i = 0; i < 8; i++)
        if (pthread_create(&thread[i], NULL, was_there_before, NULL) != 0) return 2;
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "late: %s\n", dlerror());
        return 1;
    }
    *(void **)&get = dlsym(library, "bosk_malloc");
    *(void **)&give = dlsym(library, "bosk_free");
    if (!get || !give) return 1;
    use(1000);
    for (int i = 0; i < 8; i++) sem_post(&loaded);
    if (pthread_create(&later, NULL, was_there_before, NULL) != 0) return 2;
    sem_post(&loaded);
    void *kept = get(100);
    if (dlclose(library) != 0) return 1;
    give(kept);
    for (int i = 0; i < 9; i++) sem_post(&closed);
    for (int i = 0; i < 8; i++) pthread_join(thread[i], NULL);
    pthread_join(later, NULL);
    if (damaged) fprintf(stderr, "late: %u damaged blocks\n", damaged);
    return damaged ? 1 : 0;
}
