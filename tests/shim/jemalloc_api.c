/* jemalloc_api.c - jemalloc's extended names, as a program built against jemalloc calls them.
 *
 * The same binary runs with libjemalloc preloaded (SHIM_TEST_JEMALLOC=1), which shows that what is
 * asked here is what jemalloc promises; only the mallctl tree is answered otherwise.
 */
#define _GNU_SOURCE
#include "shim_test.h"

#include <dlfcn.h>
#include <malloc.h>

#define ALIGN(a) ((int)__builtin_ctzll((unsigned long long)(a)))
#define ZERO 0x40
#define TCACHE_NONE (1 << 8)
#define ARENA(a) (((a) + 1) << 20)

#define NAMES                                                                        \
    X(void *, mallocx, (size_t, int))                                                \
    X(void *, rallocx, (void *, size_t, int))                                        \
    X(size_t, xallocx, (void *, size_t, size_t, int))                                \
    X(size_t, sallocx, (const void *, int))                                          \
    X(void, dallocx, (void *, int))                                                  \
    X(void, sdallocx, (void *, size_t, int))                                         \
    X(size_t, nallocx, (size_t, int))                                                \
    X(int, mallctl, (const char *, void *, size_t *, void *, size_t))                \
    X(int, mallctlnametomib, (const char *, size_t *, size_t *))                     \
    X(int, mallctlbymib, (const size_t *, size_t, void *, size_t *, void *, size_t)) \
    X(void, malloc_stats_print, (void (*)(void *, const char *), void *, const char *))
static struct {
#define X(type, name, args) type(*name) args;
    NAMES
#undef X
} je;

static bool is_jemalloc(void) { return getenv("SHIM_TEST_JEMALLOC") != NULL; }

