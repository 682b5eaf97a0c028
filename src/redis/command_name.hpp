// A command's name, for its span, as text that lives as long as the program: a span may outlive the command's bytes.
#pragma once

#include <string_view>

namespace sluice::redis {

// Of a command as command_line writes it, name in capitals. Empty for one that is not among those that are known here.
[[nodiscard]] std::string_view name_of_command(std::string_view bytes) noexcept;

} // namespace sluice::redis
