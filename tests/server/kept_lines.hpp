// What was logged, for a test to look at.
#pragma once

#include <sluice/core/context.hpp>
#include <sluice/core/log.hpp>
#include <sluice/shard/shard.hpp>

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::testing {

using values = std::map<std::string, std::string>;

inline std::string hex_trace(const trace_context& trace)
{
    std::string id(32, ' ');
    trace.write_trace_id(id.data());
    return id;
}

// Adds the fields of a line, each as text; none may be there yet.
inline void keep(values& in, std::span<const log_field> fields)
{
    for (const log_field& field : fields) {
        std::visit(
            [&](const auto& value) {
                std::string text;
                if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, std::string_view>)
                    text = value;
                else
                    text = std::to_string(value);
                EXPECT_TRUE(in.emplace(field.name, std::move(text)).second) << "twice: " << field.name;
            },
            field.value);
    }
}

// Keeps every line, of any thread: its values as text, and the trace that it belongs to.
class kept_lines final : public log_sink
{
public:
    explicit kept_lines(log_level least = log_level::info) : log_sink(least), before_(exchange_log_sink(this)) {}
    ~kept_lines() { exchange_log_sink(before_); }

    void write(log_level level, std::string_view message, std::span<const log_field> fields) noexcept override
    {
        values line = {{"message", std::string(message)}, {"level", std::string(name(level))}};
        if (const context* request = context::current()) {
            line["trace_id"] = hex_trace(request->trace);
            line["span_id"].resize(16);
            request->trace.write_span_id(line["span_id"].data());
        }
        if (shard::is_current()) line["shard"] = std::to_string(shard::current().index());
        keep(line, fields);
        const std::scoped_lock lock(guard_);
        lines_.push_back(std::move(line));
    }
    [[nodiscard]] std::vector<values> named(const std::string& message)
    {
        const std::scoped_lock lock(guard_);
        std::vector<values> found;
        for (const values& line : lines_)
            if (line.at("message") == message) found.push_back(line);
        return found;
    }

private:
    log_sink* before_;
    std::mutex guard_;
    std::vector<values> lines_;
};

} // namespace sluice::testing
