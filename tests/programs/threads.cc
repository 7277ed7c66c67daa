// threads.cc - a C++ program with many threads: containers built in one thread, changed in
// others, freed in a third; threads that come and go; futures, shared pointers, exceptions.  The
// output depends on nothing but the input.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace
{

struct random_numbers {
    std::uint64_t state;
    std::uint32_t operator()(std::uint32_t below)
    {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return static_cast<std::uint32_t>(state >> 33) % below;
    }
};

std::uint64_t hash(const std::string &s)
{
    std::uint64_t h = 1469598103934665603u;
    for (unsigned char c : s) h = (h ^ c) * 1099511628211u;
    return h;
}

struct parcel {
    int number;
    std::string text;
    std::vector<std::unique_ptr<std::string>> parts;
    std::map<int, std::list<std::string>> index;
};
using parcel_ptr = std::unique_ptr<parcel>;

template <class T> class queue
{
    std::mutex lock;
    std::condition_variable filled, drained;
    std::deque<T> items;
    bool closed = false;

  public:
    void put(T item)
    {
        std::unique_lock<std::mutex> guard(lock);
        drained.wait(guard, [&] { return items.size() < 200; });
        items.push_back(std::move(item));
        filled.notify_one();
    }
    bool take(T &item)
    {
        std::unique_lock<std::mutex> guard(lock);
        filled.wait(guard, [&] { return !items.empty() || closed; });
        if (items.empty()) return false;
        item = std::move(items.front());
        items.pop_front();
        drained.notify_one();
        return true;
    }
    void close()
    {
        std::lock_guard<std::mutex> guard(lock);
        closed = true;
        filled.notify_all();
    }
};

parcel_ptr make_parcel(int number)
{
    random_numbers random{static_cast<std::uint64_t>(number) + 1};
    auto p = std::make_unique<parcel>();
    p->number = number;
    for (unsigned i = random(40); i > 0; i--)
        p->parts.push_back(
            std::make_unique<std::string>(random(2000), static_cast<char>('a' + random(26))));
    for (unsigned i = random(30); i > 0; i--)
        p->index[static_cast<int>(random(10))].push_back(std::to_string(random(1000000)));
    return p;
}

void change_parcel(parcel &p)
{
    for (auto &entry : p.index) {
        entry.second.sort();
        for (auto &s : entry.second) p.text += s + ";";
    }
    if (p.parts.size() > 3) p.parts.erase(p.parts.begin(), p.parts.begin() + 3);
    for (auto &part : p.parts) {
        part->append(std::to_string(part->size()));
        p.text += std::to_string(hash(*part));
    }
}

// Makers to changers to the end, by 4 + 4 + 4 threads.
std::uint64_t pipeline(int parcels)
{
    queue<parcel_ptr> made, changed;
    std::atomic<int> next{0};
    std::atomic<std::uint64_t> sum{0};
    std::vector<std::thread> makers, changers, enders;
    for (int t = 0; t < 4; t++) {
        makers.emplace_back([&] {
            for (int n; (n = next++) < parcels;) made.put(make_parcel(n));
        });
        changers.emplace_back([&] {
            for (parcel_ptr p; made.take(p);) {
                change_parcel(*p);
                changed.put(std::move(p));
            }
        });
        enders.emplace_back([&] {
            for (parcel_ptr p; changed.take(p); p.reset())
                sum += hash(p->text) * static_cast<std::uint64_t>(p->number + 1);
        });
    }
    for (auto &t : makers) t.join();
    made.close();
    for (auto &t : changers) t.join();
    changed.close();
    for (auto &t : enders) t.join();
    return sum;
}

// Threads that live briefly and leave what they allocated to others.
std::uint64_t short_lives(int rounds)
{
    std::vector<std::vector<std::string>> left(16);
    std::uint64_t sum = 0;
    for (int round = 0; round < rounds; round++) {
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < left.size(); t++)
            threads.emplace_back([&left, t, round] {
                random_numbers random{t * 1000 + static_cast<std::uint64_t>(round)};
                std::vector<std::string> mine;
                for (int i = 0; i < 100; i++)
                    mine.emplace_back(random(500), static_cast<char>('A' + random(26)));
                left[t].swap(mine);
            });
        for (auto &t : threads) t.join();
        for (auto &strings : left)
            for (auto &s : strings) sum = sum * 31 + hash(s);
    }
    return sum;
}

std::uint64_t futures(int n)
{
    std::vector<std::future<std::uint64_t>> all;
    std::uint64_t sum = 0;
    for (int i = 0; i < n; i++) {
        all.push_back(std::async(std::launch::async, [i]() -> std::uint64_t {
            std::unordered_map<std::string, std::shared_ptr<std::vector<int>>> m;
            random_numbers random{static_cast<std::uint64_t>(i) + 77};
            for (int k = 0; k < 300; k++) {
                auto &v = m["a key that needs the heap " + std::to_string(random(60))];
                if (!v) v = std::make_shared<std::vector<int>>();
                v->push_back(k);
            }
            std::uint64_t total = 0;
            for (auto &e : m) total += hash(e.first) * e.second->size();
            if (i % 5 == 0) throw std::runtime_error("total " + std::to_string(total));
            return total;
        }));
        if (all.size() < 8) continue;
        for (auto &f : all) {
            try {
                sum += f.get();
            } catch (const std::runtime_error &e) {
                sum += hash(e.what());
            }
        }
        all.clear();
    }
    return sum;
}

// One structure, all threads, under a lock.
std::uint64_t shared_structure()
{
    std::mutex lock;
    std::multiset<std::string> all;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; t++)
        threads.emplace_back([&, t] {
            random_numbers random{static_cast<std::uint64_t>(t)};
            for (int i = 0; i < 5000; i++) {
                std::string s(random(120), static_cast<char>('a' + t));
                std::lock_guard<std::mutex> guard(lock);
                all.insert(std::move(s));
            }
        });
    for (auto &t : threads) t.join();
    std::uint64_t sum = 0;
    while (!all.empty()) {
        sum = sum * 131 + hash(*all.begin());
        all.erase(all.begin());
    }
    return sum;
}

} // namespace

int main()
{
    std::printf("pipeline %016llx\n", static_cast<unsigned long long>(pipeline(6000)));
    std::printf("short lives %016llx\n", static_cast<unsigned long long>(short_lives(40)));
    std::printf("futures %016llx\n", static_cast<unsigned long long>(futures(400)));
    std::printf("shared %016llx\n", static_cast<unsigned long long>(shared_structure()));
}
