/* roots.c - where references come from: static data, stacks, registers, thread-local storage.
 *
 * Nothing is registered.  Static data are the writable segments of every loaded object; the walk
 * over them holds the loader's lock, and the world is stopped inside it, so that none comes or goes
 * meanwhile and no stopped thread can hold that lock.  A stack reaches from the thread's stack
 * pointer to the end of the mapping it lies in; for a thread of the C library its descriptor lies
 * near the upper end and bounds it, in case the kernel has merged it with a neighbour.
 *
 * Thread-local storage is found through the C library's vector of blocks (DTV), whose place and
 * form debuggers rely on, too; at start it is compared with what the loader says of the calling
 * thread, and where they differ it is not used and only what lies on the stacks' mappings is seen.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "gc.h"

#include <link.h>

/* ---- arrays ----------------------------------------------------------------------- */

void *boski_gc_array_grow(void *old, size_t *cap, size_t elem_bytes)
{
    size_t bytes = *cap * elem_bytes, more = bytes == 0 ? (size_t)1 << 16 : 2 * bytes;
    void *p = boski_os_map(more);
    if (p == NULL) return NULL;
    if (old != NULL) {
        memcpy(p, old, bytes);
        boski_os_unmap(old, bytes);
    }
    *cap = more / elem_bytes;
    return p;
}
bool boski_roots_add(struct boski_roots *r, uintptr_t lo, uintptr_t hi)
{
    lo = (lo + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    hi &= ~(sizeof(void *) - 1);
    if (lo >= hi) return true;
    if (r->n == r->cap) {
        struct boski_range *more = boski_gc_array_grow(r->range, &r->cap, sizeof *more);
        if (more == NULL) return false;
        r->range = more;
    }
    r->range[r->n++] = (struct boski_range){lo, hi};
    return true;
}

/* ---- mappings: how far stacks reach -------------------------------------------------- */

static struct boski_range *maps;
static size_t nmaps, maps_cap;
static bool maps_full;

static void note_map(void *ctx, uintptr_t lo, uintptr_t hi)
{
    (void)ctx;
    if (nmaps == maps_cap) {
        struct boski_range *more = boski_gc_array_grow(maps, &maps_cap, sizeof *maps);
        if (more == NULL) {
            maps_full = true;
            return;
        }
        maps = more;
    }
    maps[nmaps++] = (struct boski_range){lo, hi};
}
static bool maps_read(void)
{
    nmaps = 0;
    maps_full = false;
    return boski_os_each_map(note_map, NULL) && !maps_full;
}
static const struct boski_range *map_of(uintptr_t p)
{
    size_t lo = 0, hi = nmaps;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (maps[mid].hi <= p)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < nmaps && maps[lo].lo <= p ? &maps[lo] : NULL;
}
bool boski_roots_prepare(void) { return maps_read(); }

/* ---- static data ---------------------------------------------------------------------- */

struct module_tls {
    size_t id, bytes;
};
static struct boski_range *statics;
static size_t nstatics, statics_cap;
static struct module_tls *tls;
static size_t ntls, tls_cap;
static bool loader_ok;

static bool push_static(uintptr_t lo, uintptr_t hi)
{
    if (nstatics == statics_cap) {
        struct boski_range *more = boski_gc_array_grow(statics, &statics_cap, sizeof *statics);
        if (more == NULL) return false;
        statics = more;
    }
    statics[nstatics++] = (struct boski_range){lo, hi};
    return true;
}
/* The heap's own description of itself holds the address of its first page. */
static bool push_segment(uintptr_t lo, uintptr_t hi)
{
    uintptr_t own = (uintptr_t)&boski_map;
    if (own < lo || own >= hi) return push_static(lo, hi);
    return push_static(lo, own) && push_static(own + sizeof boski_map, hi);
}
static bool push_tls(size_t id, size_t bytes)
{
    if (ntls == tls_cap) {
        struct module_tls *more = boski_gc_array_grow(tls, &tls_cap, sizeof *tls);
        if (more == NULL) return false;
        tls = more;
    }
    tls[ntls++] = (struct module_tls){id, bytes};
    return true;
}

/* ---- thread-local storage ---------------------------------------------------------------- */

/* Where a thread's vector of blocks is, how many entries it has, and the block of one: of glibc two
 * words an entry and the count before the first; of musl one word, and the count is entry 0. */
#if defined(__x86_64__) || defined(__i386__)
#define DTV_AT(tp) (*(uintptr_t *)((tp) + sizeof(void *)))
#elif defined(__GLIBC__)
#define DTV_AT(tp) (*(uintptr_t *)(tp))
#endif
#if defined(__GLIBC__)
#define DTV_COUNT(dtv) ((dtv)[-2])
#define DTV_BLOCK(dtv, id) ((dtv)[2 * (id)])
#else
#define DTV_COUNT(dtv) ((dtv)[0])
#define DTV_BLOCK(dtv, id) ((dtv)[id])
#endif
static enum { UNKNOWN, TRUSTED, DOUBTED } dtv_state;

/* The block of module `id` for the thread, 0: it has none. */
BOSKI_SCANS static uintptr_t tls_block(uintptr_t tp, size_t id)
{
#ifdef DTV_AT
    const uintptr_t *dtv = (const uintptr_t *)DTV_AT(tp);
    if (dtv == NULL || id == 0 || id > DTV_COUNT(dtv)) return 0;
    uintptr_t block = DTV_BLOCK(dtv, id);
    return block == UINTPTR_MAX ? 0 : block;
#else
    (void)tp;
    (void)id;
    return 0;
#endif
}
static void check_dtv(uintptr_t own_tp, size_t id, uintptr_t said)
{
    if (said == 0 || dtv_state == DOUBTED) return;
    dtv_state = tls_block(own_tp, id) == said ? TRUSTED : DOUBTED;
    if (dtv_state == DOUBTED)
        boski_os_print("bosk: thread-local storage of loaded objects is not looked at: unknown C "
                       "library\n");
}

static int note_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
    const struct boski_stopped *self = ctx;
    uintptr_t relro_lo = 0, relro_hi = 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_GNU_RELRO) {
            relro_lo = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            relro_hi = relro_lo + info->dlpi_phdr[i].p_memsz;
        }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        uintptr_t lo = info->dlpi_addr + h->p_vaddr, hi = lo + h->p_memsz;
        if (h->p_type == PT_LOAD && (h->p_flags & PF_W) != 0) {
            /* What is read-only after relocation lies at the head; it points to no block. */
            if (relro_lo <= lo && relro_hi > lo && relro_hi <= hi) lo = relro_hi;
            if (!push_segment(lo, hi)) loader_ok = false;
        }
        if (h->p_type == PT_TLS && size > offsetof(struct dl_phdr_info, dlpi_tls_data)) {
            if (!push_tls(info->dlpi_tls_modid, h->p_memsz)) loader_ok = false;
            check_dtv(self->tp, info->dlpi_tls_modid, (uintptr_t)info->dlpi_tls_data);
        }
    }
    return 0;
}

