#include <sluice/postgres/types.hpp>

#include <limits>

namespace sluice::postgres {

std::string_view name(type_id type) noexcept
{
    switch (type) {
    case type_id::unspecified:
        return "unspecified";
    case type_id::boolean:
        return "bool";
    case type_id::bytea:
        return "bytea";
    case type_id::name:
        return "name";
    case type_id::int8:
        return "int8";
    case type_id::int2:
        return "int2";
    case type_id::int4:
        return "int4";
    case type_id::text:
        return "text";
    case type_id::json:
        return "json";
    case type_id::float4:
        return "float4";
    case type_id::float8:
        return "float8";
    case type_id::bpchar:
        return "char(n)";
    case type_id::varchar:
        return "varchar";
    case type_id::date:
        return "date";
    case type_id::timestamptz:
        return "timestamptz";
    case type_id::uuid:
        return "uuid";
    case type_id::jsonb:
        return "jsonb";
    default:
        return "another type";
    }
}

namespace detail {

namespace {

constexpr std::chrono::sys_days epoch = std::chrono::year(2000) / 1 / 1;
constexpr std::int64_t epoch_microseconds = std::chrono::microseconds(epoch.time_since_epoch()).count();
constexpr std::int64_t epoch_days = epoch.time_since_epoch().count();

template <class T> constexpr T infinity = std::numeric_limits<T>::max();
template <class T> constexpr T minus_infinity = std::numeric_limits<T>::min();

} // namespace

std::int64_t to_wire(timestamp t) noexcept
{
    if (t == timestamp::max()) return infinity<std::int64_t>;
    if (t == timestamp::min()) return minus_infinity<std::int64_t>;
    std::int64_t wire = 0;
    if (__builtin_sub_overflow(t.time_since_epoch().count(), epoch_microseconds, &wire) ||
        wire == minus_infinity<std::int64_t>)
        return minus_infinity<std::int64_t> + 1;
    return wire;
}

timestamp timestamp_from_wire(std::int64_t microseconds) noexcept
{
    if (microseconds == minus_infinity<std::int64_t>) return timestamp::min();
    std::int64_t count = 0;
    if (__builtin_add_overflow(microseconds, epoch_microseconds, &count)) return timestamp::max();
    return timestamp(std::chrono::microseconds(count));
}

std::int32_t to_wire(date d) noexcept
{
    if (d == date::max()) return infinity<std::int32_t>;
    if (d == date::min()) return minus_infinity<std::int32_t>;
    const std::int64_t days = d.time_since_epoch().count(); // compared as it is: what it may be reaches far beyond
    if (days >= std::int64_t{infinity<std::int32_t>} + epoch_days) return infinity<std::int32_t> - 1;
    if (days <= std::int64_t{minus_infinity<std::int32_t>} + epoch_days) return minus_infinity<std::int32_t> + 1;
    return static_cast<std::int32_t>(days - epoch_days);
}

date date_from_wire(std::int32_t days) noexcept
{
    if (days == infinity<std::int32_t>) return date::max();
    if (days == minus_infinity<std::int32_t>) return date::min();
    return date(std::chrono::days(epoch_days + days));
}

} // namespace detail

} // namespace sluice::postgres
