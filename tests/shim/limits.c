/* limits.c - a program that takes memory until there is none, and lives on.
 *
 *     limits MEGABYTES   stop after that much even if there is more (0: never)
 *
 * Run under ulimit -v, under a control group, and with failing system calls.  Each NULL must
 * come with ENOMEM, no block may change under it, and what is freed must be there again. */
#define _GNU_SOURCE
#include "shim_test.h"

enum { N = 200000 };
static char *block[N];
static size_t most;

#define MUST(condition)                                          \
    do {                                                         \
        if (!(condition)) {                                      \
            shim_fail(__FILE__, __LINE__, #condition, "%s", ""); \
            exit(1);                                             \
        }                                                        \
    } while (0)

static size_t take_all(size_t bytes)
{
    size_t n = 0, total = 0;
    errno = 0;
    while (n < N && (most == 0 || total < most)) {
        block[n] = n % 3 == 0 ? malloc(bytes)
                 : n % 3 == 1 ? calloc(1, bytes)
                              : aligned_alloc(64, (bytes + 63) / 64 * 64);
        if (block[n] == NULL) {
            MUST(errno == ENOMEM);
            break;
        }
        if (n % 3 == 1) MUST(shim_zero(block[n], bytes < 256 ? bytes : 256));
        /* Only the edges of large blocks: the machine may have less memory than address space. */
        size_t edge = bytes < 8192 ? bytes : 64;
        shim_fill(block[n], edge, (unsigned)n);
        shim_fill(block[n] + bytes - edge, edge, (unsigned)n);
        total += bytes;
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        size_t edge = bytes < 8192 ? bytes : 64;
        MUST(shim_filled(block[i], i + 1 == n || edge == bytes ? edge : 64, (unsigned)i));
        MUST(shim_filled(block[i] + bytes - edge, edge, (unsigned)i));
    }
    return n;
}

static void give(size_t from, size_t n)
{
    for (size_t i = from; i < n; i++) free(block[i]);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {500000, 100, 5000, 40000, 10000000};
    most = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) << 20 : 0;
    const size_t beyond = sizeof(size_t) == 8 ? PTRDIFF_MAX / 2 : SIZE_MAX - 65536;
    size_t got[5];
    for (int i = 0; i < 5; i++) {
        got[i] = take_all(sizes[i]);
        if (got[i] > 1) {
            MUST(realloc(block[0], shim_size(beyond)) == NULL && errno == ENOMEM);
            MUST(shim_filled(block[0], 64, 0));
        }
        give(0, got[i]);
        /* Most of it must be there again. */
        size_t again = take_all(sizes[i]);
        MUST(again >= got[i] / 2);
        give(0, again);
    }
    printf("limits: %zu %zu %zu %zu %zu blocks\n", got[0], got[1], got[2], got[3], got[4]);
    return 0;
}
