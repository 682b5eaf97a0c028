// The client beside a real Redis to which things happen: what was sent, what was not, and how long anybody waits. Run
// by server.py.
#include "greeting_server.hpp"
#include "redis.hpp"

#include <sluice/telemetry/metrics.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <future>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;

class Loss : public test::Redis
{
protected:
    static void expect_shown(std::initializer_list<std::string_view> lines)
    {
        const std::string text = prometheus_text();
        for (const std::string_view line : lines)
            EXPECT_NE(text.find(std::string(line) + "\n"), std::string::npos) << line << " in " << text;
    }
    void TearDown() override
    {
        test::order("thaw");
        if (test::admin({"PING"}).empty()) test::order("start");
    }
};

TEST_F(Loss, of_a_killed_server_is_noticed_at_once_refused_quickly_and_mended_by_itself)
{
    metric_set shown;
    client_options with = options();
    with.metrics = &shown;
    client& redis = open(with);
    ASSERT_TRUE(shards.run([&] { return redis.set("key", "x"); }));
    expect_shown({"sluice_redis_away 0", "sluice_redis_connections 1", "sluice_redis_commands_total 1",
                  "sluice_redis_in_flight 0", "sluice_redis_losses_total 0"});
    test::order("kill");
    await(redis, [](const client_counters& c) { return c.away; });
    EXPECT_EQ(shards.run([&] { return redis.get("key"); }).error().code, errc::unavailable);
    const auto away = counters(redis);
    EXPECT_EQ(away.losses, 1u);
    EXPECT_GE(away.failed_connects, 1u);
    EXPECT_EQ(away.refused, 1u);
    EXPECT_FALSE(away.connected);
    expect_shown({"sluice_redis_away 1", "sluice_redis_connections 0", "sluice_redis_losses_total 1",
                  R"(sluice_redis_errors_total{why="refused"} 1)"});
    test::order("start");
    await_connected(redis);
    EXPECT_EQ(shards.run([&] { return redis.get("key"); }).value(), std::nullopt);
}

TEST_F(Loss, leaves_a_write_unknown_that_was_sent_and_a_read_unavailable)
{
    client& redis = open();
    await_connected(redis);
    test::order("freeze");
    auto write = shards.start(0, [&] { return redis.incr("n"); });
    auto read = shards.start(0, [&] { return redis.get("n"); });
    await(redis, [](const client_counters& c) { return c.in_flight == 2; });
    test::order("kill");
    EXPECT_EQ(write.get().error().code, errc::outcome_unknown);
    EXPECT_EQ(read.get().error().code, errc::unavailable);
    EXPECT_EQ(counters(redis).unknown, 2u);
}

TEST_F(Loss, of_an_idle_connection_fails_nothing)
{
    client& redis = open();
    ASSERT_TRUE(shards.run([&] { return redis.ping(); }));
    test::admin({"CLIENT", "KILL", "TYPE", "normal"});
    await(redis, [](const client_counters& c) { return c.losses == 1; });
    EXPECT_TRUE(shards.run([&] { return redis.ping(); }));
    EXPECT_EQ(counters(redis).refused, 0u);
    EXPECT_EQ(counters(redis).connects, 2u);
}

TEST_F(Loss, by_freezing_costs_one_command_timeout_once)
{
    client& redis = open(hasty());
    await_connected(redis);
    test::order("freeze");
    const auto first = shards.run([&] { return redis.incr("n"); });
    ASSERT_FALSE(first);
    EXPECT_TRUE(first.error().code == errc::timeout || first.error().code == errc::outcome_unknown);
    await(redis, [](const client_counters& c) { return c.away; });
    const auto before = counters(redis);
    for (const auto& one : all(100, [&redis](std::size_t) { return redis.incr("n"); }))
        EXPECT_EQ(one.error().code, errc::unavailable);
    const auto after = counters(redis);
    EXPECT_EQ(after.timeouts, before.timeouts) << "nobody waited";
    EXPECT_EQ(after.refused - before.refused, 100u);
    // Its kernel takes connections, but it greets nobody.
    await(redis, [](const client_counters& c) { return c.failed_connects >= 2 && c.away; });
    test::order("thaw");
    await_connected(redis);
    EXPECT_TRUE(shards.run([&] { return redis.incr("m"); }));
}

TEST_F(Loss, amid_a_crowd_tells_each_once_and_no_write_is_done_twice)
{
    client& redis = open();
    ASSERT_TRUE(shards.run([&] { return redis.incr("n"); }));
    std::vector<std::future<result<std::int64_t>>> waiting;
    for (int i = 0; i < 500; ++i) waiting.push_back(shards.start(0, [&] { return redis.incr("n"); }));
    test::admin({"CLIENT", "KILL", "TYPE", "normal"});
    for (int i = 0; i < 500; ++i) waiting.push_back(shards.start(0, [&] { return redis.incr("n"); }));
    std::int64_t done = 1, unknown = 0;
    for (auto& one : waiting) {
        const auto got = one.get();
        done += got ? 1 : 0;
        unknown += !got && got.error().code == errc::outcome_unknown ? 1 : 0;
        if (!got) EXPECT_EQ(got.error().code, errc::outcome_unknown);
    }
    const std::int64_t stored = std::stoll(test::admin({"GET", "n"}));
    EXPECT_GE(stored, done);
    EXPECT_LE(stored, done + unknown);
}

