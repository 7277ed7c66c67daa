/* gc_hooks.h - what the heap asks of the collector, which lies above it. */
#ifndef BOSKI_GC_HOOKS_H
#define BOSKI_GC_HOOKS_H

struct boski_gc_hooks {
    /* Collected memory was allocated beyond the trigger.  No lock is held; the caller holds
     * nothing but what the roots show.  May run a whole cycle. */
    void (*due)(void);
};
extern const struct boski_gc_hooks boski_gc_hooks __attribute__((visibility("hidden")));

#endif /* BOSKI_GC_HOOKS_H */
