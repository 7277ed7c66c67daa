/* type.h - type descriptors and homes: what a block holds, and who frees it.
 *
 * Containers pass a `const bosk_type *` with every allocation, so that the heap can
 * choose the kind of span and the collector can find references.
 */
#ifndef BOSK_TYPE_H
#define BOSK_TYPE_H

#include <bosk/alloc.h>
#include <bosk/base.h>

BOSK_BEGIN_DECLS

/* What the collector must do with a block: a property of its span. */
enum bosk_kind {
    BOSK_KIND_MANUAL = 0, /* freed by free(), never scanned */
    BOSK_KIND_NOSCAN = 1, /* collected, holds no references */
    BOSK_KIND_SCAN = 2    /* collected, scanned */
};

/* Who owns a block. */
enum bosk_home_kind {
    BOSK_HOME_MANUAL = 0,    /* free() */
    BOSK_HOME_COLLECTED = 1, /* the collector */
    BOSK_HOME_ROOT = 2,      /* free(), but scanned */
    BOSK_HOME_ARENA = 3,     /* an arena */
    BOSK_HOME_HEAP = 4       /* a first-class heap */
};

/* Describes an element type.  `ptrmask` has one bit a word, lowest word first, for the first
 * `ptrwords` words; NULL with noscan == false means every word may be a reference. */
typedef struct bosk_type {
    size_t size;
    uint32_t align;
    bool noscan; /* holds no references */
    uint32_t ptrwords;
    const uint64_t *ptrmask;
    uint64_t (*hash)(const void *key, uint64_t seed);
    bool (*equal)(const void *a, const void *b);
    const char *name;
} bosk_type;

/* A home: where containers of the calling thread allocate. */
typedef struct bosk_home {
    enum bosk_home_kind kind;
    void *owner; /* the arena or heap, else NULL */
} bosk_home;

/* The home of the calling thread; manual unless pushed or configured otherwise. */
BOSK_API bosk_home bosk_home_current(void);
/* Pushes `home` (16 deep; deeper panics with "bosk: home stack overflow"). */
BOSK_API void bosk_home_push(bosk_home home);
/* Pops; an empty stack panics with "bosk: home stack underflow". */
BOSK_API void bosk_home_pop(void);
/* The home a block was allocated in; kind BOSK_HOME_MANUAL, owner NULL for foreign memory,
 * which `*known` (may be NULL) then tells. Interior pointers are welcome. */
BOSK_API bosk_home bosk_home_of(const void *p, bool *known);

/* bosk_alloc_in allocates `count` elements of `type` in `home`; with `zero` the memory is clear.
 * NULL when out of memory, on overflow, or when the home cannot serve (the collected home
 * serves scan types as untyped memory until a cycle runs). */
BOSK_API void *bosk_alloc_in(bosk_home home, const bosk_type *type, size_t count, bool zero)
    BOSK_NODISCARD;

/* The block that contains `p` (interior and start pointers): its start and size.
 * False when `p` is not inside a block of this heap. */
BOSK_API bool bosk_find_block(const void *p, void **start, size_t *bytes);

BOSK_END_DECLS

#endif /* BOSK_TYPE_H */
