/* type_of_test.c - descriptors made of the names of fields. */
#include "heap_support.h"

#include <bosk/str.h>
#include <bosk/type_of.h>

struct node {
    struct node *next;
    long key;
    char *text[3];
    double weight;
    bosk_str name;
    bosk_strs words;
};
struct wide {
    char *first;
    long numbers[62];
    char *across[4]; /* words 63 to 66 */
    long more[100];
    char *late;
    long rest[85];
    char *last; /* word 253 on both kinds of machines */
    long tail[50];
};

static bool bit(const bosk_type *t, size_t word)
{
    return (t->ptrmask[word / 64] >> word % 64 & 1) != 0;
}
/* Exactly the words of [from, end) and what `rest` has. */
static size_t bits(const bosk_type *t)
{
    size_t n = 0;
    for (size_t i = 0; i < 256; i++) n += bit(t, i);
    return n;
}

TEST(type_of, fields)
{
    const size_t word = sizeof(void *);
    const bosk_type *t = BOSK_TYPE(struct node, next, text, name, words);
    CHECK(t->size == sizeof(struct node) && t->align == _Alignof(struct node) && !t->noscan);
    CHECK(strcmp(t->name, "struct node") == 0);
    CHECK(bit(t, 0) && bits(t) == 1 + 3 + 2 + 3);
    for (size_t i = 0; i < 3; i++) CHECK(bit(t, offsetof(struct node, text) / word + i));
    CHECK(bit(t, offsetof(struct node, name) / word));
    CHECK_EQ(t->ptrwords, (offsetof(struct node, words) + sizeof(bosk_strs)) / word);
    t = BOSK_TYPE(struct node, next);
    CHECK(bit(t, 0) && bits(t) == 1 && t->ptrwords == 1);
    struct node *n = bosk_alloc_in(bosk_home_current(), t, 3, true);
    CHECK(n != NULL && n[2].next == NULL);
    bosk_free(n);
}

TEST(type_of, words_beyond_the_first_mask)
{
    const bosk_type *t = BOSK_TYPE(struct wide, first, across, late, last);
    CHECK_EQ(bits(t), 1 + 4 + 1 + 1);
    for (size_t i = 63; i < 67; i++) CHECK(bit(t, i));
    CHECK(bit(t, 167) && bit(t, 253) && t->ptrwords == 254);
    t = BOSK_TYPE(struct wide, across);
    CHECK(bits(t) == 4 && t->ptrwords == 67 && bit(t, 63) && bit(t, 64));
    t = BOSK_TYPE(struct wide, numbers); /* 62 words within a mask */
    CHECK(bits(t) == 62 && t->ptrwords == 63 && !bit(t, 0) && !bit(t, 63));
}

struct full {
    char *all[64];
    char *none;
};
TEST(type_of, a_whole_mask_and_eight_fields)
{
    const bosk_type *t = BOSK_TYPE(struct full, all);
    CHECK(t->ptrmask[0] == UINT64_MAX && t->ptrmask[1] == 0 && t->ptrwords == 64);
    struct eight {
        char *a, *b, *c, *d, *e, *f, *g, *h, *i;
    };
    t = BOSK_TYPE(struct eight, a, b, c, d, e, f, g, h);
    CHECK(t->ptrmask[0] == 0xff && t->ptrwords == 8);
    t = BOSK_POINTER_FREE(struct eight);
    CHECK(t->noscan && t->ptrmask == NULL && t->ptrwords == 0 && t->size == 9 * sizeof(void *));
}
