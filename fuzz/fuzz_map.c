/* fuzz_map.c - bytes choose operations on a map whose hash they choose too, beside a plain array;
 * and bytes are loaded as the dump of a map.
 *
 * Traps when the map and the array disagree, an iteration shows an entry twice, never or after its
 * end, or the map's own rules are broken.
 */
#include <bosk/map.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef BOSK_MAP_FN_POINTER_FREE(uint16_t, uint32_t) table;
typedef BOSK_MAP(uint64_t, uint32_t) plain;

enum { KEYS = 2048 };
static uint32_t value[KEYS]; /* 0: absent */
static uint8_t whole[KEYS], shown[KEYS];
static size_t count;
static unsigned mode;

static void expect_at(bool ok, int line)
{
    if (ok) return;
    fprintf(stderr, "fuzz_map.c:%d: not as expected\n", line);
    abort();
}
#define expect(condition) expect_at(condition, __LINE__)

static uint64_t hash(const void *key, uint64_t seed, void *context)
{
    uint16_t k;
    (void)context;
    memcpy(&k, key, sizeof k);
    switch (mode) {
    case 0: return bosk_hash_u64(k, seed);
    case 1: return k & 3;
    case 2: return k >> 6;
    default: return 0;
    }
}
static bool equal(const void *a, const void *b, void *context)
{
    (void)context;
    return memcmp(a, b, sizeof(uint16_t)) == 0;
}
static void forget(unsigned k)
{
    count -= value[k] != 0;
    value[k] = 0;
    whole[k] = shown[k] = 0;
}

static void show_next(table m, bosk_map_iter *it, bool *live)
{
    if (!*live) return;
    if (bosk_map_next(it)) {
        uint16_t k;
        uint32_t v;
        memcpy(&k, it->slot, sizeof k);
        memcpy(&v, it->slot + m.map->type.val_at, sizeof v);
        expect(k < KEYS && value[k] == v && v != 0 && !shown[k]);
        shown[k] = 1;
        return;
    }
    for (unsigned k = 0; k < KEYS; k++) expect(!whole[k] || shown[k]);
    *live = false;
}
static void begin(table m, bosk_map_iter *it, void *seen, bool *live)
{
    bosk_map_iter_end(it);
    bosk_map_iter_init(it, m.map, seen);
    *live = true;
    for (unsigned k = 0; k < KEYS; k++) {
        whole[k] = value[k] != 0;
        shown[k] = 0;
    }
}

static void one(table m, unsigned op, uint16_t k, bosk_map_iter *it, void *seen, bool *live)
{
    const uint32_t v = (uint32_t)op * 77 + k + 1;
    switch (op % 8) {
    case 0:
    case 1:
    case 2:
        bosk_set(m, k, v);
        count += value[k] == 0;
        value[k] = v;
        break;
    case 3:
        for (unsigned i = 0; i < 40; i++) { /* a run, so that short inputs grow the table */
            const uint16_t j = (uint16_t)((k + i * 7u) % KEYS);
            bosk_set(m, j, v);
            count += value[j] == 0;
            value[j] = v;
        }
        break;
    case 4:
        expect(bosk_delete(m, k) == (value[k] != 0));
        forget(k);
        break;
    case 5:
        for (unsigned i = 0; i < 60; i++) {
            const uint16_t j = (uint16_t)((k + i * 5u) % KEYS);
            expect(bosk_delete(m, j) == (value[j] != 0));
            forget(j);
        }
        break;
    case 6:
        for (unsigned i = 0; i < 1 + (op >> 3); i++) show_next(m, it, live);
        break;
    default:
        if (op >> 3 == 0) bosk_clear_map(m);
        if (op >> 3 == 0)
            for (unsigned j = 0; j < KEYS; j++) forget(j);
        if (op >> 3 == 1) bosk_map_shrink(m.map);
        if (op >> 3 == 2) bosk_map_reserve(m.map, k);
        if (op >> 3 > 2) begin(m, it, seen, live);
        break;
    }
    expect(bosk_get(m, k) == value[k] && (size_t)bosk_map_len(m) == count);
}

static void operations(const uint8_t *data, size_t n)
{
    static unsigned char seen[BOSK_MAP_SEEN_BYTES(sizeof(uint16_t))];
    bosk_map_iter it;
    bool live = false;
    memset(&it, 0, sizeof it);
    memset(value, 0, sizeof value);
    memset(whole, 0, sizeof whole);
    memset(shown, 0, sizeof shown);
    count = 0;
    table m = bosk_make_map_fn(table, 0, hash, equal, NULL);
    for (size_t i = 0; i + 3 <= n && i < 3000; i += 3) {
        const uint16_t k = (uint16_t)((data[i + 1] | data[i + 2] << 8) % KEYS);
        one(m, data[i], k, &it, seen, &live);
        if (i % 64 == 0) expect(bosk_map_check(m.map) == NULL);
    }
    while (live) show_next(m, &it, &live);
    expect(bosk_map_check(m.map) == NULL);
    for (unsigned k = 0; k < KEYS; k++) expect(bosk_get(m, (uint16_t)k) == value[k]);
    bosk_map_iter_end(&it);
    bosk_free_map(&m);
}

static void load(const uint8_t *data, size_t n)
{
    plain m = bosk_make_map(plain, 0);
    const char *why = NULL;
    const int err = bosk_map_load(m.map, data, n, &why);
    expect(err <= 0 && (err == 0 || (why != NULL && bosk_map_len(m) == 0)));
    expect(bosk_map_check(m.map) == NULL);
    bosk_free_map(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0) return 0;
    mode = data[0] & 3;
    if ((data[0] & 0x80) != 0)
        load(data + 1, n - 1);
    else
        operations(data + 1, n - 1);
    return 0;
}
