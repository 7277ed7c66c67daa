/* scavenge.c - giving free memory back, and the limits.
 *
 * What may stay resident follows Go's goal: a tenth above what is in use; less when little comes
 * into use.  "In use" is the greatest value of the last window (scavenge_window, 500 ms): a load
 * that rises and falls inside the window releases nothing and faults nothing in again; after the
 * window the surplus goes, some milliseconds of work at a time.  Highest addresses first, as
 * allocation prefers low ones.
 *
 * Clocked by slow paths; with scavenger=thread also by a thread, so that an idle program shrinks.
 * Go counterpart: runtime/mgcscavenge.go (1.22).
 */
#include "mcache.h"
#include "os/os_tasks.h"
#include "waiting.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#define SLOTS 5
#define FLOOR_BYTES ((size_t)512 << 10) /* not worth a system call below this */
#define REST_BYTES ((size_t)64 << 10)   /* nor this, when nothing comes into use any more */
#define PURGE_LOOKS 1024                /* partly used spans looked at in one tick */
#define STEP_PAGES 512                  /* 4 MiB a call */
#define TICK_BUDGET_NS 2000000u
#define BUSY_MAX_MS 60000u

bool boski_scavenge_pending;
uint64_t boski_tick_ms;
bool boski_loaded;
void (*boski_on_tick)(uint64_t now_ms, enum boski_tick how);

static struct {
    size_t peak[SLOTS];  /* pages in use, greatest in each fifth of the window */
    size_t taken[SLOTS]; /* pages that came into use */
    unsigned slot;
    uint64_t slot_ms; /* when the present slot began */
    uint64_t busy_until_ms;
    size_t recent;      /* pages released and not yet taken again */
    uint64_t recent_ms; /* when the last release was */
} state;

size_t boski_scavenge(size_t keep, size_t most)
{
    size_t unit = boski_os.page > BOSKI_PAGE_BYTES ? boski_os.page >> BOSKI_PAGE_SHIFT : 1;
    size_t done = 0, below = SIZE_MAX;
    while (done < most) {
        size_t page, n, want = STEP_PAGES;
        boski_lock(&boski_mheap.lock);
        size_t dirty = boski_pages_dirty() << BOSKI_PAGE_SHIFT;
        bool more = dirty > keep;
        if (more && (dirty - keep) >> BOSKI_PAGE_SHIFT < want)
            want = ((dirty - keep) >> BOSKI_PAGE_SHIFT) + 1;
        if (want < unit) want = unit;
        more = more && boski_pages_take_dirty(below, want, unit, &page, &n);
        boski_unlock(&boski_mheap.lock);
        if (!more) break;
        below = page;
        bool ok = boski_os_decommit((void *)boski_page_address(page), n << BOSKI_PAGE_SHIFT);
        boski_lock(&boski_mheap.lock);
        boski_pages_free(page, n, ok);
        if (ok) {
            state.recent += n;
            state.recent_ms = boski_now_ms();
        }
        boski_unlock(&boski_mheap.lock);
        if (!ok) continue; /* locked in memory: below it may be others */
        done += n << BOSKI_PAGE_SHIFT;
        boski_count(&boski_ctr->os_releases, 1);
        boski_count(&boski_ctr->os_release_bytes, n << BOSKI_PAGE_SHIFT);
    }
    return done;
}

void boski_scavenge_reused(size_t scavenged)
{
    if (state.recent == 0 || scavenged == 0) return;
    uint64_t window = boski_conf.scavenge_window_ms < 500 ? 500 : boski_conf.scavenge_window_ms;
    if (boski_now_ms() - state.recent_ms > 2 * window) {
        state.recent = 0;
        return;
    }
    size_t n = scavenged < state.recent ? scavenged : state.recent;
    state.recent -= n;
    boski_count(&boski_ctr->thrash_bytes, (uint64_t)n << BOSKI_PAGE_SHIFT);
}

static size_t floor_pages(void) { return boski_conf.small ? 0 : FLOOR_BYTES >> BOSKI_PAGE_SHIFT; }

/* Free pages that may stay beside `inuse`: a tenth, but no more than twice what the window has seen
 * come into use.  A heap that has come to rest keeps next to nothing.  Heap lock held. */
