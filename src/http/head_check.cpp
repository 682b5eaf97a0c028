#include "http/head_check.hpp"

#include "http/authority.hpp"
#include "http/characters.hpp"
#include "http/field_lines.hpp"
#include "http/refusals.hpp"
#include "http/target.hpp"

#include <sluice/http/request_parts.hpp>

#include <array>
#include <cstring>
#include <optional>

namespace sluice::http {

namespace {

constexpr std::string_view version_1_1 = " HTTP/1.1\r\n";
constexpr std::string_view version_1_0 = " HTTP/1.0\r\n";

std::optional<method> method_of(llhttp_method_t parsed) noexcept
{
    switch (parsed) {
    case HTTP_GET:
        return method::get;
    case HTTP_HEAD:
        return method::head;
    case HTTP_POST:
        return method::post;
    case HTTP_PUT:
        return method::put;
    case HTTP_PATCH:
        return method::patch;
    case HTTP_DELETE:
        return method::delete_;
    case HTTP_OPTIONS:
        return method::options;
    case HTTP_TRACE:
        return method::trace;
    default:
        return std::nullopt; // CONNECT too: there is nothing here to connect to
    }
}

template <std::size_t Size> bool same(const char* at, const char (&literal)[Size]) noexcept
{
    return std::memcmp(at, literal, Size - 1) == 0;
}

// " HTTP/" DIGIT "." DIGIT
const refusal* why_not_version(std::string_view text) noexcept
{
    const bool well_formed =
        text.size() >= 9 && same(text.data(), " HTTP/") && is_digit(text[6]) && text[7] == '.' && is_digit(text[8]);
    if (!well_formed) return &refusals::malformed_request_line;
    const bool known = text[6] == '1' && (text[8] == '0' || text[8] == '1');
    if (!known) return &refusals::unknown_version;
    return text.substr(9).starts_with('\n') ? &refusals::bare_line_end : &refusals::malformed_request_line;
}

const refusal* check_request_line(request& r, const head_parser& parsed, std::string_view head) noexcept
{
    const std::optional<method> known = method_of(parsed.method());
    if (!known) return &refusals::unknown_method;
    request::parts::method(r) = *known;

    const std::string_view target = r.target();
    if (target.data() != head.data() + name(*known).size() + 1) return &refusals::malformed_request_line;
    const std::string_view rest = head.substr(static_cast<std::size_t>(target.data() + target.size() - head.data()));
    if (rest.starts_with(version_1_1))
        request::parts::version_minor(r) = 1;
    else if (rest.starts_with(version_1_0))
        request::parts::version_minor(r) = 0;
    else
        return why_not_version(rest);
    return nullptr;
}

const refusal* check_host(request& r, const seen_fields& seen) noexcept
{
    if (seen.second_host) return &refusals::host_repeated;
    if (seen.host.data() == nullptr) return r.version_minor() == 1 ? &refusals::host_missing : nullptr;
    if (!valid_authority(seen.host)) return &refusals::malformed_host;
    // A target in absolute form has set it already, and wins (RFC 9112, section 3.2.2).
    if (r.host().data() == nullptr) request::parts::host(r) = seen.host;
    return nullptr;
}

// "chunked" alone is understood. What does not end with it has no length (400); what does, with others before it, is
// valid and not implemented (RFC 9112, sections 6.1 and 6.3).
const refusal* check_coding(const request& r, const seen_fields& seen) noexcept
{
    if (r.version_minor() == 0) return &refusals::coding_in_1_0;
    if (seen.length.data() != nullptr) return &refusals::length_and_coding;
    std::size_t codings = 0;
    std::size_t chunked = 0;
    bool chunked_last = false;
    bool well_formed = true;
    for (const header& field : r.headers().all()) {
        if (!equal_ignoring_case(field.name, "transfer-encoding")) continue;
        for (std::string_view rest = field.value;;) {
            const std::size_t comma = rest.find(',');
            const std::string_view coding = trimmed(rest.substr(0, comma));
            ++codings;
            well_formed &= !coding.empty();
            chunked_last = equal_ignoring_case(coding, "chunked");
            chunked += chunked_last ? 1 : 0;
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    if (!well_formed || !chunked_last || chunked != 1) return &refusals::malformed_coding;
    return codings == 1 ? nullptr : &refusals::unknown_coding;
}

const refusal* check_framing(const request& r, const seen_fields& seen, framing& frame) noexcept
{
    if (seen.second_length) return &refusals::repeated_length;
    if (seen.coding) {
        frame.chunked = true;
        return check_coding(r, seen);
    }
    if (seen.length.data() != nullptr) {
        const std::optional<std::uint64_t> length = parse_length(seen.length);
        if (!length) return &refusals::malformed_length;
        frame.content_length = *length;
        return nullptr;
    }
    const bool about_content = r.method() == method::post || r.method() == method::put || r.method() == method::patch;
    return about_content ? &refusals::length_required : nullptr;
}

// RFC 9110, section 10.1.1: 100-continue means nothing in HTTP/1.0, and nothing without a body.
const refusal* check_expectation(const request& r, const seen_fields& seen, framing& frame) noexcept
{
    if (!seen.expect) return nullptr;
    for (const header& field : r.headers().all()) {
        if (!equal_ignoring_case(field.name, "expect")) continue;
        if (!equal_ignoring_case(field.value, "100-continue")) return &refusals::unknown_expectation;
    }
    frame.expects_continue = r.version_minor() == 1 && frame.has_body();
    return nullptr;
}

// RFC 9112, section 9.3.
bool keeps_alive(const request& r, const seen_fields& seen) noexcept
{
    if (!seen.connection) return r.version_minor() == 1;
    if (r.headers().has_token("connection", "close")) return false;
    return r.version_minor() == 1 || r.headers().has_token("connection", "keep-alive");
}

} // namespace

const refusal* check_lines(request& r, const head_parser& parsed, std::string_view head, const limits& bounds,
                           seen_fields& seen) noexcept
{
    if (r.target().size() > bounds.uri_bytes) return &refusals::target_too_long;
    if (parsed.too_many_fields()) return &refusals::too_many_fields;
    if (const refusal* why = check_request_line(r, parsed, head)) return why;
    const char* const fields_at = r.target().data() + r.target().size() + version_1_1.size();
    if (const refusal* why = check_field_lines(request::parts::headers(r).all(), fields_at, head, seen)) return why;
    return read_target(r);
}

const refusal* check_message(request& r, const seen_fields& seen, framing& frame) noexcept
{
    frame = {};
    if (const refusal* why = check_host(r, seen)) return why;
    if (const refusal* why = check_framing(r, seen, frame)) return why;
    if (const refusal* why = check_expectation(r, seen, frame)) return why;
    frame.keep_alive = keeps_alive(r, seen);
    return nullptr;
}

const refusal* explain_failure(const request& r, const head_parser& parsed, std::string_view head) noexcept
{
    switch (parsed.failure()) {
    case HPE_INVALID_URL:
        return &refusals::malformed_target;
    case HPE_INVALID_VERSION: {
        const char* const version = r.target().data() + r.target().size();
        return why_not_version({version, head.data() + head.size()});
    }
    case HPE_PAUSED_H2_UPGRADE:
        return &refusals::unknown_version;
    case HPE_INVALID_HEADER_TOKEN:
        return &refusals::malformed_field;
    case HPE_UNEXPECTED_SPACE:
        return &refusals::folded_field;
    case HPE_LF_EXPECTED:
    case HPE_CR_EXPECTED:
        return &refusals::bare_line_end;
    case HPE_INVALID_CONTENT_LENGTH:
        return &refusals::malformed_length;
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return r.header("transfer-encoding") ? &refusals::length_and_coding : &refusals::repeated_length;
    case HPE_INVALID_TRANSFER_ENCODING:
        return &refusals::malformed_coding;
    default:
        return &refusals::malformed_request;
    }
}

} // namespace sluice::http
