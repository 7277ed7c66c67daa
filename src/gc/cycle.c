/* cycle.c - when a cycle runs, and its phases.
 *
 *     finish the last sweep | stop the world, mark | sweep, with the world running
 *
 * A cycle is run by the thread that allocated beyond the trigger or asked for one; others that come
 * meanwhile go on allocating, those that ask wait.  The trigger is Go's goal (runtime/mgcpacer.go,
 * 1.22): live heap, and as many percent of live heap, stacks and static data as BOSK_GC says.
 * A memory limit lowers it; a cycle that only the limit asks for does not begin before the program
 * has run as long as the last one took, so that at most half of the time goes into collecting.
 */
#include "gc.h"

#include <errno.h>
#include <pthread.h>

static struct boski_lock cycle_lock;
static uint32_t ready, disabled;
static uint64_t start_ns, last_end_ns, last_took_ns, cpu_total_ns;
static int percent = 100;
static bool limited; /* the trigger is the limit's */
static struct boski_roots roots;
static struct bosk_gc_stats stats;
/* The last pauses, of cycle n at (n + 255) % 256, and when they ended, in ns since 1970. */
static uint64_t pause_ns[BOSK_MEM_STATS_PAUSES], pause_end[BOSK_MEM_STATS_PAUSES], last_gc;

/* ---- pacing --------------------------------------------------------------------------- */

#define MIN_HEAP ((uint64_t)4 << 20)

static void pace(void)
{
    uint64_t live = stats.live, roots_bytes = roots.stack_bytes + roots.static_bytes;
    int p = __atomic_load_n(&percent, __ATOMIC_RELAXED);
    uint64_t goal = UINT64_MAX, limit = BOSKI_LOOK(boski_conf.memlimit);
    if (p >= 0) {
        uint64_t least = MIN_HEAP * (uint64_t)p / 100;
        goal = live + (live + roots_bytes) / 100 * (uint64_t)p;
        if (goal < least) goal = least;
    }
    limited = false;
    if (limit != UINT64_MAX) {
        uint64_t all = BOSKI_LOOK(boski_ctr->spans_inuse_bytes);
        uint64_t mine = BOSKI_LOOK(boski_collected.span_bytes);
        uint64_t others = all > mine ? all - mine : 0;
        uint64_t room = limit > others ? limit - others : 0, least = live + live / 16 + (1 << 20);
        if (room < least) room = least;
        limited = room < goal;
        if (limited) goal = room;
    }
    stats.goal = goal;
    uint64_t more = goal > live ? goal - live : 0;
    __atomic_store_n(&boski_collected.trigger, more < SIZE_MAX ? (size_t)more : SIZE_MAX,
                     __ATOMIC_RELAXED);
}

/* ---- gctrace ----------------------------------------------------------------------------- */

/* "1.234" for 1234567 ns. */
static const char *ms(char *to, uint64_t ns)
{
    char digits[24];
    int n = 0, k = 0;
    uint64_t us = ns / 1000;
    do digits[n++] = (char)('0' + us % 10);
    while ((us /= 10) != 0 || n < 4);
    while (n > 0) {
        if (n == 3) to[k++] = '.';
        to[k++] = digits[--n];
    }
    to[k] = '\0';
    return to;
}
static unsigned mb(uint64_t bytes) { return (unsigned)((bytes + (1u << 19)) >> 20); }

static void trace(uint64_t before, uint64_t after, uint64_t goal, uint64_t begin, bool forced)
{
    char at[24], stop[24], mark[24], sweep[24];
    uint64_t since = begin - start_ns;
    unsigned share = since != 0 ? (unsigned)(cpu_total_ns * 100 / since / boski_os.ncpu) : 0;
    boski_os_print("gc %u @%ss %u%%: %s+%s+%s ms clock, %s+0/%s/0+%s ms cpu, %u->%u->%u MB, "
                   "%u MB goal, %u MB stacks, %u MB globals, %u P%s\n",
                   (unsigned)stats.cycles, ms(at, since / 1000), share, ms(stop, stats.stop_last),
                   ms(mark, stats.mark_last), ms(sweep, stats.sweep_last), stop, mark, sweep,
                   mb(before), mb(after), mb(stats.live), mb(goal), mb(roots.stack_bytes),
                   mb(roots.static_bytes), boski_os.ncpu, forced ? " (forced)" : "");
}

/* ---- a cycle ------------------------------------------------------------------------------ */

/* With the world stopped and all locks held. */
static bool mark_stopped(const struct boski_stopped *self)
{
    if (!boski_roots_gather(&roots, self)) return false;
    boski_gc_keep_runs();
    boski_mark_all(&roots);
    if (boski_conf.gccheckmark) boski_check_marks(&roots);
    if (boski_conf.gcverify_manual) boski_check_manual();
    boski_weak_marked();
    boski_gc_sweep_begin();
    return true;
}

static bool leaks_stopped(const struct boski_stopped *self)
{
    return boski_roots_gather(&roots, self) && boski_leak_mark(&roots);
}

