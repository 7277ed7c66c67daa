/* caps_judge.h - what Go does with an expression: stack or heap, which block, by which limit. */
#ifndef BOSK_CMD_CAPS_JUDGE_H
#define BOSK_CMD_CAPS_JUDGE_H

#include "caps_expr.h"

/* Where memory comes from.  Nothing: no memory is needed, or it is part of something else. */
enum place { PLACE_NOTHING, PLACE_STATIC, PLACE_STACK, PLACE_HEAP, PLACE_DEPENDS };

struct verdict {
    const char *refused; /* why it does not compile, or NULL */
    char panics[96];     /* what it panics with at run time, or "" */
    bool sized;          /* the bytes are known */
    uint64_t bytes;
    bool noscan, slice;
    int64_t len, cap;  /* of a slice, where it is on the heap; -1: not known */
    int64_t local_cap; /* where it is on the stack */
    bool at_compile_time;
    char decided[128];
    enum place local, escaping;
    char local_why[160], escaping_why[160];
    int local_allocs, escaping_allocs; /* -1: depends */
    const char *call;                  /* of the run-time system */
    bool has_block;                    /* of the first, or the only one */
    bosk_go_block block;
    char zeroed[160];
    char grows[200];
};

/* Judges `e` for Go 1.minor.  0, or EXIT_USAGE after saying which type is not known. */
BOSK_NODISCARD int judge(const char *name, const struct expr *e, unsigned minor, bosk_arch arch,
                         struct verdict *out);
const char *place_name(enum place p);

#endif /* BOSK_CMD_CAPS_JUDGE_H */
