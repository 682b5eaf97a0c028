#include "client.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <poll.h>
#include <strings.h>
#include <unistd.h>

namespace sluice::testing {

namespace {

constexpr timeval patience{.tv_sec = 20, .tv_usec = 0};

struct target
{
    sockaddr_storage storage{};
    socklen_t size = 0;
};

target parse(std::string_view address)
{
    target to;
    if (address.starts_with("unix:")) {
        auto& un = reinterpret_cast<sockaddr_un&>(to.storage);
        un.sun_family = AF_UNIX;
        address.substr(5).copy(un.sun_path, sizeof un.sun_path - 1);
        to.size = sizeof un;
        return to;
    }
    const std::size_t colon = address.rfind(':');
    std::string host(address.substr(0, colon));
    const auto port = static_cast<std::uint16_t>(std::stoi(std::string(address.substr(colon + 1))));
    if (host.starts_with('[')) {
        host = host.substr(1, host.size() - 2);
        auto& v6 = reinterpret_cast<sockaddr_in6&>(to.storage);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr);
        to.size = sizeof v6;
    } else {
        auto& v4 = reinterpret_cast<sockaddr_in&>(to.storage);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        inet_pton(AF_INET, host.c_str(), &v4.sin_addr);
        to.size = sizeof v4;
    }
    return to;
}

// A signal does not end the attempt: it goes on by itself, and its outcome is asked for.
bool connect_to(int fd, const sockaddr* address, socklen_t size)
{
    if (connect(fd, address, size) == 0) return true;
    if (errno != EINTR) return false;
    pollfd watched{.fd = fd, .events = POLLOUT, .revents = 0};
    while (poll(&watched, 1, -1) < 0 && errno == EINTR) {
    }
    int failure = 0;
    socklen_t failure_size = sizeof failure;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &failure_size);
    errno = failure;
    return failure == 0;
}

} // namespace

std::optional<std::string> answer::header(std::string_view name) const
{
    for (std::size_t line = head.find("\r\n"); line != std::string::npos && line + 2 < head.size();
         line = head.find("\r\n", line + 2)) {
        const std::string_view rest = std::string_view(head).substr(line + 2);
        if (rest.size() <= name.size() || rest[name.size()] != ':') continue;
        if (strncasecmp(rest.data(), name.data(), name.size()) != 0) continue;
        const std::string_view value = rest.substr(name.size() + 1, rest.find("\r\n") - name.size() - 1);
        return std::string(value.substr(std::min(value.find_first_not_of(' '), value.size())));
    }
    return std::nullopt;
}

client::client(std::string_view address, client_options options)
{
    const target to = parse(address);
    fd_ = socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (options.receive_buffer != 0)
        setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof options.receive_buffer);
    if (options.send_buffer != 0)
        setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &options.send_buffer, sizeof options.send_buffer);
    if (!connect_to(fd_, reinterpret_cast<const sockaddr*>(&to.storage), to.size)) {
        ADD_FAILURE() << "cannot connect to " << address << ": " << std::strerror(errno);
        close();
    }
}

client::~client() { close(); }

bool client::send(std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) {
            EXPECT_TRUE(errno == EPIPE || errno == ECONNRESET) << "cannot send: " << std::strerror(errno);
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::size_t client::send_some(std::string_view bytes)
{
    std::size_t total = 0;
    while (total < bytes.size()) {
        const ssize_t sent = ::send(fd_, bytes.data() + total, bytes.size() - total, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) break;
        total += static_cast<std::size_t>(sent);
    }
    return total;
}

void client::half_close() { shutdown(fd_, SHUT_WR); }

void client::reset()
{
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

void client::close()
{
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

bool client::receive()
{
    std::array<char, 65536> bytes;
    for (;;) {
        const ssize_t count = recv(fd_, bytes.data(), bytes.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno != ECONNRESET) ADD_FAILURE() << "cannot receive: " << std::strerror(errno);
        if (count <= 0) return false;
        received_.append(bytes.data(), static_cast<std::size_t>(count));
        return true;
    }
}

std::string client::take(std::size_t bytes)
{
    std::string taken = received_.substr(0, bytes);
    received_.erase(0, bytes);
    return taken;
}

std::string client::read_bytes(std::size_t count)
{
    while (received_.size() < count && receive()) {
    }
    return take(count);
}

std::string client::read_all()
{
    while (receive()) {
    }
    return take(received_.size());
}

bool client::closed_by_server() { return received_.empty() && !receive(); }

bool client::silent(int milliseconds) const
{
    pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
    return poll(&watched, 1, milliseconds) == 0;
}

answer client::read_answer(bool to_head)
{
    answer read;
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
        if (!receive()) return read;
    }
    read.head = take(end + 4);
    read.status = std::stoi(read.head.substr(9, 3));
    if (to_head || read.status < 200 || read.status == 204 || read.status == 304) {
        read.whole = true;
    } else if (const auto length = read.header("Content-Length")) {
        const auto bytes = static_cast<std::size_t>(std::stoull(*length));
        read.body = read_bytes(bytes);
        read.whole = read.body.size() == bytes;
    } else if (read.header("Transfer-Encoding") == "chunked") {
        for (;;) {
            while (received_.find("\r\n") == std::string::npos)
                if (!receive()) return read;
            std::size_t bytes = 0;
            const std::string line = take(received_.find("\r\n") + 2);
            std::from_chars(line.data(), line.data() + line.size(), bytes, 16);
            const std::string piece = read_bytes(bytes + 2);
            if (piece.size() != bytes + 2) return read;
            read.body.append(piece, 0, bytes);
            if (bytes == 0) break;
        }
        read.whole = true;
    } else {
        read.body = read_all();
        read.whole = true;
    }
    return read;
}

std::string get(std::string_view path, std::string_view fields)
{
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(fields) + "\r\n";
}

std::string post(std::string_view path, std::string_view body, std::string_view fields)
{
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

} // namespace sluice::testing
