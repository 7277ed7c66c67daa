/* os_linux.c - mmap and its relatives, clocks and what the machine is like.
 *
 * In the os_page mode boski_os.page is larger than the real page, and every function here behaves
 * as a kernel with such pages would: lengths are rounded up, unaligned addresses are refused. Go
 * counterpart: runtime/mem_linux.go (1.22).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/os.h"

#include "os/conf.h"
#include "os/internal.h"

#include <bosk/base.h>
#include <errno.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define MAP_FRESH (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

struct boski_os boski_os = {.page = 4096, .cacheline = 64, .as_limit = UINT64_MAX, .ncpu = 1};

static const char never_single;
const char *boski_single_threaded = &never_single;

extern char __libc_single_threaded __attribute__((weak));

static uint32_t init_done;
static struct boski_lock init_lock;
static uint64_t random_state;

/* ---- fault injection ---------------------------------------------------------------- */

static size_t fail_calls, fail_target; /* word sized: atomic everywhere */

void boski_os_fail_at(uint64_t n)
{
    size_t now = __atomic_load_n(&fail_calls, __ATOMIC_RELAXED);
    __atomic_store_n(&fail_target, n == 0 ? 0 : now + (size_t)n, __ATOMIC_RELAXED);
}

uint64_t boski_os_fail_count(void) { return __atomic_load_n(&fail_calls, __ATOMIC_RELAXED); }

/* Counts a call that can fail; true when this is the one that has to. */
static bool boski_os_fail_now(void)
{
    size_t call = __atomic_add_fetch(&fail_calls, 1, __ATOMIC_RELAXED);
    return BOSK_UNLIKELY(call == __atomic_load_n(&fail_target, __ATOMIC_RELAXED));
}

/* ---- the machine ------------------------------------------------------------------------ */

static size_t read_cacheline(void)
{
    long n = 0;
#ifdef _SC_LEVEL1_DCACHE_LINESIZE
#if defined(__aarch64__)
    uint64_t ctr;
    __asm__("mrs %0, ctr_el0" : "=r"(ctr));
    n = 4L << (ctr >> 16 & 15);
#elif !defined(__i386__) && !defined(__x86_64__) /* there glibc asks cpuid, slow in guests */
    n = sysconf(_SC_LEVEL1_DCACHE_LINESIZE);
#endif
#endif
    return n >= 16 && n <= 4096 && (n & (n - 1)) == 0 ? (size_t)n : 64;
}

static unsigned read_ncpu(void)
{
    unsigned long mask[1024 / sizeof(unsigned long)] = {0}; /* 8192 processors */
    unsigned n = 0;
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);

    for (long i = 0; i < bytes / (long)sizeof mask[0]; i++)
        n += (unsigned)__builtin_popcountl(mask[i]);
    return n > 0 ? n : 1;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void read_machine(void)
{
    struct rlimit rl;
    struct sysinfo si;
    size_t page = (size_t)getauxval(AT_PAGESZ);

    if (page >= 4096 && (page & (page - 1)) == 0) boski_os.page = page;
    if (boski_conf.os_page > boski_os.page && boski_conf.os_page <= (1u << 20) &&
        (boski_conf.os_page & (boski_conf.os_page - 1)) == 0)
        boski_os.page = (size_t)boski_conf.os_page;
    boski_os.cacheline = read_cacheline();
    if (getrlimit(RLIMIT_AS, &rl) == 0 && rl.rlim_cur != RLIM_INFINITY)
        boski_os.as_limit = rl.rlim_cur;
    if (sysinfo(&si) == 0) boski_os.phys = (uint64_t)si.totalram * si.mem_unit;
    boski_os.ncpu = read_ncpu();
    boski_os.emulated = boski_os_detect_emulation();
    if (syscall(SYS_getrandom, &random_state, sizeof random_state, 1 /* GRND_NONBLOCK */) !=
        (long)sizeof random_state) {
        const uint64_t *seed = (const void *)(uintptr_t)getauxval(AT_RANDOM);
        uint64_t v = (uint64_t)(uintptr_t)&rl;
        if (seed != NULL) __builtin_memcpy(&v, seed, sizeof v);
        random_state = mix(v ^ mix(boski_os_now_ns()));
    }
    if (&__libc_single_threaded != NULL) boski_single_threaded = &__libc_single_threaded;
}

