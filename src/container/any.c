/* any.c - boxing, comparing and hashing values of any type; the register of types.
 *
 * A type is found by name, size, alignment and kind in a table that only grows.  Each place in a
 * program asks once and keeps the address.  Locking: `lock` guards the table.
 *
 * Go counterpart: runtime/iface.go (convT and relatives), alg.go (1.22).  There small numbers share
 * a table of words, too.
 */
#include "heap/mcache.h"

#include <bosk/any.h>

struct rtype {
    bosk_type type; /* first: programs have its address */
    struct rtype *next;
    uint64_t hash;
    enum bosk_any_kind kind;
    char name[];
};

#define BUCKETS 256
static struct rtype *bucket[BUCKETS];
static struct boski_lock lock;

static const struct rtype *rtype_of(const bosk_type *type)
{
    return (const struct rtype *)(const void *)type;
}

/* ---- hashing --------------------------------------------------------------------------------- */

/* Two multiplications and shifts a word: the finaliser of MurmurHash3 (Appleby, 2011). */
static uint64_t mix(uint64_t h)
{
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 33);
}
static uint64_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
    const char *at = p;
    uint64_t h = mix(seed ^ (n * 0x9e3779b97f4a7c15u)), w;
    for (; n >= 8; at += 8, n -= 8) {
        memcpy(&w, at, 8);
        h = mix(h ^ w);
    }
    w = 0;
    if (n != 0) memcpy(&w, at, n);
    return n != 0 ? mix(h ^ w ^ (uint64_t)n << 56) : h;
}
static uint64_t hash_double(double v, uint64_t seed)
{
    if (v == 0) v = 0; /* of either sign */
    if (v != v) return mix(seed ^ boski_os_random());
    return hash_bytes(&v, sizeof v, seed);
}
static uint64_t hash_long_double(long double v, uint64_t seed)
{
    /* Its padding has no value: what is rounded off is hashed as a second number. */
    double high = (double)v;
    if (high != high || high - high != 0) return hash_double(high, seed);
    return hash_double((double)(v - (long double)high), hash_double(high, seed));
}

/* ---- the register ---------------------------------------------------------------------------- */

static bool in_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
/* The name with a blank between words and before stars, and no other.  Its length. */
static size_t tidy(const char *name, char *out)
{
    size_t n = 0;
    bool gap = false;
    for (const char *at = name; *at != '\0'; at++) {
        if (*at == ' ' || *at == '\t') {
            gap = true;
            continue;
        }
        bool after = n != 0 && in_word(out[n - 1]);
        if (after && (*at == '*' || (gap && in_word(*at)))) out[n++] = ' ';
        out[n++] = *at;
        gap = false;
    }
    out[n] = '\0';
    return n;
}

static bool is_number(enum bosk_any_kind kind)
{
    return kind >= BOSK_ANY_BITS && kind <= BOSK_ANY_LONG_DOUBLE;
}

/* Lock held. */
static struct rtype *find(const char *name, const bosk_type *like, enum bosk_any_kind kind,
                          uint64_t hash)
{
    struct rtype *t = bucket[hash % BUCKETS];
    while (t != NULL && !(t->hash == hash && t->kind == kind && t->type.size == like->size &&
                          t->type.align == like->align && strcmp(t->name, name) == 0))
        t = t->next;
    return t;
}

BOSK_API const bosk_type *bosk_any_type(const bosk_type **place, const char *name, size_t size,
                                        size_t align, enum bosk_any_kind kind)
{
    size_t room = sizeof(struct rtype) + 2 * strlen(name) + 1;
    struct rtype *made = boski_heap_init() ? bosk_calloc(1, room) : NULL;
    if (made == NULL) bosk_fatal("runtime: out of memory");
    size_t n = tidy(name, made->name);
    made->type.size = size;
    made->type.align = (uint32_t)align;
    made->type.noscan = is_number(kind);
    made->type.name = made->name;
    made->kind = kind;
    made->hash = hash_bytes(made->name, n, size * 31 + align * 7 + (unsigned)kind);
    boski_lock(&lock);
    struct rtype *t = find(made->name, &made->type, kind, made->hash);
    if (t == NULL) {
        t = made;
        made = NULL;
        t->next = bucket[t->hash % BUCKETS];
        bucket[t->hash % BUCKETS] = t;
    }
    boski_unlock(&lock);
    bosk_free(made);
    __atomic_store_n(place, &t->type, __ATOMIC_RELEASE);
    return &t->type;
}

BOSK_API void bosk_any_comparable(const bosk_type *type,
                                  bool (*equal)(const void *a, const void *b),
                                  uint64_t (*hash)(const void *value, uint64_t seed))
{
    struct rtype *t = (struct rtype *)(uintptr_t)rtype_of(type);
    __atomic_store_n(&t->type.hash, hash, __ATOMIC_RELEASE);
    __atomic_store_n(&t->type.equal, equal, __ATOMIC_RELEASE);
}

/* ---- boxing ---- */

