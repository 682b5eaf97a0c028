// A model's fields, declared once: what JSON reading and writing, and their messages, go by.
//
//     struct user { uuid id; pooled_string email; role access; };
//     template <>
//     struct sluice::fields<user>
//     {
//         static constexpr auto list =
//             std::tuple{field("id", &user::id), field("email", &user::email), field("role", &user::access)};
//     };
//     template <>
//     struct sluice::enum_names<role>
//     {
//         static constexpr std::array list = {std::pair{"admin"sv, role::admin}, std::pair{"member"sv, role::member}};
//     };
//
// A member that is not in the list stays out of JSON. Names are checked while compiling: plain text that needs no
// escape, none twice, at most 64.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/uuid.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

template <class T> struct fields;

template <class E> struct enum_names;

template <class Class, class Member> struct field_entry
{
    std::string_view name;
    Member Class::* member;
};

template <class Class, class Member>
[[nodiscard]] constexpr field_entry<Class, Member> field(std::string_view name, Member Class::* member) noexcept
{
    return {name, member};
}

// A member of a merge patch (RFC 7396), where "leave it" and "take it away" differ: absent, null or a value.
// (std::optional as a member may be absent, and refuses null.)
template <class T> class patch_field
{
public:
    using value_type = T;

    patch_field() = default;
    patch_field(T value) : present_(true), value_(std::move(value)) {}
    patch_field(std::nullptr_t) noexcept : present_(true) {}

    [[nodiscard]] bool absent() const noexcept { return !present_; }
    [[nodiscard]] bool null() const noexcept { return present_ && !value_; }
    [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
    [[nodiscard]] const T& value() const { return value_.value(); }
    [[nodiscard]] T& value() { return value_.value(); }

    friend bool operator==(const patch_field&, const patch_field&) = default;

private:
    bool present_ = false;
    std::optional<T> value_;
};

template <class T>
concept has_fields = requires { fields<T>::list; };
template <class T>
concept has_enum_names = std::is_enum_v<T> && requires { enum_names<T>::list; };

namespace json_detail {

template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;
template <class T> inline constexpr bool is_patch_field = false;
template <class T> inline constexpr bool is_patch_field<patch_field<T>> = true;

template <has_fields T>
inline constexpr std::size_t field_count = std::tuple_size_v<std::remove_cvref_t<decltype(fields<T>::list)>>;

template <has_fields T>
inline constexpr auto field_names = std::apply(
    [](const auto&... each) { return std::array<std::string_view, sizeof...(each)>{each.name...}; }, fields<T>::list);

template <has_fields T, std::size_t I>
using field_type = std::remove_cvref_t<decltype(std::declval<T&>().*std::get<I>(fields<T>::list).member)>;

// Can a document be without it?
template <class T> inline constexpr bool may_be_absent = is_optional<T> || is_patch_field<T>;

template <has_fields T> consteval bool fields_are_sound()
{
    const auto& names = field_names<T>;
    if (names.size() > 64) return false;
    for (std::size_t i = 0; i < names.size(); ++i) {
        for (const char c : names[i])
            if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') return false;
        for (std::size_t j = 0; j < i; ++j)
            if (names[i] == names[j]) return false;
    }
    return true;
}

} // namespace json_detail

} // namespace sluice

#pragma GCC visibility pop
