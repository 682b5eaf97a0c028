// The client beside a real Redis that is well: who gets which reply, and what is refused. Run by server.py.
#include "redis.hpp"

#include <sluice/core/log.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <algorithm>
#include <array>
#include <future>
#include <mutex>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;

class Client : public test::Redis
{};

// Keeps what the log says of refused commands: their reasons.
class refusals final : public log_sink
{
public:
    refusals() : before_(exchange_log_sink(this)) {}
    ~refusals() { exchange_log_sink(before_); }
    refusals(const refusals&) = delete;
    refusals& operator=(const refusals&) = delete;

    void write(log_level, std::string_view message, std::span<const log_field> fields) noexcept override
    {
        if (message != "Redis refused a command") return;
        const std::scoped_lock lock(guard_);
        for (const log_field& one : fields) reasons_.emplace_back(std::get<std::string_view>(one.value));
    }
    [[nodiscard]] std::vector<std::string> reasons()
    {
        const std::scoped_lock lock(guard_);
        return reasons_;
    }

private:
    log_sink* before_;
    std::mutex guard_;
    std::vector<std::string> reasons_;
};

TEST_F(Client, gets_what_it_set_and_nothing_where_nothing_is)
{
    client& redis = open();
    const std::string binary("a\0b\r\n", 5);
    EXPECT_TRUE(shards.run([&] { return redis.set("key", binary); }));
    const auto found = shards.run([&] { return redis.get("key"); });
    ASSERT_TRUE(found && *found);
    EXPECT_EQ(std::string_view(**found), binary);
    EXPECT_EQ(shards.run([&] { return redis.get("other"); }).value(), std::nullopt);
    EXPECT_TRUE(shards.run([&] { return redis.del("key"); }).value());
    EXPECT_FALSE(shards.run([&] { return redis.del("key"); }).value());
    EXPECT_TRUE(shards.run([&] { return redis.ping(); }));
}

TEST_F(Client, lets_a_value_expire)
{
    client& redis = open();
    ASSERT_TRUE(shards.run([&] { return redis.set("kept", "x"); }));
    ASSERT_TRUE(shards.run([&] { return redis.set("brief", "x", 1h); }));
    ASSERT_TRUE(shards.run([&] { return redis.set("at once", "x", 1ns); }));
    EXPECT_EQ(test::admin({"TTL", "kept"}), "-1");
    EXPECT_GT(std::stoi(test::admin({"TTL", "brief"})), 3000);
    EXPECT_LE(std::stoi(test::admin({"PTTL", "at once"})), 1);
}

TEST_F(Client, gives_any_reply_in_its_form)
{
    client& redis = open();
    ASSERT_TRUE(shards.run([&] { return redis.command("HSET", "h", "n", -7, "t", "text"); }));
    const auto fields = shards.run([&] { return redis.command("HMGET", "h", "n", "t", "none"); });
    ASSERT_TRUE(fields);
    ASSERT_EQ(fields->is, reply::kind::array);
    ASSERT_EQ(fields->elements.size(), 3u);
    EXPECT_EQ(fields->elements[0].text, "-7");
    EXPECT_EQ(fields->elements[1].text, "text");
    EXPECT_TRUE(fields->elements[2].nil());
    EXPECT_EQ(shards.run([&] { return redis.command("HLEN", "h"); })->integer, 2);
}

TEST_F(Client, gives_each_of_many_at_once_its_own_reply)
{
    client& redis = open();
    const auto counted = all(2000, [&redis](std::size_t) { return redis.incr("n"); });
    std::vector<std::int64_t> values;
    for (const auto& one : counted) values.push_back(one.value());
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], static_cast<std::int64_t>(i) + 1);
}

task<void> count(client& redis, std::size_t& left, wait& all_done)
{
    const auto got = co_await redis.incr("n");
    EXPECT_TRUE(got);
    if (--left == 0) all_done.complete();
}

TEST_F(Client, sends_all_commands_of_a_turn_at_once)
{
    client& redis = open();
    await_connected(redis);
    const auto before = counters(redis);
    const auto finished = shards.run([&redis]() -> task<bool> {
        std::size_t left = 100;
        wait all_done;
        for (int i = 0; i < 100; ++i) shard::current().background().spawn(count(redis, left, all_done));
        co_return co_await all_done.until() == wait_end::completed;
    });
    EXPECT_TRUE(finished);
    const auto after = counters(redis);
    EXPECT_EQ(after.commands - before.commands, 100u);
    EXPECT_EQ(after.flights - before.flights, 1u);
    EXPECT_EQ(after.in_flight, 0u);
}

