/* internal.h - shared by the files of src/os only. */
#ifndef BOSKI_OS_INTERNAL_H
#define BOSKI_OS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Runs under qemu's user mode, valgrind or a sanitizer, where address space is dear and some calls
 * are missing. */
bool boski_os_detect_emulation(void);

/* Set-user-id and the like: the environment is not to be trusted. */
bool boski_os_secure(void);

/* boski_os_cgroup_limit and _file with /proc/self/cgroup and /sys/fs/cgroup elsewhere, for tests.
 */
uint64_t boski_cgroup_limit_at(const char *self, const char *mount);
long boski_cgroup_file_at(const char *self, const char *mount, const char *name, char *text,
                          size_t n);

#endif /* BOSKI_OS_INTERNAL_H */
