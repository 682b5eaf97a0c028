// Metrics: whatever bytes a label's name and value hold and whatever a number is, there comes text of Prometheus's
// format with one line for each sample, and JSON that reads back.
#include <sluice/core/assert.hpp>
#include <sluice/core/json_escape.hpp>
#include <sluice/json/reader.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace {

using namespace sluice;

constexpr metric_family counted = {"counted_total", "What was counted.", metric_kind::counter};
constexpr metric_family level = {"level", "How much there is.", metric_kind::gauge};
constexpr metric_family took = {"took_seconds", "How long it took.", metric_kind::histogram};

bool is_name_character(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

std::string_view take_name(std::string_view& text)
{
    std::size_t size = 0;
    while (size < text.size() && is_name_character(text[size], size == 0)) ++size;
    SLUICE_ASSERT(size > 0);
    const std::string_view name = text.substr(0, size);
    text.remove_prefix(size);
    return name;
}

void take(std::string_view& text, std::string_view expected)
{
    SLUICE_ASSERT(text.starts_with(expected));
    text.remove_prefix(expected.size());
}

// What stands between quotes, as it was meant.
std::string take_value(std::string_view& text)
{
    std::string value;
    take(text, "\"");
    while (!text.starts_with('"')) {
        SLUICE_ASSERT(!text.empty() && text.front() != '\n');
        const bool escaped = text.front() == '\\';
        if (escaped) {
            SLUICE_ASSERT(text.size() > 1 && (text[1] == '\\' || text[1] == '"' || text[1] == 'n'));
            value += text[1] == 'n' ? '\n' : text[1];
        } else {
            const std::size_t size = utf8_sequence(text);
            SLUICE_ASSERT(size > 0);
            value += text.substr(0, size);
        }
        text.remove_prefix(escaped ? 2 : utf8_sequence(text));
    }
    take(text, "\"");
    return value;
}

bool valid_utf8(std::string_view text)
{
    while (!text.empty()) {
        const std::size_t size = utf8_sequence(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

// One sample's line: NAME{LABEL="VALUE",…} NUMBER. Every label but a bucket's bound has the value that was given.
void check_sample(std::string_view line, std::string_view value)
{
    const std::string_view name = take_name(line);
    SLUICE_ASSERT(name == "counted_total" || name == "level" || name.starts_with("took_seconds_"));
    if (line.starts_with('{')) {
        do {
            line.remove_prefix(1);
            const std::string_view label = take_name(line);
            take(line, "=");
            const std::string said = take_value(line);
            SLUICE_ASSERT(said == value || label == "le" || !valid_utf8(value));
        } while (line.starts_with(','));
        take(line, "}");
    }
    take(line, " ");
    SLUICE_ASSERT(!line.empty() && line.find(' ') == std::string_view::npos);
    char* end = nullptr;
    const std::string number(line);
    (void)std::strtod(number.c_str(), &end);
    SLUICE_ASSERT(*end == '\0');
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    // A number, a label's name, and its value behind a byte of 0x1f.
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    double number = 0;
    std::memcpy(&number, rest.data(), std::min(rest.size(), sizeof number));
    rest.remove_prefix(std::min(rest.size(), sizeof number));
    const std::string_view name = rest.substr(0, rest.find('\x1f'));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    metric_set set;
    set.counter(counted, {{name, rest}}) += 1;
    set.gauge(level, {{name, rest}}) = number;
    set.histogram(took, {{name, rest}}).record(duration(static_cast<std::int64_t>(size)));

    const std::string all = prometheus_text();
    std::string_view text = all;
    std::size_t samples = 0;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        SLUICE_ASSERT(end != std::string_view::npos);
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (line.starts_with("# HELP ") || line.starts_with("# TYPE ")) continue;
        check_sample(line, rest);
        ++samples;
    }
    constexpr std::size_t buckets_written = 47;
    SLUICE_ASSERT(samples == 2 + buckets_written + 2);
    const std::string json = metrics_json();
    SLUICE_ASSERT(parse_json(json).has_value());
    return 0;
}
