/* limits_test.c - giving memory back, memory limits, pressure, load hints, options re-read. */
#include "../../src/os/os.h"
#include "heap_support.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

static void sleep_ms(unsigned ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR) {}
}

enum { MANY = 16384 };
static void *block[MANY];

/* Writes to `bytes` in blocks of `size`; returns how many there are. */
static size_t occupy(size_t bytes, size_t size)
{
    size_t n = bytes / size;
    CHECK(n <= MANY);
    for (size_t i = 0; i < n; i++) memset(block[i] = get(size), 0x5a, size);
    return n;
}
static void vacate(size_t n)
{
    for (size_t i = 0; i < n; i++) bosk_free(block[i]);
}

/* Free pages that cannot be given back, because a system page also holds others in use. */
static size_t unreleasable(void) { return boski_os.page > 8192 ? MIB : 0; }

/* ---- trim --------------------------------------------------------------------------- */

TEST(limits, trim_gives_everything_back)
{
    const size_t sizes[] = {4096, 20000, 300000};
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        bosk_trim(0);
        size_t before = resident_bytes();
        size_t n = occupy(48 * MIB, sizes[s]);
        CHECK(resident_bytes() >= before + 40 * MIB);
        vacate(n);
        bosk_trim(0);
        /* With large system pages, what shares one with a live span must stay. */
        CHECK(stats_now().dirty < (boski_os.page > 8192 ? 64 * boski_os.page : 1));
        if (!SANITIZED)
            CHECK_MSG(resident_bytes() <= before + 3 * MIB, "%zu KiB before, %zu KiB after",
                      before / KIB, resident_bytes() / KIB);
    }
}

/* A phase of blocks of many sizes: the first nineteen in twenty die, in order, the last live on.
 * What is resident above `before` once 1.2 s have passed, in hundredths of the bytes that live. */
static size_t after_a_phase(size_t before, void (*meanwhile)(unsigned step))
{
    enum { N = 65536 };
    static void *phase[N];
    size_t keep = N / 20, live = 0;
    before += sizeof phase; /* becomes resident, too */
    uint64_t rng = bosk_test_seed();
    for (size_t i = 0; i < N; i++) {
        size_t most = i % 256 == 0 ? 90000 : i % 16 == 0 ? 30000 : 2000;
        size_t size = 1 + (size_t)(bosk_test_random(&rng) % most);
        memset(phase[i] = get(size), 0x5a, size);
        if (i >= N - keep) live += size;
    }
    CHECK(resident_bytes() >= before + 10 * live);
    for (size_t i = 0; i < N - keep; i++) bosk_free(phase[i]);
    for (unsigned step = 0; step < 12; step++) {
        sleep_ms(100);
        if (meanwhile != NULL) meanwhile(step);
    }
    return (resident_bytes() - before) * 100 / live;
}
static void one_call(unsigned step) { bosk_free(get(step * 100)); }
static void bursts(unsigned step)
{
    if (step % 3 != 2) return;
    for (size_t i = 0; i < 2000; i++) bosk_free(get(i * 7 % 3000));
}
static void check_phase(void (*meanwhile)(unsigned step), size_t most)
{
    if (SANITIZED || boski_os.page > 8192) SKIP("pages are not given back as elsewhere");
    SKIP_EMULATED("memory of the emulator counts as well");
    bosk_free(get(100));
    size_t percent = after_a_phase(resident_bytes(), meanwhile);
    CHECK_MSG(percent <= most, "%zu %% of what lives is resident", percent);
}
TEST(limits, a_call_now_and_then_shrinks) { check_phase(one_call, 145); }
TEST(limits, bursts_of_calls_shrink) { check_phase(bursts, 180); }
/* Not one call comes after the last free: what its thread has cached must have gone before. */
TEST_ENV(limits, an_idle_process_shrinks, "BOSK_CONF=scavenger=thread") { check_phase(NULL, 150); }

