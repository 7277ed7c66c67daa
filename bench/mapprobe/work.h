/* work.h - one workload for hash tables, included by a program for each contender.
 *
 * Before it a contender includes types.h and defines MAP, and as static inline functions
 *     init reserve put get(value or NULL) del iterate(sum of values) drop, and settle, which
 *     gives free memory back to the system.
 * SHAPE 1: u64 -> u64   2: u32 -> u32   3: 16 characters -> u64   4: 36 characters -> 64 bytes
 * Strings are not owned.  Keys looked up are copies, so that equal pointers never help.  One line
 * is written for each figure: "ROW entries figure".
 */
#include <errno.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double clock_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}
static double cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}
static volatile uint64_t sink;
static void tell(const char *row, size_t n, double figure)
{
    printf("%s %zu %.3f\n", row, n, figure);
    fflush(stdout);
}

/* ---- memory ---- */

static double status_kb(const char *name)
{
    char line[256];
    double kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, name, strlen(name)) == 0) kb = atof(line + strlen(name));
    if (f != NULL) fclose(f);
    return kb;
}
static void forget_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (f == NULL) return;
    fputs("5", f);
    fclose(f);
}
/* Memory of the harness: never from a contender's malloc, never faulted in while timed. */
static void *area(size_t bytes)
{
    void *p = mmap(NULL, bytes + 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        exit(3);
    }
    return p;
}

/* ---- keys ---- */

static const char *pattern = "random";

#if SHAPE >= 3
static void text(char *to, uint64_t i)
{
    const uint64_t half[2] = {mix(i), mix(i ^ 0xabcdef1234567u)};
    int at = 0;
    for (int k = 0; k < (SHAPE == 3 ? 16 : 32); k++) {
        to[at++] = "0123456789abcdef"[half[k / 16] >> (k % 16 * 4) & 15];
        if (SHAPE == 4 && (k == 7 || k == 11 || k == 15 || k == 19)) to[at++] = '-';
    }
    to[at] = 0;
}
#endif
static uint64_t number(uint64_t i)
{
    if (strcmp(pattern, "sequential") == 0) return i;
    if (strcmp(pattern, "clustered") == 0) return (i & 63) | mix(i >> 6) << 6;
    if (strcmp(pattern, "high") == 0) return i << 32;
    return mix(i);
}
/* Keys first .. first + n, or with `span` n of them at random. */
static KEY *keys(size_t n, uint64_t first, uint64_t span)
{
    KEY *k = (KEY *)area(n * sizeof(KEY));
#if SHAPE >= 3
    const size_t length = SHAPE == 3 ? 16 : 36, stride = length + 4 + 4;
    char *texts = (char *)area(n * stride);
#endif
    for (size_t j = 0; j < n; j++) {
        const uint64_t i = first + (span != 0 ? mix(j * 7 + 3 + first) % span : j);
#if SHAPE <= 2
        k[j] = (KEY)number(i);
#else
        text(texts + j * stride, i);
        k[j] = TEXT_KEY(texts + j * stride, length);
#endif
    }
    return k;
}

#if SHAPE == 4
static VALUE value(uint64_t i)
{
    VALUE v;
    for (int j = 0; j < 8; j++) v.word[j] = i + (uint64_t)j;
    return v;
}
#define NUMBER(v) ((v).word[0])
#else
#define value(i) ((VALUE)(i))
#define NUMBER(v) ((uint64_t)(v))
#endif

/* ---- throughput ---- */

static void fill(MAP *m, const KEY *k, size_t n)
{
    for (size_t i = 0; i < n; i++) put(m, k[i], value(i));
}
static void must(bool ok, const char *what)
{
    if (ok) return;
    printf("WRONG %s\n", what);
    exit(1);
}

