#include "server/request_trace.hpp"

#include <sluice/core/span.hpp>

#include <algorithm>
#include <optional>

namespace sluice {

namespace {

// The one that is there; two are nobody's word.
std::optional<trace_context> continued(const http::headers& fields)
{
    const auto caller = fields.find("traceparent");
    if (!caller || fields.count("traceparent") > 1) return std::nullopt;
    return trace_context::from_traceparent(*caller);
}

// All fields of that name make one list. What the views refer to may move, so it is kept.
std::string_view gather_state(const http::headers& fields, pooled_string& kept)
{
    kept.clear();
    for (const http::header& field : fields.all()) {
        if (!http::equal_ignoring_case(field.name, "tracestate")) continue;
        if (!kept.empty()) kept += ',';
        kept += field.value;
    }
    return valid_tracestate(kept) ? std::string_view(kept) : std::string_view();
}

// Has a trusted caller decided whether it is kept?
void keep_spans(exchange& of, bool decided)
{
    context& belongs = of.request_context;
    if (!decided) belongs.trace.sampled = false;
    const span_sink* const sink = span_sink::current();
    if (sink == nullptr) return;
    if (!decided) belongs.trace.sampled = sink->samples(deciding_trace(of));
    if (of.spans == nullptr) of.spans = std::make_unique<span_log>();
    of.spans->clear();
    belongs.spans = of.spans.get();
}

} // namespace

void begin_trace(exchange& of, bool trusted)
{
    const http::headers& fields = of.machine.current().headers();
    context& belongs = of.request_context;
    belongs.trace_state = {};
    belongs.spans = nullptr;
    const std::optional<trace_context> caller = continued(fields);
    belongs.trace = caller ? *caller : trace_context::start();
    if (caller) belongs.trace_state = gather_state(fields, of.trace_state);
    of.trace_of_stranger = caller && !trusted;
    keep_spans(of, caller && trusted);
}

void begin_trace_unread(exchange& of)
{
    of.request_context.trace = trace_context::start();
    of.trace_of_stranger = false;
    keep_spans(of, false);
}

trace_context deciding_trace(const exchange& of) noexcept
{
    trace_context made = of.request_context.trace;
    // Where a trace's id is random.
    if (of.trace_of_stranger) std::ranges::copy(made.span_id, made.trace_id.end() - made.span_id.size());
    return made;
}

void end_trace(exchange& of, http::status answered, duration took)
{
    context& belongs = of.request_context;
    span_sink* const sink = span_sink::current();
    if (belongs.spans == nullptr || sink == nullptr) return;
    const http::request& asked = of.machine.current();
    span_record own;
    if (of.matched != nullptr) own.name = asked.route();
    own.kind = span_kind::server;
    own.begin = of.began_at;
    own.end = of.began_at + took;
    own.failed = static_cast<std::uint16_t>(answered) >= 500 || answered == http::status::client_closed_request;
    if (of.matched != nullptr) {
        own.attribute({.name = "http.request.method", .text = name(asked.method())});
        if (!asked.route().empty()) own.attribute({.name = "http.route", .text = asked.route()});
        own.attribute({.name = "url.path", .text = asked.path()});
    } else {
        own.attribute({.name = "http.request.method", .text = "_OTHER"});
    }
    own.attribute({.name = "http.response.status_code", .number = static_cast<std::uint16_t>(answered)});
    own.attribute({.name = "client.address", .text = asked.client()});
    if (belongs.cache != cache_tier::none) own.attribute({.name = "sluice.cache.tier", .text = name(belongs.cache)});
    sink->take({.trace = belongs.trace, .trace_state = belongs.trace_state, .request = own, .spans = *belongs.spans});
    belongs.spans = nullptr;
}

} // namespace sluice
