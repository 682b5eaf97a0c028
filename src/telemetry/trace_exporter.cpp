#include "client/url.hpp"
#include "telemetry/otlp.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/core/log.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/json/reader.hpp>
#include <sluice/shard/timer.hpp>
#include <sluice/shard/wait.hpp>
#include <sluice/telemetry/metric_table.hpp>
#include <sluice/telemetry/trace_exporter.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace sluice {

namespace {

constexpr std::string_view default_path = "/v1/traces";
constexpr std::string_view json = "application/json";
constexpr std::size_t why_bytes_max = 256; // of what a collector says
// What the last batches may take when the server ends, one that is on its way among them.
constexpr duration farewell = std::chrono::seconds(1);

constexpr counted<trace_exporter_counters> shown[] = {
    {{"sluice_trace_spans_kept_total", "Spans of traces worth keeping.", metric_kind::counter},
     &trace_exporter_counters::kept},
    {{"otel_sdk_exporter_span_exported_total", "Spans that the collector took.", metric_kind::counter},
     &trace_exporter_counters::exported},
    {{"sluice_trace_spans_dropped_total",
      "Spans that the collector did not take, for which there was no room, or that ended behind the last batch.",
      metric_kind::counter},
     &trace_exporter_counters::dropped},
    {{"sluice_trace_batches_failed_total", "Batches that the collector did not take.", metric_kind::counter},
     &trace_exporter_counters::failed},
};

// What a collector did not take of a batch that it took: {"partialSuccess":{"rejectedSpans":"3","errorMessage":"…"}}.
struct rejection
{
    std::uint64_t spans = 0;
    std::string why;
};

std::uint64_t count_in(const json_value& given)
{
    std::uint64_t count = 0;
    if (const auto text = given.string()) // as the protocol's JSON has 64-bit numbers
        return std::from_chars(text->data(), text->data() + text->size(), count).ec == std::errc() ? count : 0;
    const auto number = given.integer();
    return number && !number->negative ? number->magnitude : 0;
}

std::optional<json_value> member_of(const json_value& object, std::string_view wanted)
{
    std::string_view name;
    json_value value;
    if (auto members = object.object())
        while (members->next(name, value))
            if (name == wanted) return value;
    return std::nullopt;
}

// Nothing if no collector answers so: where something else listens, or stands between.
std::optional<rejection> rejection_in(std::string_view answer)
{
    rejection found;
    if (answer.empty()) return found;
    const auto parsed = parse_json(answer);
    if (!parsed || !parsed->object()) return std::nullopt;
    const auto partial = member_of(*parsed, "partialSuccess");
    if (!partial) return found;
    if (const auto spans = member_of(*partial, "rejectedSpans")) found.spans = count_in(*spans);
    if (const auto why = member_of(*partial, "errorMessage"))
        found.why = why->string().value_or("").substr(0, why_bytes_max);
    return found;
}

// A collector's URL without a path has the protocol's.
std::string endpoint_of(std::string_view url)
{
    const auto parts = http::parse_url(url);
    if (!parts) return std::string(url); // each call will say what is wrong with it
    const std::string_view target = parts->target;
    const std::string_view query = target.substr(std::min(target.find('?'), target.size()));
    std::string_view path = target.substr(0, target.size() - query.size());
    while (path.ends_with('/')) path.remove_suffix(1);
    std::string made(url.substr(0, url.size() - target.size()));
    if (!parts->socket.empty() && !made.ends_with(':')) made += ':';
    made += path.empty() ? default_path : path;
    made += query;
    return made;
}

// What may be said of it: a query may hold a key, and what is no URL a password.
std::string place_of(std::string_view endpoint)
{
    return http::parse_url(endpoint) ? std::string(endpoint.substr(0, endpoint.find('?'))) : std::string();
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
        here.background().spawn(run(), &own);
    }
    ~state()
    {
        stop.unlink();
        if (patience.armed()) here.timers().cancel(patience);
    }

    task<void> run();
    task<void> send();
    void on_stop()
    {
        stopping = true;
        here.timers().arm(patience, here.now() + farewell);
        if (sleeping != nullptr) sleeping->complete();
    }

    void give_up() { given_up.request(); }

    shard& here;
    http::client& http;
    trace_exporter_options options;
    std::string endpoint;
    std::string begin;
    pooled_string pending; // a batch but for its end; empty without spans
    std::uint64_t pending_spans = 0;
    std::size_t on_its_way = 0; // bytes of the batch that the collector has not answered
    std::string said;           // of the outage that goes on
    trace_exporter_counters counts;
    wait* sleeping = nullptr;
    bool stopping = false;
    bool over = false; // nothing is sent any more
    stop_source given_up;
    context own{.stop = &given_up, .task = "trace export"};
    bound<stop_callback, &state::on_stop> stop{*this};
    bound<timer, &state::give_up> patience{*this};
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
    over = true;
    counts.dropped += std::exchange(pending_spans, 0);
    pending = {};
}

task<void> trace_exporter::state::send()
{
    const std::uint64_t spans = std::exchange(pending_spans, 0);
    pooled_string body = std::exchange(pending, {});
    body += telemetry::export_end;
    on_its_way = body.size();
    ++counts.batches;
    http::call what{.method = http::method::post, .url = endpoint, .body = body, .content_type = json};
    what.timeout = options.timeout;
    const auto answered = co_await http.send(what);
    on_its_way = 0;
    std::string why;
    rejection refused{.spans = spans, .why = {}};
    if (!answered)
        why = answered.error().detail;
    else if (!answered->successful())
        why = "it answered " + std::to_string(static_cast<unsigned>(answered->status()));
    else if (const auto said_of_it = rejection_in(answered->body()))
        refused = *said_of_it;
    else
        why = "its answer is not a collector's";
    if (!why.empty())
        ++counts.failed;
    else if (refused.spans > 0 || !refused.why.empty())
        why = "it took not all of them: " + refused.why;
    const std::uint64_t lost = std::min(refused.spans, spans);
    counts.dropped += lost;
    counts.exported += spans - lost;
    if (why.empty() && !said.empty()) log(log_level::info, "Traces are taken again");
    if (!why.empty() && said != why)
        log(log_level::warn, "Traces are not taken", {{"collector", place_of(endpoint)}, {"reason", why}});
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
    if (s.over) {
        s.counts.dropped += spans;
        return;
    }
    const std::size_t before = s.pending.size();
    const auto wall = telemetry::clock_difference::now();
    const auto add = [&](const span_record& one, bool is_request) {
        if (s.pending.empty())
            s.pending = s.begin;
        else
            s.pending += ',';
        telemetry::append_span(finished, one, is_request, wall, s.pending);
    };
    add(finished.request, true);
    for (const span_record& one : finished.spans.all()) add(one, false);
    if (s.pending.size() + s.on_its_way > s.options.pending_bytes_max) { // whole or not at all
        s.pending.resize(before);
        s.counts.dropped += spans;
        return;
    }
    s.pending_spans += spans;
    if (s.pending.size() >= s.options.batch_bytes && s.sleeping != nullptr) s.sleeping->complete();
}

const trace_exporter_counters& trace_exporter::counters() const noexcept { return state_->counts; }

} // namespace sluice
