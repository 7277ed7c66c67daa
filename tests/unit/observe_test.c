/* observe_test.c - the recorder through its hooks: what a reader finds in the shared page. */
#define _GNU_SOURCE
#include "bosk_test.h"

#include "heap/heap.h"
#include "observe/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECTIONS 4u
#define KIB ((uint64_t)1024)

static struct bosk_record_header *page;
static char page_path[64];

static size_t section_bytes(void)
{
    size_t n = sizeof(struct bosk_record_section);
    return (n + BOSK_RECORD_HEADER_BYTES - 1) / BOSK_RECORD_HEADER_BYTES * BOSK_RECORD_HEADER_BYTES;
}
static struct bosk_record_section *section(unsigned i)
{
    return (void *)((char *)page + BOSK_RECORD_HEADER_BYTES + i * section_bytes());
}

/* Makes a page as the observer does, but for what `seals` leaves open. */
static void make_page(unsigned sections, uint64_t sample, int seals)
{
    size_t bytes = BOSK_RECORD_HEADER_BYTES + sections * section_bytes();
    int fd = memfd_create("observe_test", MFD_ALLOW_SEALING);
    CHECK(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
    CHECK(fcntl(fd, F_ADD_SEALS, seals) == 0);
    page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(page != MAP_FAILED);
    *page = (struct bosk_record_header){.magic = BOSK_RECORD_MAGIC,
                                        .version = BOSK_RECORD_VERSION,
                                        .header_bytes = BOSK_RECORD_HEADER_BYTES,
                                        .total_bytes = bytes,
                                        .section_bytes = section_bytes(),
                                        .section_count = sections,
                                        .depth = 64,
                                        .sample_bytes = sample};
    snprintf(page_path, sizeof page_path, "/proc/%d/fd/%d", (int)getpid(), fd);
}
static void attach(uint64_t sample)
{
    make_page(SECTIONS, sample, F_SEAL_SHRINK | F_SEAL_GROW);
    boski_obs_init(page_path, 0);
    CHECK(boski_recording);
    boski_obs_warm();
}

/* ---- arithmetic ------------------------------------------------------------------------ */

TEST(observe, log_and_weight_agree_with_libm)
{
    for (double x = 1e-15; x < 1e15; x *= 1.37)
        CHECK_MSG(fabs(boski_obs_log(x) - log(x)) < 1e-9 * (1 + fabs(log(x))), "log(%g)", x);
    for (uint32_t mean = 2; mean < UINT32_MAX / 3; mean = mean * 3 - 1) {
        for (uint64_t block = 1; block < 1u << 30; block = block * 7 / 4 + 1) {
            double want = 1 / -expm1(-(double)block / mean), got = boski_obs_weight(block, mean);
            CHECK_MSG(fabs(got - want) <= 1e-8 * want, "block %llu mean %u: %.12g, not %.12g",
                      (unsigned long long)block, mean, got, want);
        }
    }
    CHECK(boski_obs_weight(16, 1) == 1 && boski_obs_weight(0, 4096) == 1);
}

TEST(observe, distances_are_exponential)
{
    uint64_t rng = bosk_test_seed() | 1;
    enum { N = 200000, MEAN = 65536 };
    double sum = 0, square = 0;
    unsigned above = 0;
    for (int i = 0; i < N; i++) {
        double d = (double)boski_obs_draw(&rng, MEAN) / MEAN;
        sum += d;
        square += d * d;
        above += d > 2;
    }
    /* Mean 1, second moment 2, P(d > 2) = exp(-2); five standard deviations. */
    CHECK_MSG(fabs(sum / N - 1) < 5 / sqrt(N), "mean %g", sum / N);
    CHECK_MSG(fabs(square / N - 2) < 5 * sqrt(20.0 / N), "second moment %g", square / N);
    CHECK_MSG(fabs((double)above / N - exp(-2)) < 5 * sqrt(0.117 / N), "tail %u", above);
    CHECK(boski_obs_draw(&rng, 1) == 0);
}

TEST(observe, latency_buckets_are_within_four_percent)
{
    unsigned last = 0;
    for (uint64_t v = 0; v < UINT64_C(1) << 41; v += v / 97 + 1) {
        unsigned b = boski_obs_bucket(v);
        CHECK(b >= last && b < BOSK_RECORD_BUCKETS);
        last = b;
        uint64_t low = b < 32 ? b : (uint64_t)(32 + b % 32) << (b / 32 - 1);
        CHECK_MSG(low <= v && (double)(v - low) <= (double)v / 32,
                  "bucket %u of %llu begins at %llu", b, (unsigned long long)v,
                  (unsigned long long)low);
    }
    CHECK_EQ(boski_obs_bucket(UINT64_MAX), BOSK_RECORD_BUCKETS - 1);
}

TEST(observe, classes_of_the_layout_are_those_of_the_heap)
{
    static const uint32_t bytes[] = BOSK_RECORD_CLASS_BYTES;
    boski_class_init();
    CHECK_EQ(sizeof bytes / sizeof bytes[0], BOSKI_NUM_SMALL);
    for (unsigned c = 2; c < BOSKI_NUM_SMALL; c++) CHECK_EQ(bytes[c], boski_class[c].size);
    CHECK_EQ(BOSK_RECORD_LANE_24, BOSKI_LANE_24);
    for (size_t n = 1; n <= BOSKI_SMALL_MAX; n++) {
        unsigned c = boski_class_of(n);
        unsigned lane = n <= BOSKI_FAST_MAX ? (unsigned)(n + 15) / 16
                                            : BOSKI_LANES_FAST + c - BOSKI_FIRST_MEDIUM;
        CHECK_EQ(boski_obs_lane(n, boski_class[c].size), lane);
    }
    CHECK_EQ(boski_obs_lane(0, 16), 0);
    CHECK_EQ(boski_obs_lane(100, 128), 8); /* aligned */
    CHECK_EQ(boski_obs_lane(24, 24), BOSK_RECORD_LANE_24);
    CHECK_EQ(boski_obs_lane(100, 4096), BOSK_RECORD_LANE_MEDIUM + boski_class_of(4096) - 33);
    CHECK_EQ(boski_obs_lane(40000, 40960), BOSK_RECORD_LANE_LARGE);
}

/* Version 1 of the layout: whoever moves a field raises BOSK_RECORD_VERSION. */
TEST(observe, layout_is_version_1)
{
    CHECK_EQ(BOSK_RECORD_VERSION, 1);
    CHECK_EQ(sizeof(struct bosk_record_header), 72);
    CHECK_EQ(sizeof(struct bosk_record_counters), 1872);
    CHECK_EQ(offsetof(struct bosk_record_counters, live_bytes), 1568);
    CHECK_EQ(offsetof(struct bosk_record_counters, refill_swaps), 1640);
    CHECK_EQ(offsetof(struct bosk_record_counters, thread_ends), 1864);
    CHECK_EQ(sizeof(struct bosk_record_site), 88);
    CHECK_EQ(sizeof(struct bosk_record_module), 320);
    CHECK_EQ(sizeof(struct bosk_record_stack), 8);
    CHECK_EQ(sizeof(struct bosk_record_latency), 9480);
    CHECK_EQ(sizeof(struct bosk_record_timeline), 16392);
    CHECK_EQ(offsetof(struct bosk_record_section, counters), 600);
    CHECK_EQ(offsetof(struct bosk_record_section, peak), 2472);
    CHECK_EQ(offsetof(struct bosk_record_section, samples), 4048);
    CHECK_EQ(offsetof(struct bosk_record_section, latency), 4096);
    CHECK_EQ(offsetof(struct bosk_record_section, site), 249408);
    CHECK_EQ(sizeof(struct bosk_record_section), 1838656);
}

/* ---- samples ---------------------------------------------------------------------------- */

static struct bosk_record_section *self(void) { return section(0); }

/* Two places that ask for memory; the addresses are never touched. */
__attribute__((noinline)) static void at_one(uintptr_t p, size_t n)
{
    boski_obs_sample((void *)p, n, n, 1, NULL);
    __asm__ volatile("" ::: "memory");
}
__attribute__((noinline)) static void at_other(uintptr_t p, size_t n)
{
    boski_obs_sample((void *)p, n - 10, n, 1, boski_obs_intern("request"));
    __asm__ volatile("" ::: "memory");
}

/* Without glibc's unwinder a stack is the caller of the allocator alone. */
static void needs_stacks(void)
{
#ifndef __GLIBC__
    SKIP("this C library has no backtrace()");
#endif
}

TEST(observe, samples_are_booked_by_site)
{
    needs_stacks();
    attach(1);
    for (uintptr_t i = 1; i <= 100; i++) at_one(i * 64, 64);
    for (uintptr_t i = 1; i <= 50; i++) at_other(1 << 20 | i * 64, 128);
    const struct bosk_record_section *s = self();
    CHECK_EQ(s->state, BOSK_SECTION_READY);
    CHECK_EQ(s->pid, getpid());
    CHECK_EQ(s->samples, 150);
    CHECK_EQ(s->site_count, 2);
    CHECK_EQ(s->stack_count, 2);
    CHECK_EQ(s->site[0].lane, 4);
    CHECK_EQ(s->site[0].alloc_objects, 100 * 1024);
    CHECK_EQ(s->site[0].live_bytes, 6400);
    CHECK_EQ(s->site[0].label, 0);
    CHECK_EQ(s->site[1].alloc_bytes, 6400);
    CHECK_EQ(s->site[1].request_bytes, 50 * 118);
    CHECK(strcmp(s->label[s->site[1].label - 1], "request") == 0);
    for (uintptr_t i = 1; i <= 100; i++) boski_obs_sample_free((void *)(i * 64));
    CHECK_EQ(s->site[0].live_bytes, 0);
    CHECK_EQ(s->site[0].live_objects, 0);
    CHECK_EQ(s->site[0].live_samples, 0);
    CHECK_EQ(s->site[1].live_samples, 50);
    boski_obs_sample_free((void *)64); /* not there: nothing happens */
    CHECK_EQ(s->site[0].live_samples, 0);
}

TEST(observe, stacks_lead_to_the_caller)
{
    needs_stacks();
    attach(1);
    at_one(64, 64);
    const struct bosk_record_section *s = self();
    CHECK(s->stack[0].depth >= 3);
    bool found = false;
    for (unsigned i = 0; i < s->stack[0].depth; i++) {
        uint64_t frame = s->frame[s->stack[0].first + i];
        unsigned module = (unsigned)(frame >> BOSK_RECORD_FRAME_SHIFT);
        CHECK(module < s->module_count);
        uint64_t pc = s->module[module].bias + (frame & ((UINT64_C(1) << 48) - 1));
        CHECK(pc > s->module[module].start && pc <= s->module[module].end);
        if (pc > (uintptr_t)at_one && pc < (uintptr_t)at_one + 100) {
            found = true;
            CHECK(s->module[module].flags & BOSK_MODULE_MAIN);
            char exe[BOSK_RECORD_PATH_BYTES] = "";
            CHECK(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
            CHECK(strcmp(s->module[module].path, exe) == 0 && strcmp(s->exe, exe) == 0);
            CHECK(s->module[module].build_id_bytes >= 8);
        }
    }
    CHECK(found);
    CHECK(s->flags & BOSK_SECTION_STATIC);
}

TEST(observe, both_ways_to_find_an_object_agree)
{
    const uintptr_t at[] = {(uintptr_t)&attach, (uintptr_t)&printf, (uintptr_t)&boski_obs_live, 0,
                            UINTPTR_MAX,        (uintptr_t)&page};
    for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
        struct boski_object a = {0}, b = {0};
        bool found = boski_obs_object(at[i], &a);
        CHECK_EQ(found, boski_obs_object_by_walk(at[i], &b));
        if (!found) continue;
        CHECK(a.bias == b.bias && strcmp(a.path, b.path) == 0);
        /* With holes between the segments (arm64) the loader tells the segment. */
        CHECK(a.start == b.start || (a.start > b.start && a.start <= at[i] && a.end <= b.end));
        CHECK(at[i] < a.end && at[i] < b.end);
    }
}

TEST(observe, a_block_that_grows_stands_for_fewer)
{
    attach(4096);
    boski_obs_sample((void *)0x10000, 1000, 1024, 4096, NULL);
    const struct bosk_record_site *site = self()->site;
    uint64_t small = (uint64_t)(boski_obs_weight(1024, 4096) * 1024 + 0.5);
    uint64_t large = (uint64_t)(boski_obs_weight(2048, 4096) * 1024 + 0.5);
    CHECK_EQ(site[0].live_objects, small);
    CHECK(small > 4600 && large < 2700);
    boski_obs_sample_moved((void *)0x10000, (void *)0x90000, 2000, 2048);
    CHECK_EQ(site[0].live_bytes, 0);
    CHECK_EQ(site[1].live_objects, large);
    CHECK_EQ(site[1].live_bytes, large * 2);
    CHECK_EQ(site[1].stack, site[0].stack);
    CHECK_EQ(site[0].alloc_bytes, large * 2);
    CHECK_EQ(site[0].alloc_objects, large);
    /* Shrunk again it is as likely a sample as it was when it was larger. */
    boski_obs_sample_moved((void *)0x90000, (void *)0x90000, 1000, 1024);
    CHECK_EQ(site[0].live_objects, large);
    CHECK_EQ(site[0].live_bytes, large);
    boski_obs_sample_free((void *)0x10000);
    CHECK_EQ(site[0].live_objects, large);
    boski_obs_sample_free((void *)0x90000);
    CHECK_EQ(site[0].live_objects + site[0].live_bytes + site[1].live_bytes, 0);
    CHECK_EQ(site[0].alloc_bytes, large * 2);
}

/* Blocks of several sizes, with one countdown each as the heap has, through all steps of the
 * automatic mean. */
TEST(observe, estimates_are_unbiased_while_the_mean_grows)
{
    enum { SIZES = 5 };
    static const size_t size[SIZES] = {16, 128, 1024, 8192, 131072};
    static const unsigned often[SIZES] = {4000, 500, 100, 12, 1};
    attach(BOSK_RECORD_SAMPLE_AUTO);
    uint64_t rng = bosk_test_seed() | 1, left[SIZES], true_bytes = 0, p = 4096;
    uint32_t mean[SIZES];
    for (unsigned i = 0; i < SIZES; i++) left[i] = boski_obs_next_sample(&rng, &mean[i]);
    CHECK_EQ(mean[0], 16384);
    while (self()->samples < 4000) {
        for (unsigned i = 0; i < SIZES; i++) {
            for (unsigned k = 0; k < often[i]; k++) {
                true_bytes += size[i];
                if (left[i] >= size[i]) {
                    left[i] -= size[i];
                    continue;
                }
                boski_obs_sample((void *)(uintptr_t)(p += 16), size[i], size[i], mean[i], NULL);
                left[i] = boski_obs_next_sample(&rng, &mean[i]);
            }
        }
    }
    CHECK_EQ(self()->sample_mean, 512 * KIB);
    double sum = 0, variance = 0;
    for (unsigned i = 0; i < self()->site_count; i++) {
        sum += (double)self()->site[i].alloc_bytes;
        variance += (double)self()->site[i].variance * 1048576;
    }
    double off = sum / (double)true_bytes - 1, sigma = sqrt(variance) / (double)true_bytes;
    CHECK_MSG(fabs(off) < 4 * sigma, "off by %.2f %%, sigma %.2f %%", off * 100, sigma * 100);
    CHECK_MSG(sigma < 0.04, "sigma %.2f %%", sigma * 100);
    CHECK_EQ(self()->lost_samples, 0);
}

/* Countdowns that were drawn early and run out late, as of a size that is seldom asked for. */
TEST(observe, a_late_sample_is_weighed_by_its_own_mean)
{
    enum { LANES = 2000, BLOCKS = 16, SIZE = 1024 };
    static uint64_t left[LANES];
    static uint32_t mean[LANES];
    attach(BOSK_RECORD_SAMPLE_AUTO);
    uint64_t rng = bosk_test_seed() | 1;
    for (unsigned i = 0; i < LANES; i++) left[i] = boski_obs_next_sample(&rng, &mean[i]);
    for (uintptr_t i = 1; i <= 2000; i++) at_one(i * 64, 64); /* the mean grows meanwhile */
    uint32_t now;
    (void)boski_obs_next_sample(&rng, &now);
    CHECK_EQ(now, 512 * KIB);
    for (unsigned i = 0; i < LANES; i++) {
        for (unsigned k = 0; k < BLOCKS; k++) {
            if (left[i] >= SIZE) {
                left[i] -= SIZE;
                continue;
            }
            uintptr_t p = ((uintptr_t)i << 20) + ((uintptr_t)k << 12);
            boski_obs_sample((void *)(p + (1 << 16)), SIZE, SIZE, mean[i], NULL);
            left[i] = boski_obs_next_sample(&rng, &mean[i]);
        }
    }
    double sum = 0, variance = 0, truth = (double)LANES * BLOCKS * SIZE;
    for (unsigned i = 0; i < self()->site_count; i++) {
        if (self()->site[i].lane != 64) continue;
        sum += (double)self()->site[i].alloc_bytes;
        variance += (double)self()->site[i].variance * 1048576;
    }
    CHECK_MSG(fabs(sum - truth) < 5 * sqrt(variance) && sqrt(variance) < 0.15 * truth,
              "%.0f bytes of %.0f, sigma %.0f", sum, truth, sqrt(variance));
}

TEST(observe, sampling_can_be_off)
{
    attach(BOSK_RECORD_SAMPLE_OFF);
    uint64_t rng = 1;
    uint32_t mean;
    CHECK(boski_obs_next_sample(&rng, &mean) == UINT64_MAX);
}

TEST(observe, full_tables_lose_samples_and_say_so)
{
    attach(1);
    boski_class_init();
    /* Each block size is a site of its own: lanes 1 .. 64 and labels 0 .. 127 are 8,192 sites. */
    for (unsigned i = 0; i < 128; i++) {
        char name[16];
        snprintf(name, sizeof name, "label %u", i);
        const char *label = boski_obs_intern(name);
        for (size_t n = 16; n <= 1024; n += 16)
            boski_obs_sample((void *)(uintptr_t)(0x100000u * (i + 1) + n), n,
                             boski_class[boski_class_of(n)].size, 1, label);
    }
    CHECK_EQ(self()->samples, 128 * 64);
    CHECK_EQ(self()->site_count, BOSK_RECORD_SITES);
    CHECK_EQ(self()->lost_samples, 128 * 64 - BOSK_RECORD_SITES);
}

/* ---- table of live samples -------------------------------------------------------------- */

TEST(observe, live_table_against_a_model)
{
    enum { KEYS = 20000 };
    static uint32_t model[KEYS]; /* 0: not there, else site + 1 */
    uint64_t rng = bosk_test_seed() | 1;
    uint64_t ops = bosk_test_budget(1000000);
    for (uint64_t i = 0; i < ops; i++) {
        uint64_t r = bosk_test_random(&rng);
        /* Runs that grow and runs that shrink, so that tables are rebuilt both ways. */
        bool put = r % 100 < (i / 50000 % 2 == 0 ? 60u : 40u);
        size_t k = (size_t)(r >> 20) % KEYS;
        uintptr_t p = (k + 1) * 16;
        struct boski_live e = {
            .p = p, .block = k, .objects = 1024, .site = (uint32_t)(r >> 8 & 0xfff)};
        if (put) {
            CHECK(boski_live_put(&e));
            model[k] = e.site + 1;
        } else {
            bool found = boski_live_take(p, &e);
            CHECK_EQ(found, model[k] != 0);
            if (found) CHECK(e.site + 1 == model[k] && e.block == k);
            model[k] = 0;
        }
    }
    boski_live_forget();
    struct boski_live e;
    for (size_t k = 0; k < KEYS; k++) CHECK(!boski_live_take((k + 1) * 16, &e));
}

/* ---- peak and timeline ------------------------------------------------------------------ */

TEST(observe, sites_at_the_peak_are_kept)
{
    attach(1);
    const struct bosk_record_section *s = self();
    at_one(0x1000, 1 << 20);
    boski_obs_live(1 << 20);
    at_other(0x2000, 1 << 20);
    boski_obs_live(1 << 20); /* the peak: 2 MiB */
    CHECK_EQ(s->peak.live_bytes, 2 << 20);
    boski_obs_sample_free((void *)0x1000);
    boski_obs_live(-(1 << 20));
    boski_obs_sample_free((void *)0x2000);
    boski_obs_live(-(1 << 20));
    at_one(0x3000, 512);
    boski_obs_live(512);
    CHECK_EQ(s->counters.live_bytes, 512);
    CHECK_EQ(s->counters.peak_bytes, 2 << 20);
    CHECK_EQ(s->peak.live_bytes, 2 << 20);
    CHECK_EQ(s->site[0].peak_epoch, s->peak_epoch);
    CHECK_EQ(s->site[0].peak_bytes, 1 << 20);
    CHECK_EQ(s->site[1].peak_bytes, 1 << 20);
    CHECK_EQ(s->site[1].live_bytes, 0);
}

TEST(observe, the_block_that_makes_the_peak_belongs_to_it)
{
    attach(1);
    const struct bosk_record_section *s = self();
    at_one(0x1000, 4096);
    boski_obs_live(4096);
    boski_obs_live(8 << 20); /* the heap may count a block before it samples it */
    at_other(0x2000, 8 << 20);
    boski_obs_sample_free((void *)0x2000);
    boski_obs_live(-(8 << 20));
    at_other(0x3000, 4096);
    boski_obs_live(4096);
    CHECK_EQ(s->site[1].peak_epoch, s->peak_epoch);
    CHECK_EQ(s->site[1].peak_bytes, 8 << 20);
    CHECK_EQ(s->site[1].live_bytes, 0);
    CHECK_EQ(s->site[2].live_bytes, 4096);
    CHECK_EQ(s->site[2].peak_bytes, 0);
}

TEST(observe, timeline_stretches_and_keeps_the_greatest)
{
    SKIP_EMULATED("intervals are too short for an emulator");
    attach(1);
    struct bosk_record_section *s = self();
    uint64_t begin = s->start_ns;
    boski_obs_live(10 << 20);
    usleep(20000);
    boski_obs_live(-(5 << 20));
    const struct bosk_record_timeline *t = &s->timeline[s->timeline_now];
    CHECK_EQ(t->interval_ns, 1 << 16);
    uint64_t greatest = 0;
    for (unsigned i = 0; i < BOSK_RECORD_POINTS; i++)
        if (t->point[i].live_bytes > greatest) greatest = t->point[i].live_bytes;
    CHECK_EQ(greatest, 10 << 20);
    /* As if the process had been started an hour before. */
    s->start_ns = begin - UINT64_C(3600) * 1000000000;
    boski_obs_live(1 << 20);
    t = &s->timeline[s->timeline_now];
    uint64_t at = (s->last_ns - s->start_ns) / t->interval_ns;
    CHECK(at >= BOSK_RECORD_POINTS / 2 && at < BOSK_RECORD_POINTS);
    CHECK_EQ(t->point[at].live_bytes, 6 << 20);
    CHECK_EQ(t->point[0].live_bytes, 10 << 20);
    unsigned used = 0;
    for (unsigned i = 0; i < BOSK_RECORD_POINTS; i++) used += t->point[i].live_bytes != 0;
    CHECK_EQ(used, 2);
}

TEST(observe, without_a_recording_only_counts)
{
    boski_obs_live(1000);
    boski_obs_live(500);
    boski_obs_live(-1200);
    CHECK(!boski_recording);
    CHECK_EQ(boski_ctr->live_bytes, 300);
    CHECK_EQ(boski_ctr->peak_bytes, 1500);
    uint64_t rng = 1;
    uint32_t mean;
    CHECK(boski_obs_next_sample(&rng, &mean) == UINT64_MAX);
    at_one(64, 64);
    boski_obs_sample_free((void *)64);
    boski_obs_latency(BOSKI_OP_MALLOC, true, 5, 1);
}

TEST(observe, attaching_takes_the_counters_along)
{
    boski_add(&boski_ctr->mallocs[3], 7);
    boski_obs_live(4096);
    attach(1);
    CHECK_EQ(self()->counters.mallocs[3], 7);
    CHECK_EQ(self()->counters.live_bytes, 4096);
    boski_add(&boski_ctr->mallocs[3], 1);
    CHECK_EQ(self()->counters.mallocs[3], 8);
}

TEST(observe, latency_is_kept_by_kind)
{
    attach(1);
    boski_obs_latency(BOSKI_OP_FREE, false, 100, 64);
    boski_obs_latency(BOSKI_OP_FREE, true, 5000, 1);
    boski_obs_latency(BOSKI_OP_FREE, true, UINT64_MAX - 5, 1); /* time that ran backwards */
    const struct bosk_record_section *s = self();
    CHECK_EQ(s->latency[BOSK_OP_FREE][0].bucket[boski_obs_bucket(100)], 64);
    CHECK_EQ(s->latency[BOSK_OP_FREE][1].bucket[boski_obs_bucket(5000)], 1);
    CHECK_EQ(s->latency[BOSK_OP_FREE][1].max_ticks, 5000);
    CHECK_EQ(s->latency[BOSK_OP_MALLOC][1].max_ticks, 0);
}

TEST(observe, hooks_keep_errno)
{
    attach(1);
    errno = 77;
    at_other(0x4000, 4096);
    boski_obs_live(1 << 20);
    boski_obs_sample_moved((void *)0x4000, (void *)0x9000, 5000, 5376);
    boski_obs_sample_free((void *)0x9000);
    boski_obs_check();
    CHECK_EQ(errno, 77);
}

/* ---- fork -------------------------------------------------------------------------------- */

static void child_work(void)
{
    boski_obs_check();
    boski_obs_sample_free((void *)0x1000); /* the parent's */
    at_other(0x5000, 128);
    boski_obs_live(128);
}

static void check_child_section(pid_t pid)
{
    CHECK_EQ(page->sections_used, 2);
    const struct bosk_record_section *child = section(1);
    CHECK_EQ(child->state, BOSK_SECTION_READY);
    CHECK_EQ(child->pid, pid);
    CHECK_EQ(child->ppid, getpid());
    CHECK_EQ(child->parent, 0);
    CHECK(child->flags & BOSK_SECTION_FORKED);
    CHECK_EQ(child->inherited_bytes, 4096);
    CHECK_EQ(child->counters.live_bytes, 4096 + 128);
    CHECK_EQ(child->samples, 1);
    CHECK_EQ(child->site_count, 1);
    CHECK(strcmp(child->exe, section(0)->exe) == 0);
    CHECK_EQ(section(0)->samples, 1);
    CHECK_EQ(section(0)->counters.live_bytes, 4096);
    CHECK_EQ(section(0)->site[0].live_samples, 1);
}

TEST(observe, a_fork_child_claims_its_own_section)
{
    SKIP_EMULATED("qemu 7.2 does not know MADV_WIPEONFORK");
    attach(1);
    boski_os_wipe_on_fork(boski_obs.claimed, boski_os.page);
    at_one(0x1000, 4096);
    boski_obs_live(4096);
    pid_t pid = fork();
    if (pid == 0) {
        child_work();
        _exit(0);
    }
    CHECK_CHILD(pid);
    check_child_section(pid);
}

TEST(observe, so_does_a_child_of_plain_clone)
{
    SKIP_EMULATED("qemu 7.2 does not know MADV_WIPEONFORK");
    attach(1);
    boski_os_wipe_on_fork(boski_obs.claimed, boski_os.page);
    at_one(0x1000, 4096);
    boski_obs_live(4096);
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    CHECK(pid >= 0);
    if (pid == 0) {
        child_work();
        _exit(0);
    }
    CHECK_CHILD(pid);
    check_child_section(pid);
}

static int vfork_child(void *arg)
{
    (void)arg;
    boski_obs_check();
    at_other(0x5000, 128);
    return 0;
}

TEST(observe, a_vfork_child_records_into_its_parents)
{
    static char stack[65536] __attribute__((aligned(16)));
    attach(1);
    boski_os_wipe_on_fork(boski_obs.claimed, boski_os.page);
    pid_t pid = clone(vfork_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    CHECK(pid >= 0);
    CHECK_CHILD(pid);
    CHECK_EQ(page->sections_used, 1);
    CHECK_EQ(self()->samples, 1);
}

TEST(observe, processes_without_a_section_are_counted_and_run_on)
{
    SKIP_EMULATED("qemu 7.2 does not know MADV_WIPEONFORK");
    attach(1);
    boski_os_wipe_on_fork(boski_obs.claimed, boski_os.page);
    enum { CHILDREN = 10 };
    for (int i = 0; i < CHILDREN; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            child_work();
            bool recorded = i < (int)SECTIONS - 1;
            CHECK_EQ(boski_recording, recorded);
            CHECK(recorded || boski_ctr->live_bytes == 128);
            _exit(0);
        }
        CHECK_CHILD(pid);
    }
    CHECK_EQ(page->sections_used, SECTIONS);
    CHECK_EQ(page->lost, CHILDREN - (SECTIONS - 1));
}

TEST(observe, a_killed_process_leaves_what_it_wrote)
{
    make_page(SECTIONS, 1, F_SEAL_SHRINK | F_SEAL_GROW);
    pid_t pid = fork();
    if (pid == 0) {
        boski_obs_init(page_path, 0);
        boski_obs_warm();
        for (uintptr_t i = 1; i <= 1000; i++) at_one(i * 64, 64);
        raise(SIGKILL);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    CHECK_EQ(self()->state, BOSK_SECTION_READY);
    CHECK_EQ(self()->samples, 1000);
    CHECK_EQ(self()->site[0].live_bytes, 64000);
}

/* ---- attaching to what is not a recording ------------------------------------------------- */

static void attach_quietly(void) { boski_obs_init(page_path, 0); }

static void expect_refusal(const char *text)
{
    char said[512];
    int status = bosk_test_capture(attach_quietly, said, sizeof said);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_MSG(text[0] == '\0' ? said[0] == '\0' : strstr(said, text) != NULL, "it said: %s", said);
    CHECK(strchr(said, '\n') == NULL || strchr(said, '\n')[1] == '\0');
}

TEST(observe, other_files_are_refused)
{
    snprintf(page_path, sizeof page_path, "/proc/self/exe");
    expect_refusal("cannot attach");
    snprintf(page_path, sizeof page_path, "/dev/zero");
    expect_refusal("cannot attach");
    snprintf(page_path, sizeof page_path, "/nowhere/page"); /* the observer is gone */
    expect_refusal("");
    make_page(SECTIONS, 1, F_SEAL_GROW); /* could shrink under our feet */
    expect_refusal("cannot attach");
}

TEST(observe, contradicting_headers_are_refused)
{
    make_page(SECTIONS, 1, F_SEAL_SHRINK | F_SEAL_GROW);
    struct bosk_record_header good = *page;
    page->version++;
    expect_refusal("another version");
    *page = good;
    page->magic++;
    expect_refusal("not a recording");
    *page = good;
    page->section_count++;
    expect_refusal("contradicts");
    *page = good;
    page->section_count = 0;
    expect_refusal("contradicts");
    *page = good;
    page->section_bytes -= BOSK_RECORD_HEADER_BYTES;
    expect_refusal("contradicts");
    *page = good;
    page->section_bytes = UINT64_MAX - BOSK_RECORD_HEADER_BYTES + 1;
    expect_refusal("contradicts");
    *page = good;
    page->total_bytes--;
    expect_refusal("contradicts");
    *page = good;
    expect_refusal("");
}

TEST_OOM(observe, attaching_without_memory_records_nothing)
{
    make_page(SECTIONS, 1, F_SEAL_SHRINK | F_SEAL_GROW);
    boski_obs_init(page_path, 0);
    if (!boski_recording) return;
    at_one(64, 64);
    boski_obs_sample_free((void *)64);
    CHECK_EQ(self()->samples, 1);
    CHECK(self()->lost_samples <= 1);
}

/* ---- labels and threads ------------------------------------------------------------------- */

TEST(observe, labels_are_interned_once)
{
    char name[200];
    CHECK(boski_obs_intern(NULL) == NULL);
    snprintf(name, sizeof name, "request");
    const char *first = boski_obs_intern(name);
    CHECK(strcmp(first, "request") == 0 && first != name);
    name[0] = 'R';
    CHECK(boski_obs_intern("request") == first);
    CHECK(boski_obs_intern(name) != first);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_EQ(strlen(boski_obs_intern(name)), 128);
    const char *last = NULL;
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "label %d", i);
        last = boski_obs_intern(name);
    }
    CHECK(strcmp(last, "(more labels)") == 0);
    CHECK(boski_obs_intern("request") == first);
}

