// Should a shard poll before it sleeps? Decided by measuring both, and not by guessing from the load.
//
// The problem: polling saves a sleep and a wake-up for each completion where few connections are busy, and burns a
// fifth more CPU where many are, since a sleeping shard gathers completions for one turn. Neither the gaps between
// completions nor how many come at once tells the cases apart. The answer: now and then the shard works for a few
// milliseconds each way (asleep, polling a short time, polling a long one), in turn, and goes on with the way whose
// completions cost least; cost is CPU time times wall time (the energy-delay product), so that a large gain in latency
// wins over a small loss of CPU. A shard with little to do sleeps, without a trial. docs/decisions/0004 and 0009 have
// the measurements.
//
// It reads no clock but the thread's CPU time, twice a trial window, and never makes an idle shard turn.
// Thread: its shard's.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/shard/busy_poll.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

class poll_policy
{
public:
    using cpu_clock = duration (*)() noexcept;

    // `cpu` is the CPU time of this thread; tests bring their own.
    explicit poll_policy(busy_poll_mode mode, duration fixed = {}, cpu_clock cpu = &thread_cpu_time) noexcept;

    // How long to look for completions before this sleep; zero: sleep at once.
    [[nodiscard]] duration budget() const noexcept { return budget_; }
    // A turn begins, with so many completions.
    void turn(time_point now, std::size_t completions) noexcept
    {
        completions_ += completions;
        if (now >= window_end_) end_window(now);
    }

    [[nodiscard]] static duration thread_cpu_time() noexcept;

private:
    static constexpr std::size_t ways = 3; // to wait: asleep at once, after a short look, after a long one
    struct cost
    {
        duration cpu{};
        duration wall{};
        std::uint64_t completions = 0;
        [[nodiscard]] double score() const noexcept;
    };

    void end_window(time_point now) noexcept;
    void begin_trial_window(time_point now) noexcept;
    void decide(time_point now) noexcept;
    void begin_stretch(time_point now, duration length) noexcept;
    void go(std::size_t way) noexcept;

    cpu_clock cpu_;
    duration budget_{};
    time_point window_end_ = never; // never: the mode is fixed
    time_point window_began_{};
    duration stretch_;
    duration cpu_began_{};
    std::uint64_t completions_ = 0;
    unsigned trial_window_ = 0;      // 0: a steady stretch
    std::size_t choice_ = 0;         // of the ways
    std::array<cost, ways> costs_{}; // of each way
};

} // namespace sluice
