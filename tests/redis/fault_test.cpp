// The client under load beside a real Redis to which one thing after another happens: every command ends, each reply is
// its own, no write is done twice, and afterwards all is well. Run by server.py.
#include "redis.hpp"

#include <array>
#include <atomic>
#include <future>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;

constexpr script own_word{"return ARGV[1]"};

// What a load of many tasks at once has seen so far.
struct ledger
{
    std::atomic<bool> enough = false;
    std::atomic<std::uint64_t> done = 0;
    std::atomic<std::uint64_t> failed = 0;
    std::atomic<std::uint64_t> foreign = 0;    // replies that were another's
    std::atomic<std::uint64_t> unexpected = 0; // errors that no fault explains
    std::vector<std::int64_t> increments;      // done, a task
    std::vector<std::int64_t> unknown;         // may have been done, a task
};

bool explained(const error& e)
{
    return e.code == errc::unavailable || e.code == errc::timeout || e.code == errc::outcome_unknown;
}

void note(ledger& in, const result<void>& how)
{
    ++(how ? in.done : in.failed);
    if (!how && !explained(how.error())) ++in.unexpected;
}

task<bool> work(client& redis, ledger& in, std::size_t index)
{
    const std::string counter = "n" + std::to_string(index);
    for (std::uint64_t i = 0; !in.enough; ++i) {
        const std::string word = std::to_string(index) + ":" + std::to_string(i);
        const auto echo = co_await redis.command("ECHO", word);
        if (echo && std::string_view(echo->text) != word) ++in.foreign;
        note(in, echo ? result<void>() : fail(echo.error()));

        const auto ran = co_await redis.eval(own_word, {}, word);
        if (ran && std::string_view(ran->text) != word) ++in.foreign;
        note(in, ran ? result<void>() : fail(ran.error()));

        const auto counted = co_await redis.incr(counter);
        in.increments[index] += counted ? 1 : 0;
        // Where nothing was sent, the error says so.
        in.unknown[index] += !counted && counted.error().code != errc::unavailable ? 1 : 0;
        note(in, counted ? result<void>() : fail(counted.error()));
        // Refused at once, it would never let anybody else turn.
        if (!counted && !co_await sleep_for(1ms)) co_return false;
    }
    co_return true;
}

class Fault : public test::Redis
{
protected:
    static constexpr std::size_t tasks = 50;

    void TearDown() override
    {
        test::order("thaw");
        if (test::admin({"PING"}).empty()) test::order("start");
    }

    client& open_under_load(client_options o)
    {
        client& redis = open(std::move(o));
        await_connected(redis);
        seen.increments.assign(tasks, 0);
        seen.unknown.assign(tasks, 0);
        for (std::size_t i = 0; i < tasks; ++i)
            working.push_back(shards.start(0, [this, &redis, i] { return work(redis, seen, i); }));
        await_progress();
        return redis;
    }
    // Until every task has had some replies, or some errors, more.
    void await_progress() { await_more(seen.done); }
    void await_failures() { await_more(seen.failed); }
    void await_more(const std::atomic<std::uint64_t>& of)
    {
        for (const std::uint64_t wanted = of + tasks * 3; of < wanted;) std::this_thread::sleep_for(1ms);
    }
    void stop_load()
    {
        seen.enough = true;
        for (auto& one : working) EXPECT_TRUE(one.get());
        working.clear();
        EXPECT_EQ(seen.foreign, 0u);
        EXPECT_EQ(seen.unexpected, 0u);
    }
    // Of a server that has kept what it was told.
    void expect_no_increment_twice()
    {
        for (std::size_t i = 0; i < tasks; ++i) {
            const std::string stored = test::admin({"GET", "n" + std::to_string(i)});
            const std::int64_t value = stored.empty() ? 0 : std::stoll(stored);
            EXPECT_GE(value, seen.increments[i]);
            EXPECT_LE(value, seen.increments[i] + seen.unknown[i]);
        }
    }
    void expect_all_is_well(client& redis)
    {
        await_connected(redis);
        EXPECT_TRUE(shards.run([&] { return redis.set("last", "x"); }));
        EXPECT_EQ(counters(redis).in_flight, 0u);
    }

