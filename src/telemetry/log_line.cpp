#include "telemetry/log_line.hpp"

#include <sluice/json/writer.hpp>

#include <concepts>
#include <type_traits>

namespace sluice::telemetry {
namespace {

void write_value(json_writer& out, const log_field::value_type& value)
{
    std::visit(
        [&](const auto& v) {
            using type = std::remove_cvref_t<decltype(v)>;
            if constexpr (std::same_as<type, std::string_view>)
                out.string(v);
            else if constexpr (std::same_as<type, bool>)
                out.boolean(v);
            else
                out.number(v);
        },
        value);
}

// Is a field called as something that the line says by itself? A line outside any request says of no trace.
bool names_own_member(std::string_view field, bool in_request) noexcept
{
    switch (field.size()) {
    case 5:
        return field == "level" || field == "shard";
    case 7:
        return field == "message" || (in_request && field == "span_id");
    case 8:
        return in_request && field == "trace_id";
    case 9:
        return field == "timestamp";
    default:
        return false;
    }
}

} // namespace

void append_json(const log_line& line, const redaction& hidden, pooled_string& text)
{
    constexpr std::size_t expected_bytes = 256;
    json_writer out(text, expected_bytes);
    out.raw(R"({"timestamp":)");
    out.time(line.when);
    out.raw(R"(,"level":)");
    out.string(name(line.level));
    out.raw(R"(,"message":)");
    out.string(line.message);
    out.raw(R"(,"shard":)");
    if (line.shard)
        out.number(*line.shard);
    else
        out.null();
    if (line.trace != nullptr) {
        char id[32];
        line.trace->write_trace_id(id);
        out.raw(R"(,"trace_id":")");
        out.raw({id, 32});
        line.trace->write_span_id(id);
        out.raw(R"(","span_id":")");
        out.raw({id, 16});
        out.raw('"');
    }
    for (const log_field& field : line.fields) {
        if (names_own_member(field.name, line.trace != nullptr)) [[unlikely]] {
            out.raw(R"(,"field_)");
            out.raw(field.name);
            out.raw('"');
        } else {
            out.raw(',');
            out.string(field.name);
        }
        out.raw(':');
        if (hidden.hides(field.name))
            out.string(redacted);
        else
            write_value(out, field.value);
    }
    out.raw("}\n");
}

} // namespace sluice::telemetry