void boski_os_init(void)
{
    if (__atomic_load_n(&init_done, __ATOMIC_ACQUIRE)) return;
    int saved = errno;
    boski_lock(&init_lock);
    if (!init_done) {
        boski_conf_init();
        read_machine();
        if (boski_conf.failos != 0) boski_os_fail_at(boski_conf.failos);
        __atomic_store_n(&init_done, 1, __ATOMIC_RELEASE);
    }
    boski_unlock(&init_lock);
    errno = saved;
}

/* ---- memory -------------------------------------------------------------------------------- */

/* Rounds up to whole system pages; false on overflow, nothing, or an unaligned start. */
static bool whole_pages(const void *p, size_t *bytes)
{
    size_t mask = boski_os.page - 1;

    if (*bytes == 0 || *bytes > PTRDIFF_MAX || ((uintptr_t)p & mask) != 0) return false;
    *bytes = (*bytes + mask) & ~mask;
    return true;
}

static void *map_aligned(size_t bytes, size_t align, int prot, int flags)
{
    int saved = errno;

    if (align < boski_os.page) align = boski_os.page;
    if (!whole_pages(NULL, &bytes) || boski_os_fail_now()) return NULL;
    flags |= MAP_PRIVATE | MAP_ANONYMOUS;
    char *p = mmap(NULL, bytes, prot, flags, -1, 0);
    if (p != MAP_FAILED && ((uintptr_t)p & (align - 1)) != 0) {
        /* Ask for more and cut off both ends. */
        size_t more = bytes + align - 4096;
        munmap(p, bytes);
        p = more > bytes ? mmap(NULL, more, prot, flags, -1, 0) : MAP_FAILED;
        if (p != MAP_FAILED) {
            size_t head = (size_t)(-(uintptr_t)p & (align - 1));
            if (head > 0) munmap(p, head);
            p += head;
            if (more - head - bytes > 0) munmap(p + bytes, more - head - bytes);
        }
    }
    errno = saved;
    return p == MAP_FAILED ? NULL : p;
}

void *boski_os_reserve(size_t bytes, size_t align)
{
    void *p = map_aligned(bytes, align, PROT_NONE, MAP_NORESERVE);
    int saved = errno;

    /* A core file is to hold what is committed: debuggers would read all the rest page by page. */
    if (p != NULL) madvise(p, bytes, MADV_DONTDUMP);
    errno = saved;
    return p;
}

void *boski_os_map(size_t bytes) { return map_aligned(bytes, 0, PROT_READ | PROT_WRITE, 0); }

void boski_os_unmap(void *p, size_t bytes)
{
    int saved = errno;

    if (whole_pages(p, &bytes)) munmap(p, bytes);
    errno = saved;
}

void boski_os_unreserve(void *p, size_t bytes) { boski_os_unmap(p, bytes); }

bool boski_os_commit(void *p, size_t bytes)
{
    int saved = errno;
    bool ok = whole_pages(p, &bytes) && !boski_os_fail_now() &&
              mprotect(p, bytes, PROT_READ | PROT_WRITE) == 0;

    if (ok) madvise(p, bytes, MADV_DODUMP);
    errno = saved;
    return ok;
}

void boski_os_dump(void *p, size_t bytes)
{
    int saved = errno;

    if (whole_pages(p, &bytes)) madvise(p, bytes, MADV_DODUMP);
    errno = saved;
}

bool boski_os_protect_none(void *p, size_t bytes)
{
    int saved = errno;
    bool ok = whole_pages(p, &bytes) && !boski_os_fail_now() && mprotect(p, bytes, PROT_NONE) == 0;

    errno = saved;
    return ok;
}

/* Each moved range is a mapping of its own for the kernel until it is mapped anew, and a process
 * may have some 65,000.  After that many moves decommit maps anew, which joins a range to its
 * neighbours. */