    ledger seen;
    std::vector<std::future<bool>> working;
};

TEST_F(Fault, of_power_ends_every_command_and_the_next_run_serves_all)
{
    client& redis = open_under_load(hasty());
    for (int round = 0; round < 3; ++round) {
        test::order("kill");
        await_failures();
        test::order("start");
        await_progress();
    }
    stop_load();
    expect_all_is_well(redis);
}

TEST_F(Fault, of_a_server_that_is_frozen_ends_every_command_while_it_still_is)
{
    client& redis = open_under_load(hasty());
    for (int round = 0; round < 3; ++round) {
        test::order("freeze");
        await_failures();
        const auto away = counters(redis);
        await_failures();
        EXPECT_EQ(counters(redis).timeouts, away.timeouts) << "away, nobody waits";
        test::order("thaw");
        await_progress();
    }
    stop_load();
    expect_no_increment_twice();
    expect_all_is_well(redis);
}

TEST_F(Fault, of_a_script_that_runs_for_long_is_one_like_a_frozen_server)
{
    ASSERT_EQ(test::admin({"CONFIG", "SET", "busy-reply-threshold", "60000"}), "OK");
    client& redis = open_under_load(hasty());
    std::thread busy([] {
        test::admin({"EVAL",
                     "local function us() local t = redis.call('TIME') return t[1] * 1000000 + t[2] end "
                     "local till = us() + 700000 while us() < till do end return 1",
                     "0"});
    });
    await(redis, [](const client_counters& c) { return c.away; });
    await_failures();
    busy.join();
    await_progress();
    stop_load();
    expect_no_increment_twice();
    expect_all_is_well(redis);
}

TEST_F(Fault, of_a_server_that_says_it_is_busy_is_told_at_once)
{
    ASSERT_EQ(test::admin({"CONFIG", "SET", "busy-reply-threshold", "1"}), "OK");
    client& redis = open();
    await_connected(redis);
    std::thread busy([] { test::admin({"EVAL", "while true do end", "0"}); });
    for (;;) {
        const auto got = shards.run([&] { return redis.get("key"); });
        if (got) continue; // not busy yet
        EXPECT_EQ(got.error().code, errc::unavailable);
        break;
    }
    test::admin({"SCRIPT", "KILL"});
    busy.join();
    EXPECT_TRUE(shards.run([&] { return redis.get("key"); }));
    EXPECT_EQ(counters(redis).losses, 0u);
    ASSERT_EQ(test::admin({"CONFIG", "SET", "busy-reply-threshold", "5000"}), "OK");
}

// With so many keys, and so long for each, that it is asked meanwhile.
TEST_F(Fault, of_a_server_that_loads_its_data_is_told_at_once_and_passes_by_itself)
{
    client& redis = open();
    await_connected(redis);
    ASSERT_EQ(test::admin({"EVAL", "for i = 1, 200 do redis.call('SET', i, ('x'):rep(1000)) end return 1", "0"}), "1");
    ASSERT_EQ(test::admin({"CONFIG", "SET", "loading-process-events-interval-bytes", "1024"}), "OK");
    ASSERT_EQ(test::admin({"CONFIG", "SET", "key-load-delay", "5000"}), "OK");
    std::thread reload([] { EXPECT_EQ(test::admin({"DEBUG", "RELOAD"}), "OK"); });
    for (;;) {
        const auto got = shards.run([&] { return redis.get("1"); });
        if (got) continue; // it does not load yet
        EXPECT_EQ(got.error().code, errc::unavailable);
        EXPECT_EQ(got.error().detail, "Redis cannot do that now: it is loading its data");
        break;
    }
    reload.join();
    const auto got = shards.run([&] { return redis.get("1"); });
    ASSERT_TRUE(got && *got);
    EXPECT_EQ((*got)->size(), 1000u);
    EXPECT_EQ(counters(redis).losses, 0u);
    ASSERT_EQ(test::admin({"CONFIG", "SET", "key-load-delay", "0"}), "OK");
    ASSERT_EQ(test::admin({"CONFIG", "SET", "loading-process-events-interval-bytes", "2097152"}), "OK");
}

