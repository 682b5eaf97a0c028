// Request bodies over a real socket: whole and streamed, admitted and refused, early answers.
#include "running_server.hpp"

#include <sluice/coro/event.hpp>
#include <sluice/coro/one_shot.hpp>

#include <atomic>
#include <string>

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

// Refuses what bears a field "Refuse", after a wait.
class waiting_gatekeeper final : public waiting_middleware
{
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "gatekeeper"; }
    [[nodiscard]] task<std::optional<result<response>>> before_waiting(request& asked) override
    {
        auto slept = co_await sleep_for(2ms);
        (void)slept;
        if (!asked.header("Refuse")) co_return std::nullopt;
        std::optional<result<response>> refused(fail(errc::too_many_requests, "Not now"));
        co_return refused;
    }
    void after(request&, response& answer) override { answer.header("X-Passed", "gatekeeper"); }
};

class plain_gatekeeper final : public middleware
{
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "plain gatekeeper"; }
    [[nodiscard]] std::optional<result<response>> before(request& asked) override
    {
        if (!asked.header("Refuse")) return std::nullopt;
        return fail(errc::too_many_requests, "Not now");
    }
    void after(request&, response& answer) override { answer.header("X-Passed", "plain"); }
};

// What handlers and test tell each other.
struct Bodies : ::testing::Test
{
    std::atomic<std::size_t> read_so_far{0};
    std::atomic<bool> go_on{false};
    std::atomic<int> ended_with{-1};
    running_server server{[this](shard& here, router& routes) { wire(here, routes); }};
    client peer{server.address()};

    void wire(shard& here, router& routes)
    {
        routes.post("/echo", [](request& asked) -> response { return response::text(asked.body()); });
        routes.get("/plain", [](request&) -> response { return response::text("plain"); });
        routes.post("/small", [](request& asked) -> response { return response::text(asked.body()); },
                    {.body_bytes = 10});
        routes.post("/count", [this](request& asked) { return count(asked); },
                    {.body_bytes = 64 * megabyte, .stream_body = true});
        routes.post("/count-small", [this](request& asked) { return count(asked); },
                    {.body_bytes = 10, .stream_body = true});
        routes.post("/unread", [](request&) -> response { return response::text("did not read it"); },
                    {.body_bytes = 64 * megabyte, .stream_body = true});
        routes.post("/slow", [this](request& asked) { return read_slowly(asked); },
                    {.body_bytes = 64 * megabyte, .stream_body = true});

        auto guarded = routes.group("/guarded");
        guarded.use(here.own<waiting_gatekeeper>());
        guarded.post("/echo", [](request& asked) -> response { return response::text(asked.body()); });
        guarded.post("/count", [this](request& asked) { return count(asked); }, {.stream_body = true});
        guarded.get("/plain", [](request&) -> response { return response::text("plain"); });
        auto plainly = routes.group("/plainly");
        plainly.use(here.own<plain_gatekeeper>());
        plainly.post("/echo", [](request& asked) -> response { return response::text(asked.body()); });
    }

    task<result<response>> count(request& asked)
    {
        std::size_t total = 0;
        for (;;) {
            auto piece = co_await asked.stream().read();
            if (!piece) {
                ended_with = static_cast<int>(piece.error().code);
                co_return fail(piece.error());
            }
            if (piece->empty()) co_return response::text(std::to_string(total));
            total += piece->size();
            read_so_far = total;
        }
    }
    task<result<response>> read_slowly(request& asked)
    {
        while (!go_on) {
            if (auto slept = co_await sleep_for(1ms); !slept) co_return fail(slept.error());
        }
        co_return co_await count(asked);
    }
};

TEST_F(Bodies, arrive_whole_whether_sized_or_chunked)
{
    EXPECT_EQ(peer.ask(post("/echo", "sized")).body, "sized");
    EXPECT_EQ(peer.ask("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "3\r\nchu\r\n4;note=\"x\"\r\nnked\r\n0\r\nTrailer: yes\r\n\r\n")
                  .body,
              "chunked");
    EXPECT_EQ(peer.ask(post("/echo", "")).body, "");
    const std::string large(900 * 1024, 'x');
    EXPECT_EQ(peer.ask(post("/echo", large)).body, large);
    EXPECT_EQ(peer.ask(get("/plain")).body, "plain");
}

