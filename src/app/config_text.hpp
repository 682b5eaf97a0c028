// All settings as lines for people: a TOML document, with the origin of each value in a comment. Secrets are masked.
#pragma once

#include "load_settings.hpp"

#include <string>

namespace sluice::app {

[[nodiscard]] std::string config_text(const loaded_settings& loaded);

} // namespace sluice::app