/* With the loader's lock held. */
static BOSKI_NOINLINE bool stop_and_mark(void *ctx)
{
    struct boski_stopped self;
    bool for_leaks = ctx != NULL;
    __builtin_unwind_init();
    boski_stop_describe(&self);
    boski_lock(boski_weak_lock());
    boski_lock(boski_handles_lock());
    boski_lock(boski_root_lock());
    boski_gc_lock_all();
    uint64_t t0 = boski_os_now_ns();
    bool ok = boski_stop_world();
    if (ok) {
        uint64_t t1 = boski_os_now_ns();
        ok = for_leaks ? leaks_stopped(&self) : mark_stopped(&self);
        boski_start_world();
        uint64_t t2 = boski_os_now_ns();
        if (!for_leaks) {
            stats.stop_last = t1 - t0;
            stats.mark_last = t2 - t1;
            stats.pause_last = t2 - t0;
        }
    }
    boski_gc_unlock_all();
    boski_unlock(boski_root_lock());
    boski_unlock(boski_handles_lock());
    boski_unlock(boski_weak_lock());
    return ok;
}

static bool cycle(bool forced)
{
    boski_tell_tick(boski_now_ms(), BOSKI_TICK_CYCLE);
    boski_gc_sweep_all();
    uint64_t begin = boski_os_now_ns(), cpu = boski_os_thread_cpu_ns();
    size_t allocated = __atomic_load_n(&boski_collected.allocated, __ATOMIC_RELAXED);
    uint64_t before = stats.live + allocated, goal = stats.goal;
    if (!boski_roots_prepare() || !boski_roots_with_loader(stop_and_mark, NULL)) {
        stats.postponed++;
        /* Not at once again: a tenth more first. */
        __atomic_store_n(&boski_collected.trigger, allocated + allocated / 10 + MIN_HEAP,
                         __ATOMIC_RELAXED);
        return false;
    }
    uint64_t mid = boski_os_now_ns();
    uint64_t meanwhile = __atomic_exchange_n(&boski_collected.allocated, 0, __ATOMIC_RELAXED);
    stats.cycles++;
    if (forced) stats.forced++;
    stats.live = boski_mark_stats.bytes;
    stats.live_objects = boski_mark_stats.objects;
    stats.roots_last = roots.stack_bytes + roots.static_bytes;
    stats.threads_last = roots.threads;
    stats.pause_total += stats.pause_last;
    if (stats.pause_last > stats.pause_max) stats.pause_max = stats.pause_last;
    pause_ns[(stats.cycles - 1) % BOSK_MEM_STATS_PAUSES] = stats.pause_last;
    pause_end[(stats.cycles - 1) % BOSK_MEM_STATS_PAUSES] = boski_os_wall_ns();
    pace();
    boski_weak_wake();
    boski_gc_sweep_all();
    last_end_ns = boski_os_now_ns();
    last_gc = boski_os_wall_ns();
    last_took_ns = last_end_ns - begin;
    stats.sweep_last = last_end_ns - mid;
    cpu_total_ns += boski_os_thread_cpu_ns() - cpu;
    if (boski_conf.gctrace) trace(before, stats.live + meanwhile - allocated, goal, begin, forced);
    return true;
}

/* ---- start, fork --------------------------------------------------------------------------- */

static void prepare(void)
{
    boski_lock(&cycle_lock);
    boski_lock(boski_weak_lock());
    boski_lock(boski_handles_lock());
}
static void parent(void)
{
    boski_unlock(boski_handles_lock());
    boski_unlock(boski_weak_lock());
    boski_unlock(&cycle_lock);
}
static void child(void)
{
    parent();
    boski_stop_fork_child();
    boski_weak_fork_child();
}
static void start(void)
{
    static struct boski_lock once;
    if (__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) return;
    boski_lock(&once);
    bool mine = !ready;
    if (mine) {
        start_ns = boski_os_now_ns();
        percent = boski_conf.gc_percent;
        boski_collected.poison = boski_conf.gcpoison || boski_conf.gcverify_manual;
        boski_collected.stress = (uint32_t)boski_conf.gcstress;
        pace();
        __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
    }
    boski_unlock(&once);
    /* It may allocate, and come here again. */
    if (mine) (void)pthread_atfork(prepare, parent, child);
}

static void due(void)
{
    start();
    boski_stop_poll();
    if (__atomic_load_n(&disabled, __ATOMIC_RELAXED) != 0) return;
    bool stress = false;
    if (boski_collected.stress != 0) {
        static uint32_t turn;
        stress = __atomic_add_fetch(&turn, 1, __ATOMIC_RELAXED) % boski_collected.stress == 0;
    }
    if (!stress && __atomic_load_n(&boski_collected.allocated, __ATOMIC_RELAXED) <
                       __atomic_load_n(&boski_collected.trigger, __ATOMIC_RELAXED))
        return;
    if (!boski_trylock(&cycle_lock)) return;
    if (!stress && limited && boski_os_now_ns() - last_end_ns < last_took_ns) {
        boski_unlock(&cycle_lock);
        return;
    }
    (void)cycle(false);
    boski_unlock(&cycle_lock);
}
const struct boski_gc_hooks boski_gc_hooks = {due};

