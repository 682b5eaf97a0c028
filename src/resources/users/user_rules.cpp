#include "resources/users/user_rules.hpp"

#include <array>
#include <cstdint>

namespace sluice::users {

namespace {

constexpr std::size_t label_bytes_max = 63; // RFC 1034

constexpr bool is_letter_or_digit(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr bool is_local_part(char c) noexcept
{
    return is_letter_or_digit(c) || std::string_view(".!#$%&'*+/=?^_`{|}~-").contains(c);
}

bool is_label(std::string_view label) noexcept
{
    if (label.empty() || label.size() > label_bytes_max) return false;
    if (!is_letter_or_digit(label.front()) || !is_letter_or_digit(label.back())) return false;
    for (char c : label) {
        if (!is_letter_or_digit(c) && c != '-') return false;
    }
    return true;
}

bool is_email(std::string_view email) noexcept
{
    const std::size_t at = email.find('@');
    if (at == 0 || at == std::string_view::npos) return false;
    for (char c : email.substr(0, at)) {
        if (!is_local_part(c)) return false;
    }
    std::string_view domain = email.substr(at + 1);
    for (;;) {
        const std::size_t dot = domain.find('.');
        if (!is_label(domain.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        domain.remove_prefix(dot + 1);
    }
}

// Takes one code point from the front of `text`; nothing if the bytes are not UTF-8 (Unicode, table 3-7).
std::optional<char32_t> take_code_point(std::string_view& text) noexcept
{
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t first = byte(0);
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xc2 ? 0
                               : first < 0xe0 ? 2
                               : first < 0xf0 ? 3
                               : first < 0xf5 ? 4
                                              : 0;
    if (length == 0 || text.size() < length) return std::nullopt;
    constexpr std::array<std::uint8_t, 5> payload = {0, 0x7f, 0x1f, 0x0f, 0x07};
    char32_t point = first & payload[length];
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
        point = (point << 6) | (byte(i) & 0x3f);
    }
    const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    if (overlong || surrogate || point > 0x10ffff) return std::nullopt;
    text.remove_prefix(length);
    return point;
}

constexpr bool is_control(char32_t point) noexcept { return point < 0x20 || (point >= 0x7f && point < 0xa0); }

} // namespace

std::optional<std::string_view> email_fault(std::string_view email) noexcept
{
    if (email.empty()) return "must not be empty";
    if (email.size() > email_bytes_max) return "must be at most 254 bytes long";
    if (!is_email(email)) return "must be an e-mail address";
    return std::nullopt;
}

std::optional<std::string_view> name_fault(std::string_view name) noexcept
{
    if (name.empty()) return "must not be empty";
    for (std::size_t points = 1; !name.empty(); ++points) {
        const std::optional<char32_t> point = take_code_point(name);
        if (!point) return "must be valid UTF-8";
        if (is_control(*point)) return "must not contain control characters";
        if (points > name_points_max) return "must be at most 200 characters long";
    }
    return std::nullopt;
}

pooled_string fold_email(std::string_view email)
{
    pooled_string folded(email);
    for (char& c : folded) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return folded;
}

} // namespace sluice::users
