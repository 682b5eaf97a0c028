// The counter of src/limit/counter.cpp as one script, so that Redis decides for all processes at once and by its own
// clock. Two calls cannot come between each other there, and no process's clock matters.
//
// KEYS[1] holds the counts: for each quota its window's length and the sub-windows that hold something. A client that
// rests costs nothing: the key expires once its last window is empty. Thread: any; constants.
#pragma once

#include "limit/counter.hpp"

#include <sluice/core/error.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/redis/reply.hpp>
#include <sluice/redis/script.hpp>

#include <span>
#include <string_view>

namespace sluice::limit {

// In microseconds. Apart from the rest, so that tests can bring a clock of their own.
inline constexpr std::string_view redis_clock = "local t = redis.call('TIME')\n"
                                                "local now = t[1] * 1000000 + t[2]\n";

extern const std::string_view decision_script; // of `now`
extern const redis::script redis_decision;     // by Redis's clock

// ARGV: cost, want, back and its time, more, anew as 0 or 1, then of each quota: requests, the window in microseconds,
// and the least.
template <class Client>
[[nodiscard]] task<result<redis::reply>> ask_redis(Client& to, const redis::script& s,
                                                   std::span<const std::string_view> keys, const rules& by,
                                                   const question& q)
{
    const auto& r = by.list;
    const auto& l = q.least;
    const std::uint32_t anew = q.anew ? 1 : 0;
    switch (by.size) {
    case 1:
        return to.eval(s, keys, q.cost, q.want, q.back, q.back_at, q.more, anew, r[0].requests, r[0].window, l[0]);
    case 2:
        return to.eval(s, keys, q.cost, q.want, q.back, q.back_at, q.more, anew, r[0].requests, r[0].window, l[0],
                       r[1].requests, r[1].window, l[1]);
    case 3:
        return to.eval(s, keys, q.cost, q.want, q.back, q.back_at, q.more, anew, r[0].requests, r[0].window, l[0],
                       r[1].requests, r[1].window, l[1], r[2].requests, r[2].window, l[2]);
    default:
        return to.eval(s, keys, q.cost, q.want, q.back, q.back_at, q.more, anew, r[0].requests, r[0].window, l[0],
                       r[1].requests, r[1].window, l[1], r[2].requests, r[2].window, l[2], r[3].requests, r[3].window,
                       l[3]);
    }
}

// What the script said. An error where it is no such thing.
[[nodiscard]] result<verdict> read_verdict(const redis::reply& said);

} // namespace sluice::limit
