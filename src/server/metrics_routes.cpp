#include "server/metrics_routes.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/thread_local.hpp>
#include <sluice/http/response.hpp>
#include <sluice/route/router.hpp>
#include <sluice/server/metrics_routes.hpp>

#include <string>
#include <utility>

namespace sluice {
namespace {

SLUICE_THREAD_LOCAL thread_local metric_set* of_this_shard = nullptr;

} // namespace

own_metrics::own_metrics() noexcept { of_this_shard = &set; }
own_metrics::~own_metrics() { of_this_shard = nullptr; }

metric_set& shard_metrics() noexcept
{
    SLUICE_ASSERT(of_this_shard != nullptr); // this thread is no shard of a server
    return *of_this_shard;
}

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
