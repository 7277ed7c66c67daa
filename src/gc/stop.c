/* stop.c - bringing every thread to a halt, wherever it is.
 *
 * The stopper makes the epoch odd and sends a signal to each thread in /proc/self/task, again and
 * again until no new one appears.  The handler leaves a record on its stack and sleeps until the
 * epoch changes; the registers of the thread, vector registers too, lie in the frame of the signal
 * above it.  Threads that poll (slow paths of allocation, bosk_gc_poll) save the signal; threads
 * in a blocking region are not disturbed at all.
 *
 * A thread may be stopped between any two instructions, also of this library.  What is changed in
 * more than one step is changed under locks, and the collector holds those before it comes here.
 *
 * A thread that does not answer within a second (it blocks the signal, or a debugger holds it)
 * makes the stop fail: all run on, and the cycle is for another time.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "gc.h"

#include <errno.h>
#include <signal.h>
#include <ucontext.h>

uint32_t boski_stop_epoch;

static struct boski_stopped *stopped; /* list, pushed by the threads themselves */
static uint32_t acked;
static int stop_signal;

/* The epoch in which the thread has reported already; and its region, when it is in one. */
static __thread uint32_t parked_epoch __attribute__((tls_model("initial-exec")));

/* ---- the stopped side --------------------------------------------------------------- */

static inline uintptr_t thread_pointer(void)
{
#if defined(__x86_64__)
    uintptr_t p;
    __asm__("mov %%fs:0, %0" : "=r"(p));
    return p;
#elif defined(__i386__)
    uintptr_t p;
    __asm__("mov %%gs:0, %0" : "=r"(p));
    return p;
#elif defined(__aarch64__)
    uintptr_t p;
    __asm__("mrs %0, tpidr_el0" : "=r"(p));
    return p;
#else
    return (uintptr_t)__builtin_thread_pointer();
#endif
}

/* A frame below the caller's: what the caller has saved lies above it. */
static BOSKI_NOINLINE uintptr_t stack_below(void) { return (uintptr_t)__builtin_frame_address(0); }

void boski_stop_describe(struct boski_stopped *me)
{
    memset(me, 0, sizeof *me);
    me->sp = stack_below();
    me->tp = thread_pointer();
    me->tid = boski_os_gettid();
    stack_t ss;
    if (sigaltstack(NULL, &ss) != 0 || (ss.ss_flags & SS_ONSTACK) == 0) return;
    me->alt_lo = (uintptr_t)ss.ss_sp;
    me->alt_hi = me->alt_lo + ss.ss_size;
}

/* Reports the thread and sleeps until the epoch is not `epoch` any more. */
static BOSKI_NOINLINE void park(struct boski_stopped *me, uint32_t epoch)
{
    parked_epoch = epoch;
    me->sp = stack_below();
    me->next = __atomic_load_n(&stopped, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&stopped, &me->next, me, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
        continue;
    __atomic_fetch_add(&acked, 1, __ATOMIC_RELEASE);
    boski_os_futex_wake(&acked);
    while (__atomic_load_n(&boski_stop_epoch, __ATOMIC_ACQUIRE) == epoch)
        boski_os_futex_wait(&boski_stop_epoch, epoch, 0);
}

static uintptr_t interrupted_sp(const ucontext_t *uc)
{
#if defined(__x86_64__)
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RSP] - 128; /* the red zone */
#elif defined(__i386__)
    return (uintptr_t)uc->uc_mcontext.gregs[REG_ESP];
#elif defined(__aarch64__)
    return (uintptr_t)uc->uc_mcontext.sp;
#else
    return (uintptr_t)uc->uc_mcontext.arm_sp;
#endif
}

static void on_stop(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    uint32_t epoch = __atomic_load_n(&boski_stop_epoch, __ATOMIC_ACQUIRE);
    if ((epoch & 1) == 0 || parked_epoch == epoch) return;
    int saved = errno;
    const ucontext_t *uc = context;
    struct boski_stopped me;
    memset(&me, 0, sizeof me);
    me.tp = thread_pointer();
    me.tid = boski_os_gettid();
    uintptr_t lo = (uintptr_t)uc->uc_stack.ss_sp, hi = lo + uc->uc_stack.ss_size;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), from = interrupted_sp(uc);
    if (here >= lo && here < hi) {
        me.alt_lo = lo;
        me.alt_hi = hi;
        if (from < lo || from >= hi) me.below = from;
    }
    park(&me, epoch);
    errno = saved;
}

