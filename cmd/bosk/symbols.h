/* symbols.h - names and lines of code addresses, found outside the recorded program.
 *
 * Files are opened where the program had them and are believed only if their build id is the one
 * recorded.  Symbol tables, separate debug files and DWARF are read through libdwfl.
 */
#ifndef BOSK_CMD_SYMBOLS_H
#define BOSK_CMD_SYMBOLS_H

#include <bosk/record.h>

struct symbol_line {
    const char *function; /* as in the symbol table, mangled */
    const char *file;     /* or NULL */
    int line;             /* 0: unknown */
};
/* What is at one address: the innermost inlined function first, the one that owns it last. */
struct symbol {
    unsigned count; /* 0: nothing is known */
    const struct symbol_line *line;
};

enum symbol_state {
    SYMBOLS_GOOD,
    SYMBOLS_MISSING, /* the file is not there, or cannot be read */
    SYMBOLS_CHANGED, /* it is another file now */
    SYMBOLS_VIRTUAL  /* there never was a file (vDSO, deleted, code made at run time) */
};

struct symbols;
struct symbols *symbols_new(void);
void symbols_free(struct symbols *s);

/* Finds the file of a recorded module; the same number for the same file. */
unsigned symbols_module(struct symbols *s, const struct bosk_record_module *m);
enum symbol_state symbols_state(const struct symbols *s, unsigned module);
/* First executable segment as in the file; false when it is not known. */
bool symbols_segment(const struct symbols *s, unsigned module, uint64_t *vaddr, uint64_t *bytes,
                     uint64_t *file_offset);

/* What is at `address` of the file.  Valid until symbols_free. */
const struct symbol *symbols_find(struct symbols *s, unsigned module, uint64_t address);

/* Whether a function is what starts every program or thread, which tells nothing about it. */
bool symbols_starts(const char *function);

/* The demangled form where the name is mangled and libstdc++ is installed, else the name.  Kept. */
const char *symbols_demangle(struct symbols *s, const char *name);

#endif /* BOSK_CMD_SYMBOLS_H */
