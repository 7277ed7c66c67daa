/* places.h - how a stack is told to people: the functions that matter, innermost first. */
#ifndef BOSK_CMD_PLACES_H
#define BOSK_CMD_PLACES_H

#include "reader.h"
#include "symbols.h"

#define PLACE_FUNCTIONS 4

/* Writes "inner < outer < ..." of a stack, at most PLACE_FUNCTIONS functions.  Functions without a
 * name are left out as long as others have one; `*named` is false when that is so of the one that
 * asked for the memory. */
void place_text(const struct process *p, struct symbols *symbols, const struct bosk_record_stack *s,
                char *buf, size_t cap, bool *named);

/* Whether a function is part of an allocator, or a wrapper around one. */
bool place_is_allocator(const char *function);
/* The name without parameters and template arguments, into `buf`. */
char *place_short_name(const char *demangled, char *buf, size_t cap);

#endif /* BOSK_CMD_PLACES_H */
