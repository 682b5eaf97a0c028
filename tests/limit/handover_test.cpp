// A process goes over to counting by itself, and back to Redis, while a question is on its way: it is not passed where
// the others are not counted any more, and who alone asked passes. Run by server.py.
#include "redis.hpp"

#include <sluice/limit/limiter.hpp>

#include <array>
#include <latch>
#include <string>
#include <thread>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;
using redis::test::admin;
using redis::test::order;

constexpr unsigned allowed = 1;

class Handover : public redis::test::Redis
{
protected:
    void TearDown() override { order("thaw"); }

    limiter* start_limiter(unsigned on, rate_limit& of, const redis::client_options& with)
    {
        return two
            .start(on,
                   [this, &of, with]() -> task<limiter*> {
                       shard& here = shard::current();
                       auto& client = here.own<redis::client>(here, blocking, with);
                       co_return &here.own<limiter>(here, of, &client);
                   })
            .get();
    }
    auto start_decision(unsigned on, limiter& by, const client_key& key)
    {
        return two.start(on, [&by, key] { return by.decide(key); });
    }
    decision decide(unsigned on, limiter& by, const client_key& key) { return start_decision(on, by, key).get(); }
    limiter_counters counted(unsigned on, limiter& by)
    {
        return two.start(on, [&by]() -> task<limiter_counters> { co_return by.counters(); }).get();
    }
    // One of those whose home is shard 1.
    static client_key somebody(int which)
    {
        for (int i = 0;; ++i) {
            const client_key key = client_key::of_text("somebody " + std::to_string(i));
            if (key.hash() % 2 == 1 && --which == 0) return key;
        }
    }
    static policy local(unsigned requests = allowed, duration window = 1h)
    {
        return {.name = "test", .quotas = {{.requests = requests, .window = window}}};
    }

    rate_limit all{local(), {.shards = 2, .redis_patience = options().command_timeout}};
    rate_limit another_process{local(), {.shards = 2, .redis_patience = options().command_timeout}};
    offload_pool blocking{{.threads = 2}};
    sluice::test::shard_runner two{2};
};

TEST_F(Handover, from_redis_lets_nobody_pass_whom_it_answers_too_late_and_who_has_had_his_share)
{
    redis::client_options nowhere = options();
    nowhere.where = redis::parse_url("unix:/nowhere/redis.sock").value();
    limiter& asks = *start_limiter(0, all, options());
    limiter& alone = *start_limiter(1, all, nowhere);
    ASSERT_EQ(decide(0, asks, client_key::of_text("for the script")).is, outcome::passes);
    ASSERT_FALSE(all.without_redis());
    order("freeze");
    auto late = start_decision(0, asks, somebody(1));
    auto first = start_decision(0, asks, somebody(2));
    ASSERT_EQ(counted(0, asks).asked_redis, 3u);
    EXPECT_EQ(decide(1, alone, somebody(1)).is, outcome::passes);
    EXPECT_EQ(decide(1, alone, somebody(1)).is, outcome::refused);
    EXPECT_TRUE(all.without_redis());
    order("thaw");
    EXPECT_EQ(late.get().is, outcome::refused);
    EXPECT_EQ(first.get().is, outcome::passes);
    EXPECT_EQ(counted(0, asks).failures, 0u) << "Redis did answer";
}

TEST_F(Handover, to_redis_lets_nobody_pass_whom_the_process_answers_too_late_and_who_has_had_his_share)
{
    redis::client_options brief = options();
    brief.command_timeout = 2s;
    limiter& asks = *start_limiter(0, all, brief);
    limiter& other = *start_limiter(0, another_process, options());
    (void)start_limiter(1, all, brief);
    ASSERT_EQ(decide(0, asks, client_key::of_text("for the script")).is, outcome::passes);
    order("freeze");
    EXPECT_EQ(decide(0, asks, client_key::of_text("for the outage")).is, outcome::passes);
    ASSERT_TRUE(all.without_redis());
    const auto asked = counted(0, asks).asked_redis;
    std::latch go_on{1};
    auto blocked = two.start(1, [&go_on]() -> task<int> {
        go_on.wait(); // the whole shard, as something long does that it should not
        co_return 0;
    });
    auto late = start_decision(0, asks, somebody(1));
    auto first = start_decision(0, asks, somebody(2));
    EXPECT_EQ(counted(0, asks).asked_redis, asked);
    order("thaw");
    while (all.without_redis()) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(decide(0, other, somebody(1)).is, outcome::passes);
    EXPECT_FALSE(another_process.without_redis());
    go_on.count_down();
    (void)blocked.get();
    EXPECT_EQ(late.get().is, outcome::refused);
    EXPECT_EQ(first.get().is, outcome::passes);
    EXPECT_FALSE(all.without_redis());
}

