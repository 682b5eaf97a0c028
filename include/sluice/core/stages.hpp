// Where a request's time goes: how long it was in each stage, and in which it is now.
//
// The stages share out the time since begin() without overlap, so they add up to it. Of stages that are under way at
// once (a query within a cache's load, two queries side by side) the time counts for the one named last in `stage`.
// stage_timer (core/stage_timer.hpp) enters and leaves them. Owner: a context. Thread: its shard's.
#pragma once

#include <sluice/core/clock.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

enum class stage : std::uint8_t
{
    work, // none of the others: the handler's own, and the turns it waits for
    body, // waiting for the client to send it
    limit,
    cache,
    query,     // a statement, until its answer
    pool_wait, // for a connection to the database, be it within a query
    redis,
    call,  // another service
    write, // waiting for the client to take the answer
};
inline constexpr std::size_t stage_count = static_cast<std::size_t>(stage::write) + 1;

// "work", "body", …, "pool_wait": as log lines and pages call it.
[[nodiscard]] constexpr std::string_view name(stage s) noexcept
{
    constexpr std::array<std::string_view, stage_count> names = {"work",      "body",  "limit", "cache", "query",
                                                                 "pool_wait", "redis", "call",  "write"};
    return names[static_cast<std::size_t>(s)];
}

class stage_times
{
public:
    // From here on time counts; what was counted is forgotten.
    void begin(time_point now) noexcept
    {
        *this = {};
        since_ = now;
    }
    void enter(stage s, time_point now) noexcept
    {
        charge(now);
        const auto index = static_cast<std::size_t>(s);
        if (under_way_[index]++ == 0) set_ |= 1U << index;
    }
    void leave(stage s, time_point now) noexcept
    {
        charge(now);
        const auto index = static_cast<std::size_t>(s);
        if (--under_way_[index] == 0) set_ &= ~(1U << index);
    }
    // Up to the last enter, leave or charge.
    [[nodiscard]] duration spent(stage s) const noexcept { return spent_[static_cast<std::size_t>(s)]; }
    [[nodiscard]] stage now_in() const noexcept
    {
        return set_ == 0 ? stage::work : static_cast<stage>(std::bit_width(set_) - 1);
    }
    void charge(time_point now) noexcept
    {
        if (since_ != time_point()) spent_[static_cast<std::size_t>(now_in())] += now - since_;
        since_ = now;
    }
    // What a hop to another shard found there: taken from the stage in which it was waited for, while that has any. Two
    // hops that were under way at once found more.
    void absorb(const stage_times& hop, time_point now) noexcept
    {
        charge(now);
        duration& waited = spent_[static_cast<std::size_t>(now_in())];
        for (std::size_t i = 1; i < stage_count; ++i) {
            const duration found = std::min(hop.spent_[i], waited);
            spent_[i] += found;
            waited -= found;
        }
    }

private:
    std::array<duration, stage_count> spent_{};
    time_point since_{};
    std::array<std::uint16_t, stage_count> under_way_{};
    std::uint32_t set_ = 0; // of those that are under way
};

} // namespace sluice

#pragma GCC visibility pop