static size_t headroom(size_t inuse, size_t taken)
{
    size_t most = inuse / 10 > floor_pages() ? inuse / 10 : floor_pages();
    size_t least = boski_conf.small ? 0 : REST_BYTES >> BOSKI_PAGE_SHIFT;
    if (most > 2 * taken) most = 2 * taken;
    return most > least ? most : least;
}

/* Moves the window on; returns its peak and what has come into use, in pages.  Heap lock held. */
static size_t window_peak(uint64_t now_ms, size_t inuse, size_t *taken)
{
    *taken = 0;
    uint64_t step = boski_conf.scavenge_window_ms / SLOTS;
    if (step == 0) return inuse;
    if (now_ms - state.slot_ms >= step) {
        uint64_t passed = (now_ms - state.slot_ms) / step;
        if (passed > SLOTS) passed = SLOTS;
        for (; passed > 0; passed--) {
            state.slot = (state.slot + 1) % SLOTS;
            state.peak[state.slot] = inuse;
            state.taken[state.slot] = 0;
        }
        state.slot_ms = now_ms;
    }
    size_t peak = inuse;
    for (unsigned i = 0; i < SLOTS; i++) {
        if (state.peak[i] > peak) peak = state.peak[i];
        *taken += state.taken[i];
    }
    return peak;
}
/* Called where pages come into use: a peak between two ticks must not be missed. */
void boski_scavenge_saw(size_t inuse, size_t taken)
{
    state.taken[state.slot] += taken;
    if (inuse > state.peak[state.slot]) state.peak[state.slot] = inuse;
}

/* Ticks are too far apart to see a phase end that takes a few ms; caches look at the flag when they
 * flush. */
void boski_scavenge_notice(void)
{
    size_t dirty = boski_pages_dirty();
    if (dirty > floor_pages() && dirty > boski_mheap.spans_inuse_pages / 10)
        __atomic_store_n(&boski_scavenge_pending, true, __ATOMIC_RELAXED);
}

static void start_thread(void);

/* Pages inside spans: looked for when a quarter of all span bytes is not in use. */
static bool purge_spans(uint64_t now_ms, size_t inuse)
{
    uint64_t live = __atomic_load_n(&boski_ctr->live_bytes, __ATOMIC_RELAXED);
    uint64_t spans = (uint64_t)inuse << BOSKI_PAGE_SHIFT;
    if (spans < FLOOR_BYTES || live > spans - spans / 4) return false;
    uint64_t window = boski_conf.scavenge_window_ms;
    return boski_central_purge(now_ms, window, PURGE_LOOKS) != 0;
}

void boski_scavenge_tick(uint64_t now_ms)
{
    /* A tenth of the time since the last tick. */
    uint64_t since_ms = now_ms - BOSKI_LOOK(boski_tick_ms), budget_ns = TICK_BUDGET_NS;
    if (since_ms > 20) budget_ns = (since_ms < 80 ? since_ms : 80) * 100000;
    __atomic_store_n(&boski_tick_ms, now_ms, __ATOMIC_RELAXED);
    boski_tell_tick(now_ms, BOSKI_TICK_IN_MALLOC);
    boski_large_trim(now_ms, 100);
    if (boski_conf.scavenger_thread && boski_loaded) start_thread();
    boski_lock(&boski_mheap.lock);
    size_t inuse = boski_mheap.spans_inuse_pages, dirty = boski_pages_dirty();
    size_t taken, peak = window_peak(now_ms, inuse, &taken);
    BOSKI_SET(boski_ctr->dirty_bytes, (uint64_t)dirty << BOSKI_PAGE_SHIFT);
    BOSKI_SET(boski_ctr->released_bytes, (uint64_t)boski_pages_clean() << BOSKI_PAGE_SHIFT);
    bool busy = now_ms < state.busy_until_ms;
    if (boski_conf.small) peak = inuse; /* eager */
    size_t may_now = peak - inuse + headroom(peak, taken), may_later = headroom(inuse, taken);
    boski_unlock(&boski_mheap.lock);

    bool fallen = inuse < peak - peak / 8; /* a phase has ended: look again until it is settled */
    BOSKI_SET(boski_scavenge_pending, (dirty > may_later || fallen) && !busy);
    if (busy) return;
    if (purge_spans(now_ms, inuse)) BOSKI_SET(boski_scavenge_pending, true);
    if (taken == 0 || dirty > may_now) boski_central_trim();
    if (dirty <= may_now) {
        if (taken == 0) boski_mheap_trim_tables();
        return;
    }
    uint64_t t0 = boski_os_now_ns();
    do {
        if (boski_scavenge(may_now << BOSKI_PAGE_SHIFT, (size_t)16 << 20) == 0) break;
    } while (boski_os_now_ns() - t0 < budget_ns);
    boski_mheap_trim_tables();
}

