/* map.c - maps: made, changed, freed.  The table itself is maptable.c, iteration mapiter.c.
 *
 * Go counterpart: runtime/map.go; semantics as of Go 1.22, table and growth our own.
 * Differences: an update never rewrites the key; a NaN is stored with a payload of its own, so
 * that each is found again when the table grows.
 */
#include "maptable.h"

#include <bosk/map.h>

#include <errno.h>

#define ROW4(n) \
    (n) * 0x01010101u, ((n) + 1u) * 0x01010101u, ((n) + 2u) * 0x01010101u, ((n) + 3u) * 0x01010101u
#define ROW16(n) ROW4(n), ROW4((n) + 4u), ROW4((n) + 8u), ROW4((n) + 12u)
#define ROW64(n) ROW16(n), ROW16((n) + 16u), ROW16((n) + 32u), ROW16((n) + 48u)
/* Tag 0 is taken, so hashes that begin with 0 share the tag of those that begin with 8. */
const uint32_t bosk_map_tags[256] = {
    8 * 0x01010101u, 1 * 0x01010101u, 2 * 0x01010101u, 3 * 0x01010101u, ROW4(4u),
    ROW4(8u),        ROW4(12u),       ROW16(16u),      ROW16(32u),      ROW16(48u),
    ROW64(64u),      ROW64(128u),     ROW64(192u)};

/* ---- randomness ---- */

static uint64_t secret[2];
static bool secret_known;
static size_t drawn;

uint64_t boski_map_random(void)
{
    if (BOSK_UNLIKELY(!__atomic_load_n(&secret_known, __ATOMIC_ACQUIRE))) {
        static struct boski_lock lock;
        boski_lock(&lock);
        if (!secret_known) {
            secret[0] = boski_os_random();
            secret[1] = boski_os_random() | 1;
        }
        __atomic_store_n(&secret_known, true, __ATOMIC_RELEASE);
        boski_unlock(&lock);
    }
    const uint64_t n = __atomic_add_fetch(&drawn, 1, __ATOMIC_RELAXED);
    const uint64_t x = boski_fold(n * 0x9e3779b97f4a7c15u ^ secret[0], secret[1]);
    return boski_fold(x ^ secret[1], secret[0] ^ 0xd1b54a32d192ed03u);
}

static void choose_seed(bosk_map *m)
{
    if (boski_conf.mapseed != 0) {
        m->seed = boski_fold(boski_conf.mapseed ^ 0x9e3779b97f4a7c15u, 0xd1b54a32d192ed03u);
        m->mult = boski_fold(m->seed ^ 0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu) | 1;
    } else {
        m->seed = boski_map_random();
        m->mult = boski_map_random() | 1;
    }
}

void bosk_map_nan(void *key, uint32_t bytes)
{
    const uint64_t r = boski_map_random();
    if (bytes == 4) {
        const uint32_t bits = 0x7fc00000u | (uint32_t)(r & 0x803fffffu);
        memcpy(key, &bits, 4);
    } else {
        const uint64_t bits = 0x7ff8000000000000u | (r & 0x8007ffffffffffffu);
        memcpy(key, &bits, 8);
    }
}

/* ---- what cannot go on ---- */

void bosk_map_racing(const char *what) { bosk_fatal("%s", what); }
void bosk_map_nil(void) { bosk_panic("assignment to entry in nil map"); }
void bosk_map_no_memory(void) { bosk_fatal("runtime: out of memory"); }

static bosk_map_event_fn observer;
bosk_map_event_fn bosk_on_map_event(bosk_map_event_fn fn)
{
    return __atomic_exchange_n(&observer, fn, __ATOMIC_ACQ_REL);
}
void boski_map_tell(const bosk_map *m, int event)
{
    const bosk_map_event_fn fn = __atomic_load_n(&observer, __ATOMIC_ACQUIRE);
    if (BOSK_UNLIKELY(fn != NULL)) fn(m, (enum bosk_map_event)event);
}

/* ---- making and freeing -------------------------------------------------------------------- */

static const bosk_type header_type = {.size = sizeof(bosk_map), .align = 64, .noscan = false};

