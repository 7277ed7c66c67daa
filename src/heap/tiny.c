/* tiny.c - several collected, pointer-free objects below 16 bytes in one block of 16.
 *
 * Each thread has an open block.  An object is aligned by its size and put behind the last one;
 * when it does not fit, a new block is taken, which stays open if it has more room left than the
 * old one. A block dies as one, when nothing points into any part of it; so bosk_free of such an
 * object does nothing.
 *
 * Go counterpart: runtime/malloc.go, mallocgc (1.22).
 */
#include "collected.h"

#define BLOCK 16

/* Where an object of `size` bytes may begin, at or after `off`. */
static size_t align_up(size_t off, size_t size)
{
    size_t align = size % 8 == 0 ? 8 : size % 4 == 0 ? 4 : size % 2 == 0 ? 2 : 1;
    if (sizeof(void *) == 4 && size == 12) align = 8; /* room for a 64-bit atomic at its head */
    return (off + align - 1) & ~(align - 1);
}

void *boski_tiny_alloc(size_t size)
{
    struct mcache *mc = boski_mcache();
    if (mc != NULL && mc->tiny != NULL) {
        size_t off = align_up(mc->tiny_used, size);
        if (off + size <= BLOCK) {
            mc->tiny_used = (uint32_t)(off + size);
            return mc->tiny + off;
        }
    }
    char *block = boski_gc_alloc_tiny();
    if (block != NULL && mc != NULL && (mc->tiny == NULL || size < mc->tiny_used)) {
        mc->tiny = block;
        mc->tiny_used = (uint32_t)size;
    }
    return block;
}