enum { THREADS = 4, ROUNDS = 3000 };

static void *hammer(void *arg)
{
    uintptr_t base = ((uintptr_t)arg + 1) << 24;
    for (uintptr_t i = 1; i <= ROUNDS; i++) {
        char name[16];
        snprintf(name, sizeof name, "label %d", (int)(i % 50));
        const char *label = boski_obs_intern(name);
        CHECK(label == boski_obs_intern(name));
        boski_obs_sample((void *)(base + i * 64), 64, 64, 1, label);
        boski_obs_live(64);
        boski_obs_latency(BOSKI_OP_MALLOC, true, i, 1);
        if (i % 2 == 0) {
            boski_obs_sample_free((void *)(base + i * 64));
            boski_obs_live(-64);
        }
    }
    return NULL;
}

TEST(observe, threads_lose_nothing)
{
    attach(1);
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&thread[i], NULL, hammer, (void *)i) == 0);
    for (unsigned i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    const struct bosk_record_section *s = self();
    uint64_t objects = 0, live = 0, slow = 0;
    for (unsigned i = 0; i < s->site_count; i++) {
        objects += s->site[i].alloc_objects;
        live += s->site[i].live_bytes;
    }
    for (unsigned i = 0; i < BOSK_RECORD_BUCKETS; i++) slow += s->latency[0][1].bucket[i];
    CHECK_EQ(s->samples, THREADS * ROUNDS);
    CHECK_EQ(s->lost_samples, 0);
    CHECK_EQ(objects, THREADS * ROUNDS * 1024);
    CHECK_EQ(live, THREADS * ROUNDS / 2 * 64);
    CHECK_EQ(s->counters.live_bytes, live);
    CHECK_EQ(slow, THREADS * ROUNDS);
    CHECK_EQ(s->label_count, 50);
}
