/* cxx_array.c - new[] and delete[]: what C++ defines by the plain forms, and other forms by them.
 *
 * A program may replace operator new(size_t) alone and count on the array forms to reach it.
 */
#include "shim.h"

const char boski_shim_cxx_array_linked = 1;

BOSK_API void *NEW_ARRAY(size_t size)
{
    if (!BOSKI_OURS(NEW, boski_own_new)) return NEW(size);
    void *p = boski_malloc_fast(size);
    return BOSK_LIKELY(p != NULL) ? p : boski_new_slow(size, 0);
}

BOSK_API void *NEW_ARRAY_ALIGNED(size_t size, size_t align)
{
    if (!BOSKI_OURS(NEW_ALIGNED, boski_own_new_aligned)) return NEW_ALIGNED(size, align);
    return boski_new_slow(size, align);
}

BOSK_API void DELETE_ARRAY(void *p)
{
    if (BOSKI_OURS(DELETE, boski_own_delete))
        boski_free_inline(p);
    else
        DELETE(p);
}

BOSK_API void DELETE_ARRAY_ALIGNED(void *p, size_t align)
{
    if (BOSKI_OURS(DELETE_ALIGNED, boski_own_delete_aligned))
        boski_free_inline(p);
    else
        DELETE_ALIGNED(p, align);
}

extern __typeof__(NEW_ARRAY) boski_own_new_array __attribute__((alias(BOSKI_TEXT(NEW_ARRAY))));
extern __typeof__(NEW_ARRAY_ALIGNED) boski_own_new_array_aligned
    __attribute__((alias(BOSKI_TEXT(NEW_ARRAY_ALIGNED))));
extern __typeof__(DELETE_ARRAY) boski_own_delete_array
    __attribute__((alias(BOSKI_TEXT(DELETE_ARRAY))));
extern __typeof__(DELETE_ARRAY_ALIGNED) boski_own_delete_array_aligned
    __attribute__((alias(BOSKI_TEXT(DELETE_ARRAY_ALIGNED))));
