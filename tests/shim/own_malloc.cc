// own_malloc.cc - a program with a malloc of its own and no operator new of its own.  The one of
// the C++ library uses the program's malloc; so must ours, or there would be two heaps.
#include "shim_test.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

namespace
{
alignas(4096) char arena[32 << 20];
std::size_t used;
int frees, foreign;

bool inside(const void *p)
{
    return static_cast<const char *>(p) >= arena &&
           static_cast<const char *>(p) < arena + sizeof arena;
}
void *take(std::size_t align, std::size_t n)
{
    std::size_t at = (used + 16 + align - 1) / align * align;
    if (n > sizeof arena || at + n > sizeof arena) {
        errno = ENOMEM;
        return nullptr;
    }
    used = at + n;
    std::memcpy(arena + at - 8, &n, sizeof n);
    return arena + at;
}
} // namespace

extern "C" {
void *malloc(std::size_t n) { return take(16, n); }
void free(void *p)
{
    if (!p) return;
    frees++;
    if (!inside(p)) foreign++;
}
void *calloc(std::size_t n, std::size_t size) { return take(16, n * size); }
void *realloc(void *p, std::size_t n)
{
    void *q = take(16, n);
    std::size_t old = 0;
    if (p) std::memcpy(&old, static_cast<char *>(p) - 8, sizeof old);
    if (q && p) std::memcpy(q, p, old < n ? old : n);
    return q;
}
void *aligned_alloc(std::size_t align, std::size_t n) { return take(align, n); }
void *memalign(std::size_t align, std::size_t n) { return take(align, n); }
int posix_memalign(void **out, std::size_t align, std::size_t n)
{
    *out = take(align, n);
    return *out ? 0 : ENOMEM;
}
}

CASE(new_uses_the_programs_malloc)
{
    auto align = static_cast<std::align_val_t>(256);
    for (std::size_t n :
         {std::size_t(0), std::size_t(10), std::size_t(3000), std::size_t(100000)}) {
        void *p[] = {operator new(n), operator new[](n), operator new(n, std::nothrow),
                                                         operator new[](n, std::nothrow)};
        void *q[] = {operator new(n, align), operator new[](n, align),
                                             operator new(n, align, std::nothrow),
                                             operator new[](n, align, std::nothrow)};
        for (void *block : p) CHECK(inside(shim_keep(block)));
        for (void *block : q)
            CHECK(inside(shim_keep(block)) && reinterpret_cast<std::uintptr_t>(block) % 256 == 0);
        int before = frees;
        operator delete(p[0]);
        operator delete[](p[1], n);
        operator delete(p[2], std::nothrow);
        operator delete[](p[3]);
        operator delete(q[0], align);
        operator delete[](q[1], n, align);
        operator delete(q[2], align, std::nothrow);
        operator delete[](q[3], align);
        CHECK(frees == before + 8);
    }
}

CASE(and_throws_when_it_fails)
{
    int caught = 0;
    for (int form = 0; form < 2; form++) {
        try {
            std::size_t n = shim_size(sizeof arena);
            shim_keep(form ? operator new(n, static_cast<std::align_val_t>(64)) : operator new(n));
        } catch (const std::bad_alloc &) {
            caught++;
        }
    }
    CHECK(caught == 2);
    CHECK(operator new(shim_size(sizeof arena), std::nothrow) == nullptr);
}

CASE(libraries_do_so_too)
{
    std::vector<std::string> v;
    for (int i = 0; i < 1000; i++)
        v.push_back("a string longer than the short ones " + std::to_string(i));
    for (auto &s : v) CHECK(inside(s.data()));
    char *copy = strdup("text");
    CHECK(inside(copy));
    std::free(copy);
    CHECK(foreign == 0);
}

int main(int argc, char **argv) { return shim_main("own_malloc", argc, argv); }
