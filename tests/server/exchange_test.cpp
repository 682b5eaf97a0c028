// Requests and their answers over a real socket: keep-alive, pipelining, order, the end of a connection.
#include "running_server.hpp"

#include <sluice/core/context.hpp>
#include <sluice/shard/shard.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <set>
#include <stdexcept>
#include <string>

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

void routes_of_every_kind(shard&, router& routes)
{
    routes.get("/plain/{name}",
               [](request& asked) -> response { return response::text(asked.path<std::string>("name").value()); });
    routes.get("/coroutine/{name}", [](request& asked) -> task<result<response>> {
        co_return response::text(asked.path<std::string>("name").value());
    });
    routes.get("/waiting/{name}", [](request& asked) -> task<result<response>> {
        if (auto slept = co_await sleep_for(2ms); !slept) co_return fail(slept.error());
        co_return response::text(asked.path<std::string>("name").value());
    });
    routes.post("/echo", [](request& asked) -> response { return response::text(asked.body()); });
    routes.post("/waiting-echo", [](request& asked) -> task<result<response>> {
        if (auto slept = co_await sleep_for(2ms); !slept) co_return fail(slept.error());
        co_return response::text(asked.body());
    });
    routes.get("/state", [](request&) -> response { return response::text(context::current()->trace_state); });
    routes.get("/throws", [](request&) -> response { throw std::runtime_error("secret"); });
    routes.get("/throws-later", [](request&) -> task<result<response>> {
        auto slept = co_await sleep_for(1ms);
        (void)slept;
        throw std::runtime_error("secret");
    });
    routes.get("/closes", [](request&) -> response {
        response last = response::text("bye");
        last.close();
        return last;
    });
}

struct Exchange : ::testing::Test
{
    running_server server{&routes_of_every_kind};
    client peer{server.address()};
};

TEST_F(Exchange, answers_one_request_after_another_on_one_connection)
{
    for (int i = 0; i < 100; ++i) {
        const std::string name = std::to_string(i);
        EXPECT_EQ(peer.ask(get("/plain/" + name)).body, name);
        EXPECT_EQ(peer.ask(get("/coroutine/" + name)).body, name);
    }
    EXPECT_EQ(peer.ask(get("/waiting/last")).body, "last");
}

TEST_F(Exchange, gives_every_answer_a_date_and_a_request_id_of_its_own)
{
    const answer first = peer.ask(get("/plain/a"));
    const answer second = peer.ask(get("/plain/a"));
    EXPECT_EQ(first.header("Date").value_or("").size(), 29U);
    EXPECT_EQ(first.header("X-Request-Id").value_or("").size(), 32U);
    EXPECT_NE(first.header("X-Request-Id"), second.header("X-Request-Id"));
}

TEST_F(Exchange, answers_pipelined_requests_in_their_order_whatever_their_handlers_are)
{
    const std::array kinds{"/plain/", "/waiting/", "/coroutine/", "/plain/", "/plain/", "/waiting/"};
    std::string all;
    for (int i = 0; i < 60; ++i) all += get(kinds[static_cast<std::size_t>(i) % kinds.size()] + std::to_string(i));
    all += post("/echo", "sixty");
    all += post("/waiting-echo", "sixty-one");
    peer.send(all);
    for (int i = 0; i < 60; ++i) ASSERT_EQ(peer.read_answer().body, std::to_string(i));
    EXPECT_EQ(peer.read_answer().body, "sixty");
    EXPECT_EQ(peer.read_answer().body, "sixty-one");
}

TEST_F(Exchange, sends_the_answers_of_a_turn_at_once)
{
    std::string all;
    for (int i = 0; i < 32; ++i) all += get("/plain/" + std::to_string(i));
    const auto submitted = [](shard& here) { return here.ring().counters().submitted; };
    const auto before = server.on(0, submitted);
    peer.send(all);
    for (int i = 0; i < 32; ++i) ASSERT_EQ(peer.read_answer().body, std::to_string(i));
    EXPECT_LE(server.on(0, submitted) - before, 6U); // one or two sends, the timer, what on() needs
}

TEST_F(Exchange, answers_more_pipelined_requests_than_a_connection_may_have_in_one_turn)
{
    std::string all;
    for (int i = 0; i < 1000; ++i) all += get("/plain/" + std::to_string(i));
    peer.send(all);
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(peer.read_answer().body, std::to_string(i));
}

