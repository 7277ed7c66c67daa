/* symbols.c - see symbols.h. */
#define _GNU_SOURCE
#include "symbols.h"

#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define MAX_INLINED 32

struct function;
struct module {
    char path[BOSK_RECORD_PATH_BYTES];
    uint8_t build_id[BOSK_RECORD_BUILD_ID_BYTES];
    uint32_t build_id_bytes;
    enum symbol_state state;
    Dwfl *dwfl;
    Dwfl_Module *mod;
    GElf_Addr bias;
    uint64_t seg_vaddr, seg_bytes, seg_offset;
    bool names_only; /* its debug information is left alone */

    struct function *function; /* sorted; made at the first look-up */
    size_t functions;
    bool sorted;
};
struct function {
    GElf_Addr start, end; /* end 0: the symbol has no size */
    const char *name;
    int rank; /* global before weak before local */
};
struct found { /* node of a tree by module and address */
    unsigned module;
    uint64_t address;
    struct symbol symbol;
};
struct name { /* node of a tree by text */
    const char *mangled;
    char *plain;
};
struct symbols {
    unsigned count, room;
    struct module **module;
    void *found;
    void *names;
    char *(*demangle)(const char *, char *, size_t *, int *);
    bool demangle_tried;
};

struct symbols *symbols_new(void) { return calloc(1, sizeof(struct symbols)); }

static void free_found(void *node)
{
    struct found *f = node;
    free((void *)(uintptr_t)f->symbol.line);
    free(f);
}
static void free_name(void *node)
{
    struct name *n = node;
    free(n->plain);
    free(n);
}

void symbols_free(struct symbols *s)
{
    if (s == NULL) return;
    for (unsigned i = 0; i < s->count; i++) {
        if (s->module[i]->dwfl != NULL) dwfl_end(s->module[i]->dwfl);
        free(s->module[i]->function);
        free(s->module[i]);
    }
    tdestroy(s->found, free_found);
    tdestroy(s->names, free_name);
    free(s->module);
    free(s);
}

/* ---- modules -------------------------------------------------------------------------------- */

static void read_segment(struct module *m)
{
    GElf_Addr bias;
    size_t n;
    Elf *elf = dwfl_module_getelf(m->mod, &bias);
    if (elf == NULL || elf_getphdrnum(elf, &n) != 0) return;
    m->bias = bias;
    for (size_t i = 0; i < n && i < 1024; i++) {
        GElf_Phdr ph;
        if (gelf_getphdr(elf, (int)i, &ph) == NULL) return;
        if (ph.p_type != PT_LOAD || !(ph.p_flags & PF_X)) continue;
        uint64_t slack = ph.p_offset & 4095;
        m->seg_vaddr = ph.p_vaddr - slack;
        m->seg_offset = ph.p_offset - slack;
        m->seg_bytes = (ph.p_memsz + slack + 4095) & ~UINT64_C(4095);
        return;
    }
}

/* Where libc's debug information is installed it is large and packed; its lines tell a user nothing
 * that its names do not. */
static bool is_libc(const char *path)
{
    static const char *const begins[] = {"libc.so.", "libc-2.", "ld-linux", "libpthread",
                                         "libc.musl"};
    const char *base = strrchr(path, '/');
    base = base != NULL ? base + 1 : path;
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
        if (strncmp(base, begins[i], strlen(begins[i])) == 0) return true;
    return false;
}

/* ---- separate debug files ---- */

static bool same_crc(int fd, GElf_Word wanted)
{
    static unsigned char buf[65536];
    uLong crc = crc32(0, NULL, 0);
    for (ssize_t n; (n = read(fd, buf, sizeof buf)) > 0;) crc = crc32(crc, buf, (uInt)n);
    return crc == wanted && lseek(fd, 0, SEEK_SET) == 0;
}

/* As libdwfl's own, by build id and by .gnu_debuglink, but never from a server: for that alone it
 * would load two dozen libraries. */
static int find_debuginfo(Dwfl_Module *mod, void **user, const char *name, Dwarf_Addr base,
                          const char *file, const char *link, GElf_Word crc, char **found)
{
    int fd = dwfl_build_id_find_debuginfo(mod, user, name, base, file, link, crc, found);
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    if (fd >= 0 || link == NULL || slash == NULL || strchr(link, '/') != NULL) return fd;
    static const char *const where[][2] = {{"", "/"}, {"", "/.debug/"}, {"/usr/lib/debug", "/"}};
    for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
        char *path;
        if (asprintf(&path, "%s%.*s%s%s", where[i][0], (int)(slash - file), file, where[i][1],
                     link) < 0)
            return -1;
        fd = strcmp(path, file) != 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd >= 0 && same_crc(fd, crc)) {
            *found = path;
            return fd;
        }
        if (fd >= 0) close(fd);
        free(path);
    }
    return -1;
}

/* ---- opening ---- */

