/* owner.c - does malloc in this process mean ours?
 *
 * Usually its address says so.  In an executable at a fixed address that takes the address of
 * malloc, that address is in the executable for everyone, so that all pointers to malloc
 * compare equal: then a call tells.
 */
#include "shim.h"

bool boski_malloc_behind_executable;

bool boski_shim_owner(void)
{
    if (BOSKI_SAME_FN(malloc, boski_own_malloc)) return true;
    void *start, *p = malloc(1);
    size_t bytes;
    boski_malloc_behind_executable = p != NULL && bosk_find_block(p, &start, &bytes);
    free(p);
    return boski_malloc_behind_executable;
}
