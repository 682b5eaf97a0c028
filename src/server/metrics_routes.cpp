#include "server/shard_server.hpp"

#include <sluice/core/pool.hpp>
#include <sluice/http/response.hpp>
#include <sluice/route/router.hpp>
#include <sluice/server/metrics_routes.hpp>

#include <string>
#include <utility>

namespace sluice {

metric_set& shard_metrics() noexcept { return shard_server::current().metric_set(); }

void metrics_routes(router& to)
{
    to.get("/metrics", [](http::request&) {
        http::response made;
        made.header("Cache-Control", "no-store");
        made.body(pooled_string(prometheus_text()), prometheus_content_type);
        return made;
    });
}

} // namespace sluice
