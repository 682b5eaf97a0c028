#include "setting_kind.hpp"

#include "listen_address.hpp"

#include <sluice/server/server.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace sluice::app {
namespace {

std::optional<std::uint64_t> number_of(const raw_setting& raw)
{
    if (const auto* number = std::get_if<std::int64_t>(&raw.value)) {
        if (*number < 0) return std::nullopt;
        return static_cast<std::uint64_t>(*number);
    }
    const auto* text = std::get_if<std::string>(&raw.value);
    if (text == nullptr || !raw.text_only) return std::nullopt;
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (failure != std::errc() || end != text->data() + text->size()) return std::nullopt;
    return number;
}

template <class T> bool read_number(const setting_kind<T>& kind, const raw_setting& raw, T& out)
{
    const std::optional<std::uint64_t> number = number_of(raw);
    if (!number || *number < kind.min || *number > kind.max) return false;
    out = static_cast<T>(*number);
    return true;
}

template <class T> std::string write_number(const T& value) { return fmt::format("{}", value); }

template <class T> setting_kind<T> number_kind(std::uint64_t min, std::uint64_t max)
{
    return {.name = "whole number",
            .expects = fmt::format("a whole number from {} to {}", min, max),
            .read = &read_number<T>,
            .write = &write_number<T>,
            .min = min,
            .max = max};
}

bool read_size(const setting_kind<std::uint64_t>& kind, const raw_setting& raw, std::uint64_t& out)
{
    std::optional<std::uint64_t> number = number_of(raw);
    if (const auto* text = std::get_if<std::string>(&raw.value)) {
        if (const std::optional<bytes> parsed = parse_bytes(*text)) number = count(*parsed);
    }
    if (!number || *number < kind.min || *number > kind.max) return false;
    out = *number;
    return true;
}

std::optional<duration> duration_of(const raw_setting& raw)
{
    if (const auto* text = std::get_if<std::string>(&raw.value)) return parse_duration(*text);
    const auto* number = std::get_if<std::int64_t>(&raw.value);
    if (number != nullptr && *number == 0) return duration::zero(); // no time needs no unit
    return std::nullopt;
}

bool within(duration d, std::uint64_t min, std::uint64_t max)
{
    return d >= duration::zero() && static_cast<std::uint64_t>(d.count()) >= min &&
           static_cast<std::uint64_t>(d.count()) <= max;
}

bool read_duration(const setting_kind<duration>& kind, const raw_setting& raw, duration& out)
{
    const std::optional<duration> parsed = duration_of(raw);
    if (!parsed || !within(*parsed, kind.min, kind.max)) return false;
    out = *parsed;
    return true;
}

// A path goes to system calls, and a name to libpq, where a NUL would cut it short.
const std::string* text_of(const raw_setting& raw)
{
    const auto* text = std::get_if<std::string>(&raw.value);
    return text != nullptr && text->find('\0') == std::string::npos ? text : nullptr;
}

bool read_path(const setting_kind<std::string>&, const raw_setting& raw, std::string& out)
{
    const std::string* text = text_of(raw);
    if (text == nullptr || text->empty()) return false;
    out = *text;
    return true;
}

bool read_text(const setting_kind<std::string>&, const raw_setting& raw, std::string& out)
{
    const std::string* text = text_of(raw);
    if (text == nullptr) return false;
    out = *text;
    return true;
}

std::string write_text(const std::string& value) { return in_quotes(value); }

bool read_pooler(const setting_kind<bool>&, const raw_setting& raw, bool& out)
{
    const auto* text = std::get_if<std::string>(&raw.value);
    if (text == nullptr || (*text != "none" && *text != "transaction")) return false;
    out = *text == "transaction";
    return true;
}

bool read_optional_address(const setting_kind<std::string>&, const raw_setting& raw, std::string& out)
{
    const auto* text = std::get_if<std::string>(&raw.value);
    if (text == nullptr || (!text->empty() && !valid_listen_address(*text))) return false;
    out = *text;
    return true;
}

bool read_busy_poll(const setting_kind<server_options>& kind, const raw_setting& raw, server_options& out)
{
    const auto* text = std::get_if<std::string>(&raw.value);
    if (text != nullptr && *text == "auto") {
        out.busy_poll = busy_poll_mode::automatic;
        return true;
    }
    if (text != nullptr && *text == "off") {
        out.busy_poll = busy_poll_mode::off;
        return true;
    }
    const std::optional<duration> time = duration_of(raw);
    if (!time || !within(*time, kind.min, kind.max)) return false;
    out.busy_poll = busy_poll_mode::fixed;
    out.busy_poll_time = *time;
    return true;
}

std::string write_busy_poll(const server_options& options)
{
    switch (options.busy_poll) {
    case busy_poll_mode::automatic:
        return in_quotes("auto");
    case busy_poll_mode::off:
        return in_quotes("off");
    case busy_poll_mode::fixed:
        break;
    }
    return in_quotes(to_string(options.busy_poll_time));
}

bool read_yes_or_no(const setting_kind<bool>&, const raw_setting& raw, bool& out)
{
    if (const auto* value = std::get_if<bool>(&raw.value)) {
        out = *value;
        return true;
    }
    const auto* text = std::get_if<std::string>(&raw.value);
    if (text == nullptr || !raw.text_only || (*text != "true" && *text != "false")) return false;
    out = *text == "true";
    return true;
}

std::uint64_t nanoseconds(duration d) { return static_cast<std::uint64_t>(d.count()); }

} // namespace

