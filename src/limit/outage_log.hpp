// When the log is told that Redis has gone and come back.
//
// The problem: a Redis that has room for one decision and none for the next, since what it holds expires all the time,
// comes and goes several times a second, for as long as that lasts. The answer: where it is there and does not decide,
// soon after a brief outage, that is the same story. Its beginning is said, and its end only once Redis has stayed for
// a while. A value that knows no clock, used by one thread at a time.
#pragma once

#include "shard/back_off.hpp"

#include <sluice/core/clock.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice::limit {

enum class outage_of : std::uint8_t
{
    connections, // Redis is away
    decisions,   // it is there
};

class outage_log
{
public:
    static constexpr duration brief = back_off_max;
    static constexpr duration quiet_after = std::chrono::seconds(10);

    // Is it to be said?
    [[nodiscard]] bool begins(time_point now, outage_of what) noexcept
    {
        began_ = now;
        if (said_) return false;
        comes_and_goes_ = what == outage_of::decisions && brief_end_ && now - *brief_end_ < quiet_after;
        return said_ = true;
    }
    // The same; if not, settles() is to be asked after a while.
    [[nodiscard]] bool ends(time_point now) noexcept
    {
        ended_ = now;
        brief_end_.reset();
        if (now - began_ < brief) brief_end_ = now;
        if (comes_and_goes_) return false;
        said_ = false;
        return true;
    }
    // Unless another has begun: is it to be said now that the last is over?
    [[nodiscard]] bool settles(time_point now) noexcept
    {
        if (!said_ || now - ended_ < quiet_after) return false;
        said_ = comes_and_goes_ = false;
        return true;
    }

private:
    time_point began_ = {};
    time_point ended_ = {};
    std::optional<time_point> brief_end_; // of the last one, if that was brief
    bool said_ = false;                   // that one has begun, and not that it is over
    bool comes_and_goes_ = false;
};

} // namespace sluice::limit
