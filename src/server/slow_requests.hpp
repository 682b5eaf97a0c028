// slow_requests: the slowest requests of the last minutes, for people who watch.
//
// A request is compared with the fastest of those that are kept, which costs one comparison, and is described only if
// it is to be kept; what is older than a minute gives up its place to any other. Owner: shard_server. Thread: its
// shard's.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/stages.hpp>
#include <sluice/core/trace.hpp>
#include <sluice/http/method.hpp>
#include <sluice/http/status.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <span>

namespace sluice {

class route;

struct slow_request
{
    const route* matched = nullptr; // null: nothing is kept here
    http::method method{};
    http::status status{};
    trace_context trace;
    time_point ended_at;
    duration took{};
    duration head{}; // before that: from the head's first byte to its last
    stage_times stages;
};

class slow_requests
{
public:
    static constexpr std::size_t kept = 16;
    static constexpr duration memory = std::chrono::minutes(1);

    [[nodiscard]] bool wants(duration took, time_point ended_at) const noexcept
    {
        return took > least_ || ended_at >= least_until_;
    }
    [[gnu::cold]] void keep(const slow_request& one) noexcept
    {
        const auto old = [&](const slow_request& r) {
            return r.matched == nullptr || r.ended_at + memory <= one.ended_at;
        };
        // First what is old, then the fastest.
        const auto before = [&](const slow_request& a, const slow_request& b) {
            return old(a) != old(b) ? old(a) : a.took < b.took;
        };
        auto place = std::ranges::min_element(all_, before);
        if (old(*place) || place->took < one.took) *place = one;
        place = std::ranges::min_element(all_, before);
        least_ = old(*place) ? duration(-1) : place->took;
        least_until_ = std::ranges::min(all_, {}, &slow_request::ended_at).ended_at + memory;
    }
    [[nodiscard]] std::span<const slow_request> all() const noexcept { return all_; }

private:
    std::array<slow_request, kept> all_{};
    duration least_{-1};       // no slower: not wanted …
    time_point least_until_{}; // … before that: then one of them is old
};

} // namespace sluice
