// The request target (RFC 9112, section 3.2): which form it has, whether that fits the method, and its parts.
#pragma once

#include "http/refusal.hpp"

#include <sluice/http/request.hpp>

namespace sluice::http {

// Sets path and query of a request whose method and target are set, and host for a target in absolute form. Null, or
// why the target is refused.
//
// A path follows RFC 3986 to the letter. A query may also contain the brackets, braces, "|", "\", "^" and "`" that
// browsers leave unescaped there. "#", control characters and bytes above 0x7E are refused in both.
[[nodiscard]] const refusal* read_target(request& r) noexcept;

} // namespace sluice::http
