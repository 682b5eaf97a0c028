#include "commands.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace sluice::app {

void complain(std::string_view what) { fmt::print(stderr, "sluice: {}\n", what); }

} // namespace sluice::app
