// client_metrics: what a connection of a client counts, as metrics of its shard, and how long its commands took; those
// of several connections are added up. Owner: the connection's client_state. Thread: its shard's; they are read by
// whoever scrapes.
#pragma once

#include "redis/command_name.hpp"
#include "redis/kept_connection.hpp"

#include <sluice/redis/client.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <array>
#include <cstddef>

namespace sluice::redis {

class client_metrics
{
public:
    // The numbers outlive every scrape.
    client_metrics(metric_set& into, const client_counters& commands, const connection_counters& connection);

    // By the command's place among those that are known; all others are one.
    void answered(std::size_t command, duration took)
    {
        latency_histogram*& of = took_[command];
        if (of == nullptr) [[unlikely]]
            of = &find(command);
        of->record(took);
    }

private:
    [[nodiscard, gnu::cold]] latency_histogram& find(std::size_t command);

    metric_set& set_;
    std::array<latency_histogram*, commands_known + 1> took_{};
};

} // namespace sluice::redis
