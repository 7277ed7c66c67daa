/* huge.c - buffers in huge pages.
 *
 * Each has a span of its own that begins at a huge page and is a whole number of them, and whose
 * mapping differs from its neighbours'.  When it is freed the range is mapped anew, with ordinary
 * pages and no advice, before the page heap gets it back: what comes to lie there later must not
 * have huge pages that nobody asked for.
 */
#include "huge.h"

#include "mcache.h"

#include <bosk/huge.h>
#include <errno.h>

static size_t huge_page(void)
{
    static size_t known; /* plus 1 */
    size_t n = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (n == 0) {
        n = boski_os_huge_page() + 1;
        __atomic_store_n(&known, n, __ATOMIC_RELAXED);
    }
    return n - 1;
}

static void *span_alloc(size_t bytes, size_t page, unsigned want, bool *is_explicit)
{
    struct mspan *s =
        boski_mheap_alloc(bytes >> BOSKI_PAGE_SHIFT, page >> BOSKI_PAGE_SHIFT, BOSKI_C_SPECIAL, 0);
    if (s == NULL) return NULL;
    void *p = (void *)s->base;
    *is_explicit = (want & BOSK_HUGE_EXPLICIT) != 0 && boski_os_map_hugetlb(p, bytes);
    if (!*is_explicit) {
        /* Zero, and without what is left of earlier advice. */
        if (!boski_os_map_ordinary(p, bytes)) memset(p, 0, bytes);
        boski_os_hugepage(p, bytes, 1);
    }
    s->flags = *is_explicit ? BOSKI_SPAN_HUGE | BOSKI_SPAN_HUGETLB : BOSKI_SPAN_HUGE;
    BOSKI_SET(s->bits[0], (uint64_t)0);
    boski_count(&boski_ctr->large_allocs, 1);
    boski_count(&boski_ctr->large_alloc_bytes, bytes);
    boski_book_live((int64_t)bytes);
    return p;
}

void boski_huge_free(struct mspan *s)
{
    size_t bytes = boski_span_bytes(s);
    void *p = (void *)s->base;
    if (boski_recording) boski_obs_check();
    if (__atomic_exchange_n(&s->bits[0], 1, __ATOMIC_ACQ_REL) != 0)
        boski_bad_free(p, "double free");
    if ((s->flags & BOSKI_SPAN_SAMPLED) != 0) boski_obs_sample_free(p);
    boski_count(&boski_ctr->large_frees, 1);
    boski_count(&boski_ctr->large_free_bytes, bytes);
    boski_book_live(-(int64_t)bytes);
    /* Pages of the huge kind cannot be given back in part: then the range stays out of use. */
    bool plain = boski_os_map_ordinary(p, bytes);
    if (plain || (s->flags & BOSKI_SPAN_HUGETLB) == 0) boski_mheap_free(s);
}

static void *huge_alloc(size_t size, size_t page, unsigned want)
{
    bool is_explicit;
    if (size > (size_t)PTRDIFF_MAX - page || !boski_heap_init()) return NULL;
    size_t bytes = size == 0 ? page : (size + page - 1) & ~(page - 1);
    if (boski_recording) boski_obs_check();
    boski_tick(boski_now_ms());
    void *p = span_alloc(bytes, page, want, &is_explicit);
    if (p == NULL) {
        boski_count(&boski_ctr->failed_allocs, 1);
        return NULL;
    }
    if (boski_recording) boski_sample_object(p, size, bytes);
    return p;
}

/* Bytes of explicit huge pages that the option hugetlb got, in all, and blocks that got none. */
static uint64_t got_bytes, missed;
#define ASK_AGAIN_MS 1000 /* asking in vain is some calls of the system each time */

void boski_huge_init(void) { (void)huge_page(); }

void *boski_huge_explicit(size_t size)
{
    static uint64_t vain_ms; /* when it was asked in vain */
    uint64_t now_ms = boski_now_ms(), before_ms = BOSKI_LOOK(vain_ms);
    size_t page = huge_page();
    bool is_explicit = false;
    void *p = NULL;
    if (page <= BOSKI_PAGE_BYTES || size > (size_t)PTRDIFF_MAX - page) return NULL;
    size_t bytes = (size + page - 1) & ~(page - 1);
    if (before_ms == 0 || now_ms - before_ms >= ASK_AGAIN_MS)
        p = span_alloc(bytes, page, BOSK_HUGE_EXPLICIT, &is_explicit);
    if (p != NULL && !is_explicit) {
        boski_huge_free(boski_span_of(p));
        BOSKI_SET(vain_ms, now_ms);
        p = NULL;
    }
    if (p != NULL && boski_recording) boski_sample_object(p, size, bytes);
    boski_count(p != NULL ? &got_bytes : &missed, p != NULL ? bytes : 1);
    return p;
}

BOSK_API void bosk_huge_stats(uint64_t *bytes, uint64_t *misses)
{
    if (bytes != NULL) *bytes = BOSKI_LOOK(got_bytes);
    if (misses != NULL) *misses = BOSKI_LOOK(missed);
}

/* Lines and pages of one's own. */
static void *plain_alloc(size_t size, size_t align)
{
    if (size > (size_t)PTRDIFF_MAX - align) return NULL;
    return boski_aligned(align, size == 0 ? align : (size + align - 1) & ~(align - 1));
}

BOSK_API void *bosk_hugealloc(size_t size, unsigned want, struct bosk_huge *got)
{
    const unsigned huge = BOSK_HUGE_TRANSPARENT | BOSK_HUGE_EXPLICIT;
    if ((want & ~(huge | BOSK_HUGE_PAGE | BOSK_HUGE_POPULATE)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    boski_os_init();
    size_t page = huge_page();
    void *p;
    if ((want & huge) != 0 && page > BOSKI_PAGE_BYTES)
        p = huge_alloc(size, page, want);
    else
        p = plain_alloc(size,
                        (want & (huge | BOSK_HUGE_PAGE)) != 0 ? boski_os.page : boski_os.cacheline);
    if (p == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    if ((want & BOSK_HUGE_POPULATE) != 0) {
        size_t whole = boski_usable(p) & ~(boski_os.page - 1);
        if (((uintptr_t)p & (boski_os.page - 1)) == 0 && whole != 0)
            (void)boski_os_populate(p, whole);
    }
    if (got != NULL) (void)bosk_huge_report(p, got);
    return p;
}

BOSK_API bool bosk_huge_report(const void *p, struct bosk_huge *got)
{
    void *start;
    size_t thp = 0, hugetlb = 0;
    memset(got, 0, sizeof *got);
    if (p == NULL || !bosk_find_block(p, &start, &got->bytes) || start != p) return false;
    const struct mspan *s = boski_span_of(p);
    got->align = (size_t)1 << __builtin_ctzll((uint64_t)(uintptr_t)p);
    got->huge_page = huge_page();
    got->is_explicit = (s->flags & BOSKI_SPAN_HUGETLB) != 0;
    got->is_advised = (s->flags & BOSKI_SPAN_HUGE) != 0 && !got->is_explicit;
    if (!boski_os_huge_resident(p, got->bytes, &thp, &hugetlb)) return true;
    got->huge_bytes = thp + hugetlb;
    return true;
}

BOSK_API void bosk_hugefree(void *p) { bosk_free(p); }
