// The rate limit over real sockets: who is counted, what an answer says, and what a refused body costs.
#include "running_server.hpp"

#include <sluice/limit/limiter.hpp>
#include <sluice/middleware/rate_limiting.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using testing::answer;
using testing::client;
using testing::get;
using testing::quick_options;
using testing::running_server;

struct wiring_of
{
    limit::rate_limit& all;
    rate_limiting_options options = {};
    std::atomic<int>& handled;

    void operator()(shard& here, router& routes) const
    {
        auto& limited = here.own<rate_limiting>(here.own<limit::limiter>(here, all), options);
        auto group = routes.group("");
        group.use(limited);
        group.get("/", [&handled = handled](request&) {
            ++handled;
            return response::text("here");
        });
        group.get("/waits", [&handled = handled](request&) -> task<result<response>> {
            ++handled;
            co_return response::text("here");
        });
        group.post("/", [&handled = handled](request& asked) {
            ++handled;
            return response::text(asked.body());
        });
        routes.get("/healthz", [](request&) { return response::text("well"); });
    }
};

class RateLimit : public ::testing::Test
{
protected:
    void start(std::vector<limit::quota> quotas, server_options with = quick_options(), rate_limiting_options by = {})
    {
        all = std::make_unique<limit::rate_limit>(limit::policy{.quotas = std::move(quotas)},
                                                  limit::rate_limit_options{.shards = with.shards});
        server = std::make_unique<running_server>(wiring_of{*all, std::move(by), handled}, std::move(with));
    }
    answer ask(std::string_view bytes)
    {
        client c(server->address());
        c.send(bytes);
        return c.read_answer();
    }
    static server_options behind_a_proxy()
    {
        server_options options = quick_options();
        options.trusted_proxies.add(*http::parse_network("127.0.0.0/8"));
        options.trusted_proxies.add(*http::parse_network("10.0.0.0/8"));
        return options;
    }

    std::atomic<int> handled = 0;
    std::unique_ptr<limit::rate_limit> all;
    std::unique_ptr<running_server> server;
};

TEST_F(RateLimit, says_in_every_answer_how_the_client_stands_and_refuses_with_a_problem_document)
{
    start({{.requests = 3, .window = 60s}});
    client c(server->address());
    for (const char* left : {"2", "1", "0"}) {
        c.send(get(left[0] == '1' ? "/waits" : "/"));
        const answer said = c.read_answer();
        EXPECT_EQ(said.status, 200);
        EXPECT_EQ(said.header("RateLimit-Policy"), R"("default";q=3;w=60)");
        const std::string how = said.header("RateLimit").value_or("");
        const std::string begins = "\"default\";r=" + std::string(left) + ";t=";
        ASSERT_TRUE(how.starts_with(begins)) << said.head;
        const int more_in = std::stoi(how.substr(begins.size()));
        EXPECT_GE(more_in, 1);
        EXPECT_LE(more_in, 60) << "no longer than the window";
        EXPECT_FALSE(said.header("Retry-After"));
    }
    for (const char* path : {"/", "/waits"}) {
        c.send(get(path));
        const answer refused = c.read_answer();
        EXPECT_EQ(refused.status, 429);
        EXPECT_EQ(refused.header("Content-Type"), "application/problem+json");
        EXPECT_EQ(refused.header("RateLimit-Policy"), R"("default";q=3;w=60)");
        EXPECT_TRUE(refused.header("RateLimit")->starts_with(R"("default";r=0;t=)"));
        const int after = std::stoi(refused.header("Retry-After").value_or("0"));
        EXPECT_GE(after, 1);
        EXPECT_LE(after, 60);
        EXPECT_NE(refused.body.find(R"("status":429)"), std::string::npos);
        EXPECT_NE(refused.body.find("trace_id"), std::string::npos);
    }
    EXPECT_EQ(handled, 3);
    c.send(get("/healthz"));
    const answer well = c.read_answer();
    EXPECT_EQ(well.status, 200);
    EXPECT_FALSE(well.header("RateLimit-Policy"));
}

