// Answers that take long: streamed ones, large ones, slow readers, clients that go away.
#include "running_server.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

// Position-dependent, so that a byte lost, doubled or moved shows.
std::string pattern(std::size_t bytes)
{
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
    return text;
}

struct Answers : ::testing::Test
{
    const std::string large = pattern(4 * megabyte);
    const std::shared_ptr<const std::string> shared = std::make_shared<const std::string>(large);
    std::atomic<std::size_t> written{0};
    std::atomic<int> ended_with{-1};
    std::atomic<bool> stopped{false};
    std::atomic<int> waiting{0};
    std::atomic<int> exceptions{0};
    running_server server{[this](shard& here, router& routes) { wire(here, routes); }};
    client peer{server.address()};

    struct writer
    {
        Answers* test;
        std::size_t pieces;
        task<result<void>> operator()(http::body_writer& out) const { return write(*test, pieces, out); }
        static task<result<void>> write(Answers& test, std::size_t pieces, http::body_writer& out)
        {
            const std::string piece = pattern(10'000);
            for (std::size_t i = 0; i < pieces; ++i) {
                auto done = co_await out.write(piece);
                if (!done) {
                    test.ended_with = static_cast<int>(done.error().code);
                    co_return fail(done.error());
                }
                test.written += piece.size();
            }
            co_return result<void>();
        }
    };
    struct thrower
    {
        bool at_once;
        task<result<void>> operator()(http::body_writer& out) const { return write(at_once, out); }
        static task<result<void>> write(bool at_once, http::body_writer& out)
        {
            if (at_once) throw std::runtime_error("at once");
            auto done = co_await out.write("some");
            (void)done;
            auto slept = co_await sleep_for(1ms);
            (void)slept;
            throw std::runtime_error("in the middle");
        }
    };

