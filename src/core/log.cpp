#include <sluice/core/log.hpp>

#include <array>

namespace sluice {
namespace {

std::atomic<log_sink*> process_sink = nullptr;

} // namespace

std::string_view name(log_level level) noexcept
{
    constexpr std::array<std::string_view, 4> names = {"debug", "info", "warn", "error"};
    return names[static_cast<std::size_t>(level)];
}

log_sink* exchange_log_sink(log_sink* next) noexcept
{
    log_sink* before = process_sink.exchange(next, std::memory_order_acq_rel);
    detail::log_threshold.store(next != nullptr ? static_cast<std::uint8_t>(next->level()) : detail::no_log_level,
                                std::memory_order_relaxed);
    return before;
}

void detail::log_to_sink(log_level level, std::string_view message, std::span<const log_field> fields) noexcept
{
    if (log_sink* sink = process_sink.load(std::memory_order_acquire)) sink->write(level, message, fields);
}

} // namespace sluice