TEST_F(Client, fails_one_among_many_alone_and_tells_which_may_pass)
{
    client& redis = open();
    ASSERT_TRUE(shards.run([&] { return redis.set("text", "x"); }));
    const auto answers = all(100, [&redis](std::size_t i) { return redis.incr(i % 10 == 0 ? "text" : "n"); });
    for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i].has_value(), i % 10 != 0) << i;
    EXPECT_EQ(answers[0].error().code, errc::internal);
    EXPECT_EQ(answers[0].error().dependency, "redis");
    EXPECT_EQ(counters(redis).failures, 10u);

    ASSERT_EQ(test::admin({"CONFIG", "SET", "maxmemory", "1"}), "OK");
    EXPECT_EQ(shards.run([&] { return redis.set("text", "y"); }).error().code, errc::unavailable);
    EXPECT_TRUE(shards.run([&] { return redis.get("text"); }));
    ASSERT_EQ(test::admin({"CONFIG", "SET", "maxmemory", "0"}), "OK");
    EXPECT_TRUE(shards.run([&] { return redis.set("text", "y"); }));
}

TEST_F(Client, says_once_why_redis_refuses_commands_however_many)
{
    refusals said;
    client& redis = open();
    ASSERT_TRUE(shards.run([&] { return redis.set("text", "x"); }));
    for (const auto& one : all(100, [&redis](std::size_t) { return redis.incr("text"); })) EXPECT_FALSE(one);
    const auto push = [&redis](std::size_t) { return redis.command("LPUSH", "text", "x"); };
    for (const auto& one : all(100, push)) EXPECT_FALSE(one);
    for (const auto& one : all(100, [&redis](std::size_t) { return redis.incr("text"); })) EXPECT_FALSE(one);
    EXPECT_EQ(said.reasons(), (std::vector<std::string>{"ERR", "WRONGTYPE"}));
    EXPECT_EQ(counters(redis).failures, 300u);
}

TEST_F(Client, runs_scripts_by_their_digest_and_sends_those_again_that_the_server_forgot)
{
    static constexpr script add{"return redis.call('INCRBY', KEYS[1], ARGV[1])"};
    client& redis = open();
    const auto run = [&redis](std::size_t) -> task<result<reply>> {
        static constexpr std::array<std::string_view, 1> keys = {"n"};
        return redis.eval(add, keys, 5);
    };
    EXPECT_EQ(shards.run([&] { return run(0); })->integer, 5);
    EXPECT_EQ(shards.run([&] { return run(0); })->integer, 10);
    EXPECT_EQ(counters(redis).script_reloads, 0u);
    ASSERT_EQ(test::admin({"SCRIPT", "FLUSH"}), "OK");
    for (const auto& one : all(50, run)) ASSERT_TRUE(one) << one.error().detail;
    EXPECT_EQ(test::admin({"GET", "n"}), "260") << "each ran once";
    EXPECT_GE(counters(redis).script_reloads, 1u);

    static constexpr script wrong{"return nonsense("};
    EXPECT_EQ(shards.run([&] { return redis.eval(wrong, {}); }).error().code, errc::internal);
}

TEST_F(Client, says_who_it_is_and_uses_its_database)
{
    client_options other = options();
    other.where.database = 3;
    other.name = "sluice-test";
    client& redis = open(other);
    ASSERT_TRUE(shards.run([&] { return redis.set("key", "x"); }));
    EXPECT_EQ(test::admin({"EXISTS", "key"}), "0");
    EXPECT_EQ(shards.run([&] { return redis.command("CLIENT", "GETNAME"); })->text, "sluice-test");
}

