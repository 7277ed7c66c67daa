/* surface.c - every name of C, POSIX and glibc: who answers it, and what it answers.
 *
 * Names are looked up at run time where the program is dynamic, so that the same binary runs on
 * plain libc, with the drop-in preloaded, and linked; a static one (SURFACE_STATIC) refers to
 * them. SHIM_TEST_OWNER is part of the path of the object that must own every name.
 */
#define _GNU_SOURCE
#include "shim_test.h"

#include <dlfcn.h>
#include <malloc.h>
#include <wchar.h>

/* X(return type, name, parameters) */
#define NAMES                                         \
    X(void *, malloc, (size_t))                       \
    X(void, free, (void *))                           \
    X(void *, calloc, (size_t, size_t))               \
    X(void *, realloc, (void *, size_t))              \
    X(void *, reallocarray, (void *, size_t, size_t)) \
    X(void *, aligned_alloc, (size_t, size_t))        \
    X(int, posix_memalign, (void **, size_t, size_t)) \
    X(void *, memalign, (size_t, size_t))             \
    X(void *, valloc, (size_t))                       \
    X(void *, pvalloc, (size_t))                      \
    X(size_t, malloc_usable_size, (void *))           \
    X(struct mallinfo, mallinfo, (void))              \
    X(struct mallinfo2, mallinfo2, (void))            \
    X(int, mallopt, (int, int))                       \
    X(int, malloc_trim, (size_t))                     \
    X(void, malloc_stats, (void))                     \
    X(int, malloc_info, (int, FILE *))                \
    X(void *, __libc_malloc, (size_t))                \
    X(void, __libc_free, (void *))                    \
    X(void *, __libc_calloc, (size_t, size_t))        \
    X(void *, __libc_realloc, (void *, size_t))       \
    X(void *, __libc_memalign, (size_t, size_t))      \
    X(void *, __libc_valloc, (size_t))                \
    X(void *, __libc_pvalloc, (size_t))               \
    X(int, __libc_mallopt, (int, int))
/* What glibc does not have, or has no more. */
#define NEWER_NAMES                                          \
    X(void, cfree, (void *))                                 \
    X(void, free_sized, (void *, size_t))                    \
    X(void, free_aligned_sized, (void *, size_t, size_t))    \
    X(void, __libc_cfree, (void *))                          \
    X(void *, __libc_reallocarray, (void *, size_t, size_t)) \
    X(int, __posix_memalign, (void **, size_t, size_t))
#ifndef SURFACE_STATIC
/* jemalloc's and C++'s are called in programs of their own; here is only who owns them. */
static const char *const other_names[] = {"mallocx",
                                          "rallocx",
                                          "xallocx",
                                          "sallocx",
                                          "dallocx",
                                          "sdallocx",
                                          "nallocx",
                                          "mallctl",
                                          "mallctlnametomib",
                                          "mallctlbymib",
                                          "malloc_stats_print",
                                          "malloc_conf",
                                          "malloc_message",
#if __SIZEOF_POINTER__ == 8
                                          "_Znwm",
                                          "_ZnwmRKSt9nothrow_t",
                                          "_ZnwmSt11align_val_t",
                                          "_ZnwmSt11align_val_tRKSt9nothrow_t",
                                          "_Znam",
                                          "_ZnamRKSt9nothrow_t",
                                          "_ZnamSt11align_val_t",
                                          "_ZnamSt11align_val_tRKSt9nothrow_t",
                                          "_ZdlPvm",
                                          "_ZdaPvm",
                                          "_ZdlPvmSt11align_val_t",
                                          "_ZdaPvmSt11align_val_t",
#else
                                          "_Znwj",
                                          "_ZnwjRKSt9nothrow_t",
                                          "_ZnwjSt11align_val_t",
                                          "_ZnwjSt11align_val_tRKSt9nothrow_t",
                                          "_Znaj",
                                          "_ZnajRKSt9nothrow_t",
                                          "_ZnajSt11align_val_t",
                                          "_ZnajSt11align_val_tRKSt9nothrow_t",
                                          "_ZdlPvj",
                                          "_ZdaPvj",
                                          "_ZdlPvjSt11align_val_t",
                                          "_ZdaPvjSt11align_val_t",
#endif
                                          "_ZdlPv",
                                          "_ZdaPv",
                                          "_ZdlPvRKSt9nothrow_t",
                                          "_ZdaPvRKSt9nothrow_t",
                                          "_ZdlPvSt11align_val_t",
                                          "_ZdaPvSt11align_val_t",
                                          "_ZdlPvSt11align_val_tRKSt9nothrow_t",
                                          "_ZdaPvSt11align_val_tRKSt9nothrow_t"};
