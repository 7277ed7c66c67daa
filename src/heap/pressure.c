/* pressure.c - telling the program that memory grows short, and re-reading options.
 *
 * Three sources: the distance to the memory limit, the control group's memory.events, and PSI.
 * Files are read here only, never on the way of an allocation.
 */
#include "mcache.h"

#include <errno.h>

#define FNS 8
static struct {
    enum bosk_pressure level;
    bosk_pressure_fn fn;
} fns[FNS];
static unsigned nfns;
static enum bosk_pressure now_level;
static uint64_t seen_high, seen_max;
static bool seen; /* what came before the first look is not news */
static struct boski_lock lock;

BOSK_API int bosk_on_pressure(enum bosk_pressure level, bosk_pressure_fn fn)
{
    if (fn == NULL || (unsigned)level > BOSK_PRESSURE_HIGH) return -EINVAL;
    int err = 0;
    boski_lock(&lock);
    if (nfns == FNS) {
        err = -ENOSPC;
    } else {
        fns[nfns].level = level;
        fns[nfns++].fn = fn;
    }
    boski_unlock(&lock);
    return err;
}

/* The number after `key` in `text`, or 0. */
static uint64_t number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    uint64_t n = 0;
    if (at == NULL) return 0;
    for (at += strlen(key); *at >= '0' && *at <= '9'; at++) n = n * 10 + (uint64_t)(*at - '0');
    return n;
}

static enum bosk_pressure from_limit(void)
{
    uint64_t limit = boski_conf.memlimit;
    if (limit == UINT64_MAX) return BOSK_PRESSURE_LOW;
    boski_lock(&boski_mheap.lock);
    uint64_t used = (uint64_t)(boski_mheap.spans_inuse_pages + boski_pages_dirty())
                 << BOSKI_PAGE_SHIFT;
    boski_unlock(&boski_mheap.lock);
    if (used >= limit - limit / 20) return BOSK_PRESSURE_HIGH;
    return used >= limit - limit / 7 ? BOSK_PRESSURE_MEDIUM : BOSK_PRESSURE_LOW;
}

static enum bosk_pressure from_files(void)
{
    char text[1024];
    enum bosk_pressure level = BOSK_PRESSURE_LOW;
    if (boski_os_cgroup_file("memory.events", text, sizeof text) > 0) {
        uint64_t high = number_after(text, "high "), max = number_after(text, "max ");
        if (seen && high > seen_high) level = BOSK_PRESSURE_MEDIUM;
        if (seen && max > seen_max) level = BOSK_PRESSURE_HIGH;
        seen = true;
        seen_high = high;
        seen_max = max;
    }
    if (boski_os_cgroup_file("memory.pressure", text, sizeof text) > 0) {
        uint64_t some = number_after(text, "some avg10="), full = number_after(text, "full avg10=");
        if (full >= 10) return BOSK_PRESSURE_HIGH;
        if (some >= 10 && level < BOSK_PRESSURE_MEDIUM) level = BOSK_PRESSURE_MEDIUM;
    }
    return level;
}

BOSK_API enum bosk_pressure bosk_pressure_poll(void)
{
    if (!boski_heap_init()) return BOSK_PRESSURE_HIGH;
    bosk_pressure_fn due[FNS];
    unsigned n = 0;
    enum bosk_pressure limit_level = from_limit();
    boski_lock(&lock);
    enum bosk_pressure level = from_files(), before = now_level;
    if (limit_level > level) level = limit_level;
    now_level = level;
    for (unsigned i = 0; i < nfns; i++)
        if (level > before && level >= fns[i].level) due[n++] = fns[i].fn;
    boski_unlock(&lock);
    for (unsigned i = 0; i < n; i++) due[i](level);
    return level;
}

void boski_pressure_fork(int step)
{
    if (step == 0)
        boski_lock(&lock);
    else
        boski_unlock(&lock);
}

BOSK_API int bosk_conf_reload(void)
{
    if (!boski_heap_init()) return -ENOMEM;
    return boski_conf_read_file();
}
