// A socket that listens on a free port of the loopback: for servers that are only as much PostgreSQL as a test needs.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <unistd.h>

namespace sluice::postgres::test {

class listening_socket
{
public:
    listening_socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in at = {};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(fd_, 4) != 0 ||
            ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
            std::abort();
        port_ = ntohs(at.sin_port);
    }
    ~listening_socket() { ::close(fd_); }
    listening_socket(const listening_socket&) = delete;
    listening_socket& operator=(const listening_socket&) = delete;

    [[nodiscard]] unsigned port() const noexcept { return port_; }
    [[nodiscard]] int accept() const { return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); }
    // Whoever accepts is told that nobody comes.
    void stop() const { ::shutdown(fd_, SHUT_RDWR); }

private:
    int fd_;
    unsigned port_ = 0;
};

} // namespace sluice::postgres::test
