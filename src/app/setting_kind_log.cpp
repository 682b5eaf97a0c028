// The kinds of the log's settings.
#include "setting_kind.hpp"

#include <sluice/core/log.hpp>

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace sluice::app {
namespace {

// In any case, since LOG_LEVEL comes from elsewhere and is often written in capitals.
bool read_level(const setting_kind<log_level>&, const raw_setting& raw, log_level& out)
{
    const auto* text = std::get_if<std::string>(&raw.value);
    if (text == nullptr) return false;
    std::string lower = *text;
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    const std::optional<log_level> named = log_level_named(lower);
    if (named) out = *named;
    return named.has_value();
}

std::optional<double> fraction_of(const raw_setting& raw)
{
    if (const auto* fraction = std::get_if<double>(&raw.value)) return *fraction;
    if (const auto* whole = std::get_if<std::int64_t>(&raw.value)) return static_cast<double>(*whole);
    const auto* text = std::get_if<std::string>(&raw.value);
    if (text == nullptr || !raw.text_only) return std::nullopt;
    double value = 0;
    const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (failure != std::errc() || end != text->data() + text->size()) return std::nullopt;
    return value;
}

bool read_ratio(const setting_kind<double>&, const raw_setting& raw, double& out)
{
    const std::optional<double> value = fraction_of(raw);
    if (!value || !(*value >= 0 && *value <= 1)) return false; // nor is it if it is no number
    out = *value;
    return true;
}

} // namespace

setting_kind<log_level> level()
{
    return {.name = "debug, info, warn or error",
            .expects = "debug, info, warn or error",
            .read = &read_level,
            .write = [](const log_level& value) { return in_quotes(name(value)); }};
}

setting_kind<double> ratio()
{
    return {.name = "number",
            .expects = "a number from 0 to 1, such as 0.01",
            .read = &read_ratio,
            .write = [](const double& value) { return fmt::format("{}", value); }};
}

} // namespace sluice::app
