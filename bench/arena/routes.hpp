// The benchmark's endpoints, by its production rules: every answer is made for its request, as any user would make it.
#pragma once

#include "data_set.hpp"

#include <sluice/route/router.hpp>

#include <span>

namespace arena {

// The items must outlive the router.
void add_routes(sluice::router& routes, std::span<const item> items);

} // namespace arena
