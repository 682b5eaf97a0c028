#include <sluice/core/units.hpp>

#include <charconv>
#include <limits>
#include <span>

namespace sluice {

namespace {

struct unit
{
    std::string_view name;
    std::uint64_t factor;
};

// From the smallest; each is a multiple of the one before it.
constexpr unit byte_units[] = {{"B", 1}, {"KiB", 1ULL << 10U}, {"MiB", 1ULL << 20U}, {"GiB", 1ULL << 30U}};
constexpr unit duration_units[] = {
    {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}};

struct quantity
{
    std::uint64_t number;
    std::string_view unit;
};

std::optional<quantity> split(std::string_view text) noexcept
{
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, failure] = std::from_chars(text.data(), end, number);
    if (failure != std::errc()) return std::nullopt;
    return quantity{number, {rest, static_cast<std::size_t>(end - rest)}};
}

std::optional<std::uint64_t> scale(quantity given, std::span<const unit> units, std::uint64_t max) noexcept
{
    for (const unit& each : units) {
        if (each.name != given.unit) continue;
        if (given.number > max / each.factor) return std::nullopt;
        return given.number * each.factor;
    }
    return std::nullopt;
}

// With the largest unit that divides it.
std::string write(std::uint64_t value, std::span<const unit> units)
{
    if (value == 0) return "0";
    const unit* best = &units.front();
    for (const unit& each : units)
        if (value % each.factor == 0) best = &each;
    return std::to_string(value / best->factor) + std::string(best->name);
}

} // namespace

std::optional<bytes> parse_bytes(std::string_view text) noexcept
{
    auto given = split(text);
    if (!given) return std::nullopt;
    if (given->unit.empty()) given->unit = "B";
    const auto value = scale(*given, byte_units, std::numeric_limits<std::uint64_t>::max());
    if (!value) return std::nullopt;
    return bytes(*value);
}

std::optional<duration> parse_duration(std::string_view text) noexcept
{
    const auto given = split(text);
    if (!given) return std::nullopt;
    if (given->unit.empty() && given->number == 0) return duration(0);
    const auto value = scale(*given, duration_units, std::numeric_limits<std::int64_t>::max());
    if (!value) return std::nullopt;
    return duration(static_cast<std::int64_t>(*value));
}

std::string to_string(bytes b) { return write(count(b), byte_units); }

std::string to_string(duration d)
{
    const auto whole = std::chrono::floor<std::chrono::microseconds>(d);
    return write(static_cast<std::uint64_t>(duration(whole).count()), duration_units);
}

} // namespace sluice
