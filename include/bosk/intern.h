/* intern.h - one copy of each string: interned strings are equal when their pointers are.
 *
 *     bosk_str a = bosk_intern(NULL, name), b = bosk_intern(NULL, other);
 *     if (a.ptr == b.ptr) same(a);
 *
 * An interner owns its strings and frees them all at once; NULL is the interner of the process,
 * whose strings last until it ends.  Any number of threads may use one at the same time: a string
 * that is there already is found without a lock, a new one takes one of 16.  The hash is keyed by a
 * random number, so nobody can choose strings that collide.
 */
#ifndef BOSK_INTERN_H
#define BOSK_INTERN_H

#include <bosk/str.h>

BOSK_BEGIN_DECLS

typedef struct bosk_interner bosk_interner;

/* NULL when there is no memory. */
BOSK_API bosk_interner *bosk_interner_new(void) BOSK_NODISCARD;
/* Frees the interner and every string it gave; nobody may be using them.  NULL: nothing. */
BOSK_API void bosk_interner_free(bosk_interner *in);

/* The one string of the interner with these bytes, which are copied when they are new.  The empty
 * string is shared by all.  No memory is fatal; with try_ it is false, and nothing has changed.
 * After fork the interner of the process works in the child; any other does if no thread was inside
 * it. */
BOSK_API bosk_str bosk_intern(bosk_interner *in, bosk_str s);
BOSK_API bool bosk_try_intern(bosk_interner *in, bosk_str s, bosk_str *out) BOSK_NODISCARD;

struct bosk_interner_counts {
    uint64_t strings;      /* different ones */
    uint64_t string_bytes; /* in them */
    uint64_t heap_bytes;   /* taken from the heap: strings, heads, tables outgrown and in use */
};
BOSK_API void bosk_interner_count(const bosk_interner *in, struct bosk_interner_counts *out);

BOSK_END_DECLS

#endif /* BOSK_INTERN_H */
