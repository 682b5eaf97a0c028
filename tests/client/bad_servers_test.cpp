// Servers that misbehave, and requests that end: every call ends, soon and with an error that says what is known.
#include "calling.hpp"
#include "raw_server.hpp"

#include <sluice/core/context.hpp>
#include <sluice/coro/stop.hpp>

#include <semaphore>

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;
using http::method;

constexpr std::string_view whole = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";

class BadServers : public Calling
{};

TEST_F(BadServers, that_close_or_reset_at_any_byte_are_unavailable)
{
    for (const bool resets : {false, true}) {
        raw_server server([resets](peer& p) {
            p.read_request();
            p.write(whole.substr(0, p.number() - 1));
            if (resets) p.reset();
        });
        auto& http = open();
        for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
            const auto got = get(http, server.url());
            ASSERT_FALSE(got) << bytes;
            EXPECT_EQ(got.error().code, errc::unavailable) << bytes;
        }
        EXPECT_EQ(counters(http).lost, whole.size());
        EXPECT_TRUE(await(http, [](const auto& c) { return c.busy + c.idle == 0; }));
    }
}

TEST_F(BadServers, that_answer_byte_by_byte_are_answered_for)
{
    raw_server server([](peer& p) {
        while (!p.read_request().empty())
            for (const char c : whole) p.write({&c, 1});
    });
    auto& http = open();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(get(http, server.url())->body(), "hi");
    EXPECT_EQ(server.connections(), 1u);
}

TEST_F(BadServers, that_speak_something_else_are_cut_off)
{
    for (const std::string_view said : {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/2.0 200 OK\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        raw_server server([said](peer& p) {
            p.write(said);
            p.wait_for_end();
        });
        auto& http = open();
        const auto got = get(http, server.url());
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().code, errc::unavailable);
    }
}

TEST_F(BadServers, with_an_endless_head_or_body_are_cut_off_at_the_bound)
{
    for (const std::string_view beginning : {"HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\n",
                                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        raw_server server([beginning](peer& p) {
            p.read_request();
            const bool chunked = beginning.find("chunked") != std::string_view::npos;
            const bool fields = beginning.ends_with("OK\r\n");
            p.write(beginning);
            while (p.write(chunked ? "8\r\n01234567\r\n" : fields ? "X: 01234567\r\n" : "01234567")) {
            }
        });
        auto& http = open();
        const auto got = get(http, server.url());
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().code, errc::unavailable);
        EXPECT_TRUE(await(http, [](const auto& c) { return c.busy + c.idle == 0; }));
    }
}

TEST_F(BadServers, leave_what_may_have_been_done_unknown)
{
    const std::string endless(64U << 10U, 'x');
    for (const std::string& said : {std::string(), std::string("HTTP/1.1 200 OK\r\nContent-Le"),
                                    std::string("SSH-2.0-OpenSSH_9.2\r\n"), "HTTP/1.1 200 OK\r\nX: " + endless}) {
        raw_server server([&said](peer& p) {
            p.read_request();
            p.write(said);
        });
        auto& http = open();
        for (const method asked : {method::post, method::patch, method::put, method::get}) {
            const bool may_be_repeated = asked == method::put || asked == method::get;
            const auto got = send(http, {.method = asked, .url = server.url()});
            ASSERT_FALSE(got);
            EXPECT_EQ(got.error().code, may_be_repeated ? errc::unavailable : errc::outcome_unknown)
                << name(asked) << ": " << got.error().detail;
        }
    }
}

TEST_F(BadServers, that_do_not_answer_cost_the_calls_timeout)
{
    raw_server server([](peer& p) {
        p.read_request();
        p.wait_for_end();
    });
    auto& http = open();
    const auto got = send(http, {.url = server.url(), .timeout = 30ms});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::timeout);
    EXPECT_EQ(counters(http).timeouts, 1u);
    EXPECT_TRUE(await(http, [](const auto& c) { return c.busy + c.idle == 0; })) << "what may still come is nobody's";
}

