// The bytes of a response's head, written in one go behind one reservation.
//
// Order: status line, Date, X-Request-Id, Content-Type, framing, the response's own fields, Connection. Knows nothing
// of a connection's state: what is to be said about framing and persistence is decided by the connection.
#pragma once

#include <sluice/core/buffer.hpp>
#include <sluice/core/trace.hpp>
#include <sluice/http/response.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::http {

enum class body_framing : std::uint8_t
{
    none, // no body, and no length either (1xx, 204, 304)
    length,
    chunked,
    until_close, // HTTP/1.0, length unknown
};

enum class persistence : std::uint8_t
{
    implied, // the version's default
    close,
    keep_alive, // to an HTTP/1.0 client that asked for it
};

struct head_plan
{
    body_framing framing = body_framing::length;
    http::persistence persistence = http::persistence::implied;
    std::string_view date;
    const trace_context* trace = nullptr;
};

// Writes the head at the end of `out`, and `body` behind it; the length is that of the answer's own body.
void write_response(const response& answer, const head_plan& plan, std::string_view body, buffer& out);
// One chunk: size line, bytes, line end. The bytes are not empty.
void write_chunk(std::string_view bytes, buffer& out);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";
inline constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

} // namespace sluice::http
