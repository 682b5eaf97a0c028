// The counter of src/limit/counter.cpp as one script, so that Redis decides for all processes at once and by its own
// clock. Two calls cannot come between each other there, and no process's clock matters.
//
// KEYS[1] holds the counts: for each quota its window's length and the sub-windows that hold something. A client that
// rests costs nothing: the key expires once its last window is empty. Thread: any; constants.
#pragma once

#include "limit/counter.hpp"

#include <sluice/core/error.hpp>
#include <sluice/redis/reply.hpp>
#include <sluice/redis/script.hpp>

#include <string_view>

namespace sluice::limit {

// In microseconds. Apart from the rest, so that tests can bring a clock of their own.
inline constexpr std::string_view redis_clock = "local t = redis.call('TIME')\n"
                                                "local now = t[1] * 1000000 + t[2]\n";

extern const std::string_view decision_script; // of `now`
extern const redis::script redis_decision;     // by Redis's clock

// ARGV: the question, then each quota's requests and its window in microseconds.
template <class Client, class Keys>
[[nodiscard]] auto ask_redis(Client& to, const redis::script& s, const Keys& keys, const rules& by, const question& q)
{
    const auto& r = by.list;
    switch (by.size) {
    case 1:
        return to.eval(s, keys, q.cost, q.want, q.back, q.back_at, q.least, q.unheard, r[0].requests, r[0].window);
    case 2:
        return to.eval(s, keys, q.cost, q.want, q.back, q.back_at, q.least, q.unheard, r[0].requests, r[0].window,
                       r[1].requests, r[1].window);
    case 3:
        return to.eval(s, keys, q.cost, q.want, q.back, q.back_at, q.least, q.unheard, r[0].requests, r[0].window,
                       r[1].requests, r[1].window, r[2].requests, r[2].window);
    default:
        return to.eval(s, keys, q.cost, q.want, q.back, q.back_at, q.least, q.unheard, r[0].requests, r[0].window,
                       r[1].requests, r[1].window, r[2].requests, r[2].window, r[3].requests, r[3].window);
    }
}

// What the script said. An error where it is no such thing.
[[nodiscard]] result<verdict> read_verdict(const redis::reply& said);

} // namespace sluice::limit
