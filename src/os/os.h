/* os.h - the only door to the system: memory, clocks, locks, threads.
 *
 * Nothing here allocates from the heap, uses stdio or changes errno.  After start-up the memory
 * functions make only mmap, munmap, mprotect, mremap, madvise and futex calls.
 * Every system call that can fail for want of memory goes through boski_os_fail_now() first, so
 * that tests can fail the n-th one (BOSK_CONF=failos=N, or boski_os_fail_at).
 */
#ifndef BOSKI_OS_H
#define BOSKI_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct boski_os {
    size_t page;       /* system page in bytes; at least the real one (os_page=) */
    size_t cacheline;  /* bytes */
    uint64_t as_limit; /* RLIMIT_AS in bytes, UINT64_MAX when unlimited */
    uint64_t phys;     /* bytes of physical memory */
    unsigned ncpu;     /* processors allowed */
    bool emulated;     /* qemu user, valgrind or a sanitizer: reserve little */
};
extern struct boski_os boski_os;

/* Reads the above.  Idempotent; called before anything else here. */
void boski_os_init(void);

/* Whether two names mean one function.  Compilers take different names for different functions
 * unless the address has been out of their sight. */
#define BOSKI_SAME_FN(a, b) boski_same_fn((uintptr_t)(a), (uintptr_t)(b))
static inline bool boski_same_fn(uintptr_t a, uintptr_t b)
{
    __asm__("" : "+r"(a));
    return a == b;
}

/* False in a copy of the runtime whose names another copy in the process has taken over. */
bool boski_os_owner(void);

/* Reserves address space without access, aligned to `align`; NULL on failure. */
void *boski_os_reserve(size_t bytes, size_t align);
void boski_os_unreserve(void *p, size_t bytes);
/* Makes a reserved range readable and writable.  False on failure (range unchanged). */
bool boski_os_commit(void *p, size_t bytes);
/* The part of committing that can be done ahead: core dumps show these pages. */
void boski_os_dump(void *p, size_t bytes);
/* Gives the pages back; they read as zero afterwards.  False when the kernel refused (mlock):
 * the contents are then unknown. */
bool boski_os_decommit(void *p, size_t bytes);
/* Maps fresh zeroed memory; NULL on failure. */
void *boski_os_map(size_t bytes);
void boski_os_unmap(void *p, size_t bytes);
/* Moves the pages of [from, from+bytes) to `to`, both inside committed ranges; `from` reads as zero
 * afterwards.  False when the kernel cannot: nothing has moved. */
bool boski_os_move(void *from, void *to, size_t bytes);
/* Takes all access away.  False when the kernel refuses: too many mappings. */
bool boski_os_protect_none(void *p, size_t bytes);
/* Transparent huge pages: advice > 0 asks for them, < 0 refuses them. */
void boski_os_hugepage(void *p, size_t bytes, int advice);

/* Size of a huge page, 0 when there are none.  Reads a file. */
size_t boski_os_huge_page(void);
/* Replaces the pages of a committed range by explicit huge ones; false: they are as before. */
bool boski_os_map_hugetlb(void *p, size_t bytes);
/* Replaces them, whatever they are, by fresh ordinary ones. */
bool boski_os_map_ordinary(void *p, size_t bytes);
/* Faults all pages in; false when there is no memory for them. */
bool boski_os_populate(void *p, size_t bytes);
/* Bytes of the range in huge pages, transparent and explicit; false when nobody tells. */
bool boski_os_huge_resident(const void *p, size_t bytes, size_t *thp, size_t *hugetlb);

uint64_t boski_os_now_ns(void);    /* CLOCK_MONOTONIC */
uint64_t boski_os_wall_ns(void);   /* CLOCK_REALTIME: since 1970 */
uint64_t boski_os_coarse_ns(void); /* CLOCK_MONOTONIC_COARSE: a few ns to read */
uint64_t boski_os_ticks(void);     /* time stamp counter, or ns where there is none */
uint64_t boski_os_random(void);    /* a seed; never blocks */
int boski_os_gettid(void);

/* Maps the sealed file in memory at `path` for reading and writing, shared.  0 or -errno. */
int boski_os_map_shared(const char *path, void **p, size_t *bytes);
/* Fork children find these pages zeroed.  False when the kernel cannot. */
bool boski_os_wipe_on_fork(void *p, size_t bytes);
/* Up to `cap` bytes from the start of a file; returns how many. */
size_t boski_os_read_start(const char *path, char *buf, size_t cap);
size_t boski_os_exe(char *buf, size_t cap); /* path of the running program, NUL terminated */
unsigned boski_os_pid(void);
unsigned boski_os_parent_pid(void);

/* Reads up to n-1 bytes of `name` in the process's control group (v2) and ends them with NUL.
 * Bytes read, or -errno.  Not for allocation paths. */
long boski_os_cgroup_file(const char *name, char *text, size_t n);
/* Memory limit in bytes: the least of the process's control group and those above it (version 1
 * or 2), UINT64_MAX when there is none. Reads a few files: at start-up only. */
uint64_t boski_os_cgroup_limit(void);

/* write(2) to standard error, whole line, no allocation. printf subset as bosk_panic. */
void boski_os_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A four-byte lock: uncontended it is one atomic exchange; waiters sleep in futex. While the
 * process has one thread no atomic instruction is used. */
struct boski_lock {
    uint32_t word;
};
void boski_lock_slow(struct boski_lock *l);
void boski_unlock_slow(struct boski_lock *l);

/* Points to libc's __libc_single_threaded, or to a constant 0 where it does not exist. */
extern const char *boski_single_threaded;

static inline bool boski_os_single(void) { return *boski_single_threaded != 0; }

static inline void boski_lock(struct boski_lock *l)
{
    uint32_t free_word = 0;
    if (boski_os_single() && __atomic_load_n(&l->word, __ATOMIC_RELAXED) == 0) {
        __atomic_store_n(&l->word, 1, __ATOMIC_RELAXED);
        return;
    }
    if (!__atomic_compare_exchange_n(&l->word, &free_word, 1, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        boski_lock_slow(l);
}
static inline bool boski_trylock(struct boski_lock *l)
{
    uint32_t free_word = 0;
    return __atomic_compare_exchange_n(&l->word, &free_word, 1, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}
static inline void boski_unlock(struct boski_lock *l)
{
    if (boski_os_single() && __atomic_load_n(&l->word, __ATOMIC_RELAXED) == 1) {
        __atomic_store_n(&l->word, 0, __ATOMIC_RELAXED);
        return;
    }
    if (__atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE) == 2) boski_unlock_slow(l);
}

/* Fault injection: the n-th call that can fail, counted from now, fails once (0: never). */
void boski_os_fail_at(uint64_t n);
uint64_t boski_os_fail_count(void); /* calls that could have failed so far */

#endif /* BOSKI_OS_H */