TEST(limits, trim_keeps_what_is_asked_and_counts)
{
    bosk_load_hint(BOSK_LOAD_BUSY); /* nothing is released in between by age */
    vacate(occupy(64 * MIB, 16384));
    struct bosk_heap_stats a = stats_now();
    size_t released = bosk_trim(20 * MIB);
    struct bosk_heap_stats b = stats_now();
    CHECK_MSG(b.dirty <= 20 * MIB && b.dirty >= 20 * MIB - 128 * KIB, "%llu",
              (unsigned long long)b.dirty);
    CHECK_EQ(b.released_total - a.released_total, released);
    CHECK(released >= 30 * MIB);
    CHECK_EQ(b.spans_inuse + b.dirty + b.released, b.mapped);
    CHECK(bosk_trim(SIZE_MAX) == 0);
    CHECK(bosk_trim(20 * MIB) == 0);
    released = bosk_trim(0);
    CHECK(released >= 19 * MIB);
    CHECK(stats_now().dirty <= unreleasable());
}

TEST(limits, live_blocks_survive_trim)
{
    uint64_t rng = bosk_test_seed();
    for (size_t i = 0; i < 4000; i++) fill(block[i] = get(i * 3 % 5000), i * 3 % 5000, i);
    for (unsigned round = 0; round < 20; round++) {
        for (size_t k = 0; k < 2000; k++) {
            size_t i = (size_t)(bosk_test_random(&rng) % 4000);
            CHECK_FILL(block[i], i * 3 % 5000, i);
            bosk_free(block[i]);
            fill(block[i] = get(i * 3 % 5000), i * 3 % 5000, i);
        }
        bosk_trim(round % 2 ? 0 : MIB);
        for (size_t i = 0; i < 4000; i++) CHECK_FILL(block[i], i * 3 % 5000, i);
    }
    vacate(4000);
}

/* ---- release by age ---------------------------------------------------------------------- */

/* A phase of 108 MiB ends with 4 MiB live; one malloc each 100 ms is all that happens. */
static void phase_ends(bool with_malloc)
{
    static void *live[1024];
    for (size_t i = 0; i < COUNT_OF(live); i++) memset(live[i] = get(4096), 1, 4096);
    bosk_trim(0);
    size_t base = resident_bytes();
    vacate(occupy(104 * MIB, 8192));
    for (unsigned i = 0; i < 12; i++) {
        sleep_ms(100);
        if (with_malloc) bosk_free(get(64));
    }
    struct bosk_heap_stats s = stats_now();
    CHECK_MSG(s.dirty <= 2 * MIB, "%llu KiB dirty", (unsigned long long)s.dirty / KIB);
    if (!SANITIZED)
        CHECK_MSG(resident_bytes() <= base + 3 * MIB, "%zu KiB, %zu KiB more than before",
                  resident_bytes() / KIB, (resident_bytes() - base) / KIB);
    for (size_t i = 0; i < COUNT_OF(live); i++) bosk_free(live[i]);
}

TEST(limits, phase_ends_with_a_malloc_now_and_then) { phase_ends(true); }
TEST_ENV(limits, phase_ends_idle_with_a_thread, "BOSK_CONF=scavenger=thread") { phase_ends(false); }
TEST_ENV(limits, phase_ends_small_profile, "BOSK_CONF=profile=small") { phase_ends(true); }

/* One block of sixteen stays, so that no span is free as a whole; pages inside them go all the
 * same, and what stays is whole. */
TEST(limits, partly_used_spans_give_their_pages_back)
{
    bosk_trim(0);
    size_t base = resident_bytes(), n = occupy(32 * MIB, 2048);
    for (size_t i = 0; i < n; i++)
        if (i % 16 == 0)
            fill(block[i], 2048, i);
        else
            bosk_free(block[i]);
    for (unsigned i = 0; i < 20; i++) {
        sleep_ms(100);
        bosk_free(get(64));
    }
    if (!SANITIZED && boski_os.page <= 8192)
        CHECK_MSG(resident_bytes() <= base + 12 * MIB, "%zu KiB more than before",
                  (resident_bytes() - base) / KIB);
    for (size_t i = 0; i < n; i += 16) CHECK_FILL(block[i], 2048, i);
    /* The spans serve again. */
    for (size_t i = 0; i < n; i++)
        if (i % 16 != 0) memset(block[i] = launder(bosk_calloc(1, 2048)), 1, 2048);
    for (size_t i = 0; i < n; i += 16) CHECK_FILL(block[i], 2048, i);
    vacate(n);
}

