/* emulated.c - are we on a real kernel and processor?
 *
 * Neither test makes a system call.  Being wrong is harmless: the heap then reserves little
 * address space and copies where it could remap.
 */
#include "os/internal.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifndef SANITIZED
/* Valgrind's client request "am I running on valgrind" (0x1001): rotations that cancel out on a
 * real processor and that valgrind looks for. */
static bool on_valgrind(void)
{
#if defined(__x86_64__)
    volatile uint64_t args[6] = {0x1001, 0, 0, 0, 0, 0};
    uint64_t result = 0;
    __asm__ volatile("rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi\n\t"
                     "xchgq %%rbx, %%rbx"
                     : "+d"(result)
                     : "a"(&args[0])
                     : "cc", "memory");
    return result != 0;
#elif defined(__i386__)
    volatile uint32_t args[6] = {0x1001, 0, 0, 0, 0, 0};
    uint32_t result = 0;
    __asm__ volatile("roll $3, %%edi; roll $13, %%edi; roll $29, %%edi; roll $19, %%edi\n\t"
                     "xchgl %%ebx, %%ebx"
                     : "+d"(result)
                     : "a"(&args[0])
                     : "cc", "memory");
    return result != 0;
#elif defined(__aarch64__)
    volatile uint64_t args[6] = {0x1001, 0, 0, 0, 0, 0};
    register uint64_t result __asm__("x3") = 0;
    register volatile uint64_t *request __asm__("x4") = args;
    __asm__ volatile("ror x12, x12, #3; ror x12, x12, #13; ror x12, x12, #51; ror x12, x12, #61\n\t"
                     "orr x10, x10, x10"
                     : "+r"(result)
                     : "r"(request)
                     : "cc", "memory");
    return result != 0;
#else
    return false;
#endif
}

/* Linux gives every process a vDSO with a note named "Linux"; qemu's user mode has none at all, or
 * (since 8.2) one without the note. */
static bool has_linux_vdso(void)
{
    const char *image = (const char *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
    if (image == NULL) return false;
    const ElfW(Ehdr) *eh = (const void *)image;
    const ElfW(Phdr) *ph = (const void *)(image + eh->e_phoff);
    for (unsigned i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type != PT_NOTE) continue;
        const char *note = image + ph[i].p_offset;
        size_t left = (size_t)ph[i].p_filesz;
        while (left >= sizeof(ElfW(Nhdr))) {
            const ElfW(Nhdr) *nh = (const void *)note;
            size_t name = ((size_t)nh->n_namesz + 3) & ~(size_t)3;
            size_t bytes = sizeof *nh + name + (((size_t)nh->n_descsz + 3) & ~(size_t)3);
            if (bytes > left) break;
            if (nh->n_namesz == 6 && __builtin_memcmp(note + sizeof *nh, "Linux", 6) == 0)
                return true;
            note += bytes;
            left -= bytes;
        }
    }
    return false;
}
#endif

bool boski_os_detect_emulation(void)
{
#ifdef SANITIZED
    return true;
#else
    return on_valgrind() || !has_linux_vdso();
#endif
}

bool boski_os_secure(void) { return getauxval(AT_SECURE) != 0; }
