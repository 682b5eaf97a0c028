// The `sluice` program: reads the command line and the settings, and runs one command.
#include "command_line.hpp"
#include "commands.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>

namespace sluice::app {
namespace {

int run(const invocation& called)
{
    setting_sources sources = called.sources;
    sources.environment = process_environment();
    const auto loaded = load_settings(sources);
    if (!loaded) {
        complain(loaded.error());
        return status_wrong;
    }
    switch (called.what) {
    case command::serve:
        return serve(*loaded);
    case command::check:
        return check(*loaded);
    case command::migrate:
        return migrate(*loaded);
    case command::config:
        return print_config(*loaded);
    case command::routes:
        return print_routes(*loaded);
    }
    return status_wrong;
}

} // namespace

void complain(std::string_view what) { fmt::print(stderr, "sluice: {}\n", what); }

} // namespace sluice::app

int main(int argc, char** argv)
try {
    namespace app = sluice::app;
    const auto parsed = app::parse_command_line(argc, argv);
    if (const auto* words = std::get_if<app::parting_words>(&parsed)) {
        fmt::print(words->status == app::status_done ? stdout : stderr, "{}", words->text);
        return words->status;
    }
    return app::run(std::get<app::invocation>(parsed));
} catch (const std::exception& failure) {
    sluice::app::complain(failure.what());
    return sluice::app::status_failed;
}
