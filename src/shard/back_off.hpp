// How long to wait before connecting again: twice as long after each failure, up to half a second, with jitter.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/random.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sluice {

inline constexpr duration back_off_min = std::chrono::milliseconds(20);
inline constexpr duration back_off_max = std::chrono::milliseconds(500);

// Between half and all of it, so that shards and processes do not come together.
inline duration jittered(duration d)
{
    return d / 2 + duration(static_cast<std::int64_t>(random_bits() % (static_cast<std::uint64_t>(d.count() / 2) + 1)));
}

inline duration back_off(unsigned failures)
{
    return jittered(std::min(back_off_max, back_off_min * (1U << std::min(failures, 10U))));
}

} // namespace sluice
