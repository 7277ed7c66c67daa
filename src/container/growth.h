/* growth.h - growth of this process's own slices. */
#ifndef BOSKI_GROWTH_H
#define BOSKI_GROWTH_H

#include <bosk/growth.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* bosk_nextcap_len by the rule in force, on the machine's own architecture. */
int64_t boski_nextcap_here(size_t elem_size, bool noscan, ptrdiff_t old_len, ptrdiff_t old_cap,
                           ptrdiff_t new_len);

/* The rule that the program has chosen, NULL: none, Go's newest holds. */
extern const bosk_growth *boski_growth_rule;
static inline bool boski_growth_chosen(void)
{
    return __atomic_load_n(&boski_growth_rule, __ATOMIC_ACQUIRE) != NULL;
}

/* How many elements of `size` bytes there are in `bytes`. */
static inline size_t boski_elements(size_t bytes, size_t size)
{
    if ((size & (size - 1)) == 0) return bytes >> __builtin_ctzl((unsigned long)size);
    if (bytes <= UINT32_MAX) return (uint32_t)bytes / (uint32_t)size;
    return bytes / size;
}

#endif /* BOSKI_GROWTH_H */
