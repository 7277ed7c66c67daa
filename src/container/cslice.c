/* cslice.c - what concurrent slices do when a segment ends, batches, and the published prefix.
 *
 * Segment k holds 2^(shift + k) elements and begins at index 2^shift * (2^k - 1).  Its word `next`
 * goes through these states, and nothing else decides whose a slot is:
 *
 *   IDLE            made, but the segment before is not closed; nobody takes tickets here
 *   n < size        open: a fetch-and-add of 1 takes slot n; a batch takes several by
 *                   compare-and-swap
 *   n >= size       closed: tickets are void, whoever gets one goes on with the next segment
 *   carry << 40 | n closed by a batch that did not fit: it owns the rest of this segment and the
 *                   first `carry` slots of those that follow
 *
 * Invariants
 *   - Once closed, `carry` stays; so whoever opens the next segment opens it in the same state, and
 *     the first to do so is right.  Nobody waits for whoever closed it.
 *   - A batch makes the segments that it will reach into before it closes one, so nothing can fail
 *     between taking slots and filling them.
 *   - A void ticket may be forgotten: `next` of a closed segment may be set back to `size`.
 *   - A segment is found by index before it is current.
 *
 * No locks.  Two threads may make the same segment; the second frees its own.
 */
#if !defined(__x86_64__) && !defined(__i386__)
#include "os/os.h"
#endif

#include <bosk/cslice.h>

#define LOW_BITS 40
#define LOW_MASK (((uint64_t)1 << LOW_BITS) - 1)
#define IDLE LOW_MASK
/* How often a thread looks whether another one, which makes the same segment, is done. */
#ifndef BOSKI_CS_PATIENCE
#define BOSKI_CS_PATIENCE 1000
#endif

BOSK_API void bosk_cslice_no_memory(void) { bosk_fatal("runtime: out of memory"); }

BOSK_API void bosk_cslice_panic(bosk_cslice *c, size_t elem_size, long long index, bool is_unsigned)
{
    bosk_panic_index(index, bosk_cslice_length(c, elem_size), is_unsigned);
}

/* ---- segments -------------------------------------------------------------------------- */

_Static_assert(sizeof(struct bosk_csegment) <= BOSKI_CSHEAD, "the bytes lie behind");

/* Gives back a block of ours, if it is one that somebody has to free. */
static void give_back(bosk_home home, void *p)
{
    if (home.kind != BOSK_HOME_COLLECTED) bosk_free(p);
}
static void free_segment(bosk_home home, struct bosk_csegment *seg)
{
    if (seg->array != &bosk_zerobase) give_back(home, seg->array);
    give_back(home, seg);
}

/* NULL when there is no memory. */
static struct bosk_csegment *new_segment(bosk_home home, const bosk_type *type, unsigned number)
{
    const size_t first = (size_t)1 << BOSKI_CS_SHIFT(type->size);
    const size_t size = first << number;
    /* Scanned, because it is what refers to the elements; and therefore clear. */
    const bosk_type line = {64, 64, false, 0, NULL, NULL, NULL, NULL};
    if (size >> number != first || size > PTRDIFF_MAX / 2) return NULL;
    struct bosk_csegment *seg = bosk_alloc_in(home, &line, (BOSKI_CSHEAD + size + 63) / 64, true);
    if (seg == NULL) return NULL;
    seg->array = type->size == 0 ? &bosk_zerobase : bosk_alloc_in(home, type, size, false);
    if (seg->array == NULL) {
        give_back(home, seg);
        return NULL;
    }
    seg->size = size;
    seg->base = size - first;
    seg->ready = (unsigned char *)seg + BOSKI_CSHEAD;
    seg->number = number;
    seg->next = number == 0 ? 0 : IDLE;
    return seg;
}

static inline void pause_a_little(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("" ::: "memory");
#endif
}