TEST_F(Exchange, answers_a_request_that_arrives_byte_by_byte)
{
    const std::string whole = get("/plain/a") + post("/echo", "body") + get("/waiting/b");
    for (const char& byte : whole) ASSERT_TRUE(peer.send({&byte, 1}));
    EXPECT_EQ(peer.read_answer().body, "a");
    EXPECT_EQ(peer.read_answer().body, "body");
    EXPECT_EQ(peer.read_answer().body, "b");
}

TEST_F(Exchange, answers_a_request_that_is_split_anywhere)
{
    const std::string whole = get("/plain/a") + post("/waiting-echo", "body") + get("/coroutine/b");
    for (std::size_t at = 1; at < whole.size(); ++at) {
        ASSERT_TRUE(peer.send(std::string_view(whole).substr(0, at)));
        // Let the server see the first part alone.
        const auto received = server.on(0, [](shard& here) { return here.ring().counters().completions; });
        (void)received;
        ASSERT_TRUE(peer.send(std::string_view(whole).substr(at)));
        ASSERT_EQ(peer.read_answer().body, "a") << at;
        ASSERT_EQ(peer.read_answer().body, "body") << at;
        ASSERT_EQ(peer.read_answer().body, "b") << at;
    }
}

TEST_F(Exchange, answers_head_without_a_body_and_options_with_the_methods)
{
    peer.send("HEAD /plain/four HTTP/1.1\r\nHost: test\r\n\r\n");
    const answer head = peer.read_answer(true);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.header("Content-Length"), "4");
    const answer options = peer.ask("OPTIONS /plain/x HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_EQ(options.status, 204);
    EXPECT_NE(options.header("Allow").value_or("").find("GET"), std::string::npos);
    const answer asterisk = peer.ask("OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_EQ(asterisk.status, 204);
    EXPECT_EQ(peer.ask(get("/plain/after")).body, "after");
}

TEST_F(Exchange, says_404_and_405_and_goes_on)
{
    EXPECT_EQ(peer.ask(get("/nowhere")).status, 404);
    const answer wrong_method = peer.ask(post("/plain/x", "body"));
    EXPECT_EQ(wrong_method.status, 405);
    EXPECT_EQ(wrong_method.header("Allow"), "GET, HEAD, OPTIONS");
    EXPECT_EQ(peer.ask(get("/plain/after")).body, "after");
}

TEST_F(Exchange, answers_a_client_that_has_shut_down_its_writing_and_closes)
{
    peer.send(get("/waiting/a") + get("/plain/b"));
    peer.half_close();
    EXPECT_EQ(peer.read_answer().body, "a");
    const answer last = peer.read_answer();
    EXPECT_EQ(last.body, "b");
    EXPECT_EQ(last.header("Connection"), "close");
    EXPECT_TRUE(peer.closed_by_server());
}

TEST_F(Exchange, refuses_half_a_request_of_a_client_that_has_shut_down_its_writing)
{
    peer.send(get("/plain/a") + "GET /plain/b HTT");
    peer.half_close();
    EXPECT_EQ(peer.read_answer().body, "a");
    EXPECT_EQ(peer.read_answer().status, 400);
    EXPECT_TRUE(peer.closed_by_server());
}

TEST_F(Exchange, closes_an_idle_connection_whose_client_has_shut_down_its_writing)
{
    EXPECT_EQ(peer.ask(get("/plain/a")).body, "a");
    peer.half_close();
    EXPECT_TRUE(peer.closed_by_server());
}

TEST_F(Exchange, closes_after_the_request_or_the_answer_that_says_so)
{
    peer.send(get("/plain/a", "Connection: close\r\n") + get("/plain/never"));
    const answer last = peer.read_answer();
    EXPECT_EQ(last.body, "a");
    EXPECT_EQ(last.header("Connection"), "close");
    EXPECT_TRUE(peer.closed_by_server());

    client other(server.address());
    other.send(get("/waiting/first") + get("/closes") + get("/plain/never"));
    EXPECT_EQ(other.read_answer().body, "first");
    EXPECT_EQ(other.read_answer().body, "bye");
    EXPECT_TRUE(other.closed_by_server());
}

TEST_F(Exchange, speaks_http_1_0_and_keeps_its_connection_only_if_asked)
{
    peer.send("GET /plain/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const answer kept = peer.read_answer();
    EXPECT_EQ(kept.body, "a");
    EXPECT_EQ(kept.header("Connection"), "keep-alive");
    peer.send("GET /plain/b HTTP/1.0\r\n\r\n");
    EXPECT_EQ(peer.read_answer().body, "b");
    EXPECT_TRUE(peer.closed_by_server());
}

TEST_F(Exchange, answers_what_is_owed_before_it_refuses_what_came_after)
{
    peer.send(get("/waiting/a") + get("/plain/b") + "NONSENSE\r\n\r\n" + get("/plain/never"));
    EXPECT_EQ(peer.read_answer().body, "a");
    EXPECT_EQ(peer.read_answer().body, "b");
    EXPECT_EQ(peer.read_answer().status, 400);
    EXPECT_TRUE(peer.closed_by_server());
}

TEST_F(Exchange, turns_exceptions_into_500_that_says_nothing_of_them)
{
    for (const std::string path : {"/throws", "/throws-later"}) {
        const answer failed = peer.ask(get(path));
        EXPECT_EQ(failed.status, 500) << path;
        EXPECT_EQ(failed.body.find("secret"), std::string::npos);
    }
    EXPECT_EQ(peer.ask(get("/plain/after")).body, "after");
}

TEST_F(Exchange, knows_the_client_and_continues_its_trace)
{
    const answer traced =
        peer.ask(get("/plain/a", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"));
    EXPECT_EQ(traced.header("X-Request-Id"), "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST_F(Exchange, begins_a_trace_of_its_own_where_the_callers_cannot_be_told)
{
    const std::string id = "4bf92f3577b34da6a3ce929d0e0e4736";
    const std::string good = "traceparent: 00-" + id + "-00f067aa0ba902b7-01\r\n";
    std::set<std::string> own;
    for (const std::string& fields :
         {"traceparent: 00-" + id + "-00f067aa0ba902b7\r\n",    // no flags
          "traceparent: ff-" + id + "-00f067aa0ba902b7-01\r\n", // no such version
          "traceparent: 00-" + id + "-0000000000000000-01\r\n", // nobody
          "traceparent: 00-" + std::string(32, '0') + "-00f067aa0ba902b7-01\r\n",
          std::string("traceparent: 00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01\r\n"),
          std::string("traceparent: \r\n"), good + good}) {
        const answer untraced = peer.ask(get("/plain/a", fields));
        EXPECT_EQ(untraced.status, 200) << fields;
        own.insert(untraced.header("X-Request-Id").value_or(""));
    }
    EXPECT_EQ(own.size(), 7U);
    EXPECT_FALSE(own.contains(id));
    EXPECT_FALSE(own.contains(""));
}

TEST_F(Exchange, passes_on_the_state_of_a_trace_that_it_continues)
{
    const std::string trace = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    const std::string two = "tracestate: a=1\r\nTraceState: b=2,c=3\r\n";
    EXPECT_EQ(peer.ask(get("/state", trace + two)).body, "a=1,b=2,c=3");
    EXPECT_EQ(peer.ask(get("/state", trace + "tracestate: A B\r\n")).body, "");
    EXPECT_EQ(peer.ask(get("/state", trace + "tracestate: a=1\r\ntracestate: a=2\r\n")).body, "");
    EXPECT_EQ(peer.ask(get("/state", two)).body, ""); // of a trace that is not continued
    EXPECT_EQ(peer.ask(get("/state", trace)).body, "");
}

TEST_F(Exchange, continues_the_trace_of_a_request_whose_head_it_refuses)
{
    const std::string trace = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n";
    const answer refused = peer.ask("POST /echo HTTP/1.1\r\nHost: test\r\n" + trace);
    EXPECT_EQ(refused.status, 411);
    EXPECT_EQ(refused.header("X-Request-Id"), "4bf92f3577b34da6a3ce929d0e0e4736");
    EXPECT_NE(refused.body.find("4bf92f3577b34da6a3ce929d0e0e4736"), std::string::npos);
    // What cannot be read as a request names nobody.
    client other(server.address());
    const answer unreadable = other.ask("GET /a b HTTP/1.1\r\nHost: test\r\n" + trace);
    EXPECT_EQ(unreadable.status, 400);
    EXPECT_NE(unreadable.header("X-Request-Id"), "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST_F(Exchange, takes_an_empty_line_behind_a_request_for_the_end_of_it)
{
    peer.send(post("/echo", "body") + "\r\n");
    EXPECT_EQ(peer.read_answer().body, "body");
    EXPECT_EQ(peer.ask(get("/plain/after")).body, "after");
}

} // namespace
} // namespace sluice::testing
