// Readers and writers of the users API on several processes, as fast as they can, and a check of what they saw:
//
//     history SECONDS TTL_MILLISECONDS USERS PORT PORT …
//
// Every write of a user names it by a higher number than the one before. Of each process no read may give a number
// below one whose write that process had acknowledged when the read began; of any, none below one that was acknowledged
// longer ago than the time to live. Prints what was seen as one JSON object; fails where one of these was broken.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;
using time_type = clock_type::time_point;

constexpr int readers_each = 2; // threads for each process
constexpr int writers_each = 1;

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
        std::string text = method + " " + path + " HTTP/1.1\r\nHost: test\r\n";
        if (!body.empty())
            text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
        text += "\r\n" + body;
        if (!open() || ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
            return broken();
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

private:
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
    void drop()
    {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    std::uint16_t port_;
    int fd_ = -1;
};

// The text of a member of a JSON object in which it stands once.
std::string member(const std::string& json, const std::string& name)
{
    const auto at = json.find("\"" + name + "\":\"");
    if (at == std::string::npos) return "";
    const auto begin = at + name.size() + 4;
    return json.substr(begin, json.find('"', begin) - begin);
}

// What is known of one user.
class user
{
public:
    struct acknowledgement
    {
        std::size_t by; // the process
        time_type at;
        clock_type::duration late = {}; // how long after it another process still gave something older
    };

    user(std::size_t processes, std::string id, std::string email)
        : id(std::move(id)), email(std::move(email)), floors_(processes)
    {}

    // What a process has acknowledged until now.
    int floor(std::size_t process) const { return floors_[process]; }
    void acknowledged(std::size_t by, int number)
    {
        const std::lock_guard lock(mutex_);
        known_.emplace(number, acknowledgement{.by = by, .at = clock_type::now()});
        floors_[by] = std::max(floors_[by].load(), number);
    }
    // How old what was read was already when the read began; nothing acknowledged is newer: zero.
    clock_type::duration age(std::size_t process, int number, time_type began)
    {
        const std::lock_guard lock(mutex_);
        const auto newer = known_.upper_bound(number);
        if (newer == known_.end() || newer->second.at >= began) return {};
        const auto late = began - newer->second.at;
        if (newer->second.by != process) newer->second.late = std::max(newer->second.late, late);
        return late;
    }
    template <class F> void for_each_acknowledgement(F f)
    {
        for (const auto& [number, one] : known_) f(one);
    }

    const std::string id;
    const std::string email;
    std::mutex writer; // one write of a user at a time, so that numbers ascend
    int written = 0;

private:
    std::mutex mutex_;
    std::map<int, acknowledgement> known_;
    std::deque<std::atomic<int>> floors_;
};

class history
{
public:
    history(std::vector<std::uint16_t> ports, int count, std::chrono::milliseconds ttl)
        : ports_(std::move(ports)), ttl_(ttl)
    {
        connection first(ports_[0]);
        for (int i = 0; i < count; ++i) {
            const std::string email = "user" + std::to_string(i) + "@example.com";
            const answer made = first.send("POST", "/users", R"({"email":")" + email + R"(","name":"0"})");
            if (made.status != 201) fail("a user was not made: " + std::to_string(made.status) + " " + made.body);
            users_.emplace_back(ports_.size(), member(made.body, "id"), email);
        }
    }

    void run(std::chrono::seconds how_long)
    {
        std::vector<std::thread> threads;
        for (std::size_t p = 0; p < ports_.size(); ++p) {
            for (int i = 0; i < readers_each; ++i) threads.emplace_back([this, p, i] { read(p, i); });
            for (int i = 0; i < writers_each; ++i) threads.emplace_back([this, p, i] { write(p, i); });
        }
        std::this_thread::sleep_for(how_long);
        done_ = true;
        for (std::thread& one : threads) one.join();
    }

    int report()
    {
        std::vector<std::int64_t> late;
        for (user& u : users_)
            u.for_each_acknowledgement([&](const user::acknowledgement& one) {
                late.push_back(std::chrono::duration_cast<std::chrono::microseconds>(one.late).count());
            });
        std::ranges::sort(late);
        const auto at = [&](double part) {
            return late.empty() ? 0 : late[static_cast<std::size_t>(part * static_cast<double>(late.size() - 1))];
        };
        std::printf(
            "{\"reads\": %ld, \"writes\": %zu, \"unknown\": %ld, \"first_unknown\": %ld, \"longest_write_ms\": %ld, "
            "\"failed_reads\": %ld, \"late_p50_us\": %ld, \"late_p99_us\": %ld, \"late_max_us\": %ld, "
            "\"violations\": %ld}\n",
            reads_.load(), late.size(), unknown_.load(), first_unknown_.load(), longest_write_ms_.load(),
            failed_reads_.load(), at(0.5), at(0.99), at(1), violations_.load());
        return violations_ == 0 ? 0 : 1;
    }

private:
    [[noreturn]] static void fail(const std::string& what)
    {
        std::fprintf(stderr, "history: %s\n", what.c_str());
        std::exit(2);
    }
    void violated(const char* what, const user& of, std::size_t process, int read, int floor)
    {
        if (++violations_ > 20) return;
        std::fprintf(stderr, "%s: user %s on process %zu gave %d, with %d acknowledged\n", what, of.id.c_str(), process,
                     read, floor);
    }
    void read(std::size_t process, int seed)
    {
        connection to(ports_[process]);
        std::minstd_rand chance(static_cast<unsigned>(seed + 1));
        while (!done_) {
            user& of = users_[chance() % users_.size()];
            const int floor = of.floor(process);
            const time_type began = clock_type::now();
            const answer got = to.send("GET", chance() % 8 == 0 ? "/users?email=" + of.email : "/users/" + of.id);
            if (got.status != 200) {
                ++failed_reads_;
                continue;
            }
            ++reads_;
            const int number = std::atoi(member(got.body, "name").c_str());
            if (number < floor) violated("older than acknowledged", of, process, number, floor);
            if (of.age(process, number, began) > ttl_) violated("older than cache.ttl", of, process, number, floor);
        }
    }
    void write(std::size_t process, int seed)
    {
        connection to(ports_[process]);
        std::minstd_rand chance(static_cast<unsigned>(seed + 100));
        while (!done_) {
            user& of = users_[chance() % users_.size()];
            const std::lock_guard lock(of.writer);
            const int number = ++of.written;
            const time_type began = clock_type::now();
            const answer got = to.send("PATCH", "/users/" + of.id, R"({"name":")" + std::to_string(number) + R"("})");
            if (got.status == 200)
                of.acknowledged(process, number);
            else if (unknown_++ == 0)
                first_unknown_ = got.status;
            const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_type::now() - began).count();
            long longest = longest_write_ms_;
            while (longest < took && !longest_write_ms_.compare_exchange_weak(longest, took)) {
            }
        }
    }

    std::vector<std::uint16_t> ports_;
    clock_type::duration ttl_;
    std::deque<user> users_;
    std::atomic<bool> done_{false};
    std::atomic<long> reads_{0}, unknown_{0}, first_unknown_{0}, longest_write_ms_{0}, failed_reads_{0}, violations_{0};
};

} // namespace

int main(int argc, char** argv)
{
    if (argc < 5) return 2;
    std::vector<std::uint16_t> ports;
    for (int i = 4; i < argc; ++i) ports.push_back(static_cast<std::uint16_t>(std::atoi(argv[i])));
    history of(ports, std::atoi(argv[3]), std::chrono::milliseconds(std::atoi(argv[2])));
    std::puts("begun");
    std::fflush(stdout);
    of.run(std::chrono::seconds(std::atoi(argv[1])));
    return of.report();
}
