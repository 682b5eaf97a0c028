// An offload pool's numbers, told from other pools' by a name: {pool="sqlite"}.
#pragma once

#include <sluice/shard/offload.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

// In the set of one shard alone, for a pool that several use: the numbers of all sets are added up. It outlives every
// scrape.
void show_metrics(metric_set& in, const offload_pool& of, std::string_view name);

} // namespace sluice

#pragma GCC visibility pop
