#include "listen_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <cstdint>
#include <string>

namespace sluice::app {
namespace {

bool valid_port(std::string_view text)
{
    std::uint16_t port = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    return failure == std::errc() && end == text.data() + text.size();
}

bool valid_ip(int family, std::string_view text)
{
    in6_addr address;
    return ::inet_pton(family, std::string(text).c_str(), &address) == 1;
}

bool valid_unix_path(std::string_view path)
{
    return path.starts_with('/') && path.size() > 1 && path.size() < sizeof(sockaddr_un::sun_path) &&
           path.find('\0') == std::string_view::npos;
}

} // namespace

bool valid_listen_address(std::string_view text)
{
    constexpr std::string_view unix_prefix = "unix:";
    if (text.starts_with(unix_prefix)) return valid_unix_path(text.substr(unix_prefix.size()));
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || !valid_port(text.substr(colon + 1))) return false;
    const std::string_view host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        return valid_ip(AF_INET6, host.substr(1, host.size() - 2));
    }
    return valid_ip(AF_INET, host);
}

} // namespace sluice::app
