// Status codes that Sluice itself uses (RFC 9110, section 15; 431: RFC 6585; 499: nginx). Any other three-digit code
// can be cast.
#pragma once

#include <cstdint>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::http {

enum class status : std::uint16_t
{
    continue_ = 100,
    ok = 200,
    created = 201,
    accepted = 202,
    no_content = 204,
    moved_permanently = 301,
    found = 302,
    see_other = 303,
    not_modified = 304,
    temporary_redirect = 307,
    permanent_redirect = 308,
    bad_request = 400,
    unauthorized = 401,
    forbidden = 403,
    not_found = 404,
    method_not_allowed = 405,
    request_timeout = 408,
    conflict = 409,
    length_required = 411,
    precondition_failed = 412,
    content_too_large = 413,
    uri_too_long = 414,
    unsupported_media_type = 415,
    expectation_failed = 417,
    unprocessable_content = 422,
    too_many_requests = 429,
    header_fields_too_large = 431,
    client_closed_request = 499, // never sent: the connection ended before its answer
    internal_server_error = 500,
    not_implemented = 501,
    service_unavailable = 503,
    gateway_timeout = 504,
    version_not_supported = 505,
};

// "Not Found"; empty for a code without a registered phrase here.
[[nodiscard]] std::string_view reason(status s) noexcept;

// 1xx, 204 and 304 never have a body (RFC 9110, section 6.4.1).
[[nodiscard]] constexpr bool bodiless(status s) noexcept
{
    const auto code = static_cast<std::uint16_t>(s);
    return code < 200 || code == 204 || code == 304;
}

} // namespace sluice::http

#pragma GCC visibility pop
