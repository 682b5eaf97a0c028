// What stands in Redis under our names: bytes that may be anybody's, and leases of loads that came to nothing. Run by
// tests/redis/server.py.
#include "../redis/redis.hpp"
#include "cached_process.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::cache::test {
namespace {

using namespace std::chrono_literals;
using redis::test::admin;

using count_cache = two_tier_cache<number, std::uint64_t>; // eight bytes, and nothing else, are a value

redis::client_options beside()
{
    return {.where = redis::parse_url(redis::test::environment("SLUICE_TEST_REDIS_URL")).value(),
            .connect_timeout = 20s,
            .command_timeout = 20s};
}

struct counts_beside_redis
{
    counts_beside_redis()
    {
        for (unsigned on = 0; on < 2; ++on) process.run(on, [this, on] { return make(on); });
    }
    task<bool> make(unsigned on)
    {
        kinds[on] = &shard::current().own<count_cache>(*process.parts[on].cache, "count",
                                                       [this](number key) { return load(key); });
        co_return true;
    }
    task<result<std::optional<std::uint64_t>>> load(number key)
    {
        ++reads;
        while (held)
            if (const auto slept = co_await sleep_for(1ms); !slept) co_return fail(slept.error());
        co_return static_cast<std::uint64_t>(key) * 10;
    }
    static task<result<std::optional<std::uint64_t>>> find_here(count_cache& in, number key)
    {
        co_return co_await in.find(key);
    }
    auto start_find(unsigned on, number key)
    {
        return process.start(on, [this, on, key] { return find_here(*kinds[on], key); });
    }
    static task<result<void>> invalidate_here(shard_cache& in, count_cache& of, number key)
    {
        invalidations written(in);
        of.invalidate(key, written);
        co_return co_await written.confirmed();
    }
    auto start_invalidate(unsigned on, number key)
    {
        return process.start(on,
                             [this, on, key] { return invalidate_here(*process.parts[on].cache, *kinds[on], key); });
    }
    std::uint64_t find(unsigned on, number key)
    {
        const auto found = start_find(on, key).get();
        return found && *found ? **found : 0;
    }
    // Until a value has gone to Redis and come back.
    void await_used()
    {
        await(
            [this, key = number{1'000'000}]() mutable {
                ++key;
                find(0, key);
                const int before = reads;
                return find(1, key) == static_cast<std::uint64_t>(key) * 10 && reads == before;
            },
            "values in Redis");
    }

    std::atomic<int> reads{0};
    std::atomic<bool> held{false};
    table unused;
    std::array<count_cache*, 2> kinds{};
    cached_process process{unused, {.first_tier_bytes = 0, .ttl = 1h, .negative_ttl = 1h}, 2, beside()};
};

TEST(ForeignValues, are_loaded_once_for_all_and_written_over)
{
    ASSERT_EQ(admin({"FLUSHALL"}), "OK");
    counts_beside_redis counts;
    counts.await_used();
    ASSERT_EQ(admin({"FLUSHALL"}), "OK");
    for (number key = 1; key <= 4; ++key) EXPECT_EQ(counts.find(0, key), static_cast<std::uint64_t>(key) * 10);
    await([] { return admin({"DBSIZE"}) == "4"; }, "the fills");
    admin({"EVAL",
           "for _, k in ipairs(redis.call('KEYS', '*')) do redis.call('SET', k, 'vtoo long for it', 'PX', 60000) end",
           "0"});
    const int before = counts.reads;
    counts.held = true;
    std::vector<decltype(counts.start_find(0, 1))> waiting;
    for (unsigned i = 0; i < 20; ++i) waiting.push_back(counts.start_find(i % 2, 1));
    await([&] { return counts.reads > before; }, "the load");
    counts.held = false;
    for (auto& one : waiting) EXPECT_EQ(one.get().value(), 10U);
    EXPECT_EQ(counts.reads, before + 1);
    // The others, and then all of them from Redis.
    for (number key = 2; key <= 4; ++key) EXPECT_EQ(counts.find(1, key), static_cast<std::uint64_t>(key) * 10);
    EXPECT_EQ(counts.reads, before + 4);
    await(
        [&] {
            const int now = counts.reads;
            for (number key = 1; key <= 4; ++key) EXPECT_EQ(counts.find(0, key), static_cast<std::uint64_t>(key) * 10);
            return counts.reads == now;
        },
        "values of ours in Redis again");
}

TEST(ForeignValues, are_not_looked_for_again_once_deleted_where_a_write_is_not_confirmed)
{
    ASSERT_EQ(admin({"FLUSHALL"}), "OK");
    counts_beside_redis counts;
    counts.await_used();
    constexpr number key = 0x61616161; // its bytes are "aaaa"
    EXPECT_EQ(counts.find(0, key), std::uint64_t{key} * 10);
    await([] { return admin({"EVAL", "return #redis.call('KEYS', '*{count:aaaa}')", "0"}) == "1"; }, "the fill");
    admin({"EVAL", "redis.call('SET', redis.call('KEYS', '*{count:aaaa}')[1], 'vtoo long for it')", "0"});
    ASSERT_EQ(admin({"CONFIG", "RESETSTAT"}), "OK");
    ASSERT_EQ(admin({"CLIENT", "PAUSE", "600000", "WRITE"}), "OK");
    const std::uint64_t failures = counts.process.sum().second_tier_failures;
    auto found = counts.start_find(0, key);
    await([] { return admin({"INFO", "clients"}).contains("blocked_clients:1\r"); }, "the deletion of what is foreign");
    auto written = counts.start_invalidate(0, key);
    await([&] { return counts.process.sum().pending == 1; }, "the deletion of what was written");
    ASSERT_EQ(admin({"CLIENT", "UNPAUSE"}), "OK");
    EXPECT_EQ(found.get().value(), std::uint64_t{key} * 10);
    EXPECT_TRUE(written.get());
    const std::string calls = admin({"INFO", "commandstats"});
    EXPECT_TRUE(calls.contains("cmdstat_get:calls=1,")) << calls;
    EXPECT_EQ(counts.process.sum().second_tier_failures, failures) << "Redis did all it was told";
}

TEST(Leases, are_given_back_by_a_load_that_stores_nothing)
{
    ASSERT_EQ(admin({"FLUSHALL"}), "OK");
    table rows;
    cached_process process(rows, {.first_tier_bytes = 0, .ttl = 1h, .negative_ttl = 1h, .load_timeout = 1h}, 2,
                           beside());
    const auto no_lease_stays = [&](auto load) {
        for (number key = 0; key < 20; ++key) load(key);
        await([] { return admin({"EVAL", "return #redis.call('KEYS', '*:lease')", "0"}) == "0"; }, "no lease in Redis");
    };
    await([&] { return process.sum().fills > 0 || (process.find(0, 1'000'000 + rows.reads), false); }, "Redis is used");
    rows.fails = true;
    no_lease_stays([&](number key) { EXPECT_EQ(process.find(0, key), "failed: The table is away"); });
    rows.fails = false;
    no_lease_stays([&](number key) {
        rows.set(key, std::string((std::size_t{1} << 20) + 1, 'x'));
        EXPECT_EQ(process.find(0, key).size(), (std::size_t{1} << 20) + 1);
    });
}

} // namespace
} // namespace sluice::cache::test
