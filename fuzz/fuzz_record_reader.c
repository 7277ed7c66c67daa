/* fuzz_record_reader.c - a recording is hostile: whatever the page holds, reading it, finding
 * places and writing a report, a profile and a summary must end well.
 *
 * A page of two good sections is built, then the input is laid over it as a list of patches: two
 * bytes of a table number and an index, one byte of length, then that many bytes.  So a few bytes
 * reach any count or index, which raw input of nearly 4 MB never would.
 */
#include "cmd/bosk/run_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define SECTION_BYTES                                                      \
    ((sizeof(struct bosk_record_section) + BOSK_RECORD_HEADER_BYTES - 1) / \
     BOSK_RECORD_HEADER_BYTES * BOSK_RECORD_HEADER_BYTES)
#define PAGE_BYTES (BOSK_RECORD_HEADER_BYTES + 2 * SECTION_BYTES)

static struct bosk_record_section *section(char *page, unsigned i)
{
    return (void *)(page + BOSK_RECORD_HEADER_BYTES + i * SECTION_BYTES);
}

static void fill_section(struct bosk_record_section *s, uint32_t parent)
{
    s->state = BOSK_SECTION_READY;
    s->pid = 100;
    s->parent = parent;
    s->start_ns = 1000;
    s->last_ns = 2001000;
    s->last_ticks = 4000000;
    s->counters.mallocs[4] = 1000;
    s->counters.frees[6] = 500;
    s->counters.live_bytes = 32000;
    s->counters.peak_bytes = 64000;
    s->peak.live_bytes = 64000;
    s->peak.mallocs[4] = 1000;
    s->peak_epoch = 1;
    s->samples = 8;
    s->module_count = s->label_count = 1;
    s->stack_count = s->site_count = 2;
    s->frame_count = 4;
    s->timeline[0].interval_ns = 65536;
    s->timeline[0].point[0].live_bytes = 32000;
    s->latency[0][1].bucket[100] = 10;
    s->latency[0][1].max_ticks = 5000;
    s->module[0].end = 1 << 20;
    memcpy(s->exe, "/nowhere/program", 17);
    memcpy(s->module[0].path, "/nowhere/program", 17);
    memcpy(s->label[0], "request", 8);
    for (unsigned i = 0; i < 4; i++) s->frame[i] = 0x1000 + i * 16;
    for (uint32_t i = 0; i < 2; i++) {
        s->stack[i] = (struct bosk_record_stack){i * 2, 2, 0};
        s->site[i] = (struct bosk_record_site){.stack = i,
                                               .lane = 4,
                                               .samples = 4,
                                               .alloc_objects = 400 * 1024,
                                               .alloc_bytes = 25600,
                                               .label = (uint16_t)i};
    }
}

static void patch(char *page, const uint8_t *data, size_t n)
{
    while (n >= 4) {
        unsigned where = data[0], index = data[1] | (unsigned)data[2] << 8, length = data[3];
        data += 4;
        n -= 4;
        if (length > n) length = (unsigned)n;
        struct bosk_record_section *s = section(page, where & 1);
        const struct {
            void *at;
            size_t bytes;
        } table[] = {
            {page, sizeof(struct bosk_record_header)},
            {s, offsetof(struct bosk_record_section, counters)},
            {&s->counters, sizeof s->counters},
            {&s->peak, sizeof s->peak},
            {&s->sample_mean, offsetof(struct bosk_record_section, latency) -
                                  offsetof(struct bosk_record_section, sample_mean)},
            {s->latency, sizeof s->latency},
            {s->timeline, sizeof s->timeline},
            {s->module, 4 * sizeof s->module[0]},
            {s->stack, 8 * sizeof s->stack[0]},
            {s->site, 8 * sizeof s->site[0]},
            {s->frame, 64 * sizeof s->frame[0]},
            {s->label, sizeof s->label},
        };
        size_t t = (where >> 1) % (sizeof table / sizeof table[0]);
        size_t at = (size_t)index * 4 % table[t].bytes;
        if (length > table[t].bytes - at) length = (unsigned)(table[t].bytes - at);
        memcpy((char *)table[t].at + at, data, length);
        data += length;
        n -= length;
    }
}

static void use(struct run *run)
{
    size_t bytes;
    run->main = run->recording.count != 0 ? 0 : -1;
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *f = open_memstream(&text, &text_bytes);
    if (f == NULL) abort();
    report_print(run, f, false, false);
    fclose(f);
    /* Whatever it says: it fits, and does not steer the terminal. */
    unsigned lines = 0, columns = 0;
    for (size_t i = 0; i < text_bytes; i++) {
        lines += text[i] == '\n';
        columns = text[i] == '\n' ? 0 : columns + 1;
        if (columns > 100 || (text[i] != '\n' && (text[i] < ' ' || text[i] > '~'))) {
            fputs(text, stderr);
            abort();
        }
    }
    if (lines > 40) abort();
    free(text);
    free(summary_text(run, &bytes));
    free(pprof_bytes(run, &bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char *argv[] = {(char *)"program", NULL};
    static const struct target target = {.name = "program"};
    char *page = calloc(1, PAGE_BYTES);
    if (page == NULL) return 0;
    struct bosk_record_header *h = (void *)page;
    *h = (struct bosk_record_header){.magic = BOSK_RECORD_MAGIC,
                                     .version = BOSK_RECORD_VERSION,
                                     .header_bytes = BOSK_RECORD_HEADER_BYTES,
                                     .total_bytes = PAGE_BYTES,
                                     .section_bytes = SECTION_BYTES,
                                     .section_count = 2,
                                     .sections_used = 2};
    fill_section(section(page, 0), BOSK_RECORD_NONE);
    fill_section(section(page, 1), 0);
    patch(page, data, n);

    struct run run = {.target = &target, .argv = argv};
    if (recording_read(page, PAGE_BYTES, &run.recording) == 0) {
        /* Nothing may refer back to the page. */
        memset(page, 0xa5, PAGE_BYTES);
        run.symbols = symbols_new();
        run.analysis = calloc((size_t)run.recording.count + 1, sizeof *run.analysis);
        if (run.symbols == NULL || run.analysis == NULL) abort();
        for (uint32_t i = 0; i < run.recording.count; i++)
            if (analyse(&run.recording.process[i], run.symbols, &run.analysis[i]) != 0) abort();
        use(&run);
        for (uint32_t i = 0; i < run.recording.count; i++) analysis_free(&run.analysis[i]);
        free(run.analysis);
        symbols_free(run.symbols);
    }
    recording_free(&run.recording);
    free(page);
    return 0;
}
