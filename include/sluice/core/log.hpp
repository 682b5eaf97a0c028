// Log lines, as every layer writes them: a level, a message for people, and fields for machines.
//
// The problem: all layers have something to say, and what becomes of it is the application's business. The answer:
// log() hands the line to the process's one sink, which main() chooses (telemetry/log_file.hpp writes JSON lines);
// without a sink it goes nowhere. Secrets and bodies never appear in a line.
//
// The level can be changed at any time; a request whose context asks for it (context::debug) has all of its lines
// written. Any thread. A sink never waits and never throws; what it is given is valid during the call only. A line
// below the level costs two loads and two branches.
#pragma once

#include <sluice/core/context.hpp>

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#pragma GCC visibility push(default)

namespace sluice {

enum class log_level : std::uint8_t
{
    debug,
    info,
    warn,
    error,
};

// "debug", "info", "warn", "error".
[[nodiscard]] std::string_view name(log_level level) noexcept;
[[nodiscard]] std::optional<log_level> log_level_named(std::string_view name) noexcept;

struct log_field
{
    using value_type = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

    log_field(std::string_view n, std::string_view v) noexcept : name(n), value(v) {}
    log_field(std::string_view n, const char* v) noexcept : name(n), value(std::string_view(v)) {}
    log_field(std::string_view n, bool v) noexcept : name(n), value(v) {}
    log_field(std::string_view n, std::floating_point auto v) noexcept : name(n), value(double{v}) {}
    log_field(std::string_view n, std::signed_integral auto v) noexcept : name(n), value(std::int64_t{v}) {}
    log_field(std::string_view n, std::unsigned_integral auto v) noexcept : name(n), value(std::uint64_t{v}) {}

    std::string_view name; // level, trace_id and all else that a line says by itself: written as field_level, …
    value_type value;
};

class log_sink
{
public:
    // What is below `level` is not given to it, but for the lines of a request that asks for all of them.
    explicit log_sink(log_level level = log_level::debug) noexcept : level_(level) {}
    [[nodiscard]] log_level level() const noexcept { return level_.load(std::memory_order_relaxed); }

    virtual void write(log_level level, std::string_view message, std::span<const log_field> fields) noexcept = 0;

protected:
    ~log_sink() = default;

private:
    friend void change_log_level(log_level next) noexcept;
    std::atomic<log_level> level_;
};

// Makes `next` the process's sink and gives back the one before. Whoever owns a sink takes it out before it dies, when
// no other thread logs any more.
log_sink* exchange_log_sink(log_sink* next) noexcept;

// Of the process's sink, from the next line on.
void change_log_level(log_level next) noexcept;

namespace detail {

inline constexpr std::uint8_t no_log_level = 0xFF; // above every level: there is no sink
[[gnu::visibility("default")]] inline constinit std::atomic<std::uint8_t> log_threshold = no_log_level;

void log_to_sink(log_level level, std::string_view message, std::span<const log_field> fields) noexcept;

} // namespace detail

// For lines whose fields cost something to gather.
[[nodiscard]] inline bool log_enabled(log_level level) noexcept
{
    if (static_cast<std::uint8_t>(level) >= detail::log_threshold.load(std::memory_order_relaxed)) return true;
    const context* request = context::current();
    return request != nullptr && request->debug;
}

inline void log(log_level level, std::string_view message, std::span<const log_field> fields) noexcept
{
    if (log_enabled(level)) detail::log_to_sink(level, message, fields);
}
inline void log(log_level level, std::string_view message, std::initializer_list<log_field> fields = {}) noexcept
{
    if (log_enabled(level)) detail::log_to_sink(level, message, {fields.begin(), fields.size()});
}

} // namespace sluice

#pragma GCC visibility pop
