/* gc.h - the collector: collected objects, references, roots, cycles.
 *
 *     struct node { bosk_ptr(struct node) left, right; int value; };
 *     BOSK_LAYOUT(struct node, node_type, left, right);
 *     struct node *n = bosk_new_as(&node_type, struct node);
 *     bosk_store(n->left, other);
 *
 * Nothing needs to be initialised or registered.  Every thread's stack, registers and thread-local
 * storage and the static data of every loaded object are looked at word by word; so are collected
 * objects without a layout.  What malloc and arenas return is not looked at: references kept there
 * need a handle, a root range (bosk_gc_add_roots) or memory of the root home (bosk_new_root).
 *
 * In this version a cycle stops all threads while it marks, and objects are swept while they run.
 * Unless said otherwise: any thread; not in signal handlers.
 */
#ifndef BOSK_GC_H
#define BOSK_GC_H

#include <bosk/type.h>

BOSK_BEGIN_DECLS

/* ---- objects ---------------------------------------------------------------------- */

/* bosk_gc_new allocates `count` zeroed objects of `type`; out of memory is fatal, as in Go.  The
 * macros below are more convenient. */
BOSK_API void *bosk_gc_new(const bosk_type *type, size_t count) BOSK_NODISCARD;
/* As bosk_gc_new, but NULL with ENOMEM. */
BOSK_API void *bosk_gc_try_new(const bosk_type *type, size_t count) BOSK_NODISCARD;
/* `bytes` of zeroed memory in which every aligned word may be a reference, or none may be. */
BOSK_API void *bosk_gc_malloc(size_t bytes) BOSK_NODISCARD;
BOSK_API void *bosk_gc_malloc_noscan(size_t bytes) BOSK_NODISCARD;
/* `bytes` of zeroed memory that is looked at as bosk_gc_malloc's, and freed by bosk_free. */
BOSK_API void *bosk_new_root(size_t bytes) BOSK_NODISCARD;

