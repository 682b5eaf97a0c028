// Spans for a collector: whatever bytes their names, texts and tracestate hold, there comes JSON that reads back, with
// as many spans as there were.
#include "telemetry/otlp.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/json/reader.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace sluice;

struct parts
{
    std::string_view rest;

    std::string_view next() // with a byte of 0x1f between them
    {
        const std::size_t end = std::min(rest.find('\x1f'), rest.size());
        const std::string_view part = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return part;
    }
};

std::size_t count(std::string_view text, std::string_view what)
{
    std::size_t found = 0;
    for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++found;
    return found;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    parts of{{reinterpret_cast<const char*>(data), size}};
    const std::string_view method = of.next();
    const std::string_view route = of.next();
    const std::string_view state = of.next();
    const std::string_view service = of.next();
    const auto edge = static_cast<std::int64_t>(size << 56U);

    span_record own{.name = route, .kind = span_kind::server, .begin = time_point(duration(edge))};
    own.attribute({.name = "http.request.method", .text = method});
    own.attribute({.name = of.next(), .text = of.next()});
    own.attribute({.name = of.next(), .number = edge});
    span_log below;
    while (!of.rest.empty()) {
        span_record* const one = below.open(of.next(), size % 2 == 0 ? span_kind::client : span_kind::internal);
        if (one == nullptr) break;
        one->failed = size % 3 == 0;
        one->attribute({.name = "text", .text = of.next()});
    }
    const trace_context trace;
    const finished_trace finished{.trace = trace, .trace_state = state, .request = own, .spans = below};
    pooled_string spans;
    telemetry::append_span(finished, own, true, {0}, spans);
    for (const span_record& one : below.all()) {
        spans += ',';
        telemetry::append_span(finished, one, false, {0}, spans);
    }
    std::string text = telemetry::export_begin(service, state);
    text += spans;
    text += telemetry::export_end;
    SLUICE_ASSERT(parse_json(text).has_value());
    // A quote within a text has a backslash before it, so none can look like a key.
    SLUICE_ASSERT(count(text, "{\"traceId\":\"") == 1 + below.all().size());
    return 0;
}
