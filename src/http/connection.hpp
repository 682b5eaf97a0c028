// The server's side of one HTTP/1.x connection (RFC 9110, RFC 9112) as a state machine without I/O: bytes in, events
// out; responses in, bytes out.
//
// The problem: parsing, pipelining, framing and the rules of when to close are where servers go wrong, and they cannot
// be tested well behind a socket. The answer: this class holds all of them and does nothing else. Its driver
// (server::session) moves the bytes, keeps the time, finds the route and runs the handler:
//
//     feed(received bytes)
//     for (;;) switch (next()):
//         need_input   nothing more can be made of what was fed: everything is consumed or kept; receive again
//         head         a head is complete and a body follows: choose accept_body() or answer at once with respond()
//         request      a request is complete (no body, or accept_body(buffered) and its last byte is here): answer it
//         body         accept_body(streamed): chunk() is the next piece
//         body_end     accept_body(streamed): the body is complete
//         refused      the bytes are not acceptable HTTP: respond() to refused() and close lingering
//
// After `request` (or `head`/`body…` in any order with it) exactly one response is written, by respond() or by
// start_stream() … end_stream(), before next() is asked for the following request. A response given before the body has
// been read ends the connection unless the rest of the body was already here in full. `body_end` comes before the
// answer, or not at all.
//
// Views. What current() refers to lies in the bytes given to feed() or, where a head straddles two feeds, in a copy.
// The fed bytes must stay until next() has said need_input or keep() has been called: keep() copies whatever the
// current request and the unparsed rest still need. A coroutine handler's driver calls keep() before the handler
// starts; from then on the request's views do not move until its answer, whatever is fed. chunk() is valid until the
// next next(), if its bytes stay or keep() was called. After the answer current() can still be read (for a log) until
// feed(), keep() or next(); where keep() was called before the answer, until next(). The driver sets the request's
// context, client and stream (http/request_parts.hpp); the first two stay from request to request.
//
// Between requests, with nothing kept, the machine owns no memory besides itself (idle() is true and its parser state
// can be thrown away): the session gives it back to the shard. Making one allocates nothing.
//
// 411 is answered to a POST, PUT or PATCH without Content-Length and Transfer-Encoding; see head_check.hpp.
//
// Thread: its shard's. Nothing here throws (but for memory), waits or reads a clock.
#pragma once

#include "http/chunk_decoder.hpp"
#include "http/head_check.hpp"
#include "http/head_parser.hpp"
#include "http/refusal.hpp"
#include "http/response_writer.hpp"

#include <sluice/core/buffer.hpp>
#include <sluice/http/limits.hpp>
#include <sluice/http/request.hpp>
#include <sluice/http/response.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::http {

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

// What every response of a turn shares; the driver refreshes `date` once a second.
struct response_context
{
    std::string_view date; // IMF-fixdate, 29 characters
    // The server drains: say Connection: close and close after this response, unless the client has sent more already:
    // then the last answer says so.
    bool closing = false;
};

class connection
{
public:
    // `bounds` must outlive the connection.
    explicit connection(const limits& bounds) noexcept : bounds_(bounds), parser_(request_, bounds.headers) {}
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // --- Bytes in, events out.
    void feed(std::string_view bytes);
    [[nodiscard]] event next();
    // The client has shut down its writing: the request under way, if incomplete, will never be complete (next() then
    // says `refused`). What is complete is still to be answered.
    void end_of_input() noexcept { input_ended_ = true; }
    void keep();
    // Bytes fed that are not parsed yet: of later requests, or of a body that is read as a stream. At
    // limits::pipelined_bytes the driver stops receiving.
    [[nodiscard]] std::size_t pending_bytes() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    // Has a request begun (its first byte seen) that is not answered yet? What the header timeout asks.
    [[nodiscard]] bool in_request() const noexcept { return phase_ != phase::between && phase_ != phase::closed; }
    // Is the current request's body still to come?
    [[nodiscard]] bool receiving_body() const noexcept { return phase_ == phase::body_ahead || phase_ == phase::body; }
    // Between requests, nothing kept.
    [[nodiscard]] bool idle() const noexcept
    {
        return phase_ == phase::between && at_ == end_ && empty_line_bytes_ == 0;
    }

