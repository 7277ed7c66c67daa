/* mcentral.c - per class, the spans that have room and belong to no thread's cache.
 *
 * Freeing an object sets its bit in the span's table and adds to `nfree`; both are atomic, nobody
 * needs a lock for it, and 64 neighbours cost one instruction with a bus lock.  Only the two
 * moments at which a span changes hands take the class's lock: from full to partial, and from
 * partial to wholly free.  A count may lag behind the bits, never the other way round.
 *
 * Go counterpart: runtime/mcentral.go (1.22); its lock-free span sets are replaced by a lock that
 * is taken once a batch.
 */
#include "heap.h"

struct mcentral boski_central[BOSKI_NUM_SMALL];

/* ---- lists -------------------------------------------------------------------- */

static inline void set_where(struct mspan *s, enum boski_where where)
{
    __atomic_store_n(&s->where, (uint8_t)where, __ATOMIC_RELEASE);
}

static unsigned bucket_of(const struct mspan *s)
{
    int32_t now = BOSKI_LOOK(s->nfree);
    uint32_t n = now > 0 ? (uint32_t)now : 0;
    unsigned b = (unsigned)((uint64_t)n * BOSKI_BUCKETS / (s->nelems + 1));
    return b < BOSKI_BUCKETS ? b : BOSKI_BUCKETS - 1;
}
static void list_add(struct mcentral *m, struct mspan *s)
{
    unsigned b = bucket_of(s);
    s->bucket = (uint8_t)b;
    set_where(s, BOSKI_PARTIAL);
    s->stamp_ms = __atomic_load_n(&boski_tick_ms, __ATOMIC_RELAXED);
    s->prev = NULL;
    s->next = m->partial[b];
    if (s->next != NULL) s->next->prev = s;
    m->partial[b] = s;
}
static void list_remove(struct mcentral *m, struct mspan *s)
{
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        m->partial[s->bucket] = s->next;
    if (s->next != NULL) s->next->prev = s->prev;
    s->next = s->prev = NULL;
    set_where(s, BOSKI_NOWHERE);
}

static inline int32_t nfree_of(const struct mspan *s)
{
    return __atomic_load_n(&s->nfree, __ATOMIC_ACQUIRE);
}

/* For checks: what nfree should be while the process has one thread. */
static inline int32_t count_bits(const struct mspan *s)
{
    int32_t n = 0;
    for (uint32_t w = 0; w < (s->nelems + 63) / 64; w++)
        n += __builtin_popcountll(__atomic_load_n(&s->bits[w], __ATOMIC_RELAXED));
    return n;
}

/* Puts a span that no cache holds where its count says.  Lock held; returns a span to release
 * to the page heap once the lock is dropped, or NULL. */
static struct mspan *settle(struct mcentral *m, struct mspan *s)
{
    int32_t n = nfree_of(s);
    BOSKI_ASSERT(3, !boski_os_single() || count_bits(s) == n);
    if (m->empty == s) return NULL;
    if (n >= (int32_t)s->nelems) {
        if (s->where == BOSKI_PARTIAL) list_remove(m, s);
        if (m->empty == NULL && s->npages <= 8) {
            BOSKI_SET(m->empty, s);
            set_where(s, BOSKI_PARTIAL);
            s->bucket = BOSKI_BUCKETS;
            return NULL;
        }
        set_where(s, BOSKI_RELEASED);
        return s; /* from here on nobody can find it: every object is free */
    }
    if (n > 0 && s->where == BOSKI_NOWHERE) list_add(m, s);
    return NULL;
}

/* ---- spans for caches -------------------------------------------------------------- */

struct mspan *boski_central_take(unsigned c, bool *fresh)
{
    struct mcentral *m = &boski_central[c];
    struct mspan *s = NULL;
    *fresh = false;
    boski_lock(&m->lock);
    for (unsigned b = 0; b < BOSKI_BUCKETS && s == NULL; b++) {
        s = m->partial[b];
        if (s != NULL) list_remove(m, s);
    }
    if (s == NULL) {
        s = m->empty;
        BOSKI_SET(m->empty, NULL);
    }
    if (s != NULL) {
        set_where(s, BOSKI_CACHED);
        s->purged = 0;
    }
    boski_unlock(&m->lock);
    if (s != NULL) return s;

    s = boski_mheap_alloc(boski_class[c].pages, 1, c, 0);
    if (s == NULL) return NULL;
    *fresh = true;
    /* Under the lock, because a late resettle() may still know the record by its last life. */
    boski_lock(&m->lock);
    set_where(s, BOSKI_CACHED);
    boski_span_init(s, c);
    boski_unlock(&m->lock);
    return s;
}

