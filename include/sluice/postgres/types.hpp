// The types that travel between C++ and PostgreSQL, and how each looks on the wire: binary, in network byte order.
//
//     bool                     boolean          std::string_view and strings   text, varchar, char(n), name, enums
//     std::int16_t, 32, 64     smallint, …      bytea                          bytea
//     float, double            real, double     uuid                           uuid
//     timestamp                timestamptz      date                           date
//     json_text                jsonb, json      a vector or span of these      their arrays
//
// Into an enum a text is cast by the statement, `$1::text::mood`. The infinities of timestamptz and date are the
// maximum and minimum of the C++ type. Values; no I/O, and no allocation but what a container of the caller's makes.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/uuid.hpp>

#include <bit>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#pragma GCC visibility push(default)

namespace sluice::postgres {

using date = std::chrono::sys_days;

// Bytes as they are, and JSON as text: both views, of what the caller has or of a result.
struct bytea
{
    std::string_view bytes;
    friend bool operator==(const bytea&, const bytea&) = default;
};
struct json_text
{
    std::string_view text;
    friend bool operator==(const json_text&, const json_text&) = default;
};

// The object ids that PostgreSQL's own types have in every database (pg_type.dat).
enum class type_id : unsigned
{
    unspecified = 0, // of a parameter: the statement says which
    boolean = 16,
    bytea = 17,
    name = 19,
    int8 = 20,
    int2 = 21,
    int4 = 23,
    text = 25,
    json = 114,
    float4 = 700,
    float8 = 701,
    bpchar = 1042,
    varchar = 1043,
    date = 1082,
    timestamptz = 1184,
    uuid = 2950,
    jsonb = 3802,
    first_own = 16384, // from here on a database's own types: enums among them
};

// The name of a type for messages ("int4"); of an array's elements with [] behind it; "type 4711" has no name.
[[nodiscard]] std::string_view name(type_id type) noexcept;
// The array type of an element type, and back; unspecified if there is none here.
[[nodiscard]] constexpr type_id array_of(type_id element) noexcept
{
    switch (element) {
    case type_id::boolean:
        return type_id{1000};
    case type_id::bytea:
        return type_id{1001};
    case type_id::name:
        return type_id{1003};
    case type_id::int2:
        return type_id{1005};
    case type_id::int4:
        return type_id{1007};
    case type_id::text:
        return type_id{1009};
    case type_id::bpchar:
        return type_id{1014};
    case type_id::varchar:
        return type_id{1015};
    case type_id::int8:
        return type_id{1016};
    case type_id::float4:
        return type_id{1021};
    case type_id::float8:
        return type_id{1022};
    case type_id::date:
        return type_id{1182};
    case type_id::timestamptz:
        return type_id{1185};
    case type_id::json:
        return type_id{199};
    case type_id::uuid:
        return type_id{2951};
    case type_id::jsonb:
        return type_id{3807};
    default:
        return type_id::unspecified;
    }
}

namespace detail {

// Signed integers by their width, since a platform has more names for them than PostgreSQL has types.
template <class T>
concept wire_integer = std::signed_integral<T> && !std::same_as<T, char> && !std::same_as<T, signed char> &&
                       (sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8);
template <class T>
concept wire_text = std::convertible_to<const T&, std::string_view>;

template <std::integral T> void store(char* to, T value) noexcept
{
    if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
    std::memcpy(to, &value, sizeof value);
}
template <std::integral T> [[nodiscard]] T load(const char* from) noexcept
{
    T value;
    std::memcpy(&value, from, sizeof value);
    if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
    return value;
}

// PostgreSQL counts from 2000-01-01. A finite value that the other side cannot express becomes one that it refuses
// (written), or the nearest infinity (read: PostgreSQL's range ends some decades after this program's).
[[nodiscard]] std::int64_t to_wire(timestamp t) noexcept;
[[nodiscard]] timestamp timestamp_from_wire(std::int64_t microseconds) noexcept;
[[nodiscard]] std::int32_t to_wire(date d) noexcept;
[[nodiscard]] date date_from_wire(std::int32_t days) noexcept;

inline constexpr char jsonb_version = 1;

} // namespace detail

} // namespace sluice::postgres

#pragma GCC visibility pop