/* A load that rises and falls inside the window gives nothing back and faults nothing in. */
static uint64_t square_wave(void)
{
    uint64_t before = stats_now().released_total;
    for (unsigned i = 0; i < 20; i++) {
        size_t n = occupy(16 * MIB, 16384);
        sleep_ms(10);
        vacate(n);
        for (unsigned k = 0; k < 10; k++) {
            bosk_free(get(100));
            sleep_ms(2);
        }
    }
    return stats_now().released_total - before;
}

TEST(limits, window_spares_a_square_wave) { CHECK(square_wave() <= 16 * MIB); }
TEST_ENV(limits, no_window_releases_each_time, "BOSK_CONF=scavenge_window=0")
{
    CHECK(square_wave() >= 64 * MIB);
    CHECK(stats_now().thrashed >= 32 * MIB);
}

/* ---- the soft limit ------------------------------------------------------------------------ */

TEST_ENV(limits, soft_limit_is_reported_and_never_null, "BOSK_MEMLIMIT=16MiB")
{
    CHECK_EQ(stats_now().limit, 16 * MIB);
    size_t n = occupy(48 * MIB, 8192);
    CHECK(stats_now().live >= 48 * MIB);
    vacate(n);
}

TEST(limits, no_limit_is_reported_as_none)
{
    /* The control group of this machine may set one; none of ours is in force. */
    uint64_t limit = stats_now().limit;
    CHECK(limit == UINT64_MAX || limit >= 64 * MIB);
}

/* What is free makes room for what is needed: resident memory stays below the limit though no
 * time passes for ageing. */
TEST_ENV(limits, soft_limit_drives_release, "BOSK_MEMLIMIT=64MiB")
{
    size_t base = resident_bytes();
    for (unsigned round = 0; round < 6; round++) {
        size_t size = round % 2 ? 8192 : 500000;
        vacate(occupy(50 * MIB, size));
        struct bosk_heap_stats s = stats_now();
        CHECK_MSG(s.spans_inuse + s.dirty <= 64 * MIB + MIB, "%llu KiB",
                  (unsigned long long)(s.spans_inuse + s.dirty) / KIB);
        if (!SANITIZED)
            CHECK_MSG(resident_bytes() <= base + 68 * MIB, "%zu KiB", resident_bytes() / KIB);
    }
}

/* Free pages in holes too small for what is asked for are no use: they have to go. */
TEST_ENV(limits, soft_limit_releases_holes, "BOSK_MEMLIMIT=64MiB")
{
    bosk_load_hint(BOSK_LOAD_BUSY); /* nothing goes by age */
    size_t n = occupy(48 * MIB, 64 * KIB), more = n;
    for (size_t i = 0; i < n; i += 2) bosk_free(block[i]);
    CHECK(stats_now().dirty >= 20 * MIB);
    for (size_t k = 0; k < 32; k++) memset(block[more++] = get(MIB), 1, MIB);
    struct bosk_heap_stats s = stats_now();
    CHECK_MSG(s.spans_inuse + s.dirty <= 64 * MIB + MIB, "%llu KiB",
              (unsigned long long)(s.spans_inuse + s.dirty) / KIB);
    for (size_t i = 1; i < n; i += 2) bosk_free(block[i]);
    for (size_t i = n; i < more; i++) bosk_free(block[i]);
}

/* ---- the hard limit ---- */

