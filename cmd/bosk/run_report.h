/* run_report.h - everything that is known at the end of a run, in its three forms. */
#ifndef BOSK_CMD_RUN_REPORT_H
#define BOSK_CMD_RUN_REPORT_H

#include "analysis.h"
#include "launch.h"
#include "output.h"

struct run {
    const struct target *target;
    char *const *argv;
    struct ending end;
    struct recording recording;
    struct analysis *analysis; /* one for each process */
    int main;                  /* the process that allocated most; -1: nothing was recorded */
    struct symbols *symbols;
    struct output output;
};

/* At most 40 lines of at most 100 columns on `f`. */
void report_print(const struct run *run, FILE *f, bool colour, bool utf8);

/* summary.json; NULL when there is no memory.  To be freed. */
char *summary_text(const struct run *run, size_t *bytes);

/* heap.pb.gz; NULL when there is no memory.  To be freed. */
void *pprof_bytes(const struct run *run, size_t *bytes);

#endif /* BOSK_CMD_RUN_REPORT_H */