TEST_F(RateLimit, names_each_of_several_quotas)
{
    start({{.requests = 2, .window = 1s}, {.requests = 9, .window = 1h}});
    const answer said = ask(get("/"));
    EXPECT_EQ(said.header("RateLimit-Policy"), R"("default-1s";q=2;w=1, "default-1h";q=9;w=3600)");
    EXPECT_TRUE(said.header("RateLimit")->starts_with(R"("default-1s";r=1;t=)")) << said.head;
    EXPECT_NE(said.header("RateLimit")->find(R"(, "default-1h";r=8;t=3)"), std::string::npos) << said.head;
}

TEST_F(RateLimit, refuses_ahead_of_the_body)
{
    start({{.requests = 1, .window = 1h}});
    EXPECT_EQ(ask(get("/")).status, 200);
    client c(server->address());
    c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\nContent-Type: text/plain\r\n\r\n");
    EXPECT_EQ(c.read_answer().status, 429) << "not a byte of the body was sent";
    client expects(server->address());
    expects.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(expects.read_answer().status, 429) << "and not 100";
    EXPECT_EQ(handled, 1);
}

TEST_F(RateLimit, goes_on_with_the_connection_after_a_refusal)
{
    start({{.requests = 1, .window = 1h}});
    client c(server->address());
    c.send(get("/") + get("/") + get("/healthz") + "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi" +
           get("/healthz"));
    for (const int status : {200, 429, 200, 429, 200}) EXPECT_EQ(c.read_answer().status, status);
}

TEST_F(RateLimit, lets_exactly_the_limit_through_over_all_shards_and_connections)
{
    server_options options = quick_options();
    options.shards = 3;
    start({{.requests = 100, .window = 1h}}, std::move(options));
    std::atomic<int> passed = 0;
    std::atomic<int> refused = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 12; ++t) {
        threads.emplace_back([&, t] {
            client c(server->address());
            for (int i = 0; i < 30; ++i) {
                c.send(get(t % 2 == 0 ? "/" : "/waits"));
                const int status = c.read_answer().status;
                passed += status == 200 ? 1 : 0;
                refused += status == 429 ? 1 : 0;
            }
        });
    }
    for (std::thread& one : threads) one.join();
    EXPECT_LE(passed, 100);
    EXPECT_GE(passed, 97) << "but for a lease of another shard";
    EXPECT_EQ(passed + refused, 360);
    EXPECT_EQ(handled, passed);
}

TEST_F(RateLimit, counts_for_whom_a_trusted_proxy_names)
{
    start({{.requests = 1, .window = 1h}}, behind_a_proxy());
    EXPECT_EQ(ask(get("/", "X-Forwarded-For: 192.0.2.1\r\n")).status, 200);
    EXPECT_EQ(ask(get("/waits", "X-Forwarded-For: 192.0.2.1, 10.0.0.1\r\n")).status, 429);
    EXPECT_EQ(ask(get("/", "X-Forwarded-For: 198.51.100.99, 192.0.2.1\r\n")).status, 429) << "what the client made up";
    EXPECT_EQ(ask(get("/", "Forwarded: for=192.0.2.2\r\n")).status, 200);
    EXPECT_EQ(ask(get("/", "Forwarded: for=\"[2001:db8::1]:99\"\r\n")).status, 200);
    EXPECT_EQ(ask(get("/", "X-Forwarded-For: 2001:db8::ffff\r\n")).status, 429) << "of the same /64";
    EXPECT_EQ(ask(get("/")).status, 200) << "the proxy itself";
    EXPECT_EQ(ask(get("/", "X-Forwarded-For: , garbage" + std::string(2000, ',') + "\r\n")).status, 429) << "the proxy";
    EXPECT_EQ(ask(get("/", "Forwarded: for=192.0.2.3\r\nX-Forwarded-For: 192.0.2.4\r\n")).status, 429) << "the proxy";
}

