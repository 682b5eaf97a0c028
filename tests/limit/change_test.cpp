// The policy changes while Redis has a question under the old one and has not answered it: what it says then is said to
// whoever asked, and holds for nobody who comes afterwards. Run by server.py.
#include "redis.hpp"

#include <sluice/limit/limiter.hpp>

#include <future>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;
using redis::test::order;

class Change : public redis::test::Redis
{
protected:
    void TearDown() override { order("thaw"); }

    static policy allowing(unsigned requests)
    {
        return {.name = "test", .quotas = {{.requests = requests, .window = 1h}}};
    }
    // Of a process of its own.
    limiter& open_limiter(rate_limit& of)
    {
        redis::client& client = open();
        await_connected(client);
        return *shards.run([&of, &client]() -> task<limiter*> {
            co_return &shard::current().own<limiter>(shard::current(), of, &client);
        });
    }
    auto start_decision(limiter& by, const client_key& key)
    {
        return shards.start(0, [&by, key] { return by.decide(key); });
    }
    decision decide(limiter& by, const client_key& key) { return start_decision(by, key).get(); }
    std::optional<decision> decide_at_once(limiter& by, const client_key& key)
    {
        return shards.run([&by, key]() -> task<std::optional<decision>> { co_return by.decide_at_once(key); });
    }
    limiter_counters counted(limiter& by)
    {
        return shards.run([&by]() -> task<limiter_counters> { co_return by.counters(); });
    }
    // Asks about somebody, changes the policy and has another client decided about by the new one, before Redis
    // answers.
    decision decide_while_it_changes(limiter& by, rate_limit& all, const policy& to)
    {
        order("freeze");
        const auto asked = counted(by).asked_redis;
        auto late = start_decision(by, somebody);
        EXPECT_EQ(counted(by).asked_redis, asked + 1);
        EXPECT_TRUE(all.change(to));
        auto other = start_decision(by, client_key::of_text("another"));
        EXPECT_EQ(counted(by).asked_redis, asked + 2);
        order("thaw");
        EXPECT_EQ(other.get().is, outcome::passes);
        return late.get();
    }

    const client_key somebody = client_key::of_text("somebody");
};

TEST_F(Change, to_a_higher_limit_is_not_undone_by_a_late_refusal)
{
    rate_limit all(allowing(2), {.redis_patience = options().command_timeout});
    rate_limit elsewhere(allowing(2), {.redis_patience = options().command_timeout});
    limiter& by = open_limiter(all);
    limiter& other = open_limiter(elsewhere);
    ASSERT_EQ(decide(by, client_key::of_text("for the script")).is, outcome::passes);
    for (int i = 0; i < 2; ++i) ASSERT_EQ(decide(other, somebody).is, outcome::passes);
    EXPECT_EQ(decide_while_it_changes(by, all, allowing(1000)).is, outcome::refused);
    EXPECT_FALSE(decide_at_once(by, somebody)) << "nothing is known of him";
    const decision made = decide(by, somebody);
    EXPECT_EQ(made.is, outcome::passes);
    EXPECT_EQ(made.standings[0].left, 997u);
}

TEST_F(Change, to_a_lower_limit_is_not_undone_by_a_late_lease)
{
    rate_limit all(allowing(100'000), {.redis_patience = options().command_timeout});
    limiter& by = open_limiter(all);
    for (int i = 0; i < 100; ++i) ASSERT_EQ(decide(by, somebody).is, outcome::passes);
    while (decide_at_once(by, somebody)) {
    } // the rest of the lease: the next asks for a larger one
    EXPECT_EQ(decide_while_it_changes(by, all, allowing(10)).is, outcome::passes);
    EXPECT_FALSE(decide_at_once(by, somebody)) << "nothing is known of him";
    EXPECT_EQ(decide(by, somebody).is, outcome::refused);
}

} // namespace
} // namespace sluice::limit
