// How long reads and writes take, among the metrics of the shard that asks for them (telemetry/database_metrics.hpp).
//
//     s.own<sqlite::operation_metrics>(shard_metrics());
//
// The problem: a database belongs to all shards, and a histogram to one. The answer: what is asked for on a shard that
// owns this is recorded there, of whatever database. By what is done, read or write: a function runs any statements.
//
// One a thread, owned by its shard. The set outlives it.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/latency_histogram.hpp>

#include <cstdint>

#pragma GCC visibility push(default)

namespace sluice {
class metric_set; // telemetry/metrics.hpp
}

namespace sluice::sqlite {

class operation_metrics
{
public:
    explicit operation_metrics(metric_set& into);
    ~operation_metrics();
    operation_metrics(const operation_metrics&) = delete;
    operation_metrics& operator=(const operation_metrics&) = delete;

private:
    friend class operation_timing;
    latency_histogram& reads_;
    latency_histogram& writes_;
};

// Counts an operation when its waiting ends, however it does. Within a database's read and write.
class operation_timing
{
public:
    enum class kind : std::uint8_t
    {
        read,
        write,
    };
    explicit operation_timing(kind what) noexcept;
    ~operation_timing();
    operation_timing(const operation_timing&) = delete;
    operation_timing& operator=(const operation_timing&) = delete;

private:
    latency_histogram* into_; // null: nobody wants to know
    time_point began_;
};

} // namespace sluice::sqlite

#pragma GCC visibility pop
