#include "command_line.hpp"

#include "setting_table.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace sluice::app {
namespace {

struct command_words
{
    command what;
    std::string_view name;
    std::string_view description;
    bool takes_settings; // as flags; a configuration file all take
};

constexpr std::array commands = {
    command_words{command::serve, "serve", "Run the server (the default command)", true},
    command_words{command::check, "check",
                  "Say whether the server could run here: configuration, kernel, addresses, database", true},
    command_words{command::migrate, "migrate", "Bring the database schema up to date and stop", false},
    command_words{command::config, "config", "Print every setting, its value and where it came from", true},
    command_words{command::routes, "routes", "Print every route, its middleware and its limits", false},
};

constexpr std::string_view footer =
    "Every setting can also be set in a TOML file (--config, or sluice.toml in the working "
    "folder) and in the environment\n(SLUICE_LISTEN, SLUICE_LIMITS_HEADER_BYTES, …). "
    "`sluice config` prints them all.\n\nExit status: 0 done, 1 failed while running, "
    "2 wrong usage or configuration.";

bool names_a_command(std::string_view word)
{
    return std::ranges::find(commands, word, &command_words::name) != commands.end();
}

// `sluice --listen …` means `sluice serve --listen …`; what belongs to no command stays.
std::vector<std::string> with_command(int argc, const char* const* argv)
{
    std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    constexpr std::array<std::string_view, 3> of_no_command = {"-h", "--help", "--version"};
    const bool has_command = !words.empty() && !words.front().starts_with('-');
    const bool needs_none = !words.empty() && std::ranges::find(of_no_command, words.front()) != of_no_command.end();
    if (!has_command && !needs_none) words.insert(words.begin(), "serve");
    return words;
}

class parser
{
public:
    parser()
    {
        app_.set_version_flag("--version", "sluice " SLUICE_VERSION);
        app_.footer(std::string(footer));
        app_.require_subcommand(1);
        for (const command_words& words : commands) add(words);
    }

    std::variant<invocation, parting_words> parse(std::vector<std::string> words)
    {
        if (!words.empty() && !words.front().starts_with('-') && !names_a_command(words.front())) {
            return wrong(fmt::format("unknown command '{}'", words.front()));
        }
        try {
            std::ranges::reverse(words); // as CLI11 takes them
            app_.parse(std::move(words));
        } catch (const CLI::CallForHelp&) {
            return parting_words{app_.help()};
        } catch (const CLI::CallForVersion& version) {
            return parting_words{std::string(version.what()) + "\n"};
        } catch (const CLI::ParseError& failure) {
            return wrong(failure.what());
        }
        return result();
    }

private:
    void add(const command_words& words)
    {
        CLI::App& sub = *app_.add_subcommand(std::string(words.name), std::string(words.description));
        sub.footer(std::string(footer));
        sub.add_option("--config", config_file_, "the configuration file")->type_name("FILE");
        if (!words.takes_settings) return;
        for (const setting& one : setting_table()) {
            if (one.flag.empty()) continue;
            sub.add_option(std::string(one.flag), flags_[one.key], std::string(one.meaning))
                ->type_name(std::string(one.flag_value));
        }
    }

    parting_words wrong(std::string what)
    {
        std::ranges::replace(what, '\n', ' ');
        const auto subs = app_.get_subcommands();
        const std::string of = subs.empty() ? "" : " " + subs.front()->get_name();
        return {fmt::format("sluice: {}; see `sluice{} --help`\n", what, of), status_wrong};
    }

    invocation result()
    {
        const CLI::App& sub = *app_.get_subcommands().front();
        invocation found;
        found.what = std::ranges::find(commands, sub.get_name(), &command_words::name)->what;
        if (sub.count("--config") != 0) found.sources.config_file = config_file_;
        for (const setting& one : setting_table()) {
            const auto* option = one.flag.empty() ? nullptr : sub.get_option_no_throw(std::string(one.flag));
            if (option != nullptr && option->count() != 0) found.sources.flags.emplace_back(one.key, flags_[one.key]);
        }
        return found;
    }

    CLI::App app_{"A server for HTTP APIs on io_uring: one reactor a core, nothing shared.", "sluice"};
    std::string config_file_;
    std::map<std::string_view, std::string> flags_; // stays in place while options refer to its values
};

} // namespace

std::variant<invocation, parting_words> parse_command_line(int argc, const char* const* argv)
{
    return parser().parse(with_command(argc, argv));
}

} // namespace sluice::app
