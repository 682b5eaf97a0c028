#include "wiring.hpp"

#include "resources/users/user_routes.hpp"

#include <sluice/core/log.hpp>
#include <sluice/middleware/same_site.hpp>
#include <sluice/server/live_routes.hpp>
#include <sluice/server/metrics_routes.hpp>

#include <exception>
#include <string>
#include <utility>

namespace sluice::app {
namespace {

health& own_health(shard& on, const dependencies& with)
{
    auto& state = on.own<health>();
    state.add(std::string(with.data.kind()), with.data.readiness(on));
    if (with.redis != nullptr) state.add("redis", with.redis->readiness(on), health::importance::helpful);
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

void api_routes(router& routes, users::user_service& users, health& state, middleware* guard)
{
    routes.on_exception(&log_exception);
    state.routes(routes);
    auto resources = routes.group("");
    if (guard != nullptr) resources.use(*guard);
    users::user_routes(resources, users);
}

void admin_routes(router& routes, health& state, middleware& guard)
{
    routes.use(guard);
    routes.on_exception(&log_exception);
    state.routes(routes);
    metrics_routes(routes);
    live_routes(routes);
}

void wire_api(shard& on, router& routes, const dependencies& with)
{
    auto& users = on.own<users::user_service>(with.data.make_users(on));
    api_routes(routes, users, own_health(on, with), with.data.guard(on));
}

void wire_admin(shard& on, router& routes, const dependencies& with)
{
    admin_routes(routes, own_health(on, with), on.own<same_site>(with.values.admin_names));
}

} // namespace sluice::app
