/* caps_ladder.h - the reallocations that appends make, one rung each. */
#ifndef BOSK_CMD_CAPS_LADDER_H
#define BOSK_CMD_CAPS_LADDER_H

#include "caps.h"

struct rung {
    int64_t len;         /* after the append that found no room */
    int64_t wanted, cap; /* before and after rounding */
    int64_t old_cap;
    uint64_t bytes;      /* of the block */
    uint64_t wasted;     /* of them, in which no element fits */
    uint64_t copied;     /* bytes of the elements that were there */
    unsigned size_class; /* 0: none */
};

struct ladder {
    const struct caps_rule *rule;
    bosk_arch arch;
    struct caps_elem elem;
    uint32_t versions, arches; /* what it is true of, when equal ladders have been put together */
    int64_t from, append, to;
    struct rung *rung;
    size_t rungs, room;
    bool panics;       /* the last append does */
    int64_t panic_len; /* to which length */
    bool cut;          /* more rungs than are shown */
};

enum { LADDER_RUNGS = 5000 };

/* Appends `append` elements at a time to a full slice of `from`, until it has `to` or Go panics.
 * False: out of memory.  `l` names rule, arch, elem, from, append and to. */
BOSK_NODISCARD bool ladder_climb(struct ladder *l);
/* The capacity while the length is `len`; 0 where the ladder has not begun or has ended. */
int64_t ladder_cap(const struct ladder *l, int64_t len);
uint64_t ladder_copied(const struct ladder *l);
/* Bytes of the blocks that were outgrown. */
uint64_t ladder_dropped(const struct ladder *l);
bool ladder_equal(const struct ladder *a, const struct ladder *b);
/* Whether one of the other ladders has another capacity at the length of this rung of `l`. */
bool ladder_differs(const struct ladder *ladders, size_t n, const struct ladder *l,
                    const struct rung *r);
void ladder_free(struct ladder *l);

/* "1.22 to 1.26, amd64, arm64" or "x2". */
struct caps_text ladder_name(const struct ladder *l, bool with_arch);

#endif /* BOSK_CMD_CAPS_LADDER_H */
