// The benchmark's endpoints that need a database: /async-db and /crud/items.
#pragma once

#include "item_cache.hpp"
#include "item_store.hpp"

#include <sluice/route/router.hpp>

namespace arena {

// Without a store and its cache there is only /async-db, which then finds nothing. Both must outlive the router.
void add_item_routes(sluice::router& routes, item_store* items, item_cache* cache);

} // namespace arena
