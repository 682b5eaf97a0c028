// Where a call goes, as its URL says it. Views into the URL; nothing is looked up.
#pragma once

#include <sluice/core/error.hpp>

#include <cstdint>
#include <string_view>

namespace sluice::http {

struct url
{
    std::string_view authority; // HOST[:PORT], or unix:/SOCKET
    std::string_view host;      // a name or an address, without brackets; empty for a socket
    std::uint16_t port = 80;
    std::string_view socket; // a path, or empty
    std::string_view target; // "/path?query"; may lack its "/"
    // What stands in the Host field.
    [[nodiscard]] std::string_view host_field() const noexcept { return socket.empty() ? authority : "localhost"; }
    // "/" must stand before the target (http://host?query).
    [[nodiscard]] bool lacks_slash() const noexcept { return !target.starts_with('/'); }
};

// Strict: what is no URL of that form is refused, so nothing in one can end a line or begin another field.
[[nodiscard]] result<url> parse_url(std::string_view text);

} // namespace sluice::http
