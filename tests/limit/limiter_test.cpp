// The limiter on real shards, without a Redis: exact for the process, whichever shard asks.
#include "run.hpp"

#include <sluice/limit/limiter.hpp>

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <vector>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;

constexpr unsigned shard_count = 3;

class Limiter : public testing::Test
{
protected:
    void start(policy p)
    {
        all = std::make_unique<rate_limit>(std::move(p), rate_limit_options{.shards = shard_count, .keys = 3000});
        for (unsigned i = 0; i < shard_count; ++i) limiters.push_back(open_on(i));
    }
    limiter* open_on(unsigned on)
    {
        return shards
            .start(on,
                   [this]() -> task<limiter*> {
                       shard& here = shard::current();
                       co_return &here.own<limiter>(here, *all);
                   })
            .get();
    }
    decision decide(unsigned on, const client_key& key, std::uint32_t cost = 1)
    {
        return shards.start(on, [this, on, key, cost] { return limiters[on]->decide(key, cost); }).get();
    }
    // Many at once on each shard; how many pass.
    unsigned passed_of(unsigned requests, const client_key& key)
    {
        std::vector<std::future<decision>> waiting;
        for (unsigned i = 0; i < requests; ++i) {
            const unsigned on = i % shard_count;
            waiting.push_back(shards.start(on, [this, on, key] { return limiters[on]->decide(key); }));
        }
        unsigned passed = 0;
        for (auto& one : waiting) passed += one.get().is == outcome::passes ? 1 : 0;
        return passed;
    }
    limiter_counters counters()
    {
        limiter_counters sum;
        for (unsigned i = 0; i < shard_count; ++i) {
            const auto one =
                shards.start(i, [this, i]() -> task<limiter_counters> { co_return limiters[i]->counters(); }).get();
            sum.passed += one.passed;
            sum.refused += one.refused;
            sum.asked_home += one.asked_home;
            sum.leased += one.leased;
            sum.refused_at_once += one.refused_at_once;
        }
        return sum;
    }

    std::unique_ptr<rate_limit> all;
    std::vector<limiter*> limiters;
    sluice::test::shard_runner shards{shard_count};
};

TEST_F(Limiter, lets_exactly_the_limit_through_over_all_shards)
{
    start({.quotas = {{.requests = 50, .window = 1h}}});
    EXPECT_EQ(passed_of(300, client_key::of_text("a")), 50u);
    EXPECT_EQ(passed_of(300, client_key::of_text("b")), 50u);
    EXPECT_EQ(passed_of(30, client_key::of_text("c")), 30u);
    EXPECT_EQ(passed_of(30, client_key::of_text("a")), 0u);
    const auto said = counters();
    EXPECT_EQ(said.passed, 130u);
    EXPECT_EQ(said.refused, 530u);
    EXPECT_GT(said.refused_at_once, 0u);
}

TEST_F(Limiter, asks_little_about_a_busy_client_and_lets_no_more_through)
{
    constexpr unsigned limit = 20'000;
    start({.quotas = {{.requests = limit, .window = 1h}}});
    unsigned passed = 0;
    for (int round = 0; round < 60; ++round) passed += passed_of(500, client_key::of_text("busy"));
    EXPECT_LE(passed, limit);
    // The rest of leases on other shards, which last for a fifteenth of an hour.
    EXPECT_GE(passed, limit - shard_count * limit / 64);
    const auto said = counters();
    EXPECT_GT(said.leased, limit / 4);
}

TEST_F(Limiter, says_how_a_client_stands_and_when_it_may_come_again)
{
    start({.quotas = {{.requests = 5, .window = 60s}, {.requests = 8, .window = 1h}}});
    const client_key key = client_key::of_text("a");
    const decision first = decide(0, key);
    EXPECT_EQ(first.is, outcome::passes);
    ASSERT_EQ(first.quotas, 2u);
    EXPECT_EQ(first.standings[0].left, 4u);
    EXPECT_EQ(first.standings[1].left, 7u);
    EXPECT_EQ(decide(1, key, 4).is, outcome::passes);
    for (unsigned on = 0; on < shard_count; ++on) {
        const decision refused = decide(on, key);
        EXPECT_EQ(refused.is, outcome::refused);
        EXPECT_EQ(refused.standings[0].left, 0u);
        EXPECT_EQ(refused.standings[1].left, 3u);
        EXPECT_LE(refused.retry_in, 60s);
        EXPECT_GT(refused.retry_in, 1s);
    }
}

TEST_F(Limiter, goes_by_the_policy_that_is_in_force)
{
    start({.name = "first", .quotas = {{.requests = 2, .window = 1h}}});
    const client_key key = client_key::of_text("a");
    EXPECT_EQ(passed_of(9, key), 2u);
    ASSERT_TRUE(all->change({.name = "first", .quotas = {{.requests = 5, .window = 1h}}}));
    EXPECT_EQ(passed_of(9, key), 3u) << "two are counted already";
    ASSERT_TRUE(all->change({.name = "first", .quotas = {{.requests = 1, .window = 1h}}}));
    EXPECT_EQ(passed_of(9, key), 0u);
    ASSERT_TRUE(all->change({.name = "first", .quotas = {{.requests = 1, .window = 2h}}}));
    EXPECT_EQ(passed_of(9, key), 1u);
    EXPECT_FALSE(all->change({.name = "no name", .quotas = {{.requests = 1, .window = 2h}}}));
    EXPECT_FALSE(all->change({.name = "none", .quotas = {}}));
    EXPECT_FALSE(
        all->change({.name = "twice", .quotas = {{.requests = 1, .window = 1s}, {.requests = 2, .window = 1s}}}));
    EXPECT_EQ(all->in_force().quotas[0].window, 2h);
    EXPECT_EQ(all->policy_field(), R"("first";q=1;w=7200)");
    EXPECT_THROW(rate_limit({.quotas = {}}, {}), std::invalid_argument);
}

TEST_F(Limiter, keeps_its_bound_where_very_many_clients_come)
{
    start({.quotas = {{.requests = 5, .window = 1h}}});
    const client_key someone = client_key::of_text("someone");
    EXPECT_EQ(passed_of(20, someone), 5u);
    std::vector<std::future<bool>> waiting;
    for (unsigned on = 0; on < shard_count; ++on) {
        waiting.push_back(shards.start(on, [this, on]() -> task<bool> {
            for (unsigned i = 0; i < 50'000; ++i) {
                const client_key key = client_key::of_text(std::to_string(i * shard_count + on));
                const decision made = co_await limiters[on]->decide(key);
                if (made.is != outcome::passes) co_return false;
            }
            co_return true;
        }));
    }
    for (auto& one : waiting) EXPECT_TRUE(one.get());
    EXPECT_EQ(passed_of(20, someone), 0u);
}

using LimiterDeathTest = Limiter;

TEST_F(LimiterDeathTest, is_of_a_limit_that_knows_how_many_shards_there_are)
{
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    for (const unsigned said : {shard_count - 1, shard_count + 1}) {
        all = std::make_unique<rate_limit>(policy{.quotas = {{.requests = 5}}}, rate_limit_options{.shards = said});
        EXPECT_DEATH(open_on(0), "on.count\\(\\) == shared_.shards\\(\\)") << said;
    }
}

} // namespace
} // namespace sluice::limit
