// What is under way and what was slow, as /inflight and the live page's events show it.
#include "running_server.hpp"

#include <sluice/core/stage_timer.hpp>
#include <sluice/server/live_routes.hpp>
#include <sluice/server/metrics_routes.hpp>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>

namespace sluice::testing {
namespace {

struct Live : ::testing::Test
{
    std::atomic<bool> go_on{false};
    std::atomic<bool> hangs{false};
    running_server server{
        [this](shard&, router& routes) {
            routes.get("/wait/{id}", [this](request&) { return wait(*this); });
            routes.get("/query", [this](request&) { return query(*this); });
            routes.get("/hang", [this](request&) { return hang(*this); });
            routes.get("/shard", [](request&) { return response::text(std::to_string(shard::current().index())); });
            routes.post("/echo", [](request& asked) { return response::text(asked.body()); });
            live_routes(routes);
            metrics_routes(routes);
        },
        two_shards()};
    client peer{server.address()};

    static server_options two_shards()
    {
        server_options options = quick_options();
        options.shards = 2;
        return options;
    }
    static task<result<response>> wait(Live& test)
    {
        while (!test.go_on) {
            if (auto slept = co_await sleep_for(std::chrono::milliseconds(1)); !slept) co_return fail(slept.error());
        }
        co_return response::text("done");
    }
    static task<result<response>> query(Live& test)
    {
        const stage_timer querying(stage::query);
        co_return co_await wait(test);
    }
    // Its shard does nothing else meanwhile.
    static response hang(Live& test)
    {
        test.hangs = true;
        while (!test.go_on) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return response::text("done");
    }
    client one_on(std::string_view shard)
    {
        for (;;) {
            client made{server.address()};
            if (made.ask(get("/shard")).body == shard) return made;
        }
    }
    std::string in_flight() { return peer.ask(get("/inflight")).body; }
};

TEST_F(Live, lists_what_is_under_way_on_every_shard_with_its_age_and_client)
{
    std::vector<client> waiting;
    for (int i = 0; i < 8; ++i)
        waiting.emplace_back(server.address()).send(get("/wait/" + std::to_string(i) + "?secret"));
    ASSERT_TRUE(eventually([&] { return in_flight().starts_with(R"({"under_way":9,)"); })) << in_flight();
    const std::string text = in_flight();
    for (int i = 0; i < 8; ++i)
        EXPECT_NE(text.find(R"("route":"/wait/{id}","path":"/wait/)" + std::to_string(i) +
                            R"(","client":"127.0.0.1","stage":"work")"),
                  std::string::npos)
            << text;
    EXPECT_EQ(text.find("secret"), std::string::npos);
    go_on = true;
    for (client& one : waiting) EXPECT_EQ(one.read_answer().body, "done");
    EXPECT_TRUE(in_flight().starts_with(R"({"under_way":1,)"));
}

TEST_F(Live, lists_a_request_whose_body_is_still_to_come)
{
    client slow{server.address()};
    slow.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    ASSERT_TRUE(eventually([&] { return in_flight().starts_with(R"({"under_way":2,)"); }));
    EXPECT_NE(in_flight().find(R"("path":"/echo","client":"127.0.0.1","stage":"body")"), std::string::npos)
        << in_flight();
    slow.send("cde");
    EXPECT_EQ(slow.read_answer().body, "abcde");
    EXPECT_TRUE(in_flight().starts_with(R"({"under_way":1,)"));
}

TEST_F(Live, says_in_which_stage_a_request_is_and_where_it_has_been)
{
    client one{server.address()};
    one.send(get("/query"));
    ASSERT_TRUE(eventually([&] { return in_flight().find(R"("stage":"query")") != std::string::npos; }));
    const std::string text = in_flight();
    EXPECT_NE(text.find(R"("stages":{"work":)"), std::string::npos) << text;
    EXPECT_NE(text.find(R"(,"query":)"), std::string::npos) << text;
    go_on = true;
    EXPECT_EQ(one.read_answer().body, "done");
}

TEST_F(Live, names_a_shard_that_hangs_and_shows_what_the_others_do)
{
    client hanging = one_on("1");
    peer = one_on("0");
    hanging.send(get("/hang"));
    ASSERT_TRUE(eventually([&] { return hangs.load(); }));
    for (int i = 0; i < 3; ++i) {
        const std::string text = in_flight();
        EXPECT_TRUE(text.starts_with(R"({"under_way":1,"silent":[1],"requests":[{"shard":0,"method":"GET")")) << text;
    }
    go_on = true;
    EXPECT_EQ(hanging.read_answer().body, "done");
    EXPECT_TRUE(eventually([&] { return in_flight().starts_with(R"({"under_way":1,"silent":[],)"); }));
}

TEST_F(Live, forgets_a_request_whose_client_has_gone)
{
    client gone{server.address()};
    gone.send(get("/wait/1"));
    ASSERT_TRUE(eventually([&] { return in_flight().starts_with(R"({"under_way":2,)"); }));
    gone.reset();
    EXPECT_TRUE(eventually([&] { return in_flight().starts_with(R"({"under_way":1,)"); }));
}

// The next event's now_ms, on a stream in chunks.
std::string next_event(client& watching)
{
    std::string event;
    while (!event.ends_with("\n\n")) {
        std::string size;
        while (!size.ends_with("\r\n")) {
            const std::string next = watching.read_bytes(1);
            if (next.empty()) return "";
            size += next;
        }
        event += watching.read_bytes(std::stoul(size, nullptr, 16));
        (void)watching.read_bytes(2);
    }
    const std::size_t at = event.find(R"("now_ms":)");
    return event.substr(at, event.find(',', at) - at);
}

TEST_F(Live, makes_an_event_once_for_all_who_watch)
{
    std::vector<client> watching;
    for (int i = 0; i < 8; ++i) {
        watching.push_back(one_on("0"));
        watching.back().send(get("/live"));
        EXPECT_EQ(watching.back().read_answer(true).status, 200);
    }
    std::set<std::string> of_first = {next_event(watching.front())};
    for (std::size_t i = 1; i < watching.size(); ++i) {
        const std::string other = next_event(watching[i]);
        while (*of_first.rbegin() < other) of_first.insert(next_event(watching.front()));
        EXPECT_TRUE(of_first.contains(other)) << other;
    }
}

TEST_F(Live, writes_the_numbers_on_no_shard)
{
    struct asked
    {
        std::atomic<std::thread::id> on;
    };
    static constexpr metric_family family{"where", "Where it was asked.", metric_kind::gauge};
    const auto where = std::make_shared<asked>();
    const auto its_thread = server.on(0, [&](shard&) {
        shard_metrics().read(family, {}, [where] {
            where->on = std::this_thread::get_id();
            return 1.0;
        });
        return std::this_thread::get_id();
    });
    client watching = one_on("0");
    watching.send(get("/live"));
    EXPECT_EQ(watching.read_answer(true).status, 200);
    EXPECT_FALSE(next_event(watching).empty());
    EXPECT_NE(where->on.load(), std::thread::id());
    EXPECT_NE(where->on.load(), its_thread);
    where->on = std::thread::id();
    EXPECT_NE(one_on("0").ask(get("/metrics")).body.find("\nwhere 1\n"), std::string::npos);
    EXPECT_NE(where->on.load(), std::thread::id());
    EXPECT_NE(where->on.load(), its_thread);
}

TEST_F(Live, is_a_page_that_nothing_else_can_be_part_of_and_that_nobody_keeps)
{
    const answer page = peer.ask(get("/"));
    EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(page.header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(page.header("Cache-Control"), "no-store");
    const std::string policy = page.header("Content-Security-Policy").value_or("");
    EXPECT_TRUE(policy.starts_with("default-src 'none'; ")) << policy;
    EXPECT_NE(policy.find("; connect-src 'self'; "), std::string::npos) << policy;
    EXPECT_NE(policy.find("; frame-ancestors 'none'"), std::string::npos) << policy;
    EXPECT_EQ(page.body.find("://"), std::string::npos) << "the name of another place";
    EXPECT_EQ(peer.ask(get("/inflight")).header("Cache-Control"), "no-store");
    go_on = true;
}

TEST_F(Live, lets_so_many_watch_and_no_more)
{
    std::vector<client> watching;
    for (int i = 0; i < 200; ++i) {
        watching.emplace_back(server.address()).send(get("/live"));
        if (watching.back().read_answer(true).status == 503) break;
    }
    EXPECT_LT(watching.size(), 200U);
    watching.clear();
    EXPECT_TRUE(eventually([&] {
        client next{server.address()};
        next.send(get("/live"));
        return next.read_answer(true).status == 200;
    })) << "a place that was left is free";
    go_on = true;
}

} // namespace
} // namespace sluice::testing
