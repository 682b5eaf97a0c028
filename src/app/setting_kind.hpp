// The kinds of values that settings have: how each is read from what a source said, and how it is written back.
//
// A kind reads strictly: the whole of it must be a value in range, or nothing is stored. The words of `expects`
// complete the sentence "KEY must be …"; they are all that a kind says about an error, so wrong types and impossible
// values read alike. Written values are TOML, so that what `sluice config` prints can be put into a file.
#pragma once

#include <sluice/core/units.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice {
struct server_options;
enum class log_level : std::uint8_t;
namespace limit {
enum class on_failure : std::uint8_t;
}
} // namespace sluice

namespace sluice::app {

// A value of a file, before it has a kind. Environment and flags give texts only.
struct unreadable // a date, a table …: no setting is one
{};
using raw_value = std::variant<std::string, std::int64_t, double, bool, std::vector<std::string>, unreadable>;
struct raw_setting
{
    raw_value value;
    std::string shown;      // as an error message quotes it
    bool text_only = false; // from environment or flag: numbers come as text, lists with commas
};

template <class T> struct setting_kind
{
    std::string_view name; // "duration", for the documentation
    std::string expects;   // "a duration from 1ms to 24h, such as 250ms, 2s or 5m"
    bool (*read)(const setting_kind& kind, const raw_setting& raw, T& out);
    std::string (*write)(const T& value);
    std::uint64_t min = 0; // of numbers, bytes and nanoseconds
    std::uint64_t max = 0;
    // Of a kind that holds a secret: what may be printed in its place, and what is wrong without quoting it.
    std::string (*show)(const T& value) = nullptr;
    std::string (*why_not)(const raw_setting& raw) = nullptr;
};

[[nodiscard]] setting_kind<unsigned> count_of_shards(unsigned max);
[[nodiscard]] setting_kind<std::size_t> whole_number(std::uint64_t min, std::uint64_t max);
[[nodiscard]] setting_kind<std::uint64_t> size(bytes min, bytes max); // std::size_t is the same type
[[nodiscard]] setting_kind<duration> time_span(duration min, duration max);
[[nodiscard]] setting_kind<unsigned> port();
[[nodiscard]] setting_kind<std::string> text(); // empty: not said
[[nodiscard]] setting_kind<std::string> secret_text();
[[nodiscard]] setting_kind<std::string> database_url();  // of PostgreSQL; empty: none
[[nodiscard]] setting_kind<std::string> redis_url();     // empty: none
[[nodiscard]] setting_kind<std::string> collector_url(); // empty: none
[[nodiscard]] setting_kind<bool> transaction_pooler();
[[nodiscard]] setting_kind<std::string> path();          // of a file; may not be empty
[[nodiscard]] setting_kind<std::string> optional_path(); // empty: none
[[nodiscard]] setting_kind<std::string> optional_address();
[[nodiscard]] setting_kind<std::vector<std::string>> addresses();
[[nodiscard]] setting_kind<std::vector<std::string>> host_names(); // may be none
[[nodiscard]] setting_kind<std::vector<std::string>> networks();   // and addresses; may be none
[[nodiscard]] setting_kind<server_options> busy_poll();            // mode and time are one setting
[[nodiscard]] setting_kind<log_level> level();
[[nodiscard]] setting_kind<bool> yes_or_no();
[[nodiscard]] setting_kind<double> ratio();                   // from 0 to 1
[[nodiscard]] setting_kind<std::vector<std::string>> words(); // none is fine

// Of the rate limit: limit_kinds.cpp.
[[nodiscard]] setting_kind<std::string> client_key(); // "ip", stored as "", or the NAME of "header:NAME"
[[nodiscard]] setting_kind<limit::on_failure> without_redis();

// Fit for a line of an error message: control characters are escaped, as TOML does it.
[[nodiscard]] std::string printable(std::string_view text);
// A TOML basic string.
[[nodiscard]] std::string in_quotes(std::string_view text);

} // namespace sluice::app
