/* gc_threads_test.c - stopping threads, and references that only a thread has. */
#include "gc_support.h"

#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

/* A thread that a test talks to. */
struct helper {
    pthread_t thread;
    void (*run)(struct helper *h);
    hidden object;
    int ready, go; /* atomic */
};
static void set(int *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELEASE); }
static bool is_set(int *flag) { return __atomic_load_n(flag, __ATOMIC_ACQUIRE) != 0; }
static void await(int *flag)
{
    while (!is_set(flag)) sched_yield();
}
static void *helper_main(void *arg)
{
    struct helper *h = arg;
    h->run(h);
    return NULL;
}
static void launch(struct helper *h, void (*run)(struct helper *))
{
    if (TSAN) SKIP("ThreadSanitizer holds signals back");
    memset(h, 0, sizeof *h);
    h->run = run;
    CHECK_EQ(pthread_create(&h->thread, NULL, helper_main, h), 0);
    await(&h->ready);
}
static void finish(struct helper *h)
{
    set(&h->go);
    CHECK_EQ(pthread_join(h->thread, NULL), 0);
}
static void *new_object(void)
{
    unsigned char *p = bosk_gc_malloc(64);
    fill(p + 8, 56, 99);
    return p;
}

/* ---- where a thread may keep it ----------------------------------------------------------- */

static void on_its_stack(struct helper *h)
{
    void *volatile p;
    h->object = put((void *)(uintptr_t)&p, new_object);
    wipe_stack(); /* in no register */
    set(&h->ready);
    await(&h->go);
    CHECK_FILL((char *)p + 8, 56, 99);
}
/* A thread that the library has never seen: it gets the address through a plain variable. */
static void *volatile passed;
static void as_a_stranger(struct helper *h)
{
    void *volatile p = passed;
    passed = NULL;
    set(&h->ready);
    while (!is_set(&h->go)) continue; /* no call at all */
    __asm__ volatile("" ::"r"(p));
}
static __thread void *volatile own;
static void in_thread_local_storage(struct helper *h)
{
    own = new_object();
    h->object = hide(own);
    wipe_stack();
    set(&h->ready);
    await(&h->go);
    own = NULL;
}
#if defined(__x86_64__)
static void in_a_vector_register(struct helper *h)
{
    /* From here on it is in xmm7 only. */
    h->object = made_below(new_object);
    wipe_stack();
    uintptr_t not_p = h->object;
    __asm__ volatile("mov %0, %%rax\n\tnot %%rax\n\tmovq %%rax, %%xmm7\n\txor %%eax, %%eax\n\t"
                     "movl $1, %1\n"
                     "1:\tcmpl $0, %2\n\tje 1b"
                     : "+r"(not_p), "=m"(h->ready)
                     : "m"(h->go)
                     : "rax", "xmm7", "memory");
}
#endif
static void in_a_system_call(struct helper *h)
{
    void *volatile p = new_object();
    h->object = hide(p);
    set(&h->ready);
    while (!is_set(&h->go)) poll(NULL, 0, 20);
    CHECK_FILL((char *)p + 8, 56, 99);
}
static void in_a_blocking_region(struct helper *h)
{
    void *volatile p = new_object();
    h->object = hide(p);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL); /* nobody could signal it */
    bosk_block_begin();
    set(&h->ready);
    while (!is_set(&h->go)) {
        struct timespec t = {0, 1000000};
        nanosleep(&t, NULL);
    }
    bosk_block_end();
    CHECK_FILL((char *)p + 8, 56, 99);
}

/* Arguments of calls may stay in the caller's frame. */
__attribute__((noinline)) static void check_object(hidden h)
{
    CHECK_FILL((char *)shown(h) + 8, 56, 99);
}
static void keeps(void (*where)(struct helper *))
{
    struct helper h;
    launch(&h, where);
    for (int i = 0; i < 5; i++) {
        collect();
        CHECK(is_there(h.object));
        check_object(h.object);
    }
    finish(&h);
    collect();
    collect();
    CHECK(!is_there(h.object));
}

