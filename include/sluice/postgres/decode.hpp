// How a cell of a result becomes a value: which of PostgreSQL's types fit, and what their bytes mean. For rows.hpp; an
// application's own type can join by specialising `decoding` in the same way.
#pragma once

#include <sluice/core/pool.hpp>
#include <sluice/postgres/types.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice::postgres {

// A specialisation has: wanted (its name in messages), fits(type, bytes), and read(type, bytes).
template <class T> struct decoding;

template <> struct decoding<bool>
{
    static constexpr std::string_view wanted = "bool";
    static constexpr bool fits(type_id type, std::string_view bytes) noexcept
    {
        return type == type_id::boolean && bytes.size() == 1;
    }
    static bool read(type_id, std::string_view bytes) noexcept { return bytes[0] != 0; }
};

// From a narrower column, too.
template <detail::wire_integer T> struct decoding<T>
{
    static constexpr std::string_view wanted = sizeof(T) == 2 ? "int2" : (sizeof(T) == 4 ? "int4" : "int8");
    static constexpr bool fits(type_id type, std::string_view bytes) noexcept
    {
        switch (type) {
        case type_id::int2:
            return bytes.size() == 2;
        case type_id::int4:
            return bytes.size() == 4 && sizeof(T) >= 4;
        case type_id::int8:
            return bytes.size() == 8 && sizeof(T) >= 8;
        default:
            return false;
        }
    }
    static T read(type_id type, std::string_view bytes) noexcept
    {
        if (type == type_id::int2) return detail::load<std::int16_t>(bytes.data());
        if (type == type_id::int4) return static_cast<T>(detail::load<std::int32_t>(bytes.data()));
        return static_cast<T>(detail::load<std::int64_t>(bytes.data()));
    }
};

template <std::floating_point T>
    requires(sizeof(T) == 4 || sizeof(T) == 8)
struct decoding<T>
{
    static constexpr std::string_view wanted = sizeof(T) == 4 ? "float4" : "float8";
    static constexpr bool fits(type_id type, std::string_view bytes) noexcept
    {
        return (type == type_id::float4 && bytes.size() == 4) ||
               (type == type_id::float8 && bytes.size() == 8 && sizeof(T) == 8);
    }
    static T read(type_id type, std::string_view bytes) noexcept
    {
        if (type == type_id::float4)
            return static_cast<T>(std::bit_cast<float>(detail::load<std::int32_t>(bytes.data())));
        return static_cast<T>(std::bit_cast<double>(detail::load<std::int64_t>(bytes.data())));
    }
};

template <> struct decoding<uuid>
{
    static constexpr std::string_view wanted = "uuid";
    static constexpr bool fits(type_id type, std::string_view bytes) noexcept
    {
        return type == type_id::uuid && bytes.size() == sizeof(uuid::bytes);
    }
    static uuid read(type_id, std::string_view bytes) noexcept
    {
        uuid made;
        std::memcpy(made.bytes.data(), bytes.data(), made.bytes.size());
        return made;
    }
};

template <> struct decoding<timestamp>
{
    static constexpr std::string_view wanted = "timestamptz";
    static constexpr bool fits(type_id type, std::string_view bytes) noexcept
    {
        return type == type_id::timestamptz && bytes.size() == 8;
    }
    static timestamp read(type_id, std::string_view bytes) noexcept
    {
        return detail::timestamp_from_wire(detail::load<std::int64_t>(bytes.data()));
    }
};

template <> struct decoding<date>
{
    static constexpr std::string_view wanted = "date";
    static constexpr bool fits(type_id type, std::string_view bytes) noexcept
    {
        return type == type_id::date && bytes.size() == 4;
    }
    static date read(type_id, std::string_view bytes) noexcept
    {
        return detail::date_from_wire(detail::load<std::int32_t>(bytes.data()));
    }
};

// A view of the result, or a string that owns its copy.
template <class T>
    requires std::constructible_from<T, std::string_view> && detail::wire_text<T>
struct decoding<T>
{
    static constexpr std::string_view wanted = "text";
    static constexpr bool fits(type_id type, std::string_view) noexcept
    {
        return type == type_id::text || type == type_id::varchar || type == type_id::bpchar || type == type_id::name ||
               type >= type_id::first_own;
    }
    static T read(type_id, std::string_view bytes) { return T(bytes); }
};

template <> struct decoding<bytea>
{
    static constexpr std::string_view wanted = "bytea";
    static constexpr bool fits(type_id type, std::string_view) noexcept { return type == type_id::bytea; }
    static bytea read(type_id, std::string_view bytes) noexcept { return {bytes}; }
};

template <> struct decoding<json_text>
{
    static constexpr std::string_view wanted = "jsonb";
    static constexpr bool fits(type_id type, std::string_view bytes) noexcept
    {
        return type == type_id::json || (type == type_id::jsonb && bytes.starts_with(detail::jsonb_version));
    }
    static json_text read(type_id type, std::string_view bytes) noexcept
    {
        return {type == type_id::jsonb ? bytes.substr(1) : bytes};
    }
};

namespace detail {

template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;

template <class T> inline constexpr bool is_vector = false;
template <class T, class A> inline constexpr bool is_vector<std::vector<T, A>> = true;

template <class T> struct without_optional
{
    using type = T;
};
template <class T> struct without_optional<std::optional<T>>
{
    using type = T;
};

// Walks an array's elements, whatever its dimensions, in the order in which they are stored.
class array_reader
{
public:
    explicit array_reader(std::string_view bytes) noexcept;
    [[nodiscard]] bool sound() const noexcept { return sound_; }
    [[nodiscard]] type_id element() const noexcept { return element_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    // The next element's bytes; nothing for a null. Call it size() times.
    [[nodiscard]] std::optional<std::string_view> next() noexcept;

private:
    [[nodiscard]] std::int32_t number() noexcept;

    std::string_view rest_;
    type_id element_{};
    std::size_t size_ = 0;
    bool sound_ = true; // does it hold what it announces?
};

} // namespace detail

// An array of any dimensions as its elements in a row. An element that may be null is an optional; otherwise null is
// the element type's T().
template <class T>
    requires detail::is_vector<T>
struct decoding<T>
{
    using element = typename T::value_type;
    using each = decoding<typename detail::without_optional<element>::type>;
    static constexpr std::string_view wanted = "array";

    static bool fits(type_id type, std::string_view bytes) noexcept
    {
        detail::array_reader reader(bytes);
        if (!reader.sound() || (type != array_of(reader.element()) && type < type_id::first_own)) return false;
        for (std::size_t i = 0; i < reader.size(); ++i) {
            const auto one = reader.next();
            if (!reader.sound() || (one && !each::fits(reader.element(), *one))) return false;
        }
        return true;
    }
    static T read(type_id, std::string_view bytes)
    {
        detail::array_reader reader(bytes);
        T made;
        made.reserve(reader.size());
        for (std::size_t i = 0; i < reader.size(); ++i) {
            const auto one = reader.next();
            if (one)
                made.push_back(each::read(reader.element(), *one));
            else
                made.push_back(element());
        }
        return made;
    }
};

} // namespace sluice::postgres

#pragma GCC visibility pop
