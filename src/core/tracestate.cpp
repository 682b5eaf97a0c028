#include <sluice/core/trace.hpp>

#include <algorithm>
#include <array>

namespace sluice {

namespace {

constexpr std::size_t bytes_max = 512;
constexpr std::size_t members_max = 32;
constexpr std::size_t key_max = 256;
constexpr std::size_t tenant_max = 241;
constexpr std::size_t system_max = 14;
constexpr std::size_t value_max = 256;

bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_key_character(char c) noexcept
{
    return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '*' || c == '/';
}

std::string_view trimmed(std::string_view text) noexcept
{
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

// A name, or tenant@system.
bool valid_key(std::string_view key) noexcept
{
    const std::size_t at = key.find('@');
    const std::string_view last = at == std::string_view::npos ? key : key.substr(at + 1);
    if (last.empty() || last.size() > (at == std::string_view::npos ? key_max : system_max)) return false;
    if (!is_lower(last.front()) || !std::ranges::all_of(last, is_key_character)) return false;
    if (at == std::string_view::npos) return true;
    const std::string_view tenant = key.substr(0, at);
    return !tenant.empty() && tenant.size() <= tenant_max && (is_lower(tenant.front()) || is_digit(tenant.front())) &&
           std::ranges::all_of(tenant, is_key_character);
}

bool valid_value(std::string_view value) noexcept
{
    return !value.empty() && value.size() <= value_max && value.back() != ' ' &&
           std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~' && c != ',' && c != '='; });
}

} // namespace

bool valid_tracestate(std::string_view value) noexcept
{
    if (value.empty() || value.size() > bytes_max) return false;
    std::array<std::string_view, members_max> keys;
    std::size_t members = 0;
    for (std::size_t at = 0; at <= value.size();) {
        const std::size_t comma = std::min(value.find(',', at), value.size());
        const std::string_view member = trimmed(value.substr(at, comma - at));
        at = comma + 1;
        if (member.empty()) continue; // allowed, so that lists can be joined
        const std::size_t equals = member.find('=');
        if (equals == std::string_view::npos || members == members_max) return false;
        const std::string_view key = member.substr(0, equals);
        if (!valid_key(key) || !valid_value(member.substr(equals + 1))) return false;
        const auto seen_end = keys.begin() + static_cast<std::ptrdiff_t>(members);
        if (std::find(keys.begin(), seen_end, key) != seen_end) return false;
        keys[members++] = key;
    }
    return members > 0;
}

} // namespace sluice
