/* quarantine_test.c - quarantine=BYTES: freed blocks wait, and whoever writes to them is found. */
#include "heap_support.h"

#include <pthread.h>
#include <sys/wait.h>

#define QUARANTINE "BOSK_CONF=quarantine=1MiB"
#define WRITTEN "free(): write after free 0x"
#define INVALID "free(): invalid pointer 0x"
#define DOUBLE "free(): double free 0x"

/* Frees a block and hands out no other of its size until `n` more have been freed. */
static void *wait_for(size_t size, size_t n)
{
    unsigned char *p = get(size);
    bosk_free(p);
    for (size_t i = 0; i < n; i++) {
        void *q = get(size);
        CHECK(q != p);
        bosk_free(q);
    }
    return launder(p);
}

TEST_ENV(quarantine, a_freed_block_is_not_handed_out, QUARANTINE)
{
    wait_for(16, 1000);
    wait_for(100, 1000);
    wait_for(5000, 150);
    wait_for(32768, 20);
    wait_for(100000, 8);
}
TEST_ENV(quarantine, is_bounded, QUARANTINE)
{
    void *p = get(1000);
    bool again = false;
    bosk_free(p);
    for (size_t i = 0; i < 3000 && !again; i++) {
        void *q = get(1000);
        again = q == p;
        bosk_free(q);
    }
    CHECK(again);
    for (uint64_t i = bosk_test_budget(20000); i > 0; i--) bosk_free(get((size_t)i * 7 % 300000));
    CHECK(stats_now().spans_inuse < 16 * MIB);
}
TEST_ENV(quarantine, what_waits_is_overwritten, QUARANTINE)
{
    static const size_t sizes[] = {1, 16, 100, 5000, 32768, 100000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        unsigned char *p = get(sizes[i]);
        fill(p, sizes[i], i);
        bosk_free(p);
        p = launder(p);
        for (size_t k = 0; k < sizes[i]; k++) CHECK_EQ(p[k], 0xdb);
    }
}
/* What is larger than all that may wait does not. */
TEST_ENV(quarantine, larger_blocks_do_not_wait, "BOSK_CONF=quarantine=64KiB")
{
    void *p = get(100000);
    bosk_free(p);
    CHECK(get(100000) == p);
}
TEST_ENV(quarantine, may_be_off, "BOSK_CONF=quarantine=off")
{
    void *p = get(100000);
    bosk_free(p);
    CHECK(get(100000) == p);
}
TEST_ENV(quarantine, trim_lets_all_go, QUARANTINE)
{
    void *p = get(100), *large = get(100000);
    bosk_free(p);
    bosk_free(large);
    bosk_trim(0);
    CHECK(get(100) == p);
    CHECK(get(100000) == large);
}
/* When memory runs out, nothing waits any more. */
TEST_ENV(quarantine, gives_way_before_memory_runs_out,
         "BOSK_CONF=quarantine=64MiB,hardlimit=1,memlimit=64MiB")
{
    for (int i = 0; i < 40; i++) bosk_free(get(6 * MIB));
    for (int i = 0; i < 40000; i++) bosk_free(get(5000));
    void *p = get(40 * MIB);
    bosk_free(p);
}

/* ---- writes after free ---------------------------------------------------------------------- */

static void write_after_free(size_t size, size_t at)
{
    unsigned char *p = get(size), *neighbour = get(size);
    bosk_free(p);
    p = launder(p);
    p[at] ^= 1;
    bosk_free(neighbour);
    bosk_trim(0);
}
TEST_PANICS_ENV(quarantine, write_to_the_first_byte, WRITTEN, QUARANTINE)
{
    write_after_free(100, 0);
}
TEST_PANICS_ENV(quarantine, write_to_the_last_byte, WRITTEN, QUARANTINE)
{
    write_after_free(112, 111);
}
TEST_PANICS_ENV(quarantine, write_to_the_least, WRITTEN, QUARANTINE) { write_after_free(16, 5); }
TEST_PANICS_ENV(quarantine, write_to_a_medium_block, WRITTEN, QUARANTINE)
{
    write_after_free(32768, 20000);
}
TEST_PANICS_ENV(quarantine, write_to_a_large_block, WRITTEN, QUARANTINE)
{
    write_after_free(200000, 199999);
}
/* Without a trim: when the block is let go because of others. */
TEST_PANICS_ENV(quarantine, write_is_found_in_time, WRITTEN, QUARANTINE)
{
    unsigned char *p = wait_for(1000, 10);
    p[999] = 0;
    for (size_t i = 0; i < 3000; i++) bosk_free(get(1000));
}
TEST_PANICS_ENV(quarantine, write_in_arena_mode, WRITTEN, "BOSK_CONF=reserve=1,quarantine=1MiB")
{
    write_after_free(100, 50);
}
static unsigned char *named;
static void write_to_named(void)
{
    named[77] = 1;
    bosk_trim(0);
}
TEST_ENV(quarantine, message_names_the_block, QUARANTINE)
{
    char text[1024], said[80];
    named = wait_for(100, 0);
    snprintf(said, sizeof said, "write after free %p, at byte 77 of 112", (void *)named);
    CHECK(bosk_test_capture(write_to_named, text, sizeof text) != 0);
    CHECK_MSG(strstr(text, said) != NULL, "no %s in %s", said, text);
}

