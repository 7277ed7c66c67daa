/* kinds.c - values of any type, and objects kept between uses; kinds.go is the same in Go. */
#include <bosk/bosk.h>
#include <stdio.h>

struct buffer {
    int uses;
    char text[4096];
};
static int made;

static void *buffer_new(void)
{
    made++;
    return bosk_calloc(1, sizeof(struct buffer));
}

static bosk_pool buffers = BOSK_POOL(buffer_new, bosk_free);

static void describe(bosk_any v)
{
    bosk_type_switch(x, v) {
        bosk_type_case(x, int, n) printf("int %d\n", n);
        bosk_type_case(x, double, d) printf("float %g\n", d);
        bosk_type_case(x, bosk_str, s) printf("string %.*s\n", (int)s.len, s.ptr);
        bosk_type_nil(x) printf("nil\n");
        bosk_type_default(x) printf("something else\n");
    }
}

int main(void)
{
    bosk_any nil = {0, 0};
    bosk_any values[] = {bosk_box(42), bosk_box(1.5), bosk_box(BOSK_STR("gopher")), nil,
                         bosk_box((char)'c')};
    for (int i = 0; i < 5; i++) describe(values[i]);

    bool ok;
    int n = bosk_unbox_ok(values[0], int, &ok);
    printf("%d %d\n", n, ok);
    n = bosk_unbox_ok(values[1], int, &ok);
    printf("%d %d\n", n, ok);
    printf("%d %d\n", bosk_any_equal(values[0], bosk_box(42)),
           bosk_any_equal(values[0], values[1]));

    int uses = 0;
    for (int i = 0; i < 100; i++) {
        struct buffer *b = (struct buffer *)bosk_pool_get(&buffers);
        uses = ++b->uses;
        bosk_pool_put(&buffers, b);
    }
    printf("%d made, used %d times\n", made, uses);

    /* Nobody collects here: what is not needed any more is freed. */
    bosk_pool_free(&buffers);
    for (int i = 0; i < 5; i++) bosk_any_free(&values[i]);
    return 0;
}
