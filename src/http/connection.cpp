#include "http/connection.hpp"

#include "http/characters.hpp"
#include "http/plain_head.hpp"
#include "http/refusals.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/http/request_parts.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace sluice::http {

namespace {

constexpr unsigned empty_lines_max = 4;
constexpr unsigned method_bytes_max = 32;
constexpr std::size_t body_reserve_max = 64 * 1024; // what a client says is not believed before it has sent it

} // namespace

// --- Input.

void connection::feed(std::string_view bytes)
{
    if (phase_ == phase::closed) return;
    if (at_ == end_) {
        at_ = bytes.data();
        end_ = at_ + bytes.size();
        input_ = input_place::driver;
        return;
    }
    if (input_ == input_place::rest) {
        rest_.consume(rest_.size() - pending_bytes());
    } else {
        rest_.clear();
        rest_.append({at_, end_});
        input_ = input_place::rest;
    }
    rest_.append(bytes);
    at_ = rest_.data();
    end_ = at_ + rest_.size();
}

event connection::next()
{
    switch (phase_) {
    case phase::between:
    case phase::head:
        return read_head();
    case phase::bad_method:
        return read_bad_method({std::exchange(at_, end_), end_});
    case phase::body:
        return read_body();
    case phase::refused:
        return event::refused;
    case phase::body_ahead:
    case phase::answering:
    case phase::closed:
        break;
    }
    return wait_for_input();
}

void connection::keep()
{
    if (!head_kept_ && !head_.empty()) {
        kept_head_.clear();
        kept_head_.append(head_);
        move_head(kept_head_.data());
        head_kept_ = true;
    }
    std::string_view& body = mode_ == body_mode::buffered ? request::parts::body(request_) : chunk_;
    if (!body_kept_ && !body.empty()) {
        body_.clear();
        body_.append(body);
        body = body_.view();
        body_kept_ = true;
    }
    if (input_ == input_place::driver && at_ != end_) {
        rest_.clear();
        rest_.append({at_, end_});
        at_ = rest_.data();
        end_ = at_ + rest_.size();
        input_ = input_place::rest;
    }
}

event connection::wait_for_input()
{
    keep();
    if (idle()) {
        kept_head_.reset();
        body_.reset();
        rest_.reset();
    }
    return event::need_input;
}

event connection::refuse(const refusal& why) noexcept
{
    phase_ = phase::refused;
    refusal_ = &why;
    chunk_ = {};
    at_ = end_;
    return event::refused;
}

// --- The head.

event connection::read_head()
{
    if (phase_ == phase::between) {
        if (at_ == end_) return wait_for_input();
        if (const refusal* why = skip_empty_lines()) return refuse(*why);
        if (at_ == end_) return wait_for_input();
        if (input_ == input_place::body) {
            body_.swap(rest_);
            input_ = input_place::rest;
        }
        begin_request();
        if (const char* behind = read_plain_head(request_, at_, end_, bounds_, frame_)) {
            head_ = {std::exchange(at_, behind), behind};
            return head_complete();
        }
        phase_ = phase::head;
        parser_.start();
    }
    const std::size_t before = head_kept_ ? kept_head_.size() : 0;
    const std::size_t taken = std::min(pending_bytes(), bounds_.header_bytes - before);
    if (head_kept_) append_to_kept_head({at_, taken});
    const char* const begin = head_kept_ ? kept_head_.data() : at_;
    const head_parser::outcome outcome = parser_.parse(begin + before, taken);
    head_ = {begin, before + taken};
    if (outcome != head_parser::outcome::complete) {
        at_ += taken;
        return outcome == head_parser::outcome::failed ? head_failed(head_) : head_incomplete(head_);
    }
    head_ = {begin, parser_.stopped_at()};
    at_ += head_.size() - before;
    if (head_kept_) kept_head_.truncate(head_.size());
    seen_fields seen;
    const refusal* why = check_lines(request_, parser_, head_, bounds_, seen);
    const bool good_lines = why == nullptr;
    if (good_lines) why = check_message(request_, seen, frame_);
    refused_whole_head_ = why != nullptr;
    refused_good_lines_ = good_lines && why != nullptr;
    return why != nullptr ? refuse(*why) : head_complete();
}