/* The words below 256.  A byte, a half or a whole word is read at the same address. */
#define W1(n) n
#define W4(n) W1(n), W1(n + 1), W1(n + 2), W1(n + 3)
#define W16(n) W4(n), W4(n + 4), W4(n + 8), W4(n + 12)
#define W64(n) W16(n), W16(n + 16), W16(n + 32), W16(n + 48)
static const uint64_t small[256] = {W64(0), W64(64), W64(128), W64(192)};
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low byte of a word comes first");

/* Read-only storage that already holds the value, or NULL. */
static const void *shared(const struct rtype *t, const void *value)
{
    uint64_t w = 0;
    size_t size = t->type.size, align = t->type.align;
    bool empty = t->kind == BOSK_ANY_STRING && ((const bosk_str *)value)->len == 0;
    if (size == 0 || empty) return &bosk_zerobase;
    if (size == 1) return &small[*(const unsigned char *)value];
    bool word = (size == 2 && align == __alignof__(uint16_t)) ||
                (size == 4 && align == __alignof__(uint32_t)) ||
                (size == 8 && align == __alignof__(uint64_t));
    if (!word || !t->type.noscan) return NULL;
    memcpy(&w, value, size);
    return w < 256 ? &small[w] : NULL;
}

BOSK_API bool bosk_any_try_make(const bosk_type *type, const void *value, bosk_any *out)
{
    const struct rtype *t = rtype_of(type);
    out->type = NULL;
    out->data = NULL;
    if (t->kind == BOSK_ANY_POINTER) {
        memcpy(&out->data, value, sizeof out->data);
    } else {
        out->data = (void *)(uintptr_t)shared(t, value);
        if (out->data == NULL) {
            out->data = bosk_alloc_in(bosk_home_current(), type, 1, false);
            if (out->data == NULL) return false;
            memcpy(out->data, value, type->size);
        }
    }
    out->type = type;
    return true;
}

BOSK_API bosk_any bosk_any_make(const bosk_type *type, const void *value)
{
    bosk_any a;
    if (!bosk_any_try_make(type, value, &a)) bosk_fatal("runtime: out of memory");
    return a;
}

BOSK_API void bosk_any_free(bosk_any *a)
{
    /* Freeing leaves alone what is not a block: the words, constants, zerobase. */
    if (a->type != NULL && rtype_of(a->type)->kind != BOSK_ANY_POINTER) bosk_freeslice(a->data);
    a->type = NULL;
    a->data = NULL;
}

BOSK_API void bosk_panic_conversion(const bosk_type *have, const bosk_type *want)
{
    bosk_panic("interface conversion: interface {} is %s, not %s",
               have != NULL ? have->name : "nil", want->name);
}

/* ---- comparing ---- */

BOSK_API bool bosk_any_equal(bosk_any a, bosk_any b)
{
    if (a.type != b.type) return false;
    if (a.type == NULL) return true;
    const struct rtype *t = rtype_of(a.type);
    bool (*equal)(const void *, const void *) = __atomic_load_n(&t->type.equal, __ATOMIC_ACQUIRE);
    switch (t->kind) {
    case BOSK_ANY_POINTER: return a.data == b.data;
    case BOSK_ANY_BITS: return memcmp(a.data, b.data, t->type.size) == 0;
    case BOSK_ANY_FLOAT: return *(const float *)a.data == *(const float *)b.data;
    case BOSK_ANY_DOUBLE: return *(const double *)a.data == *(const double *)b.data;
    case BOSK_ANY_LONG_DOUBLE: return *(const long double *)a.data == *(const long double *)b.data;
    case BOSK_ANY_STRING:
        return bosk_str_equal(*(const bosk_str *)a.data, *(const bosk_str *)b.data);
    default: break;
    }
    if (equal == NULL) bosk_panic("runtime error: comparing uncomparable type %s", t->type.name);
    return equal(a.data, b.data);
}

BOSK_API uint64_t bosk_any_hash(bosk_any a, uint64_t seed)
{
    if (a.type == NULL) return mix(seed);
    const struct rtype *t = rtype_of(a.type);
    uint64_t (*hash)(const void *, uint64_t) = __atomic_load_n(&t->type.hash, __ATOMIC_ACQUIRE);
    const bosk_str *s = a.data;
    seed ^= t->hash;
    switch (t->kind) {
    case BOSK_ANY_POINTER: return hash_bytes(&a.data, sizeof a.data, seed);
    case BOSK_ANY_BITS: return hash_bytes(a.data, t->type.size, seed);
    case BOSK_ANY_FLOAT: return hash_double((double)*(const float *)a.data, seed);
    case BOSK_ANY_DOUBLE: return hash_double(*(const double *)a.data, seed);
    case BOSK_ANY_LONG_DOUBLE: return hash_long_double(*(const long double *)a.data, seed);
    case BOSK_ANY_STRING: return hash_bytes(s->ptr, (size_t)s->len, seed);
    default: break;
    }
    if (hash == NULL) bosk_panic("runtime error: hash of unhashable type %s", t->type.name);
    return hash(a.data, seed);
}
