// A Lua script that Redis runs as one command, known to it by its digest.
//
//     constexpr script take{"return redis.call('DECRBY', KEYS[1], ARGV[1])"};
//     const std::array<std::string_view, 1> keys = {"budget"};
//     auto left = co_await redis.eval(take, keys, 5);
//
// Of static storage duration, or at least of the client's: clients know a script by its address.
#pragma once

#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::redis {

struct script
{
    std::string_view text;
};

// Stands in a call until the digest is known: as long as one.
inline constexpr std::string_view digest_placeholder = "0000000000000000000000000000000000000000";

} // namespace sluice::redis

#pragma GCC visibility pop
