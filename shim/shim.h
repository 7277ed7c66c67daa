/* shim.h - what the files of the drop-in share.
 *
 * The names of abi.h are defined here and may be taken over by the program: by an executable
 * that brings its own malloc or its own operator new.  The code below therefore never calls them
 * to reach the heap, and compares with boski_own_* where it matters whether they are still ours.
 */
#ifndef BOSKI_SHIM_SHIM_H
#define BOSKI_SHIM_SHIM_H

#include "abi.h"
#include "heap/fastpath.h"

#define BOSKI_TEXT2(name) #name
#define BOSKI_TEXT(name) BOSKI_TEXT2(name)

/* The functions of this library, whoever the public names belong to. */
extern BOSKI_HIDDEN __typeof__(malloc) boski_own_malloc;
extern BOSKI_HIDDEN __typeof__(NEW) boski_own_new;
extern BOSKI_HIDDEN __typeof__(NEW_ALIGNED) boski_own_new_aligned;
extern BOSKI_HIDDEN __typeof__(NEW_ARRAY) boski_own_new_array;
extern BOSKI_HIDDEN __typeof__(NEW_ARRAY_ALIGNED) boski_own_new_array_aligned;
extern BOSKI_HIDDEN __typeof__(DELETE) boski_own_delete;
extern BOSKI_HIDDEN __typeof__(DELETE_ALIGNED) boski_own_delete_aligned;
extern BOSKI_HIDDEN __typeof__(DELETE_ARRAY) boski_own_delete_array;
extern BOSKI_HIDDEN __typeof__(DELETE_ARRAY_ALIGNED) boski_own_delete_array_aligned;

/* Whether malloc in this process means ours; see owner.c.  Before the constructors have run the
 * address alone decides, and operator new goes through the public name if in doubt. */
bool boski_shim_owner(void) BOSKI_HIDDEN;
extern BOSKI_HIDDEN bool boski_malloc_behind_executable;
static inline __attribute__((always_inline)) bool boski_malloc_is_ours(void)
{
    return BOSK_LIKELY(BOSKI_SAME_FN(malloc, boski_own_malloc)) || boski_malloc_behind_executable;
}

/* Runs the new-handler until the request can be met; throws std::bad_alloc when there is none.
 * `align` 0: that of malloc. */
void *boski_new_slow(size_t size, size_t align) BOSKI_HIDDEN;

/* The forms that return NULL.  `ours`: the form they stand on has not been replaced. */
enum boski_form {
    BOSKI_FORM_NEW,
    BOSKI_FORM_ARRAY,
    BOSKI_FORM_ALIGNED,
    BOSKI_FORM_ARRAY_ALIGNED,
    BOSKI_FORM_COUNT
};
void *boski_new_nothrow_slow(enum boski_form form, bool ours, size_t size, size_t align,
                             const void *nothrow) BOSKI_HIDDEN;

/* True when `form` of operator new or delete, and malloc under it, are this library's.  Only for
 * a form that another file defines: within its own the compiler would take the answer for
 * granted. */
#define BOSKI_OURS(form, own) (BOSK_LIKELY(BOSKI_SAME_FN(form, own)) && boski_malloc_is_ours())

/* The fast path of malloc alone: NULL when anything else is to be done.  So that what follows in
 * operator new can be a tail call, and the common case needs no stack frame. */
static inline __attribute__((always_inline)) void *boski_malloc_fast(size_t size)
{
    if (BOSK_UNLIKELY(size > BOSKI_FAST_MAX)) return NULL;
    size_t lane = (size + 15) >> 4;
    void **top = boski_tls.pop[lane];
    void *p = top[-1];
    if (BOSK_LIKELY(p != NULL)) boski_tls.pop[lane] = top - 1;
    return p;
}

/* Frees after a look whether `size` can be what was asked for. */
void boski_free_checked(void *p, size_t size) BOSKI_HIDDEN;

static inline __attribute__((always_inline)) void boski_free_with_size(void *p, size_t size)
{
    if (BOSK_UNLIKELY(boski_conf.check))
        boski_free_checked(p, size);
    else
        boski_free_inline(p);
}

/* A static executable takes from the archive what it refers to.  Whoever takes malloc must take
 * everything: a program's plugins may call any of the names. */
extern const char boski_shim_stats_linked BOSKI_HIDDEN;
extern const char boski_shim_jemalloc_linked BOSKI_HIDDEN;
extern const char boski_shim_cxx_linked BOSKI_HIDDEN;
extern const char boski_shim_cxx_array_linked BOSKI_HIDDEN;
extern const char boski_shim_cxx_forms_linked BOSKI_HIDDEN;

#endif /* BOSKI_SHIM_SHIM_H */
