/* jemalloc_abi.c - jemalloc's own names, so that programs built against it run on this heap.
 *
 * The calls that allocate honour alignment and zeroing; arena and thread-cache numbers in `flags`
 * are ignored.  The mallctl tree does not exist: every name answers ENOENT, which callers
 * must expect (jemalloc leaves parts out by configuration, too).
 */
#include "shim.h"

#include "os/format.h"

#include <errno.h>

const char boski_shim_jemalloc_linked = 1;

#define LG_ALIGN_MASK 63
#define FLAG_ZERO 0x40

BOSK_API const char *malloc_conf __attribute__((weak)) = NULL;
BOSK_API void (*malloc_message)(void *ctx, const char *text) __attribute__((weak)) = NULL;

/* jemalloc's answer to an alignment of 2^63 is NULL; a shift must not be asked for more. */
static size_t align_of(int flags)
{
    unsigned lg = (unsigned)flags & LG_ALIGN_MASK;
    return lg < sizeof(size_t) * 8 ? (size_t)1 << lg : 0;
}
static bool aligned_to(const void *p, size_t align) { return ((uintptr_t)p & (align - 1)) == 0; }

BOSK_API void *mallocx(size_t size, int flags)
{
    size_t align = align_of(flags);
    bool zero = (flags & FLAG_ZERO) != 0;
    if (zero && align <= 16) return boski_calloc(1, size);
    void *p = boski_aligned(align, size);
    if (p != NULL && zero) memset(p, 0, size);
    return p;
}

/* Bytes past the old usable size are the new ones. */
static void *zero_tail(void *p, size_t old_bytes, int flags)
{
    if (p != NULL && (flags & FLAG_ZERO) != 0) {
        size_t bytes = boski_usable(p);
        if (bytes > old_bytes) memset((char *)p + old_bytes, 0, bytes - old_bytes);
    }
    return p;
}

BOSK_API void *rallocx(void *p, size_t size, int flags)
{
    size_t align = align_of(flags), old_bytes = boski_usable(p);
    if (size == 0) size = 1; /* never frees, unlike realloc */
    if (align <= 16) return zero_tail(boski_realloc(p, size), old_bytes, flags);
    if (aligned_to(p, align) && size <= old_bytes && size >= old_bytes / 2) return p;
    void *q = boski_aligned(align, size);
    if (q == NULL) return NULL;
    if (p != NULL) memcpy(q, p, old_bytes < size ? old_bytes : size);
    boski_free_inline(p);
    return zero_tail(q, old_bytes, flags);
}

/* Resizes in place to `size`, and up to `size + extra` when that costs nothing more.  A block is
 * never cut: what it has stays the answer. */
BOSK_API size_t xallocx(void *p, size_t size, size_t extra, int flags)
{
    size_t bytes = boski_usable(p), most;
    if (!aligned_to(p, align_of(flags)) || size <= bytes) return bytes;
    if (__builtin_add_overflow(size, extra, &most)) most = SIZE_MAX;
    size_t grown = most > size ? bosk_grow(p, most) : 0;
    if (grown == 0) grown = bosk_grow(p, size);
    if (grown == 0) return bytes;
    zero_tail(p, bytes, flags);
    return grown;
}

BOSK_API size_t sallocx(const void *p, int flags)
{
    (void)flags;
    return boski_usable(p);
}
BOSK_API void dallocx(void *p, int flags)
{
    (void)flags;
    boski_free_inline(p);
}
BOSK_API void sdallocx(void *p, size_t size, int flags)
{
    (void)flags;
    boski_free_with_size(p, size);
}

/* What mallocx would set aside: the choice boski_aligned makes.  A large block freed a moment ago
 * may be served a little longer than this; never shorter. */
BOSK_API size_t nallocx(size_t size, int flags)
{
    size_t align = align_of(flags);
    if (align == 0 || size > (size_t)PTRDIFF_MAX - BOSKI_PAGE_BYTES - align) return 0;
    if (!boski_mheap.ready && !boski_heap_init()) return 0;
    if (align <= 16) align = 1;
    size_t want = size == 0 ? align : (size + align - 1) & ~(align - 1);
    while (align <= BOSKI_PAGE_BYTES && want <= BOSKI_SMALL_MAX) {
        size_t have = boski_class[boski_class_of(want)].size;
        if ((have & (align - 1)) == 0) return have;
        want = (have & ~(align - 1)) + align;
    }
    size_t bytes = size == 0 ? 1 : size;
    return (bytes + BOSKI_PAGE_BYTES - 1) & ~(size_t)(BOSKI_PAGE_BYTES - 1);
}

/* ---- control and statistics ------------------------------------------------------ */

BOSK_API int mallctl(const char *name, void *old, size_t *old_bytes, void *new_, size_t new_bytes)
{
    (void)name, (void)old, (void)old_bytes, (void)new_, (void)new_bytes;
    return ENOENT;
}
BOSK_API int mallctlnametomib(const char *name, size_t *mib, size_t *mib_len)
{
    (void)name, (void)mib, (void)mib_len;
    return ENOENT;
}
BOSK_API int mallctlbymib(const size_t *mib, size_t mib_len, void *old, size_t *old_bytes,
                          void *new_, size_t new_bytes)
{
    (void)mib, (void)mib_len, (void)old, (void)old_bytes, (void)new_, (void)new_bytes;
    return ENOENT;
}

static void write_stderr(void *ctx, const char *text)
{
    (void)ctx;
    boski_os_write_stderr(text, strlen(text));
}

__attribute__((format(printf, 3, 4))) static void tell(void (*write)(void *, const char *),
                                                       void *ctx, const char *format, ...)
{
    char line[160];
    va_list args;
    va_start(args, format);
    boski_vformat(line, sizeof line, format, args);
    va_end(args);
    write(ctx, line);
}

BOSK_API void malloc_stats_print(void (*write)(void *ctx, const char *text), void *ctx,
                                 const char *options)
{
    struct bosk_heap_stats s;
    (void)options;
    if (write == NULL) write = malloc_message;
    if (write == NULL) write = write_stderr;
    bosk_heap_stats(&s);
    tell(write, ctx, "___ Begin bosk %s statistics ___\n", BOSK_VERSION);
    tell(write, ctx, "Allocated: %zu, active: %zu, metadata: %zu, resident: %zu, mapped: %zu\n",
         (size_t)s.live, (size_t)s.spans_inuse, (size_t)s.metadata,
         (size_t)(s.spans_inuse + s.dirty + s.metadata), (size_t)s.mapped);
    tell(write, ctx, "Peak: %zu, free and resident: %zu, released: %zu\n", (size_t)s.peak,
         (size_t)s.dirty, (size_t)s.released);
    tell(write, ctx, "Calls: %llu mallocs, %llu frees\n", (unsigned long long)s.mallocs,
         (unsigned long long)s.frees);
    tell(write, ctx, "--- End bosk statistics ---\n");
}
