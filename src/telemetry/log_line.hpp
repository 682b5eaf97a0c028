// One log line as JSON, with its line feed. Whatever bytes a message or a field holds, it is one line of valid JSON,
// and whatever a field is called, what the line says of itself stands there once: such a field is called field_level,
// ….
#pragma once

#include "telemetry/redaction.hpp"

#include <sluice/core/clock.hpp>
#include <sluice/core/log.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/trace.hpp>

#include <optional>
#include <span>
#include <string_view>

namespace sluice::telemetry {

struct log_line
{
    timestamp when;
    log_level level;
    std::optional<unsigned> shard; // null in the line where none is: it comes from another thread
    const trace_context* trace;    // null outside any request
    std::string_view message;
    std::span<const log_field> fields;
};

// At the end of `text`.
void append_json(const log_line& line, const redaction& hidden, pooled_string& text);

} // namespace sluice::telemetry
