/* memstats.c - Go's MemStats as a struct, as JSON and as the text of a heap profile.
 *
 * Source: Go 1.22, runtime/mstats.go for what the fields mean, encoding/json for the object,
 * runtime/pprof (writeHeapInternal) for the lines of the text.
 */
#include "heap/memstats.h"

#include "gc.h"

BOSK_API void bosk_read_mem_stats(struct bosk_mem_stats *out)
{
    memset(out, 0, sizeof *out);
    out->enable_gc = true;
    if (!boski_heap_init()) return;
    boski_heap_mem_stats(out);
    boski_cycle_mem_stats(out);
}

/* ---- writing --------------------------------------------------------------------- */

/* `n` counts what did not fit, too. */
struct text {
    char *buf;
    size_t cap, n;
};
static void put(struct text *t, char c)
{
    if (t->n + 1 < t->cap) t->buf[t->n] = c;
    t->n++;
}
static void put_str(struct text *t, const char *s)
{
    for (; *s != '\0'; s++) put(t, *s);
}
static void put_u64(struct text *t, uint64_t v)
{
    char digits[20];
    size_t n = 0;
    do digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    while (n > 0) put(t, digits[--n]);
}
/* A number from 0 on, to 12 places, without zeros at the end. */
static void put_fraction(struct text *t, double f)
{
    const uint64_t one = 1000000000000u;
    if (!(f > 0)) f = 0;
    if (f > 1e6) f = 1e6;
    uint64_t v = (uint64_t)(f * (double)one + 0.5), part = v % one;
    put_u64(t, v / one);
    if (part != 0) put(t, '.');
    for (; part != 0; part %= one) {
        part *= 10;
        put(t, (char)('0' + part / one));
    }
}
static size_t finish(struct text *t)
{
    if (t->cap != 0) t->buf[t->n < t->cap ? t->n : t->cap - 1] = '\0';
    return t->n;
}

struct field {
    char name[14];
    uint16_t at;
};
#define FIELD(name, field)                                     \
    {                                                          \
        name, (uint16_t)offsetof(struct bosk_mem_stats, field) \
    }
/* In Go's order, up to the arrays. */
static const struct field numbers[] = {
    FIELD("Alloc", alloc),
    FIELD("TotalAlloc", total_alloc),
    FIELD("Sys", sys),
    FIELD("Lookups", lookups),
    FIELD("Mallocs", mallocs),
    FIELD("Frees", frees),
    FIELD("HeapAlloc", heap_alloc),
    FIELD("HeapSys", heap_sys),
    FIELD("HeapIdle", heap_idle),
    FIELD("HeapInuse", heap_inuse),
    FIELD("HeapReleased", heap_released),
    FIELD("HeapObjects", heap_objects),
    FIELD("StackInuse", stack_inuse),
    FIELD("StackSys", stack_sys),
    FIELD("MSpanInuse", mspan_inuse),
    FIELD("MSpanSys", mspan_sys),
    FIELD("MCacheInuse", mcache_inuse),
    FIELD("MCacheSys", mcache_sys),
    FIELD("BuckHashSys", buck_hash_sys),
    FIELD("GCSys", gc_sys),
    FIELD("OtherSys", other_sys),
    FIELD("NextGC", next_gc),
    FIELD("LastGC", last_gc),
    FIELD("PauseTotalNs", pause_total_ns),
};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };
static uint64_t value_of(const struct bosk_mem_stats *m, size_t i)
{
    return *(const uint64_t *)(const void *)((const char *)m + numbers[i].at);
}

static void put_array(struct text *t, const uint64_t *v, char between)
{
    put(t, '[');
    for (size_t i = 0; i < BOSK_MEM_STATS_PAUSES; i++) {
        if (i != 0) put(t, between);
        put_u64(t, v[i]);
    }
    put(t, ']');
}

/* ---- JSON ------------------------------------------------------------------------ */

static void put_name(struct text *t, const char *name)
{
    put(t, t->n == 0 ? '{' : ',');
    put(t, '"');
    put_str(t, name);
    put_str(t, "\":");
}

