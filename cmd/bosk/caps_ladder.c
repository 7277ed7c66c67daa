/* caps_ladder.c - see caps_ladder.h. */
#define _GNU_SOURCE
#include "caps_ladder.h"

#include <stdlib.h>
#include <string.h>

static bool add(struct ladder *l, const struct rung *r)
{
    if (l->rungs == l->room) {
        size_t room = l->room != 0 ? l->room * 2 : 64;
        struct rung *rung = reallocarray(l->rung, room, sizeof *rung);
        if (rung == NULL) return false;
        l->rung = rung;
        l->room = room;
    }
    l->rung[l->rungs++] = *r;
    return true;
}

/* The block that holds `cap` elements. */
static void fill_block(const struct ladder *l, struct rung *r)
{
    uint64_t used = (uint64_t)r->cap * l->elem.size;
    unsigned minor = caps_rounds_as(l->rule);
    bosk_go_block block = {.bytes = used};
    /* What append asks for is what the capacity fills, so the class is that of these bytes. */
    if (minor == 0 || bosk_go_block_of(minor, l->arch, used, l->elem.noscan, &block) != 0)
        block = (bosk_go_block){.bytes = used};
    r->bytes = block.bytes;
    r->wasted = block.bytes - used;
    r->size_class = block.size_class;
}

bool ladder_climb(struct ladder *l)
{
    const bosk_growth *rule = &l->rule->growth;
    int64_t len = l->from, cap = len;
    l->rung = NULL;
    l->rungs = l->room = 0;
    l->panics = l->cut = false;
    while (len < l->to) {
        if (l->rungs == LADDER_RUNGS) {
            l->cut = true;
            break;
        }
        /* As many appends as fit, and the one that does not. */
        int64_t old_len = len + (cap - len) / l->append * l->append, new_len;
        if (old_len >= l->to) break;
        bool wraps = __builtin_add_overflow(old_len, l->append, &new_len);
        struct rung r = {.len = new_len, .old_cap = cap};
        r.cap = wraps ? -1
                      : bosk_nextcap_len(rule, l->arch, l->elem.size, l->elem.noscan, old_len, cap,
                                         new_len);
        if (r.cap < 0) {
            l->panics = true;
            l->panic_len = new_len;
            break;
        }
        r.wanted = bosk_wantcap(rule, l->arch, old_len, cap, new_len);
        r.copied = (uint64_t)old_len * l->elem.size;
        fill_block(l, &r);
        if (!add(l, &r)) return false;
        len = new_len;
        cap = r.cap;
    }
    return true;
}

int64_t ladder_cap(const struct ladder *l, int64_t len)
{
    int64_t cap = l->from;
    if (l->panics && len >= l->panic_len) return 0;
    for (size_t i = 0; i < l->rungs && l->rung[i].len <= len; i++) cap = l->rung[i].cap;
    return cap >= len ? cap : 0;
}

uint64_t ladder_copied(const struct ladder *l)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < l->rungs; i++) sum += l->rung[i].copied;
    return sum;
}

uint64_t ladder_dropped(const struct ladder *l)
{
    uint64_t sum = (uint64_t)l->from * l->elem.size;
    for (size_t i = 0; i + 1 < l->rungs; i++) sum += l->rung[i].bytes;
    return l->rungs != 0 ? sum : 0;
}

bool ladder_equal(const struct ladder *a, const struct ladder *b)
{
    if (a->rungs != b->rungs || a->elem.size != b->elem.size || a->panics != b->panics)
        return false;
    if (a->panics && (a->panic_len != b->panic_len ||
                      bosk_growth_panic(a->rule->minor) != bosk_growth_panic(b->rule->minor)))
        return false;
    for (size_t i = 0; i < a->rungs; i++) {
        const struct rung *x = &a->rung[i], *y = &b->rung[i];
        if (x->len != y->len || x->wanted != y->wanted || x->cap != y->cap ||
            x->bytes != y->bytes || x->copied != y->copied || x->size_class != y->size_class)
            return false;
    }
    return true;
}

bool ladder_differs(const struct ladder *ladders, size_t n, const struct ladder *l,
                    const struct rung *r)
{
    for (size_t i = 0; i < n; i++)
        if (&ladders[i] != l && ladder_cap(&ladders[i], r->len) != r->cap) return true;
    return false;
}

void ladder_free(struct ladder *l)
{
    free(l->rung);
    l->rung = NULL;
}

struct caps_text ladder_name(const struct ladder *l, bool with_arch)
{
    struct caps_text t;
    struct caps_text versions = caps_versions(l->versions), arches = caps_arches(l->arches);
    bool go = l->rule->minor != 0;
    snprintf(t.s, sizeof t.s, "%s%.80s%s%.40s", go ? "Go " : "", go ? versions.s : l->rule->name,
             with_arch ? ", " : "", with_arch ? arches.s : "");
    return t;
}