#endif

static struct {
#define X(type, name, args) type(*name) args;
    NAMES NEWER_NAMES
#undef X
} libc;

#ifdef SURFACE_STATIC
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* mallinfo */
#define X(type, name, args) extern type name args;
NEWER_NAMES
#undef X
extern void *__libc_malloc(size_t), __libc_free(void *), *__libc_calloc(size_t, size_t),
    *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t), *__libc_valloc(size_t),
    *__libc_pvalloc(size_t);
extern int __libc_mallopt(int, int);
#endif

static void look_up(void)
{
#ifdef SURFACE_STATIC
#define X(type, name, args) libc.name = name;
#else
#define X(type, name, args)                   \
    {                                         \
        void *p = dlsym(RTLD_DEFAULT, #name); \
        memcpy(&libc.name, &p, sizeof p);     \
    }
#endif
    NAMES NEWER_NAMES
#undef X
}

/* ---- who answers ----------------------------------------------------------- */

#ifndef SURFACE_STATIC
static void owned(const char *name, const char *owner)
{
    Dl_info info;
    void *p = dlsym(RTLD_DEFAULT, name);
    CHECK_MSG(p != NULL, "%s is not defined", name);
    if (p == NULL) return;
    CHECK_MSG(dladdr(p, &info) != 0 && strstr(info.dli_fname, owner) != NULL, "%s is in %s", name,
              info.dli_fname);
}

CASE(every_name_is_ours)
{
    BOSK_ONLY();
    const char *owner = getenv("SHIM_TEST_OWNER");
    if (owner == NULL) SKIP("SHIM_TEST_OWNER is not set");
#define X(type, name, args) owned(#name, owner);
    NAMES NEWER_NAMES
#undef X
        for (size_t i = 0; i < sizeof other_names / sizeof other_names[0]; i++)
            owned(other_names[i], owner);
}
#endif

/* ---- sizes and overflow --------------------------------------------------------- */

static const size_t absurd[] = {(size_t)PTRDIFF_MAX + 1, SIZE_MAX - 4096, SIZE_MAX - 1, SIZE_MAX};
#define EACH_ABSURD(n) for (size_t i_ = 0; i_ < 4 && ((n) = absurd[i_]) != 0; i_++)
/* `call` gives NULL and ENOMEM. */
#define NO_MEMORY(call)                                                   \
    do {                                                                  \
        errno = 0;                                                        \
        void *got_ = (call);                                              \
        CHECK_MSG(got_ == NULL && errno == ENOMEM, "errno is %d", errno); \
    } while (0)

CASE(malloc_of_zero_is_unique)
{
    void *a = libc.malloc(0), *b = libc.malloc(0), *c = libc.calloc(0, 8), *d = libc.calloc(8, 0);
    CHECK(a != NULL && b != NULL && a != b && c != NULL && d != NULL && c != d && a != c);
    libc.free(a);
    libc.free(b);
    libc.free(c);
    libc.free(d);
}

CASE(too_much_is_enomem)
{
    size_t n;
    EACH_ABSURD(n)
    {
        NO_MEMORY(libc.malloc(n));
        NO_MEMORY(libc.calloc(1, n));
        NO_MEMORY(libc.calloc(n, 1));
        NO_MEMORY(libc.realloc(NULL, n));
        NO_MEMORY(libc.memalign(64, n));
        NO_MEMORY(libc.aligned_alloc(4096, n));
        NO_MEMORY(libc.valloc(n));
        NO_MEMORY(libc.pvalloc(n));
    }
}

CASE(products_that_overflow)
{
    static const size_t factors[][2] = {
        {SIZE_MAX, 2},
        {2, SIZE_MAX},
        {SIZE_MAX, SIZE_MAX},
        {SIZE_MAX / 2 + 1, 2},
        {SIZE_MAX / 16 + 1, 16},
        {(size_t)1 << (sizeof(size_t) * 4), (size_t)1 << (sizeof(size_t) * 4)}};
    char *p = libc.malloc(100);
    CHECK(p != NULL);
    shim_fill(p, 100, 1);
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        NO_MEMORY(libc.calloc(factors[i][0], factors[i][1]));
        NO_MEMORY(libc.reallocarray(NULL, factors[i][0], factors[i][1]));
        NO_MEMORY(libc.reallocarray(p, factors[i][0], factors[i][1]));
        CHECK(shim_filled(p, 100, 1));
    }
    libc.free(p);
}