BOSK_API size_t bosk_mem_stats_json(char *buf, size_t cap)
{
    struct bosk_mem_stats m;
    struct text t = {buf, cap, 0};
    bosk_read_mem_stats(&m);
    for (size_t i = 0; i < NUMBERS; i++) {
        put_name(&t, numbers[i].name);
        put_u64(&t, value_of(&m, i));
    }
    put_name(&t, "PauseNs");
    put_array(&t, m.pause_ns, ',');
    put_name(&t, "PauseEnd");
    put_array(&t, m.pause_end, ',');
    put_name(&t, "NumGC");
    put_u64(&t, m.num_gc);
    put_name(&t, "NumForcedGC");
    put_u64(&t, m.num_forced_gc);
    put_name(&t, "GCCPUFraction");
    put_fraction(&t, m.gc_cpu_fraction);
    put_name(&t, "EnableGC");
    put_str(&t, m.enable_gc ? "true" : "false");
    put_name(&t, "DebugGC");
    put_str(&t, m.debug_gc ? "true" : "false");
    put_name(&t, "BySize");
    for (size_t c = 0; c < BOSK_MEM_STATS_CLASSES; c++) {
        put_str(&t, c != 0 ? ",{\"Size\":" : "[{\"Size\":");
        put_u64(&t, m.by_size[c].size);
        put_str(&t, ",\"Mallocs\":");
        put_u64(&t, m.by_size[c].mallocs);
        put_str(&t, ",\"Frees\":");
        put_u64(&t, m.by_size[c].frees);
        put(&t, '}');
    }
    put_str(&t, "]}");
    return finish(&t);
}

/* ---- text ------------------------------------------------------------------------ */

static void put_line(struct text *t, const char *name)
{
    put_str(t, "# ");
    put_str(t, name);
    put_str(t, " = ");
}
static void put_pair(struct text *t, const char *name, uint64_t a, uint64_t b)
{
    put_line(t, name);
    put_u64(t, a);
    put_str(t, " / ");
    put_u64(t, b);
    put(t, '\n');
}
static void put_number(struct text *t, const char *name, uint64_t v)
{
    put_line(t, name);
    put_u64(t, v);
    put(t, '\n');
}

BOSK_API size_t bosk_mem_stats_text(char *buf, size_t cap)
{
    struct bosk_mem_stats m;
    struct text t = {buf, cap, 0};
    bosk_read_mem_stats(&m);
    put_str(&t, "# runtime.MemStats\n");
    for (size_t i = 0; i < NUMBERS - 1; i++) { /* pprof leaves out PauseTotalNs */
        if (numbers[i].at == offsetof(struct bosk_mem_stats, stack_inuse)) {
            put_pair(&t, "Stack", m.stack_inuse, m.stack_sys);
            put_pair(&t, "MSpan", m.mspan_inuse, m.mspan_sys);
            put_pair(&t, "MCache", m.mcache_inuse, m.mcache_sys);
            i += 5;
        } else {
            put_number(&t, numbers[i].name, value_of(&m, i));
        }
    }
    put_line(&t, "PauseNs");
    put_array(&t, m.pause_ns, ' ');
    put_str(&t, "\n# PauseEnd = ");
    put_array(&t, m.pause_end, ' ');
    put(&t, '\n');
    put_number(&t, "NumGC", m.num_gc);
    put_number(&t, "NumForcedGC", m.num_forced_gc);
    put_line(&t, "GCCPUFraction");
    put_fraction(&t, m.gc_cpu_fraction);
    put_str(&t, "\n# DebugGC = ");
    put_str(&t, m.debug_gc ? "true\n" : "false\n");
    for (size_t c = 1; c < BOSK_MEM_STATS_CLASSES; c++) {
        const struct bosk_mem_stats_class *b = &m.by_size[c];
        if ((b->mallocs | b->frees) == 0) continue;
        put_str(&t, "# BySize ");
        put_u64(&t, b->size);
        put_str(&t, " = ");
        put_u64(&t, b->mallocs);
        put_str(&t, " / ");
        put_u64(&t, b->frees);
        put(&t, '\n');
    }
    return finish(&t);
}
