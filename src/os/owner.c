/* owner.c - is this copy of the runtime the one that the process uses?
 *
 * Several can be loaded: libbosk linked and the drop-in preloaded, the drop-in in the executable
 * and preloaded as well.  The dynamic linker gives every caller the first copy's names; the others
 * must not reserve address space, start threads or claim a section of a recording on being loaded.
 * A copy that is called all the same still starts by itself, later.
 */
#include "internal.h"
#include "os.h"

#include <bosk/base.h>

/* The function itself, whoever its public name belongs to; see panic.c.  In a file apart, so that
 * the compiler cannot take the answer for granted. */
extern __attribute__((visibility("hidden"))) __typeof__(bosk_version) boski_own_version;
/* The drop-in adds that malloc is its own. */
__attribute__((weak, visibility("hidden"))) bool boski_shim_owner(void);

bool boski_os_owner(void)
{
    bool names = BOSKI_SAME_FN(bosk_version, boski_own_version);
    bool blocks = boski_shim_owner == NULL || boski_shim_owner();
    if (blocks && !names && boski_shim_owner != NULL)
        boski_os_print(
            "bosk: libbosk is linked before libbosk-malloc, so bosk_malloc and malloc have "
            "two heaps; link libbosk-malloc first");
    return names && blocks;
}