std::string printable(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            out += c;
    }
    return out;
}

std::string in_quotes(std::string_view text)
{
    std::string escaped;
    for (const char c : text) {
        if (c == '"' || c == '\\') escaped += '\\';
        escaped += c;
    }
    return '"' + printable(escaped) + '"';
}

setting_kind<unsigned> count_of_shards(unsigned max) { return number_kind<unsigned>(1, max); }

setting_kind<std::size_t> whole_number(std::uint64_t min, std::uint64_t max)
{
    return number_kind<std::size_t>(min, max);
}

setting_kind<std::uint64_t> size(bytes min, bytes max)
{
    return {.name = "size",
            .expects = fmt::format("a size from {} to {}, such as 64KiB or 1MiB", to_string(min), to_string(max)),
            .read = &read_size,
            .write = [](const std::uint64_t& value) { return in_quotes(to_string(bytes{value})); },
            .min = count(min),
            .max = count(max)};
}

setting_kind<duration> time_span(duration min, duration max)
{
    return {.name = "duration",
            .expects = fmt::format("a duration from {} to {}, such as 250ms, 2s or 5m", to_string(min), to_string(max)),
            .read = &read_duration,
            .write = [](const duration& value) { return in_quotes(to_string(value)); },
            .min = nanoseconds(min),
            .max = nanoseconds(max)};
}

setting_kind<unsigned> port() { return number_kind<unsigned>(1, 65535); }

setting_kind<std::string> text()
{
    return {.name = "text", .expects = "a text without NUL", .read = &read_text, .write = &write_text};
}

setting_kind<std::string> secret_text()
{
    auto kind = text();
    kind.show = [](const std::string& value) { return in_quotes(value.empty() ? "" : "********"); };
    return kind;
}

setting_kind<bool> transaction_pooler()
{
    return {.name = "none or transaction",
            .expects = "none or transaction",
            .read = &read_pooler,
            .write = [](const bool& value) { return in_quotes(value ? "transaction" : "none"); }};
}

setting_kind<std::string> path()
{
    return {.name = "path", .expects = "the path of a file", .read = &read_path, .write = &write_text};
}

setting_kind<std::string> optional_path()
{
    return {.name = "path", .expects = "the path of a file, or empty", .read = &read_text, .write = &write_text};
}

setting_kind<std::string> optional_address()
{
    return {.name = "address",
            .expects = fmt::format("{}, or empty for none", listen_address_forms),
            .read = &read_optional_address,
            .write = &write_text};
}

setting_kind<server_options> busy_poll()
{
    constexpr duration min = std::chrono::microseconds(1);
    constexpr duration max = std::chrono::seconds(1);
    return {.name = "auto, off or duration",
            .expects = fmt::format("auto, off or a duration from {} to {}", to_string(min), to_string(max)),
            .read = &read_busy_poll,
            .write = &write_busy_poll,
            .min = nanoseconds(min),
            .max = nanoseconds(max)};
}

setting_kind<bool> yes_or_no()
{
    return {.name = "true or false",
            .expects = "true or false",
            .read = &read_yes_or_no,
            .write = [](const bool& value) { return std::string(value ? "true" : "false"); }};
}

} // namespace sluice::app
