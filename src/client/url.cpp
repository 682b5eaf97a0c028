#include "client/url.hpp"

#include "http/authority.hpp"
#include "http/characters.hpp"

#include <sluice/http/headers.hpp>

#include <algorithm>
#include <charconv>
#include <string>

namespace sluice::http {

namespace {

constexpr std::size_t bytes_max = 8192;
constexpr std::string_view scheme = "http://", secure_scheme = "https://", socket_host = "unix:";

std::unexpected<error> not_a_url(std::string_view what)
{
    return fail({.code = errc::internal, .detail = std::string(what), .dependency = "http"});
}

// "/path?query", "?query" or nothing.
bool valid_target(std::string_view text) noexcept
{
    const char* const end = text.data() + text.size();
    character_class wanted = path_class;
    for (const char* at = text.data(); at != end;) {
        if (is(*at, wanted)) {
            ++at;
        } else if (*at == '?' && wanted == path_class) {
            wanted = query_class;
            ++at;
        } else if (is_escape(at, end)) {
            at += 3;
        } else {
            return false;
        }
    }
    return true;
}

// unix:/SOCKET[:/PATH]
result<url> parse_socket(std::string_view rest)
{
    url made;
    const std::size_t colon = rest.find(':', socket_host.size());
    made.authority = rest.substr(0, colon);
    made.socket = made.authority.substr(socket_host.size());
    if (colon != std::string_view::npos) made.target = rest.substr(colon + 1);
    if (!made.socket.starts_with('/') || made.socket.find('\0') != std::string_view::npos)
        return not_a_url("The socket of a URL has no absolute path");
    return made;
}

result<url> parse_network(std::string_view rest)
{
    url made;
    const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
    made.authority = rest.substr(0, end);
    made.target = rest.substr(end);
    if (made.authority.find('@') != std::string_view::npos)
        return not_a_url("A URL has a user or a password, which belong into an Authorization field");
    if (!valid_authority(made.authority)) return not_a_url("The host of a URL is not valid");
    std::string_view port;
    if (made.authority.starts_with('[')) {
        const std::size_t close = made.authority.find(']');
        made.host = made.authority.substr(1, close - 1);
        port = made.authority.substr(close + 1);
    } else {
        const std::size_t colon = std::min(made.authority.find(':'), made.authority.size());
        made.host = made.authority.substr(0, colon);
        port = made.authority.substr(colon);
    }
    if (made.host.empty()) return not_a_url("A URL has no host");
    if (port.size() > 1) std::from_chars(port.data() + 1, port.data() + port.size(), made.port);
    if (made.port == 0) return not_a_url("A URL has port 0");
    return made;
}

} // namespace

result<url> parse_url(std::string_view text)
{
    if (text.size() > bytes_max) return not_a_url("A URL is too long");
    if (equal_ignoring_case(text.substr(0, secure_scheme.size()), secure_scheme))
        return not_a_url("A URL begins with https://, which this client does not speak");
    if (!equal_ignoring_case(text.substr(0, scheme.size()), scheme))
        return not_a_url("A URL does not begin with http://");
    const std::string_view rest = text.substr(scheme.size());
    auto made = rest.starts_with(socket_host) && rest.substr(socket_host.size()).starts_with('/') ? parse_socket(rest)
                                                                                                  : parse_network(rest);
    if (made && !valid_target(made->target)) return not_a_url("The path or the query of a URL is not valid");
    return made;
}

} // namespace sluice::http
