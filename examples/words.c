/* words.c - words of a text, sorted and counted; words.go is the same in Go, line for line.
 *
 * All of it lies in a heap of its own, so nothing has to be freed one by one. */
#include <bosk/bosk.h>
#include <stdio.h>

static const char text[] =
    "  The quick brown fox \u2014 \"jumps\", it says \u2014 over the lazy dog;\n"
    "the dog, being LAZY, says: 42 times 3.5 is 147.  Na\u00efve \u03a9mega.";

static int by_bytes(const void *a, const void *b)
{
    return bosk_str_compare(*(const bosk_str *)a, *(const bosk_str *)b);
}

static void print(const char *what, bosk_str s) { printf("%s%.*s\n", what, (int)s.len, s.ptr); }

int main(void)
{
    bosk_heap *heap = bosk_heap_new(0);
    const bosk_home home = {BOSK_HOME_HEAP, heap};
    bosk_home_push(home);

    bosk_strs words = bosk_str_fields(bosk_str_to_lower(bosk_str_of(text)));
    for (ptrdiff_t i = 0; i < words.len; i++)
        bosk_at(words, i) = bosk_str_trim(bosk_at(words, i), BOSK_STR(".,;:\"\u2014"));
    bosk_slices_sort_func(words, by_bytes);
    double total = 0;
    bosk_builder b = {{NULL, 0, 0}};
    for (ptrdiff_t i = 0, j; i < words.len; i = j) {
        j = i;
        while (j < words.len && bosk_str_equal(bosk_at(words, j), bosk_at(words, i))) j++;
        double f;
        if (bosk_parse_float(bosk_at(words, i), 64, &f, NULL)) {
            total += f;
        } else if (bosk_at(words, i).len != 0) {
            bosk_builder_write(&b, bosk_at(words, i));
            bosk_builder_write(&b, BOSK_STR("="));
            bosk_builder_write_int(&b, j - i, 10);
            bosk_builder_write(&b, BOSK_STR(" "));
        }
    }
    print("", bosk_str_trim_space(bosk_builder_str(&b)));
    print("numbers: ", bosk_format_float(total, 'f', -1, 64));
    ptrdiff_t n;
    bosk_num_error err;
    if (!bosk_atoi(BOSK_STR("12a"), &n, &err)) print("", bosk_num_error_str(&err));
    bosk_range_str(i, r, BOSK_STR("\u03a9\u212a"))
    {
        char buffer[BOSK_UTF8_MAX];
        bosk_str one = bosk_str_view(buffer, bosk_utf8_encode(r, buffer));
        printf("%td %d %.*s %s\n", i, (int)r, (int)one.len, one.ptr,
               bosk_str_equal_fold(one, BOSK_STR("k")) ? "true" : "false");
    }

    bosk_home_pop();
    bosk_heap_destroy(heap);
    return 0;
}
