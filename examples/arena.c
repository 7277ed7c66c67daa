/* arena.c - a server's request: everything it makes lives in one arena, and goes at once. */
#include <bosk/bosk.h>
#include <stdio.h>

/* The words of a text, longest first, in upper case: a new string each. */
static bosk_strs shout(bosk_str text)
{
    bosk_strs words = bosk_str_fields(text);
    bosk_strs out = bosk_make(bosk_strs, 0);
    bosk_range(i, word, words) {
        bosk_builder b = {{0, 0, 0}};
        for (ptrdiff_t k = 0; k < word.len; k++) {
            unsigned char c = bosk_str_at(word, k);
            bosk_builder_write_byte(&b, (unsigned char)(c >= 'a' && c <= 'z' ? c - 32 : c));
        }
        ptrdiff_t at = out.len;
        while (at > 0 && bosk_at(out, at - 1).len < word.len) at--;
        bosk_str upper = bosk_builder_str(&b);
        bosk_insert(&out, at, upper);
        (void)i;
    }
    return out;
}

int main(void)
{
    bosk_arena *request = bosk_arena_new((size_t)1 << 20);
    if (request == NULL) return 1;
    struct bosk_heap_stats before, after;
    bosk_heap_stats(&before);
    size_t held = 0;
    for (int i = 0; i < 1000; i++) {
        bosk_home_push(bosk_arena_home(request));
        bosk_strs words = shout(BOSK_STR("nothing of this is ever freed by hand"));
        bosk_home_pop();
        if (words.len != 8 || !bosk_str_equal(bosk_at(words, 0), BOSK_STR("NOTHING"))) return 1;
        if (i == 0) printf("%zu bytes live in the arena\n", bosk_arena_live(request));
        bosk_arena_reset(request, SIZE_MAX); /* the next request finds the same memory */
        if (i == 0) held = bosk_arena_bytes(request);
        if (bosk_arena_bytes(request) != held) return 1;
    }
    bosk_arena_free(request);
    bosk_heap_stats(&after);
    printf("%llu bytes live after 1000 requests\n", (unsigned long long)(after.live - before.live));
    return after.live == before.live ? 0 : 1;
}
