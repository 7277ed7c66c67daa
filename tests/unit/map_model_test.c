/* map_model_test.c - random operations on maps of many kinds against a plain array, with iterations
 * running through all of them.
 *
 * Up to three iterations are alive at any time and advance between other operations, so that each
 * of them sees growth, shrinking, deletion, clearing and new entries.  For each the model keeps
 * what was there from its beginning: that must be shown exactly once, and nothing that has been
 * deleted.
 */
#include "heap_support.h"

#include <bosk/map.h>
#include <stdio.h>

enum { ITERS = 3, KEYS_MAX = 20000 };

/* One configuration: how key number i looks, and how it is hashed. */
struct config {
    const char *name;
    unsigned kind, key_bytes, val_bytes, align;
    unsigned keys;      /* numbers of keys in play */
    unsigned hash_mode; /* of kind FN: 0 good, 1 eight values, 2 one value, 3 low bits alike */
    double load;
    bool arena_like; /* reserve now and then */
};

struct model {
    const struct config *c;
    bosk_map *map;
    size_t count;
    uint64_t value[KEYS_MAX]; /* 0: absent */
    struct walk {
        bool live;
        bosk_map_iter it;
        void *seen;
        uint8_t whole[KEYS_MAX]; /* there since the beginning */
        uint8_t shown[KEYS_MAX]; /* the present incarnation */
    } walk[ITERS];
    char (*text)[40];
};

static uint64_t bad_hash(const void *key, uint64_t seed, void *context)
{
    const struct model *m = context;
    uint32_t n;
    memcpy(&n, key, 4);
    if (m->c->hash_mode == 1) return n & 7;
    if (m->c->hash_mode == 2) return 42;
    if (m->c->hash_mode == 3) return (uint64_t)n << 56;
    return bosk_hash_bytes(key, m->c->key_bytes, seed);
}
static bool same(const void *a, const void *b, void *context)
{
    const struct model *m = context;
    return memcmp(a, b, m->c->key_bytes) == 0;
}

static void make_key(const struct model *m, unsigned n, void *key)
{
    memset(key, 0, m->c->key_bytes);
    if (m->c->kind == BOSK_MAP_STR) {
        bosk_str s = {m->text[n], (ptrdiff_t)strlen(m->text[n])};
        memcpy(key, &s, sizeof s);
    } else if (m->c->kind == BOSK_MAP_FLOAT && m->c->key_bytes == 8) {
        double d = n == 0 ? 0.0 : n * 0.5;
        memcpy(key, &d, 8);
    } else if (m->c->kind == BOSK_MAP_FLOAT) {
        float f = (float)n;
        memcpy(key, &f, 4);
    } else {
        const uint64_t v = n;
        memcpy(key, &v, m->c->key_bytes < 8 ? m->c->key_bytes : 8);
        if (m->c->key_bytes > 8) memset((char *)key + 8, (int)(n % 251), m->c->key_bytes - 8);
    }
}
static unsigned number_of(const struct model *m, const void *key)
{
    uint64_t v = 0;
    if (m->c->kind == BOSK_MAP_STR) {
        bosk_str s;
        memcpy(&s, key, sizeof s);
        return (unsigned)atoi(s.ptr + 1);
    }
    if (m->c->kind == BOSK_MAP_FLOAT && m->c->key_bytes == 8) {
        double d;
        memcpy(&d, key, 8);
        return (unsigned)(d * 2);
    }
    if (m->c->kind == BOSK_MAP_FLOAT) {
        float f;
        memcpy(&f, key, 4);
        return (unsigned)f;
    }
    memcpy(&v, key, m->c->key_bytes < 8 ? m->c->key_bytes : 8);
    return (unsigned)v;
}
static uint64_t value_at(const struct model *m, const void *v)
{
    uint64_t value = 0;
    if (m->c->val_bytes == 0) return 1;
    memcpy(&value, v, m->c->val_bytes < 8 ? m->c->val_bytes : 8);
    return value;
}

static void forget(struct model *m, unsigned n)
{
    if (m->value[n] != 0) m->count--;
    m->value[n] = 0;
    for (int i = 0; i < ITERS; i++) m->walk[i].whole[n] = m->walk[i].shown[n] = 0;
}

