/* mapstats.c - looking at a map from outside: what it holds, and whether its own rules hold. */
#include "maptable.h"

#include <bosk/map.h>

static size_t homes_of(const bosk_map *m, const boski_place *at, unsigned i)
{
    const bosk_map_type *t = &m->type;
    return boski_map_home(m, boski_map_hash(m, at->slots + i * (size_t)t->slot_bytes, t));
}

void bosk_map_stats(const bosk_map *m, struct bosk_map_stats *out)
{
    memset(out, 0, sizeof *out);
    if (m == NULL) return;
    out->entries = m->count;
    out->homes = m->limit;
    out->groups = m->groups;
    out->bytes = sizeof *m + (m->dir == &m->first ? 0 : m->dir_cap * sizeof(boski_block));
    if (m->next_dir != NULL) out->bytes += m->next_cap * sizeof(boski_block);
    out->bytes += m->groups * (sizeof(boski_group) + BOSK_MAP_GROUP * (size_t)m->type.slot_bytes);
    for (const struct boski_map_dead *d = m->dead; d != NULL; d = d->next) out->dead_blocks += d->n;
    out->load = m->groups == 0 ? 0 : (double)m->count / (double)(m->limit * BOSK_MAP_GROUP);
    out->splits = m->splits;
    out->merges = m->merges;
    out->rebuilds = m->rebuilds;
    out->moved = m->moved;
    out->longest_ns = m->longest_ns;
    out->growing = m->phase == BOSKI_MAP_GROWING;
    out->shrinking = m->phase == BOSKI_MAP_SHRINKING;
    for (size_t p = 0; p < m->groups; p++) {
        const boski_place at = boski_map_at(m, p, &m->type);
        out->saturated += at.g->over == 255;
        for (unsigned i = 0; i < BOSK_MAP_GROUP; i++) {
            if (at.g->tag[i] == 0) continue;
            const size_t home = homes_of(m, &at, i);
            out->outside += home != p;
            if (p - home + 1 > out->longest_probe) out->longest_probe = p - home + 1;
        }
    }
}

/* Each entry's way from its home is counted by every group on it; `extra` is what the counts of a
 * group exceed that by.  Walked with a ring of the ends that are still open: entries lie at most so
 * far from home as chains are long, so the work is linear. */
const char *boski_map_check(const bosk_map *m)
{
    if (m->limit == 0 || m->limit > m->mask + 1 || m->limit < (m->mask >> 1) + 1)
        return "homes and mask disagree";
    if ((m->mask & (m->mask + 1)) != 0) return "mask is not one";
    if (m->groups == 0) return m->count == 0 ? NULL : "entries without memory";
    if (m->limit > m->groups) return "homes without memory";
    if (m->nblocks > m->dir_cap) return "more blocks than the directory holds";
    if (!boski_map_on_rung(m) && m->nblocks * boski_map_block_groups(m) != m->groups)
        return "blocks and groups disagree";
    size_t count = 0;
    for (size_t p = 0; p < m->groups; p++) {
        const boski_place at = boski_map_at(m, p, &m->type);
        for (unsigned i = 0; i < BOSK_MAP_GROUP; i++) {
            if (at.g->tag[i] == 0) continue;
            count++;
            const char *slot = at.slots + i * (size_t)m->type.slot_bytes;
            const uint64_t h = boski_map_hash(m, slot, &m->type);
            const size_t home = boski_map_home(m, h);
            if (at.g->tag[i] != (uint8_t)bosk_map_tags[h >> 56]) return "a tag is not its key's";
            if (home > p) return "an entry lies before its home";
            for (size_t q = home; q != p; q++)
                if (boski_map_at(m, q, &m->type).g->over == 0) return "an entry is out of reach";
        }
    }
    if (count != m->count) return "the count of entries is wrong";
    /* What each group counts: entries from there or before that lie behind. */
    for (size_t p = 0; p < m->groups; p++) {
        const uint8_t over = boski_map_at(m, p, &m->type).g->over;
        if (over == 0 || over == 255) continue;
        size_t want = 0;
        for (size_t q = p + 1; q < m->groups; q++) {
            const boski_place at = boski_map_at(m, q, &m->type);
            for (unsigned i = 0; i < BOSK_MAP_GROUP; i++)
                want += at.g->tag[i] != 0 && homes_of(m, &at, i) <= p;
            if (boski_map_at(m, q, &m->type).g->over == 0) break;
        }
        if (want != over) return "a group counts entries that do not pass it";
    }
    return NULL;
}
const char *bosk_map_check(const bosk_map *m) { return m == NULL ? NULL : boski_map_check(m); }
