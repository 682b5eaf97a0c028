// Listen addresses as they are written in settings: "ADDR:PORT", "[v6]:PORT" or "unix:/path".
#pragma once

#include <string_view>

namespace sluice::app {

inline constexpr std::string_view listen_address_forms = "ADDR:PORT, [IPV6]:PORT or unix:/path, with a numeric address";

// Numeric addresses only: a host name would have to be looked up, can stand for several addresses, and may change.
[[nodiscard]] bool valid_listen_address(std::string_view text);

} // namespace sluice::app
