// The commands, one file each. Each prints what it has to say and gives the exit status.
#pragma once

#include "command_line.hpp"

namespace sluice::app {

// `sources`: where the settings came from, to be read again on SIGHUP.
[[nodiscard]] int serve(const loaded_settings& loaded, const setting_sources& sources);
[[nodiscard]] int check(const loaded_settings& loaded);
[[nodiscard]] int migrate(const loaded_settings& loaded);
[[nodiscard]] int print_config(const loaded_settings& loaded);
[[nodiscard]] int print_routes(const loaded_settings& loaded);

// "sluice: …" on standard error.
void complain(std::string_view what);

} // namespace sluice::app
