// Greets like a Redis, and then says nothing more, or hangs up in the same breath.
#pragma once

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sluice::redis::test {

class greeting_server
{
public:
    enum class then : std::uint8_t
    {
        is_silent,
        hangs_up,
    };

    explicit greeting_server(then what)
    {
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof any;
        EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&any), size), 0);
        EXPECT_EQ(listen(listener_, 16), 0);
        EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&any), &size), 0);
        port = ntohs(any.sin_port);
        greeter_ = std::thread([this, what] {
            std::array<char, 1000> asked{};
            for (int one = accept(listener_, nullptr, nullptr); one >= 0; one = accept(listener_, nullptr, nullptr)) {
                if (recv(one, asked.data(), asked.size(), 0) > 0) (void)send(one, "+OK\r\n+OK\r\n", 10, MSG_NOSIGNAL);
                if (what == then::hangs_up)
                    close(one);
                else
                    kept_.push_back(one);
            }
        });
    }
    ~greeting_server()
    {
        shutdown(listener_, SHUT_RDWR);
        greeter_.join();
        close(listener_);
        for (const int one : kept_) close(one);
    }
    greeting_server(const greeting_server&) = delete;
    greeting_server& operator=(const greeting_server&) = delete;

    std::uint16_t port = 0;

private:
    int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::vector<int> kept_;
    std::thread greeter_;
};

} // namespace sluice::redis::test
