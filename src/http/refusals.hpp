// Everything that the connection refuses, with the rule's section. The parts of the connection return pointers to
// these.
#pragma once

#include "http/refusal.hpp"

namespace sluice::http::refusals {

// --- The request line (RFC 9112, section 3).
inline constexpr refusal malformed_request{status::bad_request, "The request is not valid HTTP/1.1"};
inline constexpr refusal malformed_request_line{status::bad_request, "The request line is malformed"};
inline constexpr refusal bare_line_end{status::bad_request, "A line does not end with CR LF"};
inline constexpr refusal empty_lines{status::bad_request, "Too many empty lines before the request"};
inline constexpr refusal unknown_method{status::not_implemented, "The method is not implemented"};
inline constexpr refusal unknown_version{status::version_not_supported, "The version is neither HTTP/1.0 nor HTTP/1.1"};
inline constexpr refusal malformed_target{status::bad_request, "The request target is malformed"};
inline constexpr refusal malformed_escape{status::bad_request, "The request target has an invalid percent-escape"};
inline constexpr refusal target_fragment{status::bad_request, "The request target has a fragment"};
inline constexpr refusal target_form{status::bad_request, "The form of the request target does not fit the method"};
inline constexpr refusal target_scheme{status::bad_request, "The request target has another scheme than http or https"};
inline constexpr refusal target_too_long{status::uri_too_long, "The request target is too long"};

// --- Fields (RFC 9110, section 5; RFC 9112, section 5).
inline constexpr refusal malformed_field{status::bad_request, "A header field is malformed"};
inline constexpr refusal folded_field{status::bad_request, "A header field is folded over several lines"};
inline constexpr refusal fields_too_large{status::header_fields_too_large, "The header fields are too large"};
inline constexpr refusal too_many_fields{status::header_fields_too_large, "There are too many header fields"};

// --- Host (RFC 9110, section 7.2; RFC 9112, section 3.2).
inline constexpr refusal host_missing{status::bad_request, "Host is missing"};
inline constexpr refusal host_repeated{status::bad_request, "Host is there more than once"};
inline constexpr refusal malformed_host{status::bad_request, "Host is malformed"};

// --- The body's framing (RFC 9112, section 6).
inline constexpr refusal malformed_length{status::bad_request, "Content-Length is not one decimal number"};
inline constexpr refusal repeated_length{status::bad_request, "Content-Length is there more than once"};
inline constexpr refusal length_and_coding{status::bad_request,
                                           "Content-Length and Transfer-Encoding exclude each other"};
inline constexpr refusal malformed_coding{status::bad_request, "Transfer-Encoding does not end with one chunked"};
inline constexpr refusal unknown_coding{status::not_implemented, "The transfer coding is not implemented"};
inline constexpr refusal coding_in_1_0{status::bad_request, "Transfer-Encoding does not exist in HTTP/1.0"};
inline constexpr refusal length_required{status::length_required, "Content-Length or Transfer-Encoding is required"};
inline constexpr refusal unknown_expectation{status::expectation_failed, "The only expectation known is 100-continue"};
inline constexpr refusal body_too_large{status::content_too_large, "The request body is too large"};
inline constexpr refusal malformed_chunk{status::bad_request, "A chunk of the request body is malformed"};
inline constexpr refusal chunk_extensions_too_large{status::bad_request, "The chunk extensions are too large"};
inline constexpr refusal malformed_trailer{status::bad_request, "A trailer field is malformed"};
inline constexpr refusal incomplete_request{status::bad_request, "The request ended before it was complete"};

} // namespace sluice::http::refusals