TEST_F(Loss, at_start_holds_nobody_longer_than_it_must)
{
    test::order("kill");
    client& redis = open();
    EXPECT_EQ(shards.run([&] { return redis.get("key"); }).error().code, errc::unavailable);
    test::order("start");
    await_connected(redis);
    EXPECT_TRUE(shards.run([&] { return redis.get("key"); }));
}

TEST_F(Loss, of_a_server_that_was_frozen_from_the_start_is_known_after_one_command_timeout)
{
    test::order("freeze");
    client_options o = hasty();
    o.connect_timeout = 60s;
    client& redis = open(o);
    EXPECT_EQ(shards.run([&] { return redis.get("key"); }).error().code, errc::timeout);
    EXPECT_EQ(shards.run([&] { return redis.get("key"); }).error().code, errc::unavailable);
    EXPECT_EQ(counters(redis).timeouts, 1u);
    test::order("thaw");
    await_connected(redis);
    EXPECT_TRUE(shards.run([&] { return redis.get("key"); }));
}

TEST_F(Loss, is_not_what_a_request_in_a_hurry_found_out)
{
    test::order("freeze");
    client& redis = open();
    context hurried;
    hurried.deadline = std::chrono::time_point_cast<duration>(steady_clock::now()) + 50ms;
    EXPECT_EQ(shards.start(0, [&] { return redis.get("key"); }, &hurried).get().error().code, errc::timeout);
    EXPECT_FALSE(counters(redis).away);
    auto patient = shards.start(0, [&] { return redis.get("key"); });
    test::order("thaw");
    EXPECT_TRUE(patient.get());
}

TEST_F(Loss, together_with_the_greeting_leaves_nobody_behind)
{
    const test::greeting_server server(test::greeting_server::then::hangs_up);
    client_options o = hasty();
    o.where = {.host = "127.0.0.1", .port = server.port};
    client& redis = open(o);
    for (int round = 0; round < 20; ++round)
        for (const auto& one : all(50, [&redis](std::size_t) { return redis.incr("n"); })) EXPECT_FALSE(one);
    await(redis, [](const client_counters& c) { return c.losses + c.failed_connects >= 20; });
    EXPECT_EQ(counters(redis).in_flight, 0u);
}

TEST_F(Loss, a_shard_ends_while_it_connects_and_while_replies_are_missing)
{
    std::future<result<std::int64_t>> left;
    {
        sluice::test::shard_runner brief;
        const auto own = [this](client_options o) {
            return [this, o]() -> task<client*> {
                shard& here = shard::current();
                co_return &here.own<client>(here, blocking, o);
            };
        };
        client& redis = *brief.run(own(hasty()));
        ASSERT_TRUE(brief.run([&redis] { return redis.ping(); }));
        test::order("freeze");
        EXPECT_NE(brief.run(own(options())), nullptr);
        left = brief.start(0, [&redis] { return redis.incr("n"); });
    }
    EXPECT_FALSE(left.get());
}

TEST_F(Loss, credentials_decide_who_is_served)
{
    ASSERT_EQ(test::admin({"ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "-client"}), "OK");
    client_options right = options();
    right.where.user = "app";
    right.where.password = "secret";
    client& served = open(right);
    EXPECT_TRUE(shards.run([&] { return served.ping(); })) << "not allowed to say its name, and served for all that";
    EXPECT_EQ(shards.run([&] { return served.command("ACL", "WHOAMI"); })->text, "app");

    client_options wrong = right;
    wrong.where.password = "guessed";
    client& refused = open(wrong);
    await(refused, [](const client_counters& c) { return c.away && c.failed_connects >= 2; });
    EXPECT_EQ(shards.run([&] { return refused.ping(); }).error().code, errc::unavailable);
    // It is let in as soon as the password is right.
    ASSERT_EQ(test::admin({"ACL", "SETUSER", "app", ">guessed"}), "OK");
    await_connected(refused);
    EXPECT_TRUE(shards.run([&] { return refused.ping(); }));
    ASSERT_EQ(test::admin({"ACL", "DELUSER", "app"}), "1");
}

TEST_F(Loss, a_database_that_is_not_there_is_no_connection)
{
    client_options far = options();
    far.where.database = 9999;
    client& redis = open(far);
    await(redis, [](const client_counters& c) { return c.away; });
    EXPECT_EQ(shards.run([&] { return redis.ping(); }).error().code, errc::unavailable);
}

TEST_F(Loss, a_name_that_nobody_knows_is_no_connection)
{
    client_options nowhere = options();
    nowhere.where.host = "name.invalid";
    client& redis = open(nowhere);
    await(redis, [](const client_counters& c) { return c.away; });
    EXPECT_EQ(shards.run([&] { return redis.ping(); }).error().code, errc::unavailable);
}

} // namespace
} // namespace sluice::redis
