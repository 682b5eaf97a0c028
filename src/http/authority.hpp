// The syntax of Host and of a target's authority: uri-host [ ":" port ] (RFC 9110, section 4.2; RFC 3986,
// section 3.2.2).
#pragma once

#include <string_view>

namespace sluice::http {

// An empty host is valid syntax, and userinfo ("user@") is not. A port is a decimal number up to 65535, or empty.
[[nodiscard]] bool valid_authority(std::string_view text) noexcept;

} // namespace sluice::http
