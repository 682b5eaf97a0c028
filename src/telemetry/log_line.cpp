#include "telemetry/log_line.hpp"

#include <sluice/core/timestamp.hpp>

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace sluice::telemetry {
namespace {

// Length of the UTF-8 sequence at the start of `text` (RFC 3629); 0 if it is not one.
std::size_t sequence_length(std::string_view text)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xc2 && first < 0xe0   ? 2
                               : first >= 0xe0 && first < 0xf0 ? 3
                               : first >= 0xf0 && first < 0xf5 ? 4
                                                               : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    if (first == 0xe0 && byte(1) < 0xa0) return 0; // overlong
    if (first == 0xed && byte(1) > 0x9f) return 0; // a surrogate
    if (first == 0xf0 && byte(1) < 0x90) return 0; // overlong
    if (first == 0xf4 && byte(1) > 0x8f) return 0; // above U+10FFFF
    return length;
}

// A line may hold what a client sent, so whatever the bytes are, the line stays one line of valid JSON.
void append_text(std::string& out, std::string_view text)
{
    out += '"';
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        const char c = text.front();
        if (length == 0)
            out += "\\ufffd";
        else if (c == '"' || c == '\\')
            out.append({'\\', c});
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", unsigned(c));
        else
            out += text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    out += '"';
}

void append_value(std::string& out, const log_field::value_type& value)
{
    std::visit(
        [&](const auto& v) {
            using type = std::remove_cvref_t<decltype(v)>;
            if constexpr (std::same_as<type, std::string_view>) {
                append_text(out, v);
            } else if constexpr (std::same_as<type, double>) {
                if (std::isfinite(v))
                    fmt::format_to(std::back_inserter(out), "{}", v);
                else
                    out += "null"; // JSON has no infinity
            } else {
                fmt::format_to(std::back_inserter(out), "{}", v);
            }
        },
        value);
}

} // namespace

std::string to_json(const log_line& line)
{
    std::string out = R"({"timestamp":")";
    out.resize(out.size() + timestamp_size);
    write_timestamp(line.when, out.data() + out.size() - timestamp_size);
    fmt::format_to(std::back_inserter(out), R"(","level":"{}","message":)", name(line.level));
    append_text(out, line.message);
    if (line.shard)
        fmt::format_to(std::back_inserter(out), R"(,"shard":{})", *line.shard);
    else
        out += R"(,"shard":null)";
    for (const log_field& field : line.fields) {
        out += ',';
        append_text(out, field.name);
        out += ':';
        append_value(out, field.value);
    }
    out += "}\n";
    return out;
}

} // namespace sluice::telemetry
