// The application of the public benchmark HttpArena. `arena [--listen ADDR:PORT] [--shards N] [--busy-poll auto|off]`
#include "data_set.hpp"
#include "routes.hpp"

#include <sluice/server/server.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>

namespace {

int serve(sluice::server_options options)
{
    const std::vector<arena::item> items = arena::read_data_set();
    sluice::server server(std::move(options));
    server.on_shard([&items](sluice::shard&, sluice::router& routes) { arena::add_routes(routes, items); });
    server.on_ready([](const std::vector<std::string>& listening) {
        for (const std::string& address : listening) std::printf("listening on %s\n", address.c_str());
        std::fflush(stdout);
    });
    if (const auto ended = server.run(); !ended) {
        std::fprintf(stderr, "arena: %s\n", ended.error().detail.c_str());
        return 1;
    }
    return 0;
}

} // namespace

int main(int argc, char** argv)
try {
    std::string listen = "127.0.0.1:8080";
    std::string busy_poll = "auto";
    sluice::server_options options;
    CLI::App command("Sluice's application for the benchmark HttpArena");
    command.add_option("--listen", listen, "ADDR:PORT, [v6]:PORT or unix:/path")->capture_default_str();
    command.add_option("--shards", options.shards, "reactors; 0: one for each CPU that the process may use")
        ->capture_default_str();
    command.add_option("--busy-poll", busy_poll, "auto or off")
        ->envname("SLUICE_REACTOR_BUSY_POLL")
        ->check(CLI::IsMember({"auto", "off"}))
        ->capture_default_str();
    try {
        command.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return command.exit(wrong) == 0 ? 0 : 2;
    }
    options.listen = {listen};
    options.busy_poll = busy_poll == "off" ? sluice::busy_poll_mode::off : sluice::busy_poll_mode::automatic;
    return serve(std::move(options));
} catch (const std::exception& failure) {
    std::fprintf(stderr, "arena: %s\n", failure.what());
    return 1;
}
