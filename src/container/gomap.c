/* gomap.c - see bosk/gomap.h.
 *
 * What depends on the seed is answered by its mean: each entry comes to any bucket with the same
 * chance, and to any part of the hash space, which is a table of its own when it has had more than
 * 896 entries.
 */
#include <bosk/gomap.h>
#include <errno.h>
#include <string.h>

#define SLOTS 8
#define INLINE_MAX 128
#define TABLE_SLOTS 1024
#define TABLE_FULL 896

static bool wide(bosk_arch arch) { return arch == BOSK_AMD64 || arch == BOSK_ARM64; }
static uint64_t word_of(const bosk_map_profile *p) { return wide(p->arch) ? 8 : 4; }
static uint64_t max_alloc(const bosk_map_profile *p)
{
    return wide(p->arch) ? (uint64_t)1 << 48 : UINT32_MAX;
}

static uint64_t block(const bosk_map_profile *p, uint64_t size, bool noscan)
{
    bosk_go_block b;
    return bosk_go_block_of(p->minor, p->arch, size, noscan, &b) == 0 ? b.bytes : 0;
}

/* ---- layout ---- */

static bool by_pointer(bosk_go_type *t, uint32_t word)
{
    if (t->size <= INLINE_MAX) return false;
    *t = (bosk_go_type){.size = word, .align = word, .noscan = false, .ptr_bytes = word};
    return true;
}

static uint32_t up(uint32_t n, uint32_t align) { return (n + align - 1) & ~(align - 1); }

static void swiss_layout(bosk_map_profile *p, const bosk_go_type *key, const bosk_go_type *value)
{
    uint32_t align = key->align > value->align ? key->align : value->align;
    uint32_t end = up((uint32_t)key->size, value->align) + (uint32_t)value->size;
    /* A last field of no size must not point behind the slot. */
    if (value->size == 0 && end != 0) end++;
    p->slot_bytes = up(end, align);
    p->unit_bytes = 8 + SLOTS * p->slot_bytes;
    if (p->slot_bytes == 0) p->unit_bytes += wide(p->arch) ? 8 : 4;
    p->header_bytes = wide(p->arch) ? 48 : 32;
    p->load_num = 7;
    p->load_den = 8;
}

static void bucket_layout(bosk_map_profile *p)
{
    p->slot_bytes = p->key_bytes + p->value_bytes;
    p->unit_bytes = 8 + SLOTS * p->slot_bytes + (uint32_t)word_of(p);
    p->header_bytes = wide(p->arch) ? 48 : 28;
    p->load_num = p->minor == 21 ? 12 : 13;
    p->load_den = 16;
}

BOSK_API int bosk_map_profile_of(unsigned minor, bosk_arch arch, const char *key, const char *value,
                                 bosk_map_profile *out)
{
    bosk_go_type k, v;
    if (bosk_growth_go(minor) == NULL) return -EINVAL;
    int error = bosk_go_layout(arch, key, &k, NULL, NULL, NULL);
    if (error == 0) error = bosk_go_layout(arch, value, &v, NULL, NULL, NULL);
    if (error != 0) return error;
    bosk_map_profile p = {.minor = minor, .arch = arch, .swiss = minor >= 24};
    uint32_t word = (uint32_t)word_of(&p);
    p.key_by_pointer = by_pointer(&k, word);
    p.value_by_pointer = by_pointer(&v, word);
    p.key_bytes = (uint32_t)k.size;
    p.value_bytes = (uint32_t)v.size;
    p.noscan = k.noscan && v.noscan;
    if (p.swiss)
        swiss_layout(&p, &k, &v);
    else
        bucket_layout(&p);
    *out = p;
    return 0;
}

/* ---- shapes ---- */

/* Go's overLoadFactor. */
static bool over(const bosk_map_profile *p, uint64_t count, uint32_t log2)
{
    return count > SLOTS && count > p->load_num * (((uint64_t)1 << log2) / 2);
}

static void bucket_shape(const bosk_map_profile *p, uint32_t log2, bosk_map_shape *out)
{
    uint64_t buckets = (uint64_t)1 << log2, all = buckets;
    *out = (bosk_map_shape){.log2 = log2, .slots = buckets * SLOTS};
    if (log2 >= 4) {
        all += (uint64_t)1 << (log2 - 4);
        /* The slack of the block becomes buckets too. */
        uint64_t bytes = all * p->unit_bytes;
        bool noscan = p->noscan || p->minor < 22;
        uint64_t rounded = bosk_rounded(bosk_growth_go(p->minor), p->arch, bytes, noscan);
        if (rounded != bytes) all = rounded / p->unit_bytes;
        out->spare = all - buckets;
    }
    out->grows_at = log2 == 0 ? SLOTS + 1 : (int64_t)(p->load_num * (buckets / 2) + 1);
}

