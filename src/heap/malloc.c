/* malloc.c - size classes, the public entry points, and what does not fit the fast path. */
#include "arena.h"
#include "mcache.h"
#include "sizeclasses.h"
#include "waiting.h"

#include <errno.h>

struct boski_class boski_class[BOSKI_NUM_SMALL];

/* ---- classes ---------------------------------------------------------------- */

static const uint16_t class_bytes[BOSKI_NUM_SMALL] = BOSK_RECORD_CLASS_BYTES;
/* Class of a request above 1 KiB: index (size - 1024 + 127) >> 7.  0 until boski_class_init. */
static uint8_t medium_class[(BOSKI_SMALL_MAX - BOSKI_FAST_MAX) / 128 + 1];

/* Pages of a span of objects of `size` bytes: at least 32 KiB and 64 objects or 64 KiB and 4, at
 * most 3 % unused at the end.  Larger than Go's, so that a refill seldom needs two spans. */
static unsigned span_pages(size_t size)
{
    for (unsigned n = 4;; n++) {
        size_t bytes = (size_t)n << BOSKI_PAGE_SHIFT, k = bytes / size;
        if (k < 4 || (k < 64 && bytes < 65536)) continue;
        if ((bytes - k * size) * 100 <= 3 * bytes) return n;
    }
}

void boski_class_init(void)
{
    for (unsigned c = 1; c < BOSKI_NUM_SMALL; c++) {
        struct boski_class *k = &boski_class[c];
        size_t size = class_bytes[c];
        if (c == 1) size = 16; /* never allocated; its table entry stays valid */
        k->size = (uint32_t)size;
        k->magic = (uint32_t)((((uint64_t)1 << 32) + size - 1) / size);
        k->pages_min = 1;
        while ((((size_t)k->pages_min << BOSKI_PAGE_SHIFT) % size) * 8 > (size_t)k->pages_min
                                                                             << BOSKI_PAGE_SHIFT)
            k->pages_min++;
        k->pages = boski_conf.small ? k->pages_min : (uint16_t)span_pages(size);
        k->nelems = (uint32_t)(((size_t)k->pages << BOSKI_PAGE_SHIFT) / size);
        /* A refill: 64 KiB (256 above 1 KiB), at most 128 objects; grown caches: 1 MiB, at most
         * 2048. */
        size_t batch = (boski_conf.small ? 4096 : size <= 1024 ? 65536 : 262144) / size;
        k->batch = (uint16_t)(batch > 128 ? 128 : batch < 2 ? 2 : batch);
        k->share = k->batch;
        size_t cap = (boski_conf.small ? (size_t)32 << 10 : (size_t)1 << 20) / size;
        k->cap_max = (uint32_t)(cap > 2048 ? 2048 : cap < k->batch ? k->batch : cap);
    }
    /* Eight lanes with the stock of one each would be half a megabyte of blocks of 1 KiB. */
    for (unsigned c = 1; c < BOSKI_FIRST_MEDIUM; c++) {
        unsigned lanes = 0;
        for (unsigned i = 1; i < BOSKI_LANES_FAST; i++) lanes += boski_class_of(i * 16) == c;
        unsigned share = lanes != 0 ? boski_class[c].batch / lanes : 0;
        if (share < 16) share = 16;
        if (share < boski_class[c].share) boski_class[c].share = (uint16_t)share;
    }
    unsigned c = BOSKI_FIRST_MEDIUM - 1;
    for (size_t i = 0; i < sizeof medium_class; i++) {
        while (class_bytes[c] < BOSKI_FAST_MAX + i * 128) c++;
        medium_class[i] = (uint8_t)c;
    }
}

static inline unsigned go_class(size_t size)
{
    if (size <= 1024 - 8) return boski_size_to_class8[(size + 7) >> 3];
    return boski_size_to_class128[(size - 1024 + 127) >> 7];
}
unsigned boski_class_of(size_t size)
{
    if (size <= 16) return 2;
    if (size > BOSKI_FAST_MAX) return medium_class[(size - BOSKI_FAST_MAX + 127) >> 7];
    unsigned c = boski_size_to_class8[(size + 7) >> 3];
    return c == 3 ? 4 : c; /* 24-byte blocks are not 16-aligned */
}

BOSK_API size_t bosk_roundupsize(size_t size, bool noscan)
{
    if (size == 0) return 0;
    const size_t header = 8, header_above = sizeof(void *) == 8 ? 512 : 128;
    size_t want = size;
    if (!noscan && want > header_above) {
        want += header;
        if (want < size) return 0;
    }
    if (size <= BOSKI_SMALL_MAX - header)
        return boski_class_to_size[go_class(want)] - (want - size);
    if (size > ((size_t)PTRDIFF_MAX & ~(BOSKI_PAGE_BYTES - 1))) return 0;
    return (size + BOSKI_PAGE_BYTES - 1) & ~(BOSKI_PAGE_BYTES - 1);
}

/* ---- malloc, free ---------------------------------------------------------------- */

void *boski_malloc_slow(size_t size)
{
    void *p = boski_lane_slow((unsigned)((size + 15) >> 4), size);
    if (BOSK_UNLIKELY(p == NULL)) errno = ENOMEM;
    return p;
}

