/* intern.c - tables of interned strings.
 *
 * A shard is an open-addressing table of pointers to entries, at most half full.  Entries and
 * tables are never changed after they are published, only slots from NULL to an entry (release), so
 * looking needs no lock: a reader that misses looks again under the lock.  An outgrown table stays
 * until the interner is freed, as readers may still be in it; all of them together are as large as
 * the last.
 *
 * Hash: SipHash-1-3 (Aumasson and Bernstein, SipHash: a fast short-input PRF, 2012).
 */
#include <bosk/intern.h>

#include "os/os.h"

#include <bosk/alloc.h>
#include <pthread.h>

#define SHARDS 16
#define FIRST_SLOTS 32
#define CHUNK_BYTES 4096 /* strings longer than a quarter have a block of their own */

struct entry {
    uint32_t hash;
    size_t len;
    char bytes[];
};
struct table {
    struct table *older;
    size_t mask;
    struct entry *slot[];
};
struct chunk {
    struct chunk *next;
    char room[];
};
struct shard {
    struct boski_lock lock;
    struct table *table;
    struct chunk *chunks;
    char *at; /* where the next entry goes, in the first chunk */
    size_t left;
    uint64_t strings, string_bytes, heap_bytes;
} __attribute__((aligned(64)));
struct bosk_interner {
    struct shard shard[SHARDS];
    uint64_t key[2];
};

static struct bosk_interner process;
static bool process_ready;

/* ---- hash ------------------------------------------------------------------------------------ */