TEST(gc_threads, on_its_stack) { keeps(on_its_stack); }
TEST(gc_threads, in_thread_local_storage) { keeps(in_thread_local_storage); }
TEST(gc_threads, in_a_system_call) { keeps(in_a_system_call); }
TEST(gc_threads, in_a_blocking_region) { keeps(in_a_blocking_region); }
#if defined(__x86_64__)
TEST(gc_threads, in_a_vector_register) { keeps(in_a_vector_register); }
#endif
TEST(gc_threads, of_a_stranger)
{
    struct helper h;
    hidden object = put((void *)(uintptr_t)&passed, new_object);
    launch(&h, as_a_stranger);
    for (int i = 0; i < 3; i++) {
        collect();
        CHECK(is_there(object));
    }
    CHECK_EQ(gc_stats().threads_last, 2);
    finish(&h);
    collect();
    CHECK(!is_there(object));
}

/* On an alternate stack: the handler's own and what lies on the stack below it. */
static struct helper *in_handler;
static hidden handlers_object;
static void handler(int sig)
{
    (void)sig;
    /* Not neighbours: the start of one object is the end of another. */
    CHECK(new_object() != NULL);
    void *volatile p = new_object();
    handlers_object = hide(p);
    set(&in_handler->ready);
    while (!is_set(&in_handler->go)) continue;
    CHECK_FILL((char *)p + 8, 56, 99);
}
enum { OTHER_STACK = 1 << 16 };
static void *other_stack(void)
{
    void *p = mmap(NULL, OTHER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    return p;
}
static void drop_stack(stack_t *ss)
{
    void *p = ss->ss_sp;
    ss->ss_flags = SS_DISABLE;
    CHECK_EQ(sigaltstack(ss, NULL), 0);
    CHECK_EQ(munmap(p, OTHER_STACK), 0);
}
static void on_an_alternate_stack(struct helper *h)
{
    stack_t ss = {.ss_sp = other_stack(), .ss_size = OTHER_STACK};
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = handler;
    a.sa_flags = SA_ONSTACK;
    CHECK_EQ(sigaltstack(&ss, NULL), 0);
    CHECK_EQ(sigaction(SIGUSR1, &a, NULL), 0);
    void *volatile p;
    h->object = put((void *)(uintptr_t)&p, new_object);
    wipe_stack(); /* in no register */
    in_handler = h;
    raise(SIGUSR1);
    CHECK_FILL((char *)p + 8, 56, 99);
    drop_stack(&ss);
}
static void on_a_stack_with_an_alternate_one(struct helper *h)
{
    stack_t ss = {.ss_sp = other_stack(), .ss_size = OTHER_STACK};
    CHECK_EQ(sigaltstack(&ss, NULL), 0); /* the stop itself runs there */
    on_its_stack(h);
    drop_stack(&ss);
}
TEST(gc_threads, on_an_alternate_stack)
{
    keeps(on_an_alternate_stack);
    CHECK(!is_there(handlers_object));
}
TEST(gc_threads, stopped_on_an_alternate_stack) { keeps(on_a_stack_with_an_alternate_one); }

/* ---- stopping ------------------------------ */

static void deaf(struct helper *h)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    set(&h->ready);
    await(&h->go);
}
TEST(gc_threads, one_that_blocks_signals_postpones_the_cycle)
{
    struct helper h;
    static void *kept;
    SKIP_EMULATED("it cannot be told from the emulator's own threads");
    hidden object = put(&kept, new_object);
    launch(&h, deaf);
    CHECK(!bosk_gc_collect());
    CHECK_EQ(gc_stats().postponed, 1);
    CHECK_EQ(gc_stats().cycles, 0);
    CHECK(is_there(object));
    finish(&h);
    CHECK(bosk_gc_collect());
    CHECK(is_there(object) && kept != NULL);
}

