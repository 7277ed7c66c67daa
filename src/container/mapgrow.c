/* mapgrow.c - a home more, a home less: what moves entries of a large table.
 *
 * A home is split by moving those of its entries whose hash has the next bit set to the home that
 * is about to exist; merging is the reverse.  In most cases one group is read and one written.
 * Chains of full groups take longer ways; they are bounded by the quality of the hash.
 */
#include "maptable.h"

#include <bosk/map.h>

/* ---- one home more ---- */

/* Moves what belongs there from home s to home d, which is about to exist.  Chains of more than one
 * group; `n` entries to move are counted by the caller's first look.  From the end of the chain to
 * its beginning, so that nothing is met twice; what already lies at d or behind it stays there. */
static void split_chain(bosk_map *m, size_t s, size_t d, size_t end)
{
    const bosk_map_type *t = &m->type;
    const size_t half = d - s;
    for (size_t p = end + 1; p-- > s;) {
        const boski_place at = boski_map_at(m, p, t);
        for (boski_bits full = ~boski_group_empty(at.g) & BOSKI_ALL; full != 0; full &= full - 1) {
            const unsigned i = BOSKI_CTZ(full);
            char *slot = at.slots + i * (size_t)t->slot_bytes;
            const uint64_t h = boski_map_hash(m, slot, t);
            if (((size_t)h & (half - 1)) != s || ((size_t)h & half) == 0) continue;
            for (size_t q = s; q != p; q++) boski_map_over_less(boski_map_at(m, q, t).g);
            if (p >= d) {
                for (size_t q = d; q != p; q++) boski_map_over_more(boski_map_at(m, q, t).g);
            } else {
                char *place = boski_map_take(m, d, at.g->tag[i]);
                memcpy(place, slot, t->slot_bytes);
                at.g->tag[i] = 0;
                if (!t->noscan) memset(slot, 0, t->slot_bytes);
                m->moved++;
            }
        }
    }
    /* What stays moves up to where it is found sooner. */
    for (size_t p = s + 1; p <= end; p++) {
        const boski_place at = boski_map_at(m, p, t);
        for (boski_bits full = ~boski_group_empty(at.g) & BOSKI_ALL; full != 0; full &= full - 1) {
            const unsigned i = BOSKI_CTZ(full);
            char *slot = at.slots + i * (size_t)t->slot_bytes;
            if (((size_t)boski_map_hash(m, slot, t) & (2 * half - 1)) != s) continue;
            const boski_place up = boski_map_at(m, s, t);
            const boski_bits empty = boski_group_empty(up.g);
            if (empty == 0) return;
            const unsigned j = BOSKI_CTZ(empty);
            up.g->tag[j] = at.g->tag[i];
            memcpy(up.slots + j * (size_t)t->slot_bytes, slot, t->slot_bytes);
            at.g->tag[i] = 0;
            if (!t->noscan) memset(slot, 0, t->slot_bytes);
            for (size_t q = s; q != p; q++) boski_map_over_less(boski_map_at(m, q, t).g);
        }
    }
}

static size_t chain_end(const bosk_map *m, size_t p)
{
    while (boski_map_at(m, p, &m->type).g->over != 0 && p + 1 < m->groups) p++;
    return p;
}

static bool split_rare(bosk_map *m, size_t s, size_t d)
{
    const bosk_map_type *t = &m->type;
    const size_t end = chain_end(m, s), half = d - s;
    unsigned n = 0;
    for (size_t p = s; p <= end && p < d; p++) {
        const boski_place at = boski_map_at(m, p, t);
        for (boski_bits full = ~boski_group_empty(at.g) & BOSKI_ALL; full != 0; full &= full - 1) {
            const size_t h =
                (size_t)boski_map_hash(m, at.slots + BOSKI_CTZ(full) * (size_t)t->slot_bytes, t);
            n += (h & (half - 1)) == s && (h & half) != 0;
        }
    }
    if (!boski_map_have_room(m, d, n)) return false;
    split_chain(m, s, d, end);
    return true;
}

/* Splits home s; in most cases one group into one other.  Which entries move is found first,
 * without a branch on it, since it is as random as the toss of a coin. */