/* Whether this thread should make segment `number`: true at once for one thread, for others when
 * they have waited long enough.  A hint: nothing depends on the answer but memory. */
static bool my_turn(bosk_cslice *c, unsigned number)
{
    unsigned expected = 0;
    if (BOSKI_CS_PATIENCE == 0) return true;
    if (__atomic_compare_exchange_n(&c->growing, &expected, number + 1, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
        return true;
    for (int i = 0; i < BOSKI_CS_PATIENCE; i++) {
        if (__atomic_load_n(&c->segment[number], __ATOMIC_RELAXED) != NULL) return false;
        pause_a_little();
    }
    return true;
}
static void turn_over(bosk_cslice *c, unsigned number)
{
    unsigned mine = number + 1;
    if (BOSKI_CS_PATIENCE != 0)
        __atomic_compare_exchange_n(&c->growing, &mine, 0, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
}

/* Segment `number`, made if need be; NULL when there is no memory. */
static struct bosk_csegment *need_segment(const bosk_type *type, bosk_cslice *c, unsigned number)
{
    if (number >= (unsigned)BOSKI_CSEGMENTS) return NULL;
    struct bosk_csegment *seg = BOSKI_CS_LOAD(&c->segment[number], BOSKI_CS_SEGMENT_LOAD);
    if (seg != NULL) return seg;
    if (!my_turn(c, number)) return BOSKI_CS_LOAD(&c->segment[number], BOSKI_CS_SEGMENT_LOAD);
    struct bosk_csegment *mine = new_segment(c->home, type, number);
    if (mine == NULL) {
        /* Perhaps because another thread has just taken the memory for the same purpose. */
        seg = BOSKI_CS_LOAD(&c->segment[number], BOSKI_CS_SEGMENT_LOAD);
    } else if (BOSKI_CS_CAS(&c->segment[number], &seg, mine, BOSKI_CS_SEGMENT_CAS,
                            BOSKI_CS_SEGMENT_LOST)) {
        seg = mine;
    } else {
        free_segment(c->home, mine);
    }
    turn_over(c, number);
    return seg;
}

/* Opens the segment behind `seg`, which is closed (or the first, if it is NULL), and makes it
 * current.  False when there is no memory. */
static bool advance(const bosk_type *type, bosk_cslice *c, struct bosk_csegment *seg)
{
    struct bosk_csegment *const next = need_segment(type, c, seg == NULL ? 0 : seg->number + 1);
    if (next == NULL) return false;
    if (seg != NULL) {
        const uint64_t carry = BOSKI_CS_LOAD(&seg->next, __ATOMIC_RELAXED) >> LOW_BITS;
        const uint64_t open =
            carry <= next->size ? carry : ((carry - next->size) << LOW_BITS | next->size);
        uint64_t idle = IDLE;
        (void)BOSKI_CS_CAS(&next->next, &idle, open, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
    (void)BOSKI_CS_CAS(&c->current, &seg, next, BOSKI_CS_CURRENT_CAS, __ATOMIC_RELAXED);
    return true;
}

/* Takes void tickets back, so that no number of failures makes the count run over. */
static void forget_void_tickets(struct bosk_csegment *seg)
{
    if (seg == NULL) return;
    uint64_t next = BOSKI_CS_LOAD(&seg->next, __ATOMIC_RELAXED);
    if ((next & LOW_MASK) > seg->size)
        (void)BOSKI_CS_CAS(&seg->next, &next, (next & ~LOW_MASK) | seg->size, __ATOMIC_RELAXED,
                           __ATOMIC_RELAXED);
}

/* ---- append ------------------------------------------------------------------------------ */

BOSK_API struct bosk_cslot bosk_cslice_take_slow(const bosk_type *type, bosk_cslice *c)
{
    for (;;) {
        struct bosk_cslot s = {BOSKI_CS_LOAD(&c->current, BOSKI_CS_CURRENT_LOAD), 0};
        if (s.segment != NULL) {
            const uint64_t ticket = BOSKI_CS_ADD(&s.segment->next, 1);
            s.slot = (size_t)ticket;
            if (ticket < s.segment->size) return s;
        }
        if (!advance(type, c, s.segment)) {
            forget_void_tickets(s.segment);
            return (struct bosk_cslot){NULL, 0};
        }
    }
}

/* ---- crowds ---------------------------------------------------------------------------------- */

/* Threads that append in turn, each as fast as it can, move three cache lines to and fro for every
 * element.  If one of two lets the other be for a while, both are done sooner: the lines stay where
 * they are for hundreds of elements.  So when the element before is another thread's, and there was
 * such a meeting a moment ago as well, one of the two goes away for as long as lines need to move a
 * dozen times between distant processors.  Its own element is there already, and it is the other's
 * turn to go some thousands of elements later.  A thread that does anything else between its
 * appends is not held up: its meetings are not moments apart. */
#if defined(__x86_64__) || defined(__i386__)
enum { ASIDE = 8000, A_MOMENT = 1500 }; /* ticks of the processor's counter, 2 to 4 a nanosecond */
static inline size_t ticks(void) { return (size_t)__builtin_ia32_rdtsc(); }
#else
enum { ASIDE = 3000, A_MOMENT = 600 }; /* nanoseconds */
static inline size_t ticks(void) { return (size_t)boski_os_now_ns(); }
#endif
enum { TURNS = 4096 }; /* elements after which the other one gives way */

BOSK_API void bosk_cslice_step_aside(struct bosk_cslot s, unsigned char tag)
{
    const unsigned char before = __atomic_load_n(&s.segment->ready[s.slot - 1], __ATOMIC_RELAXED);
    const bool goes = (before > tag) != ((s.slot / TURNS & 1) != 0);
    if (s.slot == 0 || before == 0 || !goes) return;
    size_t now = ticks();
    if (now - __atomic_load_n(&s.segment->crowded, __ATOMIC_RELAXED) < A_MOMENT)
        for (const size_t from = now; now - from < ASIDE; now = ticks()) pause_a_little();
    __atomic_store_n(&s.segment->crowded, now, __ATOMIC_RELAXED);
}

/* ---- batches --------------------------------------------------------------------------------- */

/* Fills slots that are ours. */
static void fill(const bosk_type *type, struct bosk_cslot s, const void *values, size_t n)
{
    if (n * type->size != 0)
        memcpy((char *)s.segment->array + s.slot * type->size, values, n * type->size);
    const unsigned char tag = BOSKI_CS_TAG();
    for (; n != 0; n--, s.slot++)
        BOSKI_CS_STORE(&s.segment->ready[s.slot], tag, BOSKI_CS_READY_STORE);
}

/* The segments that hold `carry` elements from `number` on. */
static bool need_segments(const bosk_type *type, bosk_cslice *c, unsigned number, uint64_t carry)
{
    for (uint64_t have = 0; have < carry; number++) {
        const struct bosk_csegment *seg = need_segment(type, c, number);
        if (seg == NULL) return false;
        have += seg->size;
    }
    return true;
}

/* n consecutive slots: where the first is. */
static struct bosk_cslot take_batch(const bosk_type *type, bosk_cslice *c, size_t n)
{
    for (;;) {
        struct bosk_csegment *seg = BOSKI_CS_LOAD(&c->current, BOSKI_CS_CURRENT_LOAD);
        uint64_t next = seg == NULL ? 0 : BOSKI_CS_LOAD(&seg->next, __ATOMIC_RELAXED);
        if (seg == NULL || next >= seg->size) {
            if (!advance(type, c, seg)) return (struct bosk_cslot){NULL, 0};
            continue;
        }
        const uint64_t left = seg->size - next;
        const uint64_t carry = n > left ? n - left : 0;
        if (!need_segments(type, c, seg->number + 1, carry)) return (struct bosk_cslot){NULL, 0};
        const struct bosk_cslot s = {seg, (size_t)next};
        const uint64_t then = carry != 0 ? carry << LOW_BITS | seg->size : next + n;
        if (BOSKI_CS_CAS(&seg->next, &next, then, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return s;
    }
}

BOSK_API ptrdiff_t bosk_cslice_append_batch(const bosk_type *type, bosk_cslice *c,
                                            const void *values, ptrdiff_t n)
{
    if (BOSK_UNLIKELY(n < 0 || n > BOSK_CSLICE_BATCH))
        bosk_panic("bosk: cslice batch out of range");
    if (n == 0) return bosk_cslice_length(c, type->size);
    struct bosk_cslot s = take_batch(type, c, (size_t)n);
    if (s.segment == NULL) return -1;
    const ptrdiff_t index = (ptrdiff_t)(s.segment->base + s.slot);
    for (size_t left = (size_t)n;;) {
        const size_t room = s.segment->size - s.slot;
        const size_t part = left < room ? left : room;
        fill(type, s, values, part);
        left -= part;
        if (left == 0) return index;
        values = (const char *)values + part * type->size;
        s.segment = BOSKI_CS_LOAD(&c->segment[s.segment->number + 1], BOSKI_CS_SEGMENT_LOAD);
        s.slot = 0;
    }
}

BOSK_API bool bosk_cslice_make_room(const bosk_type *type, bosk_cslice *c, ptrdiff_t n)
{
    return n <= 0 || need_segments(type, c, 0, (uint64_t)n);
}

/* ---- looking ------------------------------------------------------------------------------ */

BOSK_API ptrdiff_t bosk_cslice_length(bosk_cslice *c, size_t elem_size)
{
    const size_t seen = BOSKI_CS_LOAD(&c->seen, BOSKI_CS_SEEN_LOAD);
    size_t n = seen;
    for (;;) {
        struct bosk_cslot s = boski_cslice_place(c, elem_size, n);
        if (s.segment == NULL) break;
        const size_t from = s.slot;
        while (s.slot < s.segment->size &&
               BOSKI_CS_LOAD(&s.segment->ready[s.slot], BOSKI_CS_READY_LOAD))
            s.slot++;
        n += s.slot - from;
        if (s.slot < s.segment->size) break;
    }
    /* Another thread may have seen more: then the next call looks at a few elements again. */
    if (n != seen) BOSKI_CS_STORE(&c->seen, n, BOSKI_CS_SEEN_STORE);
    return (ptrdiff_t)n;
}

BOSK_API ptrdiff_t bosk_cslice_copy_out(bosk_cslice *c, size_t elem_size, ptrdiff_t from, void *to,
                                        ptrdiff_t n)
{
    const ptrdiff_t len = bosk_cslice_length(c, elem_size);
    if (BOSK_UNLIKELY(from < 0 || from > len)) bosk_panic_slice(from, len, len, false);
    if (n > len - from) n = len - from;
    for (size_t at = (size_t)from, left = (size_t)n; left != 0;) {
        const struct bosk_cslot s = boski_cslice_place(c, elem_size, at);
        const size_t room = s.segment->size - s.slot;
        const size_t part = left < room ? left : room;
        if (elem_size != 0)
            memcpy(to, (const char *)s.segment->array + s.slot * elem_size, part * elem_size);
        to = (char *)to + part * elem_size;
        at += part;
        left -= part;
    }
    return n;
}

BOSK_API void bosk_cslice_release(bosk_cslice *c)
{
    /* An arena may be gone already; it frees all there is. */
    const bool ours = c->home.kind != BOSK_HOME_ARENA;
    for (unsigned i = 0; i < (unsigned)BOSKI_CSEGMENTS; i++)
        if (ours && c->segment[i] != NULL) free_segment(c->home, c->segment[i]);
    *c = boski_cslice_in(c->home);
}
