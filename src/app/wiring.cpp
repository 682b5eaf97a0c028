#include "wiring.hpp"

#include "resources/users/sqlite_user_repository.hpp"
#include "resources/users/user_routes.hpp"

#include <sluice/core/log.hpp>

#include <exception>
#include <string>
#include <utility>

namespace sluice::app {
namespace {

// Reads from the file, which a statement without a table would not.
task<result<void>> ping(sqlite::database& database)
{
    auto answered = co_await database.read([](sqlite::connection& c) -> result<void> {
        auto tables =
            c.query_one("SELECT count(*) FROM sqlite_schema", [](const sqlite::row& r) { return r.get<int>(0); });
        if (!tables) return std::unexpected(std::move(tables).error());
        return {};
    });
    co_return answered;
}

health& own_health(shard& on, sqlite::database& database)
{
    auto& state = on.own<health>();
    state.add("sqlite", [&database] { return ping(database); });
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

void api_routes(router& routes, users::user_service& users, health& state)
{
    routes.on_exception(&log_exception);
    state.routes(routes);
    users::user_routes(routes, users);
}

void admin_routes(router& routes, health& state)
{
    routes.on_exception(&log_exception);
    state.routes(routes);
}

void wire_api(shard& on, router& routes, sqlite::database& database)
{
    auto& repository = on.own<users::sqlite_user_repository>(database);
    auto& users = on.own<users::user_service>(repository);
    api_routes(routes, users, own_health(on, database));
}

void wire_admin(shard& on, router& routes, sqlite::database& database)
{
    admin_routes(routes, own_health(on, database));
}

} // namespace sluice::app
