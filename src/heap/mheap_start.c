/* mheap_start.c - how large the heap may become, and the start of everything. */
#include "huge.h"
#include "mheap_parts.h"

/* How much address space to reserve; 0 means arenas only. */
static size_t wanted_reserve(void)
{
#if UINTPTR_MAX > 0xffffffffu
    if (boski_conf.reserve == 1) return 0;
    uint64_t want = boski_conf.reserve;
    if (want == 0) {
        want = (uint64_t)256 << 30;
        if (boski_os.as_limit / 4 < want) want = boski_os.as_limit / 4;
        if (boski_os.emulated && want > (uint64_t)4 << 30) want = (uint64_t)4 << 30;
    }
    return (size_t)(want & ~(uint64_t)(BOSKI_ARENA_BYTES - 1));
#else
    return 0;
#endif
}

/* Pages that arenas may have in all, gaps included. */
static size_t arena_pages_max(void)
{
#if UINTPTR_MAX > 0xffffffffu
    uint64_t bytes = boski_os.phys > (uint64_t)16 << 30 ? boski_os.phys * 4 : (uint64_t)64 << 30;
    if (bytes > (uint64_t)4 << 40) bytes = (uint64_t)4 << 40;
    if (boski_os.emulated && bytes > (uint64_t)16 << 30) bytes = (uint64_t)16 << 30;
    if (boski_os.as_limit < bytes / 2) bytes = boski_os.as_limit * 2;
    return (size_t)(bytes / BOSKI_ARENA_BYTES + 2) * BOSKI_CHUNK_PAGES;
#else
    uint64_t bytes = (uint64_t)8 << 30; /* all there is, and as many gaps */
    if (boski_os.as_limit < bytes / 2) bytes = boski_os.as_limit * 2;
    return (size_t)(bytes / BOSKI_ARENA_BYTES + 2) * BOSKI_CHUNK_PAGES;
#endif
}

static bool mheap_start(void)
{
    size_t bytes = wanted_reserve();
    size_t arena_pages = arena_pages_max();
    void *base = NULL;
    for (;;) {
        while (bytes >= 4 * BOSKI_ARENA_BYTES) {
            base = boski_os_reserve(bytes, BOSKI_ARENA_BYTES);
            if (base != NULL) break;
            bytes = bytes / 2 & ~(BOSKI_ARENA_BYTES - 1);
        }
        if (base == NULL) bytes = 0;
        boski_map.base = (uintptr_t)base;
        if (boski_tables_reserve(bytes >> BOSKI_PAGE_SHIFT, arena_pages)) return true;
        /* No room for the tables: ask for less of everything. */
        if (base != NULL) boski_os_unreserve(base, bytes);
        base = NULL;
        if (bytes == 0 && arena_pages <= 4 * BOSKI_CHUNK_PAGES) return false;
        bytes = bytes / 4 & ~(BOSKI_ARENA_BYTES - 1);
        arena_pages = (arena_pages / 4 + BOSKI_CHUNK_PAGES - 1) & ~(size_t)(BOSKI_CHUNK_PAGES - 1);
    }
}

/* The soft limit, when none was set, is the control group's, less the twentieth that Go's scavenger
 * keeps free below a limit too. */
static void default_limit(void)
{
    if (boski_conf.memlimit != BOSKI_MEMLIMIT_UNSET) return;
    uint64_t limit = boski_os_cgroup_limit();
    boski_conf.memlimit = limit < boski_os.phys ? limit - limit / 20 : UINT64_MAX;
}

static void tell(void)
{
    boski_os_print(
        "bosk: %s: reserved %zu MiB, %zu KiB system pages, %u processors, limit %zu MiB%s%s\n",
        bosk_version(), boski_map.region_pages >> (20 - BOSKI_PAGE_SHIFT), boski_os.page >> 10,
        boski_os.ncpu, boski_conf.memlimit == UINT64_MAX ? 0 : (size_t)(boski_conf.memlimit >> 20),
        boski_conf.small ? ", profile small" : "", boski_map.region_pages == 0 ? ", arenas" : "");
}

bool boski_heap_init(void)
{
    static struct boski_lock once;
    if (__atomic_load_n(&boski_mheap.ready, __ATOMIC_ACQUIRE)) return true;
    boski_os_init();
    boski_lock(&once);
    if (!boski_mheap.ready) {
        boski_conf_init();
        boski_obs_init(boski_conf.record, boski_conf.sample);
        boski_class_init();
        if (mheap_start()) {
            default_limit();
            if (boski_conf.verbose) tell();
            boski_fork_init();
            if (boski_conf.hugetlb != 0) boski_huge_init();
            __atomic_store_n(&boski_mheap.ready, true, __ATOMIC_RELEASE);
        }
    }
    boski_unlock(&once);
    return boski_mheap.ready;
}