static void keeps_errno(struct helper *h)
{
    set(&h->ready);
    while (!is_set(&h->go)) {
        errno = 4711;
        for (volatile int i = 0; i < 100; i++) continue;
        __asm__ volatile("" ::: "memory");
        CHECK_EQ(errno, 4711);
    }
}
TEST(gc_threads, errno_is_kept)
{
    struct helper h;
    launch(&h, keeps_errno);
    for (int i = 0; i < 200; i++) CHECK(bosk_gc_collect());
    finish(&h);
}

static void reads(struct helper *h)
{
    int fd[2];
    char c;
    CHECK_EQ(pipe(fd), 0);
    h->object = (hidden)fd[1];
    set(&h->ready);
    CHECK_EQ(read(fd[0], &c, 1), 1); /* not interrupted */
    close(fd[0]);
    close(fd[1]);
}
TEST(gc_threads, system_calls_are_restarted)
{
    struct helper h;
    launch(&h, reads);
    for (int i = 0; i < 50; i++) CHECK(bosk_gc_collect());
    CHECK_EQ(write((int)h.object, "x", 1), 1);
    finish(&h);
}

static void on_urgent(int sig) { (void)sig; }
TEST(gc_threads, a_signal_in_use_is_left_alone)
{
    struct sigaction a, now;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_urgent;
    CHECK_EQ(sigaction(SIGURG, &a, NULL), 0);
    keeps(on_its_stack);
    CHECK_EQ(sigaction(SIGURG, NULL, &now), 0);
    CHECK(now.sa_handler == on_urgent);
    /* And when the program takes ours, another is found. */
    CHECK_EQ(sigaction(SIGRTMIN + 7, &a, NULL), 0);
    keeps(on_its_stack);
}

/* ---- many ------------------------------ */

struct link {
    bosk_ptr(struct link) next;
    uintptr_t value;
};
BOSK_LAYOUT(struct link, link_type, next);

static void lists(uint64_t seed, uint64_t rounds)
{
    uint64_t rng = seed;
    for (uint64_t k = 0; k < rounds; k++) {
        struct link *head = NULL;
        uintptr_t n = (uintptr_t)(bosk_test_random(&rng) % 2000);
        for (uintptr_t i = 0; i < n; i++) {
            struct link *l = bosk_new_as(&link_type, struct link);
            l->value = i ^ (uintptr_t)seed;
            bosk_init_ref(l->next, head);
            head = l;
            if (bosk_test_random(&rng) % 16 == 0) fill(bosk_gc_malloc(200), 200, 5);
        }
        for (struct link *l = head; l != NULL; l = bosk_load(l->next))
            CHECK_EQ(l->value, --n ^ (uintptr_t)seed);
        CHECK_EQ(n, 0);
    }
}
static unsigned working; /* threads */
static void *churn(void *arg)
{
    lists((uint64_t)(uintptr_t)arg, bosk_test_budget(60));
    __atomic_fetch_sub(&working, 1, __ATOMIC_RELEASE);
    return NULL;
}
static void many(unsigned nthreads, unsigned waves)
{
    pthread_t t[16];
    if (TSAN) SKIP("ThreadSanitizer holds signals back");
    for (unsigned w = 0; w < waves; w++) {
        __atomic_store_n(&working, nthreads, __ATOMIC_RELEASE);
        for (unsigned i = 0; i < nthreads; i++)
            CHECK_EQ(pthread_create(&t[i], NULL, churn, (void *)(uintptr_t)(w * 100 + i + 1)), 0);
        while (__atomic_load_n(&working, __ATOMIC_ACQUIRE) > 0) CHECK(bosk_gc_collect());
        for (unsigned i = 0; i < nthreads; i++) CHECK_EQ(pthread_join(t[i], NULL), 0);
    }
    CHECK(bosk_gc_collect());
}
TEST(gc_threads, everybody_allocates)
{
    many(6, 4);
    CHECK(gc_stats().cycles > 2 || bosk_test_budget(100) < 100);
    bosk_trim(SIZE_MAX);
    CHECK_MSG(gc_stats().live < MIB, "%llu", (unsigned long long)gc_stats().live);
}
TEST_ENV(gc_threads, everybody_allocates_checked, "BOSK_CONF=gccheckmark=1,gcpoison=1")
{
    many(4, 2);
}
TEST_ENV(gc_threads, everybody_allocates_stressed, "BOSK_CONF=gcstress=401,gcpoison=1")
{
    many(4, 1);
}

