/* malloc_abi.c - the names of C, POSIX and glibc that allocate and free.
 *
 * Where standards leave room the answer is glibc's: realloc(p, 0) frees, memalign rounds a strange
 * alignment up, posix_memalign leaves errno alone.  aligned_alloc refuses what is not a power of
 * two, as C says and glibc does since 2.38.  Every block is freeable by every name.
 */
#include "shim.h"

#include <errno.h>

#define ALIAS(name) __attribute__((alias(#name)))
#define IN_ONE_LINE __attribute__((aligned(64))) /* of the cache: a cycle less a call */

IN_ONE_LINE BOSK_API void *malloc(size_t size) { return boski_malloc_inline(size); }
extern __typeof__(malloc) boski_own_malloc __attribute__((alias("malloc")));

IN_ONE_LINE BOSK_API void free(void *p) { boski_free_inline(p); }
BOSK_API void *calloc(size_t count, size_t size) { return boski_calloc(count, size); }
BOSK_API void *realloc(void *p, size_t size) { return boski_realloc(p, size); }

BOSK_API void *reallocarray(void *p, size_t count, size_t size)
{
    size_t bytes;
    if (BOSK_UNLIKELY(__builtin_mul_overflow(count, size, &bytes))) {
        errno = ENOMEM;
        return NULL;
    }
    return boski_realloc(p, bytes);
}

BOSK_API void *aligned_alloc(size_t align, size_t size) { return boski_aligned(align, size); }

static int memalign_for_posix(void **out, size_t align, size_t size)
{
    if (align % sizeof(void *) != 0 || align == 0 || (align & (align - 1)) != 0) return EINVAL;
    int saved = errno;
    void *p = boski_aligned(align, size);
    if (BOSK_UNLIKELY(p == NULL)) {
        errno = saved;
        return ENOMEM;
    }
    *out = p;
    return 0;
}
BOSK_API int posix_memalign(void **out, size_t align, size_t size)
{
    return memalign_for_posix(out, align, size);
}
BOSK_API int __posix_memalign(void **out, size_t align, size_t size)
{
    return memalign_for_posix(out, align, size);
}

BOSK_API void *memalign(size_t align, size_t size)
{
    if (BOSK_UNLIKELY(align > SIZE_MAX / 2 + 1)) {
        errno = EINVAL;
        return NULL;
    }
    size_t power = 16;
    while (power < align) power <<= 1;
    return boski_aligned(power, size);
}

static size_t os_page(void)
{
    boski_os_init();
    return boski_os.page;
}
BOSK_API void *valloc(size_t size) { return boski_aligned(os_page(), size); }

/* Whole pages, at least one. */
BOSK_API void *pvalloc(size_t size)
{
    size_t page = os_page();
    if (BOSK_UNLIKELY(size > SIZE_MAX - page)) {
        errno = ENOMEM;
        return NULL;
    }
    size_t whole = (size + page - 1) & ~(page - 1);
    return boski_aligned(page, whole == 0 ? page : whole);
}

BOSKI_NOINLINE void boski_free_checked(void *p, size_t size)
{
    if (p != NULL && size > boski_usable(p)) boski_bad_free(p, "invalid size");
    boski_free_inline(p);
}
BOSK_API void free_sized(void *p, size_t size) { boski_free_with_size(p, size); }
BOSK_API void free_aligned_sized(void *p, size_t align, size_t size)
{
    if (BOSK_UNLIKELY(boski_conf.check) && ((uintptr_t)p & (align - 1)) != 0)
        boski_bad_free(p, "invalid alignment");
    boski_free_with_size(p, size);
}

BOSK_API size_t malloc_usable_size(void *p) { return boski_usable(p); }

BOSK_API void cfree(void *p) ALIAS(free);
BOSK_API void __libc_free(void *p) ALIAS(free);
BOSK_API void __libc_cfree(void *p) ALIAS(free);
BOSK_API void *__libc_malloc(size_t size) ALIAS(malloc);
BOSK_API void *__libc_calloc(size_t count, size_t size) ALIAS(calloc);
BOSK_API void *__libc_realloc(void *p, size_t size) ALIAS(realloc);
BOSK_API void *__libc_reallocarray(void *p, size_t count, size_t size) ALIAS(reallocarray);
BOSK_API void *__libc_memalign(size_t align, size_t size) ALIAS(memalign);
BOSK_API void *__libc_valloc(size_t size) ALIAS(valloc);
BOSK_API void *__libc_pvalloc(size_t size) ALIAS(pvalloc);

extern const char *const boski_shim_linked[] BOSKI_HIDDEN;
__attribute__((used)) const char *const boski_shim_linked[] = {
    &boski_shim_stats_linked,     &boski_shim_jemalloc_linked,  &boski_shim_cxx_linked,
    &boski_shim_cxx_array_linked, &boski_shim_cxx_forms_linked,
};