void connection::begin_request() noexcept
{
    head_kept_ = false;
    body_kept_ = false;
    mode_ = body_mode::buffered;
    body_.clear();
    request::parts::body(request_) = {};
    request::parts::route(request_) = {};
    request::parts::clear_path_parameters(request_);
    request::parts::stream(request_) = nullptr;
    request_.notes().clear();
}

// A few, and each of them CR LF (RFC 9112, section 2.2).
const refusal* connection::skip_empty_lines() noexcept
{
    for (; at_ != end_; ++at_) {
        const bool expects_lf = empty_line_bytes_ % 2 != 0;
        if (!expects_lf && *at_ != '\r' && *at_ != '\n') break;
        if ((*at_ == '\n') != expects_lf) return &refusals::bare_line_end;
        if (++empty_line_bytes_ > 2 * empty_lines_max) return &refusals::empty_lines;
    }
    if (at_ != end_) empty_line_bytes_ = 0;
    return nullptr;
}

event connection::head_incomplete(std::string_view seen)
{
    if (request_.target().size() > bounds_.uri_bytes) return refuse(refusals::target_too_long);
    if (seen.size() >= bounds_.header_bytes) return refuse(refusals::fields_too_large);
    if (input_ended_) return refuse(refusals::incomplete_request);
    return wait_for_input();
}

event connection::head_failed(std::string_view seen)
{
    if (parser_.failure() == HPE_INVALID_METHOD) {
        head_ = {};
        method_bytes_ = 0;
        return read_bad_method(seen);
    }
    // Of a target that is too long, no byte behind the bound may decide.
    std::size_t target_bytes = request_.target().size();
    if (parser_.failure() == HPE_INVALID_URL) {
        const std::size_t space = std::min(seen.find(' '), seen.size());
        const std::size_t begin = std::min(seen.find_first_not_of(' ', space), seen.size());
        target_bytes = static_cast<std::size_t>(parser_.stopped_at() - seen.data()) - begin;
    }
    if (target_bytes > bounds_.uri_bytes) return refuse(refusals::target_too_long);
    return refuse(*explain_failure(request_, parser_, seen));
}

// A token that is no method of ours is an unknown method, at whichever byte llhttp has lost patience.
event connection::read_bad_method(std::string_view bytes)
{
    phase_ = phase::bad_method;
    for (const char c : bytes) {
        if (!is(c, token_class)) {
            return refuse(c == ' ' && method_bytes_ != 0 ? refusals::unknown_method : refusals::malformed_request_line);
        }
        if (++method_bytes_ > method_bytes_max) return refuse(refusals::unknown_method);
    }
    if (input_ended_) return refuse(refusals::incomplete_request);
    return wait_for_input();
}

event connection::head_complete() noexcept
{
    body_left_ = frame_.content_length;
    phase_ = frame_.has_body() ? phase::body_ahead : phase::answering;
    return frame_.has_body() ? event::head : event::request;
}

void connection::append_to_kept_head(std::string_view bytes)
{
    kept_head_.append(bytes);
    if (kept_head_.data() != head_.data()) move_head(kept_head_.data());
}

void connection::move_head(const char* to) noexcept
{
    const auto begin = reinterpret_cast<std::uintptr_t>(head_.data());
    const auto move = [&](std::string_view& view) {
        const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(view.data()) - begin;
        if (view.data() != nullptr && offset <= head_.size()) view = {to + offset, view.size()};
    };
    move(request::parts::target(request_));
    move(request::parts::path(request_));
    move(request::parts::query(request_));
    move(request::parts::host(request_));
    for (header& field : request::parts::headers(request_).all()) {
        move(field.name);
        move(field.value);
    }
    for (path_parameter& parameter : request::parts::path_parameters(request_)) move(parameter.value);
    head_ = {to, head_.size()};
}

