#include "shard/poll_policy.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>

namespace sluice {

namespace {

using namespace std::chrono_literals;

constexpr duration poll_time = 50us;       // of one wait: longer than most gaps that polling pays for
constexpr duration trial_time = 2ms;       // of one window
constexpr unsigned trial_windows = 4;      // asleep, polling, asleep, polling
constexpr duration stretch_min = 50ms;     // between trials, after the choice has changed
constexpr duration stretch_max = 400ms;    // … while it stays the same
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
    return static_cast<double>(cpu.count()) / count * std::sqrt(static_cast<double>(wall.count()) / count);
}

void poll_policy::end_window(time_point now) noexcept
{
    if (trial_window_ == 0) {
        const std::int64_t milliseconds = (now - window_began_) / 1ms;
        if (static_cast<std::int64_t>(completions_) < busy_per_ms * std::max<std::int64_t>(milliseconds, 1)) {
            polls_ = false;
            return begin_stretch(now, stretch_min);
        }
        costs_ = {};
    } else {
        cost& way = costs_[trial_window_ % 2 == 0];
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
    poll(trial_window_ % 2 == 0);
    completions_ = 0;
    cpu_began_ = cpu_();
    window_began_ = now;
    window_end_ = now + trial_time;
}

void poll_policy::decide(time_point now) noexcept
{
    const double demanded = polls_ ? 1 + margin : 1 - margin;
    const bool better = costs_[1].score() < demanded * costs_[0].score();
    const bool same = better == polls_;
    polls_ = better;
    begin_stretch(now, same ? std::min(stretch_ * 2, stretch_max) : stretch_min);
}

void poll_policy::begin_stretch(time_point now, duration length) noexcept
{
    trial_window_ = 0;
    poll(polls_);
    stretch_ = length;
    completions_ = 0;
    window_began_ = now;
    window_end_ = now + length;
}

void poll_policy::poll(bool yes) noexcept { budget_ = yes ? poll_time : duration{}; }

} // namespace sluice
