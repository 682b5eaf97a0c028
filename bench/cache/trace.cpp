#include "trace.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace hit_ratios {

namespace {

using generator = std::mt19937_64;

// In [0, 1); the standard distributions differ from library to library.
double fraction(generator& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }
std::uint32_t below(generator& random, std::uint32_t bound)
{
    return static_cast<std::uint32_t>(fraction(random) * bound);
}

// Ranks of which number n comes as often as 1 ÷ n^skew.
class zipf
{
public:
    zipf(std::uint32_t ranks, double skew) : up_to_(ranks)
    {
        double sum = 0;
        for (std::uint32_t rank = 0; rank < ranks; ++rank) up_to_[rank] = sum += std::pow(rank + 1, -skew);
    }
    std::uint32_t operator()(generator& random) const
    {
        const double drawn = fraction(random) * up_to_.back();
        const auto found = std::ranges::upper_bound(up_to_, drawn);
        return static_cast<std::uint32_t>(std::min<std::ptrdiff_t>(found - up_to_.begin(), std::ssize(up_to_) - 1));
    }

private:
    std::vector<double> up_to_;
};

std::vector<std::uint32_t> shuffled(std::uint32_t keys, generator& random)
{
    std::vector<std::uint32_t> order(keys);
    std::iota(order.begin(), order.end(), 0U);
    for (std::uint32_t i = keys; i > 1; --i) std::swap(order[i - 1], order[below(random, i)]);
    return order;
}

// What a trace is made with: keys by their popularity, in an order that has nothing to do with their numbers.
struct maker
{
    trace_size size;
    generator random{4711};
    std::vector<std::uint32_t> by_rank{};
    std::vector<request> requests{};
    std::uint32_t walked = 0; // by scans

