#include "http/target.hpp"

#include "http/authority.hpp"
#include "http/characters.hpp"
#include "http/refusals.hpp"

#include <sluice/http/headers.hpp>
#include <sluice/http/request_parts.hpp>

namespace sluice::http {

namespace {

// The first byte that is neither of the class nor part of a valid escape.
const char* skip(const char* at, const char* end, character_class wanted) noexcept
{
    for (;;) {
        while (at != end && is(*at, wanted)) ++at;
        if (at == end || !is_escape(at, end)) return at;
        at += 3;
    }
}

const refusal* why_not(char offending) noexcept
{
    if (offending == '%') return &refusals::malformed_escape;
    return offending == '#' ? &refusals::target_fragment : &refusals::malformed_target;
}

const refusal* read_path_and_query(request& r, std::string_view text) noexcept
{
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const char* const path_end = skip(begin, end, path_class);
    request::parts::path(r) = {begin, path_end};
    request::parts::query(r) = {};
    if (path_end == end) return nullptr;
    if (*path_end != '?') return why_not(*path_end);
    const char* const query_end = skip(path_end + 1, end, query_class);
    if (query_end != end) return why_not(*query_end);
    request::parts::query(r) = {path_end + 1, end};
    return nullptr;
}

// "http://host[:port][/path][?query]"
const refusal* read_absolute(request& r, std::string_view target) noexcept
{
    const std::size_t colon = target.find("://");
    const std::string_view scheme = target.substr(0, colon);
    if (colon == std::string_view::npos) return &refusals::malformed_target;
    if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) return &refusals::target_scheme;
    const std::string_view rest = target.substr(colon + 3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    // An http URI with an empty host is invalid (RFC 9110, section 4.2.1).
    if (authority.empty() || authority.front() == ':' || !valid_authority(authority))
        return &refusals::malformed_target;
    request::parts::host(r) = authority;
    const refusal* failed = read_path_and_query(r, rest.substr(authority.size()));
    if (failed != nullptr) return failed;
    // Without a path it is "/", and for OPTIONS without a query the server itself (RFC 9112, section 3.2.4).
    if (r.path().empty()) {
        const bool whole_server = r.method() == method::options && r.query().empty();
        request::parts::path(r) = whole_server ? "*" : "/";
    }
    return nullptr;
}

} // namespace

const refusal* read_target(request& r) noexcept
{
    const std::string_view target = r.target();
    if (target.front() == '/') return read_path_and_query(r, target);
    if (target == "*") {
        if (r.method() != method::options) return &refusals::target_form;
        request::parts::path(r) = target;
        request::parts::query(r) = {};
        return nullptr;
    }
    return read_absolute(r, target);
}

} // namespace sluice::http