CASE(blocks_are_aligned_and_hold_what_they_say)
{
    for (size_t n = 1; n < 300000; n += n < 2100 ? 1 : n / 7) {
        unsigned char *p = libc.malloc(n);
        CHECK(p != NULL);
        if (p == NULL) return;
        size_t usable = libc.malloc_usable_size(p);
        CHECK_MSG((uintptr_t)p % 16 == 0 && usable >= n, "size %zu at %p, %zu usable", n, (void *)p,
                  usable);
        shim_fill(p, usable, (unsigned)n);
        CHECK(shim_filled(p, usable, (unsigned)n));
        libc.free(p);
    }
    CHECK(libc.malloc_usable_size(NULL) == 0);
}

CASE(calloc_clears_what_was_dirty)
{
    for (size_t n = 1; n < 5000000; n = n * 3 + 1) {
        void *dirty[8];
        for (int i = 0; i < 8; i++) memset(dirty[i] = libc.malloc(n), 0xa5, n);
        for (int i = 0; i < 8; i++) libc.free(dirty[i]);
        for (int i = 0; i < 8; i++) {
            dirty[i] = libc.calloc(i % 2 ? n : 1, i % 2 ? 1 : n);
            CHECK_MSG(dirty[i] != NULL && shim_zero(dirty[i], n), "%zu bytes", n);
        }
        for (int i = 0; i < 8; i++) libc.free(dirty[i]);
    }
}

/* ---- realloc -------------------------------------------------------------------- */

CASE(realloc_keeps_contents)
{
    static const size_t sizes[] = {1,     15,     16,     17,     100,     1000,
                                   1024,  1025,   4000,   8192,   20000,   32768,
                                   32769, 100000, 262144, 300000, 1 << 20, 5 << 20};
    const size_t n = sizeof sizes / sizeof sizes[0];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            size_t kept = sizes[i] < sizes[j] ? sizes[i] : sizes[j];
            char *p = libc.malloc(sizes[i]);
            shim_fill(p, sizes[i], (unsigned)i);
            char *q = libc.realloc(p, sizes[j]);
            CHECK_MSG(q != NULL && shim_filled(q, kept, (unsigned)i), "%zu to %zu", sizes[i],
                      sizes[j]);
            shim_fill(q, sizes[j], (unsigned)j);
            CHECK(shim_filled(q, sizes[j], (unsigned)j));
            libc.free(q);
        }
}

CASE(realloc_grows_step_by_step)
{
    for (size_t step = 1; step < 100000; step = step * 7 + 3) {
        char *p = NULL;
        size_t n = 0;
        for (int i = 0; i < 200; i++) {
            p = libc.realloc(p, n + step);
            CHECK(p != NULL);
            if (p == NULL) return;
            memset(p + n, i, step);
            n += step;
        }
        bool same = true;
        for (size_t i = 0; i < n; i++) same = same && p[i] == (char)(i / step);
        CHECK_MSG(same, "steps of %zu", step);
        libc.free(p);
    }
}

CASE(realloc_at_the_edges)
{
    char *p = libc.realloc(NULL, 10), *z = libc.realloc(NULL, 0);
    CHECK(p != NULL && z != NULL);
    shim_fill(p, 10, 3);
    size_t n;
    EACH_ABSURD(n) NO_MEMORY(libc.realloc(p, n));
    CHECK(shim_filled(p, 10, 3));
    char *big = libc.malloc(1 << 20);
    shim_fill(big, 1 << 20, 4);
    EACH_ABSURD(n) NO_MEMORY(libc.realloc(big, n));
    CHECK(shim_filled(big, 1 << 20, 4));
    errno = 77;
    CHECK(libc.realloc(p, 0) == NULL && errno == 77);
    CHECK(libc.reallocarray(big, 0, 5) == NULL && errno == 77);
    libc.free(z);
    p = libc.reallocarray(NULL, 7, 3);
    CHECK(p != NULL && libc.malloc_usable_size(p) >= 21);
    p = libc.reallocarray(p, 1000, 1000);
    CHECK(p != NULL && libc.malloc_usable_size(p) >= 1000000);
    libc.free(p);
}

