// The users API on PostgreSQL behind the first tier of the cache, with as much telemetry as is asked for: `users_cached
// [--listen ADDR:PORT] [--shards N] [--busy-poll auto|off] [--log FILE] [--metrics on|off] [--traces URL]`, with
// DATABASE_URL in the environment
//
// What `sluice serve` is on its defaults, except that all of it can be off, which measures what it costs. The table of
// users must be there. Values are kept for so long that none expires while it is measured.
#include "resources/users/postgres_user_repository.hpp"
#include "resources/users/user_cache.hpp"
#include "resources/users/user_routes.hpp"

#include <sluice/cache/shard_cache.hpp>
#include <sluice/client/client.hpp>
#include <sluice/core/log.hpp>
#include <sluice/postgres/pool.hpp>
#include <sluice/server/metrics_routes.hpp>
#include <sluice/server/server.hpp>
#include <sluice/shard/cpus.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/telemetry/log_file.hpp>
#include <sluice/telemetry/trace_exporter.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace {

using namespace sluice;

struct telemetry_options
{
    std::string log;    // a file for access lines; none: they are not written
    std::string traces; // the collector's URL; none: no request records its spans
};

// The process's sink while it lives.
class log_in_use
{
public:
    explicit log_in_use(log_file* log) noexcept { exchange_log_sink(log); }
    ~log_in_use() { exchange_log_sink(nullptr); }
    log_in_use(const log_in_use&) = delete;
    log_in_use& operator=(const log_in_use&) = delete;
};

int failed(const error& why)
{
    std::fprintf(stderr, "users_cached: %s\n", why.detail.c_str());
    return 1;
}

int serve(server_options options, const std::string& url, const telemetry_options& watched)
{
    std::unique_ptr<log_file> log;
    if (!watched.log.empty()) {
        auto opened = log_file::open({.path = watched.log});
        if (!opened) return failed(opened.error());
        log = *std::move(opened);
    }
    const log_in_use used(log.get());
    if (options.shards == 0) options.shards = default_shards();
    offload_pool blocking({.threads = 2}); // connects, looks names up, and outlives the shards
    cache::shared_parts cached(options.shards, {.ttl = std::chrono::minutes(50)});
    const bool metrics = options.metrics;
    server all(std::move(options));
    all.on_shard([&](shard& on, router& routes) {
        metric_set* const shown = metrics ? &shard_metrics() : nullptr;
        if (!watched.traces.empty()) {
            auto& http = on.own<http::client>(on, blocking, http::client_options{.connections_max = 1});
            on.own<trace_exporter>(on, http, trace_exporter_options{.url = watched.traces, .metrics = shown});
        }
        auto& database = on.own<postgres::pool>(on, blocking, postgres::pool_options{.url = url, .metrics = shown});
        auto& repository = on.own<users::postgres_user_repository>(database);
        auto& part = on.own<cache::shard_cache>(on, cached, nullptr);
        if (shown != nullptr) part.expose(*shown);
        auto& users = on.own<users::user_cache>(part, repository);
        users::user_routes(routes, on.own<users::user_service>(repository, &users));
    });
    const auto ended = all.run();
    return ended ? 0 : failed(ended.error());
}

} // namespace

int main(int argc, char** argv)
try {
    std::string listen = "127.0.0.1:8080";
    std::string url;
    std::string busy_poll = "auto";
    std::string metrics = "on";
    server_options options;
    telemetry_options watched;
    CLI::App command("The users API of Sluice on PostgreSQL and its cache, with telemetry or without");
    command.add_option("--listen", listen, "ADDR:PORT, [v6]:PORT or unix:/path")->capture_default_str();
    command.add_option("--shards", options.shards, "reactors; 0: one for each CPU that the process may use")
        ->capture_default_str();
    command.add_option("--busy-poll", busy_poll, "auto or off")
        ->check(CLI::IsMember({"auto", "off"}))
        ->capture_default_str();
    command.add_option("--log", watched.log, "a file for access lines; none: they are not written");
    command.add_option("--metrics", metrics, "on or off")->check(CLI::IsMember({"on", "off"}))->capture_default_str();
    command.add_option("--traces", watched.traces,
                       "URL of a collector that takes one trace of a hundred; none: no traces");
    command.add_option("--database-url", url, "of a PostgreSQL that has users")->envname("DATABASE_URL")->required();
    try {
        command.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return command.exit(wrong) == 0 ? 0 : 2;
    }
    options.listen = {listen};
    options.busy_poll = busy_poll == "off" ? busy_poll_mode::off : busy_poll_mode::automatic;
    options.access_log.lines = !watched.log.empty();
    options.metrics = metrics == "on";
    if (watched.log.empty() && !options.metrics) options.access_log.slow = {};
    return serve(std::move(options), url, watched);
} catch (const std::exception& failure) {
    std::fprintf(stderr, "users_cached: %s\n", failure.what());
    return 1;
}