static enum symbol_state open_module(struct module *m)
{
    static const Dwfl_Callbacks callbacks = {
        .find_elf = dwfl_build_id_find_elf,
        .find_debuginfo = find_debuginfo,
        .section_address = dwfl_offline_section_address,
    };
    if (strchr(m->path, '/') == NULL) return SYMBOLS_VIRTUAL;
    if (access(m->path, R_OK) != 0) {
        size_t n = strlen(m->path);
        static const char deleted[] = " (deleted)";
        bool gone = n > sizeof deleted && strcmp(m->path + n + 1 - sizeof deleted, deleted) == 0;
        return gone ? SYMBOLS_VIRTUAL : SYMBOLS_MISSING;
    }
    m->dwfl = dwfl_begin(&callbacks);
    if (m->dwfl == NULL) return SYMBOLS_MISSING;
    dwfl_report_begin(m->dwfl);
    m->mod = dwfl_report_elf(m->dwfl, "module", m->path, -1, UINT64_C(1) << 32, false);
    dwfl_report_end(m->dwfl, NULL, NULL);
    if (m->mod == NULL) return SYMBOLS_MISSING;
    read_segment(m);
    const unsigned char *id;
    GElf_Addr where;
    int n = dwfl_module_build_id(m->mod, &id, &where);
    bool same = n <= 0
                  ? m->build_id_bytes == 0
                  : (uint32_t)n == m->build_id_bytes && memcmp(id, m->build_id, (size_t)n) == 0;
    return same ? SYMBOLS_GOOD : SYMBOLS_CHANGED;
}

unsigned symbols_module(struct symbols *s, const struct bosk_record_module *m)
{
    for (unsigned i = 0; i < s->count; i++)
        if (strcmp(s->module[i]->path, m->path) == 0 &&
            s->module[i]->build_id_bytes == m->build_id_bytes &&
            memcmp(s->module[i]->build_id, m->build_id, m->build_id_bytes) == 0)
            return i;
    if (s->count == s->room) {
        unsigned room = s->room * 2 + 16;
        struct module **grown = reallocarray(s->module, room, sizeof *grown);
        if (grown == NULL) abort();
        s->module = grown;
        s->room = room;
    }
    struct module *new = calloc(1, sizeof *new);
    if (new == NULL) abort();
    memcpy(new->path, m->path, sizeof new->path);
    memcpy(new->build_id, m->build_id, sizeof new->build_id);
    new->build_id_bytes = m->build_id_bytes;
    new->names_only = is_libc(new->path);
    new->state = open_module(new);
    s->module[s->count] = new;
    return s->count++;
}

enum symbol_state symbols_state(const struct symbols *s, unsigned module)
{
    return module < s->count ? s->module[module]->state : SYMBOLS_VIRTUAL;
}

bool symbols_segment(const struct symbols *s, unsigned module, uint64_t *vaddr, uint64_t *bytes,
                     uint64_t *file_offset)
{
    if (module >= s->count || s->module[module]->state != SYMBOLS_GOOD) return false;
    const struct module *m = s->module[module];
    *vaddr = m->seg_vaddr;
    *bytes = m->seg_bytes;
    *file_offset = m->seg_offset;
    return m->seg_bytes != 0;
}

/* ---- addresses ------------------------------------------------------------------------------ */

static const char *die_name(Dwarf_Die *die)
{
    static const unsigned names[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        Dwarf_Attribute attr;
        if (dwarf_attr_integrate(die, names[i], &attr) == NULL) continue;
        const char *s = dwarf_formstring(&attr);
        if (s != NULL) return s;
    }
    return NULL;
}

static const char *call_file(Dwarf_Die *cu, Dwarf_Die *inlined, int *line)
{
    Dwarf_Attribute attr;
    Dwarf_Word file, at;
    Dwarf_Files *files;
    size_t n;
    *line = 0;
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attr), &at) == 0) *line = (int)at;
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attr), &file) != 0) return NULL;
    if (dwarf_getsrcfiles(cu, &files, &n) != 0 || file >= n) return NULL;
    return dwarf_filesrc(files, file, NULL, NULL);
}

/* The functions inlined at `pc`, innermost first; each gets the line where the next one called it.
 */
static unsigned inlined_functions(struct module *m, Dwarf_Addr pc, struct symbol_line *out,
                                  const char **file, int *line)
{
    Dwarf_Addr bias;
    Dwarf_Die *cu = dwfl_module_addrdie(m->mod, pc, &bias), *scopes;
    if (cu == NULL) return 0;
    int n = dwarf_getscopes(cu, pc - bias, &scopes);
    unsigned count = 0;
    for (int i = 0; i < n && count < MAX_INLINED; i++) {
        int tag = dwarf_tag(&scopes[i]);
        if (tag == DW_TAG_subprogram) break;
        if (tag != DW_TAG_inlined_subroutine) continue;
        const char *name = die_name(&scopes[i]);
        if (name == NULL) continue;
        out[count++] = (struct symbol_line){name, *file, *line};
        *file = call_file(cu, &scopes[i], line);
    }
    if (n > 0) free(scopes);
    return count;
}

