// own_metrics: a shard's set of metrics, found by shard_metrics() while it lives. Owner: the shard.
#pragma once

#include <sluice/telemetry/metrics.hpp>

namespace sluice {

struct own_metrics
{
    own_metrics() noexcept;
    ~own_metrics();
    own_metrics(const own_metrics&) = delete;
    own_metrics& operator=(const own_metrics&) = delete;

    metric_set set;
};

} // namespace sluice