/* ---- limits ------------------------------------------------------------------ */

bool boski_limit_make_room(size_t npages)
{
    uint64_t limit = boski_conf.memlimit;
    if (BOSK_LIKELY(limit == UINT64_MAX)) return true;
    boski_lock(&boski_mheap.lock);
    uint64_t inuse = (uint64_t)boski_mheap.spans_inuse_pages << BOSKI_PAGE_SHIFT;
    uint64_t dirty = (uint64_t)boski_pages_dirty() << BOSKI_PAGE_SHIFT;
    boski_unlock(&boski_mheap.lock);
    uint64_t metadata = __atomic_load_n(&boski_ctr->metadata_bytes, __ATOMIC_RELAXED);
    uint64_t fixed = inuse + metadata / 16 + ((uint64_t)npages << BOSKI_PAGE_SHIFT);
    if (fixed + dirty <= limit) return true;
    boski_scavenge(fixed < limit ? (size_t)(limit - fixed) : 0, SIZE_MAX);
    return fixed <= limit || !boski_conf.memlimit_hard;
}

/* ---- public ---------------------------------------------------------------------- */

BOSK_API size_t bosk_trim(size_t keep)
{
    if (!boski_heap_init()) return 0;
    boski_tell_tick(boski_now_ms(), BOSKI_TICK_FORCED);
    struct mcache *mc = boski_mcache();
    if (mc != NULL) boski_mcache_flush(mc);
    boski_mcache_trim_pool(boski_now_ms(), 0);
    (void)boski_waiting_flush();
    boski_central_trim();
    boski_large_trim(boski_now_ms(), 0);
    size_t done = boski_central_purge(boski_now_ms(), 0, SIZE_MAX);
    done += boski_scavenge(keep, SIZE_MAX);
    boski_mheap_trim_tables();
    return done;
}

BOSK_API void bosk_load_hint(enum bosk_load level)
{
    if (!boski_heap_init()) return;
    uint64_t until = level == BOSK_LOAD_BUSY ? boski_now_ms() + BUSY_MAX_MS : 0;
    boski_lock(&boski_mheap.lock);
    state.busy_until_ms = until;
    boski_unlock(&boski_mheap.lock);
    if (level == BOSK_LOAD_IDLE) bosk_trim(0);
}

/* ---- the thread ------------------------------------------------------------------- */

static int thread_state; /* 0 none, 1 starting or running */

static void *scavenger(void *arg)
{
    (void)arg;
    uint64_t read_ms = 0;
    boski_os_own_task_add(boski_os_gettid());
    for (;;) {
        struct timespec t = {0, 100000000};
        nanosleep(&t, NULL);
        uint64_t now_ms = boski_now_ms();
        boski_tell_tick(now_ms, BOSKI_TICK_OUTSIDE);
        boski_scavenge_tick(now_ms);
        if (now_ms - read_ms >= 1000) {
            read_ms = now_ms;
            (void)bosk_conf_reload();
            (void)bosk_pressure_poll();
        }
    }
    return NULL;
}

static void start_thread(void)
{
    int none = 0;
    if (!__atomic_compare_exchange_n(&thread_state, &none, 1, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED))
        return;
    sigset_t all, old;
    pthread_attr_t attr;
    pthread_t id;
    int saved = errno;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, (size_t)256 << 10);
    if (pthread_create(&id, &attr, scavenger, NULL) != 0)
        boski_os_print(
            "bosk: scavenger=thread: no thread could be started; ageing on slow paths\n");
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = saved;
}

__attribute__((constructor)) static void loaded(void)
{
    boski_loaded = true;
    if (!boski_os_owner()) return;
    if (!boski_heap_init()) return;
    boski_os_own_tasks_loaded();
    if (boski_conf.scavenger_thread) start_thread();
}
