/* mapwhole.c - operations on all entries of a map: copying, comparing, filtering, scanning. */
#include "maptable.h"

#include <bosk/map.h>

/* Calls `visit` for every entry, in the order of memory; false ends it. */
typedef bool (*visit_fn)(void *context, const bosk_map *m, char *slot);
static bool each(const bosk_map *m, visit_fn visit, void *context)
{
    const bosk_map_type *t = &m->type;
    boski_map_reading(m);
    for (size_t p = 0; p < m->groups; p++) {
        const boski_place at = boski_map_at(m, p, t);
        for (boski_bits full = ~boski_group_empty(at.g) & BOSKI_ALL; full != 0; full &= full - 1)
            if (!visit(context, m, at.slots + BOSKI_CTZ(full) * (size_t)t->slot_bytes))
                return false;
    }
    return true;
}

/* ---- clone --------------------------------------------------------------------------------- */

/* As it is, whatever the key says of itself: a NaN is copied once. */
static bool copy_entry(void *context, const bosk_map *m, char *slot)
{
    bosk_map *to = context;
    char *place = bosk_map_insert(to, boski_map_hash(to, slot, &m->type));
    if (place == NULL) return false;
    memcpy(place, slot, m->type.slot_bytes);
    return true;
}
bosk_map *bosk_try_map_clone(const bosk_map *m)
{
    bosk_map_type type = m->type;
    type.noscan = m->pointer_free;
    bosk_map *to = bosk_try_map_new(&type, 0, m->hash, m->equal, m->context);
    if (to == NULL) return NULL;
    to->load256 = m->load256;
    const bool ok = bosk_try_map_reserve(to, (long long)m->count) && each(m, copy_entry, to);
    to->least = 0;
    boski_map_marks(to);
    if (ok) return to;
    bosk_map_free(to);
    return NULL;
}
bosk_map *bosk_map_clone(const bosk_map *m)
{
    if (m == NULL) return NULL;
    bosk_map *to = bosk_try_map_clone(m);
    if (to == NULL) bosk_map_no_memory();
    return to;
}

/* ---- comparing ----------------------------------------------------------------------------- */

struct comparing {
    const bosk_map *with;
    bosk_equal_fn equal;
    void *context;
};
static bool same_there(void *context, const bosk_map *m, char *slot)
{
    const struct comparing *c = context;
    const bosk_map_type *t = &m->type;
    const void *v = boski_map_find(c->with, slot, t);
    if (v == NULL) return false;
    if (c->equal != NULL) return c->equal(slot + t->val_at, v, c->context);
    return t->val_bytes == 0 || memcmp(slot + t->val_at, v, t->val_bytes) == 0;
}
bool bosk_map_equal(const bosk_map *a, const bosk_map *b, bosk_equal_fn equal, void *context)
{
    const size_t na = a == NULL ? 0 : a->count, nb = b == NULL ? 0 : b->count;
    if (na != nb) return false;
    if (na == 0) return true;
    if (a->type.kind != b->type.kind || a->type.key_bytes != b->type.key_bytes ||
        a->type.val_bytes != b->type.val_bytes || a->type.val_at != b->type.val_at)
        bosk_panic("bosk: maps of different types are compared");
    struct comparing c = {b, equal, context};
    return each(a, same_there, &c);
}

/* ---- filtering and listing ----------------------------------------------------------------- */

void bosk_map_retain(bosk_map *m, bosk_map_keep_fn keep, void *context)
{
    if (m == NULL || m->count == 0) return;
    unsigned char *seen = bosk_malloc(BOSK_MAP_SEEN_BYTES((size_t)m->type.key_bytes));
    if (seen == NULL) bosk_map_no_memory();
    bosk_map_iter it;
    bosk_map_iter_init(&it, m, seen);
    while (bosk_map_next(&it)) {
        if (keep(it.slot, it.slot + m->type.val_at, context)) continue;
        if (m->type.kind == BOSK_MAP_FLOAT || m->type.kind == BOSK_MAP_FN)
            boski_map_remove(m, it.slot); /* the key may not be equal to itself */
        else
            (void)boski_map_delete(m, it.slot, &m->type);
    }
    bosk_map_iter_end(&it);
    bosk_free(seen);
}

struct listing {
    char *to;
    uint32_t at, bytes;
};
static bool list_entry(void *context, const bosk_map *m, char *slot)
{
    struct listing *l = context;
    (void)m;
    if (l->bytes != 0) memcpy(l->to, slot + l->at, l->bytes);
    l->to += l->bytes;
    return true;
}
void bosk_map_copy_keys(const bosk_map *m, void *out)
{
    if (m == NULL) return;
    struct listing l = {out, 0, m->type.key_bytes};
    (void)each(m, list_entry, &l);
}
void bosk_map_copy_values(const bosk_map *m, void *out)
{
    if (m == NULL) return;
    struct listing l = {out, m->type.val_at, m->type.val_bytes};
    (void)each(m, list_entry, &l);
}

/* ---- scanning ------------------------------------------------------------------------------ */

/* The cursor is a place on the line of reversed hashes (see mapiter.c), which knows nothing of the
 * table: all entries before it have been shown. */
bool bosk_map_scan(const bosk_map *m, bosk_map_cursor *cursor, size_t least, bosk_map_scan_fn fn,
                   void *context)
{
    if (!cursor->begun) {
        cursor->begun = true;
        cursor->at = 0;
    }
    if (m == NULL || m->count == 0) cursor->done = true;
    if (cursor->done) return false;
    boski_map_reading(m);
    const bosk_map_type *t = &m->type;
    for (size_t shown = 0; shown < least && !cursor->done;) {
        const size_t home = boski_map_home(m, boski_map_reverse(cursor->at));
        const uint64_t end =
            boski_map_interval_end(home, m->mask, m->limit, boski_map_reverse(home));
        for (size_t p = home; p < m->groups; p++) {
            const boski_place at = boski_map_at(m, p, t);
            boski_bits full = ~boski_group_empty(at.g) & BOSKI_ALL;
            for (; full != 0; full &= full - 1) {
                char *slot = at.slots + BOSKI_CTZ(full) * (size_t)t->slot_bytes;
                const uint64_t h = boski_map_reverse(boski_map_hash(m, slot, t));
                if (h < cursor->at || h > end) continue;
                fn(slot, slot + t->val_at, context);
                shown++;
            }
            if (at.g->over == 0) break;
        }
        cursor->done = end == UINT64_MAX;
        cursor->at = end + 1;
    }
    return !cursor->done;
}
