// An HTTP client's numbers among those of its shard, told from other clients' by a name: {client="traces"}.
#pragma once

#include <sluice/client/client.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

// On the client's shard. It outlives every scrape.
void show_metrics(metric_set& in, const http::client& of, std::string_view name);

} // namespace sluice

#pragma GCC visibility pop
