// plugin_lib.cc - a C++ plugin of a C program: it brings the C++ library into a process in which
// operator new is already ours, and hides it from us (RTLD_LOCAL).  Exceptions must be found all
// the same.
#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" __attribute__((visibility("default"))) int plugin_run(std::size_t too_much);

namespace
{
int handler_calls;
void handler()
{
    if (++handler_calls >= 3) throw 42;
}
} // namespace

int plugin_run(std::size_t too_much)
{
    std::vector<std::string> v;
    for (int i = 0; i < 1000; i++)
        v.push_back("a string longer than the short ones " + std::to_string(i));
    try {
        char *p = static_cast<char *>(operator new(too_much));
        return p ? 1 : 2;
    } catch (const std::bad_alloc &) {
    }
    try {
        std::string s;
        s.reserve(too_much / 2);
        return 3;
    } catch (const std::bad_alloc &) {
    } catch (const std::length_error &) {
    }
    if (operator new(too_much, std::nothrow) != nullptr) return 4;
    std::set_new_handler(handler);
    try {
        operator delete[](operator new[](too_much));
        return 5;
    } catch (int n) {
        if (n != 42 || handler_calls != 3) return 6;
    }
    if (operator new(too_much, std::nothrow) != nullptr) return 7;
    std::set_new_handler(nullptr);
    return v.size() == 1000 ? 0 : 8;
}