bosk_map *bosk_try_map_new(const bosk_map_type *type, long long hint, bosk_hash_fn hash,
                           bosk_equal_fn equal, void *context)
{
    const bosk_home home = bosk_home_current();
    bosk_map *m = bosk_alloc_in(home, &header_type, 1, true);
    if (m == NULL) return NULL;
    memset(m, 0, sizeof *m);
    m->type = *type;
    m->home = home;
    m->pointer_free = type->noscan;
    m->type.noscan =
        type->noscan || (home.kind != BOSK_HOME_COLLECTED && home.kind != BOSK_HOME_ROOT);
    m->hash = hash;
    m->equal = equal;
    m->context = context;
    m->load256 = 208;
    choose_seed(m);
    boski_map_drop(m);
    /* As in Go a hint is a hint: one that cannot be served is none. */
    if (hint > BOSK_MAP_GROUP && (unsigned long long)hint <= PTRDIFF_MAX)
        m->least = bosk_try_map_reserve(m, hint);
    m->least = 0;
    boski_map_marks(m);
    return m;
}
bosk_map *bosk_map_new(const bosk_map_type *type, long long hint, bosk_hash_fn hash,
                       bosk_equal_fn equal, void *context)
{
    bosk_map *m = bosk_try_map_new(type, hint, hash, equal, context);
    if (m == NULL) bosk_map_no_memory();
    return m;
}

bool bosk_map_free_step(bosk_map *m, size_t blocks)
{
    if (m == NULL) return true;
    boski_map_begin(m);
    if (m->nblocks != 0) boski_map_drop(m);
    const bool all = boski_map_bury(m, blocks);
    boski_map_end(m);
    if (all) boski_map_release(m, m);
    return all;
}
void bosk_map_free(bosk_map *m)
{
    while (!bosk_map_free_step(m, SIZE_MAX)) {}
}

void bosk_map_clear(bosk_map *m)
{
    if (m == NULL || m->count == 0) return;
    boski_map_begin(m);
    boski_map_drop(m);
    choose_seed(m);
    boski_map_tell(m, BOSK_MAP_CLEARED);
    boski_map_end(m);
}

/* ---- changes that take the slow path ------------------------------------------------------- */

char *bosk_map_insert(bosk_map *m, uint64_t h)
{
    if (BOSK_UNLIKELY(m->dead != NULL) && boski_map_bury(m, 2)) boski_map_marks(m);
    for (;;) {
        if (m->phase == BOSKI_MAP_GROWING || m->count >= boski_map_room(m, m->limit)) {
            /* Without memory to grow the table stays fuller than it should, up to a point. */
            if (!boski_map_grow(m) && m->count / BOSK_MAP_GROUP >= m->limit - m->limit / 16)
                return NULL;
        }
        char *slot = boski_map_take(m, boski_map_home(m, h), (uint8_t)bosk_map_tags[h >> 56]);
        if (BOSK_LIKELY(slot != NULL)) {
            m->count++;
            return slot;
        }
        /* No table yet, or hashes so alike that a small one has no room. */
        if (!boski_map_on_rung(m) || !boski_map_rebuild(m, boski_map_next_rung(m))) return NULL;
    }
}

void bosk_map_deleted(bosk_map *m)
{
    if (m->dead != NULL) {
        if (boski_map_bury(m, 2)) boski_map_marks(m);
        return;
    }
    const size_t room = boski_map_room(m, m->limit);
    if (boski_map_on_rung(m) || m->limit <= m->least ||
        (m->phase != BOSKI_MAP_SHRINKING && m->count >= room / BOSKI_MAP_SPARSE)) {
        boski_map_marks(m);
        return;
    }
    if (m->phase != BOSKI_MAP_SHRINKING) boski_map_tell(m, BOSK_MAP_SHRINKS);
    m->phase = BOSKI_MAP_SHRINKING;
    boski_map_shrink_step(m);
    if (boski_map_on_rung(m) || m->limit <= m->least || m->limit == 1 ||
        m->count >= boski_map_room(m, m->limit) / 8 * 5) {
        m->phase = BOSKI_MAP_STEADY;
        boski_map_tell(m, BOSK_MAP_SHRUNK);
    }
    boski_map_marks(m);
}

/* Deletes the entry in `slot`, whatever its key is equal to. */
void boski_map_remove(bosk_map *m, char *slot)
{
    const bosk_map_type *t = &m->type;
    boski_map_begin(m);
    size_t p = boski_map_home(m, boski_map_hash(m, slot, t));
    for (;; p++) {
        const boski_place at = boski_map_at(m, p, t);
        const size_t off = (size_t)(slot - at.slots);
        if (off < BOSK_MAP_GROUP * (size_t)t->slot_bytes && slot >= at.slots) {
            at.g->tag[off / t->slot_bytes] = 0;
            break;
        }
        if (at.g->over != 255) at.g->over--;
    }
    m->deletes++;
    if (!t->noscan) memset(slot, 0, t->slot_bytes);
    if (--m->count < m->shrink_at) bosk_map_deleted(m);
    boski_map_end(m);
}

