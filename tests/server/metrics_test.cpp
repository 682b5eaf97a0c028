// What the server counts of itself, as a scrape shows it.
#include "running_server.hpp"

#include <sluice/server/metrics_routes.hpp>

#include <future>
#include <string>
#include <thread>
#include <vector>

namespace sluice::testing {
namespace {

struct Metrics : ::testing::Test
{
    running_server server{[](shard&, router& routes) {
        routes.get("/things/{id}", [](request&) { return response::text("thing"); });
        routes.post("/things", [](request&) -> result<response> { return fail(errc::conflict, "Already there"); });
        metrics_routes(routes);
    }};
    client peer{server.address()};

    std::string scrape() { return peer.ask(testing::get("/metrics")).body; }
    void get(std::string_view path) { (void)peer.ask(testing::get(path)); }
};

bool has(const std::string& text, std::string_view line)
{
    return text.find("\n" + std::string(line) + "\n") != std::string::npos;
}

TEST_F(Metrics, count_requests_by_method_route_and_status)
{
    get("/things/1");
    get("/things/2");
    get("/nothing");
    const std::string text = scrape();
    EXPECT_TRUE(has(
        text,
        R"(http_server_request_duration_seconds_count{http_request_method="GET",http_route="/things/{id}",http_response_status_code="200"} 2)"))
        << text;
    EXPECT_NE(text.find(R"(http_response_status_code="404"} 1)"), std::string::npos) << text;
    EXPECT_EQ(text.find("/nothing"), std::string::npos) << "a path is no label";
    EXPECT_TRUE(has(text, "http_server_active_requests 1")) << text; // the scrape itself
}

TEST_F(Metrics, count_what_is_no_request_as_such)
{
    client hostile{server.address()};
    hostile.send("GET / HTTP/9.9\r\n\r\n");
    (void)hostile.read_all();
    const std::string text = scrape();
    EXPECT_NE(text.find(R"(http_request_method="_OTHER",http_route="",http_response_status_code=)"), std::string::npos)
        << text;
    EXPECT_TRUE(has(text, "http_server_active_requests 1")) << text;
}

// From its first byte, where no head was complete.
TEST(RefusedRequests, take_the_time_that_they_took)
{
    server_options options = quick_options();
    options.header_timeout = std::chrono::milliseconds(50);
    running_server server([](shard&, router& routes) { metrics_routes(routes); }, options);
    for (const std::string_view said : {"GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\n"}) {
        client peer{server.address()};
        peer.send(said);
        (void)peer.read_all();
    }
    const std::string text = client(server.address()).ask(testing::get("/metrics")).body;
    const auto seconds = [&](std::string_view status) {
        const std::string series = R"(_sum{http_request_method="_OTHER",http_route="",http_response_status_code=")" +
                                   std::string(status) + "\"} ";
        const std::size_t found = text.find(series);
        return found == std::string::npos ? -1 : std::stod(text.substr(found + series.size()));
    };
    EXPECT_GT(seconds("505"), 0) << text;
    EXPECT_GE(seconds("408"), 0.05) << text;
}

TEST(AdminListener, is_no_load)
{
    server_options options = quick_options();
    options.admin_listen = "127.0.0.1:0";
    server running(options);
    std::promise<std::vector<std::string>> ready;
    running.on_shard([](shard&, router& routes) { routes.post("/things", [](request&) { return response(); }); });
    running.on_admin([](shard&, router& routes) { metrics_routes(routes); });
    running.on_ready([&](const std::vector<std::string>& addresses) { ready.set_value(addresses); });
    std::thread thread([&] { EXPECT_TRUE(running.run()); });
    const auto addresses = ready.get_future().get();
    client watcher(addresses.at(1));
    const auto active = [&](std::string_view count) {
        return has(watcher.ask(testing::get("/metrics")).body, "http_server_active_requests " + std::string(count));
    };
    EXPECT_TRUE(active("0"));
    {
        client peer(addresses[0]);
        EXPECT_TRUE(peer.send("POST /things HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"));
        EXPECT_TRUE(eventually([&] { return active("1"); }));
    }
    EXPECT_TRUE(eventually([&] { return active("0"); }));
    running.stop();
    thread.join();
}

// Of a series in a scrape; -1 if there is none.
double value_in(const std::string& text, std::string_view series)
{
    const std::size_t found = text.find("\n" + std::string(series) + " ");
    return found == std::string::npos ? -1 : std::stod(text.substr(found + series.size() + 2));
}

TEST(Trouble, counts_where_there_is_no_room_for_another_connection)
{
    server_options options = quick_options();
    options.connections = 1;
    running_server server([](shard&, router& routes) { metrics_routes(routes); }, options);
    client only(server.address());
    EXPECT_TRUE(eventually(
        [&] { return value_in(only.ask(testing::get("/metrics")).body, "sluice_accept_pauses_total") > 0; }));
}

// What many have sent, while the shard did not look, is more than its buffers hold.
TEST(Trouble, counts_where_buffers_run_out)
{
    running_server server([](shard&, router& routes) {
        metrics_routes(routes);
        routes.post("/echo", [](request& asked) { return response::text(std::to_string(asked.body().size())); });
    });
    const std::string body(200'000, 'b');
    std::vector<client> senders;
    for (int i = 0; i < 60; ++i) {
        senders.emplace_back(server.address());
        EXPECT_EQ(senders.back().ask(testing::post("/echo", "1")).status, 200);
    }
    const std::string asked = testing::post("/echo", body);
    std::vector<std::size_t> sent(senders.size());
    server.on(0, [&](shard&) {
        for (std::size_t i = 0; i < senders.size(); ++i) sent[i] = senders[i].send_some(asked);
        return 0;
    });
    for (std::size_t i = 0; i < senders.size(); ++i) {
        EXPECT_TRUE(senders[i].send(std::string_view(asked).substr(sent[i])));
        EXPECT_EQ(senders[i].read_answer().body, "200000");
    }
    const std::string text = client(server.address()).ask(testing::get("/metrics")).body;
    EXPECT_GT(value_in(text, "sluice_ring_no_buffers_total{shard=\"0\"}"), 0) << text;
}

TEST(Trouble, counts_where_completions_find_their_queue_full)
{
    running_server server([](shard&, router& routes) { metrics_routes(routes); });
    server.on(0, [](shard& here) {
        const unsigned many = 2 * ring_options().completions;
        for (unsigned i = 0; i < many; ++i) here.ring().close(-1); // which fails at once
        return 0;
    });
    const std::string text = client(server.address()).ask(testing::get("/metrics")).body;
    EXPECT_GT(value_in(text, "sluice_ring_overflows_total{shard=\"0\"}"), 0) << text;
}

TEST_F(Metrics, show_each_shards_loop_and_ring)
{
    const std::string text = scrape();
    EXPECT_TRUE(has(text, "# TYPE sluice_shard_turn_duration_seconds histogram"));
    for (const std::string name :
         {"sluice_ring_enters_total", "sluice_ring_completions_total", "sluice_ring_buffers_free"})
        EXPECT_NE(text.find("\n" + name + "{shard=\"0\"} "), std::string::npos) << name;
    EXPECT_TRUE(has(text, "sluice_ring_overflows_total{shard=\"0\"} 0"));
    EXPECT_TRUE(has(text, "sluice_connections 1")) << text;
}

} // namespace
} // namespace sluice::testing