static void set(struct model *m, unsigned n, uint64_t value)
{
    unsigned char key[256] __attribute__((aligned(64)));
    bool fresh;
    make_key(m, n, key);
    if (m->c->val_bytes < 8) value = m->c->val_bytes == 0 ? 1 : (value & 0x7f) + 1;
    void *v = bosk_try_map_ref(m->map, key, &fresh);
    CHECK(v != NULL && fresh == (m->value[n] == 0));
    CHECK(((uintptr_t)v & (m->c->align > 8 ? 7u : 0u)) == 0);
    if (m->c->val_bytes != 0) {
        CHECK_EQ(value_at(m, v), fresh ? 0 : m->value[n]);
        memset(v, 0, m->c->val_bytes);
        memcpy(v, &value, m->c->val_bytes < 8 ? m->c->val_bytes : 8);
    }
    if (fresh) m->count++;
    m->value[n] = value;
}
static void delete_key(struct model *m, unsigned n)
{
    unsigned char key[256] __attribute__((aligned(64)));
    make_key(m, n, key);
    CHECK_EQ(bosk_map_delete(m->map, key), m->value[n] != 0);
    forget(m, n);
}
static void look(struct model *m, unsigned n)
{
    unsigned char key[256] __attribute__((aligned(64)));
    make_key(m, n, key);
    const void *v = bosk_map_find(m->map, key);
    CHECK_MSG((v != NULL) == (m->value[n] != 0), "%s: key %u", m->c->name, n);
    if (v != NULL) CHECK_EQ(value_at(m, v), m->value[n]);
}

static void walk_begin(struct model *m, struct walk *w)
{
    bosk_map_iter_init(&w->it, m->map, w->seen);
    w->live = true;
    for (unsigned n = 0; n < m->c->keys; n++) {
        w->whole[n] = m->value[n] != 0;
        w->shown[n] = 0;
    }
}
static void walk_next(struct model *m, struct walk *w, unsigned steps)
{
    while (steps-- > 0 && w->live) {
        if (bosk_map_next(&w->it)) {
            const unsigned n = number_of(m, w->it.slot);
            CHECK_MSG(n < m->c->keys && m->value[n] != 0, "%s: %u was deleted", m->c->name, n);
            CHECK_MSG(w->shown[n] == 0, "%s: %u is shown twice", m->c->name, n);
            CHECK_EQ(value_at(m, w->it.slot + m->map->type.val_at), m->value[n]);
            w->shown[n] = 1;
        } else {
            for (unsigned n = 0; n < m->c->keys; n++)
                CHECK_MSG(!w->whole[n] || w->shown[n], "%s: %u is never shown", m->c->name, n);
            w->live = false;
            bosk_map_iter_end(&w->it);
        }
    }
}

static void check(const struct model *m)
{
    const char *wrong = bosk_map_check(m->map);
    CHECK_MSG(wrong == NULL, "%s: %s", m->c->name, wrong);
    CHECK_EQ(m->map->count, m->count);
}

/* Phases make the map grow, shrink and stay: the share of insertions in 16ths. */
static void step(struct model *m, uint64_t *rng, unsigned inserts, unsigned range)
{
    const uint64_t r = bosk_test_random(rng);
    const unsigned n = (unsigned)(r >> 16) % range, what = (unsigned)(r & 15);
    struct walk *w = &m->walk[(r >> 8) % ITERS];
    if (what < inserts)
        set(m, n, (r >> 40) + 1);
    else
        delete_key(m, n);
    look(m, (unsigned)(r >> 32) % m->c->keys);
    if (!w->live && (r >> 12 & 3) == 0) walk_begin(m, w);
    walk_next(m, w, (unsigned)(r >> 12) % 6);
    if ((r >> 20 & 0x3fff) == 0) {
        bosk_map_clear(m->map);
        for (unsigned k = 0; k < m->c->keys; k++) forget(m, k);
    }
    if ((r >> 34 & 0x3fff) == 1) bosk_map_shrink(m->map);
    if (m->c->arena_like && (r >> 34 & 0x3fff) == 2) bosk_map_reserve(m->map, (long long)n);
}