TEST_F(Fault, of_connections_that_are_dropped_leaves_nobody_waiting)
{
    client& redis = open_under_load(options());
    for (int round = 0; round < 20; ++round) {
        test::admin({"CLIENT", "KILL", "TYPE", "normal"});
        await_progress();
    }
    stop_load();
    EXPECT_GE(counters(redis).losses, 20u);
    EXPECT_EQ(counters(redis).timeouts, 0u);
    expect_no_increment_twice();
    expect_all_is_well(redis);
}

TEST_F(Fault, of_a_forgotten_script_and_a_forgotten_database_fails_nothing)
{
    client& redis = open_under_load(options());
    for (int round = 0; round < 20; ++round) {
        ASSERT_EQ(test::admin({"SCRIPT", "FLUSH"}), "OK");
        ASSERT_EQ(test::admin({"FLUSHALL"}), "OK");
        await_progress();
    }
    stop_load();
    EXPECT_EQ(seen.failed, 0u);
    EXPECT_GE(counters(redis).script_reloads, 1u);
    expect_all_is_well(redis);
}

TEST_F(Fault, of_memory_fails_what_needs_some_and_nothing_else)
{
    ASSERT_EQ(test::admin({"CONFIG", "SET", "maxmemory-policy", "noeviction"}), "OK");
    client& redis = open_under_load(options());
    ASSERT_EQ(test::admin({"CONFIG", "SET", "maxmemory", "1"}), "OK");
    await_failures();
    await_progress(); // ECHO needs none
    ASSERT_EQ(test::admin({"CONFIG", "SET", "maxmemory", "0"}), "OK");
    stop_load();
    EXPECT_EQ(counters(redis).losses, 0u);
    expect_no_increment_twice();
    expect_all_is_well(redis);
}

TEST_F(Fault, of_a_primary_that_became_a_replica_fails_writes_and_makes_us_look_for_another)
{
    client& redis = open_under_load(options());
    ASSERT_EQ(test::admin({"REPLICAOF", "127.0.0.1", "1"}), "OK");
    await_failures();
    await_progress(); // reads
    await(redis, [](const client_counters& c) { return c.losses == 1 && c.connects == 2; });
    ASSERT_EQ(test::admin({"REPLICAOF", "NO", "ONE"}), "OK");
    stop_load();
    EXPECT_EQ(counters(redis).unknown, 0u) << "it leaves once every reply is there";
    expect_no_increment_twice();
    expect_all_is_well(redis);
}

TEST_F(Fault, after_fault_in_any_order_ends_every_command)
{
    client& redis = open_under_load(hasty());
    const std::array<void (*)(), 6> faults = {
        [] { test::order("kill"), test::order("start"); },         [] { test::order("freeze"), test::order("thaw"); },
        [] { test::admin({"CLIENT", "KILL", "TYPE", "normal"}); }, [] { test::admin({"SCRIPT", "FLUSH"}); },
        [] { test::admin({"CLIENT", "PAUSE", "150", "ALL"}); },    [] { test::admin({"DEBUG", "SLEEP", "0.05"}); },
    };
    std::uint32_t seed = 1;
    for (int round = 0; round < 60; ++round) {
        seed = seed * 1664525 + 1013904223;
        faults[(seed >> 16) % faults.size()]();
        if (seed >> 31 == 0) await_progress();
    }
    await_progress();
    stop_load();
    expect_all_is_well(redis);
}

} // namespace
} // namespace sluice::redis