/* ---- alignment ---------------------------------------------------------------------- */

CASE(every_power_of_two)
{
    static const size_t sizes[] = {0, 1, 24, 100, 640, 1000, 4097, 33000, 70000};
    for (size_t align = 1; align <= (size_t)64 << 20; align <<= 1)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            void *p[3] = {libc.aligned_alloc(align, sizes[i]), libc.memalign(align, sizes[i]),
                          NULL};
            if (align >= sizeof(void *))
                CHECK(libc.posix_memalign(&p[2], align, sizes[i]) == 0);
            else
                p[2] = libc.malloc(sizes[i]);
            for (int j = 0; j < 3; j++) {
                CHECK_MSG(p[j] != NULL && (uintptr_t)p[j] % align == 0, "%zu at %p of size %zu",
                          align, p[j], sizes[i]);
                CHECK(libc.malloc_usable_size(p[j]) >= sizes[i]);
                shim_fill(p[j], sizes[i], (unsigned)j);
            }
            for (int j = 0; j < 3; j++) {
                CHECK(shim_filled(p[j], sizes[i], (unsigned)j));
                libc.free(p[j]);
            }
        }
}

CASE(aligned_blocks_grow)
{
    char *p = libc.memalign(4096, 5000);
    shim_fill(p, 5000, 9);
    p = libc.realloc(p, 500000);
    CHECK(p != NULL && shim_filled(p, 5000, 9));
    p = libc.realloc(p, 50);
    CHECK(p != NULL && shim_filled(p, 50, 9));
    libc.free(p);
}

CASE(alignments_that_make_no_sense)
{
    static const size_t no_power[] = {0, 1, 2, 3, sizeof(void *) + 1, 24, 48, 4095, SIZE_MAX};
    void *untouched = &libc, *p = untouched;
    for (size_t i = 0; i < sizeof no_power / sizeof no_power[0]; i++) {
        errno = 77;
        CHECK_MSG(libc.posix_memalign(&p, no_power[i], 8) == EINVAL, "alignment %zu", no_power[i]);
        CHECK(p == untouched && errno == 77);
    }
    size_t n;
    EACH_ABSURD(n) CHECK(libc.posix_memalign(&p, 64, n) == ENOMEM && p == untouched);
    errno = 0;
    CHECK(libc.memalign(SIZE_MAX, 8) == NULL && errno == EINVAL);
    errno = 0;
    CHECK(libc.memalign(SIZE_MAX / 2 + 2, 8) == NULL && errno == EINVAL);
    NO_MEMORY(libc.memalign(SIZE_MAX / 2 + 1, 8));
    static const size_t rounded[][2] = {{0, 16},  {1, 16},  {3, 16},
                                        {17, 32}, {48, 64}, {4097, 8192}};
    for (size_t i = 0; i < sizeof rounded / sizeof rounded[0]; i++) {
        p = libc.memalign(rounded[i][0], 100);
        CHECK_MSG(p != NULL && (uintptr_t)p % rounded[i][1] == 0, "memalign(%zu)", rounded[i][0]);
        libc.free(p);
    }
}

CASE(aligned_alloc_wants_a_power_of_two)
{
    BOSK_ONLY(); /* and glibc since 2.38 */
    static const size_t no_power[] = {0, 3, 24, 48, 4095, SIZE_MAX};
    for (size_t i = 0; i < sizeof no_power / sizeof no_power[0]; i++) {
        errno = 0;
        CHECK(libc.aligned_alloc(no_power[i], 8) == NULL && errno == EINVAL);
    }
}

CASE(pages)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    static const size_t sizes[] = {0, 1, 100, 4096, 4097, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *v = libc.valloc(sizes[i]), *p = libc.pvalloc(sizes[i]);
        CHECK(v != NULL && (uintptr_t)v % page == 0 && libc.malloc_usable_size(v) >= sizes[i]);
        CHECK(p != NULL && (uintptr_t)p % page == 0);
        size_t whole = (sizes[i] + page - 1) / page * page;
        CHECK(libc.malloc_usable_size(p) >= whole);
        memset(p, 1, whole);
        memset(v, 1, sizes[i]);
        libc.free(v);
        libc.free(p);
    }
}

