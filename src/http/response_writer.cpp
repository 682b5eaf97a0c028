#include "http/response_writer.hpp"

#include <array>
#include <charconv>
#include <cstring>

namespace sluice::http {

namespace {

// Enough for everything in a head that is not counted by itself: status line, names, digits, line ends.
constexpr std::size_t fixed_bytes_max = 256;
constexpr std::size_t trace_id_size = 32;

// Writes where room has been reserved.
class cursor
{
public:
    explicit cursor(char* at) noexcept : at_(at) {}
    template <std::size_t Size> void literal(const char (&text)[Size]) noexcept
    {
        std::memcpy(at_, text, Size - 1);
        at_ += Size - 1;
    }
    void text(std::string_view bytes) noexcept
    {
        if (bytes.empty()) return;
        std::memcpy(at_, bytes.data(), bytes.size());
        at_ += bytes.size();
    }
    void number(std::uint64_t value) noexcept { at_ = std::to_chars(at_, at_ + 20, value).ptr; }
    void trace_id(const trace_context& trace) noexcept
    {
        trace.write_trace_id(at_);
        at_ += trace_id_size;
    }
    void status_line(status s) noexcept
    {
        if (s == status::ok) return literal("HTTP/1.1 200 OK\r\n");
        literal("HTTP/1.1 ");
        number(static_cast<std::uint16_t>(s));
        literal(" ");
        text(reason(s));
        literal("\r\n");
    }
    [[nodiscard]] char* at() const noexcept { return at_; }

private:
    char* at_;
};

} // namespace

void write_response(const response& answer, const head_plan& plan, std::string_view body, buffer& out)
{
    const std::string_view fields = answer.header_block();
    const std::string_view type = answer.content_type();
    char* const begin = out.reserve(fixed_bytes_max + plan.date.size() + type.size() + fields.size() + body.size());
    cursor to(begin);
    to.status_line(answer.status());
    if (!plan.date.empty()) {
        to.literal("Date: ");
        to.text(plan.date);
        to.literal("\r\n");
    }
    if (plan.trace != nullptr) {
        to.literal("X-Request-Id: ");
        to.trace_id(*plan.trace);
        to.literal("\r\n");
    }
    if (!type.empty() && plan.framing != body_framing::none) {
        to.literal("Content-Type: ");
        to.text(type);
        to.literal("\r\n");
    }
    if (plan.framing == body_framing::length) {
        to.literal("Content-Length: ");
        to.number(answer.body().size());
        to.literal("\r\n");
    } else if (plan.framing == body_framing::chunked) {
        to.literal("Transfer-Encoding: chunked\r\n");
    }
    to.text(fields);
    if (plan.persistence == persistence::close)
        to.literal("Connection: close\r\n");
    else if (plan.persistence == persistence::keep_alive)
        to.literal("Connection: keep-alive\r\n");
    to.literal("\r\n");
    to.text(body);
    out.commit(static_cast<std::size_t>(to.at() - begin));
}

void write_chunk(std::string_view bytes, buffer& out)
{
    char* const begin = out.reserve(16 + 4 + bytes.size());
    char* at = std::to_chars(begin, begin + 16, bytes.size(), 16).ptr;
    cursor to(at);
    to.literal("\r\n");
    to.text(bytes);
    to.literal("\r\n");
    out.commit(static_cast<std::size_t>(to.at() - begin));
}

} // namespace sluice::http
