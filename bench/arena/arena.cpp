// The application of the public benchmark HttpArena. `arena [--listen ADDR:PORT] [--shards N] [--busy-poll auto|off]
// [--database-url URL] [--database-connections N]`
#include "data_set.hpp"
#include "item_cache.hpp"
#include "item_routes.hpp"
#include "routes.hpp"

#include <sluice/postgres/pool.hpp>
#include <sluice/server/server.hpp>
#include <sluice/shard/cpus.hpp>
#include <sluice/shard/offload.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>

namespace {

constexpr std::size_t waiters_max = 16'384; // thousands of clients ask at once, and none is to be refused

struct database_options
{
    std::string url; // none: there is no database
    unsigned connections = 16;
};

arena::item_store& own_store(sluice::shard& on, sluice::offload_pool& blocking, const database_options& options)
{
    auto& database = on.own<sluice::postgres::pool>(
        on, blocking,
        sluice::postgres::pool_options{.url = options.url,
                                       .connections_max = std::max(1U, options.connections / on.count()),
                                       .waiters_max = waiters_max});
    return on.own<arena::item_store>(database);
}

int serve(sluice::server_options options, const database_options& database)
{
    const std::vector<arena::item> items = arena::read_data_set();
    sluice::offload_pool blocking({.threads = 2}); // connects, and outlives the shards
    const unsigned shards = options.shards = options.shards == 0 ? sluice::default_shards() : options.shards;
    sluice::cache::shared_parts cached(shards,
                                       {.ttl = arena::item_time_to_live, .negative_ttl = arena::item_time_to_live});
    sluice::server server(std::move(options));
    server.on_shard([&](sluice::shard& on, sluice::router& routes) {
        arena::add_routes(routes, items);
        arena::item_store* store = database.url.empty() ? nullptr : &own_store(on, blocking, database);
        arena::item_cache* cache = store == nullptr ? nullptr : &on.own<arena::item_cache>(on, cached, *store);
        arena::add_item_routes(routes, store, cache);
    });
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
    database_options database;
    sluice::server_options options;
    CLI::App command("Sluice's application for the benchmark HttpArena");
    command.add_option("--listen", listen, "ADDR:PORT, [v6]:PORT or unix:/path")->capture_default_str();
    command.add_option("--shards", options.shards, "reactors; 0: one for each CPU that the process may use")
        ->capture_default_str();
    command.add_option("--busy-poll", busy_poll, "auto or off")
        ->envname("SLUICE_REACTOR_BUSY_POLL")
        ->check(CLI::IsMember({"auto", "off"}))
        ->capture_default_str();
    command.add_option("--database-url", database.url, "of the PostgreSQL that has the items")->envname("DATABASE_URL");
    command.add_option("--database-connections", database.connections, "of the process, at least one for each shard")
        ->envname("DATABASE_MAX_CONN")
        ->capture_default_str();
    try {
        command.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return command.exit(wrong) == 0 ? 0 : 2;
    }
    options.listen = {listen};
    options.busy_poll = busy_poll == "off" ? sluice::busy_poll_mode::off : sluice::busy_poll_mode::automatic;
    return serve(std::move(options), database);
} catch (const std::exception& failure) {
    std::fprintf(stderr, "arena: %s\n", failure.what());
    return 1;
}