static void *short_life(void *arg)
{
    (void)arg;
    void *volatile p = new_object();
    CHECK_FILL((char *)p + 8, 56, 99);
    return NULL;
}
static void spawn(struct helper *h)
{
    set(&h->ready);
    while (!is_set(&h->go)) {
        pthread_t t[4];
        int n = 0;
        while (n < 4 && pthread_create(&t[n], NULL, short_life, NULL) == 0) n++;
        for (int i = 0; i < n; i++) pthread_join(t[i], NULL);
    }
}
TEST(gc_threads, threads_come_and_go)
{
    struct helper h;
    launch(&h, spawn);
    for (uint64_t i = 0; i < bosk_test_budget(500); i++) CHECK(bosk_gc_collect());
    finish(&h);
    CHECK_EQ(gc_stats().postponed, 0);
}

static unsigned loaded;
static void loads_and_unloads(struct helper *h)
{
    /* Small objects of the C library that programs seldom have. */
    const char *const name[] = {"libthread_db.so.1", "libBrokenLocale.so.1", "libanl.so.1",
                                "libutil.so.1",      "libnsl.so.1",          "libresolv.so.2"};
    set(&h->ready);
    while (!is_set(&h->go))
        for (size_t i = 0; i < COUNT_OF(name); i++) {
            void *lib = dlopen(name[i], RTLD_NOW | RTLD_LOCAL);
            if (lib == NULL) continue;
            __atomic_fetch_add(&loaded, 1, __ATOMIC_RELAXED);
            void *volatile p = new_object();
            CHECK_EQ(dlclose(lib), 0);
            CHECK_FILL((char *)p + 8, 56, 99);
        }
}
TEST(gc_threads, objects_come_and_go)
{
    struct helper h[2];
    for (int i = 0; i < 2; i++) launch(&h[i], loads_and_unloads);
    for (uint64_t i = 0; i < bosk_test_budget(500); i++) CHECK(bosk_gc_collect());
    for (int i = 0; i < 2; i++) finish(&h[i]);
    CHECK_EQ(gc_stats().postponed, 0);
    if (loaded == 0) SKIP("there is nothing to load");
}

/* ---- fork ------------------------------ */

static void allocates(struct helper *h)
{
    set(&h->ready);
    for (uint64_t k = 1; !is_set(&h->go); k++) lists(k, 1);
}
TEST(gc_threads, children_collect_too)
{
    struct helper h[2];
    struct link *head = NULL;
    for (int i = 0; i < 1000; i++) {
        struct link *l = bosk_new_as(&link_type, struct link);
        l->value = (uintptr_t)i;
        bosk_init_ref(l->next, head);
        head = l;
    }
    for (int i = 0; i < 2; i++) launch(&h[i], allocates);
    for (uint64_t k = 0; k < bosk_test_budget(40); k++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            for (int i = 0; i < 3; i++) {
                lists(k + 7, 2);
                CHECK(bosk_gc_collect());
            }
            uintptr_t n = 1000;
            for (struct link *l = head; l != NULL; l = bosk_load(l->next)) CHECK_EQ(l->value, --n);
            CHECK_EQ(n, 0);
            _exit(0);
        }
        CHECK_CHILD(pid);
    }
    for (int i = 0; i < 2; i++) finish(&h[i]);
    bosk_keepalive(head);
}
