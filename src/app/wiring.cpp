#include "wiring.hpp"

#include "resources/users/user_routes.hpp"

#include <sluice/core/log.hpp>
#include <sluice/middleware/same_site.hpp>
#include <sluice/server/live_routes.hpp>
#include <sluice/server/log_routes.hpp>
#include <sluice/server/metrics_routes.hpp>
#include <sluice/telemetry/offload_metrics.hpp>

#include <exception>
#include <string>
#include <utility>

namespace sluice::app {
namespace {

constexpr metric_family lines_dropped = {
    "sluice_log_lines_dropped_total", "Log lines that found no room, or whose reader was gone.", metric_kind::counter};

task<result<void>> redis_ready(redis::client& client, const limit::rate_limit* limit)
{
    if (limit != nullptr)
        if (auto decides = limit->ready(); !decides) co_return decides;
    co_return co_await client.ping();
}

void add_redis(health& to, redis::client& client, const limit::rate_limit* limit)
{
    using enum health::importance;
    to.add(
        "redis", [&client, limit] { return redis_ready(client, limit); },
        [limit] { return limit != nullptr && limit->needs_redis() ? needed : helpful; });
}

health& own_health(shard& on, const dependencies& with)
{
    auto& state = on.own<health>();
    state.add(std::string(with.data.kind()), with.data.readiness(on));
    if (with.redis != nullptr) add_redis(state, with.redis->client_of(on), with.limit.all());
    return state;
}

void log_exception(const request& asked, std::exception_ptr thrown)
{
    std::string what = "of an unknown type";
    try {
        std::rethrow_exception(std::move(thrown));
    } catch (const std::exception& known) {
        what = known.what();
    } catch (...) {
        what += ", not derived from std::exception";
    }
    log(log_level::error, "A handler threw", {{"route", asked.route()}, {"exception", what}});
}

} // namespace

void api_routes(router& routes, users::user_service& users, health& state, const std::vector<middleware*>& around)
{
    routes.on_exception(&log_exception);
    state.routes(routes);
    auto resources = routes.group("");
    for (middleware* one : around) resources.use(*one);
    users::user_routes(resources, users);
}

void admin_routes(router& routes, health& state, middleware& guard)
{
    routes.use(guard);
    routes.on_exception(&log_exception);
    state.routes(routes);
    metrics_routes(routes);
    live_routes(routes);
    log_routes(routes);
}

void wire_api(shard& on, router& routes, const dependencies& with)
{
    if (with.traces != nullptr) with.traces->begin_on(on);
    auto& repository = with.data.make_users(on);
    cache::shard_cache* part = with.cache.make_part(on);
    users::user_cache* cached = part == nullptr ? nullptr : &on.own<users::user_cache>(*part, repository);
    auto& users = on.own<users::user_service>(repository, cached);
    redis::client* const redis = with.redis != nullptr ? &with.redis->client_of(on) : nullptr;
    std::vector<middleware*> around;
    // The limit first: who is refused costs nothing behind it.
    for (middleware* one : {with.limit.make(on, redis), with.data.guard(on)})
        if (one != nullptr) around.push_back(one);
    api_routes(routes, users, own_health(on, with), around);
}

void wire_admin(shard& on, router& routes, const dependencies& with)
{
    shard_metrics().read(lines_dropped, {}, [&log = with.log] { return static_cast<double>(log.dropped()); });
    show_metrics(shard_metrics(), with.data.blocking(), with.data.kind());
    if (with.redis != nullptr) show_metrics(shard_metrics(), with.redis->blocking(), "redis");
    if (with.traces != nullptr) show_metrics(shard_metrics(), with.traces->blocking(), "traces");
    admin_routes(routes, own_health(on, with), on.own<same_site>(with.values.admin_names));
}

} // namespace sluice::app
