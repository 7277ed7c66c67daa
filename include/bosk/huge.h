/* huge.h - buffers that begin at a cache line, at a page or at a huge page, and are told what they
 * really got.
 *
 *     struct bosk_huge got;
 *     double *grid = bosk_hugealloc(bytes, BOSK_HUGE_TRANSPARENT | BOSK_HUGE_POPULATE, &got);
 *     printf("%zu of %zu bytes in huge pages\n", got.huge_bytes, got.bytes);
 *     bosk_hugefree(grid);
 *
 * What the system cannot give is replaced by what it can: explicit huge pages by transparent ones,
 * these by ordinary pages.  Only no memory at all is an error.
 *
 * Buffers are blocks of the heap: limits, walks and statistics see them; bosk_free frees them too.
 * Resized by bosk_realloc they become ordinary blocks.
 *
 * Threads: any.  Not in signal handlers.
 */
#ifndef BOSK_HUGE_H
#define BOSK_HUGE_H

#include <bosk/base.h>

BOSK_BEGIN_DECLS

/* What is wanted; the last four may be combined, explicit comes first then. */
enum bosk_huge_want {
    BOSK_HUGE_LINE = 0,        /* begins at a cache line, and shares its lines with nobody */
    BOSK_HUGE_PAGE = 1,        /* the same for pages of the system */
    BOSK_HUGE_TRANSPARENT = 2, /* begins at a huge page; the kernel is asked to use them */
    BOSK_HUGE_EXPLICIT = 4,    /* pages that an administrator has set aside (vm.nr_hugepages) */
    BOSK_HUGE_POPULATE = 8     /* all pages are there on return, else they come when touched */
};

struct bosk_huge {
    size_t bytes;      /* that can be used, at least what was asked for */
    size_t align;      /* the address is a multiple of it */
    size_t huge_page;  /* size of a huge page, 0 when the system has none */
    size_t huge_bytes; /* now in huge pages of either kind */
    bool is_explicit;  /* made of explicit huge pages */
    bool is_advised;   /* the kernel was asked for transparent ones */
};

/* bosk_hugealloc returns `size` bytes (zero when whole huge pages were asked for, else unspecified)
 * as `want` says, and tells in *got (may be NULL) what that has come to.  NULL with ENOMEM when
 * there is no memory, with EINVAL for an unknown flag.  Transparent and explicit buffers are
 * rounded up to whole huge pages.  Cost: some system calls; reads /proc and /sys. */
BOSK_API void *bosk_hugealloc(size_t size, unsigned want, struct bosk_huge *got) BOSK_ALLOC_SIZE(1)
    BOSK_NODISCARD;
/* What the buffer at `p` has now: pages come when touched, and the kernel joins and splits them.
 * Where mappings of the kernel cover more than the buffer, huge_bytes is the most it can be.
 * False when `p` is not the start of a block.  Reads /proc/self/smaps: for reports, not loops. */
BOSK_API bool bosk_huge_report(const void *p, struct bosk_huge *got);
/* What BOSK_CONF=hugetlb=BYTES has come to: bytes of explicit huge pages that blocks of malloc and
 * its relatives got, in all, and how many blocks got ordinary pages instead.  NULL: not asked. */
BOSK_API void bosk_huge_stats(uint64_t *bytes, uint64_t *misses);
/* Frees a buffer; NULL does nothing. */
BOSK_API void bosk_hugefree(void *p);

BOSK_END_DECLS

#endif /* BOSK_HUGE_H */
