/* growth.h - how Go's slices grow, on every version and architecture, as pure functions.
 *
 * Nothing here allocates, locks or reads anything but its arguments, except bosk_growth_use and
 * bosk_growth_current, which say by which rule this process grows its own slices.
 *
 *     const bosk_growth *go = bosk_growth_go(22);
 *     bosk_nextcap(go, BOSK_AMD64, 8, true, 512, 513) == 848
 *
 * Go counterparts: runtime/slice.go, msize.go, malloc.go, mheap.go, string.go of 1.15 to 1.26.
 */
#ifndef BOSK_GROWTH_H
#define BOSK_GROWTH_H

#include <bosk/base.h>

BOSK_BEGIN_DECLS

/* Lengths of an architecture that is not ours fit here. */
typedef enum bosk_arch { BOSK_AMD64 = 0, BOSK_ARM64 = 1, BOSK_386 = 2, BOSK_ARM = 3 } bosk_arch;
enum { BOSK_ARCHES = 4 };

#if defined(__aarch64__)
#define BOSK_ARCH_NATIVE BOSK_ARM64
#elif defined(__arm__)
#define BOSK_ARCH_NATIVE BOSK_ARM
#elif defined(__i386__)
#define BOSK_ARCH_NATIVE BOSK_386
#else
#define BOSK_ARCH_NATIVE BOSK_AMD64
#endif

enum bosk_rounding {
    BOSK_ROUND_NONE = 0,   /* to no size class: what a C program with realloc gets */
    BOSK_ROUND_NO24 = 1,   /* Go up to 1.15: there was no class of 24 bytes */
    BOSK_ROUND_PLAIN = 2,  /* Go 1.16 to 1.21 */
    BOSK_ROUND_HEADERS = 3 /* Go 1.22 on: pointerful blocks above 512 bytes have a header */
};

/* A rule.  When less than twice the capacity is needed: twice below `threshold`; from there on,
 * repeat cap += (cap + plus) * num / den until it is enough. */
typedef struct bosk_growth {
    int64_t threshold;
    int64_t plus;
    uint32_t num, den;
    uint8_t rounding; /* enum bosk_rounding */
    uint8_t on_len;   /* the threshold looks at the old length (Go up to 1.15) */
    uint8_t golden;   /* proven against real Go; 0: from the source, or a free rule */
    uint8_t minor;    /* first Go version it is true of, 1.minor; 0 for a free rule */
} bosk_growth;

/* The first and the last Go version that is known. */
enum { BOSK_GO_FIRST = 15, BOSK_GO_LAST = 26 };

/* bosk_growth_go returns the rule of Go 1.minor: those of 1.15, 1.17 (also 1.16), 1.18 (to 1.21)
 * and 1.22 (on).  NULL for a version that is not between 1.15 and 1.26.  Static storage. */
BOSK_API const bosk_growth *bosk_growth_go(unsigned minor);

/* bosk_growth_parse reads "go1.18" or a free rule: "threshold=256,add=25%", with "plus=768",
 * "round=none|no24|plain|headers" (default headers) and "on=len|cap" as further words.
 * Returns 0, or -EINVAL with `out` untouched. */
BOSK_API int bosk_growth_parse(const char *text, bosk_growth *out);

/* bosk_growth_name writes "go1.18" or the words of a free rule to `text` (always terminated, at
 * most `n` bytes) and returns `text`.  128 bytes are always enough. */
BOSK_API char *bosk_growth_name(const bosk_growth *rule, char *text, size_t n);

/* bosk_nextcap returns the capacity that append gives to a full slice of capacity `old_cap` which
 * must hold `new_len` elements: the rule, then the rounding to a size class.
 *
 *   elem_size  bytes of an element; 0 gives new_len
 *   noscan     true when elements hold no pointers
 *   returns    elements; -1 where Go panics ("growslice: len out of range": the length wrapped or
 *              more than the address space is needed); old_cap when new_len already fits
 *
 * Pure: no allocation, any thread.  Lengths are those of `arch`: on 386 and arm, 32 bits. */
BOSK_API int64_t bosk_nextcap(const bosk_growth *rule, bosk_arch arch, uint64_t elem_size,
                              bool noscan, int64_t old_cap, int64_t new_len);

/* The same where the old length is not the old capacity, which only Go up to 1.15 looks at. */
BOSK_API int64_t bosk_nextcap_len(const bosk_growth *rule, bosk_arch arch, uint64_t elem_size,
                                  bool noscan, int64_t old_len, int64_t old_cap, int64_t new_len);

/* bosk_wantcap is the first half of bosk_nextcap: the capacity before it is rounded. */
BOSK_API int64_t bosk_wantcap(const bosk_growth *rule, bosk_arch arch, int64_t old_len,
                              int64_t old_cap, int64_t new_len);

/* bosk_rounded returns the bytes that a request of `size` may use. */
BOSK_API uint64_t bosk_rounded(const bosk_growth *rule, bosk_arch arch, uint64_t size, bool noscan);

/* The text Go 1.minor panics with when growth is impossible, for example
 * "growslice: len out of range". */
BOSK_API const char *bosk_growth_panic(unsigned minor);

