/* maptable.c - the memory of a map's table: rungs, blocks, the directory, and freeing in steps.
 * What moves entries in it is mapgrow.c. */
#include "maptable.h"

/* A table without memory: one group that is empty for ever. */
static const struct {
    boski_group g;
    char slots[64];
} nothing = {.g = {{0}, 0}};

#define RUNG_BYTES ((size_t)20 << 10)
#define PREPARE_STEP 64
#define MOST ((size_t)1 << 20) /* bytes taken from the heap at once */

bool boski_map_joined(const boski_block *dir, size_t b, size_t slots_bytes)
{
    return b != 0 && dir[b].slots == dir[b - 1].slots + slots_bytes &&
           (uintptr_t)dir[b].tags - (uintptr_t)dir[b - 1].tags < slots_bytes;
}

void *boski_map_memory(const bosk_map *m, size_t bytes, size_t align, bool noscan)
{
    const bosk_type type = {.size = bytes, .align = (uint32_t)align, .noscan = noscan};
    return bosk_alloc_in(m->home, &type, 1, false);
}
void boski_map_release(const bosk_map *m, void *p)
{
    if (m->home.kind != BOSK_HOME_ARENA && m->home.kind != BOSK_HOME_COLLECTED) bosk_free(p);
}

/* Memory for `n` blocks of `groups` groups: all slots, then all tags.  The tags of the first block
 * are empty; those of others are cleared when the table gets there. */
static bool block_new(const bosk_map *m, size_t groups, size_t n, boski_block *out)
{
    const size_t align = m->type.align > 64 ? m->type.align : 64,
                 tags = groups * sizeof(boski_group);
    const size_t area = (n * groups * boski_map_group_bytes(m) + align - 1) & ~(align - 1);
    const size_t need = m->type.align > 16 ? m->type.align : 16;
    char *base = boski_map_memory(m, area + n * tags, need, m->type.noscan);
    if (base == NULL) return false;
    out->slots = base;
    out->tags = base + area;
    if (m->type.noscan) memset(out->tags, 0, tags);
    return true;
}

size_t boski_map_room(const bosk_map *m, size_t homes)
{
    if (homes == 0) return 0;
    if (homes == 1 && m->load256 >= 192) return BOSK_MAP_GROUP; /* no other group to go to */
    const size_t slots = homes * BOSK_MAP_GROUP;
    const size_t room = slots / 256 * m->load256 + slots % 256 * m->load256 / 256;
    return room != 0 ? room : 1;
}

void boski_map_marks(bosk_map *m)
{
    const size_t room = boski_map_room(m, m->limit);
    m->grow_at = room;
    m->shrink_at = boski_map_on_rung(m) || m->limit <= m->least ? 0 : room / BOSKI_MAP_SPARSE;
    if (m->groups == 0) m->grow_at = m->shrink_at = 0;
    if (m->phase == BOSKI_MAP_SHRINKING) m->shrink_at = SIZE_MAX;
    if (m->phase == BOSKI_MAP_GROWING) m->grow_at = 0;
    if (m->dead != NULL) { /* every change frees a little */
        m->grow_at = 0;
        m->shrink_at = SIZE_MAX;
    }
}

/* ---- freeing ------------------------------------------------------------------------------- */

void boski_map_drop(bosk_map *m)
{
    if (m->nblocks != 0) {
        const size_t groups = boski_map_on_rung(m) ? m->groups : boski_map_block_groups(m);
        struct boski_map_dead *d = (struct boski_map_dead *)(void *)m->dir[0].slots;
        if (groups * (boski_map_group_bytes(m) + sizeof(boski_group)) < sizeof *d) {
            boski_map_release(m, d); /* one block, and hardly that */
        } else {
            boski_block *dir = m->dir == &m->first ? NULL : m->dir;
            d->next = m->dead;
            d->dir = dir;
            d->n = m->nblocks;
            d->slots_bytes = groups * boski_map_group_bytes(m);
            m->dead = d;
        }
    }
    if (m->next_dir != NULL) boski_map_release(m, m->next_dir);
    m->next_dir = NULL;
    m->next_cap = m->next_n = 0;
    m->first.tags = (char *)(uintptr_t)(const void *)&nothing.g;
    m->first.slots = (char *)(uintptr_t)(const void *)&nothing.slots;
    m->dir = &m->first;
    m->dir_cap = 1;
    m->nblocks = m->groups = m->mask = m->count = m->least = m->touched = m->spare = 0;
    m->limit = 1;
    m->phase = BOSKI_MAP_STEADY;
    m->moves++;
    boski_map_marks(m);
}

