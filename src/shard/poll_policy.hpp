// Should a shard poll before it sleeps, and for how long? A rule without a clock or a ring of its own.
//
// Polling pays when the next completion comes sooner than a sleep and a wake-up cost; it burns when many connections
// keep the shard busy anyway, since a sleeping shard gathers more completions for one turn. Both show in what a turn
// finds: see docs/decisions/0002-busy-poll.md for the measurements.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/shard/busy_poll.hpp>

#include <cstddef>
#include <cstdint>

namespace sluice {

class poll_policy
{
public:
    explicit poll_policy(busy_poll_mode mode, duration fixed = {}) noexcept : mode_(mode), fixed_(fixed) {}

    // How long to poll before this sleep; 0: sleep at once.
    [[nodiscard]] duration budget() const noexcept;
    // A wait is over: how long it took until completions came, and how many came at once.
    void observe(duration waited, std::size_t completions) noexcept;

private:
    busy_poll_mode mode_;
    duration fixed_;
    duration waited_{std::chrono::milliseconds(1)}; // moving averages
    std::uint64_t completions_x16_ = 16 * 16;
};

} // namespace sluice
