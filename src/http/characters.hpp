// Classes of characters, as RFC 9110 and RFC 3986 define them, in one table; and the few scans that they serve.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluice::http {

enum character_class : std::uint8_t
{
    token_class = 1,    // RFC 9110, section 5.6.2
    value_class = 2,    // a field's value: visible characters, space, tab and obs-text (RFC 9110, section 5.5)
    path_class = 4,     // RFC 3986, section 3.3: pchar without "%", and "/"
    query_class = 8,    // RFC 3986, section 3.4, without "%"; and what browsers leave unescaped in a query
    reg_name_class = 16 // RFC 3986, section 3.2.2, without "%"
};

inline constexpr std::array<std::uint8_t, 256> character_classes = [] {
    std::array<std::uint8_t, 256> table{};
    const auto mark = [&table](std::string_view characters, unsigned classes) {
        for (const char c : characters) table[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(classes);
    };
    for (unsigned c = 0x20; c < 256; ++c) {
        if (c != 0x7F) table[c] |= value_class;
    }
    mark("\t", value_class);
    const unsigned everywhere = path_class | query_class | reg_name_class;
    mark("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", token_class | everywhere);
    mark("-._~", token_class | everywhere);
    mark("!$&'()*+,;=", everywhere);
    mark("!#$%&'*+^`|", token_class);
    mark(":@/", path_class | query_class);
    mark("?[]{}|\\^`", query_class);
    return table;
}();

[[nodiscard]] constexpr bool is(char c, character_class wanted) noexcept
{
    return (character_classes[static_cast<unsigned char>(c)] & wanted) != 0;
}

[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept
{
    unsigned common = text.empty() ? 0U : token_class;
    for (const char c : text) common &= character_classes[static_cast<unsigned char>(c)];
    return common != 0;
}

// Is all of it of value_class? Eight bytes at a time, as long as none of them can be a control character: a borrow may
// take what is above one for another, and never hides one.
[[nodiscard]] inline bool is_field_value(std::string_view text) noexcept
{
    constexpr std::uint64_t each = 0x0101010101010101;
    std::size_t at = 0;
    for (std::uint64_t bytes = 0; text.size() - at >= sizeof bytes; at += sizeof bytes) {
        std::memcpy(&bytes, text.data() + at, sizeof bytes);
        const std::uint64_t of_delete = bytes ^ each * 0x7F;
        const std::uint64_t found = ((bytes - each * 0x20) & ~bytes) | ((of_delete - each) & ~of_delete);
        if ((found & each * 0x80) != 0) break;
    }
    while (at < text.size() && is(text[at], value_class)) ++at;
    return at == text.size();
}

[[nodiscard]] constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// The value of a hexadecimal digit, or -1.
[[nodiscard]] constexpr int hex_value(char c) noexcept
{
    if (is_digit(c)) return c - '0';
    const char folded = lower(c);
    return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

// Is `at` a "%" with two hexadecimal digits, all before `end`?
[[nodiscard]] constexpr bool is_escape(const char* at, const char* end) noexcept
{
    return end - at >= 3 && at[0] == '%' && hex_value(at[1]) >= 0 && hex_value(at[2]) >= 0;
}

[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept
{
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

// Does `wanted` hold for an element of the comma-separated list? Empty elements are ignored (RFC 9110, section 5.6.1).
template <class Predicate> [[nodiscard]] bool any_element(std::string_view list, Predicate wanted)
{
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        const std::string_view element = trimmed(list.substr(0, comma));
        if (!element.empty() && wanted(element)) return true;
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return false;
}

} // namespace sluice::http
