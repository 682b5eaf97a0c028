#include "postgres/errors.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/core/log.hpp>
#include <sluice/postgres/rows.hpp>

#include <fmt/format.h>

#include <charconv>
#include <libpq-fe.h>
#include <string>
#include <utility>

namespace sluice::postgres {

namespace detail {

array_reader::array_reader(std::string_view bytes) noexcept : rest_(bytes)
{
    const std::int32_t dimensions = number();
    (void)number(); // whether there are nulls: each element says so itself
    element_ = static_cast<type_id>(number());
    std::size_t elements = dimensions > 0 ? 1 : 0;
    for (std::int32_t i = 0; sound_ && i < dimensions; ++i) {
        const std::int32_t length = number();
        (void)number(); // where it counts from
        if (length < 0 || __builtin_mul_overflow(elements, static_cast<std::size_t>(length), &elements)) sound_ = false;
    }
    // Each element has at least its length: a number that the bytes cannot hold must not make anybody reserve room.
    if (elements > rest_.size() / sizeof(std::int32_t)) sound_ = false;
    size_ = sound_ ? elements : 0;
}

std::int32_t array_reader::number() noexcept
{
    if (rest_.size() < sizeof(std::int32_t)) {
        sound_ = false;
        rest_ = {};
        return 0;
    }
    const auto value = load<std::int32_t>(rest_.data());
    rest_.remove_prefix(sizeof value);
    return value;
}

std::optional<std::string_view> array_reader::next() noexcept
{
    const std::int32_t length = number();
    if (length < 0) return std::nullopt;
    if (static_cast<std::size_t>(length) > rest_.size()) sound_ = false;
    const std::string_view value = rest_.substr(0, static_cast<std::size_t>(length));
    rest_.remove_prefix(value.size());
    return value;
}

} // namespace detail

row::cell row::at(int column) const noexcept
{
    const auto type = static_cast<type_id>(PQftype(result_, column));
    if (PQgetisnull(result_, index_, column) != 0) {
        // Of a column that is not there, too, and that must not pass for NULL.
        if (column < 0 || column >= PQnfields(result_)) misread(column, "a value");
        return {.data = nullptr, .size = 0, .type = type};
    }
    return {.data = PQgetvalue(result_, index_, column),
            .size = static_cast<std::size_t>(PQgetlength(result_, index_, column)),
            .type = type};
}

std::string row::mismatch(int column, std::string_view wanted) const
{
    const char* label = PQfname(result_, column);
    if (label == nullptr) return fmt::format("column {} of {} is read", column, PQnfields(result_));
    const auto type = static_cast<type_id>(PQftype(result_, column));
    return fmt::format("column {} ('{}') is {}{} (type {}) and is read as {}", column, label,
                       is_null(column) ? "NULL of " : "", name(type), std::to_underlying(type), wanted);
}

void row::misread(int column, std::string_view wanted) const noexcept
{
    assertion_failed(mismatch(column, wanted).c_str(), __FILE__, __LINE__);
}

error row::unfit(int column, std::string_view wanted) const
{
    const std::string reason = mismatch(column, wanted);
    if (const auto untold = untold_if_due(reason))
        log(log_level::error, "A column of PostgreSQL's does not fit", {{"reason", reason}, {"untold", *untold}});
    return unavailable("The database's tables are not those that the server knows");
}

rows::rows(pg_result* owned) noexcept : result_(owned), count_(PQntuples(owned)) {}

rows::~rows() { PQclear(result_); }

row rows::operator[](std::size_t index) const noexcept
{
    SLUICE_ASSERT(index < size());
    return {result_, static_cast<int>(index)};
}

std::string_view rows::command() const noexcept
{
    return result_ == nullptr ? "" : PQcmdStatus(const_cast<pg_result*>(result_));
}

std::uint64_t rows::affected() const noexcept
{
    const std::string_view digits = result_ == nullptr ? "" : PQcmdTuples(const_cast<pg_result*>(result_));
    std::uint64_t number = 0;
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

} // namespace sluice::postgres
