// The counter against an exact log, under arrivals that mean harm.
#include "arrivals.hpp"
#include "limit/counter.hpp"
#include "some_rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;
using test::a_second;
using test::exact_log;
using test::of;
using test::own_counter;
using test::some_day;

verdict ask(own_counter& c, const rules& by, micros now, std::uint32_t cost = 1)
{
    return c.decide(by, {.cost = cost}, now);
}

TEST(Counter, lets_the_limit_through_and_no_more)
{
    own_counter c;
    const rules by = of({{.requests = 3, .window = 1s}});
    EXPECT_EQ(ask(c, by, some_day).standings[0].left, 2u);
    EXPECT_TRUE(ask(c, by, some_day + 1).passes);
    EXPECT_EQ(ask(c, by, some_day + 2).standings[0].left, 0u);
    const verdict refused = ask(c, by, some_day + 3);
    EXPECT_FALSE(refused.passes);
    EXPECT_GE(refused.passes_in, a_second - 3);
    EXPECT_LE(refused.passes_in, a_second);
}

TEST(Counter, lets_pass_when_it_said_that_it_would)
{
    own_counter c;
    const rules by = of({{.requests = 5, .window = 1s}});
    for (micros i = 0; i < 5; ++i) EXPECT_TRUE(ask(c, by, some_day + i * 90'000).passes);
    const micros now = some_day + 400'000;
    for (const std::uint32_t cost : {1u, 2u, 5u}) {
        const verdict refused = ask(c, by, now, cost);
        ASSERT_FALSE(refused.passes);
        own_counter then = c;
        EXPECT_FALSE(ask(then, by, now + refused.passes_in - 1, cost).passes);
        EXPECT_TRUE(ask(then, by, now + refused.passes_in, cost).passes);
    }
}

TEST(Counter, gives_a_burst_back_after_exactly_a_window)
{
    own_counter c;
    const rules by = of({{.requests = 100, .window = 60s}});
    EXPECT_TRUE(ask(c, by, some_day, 100).passes);
    const verdict refused = ask(c, by, some_day);
    EXPECT_EQ(refused.passes_in, 60 * a_second);
    EXPECT_EQ(refused.standings[0].more_in, 60 * a_second);
    EXPECT_FALSE(ask(c, by, some_day + 60 * a_second - 1).passes);
    EXPECT_TRUE(ask(c, by, some_day + 60 * a_second, 100).passes);
}

TEST(Counter, counts_a_request_under_all_quotas_or_none)
{
    own_counter c;
    const rules by = of({{.requests = 2, .window = 1s}, {.requests = 3, .window = 60s}});
    EXPECT_TRUE(ask(c, by, some_day).passes);
    EXPECT_TRUE(ask(c, by, some_day).passes);
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(ask(c, by, some_day + 1).passes); // by the second's quota: free
    EXPECT_EQ(ask(c, by, some_day + 1).standings[1].left, 1u);
    EXPECT_TRUE(ask(c, by, some_day + 2 * a_second).passes);
    const verdict refused = ask(c, by, some_day + 4 * a_second);
    EXPECT_FALSE(refused.passes);
    EXPECT_EQ(refused.standings[0].left, 2u);
    EXPECT_EQ(refused.standings[1].left, 0u);
    EXPECT_GT(refused.passes_in, 50 * a_second);
}

TEST(Counter, lets_what_costs_more_than_the_limit_pass_in_an_empty_window)
{
    own_counter c;
    const rules by = of({{.requests = 10, .window = 1s}});
    EXPECT_TRUE(ask(c, by, some_day, 1000).passes);
    EXPECT_FALSE(ask(c, by, some_day + 1).passes);
    EXPECT_FALSE(ask(c, by, some_day + a_second / 2, 1000).passes);
    EXPECT_TRUE(ask(c, by, some_day + 2 * a_second, 1000).passes);
}

TEST(Counter, does_not_open_a_window_again_for_a_clock_that_steps_back)
{
    own_counter c;
    const rules by = of({{.requests = 10, .window = 10s}});
    EXPECT_TRUE(ask(c, by, some_day, 10).passes);
    for (micros back = 1; back < 9 * a_second; back += a_second / 3) EXPECT_FALSE(ask(c, by, some_day - back).passes);
    const verdict refused = ask(c, by, some_day - 5 * a_second);
    EXPECT_EQ(refused.passes_in, 15 * a_second);
    EXPECT_TRUE(ask(c, by, some_day - 11 * a_second).passes) << "a step of more than a window";
}

TEST(Counter, takes_a_lease_out_of_the_limit_and_what_was_not_spent_back_into_it)
{
    own_counter c;
    const rules by = of({{.requests = 6400, .window = 15s}});
    const verdict first = c.decide(by, {.cost = 1, .want = 1000}, some_day + a_second / 4);
    ASSERT_TRUE(first.passes);
    EXPECT_EQ(first.lease, 100u) << "a share of the limit";
    EXPECT_EQ(first.lease_for, a_second - (some_day + a_second / 4) % a_second) << "until its sub-window ends";
    EXPECT_EQ(first.standings[0].left, 6400u - 101);
    const verdict second_one =
        c.decide(by, {.cost = 1, .back = 60, .back_at = first.lease_end}, some_day + a_second + a_second / 4);
    EXPECT_EQ(second_one.standings[0].left, 6400u - 101 + 60 - 1);
    const verdict dear = c.decide(by, {.cost = 6300, .want = 1000}, some_day + a_second + a_second / 4);
    EXPECT_TRUE(dear.passes);
    EXPECT_EQ(dear.lease, 7u) << "a share of what is left";
    EXPECT_EQ(c.decide(by, {.cost = 52, .want = 1000}, some_day + a_second + a_second / 4).lease, 0u);
}

TEST(Counter, believes_an_asker_who_knows_of_more)
{
    own_counter c;
    const rules by = of({{.requests = 10, .window = 10s}});
    EXPECT_EQ(c.decide(by, {.cost = 1, .more = 2, .least = {6}}, some_day).standings[0].left, 3u) << "it knew nothing";
    EXPECT_EQ(c.decide(by, {.cost = 1, .least = {9}}, some_day).standings[0].left, 2u) << "it knows something";
    EXPECT_EQ(c.decide(by, {.cost = 0, .least = {9}, .anew = true}, some_day).standings[0].left, 1u);
    EXPECT_EQ(c.decide(by, {.cost = 0, .least = {9}, .anew = true}, some_day).standings[0].left, 1u) << "it knows that";
    EXPECT_EQ(c.decide(by, {.cost = 0, .more = 1, .least = {1}}, some_day).standings[0].left, 0u);
    const verdict over = c.decide(by, {.cost = 1, .least = {15}, .anew = true}, some_day);
    EXPECT_FALSE(over.passes);
    EXPECT_EQ(over.standings[0].left, 0u);
}

TEST(Counter, counts_what_it_has_not_heard_of_beside_what_others_spent_for_an_asker_who_tells_all)
{
    const rules by = of({{.requests = 20, .window = 10s}});
    const auto left_after = [&](question told) {
        own_counter c;
        EXPECT_TRUE(c.decide(by, {.cost = 5}, some_day).passes); // by another asker
        told.cost = 0;
        told.anew = true;
        return c.decide(by, told, some_day).standings[0].left;
    };
    EXPECT_EQ(left_after({.more = 4, .least = {4}}), 11u) << "nothing of it was known";
    EXPECT_EQ(left_after({.more = 4, .least = {8}}), 11u) << "nor of the four";
    EXPECT_EQ(left_after({.more = 4, .least = {12}}), 8u) << "and some of the rest was forgotten";
    EXPECT_EQ(left_after({.more = 4, .least = {1}}), 14u) << "three have left the window";
}

// The proof of the bound, tried: docs/decisions.
void hold_against_the_log(const std::vector<quota>& quotas, const test::pattern& arrivals, std::uint64_t seed)
{
    SCOPED_TRACE(testing::Message() << arrivals.name << ", seed " << seed);
    const rules by = of(quotas);
    test::generator from(seed);
    own_counter counted;
    exact_log log;
    const rule& first = by.list[0];
    for (const auto& [at, cost] : arrivals.make(from, first, some_day + test::below(from, first.window))) {
        if (ask(counted, by, at, cost).passes) {
            log.add(at, cost);
            continue;
        }
        // Refused: some window that is at most one sub-window longer has no room for it.
        const bool rightly = std::ranges::any_of(by.all(), [&](const rule& one) {
            return log.within(at, one.window + sliding_window::width(one.window) - 1) + cost > one.requests;
        });
        ASSERT_TRUE(rightly) << at;
    }
    for (const rule& one : by.all()) ASSERT_LE(log.worst(one.window), one.requests);
}

TEST(CounterSimulation, never_passes_the_limit_in_any_window_and_refuses_little_more_than_an_exact_log)
{
    for (const test::pattern& arrivals : test::patterns) {
        for (std::uint64_t seed = 0; seed < 40; ++seed) {
            hold_against_the_log({{.requests = 100, .window = 1s}}, arrivals, seed);
            hold_against_the_log({{.requests = 37, .window = 61s}}, arrivals, seed);
            hold_against_the_log({{.requests = 10, .window = 1s}, {.requests = 45, .window = 11s}}, arrivals, seed);
        }
    }
}

TEST(CounterSimulation, gives_a_steady_client_nearly_all_that_it_may_have)
{
    test::generator from(1);
    const rules by = of({{.requests = 100, .window = 1s}});
    own_counter counted;
    exact_log log;
    const auto arrivals = test::drip(from, by.list[0], some_day);
    for (const auto& [at, cost] : arrivals)
        if (ask(counted, by, at, cost).passes) log.add(at, cost);
    const auto time = static_cast<double>(arrivals.back().at - arrivals.front().at) / a_second;
    EXPECT_GT(static_cast<double>(log.all()), 0.93 * 100 * time);
}

} // namespace
} // namespace sluice::limit
