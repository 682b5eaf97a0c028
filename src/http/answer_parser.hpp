// The answer to one request as a state machine without I/O: the wire's bytes in, an answer out.
//
// The problem: what comes back is as little to be trusted as what comes in, and a client that reads a message's length
// otherwise than the server meant it takes the next answer's bytes for this one's. The answer: heads go through llhttp
// and then through the same check of their lines as a request's; whatever is ambiguous about the length is refused, and
// everything is bounded. Interim answers (1xx) are passed over.
//
// Owned by a client's connection; used for one request after the other.
#pragma once

#include "http/chunk_decoder.hpp"

#include <sluice/http/answer.hpp>
#include <sluice/http/method.hpp>

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::http {

class answer_parser
{
public:
    enum class state : std::uint8_t
    {
        need_input,
        complete, // take() it
        failed,   // why() says how
    };
    enum class failure : std::uint8_t
    {
        none,
        malformed, // not HTTP/1.x, or ambiguous
        head_too_large,
        body_too_large,
        incomplete, // the input ended before the answer did
    };

    // Before each answer: to which method, and within which bounds.
    void start(method asked, const answer_limits& bounds) noexcept;
    // Leaves in `bytes` what is behind the answer.
    state feed(std::string_view& bytes);
    // The server sends no more.
    state end_of_input() noexcept;

    // Has anything come yet?
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    [[nodiscard]] failure why() const noexcept { return failure_; }
    // Once complete: may the connection carry another request?
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
    // Once complete, once.
    [[nodiscard]] answer take() noexcept;

private:
    enum class phase : std::uint8_t
    {
        head,
        sized_body,
        chunked_body,
        body_until_close,
        complete,
        failed,
    };

    void read_head(std::string_view& bytes);
    void end_line();
    void head_complete();
    [[nodiscard]] bool parse_head();
    [[nodiscard]] bool read_status_line(std::string_view head) noexcept;
    void begin_body(std::string_view length, bool coded);
    void read_sized(std::string_view& bytes);
    void read_chunked(std::string_view& bytes);
    void read_until_close(std::string_view& bytes);
    void fail(failure why) noexcept;
    [[nodiscard]] state where() const noexcept;

    static int on_name(llhttp_t* parser, const char* at, std::size_t bytes);
    static int on_value(llhttp_t* parser, const char* at, std::size_t bytes);
    static int on_head_complete(llhttp_t* parser);
    static const llhttp_settings_t settings;

    answer answer_;
    answer_limits bounds_;
    chunk_decoder decoder_;
    std::size_t head_bytes_ = 0; // of this head and the interim ones before it
    std::size_t line_at_ = 0;    // in the head
    std::uint64_t body_left_ = 0;
    method asked_ = method::get;
    phase phase_ = phase::complete;
    failure failure_ = failure::none;
    int version_minor_ = 1;
    bool begun_ = false;
    bool keep_alive_ = false;
    bool too_many_fields_ = false;
};

} // namespace sluice::http
