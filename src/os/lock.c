/* lock.c - the waiting half of boski_lock: 0 free, 1 held, 2 held and somebody may sleep. */
#include "os/os.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPINS 100

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64 /* 32-bit ports with 64-bit time only */
#endif

static inline void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__arm__) && __ARM_ARCH >= 7)
    __asm__ volatile("yield" ::: "memory");
#endif
}

void boski_lock_slow(struct boski_lock *l)
{
    /* Whoever holds the lock is on another processor and done soon, if there is one. */
    for (int i = 0; boski_os.ncpu > 1 && i < SPINS; i++) {
        uint32_t expected = 0;
        if (__atomic_load_n(&l->word, __ATOMIC_RELAXED) == 0 &&
            __atomic_compare_exchange_n(&l->word, &expected, 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return;
        pause_cpu();
    }
    int saved = errno;
    while (__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE) != 0)
        syscall(SYS_futex, &l->word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
    errno = saved;
}

void boski_unlock_slow(struct boski_lock *l)
{
    int saved = errno;

    syscall(SYS_futex, &l->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved;
}
