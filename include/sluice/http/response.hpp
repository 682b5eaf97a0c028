// A response, as a handler makes it. Framing (Content-Length, chunks, Connection, Date, X-Request-Id) is the
// connection's.
//
// A value: movable, built without a socket, read back by tests through the accessors. Small bodies are owned and copied
// into the connection's output; a body that is a literal, or shared, is referenced and never copied when it is large.
// Thread: a shard's (its memory is that thread's pool).
#pragma once

#include <sluice/core/pool.hpp>
#include <sluice/http/body_stream.hpp>
#include <sluice/http/status.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice::http {

inline constexpr std::string_view text_plain = "text/plain";
inline constexpr std::string_view application_json = "application/json";
inline constexpr std::string_view application_problem_json = "application/problem+json";

class response
{
public:
    using shared_body = std::shared_ptr<const std::string>;
    // Writes the body piece by piece; its failure closes the connection, since the head has gone. A functor, not a
    // capturing coroutine lambda: what it captures must live until it has finished, and it is kept until then.
    using streamed_body = std::function<task<result<void>>(body_writer&)>;

    response() = default;
    explicit response(http::status s) noexcept : status_(s) {}

    // --- Making.
    [[nodiscard]] static response text(std::string_view body)
    {
        response made;
        made.body(pooled_string(body), text_plain);
        return made;
    }
    response& status(http::status s) & noexcept
    {
        status_ = s;
        return *this;
    }
    // Adds a field. The name is a token; a value with CR, LF or NUL is an assertion failure, never a split response.
    response& header(std::string_view name, std::string_view value) &;
    response&& header(std::string_view name, std::string_view value) && { return std::move(header(name, value)); }
    // `content_type` must outlive the response: a literal.
    response& body(pooled_string bytes, std::string_view content_type) &
    {
        owned_ = std::move(bytes);
        return body_is(kind::owned, content_type);
    }
    response&& body(pooled_string bytes, std::string_view content_type) &&
    {
        return std::move(body(std::move(bytes), content_type));
    }
    // Bytes that live for ever (a literal, a table made at start).
    response& static_body(std::string_view bytes, std::string_view content_type) &
    {
        literal_ = bytes;
        return body_is(kind::literal, content_type);
    }
    response& body(shared_body bytes, std::string_view content_type) &
    {
        shared_ = std::move(bytes);
        return body_is(kind::shared, content_type);
    }
    // Length unknown: chunked on HTTP/1.1, until close on 1.0.
    response& stream(streamed_body write, std::string_view content_type) &
    {
        stream_ = std::move(write);
        return body_is(kind::streamed, content_type);
    }
    // Answer, then close the connection.
    response& close() & noexcept
    {
        close_ = true;
        return *this;
    }

    // --- Reading back.
    [[nodiscard]] http::status status() const noexcept { return status_; }
    [[nodiscard]] std::string_view content_type() const noexcept { return content_type_; }
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
    [[nodiscard]] std::string_view header_block() const noexcept { return fields_; } // "Name: value\r\n"…
    [[nodiscard]] bool streamed() const noexcept { return body_kind_ == kind::streamed; }
    [[nodiscard]] std::string_view body() const noexcept; // empty if streamed
    // Does the body outlive the response without being copied?
    [[nodiscard]] bool referenced() const noexcept { return body_kind_ == kind::literal || body_kind_ == kind::shared; }
    [[nodiscard]] shared_body share() const noexcept; // keeps a shared body alive; null otherwise
    [[nodiscard]] streamed_body take_stream() { return std::move(stream_); }
    [[nodiscard]] bool closes() const noexcept { return close_; }

private:
    enum class kind : std::uint8_t
    {
        owned,
        literal,
        shared,
        streamed,
    };
    response& body_is(kind k, std::string_view content_type) noexcept
    {
        body_kind_ = k;
        content_type_ = content_type;
        return *this;
    }

    http::status status_ = http::status::ok;
    bool close_ = false;
    kind body_kind_ = kind::owned; // which of the four below it is: moved one by one, they cost less than a variant
    std::string_view content_type_;
    pooled_string fields_;
    pooled_string owned_;
    std::string_view literal_;
    shared_body shared_;
    streamed_body stream_;
};

} // namespace sluice::http

#pragma GCC visibility pop