static int64_t full(uint64_t slots) { return slots <= SLOTS ? SLOTS : (int64_t)(slots / 8 * 7); }

static uint64_t power_of_two(uint64_t n)
{
    uint64_t p = 1;
    while (p < n) p *= 2;
    return p;
}

static void swiss_hint(const bosk_map_profile *p, uint64_t hint, bosk_map_shape *out)
{
    uint64_t target, bytes;
    *out = (bosk_map_shape){.slots = SLOTS, .grows_at = SLOTS + 1};
    if (hint <= SLOTS || __builtin_mul_overflow(hint, (uint64_t)8, &target)) return;
    if (!wide(p->arch) && target > UINT32_MAX) return;
    target /= 7;
    uint64_t dir = power_of_two((target + TABLE_SLOTS - 1) / TABLE_SLOTS);
    if (__builtin_mul_overflow(dir * TABLE_SLOTS, (uint64_t)p->unit_bytes, &bytes) ||
        bytes > max_alloc(p))
        return;
    uint64_t slots = power_of_two(target / dir);
    if (slots < SLOTS) slots = SLOTS;
    while ((uint64_t)1 << out->log2 < dir) out->log2++;
    out->tables = dir;
    out->slots = dir * slots;
    out->grows_at = full(slots) + 1;
}

BOSK_API void bosk_map_hint(const bosk_map_profile *p, int64_t hint, bosk_map_shape *out)
{
    uint64_t want = hint > 0 ? (uint64_t)hint : 0, bytes;
    if (p->swiss) {
        swiss_hint(p, want, out);
        return;
    }
    if (__builtin_mul_overflow(want, (uint64_t)p->unit_bytes, &bytes) || bytes > max_alloc(p))
        want = 0;
    uint32_t log2 = 0;
    while (over(p, want, log2)) log2++;
    bucket_shape(p, log2, out);
}

BOSK_API void bosk_map_grow(const bosk_map_profile *p, bosk_map_shape *s)
{
    if (!p->swiss) {
        bucket_shape(p, s->log2 + 1, s);
        return;
    }
    uint64_t slots = s->tables != 0 ? s->slots / s->tables : s->slots;
    if (s->tables == 0)
        s->tables = 1;
    else if (slots == TABLE_SLOTS) {
        s->tables *= 2;
        s->log2++;
    }
    s->slots *= 2;
    slots = s->slots / s->tables;
    /* Each table may take that many; on average all have had as many when the first is full. */
    s->grows_at = full(slots) * (int64_t)s->tables + 1;
}

/* ---- bytes ---- */

static double table_bytes(const bosk_map_profile *p, uint64_t slots)
{
    return (double)block(p, slots / SLOTS * p->unit_bytes, p->noscan) +
           (double)block(p, wide(p->arch) ? 32 : 24, false);
}

static uint64_t extra_bytes(const bosk_map_profile *p) { return block(p, 3 * word_of(p), false); }

BOSK_API uint64_t bosk_map_shape_bytes(const bosk_map_profile *p, const bosk_map_shape *s)
{
    uint64_t bytes = block(p, p->header_bytes, false);
    if (!p->swiss) {
        uint64_t buckets = s->slots / SLOTS + s->spare;
        return bytes + block(p, buckets * p->unit_bytes, p->noscan) +
               (s->spare != 0 ? extra_bytes(p) : 0);
    }
    if (s->tables == 0) return bytes + block(p, p->unit_bytes, p->noscan);
    uint64_t directory = block(p, word_of(p) << s->log2, false);
    return bytes + directory + s->tables * (uint64_t)table_bytes(p, s->slots / s->tables);
}

/* Overflow buckets that one of `buckets` needs on average.  The chances of k entries (binomial) are
 * added up relative to that of none and divided by their sum, so that no power is needed. */
static double overflow_mean(double entries, double buckets)
{
    double sum = 0, all = 0, chance = 1;
    for (int k = 0; k < 200 && k <= entries; k++) {
        if (k > SLOTS) sum += chance * (double)((k - 1) / SLOTS);
        all += chance;
        chance *= (entries - k) / (k + 1) / (buckets - 1);
    }
    return sum / all;
}

/* Bytes of overflow buckets beside those that came with the array, and of the list that keeps them
 * alive where buckets hold no pointers. */
