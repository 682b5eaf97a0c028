// A session: requests through the whole stack over a socket pair, client and server on one shard.
#include "run_on_shard.hpp"
#include "server/shard_server.hpp"

#include <sys/socket.h>

#include <array>
#include <string>
#include <unistd.h>

namespace {

using namespace sluice;

// The client's end: sends, and wakes the benchmark once the answers are here whole.
class peer
{
public:
    peer(shard& here, int fd) : ring_(here.ring()), fd_(fd) { ring_.receive_multishot(fd_, receive_); }
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;
    ~peer()
    {
        ring_.abandon(receive_);
        ring_.close(fd_);
    }

    struct answered
    {
        peer& of;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) const noexcept { of.waiter_.suspend(handle); }
        void await_resume() const noexcept {}
    };
    [[nodiscard]] answered ask(std::string_view requests, std::size_t answer_bytes)
    {
        expected_ = answer_bytes;
        ring_.send(fd_, requests, send_);
        return {*this};
    }
    // The bytes that the first answers have: they are all of one size.
    [[nodiscard]] std::size_t received() const noexcept { return received_; }

private:
    void on_receive(completion c)
    {
        if (c.result > 0) received_ += static_cast<std::size_t>(c.result);
        ring_.recycle(c);
        if (!c.more() && c.result > 0) ring_.receive_multishot(fd_, receive_);
        wake_if_done();
    }
    void on_sent(completion) { wake_if_done(); }
    void wake_if_done()
    {
        if (received_ < expected_ || send_.in_flight() || !waiter_.suspended()) return;
        received_ -= expected_;
        waiter_.wake();
    }

    ring& ring_;
    int fd_;
    bound<operation, &peer::on_receive> receive_{*this};
    bound<operation, &peer::on_sent> send_{*this};
    std::size_t received_ = 0;
    std::size_t expected_ = 0;
    resumption waiter_;
};

constexpr std::string_view request_head = " HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

void routes_of(router& routes)
{
    routes.get("/plain", [](request&) -> response {
        response answer;
        answer.static_body("ok", http::text_plain);
        return answer;
    });
    routes.get("/coroutine", [](request&) -> task<result<response>> {
        response answer;
        answer.static_body("ok", http::text_plain);
        co_return answer;
    });
}

// The size of one answer; both routes' have the same.
constexpr std::size_t answer_bytes =
    std::string_view("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n"
                     "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Request-Id: "
                     "4bf92f3577b34da6a3ce929d0e0e4736\r\n\r\nok")
        .size();

void run(benchmark::State& state, std::string_view path)
{
    const server_options options;
    std::string requests;
    for (std::int64_t i = 0; i < state.range(0); ++i) requests.append("GET ").append(path).append(request_head);
    run_to_the_end(state, [&](shard& here, benchmark::State& s) -> task<void> {
        auto& connections = here.own<connection_counts>();
        connections.api.max = 10;
        auto& server = here.own<shard_server>(here, options, connections);
        routes_of(server.api());
        server.freeze();
        std::array<int, 2> ends{};
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
            s.SkipWithError("no sockets");
            co_return server.drain(here.now());
        }
        server.accepted(ends[0], server.api());
        {
            peer client(here, ends[1]);
            for (auto _ : s) co_await client.ask(requests, answer_bytes * static_cast<std::size_t>(s.range(0)));
            s.SetItemsProcessed(static_cast<std::int64_t>(s.iterations()) * s.range(0));
        }
        server.drain(here.now());
    });
}

void BM_server_request_plain(benchmark::State& state) { run(state, "/plain"); }
BENCHMARK(BM_server_request_plain)->Name("BM_server_request/plain")->Arg(1)->Arg(16);
void BM_server_request_coroutine(benchmark::State& state) { run(state, "/coroutine"); }
BENCHMARK(BM_server_request_coroutine)->Name("BM_server_request/coroutine")->Arg(1)->Arg(16);

} // namespace
