#include "check_listen.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace sluice::app {
namespace {

constexpr std::string_view in_use = "is in use: stop the other server, or choose another address";

std::string reason(int number)
{
    switch (number) {
    case EADDRINUSE:
        return std::string(in_use);
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return "is no address of this machine: choose one of its own, or 0.0.0.0 or [::] for all";
    case EACCES:
        return "is not permitted: use a port from 1024 on, or grant CAP_NET_BIND_SERVICE";
    default:
        return fmt::format("cannot be listened on: {}", std::strerror(number));
    }
}

// What a call on a new socket of that family ends with: 0 or errno.
template <class Call> int on_socket(int family, Call call)
{
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    const int number = call(fd) == 0 ? 0 : errno;
    ::close(fd);
    return number;
}

// SO_REUSEADDR as the server has it: connections that linger are no hindrance, one who listens is.
template <class Address> int try_bind(int family, const Address& address)
{
    return on_socket(family, [&](int fd) {
        const int on = 1;
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    });
}

int try_inet(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    std::uint16_t port = 0;
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
    if (text.front() == '[') {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        ::inet_pton(AF_INET6, std::string(text.substr(1, colon - 2)).c_str(), &v6.sin6_addr);
        return try_bind(AF_INET6, v6);
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    ::inet_pton(AF_INET, std::string(text.substr(0, colon)).c_str(), &v4.sin_addr);
    return try_bind(AF_INET, v4);
}

// 0 if somebody listens on that socket file.
int try_connect(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return on_socket(
        AF_UNIX, [&](int fd) { return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address); });
}

// Not bound, since that makes the file. The server takes a left-over socket's place, and no other file's.
std::optional<std::string> why_not_unix(const std::string& path)
{
    const std::string folder = std::filesystem::path(path).parent_path();
    struct stat found = {};
    if (::stat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode))
        return fmt::format("cannot be made: there is no folder {}; make it", folder);
    if (::access(folder.c_str(), W_OK | X_OK) != 0)
        return fmt::format("cannot be made: let this user write to the folder {}", folder);
    if (::lstat(path.c_str(), &found) != 0) return std::nullopt;
    if (!S_ISSOCK(found.st_mode)) return "is there and is no socket: move it away, or choose another path";
    if (try_connect(path) != ECONNREFUSED) return std::string(in_use);
    return std::nullopt;
}

} // namespace

std::optional<std::string> why_not_listen(std::string_view address)
{
    constexpr std::string_view unix_prefix = "unix:";
    if (address.starts_with(unix_prefix)) return why_not_unix(std::string(address.substr(unix_prefix.size())));
    const int number = try_inet(address);
    return number == 0 ? std::nullopt : std::optional(reason(number));
}

} // namespace sluice::app
