// Settings from all their sources: flag, then environment, then file, then default.
//
// Nothing is guessed: an unknown key or SLUICE_ variable, a wrong type and an impossible value are problems, and a
// problem is one line that names the key, where it was said (the file and its line, the variable or the flag) and what
// would do.
#pragma once

#include "settings.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::app {

// Read from the working folder if it is there and no other file is named.
inline constexpr std::string_view default_config_file = "sluice.toml";

enum class source : std::uint8_t
{
    default_,
    file,
    environment,
    flag,
};

struct origin
{
    source from = source::default_;
    std::string place; // "sluice.toml:3", "SLUICE_LISTEN", "--listen"; empty for a default
};

struct setting_sources
{
    std::optional<std::string> config_file = {};                      // named by --config: it must be there
    std::vector<std::pair<std::string_view, std::string>> flags = {}; // key and value
    std::vector<std::string> environment = {};                        // "NAME=value"
};

struct loaded_settings
{
    settings values;
    std::vector<origin> origins;     // one for each row of setting_table()
    std::optional<std::string> file; // the file that was read
};

using problem = std::string;

[[nodiscard]] std::expected<loaded_settings, problem> load_settings(const setting_sources& sources);

// This process's environment.
[[nodiscard]] std::vector<std::string> process_environment();

} // namespace sluice::app
