// Log lines: whatever bytes a message, a field's name or its value holds, there comes one line of JSON that reads back,
// or one entry that the journal takes apart as it was meant.
#include "telemetry/journal_line.hpp"
#include "telemetry/log_line.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/json/reader.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace {

using namespace sluice;

const telemetry::redaction& hidden()
{
    static const telemetry::redaction words(secret_words());
    return words;
}

void check_json(const telemetry::log_line& line)
{
    pooled_string text;
    telemetry::append_json(line, hidden(), text);
    SLUICE_ASSERT(text.find('\n') == text.size() - 1);
    SLUICE_ASSERT(parse_json(text).has_value());
}

// Takes an entry apart by the protocol's rules; how many fields it has.
std::size_t fields_of(std::string_view text)
{
    std::size_t count = 0;
    for (; !text.empty(); ++count) {
        const auto end = text.find('\n');
        SLUICE_ASSERT(end != std::string_view::npos);
        const auto name = text.substr(0, std::min(end, text.find('=')));
        SLUICE_ASSERT(!name.empty() && name.size() <= 64 && name.front() >= 'A' && name.front() <= 'Z');
        SLUICE_ASSERT(std::ranges::all_of(
            name, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }));
        text.remove_prefix(end + 1);
        if (name.size() < end) continue; // NAME=value
        std::uint64_t size = 0;
        SLUICE_ASSERT(text.size() >= sizeof size);
        std::memcpy(&size, text.data(), sizeof size);
        text.remove_prefix(sizeof size);
        SLUICE_ASSERT(text.size() > size && text[size] == '\n');
        text.remove_prefix(size + 1);
    }
    return count;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    // Message, name and value, with a byte of 0x1f between them, since line feeds and zeros have work to do.
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    const auto next = [&rest] {
        const auto end = std::min(rest.find('\x1f'), rest.size());
        const std::string_view part = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return part;
    };
    const std::string_view message = next();
    const std::string_view name = next();
    const log_field fields[] = {{name, next()}, {name, static_cast<double>(size)}, {name, size % 2 == 0}};
    const trace_context trace;
    const telemetry::log_line line = {.when = timestamp(std::chrono::microseconds(size)),
                                      .level = log_level::info,
                                      .shard = 0,
                                      .trace = &trace,
                                      .message = message,
                                      .fields = fields};
    check_json(line);
    pooled_string entry;
    telemetry::append_journal(line, hidden(), entry);
    constexpr std::size_t of_every_line = 7;
    SLUICE_ASSERT(fields_of(entry) == of_every_line + std::size(fields));
    return 0;
}
