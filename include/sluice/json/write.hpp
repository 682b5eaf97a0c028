// Values as JSON: structs with declared fields (json/fields.hpp), strings, numbers, bool, uuid, timestamp, enums with
// names, and std::optional (null) and ranges of these, nested as they come.
//
// Bytes that are not UTF-8 become U+FFFD, numbers that JSON cannot say become null, an absent patch_field is left out.
// The text goes to the end of a pooled_string, so a steady state allocates nothing.
#pragma once

#include <sluice/json/fields.hpp>
#include <sluice/json/writer.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <ranges>
#include <string_view>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

template <class T> void write_json(const T& value, json_writer& out);

namespace json_detail {

// `"name":`, made while compiling.
template <has_fields T, std::size_t I> struct key_text
{
    static constexpr std::string_view name = field_names<T>[I];
    static constexpr auto characters = [] {
        std::array<char, name.size() + 3> made{};
        made[0] = '"';
        for (std::size_t i = 0; i < name.size(); ++i) made[i + 1] = name[i];
        made[name.size() + 1] = '"';
        made[name.size() + 2] = ':';
        return made;
    }();
    static constexpr std::string_view text{characters.data(), characters.size()};
};

template <has_fields T, std::size_t I> void write_member(const T& value, json_writer& out)
{
    const auto& member = value.*std::get<I>(fields<T>::list).member;
    if constexpr (is_patch_field<field_type<T, I>>)
        if (member.absent()) return;
    out.raw(key_text<T, I>::text);
    write_json(member, out);
    out.raw(',');
}

template <has_fields T> void write_object(const T& value, json_writer& out)
{
    static_assert(fields_are_sound<T>(), "a field's name needs an escape or is there twice, or there are more than 64");
    out.raw('{');
    const std::size_t before = out.size();
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (write_member<T, I>(value, out), ...);
    }(std::make_index_sequence<field_count<T>>());
    if (out.size() != before) out.back(); // the last comma
    out.raw('}');
}

template <std::ranges::input_range R> void write_array(const R& values, json_writer& out)
{
    out.raw('[');
    bool first = true;
    for (const auto& value : values) {
        if (!std::exchange(first, false)) out.raw(',');
        write_json(value, out);
    }
    out.raw(']');
}

template <has_enum_names E> [[nodiscard]] constexpr std::string_view name_of(E value)
{
    for (const auto& [name, named] : enum_names<E>::list)
        if (named == value) return name;
    return {};
}

// About how long the text of a T is: a first guess for the room it takes.
template <class T> [[nodiscard]] consteval std::size_t expected_size()
{
    if constexpr (has_fields<T>) {
        return []<std::size_t... I>(std::index_sequence<I...>) {
            return (2 + ... + (key_text<T, I>::text.size() + 1 + expected_size<field_type<T, I>>()));
        }(std::make_index_sequence<field_count<T>>());
    } else {
        return std::same_as<T, bool> ? 5 : std::is_arithmetic_v<T> ? 20 : 40;
    }
}

} // namespace json_detail

template <class T> void write_json(const T& value, json_writer& out)
{
    using namespace json_detail;
    if constexpr (has_fields<T>)
        write_object(value, out);
    else if constexpr (std::convertible_to<const T&, std::string_view>)
        out.string(value);
    else if constexpr (std::same_as<T, bool>)
        out.boolean(value);
    else if constexpr (std::is_arithmetic_v<T>)
        out.number(value);
    else if constexpr (std::same_as<T, uuid>)
        out.id(value);
    else if constexpr (std::same_as<T, timestamp>)
        out.time(value);
    else if constexpr (has_enum_names<T>)
        out.string(name_of(value));
    else if constexpr (std::same_as<T, std::nullopt_t>)
        out.null();
    else if constexpr (is_optional<T> || is_patch_field<T>)
        value.has_value() ? write_json(value.value(), out) : out.null();
    else if constexpr (std::ranges::input_range<const T>)
        write_array(value, out);
    else
        static_assert(!sizeof(T), "no JSON form: declare its fields (sluice/json/fields.hpp)");
}

// Appends the JSON of `value` to `out`.
template <class T> void write_json(const T& value, pooled_string& out)
{
    json_writer writer(out, json_detail::expected_size<T>());
    write_json(value, writer);
}

template <class T> [[nodiscard]] pooled_string to_json(const T& value)
{
    pooled_string text;
    write_json(value, text);
    return text;
}

} // namespace sluice

#pragma GCC visibility pop