BOSKI_INLINE bool split_with(bosk_map *m, const bosk_map_type *t)
{
    const size_t half = (m->mask >> 1) + 1, d = m->limit, s = d - half;
    const boski_place from = boski_map_at(m, s, t), to = boski_map_at(m, d, t);
    const boski_bits full = ~boski_group_empty(from.g) & BOSKI_ALL;
    boski_bits free_slots = boski_group_empty(to.g), move = 0;
    if (BOSK_UNLIKELY(from.g->over != 0)) return split_rare(m, s, d);
    for (boski_bits f = full; f != 0; f &= f - 1) {
        const unsigned i = BOSKI_CTZ(f);
        const size_t h =
            (size_t)boski_map_hash(m, from.slots + i * (size_t)t->slot_bytes, t) & m->mask;
        move |= (boski_bits)(h == d) << (i * BOSKI_BIT);
    }
    if (BOSK_UNLIKELY(boski_map_slots(move) > boski_map_slots(free_slots)))
        return split_rare(m, s, d);
    m->moved += boski_map_slots(move);
    for (; move != 0; move &= move - 1, free_slots &= free_slots - 1) {
        const unsigned i = BOSKI_CTZ(move), j = BOSKI_CTZ(free_slots);
        char *slot = from.slots + i * (size_t)t->slot_bytes;
        memcpy(to.slots + j * (size_t)t->slot_bytes, slot, t->slot_bytes);
        if (!t->noscan) memset(slot, 0, t->slot_bytes);
        to.g->tag[j] = from.g->tag[i];
        from.g->tag[i] = 0;
    }
    return true;
}

/* The kinds worth code of their own. */
#define WITH_TYPE(m, t, call)                                                           \
    do {                                                                                \
        bosk_map_type t = (m)->type;                                                    \
        const unsigned shape = t.kind * 256u + t.key_bytes;                             \
        if (shape == BOSK_MAP_INT * 256u + 8 && t.slot_bytes == 16 && t.noscan) {       \
            t.kind = BOSK_MAP_INT, t.key_bytes = 8, t.slot_bytes = 16, t.noscan = true; \
            return call;                                                                \
        }                                                                               \
        if (shape == BOSK_MAP_INT * 256u + 4 && t.slot_bytes == 8 && t.noscan) {        \
            t.kind = BOSK_MAP_INT, t.key_bytes = 4, t.slot_bytes = 8, t.noscan = true;  \
            return call;                                                                \
        }                                                                               \
        if (shape == BOSK_MAP_STR * 256u + sizeof(bosk_str) && t.slot_bytes == 24) {    \
            t.kind = BOSK_MAP_STR, t.key_bytes = sizeof(bosk_str), t.slot_bytes = 24;   \
            return call;                                                                \
        }                                                                               \
        return call;                                                                    \
    } while (0)

static BOSKI_NOINLINE bool split(bosk_map *m) { WITH_TYPE(m, t, split_with(m, &t)); }

/* A page is touched by an insertion that does nothing else, and by one write: a read would map the
 * page of zeroes first, a second fault. */
static bool touch(bosk_map *m, size_t steps)
{
    const size_t last = m->limit + steps - 1;
    if (last >> m->type.block_shift != m->nblocks - 1) return false;
    const size_t need = ((last & (boski_map_block_groups(m) - 1)) + 1) * boski_map_group_bytes(m);
    if (m->touched >= need) return false;
    __atomic_fetch_or(m->dir[m->nblocks - 1].slots + m->touched, 0, __ATOMIC_RELAXED);
    m->touched += boski_os.page;
    return true;
}

bool boski_map_grow(bosk_map *m)
{
    if (m->groups == 0 || boski_map_on_rung(m)) {
        const size_t homes = boski_map_next_rung(m);
        boski_map_tell(m, 1);
        return boski_map_rebuild(m, homes);
    }
    const size_t all = boski_map_block_groups(m);
    const size_t steps = m->type.slot_bytes <= 64 && m->limit > 1 ? 2 : 1;
    if (m->limit == m->mask + 1) {
        bool ready;
        if (m->mask > SIZE_MAX / 4) return false;
        if (!boski_map_dir_prepare(m, 2 * (m->mask + 1) / all + 1, &ready)) return false;
        if (!ready) return true;
        m->mask = m->mask * 2 + 1;
        boski_map_tell(m, 1);
    }
    m->phase = BOSKI_MAP_GROWING;
    m->grow_at = 0;
    m->shrink_at = boski_map_room(m, m->limit) / BOSKI_MAP_SPARSE;
    if (m->limit + steps > m->groups) return boski_map_add_block(m);
    if (touch(m, steps)) return true;
    m->moves++;
    for (size_t i = 0; i < steps && m->limit != m->mask + 1; i++) {
        if (!split(m)) return false;
        m->limit++;
        m->splits++;
    }
    if (m->limit == m->mask + 1) {
        m->phase = BOSKI_MAP_STEADY;
        boski_map_marks(m);
        boski_map_tell(m, 2);
    } else {
        /* What the next split will read and write. */
        const size_t s = m->limit - (m->mask >> 1) - 1;
        const boski_place at = boski_map_at(m, s, &m->type);
        size_t bytes = boski_map_group_bytes(m);
        if (bytes > 512) bytes = 512;
        __builtin_prefetch(at.g);
        for (size_t o = 0; o < bytes; o += 64) __builtin_prefetch(at.slots + o);
    }
    BOSKI_MAP_CHECK(m);
    return true;
}