bool boski_map_bury(bosk_map *m, size_t most)
{
    while (m->dead != NULL) {
        struct boski_map_dead *d = m->dead;
        /* Block 0 holds the record: it goes last. */
        for (; d->n > 1 && most != 0; most--) {
            d->n--;
            if (!boski_map_joined(d->dir, d->n, d->slots_bytes))
                boski_map_release(m, d->dir[d->n].slots);
        }
        if (most-- == 0) return false;
        m->dead = d->next;
        if (d->dir != NULL) boski_map_release(m, d->dir);
        boski_map_release(m, d);
    }
    return true;
}

/* ---- the directory -------------------------------------------------------------------- */

static void dir_switch(bosk_map *m)
{
    for (; m->next_n < m->nblocks; m->next_n++) m->next_dir[m->next_n] = m->dir[m->next_n];
    if (m->dir != &m->first) boski_map_release(m, m->dir);
    m->dir = m->next_dir;
    m->dir_cap = m->next_cap;
    m->next_dir = NULL;
    m->next_cap = m->next_n = 0;
}

static bool dir_begin(bosk_map *m, size_t want)
{
    if (m->next_dir != NULL) return true;
    size_t cap = m->dir_cap < 8 ? 8 : m->dir_cap * 2;
    while (cap < want) cap *= 2;
    if (cap > SIZE_MAX / sizeof(boski_block)) return false;
    const bool noscan = m->home.kind != BOSK_HOME_COLLECTED && m->home.kind != BOSK_HOME_ROOT;
    m->next_dir = boski_map_memory(m, cap * sizeof(boski_block), sizeof(char *), noscan);
    m->next_cap = cap;
    m->next_n = 0;
    return m->next_dir != NULL;
}

/* One step towards a directory for `want` blocks; *ready when it is there. */
bool boski_map_dir_prepare(bosk_map *m, size_t want, bool *ready)
{
    *ready = want <= m->dir_cap;
    if (*ready) return true;
    if (!dir_begin(m, want)) return false;
    for (size_t i = 0; i < PREPARE_STEP && m->next_n < m->nblocks; i++, m->next_n++)
        m->next_dir[m->next_n] = m->dir[m->next_n];
    if (m->next_n >= m->nblocks) {
        dir_switch(m);
        *ready = want <= m->dir_cap;
    }
    return true;
}

/* A block more.  The directory has room, unless a chain of entries with hashes alike has run past
 * the end: then it is copied here and now. */
bool boski_map_add_block(bosk_map *m)
{
    const uint64_t t0 = boski_os_now_ns();
    if (m->nblocks == m->dir_cap) {
        if (!dir_begin(m, m->nblocks + 1)) return false;
        dir_switch(m);
    }
    boski_block *last = &m->dir[m->nblocks - 1], *block = last + 1;
    const size_t all = boski_map_block_groups(m);
    if (m->spare != 0) {
        block->slots = last->slots + all * boski_map_group_bytes(m);
        block->tags = last->tags + all * sizeof(boski_group);
        memset(block->tags, 0, all * sizeof(boski_group));
        m->spare--;
    } else {
        /* Tags of many blocks side by side make searches in large tables faster; a quarter of the
         * table at most, and none where all of it would have to be cleared. */
        size_t n = 1;
        if (m->type.noscan)
            while (n < 16 && n * 8 <= m->nblocks && n * 2 * all * boski_map_group_bytes(m) <= MOST)
                n *= 2;
        if (!block_new(m, all, n, block)) {
            n = 1;
            if (!block_new(m, all, n, block)) return false;
        }
        m->spare = n - 1;
    }
    m->nblocks++;
    m->groups += all;
    m->touched = 0;
    const uint64_t took = boski_os_now_ns() - t0;
    if (took > m->longest_ns) m->longest_ns = took;
    return true;
}

/* ---- taking a slot ---- */

char *boski_map_take(bosk_map *m, size_t home, uint8_t tag)
{
    for (size_t p = home;; p++) {
        if (p >= m->groups && (boski_map_on_rung(m) || !boski_map_add_block(m))) return NULL;
        const boski_place at = boski_map_at(m, p, &m->type);
        const boski_bits empty = boski_group_empty(at.g);
        if (empty == 0) continue;
        for (size_t q = home; q != p; q++) boski_map_over_more(boski_map_at(m, q, &m->type).g);
        const unsigned i = BOSKI_CTZ(empty);
        at.g->tag[i] = tag;
        return at.slots + i * (size_t)m->type.slot_bytes;
    }
}

/* True when `n` slots are free from group `p` on. */
bool boski_map_have_room(bosk_map *m, size_t p, unsigned n)
{
    for (unsigned have = 0;; p++) {
        if (p >= m->groups && !boski_map_add_block(m)) return false;
        have += boski_map_slots(boski_group_empty(boski_map_at(m, p, &m->type).g));
        if (have >= n) return true;
    }
}

