// Deciding takes nothing from the heap either where Redis is asked, leases included. Run by server.py.
//
// Counted are all of the shard's thread, hiredis's included.
#include "heap_count.hpp"
#include "redis.hpp"

#include <sluice/core/pool.hpp>
#include <sluice/limit/limiter.hpp>

#include <string>
#include <vector>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;

class LimitRedisAllocation : public redis::test::Redis
{};

task<void> ask(limiter& by, client_key who, std::uint64_t& passed, std::size_t& left, wait& all_done)
{
    const decision made = co_await by.decide(who);
    if (made.is == outcome::passes) ++passed;
    if (--left == 0) all_done.complete();
}

task<std::uint64_t> blocks_taken(limiter& by, const std::vector<client_key>& clients, std::uint64_t& passed)
{
    const std::uint64_t before = sluice::test::heap_blocks_of_thread();
    for (int i = 0; i < 20; ++i) {
        std::size_t left = clients.size();
        wait all_done;
        for (const client_key& who : clients) shard::current().background().spawn(ask(by, who, passed, left, all_done));
        (void)co_await all_done.until();
    }
    co_return sluice::test::heap_blocks_of_thread() - before;
}

TEST_F(LimitRedisAllocation, is_none_for_busy_clients_rare_ones_and_refused_ones)
{
    if (!pool_recycles) GTEST_SKIP() << "the pool gives everything back under a sanitizer";
    redis::client& client = open();
    await_connected(client);
    // The busiest get leases, and all of them are over the limit in the end.
    rate_limit all({.quotas = {{.requests = 2000, .window = 1h}}}, {.shards = 1, .redis_patience = 1s});
    limiter& by = *shards.run(
        [&]() -> task<limiter*> { co_return &shard::current().own<limiter>(shard::current(), all, &client); });
    std::vector<client_key> clients;
    for (int i = 0; i < 64; ++i) clients.push_back(client_key::of_text("client " + std::to_string(i % 48)));
    std::uint64_t passed = 0;
    std::uint64_t asked = 0;
    std::vector<std::uint64_t> taken;
    for (int round = 0; round < 300; ++round) {
        taken.push_back(shards.run([&] { return blocks_taken(by, clients, passed); }));
        asked += 20 * clients.size();
    }
    const limiter_counters told = shards.run([&]() -> task<limiter_counters> { co_return by.counters(); });
    EXPECT_GT(told.asked_redis, 1000u);
    EXPECT_GT(told.leased, 1000u);
    EXPECT_GT(told.refused_at_once, 1000u);
    EXPECT_EQ(told.failures, 0u);
    EXPECT_LT(passed, asked);
    // Buffers and lists grow to what was needed at most, which no first round need have met: from then on nothing.
    const auto last =
        std::ranges::find_if(taken.rbegin(), taken.rend(), [](std::uint64_t blocks) { return blocks > 0; });
    EXPECT_LE(taken.rend() - last, 100) << "rounds until the last that took something";
}

} // namespace
} // namespace sluice::limit
