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
        return serve(*loaded, sources);
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

int start(int argc, char** argv)
{
    const auto parsed = parse_command_line(argc, argv);
    if (const auto* words = std::get_if<parting_words>(&parsed)) {
        fmt::print(words->status == status_done ? stdout : stderr, "{}", words->text);
        return words->status;
    }
    return run(std::get<invocation>(parsed));
}

// Printed text is buffered: only here is it sure to have left, whatever the command was.
int finish(int status)
{
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
    complain("standard output cannot be written");
    return status_failed;
}

} // namespace

} // namespace sluice::app

int main(int argc, char** argv)
{
    namespace app = sluice::app;
    int status = app::status_failed;
    try {
        status = app::start(argc, argv);
    } catch (const std::exception& failure) {
        if (std::ferror(stdout) == 0) app::complain(failure.what()); // else finish() says it
    }
    return app::finish(status);
}