// At the end of an outage, while a shard's client still waits before it connects again: there the key's home decides,
// and Redis for the others.
TEST_F(Handover, to_redis_counts_both_of_two_who_pass_at_once_in_either_place)
{
    redis::client_options brief = options();
    brief.command_timeout = 2s;
    redis::client_options nowhere = options();
    nowhere.where = redis::parse_url("unix:/nowhere/redis.sock").value();
    rate_limit two_allowed{local(2), {.shards = 2, .redis_patience = brief.command_timeout}};
    limiter& asks = *start_limiter(0, two_allowed, brief);
    limiter& waits = *start_limiter(1, two_allowed, nowhere);
    ASSERT_EQ(decide(0, asks, client_key::of_text("for the script")).is, outcome::passes);
    order("freeze");
    EXPECT_EQ(decide(0, asks, client_key::of_text("for the outage")).is, outcome::passes);
    order("thaw");
    while (two_allowed.without_redis()) std::this_thread::sleep_for(1ms);
    order("freeze");
    const auto asked = counted(0, asks).asked_redis;
    auto late = start_decision(0, asks, somebody(1));
    while (counted(0, asks).asked_redis == asked) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(decide(1, waits, somebody(1)).is, outcome::passes);
    order("thaw");
    EXPECT_EQ(late.get().is, outcome::passes);
    EXPECT_EQ(decide(1, waits, somebody(1)).is, outcome::refused);
    EXPECT_EQ(decide(0, asks, somebody(1)).is, outcome::refused);
}

TEST_F(Handover, from_redis_goes_on_from_what_either_shard_heard_of_it_before_the_limit_changed)
{
    redis::client_options brief = options();
    brief.command_timeout = 2s;
    rate_limit some{local(3), {.shards = 2, .redis_patience = brief.command_timeout}};
    std::array<limiter*, 2> by = {start_limiter(0, some, brief), start_limiter(1, some, brief)};
    for (unsigned on = 0; on < 2; ++on)
        for (int i = 0; i < 2; ++i)
            EXPECT_EQ(decide(on, *by[on], somebody(1 + static_cast<int>(on))).is, outcome::passes);
    ASSERT_TRUE(some.change(local(4)));
    order("freeze");
    EXPECT_EQ(decide(1, *by[1], client_key::of_text("for the outage")).is, outcome::passes);
    ASSERT_TRUE(some.without_redis());
    for (const int which : {1, 2}) {
        for (int i = 0; i < 2; ++i) EXPECT_EQ(decide(1, *by[1], somebody(which)).is, outcome::passes);
        EXPECT_EQ(decide(1, *by[1], somebody(which)).is, outcome::refused) << which;
    }
}

TEST_F(Handover, to_redis_counts_what_was_let_pass_beside_what_others_let_pass_before)
{
    redis::client_options brief = options();
    brief.command_timeout = 2s;
    rate_limit here{local(4), {.shards = 2, .redis_patience = brief.command_timeout}};
    rate_limit elsewhere{local(4), {.shards = 2, .redis_patience = options().command_timeout}};
    limiter& asks = *start_limiter(0, here, brief);
    limiter& other = *start_limiter(0, elsewhere, options());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(decide(0, other, somebody(1)).is, outcome::passes);
    order("freeze");
    EXPECT_EQ(decide(0, asks, client_key::of_text("for the outage")).is, outcome::passes);
    ASSERT_TRUE(here.without_redis());
    for (int i = 0; i < 2; ++i) EXPECT_EQ(decide(0, asks, somebody(1)).is, outcome::passes);
    order("thaw");
    while (here.without_redis()) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(decide(0, asks, somebody(1)).is, outcome::refused) << "three and two";
    EXPECT_EQ(decide(0, other, somebody(1)).is, outcome::refused);
}

// The windows of the two do not end together: what has left Redis's is deleted here, and somebody has come since.
TEST_F(Handover, to_redis_tells_of_what_was_let_pass_and_not_of_what_redis_itself_has_said)
{
    redis::client_options brief = options();
    brief.command_timeout = 2s;
    rate_limit here{local(10), {.shards = 2, .redis_patience = brief.command_timeout}};
    rate_limit elsewhere{local(10), {.shards = 2, .redis_patience = options().command_timeout}};
    limiter& asks = *start_limiter(0, here, brief);
    limiter& other = *start_limiter(0, elsewhere, options());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(decide(0, asks, somebody(1)).is, outcome::passes);
    order("freeze");
    EXPECT_EQ(decide(0, asks, somebody(1)).standings[0].left, 6u) << "it goes on from what Redis said";
    ASSERT_TRUE(here.without_redis());
    order("thaw");
    while (here.without_redis()) std::this_thread::sleep_for(1ms);
    admin({"FLUSHALL"});
    EXPECT_EQ(decide(0, other, somebody(1)).standings[0].left, 9u);
    EXPECT_EQ(decide(0, asks, somebody(1)).standings[0].left, 7u) << "one elsewhere, one in the outage, and this";
}

TEST_F(Handover, from_redis_of_who_asked_before_the_windows_changed_leaves_what_is_counted_since)
{
    redis::client_options nowhere = options();
    nowhere.where = redis::parse_url("unix:/nowhere/redis.sock").value();
    limiter& asks = *start_limiter(0, all, options());
    limiter& alone = *start_limiter(1, all, nowhere);
    ASSERT_EQ(decide(0, asks, client_key::of_text("for the script")).is, outcome::passes);
    order("freeze");
    auto late = start_decision(0, asks, somebody(1));
    ASSERT_EQ(counted(0, asks).asked_redis, 2u);
    ASSERT_TRUE(all.change(local(2, 2h)));
    for (int i = 0; i < 2; ++i) EXPECT_EQ(decide(1, alone, somebody(2)).is, outcome::passes);
    order("thaw");
    EXPECT_EQ(late.get().is, outcome::passes);
    EXPECT_EQ(decide(1, alone, somebody(2)).is, outcome::refused);
}

} // namespace
} // namespace sluice::limit
