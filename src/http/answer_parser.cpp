#include "http/answer_parser.hpp"

#include "http/characters.hpp"
#include "http/field_lines.hpp"
#include "http/refusals.hpp"

#include <sluice/core/assert.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::http {

namespace {

// "HTTP/1.1 200 "
constexpr std::string_view protocol = "HTTP/1.";
constexpr std::size_t status_at = protocol.size() + 2;
constexpr std::size_t reason_at = status_at + 4;
// What is reserved ahead for a body whose length is known; the rest as it comes.
constexpr std::size_t reserved_bytes_max = std::size_t{64} << 10;

} // namespace

const llhttp_settings_t answer_parser::settings = [] {
    llhttp_settings_t set{};
    set.on_header_field = on_name;
    set.on_header_value = on_value;
    set.on_headers_complete = on_head_complete;
    return set;
}();

void answer_parser::start(method asked, const answer_limits& bounds) noexcept
{
    answer_ = {};
    bounds_ = bounds;
    head_bytes_ = line_at_ = 0;
    asked_ = asked;
    phase_ = phase::head;
    failure_ = failure::none;
    begun_ = keep_alive_ = false;
}

answer_parser::state answer_parser::feed(std::string_view& bytes)
{
    begun_ |= !bytes.empty();
    while (!bytes.empty() && where() == state::need_input) {
        switch (phase_) {
        case phase::head:
            read_head(bytes);
            break;
        case phase::sized_body:
            read_sized(bytes);
            break;
        case phase::chunked_body:
            read_chunked(bytes);
            break;
        case phase::body_until_close:
            read_until_close(bytes);
            break;
        case phase::complete:
        case phase::failed:
            break;
        }
    }
    return where();
}

answer_parser::state answer_parser::end_of_input() noexcept
{
    if (phase_ == phase::body_until_close)
        phase_ = phase::complete;
    else if (where() == state::need_input)
        fail(failure::incomplete);
    return where();
}

answer answer_parser::take() noexcept
{
    SLUICE_ASSERT(phase_ == phase::complete);
    return std::move(answer_);
}

answer_parser::state answer_parser::where() const noexcept
{
    if (phase_ == phase::complete) return state::complete;
    return phase_ == phase::failed ? state::failed : state::need_input;
}

void answer_parser::fail(failure why) noexcept
{
    phase_ = phase::failed;
    failure_ = why;
}

// --- The head.

// A line, or what there is of it.
void answer_parser::read_head(std::string_view& bytes)
{
    buffer& head = answer_.head_;
    const std::size_t end = bytes.find('\n');
    const std::size_t line = end == std::string_view::npos ? bytes.size() : end + 1;
    const std::size_t taken = std::min(line, bounds_.header_bytes - head_bytes_);
    head.append(bytes.substr(0, taken));
    head_bytes_ += taken;
    bytes.remove_prefix(taken);
    // What speaks another protocol is known by its first byte, and need not be heard to the end.
    if (!protocol.starts_with(head.view().substr(0, protocol.size()))) return fail(failure::malformed);
    if (taken < line) return fail(failure::head_too_large);
    if (end != std::string_view::npos) end_line();
}

void answer_parser::end_line()
{
    const std::string_view line = answer_.head_.view().substr(line_at_);
    if (!line.ends_with("\r\n")) return fail(failure::malformed);
    line_at_ = answer_.head_.size();
    if (line.size() == 2) head_complete();
}

void answer_parser::head_complete()
{
    seen_fields seen;
    const std::string_view head = answer_.head_.view();
    if (!read_status_line(head) || !parse_head())
        return fail(too_many_fields_ ? failure::head_too_large : failure::malformed);
    const char* const fields_at = head.data() + head.find('\n') + 1;
    if (check_field_lines(answer_.headers_.all(), fields_at, head, seen) != nullptr) return fail(failure::malformed);
    if (seen.second_length || (seen.coding && seen.length.data() != nullptr)) return fail(failure::malformed);

    const auto code = static_cast<std::uint16_t>(answer_.status_);
    if (code == 101) return fail(failure::malformed); // nobody had asked to switch
    if (code < 200) {
        answer_.head_.clear();
        line_at_ = 0;
        return;
    }
    const bool says_close = seen.connection && answer_.headers_.has_token("connection", "close");
    const bool says_keep = seen.connection && answer_.headers_.has_token("connection", "keep-alive");
    keep_alive_ = !says_close && (version_minor_ == 1 || says_keep);
    begin_body(seen.length, seen.coding);
}

