// slices_cxx.cc - what differs in C++: values convert as in assignment, braces initialise, results
// must be used, enums and numbers are pointer-free.
#include <bosk/slices.h>
#include <cstdio>
#include <cstdlib>

struct point {
    int x, y;
};
enum class colour : unsigned char { red, green };
typedef BOSK_SLICE(int) ints;
typedef BOSK_SLICE(float) floats;
typedef BOSK_SLICE(point) points;
typedef BOSK_SLICE_POINTER_FREE(point) plain_points;
typedef BOSK_SLICE(colour) colours;
typedef BOSK_SLICE(const char *) names;

#define CHECK(x) \
    ((x) ? (void)0 : (std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x), std::exit(1)))

template <class S> static ptrdiff_t length_after(S s, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) bosk_push(&s, {});
    ptrdiff_t len = s.len;
    bosk_free_slice(&s);
    return len;
}

int main()
{
    long wide = 3;
    ints s = bosk_make(ints, 0, 4);
    s = bosk_append(s, 1, 2.0, wide); // no narrowing errors: as int x = wide would
    CHECK(s.len == 3 && s.cap == 4 && s.ptr[2] == 3);
    ints t = bosk_reslice(s, 1, 3);
    s = bosk_append_slice(s, t);
    bosk_at(s, 0) = 10;
    CHECK(s.len == 5 && bosk_at(s, wide) == 2 && bosk_copy(t, s) == 2);
    int sum = 0;
    bosk_range(i, v, s) {
        if (i == 4) break;
        sum += v;
    }
    CHECK(sum == 10 + 2 + 3 + 2); // s left t's array behind before t was written
    points p = bosk_append(bosk_make(points, 0), {1, 2}, point{3, 4}, {});
    CHECK(p.len == 3 && p.ptr[0].y == 2 && p.ptr[1].x == 3 && p.ptr[2].y == 0);
    plain_points q = bosk_literal(plain_points, {5, 6});
    bosk_push(&q, {7, 8});
    bosk_insert(&q, 0, {9, 10});
    CHECK(q.len == 3 && q.ptr[0].x == 9 && q.ptr[2].y == 8 && bosk_pop(&q).x == 7);
    bosk_delete_range(&q, 0, 1);
    CHECK(q.len == 1 && bosk_try_push(&q, {1, 1}) && bosk_try_push_slice(&q, q));
    CHECK(q.len == 4 && q.ptr[3].x == 1);
    bosk_clear(q);
    bosk_free_slice(&q);
    floats f = bosk_append(floats(), 1, 2.5);
    colours c = bosk_append(colours(), colour::green);
    names n = bosk_append(names(), "a", "b");
    CHECK(f.ptr[1] == 2.5f && c.ptr[0] == colour::green && c.cap == 8 && n.ptr[1][0] == 'b');
    point frame[2] = {{1, 2}, {3, 4}};
    points w = bosk_slice_of(points, frame, 0, 2);
    bosk_push(&w, {5, 6});
    CHECK(w.ptr != frame && w.len == 3 && w.ptr[1].x == 3);
    bosk_free_slice(&w);
    BOSK_LOCAL_SLICE(ints, longer, wide * 100000);
    CHECK(longer.len == 300000 && longer.ptr[299999] == 0);
    BOSK_LOCAL_SLICE(points, some, wide);
    CHECK(some.len == 3 && some.ptr[2].y == 0);
    point room[2];
    points in_room = bosk_literal_buf(points, room, {1, 2}, {3, 4});
    CHECK(in_room.ptr == room && room[1].y == 4);
    BOSK_LOCAL_SLICE(ints, local, 100);
    CHECK(local.len == 100 && local.ptr[99] == 0);
    CHECK(length_after(points(), 10) == 10 && length_after(ints(), 3) == 3);
    ints copied = bosk_make_copy(ints, 7, s);
    CHECK(copied.len == 7 && copied.ptr[4] == s.ptr[4] && copied.ptr[5] == 0);
    bool found;
    ints sorted = bosk_slices_clone(copied);
    bosk_slices_sort(sorted);
    sorted = bosk_slices_compact(sorted);
    CHECK(bosk_slices_is_sorted(sorted) && bosk_slices_binary_search(sorted, 10, &found) > 0 &&
          found);
    CHECK(bosk_slices_index(copied, wide) == 2 && !bosk_slices_equal(copied, sorted));
    floats falling = bosk_append(floats(), 3, 2, 1);
    bosk_slices_sort(falling);
    CHECK(falling.ptr[0] == 1 && bosk_slices_concat(floats, falling, f).len == 5);
    CHECK(bosk_slices_grow(falling, 100).cap >= 103 && bosk_slices_clip(falling).cap == 3);
    std::puts("ok");
    return 0;
}
