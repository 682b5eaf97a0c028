#include <sluice/http/problem.hpp>
#include <sluice/middleware/same_site.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <string>

namespace sluice {
namespace {

std::string lower_case(std::string_view text)
{
    std::string made(text);
    for (char& c : made)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return made;
}

bool is_address(const std::string& host)
{
    in_addr four{};
    if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return true;
    if (!host.starts_with('[') || !host.ends_with(']')) return false;
    in6_addr six{};
    return ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &six) == 1;
}

std::string_view without_port(std::string_view authority)
{
    const std::size_t colon = authority.rfind(':');
    const std::size_t bracket = authority.rfind(']');
    if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return authority;
    return authority.substr(0, colon);
}

result<response> refused(std::string_view why, const request& asked)
{
    return http::problem(http::status::forbidden, why, &asked.context());
}

} // namespace

bool same_site::names_this_server(std::string_view host) const
{
    const std::string name = lower_case(without_port(host));
    return is_address(name) || name == "localhost" || name.ends_with(".localhost") ||
           std::ranges::find(names_, name) != names_.end();
}

std::optional<result<response>> same_site::before(request& asked)
{
    // HTTP/1.0 may leave Host out, and no browser does.
    if (!asked.host().empty() && !names_this_server(asked.host()))
        return refused("This listener is not known by that name", asked);
    if (const auto from = asked.header("Sec-Fetch-Site"); from && *from != "same-origin" && *from != "none")
        return refused("A page of another site may not use this listener", asked);
    if (const auto origin = asked.header("Origin");
        origin && lower_case(*origin) != "http://" + lower_case(asked.host()))
        return refused("A page of another site may not use this listener", asked);
    return std::nullopt;
}

} // namespace sluice
