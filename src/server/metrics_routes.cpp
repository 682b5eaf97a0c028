#include "server/shard_server.hpp"

#include <sluice/core/pool.hpp>
#include <sluice/http/response.hpp>
#include <sluice/route/router.hpp>
#include <sluice/server/metrics_routes.hpp>
#include <sluice/shard/offload.hpp>

#include <string>
#include <utility>

namespace sluice {

metric_set& shard_metrics() noexcept { return shard_server::current().metric_set(); }

namespace {

task<result<response>> scrape()
{
    const auto text = co_await offload(shard_server::current().scrapes(), &prometheus_text);
    if (!text) co_return fail(text.error());
    response made;
    made.header("Cache-Control", "no-store");
    made.body(pooled_string(*text), prometheus_content_type);
    co_return made;
}

} // namespace

void metrics_routes(router& to)
{
    to.get("/metrics", [](request&) { return scrape(); });
}

} // namespace sluice
