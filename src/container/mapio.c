/* mapio.c - maps of pointer-free keys and values as bytes.
 *
 *     header (48 bytes) | count times: key, value | checksum of all before (8 bytes)
 *
 * In the byte order and word size of the machine, which the header names; hashes are not kept, so a
 * dump loads into a map of any seed.  A load looks at everything before it changes anything.
 */
#include "maptable.h"

#include <bosk/map.h>
#include <errno.h>

struct header {
    char magic[8];
    uint32_t order; /* 0x01020304 */
    uint8_t word, kind, version, zero;
    uint32_t key_bytes, val_bytes;
    uint64_t count;
    uint64_t reserved;
    uint64_t sum; /* of the header with 0 here */
};
_Static_assert(sizeof(struct header) == 48, "the layout is fixed");

static const char magic[8] = {'B', 'O', 'S', 'K', 'M', 'A', 'P', '\n'};
/* Not secret: against accidents, not against forgery. */
#define SUM_SEED 0x243f6a8885a308d3u
#define SUM_MULT 0x9fb21c651e98df25u

static uint64_t sum_more(uint64_t sum, const void *p, size_t n)
{
    const char *at = p;
    while (n > 0) { /* pieces that never take the path chosen by the processor */
        const size_t k = n < 64 ? n : 64;
        sum = boski_hash_bytes(at, k, sum ^ SUM_SEED, SUM_MULT) * 31 + (sum >> 7);
        at += k;
        n -= k;
    }
    return sum;
}

static struct header header_of(const bosk_map *m)
{
    struct header h;
    memset(&h, 0, sizeof h);
    memcpy(h.magic, magic, sizeof magic);
    h.order = 0x01020304;
    h.word = sizeof(void *);
    h.kind = m->type.kind;
    h.version = 1;
    h.key_bytes = m->type.key_bytes;
    h.val_bytes = m->type.val_bytes;
    h.count = m->count;
    h.sum = sum_more(0, &h, sizeof h);
    return h;
}

int bosk_map_dump(const bosk_map *m, bosk_map_out_fn out, void *context)
{
    if (m == NULL || !m->pointer_free) return -EINVAL;
    boski_map_reading(m);
    const struct header h = header_of(m);
    const bosk_map_type *t = &m->type;
    uint64_t sum = sum_more(h.sum, &h, sizeof h);
    int err = out(&h, sizeof h, context);
    for (size_t p = 0; err == 0 && p < m->groups; p++) {
        const boski_place at = boski_map_at(m, p, t);
        boski_bits full = ~boski_group_empty(at.g) & BOSKI_ALL;
        for (; err == 0 && full != 0; full &= full - 1) {
            const char *slot = at.slots + BOSKI_CTZ(full) * (size_t)t->slot_bytes;
            sum = sum_more(sum, slot, t->key_bytes);
            err = out(slot, t->key_bytes, context);
            if (err != 0 || t->val_bytes == 0) continue;
            sum = sum_more(sum, slot + t->val_at, t->val_bytes);
            err = out(slot + t->val_at, t->val_bytes, context);
        }
    }
    return err != 0 ? err : out(&sum, sizeof sum, context);
}

static int refuse(int err, const char *text, const char **why)
{
    if (why != NULL) *why = text;
    return err;
}

/* Whether `bytes` are a whole dump that fits `m`. */
static int look(const bosk_map *m, const char *bytes, size_t n, struct header *h, const char **why)
{
    if (n < sizeof *h) return refuse(-EBADMSG, "shorter than the header of a map", why);
    memcpy(h, bytes, sizeof *h);
    if (memcmp(h->magic, magic, sizeof magic) != 0)
        return refuse(-EBADMSG, "not the dump of a map", why);
    if (h->order != 0x01020304 || h->word != sizeof(void *))
        return refuse(-EINVAL, "written on another architecture", why);
    struct header plain = *h;
    plain.sum = 0;
    if (sum_more(0, &plain, sizeof plain) != h->sum || h->version != 1)
        return refuse(-EBADMSG, "the header has been changed", why);
    if (h->kind != m->type.kind || h->key_bytes != m->type.key_bytes ||
        h->val_bytes != m->type.val_bytes)
        return refuse(-EINVAL, "keys or values of another type", why);
    const uint64_t entry = (uint64_t)h->key_bytes + h->val_bytes, rest = n - sizeof *h;
    if (rest < sizeof(uint64_t) || entry == 0 || h->count > (rest - sizeof(uint64_t)) / entry ||
        h->count * entry != rest - sizeof(uint64_t))
        return refuse(-EBADMSG, "cut off, or with bytes behind its end", why);
    uint64_t sum = sum_more(h->sum, h, sizeof *h), want;
    const char *at = bytes + sizeof *h;
    for (uint64_t i = 0; i < h->count; i++, at += entry) {
        sum = sum_more(sum, at, h->key_bytes);
        if (h->val_bytes != 0) sum = sum_more(sum, at + h->key_bytes, h->val_bytes);
    }
    memcpy(&want, at, sizeof want);
    if (sum != want) return refuse(-EBADMSG, "the checksum does not fit: changed since", why);
    return 0;
}

/* A copy of the key that is aligned as keys are. */
static bool put(bosk_map *m, char *key, const char *at)
{
    bool fresh;
    memcpy(key, at, m->type.key_bytes);
    char *v = boski_map_ref(m, key, &m->type, &fresh);
    if (v == NULL) return false;
    if (m->type.val_bytes != 0) memcpy(v, at + m->type.key_bytes, m->type.val_bytes);
    return true;
}

int bosk_map_load(bosk_map *m, const void *bytes, size_t n, const char **why)
{
    struct header h;
    if (m == NULL) bosk_map_nil();
    if (!m->pointer_free) return refuse(-EINVAL, "keys or values may hold pointers", why);
    if (m->count != 0) return refuse(-EINVAL, "the map is not empty", why);
    const int err = look(m, bytes, n, &h, why);
    if (err != 0) return err;
    const size_t align = m->type.align > 16 ? m->type.align : 16;
    char *key = bosk_aligned_alloc(align, (m->type.key_bytes + align - 1) & ~(align - 1));
    const size_t least = m->least;
    bool ok = key != NULL && bosk_try_map_reserve(m, (long long)h.count);
    const char *at = (const char *)bytes + sizeof h;
    for (uint64_t i = 0; ok && i < h.count; i++, at += h.key_bytes + h.val_bytes)
        ok = put(m, key, at);
    bosk_free(key);
    m->least = least;
    boski_map_marks(m);
    if (ok && m->count == h.count) return 0;
    bosk_map_clear(m);
    return ok ? refuse(-EBADMSG, "a key comes twice", why) : refuse(-ENOMEM, "no memory", why);
}