TEST_F(RateLimit, believes_nobody_else)
{
    start({{.requests = 1, .window = 1h}});
    EXPECT_EQ(ask(get("/", "X-Forwarded-For: 192.0.2.1\r\n")).status, 200);
    EXPECT_EQ(ask(get("/", "X-Forwarded-For: 192.0.2.2\r\n")).status, 429);
    EXPECT_EQ(ask(get("/", "Forwarded: for=192.0.2.3\r\n")).status, 429);
}

TEST_F(RateLimit, counts_by_a_field_and_by_address_where_it_is_missing)
{
    start({{.requests = 2, .window = 1h}}, quick_options(), {.header = "X-Api-Key", .cost = 2});
    const std::string hostile(8000, 'k');
    EXPECT_EQ(ask(get("/", "X-Api-Key: one\r\n")).status, 200);
    EXPECT_EQ(ask(get("/", "x-api-key: one\r\n")).status, 429);
    EXPECT_EQ(ask(get("/", "X-Api-Key: two\r\n")).status, 200);
    EXPECT_EQ(ask(get("/", "X-Api-Key: " + hostile + "\r\n")).status, 200);
    EXPECT_EQ(ask(get("/", "X-Api-Key: " + hostile + "\r\n")).status, 429);
    EXPECT_EQ(ask(get("/")).status, 200);
    EXPECT_EQ(ask(get("/")).status, 429);
}

TEST_F(RateLimit, changes_while_requests_run)
{
    start({{.requests = 1, .window = 1h}});
    EXPECT_EQ(ask(get("/")).status, 200);
    EXPECT_EQ(ask(get("/")).status, 429);
    ASSERT_TRUE(all->change({.quotas = {{.requests = 5, .window = 1h}}}));
    const answer said = ask(get("/"));
    EXPECT_EQ(said.status, 200);
    EXPECT_EQ(said.header("RateLimit-Policy"), R"("default";q=5;w=3600)");
    EXPECT_TRUE(said.header("RateLimit")->starts_with(R"("default";r=3;t=)"));
}

TEST(RateLimitWithinAnother, names_both_and_asks_the_inner_only_for_what_the_outer_let_pass)
{
    limit::rate_limit outer({.name = "outer", .quotas = {{.requests = 3, .window = 1h}}}, {});
    limit::rate_limit inner({.name = "inner", .quotas = {{.requests = 2, .window = 1h}}}, {});
    running_server server([&](shard& here, router& routes) {
        auto group = routes.group("");
        auto& limited = here.own<rate_limiting>(here.own<limit::limiter>(here, outer));
        EXPECT_EQ(limited.name(), "rate limit (3/1h)");
        group.use(limited);
        auto within = group.group("/in");
        within.use(here.own<rate_limiting>(here.own<limit::limiter>(here, inner)));
        within.get("/", [](request&) { return response::text("here"); });
        group.get("/out", [](request&) { return response::text("here"); });
    });
    client c(server.address());
    c.send(get("/in/"));
    const answer said = c.read_answer();
    EXPECT_EQ(said.status, 200);
    EXPECT_NE(said.head.find(R"(RateLimit-Policy: "outer";q=3;w=3600)"), std::string::npos) << said.head;
    EXPECT_NE(said.head.find(R"(RateLimit-Policy: "inner";q=2;w=3600)"), std::string::npos) << said.head;
    EXPECT_TRUE(said.header("RateLimit")->starts_with(R"("outer";r=2;t=)"));
    EXPECT_NE(said.header("RateLimit")->find(R"(, "inner";r=1;t=)"), std::string::npos) << said.head;
    for (const int status : {200, 429}) {
        c.send(get("/in/"));
        EXPECT_EQ(c.read_answer().status, status);
    }
    c.send(get("/out"));
    const answer last = c.read_answer();
    EXPECT_EQ(last.status, 429) << "the inner's refusal was counted by the outer";
    EXPECT_EQ(last.head.find("inner"), std::string::npos);
}

} // namespace
} // namespace sluice
