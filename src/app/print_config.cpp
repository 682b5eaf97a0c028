// `sluice config`: every setting, its value and where it came from; as TOML, so that it can be put into a file.
#include "commands.hpp"
#include "config_text.hpp"

#include <fmt/format.h>

namespace sluice::app {

int print_config(const loaded_settings& loaded)
{
    fmt::print("{}", config_text(loaded));
    return status_done;
}

} // namespace sluice::app