// HTTP-version SP status-code SP [ reason-phrase ] CR LF. llhttp takes less than that.
bool answer_parser::read_status_line(std::string_view head) noexcept
{
    if (head.size() < reason_at) return false;
    const char minor = head[protocol.size()];
    const std::string_view digits = head.substr(status_at, 3);
    if ((minor != '0' && minor != '1') || head[status_at - 1] != ' ' || head[reason_at - 1] != ' ') return false;
    if (!std::ranges::all_of(digits, is_digit) || digits[0] < '1' || digits[0] > '5') return false;
    const std::string_view reason = head.substr(reason_at, head.find('\r') - reason_at);
    if (!is_field_value(reason)) return false;
    if (head[reason_at + reason.size() + 1] != '\n') return false;
    version_minor_ = minor - '0';
    answer_.status_ =
        http::status{static_cast<std::uint16_t>((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'))};
    return true;
}

bool answer_parser::parse_head()
{
    answer_.headers_.clear();
    too_many_fields_ = false;
    llhttp_t parser;
    llhttp_init(&parser, HTTP_RESPONSE, &settings);
    parser.data = this;
    const std::string_view head = answer_.head_.view();
    return llhttp_execute(&parser, head.data(), head.size()) == HPE_PAUSED && !too_many_fields_;
}

// The head is in one piece, so each name comes in one call; a value comes in several only where it is folded.
int answer_parser::on_name(llhttp_t* parser, const char* at, std::size_t bytes)
{
    answer_parser& me = *static_cast<answer_parser*>(parser->data);
    if (me.answer_.headers_.size() == me.bounds_.headers) {
        me.too_many_fields_ = true;
        return HPE_USER;
    }
    me.answer_.headers_.add({at, bytes}, {});
    return 0;
}

int answer_parser::on_value(llhttp_t* parser, const char* at, std::size_t bytes)
{
    std::string_view& value = static_cast<answer_parser*>(parser->data)->answer_.headers_.last().value;
    if (value.data() == nullptr) value = {at, bytes}; // a folded value is refused with its lines
    return 0;
}

int answer_parser::on_head_complete(llhttp_t*) { return HPE_PAUSED; }

// --- The body (RFC 9112, section 6.3).

void answer_parser::begin_body(std::string_view length, bool coded)
{
    std::uint64_t bytes = 0;
    const bool sized = length.data() != nullptr;
    if (sized) {
        const std::optional<std::uint64_t> said = parse_length(length);
        if (!said) return fail(failure::malformed);
        bytes = *said;
    }
    if (coded) {
        const auto coding = answer_.header("transfer-encoding");
        const bool understood = answer_.headers_.count("transfer-encoding") == 1 &&
                                equal_ignoring_case(*coding, "chunked") && version_minor_ == 1;
        if (!understood) return fail(failure::malformed);
    }
    if (asked_ == method::head || bodiless(answer_.status_)) {
        // A 204 that announces a body has a confused sender: what comes next cannot be trusted.
        if (answer_.status_ == http::status::no_content && (coded || bytes > 0)) keep_alive_ = false;
        phase_ = phase::complete;
    } else if (coded) {
        decoder_.start({.body_bytes = bounds_.body_bytes,
                        .trailer_bytes = bounds_.header_bytes,
                        .trailer_fields = bounds_.headers});
        phase_ = phase::chunked_body;
    } else if (sized) {
        if (bytes > bounds_.body_bytes) return fail(failure::body_too_large);
        body_left_ = bytes;
        if (bytes > 0) (void)answer_.body_.reserve(std::min<std::size_t>(bytes, reserved_bytes_max));
        phase_ = bytes == 0 ? phase::complete : phase::sized_body;
    } else {
        keep_alive_ = false;
        phase_ = phase::body_until_close;
    }
}

void answer_parser::read_sized(std::string_view& bytes)
{
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), body_left_));
    answer_.body_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    body_left_ -= taken;
    if (body_left_ == 0) phase_ = phase::complete;
}

void answer_parser::read_chunked(std::string_view& bytes)
{
    const char* at = bytes.data();
    const chunk_decoder::outcome came = decoder_.next(at, bytes.data() + bytes.size());
    bytes.remove_prefix(static_cast<std::size_t>(at - bytes.data()));
    switch (came) {
    case chunk_decoder::outcome::need_input:
        return;
    case chunk_decoder::outcome::piece:
        return answer_.body_.append(decoder_.piece());
    case chunk_decoder::outcome::end:
        phase_ = phase::complete;
        return;
    case chunk_decoder::outcome::refused:
        const bool too_large = decoder_.refused() == &refusals::body_too_large;
        return fail(too_large ? failure::body_too_large : failure::malformed);
    }
}

void answer_parser::read_until_close(std::string_view& bytes)
{
    if (bytes.size() > bounds_.body_bytes - answer_.body_.size()) return fail(failure::body_too_large);
    answer_.body_.append(bytes);
    bytes = {};
}

} // namespace sluice::http
