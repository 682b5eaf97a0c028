// A server of several shards: connections on all of them, messages between them under load.
#include "running_server.hpp"

#include <sluice/shard/message.hpp>
#include <sluice/shard/offload.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace sluice::testing {
namespace {

server_options with_shards(unsigned shards)
{
    server_options options = quick_options();
    options.shards = shards;
    return options;
}

TEST(Shards, all_of_them_answer_many_connections_that_ask_across_shards)
{
    constexpr unsigned shards = 4;
    offload_pool pool({.threads = 2, .queue_max = 1024});
    std::array<std::atomic<int>, shards> asked_here{};
    running_server server(
        [&](shard& here, router& routes) {
            auto& counter = asked_here[here.index()];
            routes.get("/here", [&counter](request&) -> response {
                ++counter;
                return response::text("here");
            });
            // Asks shard n, which asks the next one.
            routes.get("/across/{n}", [](request& asked) -> task<result<response>> {
                const auto target = asked.path<unsigned>("n").value() % shards;
                const unsigned sum = co_await on_shard(target, [target]() -> task<unsigned> {
                    const unsigned next =
                        co_await on_shard((target + 1) % shards, [] { return shard::current().index(); });
                    co_return 10 * shard::current().index() + next;
                });
                co_return response::text(std::to_string(sum));
            });
            routes.get("/offload/{n}", [&pool](request& asked) -> task<result<response>> {
                const auto n = asked.path<unsigned>("n").value();
                const auto doubled = co_await offload(pool, [n] { return 2 * n; });
                if (!doubled) co_return fail(doubled.error());
                co_return response::text(std::to_string(*doubled));
            });
        },
        with_shards(shards));

    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            std::vector<client> peers;
            for (int i = 0; i < 30; ++i) peers.emplace_back(server.address());
            for (unsigned round = 0; round < 10; ++round) {
                for (unsigned i = 0; i < peers.size(); ++i) {
                    const std::string n = std::to_string(i + t + round);
                    peers[i].send(get("/here") + get("/across/" + n) + get("/offload/" + n) + get("/here"));
                }
                for (unsigned i = 0; i < peers.size(); ++i) {
                    const unsigned n = i + t + round;
                    const unsigned sum = 10 * (n % shards) + (n + 1) % shards;
                    const bool right =
                        peers[i].read_answer().body == "here" && peers[i].read_answer().body == std::to_string(sum) &&
                        peers[i].read_answer().body == std::to_string(2 * n) && peers[i].read_answer().body == "here";
                    if (!right) ++wrong;
                }
            }
        });
    }
    for (auto& one : threads) one.join();
    EXPECT_EQ(wrong, 0);
    int total = 0;
    for (const auto& counter : asked_here) {
        EXPECT_GT(counter, 0); // 120 connections: none can be left out
        total += counter;
    }
    EXPECT_EQ(total, 4 * 30 * 10 * 2);
}

TEST(Shards, each_have_their_own_parts_which_live_as_long_as_they)
{
    static std::atomic<int> alive{0};
    struct part
    {
        part() { ++alive; }
        part(const part&) = delete;
        part& operator=(const part&) = delete;
        ~part()
        {
            EXPECT_TRUE(shard::is_current()); // destroyed on its own thread
            --alive;
        }
    };
    {
        running_server server(
            [&](shard& here, router& routes) {
                here.own<part>();
                routes.get("/", [](request&) -> response { return response::text("x"); });
            },
            with_shards(3));
        EXPECT_EQ(alive, 3);
    }
    EXPECT_EQ(alive, 0);
}

TEST(Shards, do_not_start_where_the_wiring_of_one_fails)
{
    server failing(with_shards(3));
    failing.on_shard([](shard& here, router&) {
        if (here.index() == 2) throw std::runtime_error("no such part");
    });
    const auto ended = failing.run();
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().detail, "no such part");
}

} // namespace
} // namespace sluice::testing