    [[nodiscard]] bool done() const { return requests.size() >= size.requests; }
    void ask(std::uint32_t key) { requests.push_back({.key = key, .writes = false}); }
    void popular(const zipf& ranks, std::uint32_t count)
    {
        for (std::uint32_t i = 0; i < count; ++i) ask(by_rank[ranks(random)]);
    }
    // The next so many of all keys in their order, again and again.
    void walk(std::uint32_t count)
    {
        for (std::uint32_t i = 0; i < count; ++i) ask(walked++ % size.keys);
    }
};

void zipf_07(maker& m) { m.popular(zipf(m.size.keys, 0.7), m.size.requests); }
void zipf_09(maker& m) { m.popular(zipf(m.size.keys, 0.9), m.size.requests); }
void zipf_10(maker& m) { m.popular(zipf(m.size.keys, 1.0), m.size.requests); }
void zipf_12(maker& m) { m.popular(zipf(m.size.keys, 1.2), m.size.requests); }

// A tenth of the keys at one go, and then as many popular ones.
void with_scans(maker& m, double skew)
{
    for (const zipf ranks(m.size.keys, skew); !m.done();) {
        m.popular(ranks, m.size.keys / 10);
        m.walk(m.size.keys / 10);
    }
}
void zipf_07_and_scans(maker& m) { with_scans(m, 0.7); }
void zipf_10_and_scans(maker& m) { with_scans(m, 1.0); }
void zipf_12_and_scans(maker& m) { with_scans(m, 1.2); }
// A walk through all keys beside the popular ones, as an export makes it.
void beside_a_scan(maker& m, double skew)
{
    for (const zipf ranks(m.size.keys, skew); !m.done();) {
        m.popular(ranks, 2);
        m.walk(1);
    }
}
void zipf_07_beside_a_scan(maker& m) { beside_a_scan(m, 0.7); }
void zipf_10_beside_a_scan(maker& m) { beside_a_scan(m, 1.0); }
void zipf_12_beside_a_scan(maker& m) { beside_a_scan(m, 1.2); }
// Round and round through 8 % of the keys.
void loop(maker& m)
{
    while (!m.done()) {
        m.walked %= m.size.keys * 8 / 100;
        m.walk(1);
    }
}
// One after the other, loops of 0.5 % to 20 % of the keys, each five times.
void loops(maker& m)
{
    while (!m.done()) {
        const std::uint32_t length = m.size.keys / 200 + below(m.random, m.size.keys / 5);
        const std::uint32_t start = below(m.random, m.size.keys);
        for (std::uint32_t i = 0; i < 5 * length && !m.done(); ++i) m.ask((start + i % length) % m.size.keys);
    }
}
void zipf_and_loop(maker& m)
{
    for (const zipf ranks(m.size.keys, 1.0); !m.done();) {
        m.popular(ranks, 1);
        m.walked %= m.size.keys * 15 / 100;
        m.walk(1);
    }
}
// Every key's popularity goes to its neighbour again and again, so that the whole set has changed at the end.
void zipf_drifting(maker& m)
{
    const zipf ranks(m.size.keys, 1.0);
    for (std::uint32_t moved = 0; !m.done(); ++moved)
        for (std::uint32_t i = 0; i < m.size.requests / m.size.keys * 5; ++i)
            m.ask(m.by_rank[(ranks(m.random) + moved) % m.size.keys]);
}
// Four times, everything that was popular is so no more.
void zipf_jumping(maker& m)
{
    for (const zipf ranks(m.size.keys, 1.0); !m.done();) {
        m.popular(ranks, m.size.requests / 5);
        m.by_rank = shuffled(m.size.keys, m.random);
    }
}
// What is new is asked for most, and ever less.
void news(maker& m)
{
    const zipf ages(m.size.keys / 2, 1.0);
    for (std::uint32_t i = 0; !m.done(); ++i) m.ask((i / 10 + m.size.keys - ages(m.random)) % m.size.keys);
}
void zipf_and_writes(maker& m)
{
    m.popular(zipf(m.size.keys, 0.9), m.size.requests);
    for (request& one : m.requests) one.writes = fraction(m.random) < 0.1;
}

struct shape
{
    const char* name;
    bool scans;
    void (*make)(maker&);
    bool mixed_sizes = false;
};
constexpr shape shapes[] = {
    {"Zipf 0.7", false, zipf_07},
    {"Zipf 0.9", false, zipf_09},
    {"Zipf 1.0", false, zipf_10},
    {"Zipf 1.2", false, zipf_12},
    {"Zipf 0.7, then a scan, in turn", true, zipf_07_and_scans},
    {"Zipf 1.0, then a scan, in turn", true, zipf_10_and_scans},
    {"Zipf 1.2, then a scan, in turn", true, zipf_12_and_scans},
    {"Zipf 0.7 beside a scan", true, zipf_07_beside_a_scan},
    {"Zipf 1.0 beside a scan", true, zipf_10_beside_a_scan},
    {"Zipf 1.2 beside a scan", true, zipf_12_beside_a_scan},
    {"a loop through 8 %", false, loop},
    {"changing loops", false, loops},
    {"Zipf 1.0 beside a loop", false, zipf_and_loop},
    {"Zipf 1.0, drifting", false, zipf_drifting},
    {"Zipf 1.0, jumping", false, zipf_jumping},
    {"news", false, news},
    {"Zipf 0.9, a tenth writes", false, zipf_and_writes},
    {"Zipf 0.9, 16 B to 16 KiB", false, zipf_09, true},
    {"scans, 16 B to 16 KiB", true, zipf_10_and_scans, true},
};

} // namespace

std::size_t trace_count() noexcept { return std::size(shapes); }

trace make_trace(std::size_t which, trace_size size)
{
    const shape& chosen = shapes[which];
    maker m{.size = size};
    m.by_rank = shuffled(size.keys, m.random);
    m.requests.reserve(size.requests);
    chosen.make(m);
    trace made{.name = chosen.name, .scans = chosen.scans, .requests = std::move(m.requests), .value_bytes = {}};
    made.value_bytes.resize(size.keys, 100);
    // Every power of two as often as every other.
    if (chosen.mixed_sizes)
        for (std::uint32_t& bytes : made.value_bytes)
            bytes = static_cast<std::uint32_t>(std::exp2(4 + 10 * fraction(m.random)));
    return made;
}

} // namespace hit_ratios