static void grow_rows(MAP *m, const KEY *k, size_t n, size_t rounds)
{
    double grow = 0, walk = 0, with_room = 0, before = status_kb("VmRSS:");
    forget_peak();
    for (size_t r = 0; r < rounds; r++) {
        double t = cpu_ns();
        init(m);
        fill(m, k, n);
        grow += cpu_ns() - t;
        if (r == 0 && n >= 100000) {
            tell("bytes", n, (status_kb("VmRSS:") - before) * 1024 / (double)n);
            tell("peak", n, (status_kb("VmHWM:") - before) * 1024 / (double)n);
        }
        t = cpu_ns();
        sink += iterate(m);
        walk += cpu_ns() - t;
        drop(m);
    }
    tell("grow", n, grow / (double)(n * rounds));
    tell("iterate", n, walk / (double)(n * rounds));
    for (size_t r = 0; r < rounds; r++) {
        const double t = cpu_ns();
        init(m);
        reserve(m, n);
        fill(m, k, n);
        with_room += cpu_ns() - t;
        if (r + 1 < rounds) drop(m);
    }
    if (HAS_RESERVE) tell("reserved", n, with_room / (double)(n * rounds));
}

static void search_rows(MAP *m, size_t n, const KEY *there, const KEY *not_there, size_t q)
{
    double t = 0;
    size_t hits = 0;
    uint64_t sum = 0, d = 0;
    for (int warm = 0; warm < 2; warm++) {
        t = cpu_ns();
        for (size_t i = 0; i < q; i++) {
            const VALUE *v = get(m, there[i]);
            if (v != NULL) hits++, sum += NUMBER(*v);
        }
        t = cpu_ns() - t;
    }
    must(hits == 2 * q, "hits");
    tell("hit", n, t / (double)q);
    for (int warm = 0; warm < 2; warm++) {
        t = cpu_ns();
        for (size_t i = 0; i < q; i++) hits += get(m, not_there[i]) != NULL;
        t = cpu_ns() - t;
    }
    must(hits == 2 * q, "misses");
    tell("miss", n, t / (double)q);
    t = cpu_ns();
    for (size_t i = 0; i < q / 4; i++) {
        const VALUE *v = get(m, there[(i + d) & (q - 1)]);
        d = NUMBER(*v) >> 63;
        sum += d;
    }
    tell("chain", n, (cpu_ns() - t) / (double)(q / 4));
    sink += sum;
}

/* What of the resident memory belongs to the table is known against the harness's own. */
static void size_rows(size_t n)
{
    const size_t rounds = n >= 2000000 ? 1 : n >= 1000000 ? 2 : 2000000 / n;
    const size_t q = n >= 1000000 ? 1u << 20 : 1u << 19, churn = n >= 10000000 ? 500000 : 300000;
    KEY *k = keys(n, 0, 0), *x = keys(churn, n, 0);
    KEY *there = keys(q, 0, n), *not_there = keys(q, (uint64_t)1 << 30, (uint64_t)1 << 29);
    KEY *live = (KEY *)area(n * sizeof(KEY));
    MAP m;
    size_t gone = 0;
    const double own = status_kb("VmRSS:");
    grow_rows(&m, k, n, rounds);
    search_rows(&m, n, there, not_there, q);
    double t = cpu_ns();
    for (size_t i = 0; i < churn; i++) {
        must(del(&m, i < n ? k[i] : x[i - n]), "mixed");
        put(&m, x[i], value(i));
        sink += get(&m, there[i * 2 & (q - 1)]) != NULL;
        sink += get(&m, not_there[(i * 2 + 1) & (q - 1)]) != NULL;
    }
    tell("mixed", n, (cpu_ns() - t) / (double)(churn * 4));
    for (size_t i = 0; i < n; i++) live[i] = churn + i < n ? k[churn + i] : x[churn + i - n];
    for (size_t i = n - 1; SHAPE <= 2 && i > 0; i--) {
        const size_t j = mix(i) % (i + 1);
        const KEY z = live[i];
        live[i] = live[j];
        live[j] = z;
    }
    /* A table that has grown by itself: one with room asked for may keep it. */
    drop(&m);
    init(&m);
    fill(&m, live, n);
    const size_t most = n / 10 * 9;
    const double before = status_kb("VmRSS:") - own;
    t = cpu_ns();
    for (size_t i = 0; i < most; i++) gone += del(&m, live[i]) != 0;
    double took = cpu_ns() - t;
    settle();
    if (n >= 100000) tell("rss_after", n, (status_kb("VmRSS:") - own) / before);
    t = cpu_ns();
    for (size_t i = most; i < n; i++) gone += del(&m, live[i]) != 0;
    took += cpu_ns() - t;
    if (n >= 100000) tell("erase", n, took / (double)n);
    must(gone == n, "erase");
    drop(&m);
}

