// Connections that are kept: how many, for how long, and what becomes of a call on one that has gone.
#include "calling.hpp"
#include "raw_server.hpp"

#include <algorithm>
#include <functional>
#include <future>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;
using http::method;

constexpr std::string_view hi = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

class KeptConnections : public Calling
{};

TEST_F(KeptConnections, carry_one_call_after_the_other)
{
    raw_server server([](peer& p) {
        while (!p.read_request().empty()) p.write(hi);
    });
    auto& http = open();
    for (int i = 0; i < 50; ++i) EXPECT_EQ(get(http, server.url())->body(), "hi");
    EXPECT_EQ(server.connections(), 1u);
    EXPECT_EQ(counters(http).reused, 49u);
    EXPECT_EQ(counters(http).idle, 1u);
}

TEST_F(KeptConnections, are_bounded_and_calls_wait_for_one)
{
    std::atomic<unsigned> now{0}, most{0};
    raw_server server([&](peer& p) {
        while (!p.read_request().empty()) {
            most = std::max<unsigned>(most, ++now);
            std::this_thread::sleep_for(1ms);
            --now;
            p.write(hi);
        }
    });
    http::client_options options = patient();
    options.connections_max = 3;
    auto& http = open(options);
    const std::string url = server.url();
    std::vector<std::future<result<http::answer>>> calls;
    for (int i = 0; i < 100; ++i) calls.push_back(shards.start(0, [&http, &url] { return http.get(url); }));
    for (auto& one : calls) EXPECT_EQ(one.get()->body(), "hi");
    EXPECT_EQ(most, 3u);
    EXPECT_EQ(server.connections(), 3u);
    EXPECT_EQ(counters(http).idle, 3u);
    EXPECT_EQ(counters(http).reused, 97u) << "also where one is handed on to a call that waits";
}

TEST_F(KeptConnections, have_a_bounded_number_waiting_for_them)
{
    std::counting_semaphore<> go(0);
    raw_server server([&](peer& p) {
        p.read_request();
        go.acquire();
        p.write(hi);
        while (!p.read_request().empty()) p.write(hi);
    });
    http::client_options options = patient();
    options.connections_max = 1;
    options.waiting_max = 2;
    auto& http = open(options);
    const std::string url = server.url();
    const auto start = [&] { return shards.start(0, [&http, &url] { return http.get(url); }); };
    auto first = start();
    ASSERT_TRUE(await(http, [](const auto& c) { return c.connects == 1 && c.waiting == 0; }));
    auto second = start();
    auto third = start();
    ASSERT_TRUE(await(http, [](const auto& c) { return c.waiting == 2; }));
    const auto fourth = start().get();
    ASSERT_FALSE(fourth);
    EXPECT_EQ(fourth.error().code, errc::unavailable);
    EXPECT_EQ(counters(http).refused, 1u);
    go.release();
    EXPECT_TRUE(first.get());
    EXPECT_TRUE(second.get());
    EXPECT_TRUE(third.get());
}

TEST_F(KeptConnections, end_when_nobody_has_used_them_for_a_while)
{
    raw_server server([](peer& p) {
        while (!p.read_request().empty()) p.write(hi);
    });
    http::client_options options = patient();
    options.idle_timeout = 20ms;
    auto& http = open(options);
    EXPECT_TRUE(get(http, server.url()));
    EXPECT_TRUE(await(http, [](const auto& c) { return c.busy + c.idle == 0; }));
    EXPECT_TRUE(get(http, server.url()));
    EXPECT_EQ(counters(http).connects, 2u);
}

TEST_F(KeptConnections, that_the_server_closes_are_not_used_again)
{
    raw_server server([](peer& p) {
        p.read_request();
        p.write(hi);
    });
    auto& http = open();
    for (unsigned i = 1; i <= 5; ++i) {
        EXPECT_TRUE(get(http, server.url()));
        EXPECT_TRUE(await(http, [](const auto& c) { return c.busy + c.idle == 0; }));
        EXPECT_EQ(counters(http).connects, i);
    }
    EXPECT_EQ(counters(http).repeated, 0u);
}

TEST_F(KeptConnections, that_bring_what_nobody_asked_for_end)
{
    raw_server server([](peer& p) {
        p.read_request();
        p.write(hi);
        p.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        p.wait_for_end();
    });
    auto& http = open();
    EXPECT_EQ(get(http, server.url())->body(), "hi");
    EXPECT_TRUE(await(http, [](const auto& c) { return c.busy + c.idle == 0; }));
    EXPECT_EQ(get(http, server.url())->body(), "hi");
}

TEST_F(KeptConnections, are_not_kept_where_either_side_says_so)
{
    raw_server server([](peer& p) {
        p.read_request();
        p.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
        p.wait_for_end();
    });
    auto& http = open();
    EXPECT_EQ(get(http, server.url())->body(), "hi");
    EXPECT_EQ(get(http, server.url())->body(), "hi");
    EXPECT_EQ(counters(http).connects, 2u);
    EXPECT_EQ(counters(http).reused, 0u);
}