TEST_ENV(limits, hard_limit_is_enomem_and_recovers, "BOSK_MEMLIMIT=32MiB", "BOSK_CONF=hardlimit=1")
{
    const size_t sizes[] = {8192, 64, 100000, 3000000, 5000};
    static void *many[600000];
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        size_t n = 0;
        errno = 0;
        while (n < COUNT_OF(many) && (many[n] = launder(bosk_malloc(sizes[s]))) != NULL) n++;
        CHECK_MSG(n < COUNT_OF(many), "no end at %zu", sizes[s]);
        CHECK_EQ(errno, ENOMEM);
        CHECK_MSG(n * sizes[s] <= 32 * MIB && n * sizes[s] >= 22 * MIB, "%zu of %zu", n, sizes[s]);
        CHECK(stats_now().spans_inuse <= 32 * MIB);
        errno = 0;
        CHECK(launder(bosk_realloc(many[0], 40 * MIB)) == NULL);
        CHECK_EQ(errno, ENOMEM);
        CHECK(launder(bosk_calloc(1, 20 * MIB)) == NULL);
        CHECK(launder(bosk_aligned_alloc(MIB, 20 * MIB)) == NULL);
        for (size_t i = 0; i < n; i++) bosk_free(many[i]);
    }
}

/* ---- address space ---- */

/* Everything that may want memory when there is none left: it says so, and damages nothing. */
static void use_without_memory(void)
{
    static bosk_heap *heap[5000];
    size_t heaps = 0;
    errno = 0;
    while (heaps < COUNT_OF(heap) && (heap[heaps] = bosk_heap_new(0)) != NULL) heaps++;
    CHECK_EQ(errno, ENOMEM);
    for (size_t i = 0; i < heaps; i++) {
        void *p = launder(bosk_heap_malloc(heap[i], 10000));
        if (p) fill(p, 10000, i);
        bosk_heap_destroy(heap[i]);
    }
    errno = 0;
    CHECK(launder(bosk_malloc(100 * MIB)) == NULL);
    CHECK_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(launder(bosk_calloc(100, MIB)) == NULL);
    CHECK_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(launder(bosk_aligned_alloc(16 * MIB, 90 * MIB)) == NULL);
    CHECK_EQ(errno, ENOMEM);
    fill(block[0], MIB, 1);
    errno = 0;
    CHECK(launder(bosk_realloc(block[0], 2000 * MIB)) == NULL);
    CHECK_EQ(errno, ENOMEM);
    CHECK_EQ(bosk_grow(block[0], 2000 * MIB), 0);
    CHECK_FILL(block[0], MIB, 1);
    struct census c = {0};
    int err = bosk_heap_walk(NULL, BOSK_WALK_BLOCKS, census_visit, &c);
    CHECK(err == 0 || err == -ENOMEM);
    bosk_label_push("no memory");
    bosk_label_pop();
    bosk_pressure_poll();
    stats_now();
}

/* Runs in an image started with that much address space; all of it but a part must be usable. */
static void fill_address_space(size_t least)
{
    struct rlimit r;
    CHECK_EQ(getrlimit(RLIMIT_AS, &r), 0);
    CHECK(r.rlim_cur != RLIM_INFINITY);
    for (unsigned round = 0; round < 3; round++) {
        size_t n = 0;
        errno = 0;
        while (n < MANY && (block[n] = launder(bosk_malloc(MIB))) != NULL) {
            memset(block[n], 1, MIB);
            n++;
        }
        CHECK_EQ(errno, ENOMEM);
        CHECK_MSG(n * MIB >= least, "only %zu MiB of %llu MiB", n,
                  (unsigned long long)r.rlim_cur / MIB);
        /* Full: small requests may still be served or not, but nothing breaks. */
        size_t small = n;
        while (small < MANY && (block[small] = launder(bosk_malloc(1000))) != NULL) small++;
        use_without_memory();
        vacate(small);
        bosk_trim(0);
        bosk_free(get(2 * MIB));
    }
}

