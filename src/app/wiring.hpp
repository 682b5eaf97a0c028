// Which parts the server is made of, and which routes they bring: chosen here and nowhere else.
#pragma once

#include "resources/users/user_service.hpp"

#include <sluice/route/router.hpp>
#include <sluice/server/health.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/sqlite/database.hpp>

namespace sluice::app {

// The routes of each listener. What they refer to outlives the router.
void api_routes(router& routes, users::user_service& users, health& state);
void admin_routes(router& routes, health& state);

// Makes a shard's parts, which live as long as the shard, and registers their routes. The database outlives all shards.
void wire_api(shard& on, router& routes, sqlite::database& database);
void wire_admin(shard& on, router& routes, sqlite::database& database);

} // namespace sluice::app
