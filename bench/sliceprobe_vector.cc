// sliceprobe_vector.cc - std::vector of the compiler's own library.  See sliceprobe.h.
#include "sliceprobe.h"

#include <new>
#include <vector>

namespace
{
// Constructed and destroyed by hand, so that the loops are those of every other contender.
template <class E> struct held {
    alignas(std::vector<E>) unsigned char bytes[sizeof(std::vector<E>)];
    std::vector<E> &v() { return *reinterpret_cast<std::vector<E> *>(bytes); }
};
typedef held<int64_t> ints;
typedef held<sliceprobe_triple> triples;

inline void ints_init(ints *h) { new (h->bytes) std::vector<int64_t>(); }
inline void ints_push(ints *h, int64_t x) { h->v().push_back(x); }
inline void ints_bulk(ints *h, const int64_t *from, ptrdiff_t n)
{
    h->v().insert(h->v().end(), from, from + n);
}
inline void ints_reserve(ints *h, size_t n) { h->v().reserve(n); }
inline void ints_empty(ints *h) { h->v().clear(); }
inline int64_t *ints_data(ints *h) { return h->v().data(); }
inline void ints_free(ints *h)
{
    using std::vector;
    h->v().~vector();
}
inline void ints_make_len(ints *h, size_t n) { new (h->bytes) std::vector<int64_t>(n); }
inline void ints_make_cap(ints *h, size_t n)
{
    ints_init(h);
    h->v().reserve(n);
}
inline void triples_init(triples *h) { new (h->bytes) std::vector<sliceprobe_triple>(); }
inline void triples_push(triples *h, const sliceprobe_triple &t) { h->v().push_back(t); }
inline sliceprobe_triple *triples_data(triples *h) { return h->v().data(); }
inline void triples_free(triples *h)
{
    using std::vector;
    h->v().~vector();
}
} // namespace

#include "sliceprobe_work.h"

extern "C" const struct sliceprobe_work sliceprobe_work = {
    work_push,     work_push_triple, work_push_bulk, nullptr,         nullptr,
    nullptr,       work_fill_open,   work_fill,      work_fill_close, work_make_len,
    work_make_cap, nullptr,          work_stalls,
};