/* ---- free --------------------------------------------------------------------------- */

CASE(free_keeps_errno)
{
    static const size_t sizes[] = {0, 10, 1000, 20000, 100000, 10 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int round = 0; round < 100; round++) {
            void *p[20];
            for (int j = 0; j < 20; j++) p[j] = libc.malloc(sizes[i]);
            errno = 77;
            for (int j = 0; j < 20; j++) libc.free(p[j]);
            CHECK(errno == 77);
        }
    }
    errno = 77;
    libc.free(NULL);
    CHECK(errno == 77);
}

/* Every way to get a block meets every way to give it back. */
CASE(families_mix)
{
    BOSK_ONLY();
    for (int give = 0; give < 7; give++)
        for (int take = 0; take < 17; take++) {
            void *p = NULL;
            switch (take) {
            case 0: p = libc.malloc(100); break;
            case 1: p = libc.calloc(10, 10); break;
            case 2: p = libc.realloc(NULL, 100); break;
            case 3: p = libc.reallocarray(NULL, 10, 10); break;
            case 4: p = libc.aligned_alloc(64, 100); break;
            case 5: CHECK(libc.posix_memalign(&p, 256, 100) == 0); break;
            case 6: p = libc.memalign(32, 100); break;
            case 7: p = libc.valloc(100); break;
            case 8: p = libc.pvalloc(100); break;
            case 9: p = libc.__libc_malloc(100); break;
            case 10: p = libc.__libc_calloc(10, 10); break;
            case 11: p = libc.__libc_realloc(NULL, 100); break;
            case 12: p = libc.__libc_reallocarray(NULL, 10, 10); break;
            case 13: p = libc.__libc_memalign(128, 100); break;
            case 14: p = libc.__libc_valloc(100); break;
            case 15: p = libc.__libc_pvalloc(100); break;
            default: CHECK(libc.__posix_memalign(&p, 512, 100) == 0); break;
            }
            CHECK_MSG(p != NULL && libc.malloc_usable_size(p) >= 100, "way %d", take);
            memset(p, 0x5a, 100);
            switch (give) {
            case 0: libc.free(p); break;
            case 1: libc.cfree(p); break;
            case 2: libc.free_sized(p, 100); break;
            case 3: libc.free_aligned_sized(p, 16, 100); break;
            case 4: libc.__libc_free(p); break;
            case 5: libc.__libc_cfree(p); break;
            default: CHECK(libc.realloc(p, 0) == NULL); break;
            }
        }
    libc.cfree(NULL);
    libc.free_sized(NULL, 5);
    libc.free_aligned_sized(NULL, 64, 5);
    libc.__libc_free(NULL);
}

/* libc allocates what its callers free. */
CASE(memory_from_libc)
{
    char *s = strdup("a string"), *n = strndup("another", 3), *printed = NULL;
    wchar_t *w = wcsdup(L"wide");
    CHECK(strcmp(s, "a string") == 0 && strcmp(n, "ano") == 0 && wcscmp(w, L"wide") == 0);
    CHECK(asprintf(&printed, "%s %d", s, 5) == 10 && strcmp(printed, "a string 5") == 0);
    char *dir = getcwd(NULL, 0), *real = realpath("/proc/self/exe", NULL);
    CHECK(dir != NULL && real != NULL && real[0] == '/');
    char *mem = NULL, *line = NULL;
    size_t bytes = 0, cap = 0;
    FILE *f = open_memstream(&mem, &bytes);
    for (int i = 0; i < 10000; i++) fprintf(f, "line %d\n", i);
    fclose(f);
    CHECK(bytes > 80000 && libc.malloc_usable_size(mem) >= bytes);
    f = fmemopen(mem, bytes, "r");
    size_t lines = 0;
    while (getline(&line, &cap, f) > 0) lines++;
    fclose(f);
    CHECK(lines == 10000);
    void *all[] = {s, n, w, printed, dir, real, mem, line};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) libc.free(all[i]);
}

/* ---- statistics and tuning ------------------------------------------------------------- */