void *boski_lane_alloc(unsigned lane, size_t size)
{
    struct mcache_head *head = (struct mcache_head *)(void *)boski_tls.push;
    void ***pop = &head->medium[lane - BOSKI_LANES_FAST];
    void *p = (*pop)[-1];
    if (BOSK_LIKELY(p != NULL)) {
        --*pop;
        return p;
    }
    p = boski_lane_slow(lane, size);
    if (BOSK_UNLIKELY(p == NULL)) errno = ENOMEM;
    return p;
}

void *boski_malloc_medium(size_t size)
{
    if (BOSK_LIKELY(size <= BOSKI_SMALL_MAX)) {
        unsigned c = medium_class[(size - BOSKI_FAST_MAX + 127) >> 7];
        if (BOSK_UNLIKELY(c == 0)) {
            if (!boski_heap_init()) {
                errno = ENOMEM;
                return NULL;
            }
            c = boski_class_of(size);
        }
        return boski_lane_alloc(c - BOSKI_FIRST_MEDIUM + BOSKI_LANES_FAST, size);
    }
    void *p = boski_large_malloc(size);
    if (BOSK_UNLIKELY(p == NULL)) errno = ENOMEM;
    return p;
}

void *boski_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (BOSK_UNLIKELY(__builtin_mul_overflow(count, size, &bytes))) {
        errno = ENOMEM;
        return NULL;
    }
    if (bytes <= BOSKI_SMALL_MAX) {
        void *p = boski_malloc_inline(bytes);
        return BOSK_LIKELY(p != NULL) ? memset(p, 0, bytes) : NULL;
    }
    bool zeroed;
    void *p = boski_large_alloc(bytes, 1, 0, &zeroed);
    if (p == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    boski_count(zeroed ? &boski_ctr->spared_bytes : &boski_ctr->cleared_bytes, bytes);
    return zeroed ? p : memset(p, 0, bytes);
}

size_t boski_usable(const void *p)
{
    if (p == NULL) return 0;
    size_t idx = boski_page_of(p);
    if (idx == BOSKI_NO_PAGE) boski_bad_free(p, "invalid pointer");
    unsigned c = boski_map.cmap[idx];
    if (c == BOSKI_C_NONE) boski_bad_free(p, "invalid pointer");
    if (BOSK_UNLIKELY(boski_conf.quarantine != 0)) boski_waiting_look(p, "invalid pointer");
    if (c < BOSKI_NUM_SMALL) return boski_class[c].size;
    const struct mspan *s = boski_map.spans[idx];
    size_t bytes = s->elem_bytes;
    if (boski_is_chunk(s) && !boski_chunk_find(s, p, NULL, &bytes))
        boski_bad_free(p, "invalid pointer");
    return bytes;
}

/* In one line of the cache each: a cycle less a call. */
__attribute__((aligned(64))) BOSK_API void *bosk_malloc(size_t size)
{
    return boski_malloc_inline(size);
}
__attribute__((aligned(64))) BOSK_API void bosk_free(void *p) { boski_free_inline(p); }
BOSK_API void *bosk_calloc(size_t count, size_t size) { return boski_calloc(count, size); }
BOSK_API void *bosk_realloc(void *p, size_t size) { return boski_realloc(p, size); }
BOSK_API void *bosk_aligned_alloc(size_t align, size_t size) { return boski_aligned(align, size); }
BOSK_API size_t bosk_usable_size(const void *p) { return boski_usable(p); }

BOSK_API void bosk_free_sized(void *p, size_t size)
{
    if (BOSK_UNLIKELY(boski_conf.check) && p != NULL && size > boski_usable(p))
        boski_bad_free(p, "invalid size");
    boski_free_inline(p);
}

BOSK_NORETURN void boski_bad_free(const void *p, const char *what)
{
    bosk_fatal("free(): %s %p", what, p);
}

/* ---- aligned ------------------------------------------------------------------------ */

void *boski_aligned(size_t align, size_t size)
{
    if (align == 0 || (align & (align - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    if (align <= 16) return boski_malloc_inline(size);
    if (align > (size_t)PTRDIFF_MAX || size > (size_t)PTRDIFF_MAX - align ||
        (BOSK_UNLIKELY(!boski_mheap.ready) && !boski_heap_init())) {
        errno = ENOMEM;
        return NULL;
    }
    /* Spans begin at pages of 8 KiB: a class whose size is a multiple of the alignment keeps it. */
    size_t want = size == 0 ? align : (size + align - 1) & ~(align - 1);
    if (align <= BOSKI_PAGE_BYTES)
        for (; want <= BOSKI_SMALL_MAX; want += align) {
            size_t c = boski_class_of(want);
            if ((boski_class[c].size & (align - 1)) == 0) return boski_malloc_inline(want);
            if (boski_class[c].size > want) want = (boski_class[c].size & ~(align - 1));
        }
    bool zeroed;
    void *p = boski_large_alloc(size == 0 ? 1 : size, align, 0, &zeroed);
    if (p == NULL) errno = ENOMEM;
    return p;
}
