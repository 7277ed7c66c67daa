/* uthash: entries are blocks of their own, linked into chains. */
#define HAS_RESERVE 0
#include "types.h"
#include <malloc.h>
#include <uthash.h>

typedef struct entry {
    KEY key;
    VALUE v;
    UT_hash_handle hh;
} entry;
typedef struct {
    entry *head;
} MAP;
#if SHAPE <= 2
#define FIND(m, k, e) HASH_FIND(hh, (m)->head, &(k), sizeof(KEY), e)
#define ADD(m, e) HASH_ADD(hh, (m)->head, key, sizeof(KEY), e)
#else
#define FIND(m, k, e) HASH_FIND(hh, (m)->head, k, strlen(k), e)
#define ADD(m, e) HASH_ADD_KEYPTR(hh, (m)->head, (e)->key, strlen((e)->key), e)
#endif
static inline void init(MAP *m) { m->head = NULL; }
static inline void reserve(MAP *m, size_t n) { (void)m, (void)n; }
static void put(MAP *m, KEY k, VALUE v)
{
    entry *e;
    FIND(m, k, e);
    if (e == NULL) {
        e = malloc(sizeof *e);
        e->key = k;
        ADD(m, e);
    }
    e->v = v;
}
static VALUE *get(MAP *m, KEY k)
{
    entry *e;
    FIND(m, k, e);
    return e == NULL ? NULL : &e->v;
}
static bool del(MAP *m, KEY k)
{
    entry *e;
    FIND(m, k, e);
    if (e == NULL) return false;
    HASH_DEL(m->head, e);
    free(e);
    return true;
}
static uint64_t iterate(MAP *m)
{
    uint64_t sum = 0;
    for (const entry *e = m->head; e != NULL; e = (const entry *)e->hh.next) {
#if SHAPE == 4
        sum += e->v.word[0];
#else
        sum += e->v;
#endif
    }
    return sum;
}
static void drop(MAP *m)
{
    entry *e, *next;
    HASH_ITER(hh, m->head, e, next)
    {
        HASH_DEL(m->head, e);
        free(e);
    }
}
static inline void settle(void) { malloc_trim(0); }
#include "work.h"