/* ---- all at once --------------------------------------------------------------------------- */

bool bosk_try_map_reserve(bosk_map *m, long long n)
{
    if (m == NULL) bosk_map_nil();
    if (n <= 0) return true;
    if ((unsigned long long)n > PTRDIFF_MAX / (size_t)m->type.slot_bytes / 2) {
        errno = ENOMEM;
        return false;
    }
    size_t homes = 1;
    while (boski_map_room(m, homes) < (size_t)n) homes *= 2;
    bool ok = true;
    boski_map_begin(m);
    (void)boski_map_bury(m, SIZE_MAX);
    boski_map_marks(m);
    if (m->limit < homes || m->groups == 0) {
        if (m->count == 0 || (boski_map_on_rung(m) && homes <= boski_map_block_groups(m))) {
            ok = boski_map_prepare(m, homes);
        } else {
            while (ok && (m->limit < homes || m->phase == BOSKI_MAP_GROWING))
                ok = boski_map_grow(m);
        }
    }
    if (ok && m->least < homes) m->least = homes;
    boski_map_marks(m);
    boski_map_end(m);
    if (!ok) errno = ENOMEM;
    return ok;
}
void bosk_map_reserve(bosk_map *m, long long n)
{
    if (!bosk_try_map_reserve(m, n)) bosk_map_no_memory();
}

void bosk_map_shrink(bosk_map *m)
{
    if (m == NULL) return;
    boski_map_begin(m);
    (void)boski_map_bury(m, SIZE_MAX);
    m->least = 0;
    if (m->count == 0) {
        boski_map_drop(m);
        (void)boski_map_bury(m, SIZE_MAX);
    }
    while (!boski_map_on_rung(m) && m->limit > 1 && m->count < boski_map_room(m, m->limit) / 8 * 5)
        boski_map_shrink_step(m);
    m->phase = BOSKI_MAP_STEADY;
    boski_map_marks(m);
    boski_map_end(m);
}

void bosk_map_max_load(bosk_map *m, double load)
{
    if (!(load >= 0.25 && load <= 0.95))
        bosk_panic("bosk: max_load of a map must be from 0.25 to 0.95");
    if (m == NULL) bosk_map_nil();
    boski_map_begin(m);
    m->load256 = (uint32_t)(load * 256 + 0.5);
    boski_map_marks(m);
    boski_map_end(m);
}

/* ---- the type-erased operations, for programs without the macros --------------------------- */

void *bosk_map_find(const bosk_map *m, const void *key)
{
    return m == NULL ? NULL : boski_map_find(m, key, &m->type);
}
void *bosk_try_map_ref(bosk_map *m, const void *key, bool *fresh)
{
    if (m == NULL) bosk_map_nil();
    void *v = boski_map_ref(m, key, &m->type, fresh);
    if (v != NULL && *fresh) memset(v, 0, m->type.val_bytes);
    return v;
}
bool bosk_map_delete(bosk_map *m, const void *key)
{
    return m != NULL && boski_map_delete(m, key, &m->type);
}
void *bosk_map_find_as(const bosk_map *m, const void *key, bosk_hash_fn hash, bosk_equal_fn equal,
                       void *context)
{
    if (m == NULL) return NULL;
    boski_map_reading(m);
    uint64_t h = hash(key, m->seed, context);
    /* Other kinds give what they would have hashed to, as it is. */
    if (m->type.kind == BOSK_MAP_FN) h = boski_hash_word(h, m->seed);
    for (size_t p = boski_map_home(m, h);; p++) {
        const boski_place at = boski_map_at(m, p, &m->type);
        boski_bits hits = boski_group_match(at.g, bosk_map_tags[h >> 56]);
        for (; hits != 0; hits &= hits - 1) {
            char *slot = at.slots + BOSKI_CTZ(hits) * (size_t)m->type.slot_bytes;
            if (equal(slot, key, context)) return slot + m->type.val_at;
        }
        if (at.g->over == 0) return NULL;
    }
}