/* ---- public ---- */

BOSK_API void bosk_gc_init(void)
{
    if (!boski_heap_init()) bosk_fatal("out of memory");
    start();
    boski_conf.home_collected = true;
}
BOSK_API bool bosk_gc_collect(void)
{
    if (!boski_heap_init()) return false;
    start();
    boski_lock(&cycle_lock);
    bool ok = cycle(true);
    boski_unlock(&cycle_lock);
    return ok;
}
BOSK_API long bosk_leak_check(bool (*fn)(void *ctx, void *block, size_t bytes), void *ctx)
{
    static const char leaks[] = "leaks";
    if (!boski_heap_init()) return -ENOMEM;
    start();
    boski_lock(&cycle_lock);
    boski_gc_sweep_all();
    long n = -EAGAIN;
    if (boski_roots_prepare() && boski_roots_with_loader(stop_and_mark, (void *)(uintptr_t)leaks))
        n = boski_leak_report(fn, ctx);
    boski_unlock(&cycle_lock);
    return n;
}
BOSK_API void bosk_gc_disable(void) { __atomic_add_fetch(&disabled, 1, __ATOMIC_RELAXED); }
BOSK_API void bosk_gc_enable(void)
{
    uint32_t now = __atomic_load_n(&disabled, __ATOMIC_RELAXED);
    do {
        if (now == 0) bosk_panic("bosk: collector enabled more often than disabled");
    } while (!__atomic_compare_exchange_n(&disabled, &now, now - 1, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
}
BOSK_API int bosk_gc_set_percent(int p)
{
    if (!boski_heap_init()) return percent;
    start();
    boski_lock(&cycle_lock);
    int old = percent;
    __atomic_store_n(&percent, p < 0 ? -1 : p, __ATOMIC_RELAXED);
    pace();
    boski_unlock(&cycle_lock);
    return old;
}
BOSK_API void bosk_gc_stats(struct bosk_gc_stats *out)
{
    memset(out, 0, sizeof *out);
    if (!boski_heap_init()) return;
    boski_lock(&cycle_lock);
    *out = stats;
    boski_unlock(&cycle_lock);
    out->allocated = BOSKI_LOOK(boski_collected.allocated);
    out->freed = __atomic_load_n(&boski_collected.freed_bytes, __ATOMIC_RELAXED);
    out->spans = BOSKI_LOOK(boski_collected.span_bytes);
    out->metadata = BOSKI_LOOK(boski_collected.table_bytes);
}

void boski_cycle_mem_stats(struct bosk_mem_stats *m)
{
    boski_lock(&cycle_lock);
    m->next_gc = stats.goal;
    m->last_gc = last_gc;
    m->pause_total_ns = stats.pause_total;
    memcpy(m->pause_ns, pause_ns, sizeof m->pause_ns);
    memcpy(m->pause_end, pause_end, sizeof m->pause_end);
    m->num_gc = (uint32_t)stats.cycles;
    m->num_forced_gc = (uint32_t)stats.forced;
    uint64_t had = ready ? (boski_os_now_ns() - start_ns) * boski_os.ncpu : 0;
    if (had != 0) m->gc_cpu_fraction = (double)cpu_total_ns / (double)had;
    boski_unlock(&cycle_lock);
}

static const bosk_home collected = {BOSK_HOME_COLLECTED, NULL};

BOSK_API void *bosk_gc_try_new(const bosk_type *type, size_t count)
{
    return bosk_alloc_in(collected, type, count, true);
}
BOSK_API void *bosk_gc_new(const bosk_type *type, size_t count)
{
    size_t bytes;
    void *p;
    if (BOSK_LIKELY(!type->noscan && !__builtin_mul_overflow(type->size, count, &bytes) &&
                    bytes <= (size_t)PTRDIFF_MAX))
        p = boski_gc_alloc(type, bytes, type->align, true);
    else
        p = bosk_alloc_in(collected, type, count, true);
    if (BOSK_UNLIKELY(p == NULL)) bosk_fatal("runtime: out of memory");
    return p;
}
static const bosk_type any_word = {.size = 1, .align = 16, .name = "words"};
static const bosk_type no_word = {.size = 1, .align = 16, .noscan = true, .name = "bytes"};
BOSK_API void *bosk_gc_malloc(size_t bytes)
{
    return bosk_alloc_in(collected, &any_word, bytes, true);
}
BOSK_API void *bosk_gc_malloc_noscan(size_t bytes)
{
    return bosk_alloc_in(collected, &no_word, bytes, true);
}
BOSK_API void *bosk_new_root(size_t bytes)
{
    const bosk_home root = {BOSK_HOME_ROOT, NULL};
    return bosk_alloc_in(root, &any_word, bytes, true);
}