struct inside {
    bool (*fn)(void *ctx);
    void *ctx;
    bool result;
};
/* The first object: the lock is held until this returns. */
static int with_lock(struct dl_phdr_info *info, size_t size, void *ctx)
{
    struct inside *in = ctx;
    (void)info;
    (void)size;
    struct boski_stopped self;
    boski_stop_describe(&self);
    nstatics = ntls = 0;
    loader_ok = true;
    (void)dl_iterate_phdr(note_object, &self);
    in->result = loader_ok && in->fn(in->ctx);
    return 1;
}
bool boski_roots_with_loader(bool (*fn)(void *ctx), void *ctx)
{
    struct inside in = {fn, ctx, false};
    (void)dl_iterate_phdr(with_lock, &in);
    return in.result;
}

/* ---- threads ---- */

#define DESCRIPTOR_MAX 8192 /* of a thread of the C library, above the thread pointer */

/* The end of the stack that holds `sp`. */
static uintptr_t stack_end(uintptr_t sp, uintptr_t tp)
{
    const struct boski_range *m = map_of(sp);
    if (m == NULL && maps_read()) m = map_of(sp); /* a thread that was not there before */
    if (m == NULL) return sp;
    uintptr_t end = m->hi;
    if (tp > sp && tp < end && end - tp > DESCRIPTOR_MAX) end = tp + DESCRIPTOR_MAX;
    return end;
}
/* A thread that was stopped while it ran on an alternate stack, in a handler of the program: how
 * deep its own stack is stands in the frame of that signal.  Anything on the alternate stack that
 * points into the other is taken for it, the lowest. */