/* ---- copying a small table ----------------------------------------------------------------- */

size_t boski_map_largest_rung(const bosk_map *m)
{
    size_t most = boski_map_block_groups(m) / 2;
    if (most > 64) most = 64;
    size_t rung = 1;
    while (rung * 4 <= most && rung * 4 * boski_map_group_bytes(m) <= RUNG_BYTES) rung *= 4;
    return rung;
}
size_t boski_map_next_rung(const bosk_map *m)
{
    if (m->groups == 0) return 1;
    if (m->limit < boski_map_largest_rung(m)) return m->limit * 4;
    const size_t all = boski_map_block_groups(m);
    return m->limit * 2 < all ? m->limit * 2 : all;
}

/* Gives `m`, which has no table, one of `homes` homes. */
static bool table_new(bosk_map *m, size_t homes)
{
    const size_t all = boski_map_block_groups(m);
    const size_t groups = homes > boski_map_largest_rung(m) ? all : homes + (homes != 1);
    boski_block block;
    if (!block_new(m, groups < all ? groups : all, 1, &block)) return false;
    m->first = block;
    m->spare = 0;
    m->dir = &m->first;
    m->dir_cap = m->nblocks = 1;
    m->groups = groups < all ? groups : all;
    m->limit = homes;
    m->mask = homes - 1;
    m->phase = BOSKI_MAP_STEADY;
    m->touched = (homes * boski_map_group_bytes(m) + boski_os.page - 1) & ~(boski_os.page - 1);
    return true;
}
static void table_free(bosk_map *m)
{
    const size_t bytes = boski_map_block_groups(m) * boski_map_group_bytes(m);
    for (size_t b = m->nblocks; b-- > 0;)
        if (!boski_map_joined(m->dir, b, bytes)) boski_map_release(m, m->dir[b].slots);
    if (m->dir != &m->first) boski_map_release(m, m->dir);
}

/* Copies the entries of `from` into `to`. */
static bool copy_all(bosk_map *to, const bosk_map *from)
{
    const bosk_map_type *t = &from->type;
    for (size_t p = 0; p < from->groups; p++) {
        const boski_place at = boski_map_at(from, p, t);
        for (boski_bits full = ~boski_group_empty(at.g) & BOSKI_ALL; full != 0; full &= full - 1) {
            const unsigned i = BOSKI_CTZ(full);
            const char *slot = at.slots + i * (size_t)t->slot_bytes;
            const uint64_t h = boski_map_hash(from, slot, t);
            char *place = boski_map_take(to, boski_map_home(to, h), at.g->tag[i]);
            if (place == NULL) return false;
            memcpy(place, slot, t->slot_bytes);
        }
    }
    return true;
}

bool boski_map_rebuild(bosk_map *m, size_t homes)
{
    const uint64_t t0 = boski_os_now_ns();
    bosk_map n = *m;
    for (;; homes = boski_map_next_rung(&n)) {
        n.next_dir = NULL;
        n.next_cap = n.next_n = 0;
        if (!table_new(&n, homes)) return false;
        if (m->count == 0 || copy_all(&n, m)) break;
        /* All hashes alike: what this rung could not take, the next may. */
        const bool again = boski_map_on_rung(&n);
        table_free(&n);
        if (!again) return false;
    }
    if (m->nblocks != 0) table_free(m);
    if (m->next_dir != NULL) boski_map_release(m, m->next_dir);
    *m = n;
    if (n.dir == &n.first) m->dir = &m->first;
    m->moves++;
    m->rebuilds++;
    m->moved += m->count;
    boski_map_marks(m);
    const uint64_t took = boski_os_now_ns() - t0;
    if (took > m->longest_ns) m->longest_ns = took;
    return true;
}

bool boski_map_prepare(bosk_map *m, size_t homes)
{
    const size_t all = boski_map_block_groups(m);
    bosk_map n = *m;
    n.next_dir = NULL;
    n.next_cap = n.next_n = 0;
    if (homes <= all) return boski_map_rebuild(m, homes);
    if (!table_new(&n, all)) return false;
    bool ok = dir_begin(&n, homes / all + 1);
    if (ok) dir_switch(&n);
    while (ok && n.groups < homes) ok = boski_map_add_block(&n);
    if (!ok) {
        table_free(&n);
        if (n.next_dir != NULL) boski_map_release(&n, n.next_dir);
        return false;
    }
    if (m->nblocks != 0) table_free(m);
    if (m->next_dir != NULL) boski_map_release(m, m->next_dir);
    n.limit = homes;
    n.mask = homes - 1;
    n.touched = SIZE_MAX / 2;
    n.moves++;
    *m = n;
    boski_map_marks(m);
    return true;
}
