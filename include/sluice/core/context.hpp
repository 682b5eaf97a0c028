// What belongs to one request and is known everywhere below it without being passed: trace, deadline, cancellation,
// and where its time goes.
//
// The owner (the connection) keeps the context alive for as long as any task of the request runs. A leaf awaitable
// saves current() when it suspends and restores it when its coroutine runs on, so within a request current() is always
// the request's own. Outside any request it is null. Thread: a shard's own.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/stages.hpp>
#include <sluice/core/thread_local.hpp>
#include <sluice/core/trace.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

class stop_source; // coro/stop.hpp
class span_log;    // core/span.hpp

// Where the cache found what was asked for.
enum class cache_tier : std::uint8_t
{
    none, // it was not asked
    l1,
    l2,
    miss,
};

// "none", "l1", "l2", "miss": as log lines and traces call it.
[[nodiscard]] constexpr std::string_view name(cache_tier tier) noexcept
{
    constexpr std::array<std::string_view, 4> names = {"none", "l1", "l2", "miss"};
    return names[static_cast<std::size_t>(tier)];
}

struct context
{
    trace_context trace = {};
    std::string_view trace_state = {}; // the callers' tracestate, valid; the owner keeps it
    span_log* spans = nullptr;         // where this request's trace may be kept
    time_point deadline = never;
    stop_source* stop = nullptr; // set when nobody waits for the answer any more
    std::string_view task = {};  // what it is: the route's pattern, or what a background task does
    bool debug = false;          // its lines are written whatever their level
    cache_tier cache = cache_tier::none;
    // By the rate limit and the cache: all of it is one command timeout at most.
    duration redis_waited = duration::zero();
    stage_times stages = {};

    [[nodiscard]] static context* current() noexcept;
    static context* exchange_current(context* next) noexcept;
};

namespace detail {
SLUICE_THREAD_LOCAL inline thread_local context* current_context = nullptr;
}

inline context* context::current() noexcept { return detail::current_context; }
inline context* context::exchange_current(context* next) noexcept
{
    return std::exchange(detail::current_context, next);
}

} // namespace sluice

#pragma GCC visibility pop
