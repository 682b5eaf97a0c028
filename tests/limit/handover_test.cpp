// A process goes over to counting by itself, and back to Redis, while a question is on its way: it is not passed where
// the others are not counted any more. Run by server.py.
#include "redis.hpp"

#include <sluice/limit/limiter.hpp>

#include <array>
#include <latch>
#include <thread>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;
using redis::test::order;

constexpr unsigned allowed = 3; // so few that there are no leases

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
    // Whose home is shard 1.
    static client_key somebody()
    {
        for (int i = 0;; ++i) {
            const client_key key = client_key::of_text("somebody " + std::to_string(i));
            if (key.hash() % 2 == 1) return key;
        }
    }
    static policy local()
    {
        return {.name = "test", .quotas = {{.requests = allowed, .window = 1h}}, .without_redis = on_failure::local};
    }

    rate_limit all{local(), {.shards = 2, .redis_patience = options().command_timeout}};
    rate_limit another_process{local(), {.shards = 2, .redis_patience = options().command_timeout}};
    offload_pool blocking{{.threads = 2}};
    sluice::test::shard_runner two{2};
};

TEST_F(Handover, from_redis_lets_nobody_pass_whom_it_answers_too_late)
{
    redis::client_options nowhere = options();
    nowhere.where = redis::parse_url("unix:/nowhere/redis.sock").value();
    limiter& asks = *start_limiter(0, all, options());
    limiter& alone = *start_limiter(1, all, nowhere);
    const client_key key = somebody();
    ASSERT_EQ(decide(0, asks, client_key::of_text("somebody else")).is, outcome::passes); // the script is known now
    order("freeze");
    auto late = start_decision(0, asks, key);
    while (counted(0, asks).asked_redis < 2) std::this_thread::sleep_for(1ms);
    for (unsigned i = 0; i < allowed; ++i) EXPECT_EQ(decide(1, alone, key).is, outcome::passes);
    EXPECT_EQ(decide(1, alone, key).is, outcome::refused);
    EXPECT_TRUE(all.without_redis());
    order("thaw");
    EXPECT_EQ(late.get().is, outcome::refused);
}

TEST_F(Handover, to_redis_lets_nobody_pass_whom_the_process_answers_too_late)
{
    limiter& asks = *start_limiter(0, all, hasty());
    limiter& other = *start_limiter(0, another_process, options());
    (void)start_limiter(1, all, hasty());
    const client_key key = somebody();
    ASSERT_EQ(decide(0, asks, client_key::of_text("somebody else")).is, outcome::passes);
    order("freeze");
    EXPECT_EQ(decide(0, asks, key).is, outcome::passes);
    ASSERT_TRUE(all.without_redis());
    std::latch go_on{1};
    auto blocked = two.start(1, [&go_on]() -> task<int> {
        go_on.wait(); // the whole shard, as something long does that it should not
        co_return 0;
    });
    auto late = start_decision(0, asks, key);
    order("thaw");
    while (all.without_redis()) std::this_thread::sleep_for(1ms);
    while (decide(0, other, key).is == outcome::passes) {
    }
    go_on.count_down();
    (void)blocked.get();
    EXPECT_EQ(late.get().is, outcome::refused);
}

} // namespace
} // namespace sluice::limit