/* bosk_growth_use selects the rule by which this process grows slices from now on; `rule` is
 * copied.  NULL restores Go 1.22.  -EINVAL for a rule that bosk_growth_parse would refuse, -ENOSPC
 * after 16 different rules.  Threads that are growing a slice finish by the old rule. */
BOSK_API int bosk_growth_use(const bosk_growth *rule);
BOSK_API const bosk_growth *bosk_growth_current(void);

/* ---- what else Go's allocator decides ------------------------------------------- */

/* "amd64" to BOSK_AMD64; -EINVAL for an unknown name.  And back. */
BOSK_API int bosk_arch_parse(const char *text, bosk_arch *out);
BOSK_API const char *bosk_arch_name(bosk_arch arch);

/* bosk_go_span returns how many objects a span of Go 1.minor holds whose objects have exactly
 * `class_bytes`; 0 when that is no size class of that version. */
BOSK_API uint32_t bosk_go_span(unsigned minor, bosk_arch arch, uint64_t class_bytes, bool noscan);

/* The block that serves a request. */
typedef struct bosk_go_block {
    uint64_t bytes;      /* of the block */
    uint64_t usable;     /* of it: 8 less behind a header */
    uint64_t span_bytes; /* of the span it lies in */
    uint32_t size_class; /* 1 to 67 (66 up to Go 1.15); 0: a large block, a span of its own */
    uint32_t objects;    /* blocks in that span */
} bosk_go_block;
/* bosk_go_block_of tells which block of Go 1.minor serves a request of `size` bytes: -EINVAL for an
 * unknown version or no bytes at all, -ERANGE for more than the architecture has. */
BOSK_API int bosk_go_block_of(unsigned minor, bosk_arch arch, uint64_t size, bool noscan,
                              bosk_go_block *out);

/* Where Go's tiny allocator puts a pointer-free object of 1 to 15 bytes.  Zero-initialise. */
typedef struct bosk_go_tiny {
    uint32_t blocks; /* 16-byte blocks taken so far */
    uint32_t open;   /* number of the block that is shared, plus one; 0: none */
    uint32_t offset; /* first byte in it that is free */
} bosk_go_tiny;
/* Places an object of 1 to 16 bytes (16 takes a block of its own) in block *block at *offset. */
BOSK_API void bosk_go_place(bosk_go_tiny *state, bosk_arch arch, uint32_t size, uint32_t *block,
                            uint32_t *offset);

/* Conversions and joins of strings.  LOCAL: the result stays in the function, READ: and is only
 * read; ESCAPES: it outlives the function. */
enum bosk_conversion {
    BOSK_BYTES_LOCAL_READ,
    BOSK_BYTES_LOCAL,
    BOSK_BYTES_ESCAPES,
    BOSK_RUNES_LOCAL,
    BOSK_RUNES_ESCAPES,
    BOSK_STRING_LOCAL,
    BOSK_STRING_ESCAPES,
    BOSK_CONCAT_LOCAL,
    BOSK_CONCAT_ESCAPES,
    BOSK_STRING_LOOKUP, /* m[string(b)], string(b) == s: never copied */
    BOSK_CONVERSIONS
};
/* bosk_go_conversion returns the capacity of the result of a conversion of `len` bytes (ASCII:
 * also runes), 0 for strings, which have none; *allocs: heap allocations made. */
BOSK_API int64_t bosk_go_conversion(unsigned minor, bosk_arch arch, enum bosk_conversion what,
                                    int64_t len, unsigned *allocs);

/* Limits that the compiler of Go 1.minor decides by, in bytes; 0: there is no such thing. */
typedef struct bosk_go_limits {
    int64_t make_stack;     /* make of constant size and new, on the stack up to here */
    int64_t make_variable;  /* make of variable size, in a buffer on the stack up to here */
    int64_t append_stack;   /* the first append to an empty local slice */
    int64_t variable_stack; /* a declared variable */
    int64_t convert_stack;  /* buffers of conversions and joins */
    int64_t box_static;     /* integers below this are boxed without an allocation */
} bosk_go_limits;
BOSK_API int bosk_go_limits_of(unsigned minor, bosk_go_limits *out);

/* Size and alignment of a Go type. */
typedef struct bosk_go_type {
    uint64_t size;
    uint32_t align;
    bool noscan;        /* holds no pointers */
    uint64_t ptr_bytes; /* up to the end of the last pointer, where the collector stops looking */
} bosk_go_type;
/* bosk_go_layout reads a type such as "struct{a int64; b [3]byte; c *T}" and tells its layout;
 * a name that is not predeclared is an error, except behind "*".  `note`, which may be NULL, is
 * called for each field of the outermost struct.  Returns 0, or -EINVAL (*at, when not NULL, is
 * then the offset of what was not understood), or -EOVERFLOW. */
typedef void (*bosk_go_field_fn)(void *ctx, const char *name, size_t name_bytes,
                                 const bosk_go_type *type, uint64_t offset);
BOSK_API int bosk_go_layout(bosk_arch arch, const char *text, bosk_go_type *out, size_t *at,
                            bosk_go_field_fn note, void *ctx);

BOSK_END_DECLS

#endif /* BOSK_GROWTH_H */
