/* cxx_forms.c - the twelve nothrow and sized forms of operator new and delete.
 *
 * C++ defines each by another form, which the program may have replaced: each looks, one
 * comparison of addresses, whether what it stands on is still ours, and otherwise calls that.
 */
#include "shim.h"

const char boski_shim_cxx_forms_linked = 1;

#define NEW_OURS BOSKI_OURS(NEW, boski_own_new)
#define NEW_ARRAY_OURS (BOSK_LIKELY(BOSKI_SAME_FN(NEW_ARRAY, boski_own_new_array)) && NEW_OURS)
#define NEW_ALIGNED_OURS BOSKI_OURS(NEW_ALIGNED, boski_own_new_aligned)
#define NEW_ARRAY_ALIGNED_OURS \
    (BOSK_LIKELY(BOSKI_SAME_FN(NEW_ARRAY_ALIGNED, boski_own_new_array_aligned)) && NEW_ALIGNED_OURS)
#define DELETE_OURS BOSKI_OURS(DELETE, boski_own_delete)
#define DELETE_ARRAY_OURS \
    (BOSK_LIKELY(BOSKI_SAME_FN(DELETE_ARRAY, boski_own_delete_array)) && DELETE_OURS)
#define DELETE_ALIGNED_OURS BOSKI_OURS(DELETE_ALIGNED, boski_own_delete_aligned)
#define DELETE_ARRAY_ALIGNED_OURS                                                        \
    (BOSK_LIKELY(BOSKI_SAME_FN(DELETE_ARRAY_ALIGNED, boski_own_delete_array_aligned)) && \
     DELETE_ALIGNED_OURS)

/* ---- new ------------------------------------------------------------------------- */

BOSK_API void *NEW_NOTHROW(size_t size, const void *nothrow)
{
    bool ours = NEW_OURS;
    if (BOSK_LIKELY(ours)) {
        void *p = boski_malloc_fast(size);
        if (BOSK_LIKELY(p != NULL)) return p;
    }
    return boski_new_nothrow_slow(BOSKI_FORM_NEW, ours, size, 0, nothrow);
}

BOSK_API void *NEW_ARRAY_NOTHROW(size_t size, const void *nothrow)
{
    bool ours = NEW_ARRAY_OURS;
    if (BOSK_LIKELY(ours)) {
        void *p = boski_malloc_fast(size);
        if (BOSK_LIKELY(p != NULL)) return p;
    }
    return boski_new_nothrow_slow(BOSKI_FORM_ARRAY, ours, size, 0, nothrow);
}

BOSK_API void *NEW_ALIGNED_NOTHROW(size_t size, size_t align, const void *nothrow)
{
    return boski_new_nothrow_slow(BOSKI_FORM_ALIGNED, NEW_ALIGNED_OURS, size, align, nothrow);
}

BOSK_API void *NEW_ARRAY_ALIGNED_NOTHROW(size_t size, size_t align, const void *nothrow)
{
    return boski_new_nothrow_slow(BOSKI_FORM_ARRAY_ALIGNED, NEW_ARRAY_ALIGNED_OURS, size, align,
                                  nothrow);
}

/* ---- delete ------------------------------------------------------------------------ */

BOSK_API void DELETE_SIZED(void *p, size_t size)
{
    if (DELETE_OURS)
        boski_free_with_size(p, size);
    else
        DELETE(p);
}

BOSK_API void DELETE_NOTHROW(void *p, const void *nothrow)
{
    (void)nothrow;
    if (DELETE_OURS)
        boski_free_inline(p);
    else
        DELETE(p);
}

BOSK_API void DELETE_ARRAY_SIZED(void *p, size_t size)
{
    if (DELETE_ARRAY_OURS)
        boski_free_with_size(p, size);
    else
        DELETE_ARRAY(p);
}

BOSK_API void DELETE_ARRAY_NOTHROW(void *p, const void *nothrow)
{
    (void)nothrow;
    if (DELETE_ARRAY_OURS)
        boski_free_inline(p);
    else
        DELETE_ARRAY(p);
}

BOSK_API void DELETE_SIZED_ALIGNED(void *p, size_t size, size_t align)
{
    if (DELETE_ALIGNED_OURS)
        boski_free_with_size(p, size);
    else
        DELETE_ALIGNED(p, align);
}

BOSK_API void DELETE_ALIGNED_NOTHROW(void *p, size_t align, const void *nothrow)
{
    (void)nothrow;
    if (DELETE_ALIGNED_OURS)
        boski_free_inline(p);
    else
        DELETE_ALIGNED(p, align);
}

BOSK_API void DELETE_ARRAY_SIZED_ALIGNED(void *p, size_t size, size_t align)
{
    if (DELETE_ARRAY_ALIGNED_OURS)
        boski_free_with_size(p, size);
    else
        DELETE_ARRAY_ALIGNED(p, align);
}

BOSK_API void DELETE_ARRAY_ALIGNED_NOTHROW(void *p, size_t align, const void *nothrow)
{
    (void)nothrow;
    if (DELETE_ARRAY_ALIGNED_OURS)
        boski_free_inline(p);
    else
        DELETE_ARRAY_ALIGNED(p, align);
}