bool symbols_starts(const char *function)
{
    static const char *const starts[] = {
        "_start", "__libc_start_call_main", "start_thread", "clone3", "__clone3", "__clone",
        "clone"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (strcmp(function, starts[i]) == 0) return true;
    return strncmp(function, "__libc_start_main", 17) == 0;
}

/* Functions by address, later and better ones last among equals. */
static int by_start(const void *a, const void *b)
{
    const struct function *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->rank != y->rank) return x->rank < y->rank ? 1 : -1;
    size_t n = strlen(x->name), m = strlen(y->name);
    return n != m ? (n < m ? 1 : -1) : strcmp(y->name, x->name);
}

/* libdwfl's own look-up goes through all symbols each time. */
static void sort_functions(struct module *m)
{
    m->sorted = true;
    int n = dwfl_module_getsymtab(m->mod);
    if (n <= 0) return;
    m->function = calloc((size_t)n, sizeof *m->function);
    for (int i = 0; m->function != NULL && i < n; i++) {
        GElf_Sym sym;
        GElf_Addr address;
        const char *name = dwfl_module_getsym_info(m->mod, i, &sym, &address, NULL, NULL, NULL);
        int type = GELF_ST_TYPE(sym.st_info), bind = GELF_ST_BIND(sym.st_info);
        if (name == NULL || name[0] == '\0' || sym.st_shndx == SHN_UNDEF) continue;
        if (type != STT_FUNC && type != STT_GNU_IFUNC && (type != STT_NOTYPE || bind == STB_LOCAL))
            continue;
        m->function[m->functions++] =
            (struct function){address, sym.st_size != 0 ? address + sym.st_size : 0, name,
                              bind == STB_GLOBAL ? 0
                              : bind == STB_WEAK ? 1
                                                 : 2};
    }
    if (m->functions > 1) qsort(m->function, m->functions, sizeof *m->function, by_start);
}

/* The function that holds `pc`; one without a size reaches to the next. */
static const char *function_at(struct module *m, GElf_Addr pc)
{
    if (!m->sorted) sort_functions(m);
    size_t low = 0, high = m->functions;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (m->function[mid].start <= pc)
            low = mid + 1;
        else
            high = mid;
    }
    /* A function may lie within another, rarely more deeply. */
    for (size_t back = 0; back < 16 && low > back; back++) {
        const struct function *f = &m->function[low - 1 - back];
        if (f->end > pc || (f->end == 0 && back == 0)) return f->name;
    }
    return NULL;
}

static void look_up(struct module *m, uint64_t address, struct symbol *out)
{
    struct symbol_line line[MAX_INLINED + 1];
    Dwarf_Addr pc = address + m->bias;
    const char *name = function_at(m, pc);
    const char *file = NULL;
    int at = 0;
    Dwfl_Line *src = !m->names_only ? dwfl_module_getsrc(m->mod, pc) : NULL;
    if (src != NULL) file = dwfl_lineinfo(src, NULL, &at, NULL, NULL, NULL);
    unsigned n = src != NULL ? inlined_functions(m, pc, line, &file, &at) : 0;
    if (name == NULL && n == 0) return;
    if (name != NULL) line[n++] = (struct symbol_line){name, file, at};
    struct symbol_line *kept = calloc(n, sizeof *kept);
    if (kept == NULL) return;
    memcpy(kept, line, n * sizeof *kept);
    *out = (struct symbol){n, kept};
}

static int by_address(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->module != y->module) return x->module < y->module ? -1 : 1;
    return x->address < y->address ? -1 : x->address > y->address;
}

const struct symbol *symbols_find(struct symbols *s, unsigned module, uint64_t address)
{
    static const struct symbol nothing;
    if (symbols_state(s, module) != SYMBOLS_GOOD) return &nothing;
    struct found *new = calloc(1, sizeof *new);
    if (new == NULL) return &nothing;
    new->module = module;
    new->address = address;
    struct found **node = tsearch(new, &s->found, by_address);
    if (node == NULL || *node != new) {
        free(new);
        return node != NULL ? &(*node)->symbol : &nothing;
    }
    look_up(s->module[module], address, &new->symbol);
    return &new->symbol;
}

/* ---- demangling ------------------------------------------------------------------------------ */

static int by_mangled(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    return strcmp(x->mangled, y->mangled);
}

const char *symbols_demangle(struct symbols *s, const char *name)
{
    if (strncmp(name, "_Z", 2) != 0) return name;
    if (!s->demangle_tried) {
        /* Only programs in C++ need it, and they bring the library along. */
        s->demangle_tried = true;
        void *library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
        void *function = library != NULL ? dlsym(library, "__cxa_demangle") : NULL;
        memcpy(&s->demangle, &function, sizeof s->demangle);
    }
    if (s->demangle == NULL) return name;
    struct name *new = calloc(1, sizeof *new);
    if (new == NULL) return name;
    new->mangled = name;
    struct name **node = tsearch(new, &s->names, by_mangled);
    if (node == NULL || *node != new) {
        free(new);
    } else {
        int status;
        new->plain = s->demangle(name, NULL, NULL, &status);
    }
    return node != NULL && (*node)->plain != NULL ? (*node)->plain : name;
}
