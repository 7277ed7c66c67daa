/* modules.c - which loaded object an address belongs to, and that object's identity: path, range,
 * bias and build id, read from its program headers in memory.
 *
 * Where libc has it, _dl_find_object answers without a lock.  That matters: a thread that waits for
 * the loader's lock inside malloc can deadlock with a constructor that waits for the thread.  Older
 * C libraries only have dl_iterate_phdr; their unwinder takes the same lock.
 */
#define _GNU_SOURCE
#include "internal.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>

#if defined(DLFO_STRUCT_HAS_EH_DBASE)
#define HAVE_FIND_OBJECT 1
extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));
#else
#define HAVE_FIND_OBJECT 0
#endif

struct walk {
    uintptr_t pc;
    struct boski_object *out;
};

static int walk_one(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    struct walk *w = arg;
    uintptr_t start = UINTPTR_MAX, end = 0;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_LOAD) continue;
        uintptr_t a = info->dlpi_addr + ph->p_vaddr;
        if (a < start) start = a;
        if (a + ph->p_memsz > end) end = a + ph->p_memsz;
    }
    if (w->pc < start || w->pc >= end) return 0;
    *w->out =
        (struct boski_object){start & ~((uintptr_t)4095), end, info->dlpi_addr, info->dlpi_name};
    return 1;
}

bool boski_obs_object_by_walk(uintptr_t pc, struct boski_object *out)
{
    struct walk w = {pc, out};
    return dl_iterate_phdr(walk_one, &w) == 1;
}

bool boski_obs_object(uintptr_t pc, struct boski_object *out)
{
#if HAVE_FIND_OBJECT
    if (_dl_find_object != NULL) {
        struct dl_find_object found;
        if (_dl_find_object((void *)pc, &found) != 0) return false;
        const struct link_map *map = found.dlfo_link_map;
        *out = (struct boski_object){(uintptr_t)found.dlfo_map_start, (uintptr_t)found.dlfo_map_end,
                                     map->l_addr, map->l_name};
        return true;
    }
#endif
    return boski_obs_object_by_walk(pc, out);
}

static bool inside(const struct boski_object *o, uintptr_t a, size_t n)
{
    return a >= o->start && a <= o->end && n <= o->end - a;
}

/* Copies the GNU build id out of a range of notes. */
static uint32_t id_from_notes(uintptr_t at, size_t bytes, uint8_t *id)
{
    while (bytes >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, (const void *)at, sizeof note);
        uint64_t name = ((uint64_t)note.n_namesz + 3) & ~UINT64_C(3);
        uint64_t whole = sizeof note + name + (((uint64_t)note.n_descsz + 3) & ~UINT64_C(3));
        if (whole > bytes) break;
        const char *text = (const char *)at + sizeof note;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(text, "GNU", 4) == 0 &&
            note.n_descsz <= BOSK_RECORD_BUILD_ID_BYTES) {
            memcpy(id, text + name, note.n_descsz);
            return note.n_descsz;
        }
        at += (uintptr_t)whole;
        bytes -= (size_t)whole;
    }
    return 0;
}

static uint32_t build_id(const struct boski_object *o, uint8_t *id)
{
    ElfW(Ehdr) head;
    if (!inside(o, o->start, sizeof head)) return 0;
    memcpy(&head, (const void *)o->start, sizeof head);
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof(ElfW(Phdr)))
        return 0;
    size_t table = (size_t)head.e_phnum * sizeof(ElfW(Phdr));
    /* The first page is mapped for certain. */
    if (head.e_phoff > 4096 || head.e_phoff + table > 4096) return 0;
    const ElfW(Phdr) *ph = (const ElfW(Phdr) *)(o->start + head.e_phoff);
    for (unsigned i = 0; i < head.e_phnum; i++) {
        if (ph[i].p_type != PT_NOTE || !(ph[i].p_flags & PF_R)) continue;
        uintptr_t at = o->bias + ph[i].p_vaddr;
        if (!inside(o, at, ph[i].p_memsz)) continue;
        uint32_t n = id_from_notes(at, ph[i].p_memsz, id);
        if (n != 0) return n;
    }
    return 0;
}

static bool same(const struct bosk_record_module *m, const struct boski_object *o)
{
    return m->bias == o->bias && m->start == o->start && m->end == o->end &&
           strncmp(m->path, o->path, sizeof m->path - 1) == 0;
}

unsigned boski_obs_module(uintptr_t pc, uint64_t *bias)
{
    struct bosk_record_section *s = boski_obs.section;
    struct boski_object o;
    *bias = 0;
    if (!boski_obs_object(pc, &o)) return BOSK_RECORD_NO_MODULE;
    bool main_program = o.path == NULL || o.path[0] == '\0';
    if (main_program) o.path = s->exe;
    uint32_t n = s->module_count;
    for (uint32_t i = n; i-- > 0;) {
        if (!same(&s->module[i], &o)) continue;
        *bias = o.bias;
        return i;
    }
    if (n >= BOSK_RECORD_MODULES) return BOSK_RECORD_NO_MODULE;
    struct bosk_record_module *m = &s->module[n];
    memset(m, 0, sizeof *m);
    m->bias = o.bias;
    m->start = o.start;
    m->end = o.end;
    if (main_program) m->flags |= BOSK_MODULE_MAIN;
    if (o.start == boski_obs.own_start) m->flags |= BOSK_MODULE_ALLOCATOR;
    size_t path = strnlen(o.path, sizeof m->path - 1);
    memcpy(m->path, o.path, path);
    m->build_id_bytes = build_id(&o, m->build_id);
    __atomic_store_n(&s->module_count, n + 1, __ATOMIC_RELEASE);
    *bias = o.bias;
    return n;
}

void boski_obs_find_self(void)
{
    struct boski_object o;
    if (!boski_obs_object((uintptr_t)&boski_obs_find_self, &o)) return;
    if (o.path == NULL ||
        o.path[0] == '\0') { /* linked statically: frames are told by their names */
        boski_obs.section->flags |= BOSK_SECTION_STATIC;
        return;
    }
    boski_obs.own_start = o.start;
    boski_obs.own_end = o.end;
}
