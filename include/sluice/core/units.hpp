// Sizes and durations as people write them in settings: "64KiB", "1MiB", "250ms", "2s", "5m".
#pragma once

#include <sluice/core/clock.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

enum class bytes : std::uint64_t
{
};
[[nodiscard]] constexpr std::uint64_t count(bytes b) noexcept { return static_cast<std::uint64_t>(b); }

// A whole number and a unit: B, KiB, MiB, GiB; a bare number is bytes. Nothing if it is not one or overflows.
[[nodiscard]] std::optional<bytes> parse_bytes(std::string_view text) noexcept;
// A whole number and a unit: us, ms, s, m, h; a bare 0 is no time. Nothing if it is not one or overflows.
[[nodiscard]] std::optional<duration> parse_duration(std::string_view text) noexcept;
// The shortest exact form that the parsers read back.
[[nodiscard]] std::string to_string(bytes b);
[[nodiscard]] std::string to_string(duration d);

} // namespace sluice

#pragma GCC visibility pop