/* ---- wrong use of what waits ------------------------------------------------------------------
 */

TEST_PANICS_ENV(quarantine, double_free, DOUBLE, QUARANTINE) { bosk_free(wait_for(100, 50)); }
TEST_PANICS_ENV(quarantine, double_free_large, DOUBLE, QUARANTINE)
{
    bosk_free(wait_for(100000, 5));
}
TEST_PANICS_ENV(quarantine, free_inside, INVALID, QUARANTINE)
{
    bosk_free((char *)wait_for(100, 5) + 16);
}
TEST_PANICS_ENV(quarantine, realloc_in_place, DOUBLE, QUARANTINE)
{
    CHECK(launder(bosk_realloc(wait_for(100, 5), 101)) == NULL);
}
TEST_PANICS_ENV(quarantine, realloc_to_more, DOUBLE, QUARANTINE)
{
    CHECK(launder(bosk_realloc(wait_for(100, 5), 5000)) == NULL);
}
TEST_PANICS_ENV(quarantine, realloc_of_a_large_block, DOUBLE, QUARANTINE)
{
    CHECK(launder(bosk_realloc(wait_for(100000, 5), 99000)) == NULL);
}
TEST_PANICS_ENV(quarantine, usable_size, INVALID, QUARANTINE)
{
    CHECK_EQ(bosk_usable_size(wait_for(100, 5)), 0);
}
TEST_PANICS_ENV(quarantine, usable_size_of_a_large_block, INVALID, QUARANTINE)
{
    CHECK_EQ(bosk_usable_size(wait_for(100000, 5)), 0);
}
TEST_PANICS_ENV(quarantine, grow, INVALID, QUARANTINE)
{
    CHECK_EQ(bosk_grow(wait_for(100000, 5), 200000), 0);
}
TEST_ENV(quarantine, is_no_block, QUARANTINE)
{
    CHECK(!bosk_find_block(wait_for(100, 5), NULL, NULL));
    CHECK(!bosk_find_block(wait_for(100000, 5), NULL, NULL));
}

/* ---- counts, threads, forks ---------------------------------------------------------------------
 */

TEST_ENV(quarantine, what_waits_counts_as_freed, QUARANTINE)
{
    struct bosk_heap_stats before = stats_now();
    size_t blocks = take_census(NULL).blocks;
    for (size_t i = 0; i < 500; i++) bosk_free(get(i * 10));
    bosk_free(get(100000));
    struct bosk_heap_stats after = stats_now();
    CHECK_EQ(after.frees - before.frees, 501);
    CHECK_EQ(after.live, before.live);
    struct census c = take_census(NULL);
    CHECK_EQ(c.blocks, blocks);
    CHECK_EQ(c.block_bytes, after.live);
}

static void *worker(void *arg)
{
    static void *shared[64];
    uint64_t rng = bosk_test_seed() + (uintptr_t)arg;
    for (uint64_t n = bosk_test_budget(40000); n > 0; n--) {
        uint64_t r = bosk_test_random(&rng);
        size_t size = (size_t)(r >> 20) % (r >> 58 == 0 ? 60000 : 600) + 1;
        void *p = get(size);
        memset(p, (int)r, size);
        bosk_free(__atomic_exchange_n(&shared[r % 64], p, __ATOMIC_ACQ_REL));
    }
    if (arg == NULL)
        for (size_t i = 0; i < 64; i++)
            bosk_free(__atomic_exchange_n(&shared[i], NULL, __ATOMIC_ACQ_REL));
    return NULL;
}
TEST_ENV(quarantine, threads_free_each_others, "BOSK_CONF=quarantine=100KiB")
{
    pthread_t thread[4];
    for (uintptr_t i = 0; i < 4; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, worker, (void *)(i + 1)), 0);
    for (int i = 0; i < 20; i++) { /* meanwhile processes fork */
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            for (size_t k = 0; k < 1000; k++) bosk_free(get(k));
            bosk_trim(0);
            _exit(0);
        }
        int status;
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
    }
    for (size_t i = 0; i < 4; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
    worker(NULL);
    CHECK_EQ(stats_exact().live, take_census(NULL).block_bytes);
}
static void write_in_child(void)
{
    named[3] = 1;
    bosk_trim(0);
}
TEST_ENV(quarantine, a_fork_child_looks_for_itself, QUARANTINE)
{
    char text[1024];
    named = wait_for(100, 3);
    CHECK(bosk_test_capture(write_in_child, text, sizeof text) != 0);
    CHECK(strstr(text, WRITTEN) != NULL);
    bosk_trim(0); /* the parent's own block is as it was */
}