BOSKI_SCANS static uintptr_t own_stack_pointer(const struct boski_stopped *t)
{
    const struct boski_range *m = map_of(t->tp);
    uintptr_t least = UINTPTR_MAX;
    uintptr_t main_lo = 0, main_hi = 0;
    if (t->tid == (int)boski_os_pid()) { /* the first thread's is where the environment lies */
        extern char **environ;
        m = map_of((uintptr_t)environ);
        uintptr_t local = (uintptr_t)&main_lo;
        if (m == NULL) m = map_of(local);
    }
    if (m == NULL) return 0;
    main_lo = m->lo;
    main_hi = m->hi;
    for (uintptr_t p = (t->sp + 15) & ~(uintptr_t)15; p + sizeof(void *) <= t->alt_hi;
         p += sizeof(void *)) {
        uintptr_t w = *(const uintptr_t *)p;
        if (w >= main_lo && w < main_hi && w < least && (w < t->alt_lo || w >= t->alt_hi))
            least = w;
    }
    return least == UINTPTR_MAX ? 0 : least;
}

static bool add_thread(struct boski_roots *r, const struct boski_stopped *t)
{
    bool ok = true;
    r->threads++;
    if (t->alt_hi != 0) {
        uintptr_t below = t->below;
        ok = boski_roots_add(r, t->sp, t->alt_hi);
        if (below == 0) below = own_stack_pointer(t);
        if (below != 0) {
            uintptr_t end = stack_end(below, t->tp);
            ok = ok && boski_roots_add(r, below, end);
            r->stack_bytes += end - below;
        }
    } else {
        uintptr_t end = stack_end(t->sp, t->tp);
        ok = boski_roots_add(r, t->sp, end);
        r->stack_bytes += end - t->sp;
    }
    if (dtv_state == DOUBTED) return ok;
    for (size_t i = 0; i < ntls && ok; i++) {
        uintptr_t block = tls_block(t->tp, tls[i].id);
        const struct boski_range *m = block != 0 ? map_of(block) : NULL;
        /* A block of an object that has gone, under its number, must not be read past its end. */
        if (m == NULL || m->hi - block < tls[i].bytes) continue;
        ok = boski_roots_add(r, block, block + tls[i].bytes);
    }
    return ok;
}

static void note_root_span(void *ctx, struct mspan *s)
{
    struct boski_roots *r = ctx;
    for (uint32_t i = 0; i < s->nelems; i++) {
        if ((s->bits[i >> 6] >> (i & 63) & 1) != 0) continue;
        uintptr_t p = s->base + (uintptr_t)i * s->elem_bytes;
        if (!boski_roots_add(r, p, p + s->elem_bytes)) loader_ok = false;
    }
}

bool boski_roots_gather(struct boski_roots *r, const struct boski_stopped *self)
{
    r->n = r->stack_bytes = r->static_bytes = 0;
    r->threads = 0;
    bool ok = add_thread(r, self);
    for (const struct boski_stopped *t = boski_stopped_threads(); ok && t != NULL; t = t->next)
        ok = add_thread(r, t);
    r->nstacks = r->n;
    for (size_t i = 0; ok && i < nstatics; i++) {
        ok = boski_roots_add(r, statics[i].lo, statics[i].hi);
        r->static_bytes += statics[i].hi - statics[i].lo;
    }
    if (ok) boski_root_each_span(note_root_span, r);
    return ok && loader_ok && boski_handles_gather(r) && boski_weak_gather(r);
}
