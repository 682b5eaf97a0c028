// Timestamps as text: RFC 3339 in UTC with microseconds, "2026-01-31T12:00:00.000001Z"; always 27 characters.
#pragma once

#include <sluice/core/clock.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

inline constexpr std::size_t timestamp_size = 27;

[[nodiscard]] timestamp wall_now() noexcept;
void write_timestamp(timestamp t, char* out) noexcept;
[[nodiscard]] std::string to_string(timestamp t);
// RFC 3339 with any offset and up to nine fractional digits (cut to microseconds); nothing for anything else.
[[nodiscard]] std::optional<timestamp> parse_timestamp(std::string_view text) noexcept;

} // namespace sluice

#pragma GCC visibility pop
