// The users API over HTTP: what is asked for, what is answered. Rules are the service's.
#pragma once

#include "resources/users/user_service.hpp"

#include <sluice/route/router.hpp>

namespace sluice::users {

// Registers /users and /users/{id}. The service outlives the router.
void user_routes(route_group& routes, user_service& users);

} // namespace sluice::users
