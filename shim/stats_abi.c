/* stats_abi.c - glibc's names that tell about the heap or tune it.
 *
 * glibc's vocabulary is that of one contiguous arena.  Here "arena" is what lies in spans or is
 * free and still resident, "in use" what the program holds, and nothing is an mmapped block.
 * mallopt's knobs have no counterpart: known ones are accepted with glibc's return values and
 * change nothing.
 */
#include "shim.h"

#include "os/format.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>

const char boski_shim_stats_linked = 1;

/* Free blocks by size, one slot a size class; slots past the classes do not occur. */
struct free_blocks {
    uint64_t count[BOSKI_NUM_SMALL];
    uint64_t total_count, total_bytes;
};

static bool add_span(void *ctx, const struct bosk_span_info *span, void *block, size_t block_bytes)
{
    struct free_blocks *f = ctx;
    (void)block;
    (void)block_bytes;
    if (span->class_ == 0 || span->class_ >= BOSKI_NUM_SMALL || span->nlive > span->nelems)
        return true;
    uint64_t n = span->nelems - span->nlive;
    f->count[span->class_] += n;
    f->total_count += n;
    f->total_bytes += n * span->elem_bytes;
    return true;
}

static void count_free(struct free_blocks *f)
{
    memset(f, 0, sizeof *f);
    bosk_heap_walk(NULL, BOSK_WALK_SPANS, add_span, f);
}

BOSK_API struct boski_mallinfo2 mallinfo2(void)
{
    struct bosk_heap_stats s;
    struct free_blocks f;
    int saved = errno;
    bosk_heap_stats(&s);
    count_free(&f);
    struct boski_mallinfo2 m = {
        .arena = (size_t)(s.spans_inuse + s.dirty),
        .ordblks = (size_t)f.total_count,
        .uordblks = (size_t)s.live,
        .keepcost = (size_t)s.dirty,
    };
    /* Counters of other threads lag: keep the identity that readers rely on. */
    if (m.uordblks > m.arena) m.arena = m.uordblks;
    m.fordblks = m.arena - m.uordblks;
    errno = saved;
    return m;
}

/* The old structure has ints: what does not fit stays at the limit instead of wrapping. */
static int clamp(size_t n) { return n > INT_MAX ? INT_MAX : (int)n; }

BOSK_API struct boski_mallinfo mallinfo(void)
{
    struct boski_mallinfo2 m = mallinfo2();
    struct boski_mallinfo old = {
        .arena = clamp(m.arena),
        .ordblks = clamp(m.ordblks),
        .uordblks = clamp(m.uordblks),
        .fordblks = clamp(m.fordblks),
        .keepcost = clamp(m.keepcost),
    };
    return old;
}

enum { OPT_MXFAST = 1 }; /* M_MXFAST, the one option that glibc checks */

BOSK_API int mallopt(int param, int value)
{
    return param != OPT_MXFAST || (value >= 0 && (size_t)value <= 80 * sizeof(size_t) / 4);
}
BOSK_API int __libc_mallopt(int param, int value) __attribute__((alias("mallopt")));

BOSK_API int malloc_trim(size_t keep)
{
    int saved = errno;
    size_t released = bosk_trim(keep);
    errno = saved;
    return released != 0;
}

/* ---- text -------------------------------------------------------------------------- */

struct text {
    char buf[8192];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (t->n < sizeof t->buf)
        t->n += boski_vformat(t->buf + t->n, sizeof t->buf - t->n, format, args);
    va_end(args);
}

BOSK_API void malloc_stats(void)
{
    struct boski_mallinfo2 m = mallinfo2();
    struct text t = {.n = 0};
    add(&t, "Arena 0:\nsystem bytes     = %10zu\nin use bytes     = %10zu\n", m.arena, m.uordblks);
    add(&t, "Total (incl. mmap):\nsystem bytes     = %10zu\nin use bytes     = %10zu\n", m.arena,
        m.uordblks);
    add(&t, "max mmap regions = %10u\nmax mmap bytes   = %10u\n", 0u, 0u);
    boski_os_write_stderr(t.buf, t.n);
}

/* glibc's XML, version 1, with one heap.  Sizes are those of the free blocks of each class. */
BOSK_API int malloc_info(int options, FILE *out)
{
    if (options != 0) return EINVAL;
    struct bosk_heap_stats s;
    struct free_blocks f;
    struct text t = {.n = 0};
    bosk_heap_stats(&s);
    count_free(&f);

    add(&t, "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n");
    uint32_t from = 1;
    for (unsigned c = 2; c < BOSKI_NUM_SMALL; c++) {
        uint32_t size = boski_class[c].size;
        if (f.count[c] != 0)
            add(&t, "  <size from=\"%u\" to=\"%u\" total=\"%zu\" count=\"%zu\"/>\n", from, size,
                (size_t)(f.count[c] * size), (size_t)f.count[c]);
        from = size + 1;
    }
    add(&t, "</sizes>\n");
    for (int whole = 0; whole < 2; whole++) {
        size_t current = (size_t)(s.spans_inuse + s.dirty), most = (size_t)s.mapped;
        add(&t, "<total type=\"fast\" count=\"0\" size=\"0\"/>\n");
        add(&t, "<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n", (size_t)f.total_count,
            (size_t)(f.total_bytes + s.dirty));
        if (whole) add(&t, "<total type=\"mmap\" count=\"0\" size=\"0\"/>\n");
        add(&t, "<system type=\"current\" size=\"%zu\"/>\n", current);
        add(&t, "<system type=\"max\" size=\"%zu\"/>\n", most > current ? most : current);
        add(&t, "<aspace type=\"total\" size=\"%zu\"/>\n", (size_t)s.mapped);
        add(&t, "<aspace type=\"mprotect\" size=\"%zu\"/>\n", (size_t)s.mapped);
        if (!whole) add(&t, "</heap>\n");
    }
    add(&t, "</malloc>\n");
    return fwrite(t.buf, 1, t.n, out) == t.n ? 0 : -1;
}
