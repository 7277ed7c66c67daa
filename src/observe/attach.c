/* attach.c - taking part in a recording: mapping the shared page, claiming a section, and claiming
 * another one after fork.
 *
 * A section is claimed by one atomic addition, so any number of processes may do so at once.  The
 * word at boski_obs.claimed lies in a page that fork wipes, however the process was forked (fork,
 * _Fork, clone): a child sees 0 at its next slow path and claims a section of its own.  A vfork
 * child shares its parent's memory, sees the parent's word, and records into the parent's section.
 *
 * Trouble never ends or slows the program: it is told in one line, and the program runs unrecorded.
 */
#include "../os/conf.h"
#include "internal.h"

#include <bosk/base.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

struct boski_obs boski_obs;
bool boski_recording;

static struct bosk_record_counters unrecorded; /* of fork children for which there is no section */
static bool attached;

#define MIN_PAGE_BYTES ((size_t)4096)

static const char *fault_of(const struct bosk_record_header *h, size_t bytes)
{
    if (bytes < BOSK_RECORD_HEADER_BYTES || h->magic != BOSK_RECORD_MAGIC)
        return "it is not a recording of bosk";
    if (h->version != BOSK_RECORD_VERSION) return "it is of another version of bosk";
    if (h->header_bytes != BOSK_RECORD_HEADER_BYTES || h->total_bytes != bytes ||
        h->section_bytes < sizeof(struct bosk_record_section) ||
        h->section_bytes % BOSK_RECORD_HEADER_BYTES != 0 || h->section_count == 0 ||
        (bytes - BOSK_RECORD_HEADER_BYTES) / h->section_bytes < h->section_count)
        return "its header contradicts itself";
    return NULL;
}

static struct bosk_record_section *section_at(uint32_t i)
{
    return (void *)((char *)boski_obs.header + BOSK_RECORD_HEADER_BYTES +
                    (size_t)(i * boski_obs.header->section_bytes));
}

static struct bosk_record_section *claim(uint32_t *number)
{
    struct bosk_record_header *h = boski_obs.header;
    uint32_t i = __atomic_load_n(&h->sections_used, __ATOMIC_RELAXED);
    do {
        if (i >= h->section_count) {
            __atomic_fetch_add(&h->lost, 1, __ATOMIC_RELAXED);
            return NULL;
        }
    } while (!__atomic_compare_exchange_n(&h->sections_used, &i, i + 1, true, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED));
    *number = i;
    struct bosk_record_section *s = section_at(i);
    s->state = BOSK_SECTION_CLAIMED;
    s->pid = boski_os_pid();
    s->ppid = boski_os_parent_pid();
    s->parent = BOSK_RECORD_NONE;
    s->pointer_bytes = sizeof(void *);
    s->start_ns = s->last_ns = boski_os_now_ns();
    s->start_ticks = s->last_ticks = boski_os_ticks();
    s->timer_ticks = boski_obs_timer_ticks();
    s->latency_on = 1;
    memcpy(s->version, BOSK_VERSION, sizeof BOSK_VERSION);
    return s;
}

/* Adds what has been counted so far in private. */
static void move_counters(struct bosk_record_counters *to, const struct bosk_record_counters *from)
{
    uint64_t *t = (void *)to;
    const uint64_t *f = (const void *)from;
    for (size_t i = 0; i < sizeof *to / sizeof *t; i++) boski_add(&t[i], f[i]);
}

static void publish(struct bosk_record_section *s)
{
    boski_obs.section = s;
    boski_obs_start_counting(s->counters.live_bytes);
    boski_ctr = &s->counters;
    __atomic_store_n(&s->state, BOSK_SECTION_READY, __ATOMIC_RELEASE);
}

static void after_fork_in_child(void) { *boski_obs.claimed = 0; }

static bool prepare_private(void)
{
    size_t page = boski_os.page > MIN_PAGE_BYTES ? boski_os.page : MIN_PAGE_BYTES;
    boski_obs.claimed = boski_os_map(page);
    boski_obs.priv = boski_os_map(sizeof *boski_obs.priv);
    return boski_obs.claimed != NULL && boski_obs.priv != NULL;
}

static void read_header(uint64_t sample_bytes)
{
    const struct bosk_record_header *h = boski_obs.header;
    boski_obs.sample_bytes = h->sample_bytes;
    if (h->sample_bytes == BOSK_RECORD_SAMPLE_AUTO && sample_bytes != 0)
        boski_obs.sample_bytes = sample_bytes;
    boski_obs.depth = h->depth;
    if (boski_obs.depth == 0 || boski_obs.depth > BOSK_RECORD_DEPTH_MAX) boski_obs.depth = 64;
}

