#include "client/request_writer.hpp"

#include "http/characters.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace sluice::http {

namespace {

// Ours to write, or about the connection, which is ours too.
constexpr std::array<std::string_view, 13> reserved = {
    "host", "content-length", "transfer-encoding", "connection", "keep-alive",      "upgrade", "expect", "trailer",
    "te",   "content-type",   "traceparent",       "tracestate", "proxy-connection"};
constexpr std::size_t fields_max = 100;
constexpr std::size_t fields_bytes_max = std::size_t{64} << 10;

std::unexpected<error> not_a_call(std::string_view what)
{
    return fail({.code = errc::internal, .detail = std::string(what), .dependency = "http"});
}

void append_field(buffer& out, std::string_view name, std::string_view value)
{
    out.append(name);
    out.append(": ");
    out.append(value);
    out.append("\r\n");
}

} // namespace

result<void> check_fields(const call& what)
{
    if (what.method == method::connect) return not_a_call("A call cannot be a CONNECT");
    if (!is_field_value(what.content_type)) return not_a_call("The media type of a call is not valid");
    if (what.headers.size() > fields_max) return not_a_call("A call has too many fields");
    std::size_t bytes = 0;
    for (const auto& [name, value] : what.headers) {
        if (!is_token(name) || !is_field_value(value)) return not_a_call("A field of a call is not valid");
        if (std::ranges::any_of(reserved, [&](std::string_view r) { return equal_ignoring_case(r, name); }))
            return not_a_call("A call has a field that the client writes itself");
        bytes += name.size() + value.size();
    }
    if (bytes > fields_bytes_max) return not_a_call("The fields of a call are too large");
    return {};
}

void write_request(const call& what, const url& to, std::string_view user_agent, const trace_context* trace,
                   std::string_view trace_state, buffer& out)
{
    out.append(name(what.method));
    out.append(to.lacks_slash() ? " /" : " ");
    out.append(to.target);
    out.append(" HTTP/1.1\r\n");
    append_field(out, "Host", to.host_field());
    if (!user_agent.empty()) append_field(out, "User-Agent", user_agent);
    if (!what.content_type.empty()) append_field(out, "Content-Type", what.content_type);
    const bool about_content =
        what.method == method::post || what.method == method::put || what.method == method::patch;
    if (about_content || !what.body.empty()) {
        std::array<char, 20> digits;
        const char* const end = std::to_chars(digits.begin(), digits.end(), what.body.size()).ptr;
        append_field(out, "Content-Length", {digits.data(), static_cast<std::size_t>(end - digits.data())});
    }
    if (trace != nullptr) {
        std::array<char, traceparent_size> parent;
        trace->write_traceparent(parent.data());
        append_field(out, "traceparent", {parent.data(), parent.size()});
        if (!trace_state.empty()) append_field(out, "tracestate", trace_state);
    }
    for (const auto& [name, value] : what.headers) append_field(out, name, value);
    out.append("\r\n");
    out.append(what.body);
}

} // namespace sluice::http
