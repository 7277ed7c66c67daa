/* churn.c - threads that allocate, resize, hand over and free by plain malloc, checking contents.
 *
 *     churn THREADS OPERATIONS [SEED]
 *
 * Knows nothing of bosk: run it with the drop-in preloaded.  OPERATIONS is per thread.  Exits with
 * 1 and a message at the first damaged block.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHARED = 8192, OWN = 512 };

struct block {
    uint64_t tag;
    size_t size; /* of `bytes` */
    unsigned char bytes[];
};
static struct block *shared[SHARED];
static unsigned long operations;
static uint64_t seed = 1;

static void fail(const char *what, const void *p)
{
    fprintf(stderr, "churn: %s at %p\n", what, p);
    _Exit(1);
}

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* Mostly small, now and then kilobytes, seldom megabytes. */
static size_t some_size(uint64_t r)
{
    unsigned kind = (unsigned)(r >> 56);
    if (kind == 0) return (size_t)(r % 3000000);
    if (kind < 10) return (size_t)(r % 60000);
    return (size_t)(r % 900);
}

static unsigned char value(const struct block *b, size_t i) { return (unsigned char)(b->tag + i); }

/* Every byte of a small block, every 64th of a large one, and the last. */
static size_t step(const struct block *b) { return b->size > 4096 ? 64 : 1; }

static void mark(struct block *b)
{
    for (size_t i = 0; i < b->size; i += step(b)) b->bytes[i] = value(b, i);
    if (b->size) b->bytes[b->size - 1] = value(b, b->size - 1);
}
static void check(const struct block *b, size_t upto)
{
    for (size_t i = 0; i < upto; i += step(b))
        if (b->bytes[i] != value(b, i) && i != b->size - 1) fail("damaged block", b);
    if (upto == b->size && b->size && b->bytes[b->size - 1] != value(b, b->size - 1))
        fail("damaged end of block", b);
}

static struct block *make(uint64_t r)
{
    size_t size = some_size(r);
    struct block *b;
    switch (r >> 8 & 15) {
    case 0:
        b = calloc(1, sizeof *b + size);
        for (size_t i = 0; b && i<size; i += size> 65536 ? 511 : 1)
            if (b->bytes[i] != 0) fail("calloc is not zero", b);
        break;
    case 1: {
        void *p = NULL;
        size_t align = (size_t)8 << (r >> 12 & 15);
        if (posix_memalign(&p, align, sizeof *b + size) != 0) p = NULL;
        if ((uintptr_t)p % align != 0) fail("misaligned block", p);
        b = p;
        break;
    }
    default: b = malloc(sizeof *b + size);
    }
    if (!b) fail("out of memory", NULL);
    if (malloc_usable_size(b) < sizeof *b + size) fail("short block", b);
    b->tag = r;
    b->size = size;
    mark(b);
    return b;
}
static void unmake(struct block *b)
{
    if (!b) return;
    check(b, b->size);
    free(b);
}
static struct block *resize(struct block *b, uint64_t r)
{
    size_t size = some_size(r);
    check(b, b->size);
    b = realloc(b, sizeof *b + size);
    if (!b) fail("out of memory in realloc", NULL);
    /* What was marked sparsely is compared sparsely: only when both are of a kind. */
    if ((size > 4096) == (b->size > 4096)) check(b, size < b->size ? size : b->size);
    b->size = size;
    mark(b);
    return b;
}

static void *work(void *arg)
{
    struct block *own[OWN] = {NULL};
    uint64_t rng = seed * 1000003u + (uintptr_t)arg * 77777u + 1;
    for (unsigned long i = 0; i < operations; i++) {
        uint64_t r = next(&rng);
        struct block **mine = &own[r % OWN];
        switch (r >> 20 & 7) {
        case 0: /* hand over */
            *mine = __atomic_exchange_n(&shared[(r >> 24) % SHARED], *mine, __ATOMIC_ACQ_REL);
            break;
        case 1: /* free another's */
            unmake(__atomic_exchange_n(&shared[(r >> 24) % SHARED], NULL, __ATOMIC_ACQ_REL));
            break;
        case 2:
            if (*mine) *mine = resize(*mine, next(&rng));
            break;
        default: unmake(*mine); *mine = make(next(&rng));
        }
    }
    for (size_t i = 0; i < OWN; i++) unmake(own[i]);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread[64];
    unsigned long threads = argc > 1 ? strtoul(argv[1], NULL, 0) : 4;
    operations = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000;
    if (argc > 3) seed = strtoull(argv[3], NULL, 0);
    if (threads == 0 || threads > 64) {
        fprintf(stderr, "usage: churn THREADS OPERATIONS [SEED]\n");
        return 2;
    }
    for (uintptr_t i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, work, (void *)i) != 0) return 2;
    for (unsigned long i = 0; i < threads; i++) pthread_join(thread[i], NULL);
    for (size_t i = 0; i < SHARED; i++) unmake(shared[i]);
    printf("churn: %lu threads, %lu operations each\n", threads, operations);
    return 0;
}