static void attach(const char *path, uint64_t sample_bytes)
{
    void *map;
    size_t bytes;
    int err = boski_os_map_shared(path, &map, &bytes);
    if (err != 0) {
        /* The observer of a process that outlives it is gone: nobody is left to tell. */
        if (err == -ENOENT) return;
        boski_os_print("bosk: cannot attach to the recording %s (error %d): not recorded\n", path,
                       -err);
        return;
    }
    const char *fault = fault_of(map, bytes);
    if (fault == NULL && !prepare_private()) fault = "there is no memory for it";
    if (fault != NULL) {
        boski_os_print("bosk: cannot attach to the recording %s: %s: not recorded\n", path, fault);
        boski_os_unmap(map, bytes);
        return;
    }
    boski_obs.header = map;
    read_header(sample_bytes);
    uint32_t number;
    struct bosk_record_section *s = claim(&number);
    if (s == NULL) return;
    boski_os_exe(s->exe, sizeof s->exe);
    size_t args = boski_os_read_start("/proc/self/cmdline", s->args, sizeof s->args - 1);
    s->args[args] = '\0';
    *boski_obs.claimed = number + 1;
    move_counters(&s->counters, boski_ctr);
    publish(s);
    boski_obs_find_self();
    __atomic_store_n(&boski_recording, true, __ATOMIC_RELEASE);
}

void boski_obs_init(const char *record, uint64_t sample_bytes)
{
    if (attached || record == NULL || record[0] == '\0') return;
    attached = true;
    attach(record, sample_bytes);
}

/* ---- fork ------------------------------------------------------------------------------- */

/* Gauges go on from where the parent's were; what only grows starts at 0. */
static void inherit(struct bosk_record_counters *to, const struct bosk_record_counters *from)
{
    to->live_bytes = from->live_bytes;
    to->peak_bytes = from->live_bytes;
    to->spans_inuse_bytes = to->peak_spans_bytes = from->spans_inuse_bytes;
    to->dirty_bytes = from->dirty_bytes;
    to->released_bytes = from->released_bytes;
    to->mapped_bytes = from->mapped_bytes;
    to->metadata_bytes = from->metadata_bytes;
}

static void stop_recording(const struct bosk_record_counters *parent)
{
    __atomic_store_n(&boski_recording, false, __ATOMIC_RELEASE);
    memset(&unrecorded, 0, sizeof unrecorded);
    inherit(&unrecorded, parent);
    boski_ctr = &unrecorded;
    boski_obs.section = NULL;
}

static void claim_in_child(void)
{
    struct bosk_record_section *parent = boski_obs.section;
    boski_live_forget();
    if (!boski_os_decommit(boski_obs.priv, sizeof *boski_obs.priv))
        memset(boski_obs.priv, 0, sizeof *boski_obs.priv);
    uint32_t number;
    struct bosk_record_section *s = claim(&number);
    if (s == NULL) {
        stop_recording(&parent->counters);
        return;
    }
    s->parent = (uint32_t)(((size_t)((char *)parent - (char *)boski_obs.header) -
                            BOSK_RECORD_HEADER_BYTES) /
                           boski_obs.header->section_bytes);
    s->flags = BOSK_SECTION_FORKED | (parent->flags & BOSK_SECTION_STATIC);
    memcpy(s->exe, parent->exe, sizeof s->exe);
    memcpy(s->args, parent->args, sizeof s->args);
    inherit(&s->counters, &parent->counters);
    s->counters.live_bytes = s->counters.peak_bytes = (uint64_t)boski_obs_last_live;
    s->inherited_bytes = s->counters.live_bytes;
    publish(s);
    __atomic_store_n(boski_obs.claimed, number + 1, __ATOMIC_RELEASE);
}

void boski_obs_check(void)
{
    if (BOSK_LIKELY(__atomic_load_n(boski_obs.claimed, __ATOMIC_RELAXED) != 0)) return;
    uint32_t unclaimed = 0;
    if (__atomic_compare_exchange_n(boski_obs.claimed, &unclaimed, UINT32_MAX, false,
                                    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        claim_in_child();
}

/* Runs before main, perhaps after the first allocations. */
__attribute__((constructor)) static void start(void)
{
    if (!boski_os_owner()) return;
    boski_os_init();
    boski_conf_init();
    boski_obs_init(boski_conf.record, boski_conf.sample);
    if (!boski_recording) return;
    if (!boski_os_wipe_on_fork(boski_obs.claimed,
                               boski_os.page > MIN_PAGE_BYTES ? boski_os.page : MIN_PAGE_BYTES))
        pthread_atfork(NULL, NULL, after_fork_in_child);
    boski_obs_warm();
}
