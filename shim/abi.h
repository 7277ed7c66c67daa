/* abi.h - the names other programs know the heap by, as they are declared elsewhere.
 *
 * libc's own headers are not included where these names are defined: their declarations differ
 * between versions (attributes, mallinfo2) while the binary interface does not.  Names that
 * belong to C, POSIX and glibc come first, then C++ as the compilers mangle it, then jemalloc.
 */
#ifndef BOSKI_SHIM_ABI_H
#define BOSKI_SHIM_ABI_H

#include <bosk/base.h>
#include <stdio.h>

/* ---- C, POSIX, glibc ------------------------------------------------------- */

BOSK_API void *malloc(size_t size);
BOSK_API void free(void *p);
BOSK_API void *calloc(size_t count, size_t size);
BOSK_API void *realloc(void *p, size_t size);
BOSK_API void *reallocarray(void *p, size_t count, size_t size);
BOSK_API void *aligned_alloc(size_t align, size_t size);
BOSK_API int posix_memalign(void **out, size_t align, size_t size);
BOSK_API void *memalign(size_t align, size_t size);
BOSK_API void *valloc(size_t size);
BOSK_API void *pvalloc(size_t size);
BOSK_API void cfree(void *p);
BOSK_API void free_sized(void *p, size_t size);
BOSK_API void free_aligned_sized(void *p, size_t align, size_t size);
BOSK_API size_t malloc_usable_size(void *p);

/* Old programs and some libraries reach past the public names; what they get must be freeable
 * by ours. */
BOSK_API void *__libc_malloc(size_t size);
BOSK_API void __libc_free(void *p);
BOSK_API void __libc_cfree(void *p);
BOSK_API void *__libc_calloc(size_t count, size_t size);
BOSK_API void *__libc_realloc(void *p, size_t size);
BOSK_API void *__libc_reallocarray(void *p, size_t count, size_t size);
BOSK_API void *__libc_memalign(size_t align, size_t size);
BOSK_API void *__libc_valloc(size_t size);
BOSK_API void *__libc_pvalloc(size_t size);
BOSK_API int __posix_memalign(void **out, size_t align, size_t size);