static void run(const struct config *c)
{
    struct model *m = calloc(1, sizeof *m);
    const bosk_map_type type = {.key_bytes = c->key_bytes,
                                .val_bytes = c->val_bytes,
                                .val_at = c->key_bytes,
                                .slot_bytes = (c->key_bytes + c->val_bytes + c->align - 1) /
                                              c->align * c->align,
                                .align = c->align,
                                .kind = (uint8_t)c->kind,
                                .block_shift = 0,
                                .noscan = true};
    bosk_map_type t = type;
    while (((16 + 15 * (size_t)t.slot_bytes) << t.block_shift) < 65536 && t.block_shift < 12)
        t.block_shift++;
    m->c = c;
    m->map = bosk_map_new(&t, 0, c->kind == BOSK_MAP_FN ? bad_hash : NULL,
                          c->kind == BOSK_MAP_FN ? same : NULL, m);
    if (c->load != 0) bosk_map_max_load(m->map, c->load);
    for (int i = 0; i < ITERS; i++)
        m->walk[i].seen = malloc(BOSK_MAP_SEEN_BYTES((size_t)c->key_bytes));
    if (c->kind == BOSK_MAP_STR) {
        m->text = malloc(c->keys * sizeof *m->text);
        for (unsigned n = 0; n < c->keys; n++)
            snprintf(m->text[n], sizeof *m->text, n % 3 ? "k%u" : "k%u and a good deal more", n);
    }
    uint64_t rng = bosk_test_seed() ^ c->key_bytes * 77u ^ c->kind ^ c->hash_mode << 20;
    static const unsigned phase[] = {15, 8, 2, 12, 0, 16, 4};
    const uint64_t ops = bosk_test_budget(c->hash_mode == 0 ? 1000000 : 100000);
    for (uint64_t i = 0; i < ops; i++) {
        const unsigned inserts = phase[i * 21 / ops % 7];
        const unsigned range = i * 3 / ops == 0 ? (c->keys < 300 ? c->keys : 300) : c->keys;
        step(m, &rng, inserts, range);
        if ((i & 0xfff) == 0) check(m);
    }
    for (int i = 0; i < ITERS; i++) walk_next(m, &m->walk[i], UINT32_MAX);
    check(m);
    for (unsigned n = 0; n < c->keys; n++) delete_key(m, n);
    check(m);
    bosk_map_free(m->map);
    for (int i = 0; i < ITERS; i++) free(m->walk[i].seen);
    free(m->text);
    free(m);
}

#define MODEL(name, ...)                                     \
    TEST(map_model, name)                                    \
    {                                                        \
        static const struct config c = {#name, __VA_ARGS__}; \
        run(&c);                                             \
    }
MODEL(u64, BOSK_MAP_INT, 8, 8, 8, 20000, 0, 0, true)
MODEL(u32, BOSK_MAP_INT, 4, 4, 4, 20000, 0, 0, false)
MODEL(u8_set, BOSK_MAP_INT, 1, 0, 1, 200, 0, 0, false)
MODEL(u16_to_u64, BOSK_MAP_INT, 2, 8, 1, 9000, 0, 0.95, false)
MODEL(tiny, BOSK_MAP_INT, 8, 8, 8, 20, 0, 0, false)
MODEL(strings, BOSK_MAP_STR, sizeof(bosk_str), 8, 8, 12000, 0, 0, true)
MODEL(doubles, BOSK_MAP_FLOAT, 8, 8, 8, 8000, 0, 0.25, false)
MODEL(floats, BOSK_MAP_FLOAT, 4, 4, 4, 8000, 0, 0, false)
MODEL(structs, BOSK_MAP_FN, 24, 40, 8, 8000, 0, 0, false)
MODEL(large_values, BOSK_MAP_INT, 8, 256, 8, 3000, 0, 0, true)
MODEL(huge_values, BOSK_MAP_INT, 8, 6000, 8, 300, 0, 0, false)
MODEL(aligned, BOSK_MAP_FN, 64, 64, 64, 3000, 0, 0, false)
MODEL(eight_hashes, BOSK_MAP_FN, 8, 8, 8, 600, 1, 0, false)
MODEL(one_hash, BOSK_MAP_FN, 4, 8, 4, 400, 2, 0, false)
MODEL(one_hash_large, BOSK_MAP_FN, 200, 56, 8, 300, 2, 0, false)
MODEL(high_bits_only, BOSK_MAP_FN, 8, 8, 8, 3000, 3, 0, true)
