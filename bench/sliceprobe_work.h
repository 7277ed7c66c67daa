/* sliceprobe_work.h - the loops of sliceprobe.h over one contender's operations, which are defined
 * before this file is included:
 *
 *     ints, triples                types of arrays of int64_t and of sliceprobe_triple
 *     ints_init, ints_push, ints_bulk, ints_reserve, ints_empty, ints_data, ints_free
 *     triples_init, triples_push, triples_data, triples_free
 *     ints_make_len, ints_make_cap
 *
 * With SLICEPROBE_BARE the array in hand is filled by plain stores.
 */
#define PROBE_NOINLINE __attribute__((noinline))

static PROBE_NOINLINE void work_push(size_t n)
{
    ints v;
    ints_init(&v);
    for (size_t i = 0; i < n; i++) ints_push(&v, (int64_t)i);
    sliceprobe_keep(ints_data(&v));
    ints_free(&v);
}

static PROBE_NOINLINE void work_push_triple(size_t n)
{
    triples v;
    triples_init(&v);
    for (size_t i = 0; i < n; i++) {
        const sliceprobe_triple t = {(int64_t)i, (int64_t)i, 1};
        triples_push(&v, t);
    }
    sliceprobe_keep(triples_data(&v));
    triples_free(&v);
}

static PROBE_NOINLINE void work_push_bulk(size_t n)
{
    static int64_t from[64];
    ints v;
    ints_init(&v);
    sliceprobe_keep(from);
    for (size_t i = 0; i + 64 <= n; i += 64) ints_bulk(&v, from, 64);
    sliceprobe_keep(ints_data(&v));
    ints_free(&v);
}

static ints in_hand;
static void work_fill_open(size_t n)
{
    ints_init(&in_hand);
    ints_reserve(&in_hand, n);
}
static PROBE_NOINLINE void work_fill(size_t n)
{
#ifdef SLICEPROBE_BARE
    int64_t *p = ints_data(&in_hand);
    for (size_t i = 0; i < n; i++) p[i] = (int64_t)i;
    sliceprobe_keep(p);
#else
    ints v;
    memcpy((void *)&v, (const void *)&in_hand, sizeof v);
    ints_empty(&v);
    for (size_t i = 0; i < n; i++) ints_push(&v, (int64_t)i);
    sliceprobe_keep(ints_data(&v));
    memcpy((void *)&in_hand, (const void *)&v, sizeof v);
#endif
}
static void work_fill_close(void) { ints_free(&in_hand); }

static PROBE_NOINLINE void work_make_len(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        ints v;
        ints_make_len(&v, 100);
        sliceprobe_keep(ints_data(&v));
        ints_free(&v);
    }
}
static PROBE_NOINLINE void work_make_cap(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        ints v;
        ints_make_cap(&v, 100);
        sliceprobe_keep(ints_data(&v));
        ints_free(&v);
    }
}

static PROBE_NOINLINE void work_stalls(size_t n, struct sliceprobe_stalls *s)
{
    const uint64_t threshold = s->threshold;
    ints v;
    ints_make_cap(&v, 100); /* the first use of a heap is not a push's */
    ints_free(&v);
    ints_init(&v);
    uint64_t before = probe_tick();
    for (size_t i = 0; i < n; i++) {
        ints_push(&v, (int64_t)i);
        const uint64_t now = probe_tick();
        if (__builtin_expect(now - before > threshold, 0)) {
            sliceprobe_stalled(s, i, now - before);
            before = probe_tick();
        } else {
            before = now;
        }
    }
    sliceprobe_keep(ints_data(&v));
    ints_free(&v);
}
