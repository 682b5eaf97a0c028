#include "telemetry/journal_line.hpp"

#include <sluice/core/json_escape.hpp>
#include <sluice/core/timestamp.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <errno.h>
#include <span>
#include <type_traits>

namespace sluice::telemetry {
namespace {

constexpr std::size_t name_max = 64;

char priority_of(log_level level) noexcept
{
    constexpr std::array<char, 4> priorities = {'7', '6', '4', '3'}; // syslog's debug, info, warning and error
    return priorities[static_cast<std::size_t>(level)];
}

// A value as bytes; `quoted` for people, as JSON has it.
void append_value(pooled_string& text, const log_field& field, const redaction& hidden, bool quoted)
{
    if (hidden.hides(field.name)) {
        text.append(redacted);
        return;
    }
    std::visit(
        [&](const auto& value) {
            using type = std::remove_cvref_t<decltype(value)>;
            if constexpr (std::same_as<type, std::string_view>) {
                if (quoted)
                    append_json_string(text, value);
                else
                    text.append(value);
            } else if constexpr (std::same_as<type, bool>) {
                text.append(value ? "true" : "false");
            } else {
                char digits[32];
                text.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
            }
        },
        field.value);
}

// What the journal gives a meaning to, and what the entry says by itself. One outside any request says of no trace.
bool is_taken(std::string_view made, bool in_request) noexcept
{
    constexpr std::array<std::string_view, 7> names = {"MESSAGE",   "PRIORITY", "LEVEL",  "SHARD",
                                                       "TIMESTAMP", "TRACE_ID", "SPAN_ID"};
    const auto own = std::span(names).first(names.size() - (in_request ? 0 : 2));
    return made.starts_with("SYSLOG_") || std::ranges::find(own, made) != own.end();
}

// Capitals, digits and '_', a letter in front: what the journal takes. A name that has a meaning is set apart.
void append_name(pooled_string& text, std::string_view name, bool in_request)
{
    const std::size_t begin = text.size();
    for (const char c : name.substr(0, name_max)) {
        const bool lower = c >= 'a' && c <= 'z';
        const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        text.push_back(lower ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_');
    }
    const std::string_view made = std::string_view(text).substr(begin);
    const bool letter_first = !made.empty() && made.front() >= 'A' && made.front() <= 'Z';
    if (!letter_first || is_taken(made, in_request)) {
        text.insert(begin, "FIELD_");
        text.resize(std::min(text.size(), begin + name_max));
    }
}

// Turns "NAME=" + value, which begins at `begin`, into the form that holds any bytes, if it has to be.
void end_field(pooled_string& text, std::size_t begin, std::size_t name_size)
{
    const std::size_t value = begin + name_size + 1;
    if (std::string_view(text).substr(value).find('\n') != std::string_view::npos) {
        std::uint64_t size = text.size() - value;
        if constexpr (std::endian::native == std::endian::big) size = std::byteswap(size);
        char length[sizeof size];
        std::memcpy(length, &size, sizeof size);
        text[value - 1] = '\n';
        text.insert(value, length, sizeof length);
    }
    text.push_back('\n');
}

void append_field(pooled_string& text, std::string_view name, std::string_view value)
{
    const std::size_t begin = text.size();
    text.append(name);
    text.push_back('=');
    text.append(value);
    end_field(text, begin, name.size());
}

} // namespace

void append_journal(const log_line& line, const redaction& hidden, pooled_string& text)
{
    const std::size_t begin = text.size();
    text.append("MESSAGE=").append(line.message);
    for (const log_field& field : line.fields) {
        text.push_back(' ');
        append_json_string(text, field.name);
        text.push_back('=');
        append_value(text, field, hidden, true);
    }
    end_field(text, begin, std::string_view("MESSAGE").size());
    const char priority = priority_of(line.level);
    append_field(text, "PRIORITY", {&priority, 1});
    append_field(text, "SYSLOG_IDENTIFIER", ::program_invocation_short_name);
    char when[timestamp_size];
    write_timestamp(line.when, when);
    append_field(text, "TIMESTAMP", {when, timestamp_size});
    if (line.shard) {
        char digits[16];
        const char* end = std::to_chars(digits, digits + sizeof digits, *line.shard).ptr;
        append_field(text, "SHARD", {digits, static_cast<std::size_t>(end - digits)});
    }
    if (line.trace != nullptr) {
        char id[32];
        line.trace->write_trace_id(id);
        append_field(text, "TRACE_ID", {id, 32});
        line.trace->write_span_id(id);
        append_field(text, "SPAN_ID", {id, 16});
    }
    for (const log_field& field : line.fields) {
        const std::size_t at = text.size();
        append_name(text, field.name, line.trace != nullptr);
        const std::size_t name_size = text.size() - at;
        text.push_back('=');
        append_value(text, field, hidden, false);
        end_field(text, at, name_size);
    }
}

} // namespace sluice::telemetry
