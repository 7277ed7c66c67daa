/* reader.h - from the shared page to numbers that can be relied on.
 *
 * The page is written by the recorded program, which may have been killed at any moment or may
 * write anything it likes.  What is needed is copied once, then checked and clamped: every index in
 * the result is in range, every text ends, nothing refers back to the page.
 */
#ifndef BOSK_CMD_READER_H
#define BOSK_CMD_READER_H

#include <bosk/record.h>

#define READER_NO_MODULE UINT32_MAX

struct process {
    uint32_t section;
    uint32_t flags, pid, ppid;
    int parent;      /* index into recording.process, or -1 */
    double start_ns; /* after the start of the recording */
    double seconds;  /* that the last sign of life came after the start */
    double ns_per_tick;
    uint64_t timer_ticks;
    uint64_t inherited_bytes;
    char version[16];
    char exe[BOSK_RECORD_PATH_BYTES];
    char args[BOSK_RECORD_PATH_BYTES]; /* one line */

    struct bosk_record_counters counters;
    struct bosk_record_peak peak;
    uint64_t sample_mean, samples, lost_samples;
    uint32_t peak_epoch;

    struct bosk_record_latency latency[BOSK_OP_COUNT][2];
    double interval_ns;
    uint32_t points; /* up to the last one used */
    struct bosk_record_point *point;

    uint32_t label_count, module_count, stack_count, site_count, frame_count;
    char (*label)[BOSK_RECORD_LABEL_BYTES];
    struct bosk_record_module *module;
    struct bosk_record_stack *stack;
    struct bosk_record_site *site;
    uint64_t *frame;
};

struct recording {
    uint32_t count;
    struct process *process;
    uint32_t lost;       /* processes for which there was no section */
    uint32_t unfinished; /* sections claimed by a process that was killed before it began */
    uint64_t sample_bytes;
    uint32_t depth;
};

/* Reads a page of `bytes` bytes.  0, -EINVAL when it is none, -ENOMEM.  To be freed in any case. */
BOSK_NODISCARD int recording_read(const void *page, size_t bytes, struct recording *out);
void recording_free(struct recording *r);

/* Module number and address in the file of a frame; READER_NO_MODULE when it is in none. */
static inline uint32_t frame_module(const struct process *p, uint64_t frame)
{
    uint64_t m = frame >> BOSK_RECORD_FRAME_SHIFT;
    return m < p->module_count ? (uint32_t)m : READER_NO_MODULE;
}
static inline uint64_t frame_offset(uint64_t frame)
{
    return frame & ((UINT64_C(1) << BOSK_RECORD_FRAME_SHIFT) - 1);
}

#endif /* BOSK_CMD_READER_H */
