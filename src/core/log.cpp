#include <sluice/core/log.hpp>

#include <algorithm>
#include <array>

namespace sluice {
namespace {

std::atomic<log_sink*> process_sink = nullptr;

constexpr std::array<std::string_view, 4> names = {"debug", "info", "warn", "error"};

} // namespace

std::string_view name(log_level level) noexcept { return names[static_cast<std::size_t>(level)]; }

std::optional<log_level> log_level_named(std::string_view name) noexcept
{
    const auto* found = std::ranges::find(names, name);
    if (found == names.end()) return std::nullopt;
    return static_cast<log_level>(found - names.begin());
}

log_sink* exchange_log_sink(log_sink* next) noexcept
{
    log_sink* before = process_sink.exchange(next, std::memory_order_acq_rel);
    detail::log_threshold.store(next != nullptr ? static_cast<std::uint8_t>(next->level()) : detail::no_log_level,
                                std::memory_order_relaxed);
    return before;
}

void change_log_level(log_level next) noexcept
{
    log_sink* sink = process_sink.load(std::memory_order_acquire);
    if (sink == nullptr) return;
    sink->level_.store(next, std::memory_order_relaxed);
    detail::log_threshold.store(static_cast<std::uint8_t>(next), std::memory_order_relaxed);
}

void detail::log_to_sink(log_level level, std::string_view message, std::span<const log_field> fields) noexcept
{
    if (log_sink* sink = process_sink.load(std::memory_order_acquire)) sink->write(level, message, fields);
}

} // namespace sluice
