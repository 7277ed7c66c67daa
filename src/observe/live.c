/* live.c - sampled blocks that are in use: address -> what to book when it is freed.
 *
 * 64 parts by hash of the address, each an open addressing table with linear probing that doubles
 * when two thirds of it are used, in private mappings.  A part that cannot grow refuses further
 * entries: the sample is then counted as lost, and its free is never looked for.
 *
 * A fork child drops everything (boski_live_forget), whatever state its parent's threads were in.
 */
#include "internal.h"

#include <string.h>

#define PARTS 64u
#define FIRST_SLOTS 128u
#define EMPTY 0u
#define DELETED 1u

struct part {
    struct boski_lock lock;
    uint32_t used;  /* slots not EMPTY */
    uint32_t slots; /* power of two */
    uint32_t alive;
    struct boski_live *table;
};
static struct part parts[PARTS];

static uint64_t hash(uintptr_t p)
{
    uint64_t h = (uint64_t)p >> 4;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

/* The slot of `p`, or the first that can take it. */
static struct boski_live *slot_for(const struct part *part, uintptr_t p)
{
    struct boski_live *deleted = NULL;
    for (uint64_t i = hash(p) >> 6;; i++) {
        struct boski_live *e = &part->table[i & (part->slots - 1)];
        if (e->p == p) return e;
        if (e->p == EMPTY) return deleted != NULL ? deleted : e;
        if (e->p == DELETED && deleted == NULL) deleted = e;
    }
}

static bool resize(struct part *part, uint32_t slots)
{
    struct boski_live *old = part->table;
    uint32_t old_slots = part->slots;
    struct boski_live *table = boski_os_map(slots * sizeof *table);
    if (table == NULL) return false;
    struct part next = {.slots = slots, .table = table};
    for (uint32_t i = 0; i < old_slots; i++)
        if (old[i].p > DELETED) *slot_for(&next, old[i].p) = old[i];
    part->table = table;
    part->slots = slots;
    part->used = part->alive;
    if (old != NULL) boski_os_unmap(old, old_slots * sizeof *old);
    return true;
}

static bool make_room(struct part *part)
{
    if (part->table == NULL) return resize(part, FIRST_SLOTS);
    if (part->used + part->used / 2 < part->slots) return true;
    bool crowded = part->alive > part->slots / 3;
    if (resize(part, crowded ? part->slots * 2 : part->slots)) return true;
    return part->used + 1 < part->slots; /* one empty slot always remains */
}

bool boski_live_put(const struct boski_live *entry)
{
    struct part *part = &parts[hash(entry->p) % PARTS];
    boski_lock(&part->lock);
    bool ok = make_room(part);
    if (ok) {
        struct boski_live *e = slot_for(part, entry->p);
        if (e->p == EMPTY) part->used++;
        if (e->p != entry->p) part->alive++;
        *e = *entry;
    }
    boski_unlock(&part->lock);
    return ok;
}

bool boski_live_take(uintptr_t p, struct boski_live *out)
{
    struct part *part = &parts[hash(p) % PARTS];
    bool found = false;
    boski_lock(&part->lock);
    if (part->table != NULL) {
        struct boski_live *e = slot_for(part, p);
        if (e->p == p) {
            *out = *e;
            e->p = DELETED;
            part->alive--;
            found = true;
        }
    }
    boski_unlock(&part->lock);
    return found;
}

void boski_live_forget(void)
{
    /* Another thread of the parent may have been at work on any part when the process was forked,
     * so the tables are not even unmapped: their pages are given up to copy-on-write. */
    memset(parts, 0, sizeof parts);
}