static inline uint64_t rotate(uint64_t x, int n) { return x << n | x >> (64 - n); }

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static uint64_t siphash(const uint64_t key[2], const char *p, size_t n)
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                     key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    uint64_t word, last = (uint64_t)n << 56;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&word, p, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    for (size_t i = 0; i < n; i++) last |= (uint64_t)(unsigned char)p[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- the interner of the process ---- */

static void fork_prepare(void)
{
    for (int i = 0; i < SHARDS; i++) boski_lock(&process.shard[i].lock);
}
static void fork_release(void)
{
    for (int i = SHARDS; i-- > 0;) boski_unlock(&process.shard[i].lock);
}

static void set_key(struct bosk_interner *in)
{
    in->key[0] = boski_os_random();
    in->key[1] = boski_os_random();
}

static struct bosk_interner *of_process(void)
{
    static struct boski_lock once;
    if (BOSK_LIKELY(__atomic_load_n(&process_ready, __ATOMIC_ACQUIRE))) return &process;
    boski_lock(&once);
    if (!process_ready) {
        boski_os_init();
        set_key(&process);
        /* Our locks are taken before the heap's, whose handlers were set before: in that order. */
        void *heap = bosk_malloc(1);
        bosk_free(heap);
        (void)pthread_atfork(fork_prepare, fork_release, fork_release);
        __atomic_store_n(&process_ready, true, __ATOMIC_RELEASE);
    }
    boski_unlock(&once);
    return &process;
}

/* ---- tables ---- */

/* The entry, or the slot where it belongs. */
static struct entry *look(const struct table *t, uint32_t hash, bosk_str s, size_t *slot)
{
    size_t i = hash & t->mask;
    for (;; i = (i + 1) & t->mask) {
        struct entry *e = __atomic_load_n(&t->slot[i], __ATOMIC_ACQUIRE);
        if (e == NULL) break;
        if (e->hash == hash && e->len == (size_t)s.len && memcmp(e->bytes, s.ptr, e->len) == 0)
            return e;
    }
    if (slot != NULL) *slot = i;
    return NULL;
}

static void *take(struct shard *shard, size_t bytes, bool zero)
{
    void *p = zero ? bosk_calloc(1, bytes) : bosk_malloc(bytes);
    if (p != NULL) shard->heap_bytes += bosk_usable_size(p);
    return p;
}

/* Room for one more string; false: no memory. */
static bool grow(struct shard *shard)
{
    struct table *old = shard->table;
    size_t slots = old == NULL ? 0 : old->mask + 1;
    if (shard->strings < slots / 2) return true;
    slots = slots == 0 ? FIRST_SLOTS : 2 * slots;
    if (slots > (SIZE_MAX / 2 - sizeof *old) / sizeof(struct entry *)) return false;
    struct table *t = take(shard, sizeof *t + slots * sizeof(struct entry *), true);
    if (t == NULL) return false;
    t->older = old;
    t->mask = slots - 1;
    for (size_t i = 0; old != NULL && i <= old->mask; i++) {
        struct entry *e = old->slot[i];
        if (e == NULL) continue;
        size_t at = e->hash & t->mask;
        while (t->slot[at] != NULL) at = (at + 1) & t->mask;
        t->slot[at] = e;
    }
    __atomic_store_n(&shard->table, t, __ATOMIC_RELEASE);
    return true;
}

/* Room for an entry: in the shard's chunk, or a block of its own for a long one. */
static void *entry_room(struct shard *shard, size_t bytes)
{
    if (bytes > shard->left) {
        const bool alone = bytes > CHUNK_BYTES / 4;
        size_t room = alone ? bytes : CHUNK_BYTES - sizeof(struct chunk);
        struct chunk *c = take(shard, sizeof *c + room, false);
        if (c == NULL) return NULL;
        c->next = shard->chunks;
        shard->chunks = c;
        if (alone) return c->room;
        shard->at = c->room;
        shard->left = room;
    }
    void *p = shard->at;
    shard->at += bytes;
    shard->left -= bytes;
    return p;
}

static struct entry *new_entry(struct shard *shard, uint32_t hash, bosk_str s)
{
    const size_t align = _Alignof(struct entry);
    if ((size_t)s.len > SIZE_MAX / 2 - sizeof(struct entry)) return NULL;
    struct entry *e = entry_room(shard, (sizeof *e + (size_t)s.len + align - 1) & ~(align - 1));
    if (e == NULL) return NULL;
    e->hash = hash;
    e->len = (size_t)s.len;
    memcpy(e->bytes, s.ptr, e->len);
    return e;
}

BOSK_API bool bosk_try_intern(bosk_interner *in, bosk_str s, bosk_str *out)
{
    if (s.len <= 0) {
        *out = bosk_str_view("", 0);
        return true;
    }
    if (in == NULL) in = of_process();
    uint64_t h = siphash(in->key, s.ptr, (size_t)s.len);
    uint32_t hash = (uint32_t)h;
    struct shard *shard = &in->shard[h >> 60];
    const struct table *t = __atomic_load_n(&shard->table, __ATOMIC_ACQUIRE);
    struct entry *e = t == NULL ? NULL : look(t, hash, s, NULL);
    if (e == NULL) {
        size_t slot = 0;
        boski_lock(&shard->lock);
        bool room = grow(shard);
        if (shard->table != NULL) e = look(shard->table, hash, s, &slot);
        if (e == NULL && room && (e = new_entry(shard, hash, s)) != NULL) {
            shard->strings++;
            shard->string_bytes += e->len;
            __atomic_store_n(&shard->table->slot[slot], e, __ATOMIC_RELEASE);
        }
        boski_unlock(&shard->lock);
        if (e == NULL) return false;
    }
    *out = bosk_str_view(e->bytes, s.len);
    return true;
}

BOSK_API bosk_str bosk_intern(bosk_interner *in, bosk_str s)
{
    bosk_str found;
    if (!bosk_try_intern(in, s, &found)) bosk_fatal("runtime: out of memory");
    return found;
}

BOSK_API bosk_interner *bosk_interner_new(void)
{
    struct bosk_interner *in = bosk_aligned_alloc(64, sizeof *in);
    if (in == NULL) return NULL;
    memset(in, 0, sizeof *in);
    boski_os_init();
    set_key(in);
    return in;
}

BOSK_API void bosk_interner_free(bosk_interner *in)
{
    if (in == NULL) return;
    for (int i = 0; i < SHARDS; i++) {
        struct shard *shard = &in->shard[i];
        for (struct chunk *c = shard->chunks, *next; c != NULL; c = next) {
            next = c->next;
            bosk_free(c);
        }
        for (struct table *t = shard->table, *older; t != NULL; t = older) {
            older = t->older;
            bosk_free(t);
        }
    }
    bosk_free(in);
}

BOSK_API void bosk_interner_count(const bosk_interner *in, struct bosk_interner_counts *out)
{
    struct bosk_interner *all = in == NULL ? of_process() : (struct bosk_interner *)(uintptr_t)in;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < SHARDS; i++) {
        struct shard *shard = &all->shard[i];
        boski_lock(&shard->lock);
        out->strings += shard->strings;
        out->string_bytes += shard->string_bytes;
        out->heap_bytes += shard->heap_bytes;
        boski_unlock(&shard->lock);
    }
}