// Takes the second request on its first connection, says so much of an answer, and closes it.
std::function<void(peer&)> closing_after(std::string said, bool resets)
{
    return [said, resets](peer& p) {
        p.read_request();
        p.write(hi);
        if (p.number() == 1) {
            p.read_request();
            p.write(said);
            if (resets) p.reset();
            return;
        }
        while (!p.read_request().empty()) p.write(hi);
    };
}

TEST_F(KeptConnections, that_prove_closed_cost_an_idempotent_call_nothing)
{
    for (const method asked : {method::get, method::put, method::delete_}) {
        raw_server stale(closing_after("", asked == method::put));
        auto& http = open();
        EXPECT_TRUE(get(http, stale.url()));
        const auto got = send(http, {.method = asked, .url = stale.url()});
        ASSERT_TRUE(got) << name(asked) << ": " << got.error().detail;
        EXPECT_EQ(got->body(), "hi");
        EXPECT_EQ(counters(http).repeated, 1u);
        EXPECT_EQ(stale.connections(), 2u);
    }
}

TEST_F(KeptConnections, that_prove_closed_leave_a_post_unknown)
{
    raw_server server(closing_after("", false));
    auto& http = open();
    EXPECT_TRUE(get(http, server.url()));
    const auto got = send(http, {.method = method::post, .url = server.url(), .body = "x"});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::outcome_unknown);
    EXPECT_EQ(counters(http).repeated, 0u);
    EXPECT_EQ(server.connections(), 1u);
}

TEST_F(KeptConnections, that_end_within_an_answer_are_no_reason_to_ask_again)
{
    raw_server server(closing_after("H", false));
    auto& http = open();
    EXPECT_TRUE(get(http, server.url()));
    const auto got = get(http, server.url());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::unavailable);
    EXPECT_EQ(counters(http).repeated, 0u);
}

TEST_F(KeptConnections, are_not_tried_a_third_time)
{
    raw_server server([](peer& p) {
        if (p.number() > 1) return;
        p.read_request();
        p.write(hi);
        p.read_request();
    });
    auto& http = open();
    EXPECT_TRUE(get(http, server.url()));
    const auto got = get(http, server.url());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::unavailable);
    EXPECT_EQ(counters(http).repeated, 1u);
}

TEST_F(KeptConnections, of_an_origin_that_nobody_calls_make_room_for_others)
{
    std::vector<std::unique_ptr<raw_server>> servers;
    for (int i = 0; i < 6; ++i)
        servers.push_back(std::make_unique<raw_server>([](peer& p) {
            while (!p.read_request().empty()) p.write(hi);
        }));
    http::client_options options = patient();
    options.origins_max = 3;
    options.idle_timeout = 1h;
    auto& http = open(options);
    const auto call = [&](std::size_t i) {
        const auto got = get(http, servers[i]->url());
        EXPECT_TRUE(got) << i << ": " << got.error().detail;
    };
    for (const std::size_t i : {0U, 1U, 2U, 0U, 3U, 4U, 0U, 5U, 0U})
        call(i); // the first is never the one that was not called the longest
    EXPECT_TRUE(await(http, [](const auto& c) { return c.busy == 0 && c.idle == 3; }));
    EXPECT_EQ(counters(http).origins, 3u);
    EXPECT_EQ(servers[0]->connections(), 1u);
    call(1); // which has left
    EXPECT_EQ(servers[1]->connections(), 2u);
    EXPECT_EQ(counters(http).refused, 0u);
}

TEST_F(KeptConnections, of_origins_that_are_in_use_make_no_room)
{
    std::counting_semaphore<> go(0);
    raw_server server([&](peer& p) {
        p.read_request();
        go.acquire();
        p.write(hi);
        p.wait_for_end();
    });
    http::client_options options = patient();
    options.origins_max = 1;
    auto& http = open(options);
    const std::string url = server.url();
    auto first = shards.start(0, [&http, &url] { return http.get(url); });
    ASSERT_TRUE(await(http, [](const auto& c) { return c.connects == 1; }));
    const auto second = get(http, "http://localhost" + url.substr(url.rfind(':')));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, errc::unavailable);
    go.release();
    EXPECT_EQ(first.get()->body(), "hi");
}

TEST_F(KeptConnections, of_many_origins_are_bounded_too)
{
    raw_server server([](peer& p) {
        p.read_request();
        p.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
    });
    http::client_options options = patient();
    options.origins_max = 2;
    auto& http = open(options);
    const std::string port = server.url().substr(server.url().rfind(':'));
    for (const std::string host : {"127.0.0.1", "127.0.0.2", "127.0.0.3", "localhost", "LOCALHOST"}) {
        if (host == "127.0.0.2" || host == "127.0.0.3")
            EXPECT_FALSE(get(http, "http://" + host + port)); // nobody listens there
        else
            EXPECT_TRUE(get(http, "http://" + host + port)) << host;
        EXPECT_TRUE(await(http, [](const auto& c) { return c.busy + c.idle == 0; }));
        EXPECT_LE(counters(http).origins, 2u);
    }
}

} // namespace
} // namespace sluice::testing
