/* handle.c - references that the program keeps where the collector does not look.
 *
 * Handles are slots in blocks that are never unmapped.  Ranges are kept in an array.
 */
#include "gc.h"

#include <errno.h>

struct slot {
    void *value;
    struct slot *next; /* IN_USE, or the next free one, NULL at the end */
};
#define IN_USE ((struct slot *)(uintptr_t)1)
enum { BLOCK = 255 };
struct block {
    struct block *next;
    struct slot slot[BLOCK];
};
static struct block *blocks;
static struct slot *free_slots;
static struct boski_range *ranges;
static size_t nranges, ranges_cap;
static struct boski_lock lock;

struct boski_lock *boski_handles_lock(void) { return &lock; }

static void more_slots(void)
{
    struct block *b = boski_meta_alloc(sizeof *b);
    if (b == NULL) return;
    b->next = blocks;
    blocks = b;
    for (size_t i = 0; i < BLOCK; i++) {
        b->slot[i].next = free_slots;
        free_slots = &b->slot[i];
    }
}
BOSK_API bosk_handle bosk_handle_new(void *p)
{
    if (!boski_heap_init()) return 0;
    boski_lock(&lock);
    if (free_slots == NULL) more_slots();
    struct slot *s = free_slots;
    if (s != NULL) {
        free_slots = s->next;
        s->value = p;
        s->next = IN_USE;
    }
    boski_unlock(&lock);
    return (bosk_handle)s;
}
BOSK_API void *bosk_handle_get(bosk_handle h)
{
    if (h == 0) return NULL;
    struct slot *s = (struct slot *)h;
    if (BOSKI_LOOK(s->next) != IN_USE) bosk_panic("bosk: use of a handle that was freed");
    return BOSKI_LOOK(s->value);
}
BOSK_API void bosk_handle_free(bosk_handle h)
{
    if (h == 0) return;
    struct slot *s = (struct slot *)h;
    boski_lock(&lock);
    bool valid = s->next == IN_USE;
    if (valid) {
        s->value = NULL;
        BOSKI_SET(s->next, free_slots);
        free_slots = s;
    }
    boski_unlock(&lock);
    if (!valid) bosk_panic("bosk: handle freed twice");
}

BOSK_API int bosk_gc_add_roots(const void *start, size_t bytes)
{
    uintptr_t lo = (uintptr_t)start;
    if (bytes > UINTPTR_MAX - lo) return -EINVAL;
    int err = 0;
    boski_lock(&lock);
    if (nranges == ranges_cap) {
        struct boski_range *more = boski_gc_array_grow(ranges, &ranges_cap, sizeof *more);
        if (more != NULL)
            ranges = more;
        else
            err = -ENOMEM;
    }
    if (err == 0) ranges[nranges++] = (struct boski_range){lo, lo + bytes};
    boski_unlock(&lock);
    return err;
}
BOSK_API int bosk_gc_remove_roots(const void *start, size_t bytes)
{
    uintptr_t lo = (uintptr_t)start, hi = lo + bytes;
    int err = -ENOENT;
    boski_lock(&lock);
    for (size_t i = 0; i < nranges && err != 0; i++) {
        if (ranges[i].lo != lo || ranges[i].hi != hi) continue;
        ranges[i] = ranges[--nranges];
        err = 0;
    }
    boski_unlock(&lock);
    return err;
}

bool boski_handles_gather(struct boski_roots *r)
{
    bool ok = true;
    for (const struct block *b = blocks; ok && b != NULL; b = b->next)
        ok = boski_roots_add(r, (uintptr_t)b->slot, (uintptr_t)(b->slot + BLOCK));
    for (size_t i = 0; ok && i < nranges; i++) ok = boski_roots_add(r, ranges[i].lo, ranges[i].hi);
    return ok;
}
