/* caps_buckets.c - see caps_buckets.h.
 *
 * Go counterpart: runtime/map.go of 1.17 to 1.23: makeBucketArray, mapassign, mapdelete, hashGrow,
 * growWork, evacuate, mapiterinit, mapiternext.  Arrays that were outgrown stay until the end,
 * since an iterator may still walk them; Go leaves that to its collector.
 */
#define _GNU_SOURCE
#include "caps_buckets.h"

#include <stdlib.h>
#include <string.h>

enum { EMPTY_REST = 0, EMPTY_ONE = 1, MOVED_X = 2, MOVED_Y = 3, MOVED_EMPTY = 4, LEAST_TOP = 5 };

static bool empty(uint8_t top) { return top <= EMPTY_ONE; }
static bool moved(const struct bucket *b) { return b->top[0] > EMPTY_ONE && b->top[0] < LEAST_TOP; }

/* The finalizer of splitmix64 over key and seed. */
static uint64_t hash_of(const struct bucket_map *m, uint64_t key)
{
    uint64_t z = key * 0x9e3779b97f4a7c15u + m->seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint8_t top_of(uint64_t hash)
{
    uint8_t top = (uint8_t)(hash >> 56);
    return top < LEAST_TOP ? (uint8_t)(top + LEAST_TOP) : top;
}

static uint64_t mask(uint32_t log2) { return ((uint64_t)1 << log2) - 1; }

/* Keeps a block to be freed at the end. */
static void *keep(struct bucket_map *m, size_t count)
{
    struct bucket *b = calloc(count, sizeof *b);
    if (b != NULL && m->extras == m->extra_room) {
        size_t room = m->extra_room != 0 ? m->extra_room * 2 : 64;
        struct bucket **extra = reallocarray(m->extra, room, sizeof *extra);
        if (extra == NULL) {
            free(b);
            b = NULL;
        } else {
            m->extra = extra;
            m->extra_room = room;
        }
    }
    if (b == NULL)
        m->failed = true;
    else
        m->extra[m->extras++] = b;
    return b;
}

static bool make_array(struct bucket_map *m, uint32_t log2)
{
    bosk_map_shape shape = {.log2 = 0};
    bosk_map_hint(&m->profile, 0, &shape);
    while (shape.log2 < log2) bosk_map_grow(&m->profile, &shape);
    m->array = keep(m, (size_t)(shape.slots / BUCKET_SLOTS + shape.spare));
    m->spare = shape.spare;
    m->spare_used = 0;
    m->log2 = log2;
    return m->array != NULL;
}

bool buckets_begin(struct bucket_map *m, const bosk_map_profile *profile, int64_t hint,
                   uint64_t seed)
{
    bosk_map_shape shape;
    *m = (struct bucket_map){.profile = *profile, .seed = seed, .random = seed | 1};
    bosk_map_hint(profile, hint, &shape);
    return make_array(m, shape.log2);
}

void buckets_end(struct bucket_map *m)
{
    for (size_t i = 0; i < m->extras; i++) free(m->extra[i]);
    free(m->extra);
    *m = (struct bucket_map){.count = 0};
}

/* ---- overflow ---- */

static bool too_many_overflows(const struct bucket_map *m)
{
    return m->overflows >= (uint32_t)1 << (m->log2 < 15 ? m->log2 : 15);
}

static struct bucket *add_overflow(struct bucket_map *m, struct bucket *last)
{
    struct bucket *b;
    if (m->spare_used < m->spare)
        b = &m->array[mask(m->log2) + 1 + m->spare_used++];
    else
        b = keep(m, 1);
    if (b == NULL) return NULL;
    /* From 2^16 buckets on Go counts some of them only. */
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    if (m->log2 < 16 || (m->random & mask(m->log2 - 15)) == 0) m->overflows++;
    last->overflow = b;
    return b;
}

/* ---- growth ---- */

static uint64_t old_count(const struct bucket_map *m)
{
    return (uint64_t)1 << (m->same_size ? m->log2 : m->log2 - 1);
}

uint64_t buckets_left(const struct bucket_map *m)
{
    uint64_t left = 0;
    for (uint64_t i = 0; m->old != NULL && i < old_count(m); i++) left += !moved(&m->old[i]);
    return left;
}

static bool over_load(const struct bucket_map *m)
{
    uint64_t count = (uint64_t)m->count + 1;
    return count > BUCKET_SLOTS && count > m->profile.load_num * (((uint64_t)1 << m->log2) / 2);
}

static void begin_growth(struct bucket_map *m)
{
    struct bucket *old = m->array;
    uint32_t log2 = m->log2;
    m->same_size = !over_load(m);
    if (!make_array(m, m->same_size ? log2 : log2 + 1)) return;
    m->old = old;
    m->evacuated = 0;
    m->overflows = 0;
    m->work.grew = true;
    m->work.same_size = m->same_size;
}

struct destination {
    struct bucket *b;
    unsigned slot;
};

static void put(struct bucket_map *m, struct destination *to, uint8_t top, uint64_t key)
{
    if (to->slot == BUCKET_SLOTS) {
        struct bucket *b = add_overflow(m, to->b);
        if (b == NULL) return;
        *to = (struct destination){b, 0};
    }
    to->b->top[to->slot] = top;
    to->b->key[to->slot++] = key;
}

static void advance(struct bucket_map *m)
{
    m->evacuated++;
    uint64_t stop = m->evacuated + 1024;
    if (stop > old_count(m)) stop = old_count(m);
    while (m->evacuated != stop && moved(&m->old[m->evacuated])) m->evacuated++;
    if (m->evacuated != old_count(m)) return;
    m->old = NULL;
    m->same_size = false;
}

static void evacuate(struct bucket_map *m, uint64_t index)
{
    struct bucket *b = &m->old[index];
    if (!moved(b)) {
        struct destination x = {&m->array[index], 0};
        struct destination y = {m->same_size ? NULL : &m->array[index + old_count(m)], 0};
        if (m->work.chains < 2) m->work.moved[m->work.chains] = index;
        m->work.chains++;
        for (; b != NULL; b = b->overflow) {
            for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
                uint8_t top = b->top[i];
                if (empty(top)) {
                    b->top[i] = MOVED_EMPTY;
                    continue;
                }
                bool high = !m->same_size && (hash_of(m, b->key[i]) & old_count(m)) != 0;
                put(m, high ? &y : &x, top, b->key[i]);
                b->top[i] = high ? MOVED_Y : MOVED_X;
                m->work.entries++;
            }
        }
    }
    if (index == m->evacuated) advance(m);
}

