#include "json/numbers.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace sluice::json_detail {

namespace {

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool part_of_number(char c) noexcept { return digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'; }

struct grammar
{
    bool valid = false;
    bool integer = false;
};

// RFC 8259, section 6.
grammar check(std::string_view token) noexcept
{
    std::size_t i = 0;
    const auto at = [&](char c) { return i < token.size() && token[i] == c; };
    const auto digits = [&] {
        const std::size_t from = i;
        while (i < token.size() && digit(token[i])) ++i;
        return i - from;
    };
    if (at('-')) ++i;
    if (at('0'))
        ++i;
    else if (digits() == 0)
        return {};
    bool integer = true;
    if (at('.')) {
        ++i;
        integer = false;
        if (digits() == 0) return {};
    }
    if (at('e') || at('E')) {
        ++i;
        integer = false;
        if (at('-') || at('+')) ++i;
        if (digits() == 0) return {};
    }
    return {.valid = i == token.size(), .integer = integer && i == token.size()};
}

bool fits_64_bits(std::string_view token) noexcept
{
    const char *begin = token.data(), *end = begin + token.size();
    std::int64_t with_sign = 0;
    std::uint64_t without = 0;
    return std::from_chars(begin, end, with_sign).ec == std::errc() ||
           std::from_chars(begin, end, without).ec == std::errc();
}

// Of a valid token that is no double: is it too large (or else too small, and as good as zero)?
bool too_large(std::string_view token) noexcept
{
    const std::size_t mantissa = std::min(token.find_first_of("eE"), token.size());
    const auto point = static_cast<std::ptrdiff_t>(std::min(token.find('.'), mantissa));
    const auto first = static_cast<std::ptrdiff_t>(token.find_first_of("123456789"));
    std::ptrdiff_t exponent = 0;
    if (mantissa < token.size()) {
        const bool negative = token[mantissa + 1] == '-';
        const std::string_view digits = token.substr(token.find_first_of("0123456789", mantissa));
        if (std::from_chars(digits.data(), digits.data() + digits.size(), exponent).ec != std::errc()) return !negative;
        if (negative) exponent = -exponent;
    }
    return exponent > first - point; // the sum may be more than a number holds
}

void append_number(std::string_view token, held_text& out)
{
    const grammar form = check(token);
    double value = 0;
    const auto failure = std::from_chars(token.data(), token.data() + token.size(), value).ec;
    if (form.valid && failure == std::errc::result_out_of_range && too_large(token)) {
        out.text += "1e308";
        out.beyond = true;
        return;
    }
    out.text += token;
    if (form.integer && failure == std::errc() && !fits_64_bits(token)) out.text += "e0";
}

} // namespace

held_text hold_large_numbers(std::string_view text)
{
    held_text out;
    out.text.reserve(text.size());
    bool in_string = false;
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        if (!in_string && (digit(c) || c == '-')) {
            std::size_t end = i + 1;
            while (end < text.size() && part_of_number(text[end])) ++end;
            append_number(text.substr(i, end - i), out);
            i = end;
            continue;
        }
        if (c == '"') in_string = !in_string;
        out.text += c;
        ++i;
        if (in_string && c == '\\' && i < text.size()) out.text += text[i++];
    }
    return out;
}

} // namespace sluice::json_detail
