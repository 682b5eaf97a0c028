#include "http/authority.hpp"

#include "http/characters.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace sluice::http {

namespace {

// "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
bool valid_future_address(std::string_view text) noexcept
{
    text.remove_prefix(1);
    const std::size_t dot = text.find('.');
    if (dot == 0 || dot == std::string_view::npos || dot + 1 == text.size()) return false;
    return std::ranges::all_of(text.substr(0, dot), [](char c) { return hex_value(c) >= 0; }) &&
           std::ranges::all_of(text.substr(dot + 1), [](char c) { return is(c, reg_name_class) || c == ':'; });
}

bool valid_ip_literal(std::string_view text) noexcept
{
    if (!text.empty() && lower(text.front()) == 'v') return valid_future_address(text);
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) return false;
    std::ranges::copy(text, terminated.begin());
    in6_addr address;
    return inet_pton(AF_INET6, terminated.data(), &address) == 1;
}

bool valid_port(std::string_view text) noexcept
{
    unsigned port = 0;
    for (const char c : text) {
        if (!is_digit(c)) return false;
        port = port * 10 + static_cast<unsigned>(c - '0');
        if (port > 65535) return false;
    }
    return true;
}

} // namespace

bool valid_authority(std::string_view text) noexcept
{
    const char* at = text.data();
    const char* const end = at + text.size();
    if (at != end && *at == '[') {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos || !valid_ip_literal(text.substr(1, close - 1))) return false;
        at += close + 1;
    } else {
        for (;;) {
            while (at != end && is(*at, reg_name_class)) ++at;
            if (!is_escape(at, end)) break;
            at += 3;
        }
    }
    if (at == end) return true;
    return *at == ':' && valid_port({at + 1, end});
}

} // namespace sluice::http
