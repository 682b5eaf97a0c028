// What clients of this layer are told: Redis's words become codes here, and nowhere else.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/redis/client.hpp>
#include <sluice/redis/reply.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace sluice::redis {

// The error that a failure stands for.
[[nodiscard]] error error_of(const reply& failure);
// The failure's first word, where it is a fault of the program or of its rights. Whatever stands behind that word may
// quote a key or a value.
[[nodiscard]] std::optional<std::string_view> fault_in(const reply& failure) noexcept;
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
