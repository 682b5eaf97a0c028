// A command's name, for its span and its metrics, as text that lives as long as the program: a span may outlive the
// command's bytes, and metrics have one series for each name.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::redis {

inline constexpr std::size_t commands_known = 165;

// Of a command as command_line writes it, name in capitals: its place among those that are known here; commands_known
// for one that is not.
[[nodiscard]] std::size_t place_of_command(std::string_view bytes) noexcept;
// Empty for one that is not known.
[[nodiscard]] std::string_view name_of_command(std::size_t place) noexcept;

} // namespace sluice::redis