TEST_F(Client, tells_which_run_of_the_server_answers_where_it_may_know)
{
    const auto run_id = [this](client& of) {
        return shards.run([&of]() -> task<std::string> { co_return std::string(of.run_id()); });
    };
    client& redis = open();
    await_connected(redis);
    const std::string info = test::admin({"INFO", "server"});
    EXPECT_NE(info.find("run_id:" + run_id(redis)), std::string::npos);
    EXPECT_EQ(run_id(redis).size(), 40u);

    ASSERT_EQ(test::admin({"ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "-info"}), "OK");
    client_options modest = options();
    modest.where.user = "app";
    modest.where.password = "secret";
    client& unknowing = open(modest);
    await_connected(unknowing);
    EXPECT_EQ(run_id(unknowing), "");
    EXPECT_TRUE(shards.run([&] { return unknowing.ping(); }));
    ASSERT_EQ(test::admin({"ACL", "DELUSER", "app"}), "1");
}

TEST_F(Client, shares_its_commands_out_over_several_connections_and_outlives_the_loss_of_one)
{
    client_options several = options();
    several.connections = 3;
    client& redis = open(several);
    await(redis, [](const client_counters& c) { return c.connects == 3; });
    const auto before = counters(redis);
    for (const auto& one : all(300, [&redis](std::size_t) { return redis.incr("n"); })) ASSERT_TRUE(one);
    EXPECT_EQ(test::admin({"GET", "n"}), "300");
    EXPECT_GE(counters(redis).flights - before.flights, 3u);
    EXPECT_EQ(counters(redis).commands - before.commands, 300u);

    const std::string id = std::to_string(shards.run([&] { return redis.command("CLIENT", "ID"); })->integer);
    ASSERT_EQ(test::admin({"CLIENT", "KILL", "ID", id}), "1");
    EXPECT_TRUE(shards.run([&] { return redis.set("key", "x"); }));
    await(redis, [](const client_counters& c) { return c.connects == 4; });
    const std::string run = shards.run([&redis]() -> task<std::string> { co_return std::string(redis.run_id()); });
    EXPECT_EQ(run.size(), 40u);
}

TEST_F(Client, shows_how_long_its_commands_took_by_names_that_no_request_chooses)
{
    metric_set shown;
    client_options with = options();
    with.metrics = &shown;
    with.connections = 2;
    client& redis = open(with);
    await_connected(redis);
    ASSERT_TRUE(shards.run([&] { return redis.set("key", "x"); }));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(shards.run([&] { return redis.get("key"); }));
    const auto unknown = [&redis](const char* name) { return [&redis, name] { return redis.command(name, "x"); }; };
    for (const char* name : {"MEMORY", "COMMAND", "NEVER\"} 1\nHEARD"}) (void)shards.run(unknown(name));
    const std::string text = prometheus_text();
    const auto shows = [&](const std::string& name, int times) {
        return text.find("\ndb_client_operation_duration_seconds_count{db_system_name=\"redis\",db_operation_name=\"" +
                         name + "\"} " + std::to_string(times) + "\n") != std::string::npos;
    };
    EXPECT_TRUE(shows("SET", 1)) << text;
    EXPECT_TRUE(shows("GET", 3)) << text;
    EXPECT_TRUE(shows("other", 3)) << text;
    EXPECT_EQ(text.find("HEARD"), std::string::npos);
}

TEST_F(Client, connects_over_a_unix_socket_and_by_name)
{
    client_options local = options();
    local.where = parse_url("unix:" + test::environment("SLUICE_TEST_REDIS_SOCKET")).value();
    client& over_socket = open(local);
    EXPECT_TRUE(shards.run([&] { return over_socket.ping(); }));
    client_options named = options();
    named.where.host = "localhost"; // the server listens on 127.0.0.1 only, whatever else the name has
    client& by_name = open(named);
    EXPECT_TRUE(shards.run([&] { return by_name.ping(); }));
}

TEST_F(Client, takes_no_more_than_its_bounds)
{
    client_options small = options();
    small.commands_max = 10;
    small.waiting_bytes_max = 1000;
    client& redis = open(small);
    await_connected(redis);
    const auto outcomes = shards.run([&redis]() -> task<std::array<errc, 2>> {
        const auto large = co_await redis.set("key", std::string(2000, 'x'));
        const auto fits = co_await redis.set("key", std::string(500, 'x'));
        co_return std::array<errc, 2>{large ? errc::internal : large.error().code,
                                      fits ? errc::internal : fits.error().code};
    });
    EXPECT_EQ(outcomes[0], errc::too_large);
    EXPECT_EQ(outcomes[1], errc::internal) << "that is, none";
    EXPECT_EQ(counters(redis).refused, 1u);

    auto crowd = all(50, [&redis](std::size_t) { return redis.command("DEBUG", "SLEEP", "0.02"); });
    const auto turned_away = std::ranges::count_if(crowd, [](const auto& one) { return !one; });
    EXPECT_GT(turned_away, 0);
    for (const auto& one : crowd)
        if (!one) EXPECT_EQ(one.error().code, errc::overloaded) << "it is there";
}

TEST_F(Client, sends_and_receives_what_is_larger_than_any_buffer)
{
    client& redis = open();
    const std::string large(std::size_t{5} << 20, 'x');
    ASSERT_TRUE(shards.run([&] { return redis.set("large", large); }));
    const auto found = shards.run([&] { return redis.get("large"); });
    ASSERT_TRUE(found && *found);
    EXPECT_TRUE(std::string_view(**found) == large);
}

TEST_F(Client, ends_a_connection_that_brings_a_reply_above_the_bound_and_goes_on_with_another)
{
    client_options small = options();
    small.reply_bytes_max = 100'000;
    client& redis = open(small);
    ASSERT_TRUE(shards.run([&] { return redis.set("large", std::string(200'000, 'x')); }));
    EXPECT_EQ(shards.run([&] { return redis.get("large"); }).error().code, errc::unavailable);
    EXPECT_TRUE(shards.run([&] { return redis.get("small"); }));
    const auto c = counters(redis);
    EXPECT_EQ(c.losses, 1u);
    EXPECT_EQ(c.connects, 2u);
}

TEST_F(Client, lets_a_request_go_whose_deadline_is_shorter_and_keeps_the_connection)
{
    client& redis = open();
    await_connected(redis);
    test::order("freeze");
    context hurried;
    hurried.deadline = std::chrono::time_point_cast<duration>(steady_clock::now()) + 50ms;
    const auto late = shards.start(0, [&] { return redis.incr("n"); }, &hurried).get();
    EXPECT_EQ(late.error().code, errc::timeout);
    test::order("thaw");
    EXPECT_EQ(shards.run([&] { return redis.incr("m"); }).value(), 1) << "the late reply is nobody's";
    EXPECT_EQ(counters(redis).losses, 0u);
}

} // namespace
} // namespace sluice::redis
