// What does not happen in time: heads, bodies, answers, the next request, a client that does not read.
#include "running_server.hpp"

#include <sluice/coro/one_shot.hpp>

#include <atomic>
#include <string>

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

enum class which
{
    header,
    body,
    idle,
    request,
};

// One of the four is short, the others never come.
server_options only(which one)
{
    server_options options = quick_options();
    options.header_timeout = options.body_timeout = options.idle_timeout = options.request_timeout = 1h;
    const duration brief = 60ms;
    switch (one) {
    case which::header:
        options.header_timeout = brief;
        break;
    case which::body:
        options.body_timeout = brief;
        break;
    case which::idle:
        options.idle_timeout = brief;
        break;
    case which::request:
        options.request_timeout = brief;
        break;
    }
    return options;
}

// Writes pieces, each some time after the one before.
struct pieces
{
    int count;
    std::size_t bytes;
    duration pause;
    task<result<void>> operator()(http::body_writer& out) const { return write(*this, out); }
    static task<result<void>> write(pieces what, http::body_writer& out)
    {
        const std::string piece(what.bytes, 'p');
        for (int i = 0; i < what.count; ++i) {
            if (auto slept = co_await sleep_for(what.pause); !slept) co_return fail(slept.error());
            if (auto done = co_await out.write(piece); !done) {
                ++streams_cut;
                co_return fail(done.error());
            }
        }
        co_return result<void>();
    }
    static inline std::atomic<int> streams_cut{0};
};
std::atomic<int>& streams_cut = pieces::streams_cut;

response streamed(pieces what)
{
    response answer;
    answer.stream(what, http::text_plain);
    return answer;
}

const std::string large(8 * 1024 * 1024, 'x');

