// Keeps the traces worth keeping and sends them to a collector: OTLP over HTTP, in JSON, a batch at a time.
//
//     auto& exporter = s.own<trace_exporter>(s, s.own<http::client>(s, blocking), options);
//
// While it lives, the requests of its shard record their spans (core/span.hpp). At a request's end it keeps the trace
// if it is sampled, by a trusted caller's word or by the ratio, or if it failed (5xx) or was slow; the rest is
// forgotten. What is kept is text at once, in a bounded buffer. A collector that is away, slow or wrong costs that
// buffer, and as much again twice at worst, for the copy that is being sent and for what buffers have in reserve: what
// does not fit is dropped and counted, and what was not taken, a batch or spans of it, is not sent again. Two batches
// leave when the shard ends; what ends behind them is dropped and counted, too.
//
// Owned by a shard, used on it alone, one at a time; it must die on it, after the shard's background tasks and before
// the client (shard::own does that, in that order).
#pragma once

#include <sluice/client/client.hpp>
#include <sluice/core/published.hpp>
#include <sluice/core/span.hpp>
#include <sluice/shard/shard.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#pragma GCC visibility push(default)

namespace sluice {

class metric_set; // telemetry/metrics.hpp

struct trace_exporter_options
{
    std::string url = {}; // the collector's, without path or with the whole one: "http://127.0.0.1:4318"
    double sample_ratio = 0.01;
    duration slow = std::chrono::milliseconds(500); // kept, whatever the ratio
    std::string service = "sluice";
    std::string version = {};
    duration interval = std::chrono::seconds(5);          // between batches, at most
    duration timeout = std::chrono::seconds(10);          // for a batch
    std::size_t batch_bytes = std::size_t{128} << 10;     // sent before the interval is over
    std::size_t pending_bytes_max = std::size_t{1} << 20; // of spans that wait or are on their way
    metric_set* metrics = nullptr;                        // where its numbers are shown; it outlives the exporter
};

struct trace_exporter_counters
{
    event_count kept;     // spans
    event_count exported; // spans that the collector took
    event_count dropped; // spans that it did not take, for which there was no room, or that ended behind the last batch
    event_count batches;
    event_count failed; // batches
};

class trace_exporter final : public span_sink
{
public:
    trace_exporter(shard& on, http::client& through, trace_exporter_options options);
    ~trace_exporter();
    trace_exporter(const trace_exporter&) = delete;
    trace_exporter& operator=(const trace_exporter&) = delete;

    [[nodiscard]] bool samples(const trace_context& started) const noexcept override;
    void take(const finished_trace& finished) noexcept override;

    [[nodiscard]] const trace_exporter_counters& counters() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace sluice

#pragma GCC visibility pop
