#include "shard/poll_policy.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <limits>

namespace sluice {

namespace {

using namespace std::chrono_literals;

// How long each way looks before it sleeps: longer than most gaps between busy clients, and than a database's answer.
constexpr std::array<duration, 3> looks = {0us, 50us, 200us};
constexpr duration trial_time = 2ms;       // of one window
constexpr unsigned trial_windows = 6;      // each way, and once more
constexpr duration stretch_min = 50ms;     // between trials, after the choice has changed
constexpr duration stretch_max = 600ms;    // … while it stays the same
constexpr std::int64_t busy_per_ms = 4;    // completions: with fewer there is nothing to gain
constexpr std::uint64_t evidence_min = 16; // completions in a way's windows, to judge it at all
constexpr double margin = 0.05;            // the other way must be better by this much

} // namespace

poll_policy::poll_policy(busy_poll_mode mode, duration fixed, cpu_clock cpu) noexcept : cpu_(cpu), stretch_(stretch_min)
{
    if (mode == busy_poll_mode::fixed) budget_ = fixed;
    if (mode == busy_poll_mode::automatic) window_end_ = time_point{}; // the first turn begins the first stretch
}

duration poll_policy::thread_cpu_time() noexcept
{
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + duration(t.tv_nsec);
}

double poll_policy::cost::score() const noexcept
{
    if (completions < evidence_min) return std::numeric_limits<double>::infinity();
    const auto count = static_cast<double>(completions);
    return static_cast<double>(cpu.count()) / count * (static_cast<double>(wall.count()) / count);
}

void poll_policy::end_window(time_point now) noexcept
{
    if (trial_window_ == 0) {
        const std::int64_t milliseconds = (now - window_began_) / 1ms;
        if (static_cast<std::int64_t>(completions_) < busy_per_ms * std::max<std::int64_t>(milliseconds, 1)) {
            choice_ = 0;
            return begin_stretch(now, stretch_min);
        }
        costs_ = {};
    } else {
        cost& way = costs_[(trial_window_ - 1) % ways];
        way.cpu += cpu_() - cpu_began_;
        way.wall += now - window_began_;
        way.completions += completions_;
        if (trial_window_ == trial_windows) return decide(now);
    }
    ++trial_window_;
    begin_trial_window(now);
}

void poll_policy::begin_trial_window(time_point now) noexcept
{
    go((trial_window_ - 1) % ways);
    completions_ = 0;
    cpu_began_ = cpu_();
    window_began_ = now;
    window_end_ = now + trial_time;
}

void poll_policy::decide(time_point now) noexcept
{
    std::size_t best = choice_;
    double demanded = (1 - margin) * costs_[choice_].score();
    for (std::size_t way = 0; way < ways; ++way) {
        if (costs_[way].score() >= demanded) continue;
        best = way;
        demanded = costs_[way].score();
    }
    const bool same = best == choice_;
    choice_ = best;
    begin_stretch(now, same ? std::min(stretch_ * 2, stretch_max) : stretch_min);
}

void poll_policy::begin_stretch(time_point now, duration length) noexcept
{
    trial_window_ = 0;
    go(choice_);
    stretch_ = length;
    completions_ = 0;
    window_began_ = now;
    window_end_ = now + length;
}

void poll_policy::go(std::size_t way) noexcept { budget_ = looks[way]; }

} // namespace sluice
