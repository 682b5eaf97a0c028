// What llhttp lets through in a head, and what HTTP/1.1 demands of one beyond its grammar.
//
// check_lines() is called once llhttp has found a head complete, with its bytes in one piece. It reads the lines again
// only as far as their frame: that each part of a line stands where the grammar wants it and each line ends with CR LF
// leaves no room for folded fields, a space before a colon or a bare CR or LF, whatever the parser
// accepts: a system's llhttp need not be built in its strict mode.
// check_message() then looks at what the fields say together, for every head: Host, the framing of the body,
// expectations, persistence. Anything ambiguous about length or target is refused.
//
// 411: a POST, PUT or PATCH that says neither Content-Length nor Transfer-Encoding. By RFC 9112 (section 6.3) it has no
// body, but its sender may believe otherwise (in HTTP/1.0 bodies ended with the connection); content is what these
// methods are about, and RFC 9110 (section 8.6) asks for "Content-Length: 0" where there is none.
#pragma once

#include "http/head_parser.hpp"
#include "http/refusal.hpp"
#include "http/seen_fields.hpp"

#include <sluice/http/limits.hpp>
#include <sluice/http/request.hpp>

#include <cstdint>
#include <string_view>

namespace sluice::http {

// How the message goes on behind its head.
struct framing
{
    std::uint64_t content_length = 0;
    bool chunked = false;
    bool keep_alive = true;
    bool expects_continue = false;
    [[nodiscard]] bool has_body() const noexcept { return chunked || content_length != 0; }
};

// Completes the request (method, version, path, query, a host in the target, trimmed values) and notes its fields.
// Null, or why it is refused.
[[nodiscard]] const refusal* check_lines(request& r, const head_parser& parsed, std::string_view head,
                                         const limits& bounds, seen_fields& seen) noexcept;

// Completes the host and the framing. Null, or why the request is refused.
[[nodiscard]] const refusal* check_message(request& r, const seen_fields& seen, framing& frame) noexcept;

// Why llhttp stopped at parsed.stopped_at(), for every failure but an invalid method.
[[nodiscard]] const refusal* explain_failure(const request& r, const head_parser& parsed,
                                             std::string_view head) noexcept;

} // namespace sluice::http