/* The callee-saved registers may hold what nothing else does. */
void BOSKI_NOINLINE boski_stop_poll(void)
{
    uint32_t epoch = __atomic_load_n(&boski_stop_epoch, __ATOMIC_ACQUIRE);
    if (BOSK_LIKELY((epoch & 1) == 0) || parked_epoch == epoch) return;
    __builtin_unwind_init();
    struct boski_stopped me;
    boski_stop_describe(&me);
    int saved = errno;
    park(&me, epoch);
    errno = saved;
}
BOSK_API void bosk_gc_poll(void) { boski_stop_poll(); }

/* ---- blocking regions ----------------------------------------------------------------- */

/* One a thread, linked for good, used again by threads that come later. */
struct region {
    struct boski_stopped me;
    struct region *next;
    uint32_t inside; /* its owner is in a region */
    uint32_t owned;
};
static struct region *regions;
static __thread struct region *own_region __attribute__((tls_model("initial-exec")));

static struct region *region_get(void)
{
    if (own_region != NULL) return own_region;
    struct region *r = __atomic_load_n(&regions, __ATOMIC_ACQUIRE);
    for (; r != NULL; r = r->next) {
        uint32_t unowned = 0;
        if (__atomic_compare_exchange_n(&r->owned, &unowned, 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return own_region = r;
    }
    r = boski_meta_alloc(sizeof *r);
    if (r == NULL) return NULL;
    r->owned = 1;
    r->next = __atomic_load_n(&regions, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&regions, &r->next, r, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
        continue;
    return own_region = r;
}
BOSK_API BOSKI_NOINLINE void bosk_block_begin(void)
{
    struct region *r = region_get();
    if (r == NULL) return; /* the signal will do */
    __builtin_unwind_init();
    boski_stop_describe(&r->me);
    __atomic_store_n(&r->inside, 1, __ATOMIC_SEQ_CST);
}
BOSK_API void bosk_block_end(void)
{
    struct region *r = own_region;
    if (r == NULL) return;
    for (;;) {
        __atomic_store_n(&r->inside, 0, __ATOMIC_SEQ_CST);
        uint32_t epoch = __atomic_load_n(&boski_stop_epoch, __ATOMIC_SEQ_CST);
        if ((epoch & 1) == 0) break;
        /* Back inside while the world stands: the stopper may have counted on it. */
        __atomic_store_n(&r->inside, 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&boski_stop_epoch, __ATOMIC_ACQUIRE) == epoch)
            boski_os_futex_wait(&boski_stop_epoch, epoch, 0);
    }
    __atomic_store_n(&r->owned, 0, __ATOMIC_RELEASE);
    own_region = NULL;
}
static struct region *region_of(int tid)
{
    struct region *r = __atomic_load_n(&regions, __ATOMIC_ACQUIRE);
    for (; r != NULL; r = r->next)
        if (__atomic_load_n(&r->inside, __ATOMIC_SEQ_CST) != 0 && r->me.tid == tid) return r;
    return NULL;
}

/* ---- the stopper ----------------------------------------------------------------------- */

enum task_state { SIGNALLED, HERE, GONE };
struct task {
    int tid;
    enum task_state state;
};
static struct task *tasks;
static size_t ntasks, tasks_cap, fresh;
static bool tasks_full;

static void note_task(void *ctx, int tid)
{
    if (tid == *(int *)ctx || boski_os_own_task(tid)) return;
    for (size_t i = 0; i < ntasks; i++)
        if (tasks[i].tid == tid) return;
    if (ntasks == tasks_cap) {
        struct task *more = boski_gc_array_grow(tasks, &tasks_cap, sizeof *tasks);
        if (more == NULL) {
            tasks_full = true;
            return;
        }
        tasks = more;
    }
    tasks[ntasks++] = (struct task){tid, SIGNALLED};
    fresh++;
    struct region *r = region_of(tid);
    if (r != NULL) {
        r->me.next = __atomic_load_n(&stopped, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&stopped, &r->me.next, &r->me, true, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED))
            continue;
    } else if (!boski_os_signal_task(tid, stop_signal)) {
        tasks[ntasks - 1].state = GONE;
    }
}

/* How many have not answered yet. */
static size_t missing(void)
{
    size_t n = 0;
    for (size_t i = 0; i < ntasks; i++) {
        if (tasks[i].state != SIGNALLED) continue;
        struct boski_stopped *s = __atomic_load_n(&stopped, __ATOMIC_ACQUIRE);
        while (s != NULL && s->tid != tasks[i].tid) s = s->next;
        if (s != NULL)
            tasks[i].state = HERE;
        else
            n++;
    }
    return n;
}
/* The thread of ThreadSanitizer itself blocks all signals, and touches nothing of ours. */
#if defined(__SANITIZE_THREAD__)
#define OTHERS_DEAF true
#else
#define OTHERS_DEAF false
#endif

/* Those who end never answer; those who block the signal do not either, and are told about. */
static void look_closer(bool again, int *tid, bool *blocks)
{
    for (size_t i = 0; i < ntasks; i++) {
        if (tasks[i].state != SIGNALLED) continue;
        char state = boski_os_task_state(tasks[i].tid, stop_signal, blocks);
        if (state == 'X' || state == 'Z' || state == 'K' || (state == 'Q' && again) ||
            (OTHERS_DEAF && *blocks))
            tasks[i].state = GONE;
        else if (again)
            (void)boski_os_signal_task(tasks[i].tid, stop_signal);
        *tid = tasks[i].tid;
    }
}

#define PATIENCE_NS 1000000000u
static bool wait_for_all(void)
{
    uint64_t start = boski_os_now_ns(), pause = 200000;
    for (unsigned spins = 0;; spins++) {
        uint32_t seen = __atomic_load_n(&acked, __ATOMIC_ACQUIRE);
        if (missing() == 0) return true;
        if (spins < 20) {
            if (seen != __atomic_load_n(&acked, __ATOMIC_ACQUIRE)) spins = 0;
            boski_os_yield();
            continue;
        }
        boski_os_futex_wait(&acked, seen, pause);
        uint64_t now = boski_os_now_ns();
        if (__atomic_load_n(&acked, __ATOMIC_ACQUIRE) != seen) continue;
        int tid = 0;
        bool blocks = false;
        look_closer(now - start > 10000000u, &tid, &blocks);
        if (pause < 20000000u) pause *= 2;
        if (now - start < PATIENCE_NS || missing() == 0) continue;
        static uint32_t failures;
        if (++failures % 3 == 0)
            boski_os_print("bosk: no collection: thread %d %s\n", tid,
                           blocks ? "blocks the signal that stops it" : "does not answer");
        return false;
    }
}

/* SIGURG where the program has no use for it, as Go does; else one of the real-time signals. */
static bool install(void)
{
    struct sigaction now;
    const int choice[] = {SIGURG, SIGRTMIN + 7, SIGRTMIN + 8, SIGRTMAX - 2};
    if (stop_signal != 0 && sigaction(stop_signal, NULL, &now) == 0 &&
        (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_stop)
        return true;
    for (size_t i = 0; i < sizeof choice / sizeof *choice; i++) {
        if (sigaction(choice[i], NULL, &now) != 0) continue;
        if ((now.sa_flags & SA_SIGINFO) != 0 ||
            (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN))
            continue;
        struct sigaction a;
        memset(&a, 0, sizeof a);
        a.sa_sigaction = on_stop;
        a.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
        sigfillset(&a.sa_mask);
        const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
        for (size_t k = 0; k < sizeof faults / sizeof *faults; k++)
            sigdelset(&a.sa_mask, faults[k]);
        if (sigaction(choice[i], &a, NULL) != 0) continue;
        stop_signal = choice[i];
        return true;
    }
    return false;
}

bool boski_stop_world(void)
{
    if (!install()) return false;
    int self = boski_os_gettid();
    ntasks = 0;
    tasks_full = false;
    stopped = NULL;
    acked = 0;
    __atomic_add_fetch(&boski_stop_epoch, 1, __ATOMIC_SEQ_CST);
    parked_epoch = boski_stop_epoch; /* this thread does not wait for itself */
    do {
        fresh = 0;
        if (!boski_os_each_task(note_task, &self) || tasks_full || !wait_for_all()) {
            boski_start_world();
            return false;
        }
    } while (fresh != 0);
    return true;
}
void boski_start_world(void)
{
    __atomic_add_fetch(&boski_stop_epoch, 1, __ATOMIC_SEQ_CST);
    boski_os_futex_wake(&boski_stop_epoch);
}
struct boski_stopped *boski_stopped_threads(void)
{
    return __atomic_load_n(&stopped, __ATOMIC_ACQUIRE);
}
void boski_stop_fork_child(void)
{
    /* Regions of threads that are not here. */
    for (struct region *r = regions; r != NULL; r = r->next)
        if (r != own_region) r->inside = r->owned = 0;
    if (own_region != NULL) own_region->me.tid = boski_os_gettid();
}