static void growth_work(struct bucket_map *m, uint64_t bucket)
{
    if (m->old == NULL) return;
    evacuate(m, bucket & (old_count(m) - 1));
    if (m->old != NULL) evacuate(m, m->evacuated);
}

/* ---- writes and reads ---- */

static bool find(struct bucket *b, uint8_t top, uint64_t key, struct bucket **at, unsigned *slot)
{
    for (; b != NULL; b = b->overflow)
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            if (b->top[i] == EMPTY_REST) return false;
            if (b->top[i] != top || b->key[i] != key) continue;
            *at = b;
            *slot = i;
            return true;
        }
    return false;
}

bool buckets_has(const struct bucket_map *m, uint64_t key)
{
    uint64_t hash = hash_of(m, key);
    struct bucket *b = &m->array[hash & mask(m->log2)], *at;
    unsigned slot;
    if (m->old != NULL && !moved(&m->old[hash & (old_count(m) - 1)]))
        b = &m->old[hash & (old_count(m) - 1)];
    return find(b, top_of(hash), key, &at, &slot);
}

bool buckets_set(struct bucket_map *m, uint64_t key)
{
    uint64_t hash = hash_of(m, key);
    m->work = (struct bucket_work){.chains = 0};
    while (!m->failed) {
        uint64_t index = hash & mask(m->log2);
        growth_work(m, index);
        struct bucket *b = &m->array[index], *last = b, *at;
        unsigned slot;
        if (find(b, top_of(hash), key, &at, &slot)) return false;
        if (m->old == NULL && (over_load(m) || too_many_overflows(m))) {
            begin_growth(m);
            continue;
        }
        at = NULL;
        for (; b != NULL; last = b, b = b->overflow)
            for (unsigned i = 0; i < BUCKET_SLOTS && at == NULL; i++)
                if (empty(b->top[i])) {
                    at = b;
                    slot = i;
                }
        if (at == NULL) {
            at = add_overflow(m, last);
            slot = 0;
        }
        if (at == NULL) return false;
        at->top[slot] = top_of(hash);
        at->key[slot] = key;
        m->count++;
        return true;
    }
    return false;
}

