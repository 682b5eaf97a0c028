// The end of a server: what has been received is answered, what is idle is closed, nothing is left behind.
#include "running_server.hpp"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

struct Drain : ::testing::Test
{
    std::atomic<bool> go_on{false};
    std::atomic<int> waiting{0};
    server::wiring wire = [this](shard&, router& routes) {
        routes.get("/plain", [](request&) -> response { return response::text("plain"); });
        routes.post("/echo", [](request& asked) -> response { return response::text(asked.body()); });
        routes.get("/gate", [this](request&) -> task<result<response>> {
            ++waiting;
            while (!go_on) {
                if (auto slept = co_await sleep_for(1ms); !slept) {
                    --waiting;
                    co_return fail(slept.error());
                }
            }
            --waiting;
            co_return response::text("open");
        });
    };
};

TEST_F(Drain, ends_an_idle_server_at_once)
{
    running_server server(wire);
    client idle(server.address());
    EXPECT_EQ(idle.ask(get("/plain")).status, 200);
    EXPECT_TRUE(server.stop());
    EXPECT_TRUE(idle.closed_by_server());
}

TEST_F(Drain, answers_those_who_had_to_wait_for_room)
{
    server_options options = quick_options();
    options.connections = 2;
    running_server server(wire, options);
    std::vector<client> inside;
    for (int i = 0; i < 2; ++i) {
        inside.emplace_back(server.address());
        EXPECT_EQ(inside.back().ask(get("/plain")).status, 200);
    }
    std::vector<client> queued;
    for (int i = 0; i < 5; ++i) {
        queued.emplace_back(server.address());
        queued.back().send(get("/plain"));
    }
    EXPECT_TRUE(queued.front().silent());
    server.begin_to_stop();
    for (client& one : queued) {
        const answer last = one.read_answer();
        EXPECT_EQ(last.body, "plain");
        EXPECT_EQ(last.header("Connection"), "close");
    }
    EXPECT_TRUE(server.join());
}

TEST_F(Drain, does_not_wait_for_room_beyond_its_time)
{
    server_options options = quick_options();
    options.connections = 1;
    running_server server(wire, options);
    client inside(server.address());
    inside.send(get("/gate"));
    ASSERT_TRUE(eventually([&] { return waiting == 1; }));
    client queued(server.address());
    queued.send(get("/plain"));
    server.begin_to_stop();
    ASSERT_TRUE(eventually([] { return draining(); }));
    server.begin_to_stop();
    EXPECT_TRUE(server.join());
}

TEST_F(Drain, answers_what_is_under_way_and_says_that_it_closes)
{
    running_server server(wire);
    client peer(server.address());
    peer.send(get("/gate") + get("/plain"));
    ASSERT_TRUE(eventually([&] { return waiting == 1; }));
    server.begin_to_stop();
    ASSERT_TRUE(eventually([] { return draining(); }));
    EXPECT_TRUE(peer.silent());
    go_on = true;
    EXPECT_EQ(peer.read_answer().body, "open");
    const answer last = peer.read_answer();
    EXPECT_EQ(last.body, "plain");
    EXPECT_EQ(last.header("Connection"), "close");
    EXPECT_TRUE(peer.closed_by_server());
    EXPECT_TRUE(server.join());
}

TEST_F(Drain, waits_for_the_rest_of_a_request_that_has_begun)
{
    running_server server(wire);
    client peer(server.address());
    peer.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nbo");
    ASSERT_TRUE(
        eventually([&] { return server.on(0, [](shard& here) { return here.ring().counters().completions; }) > 2; }));
    server.begin_to_stop();
    ASSERT_TRUE(eventually([] { return draining(); }));
    EXPECT_TRUE(peer.silent());
    const answer last = peer.ask("dy");
    EXPECT_EQ(last.body, "body");
    EXPECT_EQ(last.header("Connection"), "close");
    EXPECT_TRUE(server.join());
}

TEST_F(Drain, closes_a_connection_whose_last_answer_was_still_on_its_way)
{
    server_options options = quick_options();
    options.idle_timeout = 1h;
    options.shutdown_grace = 1h;
    const std::string large(16 * 1024 * 1024, 'x');
    running_server server(
        [&](shard&, router& routes) {
            routes.get("/large", [&](request&) -> response {
                response answer;
                answer.static_body(large, http::text_plain);
                return answer;
            });
        },
        options);
    client peer(server.address(), {.receive_buffer = 16 * 1024});
    peer.send(get("/large"));
    EXPECT_EQ(peer.read_bytes(1000).size(), 1000U);
    server.begin_to_stop();
    ASSERT_TRUE(eventually([] { return draining(); }));
    EXPECT_GT(peer.read_all().size(), large.size() - 1000);
    EXPECT_TRUE(server.join());
}

TEST_F(Drain, closes_a_connection_behind_whose_last_request_came_an_empty_line)
{
    server_options options = quick_options();
    options.idle_timeout = 1h;
    options.header_timeout = 1h;
    options.shutdown_grace = 1h;
    running_server server(wire, options);
    client peer(server.address());
    EXPECT_EQ(peer.ask(post("/echo", "body") + "\r\n").body, "body");
    EXPECT_TRUE(server.stop());
    EXPECT_TRUE(peer.closed_by_server());
}

