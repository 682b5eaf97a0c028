// The limiter beside a Redis that is well, when the process cannot ask it: too much waits for it already, or the
// request has waited for it long enough. Neither is an outage. Run by server.py.
#include "limit/limit_state.hpp"
#include "redis.hpp"

#include <sluice/limit/limiter.hpp>

#include <future>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;
using redis::test::admin;
using redis::test::order;

constexpr unsigned requests = 10; // so few that there are no leases

class Patience : public redis::test::Redis
{
protected:
    void TearDown() override { order("thaw"); }

    void start(on_failure without_redis, redis::client_options with, unsigned allowed = requests)
    {
        all = std::make_unique<rate_limit>(
            policy{.name = "test", .quotas = {{.requests = allowed, .window = 1h}}, .without_redis = without_redis},
            rate_limit_options{.redis_patience = with.command_timeout});
        client = &open(with);
        await_connected(*client);
        by = shards.run(
            [this]() -> task<limiter*> { co_return &shard::current().own<limiter>(shard::current(), *all, client); });
    }
    auto start_decision(const client_key& key, context* during = nullptr)
    {
        return shards.start(0, [this, key] { return by->decide(key); }, during);
    }
    decision decide(const client_key& key) { return start_decision(key).get(); }
    // Of a request that has waited for Redis already as long as it may.
    decision decide_alone(const client_key& key)
    {
        context spent;
        spent.redis_waited = options().command_timeout;
        return start_decision(key, &spent).get();
    }
    limiter_counters counted()
    {
        return shards.run([this]() -> task<limiter_counters> { co_return by->counters(); });
    }
    void expect_no_outage()
    {
        EXPECT_FALSE(all->without_redis());
        EXPECT_EQ(counted().failures, 0u);
    }

    std::unique_ptr<rate_limit> all;
    redis::client* client = nullptr;
    limiter* by = nullptr;
    const client_key somebody = client_key::of_text("somebody");
};

// Redis is frozen, and nobody has noticed yet.
TEST_F(Patience, of_a_request_ends_at_once_where_too_much_waits_and_the_process_decides_about_it)
{
    redis::client_options narrow = options();
    narrow.commands_max = 1;
    start(on_failure::local, narrow);
    EXPECT_EQ(decide(somebody).standings[0].left, requests - 1);
    order("freeze");
    auto fills = shards.start(0, [this] { return client->get("key"); });
    const decision alone = decide(somebody);
    EXPECT_EQ(alone.is, outcome::passes);
    EXPECT_EQ(alone.standings[0].left, requests - 2) << "it goes on from what is known";
    EXPECT_EQ(counted().crowded, 1u);
    expect_no_outage();
    order("thaw");
    EXPECT_TRUE(fills.get());
    EXPECT_EQ(decide(somebody).standings[0].left, requests - 3) << "and Redis hears of it";
    EXPECT_EQ(counted().crowded, 1u);
}

TEST_F(Patience, of_a_request_ends_at_once_where_too_much_waits_and_it_is_refused_where_that_is_closed)
{
    redis::client_options narrow = options();
    narrow.commands_max = 1;
    start(on_failure::closed, narrow);
    order("freeze");
    auto fills = shards.start(0, [this] { return client->get("key"); });
    EXPECT_EQ(decide(somebody).is, outcome::unanswered);
    EXPECT_EQ(counted().crowded, 1u);
    expect_no_outage();
    order("thaw");
    EXPECT_TRUE(fills.get());
    EXPECT_EQ(decide(somebody).is, outcome::passes);
}

TEST_F(Patience, that_a_request_has_spent_is_not_asked_for_again)
{
    redis::client_options lasting = options();
    lasting.command_timeout = 1h;
    start(on_failure::local, lasting);
    context spent;
    spent.redis_waited = lasting.command_timeout;
    order("freeze");
    auto decided = start_decision(somebody, &spent);
    ASSERT_EQ(decided.wait_for(60s), std::future_status::ready);
    EXPECT_EQ(decided.get().standings[0].left, requests - 1);
    EXPECT_EQ(counted().spent, 1u);
    expect_no_outage();
}

