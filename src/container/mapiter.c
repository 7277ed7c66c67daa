/* mapiter.c - visiting every entry exactly once while the map grows, shrinks and is written to.
 *
 * Hashes with their bits reversed make a line on which every home is an interval, at every size of
 * the table.  An iteration divides the line into the homes of its beginning (its classes) and
 * visits them in the order in which they lie in memory.  What is left of the present class is an
 * interval too, so whatever its entries have moved to since is found again by their hashes.  Keys
 * already shown of the homes at hand (a batch, about ten) are remembered: should entries move in
 * the middle of a batch, it is walked again and those are left out.
 *
 * While nothing has moved and no entry lies outside its home no key is hashed.
 */
#include "maptable.h"

#include <bosk/map.h>

uint64_t boski_map_reverse(uint64_t v)
{
    v = (v >> 1 & 0x5555555555555555u) | (v & 0x5555555555555555u) << 1;
    v = (v >> 2 & 0x3333333333333333u) | (v & 0x3333333333333333u) << 2;
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0fu) | (v & 0x0f0f0f0f0f0f0f0fu) << 4;
    return __builtin_bswap64(v);
}
/* The last point of the interval of home p in a table of `limit` homes. */
uint64_t boski_map_interval_end(size_t p, size_t mask, size_t limit, uint64_t start)
{
    const uint64_t own = boski_map_home_mask(p, mask, limit);
    return own == 0 ? UINT64_MAX : start | UINT64_MAX >> (64 - __builtin_clzll(own));
}

static const uint8_t none;
static const boski_group one = {{1}, 0};

static void set_group(bosk_map_iter *it, size_t p)
{
    const boski_place at = boski_map_at(it->map, p, &it->map->type);
    it->group = p;
    it->g = at.g;
    it->slots = at.slots;
    it->bits = ~boski_group_empty(at.g) & BOSKI_ALL;
}

/* Begins a batch that is exactly what lies in the group: no key needs to be hashed. */
static void begin_plain(bosk_map_iter *it, const uint8_t *before)
{
    it->plain = true;
    it->skipped = 0;
    it->bits &= ~it->rotated; /* these come after the others */
    it->full = it->bits;
    it->walk.before = before;
    it->walk.strict = 0;
    it->walk.g = it->g;
    it->walk.slots = it->slots;
    it->walk.seen = it->seen;
}
static const uint8_t *over_before(const bosk_map *m, size_t p)
{
    return p == 0 ? &none : &boski_map_at(m, p - 1, &m->type).g->over;
}

/* Leaves of it->bits what belongs to the batch. */
BOSKI_INLINE void sift_with(bosk_map_iter *it, const bosk_map_type *t)
{
    const bosk_map *m = it->map;
    const size_t own = boski_map_home_mask(it->home, m->mask, m->limit);
    boski_bits mine = 0;
    for (boski_bits f = it->bits; f != 0; f &= f - 1) {
        const unsigned i = BOSKI_CTZ(f);
        const uint64_t h = boski_map_hash(m, it->slots + i * (size_t)t->slot_bytes, t);
        bool in;
        if (it->whole) {
            in = ((size_t)h & own) == it->home;
        } else {
            const uint64_t at = boski_map_reverse(h);
            in = at >= it->x && at <= it->end;
        }
        mine |= (boski_bits)in << (i * BOSKI_BIT);
    }
    it->deletes = m->deletes;
    it->bits = mine;
}
static void sift(bosk_map_iter *it)
{
    bosk_map_type t = it->map->type;
    if (t.kind == BOSK_MAP_INT && t.key_bytes == 8) {
        t.kind = BOSK_MAP_INT;
        t.key_bytes = 8;
        sift_with(it, &t);
    } else {
        sift_with(it, &t);
    }
}