// --- The body.

void connection::accept_body(body_mode mode, std::uint64_t bytes_max)
{
    SLUICE_ASSERT(phase_ == phase::body_ahead);
    phase_ = phase::body;
    mode_ = mode;
    if (frame_.chunked) {
        decoder_.start(
            {.body_bytes = bytes_max, .trailer_bytes = bounds_.header_bytes, .trailer_fields = bounds_.headers});
    } else if (frame_.content_length > bytes_max) {
        static_cast<void>(refuse(refusals::body_too_large));
    }
}

bool connection::take_expect_continue() noexcept
{
    if (phase_ != phase::body || at_ != end_) return false;
    return std::exchange(frame_.expects_continue, false);
}

event connection::read_body()
{
    chunk_ = {};
    if (mode_ == body_mode::streamed) body_kept_ = false;
    if (at_ != end_) frame_.expects_continue = false;
    return frame_.chunked ? read_chunked_body() : read_sized_body();
}

event connection::read_sized_body()
{
    const std::size_t here = std::min<std::uint64_t>(body_left_, pending_bytes());
    const std::string_view part(at_, here);
    at_ += here;
    body_left_ -= here;
    if (mode_ == body_mode::streamed) {
        if (here != 0) return give_piece(part);
        if (body_left_ == 0) return body_complete();
    } else if (here == frame_.content_length) {
        request::parts::body(request_) = part;
        return body_complete();
    } else {
        if (body_.empty())
            static_cast<void>(body_.reserve(std::min<std::uint64_t>(frame_.content_length, body_reserve_max)));
        body_.append(part);
        if (body_left_ == 0) return body_complete();
    }
    return input_ended_ ? refuse(refusals::incomplete_request) : wait_for_input();
}

event connection::read_chunked_body()
{
    for (;;) {
        switch (decoder_.next(at_, end_)) {
        case chunk_decoder::outcome::piece:
            if (mode_ == body_mode::streamed) return give_piece(decoder_.piece());
            body_.append(decoder_.piece());
            break;
        case chunk_decoder::outcome::end:
            return body_complete();
        case chunk_decoder::outcome::refused:
            return refuse(*decoder_.refused());
        case chunk_decoder::outcome::need_input:
            return input_ended_ ? refuse(refusals::incomplete_request) : wait_for_input();
        }
    }
}

// A piece that lies in rest_ must outlive what is fed while it is used: rest_ gives its memory up to body_.
event connection::give_piece(std::string_view piece) noexcept
{
    chunk_ = piece;
    if (input_ == input_place::rest) {
        rest_.swap(body_);
        input_ = input_place::body;
    }
    body_kept_ = input_ == input_place::body;
    return event::body;
}

event connection::body_complete() noexcept
{
    phase_ = phase::answering;
    if (mode_ == body_mode::streamed) return event::body_end;
    if (!body_.empty()) {
        request::parts::body(request_) = body_.view();
        body_kept_ = true;
    }
    return event::request;
}

// Passes over what is left of the body, if all of it is here.
bool connection::skip_body() noexcept
{
    if (!frame_.chunked) {
        if (body_left_ > pending_bytes()) return false;
        at_ += body_left_;
        return true;
    }
    if (phase_ == phase::body_ahead) {
        decoder_.start({.body_bytes = std::numeric_limits<std::uint64_t>::max(),
                        .trailer_bytes = bounds_.header_bytes,
                        .trailer_fields = bounds_.headers});
    }
    chunk_decoder::outcome outcome{};
    do outcome = decoder_.next(at_, end_);
    while (outcome == chunk_decoder::outcome::piece);
    return outcome == chunk_decoder::outcome::end;
}

} // namespace sluice::http
