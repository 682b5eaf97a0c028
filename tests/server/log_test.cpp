// What the server logs of itself, and how that can be changed while it runs.
#include "kept_lines.hpp"
#include "running_server.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/core/log.hpp>
#include <sluice/core/span.hpp>
#include <sluice/core/stage_timer.hpp>
#include <sluice/shard/message.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/timer.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::testing {
namespace {

// As services and repositories are made: a task within a task, with waits between.
task<void> repository(std::string_view message)
{
    log(log_level::info, message, {{"layer", "repository"}});
    (void)co_await sleep_for(std::chrono::milliseconds(1));
    log(log_level::info, message, {{"layer", "repository, later"}});
}
task<void> service(std::string_view message)
{
    co_await repository(message);
    log(log_level::info, message, {{"layer", "service"}});
}

TEST(ServerLog, names_the_request_on_every_line_below_it_across_every_wait_and_a_hop_to_another_shard)
{
    kept_lines lines;
    server_options options = quick_options();
    options.shards = 2;
    running_server server(
        [](shard&, router& routes) {
            routes.get("/deep", [](request&) -> task<result<response>> {
                co_await service("here");
                const unsigned other = 1 - shard::current().index();
                co_await on_shard(other, [] { return service("there"); });
                co_await on_shard(other, [] { log(log_level::info, "there", {{"layer", "function"}}); });
                log(log_level::info, "here", {{"layer", "handler"}});
                co_return response::text("done");
            });
        },
        options);
    std::vector<client> clients;
    constexpr std::size_t requests = 8; // which interleave
    for (std::size_t i = 0; i < requests; ++i) clients.emplace_back(server.address());
    for (client& each : clients) ASSERT_TRUE(each.send(get("/deep")));
    std::map<std::string, std::map<std::string, int>> seen; // trace: layer: lines
    for (client& each : clients) seen[each.read_answer().header("X-Request-Id").value_or("")];
    ASSERT_EQ(seen.size(), requests);
    std::map<std::string, std::set<std::string>> spans; // of each trace, as its lines name them
    for (const char* where : {"here", "there"})
        for (const values& line : lines.named(where)) {
            ++seen.at(line.at("trace_id"))[where + (" " + line.at("layer"))];
            spans[line.at("trace_id")].insert(line.at("span_id"));
        }
    std::set<std::string> all;
    for (const auto& [trace, named] : spans) {
        EXPECT_EQ(named.size(), 1U) << trace;
        all.insert(named.begin(), named.end());
    }
    EXPECT_EQ(all.size(), requests);
    const std::map<std::string, int> expected = {
        {"here repository", 1},  {"here repository, later", 1},  {"here service", 1},  {"here handler", 1},
        {"there repository", 1}, {"there repository, later", 1}, {"there service", 1}, {"there function", 1}};
    for (const auto& [trace, layers] : seen) EXPECT_EQ(layers, expected) << trace;
}

TEST(ServerLog, names_the_request_on_the_lines_of_the_work_that_is_done_for_it_on_another_thread)
{
    kept_lines lines;
    offload_pool pool({.threads = 1});
    running_server server([&pool](shard&, router& routes) {
        routes.get("/offload", [&pool](request&) -> task<result<response>> {
            (void)co_await offload(pool, [] { log(log_level::info, "elsewhere"); });
            co_return response::text("done");
        });
    });
    client peer(server.address());
    for (std::size_t i = 0; i < 2; ++i) {
        const std::string trace = peer.ask(get("/offload")).header("X-Request-Id").value_or("");
        ASSERT_EQ(lines.named("elsewhere").size(), i + 1);
        EXPECT_EQ(lines.named("elsewhere")[i]["trace_id"], trace);
    }
}

TEST(ServerLog, says_where_the_time_of_a_slow_request_went)
{
    kept_lines lines;
    server_options options = quick_options();
    options.access_log = {.lines = true, .ratio = 0, .slow = std::chrono::milliseconds(20)};
    running_server server(
        [](shard&, router& routes) {
            routes.get("/slow/{id}", [](request&) -> task<result<response>> {
                {
                    const stage_timer querying(stage::query);
                    (void)co_await sleep_for(std::chrono::milliseconds(30));
                }
                co_return response::text("done");
            });
            routes.post("/slow", [](request&) { return response::text("done"); });
            routes.get("/quick", [](request&) { return response::text("done"); });
        },
        options);
    client peer(server.address());
    const auto slow_ones = [&lines](std::string_view route) {
        auto all = lines.named("slow request");
        std::erase_if(all, [&](const values& line) { return line.at("route") != route; });
        return all;
    };
    (void)peer.ask(get("/quick"));
    (void)peer.ask(get("/slow/7"));
    const auto both_took_time = [](const values& line) {
        return std::stoll(line.at("head_us")) > 0 && std::stoll(line.at("body_us")) >= 20'000;
    };
    // To a server that is held up they come at once, and then it is tried again.
    for (int i = 0; i < 50 && std::ranges::none_of(slow_ones("/slow"), both_took_time); ++i) {
        ASSERT_TRUE(peer.send("POST /slow HTTP/1.1\r\nHost: a\r\n"));
        std::this_thread::sleep_for(std::chrono::milliseconds(10)); // a head that takes its time
        ASSERT_TRUE(peer.send("Content-Length: 4\r\n\r\n"));
        std::this_thread::sleep_for(std::chrono::milliseconds(30)); // so does its body
        ASSERT_TRUE(peer.send("body"));
        (void)peer.read_answer();
    }
    EXPECT_TRUE(server.stop()); // all lines are written

    EXPECT_TRUE(std::ranges::any_of(slow_ones("/slow"), both_took_time));
    ASSERT_EQ(slow_ones("/slow/{id}").size(), 1U);
    EXPECT_GE(std::stoll(slow_ones("/slow/{id}")[0].at("query_us")), 29'000);
    const auto slow = lines.named("slow request");
    for (const values& line : slow) {
        EXPECT_EQ(line.at("level"), "warn");
        std::int64_t sum = 0;
        for (const char* one : {"body_us", "limit_us", "cache_us", "pool_wait_us", "query_us", "redis_us", "call_us",
                                "write_us", "work_us"})
            sum += std::stoll(line.at(one));
        const std::int64_t took = std::stoll(line.at("duration_us"));
        EXPECT_LE(sum, took);
        EXPECT_GE(sum, took - 10); // each of them is rounded down
    }
    const auto access = lines.named("request");
    EXPECT_EQ(access.size(), slow.size()); // of the slow ones alone
    for (const values& line : access) {
        EXPECT_GE(std::stoll(line.at("duration_us")), 20'000);
        if (line.at("route") == "/slow/{id}") EXPECT_GE(std::stoll(line.at("db_us")), 29'000);
    }
}

void spin(std::chrono::milliseconds how_long)
{
    const auto until = std::chrono::steady_clock::now() + how_long;
    while (std::chrono::steady_clock::now() < until) {
    }
}

// The line of a turn that something whose name ends so held up; others may stand beside it, since a busy machine holds
// a shard up as well.
values stall_of(kept_lines& lines, std::string_view task)
{
    values found;
    EXPECT_TRUE(eventually([&] {
        for (values& said : lines.named("The shard did not turn"))
            if (said["task"].ends_with(task)) found = said;
        return !found.empty();
    })) << task;
    return found;
}

TEST(ServerLog, names_what_a_shard_did_that_did_not_turn)
{
    kept_lines lines;
    running_server server([](shard&, router& routes) {
        routes.get("/plain/{id}", [](request&) {
            spin(std::chrono::milliseconds(80));
            return response::text("done");
        });
        routes.post("/takes", [](request&) {
            spin(std::chrono::milliseconds(80));
            return response::text("done");
        });
        routes.get("/waits", [](request&) -> task<result<response>> {
            (void)co_await sleep_for(std::chrono::milliseconds(1));
            spin(std::chrono::milliseconds(80));
            (void)co_await sleep_for(std::chrono::milliseconds(1));
            co_return response::text("done");
        });
        routes.get("/quick", [](request&) { return response::text("done"); });
    });
    client peer(server.address());
    const std::string quick = get("/quick");
    // Pipelined: in one turn, quick ones before and after it.
    ASSERT_TRUE(peer.send(quick + get("/plain/7") + quick));
    std::vector<std::string> traces;
    for (int i = 0; i < 3; ++i) traces.push_back(peer.read_answer().header("X-Request-Id").value_or(""));
    values said = stall_of(lines, "/plain/{id}");
    EXPECT_EQ(said["trace_id"], traces[1]);
    EXPECT_GE(std::stoll(said["longest_us"]), 70'000);
    EXPECT_LE(std::stoll(said["longest_us"]), std::stoll(said["duration_us"]));

    // Its head came in a turn before.
    ASSERT_TRUE(peer.send("POST /takes HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(peer.send("body"));
    const std::string taken = peer.read_answer().header("X-Request-Id").value_or("");
    said = stall_of(lines, "/takes");
    EXPECT_EQ(said["trace_id"], taken);

    const std::string trace = peer.ask(get("/waits")).header("X-Request-Id").value_or("");
    said = stall_of(lines, "/waits");
    EXPECT_EQ(said["trace_id"], trace);
}

TEST(ServerLog, names_the_request_whose_function_held_up_another_shard)
{
    kept_lines lines;
    server_options options = quick_options();
    options.shards = 2;
    running_server server(
        [](shard&, router& routes) {
            routes.get("/elsewhere", [](request&) -> task<result<response>> {
                co_await on_shard(1 - shard::current().index(), [] { spin(std::chrono::milliseconds(80)); });
                co_return response::text("done");
            });
        },
        options);
    const std::string trace = client(server.address()).ask(get("/elsewhere")).header("X-Request-Id").value_or("");
    values said = stall_of(lines, "/elsewhere");
    EXPECT_EQ(said["trace_id"], trace);
}

struct oversleeper
{
    void oversleep() { spin(std::chrono::milliseconds(80)); }
    bound<timer, &oversleeper::oversleep> clock{*this};
};

TEST(ServerLog, names_the_function_of_the_loop_that_did_not_let_it_turn)
{
    kept_lines lines;
    oversleeper held_up;
    running_server server([](shard&, router&) {});
    server.on(0, [&held_up](shard& here) {
        here.timers().arm(held_up.clock, here.now());
        return true;
    });
    (void)stall_of(lines, "oversleeper::oversleep");
}

TEST(ServerLog, warns_of_what_it_refuses_with_a_5xx)
{
    kept_lines lines;
    server_options options = quick_options();
    options.access_log.lines = true;
    running_server server([](shard&, router&) {}, options);
    EXPECT_EQ(client(server.address()).ask("GET / HTTP/1.1\r\n\r\n").status, 400);
    EXPECT_EQ(client(server.address()).ask("BREW / HTTP/1.1\r\nHost: a\r\n\r\n").status, 501);
    const auto refused = lines.named("request refused");
    ASSERT_EQ(refused.size(), 2U);
    EXPECT_EQ(refused[0].at("level"), "info");
    EXPECT_EQ(refused[1].at("level"), "warn");
}

TEST(ServerLog, names_what_it_refuses_as_far_as_it_could_be_read)
{
    kept_lines lines;
    server_options options = quick_options();
    options.access_log.lines = true;
    running_server server(
        [](shard&, router& routes) { routes.get("/good", [](request&) { return response::text("done"); }); }, options);
    const auto refused = [&](std::string_view head) {
        const std::size_t before = lines.named("request refused").size();
        client peer(server.address());
        EXPECT_EQ(peer.ask(get("/good")).status, 200); // of which nothing may be said
        EXPECT_GE(peer.ask(std::string(head) + "\r\n").status, 400) << head;
        EXPECT_TRUE(eventually([&] { return lines.named("request refused").size() == before + 1; })) << head;
        values line = lines.named("request refused").back();
        EXPECT_TRUE(line.contains("duration_us")) << head;
        return std::pair(line["method"], line["path"]);
    };
    using named = std::pair<std::string, std::string>;
    EXPECT_EQ(refused("GET /things/7?key=1 HTTP/1.1\r\n"), named("GET", "/things/7")); // no Host
    EXPECT_EQ(refused("POST /things HTTP/1.1\r\nHost: a\r\n"), named("POST", "/things"));
    EXPECT_EQ(refused("PUT /things HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: more\r\n"),
              named("PUT", "/things"));
    for (const std::string_view unreadable :
         {"BREW /things HTTP/1.1\r\nHost: a\r\n", "GET * HTTP/1.1\r\nHost: a\r\n", "GET /a b HTTP/1.1\r\nHost: a\r\n",
          "GET /things HTTP/1.1\r\nHost: a\r\nA : b\r\n", "GET http://a@b/ HTTP/1.1\r\nHost: a\r\n"})
        EXPECT_EQ(refused(unreadable), named()) << unreadable;
}

// Counts whom it was to keep.
struct counted_traces final : span_sink
{
    explicit counted_traces(double r) : ratio(r) {}
    [[nodiscard]] bool samples(const trace_context& started) const noexcept override { return started.kept_at(ratio); }
    void take(const finished_trace& finished) noexcept override { sampled += finished.trace.sampled ? 1 : 0; }

    double ratio;
    std::atomic<int> sampled{0};
};

// How many of ten requests with that traceparent are sampled and have a line.
std::pair<int, std::size_t> kept_of_ten(std::string_view traceparent, double ratio, bool trusted)
{
    kept_lines lines;
    counted_traces traces(ratio);
    server_options options = quick_options();
    options.access_log = {.lines = true, .ratio = ratio, .slow = duration::zero()};
    if (trusted) options.trusted_proxies = http::trusted_peers::parse(std::vector<std::string>{"127.0.0.1"}).value();
    {
        running_server server(
            [&traces](shard&, router& routes) {
                span_sink::exchange_current(&traces);
                routes.get("/say", [](request&) { return response::text("done"); });
            },
            options);
        client peer(server.address());
        for (int i = 0; i < 10; ++i) (void)peer.ask(get("/say", "traceparent: " + std::string(traceparent) + "\r\n"));
    }
    return {traces.sampled.load(), lines.named("request").size()};
}

TEST(ServerLog, keeps_what_a_trusted_peer_chooses_and_nothing_that_a_stranger_does)
{
    constexpr double next_to_nothing = 1e-9;
    constexpr double nearly_all = 1 - next_to_nothing;
    using kept = std::pair<int, std::size_t>;
    for (const std::string flag : {"-00", "-01"}) {
        const bool wanted = flag == "-01";
        const std::string low = "00-b7ad6b7169203331ff00000000000000-b7ad6b7169203331" + flag;
        const std::string high = "00-b7ad6b716920333100ffffffffffffff-b7ad6b7169203331" + flag;
        EXPECT_EQ(kept_of_ten(low, next_to_nothing, false), kept(0, 0)) << flag;
        EXPECT_EQ(kept_of_ten(high, nearly_all, false), kept(10, 10)) << flag;
        EXPECT_EQ(kept_of_ten(low, next_to_nothing, true), kept(wanted ? 10 : 0, 10)) << flag;
        EXPECT_EQ(kept_of_ten(high, nearly_all, true), kept(wanted ? 10 : 0, 0)) << flag;
    }
}

} // namespace
} // namespace sluice::testing
