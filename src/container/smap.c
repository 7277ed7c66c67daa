/* smap.c - maps that threads share: 64 shards, each a map behind a lock.
 *
 * A key's shard is told by bits of its hash that neither homes nor tags of the shard's map use: the
 * hash is made with a seed of the whole map's own.  A shard is made when it is first written to.
 * Go counterpart: sync.Map (1.24), in what it does, not how.
 *
 * Locking: one shard's lock at a time.  It is held over what the heap does for an insertion.
 */
#include "maptable.h"

#include <bosk/smap.h>

enum { SHARDS = 64, BATCH = 64 };

struct shard {
    struct boski_lock lock;
    bosk_map *map;
} __attribute__((aligned(64)));

struct bosk_smap {
    bosk_map head; /* type, functions and seed that choose a shard; holds nothing */
    struct shard shard[SHARDS];
};

static struct shard *lock_of(bosk_smap *m, const void *key)
{
    const uint64_t h = boski_map_hash(&m->head, key, &m->head.type);
    struct shard *s = &m->shard[h >> 58];
    boski_lock(&s->lock);
    return s;
}

bosk_smap *bosk_try_smap_new(const bosk_map_type *type, bosk_hash_fn hash, bosk_equal_fn equal,
                             void *context)
{
    static const bosk_type self = {.size = sizeof(bosk_smap), .align = 64, .noscan = false};
    const bosk_home home = bosk_home_current();
    bosk_smap *m = bosk_alloc_in(home, &self, 1, true);
    if (m == NULL) return NULL;
    memset(m, 0, sizeof *m);
    m->head.type = *type;
    m->head.home = home;
    m->head.hash = hash;
    m->head.equal = equal;
    m->head.context = context;
    m->head.seed = boski_map_random();
    m->head.mult = boski_map_random() | 1;
    return m;
}
bosk_smap *bosk_smap_new(const bosk_map_type *type, bosk_hash_fn hash, bosk_equal_fn equal,
                         void *context)
{
    bosk_smap *m = bosk_try_smap_new(type, hash, equal, context);
    if (m == NULL) bosk_map_no_memory();
    return m;
}
void bosk_smap_free(bosk_smap *m)
{
    if (m == NULL) return;
    for (int i = 0; i < SHARDS; i++) bosk_map_free(m->shard[i].map);
    boski_map_release(&m->head, m);
}

static bool shard_map(bosk_smap *m, struct shard *s)
{
    if (s->map != NULL) return true;
    bosk_home_push(m->head.home);
    s->map = bosk_try_map_new(&m->head.type, 0, m->head.hash, m->head.equal, m->head.context);
    bosk_home_pop();
    return s->map != NULL;
}
static void copy(const bosk_smap *m, void *to, const void *from)
{
    if (to != NULL && from != NULL && m->head.type.val_bytes != 0)
        memcpy(to, from, m->head.type.val_bytes);
    else if (to != NULL)
        memset(to, 0, m->head.type.val_bytes);
}
static bool same(const bosk_smap *m, const void *a, const void *b)
{
    return memcmp(a, b, m->head.type.val_bytes) == 0;
}

bool bosk_smap_load_key(bosk_smap *m, const void *key, void *value)
{
    if (m == NULL) return false;
    struct shard *s = lock_of(m, key);
    const void *v = bosk_map_find(s->map, key);
    const bool found = v != NULL;
    copy(m, value, v);
    boski_unlock(&s->lock);
    return found;
}

/* What is to happen with the value found, or the new one. */
enum what { STORE, LOAD_OR_STORE, SWAP };
static int change(bosk_smap *m, const void *key, const void *in, void *out, enum what what)
{
    if (m == NULL) bosk_map_nil();
    struct shard *s = lock_of(m, key);
    bool fresh = false;
    void *v = shard_map(m, s) ? bosk_try_map_ref(s->map, key, &fresh) : NULL;
    if (v != NULL) {
        if (fresh || what == STORE) {
            copy(m, v, in);
            if (what == SWAP) copy(m, out, NULL);
        } else if (what == LOAD_OR_STORE) {
            copy(m, out, v);
        } else {
            for (uint32_t i = 0; i < m->head.type.val_bytes; i++) {
                char *x = (char *)v + i, *y = (char *)out + i, old = *x;
                *x = *y;
                *y = old;
            }
        }
    }
    boski_unlock(&s->lock);
    return v == NULL ? -1 : !fresh;
}
bool bosk_smap_try_store_key(bosk_smap *m, const void *key, const void *value)
{
    return change(m, key, value, NULL, STORE) >= 0;
}
int bosk_smap_load_or_store_key(bosk_smap *m, const void *key, void *value)
{
    return change(m, key, value, value, LOAD_OR_STORE);
}
int bosk_smap_swap_key(bosk_smap *m, const void *key, void *value)
{
    return change(m, key, value, value, SWAP);
}