/* Finds the home at hand and how much of it belongs to the class. */
static void begin_batch(bosk_map_iter *it)
{
    const bosk_map *m = it->map;
    const size_t home = boski_map_home(m, boski_map_reverse(it->x));
    const uint64_t start = boski_map_reverse(home);
    const uint64_t end = boski_map_interval_end(home, m->mask, m->limit, start);
    it->moves = m->moves;
    it->end = end < it->class_end ? end : it->class_end;
    if (it->end > it->seen_end) it->seen_end = it->end;
    it->home = home;
    it->whole = start == it->x && end == it->end;
    it->plain = false;
    set_group(it, home);
    const uint8_t *before = over_before(m, home);
    if (it->whole && !it->check && it->g->over == 0 && *before == 0) {
        begin_plain(it, before);
    } else {
        it->rotated = 0;
        sift(it);
    }
    /* What the walk again is to leave out, none of it met yet. */
    if (it->nseen != 0) memset(it->seen + it->room * (size_t)m->type.key_bytes, 0, it->nseen);
}
static void set_range(bosk_map_iter *it)
{
    it->x = boski_map_reverse(it->class_);
    it->end = it->class_end = boski_map_interval_end(it->class_, it->mask, it->limit, it->x);
    it->seen_end = it->end;
    it->lazy = false;
}
/* In most cases the home is what it was at the beginning, and its group holds it all. */
static void begin_class(bosk_map_iter *it)
{
    const bosk_map *m = it->map;
    it->nseen = 0;
    it->check = false;
    it->plain = false;
    if (BOSK_LIKELY(m->mask == it->mask && m->limit == it->limit)) {
        const size_t p = it->class_;
        const uint8_t *before;
        if (BOSK_LIKELY(it->group + 1 == p && (p & (boski_map_block_groups(m) - 1)) != 0 &&
                        it->moves == m->moves && it->g != NULL)) {
            before = &it->g->over;
            it->group = p;
            it->g++;
            it->slots += BOSK_MAP_GROUP * (size_t)m->type.slot_bytes;
            it->bits = ~boski_group_empty(it->g) & BOSKI_ALL;
        } else {
            before = over_before(m, p);
            set_group(it, p);
        }
        it->moves = m->moves;
        it->lazy = it->g->over == 0 && *before == 0;
        if (BOSK_LIKELY(it->lazy)) {
            begin_plain(it, before);
            return;
        }
    }
    set_range(it);
    it->seen_end = it->x;
    begin_batch(it);
}
/* The batch is no longer plain: notes its range and which of its keys have been shown. */
static void end_plain(bosk_map_iter *it)
{
    const size_t key = it->map->type.key_bytes;
    if (it->lazy) set_range(it);
    it->nseen = 0;
    for (boski_bits b = it->full & ~it->bits & ~it->skipped; b != 0; b &= b - 1)
        memmove(it->seen + it->nseen++ * key, it->seen + BOSKI_CTZ(b) * key, key);
    it->plain = false;
    it->home = it->group;
    it->whole = it->x == boski_map_reverse(it->home);
    it->deletes = it->map->deletes - 1; /* look at hashes from now on */
}

void bosk_map_iter_init(bosk_map_iter *it, bosk_map *m, void *seen)
{
    memset(it, 0, sizeof *it);
    it->map = m;
    it->walk.map = m;
    it->seen = seen;
    it->room = BOSK_MAP_SEEN;
    it->done = m == NULL || m->count == 0;
    if (it->done) return;
    it->spare = it->seen + BOSK_MAP_SEEN * ((size_t)m->type.key_bytes + 1);
    if (__atomic_load_n(&m->writing, __ATOMIC_RELAXED) != 0)
        bosk_map_racing("concurrent map iteration and map write");
    it->mask = m->mask;
    it->limit = it->left = m->limit;
    const uint64_t r = boski_map_random();
    it->class_ = (size_t)(r % it->limit);
    /* Few homes make few orders: there slots are rotated too. */
    if (it->limit <= 4) {
        const unsigned by = (unsigned)(r >> 32) % BOSK_MAP_GROUP;
        it->rotated = (boski_bits)((((uint64_t)1 << by * BOSKI_BIT) - 1) & BOSKI_ALL);
    }
    begin_class(it);
    it->walk.bits = it->plain ? it->bits : 0;
}

void bosk_map_iter_end(bosk_map_iter *it)
{
    if (it->more != NULL) bosk_free(it->more);
    it->more = NULL;
    it->done = true;
}

/* More keys of one home than there is room for: hashes that are alike. */
static void more_room(bosk_map_iter *it)
{
    const size_t key = it->map->type.key_bytes, room = it->room * (size_t)2;
    unsigned char *more = bosk_malloc(room * (key + 1));
    if (more == NULL || room > UINT32_MAX) bosk_map_no_memory();
    memcpy(more, it->seen, it->nseen * key);
    memcpy(more + room * key, it->seen + it->room * key, it->nseen);
    if (it->more != NULL) bosk_free(it->more);
    it->seen = it->more = more;
    it->room = (uint32_t)room;
}
static void remember(bosk_map_iter *it, const char *slot)
{
    if (it->nseen == it->room) more_room(it);
    const size_t key = it->map->type.key_bytes;
    unsigned char *to = it->seen + it->nseen * key;
    if (key == 8)
        memcpy(to, slot, 8);
    else
        memcpy(to, slot, key);
    it->seen[it->room * key + it->nseen++] = 1;
}
/* Each key remembered accounts for one entry of a walk: keys that are equal to nothing may have
 * equal bytes. */