CASE(every_name_is_there)
{
#define X(type, name, args)                   \
    {                                         \
        void *p = dlsym(RTLD_DEFAULT, #name); \
        CHECK_MSG(p != NULL, "%s", #name);    \
        memcpy(&je.name, &p, sizeof p);       \
    }
    NAMES
#undef X
    CHECK(dlsym(RTLD_DEFAULT, "malloc_conf") != NULL);
    CHECK(dlsym(RTLD_DEFAULT, "malloc_message") != NULL);
    if (shim_failures != 0) exit(1);
}

CASE(mallocx_aligns_and_clears)
{
    static const size_t sizes[] = {1, 8, 17, 100, 640, 1000, 5000, 33000, 100000, 3000000};
    for (size_t align = 1; align <= (size_t)1 << 21; align <<= 1)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            for (int round = 0; round < 3; round++) {
                size_t n = sizes[i];
                int flags = ALIGN(align) | (round != 1 ? ZERO : 0) | (round == 2 ? TCACHE_NONE : 0);
                char *p = je.mallocx(n, flags);
                CHECK_MSG(p != NULL && (uintptr_t)p % align == 0, "%zu at %p", align, (void *)p);
                if (p == NULL) return;
                if (flags & ZERO) CHECK_MSG(shim_zero(p, n), "%zu bytes", n);
                size_t real = je.sallocx(p, flags);
                CHECK(real >= n && real == malloc_usable_size(p));
                memset(p, 0xa5, real);
                if (round == 0)
                    je.dallocx(p, flags);
                else
                    je.sdallocx(p, n, flags);
            }
}

CASE(nallocx_foretells_sallocx)
{
    for (size_t align = 1; align <= (size_t)1 << 16; align <<= 1)
        for (size_t n = 1; n < 200000; n += n < 600 ? 1 : n / 9) {
            size_t real = je.nallocx(n, ALIGN(align));
            void *p = je.mallocx(n, ALIGN(align));
            size_t got = je.sallocx(p, 0);
            /* A large block that was freed a moment ago may be a little longer than needed. */
            size_t slack = is_jemalloc() || n <= 32768 ? 0 : real / 4;
            CHECK_MSG(got >= real && got <= real + slack, "%zu aligned to %zu: %zu, foretold %zu",
                      n, align, got, real);
            je.dallocx(p, 0);
        }
    CHECK(je.nallocx(SIZE_MAX, 0) == 0);
    CHECK(je.nallocx((size_t)PTRDIFF_MAX + 1, 0) == 0);
    CHECK(je.nallocx(SIZE_MAX - 4096, ALIGN(4096)) == 0);
}

CASE(too_much_is_null)
{
    CHECK(je.mallocx(shim_size(SIZE_MAX), 0) == NULL);
    CHECK(je.mallocx(shim_size(SIZE_MAX - 4095), ALIGN(4096)) == NULL);
    CHECK(je.mallocx(shim_size((size_t)PTRDIFF_MAX + 1), ZERO) == NULL);
    char *p = je.mallocx(1000, 0);
    shim_fill(p, 1000, 5);
    CHECK(je.rallocx(p, shim_size(SIZE_MAX), 0) == NULL);
    CHECK(je.rallocx(p, shim_size(SIZE_MAX), ALIGN(64)) == NULL);
    CHECK(shim_filled(p, 1000, 5));
    size_t real = je.sallocx(p, 0);
    CHECK(je.xallocx(p, shim_size(SIZE_MAX / 2), SIZE_MAX / 4, 0) == real);
    CHECK(je.xallocx(p, shim_size(1 << 30), SIZE_MAX, 0) == real);
    CHECK(shim_filled(p, 1000, 5));
    je.dallocx(p, 0);
}

CASE(rallocx_keeps_aligns_and_clears)
{
    static const size_t sizes[] = {1, 16, 100, 1000, 5000, 40000, 200000, 2000000};
    const size_t count = sizeof sizes / sizeof sizes[0];
    static const int aligns[] = {0, 6, 12};
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            for (size_t k = 0; k < 3; k++) {
                int flags = aligns[k] | ZERO;
                size_t kept = sizes[i] < sizes[j] ? sizes[i] : sizes[j];
                char *p = je.mallocx(sizes[i], flags);
                /* Zero is promised from the real size of the old block on. */
                size_t real = je.sallocx(p, flags);
                shim_fill(p, real, 6);
                char *q = je.rallocx(p, sizes[j], flags);
                CHECK(q != NULL && (uintptr_t)q % ((size_t)1 << aligns[k]) == 0);
                CHECK(shim_filled(q, kept, 6));
                if (sizes[j] > real) {
                    CHECK(shim_filled(q, real, 6));
                    CHECK_MSG(shim_zero(q + real, sizes[j] - real), "%zu to %zu", sizes[i],
                              sizes[j]);
                }
                je.sdallocx(q, sizes[j], flags);
            }
}

CASE(xallocx_stays_in_place)
{
    for (size_t n = 1; n < 4000000; n = n * 3 + 1)
        for (int more = 0; more < 3; more++) {
            size_t wanted = more == 0 ? n / 2 + 1 : more == 1 ? n + 1 : n * 2, extra = n / 3;
            char *p = je.mallocx(n, ZERO);
            size_t before = je.sallocx(p, 0);
            shim_fill(p, n, 7);
            memset(p + n, 0, before - n);
            size_t after = je.xallocx(p, wanted, extra, ZERO);
            CHECK(after == je.sallocx(p, 0));
            CHECK(shim_filled(p, n < after ? n : after, 7));
            if (after > before) {
                CHECK(shim_zero(p + n, after - n));
                memset(p, 1, after);
            }
            je.dallocx(p, 0);
        }
}

CASE(families_mix_with_plain_names)
{
    void *p = je.mallocx(100, ALIGN(64));
    free(shim_keep(p));
    p = shim_keep(malloc(100));
    p = je.rallocx(p, 5000, ALIGN(256));
    CHECK((uintptr_t)p % 256 == 0);
    p = realloc(p, 100);
    je.sdallocx(p, 100, 0);
    p = shim_keep(aligned_alloc(128, 1000));
    je.dallocx(p, 0);
}

CASE(mallctl_has_no_tree)
{
    if (is_jemalloc()) SKIP("jemalloc has one");
    size_t value = 42, bytes = sizeof value, mib[4], depth = 4;
    uint64_t epoch = 1;
    CHECK(je.mallctl("epoch", &epoch, &bytes, &epoch, sizeof epoch) == ENOENT);
    CHECK(je.mallctl("stats.allocated", &value, &bytes, NULL, 0) == ENOENT && value == 42);
    CHECK(je.mallctl(NULL, NULL, NULL, NULL, 0) == ENOENT);
    CHECK(je.mallctlnametomib("arenas.bin.0.size", mib, &depth) == ENOENT && depth == 4);
    CHECK(je.mallctlbymib(mib, 4, &value, &bytes, NULL, 0) == ENOENT && value == 42);
}

static size_t written;
static void count_text(void *ctx, const char *text)
{
    CHECK(ctx == &written);
    written += strlen(text);
}
CASE(statistics_are_printed)
{
    je.malloc_stats_print(count_text, &written, NULL);
    CHECK(written > 100);
    size_t before = written;
    je.malloc_stats_print(count_text, &written, "J");
    CHECK(written > before);
}

int main(int argc, char **argv) { return shim_main("jemalloc_api", argc, argv); }