#define MANY_MOVES 4096
static size_t moves;

static bool map_anew(void *p, size_t bytes)
{
    void *q = mmap(p, bytes, PROT_READ | PROT_WRITE, MAP_FRESH | MAP_FIXED, -1, 0);

    if (q != MAP_FAILED && boski_conf.thp != 0)
        madvise(p, bytes, boski_conf.thp > 0 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    return q != MAP_FAILED;
}

bool boski_os_decommit(void *p, size_t bytes)
{
    int saved = errno, r;

    if (!whole_pages(p, &bytes) || boski_os_fail_now()) return false;
    if (__atomic_load_n(&moves, __ATOMIC_RELAXED) >= MANY_MOVES && map_anew(p, bytes)) {
        errno = saved;
        return true;
    }
    do {
        r = madvise(p, bytes, MADV_DONTNEED);
    } while (r != 0 && errno == EAGAIN);
    errno = saved;
    return r == 0;
}

/* A move has failed.  Depending on its version the kernel may have taken away parts of `to`, and,
 * where `from` consists of several mappings, moved some of them.  `to` was all zeroes before, so
 * what is not zero there has been moved: it is copied back, and fresh pages fill the gaps. */
static void undo_move(char *from, char *to, size_t bytes)
{
    size_t page = boski_os.page, words = page / sizeof(uint64_t);

    for (size_t at = 0; at < bytes; at += page) {
        /* Fails where there are pages still; a kernel before 4.17 maps elsewhere instead. */
        void *p =
            mmap(to + at, page, PROT_READ | PROT_WRITE, MAP_FRESH | MAP_FIXED_NOREPLACE, -1, 0);
        if (p == to + at) continue;
        if (p != MAP_FAILED) munmap(p, page);
        const uint64_t *w = (const void *)(to + at);
        for (size_t i = 0; i < words; i++) {
            if (w[i] == 0) continue;
            __builtin_memcpy(from + at, to + at, page);
            break;
        }
    }
}

bool boski_os_move(void *from, void *to, size_t bytes)
{
    static bool unable; /* kernels before 5.7 do not know MREMAP_DONTUNMAP */
    int saved = errno;

    if (__atomic_load_n(&unable, __ATOMIC_RELAXED) || boski_os.emulated) return false;
    if (!whole_pages(from, &bytes) || !whole_pages(to, &bytes)) return false;
    uintptr_t a = (uintptr_t)from, b = (uintptr_t)to;
    if ((a < b ? b - a : a - b) < bytes || boski_os_fail_now()) return false;
    /* Fresh pages at `to` first.  Where a limit forbids as much the kernel says so while `to` is
     * whole; within mremap it would find out too late. */
    bool ok = map_anew(to, bytes);
    if (ok) {
        ok = mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) !=
             MAP_FAILED;
        if (!ok && errno == EINVAL) __atomic_store_n(&unable, true, __ATOMIC_RELAXED);
        if (!ok)
            undo_move(from, to, bytes);
        else
            __atomic_fetch_add(&moves, 1, __ATOMIC_RELAXED);
    }
    errno = saved;
    return ok;
}

void boski_os_hugepage(void *p, size_t bytes, int advice)
{
    int saved = errno;

    if (advice != 0 && whole_pages(p, &bytes))
        madvise(p, bytes, advice > 0 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    errno = saved;
}

/* ---- clocks and numbers ------------------------------------------------------------------- */

static uint64_t read_clock(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t boski_os_now_ns(void) { return read_clock(CLOCK_MONOTONIC); }
uint64_t boski_os_wall_ns(void) { return read_clock(CLOCK_REALTIME); }
uint64_t boski_os_coarse_ns(void) { return read_clock(CLOCK_MONOTONIC_COARSE); }

uint64_t boski_os_ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t t;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
#else
    return boski_os_now_ns();
#endif
}

uint64_t boski_os_random(void)
{
    static uint32_t calls;
    uint64_t n = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);

    return mix(random_state + n * 0x9e3779b97f4a7c15u + mix(boski_os_ticks()));
}

int boski_os_gettid(void) { return (int)syscall(SYS_gettid); }