TEST_F(Patience, of_which_little_is_left_says_nothing_of_redis)
{
    redis::client_options lasting = options();
    lasting.command_timeout = 1h;
    start(on_failure::local, lasting);
    context hurried;
    hurried.redis_waited = lasting.command_timeout - 50ms;
    order("freeze");
    auto decided = start_decision(somebody, &hurried);
    ASSERT_EQ(decided.wait_for(60s), std::future_status::ready);
    EXPECT_EQ(decided.get().is, outcome::passes);
    EXPECT_EQ(counted().spent, 1u);
    EXPECT_GE(hurried.redis_waited, lasting.command_timeout) << "what it has waited is known to whoever asks next";
    expect_no_outage();
}

TEST_F(Patience, ends_with_the_time_that_the_request_itself_has_which_says_nothing_of_redis)
{
    redis::client_options lasting = options();
    lasting.command_timeout = 1h;
    start(on_failure::local, lasting, 1000);
    EXPECT_EQ(decide(somebody).is, outcome::passes); // and the next asks for a lease
    order("freeze");
    auto asks = start_decision(somebody);
    context hurried;
    hurried.deadline = steady_clock::now() + 50ms;
    auto decided = start_decision(somebody, &hurried);
    ASSERT_EQ(decided.wait_for(60s), std::future_status::ready);
    EXPECT_EQ(decided.get().is, outcome::passes);
    EXPECT_EQ(counted().joined, 0u) << "the other's question lasts longer";
    EXPECT_EQ(counted().spent, 1u);
    order("thaw");
    EXPECT_EQ(asks.get().is, outcome::passes);
    expect_no_outage();
}

// As in a route group within another, whose limit has had most of the time already.
TEST_F(Patience, of_which_little_is_left_does_not_wait_for_another_requests_question)
{
    redis::client_options lasting = options();
    lasting.command_timeout = 1h;
    start(on_failure::local, lasting, 1000);
    EXPECT_EQ(decide(somebody).is, outcome::passes); // and the next asks for a lease
    order("freeze");
    auto asks = start_decision(somebody);
    auto joins = start_decision(somebody);
    context hurried;
    hurried.redis_waited = lasting.command_timeout - 50ms;
    auto decided = start_decision(somebody, &hurried);
    EXPECT_EQ(decided.wait_for(60s), std::future_status::ready);
    EXPECT_EQ(asks.wait_for(0s), std::future_status::timeout) << "Redis has not answered";
    EXPECT_EQ(counted().joined, 1u);
    EXPECT_EQ(counted().spent, 1u);
    order("thaw");
    for (auto* one : {&asks, &joins, &decided}) EXPECT_EQ(one->get().is, outcome::passes);
    expect_no_outage();
}

// What has nothing under way when Redis goes learns of it by its client alone, as after the end of an outage.
TEST_F(Patience, of_a_request_that_was_decided_about_alone_is_not_taken_for_an_outage_that_has_ended)
{
    start(on_failure::local, options());
    EXPECT_EQ(decide_alone(somebody).is, outcome::passes);
    while (all->state().home_counts(steady_clock::now())) std::this_thread::sleep_for(1ms);
    for (unsigned i = 1; i < requests; ++i) EXPECT_EQ(decide(somebody).is, outcome::passes);
    order("kill");
    await(*client, [](const redis::client_counters& c) { return c.away; });
    EXPECT_EQ(decide_alone(client_key::of_text("another")).is, outcome::passes);
    const decision made = decide(somebody);
    const bool outage = all->without_redis();
    order("start");
    EXPECT_EQ(made.is, outcome::refused) << "he has had his share, as the shard heard of Redis";
    EXPECT_TRUE(outage);
}

TEST_F(Patience, is_not_tried_by_a_huge_value_under_the_limiters_own_key)
{
    start(on_failure::closed, options());
    EXPECT_EQ(decide(somebody).standings[0].left, requests - 1);
    admin({"EVAL",
           "for _, k in ipairs(redis.call('KEYS', 'sluice:limit:*')) do redis.call('SET', k, ('x'):rep(10485760)) end",
           "0"});
    EXPECT_EQ(decide(somebody).is, outcome::passes);
    EXPECT_EQ(counted().unreadable, 1u);
    EXPECT_EQ(decide(somebody).standings[0].left, requests - 2);
    EXPECT_EQ(counted().unreadable, 1u);
    expect_no_outage();
}

} // namespace
} // namespace sluice::limit
