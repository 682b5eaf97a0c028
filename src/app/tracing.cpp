#include "tracing.hpp"

#include <sluice/client/client.hpp>
#include <sluice/server/metrics_routes.hpp>
#include <sluice/telemetry/http_client_metrics.hpp>
#include <sluice/telemetry/trace_exporter.hpp>

namespace sluice::app {

std::unique_ptr<tracing> tracing::of(const settings& values)
{
    if (values.telemetry.otlp_url.empty()) return nullptr;
    return std::unique_ptr<tracing>(new tracing(values));
}

void tracing::begin_on(shard& on)
{
    auto& http = on.own<http::client>(on, names_, http::client_options{.connections_max = 1});
    trace_exporter_options options{.url = values_.telemetry.otlp_url, .sample_ratio = values_.telemetry.sample_ratio};
    const duration slow = values_.server.access_log.slow;
    options.slow = slow > duration::zero() ? slow : duration::max();
    options.version = SLUICE_VERSION;
    options.metrics = &shard_metrics();
    show_metrics(shard_metrics(), http, "traces");
    on.own<trace_exporter>(on, http, std::move(options));
}

} // namespace sluice::app
