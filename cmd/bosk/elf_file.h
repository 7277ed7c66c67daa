/* elf_file.h - the facts about an executable that decide whether it can be run under bosk. */
#ifndef BOSK_CMD_ELF_FILE_H
#define BOSK_CMD_ELF_FILE_H

#include <bosk/base.h>

struct elf_facts {
    bool readable;        /* could be parsed at all */
    int bits;             /* 32 or 64 */
    int machine;          /* EM_* */
    bool executable;      /* ET_EXEC or ET_DYN */
    char interp[256];     /* PT_INTERP; "": statically linked */
    bool go;              /* built by Go's tool chain */
    bool own_malloc;      /* defines malloc for all libraries */
    char sanitizer[32];   /* run time of a sanitizer that it brings along, or "" */
    bool bosk_note;       /* has the runtime linked statically */
    uint32_t bosk_record; /* version of its recording layout */
    char bosk_version[32];
};

/* False, with errno set, when the file cannot be opened. */
bool elf_examine(const char *path, struct elf_facts *out);
/* Machine of this tool itself, and the name of a machine. */
int elf_own_machine(void);
const char *elf_machine_name(int machine, int bits);

#endif /* BOSK_CMD_ELF_FILE_H */
