/* The tables of C++ that share the interface of std::unordered_map; TABLE tells which. */
#include "types.h"
#include <malloc.h>
#include <new>
#if TABLE == 1
#include <boost/unordered/unordered_flat_map.hpp>
using table = boost::unordered_flat_map<KEY, VALUE>;
#elif TABLE == 2
#include <absl/container/flat_hash_map.h>
using table = absl::flat_hash_map<KEY, VALUE>;
#else
#include <unordered_map>
using table = std::unordered_map<KEY, VALUE>;
#endif

/* Made and destroyed by hand. */
union MAP {
    table t;
    MAP() {}
    ~MAP() {}
};
static inline void init(MAP *m) { new (&m->t) table(); }
static inline void reserve(MAP *m, size_t n) { m->t.reserve(n); }
static inline void put(MAP *m, KEY k, VALUE v) { m->t[k] = v; }
static inline VALUE *get(MAP *m, KEY k)
{
    auto it = m->t.find(k);
    return it == m->t.end() ? nullptr : &it->second;
}
static inline bool del(MAP *m, KEY k) { return m->t.erase(k) != 0; }
static inline uint64_t iterate(MAP *m)
{
    uint64_t sum = 0;
    for (auto &e : m->t) {
#if SHAPE == 4
        sum += e.second.word[0];
#else
        sum += e.second;
#endif
    }
    return sum;
}
static inline void drop(MAP *m) { m->t.~table(); }
static inline void settle(void) { malloc_trim(0); }
#include "work.h"
