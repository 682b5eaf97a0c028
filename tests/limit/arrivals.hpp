// Arrivals of somebody who wants more than the limit: times in microseconds, not falling, and what each request costs.
// And the exact log that a decision is held against.
#pragma once

#include "limit/counter.hpp"

#include <sluice/core/assert.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <string_view>
#include <vector>

namespace sluice::limit::test {

// A counter with its windows.
class own_counter
{
public:
    verdict decide(const rules& by, const question& q, micros now) { return counter(windows_).decide(by, q, now); }

private:
    std::array<sliding_window, quotas_max> windows_;
};

struct arrival
{
    micros at;
    std::uint32_t cost = 1;
};

using generator = std::mt19937_64;

inline std::uint64_t below(generator& from, std::uint64_t bound) { return from() % bound; }

// Everything, at the last moment of a sub-window and again at the first moments at which it could have been forgotten.
inline std::vector<arrival> bursts_at_edges(generator& from, const rule& of, micros begin)
{
    std::vector<arrival> made;
    const micros width = sliding_window::width(of.window);
    micros edge = (begin / width + 1) * width;
    for (unsigned burst = 0; burst < 60; ++burst) {
        const auto earlier = static_cast<std::ptrdiff_t>(made.size()); // all of it lies before this burst
        for (std::uint32_t i = 0; i < of.requests / 2 + below(from, of.requests); ++i)
            made.push_back({edge - 1 + below(from, 3) + (i > of.requests / 2 ? 1 : 0)});
        std::ranges::sort(made.begin() + earlier, made.end(), {}, &arrival::at);
        edge = (made.back().at / width + 1 + below(from, sliding_window::sub_windows + 3)) * width;
    }
    return made;
}

// A whole limit just before a window ends and another just after it has begun.
inline std::vector<arrival> two_windows(generator& from, const rule& of, micros begin)
{
    std::vector<arrival> made;
    micros edge = (begin / of.window + 1) * of.window;
    for (unsigned i = 0; i < 20; ++i, edge += of.window) {
        const micros gap = 1 + below(from, of.window / 20);
        for (std::uint32_t n = 0; n < of.requests; ++n) made.push_back({edge - gap});
        for (std::uint32_t n = 0; n < of.requests; ++n) made.push_back({edge + gap / 2});
    }
    std::ranges::sort(made, {}, &arrival::at);
    return made;
}

// Never a moment without a request, a little faster than is allowed.
inline std::vector<arrival> drip(generator& from, const rule& of, micros begin)
{
    std::vector<arrival> made;
    const micros step = std::max<micros>(1, of.window / of.requests * 9 / 10);
    micros at = begin + below(from, of.window);
    for (std::uint32_t i = 0; i < 20 * of.requests; ++i, at += step) made.push_back({at});
    return made;
}

inline std::vector<arrival> at_random(generator& from, const rule& of, micros begin)
{
    std::vector<arrival> made;
    std::exponential_distribution<double> gap(static_cast<double>(of.requests) * 2.5 / static_cast<double>(of.window));
    micros at = begin;
    for (std::uint32_t i = 0; i < 30 * of.requests; ++i) {
        at += static_cast<micros>(gap(from));
        if (below(from, 200) == 0) at += below(from, of.window); // and rests
        made.push_back({at, static_cast<std::uint32_t>(below(from, 8) == 0 ? 1 + below(from, 4) : 1)});
    }
    return made;
}

struct pattern
{
    std::string_view name;
    std::vector<arrival> (*make)(generator&, const rule&, micros);
};
inline constexpr pattern patterns[] = {
    {"bursts at edges", &bursts_at_edges}, {"two windows", &two_windows}, {"drip", &drip}, {"random", &at_random}};

// What was let through, in order, each request with its time and the sum up to it: a window is the difference of two
// sums.
class exact_log
{
public:
    void add(micros at, std::uint64_t cost)
    {
        SLUICE_ASSERT(let_.empty() || let_.back().at <= at);
        let_.push_back({at, all() + cost});
    }
    [[nodiscard]] std::uint64_t within(micros before, micros length) const
    {
        return all() -
               up_to(std::ranges::upper_bound(let_, before, {}, [length](const let& l) { return l.at + length; }));
    }
    // The most that any window of that length holds.
    [[nodiscard]] std::uint64_t worst(micros length) const
    {
        std::uint64_t most = 0;
        auto first = let_.begin();
        for (const let& one : let_) {
            while (first->at + length <= one.at) ++first;
            most = std::max(most, one.sum - up_to(first));
        }
        return most;
    }
    [[nodiscard]] std::uint64_t all() const { return let_.empty() ? 0 : let_.back().sum; }

private:
    struct let
    {
        micros at;
        std::uint64_t sum;
    };
    [[nodiscard]] std::uint64_t up_to(std::vector<let>::const_iterator one) const
    {
        return one == let_.begin() ? 0 : std::prev(one)->sum;
    }

    std::vector<let> let_;
};

} // namespace sluice::limit::test