TEST_F(BadServers, that_answer_by_halves_cost_it_too)
{
    raw_server server([](peer& p) {
        p.read_request();
        p.write(whole.substr(0, 40));
        p.wait_for_end();
    });
    auto& http = open();
    EXPECT_EQ(send(http, {.url = server.url(), .timeout = 30ms}).error().code, errc::timeout);
}

TEST_F(BadServers, that_read_nothing_cost_it_too)
{
    std::counting_semaphore<> go(0);
    raw_server server([&go](peer&) { go.acquire(); });
    auto& http = open();
    const std::string large(32U << 20U, 'x');
    EXPECT_EQ(send(http, {.method = method::post, .url = server.url(), .body = large, .timeout = 100ms}).error().code,
              errc::timeout);
    EXPECT_TRUE(await(http, [](const auto& c) { return c.busy + c.idle == 0; })) << "while it still reads nothing";
    go.release();
}

TEST_F(BadServers, that_refuse_a_body_before_it_is_sent_are_heard)
{
    raw_server server([](peer& p) {
        p.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        p.shut_writing();
        p.wait_for_end();
    });
    auto& http = open();
    const std::string large(32U << 20U, 'x');
    const auto got = send(http, {.method = method::post, .url = server.url(), .body = large});
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(got->status(), http::status::content_too_large);
}

TEST_F(BadServers, are_left_when_the_requests_deadline_has_passed)
{
    raw_server server([](peer& p) { p.wait_for_end(); });
    auto& http = open();
    context during{.deadline = steady_clock::now() + 30ms};
    const std::string url = server.url();
    const auto got = shards.start(0, [&] { return http.get(url); }, &during).get();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::timeout);
}

TEST_F(BadServers, are_left_when_the_requests_client_has_gone)
{
    std::counting_semaphore<> asked(0), left(0);
    raw_server server([&](peer& p) {
        p.read_request();
        asked.release();
        p.wait_for_end();
        left.release();
    });
    auto& http = open();
    stop_source stop;
    context during{.stop = &stop};
    const std::string url = server.url();
    auto call = shards.start(0, [&] { return http.get(url); }, &during);
    asked.acquire();
    EXPECT_TRUE(shards.run([&stop]() -> task<bool> {
        stop.request();
        co_return stop.requested();
    }));
    EXPECT_EQ(call.get().error().code, errc::cancelled);
    left.acquire(); // the server sees it
    EXPECT_EQ(counters(http).cancelled, 1u);
}

TEST_F(BadServers, leave_a_call_that_waits_for_a_connection_its_deadline)
{
    raw_server server([](peer& p) { p.wait_for_end(); });
    http::client_options options = patient();
    options.connections_max = 1;
    auto& http = open(options);
    const std::string url = server.url();
    auto first = shards.start(0, [&] { return http.send({.url = url, .timeout = 200ms}); });
    auto second = shards.start(0, [&] { return http.send({.url = url, .timeout = 20ms}); });
    EXPECT_EQ(second.get().error().code, errc::timeout);
    EXPECT_EQ(first.get().error().code, errc::timeout);
    EXPECT_EQ(counters(http).waiting, 0u);
}

TEST_F(BadServers, that_take_no_connection_hold_up_no_shard_that_ends)
{
    const silent_port server;
    test::shard_runner ending; // before the server does
    const auto call = [&]() -> task<unsigned> {
        shard& here = shard::current();
        auto& http = here.own<http::client>(here, blocking, http::client_options{.connect_timeout = 1h});
        const std::string url = server.url();
        const auto got = co_await http.send({.url = url, .timeout = 20ms});
        EXPECT_EQ(got.error().code, errc::timeout);
        co_return http.counters().busy;
    };
    EXPECT_EQ(ending.run(call), 1u) << "a connection is still being made, for whoever calls next";
}

} // namespace
} // namespace sluice::testing
