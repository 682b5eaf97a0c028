// What the programs of this folder have in common: their command line, an access log, and the end.
//
//     program made("users_x", "The users API on …");
//     made.command.add_option("--id", id, …);
//     return made.run(argc, argv, [&](server_options options) { …; return server(…).run(); });
#pragma once

#include <sluice/core/log.hpp>
#include <sluice/server/server.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace sluice {

class program
{
public:
    program(std::string name, const std::string& about) : command(about, name), name_(std::move(name))
    {
        command.add_option("--listen", listen_, "ADDR:PORT, [v6]:PORT or unix:/path")->capture_default_str();
        command.add_option("--shards", options_.shards, "reactors; 0: one for each CPU that the process may use")
            ->capture_default_str();
    }
    ~program() { exchange_log_sink(nullptr); }
    program(const program&) = delete;
    program& operator=(const program&) = delete;

    void takes_a_database(std::string& url)
    {
        command.add_option("--database-url", url, "of a PostgreSQL that has users")
            ->envname("DATABASE_URL")
            ->required();
    }
    void can_be_watched()
    {
        command.add_option("--busy-poll", busy_poll_, "auto or off")
            ->check(CLI::IsMember({"auto", "off"}))
            ->capture_default_str();
        command.add_option("--log", log_path_, "a file for access lines; none: they are not written");
        command.add_option("--metrics", metrics_, "on or off")
            ->check(CLI::IsMember({"on", "off"}))
            ->capture_default_str();
    }

    // The exit status. `serve` is given the server's options, and gives a result<void>.
    template <class Serve> int run(int argc, char** argv, Serve serve)
    try {
        try {
            command.parse(argc, argv);
        } catch (const CLI::ParseError& wrong) {
            return command.exit(wrong) == 0 ? 0 : 2;
        }
        options_.listen = {listen_};
        options_.busy_poll = busy_poll_ == "off" ? busy_poll_mode::off : busy_poll_mode::automatic;
        options_.access_log.lines = !log_path_.empty();
        options_.metrics = metrics_ == "on";
        if (log_path_.empty() && !options_.metrics) options_.access_log.slow = {};
        if (!log_path_.empty()) {
            auto opened = log_file::open({.path = log_path_});
            if (!opened) return failed(opened.error().detail);
            log_ = *std::move(opened);
            exchange_log_sink(log_.get());
        }
        const result<void> ended = serve(std::move(options_));
        return ended ? 0 : failed(ended.error().detail);
    } catch (const std::exception& failure) {
        return failed(failure.what());
    }

    CLI::App command;

private:
    [[nodiscard]] int failed(const std::string& why) const
    {
        std::fprintf(stderr, "%s: %s\n", name_.c_str(), why.c_str());
        return 1;
    }

    std::string name_;
    std::string listen_ = "127.0.0.1:8080";
    std::string busy_poll_ = "auto";
    std::string log_path_;
    std::string metrics_ = "on";
    server_options options_;
    std::unique_ptr<log_file> log_;
};

} // namespace sluice