static double overflow_bytes(const bosk_map_profile *p, const bosk_map_shape *s, int64_t entries)
{
    double buckets = (double)s->slots / SLOTS, bytes = 0;
    double needed = s->log2 == 0 ? 0 : buckets * overflow_mean((double)entries, buckets);
    double any = needed < 1 ? needed : 1; /* about the chance that there are some */
    if (needed > (double)s->spare)
        bytes = (needed - (double)s->spare) * (double)block(p, p->unit_bytes, p->noscan);
    if (!p->noscan) return bytes;
    if (s->spare == 0) bytes += any * (double)extra_bytes(p);
    return bytes + any * (double)block(p, 3 * word_of(p), false) +
           1.25 * needed * (double)word_of(p);
}

static double bucket_bytes(const bosk_map_profile *p, int64_t hint, int64_t entries)
{
    bosk_map_shape s, old;
    bosk_map_hint(p, hint, &s);
    old = s;
    while (entries >= s.grows_at) {
        old = s;
        bosk_map_grow(p, &s);
    }
    double bytes = (double)bosk_map_shape_bytes(p, &s) + overflow_bytes(p, &s, entries);
    /* Each write moves two old buckets, one of which may have been moved: after some 0.69 (the
     * logarithm of 2) writes a bucket all have, and until then the old array stays.  The write that
     * makes it grow moves one or two at once. */
    double writes = (double)(entries - old.grows_at + 1);
    if (s.log2 != old.log2 && old.log2 > 1 && writes < 0.69 * (double)old.slots / SLOTS)
        bytes += (double)(bosk_map_shape_bytes(p, &old) - block(p, p->header_bytes, false)) +
                 overflow_bytes(p, &old, old.grows_at - 1);
    return bytes;
}

/* The chance that more than 896 entries arrive where `mean` are expected, added up around the mean.
 */
static double splits(double mean)
{
    if (mean > 2.0 * TABLE_FULL) return 1;
    if (mean < TABLE_FULL / 2.0) return 0;
    int mode = (int)mean;
    double all = 0, above = 0, chance = 1;
    for (int k = mode; chance > 1e-18; k++) {
        all += chance;
        if (k > TABLE_FULL) above += chance;
        chance *= mean / (k + 1);
    }
    chance = (double)mode / mean;
    for (int k = mode - 1; k >= 0 && chance > 1e-18; k--) {
        all += chance;
        if (k > TABLE_FULL) above += chance;
        chance *= (double)k / mean;
    }
    return above / all;
}

static double swiss_bytes(const bosk_map_profile *p, const bosk_map_shape *hinted, int64_t entries)
{
    bosk_map_shape s = *hinted;
    while (s.tables <= 1 && entries >= s.grows_at && s.log2 == 0) {
        uint64_t slots = s.slots;
        bosk_map_grow(p, &s);
        if (slots == TABLE_SLOTS) break;
    }
    if (s.tables <= 1) return (double)bosk_map_shape_bytes(p, &s);
    /* A part of the hash space is a table of its own when it has had more than 896 entries. */
    double tables = hinted->tables > 1 ? (double)hinted->tables : 1, depth = 0;
    for (uint32_t d = hinted->tables > 1 ? hinted->log2 : 0; d < 48; d++) {
        double parts = (double)((uint64_t)1 << d), chance = splits((double)entries / parts);
        if (d == 0) chance = entries > TABLE_FULL;
        tables += parts * chance;
        /* More likely than not one of the parts has split. */
        if (parts * chance > 0.69 || d < hinted->log2) depth = d + 1;
    }
    if (depth < hinted->log2) depth = hinted->log2;
    uint64_t slots = TABLE_SLOTS;
    if (hinted->tables > 1 && hinted->slots / hinted->tables < TABLE_SLOTS &&
        entries <= full(hinted->slots / hinted->tables) * (int64_t)hinted->tables)
        slots = hinted->slots / hinted->tables;
    return (double)block(p, p->header_bytes, false) +
           (double)block(p, word_of(p) << (unsigned)depth, false) + tables * table_bytes(p, slots);
}

BOSK_API double bosk_map_bytes(const bosk_map_profile *p, int64_t hint, int64_t entries)
{
    bosk_map_shape s;
    bosk_map_hint(p, hint, &s);
    if (entries <= 0 && s.slots <= SLOTS) return (double)block(p, p->header_bytes, false);
    if (p->swiss) return swiss_bytes(p, &s, entries);
    return bucket_bytes(p, hint, entries);
}
