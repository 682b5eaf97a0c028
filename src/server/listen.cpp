#include "server/listen.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

namespace sluice {

namespace {

struct socket_address
{
    sockaddr_storage storage{};
    socklen_t size = 0;
    [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

class descriptor
{
public:
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor()
    {
        if (fd_ >= 0) close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_;
};

std::unexpected<error> cannot_listen(std::string_view address, int number)
{
    std::string why = "cannot listen on " + std::string(address) + ": ";
    switch (number) {
    case EADDRINUSE:
        why += "the address is in use; stop the other server or choose another (--listen)";
        break;
    case EACCES:
        why += "not permitted; use a port from 1024 on, or grant CAP_NET_BIND_SERVICE";
        break;
    case EADDRNOTAVAIL:
        why += "this machine has no such address";
        break;
    case EMFILE:
        why += "too few descriptors; raise RLIMIT_NOFILE (ulimit -n, systemd: LimitNOFILE=)";
        break;
    default:
        why += std::strerror(number);
        break;
    }
    return fail(number == EADDRINUSE ? errc::conflict : errc::unavailable, std::move(why));
}

std::optional<socket_address> parse_inet(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failure != std::errc() || end != digits.data() + digits.size()) return std::nullopt;

    std::string host(text.substr(0, colon));
    socket_address parsed;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&parsed.storage);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        parsed.size = sizeof *v6;
        if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) != 1) return std::nullopt;
        return parsed;
    }
    auto* v4 = reinterpret_cast<sockaddr_in*>(&parsed.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    parsed.size = sizeof *v4;
    if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) != 1) return std::nullopt;
    return parsed;
}

std::string to_text(const sockaddr_storage& storage)
{
    char host[INET6_ADDRSTRLEN] = {};
    if (storage.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
        inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
        return "[" + std::string(host) + "]:" + std::to_string(ntohs(v6.sin6_port));
    }
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(ntohs(v4.sin_port));
}

void set_option(int fd, int level, int name, int value) noexcept { setsockopt(fd, level, name, &value, sizeof value); }

// A bound socket; errno tells why not.
int bind_inet(socket_address& address, bool shared)
{
    descriptor fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd.get() < 0) return -1;
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (shared) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    if (address.storage.ss_family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1); // accepted connections inherit it
    if (bind(fd.get(), address.get(), address.size) != 0) return -1;
    return fd.release();
}

result<listening> listen_inet(std::string_view text, unsigned shards)
{
    auto address = parse_inet(text);
    if (!address)
        return fail(errc::invalid,
                    "'" + std::string(text) + "' is no address to listen on: write ADDR:PORT, [v6]:PORT or unix:/path");

    // Bound and tried alone first: a SO_REUSEPORT bind would succeed beside another server's.
    {
        descriptor alone(bind_inet(*address, false));
        if (alone.get() < 0 || listen(alone.get(), 1) != 0) return cannot_listen(text, errno);
        socklen_t size = sizeof address->storage;
        getsockname(alone.get(), address->get(), &size); // now with the port, if any free one was asked for
    }
    listening made{.fds = {}, .address = to_text(address->storage)};
    for (unsigned i = 0; i < shards; ++i) {
        const int fd = bind_inet(*address, true);
        if (fd >= 0) made.fds.push_back(fd);
        if (fd < 0 || listen(fd, listen_backlog) != 0) {
            const int number = errno;
            for (int bound : made.fds) close(bound);
            return cannot_listen(text, number);
        }
    }
    return made;
}

// A socket file that nobody listens on any more is left over from a server that was killed.
void remove_stale_socket(sockaddr_un& address, socklen_t size)
{
    struct stat what = {};
    if (lstat(address.sun_path, &what) != 0 || !S_ISSOCK(what.st_mode)) return;
    descriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(probe.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 && errno == ECONNREFUSED)
        unlink(address.sun_path);
}

result<listening> listen_unix(std::string_view text, std::string_view path, unsigned shards)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return fail(errc::invalid, "'" + std::string(text) + "' is no socket path: it is empty or longer than " +
                                       std::to_string(sizeof address.sun_path - 1) + " bytes");
    std::memcpy(address.sun_path, path.data(), path.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    remove_stale_socket(address, size);

    descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd.get() < 0 || bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(fd.get(), listen_backlog) != 0)
        return cannot_listen(text, errno);
    listening made{.fds = {}, .address = std::string(text)};
    for (unsigned i = 1; i < shards; ++i) {
        const int shared = fcntl(fd.get(), F_DUPFD_CLOEXEC, 0);
        if (shared < 0) {
            const int number = errno;
            for (int duplicate : made.fds) close(duplicate);
            return cannot_listen(text, number);
        }
        made.fds.push_back(shared);
    }
    made.fds.push_back(fd.release());
    return made;
}

} // namespace

result<listening> listen_on(std::string_view address, unsigned shards)
{
    if (address.starts_with("unix:")) return listen_unix(address, address.substr(5), shards);
    return listen_inet(address, shards);
}

std::string_view peer_text(int fd) noexcept
{
    thread_local char buffer[INET6_ADDRSTRLEN];
    socket_address peer;
    peer.size = sizeof peer.storage;
    if (getpeername(fd, peer.get(), &peer.size) != 0) return {};
    if (peer.storage.ss_family == AF_UNIX) return "unix";
    const void* raw = peer.storage.ss_family == AF_INET6
                          ? static_cast<const void*>(&reinterpret_cast<sockaddr_in6*>(&peer.storage)->sin6_addr)
                          : static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(&peer.storage)->sin_addr);
    return inet_ntop(peer.storage.ss_family, raw, buffer, sizeof buffer) != nullptr ? std::string_view(buffer)
                                                                                    : std::string_view();
}

} // namespace sluice