    // --- The current request.
    [[nodiscard]] request& current() noexcept { return request_; }
    void accept_body(body_mode mode, std::uint64_t bytes_max);
    // Does the client wait for "100 Continue" before it sends the body? True once, for a body that was accepted, if no
    // byte of it has come.
    [[nodiscard]] bool take_expect_continue() noexcept;
    [[nodiscard]] std::string_view chunk() const noexcept { return chunk_; }
    [[nodiscard]] refusal refused() const noexcept { return *refusal_; }
    // Was it the meaning of a head that was refused, whose fields can be read?
    [[nodiscard]] bool refused_whole_head() const noexcept { return refused_whole_head_; }
    // … and was each of its lines good, so that method and path are known?
    [[nodiscard]] bool refused_good_lines() const noexcept { return refused_good_lines_; }

    // --- The answer.
    // Writes head and body at the end of `out`. With `without_body`, a body that response::referenced() says can be
    // sent from where it lies is left out for the driver to send (its length still stands in the head). The driver asks
    // sends_body() whether there is one to send.
    void respond(const response& answer, const response_context& shared, buffer& out, bool without_body = false);
    // Does this answer to the current request have a body on the wire? Not for HEAD, 1xx, 204 and 304.
    [[nodiscard]] bool sends_body(const response& answer) const noexcept;
    // A streamed answer: the head; then each piece, framed; then the end. Where the answer has no body, pieces are
    // dropped.
    void start_stream(const response& answer, const response_context& shared, buffer& out);
    void write_piece(std::string_view bytes, buffer& out);
    void end_stream(buffer& out);
    // After the answer: must the connection close (its request or its answer said so, or its input cannot be trusted)?
    [[nodiscard]] bool must_close() const noexcept { return phase_ == phase::closed; }
    // After the answer: may the client still be sending something that will not be read? Then close lingering.
    [[nodiscard]] bool must_linger() const noexcept { return must_close() && linger_; }

private:
    enum class phase : std::uint8_t
    {
        between,    // no byte of a request is here
        head,       // a request has begun
        bad_method, // llhttp does not know the method: is it one?
        body_ahead, // `head` was said
        body,       // it was accepted
        answering,  // everything is here: the answer is due
        refused,
        closed, // the last answer is written: what comes is ignored
    };
    enum class stream_form : std::uint8_t
    {
        none, // the answer has no body
        chunked,
        plain, // HTTP/1.0: the connection's end is the body's
    };
    enum class input_place : std::uint8_t
    {
        driver,
        rest, // in rest_, up to its end
        body, // in body_, behind a piece that was given out
    };

    [[nodiscard]] event read_head();
    [[nodiscard]] const refusal* skip_empty_lines() noexcept;
    [[nodiscard]] event head_incomplete(std::string_view seen);
    [[nodiscard]] event head_failed(std::string_view seen);
    [[nodiscard]] event head_complete() noexcept;
    void begin_request() noexcept;
    [[nodiscard]] event read_bad_method(std::string_view bytes);
    [[nodiscard]] event read_body();
    [[nodiscard]] event read_sized_body();
    [[nodiscard]] event read_chunked_body();
    [[nodiscard]] event give_piece(std::string_view piece) noexcept;
    [[nodiscard]] event body_complete() noexcept;
    [[nodiscard]] event wait_for_input();
    [[nodiscard]] event refuse(const refusal& why) noexcept;

    void append_to_kept_head(std::string_view bytes);
    void move_head(const char* to) noexcept;
    [[nodiscard]] bool skip_body() noexcept;
    [[nodiscard]] bool closes_after(const response& answer, const response_context& shared) noexcept;
    void write_head(const response& answer, const response_context& shared, body_framing framing, bool close,
                    std::string_view body, buffer& out) const;
    void finish(bool close) noexcept;

    const limits& bounds_;
    http::request request_;
    head_parser parser_;
    chunk_decoder decoder_;
    framing frame_;

    // Unparsed input: the driver's bytes, or rest_.
    const char* at_ = nullptr;
    const char* end_ = nullptr;
    std::string_view head_; // of the current request: in the input, or in kept_head_
    std::string_view chunk_;
    buffer kept_head_;
    buffer body_; // a body (or a piece) that had to be copied
    buffer rest_;
    std::uint64_t body_left_ = 0;
    const refusal* refusal_ = nullptr;
    bool refused_whole_head_ = false;
    bool refused_good_lines_ = false;
    unsigned method_bytes_ = 0;
    unsigned empty_line_bytes_ = 0;
    phase phase_ = phase::between;
    body_mode mode_ = body_mode::buffered;
    stream_form stream_ = stream_form::none;
    input_place input_ = input_place::driver;
    bool head_kept_ = false;
    bool body_kept_ = false;
    bool input_ended_ = false;
    bool close_after_stream_ = false;
    bool linger_ = false;
};

} // namespace sluice::http
