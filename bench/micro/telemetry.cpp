// What it costs to watch: a log line, a record in a histogram, a scrape, a trace's identity.
#include <sluice/core/context.hpp>
#include <sluice/core/latency_histogram.hpp>
#include <sluice/core/log.hpp>
#include <sluice/core/trace.hpp>
#include <sluice/telemetry/log_file.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>

namespace sluice {
namespace {

// As long as an access line. Lines that find the buffer full are dropped, which costs less: they are counted apart.
void log_a_line(benchmark::State& state)
{
    auto log = log_file::open({.path = "/dev/null", .waiting_bytes_max = std::size_t{64} << 20});
    if (!log) return state.SkipWithError("no log");
    exchange_log_sink(log->get());
    context request{.trace = trace_context::start()};
    context::exchange_current(&request);
    for (auto _ : state) {
        sluice::log(log_level::info, "request",
                    {{"method", "GET"},
                     {"route", "/users/{id}"},
                     {"path", "/users/01890a5d-ac96-774b-bcce-b302099a8057"},
                     {"status", 200},
                     {"duration_us", 112},
                     {"bytes_out", 431},
                     {"client", "192.0.2.1"}});
    }
    context::exchange_current(nullptr);
    exchange_log_sink(nullptr);
    state.counters["dropped"] = static_cast<double>((*log)->dropped());
}
BENCHMARK(log_a_line)->Name("BM_telemetry_log_a_line");

void record_a_latency(benchmark::State& state)
{
    latency_histogram all;
    duration took = std::chrono::nanoseconds(900);
    for (auto _ : state) {
        all.record(took);
        took = duration(took.count() * 5 % 100'003'000 + 900);
    }
    benchmark::DoNotOptimize(all.sum_seconds());
}
BENCHMARK(record_a_latency)->Name("BM_telemetry_record_a_latency");

// 200 series of two shards, one in four a histogram.
void scrape(benchmark::State& state)
{
    static constexpr metric_family times = {"times_seconds", "Times.", metric_kind::histogram};
    static constexpr metric_family events = {"events_total", "Events.", metric_kind::counter};
    std::array<metric_set, 2> shards;
    for (metric_set& set : shards) {
        for (int i = 0; i < 200; ++i) {
            const std::string number = std::to_string(i);
            if (i % 4 == 0)
                set.histogram(times, {{"route", number}, {"status", "200"}}).record(std::chrono::microseconds(i));
            else
                ++set.counter(events, {{"route", number}, {"status", "200"}});
        }
    }
    std::size_t bytes = 0;
    for (auto _ : state) bytes = prometheus_text().size();
    state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(scrape)->Name("BM_telemetry_scrape");

void start_a_trace(benchmark::State& state)
{
    for (auto _ : state) benchmark::DoNotOptimize(trace_context::start());
}
BENCHMARK(start_a_trace)->Name("BM_telemetry_start_a_trace");

void parse_a_traceparent(benchmark::State& state)
{
    const std::string value = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (auto _ : state) benchmark::DoNotOptimize(trace_context::from_traceparent(value));
}
BENCHMARK(parse_a_traceparent)->Name("BM_telemetry_parse_a_traceparent");

void write_a_traceparent(benchmark::State& state)
{
    const trace_context trace = trace_context::start();
    char text[traceparent_size];
    for (auto _ : state) {
        trace.write_traceparent(text);
        benchmark::DoNotOptimize(text);
    }
}
BENCHMARK(write_a_traceparent)->Name("BM_telemetry_write_a_traceparent");

} // namespace
} // namespace sluice
