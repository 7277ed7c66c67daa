/* gc_support.h - what the collector's tests share: hiding addresses, looking whether an object is
 * still there, and keeping stale copies off the stack. */
#ifndef GC_SUPPORT_H
#define GC_SUPPORT_H

#include "heap_support.h"

#include <bosk/gc.h>
#include <pthread.h>

/* Other threads cannot be stopped: ThreadSanitizer holds signals back. */
#define TSAN 0
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#undef TSAN
#define TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#undef TSAN
#define TSAN 1
#endif

typedef uintptr_t hidden; /* an address the collector cannot read */
static inline hidden hide(const void *p) { return ~(uintptr_t)p; }
static inline void *shown(hidden h) { return (void *)~h; }

/* Whether the object is still allocated: its slot is not free. */
__attribute__((noinline, unused)) static bool is_there(hidden h)
{
    return bosk_find_block(shown(h), NULL, NULL);
}
/* Overwrites what calls that have returned left below; registers, too. */
__attribute__((noinline, unused, no_sanitize("address"))) static void wipe_stack(void)
{
    volatile char area[SANITIZED ? 1 << 17 : 8192];
    for (size_t i = 0; i < sizeof area; i++) area[i] = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx")) __asm__ volatile("vzeroall" ::: "memory");
    __asm__ volatile("" ::
                         : "rbx", "r12", "r13", "r14", "r15", "rdi", "rsi", "rdx", "rcx", "r8",
                           "r9", "r10", "r11");
#endif
}
/* A cycle in which nothing that has been dropped is seen by chance. */
__attribute__((noinline, unused)) static void collect(void)
{
    wipe_stack();
    CHECK(bosk_gc_collect());
}
/* What a test does with addresses it does below its own frame, whose registers and slots would else
 * keep them: these leave nothing behind. */
__attribute__((noinline, unused)) static hidden put(void *slot, void *(*make)(void))
{
    void *p = make();
    memcpy(slot, &p, sizeof p);
    return hide(p);
}
__attribute__((noinline, unused)) static void drop(void *slot) { memset(slot, 0, sizeof(void *)); }
/* Runs `make` at some depth, so that its frames are not the caller's. */
__attribute__((noinline, unused)) static hidden made_below(void *(*make)(void))
{
    volatile char room[512];
    room[0] = room[511] = 0;
    hidden h = hide(make());
    room[1] = 1;
    return h;
}

static inline struct bosk_gc_stats gc_stats(void)
{
    struct bosk_gc_stats s;
    bosk_gc_stats(&s);
    return s;
}

#endif /* GC_SUPPORT_H */
