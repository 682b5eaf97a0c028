// A client of a process over HTTP/1.1: a kept-alive connection to each of its shards, which wait for their answers.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <optional>
#include <string>
#include <unistd.h>

struct process
{
    std::uint16_t port;
    std::uint16_t admin_port;
    unsigned shards;
};

struct answer
{
    int status = 0; // 0: the connection broke
    std::string body;
};

class connection
{
public:
    explicit connection(std::uint16_t port) : port_(port) {}
    ~connection() { drop(); }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    answer send(const std::string& method, const std::string& path, const std::string& body = "")
    {
        return open() ? exchange(head_of(method, path, body.size()) + body) : broken();
    }
    // The same in two parts, on an open connection.
    bool begin(const std::string& method, const std::string& path, std::size_t body_bytes)
    {
        return put(head_of(method, path, body_bytes));
    }
    answer end(const std::string& body) { return exchange(body); }

    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    bool open()
    {
        if (fd_ >= 0) return true;
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const timeval patience = {.tv_sec = 60, .tv_usec = 0};
        const int on = 1;
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sockaddr_in to = {};
        to.sin_family = AF_INET;
        to.sin_port = htons(port_);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return true;
        drop();
        return false;
    }
    void drop()
    {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    static std::string head_of(const std::string& method, const std::string& path, std::size_t body_bytes)
    {
        std::string text = method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
        if (body_bytes != 0)
            text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n";
        return text + "\r\n";
    }
    bool put(const std::string& text)
    {
        return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
    }
    answer exchange(const std::string& text)
    {
        if (!put(text)) return broken();
        std::string got;
        std::size_t head = std::string::npos;
        while ((head = got.find("\r\n\r\n")) == std::string::npos)
            if (!receive(got)) return broken();
        const auto size_at = got.find("Content-Length: ");
        const std::size_t size =
            size_at < head ? std::strtoul(got.c_str() + size_at + 16, nullptr, 10) : std::size_t{0};
        while (got.size() < head + 4 + size)
            if (!receive(got)) return broken();
        return {.status = std::atoi(got.c_str() + 9), .body = got.substr(head + 4)};
    }
    bool receive(std::string& into)
    {
        char bytes[4096];
        const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
        if (n <= 0) return false;
        into.append(bytes, static_cast<std::size_t>(n));
        return true;
    }
    answer broken()
    {
        drop();
        return {};
    }
    std::uint16_t port_;
    int fd_ = -1;
};

class shard_client
{
public:
    explicit shard_client(const process& of) : admin_(of.admin_port)
    {
        while (by_shard_.size() < of.shards) by_shard_.emplace_back(of.port);
    }
    [[nodiscard]] unsigned shards() const { return static_cast<unsigned>(by_shard_.size()); }

    answer send(unsigned shard, const std::string& method, const std::string& path, const std::string& body = "")
    {
        connection& to = by_shard_[shard];
        for (int tries = 0; !to.is_open() && tries < 200; ++tries)
            if (!to.open() || shard_of(to) != shard) to.drop();
        return to.is_open() ? to.send(method, path, body) : answer();
    }

private:
    // Which of them has taken the connection is to be seen while it waits for the rest of a request.
    std::optional<unsigned> shard_of(connection& one)
    {
        static std::atomic<int> asked{0};
        std::array<char, 48> path{};
        std::snprintf(path.data(), path.size(), "/users/00000000-0000-4000-8000-%012d", ++asked);
        if (!one.begin("PATCH", path.data(), 2)) return std::nullopt;
        std::optional<unsigned> found;
        for (int tries = 0; !found && tries < 1000; ++tries) {
            const std::string seen = admin_.send("GET", "/inflight").body;
            const auto at = seen.find(path.data());
            if (at != std::string::npos)
                found = static_cast<unsigned>(std::atoi(seen.c_str() + seen.rfind("\"shard\":", at) + 8));
        }
        return one.end("{}").status != 0 ? found : std::nullopt;
    }

    connection admin_;
    std::deque<connection> by_shard_;
};
