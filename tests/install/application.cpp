// Somebody's application, built on what `meson install` leaves and nothing else: it serves one route, asks it and
// stops.
#include <sluice/core/timestamp.hpp>
#include <sluice/json/fields.hpp>
#include <sluice/route/json.hpp>
#include <sluice/server/server.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <tuple>
#include <unistd.h>
#include <vector>

namespace {

struct greeting
{
    std::string words = "hello";
};

// What the server at 127.0.0.1:PORT answers.
std::string ask(std::uint16_t port)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string answer;
    const std::string request = "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
        ::write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
        char bytes[4096];
        for (ssize_t n; (n = ::read(fd, bytes, sizeof bytes)) > 0;) answer.append(bytes, static_cast<std::size_t>(n));
    }
    ::close(fd);
    return answer;
}

} // namespace

template <> struct sluice::fields<greeting>
{
    static constexpr auto list = std::tuple{field("words", &greeting::words)};
};

int main()
{
    using namespace sluice;
    server server({.listen = {"127.0.0.1:0"}, .shards = 1});
    server.on_shard([](shard&, router& routes) {
        routes.get("/hello", [](request&) -> task<result<response>> { co_return json(greeting{}); });
    });
    std::string answer;
    std::thread client;
    server.on_ready([&](const std::vector<std::string>& listening) {
        const std::string& address = listening.front();
        const auto port = static_cast<std::uint16_t>(std::atoi(address.c_str() + address.rfind(':') + 1));
        client = std::thread([&server, &answer, port] {
            answer = ask(port);
            server.stop();
        });
    });
    const auto ended = server.run();
    if (client.joinable()) client.join();
    std::printf("%s\n", ended ? answer.c_str() : ended.error().detail.c_str());
    const bool good = answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n{\"words\":\"hello\"}");
    return ended && good && to_string(wall_now()).size() == timestamp_size ? 0 : 1;
}
