#include "telemetry/otlp.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/core/log.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/shard/wait.hpp>
#include <sluice/telemetry/metric_table.hpp>
#include <sluice/telemetry/trace_exporter.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace sluice {

namespace {

constexpr std::string_view default_path = "/v1/traces";
constexpr std::string_view json = "application/json";
// What the last batch may take when the server ends.
constexpr duration farewell = std::chrono::seconds(1);

constexpr counted<trace_exporter_counters> shown[] = {
    {{"sluice_trace_spans_kept_total", "Spans of traces worth keeping.", metric_kind::counter},
     &trace_exporter_counters::kept},
    {{"otel_sdk_exporter_span_exported_total", "Spans that the collector took.", metric_kind::counter},
     &trace_exporter_counters::exported},
    {{"sluice_trace_spans_dropped_total", "Spans that the collector did not take, or for which there was no room.",
      metric_kind::counter},
     &trace_exporter_counters::dropped},
    {{"sluice_trace_batches_failed_total", "Batches that the collector did not take.", metric_kind::counter},
     &trace_exporter_counters::failed},
};

std::string endpoint_of(std::string_view url)
{
    while (url.ends_with('/')) url.remove_suffix(1);
    constexpr std::string_view scheme = "://";
    const std::size_t host = url.find(scheme);
    const bool has_path =
        host != std::string_view::npos && url.find('/', host + scheme.size()) != std::string_view::npos;
    return std::string(url) + std::string(has_path ? std::string_view() : default_path);
}

} // namespace

struct trace_exporter::state
{
    state(shard& on, http::client& through, trace_exporter_options with)
        : here(on), http(through), options(std::move(with)), endpoint(endpoint_of(options.url)),
          begin(telemetry::export_begin(options.service, options.version))
    {
        if (options.metrics != nullptr) show(*options.metrics, shown, counts);
        here.background().stop().add(stop);
        here.background().spawn(run());
    }
    ~state() { stop.unlink(); }

    task<void> run();
    task<void> send();
    void on_stop()
    {
        stopping = true;
        if (sleeping != nullptr) sleeping->complete();
    }

    shard& here;
    http::client& http;
    trace_exporter_options options;
    std::string endpoint;
    std::string begin;
    pooled_string pending; // spans, separated by commas
    std::uint64_t pending_spans = 0;
    std::string said; // of the outage that goes on
    trace_exporter_counters counts;
    wait* sleeping = nullptr;
    bool stopping = false;
    bound<stop_callback, &state::on_stop> stop{*this};
};

task<void> trace_exporter::state::run()
{
    while (!stopping) {
        {
            wait enough;
            sleeping = &enough;
            (void)co_await enough.until(here.now() + options.interval);
            sleeping = nullptr;
        }
        if (pending_spans > 0) co_await send();
    }
    if (pending_spans > 0) co_await send(); // what came while the last batch was on its way
}

task<void> trace_exporter::state::send()
{
    const std::uint64_t spans = std::exchange(pending_spans, 0);
    pooled_string body;
    body.reserve(begin.size() + pending.size() + telemetry::export_end.size());
    body += begin;
    body += pending;
    body += telemetry::export_end;
    pending.clear();
    ++counts.batches;
    http::call what{.method = http::method::post, .url = endpoint, .body = body, .content_type = json};
    what.timeout = stopping ? std::min(farewell, options.timeout) : options.timeout;
    const auto answered = co_await http.send(what);
    std::string why;
    if (!answered)
        why = answered.error().detail;
    else if (!answered->successful())
        why = "it answered " + std::to_string(static_cast<unsigned>(answered->status()));
    if (why.empty()) {
        counts.exported += spans;
        if (!said.empty()) log(log_level::info, "Traces are taken again");
    } else {
        counts.dropped += spans;
        ++counts.failed;
        if (said != why) log(log_level::warn, "Traces are not taken", {{"collector", endpoint}, {"reason", why}});
    }
    said = std::move(why);
}

trace_exporter::trace_exporter(shard& on, http::client& through, trace_exporter_options options)
    : state_(std::make_unique<state>(on, through, std::move(options)))
{
    SLUICE_ASSERT(span_sink::current() == nullptr);
    span_sink::exchange_current(this);
}

trace_exporter::~trace_exporter() { span_sink::exchange_current(nullptr); }

bool trace_exporter::samples(const trace_context& started) const noexcept
{
    return started.kept_at(state_->options.sample_ratio);
}

void trace_exporter::take(const finished_trace& finished) noexcept
{
    state& s = *state_;
    const bool slow = finished.request.end - finished.request.begin >= s.options.slow;
    if (!finished.trace.sampled && !slow && !finished.request.failed) return;
    const std::size_t spans = 1 + finished.spans.all().size();
    s.counts.kept += spans;
    s.counts.dropped += finished.spans.dropped();
    const std::size_t before = s.pending.size();
    const auto wall = telemetry::clock_difference::now();
    const auto add = [&](const span_record& one, bool is_request) {
        if (!s.pending.empty()) s.pending += ',';
        telemetry::append_span(finished, one, is_request, wall, s.pending);
    };
    add(finished.request, true);
    for (const span_record& one : finished.spans.all()) add(one, false);
    if (s.pending.size() > s.options.pending_bytes_max) { // whole or not at all
        s.pending.resize(before);
        s.counts.dropped += spans;
        return;
    }
    s.pending_spans += spans;
    if (s.pending.size() >= s.options.batch_bytes && s.sleeping != nullptr) s.sleeping->complete();
}

const trace_exporter_counters& trace_exporter::counters() const noexcept { return state_->counts; }

} // namespace sluice