CASE(mallinfo_follows_the_heap)
{
    struct mallinfo2 before = libc.mallinfo2();
    void *p[100];
    for (int i = 0; i < 100; i++) memset(p[i] = libc.malloc(100000), 1, 100000);
    struct mallinfo2 during = libc.mallinfo2();
    struct mallinfo old = libc.mallinfo();
    CHECK_MSG(during.uordblks + during.hblkhd >= before.uordblks + before.hblkhd + 10000000,
              "%zu after %zu", during.uordblks, before.uordblks);
    CHECK(during.arena == during.uordblks + during.fordblks);
    CHECK(old.uordblks >= 0 && (size_t)old.arena <= during.arena + 1000000);
    for (int i = 0; i < 100; i++) libc.free(p[i]);
    struct mallinfo2 after = libc.mallinfo2();
    CHECK_MSG(after.uordblks + 9000000 <= during.uordblks, "%zu after %zu", after.uordblks,
              during.uordblks);
}

CASE(mallopt_answers_as_glibc)
{
    static const int options[][3] = {/* option, value, answer */
                                     {M_MXFAST, 64, 1},
                                     {M_MXFAST, 1 << 20, 0},
                                     {M_TRIM_THRESHOLD, 128 << 10, 1},
                                     {M_TOP_PAD, 0, 1},
                                     {M_MMAP_THRESHOLD, 1 << 20, 1},
                                     {M_MMAP_THRESHOLD, 1 << 30, 1},
                                     {M_MMAP_MAX, 65536, 1},
                                     {M_ARENA_MAX, 2, 1},
                                     {M_ARENA_TEST, 2, 1},
                                     {M_CHECK_ACTION, 3, 1},
                                     {12345, 1, 1}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        CHECK_MSG(libc.mallopt(options[i][0], options[i][1]) == options[i][2], "mallopt(%d, %d)",
                  options[i][0], options[i][1]);
        CHECK(libc.__libc_mallopt(options[i][0], options[i][1]) == options[i][2]);
    }
}

CASE(trim_returns_memory_once)
{
    BOSK_ONLY();
    enum { N = 64 };
    char *p[N];
    for (int i = 0; i < N; i++) memset(p[i] = libc.malloc(1 << 20), 1, 1 << 20);
    for (int i = 0; i < N; i++) libc.free(p[i]);
    errno = 77;
    CHECK(libc.malloc_trim(0) == 1);
    CHECK(libc.malloc_trim(0) == 0);
    CHECK(libc.malloc_trim(SIZE_MAX) == 0);
    CHECK(errno == 77);
}

CASE(malloc_info_writes_xml)
{
    void *held[2000], *fragment[2000];
    for (int i = 0; i < 2000; i++) {
        held[i] = libc.malloc((size_t)i + 1);
        fragment[i] = libc.malloc((size_t)i + 1);
    }
    for (int i = 0; i < 2000; i++) libc.free(fragment[i]);
    char *text = NULL;
    size_t bytes = 0;
    FILE *f = open_memstream(&text, &bytes);
    CHECK(libc.malloc_info(1, f) == EINVAL);
    CHECK(libc.malloc_info(0, f) == 0);
    fclose(f);
    static const char begin[] = "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n";
    CHECK(strncmp(text, begin, sizeof begin - 1) == 0);
    CHECK(bytes > 20 && strcmp(text + bytes - 10, "</malloc>\n") == 0);
    CHECK(strstr(text, "<size from=") != NULL &&
          strstr(text, "<system type=\"max\" size=") != NULL);
    const char *save = getenv("SHIM_TEST_XML");
    if (save != NULL) {
        f = fopen(save, "w");
        fwrite(text, 1, bytes, f);
        fclose(f);
    }
    libc.free(text);
    for (int i = 0; i < 2000; i++) libc.free(held[i]);
}

CASE(malloc_stats_writes_to_standard_error)
{
    int ends[2], saved = dup(2);
    char text[4096];
    CHECK(pipe(ends) == 0);
    fflush(stderr);
    dup2(ends[1], 2);
    libc.malloc_stats();
    fflush(stderr);
    dup2(saved, 2);
    close(ends[1]);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    close(saved);
    CHECK(strncmp(text, "Arena 0:\nsystem bytes     = ", 28) == 0);
    CHECK(strstr(text, "Total (incl. mmap):\n") != NULL);
}

int main(int argc, char **argv)
{
    look_up();
    free(shim_keep(malloc(1))); /* or the linker finds that the library is not needed */
    return shim_main("surface", argc, argv);
}
