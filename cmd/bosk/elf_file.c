/* elf_file.c - see elf_file.h.  Files are hostile input: libelf checks what it hands out. */
#include "elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int elf_own_machine(void)
{
#if defined(__x86_64__)
    return EM_X86_64;
#elif defined(__i386__)
    return EM_386;
#elif defined(__aarch64__)
    return EM_AARCH64;
#elif defined(__arm__)
    return EM_ARM;
#elif defined(__riscv)
    return EM_RISCV;
#elif defined(__powerpc64__)
    return EM_PPC64;
#elif defined(__s390x__)
    return EM_S390;
#else
    return EM_NONE;
#endif
}

const char *elf_machine_name(int machine, int bits)
{
    switch (machine) {
    case EM_X86_64: return bits == 32 ? "x32" : "x86-64";
    case EM_386: return "32-bit x86";
    case EM_AARCH64: return "arm64";
    case EM_ARM: return "32-bit arm";
    case EM_RISCV: return bits == 32 ? "32-bit riscv" : "riscv64";
    case EM_PPC64: return "ppc64";
    case EM_S390: return "s390x";
    case EM_MIPS: return "mips";
    default: return "foreign";
    }
}

static void copy_text(char *to, size_t cap, const char *from, size_t n)
{
    if (n >= cap) n = cap - 1;
    memcpy(to, from, n);
    to[n] = '\0';
}

static void read_interp(Elf *elf, const GElf_Phdr *ph, struct elf_facts *f)
{
    size_t bytes;
    const char *file = elf_rawfile(elf, &bytes);
    if (file == NULL || ph->p_offset >= bytes) return;
    size_t room = bytes - ph->p_offset;
    if (ph->p_filesz < room) room = ph->p_filesz;
    copy_text(f->interp, sizeof f->interp, file + ph->p_offset, strnlen(file + ph->p_offset, room));
}

static void read_notes(Elf *elf, const GElf_Phdr *ph, struct elf_facts *f)
{
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)ph->p_offset, ph->p_filesz,
                                          ph->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    size_t at = 0, next, name, desc;
    GElf_Nhdr note;
    while (data != NULL && (next = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
        const char *bytes = data->d_buf;
        if (note.n_namesz == 4 && memcmp(bytes + name, "Go\0", 4) == 0) f->go = true;
        if (note.n_namesz == 5 && memcmp(bytes + name, "bosk", 5) == 0 && note.n_type == 1 &&
            note.n_descsz > sizeof f->bosk_record) {
            f->bosk_note = true;
            memcpy(&f->bosk_record, bytes + desc, sizeof f->bosk_record);
            copy_text(f->bosk_version, sizeof f->bosk_version, bytes + desc + 4,
                      strnlen(bytes + desc + 4, note.n_descsz - 4));
        }
        at = next;
    }
}

static void read_symbols(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, struct elf_facts *f)
{
    static const char *const inits[] = {"__asan_init", "__tsan_init", "__msan_init",
                                        "__hwasan_init"};
    Elf_Data *data = elf_getdata(scn, NULL);
    if (data == NULL || sh->sh_entsize == 0) return;
    size_t n = sh->sh_size / sh->sh_entsize;
    for (size_t i = 0; i < n && i <= INT32_MAX; i++) {
        GElf_Sym sym;
        if (gelf_getsym(data, (int)i, &sym) == NULL) break;
        const char *name = elf_strptr(elf, sh->sh_link, sym.st_name);
        if (name == NULL || sym.st_shndx == SHN_UNDEF) continue;
        if (strcmp(name, "malloc") == 0 && GELF_ST_TYPE(sym.st_info) == STT_FUNC)
            f->own_malloc = true;
        for (size_t k = 0; k < sizeof inits / sizeof inits[0]; k++)
            if (strcmp(name, inits[k]) == 0)
                copy_text(f->sanitizer, sizeof f->sanitizer, name + 2, strlen(name) - 7);
    }
}

static void read_needed(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, struct elf_facts *f)
{
    static const char *const runtimes[] = {"libasan.so",   "libtsan.so",       "libmsan.so",
                                           "libhwasan.so", "libclang_rt.asan", "libclang_rt.tsan"};
    Elf_Data *data = elf_getdata(scn, NULL);
    if (data == NULL || sh->sh_entsize == 0) return;
    size_t n = sh->sh_size / sh->sh_entsize;
    for (size_t i = 0; i < n && i <= INT32_MAX; i++) {
        GElf_Dyn dyn;
        if (gelf_getdyn(data, (int)i, &dyn) == NULL || dyn.d_tag == DT_NULL) break;
        if (dyn.d_tag != DT_NEEDED) continue;
        const char *name = elf_strptr(elf, sh->sh_link, dyn.d_un.d_val);
        for (size_t k = 0; name != NULL && k < sizeof runtimes / sizeof runtimes[0]; k++)
            if (strncmp(name, runtimes[k], strlen(runtimes[k])) == 0)
                copy_text(f->sanitizer, sizeof f->sanitizer, name, strcspn(name, "0123456789") - 1);
    }
}

static void examine(Elf *elf, struct elf_facts *f)
{
    GElf_Ehdr head;
    if (elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &head) == NULL) return;
    f->readable = true;
    f->bits = head.e_ident[EI_CLASS] == ELFCLASS32 ? 32 : 64;
    f->machine = head.e_machine;
    f->executable = head.e_type == ET_EXEC || head.e_type == ET_DYN;
    size_t segments;
    if (elf_getphdrnum(elf, &segments) != 0) segments = 0;
    for (size_t i = 0; i < segments && i <= INT32_MAX; i++) {
        GElf_Phdr ph;
        if (gelf_getphdr(elf, (int)i, &ph) == NULL) break;
        if (ph.p_type == PT_INTERP) read_interp(elf, &ph, f);
        if (ph.p_type == PT_NOTE) read_notes(elf, &ph, f);
    }
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn)) != NULL;) {
        GElf_Shdr sh;
        if (gelf_getshdr(scn, &sh) == NULL) continue;
        if (sh.sh_type == SHT_DYNSYM) read_symbols(elf, scn, &sh, f);
        if (sh.sh_type == SHT_DYNAMIC) read_needed(elf, scn, &sh, f);
    }
}

bool elf_examine(const char *path, struct elf_facts *out)
{
    memset(out, 0, sizeof *out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    if (elf != NULL) {
        examine(elf, out);
        elf_end(elf);
    }
    close(fd);
    return true;
}
