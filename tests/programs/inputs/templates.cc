// Much of the C++ library in few lines: the compiler's input, never run.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <unordered_map>
#include <variant>
template <int N> struct chain {
    static int run(int x) { return chain<N - 1>::run(x * N + 1); }
};
template <> struct chain<0> {
    static int run(int x) { return x; }
};
int main(int argc, char **argv)
{
    std::map<std::string, std::vector<std::shared_ptr<int>>> m;
    std::unordered_map<int, std::variant<int, std::string>> v;
    std::regex r("([a-z]+)([0-9]*)");
    for (int i = 0; i < argc; i++) {
        std::smatch s;
        std::string a = argv[i];
        if (std::regex_match(a, s, r)) m[s[1]].push_back(std::make_shared<int>(i));
        v[i] = a;
    }
    std::function<int(int)> f = chain<200>::run;
    std::cout << f(argc) << m.size() << v.size() << std::endl;
}
