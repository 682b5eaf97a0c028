// Text of a path or query parameter turned into a typed value.
#pragma once

#include <sluice/core/pool.hpp>
#include <sluice/core/uuid.hpp>

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::http {

// Appends `text` with its percent-encoding undone; false if an escape is not two hex digits. "+" stays "+".
[[nodiscard]] bool percent_decode(std::string_view text, pooled_string& out);
// The same as application/x-www-form-urlencoded has it: "+" is a space.
[[nodiscard]] bool form_decode(std::string_view text, pooled_string& out);

// Specialise for types of your own: the whole text must be a T.
template <class T> [[nodiscard]] std::optional<T> from_text(std::string_view text) = delete;

template <> [[nodiscard]] inline std::optional<std::string> from_text<std::string>(std::string_view text)
{
    return std::string(text);
}
template <> [[nodiscard]] inline std::optional<uuid> from_text<uuid>(std::string_view text)
{
    return uuid::parse(text);
}
template <> [[nodiscard]] inline std::optional<bool> from_text<bool>(std::string_view text)
{
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
}
template <std::integral T>
    requires(!std::same_as<T, bool>)
[[nodiscard]] std::optional<T> from_text(std::string_view text)
{
    T value{};
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

} // namespace sluice::http

#pragma GCC visibility pop
