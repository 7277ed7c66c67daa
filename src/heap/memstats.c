/* memstats.c - Go's MemStats: what is told of blocks, pages and records.
 *
 * Counters are read downstream first: the process's, what caches have counted, what they have not
 * counted yet.  What moves meanwhile is missed, never doubled.
 */
#include "memstats.h"

#include "collected.h"

#include <bosk/record.h>

_Static_assert((unsigned)BOSK_MEM_STATS_CLASSES == BOSKI_NUM_SMALL, "BySize has all classes");

static const uint16_t class_bytes[] = BOSK_RECORD_CLASS_BYTES;

static unsigned class_of_lane(unsigned lane)
{
    if (lane < BOSKI_LANES_FAST) return boski_class_of(lane != 0 ? lane * 16 : 1);
    if (lane == BOSKI_LANE_24) return 3;
    return lane - BOSKI_LANES_FAST + BOSKI_FIRST_MEDIUM;
}

static void read_counters(struct bosk_record_counters *sum)
{
    struct mcache *mc = boski_mcache_peek();
    if (mc != NULL) boski_mcache_count(mc);
    uint64_t *to = (uint64_t *)(void *)sum, *from = (uint64_t *)(void *)boski_ctr;
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) to[i] = BOSKI_LOOK(from[i]);
    boski_mcache_add_pending(sum);
    boski_mcache_add_uncounted(sum);
}

static void tell_blocks(struct bosk_mem_stats *m, const struct bosk_record_counters *k)
{
    for (unsigned i = 0; i < BOSKI_LANES; i++)
        m->by_size[class_of_lane(i)].mallocs += k->mallocs[i];
    m->mallocs = k->large_allocs;
    m->frees = k->large_frees;
    m->total_alloc = k->large_alloc_bytes;
    for (unsigned c = 0; c < BOSKI_NUM_SMALL; c++) {
        struct bosk_mem_stats_class *b = &m->by_size[c];
        b->size = class_bytes[c];
        b->frees = c != 0 ? k->frees[c] : 0;
        m->mallocs += b->mallocs;
        m->frees += b->frees;
        m->total_alloc += b->mallocs * b->size;
    }
    /* Frees may have been seen whose mallocs were not yet. */
    m->heap_objects = m->mallocs > m->frees ? m->mallocs - m->frees : 0;
    m->heap_alloc = (int64_t)k->live_bytes > 0 ? k->live_bytes : 0;
    m->alloc = m->heap_alloc;
}

static void tell_pages(struct bosk_mem_stats *m)
{
    boski_lock(&boski_mheap.lock);
    m->heap_inuse = (uint64_t)boski_mheap.spans_inuse_pages << BOSKI_PAGE_SHIFT;
    m->heap_released = (uint64_t)boski_pages_clean() << BOSKI_PAGE_SHIFT;
    m->heap_idle = m->heap_released + ((uint64_t)boski_pages_dirty() << BOSKI_PAGE_SHIFT);
    boski_unlock(&boski_mheap.lock);
    m->heap_sys = m->heap_idle + m->heap_inuse;
}

static void tell_records(struct bosk_mem_stats *m, const struct bosk_record_counters *k)
{
    size_t inuse, all;
    boski_mcache_census(&inuse, &all);
    if (k->span_allocs > k->span_frees)
        m->mspan_inuse = (k->span_allocs - k->span_frees) * sizeof(struct mspan);
    m->mspan_sys = m->mspan_inuse;
    m->mcache_inuse = (uint64_t)inuse * sizeof(struct mcache);
    m->mcache_sys = (uint64_t)all * sizeof(struct mcache);
    m->gc_sys = BOSKI_LOOK(boski_collected.table_bytes);
    if (boski_recording) m->buck_hash_sys = sizeof(struct bosk_record_section);
    uint64_t told = m->mspan_sys + m->mcache_sys + m->gc_sys;
    if (k->metadata_bytes > told) m->other_sys = k->metadata_bytes - told;
    m->sys = m->heap_sys + m->stack_sys + m->mspan_sys + m->mcache_sys + m->buck_hash_sys +
             m->gc_sys + m->other_sys;
}

void boski_heap_mem_stats(struct bosk_mem_stats *m)
{
    struct bosk_record_counters sum;
    read_counters(&sum);
    tell_blocks(m, &sum);
    tell_pages(m);
    tell_records(m, &sum);
}