/* ---- one home less ---- */

/* Moves the entries of home d, the last, to home s.  What finds no slot before d stays where it is
 * and is counted on the way. */
static void merge_chain(bosk_map *m, size_t s, size_t d, size_t mask)
{
    const bosk_map_type *t = &m->type;
    const size_t end = chain_end(m, d);
    size_t from = s;
    for (size_t p = d; p <= end; p++) {
        const boski_place at = boski_map_at(m, p, t);
        for (boski_bits full = ~boski_group_empty(at.g) & BOSKI_ALL; full != 0; full &= full - 1) {
            const unsigned i = BOSKI_CTZ(full);
            char *slot = at.slots + i * (size_t)t->slot_bytes;
            if (((size_t)boski_map_hash(m, slot, t) & mask) != d) continue;
            for (size_t q = d; q != p; q++) boski_map_over_less(boski_map_at(m, q, t).g);
            while (from != d && boski_group_empty(boski_map_at(m, from, t).g) == 0) from++;
            if (from == d) {
                for (size_t q = s; q != p; q++) boski_map_over_more(boski_map_at(m, q, t).g);
            } else {
                char *place = boski_map_take(m, s, at.g->tag[i]);
                memcpy(place, slot, t->slot_bytes);
                at.g->tag[i] = 0;
                if (!t->noscan) memset(slot, 0, t->slot_bytes);
                m->moved++;
            }
        }
    }
}

BOSKI_INLINE void merge_with(bosk_map *m, const bosk_map_type *t)
{
    const size_t half = (m->mask >> 1) + 1, d = m->limit - 1, s = d - half;
    const boski_place from = boski_map_at(m, d, t), to = boski_map_at(m, s, t);
    const boski_bits full = ~boski_group_empty(from.g) & BOSKI_ALL;
    boski_bits free_slots = boski_group_empty(to.g);
    if (full == 0 && from.g->over == 0) return;
    if (BOSK_UNLIKELY(from.g->over != 0 || boski_map_slots(full) > boski_map_slots(free_slots))) {
        merge_chain(m, s, d, m->mask);
        return;
    }
    for (boski_bits f = full; f != 0; f &= f - 1) {
        const unsigned i = BOSKI_CTZ(f), j = BOSKI_CTZ(free_slots);
        char *slot = from.slots + i * (size_t)t->slot_bytes;
        if (((size_t)boski_map_hash(m, slot, t) & m->mask) != d) continue;
        memcpy(to.slots + j * (size_t)t->slot_bytes, slot, t->slot_bytes);
        if (!t->noscan) memset(slot, 0, t->slot_bytes);
        to.g->tag[j] = from.g->tag[i];
        from.g->tag[i] = 0;
        free_slots &= free_slots - 1;
        m->moved++;
    }
}
static BOSKI_NOINLINE bool merge(bosk_map *m) { WITH_TYPE(m, t, (merge_with(m, &t), true)); }

/* The last block goes when it lies half a block behind the last home and is empty. */
static void drop_block(bosk_map *m)
{
    const size_t all = boski_map_block_groups(m), last = (m->nblocks - 1) * all;
    if (m->nblocks == 1 || m->limit + all / 2 > last || m->next_dir != NULL) return;
    const uint64_t *tags = (const uint64_t *)(const void *)boski_map_at(m, last, &m->type).g;
    uint64_t any = 0;
    for (size_t i = 0; i < all * 2; i++) any |= tags[i];
    if (any != 0) return;
    m->nblocks--;
    m->groups -= all;
    m->touched = SIZE_MAX / 2; /* the one before has long been used */
    if (boski_map_joined(m->dir, m->nblocks, all * boski_map_group_bytes(m))) {
        m->spare++;
    } else {
        boski_map_release(m, m->dir[m->nblocks].slots);
        m->spare = 0;
    }
}

void boski_map_shrink_step(bosk_map *m)
{
    if (boski_map_on_rung(m) || m->groups == 0) return;
    if (m->next_dir != NULL) {
        boski_map_release(m, m->next_dir);
        m->next_dir = NULL;
    }
    if (m->nblocks == 1 && m->count <= 8 * BOSK_MAP_GROUP && m->least <= 16 &&
        boski_map_largest_rung(m) >= 16) {
        (void)boski_map_rebuild(m, 16); /* without memory it stays as it is */
        return;
    }
    m->moves++;
    for (int i = 0; i < 4 && m->limit > 1; i++) {
        if (m->limit == (m->mask >> 1) + 1) m->mask >>= 1;
        if (m->limit == 1) break;
        (void)merge(m);
        m->limit--;
        m->merges++;
        if (m->limit == (m->mask >> 1) + 1) m->mask >>= 1;
    }
    if ((m->limit & 15) < 4) drop_block(m);
    BOSKI_MAP_CHECK(m);
}
