// cxx_replaced.cc - a program that replaces operator new(size_t) and operator delete(void *)
// alone, with blocks that only they understand.  C++ defines the array, nothrow and sized forms
// by these: a drop-in that answered those forms itself would hand out blocks that this delete
// cannot free.
#include "shim_test.h"

// One compiler wants the sized form replaced together with the plain one.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wsized-deallocation"
#endif

#include <new>
#include <string>
#include <vector>

namespace
{
const std::uint64_t mark = 0x6d61726b6d61726b;
int news, deletes, wrong;
bool fail_next;
} // namespace

void *operator new(std::size_t n)
{
    if (fail_next) {
        fail_next = false;
        throw std::bad_alloc();
    }
    auto *head = static_cast<std::uint64_t *>(std::malloc(n + 16));
    if (!head) throw std::bad_alloc();
    head[0] = mark;
    news++;
    return head + 2;
}
void operator delete(void *p) noexcept
{
    if (!p) return;
    auto *head = static_cast<std::uint64_t *>(p) - 2;
    if (head[0] != mark) {
        wrong++;
        return;
    }
    head[0] = 0;
    deletes++;
    std::free(head);
}

CASE(other_forms_reach_the_replaced_ones)
{
    void *p = shim_keep(operator new(10, std::nothrow));
    CHECK(news == 1);
    operator delete(p, std::nothrow);
    CHECK(deletes == 1);
    p = shim_keep(operator new[](10));
    CHECK(news == 2);
    operator delete[](p);
    CHECK(deletes == 2);
    p = shim_keep(operator new[](10, std::nothrow));
    CHECK(news == 3);
    operator delete[](p, std::nothrow);
    CHECK(deletes == 3);
    p = shim_keep(operator new(10));
    operator delete(p, std::size_t(10));
    p = shim_keep(operator new[](10));
    operator delete[](p, std::size_t(10));
    CHECK(news == 5 && deletes == 5 && wrong == 0);
}

CASE(what_the_replaced_one_throws_is_caught)
{
    fail_next = true;
    CHECK(operator new(10, std::nothrow) == nullptr && !fail_next);
    fail_next = true;
    CHECK(operator new[](10, std::nothrow) == nullptr && !fail_next);
}

// Aligned forms stand on an aligned one, which is not replaced.
CASE(aligned_forms_are_not_concerned)
{
    int before = news;
    auto align = static_cast<std::align_val_t>(64);
    void *p = shim_keep(operator new(10, align));
    operator delete(p, align);
    p = shim_keep(operator new[](10, align));
    operator delete[](p, std::size_t(10), align);
    p = shim_keep(operator new(10, align, std::nothrow));
    operator delete(p, align, std::nothrow);
    CHECK(news == before && wrong == 0);
}

CASE(the_library_uses_them)
{
    int before = news;
    {
        std::vector<std::string> v;
        for (int i = 0; i < 1000; i++)
            v.push_back("a string longer than the short ones " + std::to_string(i));
    }
    CHECK(news >= before + 1000 && wrong == 0);
}

int main(int argc, char **argv)
{
    int status = shim_main("cxx_replaced", argc, argv);
    return wrong != 0 || status;
}
