/* gomodel.c - what Go's allocator and compiler decide besides growth: spans, tiny objects,
 * conversions of strings, and the limits of the stack.  Pure.
 *
 * Go counterparts: runtime/mheap.go, mbitmap.go, malloc.go, string.go; cmd/compile/internal/ir and
 * escape.  What is known from which version is said at each line.
 */
#include "heap/sizeclasses.h"

#include <bosk/growth.h>
#include <errno.h>

static bool wide(bosk_arch arch) { return arch == BOSK_AMD64 || arch == BOSK_ARM64; }

/* ---- spans ------------------------------------------------------------------------ */

BOSK_API uint32_t bosk_go_span(unsigned minor, bosk_arch arch, uint64_t class_bytes, bool noscan)
{
    if (bosk_growth_go(minor) == NULL || class_bytes == 0) return 0;
    if (minor == 15 && class_bytes == 24) return 0;
    unsigned c = 1;
    while (c < BOSKI_NUM_CLASSES && boski_class_to_size[c] != class_bytes) c++;
    if (c == BOSKI_NUM_CLASSES) return 0;
    uint32_t bytes = (uint32_t)boski_class_to_pages[c] * 8192;
    uint32_t inside = wide(arch) ? 512 : 128; /* largest object with its bitmap in the span */
    if (minor >= 22 && class_bytes <= inside) {
        if (!noscan) bytes -= bytes / (wide(arch) ? 64 : 32); /* one bit a word */
        if (minor >= 26 && class_bytes >= 16) bytes -= 128;   /* inline marks */
    }
    return bytes / (uint32_t)class_bytes;
}

BOSK_API int bosk_go_block_of(unsigned minor, bosk_arch arch, uint64_t size, bool noscan,
                              bosk_go_block *out)
{
    const bosk_growth *rule = bosk_growth_go(minor);
    if (rule == NULL || size == 0) return -EINVAL;
    uint64_t usable = bosk_rounded(rule, arch, size, noscan);
    uint64_t most = wide(arch) ? (uint64_t)1 << 48 : UINT32_MAX;
    if (usable > most) return -ERANGE;
    bosk_go_block block = {.bytes = usable, .usable = usable, .span_bytes = usable, .objects = 1};
    unsigned c = 1;
    /* With a header the block is 8 bytes larger than what may be used of it. */
    bool small = size <= (minor < 22 ? 32768u : 32760u);
    uint64_t header = small && minor >= 22 && !noscan && size > (wide(arch) ? 512u : 128u) ? 8 : 0;
    while (small && boski_class_to_size[c] != usable + header) c++;
    if (small) {
        block.bytes = usable + header;
        block.span_bytes = (uint64_t)boski_class_to_pages[c] * 8192;
        block.objects = bosk_go_span(minor, arch, block.bytes, noscan);
        block.size_class = minor == 15 && c > 3 ? c - 1 : c;
    }
    *out = block;
    return 0;
}

/* ---- tiny objects ------------------------------------------------------------------- */

static uint32_t align_up(uint32_t v, uint32_t to) { return (v + to - 1) & ~(to - 1); }

BOSK_API void bosk_go_place(bosk_go_tiny *state, bosk_arch arch, uint32_t size, uint32_t *block,
                            uint32_t *offset)
{
    uint32_t at = state->offset;
    if (size % 8 == 0)
        at = align_up(at, 8);
    else if (!wide(arch) && size == 12)
        at = align_up(at, 8); /* it may begin with an int64 */
    else if (size % 4 == 0)
        at = align_up(at, 4);
    else if (size % 2 == 0)
        at = align_up(at, 2);
    if (size < 16 && state->open != 0 && at + size <= 16) {
        *block = state->open - 1;
        *offset = at;
        state->offset = at + size;
        return;
    }
    *block = state->blocks++;
    *offset = 0;
    /* The block with more room stays open. */
    if (size < 16 && (state->open == 0 || size < state->offset)) {
        state->open = *block + 1;
        state->offset = size;
    }
}

/* ---- conversions ---------------------------------------------------------------------- */

#define FRAME_BUFFER 32

BOSK_API int64_t bosk_go_conversion(unsigned minor, bosk_arch arch, enum bosk_conversion what,
                                    int64_t len, unsigned *allocs)
{
    const bosk_growth *rule = bosk_growth_go(minor);
    int64_t elem = what == BOSK_RUNES_LOCAL || what == BOSK_RUNES_ESCAPES ? 4 : 1;
    *allocs = 0;
    switch (what) {
    case BOSK_STRING_LOOKUP: return 0;
    case BOSK_STRING_LOCAL:
    case BOSK_CONCAT_LOCAL: *allocs = len > FRAME_BUFFER; return 0;
    case BOSK_STRING_ESCAPES:
    case BOSK_CONCAT_ESCAPES:
        /* Empty: no bytes.  One byte: a table, or the one part that is not empty. */
        *allocs = len > 1;
        return 0;
    case BOSK_BYTES_LOCAL_READ:
        if (minor >= 22) return len; /* shares the bytes of the string */
        break;
    default: break;
    }
    if (what != BOSK_BYTES_ESCAPES && what != BOSK_RUNES_ESCAPES && len <= FRAME_BUFFER)
        return FRAME_BUFFER;
    if (rule == NULL || len <= 0) return 0;
    *allocs = 1;
    return (int64_t)(bosk_rounded(rule, arch, (uint64_t)len * (uint64_t)elem, true) /
                     (uint64_t)elem);
}

/* ---- the compiler's limits --------------------------------------------------------------- */

BOSK_API int bosk_go_limits_of(unsigned minor, bosk_go_limits *out)
{
    if (bosk_growth_go(minor) == NULL) return -EINVAL;
    /* Up to 1.16 the compiler compared with >= where it later had >. */
    bosk_go_limits limits = {.make_stack = minor < 17 ? 65535 : 65536,
                             .variable_stack = minor < 24 ? 10485760 : 131072,
                             .convert_stack = FRAME_BUFFER,
                             .box_static = 256};
    if (minor >= 25) {
        limits.make_variable = 32;
        limits.append_stack = 32;
    }
    *out = limits;
    return 0;
}