bool bosk_smap_compare_and_swap_key(bosk_smap *m, const void *key, const void *expected,
                                    const void *desired)
{
    if (m == NULL) return false;
    struct shard *s = lock_of(m, key);
    void *v = bosk_map_find(s->map, key);
    const bool ok = v != NULL && same(m, v, expected);
    if (ok) copy(m, v, desired);
    boski_unlock(&s->lock);
    return ok;
}
static bool take(bosk_smap *m, const void *key, const void *expected, void *value)
{
    if (m == NULL) return false;
    struct shard *s = lock_of(m, key);
    const void *v = bosk_map_find(s->map, key);
    const bool ok = v != NULL && (expected == NULL || same(m, v, expected));
    if (expected == NULL) copy(m, value, v);
    if (ok) (void)bosk_map_delete(s->map, key);
    boski_unlock(&s->lock);
    return ok;
}
bool bosk_smap_delete_key(bosk_smap *m, const void *key, void *value)
{
    return take(m, key, NULL, value);
}
bool bosk_smap_compare_and_delete_key(bosk_smap *m, const void *key, const void *expected)
{
    return take(m, key, expected, NULL);
}

ptrdiff_t bosk_smap_len(bosk_smap *m)
{
    ptrdiff_t n = 0;
    for (int i = 0; m != NULL && i < SHARDS; i++) {
        boski_lock(&m->shard[i].lock);
        n += boski_map_len(m->shard[i].map);
        boski_unlock(&m->shard[i].lock);
    }
    return n;
}
void bosk_smap_clear(bosk_smap *m)
{
    for (int i = 0; m != NULL && i < SHARDS; i++) {
        boski_lock(&m->shard[i].lock);
        bosk_map_clear(m->shard[i].map);
        boski_unlock(&m->shard[i].lock);
    }
}

/* ---- ranging ---- */

struct batch {
    const bosk_map_type *type;
    char *slots;
    size_t n, room;
};
static void keep(const void *key, void *value, void *context)
{
    struct batch *b = context;
    if (b->n == b->room) { /* more of one home than there is room for */
        char *more = bosk_realloc(b->slots, b->room * 2 * b->type->slot_bytes);
        if (more == NULL) bosk_map_no_memory();
        b->slots = more;
        b->room *= 2;
    }
    char *slot = b->slots + b->n++ * b->type->slot_bytes;
    memcpy(slot, key, b->type->key_bytes);
    if (b->type->val_bytes != 0) memcpy(slot + b->type->val_at, value, b->type->val_bytes);
}
void bosk_smap_range(bosk_smap *m, bosk_smap_fn fn, void *context)
{
    if (m == NULL) return;
    struct batch b = {&m->head.type, NULL, 0, BATCH};
    b.slots =
        bosk_aligned_alloc(b.type->align > 16 ? b.type->align : 16, b.room * b.type->slot_bytes);
    if (b.slots == NULL) bosk_map_no_memory();
    for (int i = 0; i < SHARDS; i++) {
        struct shard *s = &m->shard[i];
        bosk_map_cursor cursor = {0};
        for (bool more = true; more;) {
            b.n = 0;
            boski_lock(&s->lock);
            more = bosk_map_scan(s->map, &cursor, BATCH / 2, keep, &b);
            boski_unlock(&s->lock);
            for (size_t k = 0; k < b.n; k++) {
                const char *slot = b.slots + k * b.type->slot_bytes;
                if (!fn(slot, slot + b.type->val_at, context)) goto out;
            }
        }
    }
out:
    bosk_free(b.slots);
}