void wire(shard&, router& routes)
{
    routes.get("/plain", [](request&) -> response { return response::text("plain"); });
    routes.post("/echo", [](request& asked) -> response { return response::text(asked.body()); });
    routes.get("/sleep", [](request&) -> task<result<response>> {
        if (auto slept = co_await sleep_for(2ms); !slept) co_return fail(slept.error());
        co_return response::text("slept");
    });
    routes.get("/hang", [](request&) -> task<result<response>> {
        auto slept = co_await sleep_for(1h);
        co_return fail(slept.error());
    });
    // Waits for what knows no deadline, only the request's stop.
    routes.get("/hang-without-deadline", [](request&) -> task<result<response>> {
        one_shot<int> never;
        auto done = co_await never.wait();
        co_return fail(done.error());
    });
    routes.get("/large", [](request&) -> response {
        response answer;
        answer.static_body(large, http::text_plain);
        return answer;
    });
    // Four times the short request timeout in all.
    routes.get("/stream", [](request&) -> response { return streamed({.count = 20, .bytes = 1000, .pause = 12ms}); });
    routes.get("/stream-much",
               [](request&) -> response { return streamed({.count = 1000, .bytes = 100'000, .pause = 0ms}); });
    routes.get("/brief",
               [](request&) -> task<result<response>> {
                   auto slept = co_await sleep_for(1h);
                   co_return fail(slept.error());
               },
               {.request_timeout = 50ms});
    routes.post("/count",
                [](request& asked) -> task<result<response>> {
                    std::size_t total = 0;
                    for (;;) {
                        auto piece = co_await asked.stream().read();
                        if (!piece) co_return fail(piece.error());
                        if (piece->empty()) co_return response::text(std::to_string(total));
                        total += piece->size();
                    }
                },
                {.stream_body = true});
    // Takes its time before it reads.
    routes.post("/count-later",
                [](request& asked) -> task<result<response>> {
                    if (auto slept = co_await sleep_for(150ms); !slept) co_return fail(slept.error());
                    std::size_t total = 0;
                    for (;;) {
                        auto piece = co_await asked.stream().read();
                        if (!piece) co_return fail(piece.error());
                        if (piece->empty()) co_return response::text(std::to_string(total));
                        total += piece->size();
                    }
                },
                {.stream_body = true});
}

TEST(Timeout, of_a_head_is_a_408_and_the_end)
{
    running_server server(&wire, only(which::header));
    client peer(server.address());
    EXPECT_EQ(peer.ask(get("/plain")).body, "plain");
    peer.send("GET /plain HTTP/1.1\r\nHos");
    const answer late = peer.read_answer();
    EXPECT_EQ(late.status, 408);
    EXPECT_EQ(late.header("Connection"), "close");
    EXPECT_TRUE(peer.closed_by_server());
}

TEST(Timeout, of_a_head_is_not_put_off_by_bytes_that_trickle)
{
    running_server server(&wire, only(which::header));
    client peer(server.address());
    peer.send("GET /plain HTTP/1.1\r\n");
    EXPECT_TRUE(eventually([&] {
        const bool over = peer.readable();
        if (!over) peer.send("X: y\r\n");
        return over;
    }));
    EXPECT_EQ(peer.read_answer().status, 408);
}

TEST(Timeout, of_a_head_does_not_count_between_requests_nor_for_an_empty_line)
{
    running_server server(&wire, only(which::header));
    client peer(server.address());
    EXPECT_EQ(peer.ask(post("/echo", "body") + "\r\n").body, "body");
    EXPECT_TRUE(peer.silent(200));
    EXPECT_EQ(peer.ask(get("/plain")).body, "plain");
}

TEST(Timeout, of_a_body_is_a_408_and_the_end)
{
    running_server server(&wire, only(which::body));
    for (const std::string path : {"/echo", "/count"}) {
        client peer(server.address());
        peer.send("POST " + path + " HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf");
        const answer late = peer.read_answer();
        EXPECT_EQ(late.status, 408) << path;
        EXPECT_EQ(late.header("Connection"), "close") << path;
        EXPECT_TRUE(peer.closed_by_server());
    }
}

// A streamed body has a rate to keep, not a total time.
TEST(Timeout, of_a_streamed_body_is_for_those_who_fall_behind_the_least_rate)
{
    running_server server(&wire, only(which::body));
    client steady(server.address());
    steady.send("POST /count HTTP/1.1\r\nHost: test\r\nContent-Length: 65536\r\n\r\n");
    const std::string piece(4096, 'x');
    for (int i = 0; i < 16; ++i) {
        ASSERT_TRUE(steady.send(piece));
        std::this_thread::sleep_for(10ms);
    }
    EXPECT_EQ(steady.read_answer().body, "65536");
}

TEST(Timeout, of_a_streamed_body_comes_also_after_a_fast_beginning)
{
    running_server server(&wire, only(which::body));
    client stalling(server.address());
    ASSERT_TRUE(stalling.send("POST /count HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n" +
                              std::string(500'000, 'x')));
    EXPECT_EQ(stalling.read_answer().status, 408);
    EXPECT_TRUE(stalling.closed_by_server());
}

TEST(Timeout, of_a_streamed_body_does_not_count_while_its_handler_is_busy)
{
    running_server server(&wire, only(which::body));
    client patient(server.address());
    patient.send("POST /count-later HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n01234");
    std::this_thread::sleep_for(160ms);
    patient.send("56789");
    EXPECT_EQ(patient.read_answer().body, "10");
}

TEST(Timeout, of_an_idle_connection_closes_it_silently)
{
    running_server server(&wire, only(which::idle));
    client fresh(server.address());
    EXPECT_TRUE(fresh.closed_by_server());
    client used(server.address());
    EXPECT_EQ(used.ask(get("/plain")).body, "plain");
    EXPECT_TRUE(used.closed_by_server());
}

TEST(Timeout, of_an_idle_connection_starts_anew_with_each_answer)
{
    running_server server(&wire, only(which::idle));
    client peer(server.address());
    for (int i = 0; i < 10; ++i) {
        ASSERT_EQ(peer.ask(get(i % 2 == 0 ? "/plain" : "/sleep")).status, 200);
        std::this_thread::sleep_for(15ms);
    }
}

TEST(Timeout, of_a_request_is_a_504_whatever_it_waits_for)
{
    running_server server(&wire, only(which::request));
    for (const std::string path : {"/hang", "/hang-without-deadline"}) {
        client peer(server.address());
        const answer late = peer.ask(get(path));
        EXPECT_EQ(late.status, 504) << path;
        EXPECT_EQ(late.header("Content-Type"), "application/problem+json");
    }
}

TEST(Timeout, of_a_request_is_the_routes_own_where_it_has_one)
{
    running_server server(&wire, only(which::idle));
    client peer(server.address());
    EXPECT_EQ(peer.ask(get("/brief")).status, 504);
}

TEST(Timeout, of_a_request_does_no_harm_to_the_next_one)
{
    running_server server(&wire, only(which::request));
    client peer(server.address());
    peer.send(get("/hang") + get("/sleep") + get("/plain") + get("/hang-without-deadline") + get("/sleep"));
    EXPECT_EQ(peer.read_answer().status, 504);
    EXPECT_EQ(peer.read_answer().body, "slept");
    EXPECT_EQ(peer.read_answer().body, "plain");
    EXPECT_EQ(peer.read_answer().status, 504);
    EXPECT_EQ(peer.read_answer().body, "slept");
    EXPECT_EQ(peer.ask(get("/sleep")).body, "slept");
}

TEST(Timeout, of_a_request_does_not_end_an_answer_that_moves)
{
    running_server server(&wire, only(which::request));
    client peer(server.address());
    const answer whole = peer.ask(get("/stream"));
    EXPECT_TRUE(whole.whole);
    EXPECT_EQ(whole.body.size(), 20'000U);
}

TEST(Timeout, of_a_request_ends_an_answer_that_nobody_reads)
{
    running_server server(&wire, only(which::request));
    client deaf(server.address(), {.receive_buffer = 4096});
    deaf.send(get("/stream-much"));
    EXPECT_TRUE(eventually([] { return streams_cut == 1; }));
}

TEST(Timeout, cuts_off_a_client_that_never_reads)
{
    running_server server(&wire, only(which::idle));
    client deaf(server.address(), {.receive_buffer = 4096});
    deaf.send(get("/large"));
    EXPECT_TRUE(eventually([&] { return ::send(deaf.fd(), "x", 1, MSG_NOSIGNAL) < 0; }));
}

TEST(Timeout, spares_a_client_that_reads_slowly)
{
    server_options options = only(which::idle);
    options.idle_timeout = 500ms; // less than it takes in all
    running_server server(&wire, options);
    client slow(server.address(), {.receive_buffer = 64 * 1024});
    slow.send(get("/large"));
    std::size_t total = 0;
    for (std::size_t got = 1; got != 0 && total < large.size();) {
        got = slow.read_bytes(256 * 1024).size();
        total += got;
        std::this_thread::sleep_for(30ms);
    }
    EXPECT_GE(total, large.size());
}

} // namespace
} // namespace sluice::testing
