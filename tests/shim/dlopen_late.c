/* dlopen_late.c - the heap loaded at run time, after another library has taken much of the room for
 * static thread-local storage; used by threads older and younger than itself; closed, and
 * used on.  malloc stays libc's.
 *
 *     dlopen_late HOG LIBRARY
 */
#define _GNU_SOURCE
#include "shim_test.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>

static void *(*heap_malloc)(size_t);
static void (*heap_free)(void *);
static void *(*heap_realloc)(void *, size_t);
static bool (*heap_find)(const void *, void **, size_t *);
static const char *hog_path, *library_path;
static atomic_int loaded;
static char *(*hog_room)(void);

static void *find(void *library, const char *name)
{
    void *p = dlsym(library, name);
    CHECK_MSG(p != NULL, "%s", name);
    return p;
}

static void *use(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    while (!atomic_load(&loaded)) usleep(1000);
    hog_room()[767] = 5;
    for (int round = 0; round < 200; round++) {
        char *p[100];
        for (int i = 0; i < 100; i++) {
            size_t n = (size_t)(i * i * (round % 5 + 1) + 1);
            p[i] = heap_malloc(n);
            CHECK(p[i] != NULL);
            shim_fill(p[i], n, seed);
        }
        for (int i = 0; i < 100; i++) {
            size_t n = (size_t)(i * i * (round % 5 + 1) + 1);
            CHECK(shim_filled(p[i], n, seed));
            if (i % 3 == 0) p[i] = heap_realloc(p[i], n * 2);
            heap_free(p[i]);
        }
    }
    return NULL;
}

CASE(used_by_old_and_young_threads)
{
    pthread_t thread[8];
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&thread[i], NULL, use, (void *)(uintptr_t)i) == 0);
    void *hog = dlopen(hog_path, RTLD_NOW | RTLD_LOCAL);
    CHECK_MSG(hog != NULL, "%s", dlerror());
    void *library = dlopen(library_path, RTLD_NOW | RTLD_LOCAL);
    CHECK_MSG(library != NULL, "%s", dlerror());
    if (library == NULL || hog == NULL) exit(1);
    void *p[] = {find(library, "bosk_malloc"), find(library, "bosk_free"),
                 find(library, "bosk_realloc"), find(library, "bosk_find_block"),
                 find(hog, "tls_hog_room")};
    memcpy(&heap_malloc, &p[0], sizeof p[0]);
    memcpy(&heap_free, &p[1], sizeof p[0]);
    memcpy(&heap_realloc, &p[2], sizeof p[0]);
    memcpy(&heap_find, &p[3], sizeof p[0]);
    memcpy(&hog_room, &p[4], sizeof p[0]);
    atomic_store(&loaded, 1);
    for (int i = 4; i < 8; i++)
        CHECK(pthread_create(&thread[i], NULL, use, (void *)(uintptr_t)i) == 0);
    use((void *)9);
    CHECK(dlclose(library) == 0);
    use((void *)10); /* the library stays */
    for (int i = 0; i < 8; i++) pthread_join(thread[i], NULL);
}

CASE(malloc_stays_as_it_was)
{
    Dl_info m;
    void *start, *p = shim_keep(malloc(100));
    size_t bytes;
    CHECK(dladdr((void *)(uintptr_t)&malloc, &m) != 0);
    CHECK_MSG(strstr(m.dli_fname, "bosk") == NULL, "%s", m.dli_fname);
    CHECK(!heap_find(p, &start, &bytes));
    free(p);
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    hog_path = argv[1];
    library_path = argv[2];
    return shim_main("dlopen_late", 1, argv);
}
