// Spans as the OpenTelemetry protocol writes them in JSON (ExportTraceServiceRequest): values in, text out.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/span.hpp>

#include <string>
#include <string_view>

namespace sluice::telemetry {

// What turns the monotonic clock's times into wall time, in nanoseconds.
struct clock_difference
{
    std::int64_t nanoseconds;
    [[nodiscard]] static clock_difference now() noexcept;
};

// Appends one span of the trace: the request's own (`is_request`), or one below it.
void append_span(const finished_trace& of, const span_record& one, bool is_request, clock_difference wall,
                 pooled_string& out);

// What stands before the spans, which are separated by commas, and behind them.
[[nodiscard]] std::string export_begin(std::string_view service, std::string_view version);
inline constexpr std::string_view export_end = "]}]}]}";

} // namespace sluice::telemetry
