#include "telemetry/otlp.hpp"

#include <sluice/core/json_escape.hpp>

#include <array>
#include <charconv>
#include <chrono>

namespace sluice::telemetry {

namespace {

constexpr std::size_t text_bytes_max = 256; // of an attribute: a path may be long

// opentelemetry.proto.trace.v1.Span.SpanKind
unsigned number_of(span_kind kind) noexcept
{
    switch (kind) {
    case span_kind::internal:
        return 1;
    case span_kind::server:
        return 2;
    case span_kind::client:
        return 3;
    }
    return 0;
}

// 64-bit numbers are strings in this JSON.
void append_quoted(pooled_string& out, std::int64_t value)
{
    std::array<char, 20> digits;
    out += '"';
    out.append(digits.data(), std::to_chars(digits.begin(), digits.end(), value).ptr);
    out += '"';
}

void append_id(pooled_string& out, std::string_view name, const std::array<std::uint8_t, 8>& id)
{
    trace_context with;
    with.span_id = id;
    std::array<char, 16> digits;
    with.write_span_id(digits.data());
    out += name;
    out.append(digits.data(), digits.size());
    out += '"';
}

void append_attributes(pooled_string& out, std::span<const span_attribute> all)
{
    if (all.empty()) return;
    out += R"(,"attributes":[)";
    for (const span_attribute& one : all) {
        if (&one != all.data()) out += ',';
        out += R"({"key":)";
        append_json_string(out, one.name);
        if (one.text.data() != nullptr) {
            out += R"(,"value":{"stringValue":)";
            append_json_string(out, one.text.substr(0, text_bytes_max));
        } else {
            out += R"(,"value":{"intValue":)";
            append_quoted(out, one.number);
        }
        out += "}}";
    }
    out += ']';
}

std::int64_t wall_time(time_point when, clock_difference wall) noexcept
{
    return when.time_since_epoch().count() + wall.nanoseconds;
}

void append_attribute_text(std::string& out, std::string_view key, std::string_view value)
{
    out += R"({"key":)";
    append_json_string(out, key);
    out += R"(,"value":{"stringValue":)";
    append_json_string(out, value);
    out += "}}";
}

} // namespace

clock_difference clock_difference::now() noexcept
{
    const auto wall = std::chrono::duration_cast<duration>(std::chrono::system_clock::now().time_since_epoch());
    return {wall.count() - steady_clock::now().time_since_epoch().count()};
}

void append_span(const finished_trace& of, const span_record& one, bool is_request, clock_difference wall,
                 pooled_string& out)
{
    std::array<char, 32> trace_id;
    of.trace.write_trace_id(trace_id.data());
    out += R"({"traceId":")";
    out.append(trace_id.data(), trace_id.size());
    out += '"';
    append_id(out, R"(,"spanId":")", is_request ? of.trace.span_id : one.id);
    const auto& parent = is_request ? of.trace.parent_id : of.trace.span_id;
    if (parent != std::array<std::uint8_t, 8>{}) append_id(out, R"(,"parentSpanId":")", parent);
    if (!of.trace_state.empty()) {
        out += R"(,"traceState":)";
        append_json_string(out, of.trace_state);
    }
    out += of.trace.sampled ? R"(,"flags":1,"name":)" : R"(,"flags":0,"name":)";
    if (one.kind == span_kind::server) { // named by its method and its route, as the conventions want it
        const std::string_view method = one.attributes[0].text;
        pooled_string name(method == "_OTHER" ? std::string_view("HTTP") : method);
        if (!one.name.empty()) name += ' ';
        name += one.name;
        append_json_string(out, name);
    } else {
        append_json_string(out, one.name);
    }
    out += R"(,"kind":)";
    out += static_cast<char>('0' + number_of(one.kind));
    out += R"(,"startTimeUnixNano":)";
    append_quoted(out, wall_time(one.begin, wall));
    out += R"(,"endTimeUnixNano":)";
    append_quoted(out, wall_time(one.end == never ? of.request.end : one.end, wall));
    append_attributes(out, one.all());
    out += one.failed ? R"(,"status":{"code":2}})" : R"(,"status":{}})";
}

std::string export_begin(std::string_view service, std::string_view version)
{
    std::string text = R"({"resourceSpans":[{"resource":{"attributes":[)";
    append_attribute_text(text, "service.name", service);
    if (!version.empty()) {
        text += ',';
        append_attribute_text(text, "service.version", version);
    }
    text += R"(]},"scopeSpans":[{"scope":{"name":"sluice"},"spans":[)";
    return text;
}

} // namespace sluice::telemetry
