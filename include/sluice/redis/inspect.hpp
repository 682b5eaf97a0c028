// Looks at a Redis from outside of any shard: could a server use it? For `sluice check`.
//
// It blocks, for a few times the longer of its two times and a look-up of the name, and leaves nothing there.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/redis/location.hpp>

#include <chrono>
#include <string>

#pragma GCC visibility push(default)

namespace sluice::redis {

struct session_options
{
    location where;
    duration connect_timeout = std::chrono::seconds(1);
    duration command_timeout = std::chrono::milliseconds(250);
};

struct server_state
{
    std::string version;  // "7.0.15"
    std::string eviction; // "allkeys-lru": by which policy it forgets keys before their time; empty where it does not
    duration latency;     // of a PING
};

// Does it answer, which version is it, and may this user do there what clients need? The error says what is in the way
// and what would mend it, for operators; it names the place and no password.
[[nodiscard]] result<server_state> inspect(const session_options& with);

} // namespace sluice::redis

#pragma GCC visibility pop
