/* bad_free.c - wrong frees, one a run: `bad_free KIND`.  The process must end at once, or with the
 * next flush, by SIGABRT and a message; reaching the end is exit 1. */
#define _GNU_SOURCE
#include "shim_test.h"

#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>

#define DELETE_SIZED (sizeof(size_t) == 8 ? "_ZdlPvm" : "_ZdlPvj")

static void flush(void)
{
    static void *p[4000];
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 4000; i++) p[i] = shim_keep(malloc(100));
        for (int i = 0; i < 4000; i++) free(p[i]);
    }
    malloc_trim(0);
}

int main(int argc, char **argv)
{
    static char data[100];
    char on_stack[64];
    const char *kind = argc > 1 ? argv[1] : "";
    char *p = shim_keep(malloc(100)), *big = shim_keep(malloc(1000000));
    char *mapped = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *volatile bad = NULL;
    if (strcmp(kind, "double") == 0) {
        free(p);
        bad = p;
    } else if (strcmp(kind, "double_large") == 0) {
        free(big);
        bad = big;
    } else if (strcmp(kind, "interior") == 0) {
        bad = p + 16;
    } else if (strcmp(kind, "interior_large") == 0) {
        bad = big + 8192;
    } else if (strcmp(kind, "misaligned") == 0) {
        bad = p + 1;
    } else if (strcmp(kind, "stack") == 0) {
        bad = shim_keep(on_stack);
    } else if (strcmp(kind, "data") == 0) {
        bad = shim_keep(data);
    } else if (strcmp(kind, "mapped") == 0) {
        bad = mapped;
    } else if (strcmp(kind, "wild") == 0) {
        bad = (void *)(uintptr_t)0x12345678;
    } else if (strcmp(kind, "high") == 0) {
        bad = (void *)(UINTPTR_MAX - 4095);
    } else if (strcmp(kind, "realloc") == 0) {
        bad = realloc(shim_keep(mapped), 100);
        return 1;
    } else if (strcmp(kind, "realloc_interior") == 0) {
        bad = realloc(shim_keep(big + 8192), 5000000);
        return 1;
    } else if (strncmp(kind, "sized", 5) == 0) {
        /* Names that libc may lack: by what is asked, the sized, the aligned or C++'s form. */
        void *f = dlsym(RTLD_DEFAULT, strcmp(kind, "sized_new") == 0       ? DELETE_SIZED
                                      : strcmp(kind, "sized_aligned") == 0 ? "free_aligned_sized"
                                                                           : "free_sized");
        void (*two)(void *, size_t);
        void (*three)(void *, size_t, size_t);
        memcpy(&two, &f, sizeof f);
        memcpy(&three, &f, sizeof f);
        if (f == NULL) return 2;
        if (strcmp(kind, "sized_aligned") == 0)
            three(p, SIZE_MAX / 2 + 1, 100);
        else
            two(p, 100000);
        return 1;
    } else if (strcmp(kind, "usable") == 0) {
        return malloc_usable_size(shim_keep(on_stack)) != 0;
    } else {
        return 2;
    }
    free(bad);
    flush();
    return 1;
}
