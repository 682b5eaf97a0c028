// What has been said already: the same reason is said again after a minute at the earliest, and no more than a few in
// one.
//
// For a log that would otherwise have a line for each command, be the reason one or several that take turns. A value,
// used on one thread.
#pragma once

#include <sluice/core/clock.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis {

class said_once
{
public:
    static constexpr duration again_after = std::chrono::minutes(1);
    static constexpr std::size_t reasons_max = 8;

    // Is it to be said? Then it counts as said.
    [[nodiscard]] bool is_news(std::string_view why, time_point now)
    {
        std::erase_if(said_, [now](const reason& one) { return now - one.at >= again_after; });
        if (said_.size() == reasons_max) return false;
        if (std::ranges::find(said_, why, &reason::why) != said_.end()) return false;
        said_.push_back({.why = std::string(why), .at = now});
        return true;
    }
    void forget() noexcept { said_.clear(); }

private:
    struct reason
    {
        std::string why;
        time_point at;
    };
    std::vector<reason> said_;
};

} // namespace sluice::redis
