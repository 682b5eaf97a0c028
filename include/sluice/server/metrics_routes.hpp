// GET /metrics: the metrics of all shards in Prometheus's text format (telemetry/metrics.hpp).
//
//     server.on_admin([](shard&, router& routes) { metrics_routes(routes); });
//
// For the admin listener: the numbers tell a stranger more than he should know. The server's own are there by
// themselves (requests by method, route and status; connections; each shard's loop and ring); an application adds its
// own to shard_metrics().
//
// Thread: the shard that serves it. The text is made on a thread beside it, from numbers that any thread may read: no
// shard is asked or held up.
#pragma once

#include <sluice/telemetry/metrics.hpp>

#pragma GCC visibility push(default)

namespace sluice {

class router;

void metrics_routes(router& to);

// The set of the shard whose thread this is: within server::on_shard() and from then on.
[[nodiscard]] metric_set& shard_metrics() noexcept;

} // namespace sluice

#pragma GCC visibility pop