/* One object, or `n` in a row, of a type without a layout. */
#define bosk_new(T) bosk_new_array(T, 1)
#define bosk_new_array(T, n)                                              \
    __extension__({                                                       \
        static const bosk_type bosk_new_type_ = {                         \
            sizeof(T), (uint32_t) __alignof__(T), false, 0, 0, 0, 0, #T}; \
        (T *)bosk_gc_new(&bosk_new_type_, (n));                           \
    })
/* The same without references. */
#define bosk_new_noscan(T, n)                                            \
    __extension__({                                                      \
        static const bosk_type bosk_new_type_ = {                        \
            sizeof(T), (uint32_t) __alignof__(T), true, 0, 0, 0, 0, #T}; \
        (T *)bosk_gc_new(&bosk_new_type_, (n));                          \
    })
/* Of a type with a layout, see below. */
#define bosk_new_as(type, T) ((T *)bosk_gc_new((type), 1))
#define bosk_new_array_as(type, T, n) ((T *)bosk_gc_new((type), (n)))

/* ---- layouts ------------------------------------------------------------------------ */

/* BOSK_LAYOUT(T, name, fields...) defines `static const bosk_type name` for struct type T, whose
 * references lie in the fields listed (at most 16, in the first 256 words); a field may be a
 * pointer, an array of them, a slice, a string or a struct: all its words count.  A type without
 * references is better served by bosk_new_noscan.  BOSK_CONF=gccheckmark=1 finds fields that hold
 * references and are not listed. */
#define BOSKI_LAYOUT_WORDS_ (sizeof(void *))
#define BOSKI_MASK_(lo, hi, w)                                                 \
    ((hi) <= (w)*64u || (lo) >= (w)*64u + 64u                                  \
         ? 0u                                                                  \
         : ((~(uint64_t)0 << ((lo) > (w)*64u ? ((lo) - (w)*64u) & 63u : 0u)) & \
            (~(uint64_t)0 >> ((hi) < (w)*64u + 64u ? ((w)*64u + 64u - (hi)) & 63u : 0u))))
#define BOSKI_FIELD_(T, f, w)                         \
    BOSKI_MASK_(offsetof(T, f) / BOSKI_LAYOUT_WORDS_, \
                (offsetof(T, f) + sizeof(((T *)0)->f)) / BOSKI_LAYOUT_WORDS_, w)
#define BOSKI_F1_(T, w, f) BOSKI_FIELD_(T, f, w)
#define BOSKI_F2_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F1_(T, w, __VA_ARGS__)
#define BOSKI_F3_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F2_(T, w, __VA_ARGS__)
#define BOSKI_F4_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F3_(T, w, __VA_ARGS__)
#define BOSKI_F5_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F4_(T, w, __VA_ARGS__)
#define BOSKI_F6_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F5_(T, w, __VA_ARGS__)
#define BOSKI_F7_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F6_(T, w, __VA_ARGS__)
#define BOSKI_F8_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F7_(T, w, __VA_ARGS__)
#define BOSKI_F9_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F8_(T, w, __VA_ARGS__)
#define BOSKI_F10_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F9_(T, w, __VA_ARGS__)
#define BOSKI_F11_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F10_(T, w, __VA_ARGS__)
#define BOSKI_F12_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F11_(T, w, __VA_ARGS__)
#define BOSKI_F13_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F12_(T, w, __VA_ARGS__)
#define BOSKI_F14_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F13_(T, w, __VA_ARGS__)
#define BOSKI_F15_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F14_(T, w, __VA_ARGS__)
#define BOSKI_F16_(T, w, f, ...) BOSKI_FIELD_(T, f, w) | BOSKI_F15_(T, w, __VA_ARGS__)
#define BOSKI_PICK_(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, N, ...) N
#define BOSKI_FIELDS_(T, w, ...)                                                               \
    BOSKI_PICK_(__VA_ARGS__, BOSKI_F16_, BOSKI_F15_, BOSKI_F14_, BOSKI_F13_, BOSKI_F12_,       \
                BOSKI_F11_, BOSKI_F10_, BOSKI_F9_, BOSKI_F8_, BOSKI_F7_, BOSKI_F6_, BOSKI_F5_, \
                BOSKI_F4_, BOSKI_F3_, BOSKI_F2_, BOSKI_F1_, 0)                                 \
    (T, w, __VA_ARGS__)
#define BOSK_LAYOUT(T, name, ...)                                                        \
    static const uint64_t name##_mask_[4] = {                                            \
        BOSKI_FIELDS_(T, 0u, __VA_ARGS__), BOSKI_FIELDS_(T, 1u, __VA_ARGS__),            \
        BOSKI_FIELDS_(T, 2u, __VA_ARGS__), BOSKI_FIELDS_(T, 3u, __VA_ARGS__)};           \
    static const bosk_type name = {                                                      \
        sizeof(T),                                                                       \
        (uint32_t) __alignof__(T),                                                       \
        false,                                                                           \
        (uint32_t)(sizeof(T) / sizeof(void *) < 256 ? sizeof(T) / sizeof(void *) : 256), \
        name##_mask_,                                                                    \
        0,                                                                               \
        0,                                                                               \
        #T}

/* ---- references ----------------------------------------------------------------------- */

/* A field that refers to a T in a collected object.  Its member is const, so that a raw store does
 * not compile: what stores must tell the collector.  NULL when zeroed. */
#define bosk_ptr(T)    \
    struct {           \
        T *const ref_; \
    }
#define bosk_load(field) ((field).ref_)
/* Stores `v` into a reference field of a collected object.  Two threads must not store into one
 * field at the same time without a lock. */
#define bosk_store(field, v)                                                            \
    do {                                                                                \
        __typeof__((field).ref_) bosk_store_value_ = (v);                               \
        boski_gc_store((void *)(uintptr_t) & (field), (const void *)bosk_store_value_); \
    } while (0)
/* The same for the first store into a field of an object that no other thread has seen. */
#define bosk_init_ref(field, v) bosk_store(field, v)

static inline void boski_gc_store(void *slot, const void *v)
{
    __atomic_store_n((uintptr_t *)slot, (uintptr_t)v, __ATOMIC_RELAXED);
}

/* Keeps the object alive up to here, whatever the compiler has made of its last use. */
static inline void bosk_keepalive(const void *p) { __asm__ volatile("" : : "g"(p) : "memory"); }

/* ---- roots ------------------------------------------------------------------------------- */

/* The words of [start, start + bytes) are looked at from now on, until the same range is removed.
 * 0; -ENOMEM; -EINVAL; -ENOENT when it was not there. */
BOSK_API int bosk_gc_add_roots(const void *start, size_t bytes) BOSK_NODISCARD;
BOSK_API int bosk_gc_remove_roots(const void *start, size_t bytes);

/* A handle keeps the object alive that `p` points into, until it is freed; it may be kept anywhere.
 * 0 when there is no memory.  Using or freeing one twice panics. */
typedef uintptr_t bosk_handle;
BOSK_API bosk_handle bosk_handle_new(void *p) BOSK_NODISCARD;
BOSK_API void *bosk_handle_get(bosk_handle h);
BOSK_API void bosk_handle_free(bosk_handle h);

/* ---- weak handles, cleanups ------------------------------------------------------------------ */

/* A weak handle does not keep the object alive that `object` points into.  bosk_weak_get returns
 * that address, which then does, or NULL once a cycle has found the object unreachable. Panics when
 * it is not in a collected object; 0 when there is no memory.  Not for objects that are freed by
 * hand or are smaller than 16 bytes without references, which share a block. */
typedef uintptr_t bosk_weak;
BOSK_API bosk_weak bosk_weak_new(void *object) BOSK_NODISCARD;
BOSK_API void *bosk_weak_get(bosk_weak w);
BOSK_API void bosk_weak_free(bosk_weak w);

/* `fn(arg)` is called once after a cycle has found the object unreachable that `object` points
 * into, on a thread for cleanups or in bosk_run_cleanups; any number for an object, in no order,
 * and not at exit.  `arg` is kept alive meanwhile and must not lead to the object, which else lives
 * for ever; the object itself is gone by then.  As Go's AddCleanup. */
typedef struct bosk_cleanup {
    struct bosk_special *record; /* NULL: there was no memory */
    uint32_t serial;
} bosk_cleanup;
BOSK_API bosk_cleanup bosk_add_cleanup(void *object, void (*fn)(void *arg), void *arg);
/* Cancels it; false when it has fallen due already. */
BOSK_API bool bosk_cleanup_stop(bosk_cleanup c);
/* Runs what has fallen due on the calling thread; how many. */
BOSK_API size_t bosk_run_cleanups(void);

/* ---- leaks ---- */

/* bosk_leak_check calls `fn` (may be NULL) for each block of malloc that no thread, static variable
 * or reachable block of this heap points into, and returns how many there are; -ECANCELED when `fn`
 * returned false, -EAGAIN when a thread could not be stopped or memory was short.  Stops all
 * threads for some 10 ns a word of reachable memory. Words that look like addresses hide leaks. */
BOSK_API long bosk_leak_check(bool (*fn)(void *ctx, void *block, size_t bytes), void *ctx);

/* ---- cycles -------------------------------------------------------------------------------- */

/* Makes the collected home the default of containers; optional. */
BOSK_API void bosk_gc_init(void);
/* Runs a whole cycle: what is unreachable now is free when it returns.  False when a thread could
 * not be stopped.  Not inside a callback of dl_iterate_phdr. */
BOSK_API bool bosk_gc_collect(void);
/* While disabled (calls nest) no cycle begins but by bosk_gc_collect. */
BOSK_API void bosk_gc_disable(void);
BOSK_API void bosk_gc_enable(void);
/* Heap growth in percent before the next cycle, as GOGC; negative: off.  Returns the old value. */
BOSK_API int bosk_gc_set_percent(int percent);
/* Lets a cycle that waits for this thread go on at once; for loops that neither allocate nor may
 * be interrupted by a signal. */
BOSK_API void bosk_gc_poll(void);
/* Around system calls that may block: the thread need not be stopped meanwhile.  Between the two
 * it must touch no collected object, and not end. Do not nest. */
BOSK_API void bosk_block_begin(void);
BOSK_API void bosk_block_end(void);

/* Bytes and nanoseconds, since start unless said otherwise. */
struct bosk_gc_stats {
    uint64_t cycles, forced; /* cycles; those of them that were asked for */
    uint64_t postponed;      /* cycles that could not begin: a thread did not stop */
    uint64_t live;           /* marked by the last cycle */
    uint64_t live_objects;   /* the same in objects */
    uint64_t allocated;      /* since the last cycle, rounded up to runs */
    uint64_t goal;           /* heap size at which the next cycle is due */
    uint64_t freed;          /* bytes of objects swept, ever */
    uint64_t spans;          /* bytes of collected spans */
    uint64_t metadata;       /* bytes of the mark table made usable */
    uint64_t pause_last, pause_max, pause_total; /* while the world was stopped */
    uint64_t stop_last;                          /* the part of it until every thread had stopped */
    uint64_t mark_last, sweep_last;
    uint64_t roots_last;   /* bytes of stacks and static data looked at */
    uint64_t threads_last; /* threads stopped */
};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
BOSK_API void bosk_gc_stats(struct bosk_gc_stats *out);
#pragma GCC diagnostic pop

BOSK_END_DECLS

#endif /* BOSK_GC_H */