TEST_ENV(limits, address_space_100_mb, "BOSK_TEST_AS=104857600") { fill_address_space(60 * MIB); }
TEST_ENV(limits, address_space_1_gb, "BOSK_TEST_AS=1073741824") { fill_address_space(700 * MIB); }
TEST_ENV(limits, address_space_24_mb, "BOSK_TEST_AS=25165824") { fill_address_space(4 * MIB); }

/* Small blocks have taken all there was; once they are gone, a block of most of it is served, for
 * which no address space is left but theirs. Twice: page numbers must not run out either. */
static void large_after_small(size_t size, size_t large)
{
    for (unsigned round = 0; round < 6; round++) {
        void **list = NULL, **p;
        size_t n = 0;
        while ((p = launder(bosk_malloc(size))) != NULL) {
            *p = list;
            list = p;
            n++;
        }
        CHECK_MSG(n * size >= large, "only %zu MiB", n * size / MIB);
        while ((p = list) != NULL) {
            list = *p;
            bosk_free(p);
        }
        unsigned char *q = get(large);
        fill(q, large, round);
        CHECK_FILL(q, large, round);
        bosk_free(q);
    }
}
TEST_ENV(limits, freed_arenas_serve_large_blocks, "BOSK_TEST_AS=209715200", "BOSK_CONF=reserve=1")
{
    large_after_small(1000, 120 * MIB);
}
TEST_ENV(limits, freed_arenas_behind_a_small_reservation, "BOSK_TEST_AS=209715200",
         "BOSK_CONF=reserve=32MiB")
{
    large_after_small(20000, 90 * MIB);
}

/* ---- pressure ---- */

static int calls[3];
static enum bosk_pressure last_level;
static void on_low(enum bosk_pressure level) { calls[0]++, last_level = level; }
static void on_medium(enum bosk_pressure level) { calls[1]++, last_level = level; }
static void on_high(enum bosk_pressure level)
{
    calls[2]++;
    last_level = level;
    vacate(10); /* what such a function is for: it is called outside every lock */
    for (size_t i = 0; i < 10; i++) block[i] = get(8192);
}

TEST_ENV(limits, pressure_from_the_limit, "BOSK_MEMLIMIT=64MiB")
{
    if (bosk_pressure_poll() != BOSK_PRESSURE_LOW) SKIP("the machine itself is under pressure");
    CHECK_EQ(bosk_on_pressure(BOSK_PRESSURE_LOW, on_low), 0);
    CHECK_EQ(bosk_on_pressure(BOSK_PRESSURE_MEDIUM, on_medium), 0);
    CHECK_EQ(bosk_on_pressure(BOSK_PRESSURE_HIGH, on_high), 0);
    size_t n = occupy(30 * MIB, 8192);
    CHECK_EQ(bosk_pressure_poll(), BOSK_PRESSURE_LOW);
    CHECK(calls[1] == 0 && calls[2] == 0);
    while (stats_now().spans_inuse < 58 * MIB) memset(block[n++] = get(8192), 1, 8192);
    CHECK_EQ(bosk_pressure_poll(), BOSK_PRESSURE_MEDIUM);
    CHECK(calls[1] == 1 && calls[2] == 0 && last_level == BOSK_PRESSURE_MEDIUM);
    CHECK_EQ(bosk_pressure_poll(), BOSK_PRESSURE_MEDIUM); /* no rise, no call */
    CHECK_EQ(calls[1], 1);
    while (stats_now().spans_inuse < 64 * MIB) memset(block[n++] = get(8192), 1, 8192);
    CHECK_EQ(bosk_pressure_poll(), BOSK_PRESSURE_HIGH);
    CHECK(calls[2] == 1 && last_level == BOSK_PRESSURE_HIGH);
    vacate(n);
    bosk_trim(0);
    CHECK_EQ(bosk_pressure_poll(), BOSK_PRESSURE_LOW);
    n = occupy(64 * MIB, 8192);
    CHECK_EQ(bosk_pressure_poll(), BOSK_PRESSURE_HIGH); /* it rises again */
    CHECK_EQ(calls[2], 2);
    vacate(n);
}

