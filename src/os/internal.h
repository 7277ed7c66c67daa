/* internal.h - shared by the files of src/os only. */
#ifndef BOSKI_OS_INTERNAL_H
#define BOSKI_OS_INTERNAL_H

#include <stdbool.h>

/* Runs under qemu's user mode, valgrind or a sanitizer, where address space is dear and some calls
 * are missing. */
bool boski_os_detect_emulation(void);

/* Set-user-id and the like: the environment is not to be trusted. */
bool boski_os_secure(void);

#endif /* BOSKI_OS_INTERNAL_H */
