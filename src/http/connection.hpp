// The server's side of one HTTP/1.x connection (RFC 9110, RFC 9112) as a state machine without I/O: bytes in, events out;
// responses in, bytes out.
//
// The problem: parsing, pipelining, framing and the rules of when to close are where servers go wrong, and they cannot be
// tested well behind a socket. The answer: this class holds all of them and does nothing else. Its driver (server::session)
// moves the bytes, keeps the time, finds the route and runs the handler:
//
//     feed(received bytes)
//     for (;;) switch (next()):
//         need_input   nothing more can be made of what was fed: everything is consumed or kept; receive again
//         head         a head is complete and a body follows: choose accept_body() or answer at once with respond()
//         request      a request is complete (no body, or accept_body(buffered) and its last byte is here): answer it
//         body         accept_body(streamed): chunk() is the next piece
//         body_end     accept_body(streamed): the body is complete
//         refused      the bytes are not acceptable HTTP: respond(refusal()) and close lingering
//
// After `request` (or `head`/`body…` in any order with it) exactly one response is written, by respond() or by
// start_stream() … end_stream(), before next() is asked for the following request. A response given before the body has
// been read ends the connection unless the body was already here in full.
//
// Views. What current() refers to lies in the bytes given to feed() or, where a request straddles two feeds, in a copy.
// The fed bytes must stay until next() has said need_input or keep() has been called: keep() copies whatever the current
// request and the unparsed rest still need. A coroutine handler's driver calls keep() before the handler starts.
//
// Between requests, with nothing kept, the machine owns no memory besides itself (idle() is true and its parser state can
// be thrown away): the session gives it back to the shard.
//
// Thread: its shard's. Nothing here throws, waits or reads a clock.
#pragma once

#include <sluice/core/buffer.hpp>
#include <sluice/http/limits.hpp>
#include <sluice/http/request.hpp>
#include <sluice/http/response.hpp>

#include <llhttp.h>

namespace sluice::http
{

enum class event : std::uint8_t
{
    need_input,
    head,
    request,
    body,
    body_end,
    refused,
};

enum class body_mode : std::uint8_t
{
    buffered,
    streamed,
};

// Why a message was refused: the status to answer with and a sentence for the client.
struct refusal
{
    http::status status = http::status::bad_request;
    std::string_view detail; // a literal
};

// What every response of a turn shares; the driver refreshes `date` once a second.
struct response_context
{
    std::string_view date;   // IMF-fixdate, 29 characters
    bool closing = false;    // the server drains: say Connection: close and close after this response
};

class connection
{
public:
    explicit connection(const limits& bounds) noexcept;
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // --- Bytes in, events out.
    void feed(std::string_view bytes);
    [[nodiscard]] event next();
    // The client has shut down its writing: the request under way, if incomplete, will never be complete.
    void end_of_input() noexcept;
    void keep();
    // Bytes kept that belong to later requests; at limits::pipelined_bytes the driver stops receiving.
    [[nodiscard]] std::size_t pending_bytes() const noexcept;
    // Has a request begun (its first byte seen) that is not answered yet? What the header timeout asks.
    [[nodiscard]] bool in_request() const noexcept;
    // Between requests, nothing kept.
    [[nodiscard]] bool idle() const noexcept;

    // --- The current request.
    [[nodiscard]] request& current() noexcept;
    void accept_body(body_mode mode, std::uint64_t bytes_max);
    // Does the client wait for "100 Continue" before it sends the body? True once, for a body that was accepted.
    [[nodiscard]] bool take_expect_continue() noexcept;
    [[nodiscard]] std::string_view chunk() const noexcept;
    [[nodiscard]] refusal refused() const noexcept;

    // --- The answer.
    // Writes head and body at the end of `out`. With `without_body`, a body that response::referenced() says can be
    // sent from where it lies is left out for the driver to send (its length still stands in the head).
    void respond(const response& answer, const response_context& shared, buffer& out, bool without_body = false);
    // A streamed answer: the head; then each piece, framed; then the end.
    void start_stream(const response& answer, const response_context& shared, buffer& out);
    void write_piece(std::string_view bytes, buffer& out);
    void end_stream(buffer& out);
    // After the answer: must the connection close (its request or its answer said so, or its input cannot be trusted)?
    [[nodiscard]] bool must_close() const noexcept;
    // After the answer: is the client still sending something that will not be read? Then close lingering.
    [[nodiscard]] bool must_linger() const noexcept;
};

} // namespace sluice::http
