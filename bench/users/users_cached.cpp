// The users API on PostgreSQL behind the first tier of the cache, with as much telemetry as is asked for: `users_cached
// [--listen ADDR:PORT] [--shards N] [--busy-poll auto|off] [--log FILE] [--metrics on|off] [--traces URL]`, with
// DATABASE_URL in the environment
//
// What `sluice serve` is on its defaults, except that all of it can be off, which measures what it costs. The table of
// users must be there. Values are kept for so long that none expires while it is measured.
#include "program.hpp"
#include "resources/users/postgres_user_repository.hpp"
#include "resources/users/user_cache.hpp"
#include "resources/users/user_routes.hpp"

#include <sluice/cache/shard_cache.hpp>
#include <sluice/client/client.hpp>
#include <sluice/postgres/pool.hpp>
#include <sluice/server/metrics_routes.hpp>
#include <sluice/server/server.hpp>
#include <sluice/shard/cpus.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/telemetry/trace_exporter.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace {

using namespace sluice;

result<void> serve(server_options options, const std::string& url, const std::string& collector)
{
    if (options.shards == 0) options.shards = default_shards();
    offload_pool blocking({.threads = 2}); // connects, looks names up, and outlives the shards
    cache::shared_parts cached(options.shards, {.ttl = std::chrono::minutes(50)});
    const bool metrics = options.metrics;
    server all(std::move(options));
    all.on_shard([&](shard& on, router& routes) {
        metric_set* const shown = metrics ? &shard_metrics() : nullptr;
        if (!collector.empty()) {
            auto& http = on.own<http::client>(on, blocking, http::client_options{.connections_max = 1});
            on.own<trace_exporter>(on, http, trace_exporter_options{.url = collector, .metrics = shown});
        }
        auto& database = on.own<postgres::pool>(on, blocking, postgres::pool_options{.url = url, .metrics = shown});
        auto& repository = on.own<users::postgres_user_repository>(database);
        auto& part = on.own<cache::shard_cache>(on, cached, nullptr);
        if (shown != nullptr) part.expose(*shown);
        auto& users = on.own<users::user_cache>(part, repository);
        users::user_routes(routes, on.own<users::user_service>(repository, &users));
    });
    return all.run();
}

} // namespace

int main(int argc, char** argv)
{
    std::string url;
    std::string collector;
    program made("users_cached", "The users API of Sluice on PostgreSQL and its cache, with telemetry or without");
    made.takes_a_database(url);
    made.can_be_watched();
    made.command.add_option("--traces", collector,
                            "URL of a collector that takes one trace of a hundred; none: no traces");
    return made.run(argc, argv, [&](server_options options) { return serve(std::move(options), url, collector); });
}
