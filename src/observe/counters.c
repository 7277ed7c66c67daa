/* counters.c - the counters of this process and what is derived from them at once: the greatest
 * number of live bytes and when it was reached.
 *
 * `boski_ctr` points to private memory until a recording is attached.  Everything here is lock
 * free; the peak is raised by compare and exchange, so concurrent callers can only lift it.
 */
#include "observe/internal.h"

static struct bosk_record_counters private_counters;

struct bosk_record_counters *boski_ctr = &private_counters;
bool boski_recording;

static uint64_t start_ns;

uint64_t boski_obs_elapsed_ns(void)
{
    uint64_t start = __atomic_load_n(&start_ns, __ATOMIC_RELAXED);
    return start == 0 ? 0 : boski_os_now_ns() - start;
}

void boski_obs_start_clock(void)
{
    uint64_t none = 0;
    __atomic_compare_exchange_n(&start_ns, &none, boski_os_now_ns(), false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
}

bool boski_obs_count_live(int64_t delta)
{
    struct bosk_record_counters *c = boski_ctr;
    uint64_t now = __atomic_add_fetch(&c->live_bytes, (uint64_t)delta, __ATOMIC_RELAXED);
    uint64_t peak = __atomic_load_n(&c->peak_bytes, __ATOMIC_RELAXED);
    if (delta <= 0 || now <= peak || (int64_t)now < 0) return false;
    while (now > peak) {
        if (__atomic_compare_exchange_n(&c->peak_bytes, &peak, now, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)) {
            __atomic_store_n(&c->peak_ns, boski_obs_elapsed_ns(), __ATOMIC_RELAXED);
            return true;
        }
    }
    return false;
}
