// One log line as JSON, with its line feed.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/log.hpp>

#include <optional>
#include <string>

namespace sluice::telemetry {

struct log_line
{
    timestamp when;
    log_level level;
    std::optional<unsigned> shard; // null in the line where none is: it comes from another thread
    std::string_view message;
    std::span<const log_field> fields;
};

[[nodiscard]] std::string to_json(const log_line& line);

} // namespace sluice::telemetry
