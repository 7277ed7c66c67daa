/* chunk.c - looking at the blocks of a chunk; see chunk.h. */
#include "chunk.h"

#include "arena.h"

bool boski_chunk_next(const struct mspan *s, const uint64_t *bits, uint32_t *at, void **start,
                      size_t *bytes)
{
    uint32_t used = (uint32_t)s->nfree, from = next_start(bits, *at, used);
    if (from == used) return false;
    *at = next_start(bits, from + 1, used);
    *start = granule_at(s, from);
    *bytes = (size_t)(*at - from) << GRANULE_SHIFT;
    return true;
}

bool boski_chunk_find(const struct mspan *s, const void *p, void **start, size_t *bytes)
{
    uint32_t used = used_of(s), g = granule_of(s, p);
    if (g >= used) return false;
    uint32_t from = start_of(s->bits, g);
    if (start != NULL) *start = granule_at(s, from);
    if (bytes != NULL)
        *bytes = (size_t)(next_start(s->bits, from + 1, used) - from) << GRANULE_SHIFT;
    return true;
}