struct boski_mallinfo {
    int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct boski_mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
BOSK_API struct boski_mallinfo mallinfo(void);
BOSK_API struct boski_mallinfo2 mallinfo2(void);
BOSK_API int mallopt(int param, int value);
BOSK_API int __libc_mallopt(int param, int value);
BOSK_API int malloc_trim(size_t keep);
BOSK_API void malloc_stats(void);
BOSK_API int malloc_info(int options, FILE *out);

/* ---- C++ ---------------------------------------------------------------------- */

/* size_t is mangled by the type it is: unsigned long, or unsigned int on 32-bit. */
#if __SIZEOF_SIZE_T__ == 8
#define BOSKI_Z(before, after) BOSKI_Z2(before, m, after)
#else
#define BOSKI_Z(before, after) BOSKI_Z2(before, j, after)
#endif
#define BOSKI_Z2(before, size, after) before##size##after

#define NEW BOSKI_Z(_Znw, )
#define NEW_NOTHROW BOSKI_Z(_Znw, RKSt9nothrow_t)
#define NEW_ALIGNED BOSKI_Z(_Znw, St11align_val_t)
#define NEW_ALIGNED_NOTHROW BOSKI_Z(_Znw, St11align_val_tRKSt9nothrow_t)
#define NEW_ARRAY BOSKI_Z(_Zna, )
#define NEW_ARRAY_NOTHROW BOSKI_Z(_Zna, RKSt9nothrow_t)
#define NEW_ARRAY_ALIGNED BOSKI_Z(_Zna, St11align_val_t)
#define NEW_ARRAY_ALIGNED_NOTHROW BOSKI_Z(_Zna, St11align_val_tRKSt9nothrow_t)
#define DELETE _ZdlPv
#define DELETE_SIZED BOSKI_Z(_ZdlPv, )
#define DELETE_NOTHROW _ZdlPvRKSt9nothrow_t
#define DELETE_ALIGNED _ZdlPvSt11align_val_t
#define DELETE_SIZED_ALIGNED BOSKI_Z(_ZdlPv, St11align_val_t)
#define DELETE_ALIGNED_NOTHROW _ZdlPvSt11align_val_tRKSt9nothrow_t
#define DELETE_ARRAY _ZdaPv
#define DELETE_ARRAY_SIZED BOSKI_Z(_ZdaPv, )
#define DELETE_ARRAY_NOTHROW _ZdaPvRKSt9nothrow_t
#define DELETE_ARRAY_ALIGNED _ZdaPvSt11align_val_t
#define DELETE_ARRAY_SIZED_ALIGNED BOSKI_Z(_ZdaPv, St11align_val_t)
#define DELETE_ARRAY_ALIGNED_NOTHROW _ZdaPvSt11align_val_tRKSt9nothrow_t

/* `nothrow` is the address of std::nothrow; std::align_val_t is passed as the size_t it is. */
BOSK_API void *NEW(size_t size);
BOSK_API void *NEW_NOTHROW(size_t size, const void *nothrow);
BOSK_API void *NEW_ALIGNED(size_t size, size_t align);
BOSK_API void *NEW_ALIGNED_NOTHROW(size_t size, size_t align, const void *nothrow);
BOSK_API void *NEW_ARRAY(size_t size);
BOSK_API void *NEW_ARRAY_NOTHROW(size_t size, const void *nothrow);
BOSK_API void *NEW_ARRAY_ALIGNED(size_t size, size_t align);
BOSK_API void *NEW_ARRAY_ALIGNED_NOTHROW(size_t size, size_t align, const void *nothrow);
BOSK_API void DELETE(void *p);
BOSK_API void DELETE_SIZED(void *p, size_t size);
BOSK_API void DELETE_NOTHROW(void *p, const void *nothrow);
BOSK_API void DELETE_ALIGNED(void *p, size_t align);
BOSK_API void DELETE_SIZED_ALIGNED(void *p, size_t size, size_t align);
BOSK_API void DELETE_ALIGNED_NOTHROW(void *p, size_t align, const void *nothrow);
BOSK_API void DELETE_ARRAY(void *p);
BOSK_API void DELETE_ARRAY_SIZED(void *p, size_t size);
BOSK_API void DELETE_ARRAY_NOTHROW(void *p, const void *nothrow);
BOSK_API void DELETE_ARRAY_ALIGNED(void *p, size_t align);
BOSK_API void DELETE_ARRAY_SIZED_ALIGNED(void *p, size_t size, size_t align);
BOSK_API void DELETE_ARRAY_ALIGNED_NOTHROW(void *p, size_t align, const void *nothrow);

/* ---- jemalloc --------------------------------------------------------------------- */

BOSK_API void *mallocx(size_t size, int flags);
BOSK_API void *rallocx(void *p, size_t size, int flags);
BOSK_API size_t xallocx(void *p, size_t size, size_t extra, int flags);
BOSK_API size_t sallocx(const void *p, int flags);
BOSK_API void dallocx(void *p, int flags);
BOSK_API void sdallocx(void *p, size_t size, int flags);
BOSK_API size_t nallocx(size_t size, int flags);
BOSK_API int mallctl(const char *name, void *old, size_t *old_bytes, void *new_, size_t new_bytes);
BOSK_API int mallctlnametomib(const char *name, size_t *mib, size_t *mib_len);
BOSK_API int mallctlbymib(const size_t *mib, size_t mib_len, void *old, size_t *old_bytes,
                          void *new_, size_t new_bytes);
BOSK_API void malloc_stats_print(void (*write)(void *ctx, const char *text), void *ctx,
                                 const char *options);
/* Programs define the first to set options, and assign the second to catch messages. */
extern BOSK_API const char *malloc_conf;
extern BOSK_API void (*malloc_message)(void *ctx, const char *text);

#endif /* BOSKI_SHIM_ABI_H */
