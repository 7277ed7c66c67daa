/* shared_log.c - threads append to one vector while another one reads it: no lock, no gap.
 *
 * Each worker counts the primes of its part and notes them; the reader follows from the place where
 * it stopped.  Elements never move, so a pointer to one may be kept.
 */
#include <bosk/cslice.h>
#include <pthread.h>
#include <stdio.h>

enum { WORKERS = 4, NUMBERS = 40000 };

struct found {
    int worker, prime;
};
typedef BOSK_CSLICE_POINTER_FREE(struct found) log_of_primes;
static log_of_primes primes; /* ready for use as it is */

static bool is_prime(int n)
{
    for (int d = 2; d * d <= n; d++)
        if (n % d == 0) return false;
    return n > 1;
}

static void *work(void *arg)
{
    const int *me = (const int *)arg;
    for (int n = *me; n < NUMBERS; n += WORKERS)
        if (is_prime(n)) bosk_cslice_append(&primes, {*me, n});
    return NULL;
}

int main(void)
{
    pthread_t thread[WORKERS];
    int number[WORKERS], last[WORKERS] = {0};
    for (int i = 0; i < WORKERS; i++) {
        number[i] = i;
        if (pthread_create(&thread[i], NULL, work, &number[i]) != 0) return 1;
    }
    /* The first of 4,203 primes below 40,000 may be read while others are still looked for. */
    while (bosk_cslice_len(&primes) == 0) {}
    const struct found *first = bosk_cslice_at(&primes, 0);
    const struct found was = *first;
    for (int i = 0; i < WORKERS; i++) pthread_join(thread[i], NULL);

    bool in_order = true; /* of each worker */
    bosk_cslice_range(i, f, &primes)
    {
        in_order = in_order && f.prime > last[f.worker];
        last[f.worker] = f.prime;
    }
    const ptrdiff_t count = bosk_cslice_len(&primes);
    const bool unmoved = first == bosk_cslice_at(&primes, 0) && first->prime == was.prime;
    printf("%td primes below %d, found by %d threads\n", count, (int)NUMBERS, (int)WORKERS);
    bosk_cslice_free(&primes);
    return count == 4203 && in_order && unmoved ? 0 : 1;
}
