// What clients of this layer are told: Redis's words become codes here, and nowhere else.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/redis/client.hpp>
#include <sluice/redis/reply.hpp>

#include <string>
#include <string_view>

namespace sluice::redis {

// The error that a failure stands for.
[[nodiscard]] error error_of(const reply& failure);
struct fault
{
    std::string_view word; // the failure's first
    bool passes;           // by itself, or once an operator has helped; else it is the program's, or one of its rights
};
[[nodiscard]] fault fault_in(const reply& failure) noexcept;
// The server's words for operators, not too many, and without what they quote of an unknown command. Of a fault that
// does not pass they may quote a key or a value all the same.
[[nodiscard]] std::string_view words_of(const reply& failure) noexcept;
// Is the script unknown to the server?
[[nodiscard]] bool no_script(const reply& r) noexcept;

// Is the server a replica, which takes no writes?
[[nodiscard]] bool only_reads(const reply& r) noexcept;

[[nodiscard]] error unavailable(std::string detail);
[[nodiscard]] error overloaded();
[[nodiscard]] error command_too_large();
// It was sent, and its reply will never come.
[[nodiscard]] error lost(effect does);
// Its reply did not come in time; `sent`: it may still be done.
[[nodiscard]] error too_late(effect does, bool sent);

} // namespace sluice::redis
