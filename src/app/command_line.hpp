// The command line: which command, with which settings from flags; or a text to print and the status to end with.
#pragma once

#include "load_settings.hpp"

#include <cstdint>
#include <string>
#include <variant>

namespace sluice::app {

// Exit statuses, as users rely on them.
inline constexpr int status_done = 0;
inline constexpr int status_failed = 1; // while running
inline constexpr int status_wrong = 2;  // usage or configuration

enum class command : std::uint8_t
{
    serve,
    check,
    migrate,
    config,
    routes,
};

struct invocation
{
    command what = command::serve;
    setting_sources sources; // without the environment
};

// Help, version, or a line that says what is wrong with the usage.
struct parting_words
{
    std::string text;
    int status = status_done;
};

[[nodiscard]] std::variant<invocation, parting_words> parse_command_line(int argc, const char* const* argv);

} // namespace sluice::app