TEST(limits, eight_pressure_functions)
{
    for (int i = 0; i < 8; i++) CHECK_EQ(bosk_on_pressure(BOSK_PRESSURE_HIGH, on_low), 0);
    CHECK_EQ(bosk_on_pressure(BOSK_PRESSURE_HIGH, on_low), -ENOSPC);
}

TEST(limits, pressure_functions_that_cannot_be)
{
    CHECK_EQ(bosk_on_pressure(BOSK_PRESSURE_LOW, NULL), -EINVAL);
    CHECK_EQ(bosk_on_pressure((enum bosk_pressure)3, on_low), -EINVAL);
    CHECK_EQ(bosk_on_pressure((enum bosk_pressure) - 1, on_low), -EINVAL);
    for (int i = 0; i < 8; i++) CHECK_EQ(bosk_on_pressure(BOSK_PRESSURE_HIGH, on_low), 0);
    CHECK_EQ(bosk_on_pressure((enum bosk_pressure)3, on_low), -EINVAL);
}

/* ---- hints ---- */

TEST(limits, idle_hint_returns_all_free_memory)
{
    vacate(occupy(40 * MIB, 8192));
    CHECK(stats_now().dirty >= 20 * MIB);
    bosk_load_hint(BOSK_LOAD_IDLE);
    CHECK(stats_now().dirty <= unreleasable());
}

TEST(limits, busy_hint_suspends_release)
{
    bosk_load_hint(BOSK_LOAD_BUSY);
    vacate(occupy(40 * MIB, 8192));
    for (unsigned i = 0; i < 12; i++) {
        sleep_ms(100);
        bosk_free(get(64));
    }
    CHECK_MSG(stats_now().dirty >= 30 * MIB, "%llu KiB",
              (unsigned long long)stats_now().dirty / KIB);
    bosk_load_hint(BOSK_LOAD_NORMAL);
    for (unsigned i = 0; i < 12; i++) {
        sleep_ms(100);
        bosk_free(get(64));
    }
    CHECK_MSG(stats_now().dirty <= 4 * MIB, "%llu KiB",
              (unsigned long long)stats_now().dirty / KIB);
}

/* ---- options re-read ---- */

#define CONF_PATH "/tmp/bosk_limits_test.conf"
static void write_conf(const char *text)
{
    FILE *f = fopen(CONF_PATH, "w");
    CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

TEST_ENV(limits, options_are_re_read, "BOSK_CONF_FILE=" CONF_PATH)
{
    write_conf("memlimit=100MiB\n");
    CHECK_EQ(bosk_conf_reload(), 0);
    CHECK_EQ(stats_now().limit, 100 * MIB);
    write_conf("# a comment\nscavenge_window=100, memlimit = 200MiB\n\n");
    CHECK_EQ(bosk_conf_reload(), 0);
    CHECK_EQ(stats_now().limit, 200 * MIB);
    write_conf("memlimit=1GiB\nmemlimit=nonsense\n");
    CHECK_EQ(bosk_conf_reload(), -EINVAL);
    CHECK_EQ(stats_now().limit, 200 * MIB); /* nothing was applied */
    write_conf("memlimit=off\n");
    CHECK_EQ(bosk_conf_reload(), 0);
    CHECK_EQ(stats_now().limit, UINT64_MAX);
    write_conf("");
    CHECK_EQ(bosk_conf_reload(), 0);
    CHECK_EQ(unlink(CONF_PATH), 0);
    CHECK_EQ(bosk_conf_reload(), -ENOENT);
    CHECK_EQ(stats_now().limit, UINT64_MAX);
    CHECK_EQ(mkdir(CONF_PATH, 0700), 0);
    CHECK(bosk_conf_reload() < 0);
    CHECK_EQ(rmdir(CONF_PATH), 0);
}

TEST(limits, reload_without_a_file_is_enoent) { CHECK_EQ(bosk_conf_reload(), -ENOENT); }
