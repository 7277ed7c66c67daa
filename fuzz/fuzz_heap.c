/* fuzz_heap.c - any sequence of correct calls: bytes choose operations, slots and sizes.
 *
 * A shadow knows what each slot holds.  Traps when a block is misaligned or too small, loses its
 * contents, is not zero where it should be, or when the heap's own books disagree at the end.
 */
#include <bosk/alloc.h>
#include <bosk/type.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { SLOTS = 64, HEAPS = 2, EDGE = 256 };
struct slot {
    unsigned char *p;
    size_t size;
    int heap; /* index + 1, 0 for none */
};
static struct slot slot[SLOTS];
static bosk_heap *heap[HEAPS];

struct input {
    const uint8_t *at, *end;
};
static unsigned take_byte(struct input *in) { return in->at < in->end ? *in->at++ : 0; }

/* One byte chooses the scale, two the number: sizes around classes and pages are all reachable. */
static size_t take_size(struct input *in)
{
    unsigned scale = take_byte(in), low = take_byte(in), high = take_byte(in);
    size_t n = low | (size_t)high << 8;
    switch (scale % 8) {
    case 0: return low;
    case 1: return n % 1100;
    case 2: return n;
    case 3: return 32768 - 64 + low;
    case 4: return n * 8;
    case 5: return (size_t)low * 8192 + high % 3;
    case 6: return n % 50 * 65536;
    default: return n % 33000;
    }
}

/* Tells where, which the place of the abort does not: compilers merge all of them. */
static void expect_at(bool ok, int line)
{
    if (ok) return;
    fprintf(stderr, "fuzz_heap.c:%d: not as expected\n", line);
    abort();
}
#define expect(condition) expect_at(condition, __LINE__)

static unsigned char value(const struct slot *s, size_t at)
{
    return (unsigned char)((size_t)(s - slot) * 37 + at * 11 + (at >> 8));
}
/* Both ends of the block, and all of a small one. */
static void mark(const struct slot *s)
{
    for (size_t i = 0; i < s->size; i++) {
        if (i == EDGE && s->size > (size_t)2 * EDGE) i = s->size - EDGE;
        s->p[i] = value(s, i);
    }
}
static void verify(const struct slot *s, size_t upto)
{
    for (size_t i = 0; i < upto; i++) {
        if (i == EDGE && s->size > (size_t)2 * EDGE) {
            if (upto < s->size) return; /* the far end is gone */
            i = s->size - EDGE;
        }
        expect(s->p[i] == value(s, i));
    }
}

static void hold(struct slot *s, void *p, size_t size)
{
    if (p == NULL) {
        expect(errno == ENOMEM);
        *s = (struct slot){0};
        return;
    }
    expect((uintptr_t)p % 16 == 0 && bosk_usable_size(p) >= size);
    s->p = p;
    s->size = size;
    mark(s);
}
static void drop(struct slot *s, bool sized)
{
    if (s->p == NULL) return;
    verify(s, s->size);
    if (sized)
        bosk_free_sized(s->p, s->size);
    else
        bosk_free(s->p);
    *s = (struct slot){0};
}

static void change(struct slot *s, size_t size)
{
    if (s->p == NULL || size == 0) {
        drop(s, false);
        hold(s, bosk_realloc(NULL, size), size);
        return;
    }
    unsigned char *p = bosk_realloc(s->p, size);
    if (p == NULL) {
        expect(errno == ENOMEM);
        verify(s, s->size);
        return;
    }
    s->p = p;
    verify(s, size < s->size ? size : s->size);
    int which = s->heap;
    hold(s, p, size);
    s->heap = which;
}

static void zeroed(struct slot *s, size_t size)
{
    unsigned char *p = bosk_calloc(1, size);
    for (size_t i = 0; p != NULL && i<size; i += size> 65536 ? 509 : 1) expect(p[i] == 0);
    hold(s, p, size);
}

static void aligned(struct slot *s, unsigned shift, size_t size)
{
    size_t align = (size_t)1 << shift % 23;
    void *p = bosk_aligned_alloc(align, size);
    expect((uintptr_t)p % align == 0);
    hold(s, p, size);
}

static void grow(struct slot *s, size_t size)
{
    if (s->p == NULL) return;
    size_t before = bosk_usable_size(s->p), got = bosk_grow(s->p, size);
    expect(got == 0 || got >= size);
    expect(bosk_usable_size(s->p) == (got != 0 ? got : before));
    verify(s, s->size);
}

static void find(const struct slot *s, size_t offset)
{
    void *start = NULL;
    size_t bytes = 0;
    if (s->p == NULL) return;
    size_t usable = bosk_usable_size(s->p);
    if (usable == 0) return;
    expect(bosk_find_block(s->p + offset % usable, &start, &bytes));
    expect(start == s->p && bytes == usable);
    bosk_home home = bosk_home_of(s->p, NULL);
    expect(home.kind == (s->heap ? BOSK_HOME_HEAP : BOSK_HOME_MANUAL));
    expect(home.owner == (s->heap ? heap[s->heap - 1] : NULL));
}

static void destroy(int which)
{
    for (struct slot *s = slot; s < slot + SLOTS; s++)
        if (s->heap == which + 1) {
            verify(s, s->size);
            *s = (struct slot){0};
        }
    if (heap[which]) bosk_heap_destroy(heap[which]);
    heap[which] = NULL;
}

static void in_heap(struct slot *s, int which, size_t size, bool limited)
{
    if (heap[which] == NULL) heap[which] = bosk_heap_new(limited ? (size_t)1 << 20 : 0);
    if (heap[which] == NULL) return;
    hold(s, bosk_heap_malloc(heap[which], size), size);
    if (s->p) s->heap = which + 1;
}

static bool add_up(void *ctx, const struct bosk_span_info *span, void *block, size_t bytes)
{
    expect(span->nlive <= span->nelems && span->elem_bytes * span->nelems <= span->bytes);
    if (block) *(size_t *)ctx += bytes;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct input in = {data, data + n};
    while (in.at < in.end) {
        unsigned op = take_byte(&in);
        struct slot *s = &slot[take_byte(&in) % SLOTS];
        int which = (int)(op / 16 % HEAPS);
        switch (op % 16) {
        case 0: bosk_trim(op & 16 ? 0 : SIZE_MAX); break;
        case 1: destroy(which); break;
        case 2: find(s, take_size(&in)); break;
        case 3: grow(s, take_size(&in)); break;
        case 4:
            drop(s, false);
            zeroed(s, take_size(&in));
            break;
        case 5:
            drop(s, true);
            aligned(s, op / 16, take_size(&in));
            break;
        case 6:
            drop(s, false);
            in_heap(s, which, take_size(&in), op & 128);
            break;
        case 7:
        case 8: change(s, take_size(&in)); break;
        case 9:
        case 10: drop(s, op & 16); break;
        default: {
            drop(s, false);
            size_t size = take_size(&in);
            hold(s, bosk_malloc(size), size);
        }
        }
    }
    for (struct slot *s = slot; s < slot + SLOTS; s++) drop(s, false);
    for (int i = 0; i < HEAPS; i++) destroy(i);
    struct bosk_heap_stats stats;
    size_t walked = 0;
    bosk_trim(SIZE_MAX);
    bosk_heap_stats(&stats);
    expect(bosk_heap_walk(NULL, BOSK_WALK_BLOCKS, add_up, &walked) == 0);
    expect(stats.live == walked && walked == 0);
    expect(stats.allocated - stats.freed == stats.live && stats.mallocs == stats.frees);
    return 0;
}
