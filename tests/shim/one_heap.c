/* one_heap.c - whichever way the runtime got into the process, malloc and bosk_malloc are one heap.
 *
 * Built once for each way to link it.  SHIM_TEST_HEAP=apart is for the one case in which they
 * are not: the static runtime without the drop-in, where malloc is libc's.
 */
#define _GNU_SOURCE
#include "shim_test.h"

#include <bosk/bosk.h>
#include <dlfcn.h>
#include <malloc.h>

static bool apart(void)
{
    const char *mode = getenv("SHIM_TEST_HEAP");
    return mode != NULL && strcmp(mode, "apart") == 0;
}

CASE(blocks_know_each_other)
{
    static const size_t sizes[] = {1, 100, 5000, 100000, 3000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *p = shim_keep(malloc(sizes[i])), *q = bosk_malloc(sizes[i]), *start;
        size_t bytes;
        CHECK(bosk_find_block(p, &start, &bytes) == !apart());
        CHECK(bosk_find_block(q, &start, &bytes) && start == q && bytes >= sizes[i]);
        if (!apart()) {
            CHECK(bosk_usable_size(p) == malloc_usable_size(p));
            CHECK(bosk_usable_size(q) == malloc_usable_size(q));
            bosk_free(p);
            free(q);
            p = bosk_realloc(shim_keep(malloc(sizes[i])), sizes[i] * 2);
            q = realloc(bosk_calloc(1, sizes[i]), sizes[i] * 2);
            CHECK(p != NULL && q != NULL);
        }
        free(p);
        bosk_free(q);
    }
}

CASE(libc_allocates_here)
{
    size_t bytes, cap = 0;
    void *start;
    char *copy = strdup("text"), *dir = getcwd(NULL, 0), *line = NULL;
    FILE *f = fopen("/proc/self/maps", "r");
    CHECK(f != NULL && getline(&line, &cap, f) > 0);
    CHECK(bosk_find_block(copy, &start, &bytes) == !apart());
    CHECK(bosk_find_block(dir, &start, &bytes) == !apart());
    CHECK(bosk_find_block(line, &start, &bytes) == !apart());
    CHECK(bosk_find_block(f, &start, &bytes) == !apart());
    if (f != NULL) fclose(f);
    free(copy);
    free(dir);
    free(line);
}

CASE(statistics_count_both)
{
    enum { N = 500, BYTES = 100000 };
    static void *p[N];
    struct bosk_heap_stats before, during, after;
    struct mallinfo2 libc_before, libc_during;
    bosk_heap_stats(&before);
    for (int i = 0; i < N; i++) p[i] = shim_keep(malloc(BYTES));
    bosk_heap_stats(&during);
    bool counted = during.live >= before.live + (uint64_t)N * BYTES;
    CHECK_MSG(counted == !apart(), "%llu after %llu", (unsigned long long)during.live,
              (unsigned long long)before.live);
    for (int i = 0; i < N; i++) free(p[i]);

    libc_before = mallinfo2();
    for (int i = 0; i < N; i++) p[i] = bosk_malloc(BYTES);
    libc_during = mallinfo2();
    counted = libc_during.uordblks >= libc_before.uordblks + (size_t)N * BYTES;
    CHECK(counted == !apart());
    for (int i = 0; i < N; i++) bosk_free(p[i]);
    bosk_heap_stats(&after);
    CHECK(after.live < during.live || apart());
}

CASE(names_come_from_one_object)
{
    Dl_info m, b, f, n;
    void *new_ = dlsym(RTLD_DEFAULT, sizeof(size_t) == 8 ? "_Znwm" : "_Znwj");
    CHECK(dladdr((void *)(uintptr_t)&malloc, &m) != 0);
    CHECK(dladdr((void *)(uintptr_t)&bosk_malloc, &b) != 0);
    CHECK(dladdr((void *)(uintptr_t)&bosk_free, &f) != 0);
    CHECK(b.dli_fbase == f.dli_fbase);
    CHECK_MSG((m.dli_fbase == b.dli_fbase) == !apart(), "malloc in %s, bosk_malloc in %s",
              m.dli_fname, b.dli_fname);
    /* A C program need not export operator new; where there is one it must use this malloc. */
    if (new_ != NULL && !apart()) {
        void *(*make)(size_t);
        memcpy(&make, &new_, sizeof make);
        void *p = make(100), *start;
        size_t bytes;
        CHECK(dladdr(new_, &n) != 0);
        CHECK_MSG(bosk_find_block(p, &start, &bytes), "operator new of %s", n.dli_fname);
        free(p);
    }
}

/* The heap's reservation is the one region of address space of many gigabytes. */
CASE(there_is_one_reservation)
{
    if (sizeof(void *) < 8) SKIP("no great reservation on 32-bit");
    bosk_free(bosk_malloc(1));
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps != NULL);
    if (maps == NULL) return;
    char line[512];
    unsigned long from, to, start = 0, end = 0;
    const unsigned long great = 8ul << 30;
    int count = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        char *sep;
        from = strtoul(line, &sep, 16);
        to = strtoul(sep + 1, NULL, 16);
        if (from != end) {
            count += end - start >= great;
            start = from;
        }
        end = to;
    }
    count += end - start >= great;
    fclose(maps);
    CHECK_MSG(count == 1, "%d", count);
}

int main(int argc, char **argv) { return shim_main("one_heap", argc, argv); }