void boski_central_put(struct mspan *s)
{
    struct mcentral *m = &boski_central[s->class_];
    boski_lock(&m->lock);
    set_where(s, BOSKI_NOWHERE);
    struct mspan *release = settle(m, s);
    boski_unlock(&m->lock);
    if (release != NULL) boski_mheap_free(release);
}

/* A count crossed 0 or reached the whole: see where the span belongs now. */
static BOSKI_NOINLINE void resettle(struct mspan *s, unsigned c)
{
    struct mcentral *m = &boski_central[c];
    struct mspan *release = NULL;
    boski_lock(&m->lock);
    /* The record may have been released meanwhile, even be another span by now, of this class too,
     * which is then looked at in vain.  `where` comes first: it is below BOSKI_CACHED only in spans
     * of a central, and its class was written before. */
    if (__atomic_load_n(&s->where, __ATOMIC_ACQUIRE) < BOSKI_CACHED && BOSKI_LOOK(s->class_) == c)
        release = settle(m, s);
    boski_unlock(&m->lock);
    if (release != NULL) boski_mheap_free(release);
}

/* ---- pages inside spans ----------------------------------------------------------------- */

static bool slot_free(const struct mspan *s, uint32_t i)
{
    return (__atomic_load_n(&s->bits[i >> 6], __ATOMIC_ACQUIRE) >> (i & 63) & 1) != 0;
}

/* Nothing of ours lies in user pages, so a page of free objects may simply go.  The span is held by
 * the caller: objects may be freed meanwhile, none is handed out. */
static size_t purge_span(struct mspan *s)
{
    size_t done = 0;
    for (uint32_t i = 0; i < s->nelems;) {
        if (!slot_free(s, i)) {
            i++;
            continue;
        }
        uint32_t from = i;
        while (i < s->nelems && slot_free(s, i)) i++;
        uintptr_t a = s->base + (uintptr_t)from * s->elem_bytes;
        uintptr_t b =
            i == s->nelems ? s->base + boski_span_bytes(s) : s->base + (uintptr_t)i * s->elem_bytes;
        a = (a + boski_os.page - 1) & ~(uintptr_t)(boski_os.page - 1);
        b &= ~(uintptr_t)(boski_os.page - 1);
        if (a < b && boski_os_decommit((void *)a, b - a)) done += b - a;
    }
    return done;
}

/* A span worth purging, taken out of its list, or NULL. */
static struct mspan *purge_candidate(struct mcentral *m, uint64_t now_ms, uint64_t idle_ms,
                                     size_t *looks)
{
    for (unsigned b = 0; b < BOSKI_BUCKETS; b++)
        for (struct mspan *s = m->partial[b]; s != NULL && *looks > 0; s = s->next) {
            --*looks;
            int32_t n = nfree_of(s);
            size_t fresh = n > s->purged ? (size_t)(n - s->purged) * s->elem_bytes : 0;
            if (fresh < boski_os.page || now_ms - s->stamp_ms < idle_ms) continue;
            list_remove(m, s);
            set_where(s, BOSKI_CACHED);
            s->purged = n;
            return s;
        }
    return NULL;
}

size_t boski_central_purge(uint64_t now_ms, uint64_t idle_ms, size_t most)
{
    static uint32_t turn; /* classes take turns at being first */
    uint32_t first = __atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED);
    size_t done = 0, looks = most;
    for (unsigned k = 0; k < BOSKI_NUM_SMALL - 1 && looks > 0; k++) {
        struct mcentral *m = &boski_central[1 + (first + k) % (BOSKI_NUM_SMALL - 1)];
        while (looks > 0) {
            boski_lock(&m->lock);
            struct mspan *s = purge_candidate(m, now_ms, idle_ms, &looks);
            boski_unlock(&m->lock);
            if (s == NULL) break;
            size_t n = purge_span(s);
            done += n;
            boski_central_put(s);
            if (n != 0) {
                boski_count(&boski_ctr->os_releases, 1);
                boski_count(&boski_ctr->os_release_bytes, n);
            }
        }
    }
    return done;
}

void boski_central_trim(void)
{
    for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++) {
        struct mcentral *m = &boski_central[c];
        if (BOSKI_LOOK(m->empty) == NULL) continue;
        boski_lock(&m->lock);
        struct mspan *s = m->empty;
        BOSKI_SET(m->empty, NULL);
        if (s != NULL) set_where(s, BOSKI_RELEASED);
        boski_unlock(&m->lock);
        if (s != NULL) boski_mheap_free(s);
    }
}

