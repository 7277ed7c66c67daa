/* request_heap.c - a heap for each request: a limit, an account, and an end.
 *
 * Everything a request allocates lies in a heap of its own.  What goes beyond the limit is refused,
 * and whatever the request leaves behind ends with it: there is nothing to free one by one.
 */
#include <bosk/bosk.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT = 1 << 20, WORDS = 1000 };

static bool print_span(void *ctx, const struct bosk_span_info *span, void *block,
                       size_t block_bytes)
{
    (void)block, (void)block_bytes;
    fprintf((FILE *)ctx, "  span of %zu bytes: %u of %u blocks of %zu bytes\n", span->bytes,
            (unsigned)span->nlive, (unsigned)span->nelems, span->elem_bytes);
    return true;
}

/* A list of words, all of it in `heap`.  False when the limit is reached. */
static bool serve(bosk_heap *heap, size_t words)
{
    struct word {
        struct word *next;
        char text[40];
    } *list = NULL;
    for (size_t i = 0; i < words; i++) {
        struct word *w = (struct word *)bosk_heap_malloc(heap, sizeof *w);
        if (w == NULL) return false;
        snprintf(w->text, sizeof w->text, "word %zu", i);
        w->next = list;
        list = w;
    }
    return list != NULL && strncmp(list->text, "word", 4) == 0;
}

int main(void)
{
    struct bosk_heap_stats before, after;
    bosk_heap_stats(&before);
    for (size_t words = WORDS; words <= 100 * WORDS; words *= 10) {
        bosk_heap *heap = bosk_heap_new(LIMIT);
        if (heap == NULL) return 1;
        bosk_label_push("request"); /* for `bosk run` */
        bool served = serve(heap, words);
        bosk_label_pop();
        printf("%zu words: %s, %zu bytes live in %zu bytes of spans\n", words,
               served ? "served" : "refused at the limit", bosk_heap_live(heap),
               bosk_heap_bytes(heap));
        if (bosk_heap_bytes(heap) > LIMIT || served != (words < 100 * WORDS)) return 1;
        if (words == WORDS && bosk_heap_walk(heap, BOSK_WALK_SPANS, print_span, stdout) != 0)
            return 1;
        bosk_heap_destroy(heap);
    }
    bosk_heap_stats(&after);
    printf("live before %llu, after %llu\n", (unsigned long long)before.live,
           (unsigned long long)after.live);
    return after.live <= before.live ? 0 : 1;
}