TEST_F(Drain, gives_what_was_in_the_queue_its_answer)
{
    running_server server(wire);
    std::atomic<bool> held{false};
    std::atomic<bool> release{false};
    std::thread holder([&] {
        server.on(0, [&](shard&) {
            held = true;
            while (!release) std::this_thread::yield();
            return 0;
        });
    });
    ASSERT_TRUE(eventually([&] { return held.load(); }));
    // Connected while the shard is busy: they lie in the listener's queue. One speaks later, one never.
    std::vector<client> queued;
    for (int i = 0; i < 20; ++i) queued.emplace_back(server.address());
    for (std::size_t i = 0; i < 10; ++i) queued[i].send(get("/plain"));
    server.begin_to_stop();
    ASSERT_TRUE(eventually([] { return draining(); }));
    release = true;
    holder.join();
    for (std::size_t i = 10; i < 19; ++i) queued[i].send(get("/plain"));
    for (std::size_t i = 0; i < 19; ++i) {
        const answer one = queued[i].read_answer();
        EXPECT_EQ(one.body, "plain") << i;
        EXPECT_EQ(one.header("Connection"), "close");
    }
    EXPECT_TRUE(queued[19].closed_by_server());
    EXPECT_TRUE(server.join());
}

// A request that the kernel had received before the server let the connection go must be answered. The shard is held
// while requests arrive and the drain is ordered, so that all of it comes in one turn.
TEST_F(Drain, answers_a_request_that_comes_in_the_same_turn)
{
    for (int round = 0; round < 3; ++round) {
        running_server server(wire);
        std::vector<client> peers;
        for (int i = 0; i < 30; ++i) {
            peers.emplace_back(server.address());
            ASSERT_EQ(peers.back().ask(get("/plain")).status, 200);
        }
        std::atomic<bool> held{false};
        std::atomic<bool> release{false};
        std::thread holder([&] {
            server.on(0, [&](shard&) {
                held = true;
                while (!release) std::this_thread::yield();
                return 0;
            });
        });
        ASSERT_TRUE(eventually([&] { return held.load(); }));
        for (std::size_t i = 0; i < 15; ++i) peers[i].send(get("/plain"));
        server.begin_to_stop();
        ASSERT_TRUE(eventually([] { return draining(); }));
        for (std::size_t i = 15; i < 30; ++i) peers[i].send(get("/plain"));
        release = true;
        holder.join();
        for (client& one : peers) ASSERT_EQ(one.read_answer().body, "plain");
        ASSERT_TRUE(server.join());
    }
}

// Clients that ask again and again: each either gets its answer, or its connection had been closed before it asked.
TEST_F(Drain, under_load_leaves_no_answer_half_sent_and_none_out)
{
    for (int round = 0; round < 10; ++round) {
        server_options options = quick_options();
        options.shards = 2;
        running_server server(wire, options);
        std::atomic<bool> cut{false};
        std::atomic<int> busy{0};
        std::vector<std::thread> clients;
        for (int i = 0; i < 4; ++i) {
            clients.emplace_back([&] {
                client peer(server.address());
                ++busy;
                for (bool last = false; !last;) {
                    if (!peer.send(get("/plain") + get("/plain"))) break;
                    for (int k = 0; k < 2; ++k) {
                        const answer one = peer.read_answer();
                        if (one.status == 0) {
                            // Closed: right only if it was said, or if nothing of ours had been received.
                            last = true;
                            break;
                        }
                        if (!one.whole || one.body != "plain") cut = true;
                        last = last || one.header("Connection") == "close";
                    }
                }
                EXPECT_TRUE(peer.closed_by_server());
            });
        }
        ASSERT_TRUE(eventually([&] { return busy == 4; }));
        std::this_thread::sleep_for(5ms);
        EXPECT_TRUE(server.stop());
        for (auto& one : clients) one.join();
        EXPECT_FALSE(cut);
    }
}

TEST_F(Drain, ends_when_its_grace_is_over_and_cancels_what_hangs)
{
    server_options options = quick_options();
    options.shutdown_grace = 50ms;
    running_server server(wire, options);
    client hanging(server.address());
    hanging.send(get("/gate"));
    client half(server.address());
    half.send("GET /plain HT");
    ASSERT_TRUE(eventually([&] { return waiting == 1; }));
    EXPECT_TRUE(server.stop());
    EXPECT_EQ(waiting, 0);
    EXPECT_TRUE(hanging.closed_by_server());
    EXPECT_TRUE(half.closed_by_server());
}

TEST_F(Drain, does_not_wait_when_it_is_asked_again)
{
    server_options options = quick_options();
    options.shutdown_grace = 1h;
    running_server server(wire, options);
    client hanging(server.address());
    hanging.send(get("/gate"));
    ASSERT_TRUE(eventually([&] { return waiting == 1; }));
    server.begin_to_stop();
    ASSERT_TRUE(eventually([] { return draining(); }));
    EXPECT_TRUE(hanging.silent());
    EXPECT_TRUE(server.stop());
    EXPECT_EQ(waiting, 0);
    EXPECT_TRUE(hanging.closed_by_server());
}

TEST_F(Drain, can_be_asked_again_at_any_moment_of_the_end)
{
    server_options options = quick_options();
    options.shards = 2;
    for (int round = 0; round < 100; ++round) {
        running_server server(wire, options);
        server.begin_to_stop();
        std::this_thread::sleep_for(std::chrono::microseconds(50 * (round % 20)));
        server.begin_to_stop();
        ASSERT_TRUE(server.join());
    }
}

TEST_F(Drain, leaves_no_descriptor_behind)
{
    server_options options = quick_options();
    options.shards = 3;
    {
        running_server warm(wire, options);
    }
    const auto before = open_descriptors();
    for (int round = 0; round < 10; ++round) {
        running_server server(wire, options);
        client idle(server.address());
        client asked(server.address());
        ASSERT_EQ(asked.ask(get("/plain")).status, 200);
        client closed(server.address());
        closed.reset();
        ASSERT_TRUE(server.stop());
    }
    EXPECT_EQ(open_descriptors(), before);
}

} // namespace
} // namespace sluice::testing
