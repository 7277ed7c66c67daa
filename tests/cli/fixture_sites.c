/* fixture_sites.c - a program whose memory is known to the byte: each function below is one place,
 * and the truth about all of them is printed as JSON at the end.
 *
 *     fixture_sites [kill]     with `kill` it ends by SIGKILL at its peak, after printing
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct truth {
    const char *place;
    unsigned long calls, bytes, requested; /* bytes of blocks */
    unsigned long live, peak;
};
enum { NODES, BUFFERS, LARGE, STRINGS, MIXED, LEAK, PLACES };
static struct truth truth[PLACES] = {{.place = "hold_nodes"},     {.place = "hold_buffers"},
                                     {.place = "hold_large"},     {.place = "churn_strings"},
                                     {.place = "churn_as_nodes"}, {.place = "leak"}};
static unsigned long live, peak;

static void *note(int place, void *p, size_t n)
{
    struct truth *t = &truth[place];
    unsigned long block = malloc_usable_size(p);
    t->calls++;
    t->bytes += block;
    t->requested += n;
    t->live += block;
    live += block;
    if (live > peak) {
        peak = live;
        for (int i = 0; i < PLACES; i++) truth[i].peak = truth[i].live;
    }
    return p;
}
static void drop(int place, void *p)
{
    unsigned long block = malloc_usable_size(p);
    truth[place].live -= block;
    live -= block;
    free(p);
}

/* Not inlined, not specialised, not turned into jumps: each must be a frame of its own. */
#if defined(__clang__)
#define PLACE __attribute__((noinline)) static void *
#else
#define PLACE __attribute__((noinline, noclone)) static void *
#endif
#define KEEP(p) __asm__ volatile("" : "+r"(p)::"memory")

PLACE hold_nodes(void)
{
    void *p = malloc(100);
    KEEP(p);
    return note(NODES, p, 100);
}
PLACE hold_buffers(void)
{
    void *p = malloc(20000);
    KEEP(p);
    return note(BUFFERS, p, 20000);
}
PLACE hold_large(size_t n)
{
    void *p = malloc(n);
    KEEP(p);
    return note(LARGE, p, n);
}
PLACE churn_strings(void)
{
    char *p = malloc(40);
    KEEP(p);
    p[0] = 'x';
    return note(STRINGS, p, 40);
}
PLACE churn_as_nodes(void) /* the block size of hold_nodes */
{
    void *p = malloc(104);
    KEEP(p);
    return note(MIXED, p, 104);
}
PLACE leak(void)
{
    void *p = malloc(4000);
    KEEP(p);
    return note(LEAK, p, 4000);
}

enum { N_NODES = 120000, N_BUFFERS = 300, N_LARGE = 6, N_LEAK = 500, ROUNDS = 10 };
static void *nodes[N_NODES], *buffers[N_BUFFERS], *large[N_LARGE];

static void print(void)
{
    printf("{\"peak\": %lu, \"live\": %lu, \"places\": [", peak, live);
    for (int i = 0; i < PLACES; i++)
        printf("%s{\"place\": \"%s\", \"calls\": %lu, \"bytes\": %lu, \"requested\": %lu, "
               "\"peak\": %lu, \"live\": %lu}",
               i != 0 ? ", " : "", truth[i].place, truth[i].calls, truth[i].bytes,
               truth[i].requested, truth[i].peak, truth[i].live);
    printf("]}\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    for (int r = 0; r < ROUNDS; r++) {
        for (int i = r; i < N_NODES; i += ROUNDS) {
            nodes[i] = hold_nodes();
            for (int k = 0; k < 15; k++) drop(STRINGS, churn_strings());
            for (int k = 0; k < 2; k++) drop(MIXED, churn_as_nodes());
        }
        for (int i = r; i < N_BUFFERS; i += ROUNDS) buffers[i] = hold_buffers();
    }
    for (int i = 0; i < N_LARGE; i++) large[i] = hold_large(1500000 + (size_t)i * 100000);
    if (argc > 1 && strcmp(argv[1], "kill") == 0) {
        print();
        raise(SIGKILL);
    }
    for (int i = 0; i < N_LARGE; i++) drop(LARGE, large[i]);
    for (int i = 0; i < N_BUFFERS; i++) drop(BUFFERS, buffers[i]);
    for (int i = 0; i < N_NODES; i++) drop(NODES, nodes[i]);
    for (int i = 0; i < N_LEAK; i++) (void)leak();
    print();
    return 0;
}
