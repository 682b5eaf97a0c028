// Many clients that do next to nothing, which wrk cannot be: `crowd idle|slow PORT COUNT SECONDS [PATH]`
//
//   idle   COUNT connections ask once, read the answer and then stay silent for SECONDS; "ready" is printed when all
//   have. slow   COUNT connections send a request's head at one byte a second for at most SECONDS; "ready" is printed
//   when all
//          are connected, and at the end how many the server closed, and after how many seconds the first, the median
//          and the last of them.
//
// One thread, one epoll. It ends early when its standard input is closed.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

[[noreturn]] void die(const char* what, int error)
{
    std::fprintf(stderr, "crowd: %s: %s\n", what, std::system_category().message(error).c_str());
    std::exit(1);
}

struct options
{
    bool slow = false;
    std::uint16_t port = 0;
    std::size_t count = 0;
    seconds time = {};
    std::string path = "/";
};

class crowd
{
public:
    explicit crowd(const options& asked) : asked_(asked), epoll_(::epoll_create1(EPOLL_CLOEXEC))
    {
        if (epoll_ < 0) die("epoll", errno);
        head_ = "GET " + asked.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
        head_ += asked.slow ? "X-Slow: " + std::string(4096, 'a') : "\r\n";
        clients_.reserve(asked.count);
        watch(STDIN_FILENO, input_mark);
    }

    void run()
    {
        while (clients_.size() < asked_.count) {
            connect_some();
            wait(milliseconds(0));
        }
        while (!asked_.slow && answered_ + closed_.size() < asked_.count && !input_closed_) wait(milliseconds(100));
        std::printf("ready %zu\n", clients_.size() - closed_.size());
        std::fflush(stdout);
        const auto began = clock_type::now();
        while (clock_type::now() - began < asked_.time && closed_.size() < asked_.count && !input_closed_) {
            if (asked_.slow) send_due(began);
            wait(milliseconds(asked_.slow ? 1 : 100));
        }
        report();
    }

private:
    static constexpr std::uint64_t input_mark = UINT64_MAX;
    static constexpr std::size_t turns_a_second = 1000;
    static constexpr std::size_t connects_a_turn = 64; // no more than any listener's queue takes

    struct client
    {
        int fd = -1;
        bool answered = false;
        std::size_t sent = 0;
        clock_type::time_point began = {};
    };

    void watch(int fd, std::uint64_t mark)
    {
        epoll_event event = {};
        event.events = EPOLLIN | EPOLLRDHUP;
        event.data.u64 = mark;
        // Standard input may be a file, which cannot be waited for and does not end early.
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0 && mark != input_mark) die("epoll", errno);
    }

    void connect_some()
    {
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_port = htons(asked_.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        for (std::size_t i = 0; i < connects_a_turn && clients_.size() < asked_.count; ++i) {
            client made;
            made.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (made.fd < 0) die("socket", errno);
            if (::connect(made.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
                die("connect", errno);
            made.began = clock_type::now();
            watch(made.fd, clients_.size());
            clients_.push_back(made);
            if (!asked_.slow) send(clients_.back(), head_.size());
        }
    }

    void send(client& from, std::size_t bytes)
    {
        const std::string_view rest = std::string_view(head_).substr(from.sent, bytes);
        const auto sent = ::send(from.fd, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) from.sent += static_cast<std::size_t>(sent);
    }

    // Client i has its turn in millisecond i of every second: ten at a time, so that the crowd never holds the CPU for
    // long, which it shares with the load whose latency is measured.
    void send_due(clock_type::time_point began)
    {
        const auto elapsed = std::chrono::duration_cast<milliseconds>(clock_type::now() - began);
        for (; due_ <= elapsed; due_ += milliseconds(1)) {
            const auto slot = static_cast<std::size_t>(due_.count()) % turns_a_second;
            for (std::size_t i = slot; i < clients_.size(); i += turns_a_second)
                if (clients_[i].fd >= 0) send(clients_[i], 1);
        }
    }

    void wait(milliseconds how_long)
    {
        std::array<epoll_event, 256> events;
        const int found =
            ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), static_cast<int>(how_long.count()));
        for (int i = 0; i < found; ++i) {
            const std::uint64_t mark = events[static_cast<std::size_t>(i)].data.u64;
            if (mark == input_mark)
                input_closed_ = true;
            else
                receive(clients_[mark]);
        }
    }

    void receive(client& from)
    {
        std::array<char, 4096> bytes;
        const auto received = ::recv(from.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (received > 0) {
            if (!from.answered) ++answered_;
            from.answered = true;
        } else if (received == 0 || (errno != EAGAIN && errno != EINTR)) {
            ::close(from.fd);
            from.fd = -1;
            closed_.push_back(std::chrono::duration<double>(clock_type::now() - from.began).count());
        }
    }

    void report()
    {
        std::ranges::sort(closed_);
        const auto at = [&](std::size_t i) { return closed_.empty() ? 0.0 : closed_[i]; };
        std::printf("clients %zu answered %zu closed %zu first %.2f median %.2f last %.2f\n", clients_.size(),
                    answered_, closed_.size(), at(0), at(closed_.size() / 2), closed_.empty() ? 0.0 : closed_.back());
    }

    const options& asked_;
    int epoll_;
    std::string head_;
    std::vector<client> clients_;
    std::vector<double> closed_; // after how many seconds
    std::size_t answered_ = 0;
    milliseconds due_ = {};
    bool input_closed_ = false;
};

template <class T> bool read_number(std::string_view text, T& to)
{
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), to);
    return failure == std::errc() && end == text.data() + text.size();
}

} // namespace

int main(int argc, char** argv)
{
    options asked;
    std::int64_t time = 0;
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (argc < 5 || argc > 6 || (mode != "idle" && mode != "slow") || !read_number(argv[2], asked.port) ||
        !read_number(argv[3], asked.count) || !read_number(argv[4], time)) {
        std::fprintf(stderr, "usage: crowd idle|slow PORT COUNT SECONDS [PATH]\n");
        return 2;
    }
    asked.slow = mode == "slow";
    asked.time = seconds(time);
    if (argc == 6) asked.path = argv[5];

    rlimit files = {};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
        if (files.rlim_cur < asked.count + 16) {
            std::fprintf(stderr, "crowd: %zu clients need as many open files: raise ulimit -n\n", asked.count);
            return 1;
        }
    }
    crowd(asked).run();
    return 0;
}
