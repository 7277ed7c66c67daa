// cxx.cc - every form of operator new and delete, the new-handler, and what is thrown.
#include "shim_test.h"

#include <malloc.h>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <sys/resource.h>
#include <vector>

namespace
{

// On 32-bit even half of the address space may be served.
const std::size_t too_much = sizeof(std::size_t) == 8 ? PTRDIFF_MAX : std::size_t(PTRDIFF_MAX) + 1;

// Forms are called by name, so that no pair of new and delete can be elided.
void *keep(void *p) { return shim_keep(p); }

std::align_val_t aligned(std::size_t n) { return static_cast<std::align_val_t>(n); }

template <class F> bool throws_bad_alloc(F form)
{
    try {
        keep(form());
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

struct alignas(128) wide {
    char bytes[300];
};
struct counted {
    static int alive;
    std::string text = "not so short that it fits into the string itself";
    counted() { alive++; }
    counted(const counted &other) : text(other.text) { alive++; }
    ~counted() { alive--; }
};
int counted::alive;

struct from_handler {
};
int handler_calls;
void throwing_handler()
{
    handler_calls++;
    throw from_handler();
}
void patient_handler()
{
    if (++handler_calls == 5) std::set_new_handler(nullptr);
}
void bad_alloc_handler()
{
    handler_calls++;
    throw std::bad_alloc();
}

} // namespace

CASE(plain_forms)
{
    for (std::size_t n = 0; n < 200000; n = n * 2 + 1) {
        void *a = keep(operator new(n)), *b = keep(operator new[](n));
        void *c = keep(operator new(n, std::nothrow)), *d = keep(operator new[](n, std::nothrow));
        CHECK(a && b && c && d && a != b && b != c && c != d);
        for (void *p : {a, b, c, d}) {
            CHECK(reinterpret_cast<std::uintptr_t>(p) % 16 == 0);
            shim_fill(p, n, 1);
        }
        for (void *p : {a, b, c, d}) CHECK(shim_filled(p, n, 1));
        operator delete(a);
        operator delete[](b);
        operator delete(c, std::nothrow);
        operator delete[](d, std::nothrow);
        a = keep(operator new(n));
        b = keep(operator new[](n));
        operator delete(a, n);
        operator delete[](b, n);
    }
    operator delete(nullptr);
    operator delete[](nullptr);
    operator delete(nullptr, std::size_t(8));
    operator delete[](nullptr, std::size_t(8));
    operator delete(nullptr, std::nothrow);
    operator delete[](nullptr, std::nothrow);
}

CASE(aligned_forms)
{
    for (std::size_t align = 1; align <= std::size_t(1) << 20; align *= 2)
        for (std::size_t n :
             {std::size_t(0), std::size_t(1), align, align + 1, std::size_t(5000)}) {
            void *p[4] = {operator new(n, aligned(align)), operator new[](n, aligned(align)),
                                                           operator new(n, aligned(align),
                                                                        std::nothrow),
                                                           operator new[](n, aligned(align),
                                                                          std::nothrow)};
            for (void *q : p) {
                CHECK(q && reinterpret_cast<std::uintptr_t>(keep(q)) % align == 0);
                shim_fill(q, n, 2);
            }
            for (void *q : p) CHECK(shim_filled(q, n, 2));
            operator delete(p[0], aligned(align));
            operator delete[](p[1], n, aligned(align));
            operator delete(p[2], aligned(align), std::nothrow);
            operator delete[](p[3], aligned(align), std::nothrow);
            void *sized = keep(operator new(n, aligned(align)));
            operator delete(sized, n, aligned(align));
            void *array = keep(operator new[](n, aligned(align)));
            operator delete[](array, aligned(align));
        }
    for (std::size_t bad : {std::size_t(3), std::size_t(24), std::size_t(48)}) {
        CHECK(throws_bad_alloc([&] { return operator new(8, aligned(bad)); }));
        CHECK(throws_bad_alloc([&] { return operator new[](8, aligned(bad)); }));
        CHECK(operator new(8, aligned(bad), std::nothrow) == nullptr);
        CHECK(operator new[](8, aligned(bad), std::nothrow) == nullptr);
    }
}

CASE(too_much_throws)
{
    for (std::size_t n : {too_much, too_much + 1, std::size_t(-1) - 4096, std::size_t(-1)}) {
        std::size_t size = shim_size(n);
        CHECK(throws_bad_alloc([&] { return operator new(size); }));
        CHECK(throws_bad_alloc([&] { return operator new[](size); }));
        CHECK(operator new(size, std::nothrow) == nullptr);
        CHECK(operator new[](size, std::nothrow) == nullptr);
        // The GNU library rounds the greatest size up to nothing, and serves that.
        if (shim_plain() && size + 63 < 63) continue;
        CHECK(throws_bad_alloc([&] { return operator new(size, aligned(64)); }));
        CHECK(throws_bad_alloc([&] { return operator new[](size, aligned(64)); }));
        CHECK(operator new(size, aligned(64), std::nothrow) == nullptr);
        CHECK(operator new[](size, aligned(64), std::nothrow) == nullptr);
    }
    CHECK(throws_bad_alloc([] { return new char[shim_size(too_much)]; }));
    CHECK(throws_bad_alloc([] { return new double[shim_size(std::size_t(-1) / 2)]; }));
    CHECK((new (std::nothrow) char[shim_size(too_much)]) == nullptr);
}

CASE(exceptions_pass_through)
{
    // Destructors of the frames between must run: the unwinder needs our frames to be described.
    CHECK(counted::alive == 0);
    try {
        std::vector<counted> v(100);
        counted one;
        operator delete(keep(operator new(shim_size(too_much))));
    } catch (const std::bad_alloc &) {
        CHECK(counted::alive == 0);
    }
    CHECK(counted::alive == 0);
}

CASE(handler_is_called_until_it_gives_up)
{
    handler_calls = 0;
    std::set_new_handler(patient_handler);
    CHECK(throws_bad_alloc([] { return operator new(shim_size(too_much)); }));
    CHECK_MSG(handler_calls == 5, "%d calls", handler_calls);
    for (bool align : {false, true})
        for (bool array : {false, true}) {
            handler_calls = 0;
            std::set_new_handler(patient_handler);
            std::size_t n = shim_size(too_much);
            void *p = !align
                        ? array ? operator new[](n, std::nothrow) : operator new(n, std::nothrow)
                    : array ? operator new[](n, aligned(64), std::nothrow)
                            :
                            operator new(n, aligned(64), std::nothrow);
            CHECK(p == nullptr);
            CHECK_MSG(handler_calls == 5, "%d calls", handler_calls);
        }
    std::set_new_handler(nullptr);
}

CASE(handler_may_throw)
{
    std::set_new_handler(throwing_handler);
    int caught = 0;
    for (int form = 0; form < 4; form++) {
        try {
            std::size_t n = shim_size(too_much);
            keep(form == 0   ? operator new(n)
                 : form == 1 ? operator new[](n)
                 : form == 2 ? operator new(n, aligned(64))
                             :
                             operator new[](n, aligned(64)));
        } catch (const from_handler &) {
            caught++;
        }
    }
    CHECK_MSG(caught == 4, "%d caught", caught);
    std::set_new_handler(nullptr);
}

// The forms that do not throw return null even then.
CASE(handler_throws_where_nothing_may)
{
#ifdef SHIM_TEST_STATIC
    SKIP("a static program has no second C++ library that could catch");
#endif
    handler_calls = 0;
    std::set_new_handler(bad_alloc_handler);
    std::size_t n = shim_size(too_much);
    CHECK(operator new(n, std::nothrow) == nullptr);
    CHECK(operator new[](n, std::nothrow) == nullptr);
    CHECK(operator new(n, aligned(64), std::nothrow) == nullptr);
    CHECK(operator new[](n, aligned(64), std::nothrow) == nullptr);
    CHECK_MSG(handler_calls == 4, "%d calls", handler_calls);
    std::set_new_handler(throwing_handler);
    CHECK(operator new(n, std::nothrow) == nullptr);
    CHECK(operator new(n, aligned(64), std::nothrow) == nullptr);
    std::set_new_handler(nullptr);
}

namespace
{
rlimit unlimited;
void lifting_handler()
{
    handler_calls++;
    setrlimit(RLIMIT_DATA, &unlimited);
}
} // namespace

// A handler that makes room is rewarded.
CASE(handler_finds_memory)
{
    getrlimit(RLIMIT_DATA, &unlimited);
    for (int form = 0; form < 4; form++) {
        // Each more than the one before, whose memory may be at hand.
        const std::size_t n = std::size_t(40) << (20 + form);
        rlimit tight = unlimited;
        tight.rlim_cur = 30 << 20;
        if (setrlimit(RLIMIT_DATA, &tight) != 0) SKIP("no RLIMIT_DATA");
        handler_calls = 0;
        std::set_new_handler(lifting_handler);
        void *p = keep(form == 0   ? operator new(n)
                       : form == 1 ? operator new[](n)
                       : form == 2 ? operator new(n, aligned(64))
                                   :
                                   operator new(n, std::nothrow));
        std::set_new_handler(nullptr);
        setrlimit(RLIMIT_DATA, &unlimited);
        CHECK_MSG(p != nullptr && handler_calls == 1, "form %d, %d calls", form, handler_calls);
        if (form == 2)
            operator delete(p, aligned(64));
        else
            operator delete(p);
    }
}

// In an executable at a fixed address this gives malloc an address in the executable, for everyone.
static void *(*volatile pointer_to_malloc)(std::size_t) = std::malloc;
CASE(address_of_malloc_is_taken)
{
    void *p = pointer_to_malloc(100);
    CHECK(p != nullptr && malloc_usable_size(p) >= 100);
    std::free(p);
    p = keep(operator new(100));
    CHECK(malloc_usable_size(p) >= 100);
    operator delete(p);
}

CASE(the_library_on_top)
{
    std::map<std::string, std::vector<std::shared_ptr<wide>>> m;
    for (int i = 0; i < 20000; i++) {
        auto &v = m["key number " + std::to_string(i % 977)];
        v.push_back(std::make_shared<wide>());
        CHECK(reinterpret_cast<std::uintptr_t>(v.back().get()) % 128 == 0);
        v.back()->bytes[299] = static_cast<char>(i);
        if (v.size() > 10) v.erase(v.begin(), v.begin() + 5);
    }
    std::size_t n = 0;
    for (auto &entry : m) n += entry.second.size();
    CHECK(m.size() == 977 && n > 977 * 5);
    std::unique_ptr<wide[]> array(new wide[33]);
    CHECK(reinterpret_cast<std::uintptr_t>(array.get()) % 128 == 0);
}

int main(int argc, char **argv) { return shim_main("cxx", argc, argv); }
