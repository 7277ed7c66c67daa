/* cslice.c - the macros of concurrent slices in C11, gnu11 and C++17: each argument once, values
 * convert as in an assignment, every macro usable under -Wconversion. */
#include <bosk/cslice.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __cplusplus
#define EMPTY \
    {         \
    }
#else
#define EMPTY \
    {         \
        0     \
    }
#endif
#define CHECK(x) ((x) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x), exit(1)))

struct point {
    int x, y;
};
typedef BOSK_CSLICE(int) ints;
typedef BOSK_SLICE(int) ints_slice;
typedef BOSK_CSLICE(float) floats;
typedef BOSK_CSLICE_POINTER_FREE(struct point) points;
typedef BOSK_CSLICE(const char *) names;
typedef BOSK_CSLICE(long long) longs;

static longs shared;
static int calls;
static longs *where(void)
{
    calls++;
    return &shared;
}
static long long next(void) { return calls++; }

static void *append(void *arg)
{
    for (int i = 0; i < 10000; i++) bosk_cslice_append(&shared, i);
    return arg;
}

static void once_each(void)
{
    CHECK(bosk_cslice_append(where(), next()) == 0 && calls == 2);
    CHECK(bosk_cslice_get(where(), next() - 3) == 1 && calls == 4);
    CHECK(bosk_cslice_len(where()) == 1 && calls == 5);
    ptrdiff_t n;
    CHECK(*bosk_cslice_run(where(), next() - 6, &n) == 1 && n == 1 && calls == 7);
    int turns = 0;
    bosk_cslice_range(i, v, where()) turns += (int)i + (v == 1);
    CHECK(turns == 1 && calls == 8);
    CHECK(bosk_cslice_try_append(where(), 2.0) == 1 && calls == 9);
    bosk_cslice_free(where());
    CHECK(calls == 10);
}

int main(void)
{
    shared = bosk_make_cslice(longs);
    once_each();

    ints c = EMPTY;
    unsigned char small = 1;
    unsigned long wide = 2;
    CHECK(bosk_cslice_append(&c, small) == 0 && bosk_cslice_append(&c, 'b') == 1);
    static const int more[] = {7, 8, 9};
    CHECK(bosk_cslice_append_n(&c, more, sizeof more / sizeof more[0]) == 2);
    CHECK(bosk_cslice_try_append_n(&c, more, wide) == 5);
    CHECK(bosk_cslice_get(&c, small) == 'b' && bosk_cslice_get(&c, wide) == 7);
    ints_slice s = bosk_make(ints_slice, 10);
    CHECK(bosk_cslice_copy(s, &c, wide) == 5 && s.ptr[4] == 8);
    CHECK(bosk_cslice_append_slice(&c, bosk_reslice(s, 0, 2)) == 7);
    CHECK(bosk_cslice_reserve(&c, wide * 1000) && bosk_cslice_len(&c) == 9);
    bosk_free_slice(&s);

    floats f = EMPTY;
    bosk_cslice_append(&f, 1.5F);
    CHECK(bosk_cslice_get(&f, 0) > 1.0F);
    points p = bosk_make_cslice(points);
    bosk_cslice_append(&p, {1, 2});
    const struct point three = {3, 4};
    bosk_cslice_append(&p, three);
    CHECK(bosk_cslice_at(&p, 0)->y == 2 && bosk_cslice_get(&p, 1).x == 3);
    names n = EMPTY;
    bosk_cslice_append(&n, "gopher");
    CHECK(bosk_cslice_get(&n, 0)[0] == 'g');

    pthread_t thread[3];
    for (int i = 0; i < 3; i++) CHECK(pthread_create(&thread[i], NULL, append, NULL) == 0);
    for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
    long long sum = 0;
    bosk_cslice_range(i, v, &shared)
    {
        if (i < 0) break;
        sum += v;
    }
    CHECK(bosk_cslice_len(&shared) == 30000 && sum == 3LL * 10000 * 9999 / 2);

    bosk_cslice_free(&shared);
    bosk_cslice_free(&c);
    bosk_cslice_free(&f);
    bosk_cslice_free(&p);
    bosk_cslice_free(&n);
    return 0;
}
