// Trace identity (W3C Trace Context): which request this is, across services.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

struct trace_context
{
    std::array<std::uint8_t, 16> trace_id{};
    std::array<std::uint8_t, 8> span_id{};
    bool sampled = false;

    // A new trace, from this thread's generator (xoshiro256++ seeded by getrandom: unique, not secret).
    [[nodiscard]] static trace_context start() noexcept;
    // `traceparent` of the caller, version 00 strictly and later versions leniently as the recommendation says: its
    // trace id and sampling flag with a new span id. Nothing for a value that is not valid.
    [[nodiscard]] static std::optional<trace_context> from_traceparent(std::string_view value) noexcept;
    // 32 lower-case hex digits, written at `out`.
    void write_trace_id(char* out) const noexcept;
    void write_span_id(char* out) const noexcept;
};

} // namespace sluice

#pragma GCC visibility pop
