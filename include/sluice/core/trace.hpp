// Trace identity (W3C Trace Context): which request this is, across services.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

struct trace_context
{
    std::array<std::uint8_t, 16> trace_id{};
    std::array<std::uint8_t, 8> span_id{};
    std::array<std::uint8_t, 8> parent_id{}; // the caller's span; zeros where the trace begins here
    bool sampled = false;

    // A new trace, from this thread's generator (xoshiro256++ seeded by getrandom: unique, not secret).
    [[nodiscard]] static trace_context start() noexcept;
    // `traceparent` of the caller, version 00 strictly and later versions leniently as the recommendation says: its
    // trace id, parent and sampling flag with a new span id. Nothing for a value that is not valid.
    [[nodiscard]] static std::optional<trace_context> from_traceparent(std::string_view value) noexcept;
    // The same trace with a new span: what a call to another service is named.
    [[nodiscard]] trace_context child() const noexcept;
    // Is it one of those kept at that ratio, 0 to 1? By the trace's id alone, so that services with one ratio agree.
    [[nodiscard]] bool kept_at(double ratio) const noexcept;
    // 32 lower-case hex digits, written at `out`.
    void write_trace_id(char* out) const noexcept;
    void write_span_id(char* out) const noexcept;
    // Version 00, traceparent_size characters.
    void write_traceparent(char* out) const noexcept;
};
inline constexpr std::size_t traceparent_size = 55;

// `tracestate` may be passed on as it is: a list of key=value by the recommendation's grammar, of at most 32 members
// and 512 characters, no key twice. What is not valid is dropped, and the trace goes on without it.
[[nodiscard]] bool valid_tracestate(std::string_view value) noexcept;

} // namespace sluice

#pragma GCC visibility pop