/* Turns the end of a chain back to "empty from here on", from slot `i` of `b` backwards. */
static void mark_rest(struct bucket *first, struct bucket *b, unsigned i)
{
    if (i == BUCKET_SLOTS - 1 ? b->overflow != NULL && b->overflow->top[0] != EMPTY_REST
                              : b->top[i + 1] != EMPTY_REST)
        return;
    for (;;) {
        b->top[i] = EMPTY_REST;
        if (i == 0) {
            if (b == first) return;
            struct bucket *before = first;
            while (before->overflow != b) before = before->overflow;
            b = before;
            i = BUCKET_SLOTS;
        }
        i--;
        if (b->top[i] != EMPTY_ONE) return;
    }
}

bool buckets_delete(struct bucket_map *m, uint64_t key)
{
    uint64_t hash = hash_of(m, key);
    struct bucket *at;
    unsigned slot;
    m->work = (struct bucket_work){.chains = 0};
    if (m->count == 0 || m->failed) return false;
    growth_work(m, hash & mask(m->log2));
    struct bucket *first = &m->array[hash & mask(m->log2)];
    if (!find(first, top_of(hash), key, &at, &slot)) return false;
    at->top[slot] = EMPTY_ONE;
    mark_rest(first, at, slot);
    m->count--;
    return true;
}

/* ---- iteration ---- */

#define NO_CHECK UINT64_MAX

void buckets_iterate(const struct bucket_map *m, uint64_t r, struct bucket_iter *it)
{
    *it = (struct bucket_iter){.map = m, .array = m->array, .log2 = m->log2, .check = NO_CHECK};
    it->start = it->bucket = r & mask(m->log2);
    it->offset = (unsigned)(r >> m->log2) & (BUCKET_SLOTS - 1);
}

/* The next chain; false when all have been walked. */
static bool next_chain(struct bucket_iter *it)
{
    const struct bucket_map *m = it->map;
    if (it->bucket == it->start && it->wrapped) return false;
    it->check = NO_CHECK;
    it->at = &it->array[it->bucket];
    if (m->old != NULL && it->log2 == m->log2) {
        const struct bucket *old = &m->old[it->bucket & (old_count(m) - 1)];
        if (!moved(old)) { /* the entries that will come to this bucket are still there */
            it->at = old;
            it->check = it->bucket;
        }
    }
    if (++it->bucket == (uint64_t)1 << it->log2) {
        it->bucket = 0;
        it->wrapped = true;
    }
    it->slot = 0;
    return true;
}

bool buckets_next(struct bucket_iter *it, uint64_t *key)
{
    for (;;) {
        if (it->at == NULL && !next_chain(it)) return false;
        for (; it->slot < BUCKET_SLOTS; it->slot++) {
            unsigned i = (it->slot + it->offset) & (BUCKET_SLOTS - 1);
            uint8_t top = it->at->top[i];
            uint64_t k = it->at->key[i];
            if (empty(top) || top == MOVED_EMPTY) continue;
            if (it->check != NO_CHECK && !it->map->same_size &&
                (hash_of(it->map, k) & mask(it->log2)) != it->check)
                continue;
            /* Moved since: it may have been deleted. */
            if (top < LEAST_TOP && !buckets_has(it->map, k)) continue;
            it->slot++;
            *key = k;
            return true;
        }
        it->at = it->at->overflow;
        it->slot = 0;
    }
}