TEST_F(Bodies, are_asked_for_where_the_client_waits_for_that)
{
    peer.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(peer.read_answer().status, 100);
    EXPECT_EQ(peer.ask("body").body, "body");
    // One that does not wait is not told.
    EXPECT_EQ(peer.ask(post("/echo", "body", "Expect: 100-continue\r\n")).status, 200);
    // Nor one that is refused anyway.
    const answer refused =
        peer.ask("POST /small HTTP/1.1\r\nHost: test\r\nContent-Length: 40\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(refused.status, 413);
}

TEST_F(Bodies, that_are_too_large_are_refused_before_and_while_they_arrive)
{
    peer.send("POST /small HTTP/1.1\r\nHost: test\r\nContent-Length: 11\r\n\r\n");
    const answer before = peer.read_answer();
    EXPECT_EQ(before.status, 413);
    EXPECT_EQ(before.header("Connection"), "close");
    EXPECT_EQ(before.header("Content-Type"), "application/problem+json");
    EXPECT_TRUE(peer.closed_by_server());

    client other(server.address());
    other.send("POST /small HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n");
    EXPECT_TRUE(other.silent());
    other.send("8\r\n01234567\r\n");
    EXPECT_EQ(other.read_answer().status, 413);
    EXPECT_TRUE(other.closed_by_server());
}

// A client that writes megabytes before it reads must find the answer, not a reset.
TEST_F(Bodies, that_are_refused_early_cost_their_client_no_answer)
{
    for (const std::string path : {"/small", "/unread", "/count-small"}) {
        client uploader(server.address());
        const std::string body(8 * megabyte, 'x');
        const bool sent = uploader.send(post(path, body));
        EXPECT_TRUE(sent) << path << ": reset while sending";
        const answer early = uploader.read_answer();
        EXPECT_TRUE(early.whole) << path;
        EXPECT_EQ(early.status, path == "/unread" ? 200 : 413) << path;
        EXPECT_TRUE(uploader.closed_by_server()) << path;
    }
}

TEST_F(Bodies, are_cut_off_in_the_end_if_they_go_on_after_an_early_answer)
{
    client uploader(server.address());
    ASSERT_TRUE(uploader.send("POST /small HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999\r\n\r\n"));
    EXPECT_EQ(uploader.read_answer().status, 413);
    EXPECT_TRUE(eventually([&] { return ::send(uploader.fd(), "x", 1, MSG_NOSIGNAL) < 0; }));
}

TEST_F(Bodies, are_read_as_streams_sized_and_chunked)
{
    const std::string body(3 * megabyte, 'x');
    EXPECT_EQ(peer.ask(post("/count", body)).body, std::to_string(body.size()));
    std::string chunked = "POST /count HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 1000; ++i) chunked += "a\r\n0123456789\r\n";
    chunked += "0\r\n\r\n";
    EXPECT_EQ(peer.ask(chunked + get("/plain")).body, "10000");
    EXPECT_EQ(peer.read_answer().body, "plain");
}

TEST_F(Bodies, of_streams_end_the_reading_where_they_are_too_large_broken_or_cut_off)
{
    EXPECT_EQ(peer.ask(post("/count-small", "01234567890")).status, 413);
    EXPECT_EQ(ended_with, static_cast<int>(errc::too_large));

    client broken(server.address());
    EXPECT_EQ(broken.ask("POST /count HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nNO\r\n").status, 400);
    EXPECT_EQ(ended_with, static_cast<int>(errc::malformed));

    ended_with = -1;
    client dying(server.address());
    dying.send("POST /count HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nsome");
    EXPECT_TRUE(eventually([&] { return read_so_far == 4; }));
    dying.reset();
    EXPECT_TRUE(eventually([&] { return ended_with == static_cast<int>(errc::cancelled); }));
}

TEST_F(Bodies, are_not_received_while_their_handler_does_not_read)
{
    const std::string head = "POST /slow HTTP/1.1\r\nHost: test\r\nContent-Length: 33554432\r\n\r\n";
    ASSERT_TRUE(peer.send(head));
    const std::string body(32 * megabyte, 'x');
    // The client gets rid of what the kernel's buffers and the server's bound hold, and then waits.
    std::size_t sent = 0;
    for (int quiet = 0; quiet < 20;) {
        const std::size_t now = peer.send_some(std::string_view(body).substr(sent));
        sent += now;
        quiet = now == 0 ? quiet + 1 : 0;
        std::this_thread::sleep_for(5ms);
    }
    EXPECT_LT(sent, body.size());
    EXPECT_EQ(read_so_far, 0U);
    go_on = true;
    ASSERT_TRUE(peer.send(std::string_view(body).substr(sent)));
    EXPECT_EQ(peer.read_answer().body, std::to_string(body.size()));
    EXPECT_EQ(peer.ask(get("/plain")).body, "plain");
}

TEST_F(Bodies, pass_middleware_that_waits_before_they_are_read)
{
    const answer passed = peer.ask(post("/guarded/echo", "body"));
    EXPECT_EQ(passed.body, "body");
    EXPECT_EQ(passed.header("X-Passed"), "gatekeeper");
    EXPECT_EQ(peer.ask(get("/guarded/plain")).body, "plain");
    EXPECT_EQ(peer.ask(post("/guarded/count", "12345")).body, "5");
    const answer refused = peer.ask(get("/guarded/plain", "Refuse: yes\r\n"));
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.header("X-Passed"), "gatekeeper");
    // In one go, so that the bodies are there before the middleware has decided.
    peer.send(post("/guarded/echo", "a") + post("/guarded/echo", "b", "Refuse: yes\r\n") + post("/guarded/count", "c") +
              get("/guarded/plain"));
    EXPECT_EQ(peer.read_answer().body, "a");
    EXPECT_EQ(peer.read_answer().status, 429);
    EXPECT_EQ(peer.read_answer().body, "1");
    EXPECT_EQ(peer.read_answer().body, "plain");
}

TEST_F(Bodies, that_come_late_are_not_asked_for_where_middleware_refuses)
{
    for (const std::string path : {"/guarded/echo", "/guarded/count", "/plainly/echo"}) {
        client asking(server.address());
        asking.send("POST " + path +
                    " HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nExpect: 100-continue\r\nRefuse: yes\r\n\r\n");
        EXPECT_EQ(asking.read_answer().status, 429) << path;
        EXPECT_TRUE(asking.closed_by_server()) << path;
    }
    peer.send("POST /guarded/echo HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(peer.read_answer().status, 100);
    EXPECT_EQ(peer.ask("body").body, "body");
}

TEST_F(Bodies, that_are_too_large_are_seen_by_the_middleware_that_let_them_pass)
{
    peer.send("POST /guarded/echo HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999\r\n\r\n");
    const answer refused = peer.read_answer();
    EXPECT_EQ(refused.status, 413);
    EXPECT_EQ(refused.header("X-Passed"), "gatekeeper");
}

} // namespace
} // namespace sluice::testing
