// How each type becomes a parameter: its size, and its bytes. For parameters.hpp; an application's own type can join by
// specialising `encoding` in the same way.
#pragma once

#include <sluice/postgres/types.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::postgres {

// A text with NUL, or a value that is longer than PostgreSQL's longest, is refused before it is sent.
inline constexpr std::size_t value_bytes_max = (std::size_t{1} << 30) - 1;

// A specialisation has: type, size(value), write(to, value) of that many bytes, and acceptable(value).
template <class T> struct encoding;

template <class T>
concept encodable = requires(const T& value, char* to) {
    { encoding<T>::size(value) } -> std::same_as<std::size_t>;
    encoding<T>::write(to, value);
};

namespace detail {

template <class T, type_id Type> struct fixed_encoding
{
    static constexpr type_id type = Type;
    static constexpr std::size_t size(const T&) noexcept { return sizeof(T); }
    static constexpr bool acceptable(const T&) noexcept { return true; }
};

} // namespace detail

template <> struct encoding<bool> : detail::fixed_encoding<bool, type_id::boolean>
{
    static void write(char* to, bool value) noexcept { *to = value ? 1 : 0; }
};

template <detail::wire_integer T>
struct encoding<T>
    : detail::fixed_encoding<T, sizeof(T) == 2 ? type_id::int2 : (sizeof(T) == 4 ? type_id::int4 : type_id::int8)>
{
    static void write(char* to, T value) noexcept { detail::store(to, value); }
};

template <> struct encoding<float> : detail::fixed_encoding<float, type_id::float4>
{
    static void write(char* to, float value) noexcept { detail::store(to, std::bit_cast<std::int32_t>(value)); }
};

template <> struct encoding<double> : detail::fixed_encoding<double, type_id::float8>
{
    static void write(char* to, double value) noexcept { detail::store(to, std::bit_cast<std::int64_t>(value)); }
};

template <> struct encoding<uuid> : detail::fixed_encoding<uuid, type_id::uuid>
{
    static void write(char* to, const uuid& value) noexcept { std::memcpy(to, value.bytes.data(), value.bytes.size()); }
};

template <> struct encoding<timestamp>
{
    static constexpr type_id type = type_id::timestamptz;
    static constexpr std::size_t size(timestamp) noexcept { return sizeof(std::int64_t); }
    static constexpr bool acceptable(timestamp) noexcept { return true; }
    static void write(char* to, timestamp value) noexcept { detail::store(to, detail::to_wire(value)); }
};

template <> struct encoding<date>
{
    static constexpr type_id type = type_id::date;
    static constexpr std::size_t size(date) noexcept { return sizeof(std::int32_t); }
    static constexpr bool acceptable(date) noexcept { return true; }
    static void write(char* to, date value) noexcept { detail::store(to, detail::to_wire(value)); }
};

template <detail::wire_text T> struct encoding<T>
{
    static constexpr type_id type = type_id::text;
    static std::size_t size(std::string_view text) noexcept { return text.size(); }
    static bool acceptable(std::string_view text) noexcept { return !text.contains('\0'); }
    static void write(char* to, std::string_view text) noexcept { std::ranges::copy(text, to); }
};

template <> struct encoding<bytea>
{
    static constexpr type_id type = type_id::bytea;
    static std::size_t size(bytea value) noexcept { return value.bytes.size(); }
    static constexpr bool acceptable(bytea) noexcept { return true; }
    static void write(char* to, bytea value) noexcept { std::ranges::copy(value.bytes, to); }
};

template <> struct encoding<json_text>
{
    static constexpr type_id type = type_id::jsonb;
    static std::size_t size(json_text value) noexcept { return 1 + value.text.size(); }
    static bool acceptable(json_text value) noexcept { return !value.text.contains('\0'); }
    static void write(char* to, json_text value) noexcept
    {
        *to = detail::jsonb_version;
        std::ranges::copy(value.text, to + 1);
    }
};

namespace detail {

// What stands behind a parameter or an element: an optional may be null.
template <class T> struct nullable
{
    using type = T;
    static constexpr const T* value(const T& from) noexcept { return &from; }
};
template <class T> struct nullable<std::optional<T>>
{
    using type = T;
    static constexpr const T* value(const std::optional<T>& from) noexcept { return from ? &*from : nullptr; }
};

template <class T>
concept wire_array = std::ranges::sized_range<const T> && !wire_text<T> &&
                     encodable<typename nullable<std::ranges::range_value_t<T>>::type>;

} // namespace detail

// One dimension, counted from 1 as PostgreSQL's own are; none at all when it is empty.
template <detail::wire_array T> struct encoding<T>
{
    using element = std::ranges::range_value_t<T>;
    using nullable = detail::nullable<element>;
    using each = encoding<typename nullable::type>;
    static constexpr type_id type = array_of(each::type);
    static_assert(type != type_id::unspecified, "an array of such elements has no type");

    static std::size_t size(const T& values) noexcept
    {
        std::size_t total = 3 * sizeof(std::int32_t);
        if (std::ranges::empty(values)) return total;
        total += 2 * sizeof(std::int32_t);
        for (const element& one : values) {
            const auto* value = nullable::value(one);
            total += sizeof(std::int32_t) + (value != nullptr ? each::size(*value) : 0);
        }
        return total;
    }
    static bool acceptable(const T& values) noexcept
    {
        return std::ranges::all_of(values, [](const element& one) {
            const auto* value = nullable::value(one);
            return value == nullptr || each::acceptable(*value);
        });
    }
    static void write(char* to, const T& values) noexcept
    {
        const auto put = [&to](std::int32_t number) {
            detail::store(to, number);
            to += sizeof number;
        };
        const auto count = static_cast<std::int32_t>(std::ranges::size(values));
        put(count == 0 ? 0 : 1);
        put(std::ranges::any_of(values, [](const element& one) { return nullable::value(one) == nullptr; }) ? 1 : 0);
        put(static_cast<std::int32_t>(each::type));
        if (count == 0) return;
        put(count);
        put(1);
        for (const element& one : values) {
            const auto* value = nullable::value(one);
            const std::size_t bytes = value != nullptr ? each::size(*value) : 0;
            put(value != nullptr ? static_cast<std::int32_t>(bytes) : -1);
            if (value != nullptr) each::write(to, *value);
            to += bytes;
        }
    }
};

} // namespace sluice::postgres

#pragma GCC visibility pop
