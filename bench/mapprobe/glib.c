/* GLib's GHashTable: integers lie in its pointers, 64-byte values in blocks of their own. */
#define HAS_RESERVE 0
#include "types.h"
#include <glib.h>
#include <malloc.h>

typedef struct {
    GHashTable *h;
} MAP;
#if SHAPE <= 2
#define POINTER(k) ((gpointer)(uintptr_t)(k))
#define FUNCTIONS g_direct_hash, g_direct_equal
#else
#define POINTER(k) ((gpointer)(uintptr_t)(k))
#define FUNCTIONS g_str_hash, g_str_equal
#endif
static inline void reserve(MAP *m, size_t n) { (void)m, (void)n; }
#if SHAPE == 4
static inline void init(MAP *m) { m->h = g_hash_table_new_full(FUNCTIONS, NULL, free); }
static inline void put(MAP *m, KEY k, VALUE v)
{
    VALUE *p = malloc(sizeof v);
    *p = v;
    g_hash_table_insert(m->h, POINTER(k), p);
}
static inline VALUE *get(MAP *m, KEY k) { return g_hash_table_lookup(m->h, POINTER(k)); }
#else
static VALUE found;
static inline void init(MAP *m) { m->h = g_hash_table_new(FUNCTIONS); }
static inline void put(MAP *m, KEY k, VALUE v)
{
    g_hash_table_insert(m->h, POINTER(k), (gpointer)(uintptr_t)v);
}
static inline VALUE *get(MAP *m, KEY k)
{
    gpointer v;
    if (!g_hash_table_lookup_extended(m->h, POINTER(k), NULL, &v)) return NULL;
    found = (VALUE)(uintptr_t)v;
    return &found;
}
#endif
static inline bool del(MAP *m, KEY k) { return g_hash_table_remove(m->h, POINTER(k)); }
static inline uint64_t iterate(MAP *m)
{
    GHashTableIter it;
    gpointer k, v;
    uint64_t sum = 0;
    g_hash_table_iter_init(&it, m->h);
    while (g_hash_table_iter_next(&it, &k, &v)) {
#if SHAPE == 4
        sum += ((VALUE *)v)->word[0];
#else
        sum += (uint64_t)(uintptr_t)v;
#endif
    }
    return sum;
}
static inline void drop(MAP *m) { g_hash_table_destroy(m->h); }
static inline void settle(void) { malloc_trim(0); }
#include "work.h"
