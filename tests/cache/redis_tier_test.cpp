// The cache beside a real Redis, and two processes that share it. Run by tests/redis/server.py.
#include "../redis/redis.hpp"
#include "cached_process.hpp"

#include <deque>
#include <future>
#include <vector>

namespace sluice::cache::test {
namespace {

using namespace std::chrono_literals;
using redis::test::admin;
using redis::test::order;

cache_options lasting() { return {.first_tier_bytes = 3 << 20, .ttl = 1h, .negative_ttl = 1h}; }
cache_options second_tier_alone()
{
    cache_options options = lasting();
    options.first_tier_bytes = 0;
    return options;
}

struct RedisTier : testing::Test
{
    void SetUp() override { ASSERT_EQ(admin({"FLUSHALL"}), "OK"); }

    static redis::client_options patient()
    {
        return {.where = redis::parse_url(redis::test::environment("SLUICE_TEST_REDIS_URL")).value(),
                .connect_timeout = 20s,
                .command_timeout = 20s};
    }
    static redis::client_options hasty()
    {
        redis::client_options options = patient();
        options.connect_timeout = 200ms;
        options.command_timeout = 100ms;
        return options;
    }
    static void await_subscribed(cached_process& process)
    {
        await([&] { return process.subscribed(); }, "the subscription");
    }
    // Until Redis is used again: a value has gone there and come back.
    void await_second_tier(cached_process& process)
    {
        number key = 1'000'000;
        await(
            [&] {
                const auto before = process.sum().fills;
                ++key;
                rows.set(key, "x");
                process.find(0, key);
                return process.sum().fills > before;
            },
            "a value stored in Redis");
    }

