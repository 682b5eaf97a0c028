// The commands, one file each. Each prints what it has to say and gives the exit status.
#pragma once

#include "command_line.hpp"

namespace sluice::app {

[[nodiscard]] int serve(const loaded_settings& loaded);
[[nodiscard]] int check(const loaded_settings& loaded);
[[nodiscard]] int migrate(const loaded_settings& loaded);
[[nodiscard]] int print_config(const loaded_settings& loaded);
[[nodiscard]] int print_routes(const loaded_settings& loaded);

// "sluice: …" on standard error.
void complain(std::string_view what);

} // namespace sluice::app
