// The connection's other half: answers, and when the connection ends with one.
#include "http/connection.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/http/request_parts.hpp>

namespace sluice::http {

bool connection::sends_body(const response& answer) const noexcept
{
    return request_.method() != method::head && !bodiless(answer.status());
}

void connection::respond(const response& answer, const response_context& shared, buffer& out, bool without_body)
{
    const bool close = closes_after(answer, shared);
    const bool with_body = !without_body && sends_body(answer);
    write_head(answer, shared, bodiless(answer.status()) ? body_framing::none : body_framing::length, close,
               with_body ? answer.body() : std::string_view(), out);
    finish(close);
}

void connection::start_stream(const response& answer, const response_context& shared, buffer& out)
{
    const bool to_1_0 = request_.version_minor() == 0;
    body_framing framing = to_1_0 ? body_framing::until_close : body_framing::chunked;
    if (bodiless(answer.status())) framing = body_framing::none;
    stream_ = stream_form::none;
    if (sends_body(answer)) stream_ = to_1_0 ? stream_form::plain : stream_form::chunked;

    close_after_stream_ = closes_after(answer, shared) || framing == body_framing::until_close;
    write_head(answer, shared, framing, close_after_stream_, {}, out);
    phase_ = phase::answering;
}

void connection::write_piece(std::string_view bytes, buffer& out)
{
    if (bytes.empty()) return; // an empty chunk would end the body
    if (stream_ == stream_form::chunked)
        write_chunk(bytes, out);
    else if (stream_ == stream_form::plain)
        out.append(bytes);
}

void connection::end_stream(buffer& out)
{
    if (stream_ == stream_form::chunked) out.append(last_chunk);
    finish(close_after_stream_);
}

bool connection::closes_after(const response& answer, const response_context& shared) noexcept
{
    SLUICE_ASSERT(phase_ != phase::closed);
    const bool reading_body = phase_ == phase::body_ahead || phase_ == phase::body;
    if (phase_ != phase::answering && !(reading_body && skip_body())) {
        linger_ = true;
        return true;
    }
    const bool nothing_follows = at_ == end_;
    if (!frame_.keep_alive) {
        linger_ = !nothing_follows;
        return true;
    }
    if (nothing_follows && input_ended_) return true;
    linger_ = answer.closes() || (shared.closing && nothing_follows);
    return linger_;
}

void connection::write_head(const response& answer, const response_context& shared, body_framing framing, bool close,
                            std::string_view body, buffer& out) const
{
    const sluice::context* const context = request::parts::context(request_);
    const persistence kept = request_.version_minor() == 0 ? persistence::keep_alive : persistence::implied;
    write_response(answer,
                   {.framing = framing,
                    .persistence = close ? persistence::close : kept,
                    .date = shared.date,
                    .trace = context != nullptr ? &context->trace : nullptr},
                   body, out);
}

void connection::finish(bool close) noexcept
{
    phase_ = close ? phase::closed : phase::between;
    head_ = {};
    chunk_ = {};
    if (close) at_ = end_;
}

} // namespace sluice::http
