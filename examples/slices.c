/* slices.c - the common tricks with slices; slices.go is the same in Go, line for line. */
#include <bosk/bosk.h>
#include <stdio.h>

typedef BOSK_SLICE(ptrdiff_t) ints; /* Go's int is as wide as a pointer */
struct point {
    int x, y;
};
typedef BOSK_SLICE(struct point) points_of;

static void show(const char *what, ints s)
{
    printf("%s: len=%td cap=%td [", what, s.len, s.cap);
    bosk_range(i, v, s) printf(i == 0 ? "%td" : " %td", v);
    printf("]\n");
}

int main(void)
{
    ints s = bosk_literal(ints, 1, 2, 3, 4, 5);
    show("literal", s);
    s = bosk_append(s, 6, 7);
    show("append", s);
    ints t = bosk_reslice(s, 2, 4);
    show("window", t);
    bosk_at(t, 0) = 30; /* seen through s as well */
    t = bosk_append(t, 50);
    show("shared", s);
    ints u = bosk_append(bosk_reslice(s, 0, 2, 2), -3); /* no capacity left: another array */
    show("other array", u);
    show("untouched", s);

    ints even = bosk_reslice_to(s, 0); /* keep some, in place */
    bosk_range(i, v, s) {
        if (v % 2 == 0) even = bosk_append(even, v);
    }
    show("even", even);

    ints d = bosk_make(ints, even.len);
    ptrdiff_t n = bosk_copy(d, even);
    printf("copied %td\n", n);
    d = bosk_append_slice(bosk_reslice_to(d, 1), bosk_reslice_from(d, 2)); /* delete d[1] */
    show("deleted", d);

    points_of points = bosk_make(points_of, 0);
    for (int i = 0; i < 3; i++) points = bosk_append(points, {i, i * i});
    ptrdiff_t sum = 0;
    bosk_range(i, p, points) sum += i * p.y;
    printf("sum %td\n", sum);

    /* Nobody collects here: what is not needed any more is freed. */
    bosk_free_slice(&points);
    bosk_free_slice(&d);
    bosk_free_slice(&u);
    bosk_free_slice(&s);
    return 0;
}