/* ---- objects ------------------------------------------------------------------------ */

size_t boski_span_take(struct mspan *s, uint32_t *word, void **top, size_t want)
{
    uint32_t nwords = (s->nelems + 63) / 64;
    size_t got = 0;
    bool single = boski_os_single();
    for (uint32_t w = *word; w < nwords; w++) {
        uint64_t v = __atomic_load_n(&s->bits[w], __ATOMIC_RELAXED);
        if (v == 0) continue;
        uint64_t take = v;
        if ((size_t)__builtin_popcountll(v) > want - got) {
            uint64_t left = v;
            for (size_t k = want - got; k > 0; k--) left &= left - 1;
            take = v & ~left;
        }
        if (single)
            s->bits[w] = v & ~take;
        else
            take &= __atomic_fetch_and(&s->bits[w], ~take, __ATOMIC_ACQUIRE);
        uintptr_t at = s->base + (uintptr_t)w * 64 * s->elem_bytes;
        for (uint64_t t = take; t != 0; t &= t - 1)
            top[-1 - (ptrdiff_t)got++] =
                (void *)(at + (uintptr_t)__builtin_ctzll(t) * s->elem_bytes);
        if (got == want) {
            *word = w;
            break;
        }
    }
    if (got < want) *word = 0;
    if (single)
        s->nfree -= (int32_t)got;
    else
        __atomic_fetch_sub(&s->nfree, (int32_t)got, __ATOMIC_RELEASE);
    return got;
}

/* Sets the bits `mask` of word `w` and counts them. */
static inline void free_word(struct mspan *s, uint32_t w, uint64_t mask, const void *last)
{
    uint64_t old;
    if (boski_os_single()) {
        old = s->bits[w];
        s->bits[w] = old | mask;
    } else {
        old = __atomic_fetch_or(&s->bits[w], mask, __ATOMIC_RELEASE);
    }
    if (BOSK_UNLIKELY((old & mask) != 0)) {
        uint64_t twice = old & mask;
        (void)last;
        boski_bad_free((void *)(s->base + ((uintptr_t)w * 64 + (uintptr_t)__builtin_ctzll(twice)) *
                                              s->elem_bytes),
                       "double free");
    }
}
static inline void free_count(struct mspan *s, unsigned c, int32_t k)
{
    /* Read first: once counted, the span may be another's. */
    int32_t old, all = (int32_t)s->nelems;
    if (boski_os_single()) {
        old = s->nfree;
        s->nfree = old + k;
    } else {
        old = __atomic_fetch_add(&s->nfree, k, __ATOMIC_ACQ_REL);
    }
    if (BOSK_UNLIKELY((old <= 0 && old + k > 0) || old + k == all)) resettle(s, c);
}

void boski_central_free(void **objs, size_t n, unsigned c)
{
    const uint32_t size = boski_class[c].size, magic = boski_class[c].magic;
    struct mspan *s = NULL;
    uint32_t word = 0;
    uint64_t mask = 0;
    int32_t k = 0;
    for (size_t i = 0; i < n; i++) {
        void *p = objs[i];
        uintptr_t off = s != NULL ? (uintptr_t)p - s->base : 0;
        if (s == NULL || off >= (s->npages << BOSKI_PAGE_SHIFT)) {
            if (s != NULL) {
                free_word(s, word, mask, p);
                free_count(s, c, k);
            }
            s = boski_map.spans[boski_page_of(p)];
            off = (uintptr_t)p - s->base;
            mask = 0;
            k = 0;
        }
        uint32_t slot = (uint32_t)(((uint64_t)off * magic) >> 32);
        if (BOSK_UNLIKELY((uintptr_t)slot * size != off || slot >= s->nelems))
            boski_bad_free(p, "invalid pointer");
        uint64_t bit = (uint64_t)1 << (slot & 63);
        if (slot >> 6 != word || (mask & bit) != 0) {
            if (mask != 0) free_word(s, word, mask, p);
            word = slot >> 6;
            mask = 0;
        }
        mask |= bit;
        k++;
    }
    if (s != NULL) {
        free_word(s, word, mask, NULL);
        free_count(s, c, k);
    }
}

void *boski_central_alloc_one(unsigned c)
{
    bool fresh;
    for (;;) {
        struct mspan *s = boski_central_take(c, &fresh);
        if (s == NULL) return NULL;
        void *slot[1] = {NULL};
        uint32_t word = 0;
        size_t got = boski_span_take(s, &word, slot + 1, 1);
        boski_central_put(s);
        if (got == 1) return slot[0];
    }
}
