// Which parts the server is made of, and which routes they bring: chosen here and nowhere else.
#pragma once

#include "database.hpp"
#include "process_cache.hpp"
#include "redis_clients.hpp"
#include "request_limit.hpp"
#include "resources/users/user_service.hpp"
#include "tracing.hpp"

#include <sluice/route/router.hpp>
#include <sluice/server/health.hpp>
#include <sluice/shard/shard.hpp>

#include <vector>

namespace sluice::app {

// The routes of each listener. What they refer to outlives the router. `around` stands before every resource, the
// outermost first; health answers without it. `guard` stands before all of the admin listener.
void api_routes(router& routes, users::user_service& users, health& state, const std::vector<middleware*>& around);
void admin_routes(router& routes, health& state, middleware& guard);

// What all shards have in common, and what outlives them.
struct dependencies
{
    const settings& values;
    database& data;
    redis_clients* redis; // null: none
    request_limit& limit;
    process_cache& cache;
    const log_file& log;
    tracing* traces; // null: nobody keeps any
};

// Makes a shard's parts, which live as long as the shard, and registers their routes: the API's first, on every shard.
void wire_api(shard& on, router& routes, const dependencies& with);
void wire_admin(shard& on, router& routes, const dependencies& with);

} // namespace sluice::app