    void wire(shard&, router& routes)
    {
        routes.on_exception([this](const request&, const std::exception_ptr&) { ++exceptions; });
        routes.get("/plain", [](request&) -> response { return response::text("plain"); });
        routes.get("/stream/{pieces}", [this](request& asked) -> response {
            response answer;
            answer.stream(writer{this, asked.path<std::size_t>("pieces").value()}, http::text_plain);
            return answer;
        });
        routes.get("/stream-later/{pieces}", [this](request& asked) -> task<result<response>> {
            if (auto slept = co_await sleep_for(1ms); !slept) co_return fail(slept.error());
            response answer;
            answer.stream(writer{this, asked.path<std::size_t>("pieces").value()}, http::text_plain);
            co_return answer;
        });
        routes.get("/throws/{when}", [](request& asked) -> response {
            response answer;
            answer.stream(thrower{asked.path<std::string>("when").value() == "at-once"}, http::text_plain);
            return answer;
        });
        routes.get("/static", [this](request&) -> response {
            response answer;
            answer.static_body(large, http::text_plain);
            return answer;
        });
        routes.get("/shared", [this](request&) -> task<result<response>> {
            response answer;
            answer.body(shared, http::text_plain);
            co_return answer;
        });
        routes.get("/owned", [this](request&) -> response { return response::text(large); });
        routes.get("/hang", [this](request& asked) -> task<result<response>> {
            ++waiting;
            auto slept = co_await sleep_for(1h);
            stopped = asked.context().stop->requested();
            --waiting;
            co_return fail(slept.error());
        });
    }
};

TEST_F(Answers, are_streamed_in_chunks_and_the_connection_goes_on)
{
    for (const std::string path : {"/stream/", "/stream-later/"}) {
        const answer three = peer.ask(get(path + "3"));
        EXPECT_TRUE(three.whole);
        EXPECT_EQ(three.body.size(), 30'000U);
        EXPECT_EQ(three.header("Transfer-Encoding"), "chunked");
        EXPECT_EQ(peer.ask(get(path + "0")).body, "");
        peer.send("HEAD " + path + "3 HTTP/1.1\r\nHost: test\r\n\r\n");
        EXPECT_EQ(peer.read_answer(true).status, 200);
    }
    peer.send(get("/stream/2") + get("/plain") + get("/stream-later/1") + get("/plain"));
    EXPECT_EQ(peer.read_answer().body.size(), 20'000U);
    EXPECT_EQ(peer.read_answer().body, "plain");
    EXPECT_EQ(peer.read_answer().body.size(), 10'000U);
    EXPECT_EQ(peer.read_answer().body, "plain");
}

TEST_F(Answers, are_streamed_until_close_to_http_1_0)
{
    peer.send("GET /stream/3 HTTP/1.0\r\n\r\n");
    const answer old = peer.read_answer();
    EXPECT_EQ(old.body.size(), 30'000U);
    EXPECT_FALSE(old.header("Transfer-Encoding"));
}

TEST_F(Answers, that_are_streamed_wait_for_a_slow_reader)
{
    client slow(server.address(), {.receive_buffer = 16 * 1024});
    slow.send(get("/stream/5000"));
    // The writer comes as far as the kernel's buffers and the bound allow, and then waits.
    std::size_t before = 1;
    while (before != written) {
        before = written;
        std::this_thread::sleep_for(50ms);
    }
    EXPECT_LT(before, 20 * megabyte);
    const answer all = slow.read_answer();
    EXPECT_TRUE(all.whole);
    EXPECT_EQ(all.body.size(), 50'000'000U);
    EXPECT_EQ(std::string_view(all.body).substr(all.body.size() - 10'000), pattern(10'000));
}

TEST_F(Answers, that_are_streamed_end_when_their_client_goes_away)
{
    client dying(server.address(), {.receive_buffer = 16 * 1024});
    dying.send(get("/stream/100000"));
    EXPECT_EQ(dying.read_bytes(100'000).size(), 100'000U);
    dying.reset();
    EXPECT_TRUE(eventually([&] { return ended_with == static_cast<int>(errc::cancelled); }));
    EXPECT_EQ(peer.ask(get("/plain")).body, "plain");
}

TEST_F(Answers, whose_writer_throws_end_with_the_connection_and_not_with_the_process)
{
    for (const std::string path : {"/throws/at-once", "/throws/later"}) {
        client other(server.address());
        const answer cut = other.ask(get(path));
        EXPECT_FALSE(cut.whole) << path;
        EXPECT_TRUE(other.closed_by_server());
    }
    EXPECT_EQ(exceptions, 2);
    EXPECT_EQ(peer.ask(get("/plain")).body, "plain");
}

TEST_F(Answers, that_are_large_arrive_as_they_are)
{
    for (const std::string path : {"/static", "/shared", "/owned"}) {
        const answer whole = peer.ask(get(path));
        EXPECT_TRUE(whole.body == large) << path;
        peer.send("HEAD " + path + " HTTP/1.1\r\nHost: test\r\n\r\n");
        EXPECT_EQ(peer.read_answer(true).header("Content-Length"), std::to_string(large.size()));
    }
    peer.send(get("/plain") + get("/static") + get("/shared") + get("/plain") + get("/owned") +
              get("/static", "Connection: close\r\n"));
    EXPECT_EQ(peer.read_answer().body, "plain");
    EXPECT_TRUE(peer.read_answer().body == large);
    EXPECT_TRUE(peer.read_answer().body == large);
    EXPECT_EQ(peer.read_answer().body, "plain");
    EXPECT_TRUE(peer.read_answer().body == large);
    EXPECT_TRUE(peer.read_answer().body == large);
    EXPECT_TRUE(peer.closed_by_server());
}

TEST_F(Answers, that_are_large_reach_a_slow_reader_and_a_half_closed_one)
{
    for (const std::string path : {"/static", "/shared", "/owned"}) {
        client slow(server.address(), {.receive_buffer = 4096});
        slow.send(get(path) + get("/plain"));
        slow.half_close();
        const answer whole = slow.read_answer();
        EXPECT_TRUE(whole.body == large) << path;
        EXPECT_EQ(slow.read_answer().body, "plain");
        EXPECT_TRUE(slow.closed_by_server());
    }
}

TEST_F(Answers, that_are_large_are_let_go_when_their_client_dies)
{
    for (int i = 0; i < 20; ++i) {
        client dying(server.address(), {.receive_buffer = 4096});
        dying.send(get("/shared") + get("/shared"));
        EXPECT_EQ(dying.read_bytes(1000).size(), 1000U);
        dying.reset();
    }
    EXPECT_TRUE(eventually([&] { return shared.use_count() == 1; }));
}

TEST_F(Answers, that_nobody_waits_for_any_more_are_not_computed)
{
    client dying(server.address());
    dying.send(get("/hang"));
    EXPECT_TRUE(eventually([&] { return waiting == 1; }));
    dying.reset();
    EXPECT_TRUE(eventually([&] { return waiting == 0; }));
    EXPECT_TRUE(stopped);
    EXPECT_EQ(peer.ask(get("/plain")).body, "plain");
}

} // namespace
} // namespace sluice::testing
