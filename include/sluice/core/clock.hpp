// Time. Deadlines and timers use the monotonic clock; times that people see use the wall clock, in microseconds UTC.
#pragma once

#include <chrono>

#pragma GCC visibility push(default)

namespace sluice {

using steady_clock = std::chrono::steady_clock;
using duration = std::chrono::nanoseconds;
using time_point = std::chrono::time_point<steady_clock, duration>;

// Wall time, as users and rows hold it.
using timestamp = std::chrono::sys_time<std::chrono::microseconds>;

inline constexpr time_point never = time_point::max();

} // namespace sluice

#pragma GCC visibility pop
