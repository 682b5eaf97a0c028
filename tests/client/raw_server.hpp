// A server that does what a test says, byte by byte: each connection is given to a script, on a thread of its own.
//
//     raw_server server([](peer& p) { p.read_request(); p.write("HTTP/1.1 200 OK\r\n"); p.reset(); });
//
// What a script waits for ends when the server does. And one that takes no connection at all: silent_port.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <charconv>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sluice::testing {

class peer
{
public:
    peer(int fd, unsigned number) noexcept : fd_(fd), number_(number) {}

    [[nodiscard]] unsigned number() const noexcept { return number_; } // of the connection, from 1
    // The next request, head and body; empty at the end of the connection.
    std::string read_request()
    {
        for (;;) {
            const std::size_t head = received_.find("\r\n\r\n");
            if (head != std::string::npos && received_.size() >= head + 4 + length_in(received_.substr(0, head))) {
                const std::size_t size = head + 4 + length_in(received_.substr(0, head));
                std::string request = received_.substr(0, size);
                received_.erase(0, size);
                return request;
            }
            if (!receive()) return {};
        }
    }
    // False once the client is gone.
    bool write(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void wait_for_end()
    {
        while (receive()) received_.clear();
    }
    void shut_writing() { ::shutdown(fd_, SHUT_WR); }
    // Ends with a reset and not with an end of file.
    void reset()
    {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }

private:
    static std::size_t length_in(std::string_view head)
    {
        constexpr std::string_view field = "Content-Length: ";
        const std::size_t at = head.find(field);
        std::size_t length = 0;
        if (at != std::string_view::npos)
            std::from_chars(head.data() + at + field.size(), head.data() + head.size(), length);
        return length;
    }
    bool receive()
    {
        char bytes[16384];
        const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
        if (got > 0) received_.append(bytes, static_cast<std::size_t>(got));
        return got > 0;
    }

    int fd_;
    unsigned number_;
    std::string received_;
};

// Listens on a port of 127.0.0.1 that is free.
inline sockaddr_in listen_anywhere(int fd, int backlog)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::listen(fd, backlog);
    return address;
}

inline std::string url_of(const sockaddr_in& address)
{
    return "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

inline std::string listen_at(int fd, const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ::unlink(address.sun_path);
    ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(fd, 128);
    return "http://unix:" + path;
}

// Its queue is full, so that the kernel drops whatever else would connect: that neither fails nor succeeds.
class silent_port
{
public:
    silent_port() : address_(listen_anywhere(listener_, 0))
    {
        for (const int fd : fillers_) ::connect(fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_);
    }
    ~silent_port()
    {
        for (const int fd : fillers_) ::close(fd);
        ::close(listener_);
    }
    silent_port(const silent_port&) = delete;
    silent_port& operator=(const silent_port&) = delete;

    [[nodiscard]] std::string url() const { return url_of(address_); }

private:
    static int non_blocking() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

    int listener_ = non_blocking();
    int fillers_[4] = {non_blocking(), non_blocking(), non_blocking(),
                       non_blocking()}; // the first takes the only place
    sockaddr_in address_;
};

class raw_server
{
public:
    // On a free port of the loopback, or on that Unix socket.
    explicit raw_server(std::function<void(peer&)> script, const std::string& socket = {})
        : path_(socket), listener_(::socket(socket.empty() ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
          url_(socket.empty() ? url_of(listen_anywhere(listener_, 128)) : listen_at(listener_, socket)),
          script_(std::move(script))
    {
        acceptor_ = std::thread([this] { accept(); });
    }
    ~raw_server()
    {
        {
            const std::scoped_lock lock(guard_);
            ending_ = true;
            for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
        }
        ::shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        for (auto& one : scripts_) one.join();
        ::close(listener_);
        if (!path_.empty()) ::unlink(path_.c_str());
    }
    raw_server(const raw_server&) = delete;
    raw_server& operator=(const raw_server&) = delete;

    [[nodiscard]] std::string url(std::string_view target = "/") const { return url_ + std::string(target); }
    [[nodiscard]] unsigned connections() const { return connections_; }
    // From now on who would connect is refused; the connections that are there go on.
    void refuse_others() const { ::shutdown(listener_, SHUT_RDWR); }

private:
    void accept()
    {
        for (;;) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            const std::scoped_lock lock(guard_);
            if (ending_) {
                ::close(fd);
                return;
            }
            open_.push_back(fd);
            scripts_.emplace_back([this, fd, number = ++connections_] {
                peer with(fd, number);
                script_(with);
                const std::scoped_lock closing(guard_);
                std::erase(open_, fd);
                ::close(fd);
            });
        }
    }

    std::string path_; // of a Unix socket
    int listener_;
    std::string url_;
    std::function<void(peer&)> script_;
    std::mutex guard_;
    bool ending_ = false;
    std::vector<int> open_;
    std::vector<std::thread> scripts_;
    std::atomic<unsigned> connections_{0};
    std::thread acceptor_;
};

} // namespace sluice::testing
