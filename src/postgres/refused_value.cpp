#include "postgres/refused_value.hpp"

#include "postgres/errors.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <libpq-fe.h>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::postgres {

namespace {

std::string_view said(const pg_result* failed, int which) noexcept
{
    const char* text = PQresultErrorField(failed, which);
    return text == nullptr ? std::string_view() : text;
}

// Which parameter it is about, counted from 0: whatever the server's language, its context names it as $1, $2, …
int parameter_of(const pg_result* failed) noexcept
{
    const std::string_view context = said(failed, PG_DIAG_CONTEXT);
    const auto at = context.find('$');
    if (at == std::string_view::npos) return -1;
    int number = 0;
    (void)std::from_chars(context.data() + at + 1, context.data() + context.size(), number);
    return number - 1;
}

// A check of one column is named by PostgreSQL itself: users_name_check.
std::string_view checked_column(const pg_result* failed) noexcept
{
    constexpr std::string_view ending = "_check";
    const std::string_view table = said(failed, PG_DIAG_TABLE_NAME);
    std::string_view name = said(failed, PG_DIAG_CONSTRAINT_NAME);
    if (!name.starts_with(table) || !name.ends_with(ending) || name.size() <= table.size() + ending.size()) return {};
    name.remove_prefix(table.size() + 1);
    name.remove_suffix(ending.size());
    return name;
}

constexpr std::array numbers = {type_id::int2, type_id::int4, type_id::int8, type_id::float4, type_id::float8};
constexpr std::array texts = {type_id::text, array_of(type_id::text)};

std::string_view value_of(const parameters& with, int i) noexcept
{
    const char* value = with.values()[i];
    return value == nullptr ? std::string_view() : std::string_view(value, static_cast<std::size_t>(with.lengths()[i]));
}
type_id type_of(const parameters& with, int i) noexcept { return static_cast<type_id>(with.types()[i]); }

// How many characters the column takes that refused a text: in any language they stand in parentheses behind its type.
std::optional<std::size_t> length_max(const pg_result* failed) noexcept
{
    const std::string_view text = said(failed, PG_DIAG_MESSAGE_PRIMARY);
    const auto at = text.rfind('(');
    if (at == std::string_view::npos) return std::nullopt;
    std::size_t most = 0;
    const auto read = std::from_chars(text.data() + at + 1, text.data() + text.size(), most);
    return read.ec == std::errc() ? std::optional(most) : std::nullopt;
}

// As PostgreSQL counts it: spaces that are too many are cut off, and no error.
std::size_t characters(std::string_view text) noexcept
{
    const auto last = text.find_last_not_of(' ');
    const std::string_view counted = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
    return static_cast<std::size_t>(
        std::ranges::count_if(counted, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// What an integer had to fit into, by the function of PostgreSQL that found that it does not.
struct range
{
    std::string_view function;
    std::int64_t least;
    std::int64_t most;
};
template <class T> constexpr range range_of(std::string_view function)
{
    return {function, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
}
constexpr std::array narrowings = {range_of<std::int32_t>("int84"), range_of<std::int16_t>("int82"),
                                   range_of<std::int16_t>("i4toi2")};

std::optional<std::int64_t> integer_of(const parameters& with, int i) noexcept
{
    const type_id type = type_of(with, i);
    const std::string_view bytes = value_of(with, i);
    if ((type != type_id::int8 && type != type_id::int4 && type != type_id::int2) || bytes.empty()) return std::nullopt;
    std::int64_t value = static_cast<signed char>(bytes.front()) < 0 ? -1 : 0;
    for (const char c : bytes)
        value = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << 8U) | static_cast<unsigned char>(c);
    return value;
}

std::vector<int> too_long(const pg_result* failed, const parameters& with)
{
    std::vector<int> found;
    const auto most = length_max(failed);
    for (int i = 0; most && i < with.count(); ++i)
        if (type_of(with, i) == type_id::text && characters(value_of(with, i)) > *most) found.push_back(i);
    if (found.empty()) found.push_back(with.only_one(texts));
    return found;
}

std::vector<int> out_of_range(const pg_result* failed, const parameters& with)
{
    std::vector<int> found;
    const auto wanted = std::ranges::find(narrowings, said(failed, PG_DIAG_SOURCE_FUNCTION), &range::function);
    for (int i = 0; wanted != narrowings.end() && i < with.count(); ++i)
        if (const auto value = integer_of(with, i); value && (*value < wanted->least || *value > wanted->most))
            found.push_back(i);
    if (found.empty()) found.push_back(with.only_one(numbers));
    return found;
}

std::vector<int> refused_parameters(const pg_result* failed, const parameters& with)
{
    if (const int named = parameter_of(failed); named >= 0) return {named};
    if (const std::string_view column = said(failed, PG_DIAG_COLUMN_NAME); !column.empty())
        return {with.of_column(column)};
    if (const int checked = with.of_column(checked_column(failed)); checked >= 0) return {checked};
    const std::string_view state = sql_state(failed);
    const bool about_the_row = state == "P0001" || state == "42501" || state.starts_with("44");
    if (about_the_row) return {};
    if (state == "22003") return out_of_range(failed, with);
    if (state == "22001") return too_long(failed, with);
    return {with.only_one({})};
}

} // namespace

error refused_value(const pg_result* failed, const parameters& with)
{
    error made = with.invalid(-1, {});
    for (const int i : refused_parameters(failed, with))
        for (violation& one : with.invalid(i, "is not a value that can be stored").violations)
            if (std::ranges::find(made.violations, one.pointer, &violation::pointer) == made.violations.end())
                made.violations.push_back(std::move(one));
    if (made.violations.size() > 1)
        for (violation& one : made.violations) one.detail += ", or another that is named here is not";
    made.constraint = said(failed, PG_DIAG_CONSTRAINT_NAME);
    return made;
}

} // namespace sluice::postgres
