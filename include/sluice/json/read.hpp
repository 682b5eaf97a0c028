// JSON as values: structs with declared fields (json/fields.hpp), strings, integers, double, bool, uuid, timestamp,
// enums with names, and vectors of these, nested as they come.
//
//     result<new_user> input = read_json<new_user>(body);
//
// errc::malformed: the text is no JSON. errc::invalid: it is, and is no T; the violations name every member that is
// wrong, by its JSON pointer (up to violations_max): of another type, out of range, missing, unknown, or there twice. A
// member that is a std::optional may be absent, and is a value when it is there (null is refused); a patch_field may be
// null as well.
//
// A struct is read into a T made by default. Thread: any; see json/reader.hpp for what it keeps.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/core/timestamp.hpp>
#include <sluice/json/fields.hpp>
#include <sluice/json/reader.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {

namespace json_detail {

inline constexpr std::size_t violations_max = 32;

// Where in the document we are: a chain on the stack, made into a pointer only if something is wrong there.
struct place
{
    std::vector<violation>& violations;
    const place* parent = nullptr;
    std::string_view name = {}; // of the member, or
    std::size_t index = 0;      // of the element
    bool element = false;

    [[nodiscard]] place member(std::string_view n) const { return {violations, this, n, 0, false}; }
    [[nodiscard]] place at(std::size_t i) const { return {violations, this, {}, i, true}; }
    void refuse(std::string detail) const;
};

template <class T> inline constexpr bool is_string = false;
template <class Allocator>
inline constexpr bool is_string<std::basic_string<char, std::char_traits<char>, Allocator>> = true;
template <class T> inline constexpr bool is_vector = false;
template <class T, class Allocator> inline constexpr bool is_vector<std::vector<T, Allocator>> = true;

template <class T> void read_value(const json_value& from, T& to, const place& here);

template <has_fields T, std::size_t I>
bool read_member(std::string_view name, const json_value& from, T& to, std::uint64_t& seen, const place& here)
{
    constexpr auto& field = std::get<I>(fields<T>::list);
    if (name != field.name) return false;
    constexpr std::uint64_t bit = std::uint64_t{1} << I;
    if ((seen & bit) != 0)
        here.member(name).refuse("is there twice");
    else
        read_value(from, to.*field.member, here.member(name));
    seen |= bit;
    return true;
}

template <has_fields T> void read_object(const json_value& from, T& to, const place& here)
{
    static_assert(fields_are_sound<T>(), "a field's name needs an escape or is there twice, or there are more than 64");
    auto members = from.object();
    if (!members) return here.refuse("must be an object");
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        std::uint64_t seen = 0;
        std::string_view name;
        json_value value;
        while (members->next(name, value))
            if (!(read_member<T, I>(name, value, to, seen, here) || ...))
                here.member(name).refuse("is not a known member");
        const auto require = [&](std::size_t i, bool optional) {
            if (!optional && (seen >> i & 1) == 0) here.member(field_names<T>[i]).refuse("is required");
        };
        (require(I, may_be_absent<field_type<T, I>>), ...);
    }(std::make_index_sequence<field_count<T>>());
}

template <std::integral T> void read_integer(const json_value& from, T& to, const place& here)
{
    const auto parts = from.integer();
    if (!parts) {
        const auto other = from.number();
        const bool large = other && std::fabs(*other) >= 0x1p63;
        return here.refuse(large ? "is out of range" : "must be an integer");
    }
    using limits = std::numeric_limits<T>;
    const std::uint64_t lowest = std::signed_integral<T> ? static_cast<std::uint64_t>(limits::max()) + 1 : 0;
    const std::uint64_t bound = parts->negative ? lowest : static_cast<std::uint64_t>(limits::max());
    if (parts->magnitude > bound) return here.refuse("is out of range");
    to = static_cast<T>(parts->negative ? 0 - parts->magnitude : parts->magnitude);
}

inline void read_number(const json_value& from, double& to, const place& here)
{
    const auto number = from.number();
    if (!number) return here.refuse("must be a number");
    if (std::isinf(*number)) return here.refuse("is out of range");
    to = *number;
}

template <class T, class Parse>
void read_text(const json_value& from, T& to, const place& here, Parse parse, const char* what)
{
    const auto text = from.string();
    const auto parsed = text ? parse(*text) : std::optional<T>();
    if (parsed)
        to = *parsed;
    else
        here.refuse(what);
}

template <has_enum_names E> void read_enum(const json_value& from, E& to, const place& here)
{
    const auto text = from.string();
    std::string known;
    for (const auto& [name, value] : enum_names<E>::list) {
        if (text && *text == name) {
            to = value;
            return;
        }
    }
    for (const auto& [name, value] : enum_names<E>::list) known.append(known.empty() ? "" : ", ").append(name);
    here.refuse("must be one of: " + known);
}

template <class V> void read_vector(const json_value& from, V& to, const place& here)
{
    auto elements = from.array();
    if (!elements) return here.refuse("must be an array");
    to.clear();
    json_value element;
    while (elements->next(element)) {
        typename V::value_type value{};
        read_value(element, value, here.at(to.size()));
        to.push_back(std::move(value));
    }
}

template <class T> void read_value(const json_value& from, T& to, const place& here)
{
    if constexpr (has_fields<T>)
        read_object(from, to, here);
    else if constexpr (is_string<T>) {
        if (const auto text = from.string())
            to.assign(*text);
        else
            here.refuse("must be a string");
    } else if constexpr (std::same_as<T, bool>) {
        if (const auto value = from.boolean())
            to = *value;
        else
            here.refuse("must be true or false");
    } else if constexpr (std::integral<T>)
        read_integer(from, to, here);
    else if constexpr (std::same_as<T, double>)
        read_number(from, to, here);
    else if constexpr (std::same_as<T, uuid>)
        read_text(from, to, here, &uuid::parse, "must be a UUID");
    else if constexpr (std::same_as<T, timestamp>)
        read_text(from, to, here, &parse_timestamp, "must be a time as in RFC 3339");
    else if constexpr (has_enum_names<T>)
        read_enum(from, to, here);
    else if constexpr (is_optional<T>)
        read_value(from, to.emplace(), here);
    else if constexpr (is_patch_field<T>) {
        if (from.null()) {
            to = nullptr;
            return;
        }
        typename T::value_type value{};
        read_value(from, value, here);
        to = std::move(value);
    } else if constexpr (is_vector<T>)
        read_vector(from, to, here);
    else
        static_assert(!sizeof(T), "no JSON form: declare its fields (sluice/json/fields.hpp)");
}

[[nodiscard]] error invalid(std::vector<violation> violations);

} // namespace json_detail

template <class T> [[nodiscard]] result<T> read_json(std::string_view text)
{
    const auto document = parse_json(text);
    if (!document) return fail(document.error());
    result<T> read(std::in_place);
    std::vector<violation> violations; // owns nothing while nothing is wrong
    json_detail::read_value(*document, *read, json_detail::place{violations});
    if (!violations.empty()) read = fail(json_detail::invalid(std::move(violations)));
    return read;
}

} // namespace sluice

#pragma GCC visibility pop
