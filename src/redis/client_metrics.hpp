// What a connection of a client counts, as metrics of its shard; those of several connections are added up.
#pragma once

#include "redis/kept_connection.hpp"

#include <sluice/redis/client.hpp>
#include <sluice/telemetry/metrics.hpp>

namespace sluice::redis {

// The numbers outlive every scrape.
void show_metrics(metric_set& in, const client_counters& commands, const connection_counters& connection);

} // namespace sluice::redis
