// What clients of this layer are told: Redis's words become codes here, and nowhere else.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/redis/client.hpp>
#include <sluice/redis/reply.hpp>

#include <string>

namespace sluice::redis {

// The error that a failure stands for; logged where it is a fault of the program.
[[nodiscard]] error error_of(const reply& failure);
// Is the script unknown to the server?
[[nodiscard]] bool no_script(const reply& r) noexcept;

// Is the server a replica, which takes no writes?
[[nodiscard]] bool only_reads(const reply& r) noexcept;

[[nodiscard]] error unavailable(std::string detail);
// It was sent, and its reply will never come.
[[nodiscard]] error lost(effect does);
// Its reply did not come in time; `sent`: it may still be done.
[[nodiscard]] error too_late(effect does, bool sent);

} // namespace sluice::redis