static bool was_seen(bosk_map_iter *it, const char *slot)
{
    const size_t key = it->map->type.key_bytes;
    unsigned char *met = it->seen + it->room * key;
    for (uint32_t i = 0; i < it->nseen; i++) {
        if (met[i] == 0 && memcmp(it->seen + i * key, slot, key) == 0) {
            met[i] = 1;
            return true;
        }
    }
    return false;
}

/* Notes the keys that a walk over a sifted group has shown. */
static void end_sifted(bosk_map_iter *it)
{
    const size_t key = it->map->type.key_bytes;
    it->bits = it->walk.bits;
    it->sifted = false;
    for (boski_bits b = it->full & ~it->bits & ~it->skipped; b != 0; b &= b - 1)
        remember(it, (const char *)it->spare + BOSKI_CTZ(b) * key);
}
/* Goes on in a batch that is not plain: with what of a group belongs to it; one entry at a time
 * where some are to be left out. */
static bool next_of_batch(bosk_map_iter *it)
{
    const bosk_map *m = it->map;
    boski_walk *w = &it->walk;
    w->before = &none;
    w->seen = it->spare;
    w->strict = 0;
    for (;;) {
        /* A slot may have been given to an entry of another home. */
        if (it->deletes != m->deletes && it->bits != 0) {
            it->bits &= ~boski_group_empty(it->g);
            sift(it);
        }
        if (it->bits != 0 && !it->check) {
            it->sifted = true;
            it->full = w->bits = it->bits;
            it->skipped = 0;
            w->strict = UINT32_MAX;
            w->deletes = m->deletes;
            w->g = it->g;
            w->slots = it->slots;
            return true;
        }
        while (it->bits != 0) {
            const unsigned i = BOSKI_CTZ(it->bits);
            it->bits &= it->bits - 1;
            char *slot = it->slots + i * (size_t)m->type.slot_bytes;
            if (was_seen(it, slot)) continue;
            remember(it, slot);
            w->bits = 1;
            w->g = &one;
            w->slots = slot;
            return true;
        }
        if (it->rotated != 0) {
            it->bits = ~boski_group_empty(it->g) & it->rotated;
            it->rotated = 0;
        } else if (it->g->over != 0 && it->group + 1 < m->groups) {
            set_group(it, it->group + 1);
        } else {
            return false;
        }
        sift(it);
    }
}

bool bosk_map_advance(bosk_map_iter *it)
{
    const bosk_map *m = it->map;
    if (it->done) return false;
    if (__atomic_load_n(&m->writing, __ATOMIC_RELAXED) != 0)
        bosk_map_racing("concurrent map iteration and map write");
    if (it->plain) {
        it->bits = it->walk.bits;
        /* Entries have moved, or new ones of a home before this one have come to lie here. */
        if (m->moves != it->moves || *it->walk.before != 0) end_plain(it);
    } else if (it->sifted) {
        end_sifted(it);
    }
    if (m->moves != it->moves) {
        it->check = true;
        begin_batch(it);
    }
    it->walk.moves = m->moves;
    for (;;) {
        if (it->plain) {
            if (it->bits == 0 && it->rotated != 0) {
                it->bits = ~boski_group_empty(it->g) & it->rotated;
                it->full |= it->bits;
                it->rotated = 0;
            }
            it->walk.bits = it->bits;
            if (it->bits != 0) return true;
        } else if (next_of_batch(it)) {
            return true;
        }
        if (m->count == 0) break; /* and nothing can be inserted before this returns */
        if (it->lazy || it->end == it->class_end) {
            if (--it->left == 0) break;
            if (++it->class_ == it->limit) it->class_ = 0;
            begin_class(it);
            continue;
        }
        it->x = it->end + 1;
        if (it->x > it->seen_end) {
            it->nseen = 0;
            it->check = false;
        }
        begin_batch(it);
    }
    bosk_map_iter_end(it);
    return false;
}

bool bosk_map_next(bosk_map_iter *it)
{
    if (it->done) return false;
    const bosk_map_type *t = &it->map->type;
    while (!boski_map_walk(&it->walk, it, t->slot_bytes, t->key_bytes))
        if (!bosk_map_advance(it)) return false;
    it->slot = it->walk.slot;
    return true;
}
