// Which lines are written: the level, how it changes, and who may have all lines of a request.
#include "kept_lines.hpp"
#include "running_server.hpp"

#include <sluice/core/log.hpp>
#include <sluice/server/log_routes.hpp>
#include <sluice/shard/message.hpp>
#include <sluice/shard/timer.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::testing {
namespace {

std::string put_level(std::string_view body)
{
    return "PUT /log/level HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

TEST(LogLevel, has_every_line_of_a_request_for_which_a_trusted_peer_asks_for_them)
{
    kept_lines lines(log_level::error);
    const auto say = [](shard&, router& routes) {
        routes.get("/say", [](request&) {
            log(log_level::debug, "said");
            return response::text("done");
        });
    };
    {
        server_options options = quick_options();
        options.trusted_proxies = http::trusted_peers::parse(std::vector<std::string>{"127.0.0.1"}).value();
        options.access_log.lines = true;
        running_server server(say, options);
        client peer(server.address());
        (void)peer.ask(get("/say"));
        (void)peer.ask(get("/say", "X-Log-Debug: 0\r\n"));
        EXPECT_TRUE(lines.named("said").empty());
        const std::string trace = peer.ask(get("/say", "X-Log-Debug: 1\r\n")).header("X-Request-Id").value_or("");
        ASSERT_EQ(lines.named("said").size(), 1U);
        EXPECT_EQ(lines.named("said")[0].at("trace_id"), trace);
        EXPECT_EQ(lines.named("request").size(), 1U);
        (void)peer.ask(get("/say")); // on the same connection
        EXPECT_EQ(lines.named("said").size(), 1U);
        (void)peer.ask(get("/say", "X-Log-Debug: 1\r\n"));
        EXPECT_EQ(peer.ask("GET /say HTTP/1.1\r\n\r\n").status, 400); // it has no Host, and nobody asked for its lines
        EXPECT_TRUE(lines.named("request refused").empty());
        client next(server.address()); // to which the same exchange may be lent
        EXPECT_EQ(next.ask("what?\r\n\r\n").status, 400);
        EXPECT_TRUE(lines.named("request refused").empty());
    }
    running_server server(say);
    (void)client(server.address()).ask(get("/say", "X-Log-Debug: 1\r\n"));
    EXPECT_EQ(lines.named("said").size(), 2U);
}

// As a repository is made: with a wait between its lines.
task<void> say_there()
{
    log(log_level::debug, "there");
    (void)co_await sleep_for(std::chrono::milliseconds(1));
    log(log_level::debug, "there");
}

TEST(LogLevel, has_every_line_of_such_a_request_on_another_shard_too)
{
    kept_lines lines(log_level::error);
    server_options options = quick_options();
    options.shards = 2;
    options.trusted_proxies = http::trusted_peers::parse(std::vector<std::string>{"127.0.0.1"}).value();
    running_server server(
        [](shard&, router& routes) {
            routes.get("/there", [](request&) -> task<result<response>> {
                co_await on_shard(1 - shard::current().index(), &say_there);
                co_return response::text("done");
            });
        },
        options);
    client peer(server.address());
    (void)peer.ask(get("/there"));
    EXPECT_TRUE(lines.named("there").empty());
    const std::string trace = peer.ask(get("/there", "X-Log-Debug: 1\r\n")).header("X-Request-Id").value_or("");
    const auto said = lines.named("there");
    EXPECT_EQ(said.size(), 2U);
    for (const values& line : said) EXPECT_EQ(line.at("trace_id"), trace);
    (void)peer.ask(get("/there"));
    EXPECT_EQ(lines.named("there").size(), 2U);
}

TEST(LogLevel, has_its_own_level_whatever_who_asks_for_it_wants_to_see)
{
    kept_lines lines(log_level::warn);
    server_options options = quick_options();
    options.trusted_proxies = http::trusted_peers::parse(std::vector<std::string>{"127.0.0.1"}).value();
    running_server server([](shard&, router& routes) { log_routes(routes); }, options);
    EXPECT_EQ(client(server.address()).ask(get("/log/level", "X-Log-Debug: 1\r\n")).body, R"({"level":"warn"})");
}

TEST(LogLevel, has_a_level_that_changes_at_once)
{
    kept_lines lines(log_level::warn);
    running_server server([](shard&, router& routes) {
        log_routes(routes);
        routes.get("/say", [](request&) {
            log(log_level::debug, "said");
            return response::text("done");
        });
    });
    client peer(server.address());
    EXPECT_EQ(peer.ask(get("/log/level")).body, R"({"level":"warn"})");
    (void)peer.ask(get("/say"));
    EXPECT_TRUE(lines.named("said").empty());
    const answer changed = peer.ask(put_level(R"({"level":"debug"})"));
    EXPECT_EQ(changed.status, 200);
    EXPECT_EQ(changed.body, R"({"level":"debug"})");
    (void)peer.ask(get("/say"));
    EXPECT_EQ(lines.named("said").size(), 1U);
    EXPECT_EQ(lines.named("The log's level was changed").size(), 1U);

    EXPECT_EQ(peer.ask(put_level(R"({"level":"loud"})")).status, 422);
    EXPECT_EQ(peer.ask(put_level(R"({"levle":"info"})")).status, 422);
    EXPECT_EQ(peer.ask(put_level("debug")).status, 400);
    EXPECT_EQ(peer.ask(get("/log/level")).body, R"({"level":"debug"})");
    EXPECT_EQ(peer.ask(put_level(R"({"level":"error"})")).body, R"({"level":"error"})");
}

} // namespace
} // namespace sluice::testing