/* ---- latency ---- */

#define RUNS 5
static inline uint64_t ticks(void)
{
#if defined(__x86_64__)
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
#else
    return (uint64_t)clock_ns(CLOCK_MONOTONIC);
#endif
}
static double ticks_per_ns(void)
{
    const double a = clock_ns(CLOCK_MONOTONIC);
    const uint64_t t = ticks();
    while (clock_ns(CLOCK_MONOTONIC) - a < 5e7) {}
    return (double)(ticks() - t) / (clock_ns(CLOCK_MONOTONIC) - a);
}
static int by_size(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}
/* The first insertion, which makes the table, is left out of the worst. */
static void quantiles(const char *name, size_t n, uint32_t *l, double per_ns)
{
    static const double at[] = {0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999};
    static const char *const label[] = {"p50", "p90", "p99", "p999", "p9999", "p99999", "p999999"};
    char row[64];
    size_t over5 = 0, over10 = 0;
    for (size_t i = 1; i < n; i++) {
        over5 += l[i] > 5000 * per_ns;
        over10 += l[i] > 10000 * per_ns;
    }
    qsort(l + 1, n - 1, sizeof *l, by_size);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        snprintf(row, sizeof row, "%s_%s", name, label[i]);
        tell(row, n, l[1 + (size_t)(at[i] * (double)(n - 2))] / per_ns);
    }
    snprintf(row, sizeof row, "%s_max", name);
    tell(row, n, l[n - 1] / per_ns);
    snprintf(row, sizeof row, "%s_over5us", name);
    tell(row, n, (double)over5);
    snprintf(row, sizeof row, "%s_over10us", name);
    tell(row, n, (double)over10);
}
/* Each insertion's time in the best of RUNS identical runs: a stall of the table is in all of them,
 * one of the machine is not.  Beside it the first run as it was, and an empty loop. */
static void latency_rows(size_t n)
{
    const double per_ns = ticks_per_ns();
    KEY *k = keys(n, 0, 0);
    uint32_t *l = (uint32_t *)area(n * 4), *least = (uint32_t *)area(n * 4);
    memset(least, 0xff, n * 4);
    for (int run = -1; run < RUNS; run++) {
        MAP m;
        if (run >= 0) init(&m);
        for (size_t i = 0; i < n; i++) {
            uint64_t t = ticks();
            if (run >= 0)
                put(&m, k[i], value(i));
            else
                sink = i;
            t = ticks() - t;
            l[i] = t > UINT32_MAX ? UINT32_MAX : (uint32_t)t;
            if (run >= 0 && l[i] < least[i]) least[i] = l[i];
        }
        if (run >= 0) drop(&m);
        if (run == -1) quantiles("empty", n, l, per_ns);
        if (run == 0) quantiles("raw", n, l, per_ns);
    }
    quantiles("least", n, least, per_ns);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s full|latency|random|sequential|clustered|high ENTRIES...\n",
                argv[0]);
        return 2;
    }
    if (strcmp(argv[1], "full") != 0) pattern = argv[1];
    for (int i = 2; i < argc; i++) {
        const size_t n = (size_t)atof(argv[i]);
        if (strcmp(argv[1], "latency") == 0)
            latency_rows(n);
        else
            size_rows(n);
    }
    return 0;
}
