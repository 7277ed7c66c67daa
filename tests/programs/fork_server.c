/* fork_server.c - a server that forks for every request while its threads allocate, and its
 * clients.
 *
 *     fork_server REQUESTS
 *
 * The parent accepts on a Unix socket and forks; two of its threads allocate and free all the
 * time, so that a fork meets the heap in any state.  A child builds its answer with malloc,
 * forks once more for every eighth request, and ends by exit (handlers run) or _exit.  The
 * clients check every byte.  Ends with 0 when all answers were right and the parent's heap is
 * still sound. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_un address;
static atomic_int stop;
static int requests;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint32_t next(uint32_t *seed) { return (*seed = *seed * 1664525u + 1013904223u) >> 8; }

/* Blocks live and die; each holds its own size. */
static void churn(uint32_t seed, int steps)
{
    enum { N = 200 };
    size_t *block[N] = {0};
    for (int i = 0; i < steps; i++) {
        size_t k = next(&seed) % N, n = sizeof(size_t) + next(&seed) % (i % 50 == 0 ? 200000 : 900);
        if (block[k] != NULL && block[k][0] != (size_t)block[k] + k) {
            fprintf(stderr, "fork_server: a block was changed\n");
            abort();
        }
        if (i % 3 == 0) {
            block[k] = realloc(block[k], n);
        } else {
            free(block[k]);
            block[k] = malloc(n);
        }
        if (block[k] == NULL) die("malloc");
        block[k][0] = (size_t)block[k] + k;
    }
    for (size_t k = 0; k < N; k++) free(block[k]);
}

static void *busy(void *arg)
{
    for (uint32_t round = 0; !atomic_load(&stop); round++)
        churn((uint32_t)(uintptr_t)arg + round, 3000);
    return NULL;
}

/* The answer to `number`: text that took many blocks to make. */
static char *answer(uint32_t number, size_t *bytes)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, bytes);
    uint32_t seed = number;
    if (f == NULL) die("open_memstream");
    for (int i = 0; i < 200; i++) {
        char *word = NULL;
        if (asprintf(&word, "%u:%0*u ", number, (int)(next(&seed) % 60 + 1), next(&seed)) < 0)
            die("asprintf");
        fputs(word, f);
        free(word);
    }
    fclose(f);
    return text;
}

static void write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno != EINTR) die("write");
        if (k > 0) p += k, n -= (size_t)k;
    }
}

static void serve(int fd)
{
    uint32_t number;
    size_t bytes;
    if (read(fd, &number, sizeof number) != sizeof number) exit(3);
    churn(number, 500);
    if (number % 8 == 0) { /* a child of a child */
        pid_t pid = fork();
        if (pid == 0) {
            churn(number, 200);
            _exit(0);
        }
        int status;
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) exit(4);
    }
    char *text = answer(number, &bytes);
    write_all(fd, text, bytes);
    free(text);
    close(fd);
    if (number % 2 == 0) exit(0);
    _exit(0);
}

static void client(uint32_t from, uint32_t step)
{
    for (uint32_t number = from; number < (uint32_t)requests; number += step) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
        write_all(fd, (char *)&number, sizeof number);
        size_t want, have = 0, cap = 16;
        char *text = answer(number, &want), *got = malloc(cap);
        for (;;) {
            if (have == cap) got = realloc(got, cap *= 2);
            ssize_t k = read(fd, got + have, cap - have);
            if (k < 0 && errno == EINTR) continue;
            if (k <= 0) break;
            have += (size_t)k;
        }
        if (have != want || memcmp(text, got, want) != 0) {
            fprintf(stderr, "fork_server: answer %u is wrong (%zu of %zu bytes)\n", number, have,
                    want);
            exit(5);
        }
        free(text);
        free(got);
        close(fd);
    }
    exit(0);
}

int main(int argc, char **argv)
{
    enum { CLIENTS = 3, THREADS = 2 };
    pthread_t thread[THREADS];
    int status, failures = 0, children = 0;
    requests = argc > 1 ? atoi(argv[1]) : 1000;
    address.sun_family = AF_UNIX; /* an abstract name: nothing to clean up */
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "fork_server.%d", (int)getpid());
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0)
        die("bind");
    if (listen(listener, 64) != 0) die("listen");
    for (uint32_t i = 0; i < CLIENTS; i++)
        if (fork() == 0) client(i, CLIENTS);
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, busy, (void *)(i * 1000)) != 0) die("pthread_create");

    for (int i = 0; i < requests; i++) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) die("accept");
        pid_t pid = fork();
        if (pid < 0) die("fork");
        if (pid == 0) serve(fd);
        children++;
        close(fd);
        churn((uint32_t)i, 50);
        while (waitpid(-1, &status, children > 20 ? 0 : WNOHANG) > 0) {
            children--;
            failures += status != 0;
            if (children <= 20) break;
        }
    }
    while (wait(&status) > 0) failures += status != 0;
    atomic_store(&stop, 1);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    churn(1, 10000);
    printf("%d requests, %d failures\n", requests, failures);
    return failures != 0;
}
