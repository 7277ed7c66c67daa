/* caps_judge_parts.h - what the parts of the judge share. */
#ifndef BOSK_CMD_CAPS_JUDGE_PARTS_H
#define BOSK_CMD_CAPS_JUDGE_PARTS_H

#include "caps_judge.h"

struct judging {
    const char *name;
    const struct expr *e;
    unsigned minor;
    bosk_arch arch;
    uint64_t word;
    bosk_go_limits limits;
    bosk_go_type type;
    struct verdict *v;
};

/* What escapes is taken from the heap by `call`, `bytes` of it. */
void judge_heap(struct judging *j, const char *call, uint64_t bytes, bool noscan);
void judge_zeroed(struct judging *j, const char *what);
int64_t judge_max_int(const struct judging *j);

/* caps_judge_values.c */
void judge_box(struct judging *j);
void judge_string(struct judging *j);
BOSK_NODISCARD int judge_map(struct judging *j);

#endif /* BOSK_CMD_CAPS_JUDGE_PARTS_H */