    table rows;
};

TEST_F(RedisTier, gives_one_process_what_another_has_loaded)
{
    cached_process one(rows, lasting(), 2, patient());
    cached_process other(rows, lasting(), 3, patient());
    rows.set(7, "seven");
    await_subscribed(one);
    await_subscribed(other);
    await_second_tier(one);
    EXPECT_EQ(one.find(0, 7), "seven");
    EXPECT_EQ(one.find(0, 8), "");
    await([&] { return admin({"DBSIZE"}) != "0" && one.sum().fills >= 3; }, "the fills");
    const int reads = rows.reads;
    for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(other.find(on, 7), "seven");
    for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(other.find(on, 8), "");
    EXPECT_EQ(rows.reads, reads);
    EXPECT_EQ(other.sum().l2, 2U);
}

TEST_F(RedisTier, tells_other_processes_what_was_written)
{
    cached_process one(rows, lasting(), 2, patient());
    cached_process other(rows, lasting(), 3, patient());
    await_subscribed(one);
    await_subscribed(other);
    for (int round = 0; round < 50; ++round) {
        const std::string value = std::to_string(round);
        rows.set(7, value);
        EXPECT_TRUE(one.invalidate(1, 7));
        EXPECT_EQ(one.find(0, 7), value);
        for (unsigned on = 0; on < 3; ++on)
            await([&] { return other.find(on, 7) == value; }, "the value on another process");
    }
}

TEST_F(RedisTier, stores_nothing_of_a_load_that_a_write_overtook)
{
    cached_process one(rows, second_tier_alone(), 2, patient());
    cached_process other(rows, second_tier_alone(), 2, patient());
    await_second_tier(one);
    await_second_tier(other);
    rows.set(7, "old");
    rows.held = true;
    const int before = rows.reads;
    auto mine = one.start_find(0, 7);
    auto others = other.start_find(0, 7);
    await([&] { return rows.reads == before + 2; }, "both have read");
    rows.set(7, "new");
    EXPECT_TRUE(one.invalidate(0, 7));
    rows.held = false;
    EXPECT_EQ(mine.get().value(), "old");
    EXPECT_EQ(others.get().value(), "old");
    EXPECT_EQ(one.find(0, 7), "new");
    EXPECT_EQ(other.find(0, 7), "new");
}

TEST_F(RedisTier, serves_a_value_from_redis_while_there_is_no_first_tier)
{
    cached_process process(rows, second_tier_alone(), 2, patient());
    await_second_tier(process);
    rows.set(7, std::string(100'000, 'x'));
    const auto before = process.sum().fills;
    EXPECT_EQ(process.find(0, 7).size(), 100'000U);
    await([&] { return process.sum().fills > before; }, "the fill");
    const int reads = rows.reads;
    ASSERT_EQ(admin({"CONFIG", "RESETSTAT"}), "OK");
    EXPECT_EQ(process.find(1, 7).size(), 100'000U);
    EXPECT_EQ(process.sum().l2, 1U);
    EXPECT_EQ(rows.reads, reads);
    // By the cheapest command that there is: how long it may be kept is nobody's concern.
    const std::string calls = admin({"INFO", "commandstats"});
    EXPECT_TRUE(calls.contains("cmdstat_get:calls=1,")) << calls;
    EXPECT_FALSE(calls.contains("cmdstat_evalsha")) << calls;
}

TEST_F(RedisTier, knows_an_absence_from_redis_while_there_is_no_first_tier)
{
    cached_process process(rows, second_tier_alone(), 2, patient());
    await_second_tier(process);
    const auto before = process.sum().fills;
    EXPECT_EQ(process.find(0, 7), "");
    await([&] { return process.sum().fills > before; }, "the fill");
    const int reads = rows.reads;
    EXPECT_EQ(process.find(1, 7), "");
    EXPECT_EQ(rows.reads, reads);
    rows.set(7, "seven");
    EXPECT_TRUE(process.invalidate(1, 7));
    EXPECT_EQ(process.find(0, 7), "seven");
}

TEST_F(RedisTier, goes_to_the_loader_while_redis_is_away_and_back_by_itself)
{
    cached_process process(rows, second_tier_alone(), 2, hasty());
    await_second_tier(process);
    rows.set(7, "seven");
    for (const char* fault : {"kill", "freeze"}) {
        order(fault);
        for (int i = 0; i < 20; ++i) EXPECT_EQ(process.find(static_cast<unsigned>(i) % 2, 7), "seven");
        rows.set(7, "eight");
        EXPECT_TRUE(process.invalidate(0, 7)); // acknowledged although Redis does not know
        EXPECT_EQ(process.find(0, 7), "eight");
        order(std::string(fault) == "kill" ? "start" : "thaw");
        await([&] { return process.sum().pending == 0; }, "the deletion of what was written meanwhile");
        await_second_tier(process);
        EXPECT_EQ(process.find(1, 7), "eight");
        rows.set(7, "seven");
        EXPECT_TRUE(process.invalidate(1, 7));
    }
}

// Frozen for an hour, as far as its client knows.
TEST_F(RedisTier, is_not_asked_for_a_request_that_has_waited_for_redis_for_long_enough)
{
    redis::client_options lasting = patient();
    lasting.command_timeout = 1h;
    cached_process process(rows, second_tier_alone(), 2, lasting);
    await_second_tier(process);
    rows.set(7, "seven");
    context spent;
    spent.redis_waited = lasting.command_timeout;
    order("freeze");
    auto found = process.start_find(0, 7, &spent);
    auto written =
        process.start(0, [&process] { return cached_process::invalidate_here(process.parts[0], 8); }, &spent);
    EXPECT_EQ(found.wait_for(60s), std::future_status::ready);
    EXPECT_EQ(written.wait_for(60s), std::future_status::ready);
    EXPECT_EQ(process.sum().pending, 1U) << "nobody has told Redis yet";
    order("thaw");
    EXPECT_EQ(found.get().value(), "seven");
    EXPECT_TRUE(written.get());
    await([&] { return process.sum().pending == 0; }, "the deletion of what was written meanwhile");
}

// Frozen for an hour again: only by those who have less time for it than that does anybody get on.
TEST_F(RedisTier, is_waited_for_by_no_load_for_longer_than_who_joins_it_may)
{
    constexpr unsigned shards = 3;
    redis::client_options lasting = patient();
    lasting.command_timeout = 1h;
    std::deque<context> requests; // in pairs: one that begins a load, and one that joins it
    for (unsigned i = 0; i < shards * shards; ++i)
        for (const duration left : {duration::zero(), duration(20ms)}) {
            requests.emplace_back();
            requests.emplace_back().redis_waited = lasting.command_timeout - left;
        }
    cache_options options = second_tier_alone();
    options.load_timeout = 1h;
    cached_process process(rows, options, shards, lasting);
    await_second_tier(process);
    for (number key = 0; key < 50; ++key) rows.set(key, "value");
    const int reads = rows.reads;
    const auto loads = process.sum().loads;
    order("freeze");
    std::vector<decltype(process.start_find(0, 0))> found;
    for (unsigned i = 0; i < requests.size() / 2 && !HasFailure(); ++i) {
        const auto key = static_cast<number>(i);
        found.push_back(process.start_find(i % shards, key, &requests[2 * i]));
        await([&] { return process.sum().loads == loads + i + 1; }, "a load that asks Redis");
        found.push_back(process.start_find(i / shards % shards, key, &requests[2 * i + 1]));
        for (const auto& one : {found.end() - 1, found.end() - 2})
            EXPECT_EQ(one->wait_for(20s), std::future_status::ready) << "key " << i;
    }
    order("thaw");
    for (auto& one : found) EXPECT_EQ(one.get().value(), "value");
    EXPECT_EQ(rows.reads, reads + static_cast<int>(requests.size() / 2));
    // What Redis answers later is nobody's.
    for (number key = 0; key < 18; ++key) {
        rows.set(key, "new");
        EXPECT_TRUE(process.invalidate(0, key));
        EXPECT_EQ(process.find(1, key), "new");
    }
}

TEST_F(RedisTier, charges_a_request_for_what_it_has_waited_for_redis)
{
    cached_process process(rows, second_tier_alone(), 1, hasty());
    await_second_tier(process);
    rows.set(7, "seven");
    context reader;
    order("freeze");
    EXPECT_EQ(process.start_find(0, 7, &reader).get().value(), "seven");
    order("thaw");
    EXPECT_GE(reader.redis_waited, hasty().command_timeout);
    await_second_tier(process);

    context writer;
    order("freeze");
    EXPECT_TRUE(
        process.start(0, [&process] { return cached_process::invalidate_here(process.parts[0], 7); }, &writer).get());
    order("thaw");
    EXPECT_GE(writer.redis_waited, hasty().command_timeout);
    await([&] { return process.sum().pending == 0; }, "the deletion of what was written meanwhile");
}

// Nothing that Redis answers, and nothing that it does not, fails a look-up or a write.
TEST_F(RedisTier, is_done_without_while_redis_can_do_nothing_for_it)
{
    struct fault
    {
        std::vector<std::string> begin, end;
    };
    const fault faults[] = {
        {{"CONFIG", "SET", "maxmemory", "1"}, {"CONFIG", "SET", "maxmemory", "0"}},
        {{"REPLICAOF", "127.0.0.1", "1"}, {"REPLICAOF", "NO", "ONE"}},
        {{"SCRIPT", "FLUSH"}, {"PING"}},
        {{"FLUSHALL"}, {"PING"}},
        {{"CLIENT", "KILL", "TYPE", "normal"}, {"PING"}},
        {{"CLIENT", "PAUSE", "200", "ALL"}, {"PING"}}, // slow: every look-up and every write waits for it
        {{"ACL", "SETUSER", "default", "-eval", "-evalsha"}, {"ACL", "SETUSER", "default", "+@all"}},
        {{"EVAL", "for _, k in ipairs(redis.call('KEYS', '*')) do redis.call('SET', k, 'v', 'PX', 60000) end", "0"},
         {"FLUSHALL"}}, // bytes that are nobody's value
        {{"EVAL",
          "for _, k in ipairs(redis.call('KEYS', '*')) do redis.call('SET', k, ('v'):rep(9000000), 'PX', 60000) end",
          "0"},
         {"FLUSHALL"}}, // more than a reply may have
        {{"EVAL", "for _, k in ipairs(redis.call('KEYS', '*')) do redis.call('DEL', k) redis.call('LPUSH', k, 1) end",
          "0"},
         {"FLUSHALL"}}, // of another kind
    };
    for (const fault& one : faults) {
        SCOPED_TRACE(one.begin[0] + ' ' + (one.begin.size() > 1 ? one.begin[1] : ""));
        cached_process process(rows, second_tier_alone(), 2, patient());
        await_second_tier(process);
        for (number key = 0; key < 10; ++key) {
            rows.set(key, "old");
            EXPECT_TRUE(process.invalidate(0, key));
            EXPECT_EQ(process.find(0, key), "old");
        }
        admin(one.begin);
        for (number key = 0; key < 10; ++key) {
            const std::string found = process.find(static_cast<unsigned>(key) % 2, key);
            EXPECT_TRUE(found == "old" || found.empty()) << found;
            rows.set(key, "new");
            EXPECT_TRUE(process.invalidate(0, key));
            EXPECT_EQ(process.find(static_cast<unsigned>(key) % 2, key), "new");
        }
        admin(one.end);
        await([&] { return process.sum().pending == 0; }, "the deletions");
        await_second_tier(process);
        for (number key = 0; key < 10; ++key) EXPECT_EQ(process.find(1, key), "new");
    }
}

TEST_F(RedisTier, stores_no_value_that_would_hold_up_the_connection)
{
    cached_process process(rows, second_tier_alone(), 2, patient());
    await_second_tier(process);
    const int reads = rows.reads;
    const std::string value(std::size_t{3} << 20, 'x');
    rows.set(7, value);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(process.find(0, 7), value);
    EXPECT_EQ(rows.reads, reads + 3);
}

// What Redis held when it froze is older than what was written since: it is not read before it has been deleted.
TEST_F(RedisTier, reads_no_value_whose_deletion_redis_has_not_confirmed)
{
    cached_process process(rows, second_tier_alone(), 2, hasty());
    await_second_tier(process);
    for (number key = 0; key < 50; ++key) {
        rows.set(key, "old");
        process.find(0, key);
    }
    order("freeze");
    for (number key = 0; key < 50; ++key) {
        rows.set(key, "new");
        EXPECT_TRUE(process.invalidate(0, key));
    }
    order("thaw");
    for (int round = 0; round < 20; ++round)
        for (number key = 0; key < 50; ++key) ASSERT_EQ(process.find(1, key), "new");
    await([&] { return process.sum().pending == 0; }, "the deletions");
    for (number key = 0; key < 50; ++key) ASSERT_EQ(process.find(0, key), "new");
}

// What was written while Redis was down is not undone by what it comes back with.
TEST_F(RedisTier, begins_cold_with_a_redis_that_comes_back_with_an_old_snapshot)
{
    cached_process process(rows, second_tier_alone(), 2, hasty());
    await_second_tier(process);
    rows.set(7, "old");
    const auto fills = process.sum().fills;
    const auto filled = [&] {
        process.find(0, 7);
        return process.sum().fills > fills;
    };
    await(filled, "the fill");
    ASSERT_EQ(admin({"SAVE"}), "OK");
    rows.set(7, "new");
    EXPECT_TRUE(process.invalidate(0, 7));
    order("kill");
    order("start");
    await_second_tier(process);
    EXPECT_EQ(admin({"DBSIZE"}) == "0", false);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(process.find(static_cast<unsigned>(i) % 2, 7), "new");
}

// Its subscription was cut: what was said meanwhile is lost, so nothing from before is served.
TEST_F(RedisTier, drops_the_first_tier_when_it_may_have_missed_something)
{
    cached_process one(rows, lasting(), 2, hasty());
    cached_process other(rows, lasting(), 2, hasty());
    await_subscribed(one);
    await_subscribed(other);
    for (int round = 0; round < 5; ++round) {
        rows.set(7, "old" + std::to_string(round));
        EXPECT_TRUE(one.invalidate(0, 7));
        await([&] { return other.find(0, 7) == "old" + std::to_string(round); }, "the value on another process");
        order("kill");
        rows.set(7, "new" + std::to_string(round));
        EXPECT_TRUE(one.invalidate(0, 7));
        order("start");
        await([&] { return other.find(0, 7) == "new" + std::to_string(round); }, "the first tier being dropped");
        await_subscribed(one);
        await_subscribed(other);
    }
}

TEST_F(RedisTier, survives_messages_that_are_nobodys)
{
    cached_process process(rows, lasting(), 2, patient());
    await_subscribed(process);
    rows.set(7, "seven");
    EXPECT_EQ(process.find(0, 7), "seven");
    for (const std::string& payload :
         {std::string(), std::string("x"), std::string(100'000, 'y'), std::string("0123456789abcdef")})
        admin({"PUBLISH", process.all.channel(), payload});
    for (int i = 0; i < 5000; ++i) {
        if (i % 1000 == 0) EXPECT_EQ(process.find(1, 7), "seven");
        admin({"PUBLISH", process.all.channel(), "0123456789abcdefkey" + std::to_string(i)});
    }
    EXPECT_EQ(process.find(0, 7), "seven");
}

} // namespace
} // namespace sluice::cache::test
